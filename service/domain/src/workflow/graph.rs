//! The shape of a workflow: nodes, each with a step, and which comes before which.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use petgraph::Direction;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, EdgeRef, Reversed};

use super::{ContextKind, NodeId};
use crate::media::AssetType;
use crate::step::{StepKind, StepName};

/// Most nodes of a graph.
pub const NODES_MAX: usize = 100;
/// Most edges of a graph.
pub const EDGES_MAX: usize = 400;

/// A node: its name and its step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphNode {
    /// Its name.
    pub id: NodeId,
    /// What it does.
    pub step: StepName,
}

/// Which node comes before which other one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Edge {
    /// The earlier one.
    pub from: NodeId,
    /// The later one.
    pub to: NodeId,
}

/// What keeps nodes and edges from being a graph that can run. Positions are those in the lists that were given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphFault {
    /// A graph has something to do.
    #[error("a workflow has at least one node")]
    NoNodes,
    /// There are more nodes than a graph may have.
    #[error("a workflow has at most {NODES_MAX} nodes")]
    TooManyNodes,
    /// There are more edges than a graph may have.
    #[error("a workflow has at most {EDGES_MAX} edges")]
    TooManyEdges,
    /// Two nodes have one name.
    #[error("node {first} is called '{id}' too")]
    DuplicateNode {
        /// The later one.
        node: usize,
        /// The earlier one.
        first: usize,
        /// Their name.
        id: NodeId,
    },
    /// An edge begins at nothing.
    #[error("edge {edge} starts at unknown node '{id}'")]
    UnknownStart {
        /// The edge.
        edge: usize,
        /// What it names.
        id: NodeId,
    },
    /// An edge leads nowhere.
    #[error("edge {edge} ends at unknown node '{id}'")]
    UnknownEnd {
        /// The edge.
        edge: usize,
        /// What it names.
        id: NodeId,
    },
    /// An edge leads from a node to the same one.
    #[error("edge {edge} leads from '{id}' to itself")]
    SelfEdge {
        /// The edge.
        edge: usize,
        /// The node.
        id: NodeId,
    },
    /// An edge is there twice.
    #[error("edge {edge} repeats edge {first}")]
    DuplicateEdge {
        /// The later one.
        edge: usize,
        /// The earlier one.
        first: usize,
    },
    /// Nodes wait for each other. The edge closes the circle.
    #[error("edge {edge} closes a cycle of {}", list(nodes))]
    Cycle {
        /// The last edge of the circle in the list.
        edge: usize,
        /// The nodes of the circle.
        nodes: Vec<NodeId>,
    },
}

fn list(nodes: &[NodeId]) -> String {
    nodes.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(", ")
}

/// A graph without cycles. Positions of nodes are those in [`nodes`](Self::nodes).
#[derive(Clone, Debug)]
pub struct Graph {
    nodes: Vec<GraphNode>,
    shape: DiGraph<(), ()>,
    /// Positions of nodes in the order in which they are walked.
    order: Vec<usize>,
}

