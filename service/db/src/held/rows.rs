//! The rows of jobs and tasks: locked, read, written.

use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::Kept;
use crate::DbError;
use crate::column::{Col, arg, cell};
use crate::entity::{job, pipeline_event, task};
use crate::jobs::{Job, error_columns, without_zero};
use crate::level::Level;
use crate::log::NewLogRow;
use crate::tasks::Task;
use crate::tx::Tx;
use packshot_domain::id::{JobId, TaskId, TenantId};
use packshot_domain::job::JobRef;
use packshot_domain::time::Timestamp;

/// The job of a task.
const JOB_OF: &str = "
    SELECT j.id, j.kind, j.record_id, t.job_id IS NULL FROM tasks t
    LEFT JOIN jobs j ON j.tenant_id = t.tenant_id AND j.id = t.job_id
    WHERE t.tenant_id = $1 AND t.id = $2";

/// The job of a task, without a lock: it never changes. `None` when there is no such task, `Some(None)` when it has no
/// job.
pub(super) async fn job_of(tx: &Tx<'_>, tenant: TenantId, id: TaskId) -> Result<Option<Option<JobRef>>, DbError> {
    let rows = tx.query(JOB_OF, [arg(tenant), arg(id)]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    if row.try_get_by_index::<bool>(3)? {
        return Ok(Some(None));
    }
    let job = JobRef { id: cell(row, 0)?, kind: cell(row, 1)?, record: row.try_get_by_index(2)? };
    Ok(Some(Some(job)))
}

pub(super) async fn lock_job(tx: &Tx<'_>, tenant: TenantId, id: JobId) -> Result<Option<Job>, DbError> {
    tx.enter(Level::Job);
    let row = job::Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
    Ok(row.map(Job::from))
}

/// Locks a job until the end of the transaction; returns whether it exists.
pub(crate) async fn share_job(tx: &Tx<'_>, tenant: TenantId, id: JobId) -> Result<bool, DbError> {
    tx.enter(Level::Job);
    Ok(job::Entity::find_by_id((Col(tenant), Col(id))).lock_shared().one(tx.on()).await?.is_some())
}

/// All tasks of a job, in the order of their graph.
pub(super) async fn lock_tasks(tx: &Tx<'_>, tenant: TenantId, job: JobRef) -> Result<Vec<Kept>, DbError> {
    tx.enter(Level::Task);
    let rows = task::Entity::find()
        .filter(task::Column::TenantId.eq(Col(tenant)))
        .filter(task::Column::JobId.eq(Col(job.id)))
        .order_by_asc(task::Column::Position)
        .lock_exclusive()
        .into_partial_model::<task::Live>()
        .all(tx.on())
        .await?;
    Ok(rows.into_iter().map(|row| Kept::of(row, Some(job))).collect())
}

/// A task without a job.
pub(super) async fn lock_task(tx: &Tx<'_>, tenant: TenantId, id: TaskId) -> Result<Vec<Kept>, DbError> {
    tx.enter(Level::Task);
    let task = task::Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().into_partial_model::<task::Live>();
    Ok(task.one(tx.on()).await?.map(|row| Kept::of(row, None)).into_iter().collect())
}

/// Writes the columns of a task that can change, and its log.
pub(super) async fn write_task(tx: &Tx<'_>, tenant: TenantId, now: Timestamp, kept: &mut Kept) -> Result<(), DbError> {
    let log = std::mem::take(&mut kept.log);
    kept.log_seq = append_log(tx, tenant, kept.task.id, kept.log_seq, log, now).await?;
    let Task { id, state, blockers, attempt, failures, worker_id, lease_expires_at, run_after, .. } = kept.task.clone();
    let (error_code, error_detail, error_at) = error_columns(kept.task.error.clone());
    let mut row = task::ActiveModel {
        tenant_id: Unchanged(Col(tenant)),
        id: Unchanged(Col(id)),
        state: Set(Col(state)),
        blockers: Set(blockers),
        attempt: Set(attempt),
        faults: Set(failures.faults),
        service_deaths: Set(failures.service_deaths),
        service_deaths_max: Set(kept.task.service_deaths_max),
        lease_token: Set(kept.token.map(Col)),
        lease_expires_at: Set(lease_expires_at.map(Col)),
        worker_id: Set(worker_id.map(Col)),
        run_after: Set(Col(run_after)),
        cancel_requested_at: Set(kept.cancel_requested_at.map(Col)),
        log_seq: Set(kept.log_seq),
        progress_pct: Set(kept.task.progress_pct),
        error_code: Set(error_code),
        error_detail: Set(error_detail),
        error_at: Set(error_at),
        started_at: Set(kept.task.started_at.map(Col)),
        went_on_at: Set(kept.task.went_on_at.map(Col)),
        completed_at: Set(kept.task.completed_at.map(Col)),
        ..Default::default()
    };
    if let Some(spec) = kept.spec.take() {
        row.spec = Set(Some(Col(spec)));
    }
    if let Some(result) = kept.result.take() {
        row.result = Set(Some(Col(result)));
    }
    row.update_without_returning(tx.on()).await?;
    Ok(())
}

/// Writes the columns of a job that can change.
pub(crate) async fn write_job(tx: &Tx<'_>, tenant: TenantId, job: &Job) -> Result<(), DbError> {
    let Job { job: JobRef { id, .. }, state, document, progress, error, device, .. } = job.clone();
    let (error_code, error_detail, error_at) = error_columns(error);
    let row = job::ActiveModel {
        tenant_id: Unchanged(Col(tenant)),
        id: Unchanged(Col(id)),
        state: Set(Col(state)),
        document: Set(document.map(Col)),
        progress_pct: Set(progress.progress_pct),
        samples_done: Set(progress.samples_done),
        samples_target: Set(progress.samples_target),
        device: Set(device.map(Col)),
        error_code: Set(error_code),
        error_detail: Set(error_detail),
        error_at: Set(error_at),
        cancel_requested_at: Set(job.cancel_requested_at.map(Col)),
        started_at: Set(job.started_at.map(Col)),
        completed_at: Set(job.completed_at.map(Col)),
        ..Default::default()
    };
    row.update_without_returning(tx.on()).await?;
    Ok(())
}

async fn append_log(
    tx: &Tx<'_>,
    tenant: TenantId,
    task: TaskId,
    mut seq: i64,
    log: Vec<NewLogRow>,
    now: Timestamp,
) -> Result<i64, DbError> {
    let rows: Vec<_> = log
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
    tx.insert_all(rows).await?;
    Ok(seq)
}

impl Kept {
    fn of(row: task::Live, job: Option<JobRef>) -> Self {
        let (token, log_seq) = (row.lease_token.map(Col::value), row.log_seq);
        let cancel_requested_at = row.cancel_requested_at.map(Col::value);
        let (log, spec, result, found) = (Vec::new(), None, None, None);
        let task = Task::of(row, job);
        let reached_pct = task.progress_pct;
        Self { task, reached_pct, token, cancel_requested_at, log_seq, log, spec, result, found }
    }
}
