//! The end of deleted tenants: what refers to their files, all other rows, their files, and then a tombstone.
//!
//! Each step is durable before the next begins, and doing one again changes nothing: whatever interrupts a purge, the
//! next one goes on.

use crate::store::{Store, StoreError};
use packshot_db::tenants::purge::{self, Progress};
use packshot_db::{AllTenants, Db, DbError};
use packshot_domain::id::TenantId;

/// Rows that go in one transaction: others wait for it on SQLite.
const ROWS_AT_ONCE: u32 = 500;

/// Why a purge stopped. The next one goes on.
#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    /// The database did not do its part.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The store did not do its part.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Purges every tenant whose time is over.
///
/// # Errors
/// [`PurgeError`].
pub async fn run(db: &Db, store: &Store) -> Result<(), PurgeError> {
    for tenant in purge::due(db, AllTenants::Housekeeping).await? {
        while !step(db, store, tenant, ROWS_AT_ONCE).await? {}
        tracing::info!("a deleted tenant was removed: the operating tenant's audit log has the counts");
    }
    Ok(())
}

/// Takes one step of the purge of a tenant, which removes at most `rows_max` rows; returns whether it was the last.
///
/// # Errors
/// [`PurgeError`].
pub async fn step(db: &Db, store: &Store, tenant: TenantId, rows_max: u32) -> Result<bool, PurgeError> {
    match purge::remove_some(db, AllTenants::Housekeeping, tenant, rows_max).await? {
        Progress::Over => Ok(true),
        Progress::Rows => Ok(false),
        Progress::Files => {
            store.delete_all(tenant).await?;
            Ok(purge::bury(db, AllTenants::Housekeeping, tenant).await?)
        }
    }
}
