//! Finds the CAD file of what a graph runs on.

use serde_json::{Value as Json, json};

use crate::workflow::facts::Facts;

/// The CAD file, with the address of its content.
///
/// # Errors
/// There is none.
pub(super) fn run(facts: &Facts) -> Result<Json, String> {
    let file = facts.context.file().ok_or("the line's product has no CAD file: give it one")?;
    Ok(json!({
        "cad_file_id": file.id.to_string(),
        "step_path": file.address.to_string(),
        "source_format": file.source_format.as_str(),
    }))
}
