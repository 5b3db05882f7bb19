//! How many tasks of each queue run at once.

use axum::extract::{Path, State};
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::Caller;
use super::body::JsonBody;
use super::problem::{ApiError, ApiResult, Code};
use super::state::AppState;
use packshot_contract::problem::Invalid;
use packshot_contract::worker_config::{WorkerConfig, WorkerConfigChange, WorkerConfigList};
use packshot_db::{AllTenants, worker_configs};
use packshot_domain::concurrency::Concurrency;
use packshot_domain::task::QueueName;

/// The queue in a path, by its name or an old name.
fn queue(text: &str) -> ApiResult<QueueName> {
    text.parse().map_err(|_| ApiError::new(Code::QueueNotFound, "there is no such queue"))
}

fn convert(config: worker_configs::WorkerConfig) -> WorkerConfig {
    let worker_configs::WorkerConfig { queue, limits, updated_at, revision } = config;
    WorkerConfig {
        queue_name: queue.into(),
        max_concurrency: limits.max().unsigned_abs(),
        min_concurrency: limits.min().unsigned_abs(),
        revision: revision.unsigned_abs(),
        updated_at: updated_at.into(),
    }
}

fn answer(config: worker_configs::WorkerConfig) -> ApiResult<Response> {
    let etag = format!("\"{}\"", config.revision);
    Ok(Answer::json(StatusCode::OK, &convert(config))?.with(ETAG, etag).into_response())
}

/// The revision that the client believes to be there; `None` when it does not care.
pub(super) fn expected_revision(headers: &HeaderMap) -> ApiResult<Option<i64>> {
    let Some(value) = headers.get(IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let revision = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')?.parse().ok());
    // A tag that was never given out is as stale as an old one.
    let stale = || ApiError::new(Code::PreconditionFailed, "If-Match names no revision of the object");
    revision.map(Some).ok_or_else(stale)
}

/// Lists how many tasks of each queue run at once
#[utoipa::path(
    get, path = "/api/v1/worker-configs", operation_id = "list_worker_configs", tag = "instance",
    responses((status = 200, description = "The queues", body = WorkerConfigList)),
)]
pub(crate) async fn list(State(state): State<AppState>, _: Caller) -> ApiResult<Response> {
    let configs = worker_configs::list(&state.db, AllTenants::Instance).await?;
    let list = WorkerConfigList { items: configs.into_iter().map(convert).collect(), next_cursor: None };
    Ok(Answer::json(StatusCode::OK, &list)?.into_response())
}

/// Shows how many tasks of a queue run at once
#[utoipa::path(
    get, path = "/api/v1/worker-configs/{queue_name}", operation_id = "get_worker_config", tag = "instance",
    params(("queue_name" = String, Path, description = "`render`, `convert`, `housekeeping`, or an old name of one", example = "render")),
    responses((status = 200, description = "The queue", body = WorkerConfig)),
)]
pub(crate) async fn get(State(state): State<AppState>, _: Caller, Path(name): Path<String>) -> ApiResult<Response> {
    answer(worker_configs::get(&state.db, AllTenants::Instance, queue(&name)?).await?)
}

/// Changes how many tasks of a queue run at once
///
/// Running tasks are not stopped; the change counts for the tasks that are started from now on.
#[utoipa::path(
    put, path = "/api/v1/worker-configs/{queue_name}", operation_id = "put_worker_config", tag = "instance",
    params(
        ("queue_name" = String, Path, description = "`render`, `convert`, `housekeeping`, or an old name of one", example = "render"),
        ("If-Match" = Option<String>, Header, description = "Only if this is still the `ETag`"),
    ),
    request_body = WorkerConfigChange,
    responses((status = 200, description = "The queue as it is now", body = WorkerConfig)),
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    _: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let change = WorkerConfigChange::parse(&body)?;
    let limits = Concurrency::new(change.max_concurrency.into(), change.min_concurrency.into());
    let limits = limits.map_err(|error| Invalid::one("", "invalid_concurrency", error.to_string()))?;
    let queue = queue(&name)?;
    let expected = expected_revision(&headers)?;
    let config = worker_configs::put(&state.db, AllTenants::Instance, queue, limits, expected).await?;
    state.queue.wake();
    answer(config)
}
