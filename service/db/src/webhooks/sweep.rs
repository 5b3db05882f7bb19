//! What goes with time: deliveries that have ended, their tasks, and webhooks that were deleted.

use std::time::Duration;

use crate::column::arg;
use crate::level::Level;
use crate::{AllTenants, Db, DbError};

/// Deliveries that have ended and are old.
const DELIVERIES: &str = "
    DELETE FROM webhook_deliveries WHERE created_at < $1 AND state IN ('delivered', 'failed') RETURNING id";
/// Their tasks, and those of earlier attempts at the same.
const TASKS: &str = "
    DELETE FROM tasks WHERE slot_id IS NOT NULL AND state IN ('completed', 'failed', 'cancelled')
        AND completed_at < $1 RETURNING id";
/// Deleted webhooks to which nothing is under way.
const WEBHOOKS: &str = "
    DELETE FROM webhooks WHERE deleted_at IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM tasks t WHERE t.tenant_id = webhooks.tenant_id AND t.slot_id = webhooks.id
            AND t.state IN ('queued', 'running')) RETURNING id";

/// Removes what is older than `retention`, and deleted webhooks; returns how many deliveries went by their age. Each
/// statement is a transaction of its own, and holds nothing that others wait for.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn sweep(db: &Db, all: AllTenants, retention: Duration) -> Result<usize, DbError> {
    let gone = async |sql: &'static str, is_by_age: bool, level: Level| {
        db.write(all, (sql, is_by_age, level, retention), |tx, (sql, is_by_age, level, retention)| {
            Box::pin(async move {
                tx.enter(*level);
                let before = tx.now().await? - *retention;
                let values = is_by_age.then(|| arg(before));
                Ok(tx.query(sql, values).await?.len())
            })
        })
        .await
    };
    let n = gone(DELIVERIES, true, Level::Webhook).await?;
    gone(TASKS, true, Level::Task).await?;
    gone(WEBHOOKS, false, Level::Webhook).await?;
    Ok(n)
}
