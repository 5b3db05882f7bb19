//! Reads what an import of products made of the catalogue.

use packshot_contract::workflow::ConfigNode;
use serde_json::{Value as Json, json};

use crate::workflow::facts::Facts;

/// The counts of the import.
///
/// # Errors
/// There is no such import, or the product came by none.
pub(super) fn run(node: &ConfigNode, facts: &Facts) -> Result<Json, String> {
    let found = facts.imports.get(&node.id).cloned();
    let import = found.unwrap_or_else(|| Err("there is no order line".to_owned()))?;
    let counts = import.counts;
    Ok(json!({
        "import_id": import.id.to_string(),
        "rows": counts.imported + counts.updated + counts.skipped,
        "skipped": counts.skipped,
    }))
}
