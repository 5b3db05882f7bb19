//! From a material string to the material: id, code, name, alias; exact, then normalised, never by likeness.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::Serialize;

use super::LibraryMaterialIdx;
use crate::name::match_key;

/// How a material string found its material: the second hop of the mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MaterialMethod {
    /// It is the id.
    Id,
    /// It is the code.
    Code,
    /// It is the name.
    Name,
    /// It is the id or the name in another spelling: case, separators, umlauts.
    Normalized,
    /// It is an alias, in this or another spelling.
    Alias,
}

impl MaterialMethod {
    /// How sure the hop is, 0 to 1.
    pub fn confidence(self) -> f64 {
        match self {
            Self::Id | Self::Code | Self::Name => 1.0,
            Self::Normalized => 0.98,
            Self::Alias => 0.95,
        }
    }

    /// Whether the string was the material's own designation to the letter.
    pub(crate) fn is_exact(self) -> bool {
        matches!(self, Self::Id | Self::Code | Self::Name)
    }
}

/// All names of a library. Each leads to one material.
#[derive(Clone, Debug, Default)]
pub(super) struct NameIndex {
    exact: HashMap<String, (LibraryMaterialIdx, MaterialMethod)>,
    /// By match key, which equal spellings share.
    normalized: HashMap<String, (LibraryMaterialIdx, MaterialMethod)>,
}

impl NameIndex {
    /// Adds the designations that hold to the letter; ids go before codes, codes before names.
    pub(super) fn add_identity(&mut self, idx: LibraryMaterialIdx, id: &str, code: &str, name: &str) {
        for (text, method) in [(id, MaterialMethod::Id), (code, MaterialMethod::Code), (name, MaterialMethod::Name)] {
            let entry = self.exact.entry(text.to_owned()).or_insert((idx, method));
            if (method as u8) < (entry.1 as u8) {
                *entry = (idx, method);
            }
        }
        self.normalized.entry(match_key(code)).or_insert((idx, MaterialMethod::Code));
    }

    /// Claims every spelling of `name` for a material; the owner, when another one has it already.
    pub(super) fn claim(&mut self, idx: LibraryMaterialIdx, name: &str, alias: bool) -> Option<LibraryMaterialIdx> {
        let method = if alias { MaterialMethod::Alias } else { MaterialMethod::Normalized };
        match self.normalized.entry(match_key(name)) {
            Entry::Vacant(entry) => {
                entry.insert((idx, method));
                None
            }
            Entry::Occupied(entry) => (entry.get().0 != idx).then_some(entry.get().0),
        }
    }

    /// The material that `text` designates.
    pub(super) fn find(&self, text: &str) -> Option<(LibraryMaterialIdx, MaterialMethod)> {
        self.exact.get(text).or_else(|| self.normalized.get(&match_key(text))).copied()
    }

    /// The material that has `key`, a match key, as an alias.
    pub(super) fn find_alias(&self, key: &str) -> Option<LibraryMaterialIdx> {
        self.normalized.get(key).filter(|(_, method)| *method == MaterialMethod::Alias).map(|(idx, _)| *idx)
    }
}
