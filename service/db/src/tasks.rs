//! Tasks: handed out to workers under a lease, ended by the holder of the lease.

mod chore;
mod claim;
mod dead;
mod deferral;
mod delivery;
mod ending;
mod list;
mod recovery;

use std::sync::Arc;
use std::time::Duration;

use super::column::{Col, arg, cell_or_none};
use super::entity::task;
use super::held::Held;
use super::jobs::{Job, JobError, Progress, error_of};
use super::log::NewLogRow;
use super::streams::NewEvent;
use super::{AllTenants, Db, DbError, Json, TenantScope};
use packshot_domain::audit::Actor;
use packshot_domain::document::Change;
use packshot_domain::id::{TaskId, TenantId, WorkerId};
use packshot_domain::job::{JobRef, TaskFacts};
use packshot_domain::task::{Failures, FaultKind, LEASE, Lane, Lease, QueueName, RetryPolicy, TaskKind, TaskState};
use packshot_domain::time::Timestamp;

pub use chore::{NewChore, ask};
pub(super) use chore::{ask_in, chore_row};
pub use claim::LaneLimit;
pub(crate) use dead::replaced;
pub(crate) use dead::revived;
pub use dead::tell_of_gone;
pub(crate) use deferral::stop_stuck;
pub use deferral::{defer, postpone};
pub use delivery::{Delivery, Movie, OutputFile};
pub use list::{
    QueueDepth, TaskFilter, TaskView, Took, get, is_cancelled, list, queue_depths, spec, state_under, took,
};

/// A task as it is stored, without what it was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// The job that it is part of, if any.
    pub job: Option<JobRef>,
    /// Its place in the graph of its job, from 0.
    pub position: i32,
    /// What is to be done.
    pub kind: TaskKind,
    /// What kind of work that is.
    pub queue: QueueName,
    /// Its lane.
    pub lane: Lane,
    /// Whether it publishes a result.
    pub publishes: bool,
    /// How many tasks before it have not completed.
    pub blockers: i32,
    /// Its state.
    pub state: TaskState,
    /// Higher goes first.
    pub priority: i32,
    /// The current or last attempt, from 1; 0 before the first.
    pub attempt: i32,
    /// How many attempts may fail because of the infrastructure.
    pub max_attempts: i32,
    /// How often attempts have failed, by cause.
    pub failures: Failures,
    /// How many attempts may end by deaths of a service like the one that claimed it last.
    pub service_deaths_max: i32,
    /// The worker that works, or worked, on it.
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
    /// When its last attempt began, or last finished one of several pictures.
    pub went_on_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
}

/// What a task was given.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskInput {
    /// What dispatch decided, as the contract shows it.
    pub kwargs: Json,
    /// What the work computes, once that is frozen.
    pub spec: Option<Json>,
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
    /// What it was given.
    pub input: TaskInput,
    /// Its job, with the document.
    pub job: Option<Job>,
    /// The database's time of the claim.
    pub at: Timestamp,
}

/// The worker that claims, and the lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimer {
    /// The worker.
    pub worker: WorkerId,
    /// The queue.
    pub queue: QueueName,
    /// The lane.
    pub lane: Lane,
    /// How many tasks of the lane may run at once, over all services.
    pub limit: LaneLimit,
    /// How many deaths of a service like this one a task survives.
    pub service_deaths_max: i32,
}

