//! What happened to the states of orders: rows that are only ever added.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::{OrderRef, find};
use crate::column::Col;
use crate::entity::order_change;
use crate::{Db, DbError, TenantScope};
use packshot_domain::order::{OrderStatus, RejectionReason};
use packshot_domain::time::Timestamp;

/// A change of an order's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusChange {
    /// Its number among the changes of the order, from 1.
    pub seq: u32,
    /// The state before.
    pub from: OrderStatus,
    /// The state after.
    pub to: OrderStatus,
    /// How often the order had been submitted.
    pub submission_no: u32,
    /// Whoever made it; `None` for what followed from the work of the service.
    pub actor: Option<uuid::Uuid>,
    /// Why, of a rejection.
    pub reason: Option<RejectionReason>,
    /// When.
    pub at: Timestamp,
}

/// Every change of an order's state, oldest first.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn history(db: &Db, scope: TenantScope, of: OrderRef) -> Result<Vec<StatusChange>, DbError> {
    db.read(scope, (scope.tenant, of), |tx, (tenant, of)| {
        Box::pin(async move {
            find(tx, *tenant, *of).await?;
            let rows = order_change::Entity::find()
                .filter(order_change::Column::TenantId.eq(Col(*tenant)))
                .filter(order_change::Column::OrderId.eq(Col(of.id)))
                .order_by_asc(order_change::Column::Seq);
            Ok(rows.all(tx.on()).await?.into_iter().map(StatusChange::from).collect())
        })
    })
    .await
}

impl From<order_change::Model> for StatusChange {
    fn from(row: order_change::Model) -> Self {
        Self {
            seq: row.seq.unsigned_abs(),
            from: row.from_status.0,
            to: row.to_status.0,
            submission_no: row.submission_no.unsigned_abs(),
            actor: row.actor_id,
            reason: row.reason.map(Col::value),
            at: row.at.0,
        }
    }
}
