//! Walks a graph, and says what is to be made of it: pure, so that it can be tried on graphs of any shape.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};

use super::facts::{Context, Facts};
use super::nodes;
use crate::app::{Queued, TaskQueue};
use crate::renders::spec::pixel_samples;
use packshot_contract::picture_settings::PictureSettings;
use packshot_contract::problem::{Finding, Invalid};
use packshot_contract::workflow::{Config, ConfigNode, InvalidConfig, overlaid, picture_kind, with_defaults};
use packshot_db::jobs::NewTask;
use packshot_db::workflows::NewNode;
use packshot_domain::id::{RunId, TaskId};
use packshot_domain::media::AssetType;
use packshot_domain::step::{StepKind, StepName};
use packshot_domain::task::{Lane, QueueName, TaskKind};
use packshot_domain::workflow::{NodeEvent, NodeId, NodeStatus};
use packshot_pipeline::plan::{self, Base, Limits};

/// What is to be made of a graph.
#[derive(Clone, Debug, Default)]
pub(super) struct RunPlan {
    /// Its nodes, in graph order.
    pub(super) nodes: Vec<NewNode>,
    /// Its tasks, in graph order.
    pub(super) tasks: Vec<NewTask>,
    /// The task whose first file is the line's result: the first that is armed by an output, else the first that
    /// publishes.
    pub(super) result_task: Option<TaskId>,
    /// Samples per pixel at most, over all pictures.
    pub(super) samples_target: i32,
    /// What each task that renders has to do: samples of all pixels of its pictures.
    pub(super) pixel_samples: HashMap<TaskId, u64>,
    /// The node that failed, and why: then nothing is to be queued.
    pub(super) failure: Option<(NodeId, String)>,
}

/// What becomes of what a graph makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It is published.
    Authoritative,
    /// It is compared with what is published: the graph is a shadow.
    Observer,
}

/// What a graph is planned with.
#[derive(Clone, Copy)]
pub(super) struct Planning<'p> {
    /// The graph.
    pub(super) config: &'p Config,
    /// What was read for it.
    pub(super) facts: &'p Facts,
    /// The run that it becomes.
    pub(super) run: RunId,
    /// Whether what it makes counts.
    pub(super) role: Role,
    /// What the tenant may render.
    pub(super) limits: &'p Limits,
    /// Where tasks get their ids.
    pub(super) queue: &'p dyn TaskQueue,
}

