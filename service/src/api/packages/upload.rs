//! Files that clients put into packages: as the bytes at their path, or from a form.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::TryStreamExt;
use utoipa::ToSchema;

use super::{PATH, package_id};
use crate::api::answer::Answer;
use crate::api::auth::Caller;
use crate::api::body;
use crate::api::digest;
use crate::api::idempotency;
use crate::api::media::Binary;
use crate::api::multipart::{self, Form, Parts};
use crate::api::problem::{ApiError, ApiResult, Code};
use crate::api::state::AppState;
use crate::app::{AppError, Upload};
use crate::packages::ingest::{self, Declared, Expected, Repeated};
use crate::tenancy::RenderSettings;
use packshot_contract::package::ArtifactFile;
use packshot_contract::problem::Invalid;
use packshot_domain::artifact::{InvalidMediaType, InvalidPath, MediaType, RelativePath};
use packshot_domain::id::PackageId;
use packshot_domain::principal::Principal;

/// The part with the bytes of a file.
const FILE: &str = "file";
/// The part with its path.
const RELATIVE_PATH: &str = "relative_path";
/// The part with its media type.
const MEDIA_TYPE: &str = "media_type";
/// What kind of bytes nobody has named.
const UNNAMED: &str = "application/octet-stream";

/// The parts of a file.
#[derive(ToSchema)]
#[schema(as = PackageFileForm)]
#[expect(dead_code, reason = "describes the parts; they are streamed, not deserialised")]
pub(crate) struct PackageFileForm {
    /// The bytes.
    #[schema(format = Binary)]
    file: String,
    /// Where it is to be in the package; absent: the file name of the part `file`.
    #[schema(min_length = 1, max_length = 1024)]
    relative_path: Option<String>,
    /// What kind of bytes it has; absent: the `Content-Type` of the part `file`.
    media_type: Option<String>,
}

/// A path inside of a package.
///
/// # Errors
/// [`Code::InvalidRelativePath`].
fn relative_path(text: &str, pointer: &str) -> ApiResult<RelativePath> {
    let refused = |reason: InvalidPath| AppError::new(Code::InvalidRelativePath, reason.to_string()).at(pointer);
    Ok(text.parse().map_err(refused)?)
}

/// What kind of bytes a file has.
///
/// # Errors
/// `wrong_type`.
fn media_type(text: Option<&str>, pointer: &str) -> ApiResult<MediaType> {
    let wrong = |reason: InvalidMediaType| Invalid::one(pointer, "wrong_type", reason.to_string());
    Ok(text.unwrap_or(UNNAMED).parse().map_err(wrong)?)
}

/// Puts a file into a package
///
/// The path is all that follows `files/`, with `/` between its segments. The same bytes of the same type at the same
/// path change nothing. What the headers declare is compared with the bytes before the package takes them. A package
/// that is finalised takes no file.
#[utoipa::path(
    put, path = "/api/v1/packages/{id}/files/{*relative_path}", operation_id = "put_package_file", tag = "artifacts",
    params(
        ("id" = String, Path, format = Uuid, description = "The package"),
        ("relative_path" = String, Path, description = "Where the file is to be: up to 1,024 bytes in all, 255 in each segment"),
        ("Content-Digest" = Option<String>, Header, description = "SHA-256 of the bytes (RFC 9530): `sha-256=:…:`, in Base64"),
        ("X-Content-Address" = Option<String>, Header, pattern = "^blake3:[0-9a-f]{64}$", description = "BLAKE3 of the bytes"),
    ),
    request_body(content = inline(Binary), content_type = "application/octet-stream", description = "The bytes. `Content-Type` is kept as the media type of the file, whatever it is."),
    responses(
        (status = 200, description = "The file that the package has already", body = ArtifactFile),
        (status = 201, description = "The file", body = ArtifactFile),
    ),
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    caller: Caller,
    place: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    request: Request,
) -> ApiResult<Response> {
    let not_text = |_| ApiError::new(Code::InvalidRelativePath, "the path is not text in UTF-8");
    let Path((id, path)) = place.map_err(not_text)?;
    let id = package_id(&id)?;
    let path = relative_path(&path, "?relative_path")?;
    let media_type = match headers.get(CONTENT_TYPE) {
        Some(value) => media_type(Some(value.to_str().unwrap_or_default()), "?Content-Type")?,
        None => media_type(None, "?Content-Type")?,
    };
    let expected = Expected { sha256: digest::sha256(&headers)?, address: digest::address(&headers)? };
    let bytes_max = RenderSettings::in_force(&state, &caller.0).await?.upload_bytes_max;
    body::check_length(&headers, bytes_max)?;
    ingest::check(&state, &caller.0, id, (&path, &media_type), Repeated::Answered).await?;
    let upload = receive(&state, request, bytes_max).await?;
    let declared = Declared { path, media_type, expected };
    let taken = ingest::take(&state, &caller.0, id, declared, upload, Repeated::Answered).await?;
    let status = if taken.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(answer(status, &taken.file)?.into_response())
}

