//! Files of packages: their records, and their bytes by the file and by the content.

use axum::extract::{Path, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::api::answer::Answer;
use crate::api::auth::Caller;
use crate::api::files;
use crate::api::media::ArtifactBytes;
use crate::api::problem::{ApiError, ApiResult, Code};
use crate::api::state::AppState;
use crate::artifacts::files::{self as artifacts, Content};
use packshot_contract::package::ArtifactFile;
use packshot_domain::hash::{ContentAddress, InvalidAddress};
use packshot_domain::id::FileId;

/// What content addresses begin with.
const DIGEST: &str = "blake3:";
/// A URL that names the content has the same answer for ever.
const FOREVER: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");

fn file_id(text: &str) -> ApiResult<FileId> {
    text.parse().map_err(|_| ApiError::new(Code::FileNotFound, "there is no such file"))
}

fn content_address(text: &str) -> ApiResult<ContentAddress> {
    if !text.starts_with(DIGEST) {
        return Err(ApiError::new(Code::UnsupportedDigest, "files are found by their BLAKE3 alone"));
    }
    let unfit =
        |error: InvalidAddress| ApiError::new(Code::ValidationFailed, format!("the path has no address: {error}"));
    text.parse::<ContentAddress>().map_err(unfit)
}

/// Shows a file of a package
///
/// Its record stays when its package has expired or was deleted; its bytes do not.
#[utoipa::path(
    get, path = "/api/v1/files/{file_id}", operation_id = "get_artifact_file", tag = "artifacts",
    params(("file_id" = String, Path, format = Uuid, description = "The file")),
    responses((status = 200, description = "The file", body = ArtifactFile)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let file = artifacts::get(&state, &caller.0, file_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &file)?.into_response())
}

/// Fetches the bytes of a file
#[utoipa::path(
    get, path = "/api/v1/files/{file_id}/content", operation_id = "get_artifact_content", tag = "artifacts",
    params(
        ("file_id" = String, Path, format = Uuid, description = "The file"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
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
    let Content { address, media_type } = artifacts::content(&state, &caller.0, file_id(&id)?).await?;
    files::respond(&state, &caller.0, &address, media_type.as_str(), &headers).await
}

/// Fetches bytes by their address
///
/// They are sent if a file of the tenant that is kept has them, with its media type. What other tenants have does not
/// count.
#[utoipa::path(
    get, path = "/api/v1/content/{content_address}", operation_id = "get_content", tag = "artifacts",
    params(
        ("content_address" = String, Path, pattern = "^blake3:[0-9a-f]{64}$", description = "The content address"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-None-Match" = Option<String>, Header, description = "`ETag` of what the client already has"),
    ),
    responses(ArtifactBytes),
)]
pub(crate) async fn by_content(
    State(state): State<AppState>,
    caller: Caller,
    Path(address): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let address = content_address(&address)?;
    let Content { media_type, .. } = artifacts::with_content(&state, &caller.0, address).await?;
    let mut response = files::respond(&state, &caller.0, &address, media_type.as_str(), &headers).await?;
    response.headers_mut().insert(CACHE_CONTROL, FOREVER);
    Ok(response)
}
