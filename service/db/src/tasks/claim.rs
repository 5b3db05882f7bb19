//! Handing out tasks.
//!
//! Claims of one queue take turns: each locks the queue's row of `worker_configs` first. So counts are exact, and no
//! limit is exceeded, however many services claim. Each lane is counted separately.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, QuerySelect};

use super::{Claimed, Claimer, DbError, list};
use crate::column::{Col, arg, cell};
use crate::entity::{lane_turn, worker_config};
use crate::held::Held;
use crate::level::Level;
use crate::tx::Tx;
use packshot_domain::id::{TaskId, TenantId};
use packshot_domain::task::TaskState;

/// How many tasks of a lane may run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneLimit {
    /// As many as the configuration of its queue allows.
    OfQueue,
    /// This many, whatever the queue allows.
    Of(u32),
    /// This many, and of those fewer for the same webhook.
    PerWebhook {
        /// In all.
        max: u32,
        /// For one webhook.
        of_each: u32,
    },
}

/// Whether there is a task to hand out. It locks nothing, so that an idle lane costs no write.
const ANY: &str = "
    SELECT 1 FROM tenants n
    WHERE n.status = 'active' AND (
        SELECT t.id FROM tasks t
        WHERE t.queue = $1 AND t.lane = $2 AND t.state = 'queued' AND t.tenant_id = n.id AND t.run_after <= $3
        LIMIT 1) IS NOT NULL
    LIMIT 1";

const RUNNING: &str = "SELECT COUNT(*) FROM tasks WHERE queue = $1 AND lane = $2 AND state = 'running'";

/// The next task to hand out. The first task of each active tenant is one step into the index `idx_tasks_lane`; of
/// those the first is taken of the tenant with the fewest running in the lane, unless the tenant is at its limit, which
/// is over all lanes. Of tenants that run equally much the higher priority goes first, then the tenant whose last turn
/// is longest ago: with one slot none runs when it is given away, and the one with the oldest tasks would have them
/// all.
/// The outer join keeps SQLite from beginning with all tasks there are: a claim would cost more with each task ever
/// made.
const NEXT: &str = "
    SELECT c.tenant_id, c.head FROM (
        SELECT n.tenant_id, n.max_concurrent_renders,
            (SELECT t.id FROM tasks t
             WHERE t.queue = $1 AND t.lane = $2 AND t.state = 'queued' AND t.tenant_id = n.tenant_id AND t.run_after <= $3
             ORDER BY t.priority DESC, t.id LIMIT 1) AS head,
            (SELECT COUNT(*) FROM tasks t
             WHERE t.queue = $1 AND t.lane = $2 AND t.state = 'running' AND t.tenant_id = n.tenant_id) AS running,
            (SELECT COUNT(*) FROM tasks t
             WHERE t.queue = $1 AND t.state = 'running' AND t.tenant_id = n.tenant_id) AS of_queue,
            COALESCE((SELECT l.claimed_at FROM lane_turns l
             WHERE l.tenant_id = n.tenant_id AND l.queue = $1 AND l.lane = $2), 0) AS turn
        FROM tenant_configs n
        WHERE (SELECT w.status FROM tenants w WHERE w.id = n.tenant_id) = 'active') c
    LEFT JOIN tasks t ON t.tenant_id = c.tenant_id AND t.id = c.head
    WHERE c.head IS NOT NULL AND ($1 <> 'render' OR c.of_queue < c.max_concurrent_renders)
    ORDER BY c.running, t.priority DESC, c.turn, t.id
    LIMIT 1";

/// The next task to hand out of those that are made for webhooks ($1, $2: the lane; $3: now; $4: how many may run for
/// each): of the webhook with the fewest running the one that has waited longest. The next task of each webhook is one
/// step into the index `idx_tasks_slot`, however many wait for one that does not answer.
const NEXT_OF_WEBHOOK: &str = "
    SELECT c.tenant_id, c.head FROM (
        SELECT w.tenant_id, w.id,
            (SELECT t.id FROM tasks t
             WHERE t.tenant_id = w.tenant_id AND t.slot_id = w.id AND t.state = 'queued' AND t.run_after <= $3
                AND t.queue = $1 AND t.lane = $2
             ORDER BY t.run_after, t.id LIMIT 1) AS head,
            (SELECT COUNT(*) FROM tasks t
             WHERE t.tenant_id = w.tenant_id AND t.slot_id = w.id AND t.state = 'running') AS running
        FROM webhooks w
        WHERE (SELECT n.status FROM tenants n WHERE n.id = w.tenant_id) = 'active') c
    WHERE c.head IS NOT NULL AND c.running < $4
    ORDER BY c.running, c.head
    LIMIT 1";

