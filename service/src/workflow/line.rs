//! How an order line is rendered: by the direct path, by a named preset in its place, or by the graph of its output
//! type's workflow (workflow.md §6).

use super::dispatch::{Graph, Made, check_turntables, unsupported_nodes};
use super::facts::{Context, Facts};
use super::plan::Role;
use super::steps::Unavailable;
use crate::app::{App, AppError, Taken};
use crate::renders::lines::LineFacts;
use crate::tenancy::RenderSettings;
use packshot_contract::dispatch::{Backend, DispatchResult, GateStatus, GateVerdict, ShadowStatus};
use packshot_contract::workflow::{Config, ExecutionMode as Mode};
use packshot_db::jobs::JobError;
use packshot_db::orders::{LineJob, LineWork, OrderLine, ShadowWork};
use packshot_db::workflows::{self as rows, NewNode, NewRun};
use packshot_db::{DbError, TenantScope};
use packshot_domain::feature::Feature;
use packshot_domain::id::{RunId, TaskId, WorkflowId};
use packshot_domain::principal::Principal;
use packshot_domain::workflow::{ExecutionMode, NodeStatus, RunStatus};
use serde_json::json;
use uuid::Uuid;

/// What is made for a line, and what is said of it.
pub struct Decision {
    /// What is written.
    pub work: LineWork,
    /// The answer.
    pub result: DispatchResult,
}

/// Decides how a line is rendered. `direct` makes the job of the direct path.
///
/// # Errors
/// Why the direct path cannot render it, where that is what renders it.
pub async fn decide(
    app: &App,
    who: &Principal,
    settings: &RenderSettings,
    (line, facts): (&OrderLine, LineFacts),
    direct: impl Fn(&LineFacts) -> Result<LineJob, AppError>,
) -> Result<Decision, AppError> {
    let making = Making { app, line, facts: &facts, direct: &direct };
    let scope = TenantScope::of(who.tenant);
    let has_workflows = settings.require(Feature::Workflows).is_ok();
    let definition = match facts.output_type.fields.workflow.filter(|_| has_workflows) {
        Some(id) => match rows::get(&app.db, scope, id).await {
            Ok(definition) if definition.fields.is_active => Some(definition),
            Ok(_) | Err(DbError::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        },
        None => None,
    };
    let Some(definition) = definition else {
        return making.direct_path(None, "The output type has no active workflow.");
    };
    let id = definition.id;
    let config = match Config::read(&definition.fields.config, "/config") {
        Ok(config) => config,
        Err(invalid) => return making.unprepared(id, &invalid.to_string()),
    };
    let unsupported = Unavailable::here(app, settings).await?.nodes_of(&config);
    if !unsupported.is_empty() {
        return making.unprepared(id, &unsupported_nodes(&unsupported));
    }
    let context = || Context::Line(Box::new(line.clone()), Box::new(facts.clone()));
    match config.execution_mode {
        ExecutionMode::Legacy if config.preset.is_named() => making.preset(id, &config),
        ExecutionMode::Legacy => making.direct_path(Some(id), "The workflow of the output type is in mode legacy."),
        ExecutionMode::Shadow if settings.require(Feature::ShadowMode).is_err() => {
            making.direct_path(Some(id), "`shadow_mode` is switched off for this tenant.")
        }
        ExecutionMode::Shadow => {
            // Who counts comes first (W43).
            let decision = making.direct_path(Some(id), "The workflow of the output type is in mode shadow.")?;
            if decision.work.failure.is_some() {
                return Ok(skipped(decision));
            }
            let of_graph = Facts::read(app, who, &config, context()).await?;
            let (role, facts) = (Role::Observer, &of_graph);
            let graph = Graph { app, definition: Some(id), config: &config, facts, settings, role };
            match check_turntables(&config, settings).and_then(|()| graph.make()) {
                Ok(made) => Ok(making.shadow(decision, made)),
                Err(error) => Ok(unprepared(decision, error.detail())),
            }
        }
        ExecutionMode::Graph => {
            let of_graph = Facts::read(app, who, &config, context()).await?;
            let (role, facts) = (Role::Authoritative, &of_graph);
            let graph = Graph { app, definition: Some(id), config: &config, facts, settings, role };
            match check_turntables(&config, settings).and_then(|()| graph.make()) {
                Ok(made) => making.graph(id, &config, made),
                Err(error) => making.unprepared(id, error.detail()),
            }
        }
    }
}

/// The direct path in place of a graph that cannot be prepared.
fn unprepared(mut decision: Decision, reason: &str) -> Decision {
    decision.result.rollout_gate_status = GateStatus::WorkflowPreparationFailed;
    decision.result.rollout_gate_reasons = vec![format!("Workflow runtime preparation failed: {reason}")];
    decision
}

/// The direct path could not be dispatched, so that there is nothing to observe.
fn skipped(mut decision: Decision) -> Decision {
    let reason = decision.work.failure.as_ref().map(|failure| failure.detail.as_str()).unwrap_or_default();
    decision.result.rollout_gate_reasons = vec![format!("There is no shadow run, because the line failed: {reason}")];
    decision.result.execution_mode = Mode::Shadow;
    decision.result.shadow_status = Some(ShadowStatus::Skipped);
    decision
}

/// What the direct path makes of a line.
struct Direct {
    /// Its job, if this service does it.
    job: Option<LineJob>,
    /// Its tasks.
    tasks: Vec<Uuid>,
    /// Why the line fails.
    failure: Option<JobError>,
}

/// What a decision is made of.
struct Making<'m, D> {
    app: &'m App,
    line: &'m OrderLine,
    facts: &'m LineFacts,
    direct: &'m D,
}

