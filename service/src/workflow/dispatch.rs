//! Dispatch of a graph by itself, saved or not: it always runs as a graph, whatever its definition says of order lines
//! (workflow.md §5).

use uuid::Uuid;

use super::definitions::check_feature;
use super::facts::{Context, Facts};
use super::plan::{Planning, Role, RunPlan};
use super::runs::shown;
use super::steps::Unavailable;
use crate::app::{App, AppError, Code, FailedRun};
use crate::tenancy::RenderSettings;
use packshot_contract::workflow::{Config, DraftDispatch, ExecutionMode as Mode, GraphDispatch};
use packshot_db::cad_files::CadWork;
use packshot_db::orders::{self, LineJob, LineWork, OrderRef};
use packshot_db::workflows::{self as rows, FileRun, NewRun};
use packshot_db::{DbError, TenantScope};
use packshot_domain::feature::Feature;
use packshot_domain::id::{OrderLineId, RunId, WorkflowId};
use packshot_domain::principal::Principal;
use packshot_domain::step::StepName;
use packshot_domain::workflow::{ContextKind, ExecutionMode, NodeId, NodeStatus, RunStatus};
use packshot_worker::failpoint::Failpoint;

/// What is said of a definition that is not active.
pub(super) const INACTIVE: &str = "the workflow definition is not active";

/// Dispatches a saved definition.
///
/// # Errors
/// [`Code::WorkflowNotFound`], [`Code::WorkflowInactive`], and as [`dispatch_draft`].
pub async fn dispatch_saved(
    app: &App,
    who: &Principal,
    id: WorkflowId,
    context: Uuid,
) -> Result<GraphDispatch, AppError> {
    check_feature(app, who).await?;
    let definition = rows::get(&app.db, TenantScope::of(who.tenant), id).await?;
    if !definition.fields.is_active {
        return Err(AppError::new(Code::WorkflowInactive, INACTIVE));
    }
    let config = Config::read(&definition.fields.config, "/config")?;
    dispatch(app, who, (Some(id), &config), context).await
}

/// Dispatches a graph that need not be saved. The definition that it names is only recorded.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::InvalidWorkflowConfig`], [`Code::WorkflowNotFound`], [`Code::ContextNotFound`],
/// [`Code::ContextKindMismatch`], [`Code::UnsupportedNodes`], [`Code::OrderRejected`], [`Code::LineProcessing`],
/// [`Code::CadFileProcessing`], [`Code::GraphExecutionFailed`].
pub async fn dispatch_draft(app: &App, who: &Principal, draft: DraftDispatch) -> Result<GraphDispatch, AppError> {
    check_feature(app, who).await?;
    let config = Config::read(&draft.config, "/config")?;
    if let Some(id) = draft.workflow {
        rows::get(&app.db, TenantScope::of(who.tenant), id).await?;
    }
    dispatch(app, who, (draft.workflow, &config), draft.context).await
}

async fn dispatch(
    app: &App,
    who: &Principal,
    (definition, config): (Option<WorkflowId>, &Config),
    context_id: Uuid,
) -> Result<GraphDispatch, AppError> {
    let scope = TenantScope::of(who.tenant);
    let context = Context::find(app, who, context_id).await?;
    check_kind(config, &context)?;
    let settings = RenderSettings::in_force(app, who).await?;
    let unsupported = Unavailable::here(app, &settings).await?.nodes_of(config);
    if !unsupported.is_empty() {
        return Err(AppError::new(Code::UnsupportedNodes, unsupported_nodes(&unsupported)));
    }
    check_turntables(config, &settings)?;
    let facts = Facts::read(app, who, config, context).await?;
    let role = Role::Authoritative;
    let graph = Graph { app, definition, config, facts: &facts, settings: &settings, role };
    let made = graph.make()?;
    let failed = made.failure.clone();
    let (run, tasks) = (made.run.id, made.plan.tasks.iter().map(|task| task.id.uuid()).collect::<Vec<_>>());
    Failpoint::Dispatch.pass();
    match &facts.context {
        Context::Line(line, _) => {
            let of = OrderRef { id: line.order, owner: None };
            let work = made.work(line.id, facts.context.file().map(|file| file.original_name.to_string()));
            let by = (who.actor(), who.user);
            let mut done = orders::dispatch(&app.db, scope, by, of, vec![work]).await?;
            let (_, dispatched) = done.pop().ok_or(DbError::NotFound("order line"))?;
            dispatched?;
        }
        Context::File(file) => {
            let RunPlan { tasks, samples_target, .. } = made.plan;
            let work = (!tasks.is_empty()).then_some(CadWork { samples_target, tasks });
            let run = FileRun { run: made.run, work };
            rows::dispatch_on_file(&app.db, scope, (who.actor(), who.user), file.id, run).await?;
        }
    }
    Failpoint::Dispatched.pass();
    if let Some((node, reason)) = failed {
        return Err(AppError::new(Code::GraphExecutionFailed, reason).of_run(FailedRun { run, node }));
    }
    Ok(GraphDispatch {
        context_id,
        execution_mode: Mode::Graph,
        dispatched: tasks.len(),
        task_ids: tasks,
        workflow_run: shown(rows::run(&app.db, scope, None, run).await?),
    })
}

