//! What each step does within a dispatch, one file a step. Steps that are queued, and those that have their work done
//! by the tasks before them, are planned alike; one that composes a design looks whether there is one.

mod compose_design;
mod order_line_setup;
mod parse_excel;
mod resolve_materials;
mod resolve_step_path;
mod resolve_template;
mod upload_step;

pub(super) use resolve_materials::refusal as unmapped;

use packshot_contract::workflow::ConfigNode;
use packshot_domain::step::StepName;
use serde_json::Value as Json;

use super::facts::Facts;

/// What a step says of its work within the dispatch.
///
/// # Errors
/// Why it cannot be done.
pub(super) fn run(node: &ConfigNode, facts: &Facts) -> Result<Json, String> {
    match node.step {
        StepName::UploadStep => upload_step::run(node, facts),
        StepName::ParseExcel => parse_excel::run(node, facts),
        StepName::ResolveStepPath => resolve_step_path::run(facts),
        StepName::ResolveMaterials => resolve_materials::run(node, facts),
        StepName::OrderLineSetup => order_line_setup::run(facts),
        StepName::ResolveTemplate => resolve_template::run(node, facts),
        StepName::ComposeDesign => compose_design::run(node, facts),
        // The others do nothing here.
        _ => Ok(Json::Object(serde_json::Map::new())),
    }
}
