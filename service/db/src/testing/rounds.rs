//! What only a defect can do to the rounds of an order, and to who is told of them.

use crate::column::arg;
use crate::{Db, DbError, TenantScope};
use packshot_domain::id::{OrderId, UserId};

/// Forgets that people were told of an order: the rounds are closed, and nobody has their notification.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn forget_summary(db: &Db, scope: TenantScope, order: OrderId) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, order), |tx, (tenant, order)| {
        Box::pin(async move {
            let told = "DELETE FROM notifications WHERE tenant_id = $1 AND order_id = $2 \
                        AND event_type = 'order.rendering_complete' RETURNING id";
            tx.query(told, [arg(*tenant), arg(*order)]).await?;
            let rounds = "UPDATE order_rounds SET outcome = NULL WHERE tenant_id = $1 AND order_id = $2 RETURNING id";
            tx.query(rounds, [arg(*tenant), arg(*order)]).await?;
            Ok(())
        })
    })
    .await
}

/// Takes back the number of a person's last notification, so that no other can be written, or gives it again.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn block_notifications(db: &Db, scope: TenantScope, user: UserId, is_blocked: bool) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, user, is_blocked), |tx, (tenant, user, is_blocked)| {
        Box::pin(async move {
            let step: i64 = if *is_blocked { -1 } else { 1 };
            let sql = "UPDATE counters SET value = value + $3 WHERE tenant_id = $1 AND name = $2 RETURNING value";
            tx.query(sql, [arg(*tenant), format!("notifications_{user}").into(), step.into()]).await?;
            Ok(())
        })
    })
    .await
}
