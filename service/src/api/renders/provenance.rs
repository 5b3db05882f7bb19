//! How the pictures of a render came about.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::render_id;
use crate::api::answer::Answer;
use crate::api::auth::Caller;
use crate::api::problem::ApiResult;
use crate::api::state::AppState;
use crate::renders;
use packshot_contract::provenance::Provenance;

/// Shows how the pictures came about: renderer, materials, shot, device, request
///
/// Its `request` and its `scene`, submitted again with `Cache-Control: no-cache` to the same version on the same
/// machine, give the same bytes. `packshot verify` does that on its own.
#[utoipa::path(
    get, path = "/api/v1/renders/{id}/provenance", operation_id = "get_provenance", tag = "results",
    params(("id" = String, Path, format = Uuid, description = "The render")),
    responses((status = 200, description = "The provenance", body = Provenance)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let provenance = renders::provenance(&state, &caller.0, render_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &provenance)?.into_response())
}
