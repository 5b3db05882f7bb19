//! Chores with stored files that a request asks for: each is a task.

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::answer::Answer;
use super::auth::Caller;
use super::body::JsonBody;
use super::idempotency;
use super::problem::ApiResult;
use super::state::AppState;
use crate::chores;
use packshot_contract::chore::{CollectRequest, ReplayRequest, ScrubRequest};
use packshot_contract::task::Task;

fn accepted(task: &Task) -> ApiResult<Answer> {
    let place = format!("/api/v1/tasks/{}", task.id);
    Ok(Answer::json(StatusCode::ACCEPTED, task)?.with(LOCATION, place))
}

/// Removes what is due, or says what would go
///
/// Packages expire that are due and that nothing needed for a day, those are deleted that nobody finalised within a
/// day, and then objects go that nothing names. The service does the same by itself every hour. The result of the task
/// has `expired`, `abandoned`, `objects` and `bytes`.
#[utoipa::path(
    post, path = "/api/v1/artifacts/collect", operation_id = "collect_artifacts", tag = "artifacts",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer and makes one task"),
    ),
    request_body = CollectRequest,
    responses((status = 202, description = "The task", body = Task)),
)]
pub(crate) async fn collect(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let request = CollectRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, "/api/v1/artifacts/collect", idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move { accepted(&chores::collect(&own, &who, request).await?) };
    idempotency::once(&state, &caller, keyed, once).await
}

/// Compares what is known of artifacts with their log, or makes it again
///
/// This is done for every tenant. The task belongs to the tenant that runs the installation; its result lists the first
/// differences. An event that is damaged or missing fails it with `event_corrupt` or `event_gap`: what is known of that
/// tenant's artifacts stays as it is.
#[utoipa::path(
    post, path = "/api/v1/artifacts/replay", operation_id = "replay_artifacts", tag = "artifacts",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer and makes one task"),
    ),
    request_body = ReplayRequest,
    responses((status = 202, description = "The task", body = Task)),
)]
pub(crate) async fn replay(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let request = ReplayRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, "/api/v1/artifacts/replay", idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move { accepted(&chores::replay(&own, &who, request).await?) };
    idempotency::once(&state, &caller, keyed, once).await
}

/// Reads all stored files and compares them with their hashes
///
/// This is done for every tenant, at the rate `scrub_rate_mb_s` of the settings. The task belongs to the tenant that
/// runs the installation; its result counts what was read and lists files whose bytes are missing or others.
#[utoipa::path(
    post, path = "/api/v1/artifacts/scrub", operation_id = "scrub_artifacts", tag = "artifacts",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer and makes one task"),
    ),
    request_body = ScrubRequest,
    responses((status = 202, description = "The task", body = Task)),
)]
pub(crate) async fn scrub(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let request = ScrubRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, "/api/v1/artifacts/scrub", idempotency::hash_of(&body))?;
    let own = state.clone();
    let once = async move { accepted(&chores::scrub(&own, request).await?) };
    idempotency::once(&state, &caller, keyed, once).await
}
