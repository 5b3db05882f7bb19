//! How long what people were told is kept (notifications.md §6).

use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::announcements;
use crate::column::{Col, arg};
use crate::entity::{event, stream};
use crate::level::Level;
use crate::tx::Tx;
use crate::{AllTenants, Db, DbError};
use packshot_domain::channel::preference::Retention;
use packshot_domain::id::TenantId;
use packshot_domain::stream::StreamKind;
use packshot_domain::time::Timestamp;

/// Entries that one transaction removes, so that nobody waits for long.
const ROWS_AT_ONCE: i64 = 5_000;
/// How long something waits for a digest at most.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Streams whose events one transaction looks at.
const STREAMS_AT_ONCE: usize = 100;

/// What is old in each table: its condition, with `$1` for the time.
const ACTIVITY: [&str; 2] = ["activity", "created_at < $1"];
const NOTIFICATIONS: [&str; 2] = ["notifications", "created_at < $1"];
const WAITING: [&str; 2] = ["waiting_notifications", "created_at < $1"];
const ALERTS: [&str; 2] = ["alerts", "state = 'resolved' AND resolved_at < $1"];

/// How many entries of each channel were removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Of the activity.
    pub activity: u64,
    /// Notifications.
    pub notifications: u64,
    /// Alerts.
    pub alerts: u64,
}

/// Removes entries of all tenants that are older than they are kept: of alerts those that were resolved so long ago.
/// What users' streams say goes as notifications do, and so do announcements, and what waits where nobody is notified.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn expire(db: &Db, all: AllTenants, kept: Retention) -> Result<Removed, DbError> {
    let now = db.now().await?;
    let before = |kept: Duration| now - kept;
    let told = before(kept.notifications);
    let removed = Removed {
        activity: remove(db, all, ACTIVITY, before(kept.activity)).await?,
        notifications: remove(db, all, NOTIFICATIONS, told).await?,
        alerts: remove(db, all, ALERTS, before(kept.alerts)).await?,
    };
    // What is told of once a day has had its time.
    remove(db, all, WAITING, told - DAY).await?;
    db.write(all, told, |tx, told| Box::pin(announcements::expire(tx, *told))).await?;
    let feeds = db.read(all, (), |tx, ()| Box::pin(feeds(tx))).await?;
    for some in feeds.chunks(STREAMS_AT_ONCE) {
        db.write(all, (some.to_vec(), told), |tx, (some, told)| Box::pin(forget(tx, some, *told))).await?;
    }
    Ok(removed)
}

/// Removes what is old in a table, some at a time.
async fn remove(db: &Db, all: AllTenants, what: [&'static str; 2], before: Timestamp) -> Result<u64, DbError> {
    let mut n_removed = 0;
    loop {
        let removed = db.write(all, (what, before), |tx, ([table, is_old], before)| {
            Box::pin(async move {
                let old = format!("SELECT tenant_id, id FROM {table} WHERE {is_old} LIMIT {ROWS_AT_ONCE}");
                let sql = format!("DELETE FROM {table} WHERE (tenant_id, id) IN ({old}) RETURNING 1");
                Ok(tx.query(&sql, [arg(*before)]).await?.len() as u64)
            })
        });
        let removed = removed.await?;
        n_removed += removed;
        if removed < ROWS_AT_ONCE.unsigned_abs() {
            return Ok(n_removed);
        }
    }
}

/// The streams of all users.
async fn feeds(tx: &Tx<'_>) -> Result<Vec<(TenantId, Uuid)>, DbError> {
    use stream::Column as C;
    let feeds = stream::Entity::find().filter(C::Kind.eq(Col(StreamKind::User)));
    let feeds = feeds.select_only().columns([C::TenantId, C::Id]).order_by_asc(C::TenantId).order_by_asc(C::Id);
    let feeds: Vec<(Col<TenantId>, Uuid)> = feeds.into_tuple().all(tx.on()).await?;
    Ok(feeds.into_iter().map(|(tenant, id)| (tenant.0, id)).collect())
}

/// Removes old events of users' streams, whose numbers go on.
async fn forget(tx: &Tx<'_>, feeds: &[(TenantId, Uuid)], before: Timestamp) -> Result<(), DbError> {
    use event::Column as C;
    tx.enter(Level::Stream);
    for (tenant, id) in feeds {
        let own = event::Entity::delete_many().filter(C::TenantId.eq(Col(*tenant)));
        let own = own.filter(C::Kind.eq(Col(StreamKind::User))).filter(C::Id.eq(*id));
        own.filter(C::CreatedAt.lt(Col(before))).exec(tx.on()).await?;
    }
    Ok(())
}
