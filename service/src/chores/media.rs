//! Letting go of media assets whose time is over and that nothing protects (media.md §8).

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::kept_tenants;
use packshot_db::media::retention;
use packshot_db::{Db, TenantScope};

/// How often the service looks.
const EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// Runs for as long as the service does.
pub async fn run(db: Db) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        sweep(&db).await;
    }
}

/// Looks in every tenant. What fails in one is said in the log and tried again the next time.
pub async fn sweep(db: &Db) {
    let tenants = match kept_tenants(db).await {
        Ok(tenants) => tenants,
        Err(error) => return tracing::warn!("media assets cannot expire: {error}"),
    };
    for tenant in tenants {
        match retention::expire(db, TenantScope::of(tenant)).await {
            Ok(0) => {}
            Ok(expired) => tracing::info!(%tenant, expired, "media assets have expired"),
            Err(error) => tracing::warn!(%tenant, "not all media assets that are due have expired: {error}"),
        }
    }
}
