//! Reading the document of a graph: everything that is wrong is found in one reading, each with its place.

use std::collections::HashSet;

use packshot_domain::step::StepName;
use packshot_domain::workflow::{Edge, ExecutionMode, Graph, GraphFault, GraphNode, NodeId, Preset};
use packshot_json::{FaultKind, Faults, Members, Node};
use serde_json::{Map, Value};

use super::config::{Config, ConfigNode, VERSION};
use super::parameters::StepParameters;
use super::preset;
use crate::problem::{Finding, Invalid};

/// What stands for a node whose step is unknown, so that edges to it are not faults too.
const STAND_IN: StepName = StepName::Notify;

/// A document that is no graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid workflow config: {sentence}")]
pub struct InvalidConfig {
    /// At least one.
    pub findings: Vec<Finding>,
    sentence: String,
}

impl InvalidConfig {
    /// One finding, with the sentence of the whole.
    #[must_use]
    pub fn one(finding: Finding) -> Self {
        Self { sentence: finding.detail.clone(), findings: vec![finding] }
    }
}

impl Config {
    /// Reads a document, in its full or its short form. Pointers begin with `at`.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn read(document: &Value, at: &str) -> Result<Self, InvalidConfig> {
        let faults = Faults::default();
        let mut sentences = Vec::new();
        let read = Node::root(document, &faults).members().and_then(|m| match m.has("type") {
            true => short(m),
            false => full(m, &mut sentences),
        });
        let refused = |invalid: Invalid| {
            let findings: Vec<Finding> = invalid
                .findings
                .into_iter()
                .map(|finding| Finding { pointer: format!("{at}{}", finding.pointer), ..finding })
                .collect();
            let sentence = match (&findings[..], sentences.first()) {
                ([_], Some(sentence)) => sentence.clone(),
                ([one], None) => format!("{}: {}", one.pointer, one.detail),
                (all, _) => format!("{} members are wrong: `errors` names each", all.len()),
            };
            InvalidConfig { findings, sentence }
        };
        Invalid::unless_faults(read, faults).map_err(refused)
    }
}

/// `{"type": preset, "params": …, "ui": …}`.
fn short(mut m: Members<'_>) -> Option<Config> {
    let named = m.take("type").and_then(|node| {
        let preset = node.word::<Preset>()?;
        match preset.is_named() {
            true => Some(preset),
            false => node.refuse(FaultKind::Word, "a graph of its own is written with `nodes` and `edges`"),
        }
    });
    let params = m.given("params");
    let parameters = match (named.and_then(preset::rendering), params) {
        (Some(step), Some(node)) => StepParameters::read(&node, step),
        (_, None) => Some(StepParameters::default()),
        (None, Some(_)) => None,
    };
    let ui = ui(&mut m, named);
    m.finish();
    let (_, execution_mode, ui) = ui?;
    preset::of(named?, execution_mode, parameters?, ui)
}

/// The members of `ui` that mean something, and the others. In a short form the type is the preset.
fn ui(m: &mut Members<'_>, named: Option<Preset>) -> Option<(Preset, ExecutionMode, Map<String, Value>)> {
    let otherwise = (named.unwrap_or(Preset::Custom), ExecutionMode::Legacy, Map::new());
    let Some(node) = m.given("ui") else { return Some(otherwise) };
    let (mut preset, mut execution_mode, mut others) = (Some(otherwise.0), Some(otherwise.1), otherwise.2);
    for (name, node) in node.entries()? {
        match name {
            "preset" if node.is_null() || named.is_some() => {}
            "preset" => preset = node.word(),
            "execution_mode" if node.is_null() => {}
            "execution_mode" => execution_mode = node.word(),
            _ => drop(others.insert(name.to_owned(), node.value().clone())),
        }
    }
    Some((preset?, execution_mode?, others))
}

fn full(mut m: Members<'_>, sentences: &mut Vec<String>) -> Option<Config> {
    let version = m.require("version").and_then(|node| match node.value().as_u64() {
        Some(version) if version == u64::from(VERSION) => Some(()),
        _ => node.refuse(FaultKind::Range, format!("expected {VERSION}, the only version that there is")),
    });
    let ui = ui(&mut m, None);
    let nodes = m.require("nodes").and_then(Listed::of);
    let edges = match m.given("edges") {
        Some(node) => Listed::of(node).map(Some),
        None => Some(None),
    };
    m.finish();
    let (nodes, edges) = (nodes?, edges?);
    let mut unnamed = HashSet::new();
    let read: Vec<Option<Read>> = nodes.each.iter().map(|node| read_node(node, &mut unnamed)).collect();
    let linked: Vec<Option<Edge>> =
        edges.iter().flat_map(|edges| &edges.each).map(|node| edge(node, &unnamed)).collect();
    let graph = shape(&nodes, edges.as_ref(), (&read, &linked), sentences);
    let (preset, execution_mode, ui) = ui?;
    version?;
    let nodes = read.into_iter().map(|node| node.and_then(Read::whole)).collect::<Option<Vec<_>>>()?;
    let edges = linked.into_iter().collect::<Option<Vec<_>>>()?;
    Some(Config { preset, execution_mode, ui, nodes, edges, graph: graph?, was_short: false })
}

/// A list and its elements.
struct Listed<'a> {
    whole: Node<'a>,
    each: Vec<Node<'a>>,
}

