//! From a material string to the material: id, code, name, alias; exact, then normalised, never by likeness.
//!
//! Of two libraries with the same alias the later one's counts, and a tenant's own counts before both.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use serde::Serialize;

use super::LibraryMaterialIdx;
use crate::aliases::AliasLayer;
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
    /// Aliases, by match key, of which a later library has made another material's.
    shadowed: HashMap<String, LibraryMaterialIdx>,
    /// The tenant's.
    aliases: Arc<AliasLayer>,
}

/// What an alias of a part leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AliasTarget<'a> {
    /// The id of the material; a tenant's alias may name one that no library in force has.
    pub(crate) material: Result<LibraryMaterialIdx, &'a str>,
    /// The material that an earlier library means by the same alias.
    pub(crate) shadowed: Option<LibraryMaterialIdx>,
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

    /// Claims an alias of a library for a material that [`claim`](Self::claim) said belongs to `owner`. A later library
    /// takes it, unless it is no alias but a name of `owner`. Returns whether it was taken.
    pub(super) fn take_over(&mut self, idx: LibraryMaterialIdx, alias: &str, owner: LibraryMaterialIdx) -> bool {
        let key = match_key(alias);
        let place = self.normalized.get_mut(&key).filter(|(_, method)| *method == MaterialMethod::Alias);
        let Some(place) = place else { return false };
        *place = (idx, MaterialMethod::Alias);
        self.shadowed.insert(key, owner);
        true
    }

    /// Lays a tenant's aliases over those of the libraries.
    pub(super) fn lay_over(&mut self, aliases: AliasLayer) {
        self.aliases = Arc::new(aliases);
    }

    /// The material that `text` designates.
    pub(super) fn find(&self, text: &str) -> Option<(LibraryMaterialIdx, MaterialMethod)> {
        if let Some(found) = self.exact.get(text) {
            return Some(*found);
        }
        let key = match_key(text);
        let found = self.normalized.get(&key).copied();
        if found.is_none_or(|(_, method)| method == MaterialMethod::Alias)
            && let Some(id) = self.aliases.material.get(&key)
        {
            return Some((self.with_id(id)?, MaterialMethod::Alias));
        }
        found
    }

    /// The material with this id.
    fn with_id(&self, id: &str) -> Option<LibraryMaterialIdx> {
        self.exact.get(id).filter(|(_, method)| *method == MaterialMethod::Id).map(|(idx, _)| *idx)
    }

    /// What a part means whose name has this match key, if that is an alias.
    pub(super) fn find_alias(&self, key: &str) -> Option<AliasTarget<'_>> {
        if let Some(id) = self.aliases.part.get(key) {
            return Some(AliasTarget { material: self.with_id(id).ok_or(id), shadowed: None });
        }
        let (idx, method) = self.normalized.get(key)?;
        let is_alias = *method == MaterialMethod::Alias;
        is_alias.then(|| AliasTarget { material: Ok(*idx), shadowed: self.shadowed.get(key).copied() })
    }

    /// The material that an earlier library means by a string that [`find`](Self::find) finds by a later one's alias.
    pub(super) fn shadowed(&self, text: &str) -> Option<LibraryMaterialIdx> {
        let key = match_key(text);
        let is_tenants = self.aliases.material.contains_key(&key);
        if is_tenants || self.exact.contains_key(text) { None } else { self.shadowed.get(&key).copied() }
    }

    /// The id of a material that no library has, to which the tenant's alias `text` leads.
    pub(super) fn leads_nowhere(&self, text: &str) -> Option<&str> {
        let id = self.aliases.material.get(&match_key(text))?;
        (self.find(text).is_none() && self.with_id(id).is_none()).then_some(id)
    }
}
