//! How a run follows the tasks of its job: nodes take over what happens to their tasks, what fails skips what comes
//! after it, and the end of the last node ends the run.

use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Map, json};

use super::delivering::{self, HandedOver};
use crate::column::Col;
use crate::effect::{Phase, Turn};
use crate::entity::{run_node, workflow_run};
use crate::jobs::JobError;
use crate::level::Level;
use crate::streams::NewEvent;
use crate::tasks::Delivery;
use crate::tx::Tx;
use crate::{DbError, Json};
use packshot_domain::event::EventName;
use packshot_domain::id::{AssetId, DeliveryId, JobId, RunId, TaskId, TenantId};
use packshot_domain::job::JobState;
use packshot_domain::step::{StepKind, StepName};
use packshot_domain::stream::StreamId;
use packshot_domain::task::TaskKind;
use packshot_domain::time::Timestamp;
use packshot_domain::workflow::{ExecutionMode, NodeEvent, NodeStatus, RunEvent, RunStatus};

/// The error of a task that was cancelled because one before it did not complete.
const UPSTREAM_FAILED: &str = "upstream_failed";
/// What a delivery says that its node says too.
const SHOWN: [&str; 12] = [
    "output_path",
    "size_bytes",
    "duration_s",
    "unmapped_parts",
    "findings",
    "objects",
    "bbox_mm",
    "unit",
    "glb_path",
    "glb_duration_s",
    "cad_file_id",
    "placement_report",
];

/// A run with its nodes, all of them locked.
pub(crate) struct Following {
    run: workflow_run::Model,
    nodes: Vec<run_node::Model>,
    /// When the task began that it follows.
    task_started_at: Option<Col<Timestamp>>,
}

/// Locks the run that follows a job, with its nodes.
pub(crate) async fn lock_of_job(tx: &Tx<'_>, tenant: TenantId, job: JobId) -> Result<(), DbError> {
    lock_of_jobs(tx, tenant, &[job]).await
}

/// The same for several jobs. A run that observes one of them is locked too.
pub(crate) async fn lock_of_jobs(tx: &Tx<'_>, tenant: TenantId, jobs: &[JobId]) -> Result<(), DbError> {
    tx.enter(Level::Run);
    let runs = workflow_run::Entity::find()
        .select_only()
        .column(workflow_run::Column::Id)
        .filter(workflow_run::Column::TenantId.eq(Col(tenant)))
        .filter(
            Condition::any()
                .add(workflow_run::Column::JobId.is_in(jobs.iter().copied().map(Col)))
                .add(workflow_run::Column::ObservedJobId.is_in(jobs.iter().copied().map(Col))),
        )
        .order_by_asc(workflow_run::Column::Id)
        .lock_exclusive();
    let runs: Vec<Col<RunId>> = runs.into_tuple().all(tx.on()).await?;
    if runs.is_empty() {
        return Ok(());
    }
    tx.enter(Level::RunNode);
    let nodes = run_node::Entity::find()
        .select_only()
        .column(run_node::Column::Position)
        .filter(run_node::Column::TenantId.eq(Col(tenant)))
        .filter(run_node::Column::RunId.is_in(runs))
        .order_by_asc(run_node::Column::RunId)
        .order_by_asc(run_node::Column::Position)
        .lock_exclusive();
    let _nodes: Vec<i32> = nodes.into_tuple().all(tx.on()).await?;
    Ok(())
}

impl Following {
    /// The run that follows a job; `None` when none does.
    pub(crate) async fn of_job(tx: &Tx<'_>, tenant: TenantId, job: JobId) -> Result<Option<Self>, DbError> {
        let run = workflow_run::Entity::find()
            .filter(workflow_run::Column::TenantId.eq(Col(tenant)))
            .filter(workflow_run::Column::JobId.eq(Col(job)));
        let Some(run) = run.one(tx.on()).await? else { return Ok(None) };
        let nodes = run_node::Entity::find()
            .filter(run_node::Column::TenantId.eq(Col(tenant)))
            .filter(run_node::Column::RunId.eq(run.id))
            .order_by_asc(run_node::Column::Position);
        let nodes = nodes.all(tx.on()).await?;
        Ok(Some(Self { run, nodes, task_started_at: None }))
    }

