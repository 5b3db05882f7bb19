//! Runs, as they are read.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::column::Col;
use crate::entity::{order, order_line, run_node, workflow_run};
use crate::tx::Tx;
use crate::{Db, DbError, Json, Page, PageRequest, TenantScope, streams};
use packshot_domain::id::{CadFileId, JobId, OrderLineId, RunId, TaskId, TenantId, UserId, WorkflowId};
use packshot_domain::step::StepName;
use packshot_domain::stream::StreamId;
use packshot_domain::time::Timestamp;
use packshot_domain::workflow::{ExecutionMode, NodeId, NodeStatus, RunStatus};

/// What a run runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunContext {
    /// An order line.
    Line(OrderLineId),
    /// A CAD file.
    File(CadFileId),
}

/// A run with its nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// The definition that it was made from.
    pub definition: Option<WorkflowId>,
    /// What it runs on.
    pub context: RunContext,
    /// Which path it is.
    pub mode: ExecutionMode,
    /// Its state.
    pub status: RunStatus,
    /// The job that its nodes follow.
    pub job: Option<JobId>,
    /// Its first task.
    pub first_task: Option<TaskId>,
    /// Why it failed.
    pub error: Option<String>,
    /// The graph as it was dispatched.
    pub config: Json,
    /// The verdict of a run that observed.
    pub comparison: Option<Json>,
    /// When it was dispatched.
    pub created_at: Timestamp,
    /// When its first task began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Its nodes, in graph order.
    pub nodes: Vec<RunNode>,
}

/// What became of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct RunNode {
    /// Its name.
    pub id: NodeId,
    /// Its step.
    pub step: StepName,
    /// Its state.
    pub status: NodeStatus,
    /// What it says of its work.
    pub output: Json,
    /// Why it failed.
    pub error: Option<String>,
    /// Its task.
    pub task: Option<TaskId>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
}

/// A run; with `owner`, only one of that user's own order lines.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn run(db: &Db, scope: TenantScope, owner: Option<UserId>, id: RunId) -> Result<Run, DbError> {
    db.read_snapshot(scope, (scope.tenant, owner, id), |tx, (tenant, owner, id)| {
        Box::pin(async move { whole(tx, find(tx, *tenant, *owner, *id).await?).await })
    })
    .await
}

/// A run, with the number of the last event of its stream that this contains.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn follow(db: &Db, scope: TenantScope, owner: Option<UserId>, id: RunId) -> Result<(Run, i64), DbError> {
    db.read_snapshot(scope, (scope.tenant, owner, id), |tx, (tenant, owner, id)| {
        Box::pin(async move {
            let run = whole(tx, find(tx, *tenant, *owner, *id).await?).await?;
            Ok((run, streams::last_seq_in(tx, *tenant, StreamId::of_run(*id)).await?))
        })
    })
    .await
}

/// Whether nothing follows event number `after` of a run's stream: the run has ended, or is gone.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn is_run_over(db: &Db, scope: TenantScope, id: RunId, after: i64) -> Result<bool, DbError> {
    db.read_snapshot(scope, (scope.tenant, id, after), |tx, (tenant, id, after)| {
        Box::pin(async move {
            let row = match find(tx, *tenant, None, *id).await {
                Err(DbError::NotFound(_)) => return Ok(true),
                row => row?,
            };
            let last_seq = streams::last_seq_in(tx, *tenant, StreamId::of_run(*id)).await?;
            Ok(row.status.0.is_terminal() && last_seq <= *after)
        })
    })
    .await
}

/// A page of the runs of a definition, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list_runs(
    db: &Db,
    scope: TenantScope,
    definition: WorkflowId,
    page: PageRequest,
) -> Result<Page<Run>, DbError> {
    use workflow_run::Column as C;
    db.read_snapshot(scope, (scope.tenant, definition, page), |tx, (tenant, definition, page)| {
        Box::pin(async move {
            let runs = workflow_run::Entity::find()
                .filter(C::TenantId.eq(Col(*tenant)))
                .filter(C::WorkflowDefinitionId.eq(Col(*definition)));
            let rows = page.narrow(runs, C::CreatedAt, C::Id).all(tx.on()).await?;
            let page: Page<workflow_run::Model> = page.cut(rows, |row| (row.created_at.0, row.id.0.uuid()));
            Ok(Page { items: all_whole(tx, *tenant, page.items).await?, next: page.next })
        })
    })
    .await
}

/// The newest run of each of these lines that has any.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn newest_of_lines(
    db: &Db,
    scope: TenantScope,
    lines: Vec<OrderLineId>,
) -> Result<HashMap<OrderLineId, RunId>, DbError> {
    use workflow_run::Column as C;
    db.read(scope, (scope.tenant, lines), |tx, (tenant, lines)| {
        Box::pin(async move {
            let runs = workflow_run::Entity::find()
                .select_only()
                .columns([C::OrderLineId, C::Id])
                .filter(C::TenantId.eq(Col(*tenant)))
                .filter(C::OrderLineId.is_in(lines.iter().copied().map(Col)))
                .order_by_asc(C::CreatedAt)
                .order_by_asc(C::Id);
            let rows: Vec<(Col<OrderLineId>, Col<RunId>)> = runs.into_tuple().all(tx.on()).await?;
            // Of several the last stays.
            Ok(rows.into_iter().map(|(line, run)| (line.0, run.0)).collect())
        })
    })
    .await
}