impl Planning<'_> {
    /// Walks the graph.
    ///
    /// # Errors
    /// Options of a node that do not fit together, or not into the limits, with those of output type and template.
    pub(super) fn plan(self) -> Result<RunPlan, InvalidConfig> {
        let pictures = self.pictures()?;
        let mut outputs: HashMap<usize, Json> = HashMap::new();
        for (position, node) in self.nodes().filter(|(_, node)| node.step.kind() == StepKind::Inline) {
            match nodes::run(node, self.facts) {
                Ok(output) => drop(outputs.insert(position, output)),
                Err(reason) => return Ok(self.failed(&outputs, &node.id, reason)),
            }
        }
        // What would fail for certain is not begun.
        for (_, node) in self.nodes().filter(|(_, node)| node.step == StepName::ComposeDesign) {
            if let Err(reason) = nodes::run(node, self.facts) {
                return Ok(self.failed(&outputs, &node.id, reason));
            }
        }
        let mut tasks: Vec<NewTask> = Vec::new();
        let (mut task_of, mut planned) = (HashMap::new(), Vec::new());
        let (mut saved, mut published) = (None, None);
        for (position, node) in self.nodes() {
            let (event, output, task) = match node.step.kind() {
                StepKind::Inline => (NodeEvent::CompleteAtOnce, outputs.remove(&position).unwrap_or_default(), None),
                StepKind::HandOff => (NodeEvent::CompleteAtOnce, self.handed_off(position, node), None),
                StepKind::Queued(queue) => {
                    let armed = Armed::of(self.config, position, self.role);
                    let task = self.task((position, queue), node, &armed, (pictures.get(&position), &task_of));
                    let output = armed.output(node.step, task.id);
                    task_of.insert(position, task.id);
                    if AssetType::of_step(node.step).is_some() {
                        published = published.or(Some(task.id));
                        saved = saved.or(armed.is_saved().then_some(task.id));
                    }
                    let id = task.id;
                    tasks.push(task);
                    (NodeEvent::Queue, output, Some(id))
                }
            };
            // Nothing has happened to it yet.
            let status = NodeStatus::Pending.next(event).unwrap_or(NodeStatus::Pending);
            let id = node.id.clone();
            planned.push(NewNode { id, step: node.step, status, output, error: None, task });
        }
        let samples = pictures.values().map(|picture| picture.samples).sum::<u64>();
        let samples_target = i32::try_from(samples).unwrap_or(i32::MAX);
        let of_task =
            |(position, picture): (&usize, &Pictures)| Some((*task_of.get(position)?, picture.pixel_samples?));
        let pixel_samples = pictures.iter().filter_map(of_task).collect();
        Ok(RunPlan {
            nodes: planned,
            tasks,
            result_task: saved.or(published),
            samples_target,
            pixel_samples,
            failure: None,
        })
    }

    /// A graph that could not be begun: nothing of it has happened, and nothing will.
    pub(super) fn not_begun(self) -> RunPlan {
        let node = |(_, node): (usize, &ConfigNode)| NewNode {
            id: node.id.clone(),
            step: node.step,
            status: NodeStatus::Skipped,
            output: json!({}),
            error: None,
            task: None,
        };
        let nodes = self.nodes().map(node).collect();
        RunPlan { nodes, ..RunPlan::default() }
    }

    /// The nodes in graph order, with their positions.
    fn nodes(&self) -> impl Iterator<Item = (usize, &ConfigNode)> {
        self.config.graph.order().iter().map(|&position| (position, &self.config.nodes[position]))
    }

    /// A run whose node failed within the dispatch: what came before it is done, and nothing comes after it.
    fn failed(&self, outputs: &HashMap<usize, Json>, failed: &NodeId, reason: String) -> RunPlan {
        let node = |(position, node): (usize, &ConfigNode)| {
            let (event, error) = match outputs.get(&position) {
                _ if node.id == *failed => (NodeEvent::Fail, Some(reason.clone())),
                Some(_) => (NodeEvent::CompleteAtOnce, None),
                None => (NodeEvent::Skip, None),
            };
            NewNode {
                id: node.id.clone(),
                step: node.step,
                status: NodeStatus::Pending.next(event).unwrap_or(NodeStatus::Pending),
                output: outputs.get(&position).cloned().unwrap_or_else(|| json!({})),
                error,
                task: None,
            }
        };
        let nodes = self.nodes().map(node).collect();
        let failure = Some((failed.clone(), reason));
        RunPlan { nodes, failure, ..RunPlan::default() }
    }

    /// The pictures of each node that makes any: what is given at last, and the samples that it takes.
    fn pictures(&self) -> Result<HashMap<usize, Pictures>, InvalidConfig> {
        let mut pictures = HashMap::new();
        for (position, node) in self.nodes() {
            let Some(kind) = picture_kind(node.step) else { continue };
            let given = self.given(position, node);
            let effective = with_defaults(node.step, given.clone());
            let base = Base { kind, ..Base::default() };
            let plan = match plan::resolve(&base, &effective.options, self.limits) {
                Ok(plan) => plan,
                Err(_) => {
                    let at = format!("/config{}", self.config.place_of_parameters(position));
                    let unfit = effective.check(kind, self.limits, &at).err();
                    return Err(refused(unfit, &at));
                }
            };
            let samples = u64::from(plan.options.samples.unwrap_or(1)) * u64::from(plan.n_pictures());
            pictures.insert(position, Pictures { given, samples, pixel_samples: pixel_samples(&plan) });
        }
        Ok(pictures)
    }

    /// The options of a node's pictures: of a named preset the output type's come first, of a graph of its own the
    /// node's (workflow.md §2). A template counts where a node above has found one.
    fn given(&self, position: usize, node: &ConfigNode) -> PictureSettings {
        let read = |stored: &Json| serde_json::from_value(stored.clone()).unwrap_or_default();
        let own = &node.params.picture;
        let Context::Line(_, line) = &self.facts.context else { return overlaid(node.step, &[own]) };
        let of_type: PictureSettings = read(&line.output_type.fields.render_settings);
        let above = self.config.above(position, StepName::ResolveTemplate);
        let template = above.and_then(|above| self.facts.templates.get(&above.id));
        let template = template.and_then(|found| found.as_ref().ok()).and_then(Option::as_ref);
        let of_template: PictureSettings = template.map(|template| read(&template.settings)).unwrap_or_default();
        match self.config.preset.is_named() {
            true => overlaid(node.step, &[&of_type, own, &of_template]),
            false => overlaid(node.step, &[own, &of_type, &of_template]),
        }
    }

    /// The task of a queued node.
    fn task(
        &self,
        (position, queue): (usize, QueueName),
        node: &ConfigNode,
        armed: &Armed,
        (pictures, task_of): (Option<&Pictures>, &HashMap<usize, TaskId>),
    ) -> NewTask {
        let mut kwargs = Map::new();
        kwargs.insert("workflow_run_id".to_owned(), json!(self.run.to_string()));
        kwargs.insert("workflow_node_id".to_owned(), json!(node.id.as_str()));
        if let Some(Ok(Json::Object(given))) = pictures.map(|pictures| serde_json::to_value(&pictures.given)) {
            kwargs.extend(given);
        }
        kwargs.extend(node.params.own.clone());
        let makes_asset = AssetType::of_step(node.step).is_some();
        if makes_asset {
            kwargs.insert("publish_asset_enabled".to_owned(), json!(armed.publishes()));
            kwargs.insert("graph_authoritative_output_enabled".to_owned(), json!(armed.is_authoritative()));
        }
        if self.role == Role::Observer {
            kwargs.insert("emit_events".to_owned(), json!(false));
            kwargs.insert("job_document_enabled".to_owned(), json!(false));
            kwargs.insert("output_name_suffix".to_owned(), json!(format!("shadow-{}", self.run.short())));
        }
        if !armed.notify.is_empty() {
            kwargs.insert("emit_legacy_notifications".to_owned(), json!(true));
        }
        for (name, ids) in [
            ("graph_output_node_ids", &armed.output),
            ("graph_notify_node_ids", &armed.notify),
            ("graph_media_node_ids", &armed.media),
            ("graph_deliver_node_ids", &armed.deliver),
        ] {
            if !ids.is_empty() {
                kwargs.insert(name.to_owned(), json!(ids));
            }
        }
        let (kind, kwargs) = (TaskKind::Step(node.step), Json::Object(kwargs));
        let args = json!([self.facts.context.id().to_string()]);
        NewTask {
            id: self.queue.id_of(Queued { kind, args: &args, kwargs: &kwargs }),
            kind,
            queue,
            lane: Lane::of_queue(queue),
            priority: 0,
            kwargs,
            spec: None,
            publishes: makes_asset && self.role == Role::Authoritative,
            waits_for: self.config.graph.waits_for(position).iter().filter_map(|at| task_of.get(at)).copied().collect(),
        }
    }

    /// What a node says that has its work done by the tasks before it.
    fn handed_off(&self, position: usize, node: &ConfigNode) -> Json {
        let name = |at: usize| self.config.nodes[at].id.as_str();
        if self.role == Role::Observer {
            return match node.step {
                StepName::OutputSave | StepName::ThumbnailSave => json!({"publication_mode": OBSERVES}),
                StepName::Notify => json!({"notification_mode": OBSERVES, "armed_node_ids": []}),
                StepName::AssociateMedia => json!({"association_mode": OBSERVES, "armed_node_ids": []}),
                StepName::Deliver => json!({"delivery_mode": OBSERVES, "armed_node_ids": []}),
                _ => json!({}),
            };
        }
        let armed: Vec<&str> = self.config.graph.arms(position).into_iter().map(name).collect();
        match node.step {
            StepName::OutputSave | StepName::ThumbnailSave => {
                json!({"publication_mode": "awaiting_graph_authoritative_save"})
            }
            StepName::Notify => json!({"notification_mode": DEFERRED, "armed_node_ids": armed}),
            StepName::AssociateMedia => json!({"association_mode": DEFERRED, "armed_node_ids": armed}),
            StepName::Deliver => json!({"delivery_mode": DEFERRED, "armed_node_ids": armed}),
            _ => json!({}),
        }
    }
}