/// Hands out up to `n` tasks of a lane, one in a transaction: first to the tenant with the fewest running, then by
/// priority, then by age; never more than the lane and the tenant's `max_concurrent_renders` allow.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached, unless something was handed out before.
pub async fn claim(db: &Db, all: AllTenants, claimer: Claimer, n: u32) -> Result<Vec<Claimed>, DbError> {
    let mut claimed = Vec::new();
    for _ in 0..n {
        let one = db.write(all, claimer.clone(), |tx, claimer| Box::pin(claim::one(tx, claimer))).await;
        match one {
            Ok(Some(one)) => claimed.push(one),
            Ok(None) => break,
            // Tasks that were handed out must be run by the claimer.
            Err(_) if !claimed.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(claimed)
}

/// What the holder of a lease must do.
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
                       WHERE tenant_id = $2 AND id = $3 AND lease_token = $4 AND state = 'running' \
                       RETURNING cancel_requested_at";
            let expires_at = tx.now().await? + LEASE;
            let values = [arg(expires_at), arg(*tenant), arg(lease.task), arg(lease.token)];
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
    /// Whether this is the first of its attempt.
    pub began: bool,
    /// What the attempt computes, if that was not frozen before.
    pub spec: Option<Json>,
    /// Changes of the job's document, in order.
    pub changes: Vec<Change>,
    /// How far the task is, when that changed.
    pub progress: Option<Progress>,
    /// Whether one of several pictures was finished.
    pub went_on: bool,
    /// The device, once it is known.
    pub device: Option<Json>,
    /// Events for the job's stream, in order.
    pub events: Vec<NewEvent>,
    /// Lines of the log, in order.
    pub log: Vec<NewLogRow>,
    /// What an attempt at a chore has come to, for the chore's effect, however the attempt ends.
    pub found: Option<Json>,
}

/// Stores what happened, and renews the lease.
///
/// # Errors
///
/// [`DbError::LeaseLost`]; nothing is stored then.
pub async fn report(db: &Db, scope: TenantScope, lease: Lease, report: Report) -> Result<Directive, DbError> {
    db.write(scope, (scope.tenant, lease, report), |tx, (tenant, lease, report)| {
        Box::pin(async move {
            let (mut held, i) = Held::under(tx, *tenant, *lease).await?;
            held.report(i, report.clone());
            let held = held.store(tx).await?;
            Ok(Directive::of(held.is_cancelled(i)))
        })
    })
    .await
}

/// A task that was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// What else happened since the last report.
    pub report: Report,
    /// What it left.
    pub delivery: Delivery,
}

/// A task whose work was done, but whose result does not meet the request.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejection {
    /// What else happened since the last report.
    pub report: Report,
    /// Its result, which is kept.
    pub delivery: Delivery,
    /// Why it counts as failed.
    pub error: JobError,
}

/// How a completed task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With its result.
    Kept,
    /// Without a result: a cancel mark came before.
    Cancelled,
}

/// Ends a task that was done, and everything that ends with it.
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

/// Fails a task that was done, keeps what it left, and ends everything that ends with it. It is not tried again,
/// because the result would be the same.
///
/// # Errors
///
/// [`DbError::LeaseLost`]; nothing is stored then.
pub async fn reject(db: &Db, scope: TenantScope, lease: Lease, rejection: Rejection) -> Result<Ended, DbError> {
    db.write(scope, (scope.tenant, lease, rejection), |tx, (tenant, lease, rejection)| {
        Box::pin(ending::reject(tx, *tenant, *lease, rejection.clone()))
    })
    .await
}

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What else happened since the last report.
    pub report: Report,
    /// What kind of fault it was.
    pub fault: FaultKind,
    /// Why.
    pub error: JobError,
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// The task has failed.
    Failed,
    /// It is tried again, from this time on.
    Retry(Timestamp),
    /// A cancel mark came before.
    Cancelled,
}

impl AfterFailure {
    /// The state in which the task ended, if it did.
    #[must_use]
    pub const fn ended(self) -> Option<TaskState> {
        match self {
            Self::Failed => Some(TaskState::Failed),
            Self::Retry(_) => None,
            Self::Cancelled => Some(TaskState::Cancelled),
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

/// Ends a task whose worker stopped because of the mark to cancel.
///
/// # Errors
///
/// [`DbError::LeaseLost`]; [`DbError::State`] when it was not cancelled. Nothing is stored then.
pub async fn cancelled(db: &Db, scope: TenantScope, lease: Lease, report: Report) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, lease, report), |tx, (tenant, lease, report)| {
        Box::pin(ending::cancelled(tx, *tenant, *lease, report.clone()))
    })
    .await
}

/// Puts a task back because its worker shuts down: the attempt does not count. If a cancel mark came before, it is
/// cancelled.
///
/// # Errors
///
/// [`DbError::LeaseLost`]; nothing is stored then.
pub async fn give_back(db: &Db, scope: TenantScope, lease: Lease, report: Report) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, lease, report), |tx, (tenant, lease, report)| {
        Box::pin(ending::give_back(tx, *tenant, *lease, report.clone()))
    })
    .await
}

/// A task whose service was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaped {
    /// Whose it is.
    pub tenant: TenantId,
    /// The lease that ended.
    pub lease: Lease,
    /// The attempt that was lost.
    pub attempt: i32,
    /// What follows.
    pub after: AfterFailure,
}

