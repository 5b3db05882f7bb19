//! What a dumped shot says that the format has no place for.

use std::collections::BTreeMap;

use serde::Serialize;

const PREFIX: &str = "left out: ";
const SEPARATOR: &str = "; ";

/// What a dump left out, as its comments say: kept when the shot is read, so that dumping it again says it again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Of the shot.
    pub shot: Vec<String>,
    /// Of materials, by their names in the shot; only of those that lack something.
    pub materials: BTreeMap<String, Vec<String>>,
}

impl LeftOut {
    /// What the material of this name lacks.
    pub fn of_material(&self, name: &str) -> &[String] {
        self.materials.get(name).map_or(&[], Vec::as_slice)
    }
}

/// The comment that says it.
pub(super) fn write(left_out: &[String]) -> String {
    format!("{PREFIX}{}", left_out.join(SEPARATOR))
}

/// What a comment says; nothing where a person wrote it.
pub(super) fn read(comment: &str) -> Vec<String> {
    let listed = comment.strip_prefix(PREFIX).into_iter().flat_map(|list| list.split(SEPARATOR));
    listed.map(str::to_owned).collect()
}
