//! Takes an uploaded CAD file.

use packshot_contract::workflow::ConfigNode;
use serde_json::{Value as Json, json};

use crate::workflow::facts::Facts;

/// The file that was uploaded.
///
/// # Errors
/// There is none, or it is of a kind that the node does not take.
pub(super) fn run(node: &ConfigNode, facts: &Facts) -> Result<Json, String> {
    let file = facts.context.file().ok_or("the line's product has no CAD file: give it one")?;
    let name = file.original_name.as_str();
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    let allowed = node.get("allowed_extensions");
    let mut allowed = allowed.as_array().into_iter().flatten().filter_map(Json::as_str);
    if !allowed.any(|allowed| allowed == extension) {
        return Err(format!("{name} is of a kind that `allowed_extensions` has not"));
    }
    Ok(json!({
        "cad_file_id": file.id.to_string(),
        "file_hash": file.address.to_string(),
        "size_bytes": file.size_bytes,
    }))
}
