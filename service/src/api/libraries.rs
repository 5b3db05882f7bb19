//! Material libraries of a tenant: checked as a whole when they are uploaded, never changed, published on purpose.

use axum::extract::{Path, Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use packshot_materials::finding::{Rejected, Severity};
use serde::de::Error as _;
use utoipa::ToSchema;

use super::answer::Answer;
use super::auth::Caller;
use super::body::JsonBody;
use super::idempotency;
use super::materials::over_builtin;
use super::multipart::{self, Form};
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::renders::inputs::RenderSettings;
use super::state::AppState;
use packshot_contract::library::{LibraryChange, MaterialLibrary};
use packshot_contract::page::LibraryPage;
use packshot_contract::preflight::Diagnostic;
use packshot_contract::problem::{Finding, Invalid};
use packshot_db::libraries::{self, Library, NewLibrary};
use packshot_db::{DbError, Page, TenantScope, objects};
use packshot_domain::id::LibraryId;
use packshot_worker::library::package;

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

fn convert(library: Library) -> Result<MaterialLibrary, DbError> {
    let Library { id, owner: _, library, public, own, created_at, revision: _ } = library;
    let NewLibrary { name, version, digest, address, media_type: _, materials, diagnostics } = library;
    let corrupt = |error: serde_json::Error| DbError::Corrupt { what: "library", reason: error.to_string() };
    Ok(MaterialLibrary {
        id: id.uuid(),
        name,
        version,
        digest,
        content_address: address.into(),
        materials: u32::try_from(materials).map_err(|error| corrupt(serde_json::Error::custom(error)))?,
        public,
        own,
        diagnostics: serde_json::from_value(diagnostics).map_err(corrupt)?,
        created_at: created_at.into(),
    })
}

/// Everything that is wrong with a library, with file and line of each finding.
pub(crate) fn refused(rejected: Rejected) -> ApiError {
    let errors = rejected.findings.into_iter().filter(|finding| finding.severity == Severity::Error);
    let findings: Vec<Finding> = errors
        .map(|f| {
            let detail = f.help.map_or(f.message.clone(), |help| format!("{}; {help}", f.message));
            Finding::new("/library", f.code, detail).at(f.at)
        })
        .collect();
    let (code, detail) = match &findings[..] {
        [] => ("library.invalid".to_owned(), "the library is refused".to_owned()),
        [one] => (one.code.clone(), one.detail.clone()),
        [first, ..] => (first.code.clone(), format!("the library has {} faults", findings.len())),
    };
    ApiError::of_input(code, detail, findings)
}

/// Lists own and public libraries, newest first
#[utoipa::path(
    get, path = "/api/v1/material-libraries", operation_id = "list_libraries", tag = "materials",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Libraries of a page; 50 without it"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "A page of libraries", body = LibraryPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> ApiResult<Response> {
    let Page { items, next } = libraries::list(&state.db, caller.scope(), params.page()?).await?;
    let items = items.into_iter().map(convert).collect::<Result<_, _>>()?;
    let page = LibraryPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Uploads a library
///
/// The whole file is checked; with any fault nothing is stored. The same version with other content is refused.
#[utoipa::path(
    post, path = "/api/v1/material-libraries", operation_id = "create_library", tag = "materials",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body: the same answer, stored once")),
    request_body(content = LibraryForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "The library", body = MaterialLibrary)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> ApiResult<Response> {
    let form = multipart::receive_files(&state, request, &[PART], LIBRARY_BYTES_MAX).await?;
    let keyed = idempotency::of_request(&headers, PATH, form.hash)?;
    let (own, scope) = (state.clone(), caller.scope());
    idempotency::once(&state, &caller, keyed, async move { create_once(&own, scope, form).await }).await
}

async fn create_once(state: &AppState, scope: TenantScope, mut form: Form) -> ApiResult<Answer> {
    let upload =
        form.files.remove(PART).ok_or_else(|| Invalid::one("/library", "missing", "send the library as this part"))?;
    let turn = state.turn().await?;
    let file = upload.read().await?;
    let media_type = if file.starts_with(b"PK") { "application/zip" } else { "application/toml" };
    let checked = turn.run(move || {
        let (package, findings) = package(&file)?;
        let (name, version, n_materials) = (package.id.clone(), package.version.to_string(), package.materials.len());
        let digest = over_builtin(package)?.digest().to_owned();
        Ok::<_, Rejected>((name, version, n_materials, digest, findings))
    });
    let (name, version, n_materials, digest, findings) = checked.await?.map_err(refused)?;
    let diagnostics: Vec<Diagnostic> = findings.into_iter().map(Diagnostic::from).collect();
    let size_bytes = i64::try_from(upload.size_bytes()).unwrap_or(i64::MAX);
    let address = state.store.keep(scope.tenant, upload).await?;
    objects::record(&state.db, scope, address, size_bytes, media_type).await?;
    let new = NewLibrary {
        name,
        version,
        digest,
        address,
        media_type: media_type.to_owned(),
        materials: i32::try_from(n_materials).unwrap_or(i32::MAX),
        diagnostics: serde_json::to_value(&diagnostics).map_err(ApiError::internal)?,
    };
    let library = convert(libraries::create(&state.db, scope, new).await?)?;
    Ok(Answer::json(StatusCode::CREATED, &library)?.with(LOCATION, format!("{PATH}/{}", library.id)))
}

/// Shows a library
#[utoipa::path(
    get, path = "/api/v1/material-libraries/{id}", operation_id = "get_library", tag = "materials",
    params(("id" = String, Path, format = Uuid, description = "The library")),
    responses((status = 200, description = "The library", body = MaterialLibrary)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let library = libraries::get(&state.db, caller.scope(), library_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &convert(library)?)?.into_response())
}

/// Publishes a library for other tenants, or takes it back
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
        Some(public) => libraries::set_public(&state.db, caller.scope(), id, public).await?,
        None => libraries::get(&state.db, caller.scope(), id).await?,
    };
    Ok(Answer::json(StatusCode::OK, &convert(library)?)?.into_response())
}

/// Deletes a library that is not in force
#[utoipa::path(
    delete, path = "/api/v1/material-libraries/{id}", operation_id = "delete_library", tag = "materials",
    params(("id" = String, Path, format = Uuid, description = "The library")),
    responses((status = 204, description = "It is gone")),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let (id, scope) = (library_id(&id)?, caller.scope());
    let library = libraries::get(&state.db, scope, id).await?;
    let in_force = RenderSettings::in_force(&state, scope).await?.material_library;
    if library.own && in_force.as_deref() == Some(library.library.name.as_str()) {
        return Err(ApiError::new(Code::LibraryInUse, "the library is the tenant's material_library"));
    }
    libraries::delete(&state.db, scope, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
