//! Tasks: the work given to workers, and its state.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::{Caller, ListCaller};
use super::idempotency;
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use crate::app::Page;
use crate::tasks::{self, TaskFilter};
use packshot_contract::Word;
use packshot_contract::problem::Invalid;
use packshot_contract::task::{Task, TaskPage, TaskState};
use packshot_domain::id::TaskId;

fn task_id(text: &str) -> ApiResult<TaskId> {
    text.parse().map_err(|_| ApiError::new(Code::TaskNotFound, "there is no such task"))
}

/// Lists tasks, newest first
#[utoipa::path(
    get, path = "/api/v1/tasks", operation_id = "list_tasks", tag = "tasks",
    params(
        ("workflow_run_id" = Option<String>, Query, description = "Only tasks of this workflow run, in the order of its graph"),
        ("state" = Option<TaskState>, Query, description = "Only tasks in this state"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Tasks per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of tasks", body = TaskPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let page = params.page()?;
    let state_asked = params.text("state").map(|word| {
        let unknown = || Invalid::one("?state", "unknown_value", format!("expected one of {}", TaskState::list()));
        TaskState::by_word(word).ok_or_else(unknown)
    });
    let in_state = state_asked.transpose()?.map(Into::into);
    let Page { items, next } = match params.text("workflow_run_id").map(str::parse).transpose() {
        Ok(run) => tasks::list(&state, &caller.0, TaskFilter { state: in_state, run }, page).await?,
        // Text that is not an id is the id of no run.
        Err(_) => Page { items: Vec::new(), next: None },
    };
    let page = TaskPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Shows a task
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}", operation_id = "get_task", tag = "tasks",
    params(("id" = String, Path, format = Uuid, description = "The task")),
    responses((status = 200, description = "The task", body = Task)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let task = tasks::get(&state, &caller.0, task_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &task)?.into_response())
}

/// Requeues a failed task, with fresh attempts
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/requeue", operation_id = "requeue_task", tag = "tasks",
    params(
        ("id" = String, Path, format = Uuid, description = "The task"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer and requeues once"),
    ),
    responses((status = 200, description = "The task, queued", body = Task)),
)]
pub(crate) async fn requeue(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let keyed = idempotency::of_request(&headers, &format!("/api/v1/tasks/{id}/requeue"), [0; 32])?;
    let id = task_id(&id)?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move { Answer::json(StatusCode::OK, &tasks::requeue(&own, &who, id).await?) };
    idempotency::once(&state, &caller, keyed, once).await
}
