//! Tasks: handed out to workers under a lease, ended by whoever holds it.

mod claim;
mod ending;
mod recovery;

use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryResult};

use super::column::{Col, arg, cell, cell_or_none};
use super::entity::task;
use super::events::NewEvent;
use super::files::RenderFile;
use super::job::Job;
use super::log::NewLogRow;
use super::renders::{JobError, Progress, Render};
use super::{AllTenants, Db, DbError, Json, Page, PageRequest, TenantScope};
use packshot_domain::document::RenderDocument;
use packshot_domain::id::{RenderId, TaskId, TenantId, WorkerId};
use packshot_domain::render::RenderState;
use packshot_domain::step::StepName;
use packshot_domain::task::{FaultKind, LEASE, Lease, QueueName, TaskState};
use packshot_domain::time::Timestamp;

/// A task as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// What is to be done.
    pub name: StepName,
    /// By which workers.
    pub queue: QueueName,
    /// The render it is for: the one entry of `args`.
    pub render_id: RenderId,
    /// What the worker is told.
    pub kwargs: Json,
    /// Where it is on its way.
    pub state: TaskState,
    /// Higher goes first.
    pub priority: i32,
    /// The attempt under way or done last, from 1; 0 before the first.
    pub attempt: i32,
    /// Attempts in all.
    pub max_attempts: i32,
    /// Who works, or worked, on it.
    pub worker_id: Option<WorkerId>,
    /// When its lease ends.
    pub lease_expires_at: Option<Timestamp>,
    /// It is not handed out before.
    pub run_after: Timestamp,
    /// 0 to 100.
    pub progress_pct: f64,
    /// Why its last attempt failed.
    pub error: Option<JobError>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its last attempt began.
    pub started_at: Option<Timestamp>,
    /// When its last attempt began, or finished one of several pictures.
    pub went_on_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
}

/// A task that was handed out.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// Whose it is.
    pub tenant: TenantId,
    /// The right to report about it.
    pub lease: Lease,
    /// The task.
    pub task: Task,
    /// Its render, with the document to go on with.
    pub render: Render,
    /// The database's time of the claim.
    pub at: Timestamp,
}

/// Hands out up to `n` tasks of a queue: first to the tenant with the fewest running, then by priority, then by age; never more
/// than the queue's `max_concurrency` and the tenant's `max_concurrent_renders` allow.
///
/// # Errors
///
/// [`DbError`] when the database is away.
pub async fn claim(
    db: &Db,
    all: AllTenants,
    worker: WorkerId,
    queue: QueueName,
    n: u32,
) -> Result<Vec<Claimed>, DbError> {
    db.write(all, (worker, queue, n), |tx, (worker, queue, n)| Box::pin(claim::some(tx, *worker, *queue, *n))).await
}

/// What the holder of a lease shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directive {
    /// Go on.
    Continue,
    /// Stop, then call [`cancelled`].
    Cancel,
}

/// Renews a lease.
///
/// # Errors
///
/// [`DbError::LeaseLost`].
pub async fn renew(db: &Db, scope: TenantScope, lease: Lease) -> Result<Directive, DbError> {
    db.write(scope, (scope.tenant, lease), |tx, (tenant, lease)| {
        Box::pin(async move {
            let sql = "UPDATE tasks SET lease_expires_at = $1 \
                       WHERE tenant_id = $2 AND id = $3 AND lease_number = $4 AND state = 'running' \
                       RETURNING cancel_requested_at";
            let expires_at = tx.now().await? + LEASE;
            let values = [arg(expires_at), arg(*tenant), arg(lease.task), lease.number.into()];
            let rows = tx.query(sql, values).await?;
            let row = rows.first().ok_or(DbError::LeaseLost(lease.task))?;
            let cancel_requested_at: Option<Timestamp> = cell_or_none(row, 0)?;
            Ok(Directive::of(cancel_requested_at.is_some()))
        })
    })
    .await
}

/// What happened while a task runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The document, when it changed.
    pub document: Option<RenderDocument>,
    /// How far it is, when it changed.
    pub progress: Option<Progress>,
    /// Whether one of several pictures was finished.
    pub went_on: bool,
    /// The device, when it is known newly.
    pub device: Option<Json>,
    /// Events for the stream, in order.
    pub events: Vec<NewEvent>,
    /// Lines of the log, in order.
    pub log: Vec<NewLogRow>,
}

/// Stores what happened, and renews the lease.
///
/// # Errors
///
/// [`DbError::LeaseLost`]; nothing is stored then.
pub async fn report(db: &Db, scope: TenantScope, lease: Lease, report: Report) -> Result<Directive, DbError> {
    db.write(scope, (scope.tenant, lease, report), |tx, (tenant, lease, report)| {
        Box::pin(async move {
            let mut job = Job::held(tx, *tenant, *lease).await?;
            report.clone().note(&mut job);
            job.renew();
            let job = job.store(tx).await?;
            Ok(Directive::of(job.cancel_requested))
        })
    })
    .await
}

