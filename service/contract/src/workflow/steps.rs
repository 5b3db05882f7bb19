//! The steps that there are, with their parameters: what editors of graphs are made from (workflow.md §3).

use packshot_domain::media::AssetType;
use packshot_domain::step::{StepKind, StepName as S};
use packshot_words::Word;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::parameters;

/// A step that a node of a graph may have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StepInfo {
    /// Its name: also that of its task, of its records in documents, and what its lines of the log begin with.
    pub name: String,
    /// Other names that are read.
    pub aliases: Vec<String>,
    /// Its name for people.
    pub label: String,
    /// What it does.
    pub description: String,
    /// `inline`: within the dispatch; `queued`: as a task; `hand_off`: by the tasks before it.
    pub kind: String,
    /// The queue of its task.
    pub queue: Option<String>,
    /// What its task is called.
    pub task_name: Option<String>,
    /// What it can be run on: `order_line`, `cad_file`.
    pub context_kinds: Vec<String>,
    /// What it makes.
    pub predicted_asset_type: Option<String>,
    /// Its parameters, as JSON Schema (draft 2020-12).
    #[schema(value_type = Object)]
    pub params_schema: Value,
    /// What its node shows as `output`, as JSON Schema (draft 2020-12).
    #[schema(value_type = Object)]
    pub output_schema: Value,
    /// Whether it can be dispatched here.
    pub available: bool,
    /// Why not.
    pub unavailable_reason: Option<String>,
}

/// The steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StepList {
    /// The steps.
    pub items: Vec<StepInfo>,
}

/// Every step. `samples` are those of pictures where nobody says how many, if that is known; `unavailable` says why a
/// step cannot be dispatched here.
#[must_use]
pub fn steps(samples: Option<u32>, unavailable: impl Fn(S) -> Option<String>) -> StepList {
    StepList { items: S::ENTRIES.iter().map(|entry| info(entry.value, samples, unavailable(entry.value))).collect() }
}

fn info(step: S, samples: Option<u32>, unavailable_reason: Option<String>) -> StepInfo {
    let entry = S::ENTRIES.iter().find(|entry| entry.value == step);
    let queue = step.kind().queue();
    StepInfo {
        name: step.as_str().to_owned(),
        aliases: entry.map(|entry| entry.older.iter().map(|&word| word.to_owned()).collect()).unwrap_or_default(),
        label: label(step).to_owned(),
        description: entry.map(|entry| format!("{}.", entry.meaning)).unwrap_or_default(),
        kind: step.kind().as_str().to_owned(),
        queue: queue.map(|queue| queue.as_str().to_owned()),
        task_name: queue.map(|_| step.as_str().to_owned()),
        context_kinds: step.contexts().iter().map(|kind| kind.as_str().to_owned()).collect(),
        predicted_asset_type: AssetType::of_step(step).map(|made| made.as_str().to_owned()),
        params_schema: parameters::schema(step, samples),
        output_schema: output_schema(step),
        available: unavailable_reason.is_none(),
        unavailable_reason,
    }
}

/// The name of a step for people.
#[must_use]
pub const fn label(step: S) -> &'static str {
    match step {
        S::UploadStep => "Take the CAD file",
        S::ParseExcel => "Read the import",
        S::ExtractMetadata => "Read the CAD file",
        S::ResolveStepPath => "Find the CAD file",
        S::OccGlbExport => "Convert to GLB",
        S::ResolveMaterials => "Resolve materials",
        S::OrderLineSetup => "Set up the order line",
        S::ResolveTemplate => "Find the template",
        S::RenderThumbnail => "Render a thumbnail",
        S::RenderStill => "Render a still",
        S::RenderTurntable => "Render a turntable",
        S::RenderViews => "Render views",
        S::ComposeDesign => "Compose a design",
        S::ExportGlb => "Export a GLB",
        S::ExportProductionGlb => "Export a production GLB",
        S::ThumbnailSave => "Publish the thumbnail",
        S::OutputSave => "Publish the output",
        S::AssociateMedia => "Associate media",
        S::Notify => "Notify",
        S::Deliver => "Deliver",
    }
}

/// What a node of a step shows as `output`.
fn output_schema(step: S) -> Value {
    let (uuid, text) = (json!({"type": "string", "format": "uuid"}), json!({"type": "string"}));
    let (count, number, flag) = (json!({"type": "integer"}), json!({"type": "number"}), json!({"type": "boolean"}));
    let names = json!({"type": "array", "items": {"type": "string"}});
    let or_null = |schema: &Value| json!({"anyOf": [schema, {"type": "null"}]});
    let mut members: Vec<(&str, Value)> = match step {
        S::UploadStep => {
            vec![("cad_file_id", uuid.clone()), ("file_hash", text), ("size_bytes", count)]
        }
        S::ParseExcel => vec![("import_id", uuid.clone()), ("rows", count.clone()), ("skipped", count)],
        S::ExtractMetadata => vec![
            ("objects", names.clone()),
            ("bbox_mm", json!({"type": ["array", "null"], "items": {"type": "number"}})),
            ("unit", text),
        ],
        S::ResolveStepPath => vec![("cad_file_id", uuid.clone()), ("step_path", text.clone()), ("source_format", text)],
        S::OccGlbExport => vec![("glb_path", text), ("size_bytes", count), ("glb_duration_s", number)],
        S::ResolveMaterials => vec![
            ("library", text.clone()),
            ("parts", count.clone()),
            ("resolved", count.clone()),
            ("unmapped", count),
            ("fallback_material", text),
        ],
        S::OrderLineSetup => vec![
            ("order_line_id", uuid.clone()),
            ("product_id", uuid.clone()),
            ("cad_file_id", uuid.clone()),
            ("output_type_id", uuid.clone()),
        ],
        S::ResolveTemplate => vec![("template_id", or_null(&uuid)), ("use_materials", flag.clone())],
        S::ComposeDesign => vec![("placement_report", json!({"type": "object"})), ("file_hash", text)],
        S::ThumbnailSave | S::OutputSave => vec![("publication_mode", text), ("asset_id", uuid.clone())],
        S::AssociateMedia => vec![("association_mode", text), ("armed_node_ids", names.clone())],
        S::Notify => vec![("notification_mode", text), ("armed_node_ids", names.clone())],
        S::Deliver => vec![
            ("delivery_mode", text),
            ("armed_node_ids", names.clone()),
            ("delivery_ids", json!({"type": "array", "items": uuid})),
        ],
        _ => Vec::new(),
    };
    if let StepKind::Queued(_) = step.kind() {
        members.extend([
            ("task_id", uuid.clone()),
            ("publish_asset_enabled", flag.clone()),
            ("graph_authoritative_output_enabled", flag),
            ("graph_output_node_ids", names.clone()),
            ("graph_notify_node_ids", names),
            ("predicted_asset_type", json!({"type": ["string", "null"]})),
        ]);
    }
    let properties: Map<String, Value> = members.into_iter().map(|(name, of)| (name.to_owned(), of)).collect();
    json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": properties})
}
