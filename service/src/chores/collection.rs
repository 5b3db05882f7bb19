//! Letting go of what is due: packages whose time is over or that nobody finalised, objects that nothing names, and
//! what a crash left in the store.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{ChoreError, kept_tenants, orphans};
use crate::store::Store;
use packshot_db::artifacts::collection::{self, Collection};
use packshot_db::{Db, TenantScope};
use packshot_domain::artifact::ORPHANED_AFTER;
use packshot_domain::id::TenantId;

/// How often the service collects.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// Runs for as long as the service does.
pub async fn run(db: Db, store: Store) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        sweep(&db, &store).await;
    }
}

/// Collects in every tenant. What fails in one is said in the log and tried again the next time.
pub async fn sweep(db: &Db, store: &Store) {
    let tenants = match kept_tenants(db).await {
        Ok(tenants) => tenants,
        Err(error) => return tracing::warn!("what is due cannot be collected: {error}"),
    };
    for tenant in tenants {
        if let Err(error) = sweep_one(db, store, tenant).await {
            tracing::warn!(%tenant, "not all that is due was collected: {error}");
        }
    }
}

async fn sweep_one(db: &Db, store: &Store, tenant: TenantId) -> Result<(), ChoreError> {
    let Collection { expired, abandoned, objects, bytes } = of_tenant(db, store, tenant).await?;
    if expired + abandoned + objects > 0 {
        tracing::info!(%tenant, expired, abandoned, objects, bytes, "collected what is due");
    }
    let before = db.now().await? - ORPHANED_AFTER;
    let removed = orphans::remove(db, store, tenant, before).await?;
    if removed.objects > 0 {
        let orphans::Orphans { objects, bytes } = removed;
        tracing::info!(%tenant, objects, bytes, "removed files from the store that nothing knows");
    }
    Ok(())
}

/// What a collection would remove now in a tenant.
///
/// # Errors
/// [`ChoreError::Database`].
pub async fn survey(db: &Db, tenant: TenantId) -> Result<Collection, ChoreError> {
    Ok(collection::survey(db, TenantScope::of(tenant)).await?)
}

/// Lets go of what is due in a tenant.
///
/// # Errors
/// [`ChoreError::Database`], [`ChoreError::Store`].
pub async fn of_tenant(db: &Db, store: &Store, tenant: TenantId) -> Result<Collection, ChoreError> {
    let own = store.clone();
    let removed = collection::run(db, TenantScope::of(tenant), move |address| {
        let store = own.clone();
        Box::pin(async move { store.delete(tenant, &address).await })
    });
    Ok(removed.await?)
}