/// The state of a task as long as no later lease of it was given out; `None` when one was, or the task is gone.
///
/// # Errors
///
/// [`DbError`] when the database is away.
pub async fn state_under(db: &Db, scope: TenantScope, lease: Lease) -> Result<Option<TaskState>, DbError> {
    db.read(scope, (scope.tenant, lease), |tx, (tenant, lease)| {
        Box::pin(async move {
            let row = task::Entity::find_by_id((Col(*tenant), Col(lease.task))).one(tx.on()).await?;
            Ok(row.filter(|row| row.lease_number == lease.number).map(|row| row.state.0))
        })
    })
    .await
}

/// A task that was done. Its files are in the store already.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// What else happened since the last report.
    pub report: Report,
    /// The document at its end; its state is set here.
    pub document: RenderDocument,
    /// What the render left, as its clients see it.
    pub result: Json,
    /// Its files.
    pub files: Vec<RenderFile>,
}

/// How a task ended that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With its files.
    Completed,
    /// A mark to cancel came before: without files.
    Cancelled,
}

/// Ends a task that was done, and its render with it.
///
/// # Errors
///
/// [`DbError::LeaseLost`]; nothing is stored then.
pub async fn complete(db: &Db, scope: TenantScope, lease: Lease, completion: Completion) -> Result<Ended, DbError> {
    db.write(scope, (scope.tenant, lease, completion), |tx, (tenant, lease, completion)| {
        Box::pin(ending::complete(tx, *tenant, *lease, completion.clone()))
    })
    .await
}

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What else happened since the last report.
    pub report: Report,
    /// The document at its end, in which the failed step says why; its state is set here.
    pub document: RenderDocument,
    /// Whose fault it is.
    pub fault: FaultKind,
    /// Why.
    pub error: JobError,
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// The task has failed, and its render with it.
    Failed,
    /// It is tried again, from this time on.
    Retry(Timestamp),
    /// A mark to cancel came before.
    Cancelled,
}

impl AfterFailure {
    /// The state in which the render ended, if it did.
    #[must_use]
    pub const fn ended(self) -> Option<RenderState> {
        match self {
            Self::Failed => Some(RenderState::Failed),
            Self::Retry(_) => None,
            Self::Cancelled => Some(RenderState::Cancelled),
        }
    }
}

/// Ends an attempt that failed: by another one later, or by failing the task.
///
/// # Errors
///
/// [`DbError::LeaseLost`]; nothing is stored then.
pub async fn fail(db: &Db, scope: TenantScope, lease: Lease, failure: Failure) -> Result<AfterFailure, DbError> {
    db.write(scope, (scope.tenant, lease, failure), |tx, (tenant, lease, failure)| {
        Box::pin(ending::fail(tx, *tenant, *lease, failure.clone()))
    })
    .await
}

/// Ends a task whose worker stopped because of the mark to cancel, and its render with it.
///
/// # Errors
///
/// [`DbError::LeaseLost`]; nothing is stored then.
pub async fn cancelled(db: &Db, scope: TenantScope, lease: Lease, document: RenderDocument) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, lease, document), |tx, (tenant, lease, document)| {
        Box::pin(ending::cancelled(tx, *tenant, *lease, document.clone()))
    })
    .await
}

/// Puts a task back because its worker shuts down: the attempt does not count. When a mark to cancel came before, it is
/// cancelled.
///
/// # Errors
///
/// [`DbError::LeaseLost`]; nothing is stored then.
pub async fn give_back(db: &Db, scope: TenantScope, lease: Lease, document: RenderDocument) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, lease, document), |tx, (tenant, lease, document)| {
        Box::pin(ending::give_back(tx, *tenant, *lease, document.clone()))
    })
    .await
}

/// A task whose worker was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaped {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its render.
    pub render: RenderId,
    /// The lease that ended.
    pub lease: Lease,
    /// The attempt that was lost.
    pub attempt: i32,
    /// What follows.
    pub after: AfterFailure,
}

/// Takes back every task whose lease has expired, but those `held` by who asks, as an infrastructure fault `worker_lost`.
///
/// # Errors
///
/// [`DbError`] when the database is away.
pub async fn reap_expired(db: &Db, all: AllTenants, held: Vec<Lease>) -> Result<Vec<Reaped>, DbError> {
    db.write(all, held, |tx, held| Box::pin(recovery::reap_expired(tx, held))).await
}

