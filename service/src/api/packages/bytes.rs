//! The bytes of finalised packages: as one archive, and compared with the manifest.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};

use super::manifest::DIGEST;
use super::package_id;
use crate::api::answer::Answer;
use crate::api::auth::Caller;
use crate::api::media::PackageArchive;
use crate::api::problem::ApiResult;
use crate::api::state::AppState;
use crate::packages::bytes::{archive, check};
use packshot_contract::package::PackageCheck;

/// Fetches all files of a package as a zip archive
///
/// The files lie under their paths, beside `.packshot/manifest.cbor`, the manifest that proves them: `packshot verify`
/// reads both. Two archives of a package are equal. Each part of a file is compared before it is sent; where one is
/// damaged, the connection ends before the archive is complete.
#[utoipa::path(
    get, path = "/api/v1/packages/{id}/archive.zip", operation_id = "get_package_archive", tag = "artifacts",
    params(("id" = String, Path, format = Uuid, description = "The package")),
    responses(PackageArchive),
)]
pub(crate) async fn archive(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let id = package_id(&id)?;
    let archive = archive::open(&state, &caller.0, id).await?;
    let about = [
        (CONTENT_TYPE, "application/zip".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"package-{id}.zip\"")),
        (CACHE_CONTROL, "private, no-cache".to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (DIGEST, archive.digest.to_string()),
    ];
    Ok((about, Body::from_stream(archive.bytes)).into_response())
}

/// Compares every byte of a package with its manifest
///
/// All of its files are read, which takes as long as their size. What is found is recorded: a damaged file is not sent
/// any more until the same bytes are stored again.
#[utoipa::path(
    post, path = "/api/v1/packages/{id}/verify", operation_id = "verify_package", tag = "artifacts",
    params(("id" = String, Path, format = Uuid, description = "The package")),
    responses((status = 200, description = "How each file is", body = PackageCheck)),
)]
pub(crate) async fn verify(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let checked = check::run(&state, &caller.0, package_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &checked)?.into_response())
}