/// Receives a body that is a file.
async fn receive(state: &AppState, request: Request, bytes_max: u64) -> ApiResult<Upload> {
    let ended = |_| ApiError::new(Code::MalformedBody, "the body ended early");
    let mut upload = state.receive(bytes_max)?;
    let mut pieces = request.into_body().into_data_stream();
    while let Some(piece) = pieces.try_next().await.map_err(ended)? {
        upload.write(&piece).await?;
    }
    Ok(upload.finish().await?)
}

fn answer(status: StatusCode, file: &ArtifactFile) -> ApiResult<Answer> {
    let location = file.links.own.clone();
    Ok(Answer::json(status, file)?.with(LOCATION, location))
}

/// Puts a file of a form into a package
///
/// A path that the package has already is refused, also with the same bytes. A package that is finalised takes no file.
#[utoipa::path(
    post, path = "/api/v1/packages/{id}/files", operation_id = "add_package_file", tag = "artifacts",
    params(
        ("id" = String, Path, format = Uuid, description = "The package"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer and adds one file"),
    ),
    request_body(content = PackageFileForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "The file", body = ArtifactFile)),
)]
pub(crate) async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> ApiResult<Response> {
    let own_path = format!("{PATH}/{id}/files");
    let id = package_id(&id)?;
    let bytes_max = RenderSettings::in_force(&state, &caller.0).await?.upload_bytes_max;
    ingest::check_package(&state, &caller.0, id).await?;
    let parts = Parts { files: &[FILE], texts: &[RELATIVE_PATH, MEDIA_TYPE], bytes_max };
    let form = multipart::receive_files(&state, request, parts).await?;
    let keyed = idempotency::of_request(&headers, &own_path, hash_of(&form))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move { add_once(&own, &who, id, form).await }).await
}

/// One hash of what was sent. The same bytes under another name are another file.
fn hash_of(form: &Form) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&form.hash);
    for text in [form.file_names.get(FILE), form.media_types.get(FILE)] {
        hasher.update(serde_json::json!(text).to_string().as_bytes());
    }
    *hasher.finalize().as_bytes()
}

async fn add_once(state: &AppState, who: &Principal, id: PackageId, mut form: Form) -> ApiResult<Answer> {
    let missing = |part: &str, detail: &str| Invalid::one(format!("/{part}"), "missing", detail);
    let upload = form.files.remove(FILE).ok_or_else(|| missing(FILE, "send the bytes as the part `file`"))?;
    let path = match (form.texts.get(RELATIVE_PATH), form.file_names.get(FILE)) {
        (Some(path), _) => relative_path(path, "/relative_path")?,
        (None, Some(name)) => relative_path(name, "/file")?,
        (None, None) => {
            let detail = "send the path as the part `relative_path`, or give the part `file` a file name";
            return Err(missing(RELATIVE_PATH, detail).into());
        }
    };
    let media_type = match form.texts.get(MEDIA_TYPE) {
        Some(text) => media_type(Some(text), "/media_type")?,
        None => media_type(form.media_types.get(FILE).map(String::as_str), "/file")?,
    };
    let declared = Declared { path, media_type, expected: Expected::default() };
    answer(StatusCode::CREATED, &ingest::take(state, who, id, declared, upload, Repeated::Refused).await?.file)
}