    /// The run.
    pub(crate) fn id(&self) -> RunId {
        self.run.id.0
    }

    /// Whether a task of it publishes: only then does its line follow it.
    pub(crate) fn publishes(&self) -> bool {
        self.run.result_task_id.is_some()
    }

    /// Whether the first file of a task is the line's result.
    pub(crate) fn has_result_of(&self, task: TaskId) -> bool {
        self.run.result_task_id == Some(Col(task))
    }

    /// The view that becomes the picture of a product, where a node below a task says which.
    pub(crate) fn thumbnail_view(&self, task: TaskId) -> Option<String> {
        let node = self.nodes.iter().find(|node| node.task_id == Some(Col(task)))?;
        let armed = self.nodes.iter().find(|other| other.step.0 == StepName::AssociateMedia && arms(other, node))?;
        self.parameter(armed, "thumbnail_view").as_str().map(str::to_owned)
    }

    /// Whether a node below a task puts what it makes into the gallery of the product.
    pub(crate) fn associates(&self, task: TaskId) -> bool {
        let node = self.nodes.iter().find(|node| node.task_id == Some(Col(task)));
        let arming =
            |node| self.nodes.iter().any(|other| other.step.0 == StepName::AssociateMedia && arms(other, node));
        node.is_some_and(arming)
    }

    /// A parameter of a node, as the graph has it.
    fn parameter(&self, node: &run_node::Model, name: &str) -> &Json {
        let is_it = |of: &&Json| of["id"] == node.node_id.0.as_str();
        let of_graph = self.run.config.0["nodes"].as_array().into_iter().flatten().find(is_it);
        of_graph.map_or(&Json::Null, |of| &of["params"][name])
    }

    /// Lets the run follow what has happened to a task of its job. `saved` are the assets that came of it.
    pub(crate) async fn follow(mut self, tx: &Tx<'_>, turn: Turn<'_>, saved: &[AssetId]) -> Result<(), DbError> {
        if self.run.status.0.is_terminal() {
            return Ok(());
        }
        self.task_started_at = turn.task.started_at.map(Col);
        match self.run.execution_mode.0 {
            ExecutionMode::Legacy => self.follow_direct_path(tx, turn, saved).await?,
            ExecutionMode::Graph | ExecutionMode::Shadow => self.follow_task(tx, turn, saved).await?,
        }
        self.settle(tx, turn).await
    }

    /// A node takes over what happened to its task.
    async fn follow_task(&mut self, tx: &Tx<'_>, turn: Turn<'_>, saved: &[AssetId]) -> Result<(), DbError> {
        let of_task = self.nodes.iter().position(|node| node.task_id == Some(Col(turn.task.id)));
        let Some(i) = of_task.filter(|i| !self.nodes[*i].status.0.is_terminal()) else { return Ok(()) };
        let error = turn.task.error.as_ref();
        match turn.phase {
            Phase::Began => self.begin(tx, i).await,
            Phase::Released => match self.nodes[i].status.0 {
                NodeStatus::Running => self.happens(tx, i, NodeEvent::Retry, None).await,
                _ => Ok(()),
            },
            Phase::Completed(delivery) => {
                self.begin(tx, i).await?;
                self.deliver(tx, i, delivery, saved).await
            }
            Phase::Rejected(_) | Phase::Failed => {
                self.begin(tx, i).await?;
                self.fail(tx, i, error).await
            }
            Phase::Cancelled if error.is_some_and(|error| error.code == UPSTREAM_FAILED) => {
                self.happens(tx, i, NodeEvent::Skip, None).await
            }
            Phase::Cancelled => self.happens(tx, i, NodeEvent::Cancel, None).await,
        }
    }

