//! Graphs that are made from a few parameters.

use packshot_domain::step::StepName as S;
use packshot_domain::workflow::{Edge, ExecutionMode, Graph, GraphNode, NodeId, Preset};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::config::{Config, ConfigNode};
use super::parameters::{StepParameters, picture_kind};

/// The shape of a preset: nodes with their steps, and edges.
struct Shape {
    nodes: &'static [(&'static str, S)],
    edges: &'static [(&'static str, &'static str)],
}

/// The shape of a named preset.
const fn shape(preset: Preset) -> Option<Shape> {
    const SETUP: (&str, S) = ("setup", S::OrderLineSetup);
    const TEMPLATE: (&str, S) = ("template", S::ResolveTemplate);
    const RENDER: (&str, S) = ("render", S::RenderStill);
    const OUTPUT: (&str, S) = ("output", S::OutputSave);
    Some(match preset {
        Preset::Still => Shape {
            nodes: &[SETUP, TEMPLATE, RENDER, OUTPUT],
            edges: &[("setup", "template"), ("template", "render"), ("render", "output")],
        },
        Preset::StillWithExports => Shape {
            nodes: &[SETUP, TEMPLATE, RENDER, OUTPUT, ("blend", S::ExportProductionGlb)],
            edges: &[("setup", "template"), ("template", "render"), ("render", "output"), ("template", "blend")],
        },
        Preset::Turntable => Shape {
            nodes: &[SETUP, TEMPLATE, ("turntable", S::RenderTurntable), OUTPUT],
            edges: &[("setup", "template"), ("template", "turntable"), ("turntable", "output")],
        },
        Preset::Thumbnail => Shape {
            nodes: &[("input", S::ResolveStepPath), ("render", S::RenderThumbnail), ("save", S::ThumbnailSave)],
            edges: &[("input", "render"), ("render", "save")],
        },
        Preset::Custom => return None,
    })
}

/// The step of a named preset whose parameters are the preset's.
pub(super) fn rendering(preset: Preset) -> Option<S> {
    shape(preset)?.nodes.iter().map(|(_, step)| *step).find(|step| picture_kind(*step).is_some())
}

/// The graph of a named preset.
pub(super) fn of(
    preset: Preset,
    execution_mode: ExecutionMode,
    parameters: StepParameters,
    ui: Map<String, Value>,
) -> Option<Config> {
    let Shape { nodes, edges } = shape(preset)?;
    let (mut parameters, mut made) = (Some(parameters), Vec::new());
    for (name, step) in nodes {
        let is_rendering = picture_kind(*step).is_some();
        let params = if is_rendering { parameters.take() } else { None }.unwrap_or_default();
        made.push(ConfigNode { id: name.parse().ok()?, step: *step, params, ui: Map::new() });
    }
    let id = |name: &str| name.parse::<NodeId>().ok();
    let edges: Vec<Edge> = edges.iter().filter_map(|(from, to)| Some(Edge { from: id(from)?, to: id(to)? })).collect();
    let nodes = made.iter().map(|node| GraphNode { id: node.id.clone(), step: node.step }).collect();
    let graph = Graph::new(nodes, &edges).ok()?;
    Some(Config { preset, execution_mode, ui, nodes: made, edges, graph, was_short: true })
}

/// A preset, with the graph that it makes where nothing is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PresetInfo {
    /// Its name.
    pub preset: super::Preset,
    /// Its graph.
    #[schema(value_type = Object)]
    pub config: Value,
}

/// The presets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PresetList {
    /// The presets.
    pub items: Vec<PresetInfo>,
}

/// Every named preset with default parameters.
#[must_use]
pub fn presets() -> PresetList {
    let info = |preset: &Preset| {
        let config = of(*preset, ExecutionMode::Legacy, StepParameters::default(), Map::new())?;
        Some(PresetInfo { preset: (*preset).into(), config: config.json() })
    };
    PresetList { items: Preset::ALL.iter().filter_map(info).collect() }
}
