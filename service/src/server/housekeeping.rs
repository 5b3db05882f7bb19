//! What is removed from time to time: uploads and files of jobs that a process left unfinished, finished pictures of
//! series whose jobs have ended, deleted tenants, and what has expired: answers, sessions, tickets of
//! downloads, entries of the audit log.
//! Stored files are the matter of [`chores`](crate::chores).

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::error::chain;
use super::purge::{self, PurgeError};
use crate::config::Settings;
use crate::renders;
use crate::settings::InForce;
use crate::store::{Store, StoreError};
use packshot_db::channels::retention::{self, Removed};
use packshot_db::channels::{announcements, digests};
use packshot_db::media::downloads;
use packshot_db::{AllTenants, Db, DbError, audit, idempotency, orders, sessions, tasks, webhooks};

/// How often to look whether somebody was to be told of a finished order, and was not (notifications.md §4).
const TOLD_EVERY: Duration = Duration::from_secs(60);
/// How often what people were told long ago is removed.
const FORGOTTEN_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// How often to look.
const EVERY: Duration = Duration::from_secs(600);

/// Why something was not removed. It will be, the next time.
#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error(transparent)]
    Database(#[from] DbError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Finished(#[from] renders::SweepError),
    #[error("a deleted tenant cannot be removed yet")]
    Purge(#[from] PurgeError),
}

/// Runs for as long as the service does.
pub(super) async fn run(db: Db, store: Store, settings: Arc<Settings>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match sweep(&db, &store, &settings).await {
            Ok(0) => {}
            Ok(answers) => tracing::info!(answers, "removed expired answers"),
            Err(error) => tracing::warn!("housekeeping: {}", chain(&error)),
        }
    }
}

/// Runs for as long as the service does: tells of finished orders of which nobody was told, and of what waited until
/// now.
pub(super) async fn tell(db: Db, settings: Arc<Settings>) {
    let mut ticks = interval(TOLD_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match orders::tell_missed(&db, AllTenants::Housekeeping).await {
            Ok(0) => {}
            Ok(missed) => tracing::warn!(missed, "told of finished orders of which nobody had been told"),
            Err(error) => tracing::warn!("finished orders cannot be told of: {}", chain(&error)),
        }
        if let Err(error) = tell_due(&db, &settings).await {
            tracing::warn!("people cannot be told what waits for them: {}", chain(&error));
        }
    }
}

/// Tells what is due: what people wanted to be told together, and announcements.
async fn tell_due(db: &Db, settings: &Settings) -> Result<(), DbError> {
    let hour = InForce::of_instance(db, settings).await?.digest_hour_utc;
    digests::deliver_due(db, AllTenants::Housekeeping, hour).await?;
    announcements::deliver_due(db, AllTenants::Housekeeping).await?;
    tasks::tell_of_gone(db, AllTenants::Housekeeping).await
}

/// Runs for as long as the service does: removes what people were told, once a day.
pub(super) async fn forget(db: Db, settings: Arc<Settings>) {
    let mut ticks = interval(FORGOTTEN_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match forget_told(&db, &settings).await {
            Ok(Removed { activity: 0, notifications: 0, alerts: 0 }) => {}
            Ok(Removed { activity, notifications, alerts }) => {
                tracing::info!(activity, notifications, alerts, "removed what people were told long ago");
            }
            Err(error) => tracing::warn!("what people were told cannot be removed: {}", chain(&error)),
        }
    }
}

async fn forget_told(db: &Db, settings: &Settings) -> Result<Removed, DbError> {
    let kept = InForce::of_instance(db, settings).await?.told_retention;
    retention::expire(db, AllTenants::Housekeeping, kept).await
}

/// How many stored answers were removed.
async fn sweep(db: &Db, store: &Store, settings: &Settings) -> Result<u64, SweepError> {
    store.clean().await?;
    store.sweep_cache().await?;
    let answers = idempotency::purge_expired(db, AllTenants::Housekeeping).await?;
    sessions::expire(db, AllTenants::Housekeeping).await?;
    downloads::expire(db, AllTenants::Housekeeping).await?;
    let retention = InForce::of_instance(db, settings).await?.audit_retention;
    let entries = audit::expire(db, AllTenants::Housekeeping, retention).await?;
    if entries > 0 {
        tracing::info!(entries, "removed old entries of the audit log");
    }
    let retention = InForce::of_instance(db, settings).await?.delivery_retention;
    let deliveries = webhooks::sweep(db, AllTenants::Housekeeping, retention).await?;
    if deliveries > 0 {
        tracing::info!(deliveries, "removed old deliveries to webhooks");
    }
    renders::sweep(db, &settings.scratch()).await?;
    purge::run(db, store).await?;
    Ok(answers)
}
