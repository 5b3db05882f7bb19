//! What people are told of orders and lines (notifications.md §3).

use sea_orm::EntityTrait;
use serde_json::json;
use uuid::Uuid;

use crate::DbError;
use crate::channels::{self, Said};
use crate::entity::{order, order_line, output_type, product};
use crate::jobs::JobError;
use crate::tx::Tx;
use packshot_domain::channel::{self, ActivityType, Message, NotificationType, Severity};
use packshot_domain::id::UserId;
use packshot_domain::order::RejectionReason;
use packshot_domain::order::line::RenderStatus;

/// Adds to the activity that something happened to an order.
pub(super) fn note(tx: &Tx<'_>, of: &order::Model, what: ActivityType, by: Option<Uuid>) {
    let message = what.order_message(&of.order_number.0);
    let data = json!({"order_number": of.order_number.0.as_str(), "submission_no": of.submission_no});
    let said = Said { actor: by, data, ..Said::of_order(message, of.id.0) };
    tx.told(|told| told.note(of.tenant_id.0, what, said));
}

/// Tells those who run orders that one was handed over.
pub(super) async fn submitted(tx: &Tx<'_>, of: &order::Model, n_lines: usize, by: Option<Uuid>) -> Result<(), DbError> {
    let message = channel::submitted(&of.order_number.0, n_lines);
    let data = json!({
        "order_number": of.order_number.0.as_str(), "submission_no": of.submission_no, "lines": n_lines,
    });
    let said = Said { actor: by, data, ..Said::of_order(message, of.id.0) };
    // A key acts for whoever made the order.
    let managers = channels::managers(tx, of.tenant_id.0, Some(of.created_by.0)).await?;
    channels::notify(tx, of.tenant_id.0, managers, NotificationType::OrderSubmitted, &said).await.map(drop)
}

/// Tells those who run orders that a refused one was opened again.
pub(super) async fn resubmitted(tx: &Tx<'_>, of: &order::Model, by: Option<Uuid>) -> Result<(), DbError> {
    let message = ActivityType::OrderResubmitted.order_message(&of.order_number.0);
    let data = json!({"order_number": of.order_number.0.as_str(), "submission_no": of.submission_no});
    let said = Said { actor: by, data, ..Said::of_order(message, of.id.0) };
    let managers = channels::managers(tx, of.tenant_id.0, Some(of.created_by.0)).await?;
    channels::notify(tx, of.tenant_id.0, managers, NotificationType::OrderResubmitted, &said).await.map(drop)
}

/// Tells the creator of an order that it was refused.
pub(super) async fn rejected(
    tx: &Tx<'_>,
    of: &order::Model,
    reason: &RejectionReason,
    by: Option<Uuid>,
) -> Result<(), DbError> {
    let message = channel::rejected(&of.order_number.0, reason);
    let data = json!({"order_number": of.order_number.0.as_str(), "reason": reason.as_str()});
    let said = Said { severity: Severity::Warning, actor: by, data, ..Said::of_order(message, of.id.0) };
    let creator: [UserId; 1] = [of.created_by.0];
    channels::notify(tx, of.tenant_id.0, creator, NotificationType::OrderRejected, &said).await.map(drop)
}

/// Adds to the activity how the work of a line is going, when that has changed.
pub(super) async fn rendered(
    tx: &Tx<'_>,
    line: &order_line::Model,
    before: RenderStatus,
    error: Option<&JobError>,
) -> Result<(), DbError> {
    let now = line.render_status.0;
    let (what, severity, words) = match now {
        _ if now == before => return Ok(()),
        RenderStatus::Pending => return Ok(()),
        RenderStatus::Processing => (ActivityType::RenderStarted, Severity::Info, "started"),
        RenderStatus::Completed => (ActivityType::RenderCompleted, Severity::Info, "completed"),
        RenderStatus::Failed => (ActivityType::RenderFailed, Severity::Error, "failed"),
        RenderStatus::Cancelled => (ActivityType::RenderCancelled, Severity::Info, "was cancelled"),
    };
    let tenant = line.tenant_id;
    let product = product::Entity::find_by_id((tenant, line.product_id)).one(tx.on()).await?;
    let of = output_type::Entity::find_by_id((tenant, line.output_type_id)).one(tx.on()).await?;
    let product = product.map_or_else(String::new, |row| row.name.0.to_string());
    let of = of.map_or_else(String::new, |row| row.name.0.to_string());
    let error = error.filter(|_| now == RenderStatus::Failed);
    let why = error.map_or_else(String::new, |error| format!(": {}", error.detail));
    let data = json!({
        "product_name": product,
        "output_type": of,
        "job_id": line.job_id.map(|job| job.0.to_string()),
        "code": error.map(|error| error.code.as_str()),
        "unmapped_parts": line.unmapped_parts.filter(|_| now == RenderStatus::Completed),
    });
    let message = Message::new(&format!("{product}, {of}: the render {words}{why}"));
    let said = Said {
        severity,
        subject: Some(line.id.0.into()),
        line: Some(line.id.0),
        data,
        ..Said::of_order(message, line.order_id.0)
    };
    tx.told(|told| told.note(tenant.0, what, said));
    Ok(())
}
