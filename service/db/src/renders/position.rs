//! Places of renders in their queue.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::QUEUE_POSITION_MAX;
use crate::DbError;
use crate::column::{Col, arg};
use crate::entity::task;
use crate::tx::Tx;
use packshot_domain::id::{RenderId, TaskId, TenantId};
use packshot_domain::task::{QueueName, TaskState};

/// Tasks of the tenant that are handed out before this one, or are this one. No more are looked at than could matter: the cost of
/// a submission must not grow with the queue.
const BEFORE: &str = "
    SELECT (SELECT COUNT(*) FROM (
            SELECT 1 FROM tasks
            WHERE queue = $1 AND state = 'queued' AND tenant_id = $2 AND priority > $3 LIMIT $5) a)
         + (SELECT COUNT(*) FROM (
            SELECT 1 FROM tasks
            WHERE queue = $1 AND state = 'queued' AND tenant_id = $2 AND priority = $3 AND id <= $4 LIMIT $5) b)";

/// The place of a task that waits, among those of its tenant.
pub(super) async fn of_task(
    tx: &Tx<'_>,
    tenant: TenantId,
    queue: QueueName,
    priority: i32,
    id: TaskId,
) -> Result<Option<u64>, DbError> {
    let enough = (QUEUE_POSITION_MAX + 1).cast_signed();
    let values = [arg(queue), arg(tenant), priority.into(), arg(id), enough.into()];
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
        .filter(task::Column::RenderId.is_in(ids.iter().copied().map(Col)))
        .filter(task::Column::State.eq(Col(TaskState::Queued)))
        .all(tx.on())
        .await?;
    let mut places = HashMap::with_capacity(waiting.len());
    for task in waiting {
        if let Some(place) = of_task(tx, tenant, task.queue.0, task.priority, task.id.0).await? {
            places.insert(task.render_id.0, place);
        }
    }
    Ok(places)
}