    /// The direct path renders in place of a named preset: the nodes whose work it does follow its tasks.
    async fn follow_direct_path(&mut self, tx: &Tx<'_>, turn: Turn<'_>, saved: &[AssetId]) -> Result<(), DbError> {
        let TaskKind::Step(step) = turn.task.kind else { return Ok(()) };
        let of_step = |node: &run_node::Model| node.step.0 == step && !node.status.0.is_terminal();
        let i = self.nodes.iter().position(of_step);
        match (turn.phase, i) {
            (Phase::Began, i) => {
                self.complete_inline(tx).await?;
                match i {
                    Some(i) => self.begin(tx, i).await?,
                    None => self.run_begins(tx).await?,
                }
            }
            (Phase::Released, Some(i)) if self.nodes[i].status.0 == NodeStatus::Running => {
                self.happens(tx, i, NodeEvent::Retry, None).await?;
            }
            (Phase::Completed(delivery), Some(i)) => {
                self.complete_inline(tx).await?;
                self.begin(tx, i).await?;
                self.deliver(tx, i, delivery, saved).await?;
            }
            (Phase::Rejected(_) | Phase::Failed, _) => {
                // A conversion that failed has no node: what was to be rendered of it fails.
                let is_open = |node: &run_node::Model| {
                    matches!(node.step.0.kind(), StepKind::Queued(_)) && !node.status.0.is_terminal()
                };
                if let Some(i) = i.or_else(|| self.nodes.iter().position(is_open)) {
                    self.begin(tx, i).await?;
                    self.fail(tx, i, turn.task.error.as_ref()).await?;
                }
            }
            _ => {}
        }
        // Beginning and end of a short task come in one transaction: the job has its last state for both.
        let has_ended = !matches!(turn.phase, Phase::Began | Phase::Released);
        if has_ended && turn.state.is_terminal() {
            self.end_open_nodes(tx, turn.state, saved).await?;
        }
        Ok(())
    }

    /// What the direct path has done before it renders.
    async fn complete_inline(&mut self, tx: &Tx<'_>) -> Result<(), DbError> {
        for i in 0..self.nodes.len() {
            let node = &self.nodes[i];
            if node.step.0.kind() == StepKind::Inline && node.status.0 == NodeStatus::Pending {
                self.happens(tx, i, NodeEvent::CompleteAtOnce, None).await?;
            }
        }
        Ok(())
    }

    /// The direct path has ended: what it has done besides is done, and what it does not do is skipped.
    async fn end_open_nodes(&mut self, tx: &Tx<'_>, state: JobState, saved: &[AssetId]) -> Result<(), DbError> {
        for i in 0..self.nodes.len() {
            if self.nodes[i].status.0.is_terminal() {
                continue;
            }
            let step = self.nodes[i].step.0;
            let event = match state {
                JobState::Cancelled => NodeEvent::Cancel,
                JobState::Completed if matches!(step, StepName::OutputSave | StepName::ThumbnailSave) => {
                    self.publish(i, saved);
                    NodeEvent::CompleteAtOnce
                }
                _ => NodeEvent::Skip,
            };
            self.happens(tx, i, event, None).await?;
        }
        Ok(())
    }

    /// A task begins to work: its node, and with the first one the run.
    async fn begin(&mut self, tx: &Tx<'_>, i: usize) -> Result<(), DbError> {
        if self.nodes[i].status.0 == NodeStatus::Pending {
            self.happens(tx, i, NodeEvent::Queue, None).await?;
        }
        if self.nodes[i].status.0 == NodeStatus::Queued {
            self.happens(tx, i, NodeEvent::Begin, None).await?;
        }
        self.run_begins(tx).await
    }

    async fn run_begins(&mut self, tx: &Tx<'_>) -> Result<(), DbError> {
        if self.run.status.0 == RunStatus::Pending {
            self.run_happens(tx, RunEvent::Begin).await?;
        }
        Ok(())
    }

