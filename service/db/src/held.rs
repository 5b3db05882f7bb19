//! A job with its tasks, or a task without a job, held together for a change: states only change here.
//!
//! Rows are locked from the top down, the domain decides, and the rows are written together with the events that report
//! it and the effect on the records above. So states, document, stream and records cannot differ.

mod rows;
mod graph;

pub(super) use rows::{share_job, write_job};

use std::collections::BTreeSet;
use std::sync::Arc;

use super::effect::{ChoreTurn, Effect, Phase, Turn};
use super::jobs::{Job, JobError, Progress};
use super::log::NewLogRow;
use super::streams::NewEvent;
use super::tasks::{Delivery, Report, Task};
use super::tx::Tx;
use super::{DbError, Json, jobs};
use packshot_domain::document::Change;
use packshot_domain::id::{JobId, TaskId, TenantId, WorkerId};
use packshot_domain::job::{JobRef, JobState, TaskFacts};
use packshot_domain::task::{Failures, LEASE, Lease, LeaseToken, TaskEvent, TaskKind, TaskState};
use packshot_domain::time::Timestamp;

/// A locked task, with fields that only this module needs.
#[derive(Clone, Debug)]
struct Kept {
    task: Task,
    /// How far it was before this: what is seen of it until then.
    reached_pct: f64,
    token: Option<LeaseToken>,
    cancel_requested_at: Option<Timestamp>,
    log_seq: i64,
    log: Vec<NewLogRow>,
    /// The spec, which the first report of an attempt freezes.
    spec: Option<Json>,
    /// The result of a task without a job, when it has just ended with one.
    result: Option<Json>,
    /// What the attempt has come to, for the effect of a chore.
    found: Option<Json>,
}

/// A job and its tasks, locked.
pub(super) struct Held {
    tenant: TenantId,
    job: Option<Job>,
    /// In the order of their graph.
    kept: Vec<Kept>,
    now: Timestamp,
    /// Tasks that have changed and must be written.
    changed: BTreeSet<usize>,
    /// Changes of tasks, for the effect.
    turns: Vec<(usize, Phase)>,
    events: Vec<NewEvent>,
}

impl Held {
    /// Whose job it is.
    pub(super) const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Locks a job, with everything above it that its effect changes, and its tasks; `None` when there is no such job.
    pub(super) async fn of_job(tx: &Tx<'_>, tenant: TenantId, job: JobRef) -> Result<Option<Self>, DbError> {
        if let Some(effect) = tx.effects().of(job.kind) {
            effect.lock(tx, tenant, job).await?;
        }
        Self::below(tx, tenant, job).await
    }

    /// Locks a job and its tasks, but no records above it.
    async fn below(tx: &Tx<'_>, tenant: TenantId, job: JobRef) -> Result<Option<Self>, DbError> {
        let Some(job) = rows::lock_job(tx, tenant, job.id).await? else { return Ok(None) };
        let kept = rows::lock_tasks(tx, tenant, job.job).await?;
        Ok(Some(Self::new(tx, tenant, Some(job), kept).await?))
    }

    /// Locks several jobs and their tasks, but no records above them: the caller has locked those.
    pub(super) async fn of_jobs(tx: &Tx<'_>, tenant: TenantId, jobs: &[JobRef]) -> Result<Vec<Self>, DbError> {
        let mut ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
        ids.sort_unstable();
        let mut locked = Vec::with_capacity(ids.len());
        for id in ids {
            locked.extend(rows::lock_job(tx, tenant, id).await?);
        }
        let mut held = Vec::with_capacity(locked.len());
        for job in locked {
            let kept = rows::lock_tasks(tx, tenant, job.job).await?;
            held.push(Self::new(tx, tenant, Some(job), kept).await?);
        }
        Ok(held)
    }

    /// Locks a task and its job, and returns its position among the tasks; `None` when there is no such task.
    pub(super) async fn of_task(tx: &Tx<'_>, tenant: TenantId, id: TaskId) -> Result<Option<(Self, usize)>, DbError> {
        let Some(job) = rows::job_of(tx, tenant, id).await? else { return Ok(None) };
        Self::of_task_in(tx, tenant, job, id).await
    }

