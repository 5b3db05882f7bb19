//! A task and its render, taken together for a change: the one way in which either changes its state.
//!
//! The rows are locked, the domain says what follows, and both rows are written with the events that report it. So states,
//! document and stream cannot differ.

use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::{ActiveModelTrait, EntityTrait, QuerySelect};
use serde_json::json;

use super::column::Col;
use super::entity::{event, pipeline_event, render, task};
use super::events::NewEvent;
use super::log::NewLogRow;
use super::renders::{JobError, Progress, Render};
use super::tasks::Task;
use super::tx::Tx;
use super::{DbError, Notice};
use packshot_domain::document::RenderDocument;
use packshot_domain::event::EventName;
use packshot_domain::id::{TaskId, TenantId, WorkerId};
use packshot_domain::render::{RenderEvent, RenderState};
use packshot_domain::task::{LEASE, Lease, TaskState};
use packshot_domain::time::Timestamp;

/// Rows that one statement inserts. With their columns they stay far below 32,766 values, which is SQLite's limit.
const ROWS_AT_ONCE: usize = 500;

/// A task and its render, locked.
pub(super) struct Job {
    pub(super) tenant: TenantId,
    pub(super) task: Task,
    pub(super) render: Render,
    pub(super) lease_number: i64,
    pub(super) cancel_requested: bool,
    log_seq: i64,
    now: Timestamp,
    events: Vec<NewEvent>,
    log: Vec<NewLogRow>,
}

impl Job {
    /// Locks a task and its render; `None` when there is no such task.
    pub(super) async fn lock(tx: &Tx<'_>, tenant: TenantId, id: TaskId) -> Result<Option<Self>, DbError> {
        let row = task::Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
        let Some(row) = row else { return Ok(None) };
        let render = render::Entity::find_by_id((Col(tenant), row.render_id)).lock_exclusive().one(tx.on()).await?;
        let Some(render) = render else { return Ok(None) };
        let now = tx.now().await?;
        Ok(Some(Self {
            tenant,
            lease_number: row.lease_number,
            cancel_requested: row.cancel_requested_at.is_some(),
            log_seq: row.log_seq,
            task: row.into(),
            render: render.into(),
            now,
            events: Vec::new(),
            log: Vec::new(),
        }))
    }

    /// Locks the task of a lease and its render, if the lease still holds.
    pub(super) async fn held(tx: &Tx<'_>, tenant: TenantId, lease: Lease) -> Result<Self, DbError> {
        let job = Self::lock(tx, tenant, lease.task).await?;
        let is_held = |job: &Self| job.lease_number == lease.number && job.task.state == TaskState::Running;
        job.filter(is_held).ok_or(DbError::LeaseLost(lease.task))
    }

    /// The time of this change.
    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    /// A worker takes it.
    pub(super) fn claim(&mut self, worker: WorkerId) -> Result<Lease, DbError> {
        self.step(RenderEvent::Claim)?;
        self.lease_number += 1;
        self.task.attempt += 1;
        self.task.worker_id = Some(worker);
        self.task.started_at = Some(self.now);
        self.go_on();
        self.render.started_at = Some(self.now);
        self.render.document.begin_attempt(self.task.id, self.task.attempt, worker);
        self.renew();
        self.report_state();
        Ok(Lease { task: self.task.id, number: self.lease_number })
    }

    /// Its worker has begun, or has finished one of several pictures.
    pub(super) fn go_on(&mut self) {
        self.task.went_on_at = Some(self.now);
    }

    /// The holder of the lease lives.
    pub(super) fn renew(&mut self) {
        self.task.lease_expires_at = Some(self.now + LEASE);
    }

    /// It goes back into the queue, to be handed out from `run_after` on.
    pub(super) fn release(&mut self, run_after: Timestamp) -> Result<(), DbError> {
        self.step(RenderEvent::Release)?;
        self.wait_from(run_after);
        Ok(())
    }

    /// It goes back into the queue with a fresh set of attempts.
    pub(super) fn requeue(&mut self) -> Result<(), DbError> {
        self.step(RenderEvent::Requeue)?;
        self.task.attempt = 0;
        self.task.error = None;
        self.render.error = None;
        self.task.completed_at = None;
        self.render.completed_at = None;
        self.wait_from(self.now);
        Ok(())
    }

    fn wait_from(&mut self, run_after: Timestamp) {
        self.task.lease_expires_at = None;
        self.task.run_after = run_after;
        self.set_progress(Progress { samples_target: self.render.progress.samples_target, ..Progress::default() });
        self.render.started_at = None;
        self.render.document.end_running_steps(self.now);
        self.report_state();
    }

