//! Names of nodes in a graph.

use std::fmt;
use std::str::FromStr;

/// Most characters of a name.
const CHARS_MAX: usize = 64;

/// The name of a node, which its graph has once: a letter, then up to 63 letters, digits, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(String);

/// Text that names no node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a letter and up to 63 more letters, digits, '_' or '-'")]
pub struct InvalidNodeId;

impl NodeId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NodeId {
    type Err = InvalidNodeId;

    fn from_str(text: &str) -> Result<Self, InvalidNodeId> {
        let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
        let is_name = begins && text.len() <= CHARS_MAX && text.chars().all(is_fit);
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidNodeId) }
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w53_names_of_nodes_begin_with_a_letter() {
        let longest = "a".repeat(CHARS_MAX);
        for name in ["a", "render", "Render_2-b", &longest] {
            assert_eq!(name.parse::<NodeId>().map(|id| id.to_string()), Ok(name.to_owned()));
        }
        for text in ["", "1a", "_a", "a b", "ä", "a.b", &format!("{longest}a")] {
            assert_eq!(text.parse::<NodeId>(), Err(InvalidNodeId), "{text:?}");
        }
    }
}
