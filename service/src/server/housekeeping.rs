//! What is removed from time to time: files that nothing refers to, uploads and files of jobs that a process left
//! unfinished, finished pictures of series whose jobs have ended, and expired answers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::error::chain;
use crate::renders;
use crate::store::{Store, StoreError};
use packshot_db::{AllTenants, Db, DbError, TenantScope, idempotency, objects};

/// How often to look.
const EVERY: Duration = Duration::from_secs(600);
/// What was stored within this time may be about to be referred to: an upload is stored before its job is.
const GRACE: Duration = Duration::from_secs(3600);
/// Files removed in one go.
const OBJECTS_AT_ONCE: u32 = 500;

/// Why something was not removed. It will be, the next time.
#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error(transparent)]
    Database(#[from] DbError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Finished(#[from] renders::SweepError),
}

/// Runs for as long as the service does.
pub(super) async fn run(db: Db, store: Store, scratch: PathBuf) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match sweep(&db, &store, &scratch).await {
            Ok((0, 0)) => {}
            Ok((files, answers)) => tracing::info!(files, answers, "removed unused files and expired answers"),
            Err(error) => tracing::warn!("housekeeping: {}", chain(&error)),
        }
    }
}

/// How many files and how many stored answers were removed.
async fn sweep(db: &Db, store: &Store, scratch: &Path) -> Result<(u64, u64), SweepError> {
    let mut files = 0;
    loop {
        let found = objects::unreferenced(db, AllTenants::Housekeeping, GRACE, OBJECTS_AT_ONCE).await?;
        for (tenant, address) in &found {
            // The database decides, in one transaction, whether it may go; the file goes after that. So a crash in
            // between leaves a file too many, never one too few.
            if objects::forget(db, TenantScope::of(*tenant), *address, GRACE).await? {
                store.delete_older_than(*tenant, address, GRACE).await?;
                files += 1;
            }
        }
        if found.len() < OBJECTS_AT_ONCE as usize {
            break;
        }
    }
    store.clean().await?;
    let answers = idempotency::purge_expired(db, AllTenants::Housekeeping).await?;
    renders::sweep(db, scratch).await?;
    Ok((files, answers))
}
