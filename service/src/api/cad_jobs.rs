//! What is asked of CAD files: to be read again, to get a new picture; of one, or of all.

use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::answer::Answer;
use super::auth::Caller;
use super::cad_files::cad_file_id;
use super::idempotency;
use super::problem::ApiResult;
use super::state::AppState;
use crate::products::cad_jobs;
use packshot_contract::cad_file::Queued;
use packshot_contract::task::Task;

/// Requests without a body are equal when their paths are.
const NO_BODY: [u8; 32] = [0; 32];

fn accepted(task: &Task) -> ApiResult<Answer> {
    let place = format!("/api/v1/tasks/{}", task.id);
    Ok(Answer::json(StatusCode::ACCEPTED, task)?.with(LOCATION, place))
}

/// Reads a CAD file again
///
/// A STEP file is converted anew, by the converter of the settings file. What was read before stays until that is done,
/// and for good if it fails. Products of the file get materials for parts that have none.
#[utoipa::path(
    post, path = "/api/v1/cad-files/{id}/reextract", operation_id = "reextract_cad_file", tag = "catalogue",
    params(
        ("id" = String, Path, format = Uuid, description = "The CAD file"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer and makes one task"),
    ),
    responses((status = 202, description = "The task", body = Task)),
)]
pub(crate) async fn reextract(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let keyed = idempotency::of_request(&headers, &format!("/api/v1/cad-files/{id}/reextract"), NO_BODY)?;
    let id = cad_file_id(&id)?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move { accepted(&cad_jobs::reextract(&own, &who, id).await?) };
    idempotency::once(&state, &caller, keyed, once).await
}

/// Renders the picture of a CAD file anew
///
/// Its parts have the materials that its products give them, and else those that their names lead to. A STEP file that
/// has no GLB yet is converted first.
#[utoipa::path(
    post, path = "/api/v1/cad-files/{id}/regenerate-thumbnail", operation_id = "regenerate_cad_thumbnail", tag = "catalogue",
    params(
        ("id" = String, Path, format = Uuid, description = "The CAD file"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer and makes one task"),
    ),
    responses((status = 202, description = "The task", body = Task)),
)]
pub(crate) async fn regenerate_thumbnail(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let keyed = idempotency::of_request(&headers, &format!("/api/v1/cad-files/{id}/regenerate-thumbnail"), NO_BODY)?;
    let id = cad_file_id(&id)?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move { accepted(&cad_jobs::regenerate_thumbnail(&own, &who, id).await?) };
    idempotency::once(&state, &caller, keyed, once).await
}

/// Renders the pictures of all CAD files anew
///
/// Each file that can be rendered and that nothing works on gets a task.
#[utoipa::path(
    post, path = "/api/v1/admin/regenerate-thumbnails", operation_id = "regenerate_thumbnails", tag = "catalogue",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer and makes each task once"),
    ),
    responses((status = 202, description = "How many files got a task", body = Queued)),
)]
pub(crate) async fn regenerate_thumbnails(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let keyed = idempotency::of_request(&headers, "/api/v1/admin/regenerate-thumbnails", NO_BODY)?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move {
        let queued = cad_jobs::regenerate_thumbnails(&own, &who).await?;
        Answer::json(StatusCode::ACCEPTED, &queued)
    };
    idempotency::once(&state, &caller, keyed, once).await
}

/// Reads all CAD files that were uploaded and not read yet
///
/// Each that nothing works on gets a task: those that were uploaded while there was no converter, for example.
#[utoipa::path(
    post, path = "/api/v1/admin/process-unprocessed", operation_id = "process_unprocessed", tag = "catalogue",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer and makes each task once"),
    ),
    responses((status = 202, description = "How many files got a task", body = Queued)),
)]
pub(crate) async fn process_unprocessed(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let keyed = idempotency::of_request(&headers, "/api/v1/admin/process-unprocessed", NO_BODY)?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move {
        let queued = cad_jobs::process_unprocessed(&own, &who).await?;
        Answer::json(StatusCode::ACCEPTED, &queued)
    };
    idempotency::once(&state, &caller, keyed, once).await
}
