//! A map to start from: every part of a file, what it resolves to, and what to choose from where it resolves to
//! nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Covers, MaterialMap};
use crate::library::Library;
use crate::mapping::{OnUnmapped, PartNames, Reason, ReportItem, Resolver, SEE_LIST};
use crate::name::is_unnamed;

#[derive(Serialize)]
struct Document<'a> {
    comment: String,
    parts: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    part_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    material: Option<&'a str>,
    comment: String,
}

/// The text of a map with an entry for every part, one per name, in the order of the parts.
///
/// Materials are those that `map` and the library's own rules and names give; a part that nothing matches has the
/// material `null`, and in its `comment` the library's materials of nearly its name, if there are any. Parts that share
/// a name but not a material, and parts without a name, are named by their paths. [`MaterialMap::parse`] reads the text
/// back to the same materials.
pub fn template(library: &Library, map: Option<&MaterialMap>, parts: &[PartNames]) -> String {
    let map = MaterialMap { covers: Covers::AllParts, ..map.cloned().unwrap_or_default() };
    let resolver = Resolver::new(library, Some(&map), OnUnmapped::Magenta);
    let report = resolver.resolve(parts).report;
    let mut by_name: BTreeMap<&str, Vec<&ReportItem>> = BTreeMap::new();
    for item in &report.items {
        by_name.entry(entry_name(item).unwrap_or_default()).or_default().push(item);
    }
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut written: BTreeMap<(bool, &str), ()> = BTreeMap::new();
    for item in &report.items {
        let name = entry_name(item).filter(|name| by_name[name].iter().all(|other| chosen(other) == chosen(item)));
        let key = (name.is_some(), name.unwrap_or(&item.path));
        if written.insert(key, ()).is_none() {
            entries.push(Entry {
                part_name: name,
                path: name.is_none().then_some(item.path.as_str()),
                material: chosen(item),
                comment: comment(item),
            });
        }
    }
    let open = entries.iter().filter(|entry| entry.material.is_none()).count();
    let noun = if entries.len() == 1 { "entry" } else { "entries" };
    let comment = format!("{} {noun}, {open} to choose; library {}", entries.len(), report.library);
    let document = Document { comment, parts: entries };
    serde_json::to_string_pretty(&document).expect("strings serialise") + "\n"
}

/// The name under which a map finds the part: the first of node and mesh that says something.
fn entry_name(item: &ReportItem) -> Option<&str> {
    [&item.node, &item.mesh].into_iter().filter_map(|name| name.as_deref()).find(|name| !is_unnamed(name))
}

fn chosen(item: &ReportItem) -> Option<&str> {
    if item.reason.is_none() { item.material.as_deref() } else { None }
}

fn comment(item: &ReportItem) -> String {
    let why = match item.reason {
        None => return format!("{} match", item.match_word()),
        Some(Reason::MaterialMissing) => {
            format!("no library has `{}`", item.string.as_deref().unwrap_or_default())
        }
        Some(Reason::Ambiguous) => "several entries or rules disagree".to_owned(),
        Some(_) => "nothing matches".to_owned(),
    };
    if item.suggestions.is_empty() {
        return match item.reason {
            Some(Reason::Ambiguous) => why,
            _ => format!("{why}; {SEE_LIST}"),
        };
    }
    let choices: Vec<_> =
        item.suggestions.iter().map(|choice| format!("{} ({:.2})", choice.material, choice.score)).collect();
    format!("{why}; choose from {}", choices.join(", "))
}
