//! Tasks: what a worker was given, and how it is doing.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::answer::Answer;
use super::auth::Caller;
use super::idempotency;
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use packshot_contract::Word;
use packshot_contract::job::JobError;
use packshot_contract::problem::Invalid;
use packshot_contract::task::{Task, TaskPage, TaskState};
use packshot_db::{DbError, Page, TenantScope, tasks};
use packshot_domain::id::TaskId;

fn task_id(text: &str) -> ApiResult<TaskId> {
    text.parse().map_err(|_| ApiError::new(Code::TaskNotFound, "there is no such task"))
}

fn convert(task: tasks::Task) -> Task {
    let tasks::Task {
        id,
        name,
        queue,
        render_id,
        kwargs,
        state,
        priority: _,
        attempt,
        max_attempts,
        worker_id,
        lease_expires_at,
        run_after: _,
        progress_pct,
        error,
        created_at,
        started_at,
        went_on_at: _,
        completed_at,
    } = task;
    let count = |n: i32| u32::try_from(n).unwrap_or(0);
    Task {
        id: id.uuid(),
        task_id: id.uuid(),
        celery_task_id: id.uuid(),
        task_name: name.to_string(),
        queue: queue.into(),
        args: vec![Value::String(render_id.to_string())],
        kwargs: match kwargs {
            Value::Object(kwargs) => kwargs,
            _ => Map::new(),
        },
        state: state.into(),
        attempt: count(attempt),
        max_attempts: count(max_attempts),
        worker_id: worker_id.map(|worker| worker.to_string()),
        lease_expires_at: lease_expires_at.map(Into::into),
        progress_pct,
        error: error.map(|error| JobError { code: error.code, detail: error.detail }),
        created_at: created_at.into(),
        started_at: started_at.map(Into::into),
        completed_at: completed_at.map(Into::into),
    }
}

/// Lists tasks, newest first
#[utoipa::path(
    get, path = "/api/v1/tasks", operation_id = "list_tasks", tag = "tasks",
    params(
        ("workflow_run_id" = Option<String>, Query, description = "Only tasks of this workflow run, in the order of its graph"),
        ("state" = Option<TaskState>, Query, description = "Only tasks in this state"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Tasks of a page; 50 without it"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "A page of tasks", body = TaskPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> ApiResult<Response> {
    let page = params.page()?;
    let filter = params.text("state").map(|word| {
        let words: Vec<&str> = TaskState::WORDS.iter().map(|(word, _)| *word).collect();
        let unknown = || Invalid::one("?state", "unknown_value", format!("expected one of {}", words.join(", ")));
        TaskState::from_word(word).ok_or_else(unknown)
    });
    let filter = filter.transpose()?.map(Into::into);
    let Page { items, next } = match params.text("workflow_run_id") {
        // Every task there is belongs to a direct render, and so to no run.
        Some(_) => Page { items: Vec::new(), next: None },
        None => tasks::list(&state.db, caller.scope(), filter, page).await?,
    };
    let items = items.into_iter().map(convert).collect();
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
    let task = tasks::get(&state.db, caller.scope(), task_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &convert(task))?.into_response())
}

/// Puts a task that failed back into its queue, with a fresh set of attempts
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/requeue", operation_id = "requeue_task", tag = "tasks",
    params(
        ("id" = String, Path, format = Uuid, description = "The task"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key: the same answer, put back once"),
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
    let (own, scope) = (state.clone(), caller.scope());
    idempotency::once(&state, &caller, keyed, async move { requeue_once(&own, scope, id).await }).await
}

async fn requeue_once(state: &AppState, scope: TenantScope, id: TaskId) -> ApiResult<Answer> {
    let task = match tasks::requeue(&state.db, scope, id).await {
        Err(DbError::State(reason)) => {
            return Err(ApiError::new(Code::TaskNotFailed, format!("the task is {}", reason.from)));
        }
        task => task?,
    };
    state.queue.wake();
    Answer::json(StatusCode::OK, &convert(task))
}
