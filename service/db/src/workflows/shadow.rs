//! Shadow runs: a graph beside the job that counts, which it leaves alone. Here is what both are made of, what each has
//! made, and how that compares (workflow.md §6, §8).

use futures_util::future::BoxFuture;
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde_json::json;

use super::following::{Following, lock_of_job};
use super::runs::{Run, find, whole};
use crate::artifacts::WholePackage;
use crate::column::Col;
use crate::effect::{Effect, Phase, Turn};
use crate::entity::{job, order_line, workflow_run};
use crate::level::Level;
use crate::tasks::{self, NewChore};
use crate::tx::Tx;
use crate::{Db, DbError, Json, TenantScope, artifacts, cad_files, orders, output_types};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{JobId, OrderLineId, RunId, TaskId, TenantId, UserId};
use packshot_domain::job::{JobKind, JobRef, JobState};
use packshot_domain::output_type::RolloutGate;
use packshot_domain::step::StepName;
use packshot_domain::task::{Chore, TaskKind};
use packshot_domain::workflow::{ExecutionMode, RunStatus};

/// The argument of the task that compares: its run.
pub const COMPARED_RUN: &str = "workflow_run_id";

/// A file that one side of a shadow run has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its name, as clients see it.
    pub path: String,
    /// Its content.
    pub address: ContentAddress,
}

/// How far a comparison is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareState {
    /// The run has not ended.
    RunGoesOn,
    /// The run has ended, and what it observes has not.
    LineGoesOn,
    /// Both have ended.
    Over,
}

/// A shadow run, with what a comparison of it needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The run.
    pub run: Run,
    /// How far both sides are.
    pub state: CompareState,
    /// What the job that counts has made.
    pub authoritative: Option<Output>,
    /// The name of the line's result, whatever made that.
    pub result_path: Option<String>,
    /// What the run has made.
    pub observer: Option<Output>,
    /// How different both may be.
    pub gate: RolloutGate,
}

/// What a comparison has found.
#[derive(Clone, Debug)]
pub struct Compared {
    /// What clients see of it.
    pub body: Json,
    /// Its files, in the store.
    pub packages: Vec<WholePackage>,
}

/// The shadow run that a job is a side of.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// The run.
    pub run: RunId,
    /// Its line.
    pub line: OrderLineId,
    /// Its graph.
    pub config: Json,
    /// What both sides are made of, if that is frozen already.
    pub ingredients: Option<Json>,
    /// Whether the job that counts has ended.
    pub observed_has_ended: bool,
}

/// Lets a shadow run follow its job. Order and line stay as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShadowEffect;

impl Effect for ShadowEffect {
    fn lock<'t>(&'t self, tx: &'t Tx<'_>, tenant: TenantId, job: JobRef) -> BoxFuture<'t, Result<(), DbError>> {
        Box::pin(async move {
            let Some(line) = line_of(tx, tenant, RunId::from_uuid(job.record)).await? else { return Ok(()) };
            // A graph may convert the CAD file.
            cad_files::lock_of_line(tx, tenant, job.id, &line).await?;
            lock_of_job(tx, tenant, job.id).await
        })
    }

    fn apply<'t>(&'t self, tx: &'t Tx<'_>, turn: Turn<'t>) -> BoxFuture<'t, Result<(), DbError>> {
        Box::pin(async move {
            // The run goes with its line, which may have been removed after its own job had ended.
            if let Some(run) = Following::of_job(tx, turn.tenant, turn.job.id).await? {
                let id = run.id();
                if let Phase::Completed(delivery) = turn.phase
                    && run.has_result_of(turn.task.id)
                {
                    let line = line_of(tx, turn.tenant, id).await?;
                    record(tx, turn.tenant, id, Whose::Observer, line.zip(delivery.files.first())).await?;
                }
                run.follow(tx, turn, &[]).await?;
                ask_if_over(tx, turn.tenant, id, None).await?;
            }
            match (turn.task.kind, turn.phase) {
                (TaskKind::Step(StepName::OccGlbExport | StepName::ExtractMetadata), _) => {
                    cad_files::converted(tx, turn).await
                }
                (_, Phase::Completed(delivery)) => {
                    artifacts::store_in(tx, turn.tenant, &delivery.packages).await.map(drop)
                }
                _ => Ok(()),
            }
        })
    }
}

/// Whose file it is.
#[derive(Clone, Copy)]
enum Whose {
    Authoritative,
    Observer,
}

/// Notes what the job of a line means for the run that observes it, if one does.
pub(crate) async fn observed(tx: &Tx<'_>, turn: Turn<'_>) -> Result<(), DbError> {
    let Some(run) = observer_of(tx, turn.tenant, turn.job.id).await? else { return Ok(()) };
    let id = run.id.0;
    if let Phase::Completed(delivery) = turn.phase
        && turn.task.publishes
    {
        let line = line_of(tx, turn.tenant, id).await?;
        record(tx, turn.tenant, id, Whose::Authoritative, line.zip(delivery.files.first())).await?;
    }
    ask_if_over(tx, turn.tenant, id, Some(turn.state)).await
}