    /// It ends: completed, failed or cancelled, as `event` says.
    pub(super) fn end(&mut self, event: RenderEvent) -> Result<(), DbError> {
        self.step(event)?;
        self.task.lease_expires_at = None;
        self.task.completed_at = Some(self.now);
        self.render.completed_at = Some(self.now);
        self.render.document.end_running_steps(self.now);
        if self.render.state == RenderState::Completed {
            // Attempts before this one may have failed; what counts went well.
            (self.task.error, self.render.error, self.render.document.error) = (None, None, None);
            let samples_target = self.render.progress.samples_target;
            self.set_progress(Progress { progress_pct: 100.0, samples_target, ..self.render.progress });
        }
        self.report_state();
        Ok(())
    }

    /// Somebody wants it to end. Says whether that is new.
    pub(super) fn mark_cancelled(&mut self) -> bool {
        let is_new = !self.cancel_requested;
        self.cancel_requested = true;
        self.render.cancel_requested_at = self.render.cancel_requested_at.or(Some(self.now));
        is_new
    }

    /// Why the last attempt failed, or the whole. The document has each reason once.
    pub(super) fn set_error(&mut self, error: JobError) {
        let told = self.render.document.error.as_deref().unwrap_or_default();
        if !format!("\n{told}\n").contains(&format!("\n{}\n", error.detail)) {
            self.render.document.append_error(&error.detail);
        }
        self.task.error = Some(error);
    }

    /// Replaces the document by what its worker made of it; states stay this side's.
    pub(super) fn set_document(&mut self, document: RenderDocument) {
        let state = self.render.document.state;
        self.render.document = document;
        self.render.document.set_state(state);
    }

    pub(super) fn set_progress(&mut self, progress: Progress) {
        self.task.progress_pct = progress.progress_pct;
        self.render.progress = progress;
    }

    pub(super) fn add_events(&mut self, events: impl IntoIterator<Item = NewEvent>) {
        self.events.extend(events);
    }

    pub(super) fn add_log(&mut self, rows: impl IntoIterator<Item = NewLogRow>) {
        self.log.extend(rows);
    }

    fn step(&mut self, event: RenderEvent) -> Result<(), DbError> {
        self.task.state = self.task.state.next(event)?;
        self.render.state = self.render.state.next(event)?;
        self.render.document.set_state(self.render.state);
        Ok(())
    }

    fn report_state(&mut self) {
        self.events.push(state_event(&self.render));
    }

    /// Writes both rows, the events and the log.
    pub(super) async fn store(mut self, tx: &Tx<'_>) -> Result<Self, DbError> {
        let (tenant, now) = (self.tenant, self.now);
        let events = std::mem::take(&mut self.events);
        self.render.last_seq = append(tx, tenant, &self.render, events, now).await?;
        let log = std::mem::take(&mut self.log);
        self.log_seq = append_log(tx, tenant, self.task.id, self.log_seq, log, now).await?;
        self.task_row().update_without_returning(tx.on()).await?;
        self.render_row().update_without_returning(tx.on()).await?;
        Ok(self)
    }

    /// What can change of a task.
    fn task_row(&self) -> task::ActiveModel {
        let Task { id, state, attempt, worker_id, lease_expires_at, run_after, progress_pct, .. } = self.task.clone();
        let (error_code, error_detail, error_at) = error_columns(self.task.error.clone());
        task::ActiveModel {
            tenant_id: Unchanged(Col(self.tenant)),
            id: Unchanged(Col(id)),
            state: Set(Col(state)),
            attempt: Set(attempt),
            lease_number: Set(self.lease_number),
            lease_expires_at: Set(lease_expires_at.map(Col)),
            worker_id: Set(worker_id.map(Col)),
            run_after: Set(Col(run_after)),
            cancel_requested_at: Set(self.render.cancel_requested_at.map(Col)),
            log_seq: Set(self.log_seq),
            progress_pct: Set(progress_pct),
            error_code: Set(error_code),
            error_detail: Set(error_detail),
            error_at: Set(error_at),
            started_at: Set(self.task.started_at.map(Col)),
            went_on_at: Set(self.task.went_on_at.map(Col)),
            completed_at: Set(self.task.completed_at.map(Col)),
            ..Default::default()
        }
    }

    /// What can change of a render.
    fn render_row(&self) -> render::ActiveModel {
        let render = self.render.clone();
        let (error_code, error_detail, error_at) = error_columns(render.error);
        render::ActiveModel {
            tenant_id: Unchanged(Col(self.tenant)),
            id: Unchanged(Col(render.id)),
            state: Set(Col(render.state)),
            document: Set(Col(render.document)),
            result: Set(render.result.map(Col)),
            device: Set(render.device.map(Col)),
            error_code: Set(error_code),
            error_detail: Set(error_detail),
            error_at: Set(error_at),
            progress_pct: Set(render.progress.progress_pct),
            samples_done: Set(render.progress.samples_done),
            samples_target: Set(render.progress.samples_target),
            event_seq: Set(render.last_seq),
            cancel_requested_at: Set(render.cancel_requested_at.map(Col)),
            started_at: Set(render.started_at.map(Col)),
            completed_at: Set(render.completed_at.map(Col)),
            ..Default::default()
        }
    }
}

