//! Creating jobs.

use std::collections::HashSet;

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde_json::json;

use super::{Job, JobError, NewJob, NewTask, without_zero};
use crate::column::Col;
use crate::entity::{job, task, task_edge};
use crate::level::Level;
use crate::streams::NewEvent;
use crate::tx::Tx;
use crate::{DbError, Json, Notice};
use packshot_domain::document::JobDocument;
use packshot_domain::event::EventName;
use packshot_domain::id::{TaskId, TenantId};
use packshot_domain::job::{JobState, TaskFacts};
use packshot_domain::stream::StreamId;
use packshot_domain::task::{RetryPolicy, TaskState};
use packshot_domain::time::Timestamp;

/// Stores a job with its tasks. The caller must [announce] its first event, when the record exists.
pub(crate) async fn create_in(tx: &Tx<'_>, tenant: TenantId, new: &NewJob) -> Result<Job, DbError> {
    let job = insert_job(tx, tenant, new).await?;
    insert_tasks(tx, tenant, new, job.created_at).await?;
    Ok(job)
}

/// The same for several jobs: all of them before any of their tasks, as rows are locked.
pub(crate) async fn create_all(tx: &Tx<'_>, tenant: TenantId, new: &[NewJob]) -> Result<Vec<Job>, DbError> {
    let mut jobs = Vec::with_capacity(new.len());
    for new in new {
        jobs.push(insert_job(tx, tenant, new).await?);
    }
    for (new, job) in new.iter().zip(&jobs) {
        insert_tasks(tx, tenant, new, job.created_at).await?;
    }
    Ok(jobs)
}

async fn insert_job(tx: &Tx<'_>, tenant: TenantId, new: &NewJob) -> Result<Job, DbError> {
    let NewJob { job, context: _, created_by, input_name, samples_target, has_document, tasks } = new;
    let now = tx.now().await?;
    let facts: Vec<TaskFacts> =
        tasks.iter().map(|task| TaskFacts { state: first_state(task), publishes: task.publishes }).collect();
    let state = JobState::of_tasks(&facts, false);
    let first = tasks.first().map(|task| task.id);
    let document = has_document.then(|| JobDocument::new(job.record, first, state, now));
    let row = job::Model {
        tenant_id: Col(tenant),
        id: Col(job.id),
        kind: Col(job.kind),
        record_id: job.record,
        state: Col(state),
        document: document.map(Col),
        progress_pct: if state == JobState::Completed { 100.0 } else { 0.0 },
        samples_done: 0,
        samples_target: *samples_target,
        device: None,
        error_code: None,
        error_detail: None,
        error_at: None,
        created_by: Col(*created_by),
        input_name: input_name.clone().map(without_zero),
        cancel_requested_at: None,
        created_at: Col(now),
        started_at: None,
        completed_at: (state == JobState::Completed).then_some(Col(now)),
    };
    tx.enter(Level::Job);
    job::Entity::insert(row.clone().into_active_model().reset_all()).exec_without_returning(tx.on()).await?;
    Ok(row.into())
}

/// A task that waits for nothing can be claimed.
fn first_state(task: &NewTask) -> TaskState {
    if task.waits_for.is_empty() { TaskState::Queued } else { TaskState::Waiting }
}

async fn insert_tasks(tx: &Tx<'_>, tenant: TenantId, new: &NewJob, now: Timestamp) -> Result<(), DbError> {
    tx.enter(Level::Task);
    let mut before: HashSet<TaskId> = HashSet::new();
    let (mut rows, mut edges) = (Vec::new(), Vec::new());
    for (position, task) in (0..).zip(&new.tasks) {
        if let Some(unknown) = task.waits_for.iter().find(|id| !before.contains(id)) {
            return Err(DbError::Unsupported(format!(
                "the task {} waits for {unknown}, which is not before it",
                task.id
            )));
        }
        before.insert(task.id);
        edges.extend(task.waits_for.iter().map(|waited_for| task_edge::ActiveModel {
            tenant_id: Set(Col(tenant)),
            before_id: Set(Col(*waited_for)),
            after_id: Set(Col(task.id)),
        }));
        rows.push(row(tenant, new, task, position, now));
        if first_state(task) == TaskState::Queued {
            tx.announce(Notice::Queued(task.queue, task.lane.clone()));
        }
    }
    tx.insert_all(rows).await?;
    tx.insert_all(edges).await
}

fn row(tenant: TenantId, new: &NewJob, task: &NewTask, position: i32, now: Timestamp) -> task::ActiveModel {
    let policy = RetryPolicy::default();
    task::ActiveModel {
        tenant_id: Set(Col(tenant)),
        id: Set(Col(task.id)),
        job_id: Set(Some(Col(new.job.id))),
        position: Set(position),
        kind: Set(Col(task.kind)),
        queue: Set(Col(task.queue)),
        lane: Set(Col(task.lane.clone())),
        args: Set(Col(json!([new.context]))),
        kwargs: Set(Col(task.kwargs.clone())),
        spec: Set(task.spec.clone().map(Col)),
        publishes: Set(task.publishes),
        blockers: Set(i32::try_from(task.waits_for.len()).unwrap_or(i32::MAX)),
        state: Set(Col(first_state(task))),
        priority: Set(task.priority),
        attempt: Set(0),
        max_attempts: Set(policy.faults_max),
        faults: Set(0),
        service_deaths: Set(0),
        service_deaths_max: Set(policy.service_deaths_max),
        run_after: Set(Col(now)),
        log_seq: Set(0),
        progress_pct: Set(0.0),
        created_at: Set(Col(now)),
        ..Default::default()
    }
}

/// Writes the event with the current state of a job to its own stream, and to that of all jobs of its tenant.
/// `result` is its result.
pub(crate) fn announce(tx: &Tx<'_>, tenant: TenantId, job: &Job, result: Option<&Json>) {
    let name = EventName::of_state(job.state);
    let mut data = json!({"state": job.state.as_str()});
    if let (EventName::Failed, Some(JobError { code, detail, at })) = (name, &job.error) {
        data["error"] = json!({"code": code, "detail": detail, "at": at});
    }
    let mut of_all = data.clone();
    of_all["job_id"] = job.job.id.to_string().into();
    of_all["source"] = job.job.kind.as_str().into();
    tx.emit(tenant, StreamId::of_jobs(tenant), NewEvent { name, data: of_all });
    if let Some(stream) = job.job.stream() {
        if name == EventName::Completed {
            data["result"] = result.cloned().unwrap_or_default();
        }
        tx.emit(tenant, stream, NewEvent { name, data });
    }
}