/// A graph that is about to be dispatched.
pub(super) struct Graph<'g> {
    pub(super) app: &'g App,
    pub(super) definition: Option<WorkflowId>,
    pub(super) config: &'g Config,
    pub(super) facts: &'g Facts,
    pub(super) settings: &'g RenderSettings,
    pub(super) role: Role,
}

/// A run that is about to be written.
pub(super) struct Made {
    /// The run.
    pub(super) run: NewRun,
    /// Its tasks, and what they take.
    pub(super) plan: RunPlan,
    /// The node that failed, if one did, and why the graph did.
    pub(super) failure: Option<(Option<NodeId>, String)>,
}

impl Graph<'_> {
    /// Walks the graph.
    ///
    /// # Errors
    /// [`Code::InvalidWorkflowConfig`] for options that do not make a picture.
    pub(super) fn make(&self) -> Result<Made, AppError> {
        let id = RunId::new();
        let Self { app, definition, config, facts, settings, role } = self;
        let begun = app.ports.graphs.begin(id);
        let (limits, queue) = (&settings.limits, &*app.ports.queue);
        let planning = Planning { config, facts, run: id, role: *role, limits, queue };
        let plan = match &begun {
            Ok(()) => planning.plan()?,
            Err(_) => planning.not_begun(),
        };
        let failure = match (&begun, &plan.failure) {
            (Err(reason), _) => Some((None, reason.clone())),
            (Ok(()), Some((node, reason))) => Some((Some(node.clone()), reason.clone())),
            (Ok(()), None) => None,
        };
        let status = match (&failure, plan.tasks.is_empty()) {
            (Some(_), _) => RunStatus::Failed,
            (None, true) => RunStatus::Completed,
            (None, false) => RunStatus::Pending,
        };
        let run = NewRun {
            id,
            definition: *definition,
            mode: match role {
                Role::Authoritative => ExecutionMode::Graph,
                Role::Observer => ExecutionMode::Shadow,
            },
            status,
            error: failure.as_ref().map(|(_, reason)| reason.clone()),
            config: config.json(),
            first_task: plan.tasks.first().map(|task| task.id),
            result_task: plan.result_task,
            follows_job: true,
            nodes: plan.nodes.clone(),
        };
        debug_assert!(status != RunStatus::Completed || run.nodes.iter().all(|node| node.status.is_terminal()));
        Ok(Made { run, plan, failure })
    }
}

impl Made {
    /// What is made for a line.
    pub(super) fn work(&self, line: OrderLineId, input_name: Option<String>) -> LineWork {
        LineWork { line, job: self.job(input_name), run: Some(self.run.clone()), shadow: None, failure: None }
    }

    /// The job that its nodes follow.
    pub(super) fn job(&self, input_name: Option<String>) -> Option<LineJob> {
        let RunPlan { tasks, samples_target, .. } = self.plan.clone();
        (!tasks.is_empty()).then_some(LineJob { input_name, samples_target, tasks })
    }

    /// Whether every node has ended with the dispatch.
    pub(super) fn has_ended(&self) -> bool {
        self.run.nodes.iter().all(|node| node.status != NodeStatus::Queued)
    }
}

/// Checks that every step takes what the graph would run on.
fn check_kind(config: &Config, context: &Context) -> Result<(), AppError> {
    match refusing(config, context).first() {
        None => Ok(()),
        Some(node) => {
            let detail = format!("Context kind mismatch: {}", mismatch(config, context, node));
            Err(AppError::new(Code::ContextKindMismatch, detail))
        }
    }
}

/// The nodes whose steps do not take what a graph would run on, in graph order.
pub(super) fn refusing(config: &Config, context: &Context) -> Vec<NodeId> {
    let kind = context.kind();
    let nodes = config.graph.walk().filter(|(_, node)| !node.step.contexts().contains(&kind));
    nodes.map(|(_, node)| node.id.clone()).collect()
}

/// What a node would need instead.
pub(super) fn mismatch(config: &Config, context: &Context, node: &NodeId) -> String {
    let what = match context {
        Context::Line(..) => "an order line",
        Context::File(_) => "a CAD file",
    };
    let expected = match config.graph.expected_context() {
        ContextKind::OrderLine => "order lines",
        ContextKind::CadFile => "CAD files",
    };
    format!("the node '{node}' does not run on {what}; this graph is for {expected}")
}

/// Which nodes cannot be dispatched.
pub(super) fn unsupported_nodes(nodes: &[NodeId]) -> String {
    let names: Vec<String> = nodes.iter().map(|id| format!("'{id}'")).collect();
    format!("Unsupported workflow nodes: {}", names.join(", "))
}

/// Checks that a tenant without turntables gets none.
pub(super) fn check_turntables(config: &Config, settings: &RenderSettings) -> Result<(), AppError> {
    match config.nodes.iter().any(|node| node.step == StepName::RenderTurntable) {
        true => settings.require(Feature::Turntables),
        false => Ok(()),
    }
}