    /// Locks a task and its job, but no records above: a claim has no effect there before the first report.
    pub(super) async fn to_claim(tx: &Tx<'_>, tenant: TenantId, id: TaskId) -> Result<Option<(Self, usize)>, DbError> {
        match rows::job_of(tx, tenant, id).await? {
            Some(Some(job)) => Ok(Self::below(tx, tenant, job).await?.and_then(|held| held.with(id))),
            Some(None) => Self::of_task_in(tx, tenant, None, id).await,
            None => Ok(None),
        }
    }

    fn with(self, id: TaskId) -> Option<(Self, usize)> {
        let position = self.kept.iter().position(|kept| kept.task.id == id)?;
        Some((self, position))
    }

    async fn of_task_in(
        tx: &Tx<'_>,
        tenant: TenantId,
        job: Option<JobRef>,
        id: TaskId,
    ) -> Result<Option<(Self, usize)>, DbError> {
        let held = match job {
            Some(job) => Self::of_job(tx, tenant, job).await?,
            None => {
                let kept = rows::lock_task(tx, tenant, id).await?;
                Some(Self::new(tx, tenant, None, kept).await?)
            }
        };
        Ok(held.and_then(|held| held.with(id)))
    }

    /// Locks the task of a lease and its job, if the lease still holds.
    pub(super) async fn under(tx: &Tx<'_>, tenant: TenantId, lease: Lease) -> Result<(Self, usize), DbError> {
        let found = Self::of_task_in(tx, tenant, lease.job, lease.task).await?;
        let is_held = |(held, i): &(Self, usize)| {
            let Kept { task, token, .. } = &held.kept[*i];
            *token == Some(lease.token) && task.state == TaskState::Running
        };
        found.filter(is_held).ok_or(DbError::LeaseLost(lease.task))
    }

    async fn new(tx: &Tx<'_>, tenant: TenantId, job: Option<Job>, kept: Vec<Kept>) -> Result<Self, DbError> {
        let now = tx.now().await?;
        Ok(Self { tenant, job, kept, now, changed: BTreeSet::new(), turns: Vec::new(), events: Vec::new() })
    }

    /// The time of this change.
    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    /// The job.
    pub(super) fn job(&self) -> Result<&Job, DbError> {
        self.job.as_ref().ok_or(DbError::NotFound("job"))
    }

    /// Writes everything and returns the job.
    pub(super) fn into_job(self) -> Result<Job, DbError> {
        self.job.ok_or(DbError::NotFound("job"))
    }

    /// The job, where there is one.
    pub(super) fn take_job(self) -> Option<Job> {
        self.job
    }

    /// The tasks, in the order of their graph.
    pub(super) fn tasks(&self) -> Vec<&Task> {
        self.kept.iter().map(|kept| &kept.task).collect()
    }

    /// A task.
    pub(super) fn task(&self, i: usize) -> &Task {
        &self.kept[i].task
    }

    /// The lease of a task as it was last given.
    pub(super) fn lease(&self, i: usize) -> Option<Lease> {
        let Kept { task, token, .. } = &self.kept[i];
        Some(Lease { task: task.id, job: task.job, token: (*token)? })
    }

    /// Whether the task is to stop, or has stopped, because the job was cancelled.
    pub(super) fn is_cancelled(&self, i: usize) -> bool {
        self.kept[i].cancel_requested_at.is_some()
    }

