//! How the picture of a shadow run compares with the one that counts.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::runs::run_id;
use crate::api::answer::Answer;
use crate::api::auth::Caller;
use crate::api::files;
use crate::api::media::ArtifactBytes;
use crate::api::problem::{ApiError, ApiResult, Code};
use crate::api::state::AppState;
use crate::workflow::{self, ComparedPicture};
use packshot_contract::workflow::Comparison;

/// Compares a shadow run with its order line
///
/// The picture of the run with the one that counts, and what the gate of the output type says of it. The verdict is
/// `null` until both sides have ended; from then on it is kept with the run, whatever becomes of the files.
#[utoipa::path(
    get, path = "/api/workflows/runs/{id}/comparison", operation_id = "get_comparison", tag = "workflows",
    params(("id" = String, Path, format = Uuid, description = "The run")),
    responses((status = 200, description = "The comparison", body = Comparison)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let found = workflow::comparison(&state, &caller.0, run_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &found)?.into_response())
}

/// Sends a picture of a comparison
///
/// `authoritative` is the one that counts, `observer` that of the shadow run, and `flip` the map of their difference:
/// the brighter a pixel, the more a person sees of it.
#[utoipa::path(
    get, path = "/api/workflows/runs/{id}/comparison/{picture}", operation_id = "get_comparison_picture",
    tag = "workflows",
    params(
        ("id" = String, Path, format = Uuid, description = "The run"),
        ("picture" = String, Path, description = "`authoritative`, `observer` or `flip`"),
    ),
    responses(ArtifactBytes),
)]
pub(crate) async fn picture(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, picture)): Path<(String, String)>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let id = run_id(&id)?;
    let which = match picture.as_str() {
        "authoritative" => ComparedPicture::Authoritative,
        "observer" => ComparedPicture::Observer,
        "flip" => ComparedPicture::Flip,
        _ => {
            let detail = "a comparison has the pictures authoritative, observer and flip";
            return Err(ApiError::new(Code::FileNotFound, detail));
        }
    };
    let (address, media_type) = workflow::picture(&state, &caller.0, id, which).await?;
    files::respond(&state, &caller.0, &address, media_type, &headers).await
}
