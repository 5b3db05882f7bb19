//! Changes of an order's state: each with its stamp and its row in the history.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::json;

use super::{rounds, telling};
use crate::DbError;
use crate::column::Col;
use crate::entity::{order, order_change, order_line};
use crate::streams::NewEvent;
use crate::tx::Tx;
use packshot_domain::audit::Actor;
use packshot_domain::channel::ActivityType;
use packshot_domain::event::EventName;
use packshot_domain::order::{LineCounts, OrderChange, OrderRefusal, OrderStatus, RejectionReason};
use packshot_domain::stream::StreamId;

/// Makes a change of a locked order; the caller writes the row. A change that leaves the state as it is leaves no
/// trace.
pub(super) async fn advance(
    tx: &Tx<'_>,
    row: &mut order::Model,
    change: OrderChange,
    by: Option<&Actor>,
    reason: Option<&RejectionReason>,
) -> Result<(), DbError> {
    let (from, to) = (row.status.0, row.status.0.next(change).map_err(OrderRefusal::State)?);
    if from == to {
        return Ok(());
    }
    let now = tx.now().await?;
    let stamp = Some(Col(now));
    (row.status, row.updated_at) = (Col(to), Col(now));
    match change {
        OrderChange::Submit => (row.submitted_at, row.submission_no) = (stamp, row.submission_no + 1),
        OrderChange::Dispatch => row.processing_started_at = stamp,
        OrderChange::Finish => row.completed_at = stamp,
        OrderChange::Reject => (row.rejected_at, row.rejection_reason) = (stamp, reason.cloned().map(Col)),
        OrderChange::Resubmit => (row.rejected_at, row.rejection_reason) = (None, None),
        OrderChange::Return | OrderChange::Edit | OrderChange::Delete | OrderChange::CancelRenders => {}
    }
    let (tenant, id) = (row.tenant_id.0, row.id.0);
    let so_far = order_change::Entity::find()
        .filter(order_change::Column::TenantId.eq(Col(tenant)))
        .filter(order_change::Column::OrderId.eq(Col(id)));
    let n_so_far = so_far.count(tx.on()).await?;
    let entry = order_change::ActiveModel {
        tenant_id: Set(Col(tenant)),
        order_id: Set(Col(id)),
        seq: Set(i32::try_from(n_so_far + 1).unwrap_or(i32::MAX)),
        from_status: Set(Col(from)),
        to_status: Set(Col(to)),
        submission_no: Set(row.submission_no),
        actor_id: Set(by.and_then(|by| by.id)),
        reason: Set(reason.cloned().map(Col)),
        at: Set(Col(now)),
    };
    order_change::Entity::insert(entry).exec_without_returning(tx.on()).await?;
    let data = json!({"order_id": id.to_string(), "status": to.as_str()});
    tx.emit(tenant, StreamId::of_order(id), NewEvent { name: EventName::OrderStatus, data });
    if let Some(what) = ActivityType::of_order(change) {
        telling::note(tx, row, what, by.and_then(|by| by.id));
    }
    Ok(())
}

/// Lets a locked order follow its lines: when all have ended, so have it and its round. A submitted one passes through
/// `processing`.
pub(super) async fn settle(
    tx: &Tx<'_>,
    row: &mut order::Model,
    lines: &[order_line::Model],
    by: Option<&Actor>,
) -> Result<(), DbError> {
    let counts: LineCounts = lines.iter().map(|line| line.render_status.0).collect();
    let Some(change) = counts.end() else { return Ok(()) };
    if (row.status.0, change) == (OrderStatus::Submitted, OrderChange::Finish) {
        advance(tx, row, OrderChange::Dispatch, by, None).await?;
    }
    advance(tx, row, change, by, None).await?;
    rounds::close(tx, row, lines).await
}
