//! Results of a render: its files, the report about its materials, and the picture so far while it runs.

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::render_id;
use crate::api::auth::Caller;
use crate::api::files::{self, is_known};
use crate::api::media::{AnyFile, Binary, PictureFile};
use crate::api::problem::{ApiError, ApiResult, Code};
use crate::api::state::AppState;
use crate::renders::results::{self, Preview, REPORT, ResultFile, SHOT};
use packshot_pipeline::plan::words::FileFormat;
use packshot_words::Word;

/// A preview is replaced by the next.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

async fn send(state: &AppState, caller: &Caller, file: ResultFile, headers: &HeaderMap) -> ApiResult<Response> {
    files::respond(state, &caller.0, &file.address, &file.media_type, headers).await
}

/// Fetches the first file of a format
#[utoipa::path(
    get, path = "/api/v1/renders/{id}/{result}", operation_id = "get_result", tag = "results",
    params(
        ("id" = String, Path, format = Uuid, description = "The render"),
        ("result" = String, Path, pattern = "^result\\.(png|exr|jpg|webp|avif|tiff|mp4|apng|zip)$", description = "`result.` and a format"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-None-Match" = Option<String>, Header, description = "`ETag` of what the client already has"),
    ),
    responses(PictureFile),
)]
pub(crate) async fn result(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, result)): Path<(String, String)>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    // Every format, whether a render made it or not.
    let format = result.strip_prefix("result.").and_then(FileFormat::by_word);
    let format = format.ok_or_else(|| ApiError::new(Code::NotFound, "there is nothing at this path"))?;
    send(&state, &caller, results::first_of(&state, &caller.0, render_id(&id)?, format).await?, &headers).await
}

/// Fetches a file by its name
#[utoipa::path(
    get, path = "/api/v1/renders/{id}/files/{name}", operation_id = "get_file", tag = "results",
    params(
        ("id" = String, Path, format = Uuid, description = "The render"),
        ("name" = String, Path, description = "The name in `result.files`"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-None-Match" = Option<String>, Header, description = "`ETag` of what the client already has"),
    ),
    responses(AnyFile),
)]
pub(crate) async fn file(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    send(&state, &caller, results::named(&state, &caller.0, render_id(&id)?, &name).await?, &headers).await
}

/// Fetches the report: which part got which material and why, and the findings
#[utoipa::path(
    get, path = "/api/v1/renders/{id}/report.json", operation_id = "get_report", tag = "results",
    params(("id" = String, Path, format = Uuid, description = "The render")),
    responses((status = 200, description = "The report", body = packshot_contract::preflight::Preflight)),
)]
pub(crate) async fn report(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    send(&state, &caller, results::named(&state, &caller.0, render_id(&id)?, REPORT).await?, &headers).await
}

/// Fetches the shot: camera, film settings, light and materials in effect
#[utoipa::path(
    get, path = "/api/v1/renders/{id}/shot.json", operation_id = "get_shot", tag = "results",
    params(("id" = String, Path, format = Uuid, description = "The render")),
    responses((status = 200, description = "The shot, as `packshot render --shot` reads it", body = serde_json::Value)),
)]
pub(crate) async fn shot(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    send(&state, &caller, results::named(&state, &caller.0, render_id(&id)?, SHOT).await?, &headers).await
}

/// Fetches the picture so far
///
/// It is available from the first sample on. After the end it is the final picture, at most 1024 pixels along its
/// longer side.
#[utoipa::path(
    get, path = "/api/v1/renders/{id}/preview.png", operation_id = "get_preview", tag = "results",
    params(
        ("id" = String, Path, format = Uuid, description = "The render"),
        ("If-None-Match" = Option<String>, Header, description = "`ETag` of what the client already has"),
    ),
    responses(
        (status = 200, description = "The picture so far", body = inline(Binary), content_type = "image/png"),
        (status = 304, description = "There is no newer one"),
    ),
)]
pub(crate) async fn preview(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let preview = match results::preview(&state, &caller.0, render_id(&id)?).await? {
        Preview::SoFar(preview) => preview,
        Preview::Final(address) => {
            let mut response = files::respond(&state, &caller.0, &address, "image/png", &headers).await?;
            response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
            return Ok(response);
        }
    };
    let tag = HeaderValue::try_from(&preview.etag).map_err(ApiError::internal)?;
    let common = [(ETAG, tag), (CACHE_CONTROL, NO_STORE)];
    if is_known(&headers, &preview.etag) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    Ok((common, [(CONTENT_TYPE, "image/png")], preview.png.clone()).into_response())
}
