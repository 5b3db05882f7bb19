//! What a render left: its files, the report about its materials, and the picture so far while it runs.

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::render_id;
use crate::api::auth::Caller;
use crate::api::files::{self, is_known};
use crate::api::problem::{ApiError, ApiResult, Code};
use crate::api::state::AppState;
use packshot_contract::Word;
use packshot_contract::request::Format;
use packshot_db::TenantScope;
use packshot_db::files::{self as rows, RenderFile};
use packshot_db::renders;
use packshot_domain::id::RenderId;
use packshot_domain::render::RenderState;
use packshot_worker::protocol::PREVIEW_NAME;

/// A preview is replaced by the next.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// The file with the report.
const REPORT: &str = "report.json";
/// The file with the shot.
const SHOT: &str = "shot.json";

/// The files of a render that has completed.
async fn files_of(state: &AppState, scope: TenantScope, id: RenderId) -> ApiResult<Vec<RenderFile>> {
    let render = renders::get(&state.db, scope, id).await?;
    if render.state != RenderState::Completed {
        let detail = format!("the render is {}", render.state);
        return Err(ApiError::new(Code::RenderNotCompleted, detail));
    }
    Ok(rows::of_render(&state.db, scope, id).await?)
}

async fn send(
    state: &AppState,
    scope: TenantScope,
    id: RenderId,
    headers: &HeaderMap,
    is_wanted: impl Fn(&RenderFile) -> bool,
) -> ApiResult<Response> {
    let found = files_of(state, scope, id).await?.into_iter().find(is_wanted);
    let file = found.ok_or_else(|| ApiError::new(Code::FormatNotAvailable, "the render did not make this file"))?;
    files::respond(state, scope, &file.address, &file.media_type, headers).await
}

/// Whether a file is a picture, and not something about it.
fn is_picture(file: &RenderFile) -> bool {
    file.width.is_some() && file.name != PREVIEW_NAME
}

/// Fetches the first file of a format
#[utoipa::path(
    get, path = "/api/v1/renders/{id}/{result}", operation_id = "get_result", tag = "results",
    params(
        ("id" = String, Path, format = Uuid, description = "The render"),
        ("result" = String, Path, pattern = "^result\\.(png|exr|jpg|webp|avif|tiff|mp4|apng|zip)$", description = "`result.` and a format", example = "result.png"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that is known already"),
    ),
    responses(
        (status = 200, description = "The file", content((Vec<u8> = "image/png"), (Vec<u8> = "image/x-exr"), (Vec<u8> = "video/mp4"), (Vec<u8> = "application/zip"))),
        (status = 206, description = "A range of the file", content((Vec<u8> = "image/png"), (Vec<u8> = "image/x-exr"), (Vec<u8> = "video/mp4"), (Vec<u8> = "application/zip"))),
        (status = 304, description = "The file is known already"),
    ),
)]
pub(crate) async fn result(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, result)): Path<(String, String)>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    // Every format there is, whether a render made it or not.
    let format = result.strip_prefix("result.").filter(|format| Format::from_word(format).is_some());
    let format = format.ok_or_else(|| ApiError::new(Code::NotFound, "nothing has this path"))?;
    send(&state, caller.scope(), render_id(&id)?, &headers, |file| is_picture(file) && file.format == format).await
}

/// Fetches a file by its name
#[utoipa::path(
    get, path = "/api/v1/renders/{id}/files/{name}", operation_id = "get_file", tag = "results",
    params(
        ("id" = String, Path, format = Uuid, description = "The render"),
        ("name" = String, Path, description = "The name in `result.files`"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that is known already"),
    ),
    responses(
        (status = 200, description = "The file", content((Vec<u8> = "image/png"), (Vec<u8> = "image/x-exr"), (Vec<u8> = "video/mp4"), (Vec<u8> = "application/zip"), (Vec<u8> = "application/json"))),
        (status = 206, description = "A range of the file", content((Vec<u8> = "image/png"), (Vec<u8> = "image/x-exr"), (Vec<u8> = "video/mp4"), (Vec<u8> = "application/zip"), (Vec<u8> = "application/json"))),
        (status = 304, description = "The file is known already"),
    ),
)]
pub(crate) async fn file(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    send(&state, caller.scope(), render_id(&id)?, &headers, |file| file.name == name).await
}

/// Fetches the report: which part got which material and why, and what was odd
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
    send(&state, caller.scope(), render_id(&id)?, &headers, |file| file.name == REPORT).await
}

/// Fetches the shot: camera, film, light and materials as they were in effect
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
    send(&state, caller.scope(), render_id(&id)?, &headers, |file| file.name == SHOT).await
}

/// Fetches the picture so far
///
/// It is there from the first sample on. After the end it is the final picture, at most 1024 pixels along its longer side.
#[utoipa::path(
    get, path = "/api/v1/renders/{id}/preview.png", operation_id = "get_preview", tag = "results",
    params(
        ("id" = String, Path, format = Uuid, description = "The render"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that is known already"),
    ),
    responses(
        (status = 200, description = "The picture so far", body = Vec<u8>, content_type = "image/png"),
        (status = 304, description = "There is no newer one"),
    ),
)]
pub(crate) async fn preview(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let (id, scope) = (render_id(&id)?, caller.scope());
    let render = renders::get(&state.db, scope, id).await?;
    if render.state == RenderState::Completed {
        return final_preview(&state, scope, id, &headers).await;
    }
    let preview = state.hub.preview(id).map(|preview| (*preview).clone());
    let preview = preview.ok_or_else(|| ApiError::new(Code::PreviewNotReady, "there is no preview yet"))?;
    let tag = HeaderValue::try_from(&preview.etag).map_err(ApiError::internal)?;
    let common = [(ETAG, tag), (CACHE_CONTROL, NO_STORE)];
    if is_known(&headers, &preview.etag) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    Ok((common, [(CONTENT_TYPE, "image/png")], preview.png).into_response())
}

/// The final picture: the preview that was stored, or the result itself where it is no larger than one.
async fn final_preview(state: &AppState, scope: TenantScope, id: RenderId, headers: &HeaderMap) -> ApiResult<Response> {
    let files = rows::of_render(&state.db, scope, id).await?;
    let own = files.iter().find(|file| file.name == PREVIEW_NAME);
    let png = own.or_else(|| files.iter().find(|file| is_picture(file) && file.format == "png"));
    let png = png.ok_or_else(|| ApiError::new(Code::PreviewNotReady, "the render made no PNG to show"))?;
    let mut response = files::respond(state, scope, &png.address, "image/png", headers).await?;
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    Ok(response)
}
