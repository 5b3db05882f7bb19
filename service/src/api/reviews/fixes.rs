//! Suggested fixes: shown, applied, and what is said of them.

use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::{PATH, review_id};
use crate::api::answer::Answer;
use crate::api::auth::Caller;
use crate::api::body::{JsonBody, OptionalJsonBody};
use crate::api::idempotency;
use crate::api::precondition::expected_revision;
use crate::api::problem::{ApiError, ApiResult, Code};
use crate::api::state::AppState;
use crate::reviews::{self, FixRef};
use packshot_contract::review::{ApplyRequest, OutcomeRequest, SuggestedFix};

/// The ids in a path. Text that is not an id is the id of no fix.
fn fix_ref((review, fix): &(String, String)) -> ApiResult<FixRef> {
    let unknown = |_| ApiError::new(Code::SuggestedFixNotFound, "the review has no such fix");
    Ok(FixRef { review: review_id(review)?, fix: fix.parse().map_err(unknown)? })
}

/// A fix with the version of its review as the tag.
fn tagged((fix, version): (SuggestedFix, i64)) -> ApiResult<Answer> {
    Ok(Answer::json(StatusCode::OK, &fix)?.with(ETAG, format!("\"{version}\"")))
}

/// Shows a suggested fix
#[utoipa::path(
    get, path = "/api/v1/material-reviews/{id}/suggested-fixes/{fix_id}", operation_id = "get_suggested_fix", tag = "materials",
    params(
        ("id" = String, Path, format = Uuid, description = "The review"),
        ("fix_id" = String, Path, format = Uuid, description = "The fix"),
    ),
    responses((status = 200, description = "The fix", body = SuggestedFix)),
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(ids): Path<(String, String)>,
) -> ApiResult<Response> {
    Ok(tagged(reviews::fix(&state, &caller.0, fix_ref(&ids)?).await?)?.into_response())
}

/// Applies a suggested fix
///
/// The tenant's alias is written, and what shows its name in the fallback material is rendered again. It says that the
/// fix is being tried; its outcome says how that went. A second time nothing happens.
#[utoipa::path(
    post, path = "/api/v1/material-reviews/{id}/suggested-fixes/{fix_id}/apply", operation_id = "apply_suggested_fix", tag = "materials",
    params(
        ("id" = String, Path, format = Uuid, description = "The review"),
        ("fix_id" = String, Path, format = Uuid, description = "The fix"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the review was read with: if it was changed since, nothing happens"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer"),
    ),
    request_body(content = Option<ApplyRequest>),
    responses((status = 200, description = "The fix as it is now", body = SuggestedFix)),
)]
pub(crate) async fn apply(
    State(state): State<AppState>,
    caller: Caller,
    Path(ids): Path<(String, String)>,
    headers: HeaderMap,
    OptionalJsonBody(body): OptionalJsonBody,
) -> ApiResult<Response> {
    let mode = ApplyRequest::parse(&body)?;
    let (of, expected) = (fix_ref(&ids)?, expected_revision(&headers)?);
    let path = format!("{PATH}/{}/suggested-fixes/{}/apply", of.review, of.fix);
    let keyed = idempotency::of_request(&headers, &path, idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(
        &state,
        &caller,
        keyed,
        async move { tagged(reviews::apply(&own, &who, of, expected, mode).await?) },
    )
    .await
}

/// Says the outcome of a suggested fix
///
/// One that did not work, or that nobody wants, takes its alias back, and what was rendered with it is rendered again.
#[utoipa::path(
    patch, path = "/api/v1/material-reviews/{id}/suggested-fixes/{fix_id}/outcome", operation_id = "say_fix_outcome", tag = "materials",
    params(
        ("id" = String, Path, format = Uuid, description = "The review"),
        ("fix_id" = String, Path, format = Uuid, description = "The fix"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the review was read with: if it was changed since, nothing happens"),
    ),
    request_body = OutcomeRequest,
    responses((status = 200, description = "The fix as it is now", body = SuggestedFix)),
)]
pub(crate) async fn outcome(
    State(state): State<AppState>,
    caller: Caller,
    Path(ids): Path<(String, String)>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let wish = OutcomeRequest::parse(&body)?;
    let (of, expected) = (fix_ref(&ids)?, expected_revision(&headers)?);
    Ok(tagged(reviews::say(&state, &caller.0, of, expected, wish).await?)?.into_response())
}

/// Removes the outcome that a check of the pictures suggests
///
/// Nothing else changes. Without one nothing happens.
#[utoipa::path(
    delete, path = "/api/v1/material-reviews/{id}/suggested-fixes/{fix_id}/ai-outcome-proposal", operation_id = "discard_outcome_proposal", tag = "materials",
    params(
        ("id" = String, Path, format = Uuid, description = "The review"),
        ("fix_id" = String, Path, format = Uuid, description = "The fix"),
    ),
    responses((status = 200, description = "The fix as it is now", body = SuggestedFix)),
)]
pub(crate) async fn discard_proposal(
    State(state): State<AppState>,
    caller: Caller,
    Path(ids): Path<(String, String)>,
) -> ApiResult<Response> {
    Ok(tagged(reviews::discard_proposal(&state, &caller.0, fix_ref(&ids)?).await?)?.into_response())
}
