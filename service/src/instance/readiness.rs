//! Whether work can be accepted and done.

use std::time::Duration;

use tokio::time::timeout;

use crate::app::App;
use crate::settings::InForce;
use crate::store::StoreError;
use packshot_contract::health::{Readiness, ReadyChecks, ReadyStatus};

/// A part that does not answer within this time counts as unreachable.
const PATIENCE: Duration = Duration::from_secs(2);
/// The word for a part that works.
const OK: &str = "ok";
const FULL: &str = "full";
const UNAVAILABLE: &str = "unavailable";

/// Whether work can be accepted and done, part by part. Takes a few seconds at most.
pub async fn readiness(app: &App) -> Readiness {
    let (database, storage, device) = tokio::join!(database(app), storage(app), device(app));
    let does_its_work = [database, storage, device].iter().all(|check| *check == OK);
    let is_ready = does_its_work && !app.queue.is_draining() && !app.hub.is_closed();
    let status = if is_ready { ReadyStatus::Ready } else { ReadyStatus::NotReady };
    let [database, storage, device] = [database, storage, device].map(str::to_owned);
    Readiness { status, checks: ReadyChecks { database, storage, device } }
}

async fn database(app: &App) -> &'static str {
    match timeout(PATIENCE, app.db.now()).await {
        Ok(Ok(_)) => OK,
        Ok(Err(_)) | Err(_) => UNAVAILABLE,
    }
}

async fn storage(app: &App) -> &'static str {
    match timeout(PATIENCE, app.store.probe()).await {
        Ok(Ok(())) => OK,
        Ok(Err(StoreError::Full)) => FULL,
        Ok(Err(_)) | Err(_) => UNAVAILABLE,
    }
}

/// Drivers may take their time; the processor is always there, so a search that is still running is not a problem.
async fn device(app: &App) -> &'static str {
    // The check of the database itself reports that it cannot be reached.
    let requested = timeout(PATIENCE, InForce::of_instance(&app.db, &app.settings)).await;
    let requested = requested.ok().and_then(Result::ok).map(|settings| settings.render_device);
    let requested = requested.unwrap_or_else(|| app.settings.render_device.clone());
    match timeout(PATIENCE, app.devices.look(requested)).await {
        Ok(Ok(devices)) if devices.items.iter().any(|device| device.selected) => OK,
        Ok(_) => UNAVAILABLE,
        Err(_) => OK,
    }
}