/// Takes back every task that a worker runs which is known to be gone, as [`reap_expired`] would when their leases expire. Of all
/// workers, only the one named is affected.
///
/// # Errors
///
/// [`DbError`] when the database is away. What was taken back until then stays so.
pub async fn reap_worker(db: &Db, all: AllTenants, worker: WorkerId) -> Result<Vec<Reaped>, DbError> {
    let mut reaped = Vec::new();
    loop {
        let some = db.write(all, worker, |tx, worker| Box::pin(recovery::reap_worker(tx, *worker))).await?;
        if some.is_empty() {
            return Ok(reaped);
        }
        reaped.extend(some);
    }
}

/// A task that stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stalled {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its render.
    pub render: RenderId,
    /// Its lease.
    pub lease: Lease,
    /// Since its attempt began, or finished one of several pictures.
    pub still_for: Duration,
}

/// Tasks that have stood still for longer than `timeout`: since their attempt began, or, where it makes several pictures, since it
/// finished the last one.
///
/// # Errors
///
/// [`DbError`] when the database is away.
pub async fn stalled(db: &Db, all: AllTenants, timeout: Duration) -> Result<Vec<Stalled>, DbError> {
    db.read(all, timeout, |tx, timeout| Box::pin(recovery::stalled(tx, *timeout))).await
}

/// Puts a failed task, and its render, back into the queue with a fresh set of attempts.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::State`] when it has not failed.
pub async fn requeue(db: &Db, scope: TenantScope, id: TaskId) -> Result<Task, DbError> {
    db.write(scope, (scope.tenant, id), |tx, (tenant, id)| Box::pin(recovery::requeue(tx, *tenant, *id))).await
}

/// A task.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, id: TaskId) -> Result<Task, DbError> {
    db.read_one(scope, (scope.tenant, id), |tx, key| {
        Box::pin(async move {
            let row = task::Entity::find_by_id((Col(key.0), Col(key.1))).one(tx.on()).await?;
            row.map(Task::from).ok_or(DbError::NotFound("task"))
        })
    })
    .await
}

/// A page of tasks, newest first, of one state or all.
///
/// # Errors
///
/// [`DbError`] when the database is away.
pub async fn list(
    db: &Db,
    scope: TenantScope,
    state: Option<TaskState>,
    page: PageRequest,
) -> Result<Page<Task>, DbError> {
    db.read(scope, (scope.tenant, state, page), |tx, (tenant, state, page)| {
        Box::pin(async move {
            let tasks = task::Entity::find().filter(task::Column::TenantId.eq(Col(*tenant)));
            let tasks = match state {
                Some(state) => tasks.filter(task::Column::State.eq(Col(*state))),
                None => tasks,
            };
            let rows = page.narrow(tasks, task::Column::CreatedAt, task::Column::Id).all(tx.on()).await?;
            Ok(page.cut(rows, |row| (row.created_at.0, row.id.0.uuid())))
        })
    })
    .await
}

/// How many tasks of a queue are in a state that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    /// The queue.
    pub queue: QueueName,
    /// The state: waiting, queued or running.
    pub state: TaskState,
    /// How many.
    pub tasks: u64,
}

/// How many tasks wait and run, for metrics. What is zero is left out.
///
/// # Errors
///
/// [`DbError`] when the database is away.
pub async fn queue_depths(db: &Db, all: AllTenants) -> Result<Vec<QueueDepth>, DbError> {
    db.read(all, (), |tx, ()| {
        Box::pin(async move {
            let sql = "SELECT queue, state, COUNT(*) FROM tasks \
                       WHERE queue IN ('render', 'convert', 'housekeeping') AND state IN ('waiting', 'queued', 'running') \
                       GROUP BY queue, state ORDER BY queue, state";
            let depth = |row: &QueryResult| {
                let tasks: i64 = row.try_get_by_index(2)?;
                let (queue, state) = (cell(row, 0)?, cell(row, 1)?);
                Ok(QueueDepth { queue, state, tasks: tasks.unsigned_abs() })
            };
            tx.query(sql, []).await?.iter().map(depth).collect()
        })
    })
    .await
}

impl Directive {
    const fn of(cancel_requested: bool) -> Self {
        if cancel_requested { Self::Cancel } else { Self::Continue }
    }
}

impl Report {
    /// Takes over what happened.
    fn note(self, job: &mut Job) {
        let Self { document, progress, went_on, device, events, log } = self;
        if let Some(document) = document {
            job.set_document(document);
        }
        if let Some(progress) = progress {
            job.set_progress(progress);
        }
        if went_on {
            job.go_on();
        }
        if device.is_some() {
            job.render.device = device;
        }
        job.add_events(events);
        job.add_log(log);
    }
}
