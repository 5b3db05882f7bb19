//! Runs that begin: their rows are written in the transaction that makes their tasks.

use sea_orm::{ActiveModelTrait, IntoActiveModel};

use super::following::{told_of_node, told_of_run};
use super::lock_definition;
use super::runs::RunContext;
use crate::cad_files::{self, CadWork};
use crate::column::Col;
use crate::entity::{run_node, workflow_run};
use crate::jobs;
use crate::level::Level;
use crate::tx::Tx;
use crate::{Db, DbError, Json, TenantScope};
use packshot_domain::audit::Actor;
use packshot_domain::id::{CadFileId, JobId, RunId, TaskId, TenantId, UserId, WorkflowId};
use packshot_domain::step::StepName;
use packshot_domain::workflow::{ExecutionMode, NodeId, NodeStatus, RunStatus};

/// A run to write.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRun {
    /// Its id.
    pub id: RunId,
    /// The definition that it was made from.
    pub definition: Option<WorkflowId>,
    /// Which path it is.
    pub mode: ExecutionMode,
    /// Its state: it may have ended with its dispatch.
    pub status: RunStatus,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// The graph in its one form.
    pub config: Json,
    /// Its first task.
    pub first_task: Option<TaskId>,
    /// The task whose first file is the line's result; of a shadow run the one that is compared with it.
    pub result_task: Option<TaskId>,
    /// Whether its nodes follow the job that is made with it.
    pub follows_job: bool,
    /// Its nodes, in graph order.
    pub nodes: Vec<NewNode>,
}

impl NewRun {
    /// Whether webhooks are told how the work of its line ends.
    pub(crate) fn tells(&self) -> bool {
        self.mode != ExecutionMode::Graph || self.nodes.iter().any(|node| node.step == StepName::Notify)
    }
}

/// A node of a run to write.
#[derive(Clone, Debug, PartialEq)]
pub struct NewNode {
    /// Its name.
    pub id: NodeId,
    /// Its step.
    pub step: StepName,
    /// Its state: nodes without a task have ended with the dispatch.
    pub status: NodeStatus,
    /// What it says of its work.
    pub output: Json,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// Its task.
    pub task: Option<TaskId>,
}

/// A run on a CAD file, with its work.
#[derive(Clone, Debug)]
pub struct FileRun {
    /// The run.
    pub run: NewRun,
    /// Its tasks; none, if every node has ended with the dispatch.
    pub work: Option<CadWork>,
}

/// A run to write, and where it belongs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlacedRun<'r> {
    /// The run.
    pub(crate) run: &'r NewRun,
    /// What it runs on.
    pub(crate) context: RunContext,
    /// The job that its nodes follow.
    pub(crate) job: Option<JobId>,
    /// The job that it observes.
    pub(crate) observed: Option<JobId>,
}

/// Writes runs. What they run on is locked.
pub(crate) async fn insert(tx: &Tx<'_>, tenant: TenantId, mut runs: Vec<PlacedRun<'_>>) -> Result<(), DbError> {
    if runs.is_empty() {
        return Ok(());
    }
    runs.sort_by_key(|placed| placed.run.id);
    let mut definitions: Vec<WorkflowId> = runs.iter().filter_map(|placed| placed.run.definition).collect();
    definitions.sort_unstable();
    definitions.dedup();
    for definition in definitions {
        lock_definition(tx, tenant, Some(definition)).await?;
    }
    let now = Col(tx.now().await?);
    tx.enter(Level::Run);
    let (mut rows, mut nodes) = (Vec::new(), Vec::new());
    for PlacedRun { run, context, job, observed } in runs {
        let (line, file) = match context {
            RunContext::Line(line) => (Some(Col(line)), None),
            RunContext::File(file) => (None, Some(Col(file))),
        };
        let row = workflow_run::Model {
            tenant_id: Col(tenant),
            id: Col(run.id),
            workflow_definition_id: run.definition.map(Col),
            order_line_id: line,
            cad_file_id: file,
            execution_mode: Col(run.mode),
            status: Col(run.status),
            job_id: job.map(Col),
            observed_job_id: observed.map(Col),
            first_task_id: run.first_task.map(Col),
            result_task_id: run.result_task.map(Col),
            error_message: run.error.clone(),
            config: Col(run.config.clone()),
            ingredients: None,
            authoritative_output: None,
            observer_output: None,
            comparison: None,
            created_at: now,
            started_at: None,
            completed_at: run.status.is_terminal().then_some(now),
        };
        told_of_run(tx, &row);
        for (position, node) in (0..).zip(&run.nodes) {
            let has_begun = !matches!(node.status, NodeStatus::Pending | NodeStatus::Queued | NodeStatus::Skipped);
            let node = run_node::Model {
                tenant_id: Col(tenant),
                run_id: Col(run.id),
                position,
                node_id: Col(node.id.clone()),
                step: Col(node.step),
                status: Col(node.status),
                output: Col(node.output.clone()),
                error: node.error.clone(),
                task_id: node.task.map(Col),
                started_at: has_begun.then_some(now),
                completed_at: node.status.is_terminal().then_some(now),
            };
            if node.status.0 != NodeStatus::Pending {
                told_of_node(tx, &node);
            }
            nodes.push(node.into_active_model().reset_all());
        }
        rows.push(row.into_active_model().reset_all());
    }
    tx.insert_all(rows).await?;
    tx.enter(Level::RunNode);
    tx.insert_all(nodes).await
}

/// Dispatches a graph for a CAD file: the file gets a job of its tasks.
///
/// # Errors
///
/// [`DbError::NotFound`] of the file or the definition; [`DbError::CadFileBusy`] while something works on the file.
pub async fn dispatch_on_file(
    db: &Db,
    scope: TenantScope,
    by: (Actor, UserId),
    file: CadFileId,
    new: FileRun,
) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, by, file, new), |tx, (tenant, (_, user), file, FileRun { run, work })| {
        Box::pin(async move {
            let job = cad_files::begin_job(tx, *tenant, *file, *user, work.as_ref()).await?;
            let (context, id) = (RunContext::File(*file), job.as_ref().map(|job| job.job.id));
            insert(tx, *tenant, vec![PlacedRun { run, context, job: id, observed: None }]).await?;
            if let Some(job) = job {
                let made = jobs::create_in(tx, *tenant, &job).await?;
                jobs::announce(tx, *tenant, &made, None);
            }
            Ok(())
        })
    })
    .await
}
