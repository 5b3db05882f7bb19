//! Tasks as the API shows them.

use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QueryResult, QuerySelect, Select};

use super::{Task, TaskInput};
use crate::column::{Col, arg, cell};
use crate::entity::{job, run_node, task, task_edge};
use crate::tx::Tx;
use crate::{AllTenants, Db, DbError, Json, Page, PageRequest, ReadScope, TenantScope};
use packshot_domain::id::{JobId, RunId, TaskId, TenantId};
use packshot_domain::job::JobRef;
use packshot_domain::step::StepName;
use packshot_domain::task::{Lane, Lease, QueueName, TaskKind, TaskState};
use packshot_domain::time::Timestamp;

/// Tasks that figures are made of, at most.
const LATELY: u64 = 20;

/// A task with what it was given.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskView {
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// The task.
    pub task: Task,
    /// The record that it belongs to: one entry, or none.
    pub args: Json,
    /// What dispatch decided.
    pub kwargs: Json,
    /// Tasks of its job that must complete before it.
    pub waits_for: Vec<TaskId>,
    /// What it came to, where it has no job whose record says that; `None` until it has completed.
    pub result: Option<Json>,
}

/// A task.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, id: TaskId) -> Result<TaskView, DbError> {
    db.read(scope, (scope.tenant, id), |tx, (tenant, id)| Box::pin(get_in(tx, *tenant, *id))).await
}

pub(super) async fn get_in(tx: &Tx<'_>, tenant: TenantId, id: TaskId) -> Result<TaskView, DbError> {
    let row = task::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    let row = row.ok_or(DbError::NotFound("task"))?;
    views(tx, vec![row]).await?.pop().ok_or(DbError::NotFound("task"))
}

/// What a task computes, once it was frozen.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn spec(db: &Db, scope: TenantScope, id: TaskId) -> Result<Option<Json>, DbError> {
    db.read(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move {
            let row = task::Entity::find_by_id((Col(*tenant), Col(*id))).one(tx.on()).await?;
            Ok(row.ok_or(DbError::NotFound("task"))?.spec.map(Col::value))
        })
    })
    .await
}

/// What a task took that completed.
#[derive(Clone, Debug, PartialEq)]
pub struct Took {
    /// How long, in seconds.
    pub duration_s: f64,
    /// What it computed.
    pub spec: Option<Json>,
}

/// When a task started and ended, and its spec.
type TookRow = (Col<Timestamp>, Col<Timestamp>, Option<Col<Json>>);

/// What the newest tasks of a step took that completed in a lane, at most 20 of them.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn took(db: &Db, scope: TenantScope, (step, lane): (StepName, Lane)) -> Result<Vec<Took>, DbError> {
    use task::Column as C;
    db.read(scope, (scope.tenant, step, lane), |tx, (tenant, step, lane)| {
        Box::pin(async move {
            let newest = task::Entity::find()
                .select_only()
                .columns([C::StartedAt, C::CompletedAt, C::Spec])
                .filter(C::TenantId.eq(Col(*tenant)))
                .filter(C::Kind.eq(Col(TaskKind::Step(*step))))
                .filter(C::Lane.eq(Col(lane.clone())))
                .filter(C::State.eq(Col(TaskState::Completed)))
                .filter(C::StartedAt.is_not_null())
                .filter(C::CompletedAt.is_not_null())
                .order_by_desc(C::CreatedAt)
                .limit(LATELY);
            let rows: Vec<TookRow> = newest.into_tuple().all(tx.on()).await?;
            let took = |(started, ended, spec): TookRow| Took {
                duration_s: ended.0.since(started.0).as_secs_f64(),
                spec: spec.map(Col::value),
            };
            Ok(rows.into_iter().map(took).collect())
        })
    })
    .await
}

/// Which tasks a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Only in this state.
    pub state: Option<TaskState>,
    /// Only of this workflow run.
    pub run: Option<RunId>,
}

/// A page of tasks, newest first. Those of a run, which are few, come all at once, in the order of its graph.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(
    db: &Db,
    scope: impl Into<ReadScope>,
    filter: TaskFilter,
    page: PageRequest,
) -> Result<Page<TaskView>, DbError> {
    let scope = scope.into();
    db.read(scope, (scope, filter, page), |tx, (scope, filter, page)| {
        Box::pin(async move {
            let tasks = scope.narrow(task::Entity::find(), task::Column::TenantId);
            let tasks = match filter.state {
                Some(state) => tasks.filter(task::Column::State.eq(Col(state))),
                None => tasks,
            };
            if let Some(run) = filter.run {
                return Ok(Page { items: of_run(tx, *scope, tasks, run).await?, next: None });
            }
            let rows = page.narrow(tasks, task::Column::CreatedAt, task::Column::Id).all(tx.on()).await?;
            let page: Page<task::Model> = page.cut(rows, |row| (row.created_at.0, row.id.0.uuid()));
            Ok(Page { items: views(tx, page.items).await?, next: page.next })
        })
    })
    .await
}

