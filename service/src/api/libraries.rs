//! Material libraries of a tenant: checked as a whole when they are uploaded, never changed, published only on request.

use axum::extract::{Path, Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use utoipa::ToSchema;

use super::answer::Answer;
use super::auth::{Caller, ListCaller};
use super::body::JsonBody;
use super::idempotency;
use super::multipart::{self, Form, Parts};
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use crate::app::Page;
use crate::libraries;
use crate::tenancy::RenderSettings;
use packshot_contract::library::{LibraryChange, MaterialLibrary};
use packshot_contract::page::LibraryPage;
use packshot_contract::problem::Invalid;
use packshot_domain::id::LibraryId;
use packshot_domain::principal::Principal;

/// The part with the library.
const PART: &str = "library";
const PATH: &str = "/api/v1/material-libraries";
/// Largest library.
const LIBRARY_BYTES_MAX: u64 = 32 << 20;

/// The parts of an upload.
#[derive(ToSchema)]
#[schema(as = LibraryForm)]
#[expect(dead_code, reason = "describes the parts; they are streamed, not deserialised")]
pub(crate) struct LibraryForm {
    /// A zip of TOML files and textures, or one TOML file.
    #[schema(format = Binary)]
    library: String,
}

fn library_id(text: &str) -> ApiResult<LibraryId> {
    text.parse().map_err(|_| ApiError::new(Code::LibraryNotFound, "there is no such library"))
}

/// Lists libraries, newest first
#[utoipa::path(
    get, path = "/api/v1/material-libraries", operation_id = "list_libraries", tag = "materials",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Libraries per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of libraries", body = LibraryPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let Page { items, next } = libraries::list(&state, &caller.0, params.page()?).await?;
    let page = LibraryPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Uploads a library
///
/// The whole file is checked; if anything is wrong, nothing is stored. A version that exists with other content is
/// refused.
#[utoipa::path(
    post, path = "/api/v1/material-libraries", operation_id = "create_library", tag = "materials",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer and stores once")),
    request_body(content = LibraryForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "The library", body = MaterialLibrary)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> ApiResult<Response> {
    let bytes_max = RenderSettings::in_force(&state, &caller.0).await?.upload_bytes_max.min(LIBRARY_BYTES_MAX);
    let parts = Parts { files: &[PART], texts: &[], bytes_max };
    let form = multipart::receive_files(&state, request, parts).await?;
    let keyed = idempotency::of_request(&headers, PATH, form.hash)?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move { create_once(&own, &who, form).await }).await
}

async fn create_once(state: &AppState, who: &Principal, mut form: Form) -> ApiResult<Answer> {
    let upload = form
        .files
        .remove(PART)
        .ok_or_else(|| Invalid::one("/library", "missing", "send the library as the part `library`"))?;
    let library = libraries::add(state, who, upload).await?;
    Ok(Answer::json(StatusCode::CREATED, &library)?.with(LOCATION, format!("{PATH}/{}", library.id)))
}

/// Shows a library
#[utoipa::path(
    get, path = "/api/v1/material-libraries/{id}", operation_id = "get_library", tag = "materials",
    params(("id" = String, Path, format = Uuid, description = "The library")),
    responses((status = 200, description = "The library", body = MaterialLibrary)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let library = libraries::get(&state, &caller.0, library_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &library)?.into_response())
}

/// Publishes the names of a library as suggestions for other tenants, or withdraws them
#[utoipa::path(
    patch, path = "/api/v1/material-libraries/{id}", operation_id = "change_library", tag = "materials",
    params(("id" = String, Path, format = Uuid, description = "The library")),
    request_body(content((LibraryChange = "application/merge-patch+json"), (LibraryChange = "application/json"))),
    responses((status = 200, description = "The library as it is now", body = MaterialLibrary)),
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let LibraryChange { public } = LibraryChange::parse(&body)?;
    let id = library_id(&id)?;
    let library = match public {
        Some(is_public) => libraries::set_public(&state, &caller.0, id, is_public).await?,
        None => libraries::get(&state, &caller.0, id).await?,
    };
    Ok(Answer::json(StatusCode::OK, &library)?.into_response())
}

/// Deletes a library that is not in use
#[utoipa::path(
    delete, path = "/api/v1/material-libraries/{id}", operation_id = "delete_library", tag = "materials",
    params(("id" = String, Path, format = Uuid, description = "The library")),
    responses((status = 204, description = "It is deleted")),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    libraries::delete(&state, &caller.0, library_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