/// Hands out the next task of a lane, if one may run.
pub(super) async fn one(tx: &Tx<'_>, claimer: &Claimer) -> Result<Option<Claimed>, DbError> {
    let Claimer { worker, queue, lane, limit, service_deaths_max } = claimer;
    let now = tx.now().await?;
    let due = || vec![arg(*queue), arg(lane.clone()), arg(now)];
    let of_each = |of_each: u32| [due(), vec![i64::from(of_each).into()]].concat();
    let any = match limit {
        LaneLimit::OfQueue | LaneLimit::Of(_) => tx.query(ANY, due()).await?,
        LaneLimit::PerWebhook { of_each: n, .. } => tx.query(NEXT_OF_WEBHOOK, of_each(*n)).await?,
    };
    if any.is_empty() {
        return Ok(None);
    }
    tx.enter(Level::Queue);
    let limits = worker_config::Entity::find_by_id(Col(*queue)).lock_exclusive().one(tx.on()).await?;
    let limits = limits.ok_or(DbError::NotFound("queue"))?;
    let max = match limit {
        LaneLimit::OfQueue => i64::from(limits.max_concurrency),
        LaneLimit::Of(max) | LaneLimit::PerWebhook { max, .. } => i64::from(*max),
    };
    let running = tx.query(RUNNING, [arg(*queue), arg(lane.clone())]).await?;
    let running: i64 = running.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
    if running >= max {
        return Ok(None);
    }
    let next = match limit {
        LaneLimit::OfQueue | LaneLimit::Of(_) => tx.query(NEXT, due()).await?,
        // Each may have as many as it leaves free, so that those that do not answer never have all places together.
        LaneLimit::PerWebhook { of_each: n, .. } => {
            let left = u32::try_from(max - running).unwrap_or(0);
            tx.query(NEXT_OF_WEBHOOK, of_each(left.min(*n))).await?
        }
    };
    let Some(next) = next.first() else { return Ok(None) };
    let (tenant, task): (TenantId, TaskId) = (cell(next, 0)?, cell(next, 1)?);
    // It may have been cancelled before it was locked here; then the next claim finds another one.
    let found = Held::to_claim(tx, tenant, task).await?;
    let Some((mut held, i)) = found.filter(|(held, i)| held.task(*i).state == TaskState::Queued) else {
        return Ok(None);
    };
    let lease = held.claim(i, *worker, *service_deaths_max)?;
    let held = held.store(tx).await?;
    if matches!(limit, LaneLimit::OfQueue | LaneLimit::Of(_)) {
        take_turn(tx, tenant, claimer).await?;
    }
    let input = list::input(tx, tenant, task).await?;
    let (at, task) = (held.now(), held.task(i).clone());
    Ok(Some(Claimed { tenant, lease, task, input, job: held.take_job(), at }))
}

/// Notes that a tenant had a turn. The row is changed under the lock of its queue alone.
async fn take_turn(tx: &Tx<'_>, tenant: TenantId, claimer: &Claimer) -> Result<(), DbError> {
    let turn = lane_turn::ActiveModel {
        tenant_id: Set(Col(tenant)),
        queue: Set(Col(claimer.queue)),
        lane: Set(Col(claimer.lane.clone())),
        claimed_at: Set(Col(tx.now().await?)),
    };
    let key = [lane_turn::Column::TenantId, lane_turn::Column::Queue, lane_turn::Column::Lane];
    let last = OnConflict::columns(key).update_column(lane_turn::Column::ClaimedAt).to_owned();
    lane_turn::Entity::insert(turn).on_conflict(last).exec_without_returning(tx.on()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, DbBackend, Statement};

    use super::*;
    use crate::connect::{self, Access};
    use crate::migration;
    use packshot_domain::task::{Lane, QueueName};
    use packshot_domain::time::Timestamp;

    /// The same of tasks for webhooks, however many wait for one.
    #[tokio::test]
    async fn n75_no_claim_goes_through_all_deliveries() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = connect::sqlite(&folder.path().join("test.db"), Access::Write).await.expect("a database");
        migration::run(&connection).await.expect("a schema");
        let values =
            [arg(QueueName::Housekeeping), arg(Lane::webhooks()), arg(Timestamp::from_unix_ms(0)), 8_i64.into()];
        let sql = format!("EXPLAIN QUERY PLAN {NEXT_OF_WEBHOOK}");
        let plan = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
        let rows = connection.query_all_raw(plan).await.expect("a plan");
        let steps: Vec<String> = rows.iter().map(|row| row.try_get_by_index(3).expect("text")).collect();
        let of_tasks: Vec<&String> = steps.iter().filter(|step| step.contains("SEARCH t ")).collect();
        let is_narrow = |step: &&String| step.contains("idx_tasks_slot") && step.contains("slot_id=? AND state=?");
        assert!(of_tasks.len() >= 2 && of_tasks.iter().all(is_narrow), "{steps:#?}");
        assert!(of_tasks.iter().any(|step| step.contains("run_after<?")), "{steps:#?}");
        connection.close().await.expect("closed");
    }

    /// A claim must cost the same however many tasks have ended.
    #[tokio::test]
    async fn no_claim_goes_through_all_tasks() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = connect::sqlite(&folder.path().join("test.db"), Access::Write).await.expect("a database");
        migration::run(&connection).await.expect("a schema");
        for sql in [ANY, RUNNING, NEXT] {
            let values = [arg(QueueName::Render), arg(Lane::builtin()), arg(Timestamp::from_unix_ms(0))];
            let n_values = sql.matches("$3").count().min(1) + 2;
            let values = values.into_iter().take(n_values);
            let plan = Statement::from_sql_and_values(DbBackend::Sqlite, format!("EXPLAIN QUERY PLAN {sql}"), values);
            let rows = connection.query_all_raw(plan).await.expect("a plan");
            let steps: Vec<String> = rows.iter().map(|row| row.try_get_by_index(3).expect("text")).collect();
            let of_tasks = |step: &&String| step.contains("idx_tasks_lane");
            assert!(steps.iter().any(|step| of_tasks(&step)), "{steps:#?}");
            assert!(steps.iter().all(|step| step == "SCAN n" || !step.starts_with("SCAN")), "{steps:#?}");
            let is_narrow = |step: &String| step.contains("queue=? AND state=?");
            assert!(steps.iter().filter(of_tasks).all(is_narrow), "{steps:#?}");
        }
        connection.close().await.expect("closed");
    }
}
