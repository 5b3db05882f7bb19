//! Runs of workflows: listed, shown, followed, cancelled.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::workflow_id;
use crate::api::answer::Answer;
use crate::api::auth::Caller;
use crate::api::events::{self, Beginning};
use crate::api::media::RunEvents;
use crate::api::problem::{ApiError, ApiResult, Code};
use crate::api::query::Params;
use crate::api::state::AppState;
use crate::app::Page;
use crate::workflow::{self, CancelledRun};
use packshot_contract::workflow::{RunPage, WorkflowRun};
use packshot_domain::id::RunId;
use packshot_domain::stream::StreamId;

/// The id in a path. Text that is not an id is the id of no run.
pub(super) fn run_id(text: &str) -> ApiResult<RunId> {
    text.parse().map_err(|_| ApiError::new(Code::WorkflowRunNotFound, "there is no such workflow run"))
}

/// Lists the runs of a workflow definition, newest first
#[utoipa::path(
    get, path = "/api/workflows/{id}/runs", operation_id = "list_workflow_runs", tag = "workflows",
    params(
        ("id" = String, Path, format = Uuid, description = "The definition"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Runs per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of runs", body = RunPage)),
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Response> {
    let Page { items, next } = workflow::runs(&state, &caller.0, workflow_id(&id)?, params.page()?).await?;
    let page = RunPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Shows a workflow run
///
/// With what became of each node, in the order in which the graph is walked. A client sees runs of its own order lines.
#[utoipa::path(
    get, path = "/api/workflows/runs/{id}", operation_id = "get_workflow_run", tag = "workflows",
    params(("id" = String, Path, format = Uuid, description = "The run")),
    responses((status = 200, description = "The run", body = WorkflowRun)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    Ok(Answer::json(StatusCode::OK, &workflow::run(&state, &caller.0, run_id(&id)?).await?)?.into_response())
}

/// Follows a workflow run
///
/// Without `Last-Event-ID`, the first event is `snapshot`, with the run as its data. After it comes each change of its
/// state and of those of its nodes, with its number as `id`. The stream ends with the run.
#[utoipa::path(
    get, path = "/api/workflows/runs/{id}/events", operation_id = "follow_workflow_run", tag = "workflows",
    params(
        ("id" = String, Path, format = Uuid, description = "The run"),
        ("Last-Event-ID" = Option<i64>, Header, description = "Number of the last event that the client has seen"),
        ("after" = Option<i64>, Query, minimum = 0, description = "The same, as a query parameter"),
    ),
    responses(RunEvents),
)]
pub(crate) async fn follow(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let seen = events::last_seen(&headers, &params)?;
    let id = run_id(&id)?;
    let (run, last_seq) = workflow::follow(&state, &caller.0, id).await?;
    let beginning = match seen {
        Some(seq) => Beginning::After(seq),
        None => Beginning::of_snapshot(last_seq, &run)?,
    };
    events::answer(&state, &caller, &headers, StreamId::of_run(id), beginning).await
}

/// Cancels a workflow run
///
/// What waits is cancelled immediately, and what runs stops within two seconds. A run that has ended stays as it is.
#[utoipa::path(
    post, path = "/api/workflows/runs/{id}/cancel", operation_id = "cancel_workflow_run", tag = "workflows",
    params(("id" = String, Path, format = Uuid, description = "The run")),
    responses(
        (status = 200, description = "The run, which has ended", body = WorkflowRun),
        (status = 202, description = "The run, whose work is stopping", body = WorkflowRun),
    ),
)]
pub(crate) async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let CancelledRun { run, is_stopping } = workflow::cancel(&state, &caller.0, run_id(&id)?).await?;
    let status = if is_stopping { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok(Answer::json(status, &run)?.into_response())
}
