//! Handing out tasks.
//!
//! Claims of one queue take turns: each locks the queue's row of `worker_configs` first. So counts are exact, and no limit is
//! exceeded, however many services claim.

use sea_orm::{EntityTrait, QuerySelect};

use super::{Claimed, DbError};
use crate::column::{Col, arg, cell};
use crate::entity::worker_config;
use crate::job::Job;
use crate::tx::Tx;
use packshot_domain::id::{TaskId, TenantId, WorkerId};
use packshot_domain::task::{QueueName, TaskState};

/// Whether there is anything to hand out. It locks nothing, so that an idle queue costs no write.
const ANY: &str = "SELECT 1 FROM tasks WHERE queue = $1 AND state = 'queued' AND run_after <= $2 LIMIT 1";

const RUNNING: &str = "SELECT COUNT(*) FROM tasks WHERE queue = $1 AND state = 'running'";

/// The next task to hand out. The first task of each tenant is one step into the index `idx_tasks_queue`; of those the first is
/// taken of the tenant with the fewest running, unless the tenant is at its limit.
const NEXT: &str = "
    SELECT c.tenant_id, c.head FROM (
        SELECT n.tenant_id, n.max_concurrent_renders,
            (SELECT t.id FROM tasks t
             WHERE t.queue = $1 AND t.state = 'queued' AND t.tenant_id = n.tenant_id AND t.run_after <= $2
             ORDER BY t.priority DESC, t.id LIMIT 1) AS head,
            (SELECT COUNT(*) FROM tasks t
             WHERE t.queue = $1 AND t.state = 'running' AND t.tenant_id = n.tenant_id) AS running
        FROM tenant_configs n) c
    JOIN tasks t ON t.tenant_id = c.tenant_id AND t.id = c.head
    WHERE $1 <> 'render' OR c.running < c.max_concurrent_renders
    ORDER BY c.running, t.priority DESC, t.id
    LIMIT 1";

/// Hands out up to `n` tasks of `queue`.
pub(super) async fn some(tx: &Tx<'_>, worker: WorkerId, queue: QueueName, n: u32) -> Result<Vec<Claimed>, DbError> {
    let now = tx.now().await?;
    let mut claimed = Vec::new();
    if tx.query(ANY, [arg(queue), arg(now)]).await?.is_empty() {
        return Ok(claimed);
    }
    let limits = worker_config::Entity::find_by_id(Col(queue)).lock_exclusive().one(tx.on()).await?;
    let limits = limits.ok_or(DbError::NotFound("queue"))?;
    let running = tx.query(RUNNING, [arg(queue)]).await?;
    let running: i64 = running.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
    let free = (i64::from(limits.max_concurrency) - running).clamp(0, i64::from(n));
    for _ in 0..free {
        let next = tx.query(NEXT, [arg(queue), arg(now)]).await?;
        let Some(next) = next.first() else { break };
        let (tenant, task): (TenantId, TaskId) = (cell(next, 0)?, cell(next, 1)?);
        // Somebody may have cancelled it before it was locked here; then the next claim is soon enough.
        let Some(mut job) = Job::lock(tx, tenant, task).await?.filter(|job| job.task.state == TaskState::Queued) else {
            break;
        };
        let lease = job.claim(worker)?;
        let at = job.now();
        let Job { task, render, .. } = job.store(tx).await?;
        claimed.push(Claimed { tenant, lease, task, render, at });
    }
    Ok(claimed)
}