impl Graph {
    /// The graph of these nodes and edges.
    ///
    /// # Errors
    ///
    /// Everything that is wrong. Cycles are looked for when nothing else is.
    pub fn new(nodes: Vec<GraphNode>, edges: &[Edge]) -> Result<Self, Vec<GraphFault>> {
        let mut faults = Vec::new();
        match nodes.len() {
            0 => faults.push(GraphFault::NoNodes),
            n if n > NODES_MAX => faults.push(GraphFault::TooManyNodes),
            _ => {}
        }
        if edges.len() > EDGES_MAX {
            faults.push(GraphFault::TooManyEdges);
        }
        let mut position: HashMap<&NodeId, usize> = HashMap::new();
        for (node, GraphNode { id, .. }) in nodes.iter().enumerate() {
            match position.get(id) {
                Some(first) => faults.push(GraphFault::DuplicateNode { node, first: *first, id: id.clone() }),
                None => drop(position.insert(id, node)),
            }
        }
        let mut shape = DiGraph::with_capacity(nodes.len(), edges.len());
        for _ in &nodes {
            shape.add_node(());
        }
        let mut known: HashMap<&Edge, usize> = HashMap::new();
        for (edge, between) in edges.iter().enumerate() {
            let Edge { from, to } = between;
            let ends = (position.get(from), position.get(to));
            if ends.0.is_none() {
                faults.push(GraphFault::UnknownStart { edge, id: from.clone() });
            }
            if ends.1.is_none() {
                faults.push(GraphFault::UnknownEnd { edge, id: to.clone() });
            }
            if let Some(first) = known.insert(between, edge) {
                faults.push(GraphFault::DuplicateEdge { edge, first });
            } else if let (Some(&start), Some(&end)) = ends {
                if start == end {
                    faults.push(GraphFault::SelfEdge { edge, id: from.clone() });
                } else {
                    shape.add_edge(NodeIndex::new(start), NodeIndex::new(end), ());
                }
            }
        }
        if faults.is_empty() {
            faults.extend(cycles(&nodes, &shape));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let order = order(&shape);
        Ok(Self { nodes, shape, order })
    }

    /// The nodes, as they were given.
    #[must_use]
    pub fn nodes(&self) -> &[GraphNode] {
        &self.nodes
    }

    /// Positions of the nodes in graph order: each after those before it; of those that could be next, the one that
    /// was given first.
    #[must_use]
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// The nodes in graph order, with their positions.
    pub fn walk(&self) -> impl Iterator<Item = (usize, &GraphNode)> {
        self.order.iter().map(|&node| (node, &self.nodes[node]))
    }

    /// Whether no edge leads to a node.
    #[must_use]
    pub fn is_first(&self, node: usize) -> bool {
        self.shape.edges_directed(NodeIndex::new(node), Direction::Incoming).next().is_none()
    }

    /// Every node from which another one can be reached, in graph order.
    #[must_use]
    pub fn upstream(&self, node: usize) -> Vec<usize> {
        let mut found = HashSet::new();
        let reversed = Reversed(&self.shape);
        let mut search = Dfs::new(reversed, NodeIndex::new(node));
        while let Some(next) = search.next(reversed) {
            found.insert(next.index());
        }
        self.in_order(|other| other != node && found.contains(&other))
    }

    /// Every node that can be reached from another one, in graph order.
    #[must_use]
    pub fn downstream(&self, node: usize) -> Vec<usize> {
        let mut found = HashSet::new();
        let mut search = Dfs::new(&self.shape, NodeIndex::new(node));
        while let Some(next) = search.next(&self.shape) {
            found.insert(next.index());
        }
        self.in_order(|other| other != node && found.contains(&other))
    }

    /// The queued nodes whose tasks a queued node's waits for: those from which it can be reached over nodes that have
    /// no task, in graph order.
    #[must_use]
    pub fn waits_for(&self, node: usize) -> Vec<usize> {
        let mut found = HashSet::new();
        let (mut open, mut seen) = (vec![node], HashSet::from([node]));
        while let Some(next) = open.pop() {
            for before in self.shape.neighbors_directed(NodeIndex::new(next), Direction::Incoming) {
                let before = before.index();
                if matches!(self.nodes[before].step.kind(), StepKind::Queued(_)) {
                    found.insert(before);
                } else if seen.insert(before) {
                    open.push(before);
                }
            }
        }
        self.in_order(|other| found.contains(&other))
    }

    /// The hand-off nodes that arm a node, in graph order: those that can be reached from it without passing another
    /// node that makes an asset. Only nodes that make one are armed.
    #[must_use]
    pub fn armed_by(&self, node: usize) -> Vec<usize> {
        if AssetType::of_step(self.nodes[node].step).is_none() {
            return Vec::new();
        }
        let mut found = HashSet::new();
        let (mut open, mut seen) = (vec![node], HashSet::from([node]));
        while let Some(next) = open.pop() {
            for after in self.shape.neighbors(NodeIndex::new(next)) {
                let after = after.index();
                let step = self.nodes[after].step;
                if AssetType::of_step(step).is_some() || !seen.insert(after) {
                    continue;
                }
                if step.kind() == StepKind::HandOff {
                    found.insert(after);
                }
                open.push(after);
            }
        }
        self.in_order(|other| found.contains(&other))
    }

    /// The nodes that a hand-off node arms, in graph order.
    #[must_use]
    pub fn arms(&self, hand_off: usize) -> Vec<usize> {
        self.in_order(|node| self.armed_by(node).contains(&hand_off))
    }

    /// What the graph is made for: an order line, if any step takes nothing else; else a CAD file, if it begins with a
    /// step about one.
    #[must_use]
    pub fn expected_context(&self) -> ContextKind {
        let takes_both = |node: &GraphNode| node.step.contexts().contains(&ContextKind::CadFile);
        if !self.nodes.iter().all(takes_both) {
            return ContextKind::OrderLine;
        }
        let begins_with_file = |(position, node): (usize, &GraphNode)| {
            use StepName as S;
            let is_about_file =
                matches!(node.step, S::UploadStep | S::ExtractMetadata | S::ResolveStepPath | S::OccGlbExport);
            is_about_file && self.is_first(position)
        };
        match self.nodes.iter().enumerate().any(begins_with_file) {
            true => ContextKind::CadFile,
            false => ContextKind::OrderLine,
        }
    }

    fn in_order(&self, is_one: impl Fn(usize) -> bool) -> Vec<usize> {
        self.order.iter().copied().filter(|node| is_one(*node)).collect()
    }
}

/// The cycles of a graph, each with the last of its edges.
fn cycles(nodes: &[GraphNode], shape: &DiGraph<(), ()>) -> Vec<GraphFault> {
    let mut faults = Vec::new();
    for of_cycle in tarjan_scc(shape).into_iter().filter(|of_cycle| of_cycle.len() > 1) {
        let is_of = |node| of_cycle.contains(&node);
        let inside = shape.edge_references().filter(|edge| is_of(edge.source()) && is_of(edge.target()));
        // Edges have the positions that they were given in: there was no other fault.
        let edge = inside.map(|edge| edge.id().index()).max().unwrap_or(0);
        let mut positions: Vec<usize> = of_cycle.iter().map(|node| node.index()).collect();
        positions.sort_unstable();
        let nodes = positions.into_iter().map(|node| nodes[node].id.clone()).collect();
        faults.push(GraphFault::Cycle { edge, nodes });
    }
    faults.sort_by_key(|fault| match fault {
        GraphFault::Cycle { edge, .. } => *edge,
        _ => 0,
    });
    faults
}

/// The order of Kahn (1962), with the node that was given first next.
fn order(shape: &DiGraph<(), ()>) -> Vec<usize> {
    let mut n_before: Vec<usize> =
        shape.node_indices().map(|node| shape.edges_directed(node, Direction::Incoming).count()).collect();
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..n_before.len()).filter(|node| n_before[*node] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(n_before.len());
    while let Some(Reverse(node)) = ready.pop() {
        order.push(node);
        for after in shape.neighbors(NodeIndex::new(node)) {
            n_before[after.index()] -= 1;
            if n_before[after.index()] == 0 {
                ready.push(Reverse(after.index()));
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> NodeId {
        text.parse().expect("a name")
    }

    fn graph(nodes: &[(&str, StepName)], edges: &[(&str, &str)]) -> Result<Graph, Vec<GraphFault>> {
        let nodes = nodes.iter().map(|(name, step)| GraphNode { id: id(name), step: *step }).collect();
        let edges: Vec<Edge> = edges.iter().map(|(from, to)| Edge { from: id(from), to: id(to) }).collect();
        Graph::new(nodes, &edges)
    }

    fn names(graph: &Graph, positions: &[usize]) -> Vec<String> {
        positions.iter().map(|node| graph.nodes()[*node].id.to_string()).collect()
    }

    const STILL: StepName = StepName::RenderStill;
    const SAVE: StepName = StepName::OutputSave;

    #[test]
    fn nodes_are_walked_after_those_before_them_and_else_as_they_were_given() {
        let nodes = [("c", STILL), ("a", STILL), ("b", STILL), ("d", STILL)];
        let graph = graph(&nodes, &[("b", "c"), ("a", "d")]).expect("a graph");
        assert_eq!(names(&graph, graph.order()), ["a", "b", "c", "d"]);
        assert_eq!(names(&graph, &graph.upstream(0)), ["b"]);
        assert_eq!(names(&graph, &graph.downstream(1)), ["d"]);
    }

    #[test]
    fn w53_faults_of_the_shape_are_found_together_and_cycles_alone() {
        let nodes = [("a", STILL), ("a", STILL), ("b", STILL)];
        let edges = [("a", "a"), ("a", "b"), ("a", "b"), ("x", "b"), ("b", "y")];
        let faults = graph(&nodes, &edges).expect_err("faults");
        assert_eq!(faults.len(), 5, "{faults:?}");
        assert_eq!(faults[3].to_string(), "edge 3 starts at unknown node 'x'");
        let nodes = [("a", STILL), ("b", STILL), ("c", STILL), ("d", STILL)];
        let faults = graph(&nodes, &[("a", "b"), ("d", "a"), ("b", "c"), ("c", "a")]).expect_err("a cycle");
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].to_string(), "edge 3 closes a cycle of 'a', 'b', 'c'");
        assert_eq!(graph(&[], &[]).expect_err("nothing"), [GraphFault::NoNodes]);
        let many: Vec<String> = (0..=NODES_MAX).map(|n| format!("n{n}")).collect();
        let many: Vec<(&str, StepName)> = many.iter().map(|name| (name.as_str(), STILL)).collect();
        assert_eq!(graph(&many, &[]).expect_err("too many"), [GraphFault::TooManyNodes]);
    }

    #[test]
    fn w55_longer_paths_arm_but_not_past_another_node_that_makes_an_asset() {
        let nodes = [("render", STILL), ("media", StepName::AssociateMedia), ("output", SAVE)];
        let over_media = graph(&nodes, &[("render", "media"), ("media", "output")]).expect("a graph");
        assert_eq!(names(&over_media, &over_media.armed_by(0)), ["media", "output"]);
        let nodes = [("thumb", StepName::RenderThumbnail), ("render", STILL), ("output", SAVE)];
        let past = graph(&nodes, &[("thumb", "render"), ("render", "output")]).expect("a graph");
        assert!(past.armed_by(0).is_empty());
        assert_eq!(names(&past, &past.armed_by(1)), ["output"]);
        assert_eq!(names(&past, &past.arms(2)), ["render"]);
    }

    #[test]
    fn w56_w57_all_that_are_armed_are_listed_in_graph_order() {
        let nodes = [("out_b", SAVE), ("render", STILL), ("out_a", SAVE)];
        let two = graph(&nodes, &[("render", "out_a"), ("render", "out_b")]).expect("a graph");
        assert_eq!(names(&two, &two.armed_by(1)), ["out_b", "out_a"], "as they were given");
        let nodes = [("a", STILL), ("b", StepName::RenderViews), ("notify", StepName::Notify)];
        let two = graph(&nodes, &[("a", "notify"), ("b", "notify")]).expect("a graph");
        assert_eq!(names(&two, &two.arms(2)), ["a", "b"]);
    }

    #[test]
    fn a_task_waits_for_those_before_it_also_over_nodes_without_one() {
        let nodes = [("a", STILL), ("setup", StepName::OrderLineSetup), ("b", STILL), ("c", STILL)];
        let chain = graph(&nodes, &[("a", "setup"), ("setup", "b"), ("b", "c")]).expect("a graph");
        assert_eq!(names(&chain, &chain.waits_for(2)), ["a"]);
        assert_eq!(names(&chain, &chain.waits_for(3)), ["b"]);
        assert!(chain.waits_for(0).is_empty());
    }

    #[test]
    fn w24_w25_a_graph_is_for_lines_unless_it_begins_with_a_file() {
        let of = |steps: &[StepName]| {
            let names: Vec<String> = (0..steps.len()).map(|n| format!("n{n}")).collect();
            let nodes: Vec<(&str, StepName)> = names.iter().map(String::as_str).zip(steps.iter().copied()).collect();
            graph(&nodes, &[]).expect("a graph").expected_context()
        };
        use StepName as S;
        assert_eq!(of(&[S::ResolveStepPath, S::RenderThumbnail, S::ThumbnailSave]), ContextKind::CadFile);
        assert_eq!(of(&[S::ResolveStepPath, S::RenderStill]), ContextKind::OrderLine);
        assert_eq!(of(&[S::RenderThumbnail]), ContextKind::OrderLine);
    }
}