    /// A worker takes a task. `service_deaths_max` is how many deaths of a service like the one that claims a task
    /// survives.
    pub(super) fn claim(&mut self, i: usize, worker: WorkerId, service_deaths_max: i32) -> Result<Lease, DbError> {
        self.step(i, TaskEvent::Claim)?;
        let (now, token) = (self.now, LeaseToken::random());
        let kept = &mut self.kept[i];
        kept.token = Some(token);
        let task = &mut kept.task;
        task.attempt += 1;
        (task.worker_id, task.started_at, task.went_on_at) = (Some(worker), Some(now), Some(now));
        task.service_deaths_max = service_deaths_max;
        task.lease_expires_at = Some(now + LEASE);
        let (id, job, attempt) = (task.id, task.job, task.attempt);
        if let Some(document) = self.document() {
            document.begin_attempt(id, attempt, worker);
        }
        Ok(Lease { task: id, job, token })
    }

    /// Applies a report of the holder of a lease, and renews the lease.
    pub(super) fn report(&mut self, i: usize, report: Report) {
        let Report { began, changes, progress, went_on, device, events, log, spec, found } = report;
        let id = self.kept[i].task.id;
        for change in changes {
            self.change_document(id, change);
        }
        let kept = &mut self.kept[i];
        kept.task.lease_expires_at = Some(self.now + LEASE);
        if went_on {
            kept.task.went_on_at = Some(self.now);
        }
        kept.spec = spec;
        kept.found = found.or(kept.found.take());
        kept.log.extend(log);
        self.changed.insert(i);
        if let Some(progress) = progress {
            self.set_progress(i, progress);
        }
        if let (Some(job), Some(device)) = (&mut self.job, device) {
            job.device = Some(device);
        }
        self.events.extend(events);
        if began {
            self.turns.push((i, Phase::Began));
        }
    }

    /// An attempt at a task has ended without counting.
    pub(super) fn give_attempt_back(&mut self, i: usize) {
        let task = &mut self.kept[i].task;
        task.attempt -= 1;
        let (id, attempt) = (task.id, task.attempt);
        // The document describes the task that began last.
        if let Some(document) = self.document().filter(|document| document.task_id == Some(id)) {
            document.attempt = attempt;
        }
    }

    /// A task goes back into its lane, to be handed out from `run_after` on.
    pub(super) fn release(&mut self, i: usize, run_after: Timestamp) -> Result<(), DbError> {
        self.step(i, TaskEvent::Release)?;
        self.wait_from(i, run_after);
        Ok(())
    }

    /// A task that failed goes back into its lane with a fresh set of attempts. What was cancelled because of it waits
    /// again.
    pub(super) fn requeue(&mut self, i: usize) -> Result<(), DbError> {
        if self.job.as_ref().is_some_and(|job| job.cancel_requested_at.is_some()) {
            let from = TaskState::Cancelled;
            return Err(packshot_domain::task::StateError { from, event: TaskEvent::Requeue }.into());
        }
        self.step(i, TaskEvent::Requeue)?;
        let task = &mut self.kept[i].task;
        (task.attempt, task.failures, task.error, task.completed_at) = (0, Failures::default(), None, None);
        let id = task.id;
        if let Some(document) = self.document().filter(|document| document.task_id == Some(id)) {
            document.result = None;
        }
        self.wait_from(i, self.now);
        Ok(())
    }

    fn wait_from(&mut self, i: usize, run_after: Timestamp) {
        let now = self.now;
        let task = &mut self.kept[i].task;
        (task.lease_expires_at, task.run_after) = (None, run_after);
        let id = task.id;
        let samples_target = self.job.as_ref().map_or(0, |job| job.progress.samples_target);
        self.set_progress(i, Progress { samples_target, ..Progress::default() });
        if let Some(document) = self.document() {
            document.end_running_steps(id, now);
        }
        self.turns.push((i, Phase::Released));
    }

    /// A task ends: failed or cancelled, as `event` says.
    pub(super) fn end(&mut self, i: usize, event: TaskEvent) -> Result<(), DbError> {
        self.step(i, event)?;
        self.close(i);
        let is_failed = self.kept[i].task.state == TaskState::Failed;
        self.turns.push((i, if is_failed { Phase::Failed } else { Phase::Cancelled }));
        Ok(())
    }

