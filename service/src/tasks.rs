//! Tasks: the work given to workers, and its state.

use serde_json::{Map, Value};

use crate::app::failure;
use crate::app::{App, AppError, Code, Explained, Page, PageRequest};
use packshot_contract::task::Task;
pub use packshot_db::tasks::TaskFilter;
use packshot_db::tasks::{self as rows, TaskView};
use packshot_db::{DbError, TenantScope};
use packshot_domain::id::TaskId;
use packshot_domain::principal::Principal;
use packshot_domain::reader::Reader;

/// A task.
///
/// # Errors
/// [`Code::TaskNotFound`].
pub async fn get(app: &App, who: &Principal, id: TaskId) -> Result<Task, AppError> {
    Ok(task(rows::get(&app.db, TenantScope::of(who.tenant), id).await?))
}

/// A page of tasks, newest first; those of a workflow run in the order of its graph.
///
/// # Errors
/// Errors of the database.
pub async fn list(app: &App, reader: &Reader, filter: TaskFilter, page: PageRequest) -> Result<Page<Task>, AppError> {
    let Page { items, next } = rows::list(&app.db, reader, filter, page).await?;
    Ok(Page { items: items.into_iter().map(task).collect(), next })
}

/// What requeueing does, in words.
pub(crate) const REQUEUE: Explained = Explained {
    name: "requeue",
    title: "Requeue a task",
    body: "Puts a failed task and its job back into the queue, with all attempts anew.",
    affects: &["tasks", "renders"],
    unit: None,
    recommendation: Some("first correct what the task's error names, or the task will fail again"),
    warning: None,
};

/// Requeues a failed task with fresh attempts, and its job with it.
///
/// # Errors
/// [`Code::TaskNotFound`]; [`Code::TaskNotFailed`].
pub async fn requeue(app: &App, who: &Principal, id: TaskId) -> Result<Task, AppError> {
    match rows::requeue(&app.db, TenantScope::of(who.tenant), who.actor(), id).await {
        Err(DbError::State(reason)) => Err(AppError::new(
            Code::TaskNotFailed,
            format!("the task is {}: only a failed task can be requeued", reason.from),
        )),
        Err(DbError::OfRun) => {
            let detail = "the task is part of a workflow run, whose tasks are not put back";
            Err(AppError::new(Code::TaskNotRequeueable, detail))
        }
        view => Ok(task(view?)),
    }
}

/// A task as clients see it.
pub(crate) fn task(view: TaskView) -> Task {
    let TaskView { tenant, task, args, kwargs, waits_for, result } = view;
    let count = |n: i32| u32::try_from(n).unwrap_or(0);
    Task {
        id: task.id.uuid(),
        tenant_id: tenant.uuid(),
        task_id: task.id.uuid(),
        celery_task_id: task.id.uuid(),
        task_name: task.kind.to_string(),
        job_id: task.job.map(|job| job.id.uuid()),
        queue: task.queue.into(),
        lane: task.lane.to_string(),
        args: match args {
            Value::Array(args) => args,
            _ => Vec::new(),
        },
        kwargs: match kwargs {
            Value::Object(kwargs) => kwargs,
            _ => Map::new(),
        },
        state: task.state.into(),
        waits_for: waits_for.into_iter().map(TaskId::uuid).collect(),
        attempt: count(task.attempt),
        max_attempts: count(task.max_attempts),
        worker_id: task.worker_id.map(|worker| worker.to_string()),
        lease_expires_at: task.lease_expires_at.map(Into::into),
        progress_pct: task.progress_pct,
        error: task.error.map(failure::shown),
        result: match result {
            Some(Value::Object(result)) => Some(result),
            _ => None,
        },
        created_at: task.created_at.into(),
        started_at: task.started_at.map(Into::into),
        completed_at: task.completed_at.map(Into::into),
    }
}
