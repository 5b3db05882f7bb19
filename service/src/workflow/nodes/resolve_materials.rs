//! Decides which material each part has, as the renders below do it: by what product and template say, then by what
//! the file's own names lead to.

use std::collections::HashSet;

use packshot_contract::workflow::ConfigNode;
use serde_json::{Value as Json, json};

use crate::workflow::facts::Facts;

/// Parts that a message names, at most.
const NAMED_MAX: usize = 8;

/// How many parts have a material.
///
/// # Errors
/// There is no such library; more parts have no material than the node allows.
pub(super) fn run(node: &ConfigNode, facts: &Facts) -> Result<Json, String> {
    let found = facts.materials.get(&node.id).cloned();
    let resolved = found.unwrap_or_else(|| Err("there are no parts".to_owned()))?;
    let n_unmapped = resolved.unmapped.len();
    let max = match node.get("on_unmapped").as_str() {
        Some("fail") => Some(0),
        _ => node.get("max_unmapped").as_u64(),
    };
    if max.is_some_and(|max| n_unmapped as u64 > max) {
        return Err(refusal(&resolved.unmapped));
    }
    Ok(json!({
        "library": resolved.library,
        "parts": resolved.parts,
        "resolved": resolved.parts - n_unmapped,
        "unmapped": n_unmapped,
        "fallback_material": resolved.fallback_material,
    }))
}

/// Which parts have no material.
pub(in crate::workflow) fn refusal(unmapped: &[String]) -> String {
    // Parts of the same name are named once.
    let mut seen = HashSet::new();
    let names: Vec<&String> = unmapped.iter().filter(|name| seen.insert(*name)).collect();
    let more = names.len().saturating_sub(NAMED_MAX);
    let named = names.iter().take(NAMED_MAX).map(|name| format!("\"{name}\""));
    let named = named.collect::<Vec<_>>().join(", ");
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let (verb, noun) = if unmapped.len() == 1 { ("has", "part") } else { ("have", "parts") };
    format!("{} {noun} {verb} no material: {named}{more}", unmapped.len())
}