    /// A task has delivered: its node shows what came of it, and the nodes that armed it have their work done.
    async fn deliver(&mut self, tx: &Tx<'_>, i: usize, delivery: &Delivery, saved: &[AssetId]) -> Result<(), DbError> {
        let assets: Vec<String> = saved.iter().map(AssetId::to_string).collect();
        let shown = SHOWN.iter().filter_map(|name| Some(((*name).to_owned(), delivery.output.get(*name)?.clone())));
        let mut shown: Map<String, Json> = shown.collect();
        if let Some(file) = delivery.files.first() {
            shown.insert("file_hash".to_owned(), json!(file.address.to_string()));
        }
        if let Some(first) = assets.first() {
            shown.insert("asset_id".to_owned(), json!(first));
            shown.insert("asset_ids".to_owned(), json!(assets));
        }
        merge(&mut self.nodes[i], shown);
        self.happens(tx, i, NodeEvent::Finish, None).await?;
        // What a shadow run makes is only compared.
        if self.run.execution_mode.0 == ExecutionMode::Shadow {
            return Ok(());
        }
        let node = self.nodes[i].clone();
        for j in 0..self.nodes.len() {
            let other = &self.nodes[j];
            let is_output = names(&node, "graph_output_node_ids").any(|id| id == other.node_id.0.as_str());
            match other.step.0 {
                StepName::OutputSave | StepName::ThumbnailSave if is_output => self.publish(j, saved),
                StepName::AssociateMedia if arms(other, &node) => {
                    merge(&mut self.nodes[j], one("association_mode", json!("associated")));
                    merge(&mut self.nodes[j], one("asset_ids", json!(assets)));
                }
                StepName::Notify if arms(other, &node) => {
                    merge(&mut self.nodes[j], one("notification_mode", json!("sent")));
                }
                StepName::Deliver if arms(other, &node) => self.hand_over(tx, j, saved).await?,
                _ => continue,
            }
            self.save_node(tx, j).await?;
            told_of_node(tx, &self.nodes[j]);
        }
        Ok(())
    }

    /// A node that publishes says what was published.
    fn publish(&mut self, i: usize, saved: &[AssetId]) {
        let asset = saved.first().map(AssetId::to_string);
        merge(&mut self.nodes[i], one("publication_mode", json!("published")));
        merge(&mut self.nodes[i], one("asset_id", json!(asset)));
    }

    /// A node that delivers has it done, each time a task ends that it armed.
    async fn hand_over(&mut self, tx: &Tx<'_>, i: usize, saved: &[AssetId]) -> Result<(), DbError> {
        let webhook = self.parameter(&self.nodes[i], "webhook_id").as_str().map(str::to_owned);
        let node = self.nodes[i].node_id.0.to_string();
        let done = delivering::hand_over(tx, &self.run, (&node, webhook.as_deref()), saved).await?;
        let before = names(&self.nodes[i], "delivery_ids").map(str::to_owned);
        let (mode, ids): (_, Vec<String>) = match done {
            HandedOver::Queued(new) => ("queued", before.chain(new.iter().map(DeliveryId::to_string)).collect()),
            HandedOver::Skipped => ("skipped", before.collect()),
        };
        merge(&mut self.nodes[i], one("delivery_mode", json!(mode)));
        merge(&mut self.nodes[i], one("delivery_ids", json!(ids)));
        Ok(())
    }

    /// Whether webhooks are told how the work of the line ends: a graph says so by a node that tells.
    pub(crate) fn tells(&self) -> bool {
        let is_told = |node: &run_node::Model| names(node, "graph_notify_node_ids").next().is_some();
        self.run.execution_mode.0 != ExecutionMode::Graph || self.nodes.iter().any(is_told)
    }

    /// A node fails, and with it everything that can only be reached after it.
    async fn fail(&mut self, tx: &Tx<'_>, i: usize, error: Option<&JobError>) -> Result<(), DbError> {
        let text = error.map_or_else(|| "the task failed".to_owned(), |error| error.detail.clone());
        self.happens(tx, i, NodeEvent::Fail, Some(text)).await
    }

    /// Writes what has happened to a node.
    async fn happens(&mut self, tx: &Tx<'_>, i: usize, event: NodeEvent, error: Option<String>) -> Result<(), DbError> {
        let now = Col(tx.now().await?);
        let node = &mut self.nodes[i];
        let illegal = |error: packshot_domain::workflow::IllegalNodeState| DbError::Corrupt {
            what: "workflow node",
            reason: error.to_string(),
        };
        node.status = Col(node.status.0.next(event).map_err(illegal)?);
        node.error = error.or(node.error.take());
        match node.status.0 {
            // The first report of a task comes later than its start.
            NodeStatus::Running => node.started_at = self.task_started_at.or(Some(now)),
            NodeStatus::Queued | NodeStatus::Pending => node.started_at = None,
            NodeStatus::Completed | NodeStatus::Failed => {
                node.started_at.get_or_insert(now);
                node.completed_at = Some(now);
            }
            NodeStatus::Skipped | NodeStatus::Cancelled => node.completed_at = Some(now),
        }
        told_of_node(tx, node);
        self.save_node(tx, i).await
    }

