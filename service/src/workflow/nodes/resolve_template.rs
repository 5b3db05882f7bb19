//! Finds the render template.

use packshot_contract::workflow::ConfigNode;
use serde_json::{Value as Json, json};

use crate::workflow::facts::Facts;

/// The template, or none where none fits.
///
/// # Errors
/// The one that the node names does not exist, or is not active.
pub(super) fn run(node: &ConfigNode, facts: &Facts) -> Result<Json, String> {
    let found = facts.templates.get(&node.id).cloned();
    let template = found.unwrap_or_else(|| Err("there is no order line".to_owned()))?;
    Ok(json!({
        "template_id": template.as_ref().map(|template| template.id.to_string()),
        "use_materials": template.as_ref().is_some_and(|template| template.fields.use_materials),
    }))
}
