//! What can render on this machine.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::Caller;
use super::problem::ApiResult;
use super::state::AppState;
use crate::instance;
use packshot_contract::device::Devices;

/// Lists the devices of this machine, with the one that renders
#[utoipa::path(
    get, path = "/api/v1/devices", operation_id = "list_devices", tag = "instance",
    responses((status = 200, description = "The devices", body = Devices)),
)]
pub(crate) async fn list(State(state): State<AppState>, _: Caller) -> ApiResult<Response> {
    Ok(Answer::json(StatusCode::OK, &*instance::devices(&state).await?)?.into_response())
}