    /// Ends the run with its last node.
    async fn settle(&mut self, tx: &Tx<'_>, turn: Turn<'_>) -> Result<(), DbError> {
        let is_cancelled = turn.state == JobState::Cancelled;
        let states = self.nodes.iter().map(|node| node.status.0);
        let Some(event) = RunStatus::end_of(states, is_cancelled) else { return Ok(()) };
        // The last task of a job that is being cancelled has not stopped yet.
        if !turn.state.is_terminal() {
            return Ok(());
        }
        if event == RunEvent::Fail {
            let failed = self.nodes.iter().find(|node| node.status.0 == NodeStatus::Failed);
            self.run.error_message = failed.and_then(|node| node.error.clone());
        }
        self.run_happens(tx, event).await
    }

    async fn run_happens(&mut self, tx: &Tx<'_>, event: RunEvent) -> Result<(), DbError> {
        let now = Col(tx.now().await?);
        let run = &mut self.run;
        let illegal = |error: packshot_domain::workflow::IllegalRunState| DbError::Corrupt {
            what: "workflow run",
            reason: error.to_string(),
        };
        run.status = Col(run.status.0.next(event).map_err(illegal)?);
        match run.status.0 {
            RunStatus::Running => run.started_at = run.started_at.or(self.task_started_at).or(Some(now)),
            ended if ended.is_terminal() => run.completed_at = Some(now),
            _ => {}
        }
        told_of_run(tx, run);
        let row = workflow_run::ActiveModel {
            tenant_id: Unchanged(run.tenant_id),
            id: Unchanged(run.id),
            status: Set(run.status),
            error_message: Set(run.error_message.clone()),
            started_at: Set(run.started_at),
            completed_at: Set(run.completed_at),
            ..Default::default()
        };
        row.update_without_returning(tx.on()).await?;
        Ok(())
    }

    async fn save_node(&self, tx: &Tx<'_>, i: usize) -> Result<(), DbError> {
        let node = &self.nodes[i];
        let row = run_node::ActiveModel {
            tenant_id: Unchanged(node.tenant_id),
            run_id: Unchanged(node.run_id),
            position: Unchanged(node.position),
            status: Set(node.status),
            output: Set(node.output.clone()),
            error: Set(node.error.clone()),
            started_at: Set(node.started_at),
            completed_at: Set(node.completed_at),
            ..Default::default()
        };
        row.update_without_returning(tx.on()).await?;
        Ok(())
    }
}

/// One member.
fn one(name: &str, value: Json) -> Map<String, Json> {
    Map::from_iter([(name.to_owned(), value)])
}

/// Adds to what a node says of its work.
fn merge(node: &mut run_node::Model, more: Map<String, Json>) {
    match &mut node.output.0 {
        Json::Object(members) => members.extend(more),
        other => *other = Json::Object(more),
    }
}

/// The nodes that a node's output names.
fn names<'n>(node: &'n run_node::Model, member: &str) -> impl Iterator<Item = &'n str> {
    node.output.0[member].as_array().into_iter().flatten().filter_map(Json::as_str)
}

/// Whether a node has its work done by the task of another one.
fn arms(hand_off: &run_node::Model, node: &run_node::Model) -> bool {
    names(hand_off, "armed_node_ids").any(|id| id == node.node_id.0.as_str())
}

/// Writes the event that a run is in another state now.
pub(super) fn told_of_run(tx: &Tx<'_>, run: &workflow_run::Model) {
    let data = json!({"status": run.status.0.as_str(), "error_message": run.error_message});
    tx.emit(run.tenant_id.0, StreamId::of_run(run.id.0), NewEvent { name: EventName::RunStatus, data });
}

/// Writes the event that a node is in another state now, or says more of its work.
pub(super) fn told_of_node(tx: &Tx<'_>, node: &run_node::Model) {
    let data = json!({
        "node_name": node.node_id.0.as_str(),
        "step": node.step.0.as_str(),
        "status": node.status.0.as_str(),
        "output": node.output.0,
        "error": node.error,
    });
    tx.emit(node.tenant_id.0, StreamId::of_run(node.run_id.0), NewEvent { name: EventName::NodeStatus, data });
}
