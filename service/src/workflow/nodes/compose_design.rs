//! Looks whether there is a design to compose. It is composed by a task.

use packshot_contract::workflow::ConfigNode;
use serde_json::{Value as Json, json};

use crate::workflow::facts::Facts;

/// Nothing yet.
///
/// # Errors
/// The node names no design, or one that is not there any more.
pub(super) fn run(node: &ConfigNode, facts: &Facts) -> Result<Json, String> {
    facts.designs.get(&node.id).cloned().unwrap_or(Ok(())).map(|()| json!({}))
}
