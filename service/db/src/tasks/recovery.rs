//! What happens to tasks whose worker is lost, slow, or done with trying.

use std::time::Duration;

use sea_orm::QueryResult;

use super::{DbError, JobError, Reaped, Stalled, Task, ending};
use crate::Notice;
use crate::column::{arg, cell};
use crate::job::Job;
use crate::tx::Tx;
use packshot_domain::id::{RenderId, TaskId, TenantId, WorkerId};
use packshot_domain::task::{FaultKind, Lease, TaskState};
use packshot_domain::time::Timestamp;

/// Tasks that are taken back in one transaction.
const REAPED_MAX: i64 = 100;

const EXPIRED: &str = "
    SELECT tenant_id, id FROM tasks
    WHERE queue IN ('render', 'convert', 'housekeeping') AND state = 'running' AND lease_expires_at < $1
    ORDER BY lease_expires_at LIMIT $2";

const OF_WORKER: &str = "
    SELECT tenant_id, id FROM tasks
    WHERE queue IN ('render', 'convert', 'housekeeping') AND state = 'running' AND worker_id = $1
    ORDER BY id LIMIT $2";

const STILL: &str = "
    SELECT tenant_id, id, render_id, lease_number, COALESCE(went_on_at, started_at) FROM tasks
    WHERE queue IN ('render', 'convert', 'housekeeping') AND state = 'running' AND COALESCE(went_on_at, started_at) < $1
    ORDER BY started_at LIMIT $2";

pub(super) async fn reap_expired(tx: &Tx<'_>, held: &[Lease]) -> Result<Vec<Reaped>, DbError> {
    let now = tx.now().await?;
    let found = tx.query(EXPIRED, [arg(now), REAPED_MAX.into()]).await?;
    let is_expired = |job: &Job| {
        let is_held = held.contains(&Lease { task: job.task.id, number: job.lease_number });
        !is_held && job.task.lease_expires_at.is_some_and(|expires_at| expires_at < now)
    };
    reap(tx, &found, is_expired).await
}

pub(super) async fn reap_worker(tx: &Tx<'_>, worker: WorkerId) -> Result<Vec<Reaped>, DbError> {
    let found = tx.query(OF_WORKER, [arg(worker), REAPED_MAX.into()]).await?;
    reap(tx, &found, |job| job.task.worker_id == Some(worker)).await
}

/// Takes back those of the tasks found that still run, and of which `is_lost` still holds: their worker may have reported before
/// their rows were locked here.
async fn reap(
    tx: &Tx<'_>,
    found: &[QueryResult],
    is_lost: impl Fn(&Job) -> bool + Send + Sync,
) -> Result<Vec<Reaped>, DbError> {
    let mut reaped = Vec::new();
    for row in found {
        let (tenant, task): (TenantId, TaskId) = (cell(row, 0)?, cell(row, 1)?);
        let job = Job::lock(tx, tenant, task).await?;
        let Some(job) = job.filter(|job| job.task.state == TaskState::Running && is_lost(job)) else { continue };
        let lease = Lease { task, number: job.lease_number };
        let (render, attempt) = (job.render.id, job.task.attempt);
        let error = JobError {
            code: "worker_lost".to_owned(),
            detail: format!("the worker of attempt {attempt} was lost"),
            at: None,
        };
        let after = ending::fail_attempt(tx, job, FaultKind::Infrastructure, error).await?;
        reaped.push(Reaped { tenant, render, lease, attempt, after });
    }
    Ok(reaped)
}

pub(super) async fn stalled(tx: &Tx<'_>, timeout: Duration) -> Result<Vec<Stalled>, DbError> {
    let now = tx.now().await?;
    let rows = tx.query(STILL, [arg(now - timeout), REAPED_MAX.into()]).await?;
    let stalled = rows.iter().map(|row| {
        let (tenant, task, render): (TenantId, TaskId, RenderId) = (cell(row, 0)?, cell(row, 1)?, cell(row, 2)?);
        let (number, since): (i64, Timestamp) = (row.try_get_by_index(3)?, cell(row, 4)?);
        Ok(Stalled { tenant, render, lease: Lease { task, number }, still_for: now.since(since) })
    });
    stalled.collect()
}

pub(super) async fn requeue(tx: &Tx<'_>, tenant: TenantId, id: TaskId) -> Result<Task, DbError> {
    let mut job = Job::lock(tx, tenant, id).await?.ok_or(DbError::NotFound("task"))?;
    job.requeue()?;
    tx.announce(Notice::Queued(job.task.queue));
    Ok(job.store(tx).await?.task)
}
