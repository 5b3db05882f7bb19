//! What only a defect can do to the rounds of an order.

use crate::column::arg;
use crate::{Db, DbError, TenantScope};
use packshot_domain::id::OrderId;

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
