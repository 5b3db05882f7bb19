//! Which part gets which material: patterns of part names.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Included, Unbounded};

use packshot_materials::openpbr::OpenPbr;

use super::json::Json;
use super::members::Value;
use crate::diagnostic::{Diagnostic, Severity};
use crate::shot::error::ShotError;

/// The `parts` of a shot: exact part names, and prefixes that end in `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartPatterns {
    /// By part name, a star in it written `\*`.
    exact: BTreeMap<String, Option<String>>,
    /// By prefix without its final star, other stars written `\*`.
    prefixes: BTreeMap<String, Option<String>>,
}

impl PartPatterns {
    /// The name of a part's material, or `None` where the file's own stays: because nothing matches, or because the
    /// pattern that wins says so. The exact name wins, then the longest prefix.
    pub fn material_of(&self, part_name: &str) -> Option<&str> {
        let key = escaped(part_name);
        let winner = self.exact.get(&key).or_else(|| Some(self.longest_prefix(&key)?.1));
        winner?.as_deref()
    }

    /// Of all prefixes of a text, the longest is the last in order.
    fn longest_prefix(&self, key: &str) -> Option<(&String, &Option<String>)> {
        self.prefixes
            .range::<str, _>((Unbounded, Included(key)))
            .rev()
            .find(|(prefix, _)| key.starts_with(prefix.as_str()))
    }

    /// A diagnostic for each pattern that no part matches (one that only matches parts which a longer pattern takes
    /// counts as used: it is a fallback).
    pub fn unmatched<'a>(&self, part_names: impl IntoIterator<Item = &'a str>) -> Vec<Diagnostic> {
        let keys: BTreeSet<String> = part_names.into_iter().map(escaped).collect();
        let begins = |prefix: &String| keys.range(prefix.clone()..).next().is_some_and(|key| key.starts_with(prefix));
        let exact = self.exact.keys().filter(|&key| !keys.contains(key)).cloned();
        let prefixes = self.prefixes.keys().filter(|&prefix| !begins(prefix)).map(|prefix| format!("{prefix}*"));
        let diagnostics = exact.chain(prefixes).map(|pattern| Diagnostic {
            code: "shot.pattern_unmatched",
            severity: Severity::Warning,
            at: format!("/parts/{}", pattern.replace('~', "~0").replace('/', "~1")),
            message: format!("the pattern {pattern:?} matches no part"),
        });
        diagnostics.collect()
    }
}

/// A part's name as a key of `parts`.
pub(super) fn escaped(part_name: &str) -> String {
    part_name.replace('*', "\\*")
}

pub(super) fn read(value: Value, materials: &BTreeMap<String, OpenPbr>) -> Result<PartPatterns, ShotError> {
    let mut patterns = PartPatterns::default();
    for (pattern, value) in value.map()? {
        let stem = pattern.strip_suffix('*').filter(|stem| !stem.ends_with('\\'));
        if pattern.is_empty() || stem.unwrap_or(&pattern).replace("\\*", "").contains('*') {
            return Err(
                value.out_of_range("a pattern has at most one *, at its end; a star of the name is written \\*")
            );
        }
        let material = if value.json == Json::Null { None } else { Some(value.text()?) };
        if let Some(name) = material.as_ref().filter(|&name| !materials.contains_key(name)) {
            return Err(super::unknown_material(&value.at, name, materials));
        }
        match stem {
            Some(stem) => patterns.prefixes.insert(stem.to_owned(), material),
            None => patterns.exact.insert(pattern, material),
        };
    }
    Ok(patterns)
}
