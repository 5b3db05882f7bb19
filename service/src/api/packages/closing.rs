//! What happens to a package as a whole: it is finalised, held, released.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::{PATH, package_id};
use crate::api::answer::Answer;
use crate::api::auth::Caller;
use crate::api::body::JsonBody;
use crate::api::idempotency;
use crate::api::problem::ApiResult;
use crate::api::state::AppState;
use crate::packages;
use packshot_contract::package::{FinalizedPackage, HoldRequest, Package};

/// Finalises a package
///
/// From now on its manifest says what is in it, and it takes no more files. A package without files has a manifest too.
#[utoipa::path(
    post, path = "/api/v1/packages/{id}/finalize", operation_id = "finalize_package", tag = "artifacts",
    params(
        ("id" = String, Path, format = Uuid, description = "The package"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer"),
    ),
    responses((status = 200, description = "The package, with the digest of its manifest", body = FinalizedPackage)),
)]
pub(crate) async fn finalize(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let keyed = idempotency::of_request(&headers, &format!("{PATH}/{id}/finalize"), [0; 32])?;
    let id = package_id(&id)?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move { Answer::json(StatusCode::OK, &packages::finalize(&own, &who, id).await?) };
    idempotency::once(&state, &caller, keyed, once).await
}

/// Keeps a package until it is released, whatever its class
///
/// A package that is held neither expires nor can be deleted. Holding it again changes the reason.
#[utoipa::path(
    post, path = "/api/v1/packages/{id}/hold", operation_id = "hold_package", tag = "artifacts",
    params(
        ("id" = String, Path, format = Uuid, description = "The package"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer"),
    ),
    request_body = HoldRequest,
    responses((status = 200, description = "The package as it is now", body = Package)),
)]
pub(crate) async fn hold(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let reason = HoldRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, &format!("{PATH}/{id}/hold"), idempotency::hash_of(&body))?;
    let id = package_id(&id)?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move { Answer::json(StatusCode::OK, &packages::hold(&own, &who, id, reason).await?) };
    idempotency::once(&state, &caller, keyed, once).await
}

/// Holds a package no longer
///
/// From now on its class counts again. One that is not held stays as it is.
#[utoipa::path(
    post, path = "/api/v1/packages/{id}/release", operation_id = "release_package", tag = "artifacts",
    params(
        ("id" = String, Path, format = Uuid, description = "The package"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer"),
    ),
    request_body = HoldRequest,
    responses((status = 200, description = "The package as it is now", body = Package)),
)]
pub(crate) async fn release(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let reason = HoldRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, &format!("{PATH}/{id}/release"), idempotency::hash_of(&body))?;
    let id = package_id(&id)?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move { Answer::json(StatusCode::OK, &packages::release(&own, &who, id, reason).await?) };
    idempotency::once(&state, &caller, keyed, once).await
}