/// Those of some tasks that nodes of a run have.
async fn of_run(
    tx: &Tx<'_>,
    scope: ReadScope,
    tasks: Select<task::Entity>,
    run: RunId,
) -> Result<Vec<TaskView>, DbError> {
    use run_node::Column as C;
    let nodes = scope.narrow(run_node::Entity::find(), C::TenantId).filter(C::RunId.eq(Col(run)));
    let nodes = nodes.order_by_asc(C::Position).all(tx.on()).await?;
    let order: Vec<Col<TaskId>> = nodes.into_iter().filter_map(|node| node.task_id).collect();
    let mut rows = tasks.filter(task::Column::Id.is_in(order.iter().copied())).all(tx.on()).await?;
    rows.sort_by_key(|row| order.iter().position(|id| *id == row.id));
    views(tx, rows).await
}

/// Tasks, each with what its own tenant has of its job and of those before it.
async fn views(tx: &Tx<'_>, rows: Vec<task::Model>) -> Result<Vec<TaskView>, DbError> {
    let tenants: HashSet<TenantId> = rows.iter().map(|row| row.tenant_id.0).collect();
    let tenants: Vec<Col<TenantId>> = tenants.into_iter().map(Col).collect();
    let ids = rows.iter().map(|row| row.id);
    let of_job: Vec<Col<JobId>> = rows.iter().filter_map(|row| row.job_id).collect();
    let jobs = job::Entity::find()
        .filter(job::Column::TenantId.is_in(tenants.iter().copied()))
        .filter(job::Column::Id.is_in(of_job))
        .all(tx.on())
        .await?;
    let reference = |row: job::Model| {
        ((row.tenant_id.0, row.id.0), JobRef { id: row.id.0, kind: row.kind.0, record: row.record_id })
    };
    let jobs: HashMap<(TenantId, JobId), JobRef> = jobs.into_iter().map(reference).collect();
    let edges = task_edge::Entity::find()
        .filter(task_edge::Column::TenantId.is_in(tenants))
        .filter(task_edge::Column::AfterId.is_in(ids))
        .all(tx.on())
        .await?;
    let views = rows.into_iter().map(|row| {
        let tenant = row.tenant_id.0;
        let own = edges.iter().filter(|edge| edge.tenant_id.0 == tenant && edge.after_id == row.id);
        let waits_for = own.map(|edge| edge.before_id.0).collect();
        let job = row.job_id.and_then(|job| jobs.get(&(tenant, job.0))).copied();
        let (args, kwargs, result) = (row.args.0.clone(), row.kwargs.0.clone(), row.result.clone().map(Col::value));
        TaskView { tenant, task: Task::of(row.into(), job), args, kwargs, waits_for, result }
    });
    Ok(views.collect())
}

/// What a task was given.
pub(super) async fn input(tx: &Tx<'_>, tenant: TenantId, id: TaskId) -> Result<TaskInput, DbError> {
    let row = task::Entity::find_by_id((Col(tenant), Col(id))).into_partial_model::<task::Given>().one(tx.on()).await?;
    let row = row.ok_or(DbError::NotFound("task"))?;
    Ok(TaskInput { kwargs: row.kwargs.0, spec: row.spec.map(Col::value) })
}

/// The state of a task, unless a later lease of it was given out or it no longer exists.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn state_under(db: &Db, scope: TenantScope, lease: Lease) -> Result<Option<TaskState>, DbError> {
    db.read_one(scope, (scope.tenant, lease), |tx, (tenant, lease)| {
        Box::pin(async move {
            let row = task::Entity::find_by_id((Col(*tenant), Col(lease.task))).one(tx.on()).await?;
            Ok(row.filter(|row| row.lease_token == Some(Col(lease.token))).map(|row| row.state.0))
        })
    })
    .await
}

/// Whether the task of a valid lease must stop.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn is_cancelled(db: &Db, scope: TenantScope, lease: Lease) -> Result<bool, DbError> {
    db.read_one(scope, (scope.tenant, lease), |tx, (tenant, lease)| {
        Box::pin(async move {
            let sql = "SELECT 1 FROM tasks WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 \
                       AND cancel_requested_at IS NOT NULL";
            Ok(!tx.query(sql, [arg(*tenant), arg(lease.task), arg(lease.token)]).await?.is_empty())
        })
    })
    .await
}

/// How many tasks of a queue are in a state that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    /// The queue.
    pub queue: QueueName,
    /// The state: waiting, queued or running.
    pub state: TaskState,
    /// How many.
    pub tasks: u64,
}

/// How many tasks wait and run, for metrics. What is zero is left out.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn queue_depths(db: &Db, all: AllTenants) -> Result<Vec<QueueDepth>, DbError> {
    db.read(all, (), |tx, ()| {
        Box::pin(async move {
            let sql = "SELECT queue, state, COUNT(*) FROM tasks \
                       WHERE queue IN ('render', 'convert', 'housekeeping') AND state IN ('waiting', 'queued', 'running') \
                       GROUP BY queue, state ORDER BY queue, state";
            let depth = |row: &QueryResult| {
                let tasks: i64 = row.try_get_by_index(2)?;
                Ok(QueueDepth { queue: cell(row, 0)?, state: cell(row, 1)?, tasks: tasks.unsigned_abs() })
            };
            tx.query(sql, []).await?.iter().map(depth).collect()
        })
    })
    .await
}
