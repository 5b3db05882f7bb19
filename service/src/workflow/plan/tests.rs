//! Random graphs, planned and run: every node ends, arming is as the table says, and nothing waits for ever.

use std::collections::{BTreeMap, HashMap, HashSet};

use packshot_domain::job::{JobState, TaskFacts};
use packshot_domain::task::{TaskEvent, TaskState};
use packshot_domain::workflow::{Edge, ExecutionMode, Graph, GraphNode, Preset, RunEvent, RunStatus};
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};

use super::*;
use crate::app::Ports;
use packshot_contract::workflow::StepParameters;
use packshot_db::cad_files::{CadFile, CadRead};
use packshot_domain::cad_file::{CadStatus, SourceFormat};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{CadFileId, TenantId, UserId};
use packshot_domain::time::Timestamp;

/// A graph of steps that run on CAD files. `edges` lead from an earlier to a later node of a hidden order; the nodes
/// are given in another one.
fn config(steps: &[usize], edges: &[(usize, usize)], shuffled: &[usize]) -> Option<Config> {
    let kinds: Vec<StepName> = StepName::ALL.iter().copied().filter(|step| step.contexts().len() == 2).collect();
    let name = |i: usize| -> NodeId { format!("n{i}").parse().expect("a name") };
    let hidden: Vec<StepName> = steps.iter().map(|step| kinds[step % kinds.len()]).collect();
    let mut seen = HashSet::new();
    let edges: Vec<Edge> = edges
        .iter()
        .map(|(a, b)| (a % hidden.len(), b % hidden.len()))
        .filter(|(a, b)| a != b)
        .map(|(a, b)| (a.min(b), a.max(b)))
        .filter(|pair| seen.insert(*pair))
        .map(|(a, b)| Edge { from: name(a), to: name(b) })
        .collect();
    let nodes: Vec<ConfigNode> = shuffled
        .iter()
        .filter(|i| **i < hidden.len())
        .map(|i| ConfigNode { id: name(*i), step: hidden[*i], params: StepParameters::default(), ui: Map::new() })
        .collect();
    let of_graph = nodes.iter().map(|node| GraphNode { id: node.id.clone(), step: node.step }).collect();
    let graph = Graph::new(of_graph, &edges).ok()?;
    let (preset, execution_mode) = (Preset::Custom, ExecutionMode::Graph);
    Some(Config { preset, execution_mode, ui: Map::new(), nodes, edges, graph, was_short: false })
}

fn file() -> CadFile {
    let address = ContentAddress::of(b"file");
    CadFile {
        id: CadFileId::new(),
        tenant: TenantId::new(),
        original_name: "part.glb".parse().expect("a name"),
        address,
        media_type: "model/gltf-binary".to_owned(),
        size_bytes: 4,
        source_format: SourceFormat::Glb,
        status: CadStatus::Ready,
        error: None,
        read: CadRead { parts: vec!["Body".to_owned()], size_mm: None, glb: Some(address) },
        thumbnail: None,
        document: None,
        created_by: UserId::new(),
        created_at: Timestamp::from_unix_ms(0),
        updated_at: Timestamp::from_unix_ms(0),
        revision: 1,
    }
}

/// A plan that is being run.
struct Running<'p> {
    plan: &'p RunPlan,
    tasks: Vec<TaskState>,
    nodes: HashMap<NodeId, NodeStatus>,
}

impl<'p> Running<'p> {
    fn begin(plan: &'p RunPlan) -> Self {
        let first = |task: &NewTask| match task.waits_for.is_empty() {
            true => TaskState::Queued,
            false => TaskState::Waiting,
        };
        let tasks = plan.tasks.iter().map(first).collect();
        let nodes = plan.nodes.iter().map(|node| (node.id.clone(), node.status)).collect();
        Self { plan, tasks, nodes }
    }

    /// Something happens to a task and to its node.
    fn happens(&mut self, i: usize, task: TaskEvent, node: Option<NodeEvent>) {
        self.tasks[i] = self.tasks[i].next(task).expect("the table of tasks allows it");
        let Some(node) = node else { return };
        let id = self.plan.tasks[i].id;
        let of_task = self.plan.nodes.iter().find(|node| node.task == Some(id)).expect("its node");
        let status = self.nodes.get_mut(&of_task.id).expect("its state");
        *status = status.next(node).expect("the table of nodes allows it");
    }