/// The shadow jobs that observe these.
pub(crate) async fn shadows_of(tx: &Tx<'_>, tenant: TenantId, jobs: &[JobId]) -> Result<Vec<JobRef>, DbError> {
    use workflow_run::Column as C;
    let runs = workflow_run::Entity::find()
        .select_only()
        .columns([C::Id, C::JobId])
        .filter(C::TenantId.eq(Col(tenant)))
        .filter(C::ObservedJobId.is_in(jobs.iter().copied().map(Col)));
    let rows: Vec<(Col<RunId>, Option<Col<JobId>>)> = runs.into_tuple().all(tx.on()).await?;
    let of_run = |(run, job): (Col<RunId>, Option<Col<JobId>>)| {
        job.map(|job| JobRef { id: job.0, kind: JobKind::Shadow, record: run.0.uuid() })
    };
    Ok(rows.into_iter().filter_map(of_run).collect())
}

async fn observer_of(tx: &Tx<'_>, tenant: TenantId, job: JobId) -> Result<Option<workflow_run::Model>, DbError> {
    let run = workflow_run::Entity::find()
        .filter(workflow_run::Column::TenantId.eq(Col(tenant)))
        .filter(workflow_run::Column::ObservedJobId.eq(Col(job)));
    Ok(run.one(tx.on()).await?)
}

async fn line_of(tx: &Tx<'_>, tenant: TenantId, run: RunId) -> Result<Option<order_line::Model>, DbError> {
    let run = workflow_run::Entity::find_by_id((Col(tenant), Col(run))).one(tx.on()).await?;
    let Some(line) = run.and_then(|run| run.order_line_id) else { return Ok(None) };
    Ok(order_line::Entity::find_by_id((Col(tenant), line)).one(tx.on()).await?)
}

async fn record(
    tx: &Tx<'_>,
    tenant: TenantId,
    run: RunId,
    whose: Whose,
    made: Option<(order_line::Model, &tasks::OutputFile)>,
) -> Result<(), DbError> {
    let Some((line, file)) = made else { return Ok(()) };
    let path = orders::result_path(line.id.0, &file.name);
    let output = Set(Some(Col(Output { path, address: file.address }.json())));
    let row =
        workflow_run::ActiveModel { tenant_id: Unchanged(Col(tenant)), id: Unchanged(Col(run)), ..Default::default() };
    let row = match whose {
        Whose::Authoritative => workflow_run::ActiveModel { authoritative_output: output, ..row },
        Whose::Observer => workflow_run::ActiveModel { observer_output: output, ..row },
    };
    row.update_without_returning(tx.on()).await?;
    Ok(())
}

/// Asks for a comparison when both sides have ended. `observed` is the state of the job that counts, where that is not
/// the stored one.
async fn ask_if_over(tx: &Tx<'_>, tenant: TenantId, id: RunId, observed: Option<JobState>) -> Result<(), DbError> {
    let run = workflow_run::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    let Some(run) = run.filter(|run| run.comparison.is_none()) else { return Ok(()) };
    // What was cancelled is compared when somebody asks.
    let wants = run.status.0.is_terminal() && run.status.0 != RunStatus::Cancelled;
    let has_ended = match observed {
        Some(state) => state.is_terminal(),
        None => has_ended(tx, tenant, run.observed_job_id.map(Col::value)).await?,
    };
    if !wants || !has_ended {
        return Ok(());
    }
    let kwargs = json!({ COMPARED_RUN: id.to_string() });
    let new = NewChore { id: TaskId::new(), chore: Chore::Compare, kwargs, audited: None };
    tasks::ask_in(tx, tenant, &new).await.map(drop)
}

/// Whether a job has ended; one that is gone has.
async fn has_ended(tx: &Tx<'_>, tenant: TenantId, id: Option<JobId>) -> Result<bool, DbError> {
    let Some(id) = id else { return Ok(true) };
    let job = job::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    Ok(job.is_none_or(|job| job.state.0.is_terminal()))
}

