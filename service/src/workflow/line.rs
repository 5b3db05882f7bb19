//! How an order line is rendered: by the direct path, by a named preset in its place, or by the graph of its output
//! type's workflow (workflow.md §6).

use super::dispatch::{Graph, Made, check_turntables, unsupported_nodes};
use super::facts::{Context, Facts};
use super::steps::Unavailable;
use crate::app::{App, AppError, Taken};
use crate::renders::lines::LineFacts;
use crate::tenancy::RenderSettings;
use packshot_contract::dispatch::{Backend, DispatchResult};
use packshot_contract::workflow::Config;
use packshot_db::jobs::JobError;
use packshot_db::orders::{LineJob, LineWork, OrderLine};
use packshot_db::workflows::{self as rows, NewNode, NewRun};
use packshot_db::{DbError, TenantScope};
use packshot_domain::feature::Feature;
use packshot_domain::id::{RunId, TaskId, WorkflowId};
use packshot_domain::principal::Principal;
use packshot_domain::workflow::{ExecutionMode, NodeStatus, RunStatus};
use serde_json::json;

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
    let unsupported = Unavailable::here(app).await?.nodes_of(&config);
    if !unsupported.is_empty() {
        return making.unprepared(id, &unsupported_nodes(&unsupported));
    }
    match config.execution_mode {
        ExecutionMode::Legacy if config.preset.is_named() => making.preset(id, &config),
        ExecutionMode::Legacy => making.direct_path(Some(id), "The workflow of the output type is in mode legacy."),
        ExecutionMode::Shadow if settings.require(Feature::ShadowMode).is_err() => {
            making.direct_path(Some(id), "`shadow_mode` is switched off for this tenant.")
        }
        ExecutionMode::Shadow => making.unprepared(id, "this version of Packshot makes no shadow runs yet"),
        ExecutionMode::Graph => {
            let prepared = check_turntables(&config, settings);
            let context = Context::Line(Box::new(line.clone()), Box::new(facts.clone()));
            let of_graph = Facts::read(app, who, &config, context).await?;
            let graph = Graph { app, definition: Some(id), config: &config, facts: &of_graph, settings };
            match prepared.and_then(|()| graph.make()) {
                Ok(made) => making.graph(id, &config, made),
                Err(error) => making.unprepared(id, error.detail()),
            }
        }
    }
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

    /// The job of the direct path, and its first task.
    fn taken(&self, taken: Taken) -> Result<(Option<LineJob>, Vec<TaskId>), AppError> {
        match taken {
            Taken::Here => {
                let job = (self.direct)(self.facts)?;
                let tasks = job.tasks.iter().map(|task| task.id).collect();
                Ok((Some(job), tasks))
            }
            Taken::Elsewhere(task) => Ok((None, task.into_iter().collect())),
        }
    }

    /// The direct path alone.
    fn direct_path(&self, definition: Option<WorkflowId>, reason: &str) -> Result<Decision, AppError> {
        self.by_direct_path(self.said(definition, reason), Vec::new())
    }

    fn by_direct_path(&self, result: DispatchResult, runs: Vec<NewRun>) -> Result<Decision, AppError> {
        let (job, tasks) = self.taken(self.app.ports.direct.take(self.line.id))?;
        let result = result.with_tasks(tasks.iter().map(|task| task.uuid()).collect());
        Ok(Decision { work: LineWork { line: self.line.id, job, runs, failure: None }, result })
    }

    /// The direct path in place of a graph that cannot be prepared.
    fn unprepared(&self, definition: WorkflowId, reason: &str) -> Result<Decision, AppError> {
        let reason = format!("Workflow runtime preparation failed: {reason}");
        let mut decision = self.direct_path(Some(definition), &reason)?;
        decision.result.rollout_gate_status = "workflow_preparation_failed".to_owned();
        Ok(decision)
    }

    /// The direct path in place of a named preset, whose nodes follow it.
    fn preset(&self, definition: WorkflowId, config: &Config) -> Result<Decision, AppError> {
        let (job, tasks) = self.taken(self.app.ports.presets.take(self.line.id, config.preset))?;
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
            first_task: tasks.first().copied(),
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
        let result = result.with_tasks(tasks.iter().map(|task| task.uuid()).collect());
        Ok(Decision { work: LineWork { line: self.line.id, job, runs: vec![run], failure: None }, result })
    }

    /// The graph; or, when it cannot be dispatched, the direct path or nothing, as its nodes say.
    fn graph(&self, definition: WorkflowId, config: &Config, made: Made) -> Result<Decision, AppError> {
        let run = made.run.id.uuid();
        let input_name = self.facts.cad_file.as_ref().map(|file| file.original_name.to_string());
        let Some((_, reason)) = made.failure.clone() else {
            debug_assert!(made.has_ended() == made.plan.tasks.is_empty());
            let result = DispatchResult {
                backend: Backend::WorkflowGraph,
                execution_mode: ExecutionMode::Graph.as_str().to_owned(),
                workflow_run_id: Some(run),
                rollout_gate_status: "graph_authoritative".to_owned(),
                rollout_gate_verdict: Some("pass".to_owned()),
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
            rollout_gate_status: "graph_execution_failed".to_owned(),
            ..self.said(Some(definition), &format!("The graph could not be dispatched: {reason}"))
        };
        if config.falls_back() {
            let fallen = DispatchResult { fallback_from: Some("workflow_graph".to_owned()), ..failed.clone() };
            let mut run = made.run.clone();
            // The job that is made with it is the direct path's.
            run.follows_job = false;
            match self.by_direct_path(fallen, vec![run]) {
                Ok(decision) => return Ok(decision),
                Err(error) => tracing::info!(line.id = %self.line.id, "no direct path either: {error}"),
            }
        }
        let result = DispatchResult {
            backend: Backend::WorkflowGraph,
            execution_mode: ExecutionMode::Graph.as_str().to_owned(),
            ..failed
        };
        let failure = JobError { code: "graph_execution_failed".to_owned(), detail: reason, at: None };
        let work = LineWork { failure: Some(failure), ..made.work(self.line.id, input_name) };
        Ok(Decision { work, result })
    }
}
