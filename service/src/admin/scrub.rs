//! Reading all stored files on the machine itself, also while the service runs.

use super::users::tenant_of;
use super::{AdminError, open};
use crate::chores::scrub::Scrub;
use crate::chores::{ChoreError, kept_tenants};
use crate::config::Settings;
use crate::server::app::store_config;
use crate::server::identity::{self, IdentityError};
use crate::store::{Pace, Store, StoreError};
use packshot_contract::chore::ScrubResult;
use packshot_db::Db;

/// Reads every stored file and compares it with its hash: of the tenant with this slug, or of all, at a rate in
/// megabytes per second, or as fast as it goes. What is found is noted, so that the service refuses what is damaged.
///
/// # Errors
/// When the data folder holds no installation, the database or the store is away, the store is that of another
/// database, or there is no such tenant.
pub async fn scrub(
    settings: &Settings,
    tenant: Option<String>,
    rate_mb_s: Option<u32>,
) -> Result<ScrubResult, AdminError> {
    let db = open(settings).await?;
    let scrubbed = scrub_in(&db, settings, tenant, rate_mb_s).await;
    db.close().await;
    scrubbed
}

async fn scrub_in(
    db: &Db,
    settings: &Settings,
    tenant: Option<String>,
    rate_mb_s: Option<u32>,
) -> Result<ScrubResult, AdminError> {
    let store = Store::open(&store_config(settings))?;
    // In an empty folder that stands for a disk which is not mounted, everything would be missing.
    identity::agree(db, &store).await.map_err(|error| match error {
        IdentityError::Database(error) => AdminError::from(error),
        IdentityError::Store(error) => error.into(),
        IdentityError::Mismatch(mismatch) => mismatch.into(),
    })?;
    let tenants = match tenant {
        Some(slug) => vec![tenant_of(db, Some(slug)).await?],
        None => kept_tenants(db).await?,
    };
    let pace = rate_mb_s.map_or_else(Pace::unlimited, Pace::of_mb_per_s);
    let scrub = Scrub { db, store: &store, pace };
    scrub.everything(&tenants, &|_| {}).await.map_err(|error| match error {
        ChoreError::Database(error) => error.into(),
        ChoreError::Store(StoreError::Away) => identity::Mismatch::NewStore.into(),
        ChoreError::Store(error) => error.into(),
        ChoreError::Log { error, .. } => packshot_db::DbError::from(error).into(),
    })
}