/// What nodes say whose work the tasks before them do.
const DEFERRED: &str = "deferred_to_render_task";

/// What nodes of a shadow run say that would publish, tell or deliver.
const OBSERVES: &str = "shadow_observer_only";

/// What a node's pictures are made with.
#[derive(Clone, Debug)]
struct Pictures {
    given: PictureSettings,
    samples: u64,
    pixel_samples: Option<u64>,
}

/// The nodes that have their work done by the task of another one, by what they do.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Armed {
    role: Role,
    output: Vec<String>,
    notify: Vec<String>,
    media: Vec<String>,
    deliver: Vec<String>,
}

impl Armed {
    fn of(config: &Config, position: usize, role: Role) -> Self {
        let [output, notify, media, deliver] = [const { Vec::new() }; 4];
        let mut armed = Self { role, output, notify, media, deliver };
        for at in config.graph.armed_by(position) {
            let node = &config.nodes[at];
            let list = match node.step {
                StepName::OutputSave | StepName::ThumbnailSave => &mut armed.output,
                // A shadow run tells nobody and delivers nothing.
                _ if role == Role::Observer => continue,
                StepName::Notify => &mut armed.notify,
                StepName::AssociateMedia => &mut armed.media,
                StepName::Deliver => &mut armed.deliver,
                _ => continue,
            };
            list.push(node.id.to_string());
        }
        armed
    }

    /// Whether a node below saves what comes of it.
    fn is_saved(&self) -> bool {
        !self.output.is_empty()
    }

    /// Whether the task publishes what it makes by itself.
    fn publishes(&self) -> bool {
        self.role == Role::Authoritative && !self.is_saved()
    }

    /// Whether what it makes is published for the nodes that armed it.
    fn is_authoritative(&self) -> bool {
        self.role == Role::Authoritative && self.is_saved()
    }

    /// What a queued node says of its task.
    fn output(&self, step: StepName, task: TaskId) -> Json {
        let made = AssetType::of_step(step);
        json!({
            "task_id": task.to_string(),
            "publish_asset_enabled": made.is_some() && self.publishes(),
            "graph_authoritative_output_enabled": made.is_some() && self.is_authoritative(),
            "graph_output_node_ids": self.output,
            "graph_notify_node_ids": self.notify,
            "predicted_asset_type": made.map(AssetType::as_str),
        })
    }
}

/// Options that do not make a picture.
fn refused(unfit: Option<Invalid>, at: &str) -> InvalidConfig {
    let otherwise = || Finding::new(at, "conflicting_members", "these options do not make a picture");
    let first = unfit.and_then(|invalid| invalid.findings.into_iter().next());
    InvalidConfig::one(first.unwrap_or_else(otherwise))
}
