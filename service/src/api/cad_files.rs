//! CAD files: uploaded, listed, shown, deleted; their bytes.

use axum::extract::{Path, Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use utoipa::ToSchema;

use super::answer::Answer;
use super::auth::{Caller, ListCaller};
use super::files;
use super::idempotency;
use super::media::ArtifactBytes;
use super::multipart::{self, Form, Parts};
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use crate::app::Page;
use crate::products::cad_files;
use crate::tenancy::RenderSettings;
use packshot_contract::Word;
use packshot_contract::cad_file::{CadFile, CadFilePage, CadStatus};
use packshot_contract::problem::Invalid;
use packshot_domain::id::CadFileId;
use packshot_domain::principal::Principal;

const PATH: &str = "/api/v1/cad-files";
/// The part with the file.
const PART: &str = "file";

/// The parts of an upload.
#[derive(ToSchema)]
#[schema(as = CadFileForm)]
#[expect(dead_code, reason = "describes the parts; they are streamed, not deserialised")]
pub(crate) struct CadFileForm {
    /// A GLB or a STEP file, whatever its name says.
    #[schema(format = Binary)]
    file: String,
}

/// The id in a path. Text that is not an id is the id of no file.
pub(super) fn cad_file_id(text: &str) -> ApiResult<CadFileId> {
    text.parse().map_err(|_| ApiError::new(Code::CadFileNotFound, "there is no such CAD file"))
}

/// Lists CAD files, newest first
#[utoipa::path(
    get, path = "/api/v1/cad-files", operation_id = "list_cad_files", tag = "catalogue",
    params(
        ("status" = Option<CadStatus>, Query, description = "Only files in this state"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Files per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of CAD files", body = CadFilePage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let status = params.text("status").map(|word| {
        let unknown = || Invalid::one("?status", "unknown_value", format!("expected one of {}", CadStatus::list()));
        CadStatus::by_word(word).ok_or_else(unknown)
    });
    let status = status.transpose()?.map(Into::into);
    let Page { items, next } = cad_files::list(&state, &caller.0, status, params.page()?).await?;
    let page = CadFilePage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Uploads a CAD file
///
/// What it is is known by its content. A GLB is read at once. A file with the same bytes is answered as it is; nothing
/// is stored then.
#[utoipa::path(
    post, path = "/api/v1/cad-files", operation_id = "create_cad_file", tag = "catalogue",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer and stores once")),
    request_body(content = CadFileForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "The file that is there already", body = CadFile),
        (status = 201, description = "The file", body = CadFile),
    ),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> ApiResult<Response> {
    let bytes_max = RenderSettings::in_force(&state, &caller.0).await?.upload_bytes_max;
    let form = multipart::receive_files(&state, request, Parts { files: &[PART], texts: &[], bytes_max }).await?;
    let keyed = idempotency::of_request(&headers, PATH, form.hash)?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move { create_once(&own, &who, form).await }).await
}

async fn create_once(state: &AppState, who: &Principal, mut form: Form) -> ApiResult<Answer> {
    let missing = || Invalid::one("/file", "missing", "send the file as the part `file`");
    let upload = form.files.remove(PART).ok_or_else(missing)?;
    let name = form.file_names.get(PART).map(String::as_str).unwrap_or_default();
    let (file, is_new) = cad_files::add(state, who, name, upload).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Answer::json(status, &file)?.with(LOCATION, file.links.own))
}

/// Shows a CAD file
#[utoipa::path(
    get, path = "/api/v1/cad-files/{id}", operation_id = "get_cad_file", tag = "catalogue",
    params(("id" = String, Path, format = Uuid, description = "The CAD file")),
    responses((status = 200, description = "The CAD file", body = CadFile)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let file = cad_files::get(&state, &caller.0, cad_file_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &file)?.into_response())
}

/// Fetches the bytes of a CAD file
#[utoipa::path(
    get, path = "/api/v1/cad-files/{id}/content", operation_id = "get_cad_file_content", tag = "catalogue",
    params(
        ("id" = String, Path, format = Uuid, description = "The CAD file"),
        ("Range" = Option<String>, Header, description = "Some bytes: `bytes=0-1023`"),
        ("If-None-Match" = Option<String>, Header, description = "`ETag` of what the client already has"),
    ),
    responses(ArtifactBytes),
)]
pub(crate) async fn content(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let (address, media_type) = cad_files::content(&state, &caller.0, cad_file_id(&id)?).await?;
    files::respond(&state, &caller.0, &address, &media_type, &headers).await
}

/// Deletes a CAD file that no product has
///
/// Its record goes. Its bytes stay in their package, which an admin of the tenant may delete.
#[utoipa::path(
    delete, path = "/api/v1/cad-files/{id}", operation_id = "delete_cad_file", tag = "catalogue",
    params(("id" = String, Path, format = Uuid, description = "The CAD file")),
    responses((status = 204, description = "It is deleted")),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    cad_files::delete(&state, &caller.0, cad_file_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
