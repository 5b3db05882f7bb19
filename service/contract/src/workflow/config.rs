//! The document of a graph, as it is stored (workflow.md §2).

use packshot_domain::step::StepName;
use packshot_domain::workflow::{Edge, ExecutionMode, Graph, NodeId, Preset};
use serde_json::{Map, Value, json};

use super::parameters::StepParameters;
use super::steps::label;

/// The version of the document.
pub(super) const VERSION: u32 = 1;
/// The member of a node's `ui` with its name for people.
const LABEL: &str = "label";

/// A graph with its parameters, in its one form: short forms are written out, names are those of today, and what was
/// left out is filled in.
#[derive(Clone, Debug)]
pub struct Config {
    /// What it was made of.
    pub preset: Preset,
    /// Which path renders an order line.
    pub execution_mode: ExecutionMode,
    /// The other members of `ui`, which mean nothing here and are kept.
    pub ui: Map<String, Value>,
    /// The nodes, as they were given; the [graph](Self::graph) has the same positions.
    pub nodes: Vec<ConfigNode>,
    /// The edges, as they were given.
    pub edges: Vec<Edge>,
    /// The shape.
    pub graph: Graph,
    /// Whether it was written in its short form: then the parameters have another place.
    pub was_short: bool,
}

/// A node of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigNode {
    /// Its name.
    pub id: NodeId,
    /// What it does.
    pub step: StepName,
    /// How.
    pub params: StepParameters,
    /// What pages keep of it.
    pub ui: Map<String, Value>,
}

impl Config {
    /// The document as it is stored.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut ui = Map::new();
        ui.insert("preset".to_owned(), json!(self.preset.as_str()));
        ui.insert("execution_mode".to_owned(), json!(self.execution_mode.as_str()));
        ui.extend(self.ui.clone());
        let nodes: Vec<Value> = self.nodes.iter().map(ConfigNode::json).collect();
        let edge = |edge: &Edge| json!({"from": edge.from.as_str(), "to": edge.to.as_str()});
        let edges: Vec<Value> = self.edges.iter().map(edge).collect();
        json!({"version": VERSION, "ui": ui, "nodes": nodes, "edges": edges})
    }

    /// Whether the direct path renders the line when the graph cannot be dispatched: any node may say so.
    #[must_use]
    pub fn falls_back(&self) -> bool {
        self.nodes.iter().any(|node| node.params.fallback_to_legacy == Some(true))
    }

    /// The nearest node of a step above another one, as the graph is walked.
    #[must_use]
    pub fn above(&self, node: usize, step: StepName) -> Option<&ConfigNode> {
        let above = self.graph.upstream(node).into_iter().rev().map(|position| &self.nodes[position]);
        above.into_iter().find(|node| node.step == step)
    }

    /// Where the parameters of a node stand in the document as it was given, below its root.
    #[must_use]
    pub fn place_of_parameters(&self, node: usize) -> String {
        match self.was_short {
            true => "/params".to_owned(),
            false => format!("/nodes/{node}/params"),
        }
    }

    /// A node by its name, with its position.
    #[must_use]
    pub fn node(&self, id: &NodeId) -> Option<(usize, &ConfigNode)> {
        self.nodes.iter().enumerate().find(|(_, node)| node.id == *id)
    }
}

impl ConfigNode {
    fn json(&self) -> Value {
        let mut ui = self.ui.clone();
        ui.entry(LABEL).or_insert_with(|| json!(label(self.step)));
        json!({"id": self.id.as_str(), "step": self.step.as_str(), "params": self.params.json(), "ui": ui})
    }

    /// The value of a parameter, or what it is where nobody says it.
    #[must_use]
    pub fn get(&self, name: &str) -> Value {
        self.params.get(self.step, name)
    }
}
