//! How many tasks of each queue run at once.

use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::Caller;
use super::body::JsonBody;
use super::precondition::expected_revision;
use super::problem::{ApiError, ApiResult, Code};
use super::state::AppState;
use crate::instance::worker_configs;
use packshot_contract::worker_config::{WorkerConfig, WorkerConfigChange, WorkerConfigList};
use packshot_domain::task::QueueName;

/// The queue in a path, by its name or an old name.
fn queue(text: &str) -> ApiResult<QueueName> {
    text.parse().map_err(|_| {
        ApiError::new(Code::QueueNotFound, "there is no such queue: expected render, convert or housekeeping")
    })
}

fn answer(config: &WorkerConfig) -> ApiResult<Response> {
    let etag = format!("\"{}\"", config.revision);
    Ok(Answer::json(StatusCode::OK, config)?.with(ETAG, etag).into_response())
}

/// Lists how many tasks of each queue run at once
#[utoipa::path(
    get, path = "/api/v1/worker-configs", operation_id = "list_worker_configs", tag = "instance",
    responses((status = 200, description = "The queues", body = WorkerConfigList)),
)]
pub(crate) async fn list(State(state): State<AppState>, _: Caller) -> ApiResult<Response> {
    let list = WorkerConfigList { items: worker_configs::list(&state).await?, next_cursor: None };
    Ok(Answer::json(StatusCode::OK, &list)?.into_response())
}

/// Shows how many tasks of a queue run at once
#[utoipa::path(
    get, path = "/api/v1/worker-configs/{queue_name}", operation_id = "get_worker_config", tag = "instance",
    params(("queue_name" = String, Path, description = "`render`, `convert`, `housekeeping`, or one of their old names")),
    responses((status = 200, description = "The queue", body = WorkerConfig)),
)]
pub(crate) async fn get(State(state): State<AppState>, _: Caller, Path(name): Path<String>) -> ApiResult<Response> {
    answer(&worker_configs::get(&state, queue(&name)?).await?)
}

/// Changes how many tasks of a queue run at once
///
/// Running tasks are not stopped; the change takes effect for tasks that start later.
#[utoipa::path(
    put, path = "/api/v1/worker-configs/{queue_name}", operation_id = "put_worker_config", tag = "instance",
    params(
        ("queue_name" = String, Path, description = "`render`, `convert`, `housekeeping`, or one of their old names"),
        ("If-Match" = Option<String>, Header, description = "Make the change only if this is still the `ETag`"),
    ),
    request_body = WorkerConfigChange,
    responses((status = 200, description = "The queue as it is now", body = WorkerConfig)),
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let limits = worker_configs::limits(WorkerConfigChange::parse(&body)?)?;
    let queue = queue(&name)?;
    let expected = expected_revision(&headers)?;
    answer(&worker_configs::put(&state, &caller.0, queue, limits, expected).await?)
}