impl<D: Fn(&LineFacts) -> Result<LineJob, AppError>> Making<'_, D> {
    /// What is said of a line of the direct path, before it has tasks.
    fn said(&self, definition: Option<WorkflowId>, reason: &str) -> DispatchResult {
        DispatchResult {
            rollout_gate_reasons: vec![reason.to_owned()],
            rollout_workflow_definition_id: definition.map(WorkflowId::uuid),
            ..DispatchResult::direct(self.line.id.uuid(), self.line.output_type.uuid())
        }
    }

    /// The job of the direct path, with its tasks; or why the line fails.
    fn taken(&self, taken: Taken) -> Result<Direct, AppError> {
        match taken {
            Taken::Here => {
                let job = (self.direct)(self.facts)?;
                let tasks = job.tasks.iter().map(|task| task.id.uuid()).collect();
                Ok(Direct { job: Some(job), tasks, failure: None })
            }
            Taken::Elsewhere(task) => {
                Ok(Direct { job: None, tasks: task.into_iter().map(TaskId::uuid).collect(), failure: None })
            }
            Taken::Failed(detail) => {
                let failure = JobError { code: "executor_failed".to_owned(), detail, at: None };
                Ok(Direct { job: None, tasks: Vec::new(), failure: Some(failure) })
            }
        }
    }

    /// The direct path alone.
    fn direct_path(&self, definition: Option<WorkflowId>, reason: &str) -> Result<Decision, AppError> {
        self.by_direct_path(self.said(definition, reason), None)
    }

    fn by_direct_path(&self, result: DispatchResult, run: Option<NewRun>) -> Result<Decision, AppError> {
        let Direct { job, tasks, failure } = self.taken(self.app.ports.direct.take(self.line.id))?;
        let work = LineWork { line: self.line.id, job, run, shadow: None, failure };
        Ok(Decision { work, result: result.with_tasks(tasks) })
    }

    /// The direct path in place of a graph that cannot be prepared.
    fn unprepared(&self, definition: WorkflowId, reason: &str) -> Result<Decision, AppError> {
        self.direct_path(Some(definition), "").map(|decision| unprepared(decision, reason))
    }

    /// The direct path, and a graph that observes it.
    fn shadow(&self, decision: Decision, made: Made) -> Decision {
        let Decision { mut work, result } = decision;
        let input_name = self.facts.cad_file.as_ref().map(|file| file.original_name.to_string());
        let result = DispatchResult {
            execution_mode: Mode::Shadow,
            shadow_workflow_run_id: Some(made.run.id.uuid()),
            shadow_task_ids: made.plan.tasks.iter().map(|task| task.id.uuid()).collect(),
            ..result
        };
        let result = match &made.failure {
            None => DispatchResult {
                shadow_status: Some(ShadowStatus::Dispatched),
                rollout_gate_status: GateStatus::PendingShadowVerdict,
                rollout_gate_reasons: vec!["The shadow run has not finished.".to_owned()],
                ..result
            },
            Some((_, reason)) => DispatchResult {
                shadow_status: Some(ShadowStatus::Failed),
                shadow_error: Some(reason.clone()),
                rollout_gate_status: GateStatus::ShadowExecutionFailed,
                rollout_gate_reasons: vec![format!("The shadow run could not be dispatched: {reason}")],
                ..result
            },
        };
        work.shadow = Some(ShadowWork { job: made.job(input_name), run: made.run });
        Decision { work, result }
    }

    /// The direct path in place of a named preset, whose nodes follow it.
    fn preset(&self, definition: WorkflowId, config: &Config) -> Result<Decision, AppError> {
        let Direct { job, tasks, failure } = self.taken(self.app.ports.presets.take(self.line.id, config.preset))?;
        let node = |(_, node): (usize, &packshot_domain::workflow::GraphNode)| NewNode {
            id: node.id.clone(),
            step: node.step,
            status: NodeStatus::Pending,
            output: json!({}),
            error: None,
            task: None,
        };
        let publishing = job.iter().flat_map(|job| &job.tasks).find(|task| task.publishes);
        let run = NewRun {
            id: RunId::new(),
            definition: Some(definition),
            mode: ExecutionMode::Legacy,
            status: RunStatus::Pending,
            error: None,
            config: config.json(),
            first_task: tasks.first().copied().map(TaskId::from_uuid),
            result_task: publishing.map(|task| task.id),
            follows_job: true,
            nodes: config.graph.walk().map(node).collect(),
        };
        let reason = "The workflow of the output type is a preset in mode legacy.";
        let result = DispatchResult {
            backend: Backend::Workflow,
            workflow_type: Some(config.preset.as_str().to_owned()),
            workflow_run_id: Some(run.id.uuid()),
            ..self.said(Some(definition), reason)
        };
        let work = LineWork { line: self.line.id, job, run: Some(run), shadow: None, failure };
        Ok(Decision { work, result: result.with_tasks(tasks) })
    }

    /// The graph; or, when it cannot be dispatched, the direct path or nothing, as its nodes say.
    fn graph(&self, definition: WorkflowId, config: &Config, made: Made) -> Result<Decision, AppError> {
        let run = made.run.id.uuid();
        let input_name = self.facts.cad_file.as_ref().map(|file| file.original_name.to_string());
        let Some((_, reason)) = made.failure.clone() else {
            debug_assert!(made.has_ended() == made.plan.tasks.is_empty());
            let result = DispatchResult {
                backend: Backend::WorkflowGraph,
                execution_mode: Mode::Graph,
                workflow_run_id: Some(run),
                rollout_gate_status: GateStatus::GraphAuthoritative,
                rollout_gate_verdict: Some(GateVerdict::Pass),
                rollout_gate_reasons: Vec::new(),
                workflow_rollout_ready: true,
                output_type_rollout_ready: true,
                ..self.said(Some(definition), "")
            };
            let tasks = made.plan.tasks.iter().map(|task| task.id.uuid()).collect();
            return Ok(Decision { work: made.work(self.line.id, input_name), result: result.with_tasks(tasks) });
        };
        let failed = DispatchResult {
            workflow_run_id: Some(run),
            rollout_gate_status: GateStatus::GraphExecutionFailed,
            ..self.said(Some(definition), &format!("The graph could not be dispatched: {reason}"))
        };
        if config.falls_back() {
            let fallen = DispatchResult { fallback_from: Some("workflow_graph".to_owned()), ..failed.clone() };
            let mut run = made.run.clone();
            // The job that is made with it is the direct path's.
            run.follows_job = false;
            match self.by_direct_path(fallen, Some(run)) {
                Ok(decision) => return Ok(decision),
                Err(error) => tracing::info!(line.id = %self.line.id, "no direct path either: {error}"),
            }
        }
        let result = DispatchResult { backend: Backend::WorkflowGraph, execution_mode: Mode::Graph, ..failed };
        let failure = JobError { code: "graph_execution_failed".to_owned(), detail: reason, at: None };
        let work = LineWork { failure: Some(failure), ..made.work(self.line.id, input_name) };
        Ok(Decision { work, result })
    }
}
