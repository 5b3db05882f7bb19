//! Jobs: what users wait for, whatever the work is. Their tasks are in [`tasks`](super::tasks).

mod create;
mod live;

use sea_orm::EntityTrait;
use uuid::Uuid;

use super::column::Col;
use super::entity::job;
use super::held::Held;
use super::{Db, DbError, Json, Notice, TenantScope};
use packshot_domain::document::JobDocument;
use packshot_domain::id::{JobId, TaskId, TenantId, UserId};
use packshot_domain::job::{JobRef, JobState};
use packshot_domain::task::{Lane, QueueName, TaskEvent, TaskKind, TaskState};
use packshot_domain::time::Timestamp;

pub(super) use create::{announce, create_all, create_in};
pub use live::{JobProgress, LiveJob, LiveJobs, at_work, live, progress};

/// A job as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Which one, of what kind, of which record.
    pub job: JobRef,
    /// Its state.
    pub state: JobState,
    /// Its document, if it has one.
    pub document: Option<JobDocument>,
    /// Its progress.
    pub progress: Progress,
    /// Why it failed.
    pub error: Option<JobError>,
    /// The device it ran on.
    pub device: Option<Json>,
    /// Who asked for it.
    pub created_by: UserId,
    /// Name of the file that it works on, as its sender called it.
    pub input_name: Option<String>,
    /// When it was cancelled while it ran.
    pub cancel_requested_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it began; for a job of one task, when the last attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
}

/// The progress of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// 0 to 100.
    pub progress_pct: f64,
    /// Samples per pixel taken.
    pub samples_done: i32,
    /// Samples per pixel at most.
    pub samples_target: i32,
}

/// Why a job or a task failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobError {
    /// The stable code.
    pub code: String,
    /// For people.
    pub detail: String,
    /// The place: part, pointer, byte offset.
    pub at: Option<String>,
}

/// A job to create, with its tasks in the order of their graph.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Which one, of what kind, of which record.
    pub job: JobRef,
    /// What its tasks are about, as their arguments name it: the record, or of a shadow run its line.
    pub context: Uuid,
    /// The user who asked for it.
    pub created_by: UserId,
    /// Name of the file that it works on, as its sender called it.
    pub input_name: Option<String>,
    /// Samples per pixel at most; 0 for a job that samples nothing.
    pub samples_target: i32,
    /// Whether it has a document.
    pub has_document: bool,
    /// Its tasks. A job without tasks has its result already.
    pub tasks: Vec<NewTask>,
}

/// A task to create.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// Its id.
    pub id: TaskId,
    /// What is to be done.
    pub kind: TaskKind,
    /// The queue for this kind of work.
    pub queue: QueueName,
    /// Its lane.
    pub lane: Lane,
    /// −10 to 10; higher goes first.
    pub priority: i32,
    /// The arguments, as the API shows them.
    pub kwargs: Json,
    /// What the task computes, if that is frozen already.
    pub spec: Option<Json>,
    /// Whether it publishes a result.
    pub publishes: bool,
    /// The tasks of the same job that must complete first.
    pub waits_for: Vec<TaskId>,
}

/// Creates a job with its tasks and its first event.
///
/// # Errors
///
/// [`DbError::Unsupported`] when a task waits for one that does not come before it in the list.
pub async fn create(db: &Db, scope: TenantScope, new: NewJob) -> Result<Job, DbError> {
    db.write(scope, (scope.tenant, new), |tx, (tenant, new)| {
        Box::pin(async move {
            let job = create_in(tx, *tenant, new).await?;
            announce(tx, *tenant, &job, None);
            Ok(job)
        })
    })
    .await
}

/// A job.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, id: JobId) -> Result<Job, DbError> {
    db.read_one(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move {
            let row = job::Entity::find_by_id((Col(*tenant), Col(*id))).one(tx.on()).await?;
            row.map(Job::from).ok_or(DbError::NotFound("job"))
        })
    })
    .await
}

/// Outcome of a request to cancel.
#[derive(Clone, Debug, PartialEq)]
pub enum Cancelling<T> {
    /// It had not started, and is cancelled now.
    Cancelled(T),
    /// It runs; its workers will stop.
    Requested(T),
    /// It had ended before; nothing changed.
    Unchanged(T),
}