/// The shadow run that a job is a side of: its own, or the one that observes it.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn side_of(db: &Db, scope: TenantScope, job: JobRef) -> Result<Option<Side>, DbError> {
    db.read(scope, (scope.tenant, job), |tx, (tenant, job)| {
        Box::pin(async move {
            let run = match job.kind {
                JobKind::Shadow => {
                    let id = RunId::from_uuid(job.record);
                    workflow_run::Entity::find_by_id((Col(*tenant), Col(id))).one(tx.on()).await?
                }
                JobKind::Line => observer_of(tx, *tenant, job.id).await?,
                JobKind::Render | JobKind::Cad | JobKind::Design => None,
            };
            let Some((run, line)) = run.and_then(|run| run.order_line_id.map(|line| (run, line))) else {
                return Ok(None);
            };
            let observed_has_ended = has_ended(tx, *tenant, run.observed_job_id.map(Col::value)).await?;
            Ok(Some(Side {
                run: run.id.0,
                line: line.0,
                config: run.config.0,
                ingredients: run.ingredients.map(Col::value),
                observed_has_ended,
            }))
        })
    })
    .await
}

/// Freezes what both sides of a shadow run are made of, unless the other side was quicker; what is frozen then.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn freeze(db: &Db, scope: TenantScope, run: RunId, ingredients: Json) -> Result<Json, DbError> {
    db.write(scope, (scope.tenant, run, ingredients), |tx, (tenant, run, ingredients)| {
        Box::pin(async move {
            let row = lock(tx, *tenant, *run).await?;
            if let Some(frozen) = row.ingredients {
                return Ok(frozen.0);
            }
            let row = workflow_run::ActiveModel {
                tenant_id: Unchanged(row.tenant_id),
                id: Unchanged(row.id),
                ingredients: Set(Some(Col(ingredients.clone()))),
                ..Default::default()
            };
            row.update_without_returning(tx.on()).await?;
            Ok(ingredients.clone())
        })
    })
    .await
}

/// A shadow run with both of its sides; `None` for a run that observes nothing. With `owner`, only one of that user's
/// own order lines.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn observation(
    db: &Db,
    scope: TenantScope,
    owner: Option<UserId>,
    id: RunId,
) -> Result<Option<Observation>, DbError> {
    db.read_snapshot(scope, (scope.tenant, owner, id), |tx, (tenant, owner, id)| {
        Box::pin(async move {
            let row = find(tx, *tenant, *owner, *id).await?;
            let Some(line) = line_of(tx, *tenant, *id).await? else { return Ok(None) };
            if row.execution_mode.0 != ExecutionMode::Shadow {
                return Ok(None);
            }
            let has_ended = match row.observed_job_id {
                Some(job) => has_ended(tx, *tenant, Some(job.0)).await?,
                None => line.render_status.0.is_terminal(),
            };
            let state = match (row.status.0.is_terminal(), has_ended) {
                (false, _) => CompareState::RunGoesOn,
                (true, false) => CompareState::LineGoesOn,
                (true, true) => CompareState::Over,
            };
            let output = |stored: &Option<Col<Json>>| stored.as_ref().map(|json| Output::of(&json.0)).transpose();
            Ok(Some(Observation {
                state,
                authoritative: output(&row.authoritative_output)?,
                // Of a dispatch that is known, only that counts which it has made.
                result_path: line.result_path.filter(|_| row.observed_job_id.is_none()),
                observer: output(&row.observer_output)?,
                gate: output_types::gate_of(tx, *tenant, line.output_type_id.0).await?,
                run: whole(tx, row).await?,
            }))
        })
    })
    .await
}

/// Keeps what a comparison has found with its run, unless another one was quicker; what is kept then.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn keep_comparison(db: &Db, scope: TenantScope, run: RunId, found: Compared) -> Result<Json, DbError> {
    db.write(scope, (scope.tenant, run, found), |tx, (tenant, run, found)| {
        Box::pin(async move {
            let row = lock(tx, *tenant, *run).await?;
            if let Some(kept) = row.comparison {
                return Ok(kept.0);
            }
            artifacts::store_in(tx, *tenant, &found.packages).await?;
            let row = workflow_run::ActiveModel {
                tenant_id: Unchanged(row.tenant_id),
                id: Unchanged(row.id),
                comparison: Set(Some(Col(found.body.clone()))),
                ..Default::default()
            };
            row.update_without_returning(tx.on()).await?;
            Ok(found.body.clone())
        })
    })
    .await
}

async fn lock(tx: &Tx<'_>, tenant: TenantId, run: RunId) -> Result<workflow_run::Model, DbError> {
    tx.enter(Level::Run);
    let row = workflow_run::Entity::find_by_id((Col(tenant), Col(run))).lock_exclusive().one(tx.on()).await?;
    row.ok_or(DbError::NotFound("workflow run"))
}

impl Output {
    fn json(&self) -> Json {
        json!({"path": self.path, "address": self.address.to_string()})
    }

    fn of(stored: &Json) -> Result<Self, DbError> {
        let corrupt = || DbError::Corrupt { what: "workflow run", reason: format!("{stored} is no output") };
        let path = stored["path"].as_str().ok_or_else(corrupt)?.to_owned();
        let address = stored["address"].as_str().and_then(|text| text.parse().ok()).ok_or_else(corrupt)?;
        Ok(Self { path, address })
    }
}
