//! What happens to tasks whose worker is lost, slow, or done with trying.

use std::time::Duration;

use super::{DbError, JobError, Reaped, Stalled, Task, ending};
use crate::db::Notice;
use crate::db::job::Job;
use crate::db::tx::Tx;
use crate::domain::id::{RenderId, TaskId, TenantId};
use crate::domain::task::{FaultKind, Lease, TaskState};
use crate::domain::time::Timestamp;

/// Tasks that are taken back in one transaction.
const REAPED_MAX: i64 = 100;

const EXPIRED: &str = "
    SELECT tenant_id, id FROM tasks
    WHERE queue IN ('render', 'convert', 'housekeeping') AND state = 'running' AND lease_expires_at < $1
    ORDER BY lease_expires_at LIMIT $2";

const SLOW: &str = "
    SELECT tenant_id, id, render_id, lease_number, started_at FROM tasks
    WHERE queue IN ('render', 'convert', 'housekeeping') AND state = 'running' AND started_at < $1
    ORDER BY started_at LIMIT $2";

pub(super) async fn reap_expired(tx: &Tx<'_>, held: &[Lease]) -> Result<Vec<Reaped>, DbError> {
    let now = tx.now().await?;
    let mut reaped = Vec::new();
    for row in tx.query(EXPIRED, [now.into(), REAPED_MAX.into()]).await? {
        let (tenant, task): (TenantId, TaskId) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        // The worker may have come back before the row was locked here.
        let is_expired = |job: &Job| {
            let is_held = held.contains(&Lease { task, number: job.lease_number });
            !is_held
                && job.task.state == TaskState::Running
                && job.task.lease_expires_at.is_some_and(|expires_at| expires_at < now)
        };
        let Some(job) = Job::lock(tx, tenant, task).await?.filter(is_expired) else { continue };
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
    let rows = tx.query(SLOW, [(now - timeout).into(), REAPED_MAX.into()]).await?;
    let stalled = rows.iter().map(|row| {
        let (tenant, task, render): (TenantId, TaskId, RenderId) =
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let (number, started_at): (i64, Timestamp) = (row.try_get_by_index(3)?, row.try_get_by_index(4)?);
        Ok(Stalled { tenant, render, lease: Lease { task, number }, running_for: now.since(started_at) })
    });
    stalled.collect()
}

pub(super) async fn requeue(tx: &Tx<'_>, tenant: TenantId, id: TaskId) -> Result<Task, DbError> {
    let mut job = Job::lock(tx, tenant, id).await?.ok_or(DbError::NotFound("task"))?;
    job.requeue()?;
    tx.announce(Notice::Queued(job.task.queue));
    Ok(job.store(tx).await?.task)
}
