//! Places of renders in their queue.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::QUEUE_POSITION_MAX;
use crate::DbError;
use crate::column::{Col, arg};
use crate::entity::task;
use crate::tx::Tx;
use packshot_domain::id::{JobId, RenderId, TaskId, TenantId};
use packshot_domain::task::{Lane, QueueName, TaskState};

/// Tasks of the tenant in a lane that are handed out before this one, or are this one. No more are counted than can
/// matter: the cost of a submission must not grow with the queue.
const BEFORE: &str = "
    SELECT (SELECT COUNT(*) FROM (
            SELECT 1 FROM tasks
            WHERE queue = $1 AND lane = $6 AND state = 'queued' AND tenant_id = $2 AND priority > $3 LIMIT $5) a)
         + (SELECT COUNT(*) FROM (
            SELECT 1 FROM tasks
            WHERE queue = $1 AND lane = $6 AND state = 'queued' AND tenant_id = $2 AND priority = $3 AND id <= $4
            LIMIT $5) b)";

/// The place of a task that waits, among those of its tenant.
pub(super) async fn of_task(
    tx: &Tx<'_>,
    tenant: TenantId,
    (queue, lane): (QueueName, &Lane),
    priority: i32,
    id: TaskId,
) -> Result<Option<u64>, DbError> {
    let enough = (QUEUE_POSITION_MAX + 1).cast_signed();
    let values = [arg(queue), arg(tenant), priority.into(), arg(id), enough.into(), arg(lane.clone())];
    let rows = tx.query(BEFORE, values).await?;
    let place: i64 = rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
    Ok(Some(place.unsigned_abs()).filter(|place| *place <= QUEUE_POSITION_MAX))
}

/// The places of those renders that wait.
pub(super) async fn of_renders(
    tx: &Tx<'_>,
    tenant: TenantId,
    ids: &[RenderId],
) -> Result<HashMap<RenderId, u64>, DbError> {
    let waiting = task::Entity::find()
        .filter(task::Column::TenantId.eq(Col(tenant)))
        .filter(task::Column::JobId.is_in(ids.iter().map(|id| Col(JobId::from(*id)))))
        .filter(task::Column::State.eq(Col(TaskState::Queued)))
        .all(tx.on())
        .await?;
    let mut places = HashMap::with_capacity(waiting.len());
    for task in waiting {
        let (queue, lane) = (task.queue.0, &task.lane.0);
        let place = of_task(tx, tenant, (queue, lane), task.priority, task.id.0).await?;
        if let (Some(place), Some(job)) = (place, task.job_id) {
            places.insert(RenderId::from_uuid(job.0.uuid()), place);
        }
    }
    Ok(places)
}
