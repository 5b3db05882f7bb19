//! What is told of design jobs: events of their streams, the activity, webhooks, and whoever asked for them
//! (design-renders.md §11).

use sea_orm::EntityTrait;
use serde_json::json;

use super::Steps;
use crate::channels::{self, Said};
use crate::entity::{design_job, product};
use crate::streams::NewEvent;
use crate::tx::Tx;
use crate::{DbError, Json};
use packshot_domain::channel::{ActivityType, Message, NotificationType, Severity};
use packshot_domain::design_job::DesignStatus;
use packshot_domain::event::EventName;
use packshot_domain::media::AssetType;
use packshot_domain::stream::StreamId;

/// Tells that a job was made.
pub(super) async fn created(tx: &Tx<'_>, row: &design_job::Model, steps: &Steps) -> Result<(), DbError> {
    say(tx, row, steps, (EventName::DesignCreated, ActivityType::RenderJobCreated, "was started")).await
}

/// Tells that a job is in another state.
pub(super) async fn moved(tx: &Tx<'_>, row: &design_job::Model, steps: &Steps) -> Result<(), DbError> {
    let what = match row.status.0 {
        // That it waits again after a failure is in its row.
        DesignStatus::Pending => return Ok(()),
        DesignStatus::Compositing => {
            (EventName::DesignCompositing, ActivityType::RenderJobCompositing, "is being composed")
        }
        DesignStatus::Rendering => (EventName::DesignRendering, ActivityType::RenderJobRendering, "is being rendered"),
        DesignStatus::Completed => (EventName::DesignCompleted, ActivityType::RenderJobCompleted, "is ready"),
        DesignStatus::Failed => (EventName::DesignFailed, ActivityType::RenderJobFailed, "failed"),
        DesignStatus::Cancelled => (EventName::DesignCancelled, ActivityType::RenderJobCancelled, "was cancelled"),
    };
    say(tx, row, steps, what).await
}

/// Adds to the activity that a design was stored.
pub(super) async fn uploaded(tx: &Tx<'_>, row: &design_job::Model) -> Result<(), DbError> {
    let name = row.design.0["file_name"].as_str().unwrap_or_default().to_owned();
    let message = Message::new(&format!("{name} was uploaded as a design"));
    let data = json!({"file_name": name, "product_id": row.product_id.0.to_string()});
    let said = Said { actor: Some(row.created_by.0.uuid()), data, ..Said::about(message, row.id.0) };
    tx.told(|told| told.note(row.tenant_id.0, ActivityType::DesignUploaded, said));
    Ok(())
}

async fn say(
    tx: &Tx<'_>,
    row: &design_job::Model,
    steps: &Steps,
    (event, activity, words): (EventName, ActivityType, &str),
) -> Result<(), DbError> {
    let tenant = row.tenant_id.0;
    let data = json!({
        "render_job_id": row.id.0.to_string(),
        "product_id": row.product_id.0.to_string(),
        "status": row.status.0.as_str(),
        "progress_pct": row.progress_pct,
        "step": steps.running().map(|step| step.as_str()),
        "attempt": row.attempt,
        "error": row.error.as_ref().map(|error| &error.0),
    });
    tx.emit(tenant, StreamId::of_design(row.id.0), NewEvent { name: event, data: data.clone() });
    let product = product::Entity::find_by_id((row.tenant_id, row.product_id)).one(tx.on()).await?;
    let product = product.map_or_else(|| "a deleted product".to_owned(), |row| row.name.0.to_string());
    let why = row.error.as_ref().and_then(|error| error.0["detail"].as_str().map(|detail| format!(": {detail}")));
    let message = Message::new(&format!("Design on {product} {words}{}", why.as_deref().unwrap_or_default()));
    let severity = if row.status.0 == DesignStatus::Failed { Severity::Error } else { Severity::Info };
    let actor = (event == EventName::DesignCreated).then(|| row.created_by.0.uuid());
    let said = Said { severity, actor, data: data.clone(), ..Said::about(message, row.id.0) };
    tx.told(|told| told.note(tenant, activity, said));
    notify(tx, row, &product, data).await
}

/// Tells whoever asked for a job how it has ended.
async fn notify(tx: &Tx<'_>, row: &design_job::Model, product: &str, data: Json) -> Result<(), DbError> {
    let (of, severity, text) = match row.status.0 {
        DesignStatus::Completed => {
            let made = super::outputs(tx, row).await?;
            let n = made.iter().filter(|asset| asset.asset_type.0 == AssetType::View).count();
            let noun = if n == 1 { "picture" } else { "pictures" };
            let turntable = if n < made.len() { " and a turntable" } else { "" };
            let text = format!("Design on {product} is ready: {n} {noun}{turntable}");
            (NotificationType::DesignCompleted, Severity::Info, text)
        }
        DesignStatus::Failed => {
            let error = row.error.as_ref().and_then(|error| error.0["detail"].as_str()).unwrap_or("the job failed");
            let text = format!("Design on {product} failed: {error}");
            (NotificationType::DesignFailed, Severity::Error, text)
        }
        _ => return Ok(()),
    };
    let said = Said { severity, data, ..Said::about(Message::new(&text), row.id.0) };
    channels::notify(tx, row.tenant_id.0, [row.created_by.0], of, &said).await.map(drop)
}
