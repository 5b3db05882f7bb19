//! What happens to tasks whose service is lost, that have stalled, or that failed.

use std::time::Duration;

use sea_orm::QueryResult;
use serde_json::json;

use super::{DbError, JobError, Reaped, Stalled, TaskView, dead, ending, list};
use crate::Notice;
use crate::audit::{self, NewEntry};
use crate::column::{arg, cell};
use crate::held::Held;
use crate::tx::Tx;
use packshot_domain::audit::{Action, Actor};
use packshot_domain::id::{TaskId, TenantId, WorkerId};
use packshot_domain::job::JobRef;
use packshot_domain::task::{Cause, Failures, FaultKind, Lease, RetryPolicy, TaskState};
use packshot_domain::time::Timestamp;

/// Tasks per search.
const FOUND_MAX: i64 = 100;

const EXPIRED: &str = "
    SELECT tenant_id, id FROM tasks
    WHERE queue IN ('render', 'convert', 'housekeeping') AND state = 'running' AND lease_expires_at < $1
    ORDER BY lease_expires_at LIMIT $2";

const OF_WORKER: &str = "
    SELECT tenant_id, id FROM tasks
    WHERE queue IN ('render', 'convert', 'housekeeping') AND state = 'running' AND worker_id = $1
    ORDER BY id LIMIT $2";

const STILL: &str = "
    SELECT t.tenant_id, t.id, t.lease_token, COALESCE(t.went_on_at, t.started_at), t.job_id IS NULL, j.id, j.kind, j.record_id,
        t.faults, t.service_deaths, t.max_attempts, t.service_deaths_max
    FROM tasks t LEFT JOIN jobs j ON j.tenant_id = t.tenant_id AND j.id = t.job_id
    WHERE t.queue IN ('render', 'convert', 'housekeeping') AND t.state = 'running'
        AND COALESCE(t.went_on_at, t.started_at) < $1
    ORDER BY t.started_at LIMIT $2";

/// Tasks whose lease has expired.
pub(super) async fn find_expired(tx: &Tx<'_>) -> Result<Vec<(TenantId, TaskId)>, DbError> {
    let now = tx.now().await?;
    found(tx.query(EXPIRED, [arg(now), FOUND_MAX.into()]).await?)
}

/// Tasks that a service runs.
pub(super) async fn find_of_worker(tx: &Tx<'_>, worker: WorkerId) -> Result<Vec<(TenantId, TaskId)>, DbError> {
    found(tx.query(OF_WORKER, [arg(worker), FOUND_MAX.into()]).await?)
}

fn found(rows: Vec<QueryResult>) -> Result<Vec<(TenantId, TaskId)>, DbError> {
    rows.iter().map(|row| Ok((cell(row, 0)?, cell(row, 1)?))).collect()
}

pub(super) async fn reap_expired(
    tx: &Tx<'_>,
    tenant: TenantId,
    task: TaskId,
    held_here: &[Lease],
) -> Result<Option<Reaped>, DbError> {
    let now = tx.now().await?;
    let is_expired = |held: &Held, i| {
        let is_held = held.lease(i).is_some_and(|lease| held_here.contains(&lease));
        !is_held && held.task(i).lease_expires_at.is_some_and(|expires_at| expires_at < now)
    };
    reap(tx, tenant, task, is_expired).await
}

pub(super) async fn reap_of_worker(
    tx: &Tx<'_>,
    tenant: TenantId,
    task: TaskId,
    worker: WorkerId,
) -> Result<Option<Reaped>, DbError> {
    reap(tx, tenant, task, |held, i| held.task(i).worker_id == Some(worker)).await
}

/// Takes back a task that is still running and for which `is_lost` still holds: its holder may have reported before its
/// rows were locked here.
async fn reap(
    tx: &Tx<'_>,
    tenant: TenantId,
    task: TaskId,
    is_lost: impl Fn(&Held, usize) -> bool + Send + Sync,
) -> Result<Option<Reaped>, DbError> {
    let found = Held::of_task(tx, tenant, task).await?;
    let is_running = |(held, i): &(Held, usize)| held.task(*i).state == TaskState::Running && is_lost(held, *i);
    let Some((held, i)) = found.filter(is_running) else { return Ok(None) };
    let Some(lease) = held.lease(i) else { return Ok(None) };
    let attempt = held.task(i).attempt;
    let error = JobError {
        code: "worker_lost".to_owned(),
        detail: format!("the service that ran attempt {attempt} was lost"),
        at: None,
    };
    let after = ending::fail_attempt(tx, held, i, (Cause::ServiceLost, None), error).await?;
    Ok(Some(Reaped { tenant, lease, attempt, after }))
}

pub(super) async fn stalled(tx: &Tx<'_>, timeout: Duration) -> Result<Vec<Stalled>, DbError> {
    let now = tx.now().await?;
    let rows = tx.query(STILL, [arg(now - timeout), FOUND_MAX.into()]).await?;
    let stalled = rows.iter().map(|row| {
        let (tenant, task, token) = (cell(row, 0)?, cell(row, 1)?, cell(row, 2)?);
        let since: Timestamp = cell(row, 3)?;
        let job = match row.try_get_by_index::<bool>(4)? {
            true => None,
            false => Some(JobRef { id: cell(row, 5)?, kind: cell(row, 6)?, record: row.try_get_by_index(7)? }),
        };
        let number = |column| row.try_get_by_index::<i32>(column);
        let failures = Failures { faults: number(8)? + 1, service_deaths: number(9)? };
        let policy = RetryPolicy { faults_max: number(10)?, service_deaths_max: number(11)?, ..RetryPolicy::default() };
        let is_last = policy.wait_after(failures, Cause::Fault(FaultKind::Infrastructure)).is_none();
        Ok(Stalled { tenant, lease: Lease { task, job, token }, still_for: now.since(since), is_last })
    });
    stalled.collect()
}

pub(super) async fn requeue(tx: &Tx<'_>, tenant: TenantId, by: &Actor, id: TaskId) -> Result<TaskView, DbError> {
    let (mut held, i) = Held::of_task(tx, tenant, id).await?.ok_or(DbError::NotFound("task"))?;
    if let Some(job) = held.task(i).job
        && crate::workflows::Following::of_job(tx, tenant, job.id).await?.is_some()
        && held.task(i).state == TaskState::Failed
    {
        return Err(DbError::OfRun);
    }
    let shown = |held: &Held| json!({"state": held.task(i).state.as_str(), "attempt": held.task(i).attempt});
    let before = shown(&held);
    held.requeue(i)?;
    let detail = audit::change(&before, &shown(&held));
    tx.announce(Notice::Queued(held.task(i).queue, held.task(i).lane.clone()));
    held.store(tx).await?;
    dead::revived(tx, tenant, id);
    let object = Some(("task", id.to_string()));
    audit::write(tx, tenant, by, [NewEntry { action: Action::TaskRequeued, object, detail }]).await?;
    list::get_in(tx, tenant, id).await
}