/// Takes back every task whose lease has expired, except those `held` by the caller: the service that held it died, or
/// cannot reach the database.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached. What cannot be taken back is tried again the next time.
pub async fn reap_expired(db: &Db, all: AllTenants, held: Vec<Lease>) -> Result<Vec<Reaped>, DbError> {
    let held: Arc<[Lease]> = held.into();
    let found = db.read(all, (), |tx, ()| Box::pin(recovery::find_expired(tx))).await?;
    let mut reaped = Vec::new();
    for (tenant, task) in found {
        let args = (tenant, task, Arc::clone(&held));
        let work =
            db.write(all, args, |tx, (tenant, task, held)| Box::pin(recovery::reap_expired(tx, *tenant, *task, held)));
        reaped.extend(taken_back(work.await, task));
    }
    Ok(reaped)
}

/// The result of taking back a task. An error for one task does not stop the others.
fn taken_back(result: Result<Option<Reaped>, DbError>, task: TaskId) -> Option<Reaped> {
    result.unwrap_or_else(|error| {
        tracing::error!(task.id = %task, "a task of a lost service cannot be taken back: {error}");
        None
    })
}

/// Takes back every task of a service that is known to be gone, as [`reap_expired`] would when their leases expire. Of
/// all services, only the one named is affected.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached. What cannot be taken back is tried again the next time.
pub async fn reap_worker(db: &Db, all: AllTenants, worker: WorkerId) -> Result<Vec<Reaped>, DbError> {
    let mut reaped = Vec::new();
    loop {
        let found = db.read(all, worker, |tx, worker| Box::pin(recovery::find_of_worker(tx, *worker))).await?;
        let n_before = reaped.len();
        for (tenant, task) in found {
            let work = db.write(all, (tenant, task, worker), |tx, (tenant, task, worker)| {
                Box::pin(recovery::reap_of_worker(tx, *tenant, *task, *worker))
            });
            reaped.extend(taken_back(work.await, task));
        }
        if reaped.len() == n_before {
            return Ok(reaped);
        }
    }
}

/// A stalled task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stalled {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its lease.
    pub lease: Lease,
    /// The time since its attempt began, or last finished one of several pictures.
    pub still_for: Duration,
    /// Whether it has no attempt left once it is stopped.
    pub is_last: bool,
}

/// Tasks that have stalled for longer than `timeout`: since their attempt began, or, where it makes several pictures,
/// since it finished the last one.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn stalled(db: &Db, all: AllTenants, timeout: Duration) -> Result<Vec<Stalled>, DbError> {
    db.read(all, timeout, |tx, timeout| Box::pin(recovery::stalled(tx, *timeout))).await
}

/// Puts a failed task, and its job, back with a fresh set of attempts.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::State`] when it has not failed.
pub async fn requeue(db: &Db, scope: TenantScope, by: Actor, id: TaskId) -> Result<TaskView, DbError> {
    db.write(scope, (scope.tenant, by, id), |tx, (tenant, by, id)| Box::pin(recovery::requeue(tx, *tenant, by, *id)))
        .await
}

impl Directive {
    const fn of(cancel_requested: bool) -> Self {
        if cancel_requested { Self::Cancel } else { Self::Continue }
    }
}

impl Task {
    /// What the state of its job depends on.
    #[must_use]
    pub const fn facts(&self) -> TaskFacts {
        TaskFacts { state: self.state, publishes: self.publishes }
    }

    /// How often it is tried.
    pub(super) fn policy(&self) -> RetryPolicy {
        let (faults_max, service_deaths_max) = (self.max_attempts, self.service_deaths_max);
        RetryPolicy { faults_max, service_deaths_max, ..RetryPolicy::default() }
    }

    pub(super) fn of(row: task::Live, job: Option<JobRef>) -> Self {
        Self {
            id: row.id.0,
            job,
            position: row.position,
            kind: row.kind.0,
            queue: row.queue.0,
            lane: row.lane.0,
            publishes: row.publishes,
            blockers: row.blockers,
            state: row.state.0,
            priority: row.priority,
            attempt: row.attempt,
            max_attempts: row.max_attempts,
            failures: Failures { faults: row.faults, service_deaths: row.service_deaths },
            service_deaths_max: row.service_deaths_max,
            worker_id: row.worker_id.map(Col::value),
            lease_expires_at: row.lease_expires_at.map(Col::value),
            run_after: row.run_after.0,
            progress_pct: row.progress_pct,
            error: error_of((row.error_code, row.error_detail, row.error_at)),
            created_at: row.created_at.0,
            started_at: row.started_at.map(Col::value),
            went_on_at: row.went_on_at.map(Col::value),
            completed_at: row.completed_at.map(Col::value),
        }
    }
}
