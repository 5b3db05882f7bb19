//! Events for webhooks that nothing has caused.

use serde_json::{Map, json};

use crate::webhooks::publish::{Published, write};
use crate::{Db, DbError, TenantScope};
use packshot_domain::webhook::WebhookEvent;

/// Publishes the same event so often.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn publish(db: &Db, scope: TenantScope, event: WebhookEvent, n: usize) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, event, n), |tx, (tenant, event, n)| {
        Box::pin(async move {
            let of = |i: usize| Published::new(*event, Map::from_iter([("i".to_owned(), json!(i))]));
            write(tx, tx.now().await?, [(*tenant, (0..*n).map(of).collect())].into()).await
        })
    })
    .await
}