/// Cancels a job: waiting tasks end immediately; running ones are marked, so that their workers stop.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn request_cancel(db: &Db, scope: TenantScope, job: JobRef) -> Result<Cancelling<Job>, DbError> {
    db.write(scope, (scope.tenant, job), |tx, (tenant, job)| Box::pin(request_cancel_in(tx, *tenant, *job))).await
}

/// [`request_cancel`] within a transaction.
pub(super) async fn request_cancel_in(
    tx: &super::Tx<'_>,
    tenant: TenantId,
    job: JobRef,
) -> Result<Cancelling<Job>, DbError> {
    let held = Held::of_job(tx, tenant, job).await?.ok_or(DbError::NotFound("job"))?;
    cancel_held(tx, held).await.map(|(cancelling, _)| cancelling)
}

/// The same for several jobs, whose records above are locked; of each with the tasks that were told to stop.
pub(super) async fn request_cancel_all(
    tx: &super::Tx<'_>,
    tenant: TenantId,
    jobs: &[JobRef],
) -> Result<Vec<(Cancelling<Job>, Vec<TaskId>)>, DbError> {
    let mut cancelled = Vec::with_capacity(jobs.len());
    for held in Held::of_jobs(tx, tenant, jobs).await? {
        cancelled.push(cancel_held(tx, held).await?);
    }
    Ok(cancelled)
}

async fn cancel_held(tx: &super::Tx<'_>, mut held: Held) -> Result<(Cancelling<Job>, Vec<TaskId>), DbError> {
    let was = held.job()?.clone();
    if was.state.is_terminal() {
        return Ok((Cancelling::Unchanged(was), Vec::new()));
    }
    let is_running = |task: &&super::tasks::Task| task.state == TaskState::Running;
    let running: Vec<TaskId> = held.tasks().into_iter().filter(is_running).map(|task| task.id).collect();
    if !held.mark_cancelled() {
        return Ok((Cancelling::Requested(was), running));
    }
    for i in 0..held.tasks().len() {
        match held.tasks()[i].state {
            TaskState::Waiting | TaskState::Queued => held.end(i, TaskEvent::Cancel)?,
            TaskState::Running => tx.announce(Notice::CancelRequested(held.tasks()[i].id)),
            TaskState::Completed | TaskState::Failed | TaskState::Cancelled => {}
        }
    }
    let job = held.store(tx).await?.into_job()?;
    let is_over = job.state.is_terminal();
    Ok((if is_over { Cancelling::Cancelled(job) } else { Cancelling::Requested(job) }, running))
}

pub(super) type ErrorColumns = (Option<String>, Option<String>, Option<String>);

/// An error as its columns store it.
pub(super) fn error_columns(error: Option<JobError>) -> ErrorColumns {
    match error {
        Some(JobError { code, detail, at }) => (Some(code), Some(without_zero(detail)), at.map(without_zero)),
        None => (None, None, None),
    }
}

/// An error as its columns have it.
pub(super) fn error_of((code, detail, at): ErrorColumns) -> Option<JobError> {
    Some(JobError { code: code?, detail: detail.unwrap_or_default(), at })
}

/// Text as both engines can store it: PostgreSQL allows no zero characters.
pub(super) fn without_zero(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

impl From<job::Model> for Job {
    fn from(row: job::Model) -> Self {
        let (progress_pct, samples_done, samples_target) = (row.progress_pct, row.samples_done, row.samples_target);
        Self {
            job: JobRef { id: row.id.0, kind: row.kind.0, record: row.record_id },
            state: row.state.0,
            document: row.document.map(Col::value),
            progress: Progress { progress_pct, samples_done, samples_target },
            error: error_of((row.error_code, row.error_detail, row.error_at)),
            device: row.device.map(Col::value),
            created_by: row.created_by.0,
            input_name: row.input_name,
            cancel_requested_at: row.cancel_requested_at.map(Col::value),
            created_at: row.created_at.0,
            started_at: row.started_at.map(Col::value),
            completed_at: row.completed_at.map(Col::value),
        }
    }
}