    /// A task completed, with this result.
    pub(super) fn complete(&mut self, i: usize, delivery: Delivery) -> Result<(), DbError> {
        self.step(i, TaskEvent::Finish)?;
        self.close(i);
        // Earlier attempts may have failed, but this one succeeded.
        self.kept[i].task.error = None;
        self.set_done(i);
        self.keep_result(i, &delivery);
        self.turns.push((i, Phase::Completed(Arc::new(delivery))));
        Ok(())
    }

    /// A task's work was done, but it failed because of its result, which is kept.
    pub(super) fn reject(&mut self, i: usize, delivery: Delivery, error: JobError) -> Result<(), DbError> {
        self.step(i, TaskEvent::Fail)?;
        self.close(i);
        self.set_error(i, error);
        self.set_done(i);
        self.keep_result(i, &delivery);
        self.turns.push((i, Phase::Rejected(Arc::new(delivery))));
        Ok(())
    }

    /// A task without a job has no record above it that would keep its result: its own row does.
    fn keep_result(&mut self, i: usize, delivery: &Delivery) {
        if self.job.is_none() {
            self.kept[i].result = Some(delivery.output.clone());
        }
    }

    fn set_done(&mut self, i: usize) {
        let progress = self.job.as_ref().map_or(Progress::default(), |job| job.progress);
        self.set_progress(i, Progress { progress_pct: 100.0, ..progress });
    }

    fn close(&mut self, i: usize) {
        let now = self.now;
        let task = &mut self.kept[i].task;
        (task.lease_expires_at, task.completed_at) = (None, Some(now));
        let id = task.id;
        if let Some(document) = self.document() {
            document.end_running_steps(id, now);
        }
    }

    /// The job is cancelled. Returns whether that is new.
    pub(super) fn mark_cancelled(&mut self) -> bool {
        let (now, Some(job)) = (self.now, &mut self.job) else { return false };
        let is_new = job.cancel_requested_at.is_none();
        job.cancel_requested_at.get_or_insert(now);
        for (i, kept) in self.kept.iter_mut().enumerate().filter(|(_, kept)| !kept.task.state.is_terminal()) {
            kept.cancel_requested_at.get_or_insert(now);
            self.changed.insert(i);
        }
        is_new
    }

    /// Why the last attempt at a task failed. The document has each reason once.
    pub(super) fn set_error(&mut self, i: usize, error: JobError) {
        if let Some(document) = self.document() {
            let told = document.error.as_deref().unwrap_or_default();
            if !format!("\n{told}\n").contains(&format!("\n{}\n", error.detail)) {
                document.append_error(&error.detail);
            }
        }
        self.kept[i].task.error = Some(error);
        self.changed.insert(i);
    }

    /// A task failed through no fault of its own: its error says how to requeue it.
    pub(super) fn tell_of_requeue(&mut self, i: usize) {
        let task = &mut self.kept[i].task;
        let (id, n) = (task.id, task.failures.service_deaths);
        if let Some(error) = &mut task.error {
            error.detail += &format!(
                "; {n} services have been lost while running this task: to try again, POST /api/v1/tasks/{id}/requeue"
            );
        }
    }

    /// How often attempts at a task have failed.
    pub(super) fn failures(&mut self, i: usize) -> &mut Failures {
        self.changed.insert(i);
        &mut self.kept[i].task.failures
    }

    fn change_document(&mut self, task: TaskId, change: Change) {
        if let Some(document) = self.document() {
            document.apply(task, change);
        }
    }

    fn document(&mut self) -> Option<&mut packshot_domain::document::JobDocument> {
        self.job.as_mut()?.document.as_mut()
    }

    /// Progress of a task. The progress of the job is the mean of its tasks.
    fn set_progress(&mut self, i: usize, progress: Progress) {
        self.kept[i].task.progress_pct = progress.progress_pct;
        self.changed.insert(i);
        let n = self.kept.len() as f64;
        let progress_pct = self.kept.iter().map(|kept| kept.task.progress_pct).sum::<f64>() / n;
        if let Some(job) = &mut self.job {
            job.progress = Progress { progress_pct, ..progress };
        }
    }

