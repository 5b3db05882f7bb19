//! The steps by which a part finds its material string; the first that hits wins. Within a step the node's name goes
//! before the mesh's.

use super::table::{Lookups, Match};
use super::{MapBy, Method, PartNames, Resolver};
use crate::library::{AliasTarget, LibraryMaterialIdx, Rule, Scope};
use crate::name::suffix::{BLENDER_NAME_BYTES, DEPTH_MAX, strip_one};
use crate::name::{is_unnamed, match_key};
use crate::pattern;

/// What the first hop found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StringHit {
    pub(super) method: Method,
    /// The material string; `None` when matches of equal rank disagree.
    pub(super) string: Option<String>,
    /// Whether a name that was cut off was matched by its beginning.
    pub(super) truncated: bool,
    /// The material that an earlier library means by the alias that was matched.
    pub(super) shadowed: Option<LibraryMaterialIdx>,
}

impl StringHit {
    fn new(method: Method, found: Match) -> Self {
        let (string, shadowed) = match found {
            Match::One(string) => (Some(string), None),
            Match::Alias(id, shadowed) => (Some(id), shadowed),
            Match::Ambiguous => (None, None),
        };
        Self { method, string, truncated: false, shadowed }
    }
}

/// The names of a part that say something, node before mesh, each with its match key.
pub(super) struct Names<'p> {
    path: &'p str,
    names: Vec<(&'p str, String)>,
}

impl<'p> Names<'p> {
    pub(super) fn new(part: &'p PartNames) -> Self {
        let mut raw: Vec<&str> = [&part.node, &part.mesh].into_iter().filter_map(|name| name.as_deref()).collect();
        raw.retain(|name| !is_unnamed(name));
        raw.dedup();
        Self { path: &part.path, names: raw.into_iter().map(|name| (name, match_key(name))).collect() }
    }
}

impl Resolver<'_> {
    /// Steps 1 to 5, which depend on the part's names alone.
    pub(super) fn by_name(&self, part: &Names<'_>, lookups: &mut Lookups) -> Option<StringHit> {
        if let Some(found) = self.table.by_path(part.path, lookups) {
            return Some(StringHit::new(Method::Override, found));
        }
        let names = &part.names;
        if let Some(found) = names.iter().find_map(|(name, _)| self.table.by_name(name, lookups)) {
            return Some(StringHit::new(Method::Exact, found));
        }
        if let Some(found) = names.iter().find_map(|(_, key)| self.table.by_key(key, lookups)) {
            return Some(StringHit::new(Method::Normalized, found));
        }
        if let Some(found) = names.iter().find_map(|(_, key)| self.by_alias(key)) {
            return Some(StringHit::new(Method::Alias, found));
        }
        if let Some(found) = names.iter().find_map(|(name, _)| self.by_suffix(name, lookups)) {
            return Some(StringHit::new(Method::Suffix, found));
        }
        let cut = names.iter().filter(|(name, _)| name.len() == BLENDER_NAME_BYTES);
        let found = cut.into_iter().find_map(|(name, _)| self.table.by_beginning(name, lookups))?;
        Some(StringHit { truncated: true, ..StringHit::new(Method::Suffix, found) })
    }

    /// The material whose alias the key is; its id serves as the string.
    fn by_alias(&self, key: &str) -> Option<Match> {
        // A map of named parts says nothing about the others.
        let library = Some(self.library).filter(|_| self.map_in_force)?;
        let AliasTarget { material, shadowed } = library.find_alias(key)?;
        let id = material.map_or_else(|id| id, |idx| &library.material(idx).id);
        Some(Match::Alias(id.to_owned(), shadowed))
    }

    /// Takes suffixes off, one more each round, until what remains is known. Readings of equal length that lead to
    /// different materials are ambiguous.
    fn by_suffix(&self, name: &str, lookups: &mut Lookups) -> Option<Match> {
        let mut readings = vec![name];
        for _ in 0..DEPTH_MAX {
            let mut shorter: Vec<&str> = readings.iter().flat_map(|reading| strip_one(reading)).collect();
            shorter.sort_unstable();
            shorter.dedup();
            let found: Vec<Match> = shorter.iter().filter_map(|reading| self.by_known(reading, lookups)).collect();
            if let Some(first) = found.first() {
                let agreed = found.iter().all(|other| self.mean_the_same(first, other));
                return Some(if agreed { first.clone() } else { Match::Ambiguous });
            }
            readings = shorter;
        }
        None
    }

    fn by_known(&self, name: &str, lookups: &mut Lookups) -> Option<Match> {
        self.table.by_name(name, lookups).or_else(|| {
            let key = match_key(name);
            self.table.by_key(&key, lookups).or_else(|| self.by_alias(&key))
        })
    }

    fn mean_the_same<'a>(&self, a: &'a Match, b: &'a Match) -> bool {
        let string = |found: &'a Match| match found {
            Match::One(string) | Match::Alias(string, _) => Some(string),
            Match::Ambiguous => None,
        };
        let (Some(a), Some(b)) = (string(a), string(b)) else { return a == b };
        let material = |string: &str| self.library.find(string).map(|(idx, _)| idx);
        a == b || material(a).is_some_and(|idx| material(b) == Some(idx))
    }

    /// Step 6. Of the rules that match, those of the highest priority and layer must agree.
    pub(super) fn by_rule(
        &self,
        part: &PartNames,
        names: &Names<'_>,
        gltf_material: Option<&str>,
    ) -> Option<StringHit> {
        if self.library.rules().is_empty() {
            return None;
        }
        let subjects: Vec<String> = names.names.iter().map(|(name, _)| pattern::subject(name)).collect();
        let path = pattern::subject(&part.path);
        let gltf_material = gltf_material.map(pattern::subject);
        let matches = |rule: &&Rule| match rule.scope {
            Scope::Name => subjects.iter().any(|name| rule.is_match(name)),
            Scope::Path => rule.is_match(&path),
            Scope::GltfMaterial if self.policy.map_by == MapBy::Part => false,
            Scope::GltfMaterial => gltf_material.as_ref().is_some_and(|name| rule.is_match(name)),
        };
        let mut matching = self.library.rules().iter().filter(matches);
        let first = matching.next()?;
        let material = |rule: &Rule| self.library.find(&rule.material).map(|(idx, _)| idx);
        let agreed = matching
            .take_while(|rule| (rule.priority, rule.layer) == (first.priority, first.layer))
            .all(|rule| material(rule) == material(first));
        let found = if agreed { Match::One(first.material.clone()) } else { Match::Ambiguous };
        Some(StringHit::new(Method::Rule, found))
    }

    /// Steps 7 and 8: what the file itself says, where the library knows it.
    pub(super) fn by_file(&self, part: &PartNames, gltf_material: Option<&str>) -> Option<StringHit> {
        if self.policy.map_by == MapBy::Part {
            return None;
        }
        let known = |name: &&str| self.library.find(name).is_some();
        let hit = |method, name: &str| StringHit::new(method, Match::One(name.to_owned()));
        gltf_material.filter(known).map(|name| hit(Method::GlbMaterial, name)).or_else(|| {
            let extras = part.extras.iter().map(String::as_str);
            // Without a map in force the file's own material is what its author chose to show.
            let extras = extras.take(if self.map_in_force { usize::MAX } else { 0 });
            extras.into_iter().find(known).map(|name| hit(Method::Extras, name))
        })
    }
}
