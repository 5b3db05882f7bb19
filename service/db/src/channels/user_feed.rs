//! Where a person's stream begins: what they were told last, and the number of the last event that this contains.

use super::notifications::{self, NotificationFilter, Notifications};
use crate::{Db, DbError, PageRequest, TenantScope, streams};
use packshot_domain::id::UserId;
use packshot_domain::stream::StreamId;

/// The newest notifications of a person, and the number of the last event of their stream.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn begin(db: &Db, scope: TenantScope, user: UserId, limit: u32) -> Result<(Notifications, i64), DbError> {
    db.read_snapshot(scope, (scope.tenant, user, limit), |tx, (tenant, user, limit)| {
        Box::pin(async move {
            let page = PageRequest { limit: *limit, after: None };
            let newest = notifications::page_of(tx, (*tenant, *user), NotificationFilter::default(), &page).await?;
            Ok((newest, streams::last_seq_in(tx, *tenant, StreamId::of_user(*user)).await?))
        })
    })
    .await
}
