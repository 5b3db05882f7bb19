//! What can render on this machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::sync::Mutex;

use super::answer::Answer;
use super::auth::Caller;
use super::problem::{ApiError, ApiResult};
use super::state::AppState;
use crate::config::Settings;
use crate::db::{AllTenants, Db, DbError, settings};
use crate::wire::device::Devices;
use crate::worker::device;

/// How long a look at the devices counts: asking drivers takes longer than a small picture.
const FRESH: Duration = Duration::from_secs(10);

/// The devices as they were found last.
#[derive(Default)]
pub(crate) struct DeviceList {
    found: Mutex<Option<Look>>,
}

/// One look at the devices.
struct Look {
    at: Instant,
    wish: String,
    devices: Arc<Devices>,
}

impl DeviceList {
    /// The devices as they were at most ten seconds ago, with the one selected that who wishes `wish` gets. Who asks meanwhile
    /// waits for the same look.
    ///
    /// # Errors
    /// An internal error when the look panicked.
    pub(crate) async fn look(&self, wish: String) -> ApiResult<Arc<Devices>> {
        let mut found = self.found.lock().await;
        if let Some(look) = &*found
            && look.at.elapsed() < FRESH
            && look.wish == wish
        {
            return Ok(Arc::clone(&look.devices));
        }
        let wished = wish.clone();
        let report = tokio::task::spawn_blocking(move || device::report(&wished)).await.map_err(ApiError::internal)?;
        let devices = Arc::new(Devices::from(report));
        *found = Some(Look { at: Instant::now(), wish, devices: Arc::clone(&devices) });
        Ok(devices)
    }
}

/// The device of jobs that do not name one: the instance's setting, else the configuration's.
///
/// # Errors
/// What the database says.
pub async fn render_device(db: &Db, settings: &Settings) -> Result<String, DbError> {
    let stored = settings::of_instance(db, AllTenants::Instance).await?.values;
    let stored = stored.get("render_device").and_then(|value| value.as_str());
    Ok(stored.unwrap_or(&settings.render_device).to_owned())
}

/// Lists the devices of this machine, and which one renders
#[utoipa::path(
    get, path = "/api/v1/devices", operation_id = "list_devices", tag = "instance",
    responses((status = 200, description = "The devices", body = Devices)),
)]
pub(crate) async fn list(State(state): State<AppState>, _: Caller) -> ApiResult<Response> {
    let wish = render_device(&state.db, &state.settings).await?;
    Ok(Answer::json(StatusCode::OK, &*state.devices.look(wish).await?)?.into_response())
}