/// A run; with `owner`, only one of that user's own order lines.
pub(super) async fn find(
    tx: &Tx<'_>,
    tenant: TenantId,
    owner: Option<UserId>,
    id: RunId,
) -> Result<workflow_run::Model, DbError> {
    let row = workflow_run::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    let row = row.ok_or(DbError::NotFound("workflow run"))?;
    let Some(owner) = owner else { return Ok(row) };
    let Some(line) = row.order_line_id else { return Err(DbError::NotFound("workflow run")) };
    let of_line = order_line::Entity::find_by_id((Col(tenant), line)).one(tx.on()).await?;
    let of_order = match of_line {
        Some(line) => order::Entity::find_by_id((Col(tenant), line.order_id)).one(tx.on()).await?,
        None => None,
    };
    of_order.filter(|order| order.created_by.0 == owner).map(|_| row).ok_or(DbError::NotFound("workflow run"))
}

/// A run with its nodes.
pub(super) async fn whole(tx: &Tx<'_>, row: workflow_run::Model) -> Result<Run, DbError> {
    let tenant = row.tenant_id.0;
    all_whole(tx, tenant, vec![row]).await?.pop().ok_or(DbError::NotFound("workflow run"))
}

async fn all_whole(tx: &Tx<'_>, tenant: TenantId, rows: Vec<workflow_run::Model>) -> Result<Vec<Run>, DbError> {
    use run_node::Column as C;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let nodes = run_node::Entity::find()
        .filter(C::TenantId.eq(Col(tenant)))
        .filter(C::RunId.is_in(rows.iter().map(|row| row.id)))
        .order_by_asc(C::RunId)
        .order_by_asc(C::Position);
    let mut of_run: HashMap<RunId, Vec<RunNode>> = HashMap::new();
    for node in nodes.all(tx.on()).await? {
        of_run.entry(node.run_id.0).or_default().push(RunNode::of(node));
    }
    rows.into_iter()
        .map(|row| {
            let nodes = of_run.remove(&row.id.0).unwrap_or_default();
            Run::of(row, nodes)
        })
        .collect()
}

/// The runs of locked lines, which go with them.
pub(crate) async fn of_lines(tx: &Tx<'_>, tenant: TenantId, lines: &[OrderLineId]) -> Result<Vec<RunId>, DbError> {
    use workflow_run::Column as C;
    let of_them = C::OrderLineId.is_in(lines.iter().copied().map(Col));
    ids(tx, tenant, of_them).await
}

/// The runs of a locked CAD file, which go with it.
pub(crate) async fn of_file(tx: &Tx<'_>, tenant: TenantId, file: CadFileId) -> Result<Vec<RunId>, DbError> {
    ids(tx, tenant, workflow_run::Column::CadFileId.eq(Col(file))).await
}

async fn ids(tx: &Tx<'_>, tenant: TenantId, these: sea_orm::sea_query::SimpleExpr) -> Result<Vec<RunId>, DbError> {
    use workflow_run::Column as C;
    let ids = workflow_run::Entity::find()
        .select_only()
        .column(C::Id)
        .filter(C::TenantId.eq(Col(tenant)))
        .filter(these)
        .order_by_asc(C::Id);
    let ids: Vec<Col<RunId>> = ids.into_tuple().all(tx.on()).await?;
    Ok(ids.into_iter().map(Col::value).collect())
}

impl Run {
    fn of(row: workflow_run::Model, nodes: Vec<RunNode>) -> Result<Self, DbError> {
        let context = match (row.order_line_id, row.cad_file_id) {
            (Some(line), _) => RunContext::Line(line.0),
            (None, Some(file)) => RunContext::File(file.0),
            (None, None) => {
                let reason = "it runs on nothing".to_owned();
                return Err(DbError::Corrupt { what: "workflow run", reason });
            }
        };
        Ok(Self {
            id: row.id.0,
            tenant: row.tenant_id.0,
            definition: row.workflow_definition_id.map(Col::value),
            context,
            mode: row.execution_mode.0,
            status: row.status.0,
            job: row.job_id.map(Col::value),
            first_task: row.first_task_id.map(Col::value),
            error: row.error_message,
            config: row.config.0,
            comparison: row.comparison.map(Col::value),
            created_at: row.created_at.0,
            started_at: row.started_at.map(Col::value),
            completed_at: row.completed_at.map(Col::value),
            nodes,
        })
    }
}

impl RunNode {
    fn of(row: run_node::Model) -> Self {
        Self {
            id: row.node_id.0,
            step: row.step.0,
            status: row.status.0,
            output: row.output.0,
            error: row.error,
            task: row.task_id.map(Col::value),
            started_at: row.started_at.map(Col::value),
            completed_at: row.completed_at.map(Col::value),
        }
    }
}
