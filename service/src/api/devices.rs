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
use crate::settings::InForce;
use packshot_contract::device::Devices;
use packshot_worker::device;

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

/// Lists the devices of this machine, and which one renders
#[utoipa::path(
    get, path = "/api/v1/devices", operation_id = "list_devices", tag = "instance",
    responses((status = 200, description = "The devices", body = Devices)),
)]
pub(crate) async fn list(State(state): State<AppState>, _: Caller) -> ApiResult<Response> {
    let wish = InForce::of_instance(&state.db, &state.settings).await?.render_device;
    Ok(Answer::json(StatusCode::OK, &*state.devices.look(wish).await?)?.into_response())
}
