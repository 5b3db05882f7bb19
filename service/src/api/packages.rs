//! Packages of files: created, listed, shown, changed, deleted; lists of their files.

pub(super) mod bytes;
pub(super) mod closing;
pub(super) mod manifest;
pub(super) mod upload;

use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::{Caller, ListCaller};
use super::body::JsonBody;
use super::idempotency;
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use crate::app::Page;
use crate::packages::{self, PackageFilter};
use packshot_contract::Word;
use packshot_contract::artifact::RetentionClassName;
use packshot_contract::package::{ArtifactFilePage, Package, PackagePage, PackagePatch, PackageRequest, PackageStatus};
use packshot_contract::problem::Invalid;
use packshot_domain::artifact::RetentionClass;
use packshot_domain::id::PackageId;

const PATH: &str = "/api/v1/packages";

/// The id in a path. Text that is not an id is the id of no package.
///
/// # Errors
/// [`Code::PackageNotFound`].
pub(crate) fn package_id(text: &str) -> ApiResult<PackageId> {
    text.parse().map_err(|_| ApiError::new(Code::PackageNotFound, "there is no such package"))
}

/// Lists packages, newest first
#[utoipa::path(
    get, path = "/api/v1/packages", operation_id = "list_packages", tag = "artifacts",
    params(
        ("name" = Option<String>, Query, description = "Only packages with this name"),
        ("producer" = Option<String>, Query, description = "Only packages of this producer"),
        ("subject" = Option<String>, Query, description = "Only packages of this subject, such as `render:` and an id"),
        ("status" = Option<PackageStatus>, Query, description = "Only packages in this state"),
        ("retention_class" = Option<RetentionClassName>, Query, description = "Only packages of this class"),
        ("scene" = Option<String>, Query, pattern = "^blake3:[0-9a-f]{64}$", description = "Only packages whose provenance names a scene with this content address"),
        ("library_digest" = Option<String>, Query, pattern = "^blake3:[0-9a-f]{64}$", description = "Only packages whose provenance names a material library with this digest"),
        ("job_id" = Option<String>, Query, format = Uuid, description = "Only packages whose provenance names this job"),
        ("from" = Option<String>, Query, format = DateTime, description = "Not created before this time"),
        ("to" = Option<String>, Query, format = DateTime, description = "Created before this time"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Packages per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of packages", body = PackagePage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let (filter, page) = (filter(&params)?, params.page()?);
    let Page { items, next } = packages::list(&state, &caller.0, filter, page).await?;
    let page = PackagePage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

fn filter(params: &Params) -> Result<PackageFilter, Invalid> {
    let (label, time) = ("1 to 200 characters", "a time such as 2027-01-31T10:00:00Z");
    let digest = "blake3: and 64 hexadecimal digits";
    let status = params.text("status").map(|word| {
        let unknown = || Invalid::one("?status", "unknown_value", format!("expected one of {}", PackageStatus::list()));
        PackageStatus::by_word(word).ok_or_else(unknown)
    });
    let class = params.text("retention_class").map(|name| {
        let unknown = |error: String| Invalid::one("?retention_class", Code::UnknownRetentionClass.as_str(), error);
        RetentionClass::named(name).map_err(|error| unknown(error.to_string()))
    });
    Ok(PackageFilter {
        name: params.parse("name", label)?,
        producer: params.parse("producer", label)?,
        subject: params.parse("subject", label)?,
        status: status.transpose()?.map(Into::into),
        retention_class: class.transpose()?,
        scene: params.parse("scene", digest)?,
        library_digest: params.parse("library_digest", digest)?,
        job: params.parse("job_id", "the id of a job")?,
        from: params.parse("from", time)?,
        to: params.parse("to", time)?,
    })
}

/// Creates a package, which then takes files until it is finalised
///
/// The caller is its creator. What is not finalised within a day of the last thing that happened to it is deleted. How
/// long it is kept from then on is fixed now, with the days that the tenant has set for the class.
#[utoipa::path(
    post, path = "/api/v1/packages", operation_id = "create_package", tag = "artifacts",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer and creates one package")),
    request_body = PackageRequest,
    responses((status = 201, description = "The package", body = Package)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let new = PackageRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, PATH, idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        let package = packages::create(&own, &who, new).await?;
        Ok(Answer::json(StatusCode::CREATED, &package)?.with(LOCATION, format!("{PATH}/{}", package.id)))
    })
    .await
}

/// Shows a package
///
/// Its record stays when it has expired or was deleted.
#[utoipa::path(
    get, path = "/api/v1/packages/{id}", operation_id = "get_package", tag = "artifacts",
    params(("id" = String, Path, format = Uuid, description = "The package")),
    responses((status = 200, description = "The package", body = Package)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let package = packages::get(&state, &caller.0, package_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &package)?.into_response())
}

/// Changes how long a package is kept
///
/// It gets the days that the tenant has set for the class now, counted from when it was finalised. A shorter time, and
/// any change to or from `raw-evidence`, is for admins of the tenant.
#[utoipa::path(
    patch, path = "/api/v1/packages/{id}", operation_id = "change_package", tag = "artifacts",
    params(("id" = String, Path, format = Uuid, description = "The package")),
    request_body(content((PackagePatch = "application/merge-patch+json"), (PackagePatch = "application/json"))),
    responses((status = 200, description = "The package as it is now", body = Package)),
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let class = PackagePatch::parse(&body)?;
    let id = package_id(&id)?;
    let package = match class {
        Some(class) => packages::reclassify(&state, &caller.0, id, class).await?,
        None => packages::get(&state, &caller.0, id).await?,
    };
    Ok(Answer::json(StatusCode::OK, &package)?.into_response())
}

/// Deletes a package; doing it twice is not an error
///
/// Its record, its manifest and what happened to it stay. A package of the class `raw-evidence` is only deleted by an
/// admin of the tenant, for a reason; one that is held, or that something needs, is not deleted.
#[utoipa::path(
    delete, path = "/api/v1/packages/{id}", operation_id = "delete_package", tag = "artifacts",
    params(
        ("id" = String, Path, format = Uuid, description = "The package"),
        ("reason" = Option<String>, Query, description = "Why, for those who read the log: 1 to 1,000 characters"),
    ),
    responses((status = 204, description = "It is deleted, now or before")),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<StatusCode> {
    let reason = params.parse("reason", "1 to 1,000 characters, none of them a control character")?;
    packages::delete(&state, &caller.0, package_id(&id)?, reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the files of a package, in the order of its manifest
///
/// That is the order of the bytes of their paths. The records stay when the package has expired or was deleted.
#[utoipa::path(
    get, path = "/api/v1/packages/{id}/files", operation_id = "list_package_files", tag = "artifacts",
    params(
        ("id" = String, Path, format = Uuid, description = "The package"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Files per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of files", body = ArtifactFilePage)),
)]
pub(crate) async fn files(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Response> {
    let (limit, after) = params.part_of_list()?;
    let page = packages::files(&state, &caller.0, package_id(&id)?, limit, after).await?;
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}