    /// Runs every task, in the order of their claims; those fail that `fates` says.
    fn run(mut self, fates: &[bool]) -> Self {
        let index: HashMap<TaskId, usize> = self.plan.tasks.iter().enumerate().map(|(i, task)| (task.id, i)).collect();
        let mut fates = fates.iter().cycle();
        while let Some(i) = self.tasks.iter().position(|state| *state == TaskState::Queued) {
            self.happens(i, TaskEvent::Claim, Some(NodeEvent::Begin));
            match fates.next() {
                Some(true) => self.happens(i, TaskEvent::Fail, Some(NodeEvent::Fail)),
                _ => self.happens(i, TaskEvent::Finish, Some(NodeEvent::Finish)),
            }
            // As the queue does it: one pass in graph order.
            for (j, task) in self.plan.tasks.iter().enumerate() {
                let before: Vec<TaskState> = task.waits_for.iter().map(|id| self.tasks[index[id]]).collect();
                if self.tasks[j] != TaskState::Waiting {
                    continue;
                }
                if before.iter().any(|state| matches!(state, TaskState::Failed | TaskState::Cancelled)) {
                    self.happens(j, TaskEvent::Orphan, Some(NodeEvent::Skip));
                } else if before.iter().all(|state| *state == TaskState::Completed) {
                    self.happens(j, TaskEvent::Unblock, None);
                }
            }
        }
        self
    }

    fn has_ended(&self) -> bool {
        let tasks = self.plan.tasks.iter().zip(&self.tasks);
        let facts: Vec<TaskFacts> =
            tasks.map(|(task, state)| TaskFacts { state: *state, publishes: task.publishes }).collect();
        facts.is_empty() || JobState::of_tasks(&facts, false).is_terminal()
    }
}

/// Whether a path leads from a node to another one that passes no other node that makes an asset.
fn reaches(config: &Config, from: usize, to: usize) -> bool {
    let position: HashMap<&NodeId, usize> = config.nodes.iter().enumerate().map(|(i, node)| (&node.id, i)).collect();
    let mut after: HashMap<usize, Vec<usize>> = HashMap::new();
    for edge in &config.edges {
        after.entry(position[&edge.from]).or_default().push(position[&edge.to]);
    }
    let mut open: Vec<usize> = after.get(&from).cloned().unwrap_or_default();
    let mut seen = HashSet::new();
    while let Some(next) = open.pop() {
        if AssetType::of_step(config.nodes[next].step).is_some() || !seen.insert(next) {
            continue;
        }
        if next == to {
            return true;
        }
        open.extend(after.get(&next).into_iter().flatten());
    }
    false
}

#[test]
fn w55_w65_random_graphs_end_armed_as_the_table_says() {
    let steps = prop::collection::vec(0_usize..64, 1..=30);
    let edges = prop::collection::vec((0_usize..64, 0_usize..64), 0..60);
    let shuffled = Just((0_usize..30).collect::<Vec<_>>()).prop_shuffle();
    let fates = prop::collection::vec(prop::bool::weighted(0.15), 7);
    let (ports, limits) = (Ports::default(), Limits::default());
    let facts = Facts {
        context: Context::File(Box::new(file())),
        templates: BTreeMap::new(),
        imports: BTreeMap::new(),
        designs: BTreeMap::new(),
        materials: BTreeMap::new(),
        parts: None,
    };
    let mut runner = TestRunner::new(Cases::default());
    let tried = runner.run(&(steps, edges, shuffled, fates), |(steps, edges, shuffled, fates)| {
        let config = config(&steps, &edges, &shuffled).ok_or_else(|| TestCaseError::fail("no graph"))?;
        // Every other one is a shadow, which publishes nothing.
        let role = if steps.len() % 2 == 0 { Role::Authoritative } else { Role::Observer };
        let counts = role == Role::Authoritative;
        let (run, queue) = (RunId::new(), &*ports.queue);
        let planning = Planning { config: &config, facts: &facts, run, role, limits: &limits, queue };
        let plan = planning.plan().map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert!(plan.failure.is_none());
        for (node, task) in plan.nodes.iter().filter_map(|node| Some((node, node.task?))) {
            let task = plan.tasks.iter().find(|of_plan| of_plan.id == task).expect("its task");
            let (position, _) = config.node(&node.id).expect("it is there");
            let saving = |at: &usize| matches!(config.nodes[*at].step, StepName::OutputSave | StepName::ThumbnailSave);
            let is_saved = (0..config.nodes.len()).filter(saving).any(|at| reaches(&config, position, at));
            if AssetType::of_step(node.step).is_some() {
                prop_assert_eq!(&task.kwargs["publish_asset_enabled"], &json!(counts && !is_saved));
                prop_assert_eq!(&task.kwargs["graph_authoritative_output_enabled"], &json!(counts && is_saved));
                prop_assert_eq!(task.publishes, counts);
            } else {
                prop_assert!(task.kwargs.get("publish_asset_enabled").is_none());
            }
        }
        let ended = Running::begin(&plan).run(&fates);
        prop_assert!(ended.has_ended(), "nothing waits for ever: {:?}", ended.tasks);
        prop_assert!(ended.nodes.values().all(|status| status.is_terminal()), "{:?}", ended.nodes);
        let fails = ended.nodes.values().any(|status| *status == NodeStatus::Failed);
        let event = RunStatus::end_of(ended.nodes.values().copied(), false);
        prop_assert_eq!(event, Some(if fails { RunEvent::Fail } else { RunEvent::Complete }));
        Ok(())
    });
    tried.expect("every graph ends");
}