/// The event that says in which state a render is now.
pub(super) fn state_event(render: &Render) -> NewEvent {
    let name = EventName::of_state(render.state);
    let state = render.state.as_str();
    let data = match (name, &render.error) {
        (EventName::Failed, Some(JobError { code, detail, at })) => {
            json!({"state": state, "error": {"code": code, "detail": detail, "at": at}})
        }
        (EventName::Completed, _) => json!({"state": state, "result": render.result}),
        _ => json!({"state": state}),
    };
    NewEvent { name, data }
}

/// Appends events to the stream of a render, whose row is locked or new; returns the number of the last.
pub(super) async fn append(
    tx: &Tx<'_>,
    tenant: TenantId,
    render: &Render,
    events: Vec<NewEvent>,
    now: Timestamp,
) -> Result<i64, DbError> {
    let mut seq = render.last_seq;
    if events.is_empty() {
        return Ok(seq);
    }
    let rows = events
        .into_iter()
        .map(|NewEvent { name, data }| {
            seq += 1;
            event::ActiveModel {
                tenant_id: Set(Col(tenant)),
                stream_id: Set(Col(render.id)),
                seq: Set(seq),
                event: Set(Col(name)),
                data: Set(Col(data)),
                created_at: Set(Col(now)),
            }
        })
        .collect();
    insert_all(tx, rows).await?;
    tx.announce(Notice::Events { tenant, render: render.id, seq });
    Ok(seq)
}

async fn append_log(
    tx: &Tx<'_>,
    tenant: TenantId,
    task: TaskId,
    mut seq: i64,
    log: Vec<NewLogRow>,
    now: Timestamp,
) -> Result<i64, DbError> {
    if log.is_empty() {
        return Ok(seq);
    }
    let rows = log
        .into_iter()
        .map(|NewLogRow { step_name, level, message, duration_s, context }| {
            seq += 1;
            pipeline_event::ActiveModel {
                tenant_id: Set(Col(tenant)),
                task_id: Set(Col(task)),
                seq: Set(seq),
                step_name: Set(Col(step_name)),
                level: Set(Col(level)),
                message: Set(without_zero(message)),
                duration_s: Set(duration_s),
                context: Set(Col(context)),
                created_at: Set(Col(now)),
            }
        })
        .collect();
    insert_all(tx, rows).await?;
    Ok(seq)
}

/// Inserts rows, however many, with statements that no engine finds too long.
async fn insert_all<A: ActiveModelTrait>(tx: &Tx<'_>, mut rows: Vec<A>) -> Result<(), DbError> {
    while !rows.is_empty() {
        let rest = rows.split_off(rows.len().min(ROWS_AT_ONCE));
        A::Entity::insert_many(std::mem::replace(&mut rows, rest)).exec_without_returning(tx.on()).await?;
    }
    Ok(())
}

/// Text as both engines can keep it: PostgreSQL's has no zero characters.
fn without_zero(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

type ErrorColumns = (Option<String>, Option<String>, Option<String>);

fn error_columns(error: Option<JobError>) -> ErrorColumns {
    match error {
        Some(JobError { code, detail, at }) => (Some(code), Some(without_zero(detail)), at.map(without_zero)),
        None => (None, None, None),
    }
}

fn error_of((code, detail, at): ErrorColumns) -> Option<JobError> {
    Some(JobError { code: code?, detail: detail.unwrap_or_default(), at })
}

impl From<task::Model> for Task {
    fn from(row: task::Model) -> Self {
        Self {
            id: row.id.0,
            name: row.name.0,
            queue: row.queue.0,
            render_id: row.render_id.0,
            kwargs: row.kwargs.0,
            state: row.state.0,
            priority: row.priority,
            attempt: row.attempt,
            max_attempts: row.max_attempts,
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

impl From<render::Model> for Render {
    fn from(row: render::Model) -> Self {
        let (progress_pct, samples_done, samples_target) = (row.progress_pct, row.samples_done, row.samples_target);
        Self {
            id: row.id.0,
            kind: row.kind.0,
            state: row.state.0,
            priority: row.priority,
            request: row.request.0,
            metadata: row.metadata.0,
            progress: Progress { progress_pct, samples_done, samples_target },
            error: error_of((row.error_code, row.error_detail, row.error_at)),
            result: row.result.map(|result| result.0),
            device: row.device.map(|device| device.0),
            document: row.document.0,
            task_id: row.task_id.map(Col::value),
            created_by: row.created_by.0,
            cancel_requested_at: row.cancel_requested_at.map(Col::value),
            created_at: row.created_at.0,
            started_at: row.started_at.map(Col::value),
            completed_at: row.completed_at.map(Col::value),
            last_seq: row.event_seq,
        }
    }
}