    fn step(&mut self, i: usize, event: TaskEvent) -> Result<(), DbError> {
        let task = &mut self.kept[i].task;
        task.state = task.state.next(event)?;
        self.changed.insert(i);
        Ok(())
    }

    /// Updates the other tasks and the job, writes everything, and applies the effect.
    pub(super) async fn store(mut self, tx: &Tx<'_>) -> Result<Self, DbError> {
        self.settle(tx).await?;
        self.settle_job(tx);
        for i in std::mem::take(&mut self.changed) {
            rows::write_task(tx, self.tenant, self.now, &mut self.kept[i]).await?;
        }
        let Some(job) = &self.job else {
            self.apply_to_chore(tx).await?;
            return Ok(self);
        };
        write_job(tx, self.tenant, job).await?;
        let effect = tx.effects().of(job.job.kind);
        for (i, phase) in std::mem::take(&mut self.turns) {
            if let Some(effect) = effect {
                self.apply(tx, effect, i, &phase).await?;
            }
        }
        Ok(self)
    }

    /// Applies the effect of a task without a job, where its kind has one.
    async fn apply_to_chore(&mut self, tx: &Tx<'_>) -> Result<(), DbError> {
        for (i, phase) in std::mem::take(&mut self.turns) {
            let Kept { task, found, .. } = &self.kept[i];
            if let TaskKind::Chore(chore) = task.kind
                && let Some(effect) = tx.effects().of_chore(chore)
            {
                effect.apply(tx, ChoreTurn { tenant: self.tenant, task, phase: &phase, found: found.as_ref() }).await?;
            }
        }
        Ok(())
    }

    async fn apply(&self, tx: &Tx<'_>, effect: &Arc<dyn Effect>, i: usize, phase: &Phase) -> Result<(), DbError> {
        let job = self.job()?;
        let (state, error, Kept { task, reached_pct, .. }) = (job.state, job.error.as_ref(), &self.kept[i]);
        let (tenant, job, reached_pct) = (self.tenant, job.job, *reached_pct);
        effect.apply(tx, Turn { tenant, job, state, error, task, reached_pct, phase }).await
    }

    /// Updates the state of the job from its tasks, and gathers the events.
    fn settle_job(&mut self, tx: &Tx<'_>) {
        let (now, tenant) = (self.now, self.tenant);
        let Some(job) = &mut self.job else { return };
        if let Some(stream) = job.job.stream() {
            self.events.drain(..).for_each(|event| tx.emit(tenant, stream, event));
        }
        let facts: Vec<TaskFacts> = self.kept.iter().map(|kept| kept.task.facts()).collect();
        let was = job.state;
        job.state = JobState::of_tasks(&facts, job.cancel_requested_at.is_some());
        if let Some(document) = &mut job.document {
            document.set_state(job.state);
        }
        if job.state == was {
            return;
        }
        match job.state {
            JobState::Running => job.started_at = Some(now),
            JobState::Pending | JobState::Queued => job.started_at = None,
            JobState::Completed | JobState::Failed | JobState::Cancelled => {}
        }
        job.completed_at = job.state.is_terminal().then_some(now);
        let failed = self.kept.iter().find(|kept| kept.task.state == TaskState::Failed);
        job.error = failed.filter(|_| job.state == JobState::Failed).and_then(|kept| kept.task.error.clone());
        if job.state == JobState::Completed {
            job.progress.progress_pct = 100.0;
            if let Some(document) = &mut job.document {
                document.error = None;
            }
        }
        let publishes = facts.iter().any(|task| task.publishes);
        let delivered = self.turns.iter().rev().find_map(|(i, phase)| match phase {
            Phase::Completed(delivery) if facts[*i].publishes || !publishes => Some(&delivery.output),
            Phase::Completed(_) | Phase::Rejected(_) | Phase::Began => None,
            Phase::Released | Phase::Failed | Phase::Cancelled => None,
        });
        jobs::announce(tx, tenant, job, delivered);
    }
}