impl<'a> Listed<'a> {
    fn of(whole: Node<'a>) -> Option<Self> {
        let each = whole.list()?;
        Some(Self { whole, each })
    }
}

/// The graph of what could be read; what is wrong with its shape is reported where it stands.
fn shape(
    nodes: &Listed<'_>,
    edges: Option<&Listed<'_>>,
    (read, linked): (&[Option<Read>], &[Option<Edge>]),
    sentences: &mut Vec<String>,
) -> Option<Graph> {
    // The graph counts only what could be read: these are the places of that.
    let named: Vec<(&Node<'_>, &Read)> =
        nodes.each.iter().zip(read).filter_map(|(place, node)| Some((place, node.as_ref()?))).collect();
    let of_edges = edges.map_or(&[][..], |edges| &edges.each[..]);
    let linked: Vec<(&Node<'_>, &Edge)> =
        of_edges.iter().zip(linked).filter_map(|(place, edge)| Some((place, edge.as_ref()?))).collect();
    if named.is_empty() && !nodes.each.is_empty() {
        return None;
    }
    let in_graph = |(_, node): &(_, &Read)| GraphNode { id: node.id.clone(), step: node.step.unwrap_or(STAND_IN) };
    let between: Vec<Edge> = linked.iter().map(|(_, edge)| (*edge).clone()).collect();
    let faults = match Graph::new(named.iter().map(in_graph).collect(), &between) {
        Ok(graph) => return Some(graph),
        Err(faults) => faults,
    };
    let code = |code: &str| FaultKind::Named(code.to_owned());
    for fault in faults {
        let text = fault.to_string();
        match &fault {
            GraphFault::NoNodes | GraphFault::TooManyNodes => nodes.whole.report(FaultKind::Range, &text),
            GraphFault::TooManyEdges => edges.iter().for_each(|edges| edges.whole.report(FaultKind::Range, &text)),
            GraphFault::DuplicateNode { node, .. } => {
                report_at(named[*node].0, "id", FaultKind::Duplicate, &text);
            }
            GraphFault::UnknownStart { edge, id } => {
                report_at(linked[*edge].0, "from", code(UNKNOWN_NODE), &format!("no node '{id}'"));
            }
            GraphFault::UnknownEnd { edge, id } => {
                report_at(linked[*edge].0, "to", code(UNKNOWN_NODE), &format!("no node '{id}'"));
            }
            GraphFault::SelfEdge { edge, .. } => linked[*edge].0.report(code("self_edge"), &text),
            GraphFault::DuplicateEdge { edge, .. } => linked[*edge].0.report(FaultKind::Duplicate, &text),
            GraphFault::Cycle { edge, .. } => linked[*edge].0.report(code("cycle"), &text),
        }
        sentences.push(text);
    }
    None
}

/// Reports a fault of a member of an object.
fn report_at(object: &Node<'_>, member: &str, kind: FaultKind, text: &str) {
    let place = object.entries().into_iter().flatten().find(|(name, _)| *name == member);
    if let Some((_, place)) = place {
        place.report(kind, text);
    }
}

/// A node as far as it could be read.
struct Read {
    id: NodeId,
    step: Option<StepName>,
    params: Option<StepParameters>,
    ui: Option<Map<String, Value>>,
}

impl Read {
    fn whole(self) -> Option<ConfigNode> {
        Some(ConfigNode { id: self.id, step: self.step?, params: self.params?, ui: self.ui? })
    }
}

/// Reads a node. One without a name gives nothing; the text that is none is kept, so that edges to it are no faults
/// too.
fn read_node<'a>(node: &Node<'a>, unnamed: &mut HashSet<&'a str>) -> Option<Read> {
    let mut m = node.members()?;
    let id = m.require("id").and_then(|node| {
        let text = node.string()?;
        match text.parse::<NodeId>() {
            Ok(id) => Some(id),
            Err(error) => {
                unnamed.insert(text);
                node.refuse(FaultKind::Range, error.to_string())
            }
        }
    });
    let step: Option<StepName> = m.require("step").and_then(|node| node.word());
    let params = match (step, m.given("params")) {
        (Some(step), Some(node)) => StepParameters::read(&node, step),
        (_, None) => Some(StepParameters::default()),
        // Nobody knows which there are.
        (None, Some(_)) => None,
    };
    let entries = |node: Node<'_>| {
        let entries = node.entries()?;
        Some(entries.into_iter().map(|(name, node)| (name.to_owned(), node.value().clone())).collect())
    };
    let ui = m.given("ui").map_or_else(|| Some(Map::new()), entries);
    m.finish();
    Some(Read { id: id?, step, params, ui })
}

/// Reads an edge. One that leads from or to a node whose name is none gives nothing, without a fault of its own.
fn edge(node: &Node<'_>, unnamed: &HashSet<&str>) -> Option<Edge> {
    let mut m = node.members()?;
    let mut end = |name: &'static str| {
        let node = m.require(name)?;
        let text = node.string()?;
        match text.parse::<NodeId>() {
            Ok(id) => Some(id),
            Err(_) if unnamed.contains(text) => None,
            Err(_) => node.refuse(FaultKind::Named(UNKNOWN_NODE.to_owned()), format!("no node {text:?}")),
        }
    };
    let (from, to) = (end("from"), end("to"));
    m.finish();
    Some(Edge { from: from?, to: to? })
}

/// The code of an edge that names no node.
const UNKNOWN_NODE: &str = "unknown_node";
