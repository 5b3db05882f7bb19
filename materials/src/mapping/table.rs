//! The job's part table: the entries of a map, found by path, name and spelling.

use std::collections::{HashMap, HashSet};

use packshot_words::did_you_mean;
use unicode_normalization::UnicodeNormalization;

use super::PartNames;
use super::suggest::Suggester;
use crate::finding::{Finding, Severity};
use crate::library::{Library, LibraryMaterialIdx};
use crate::map::{MapEntry, Origin, PartSelector};
use crate::name::{is_unnamed, match_key, one_line};

/// The entries of a map that have a material, indexed.
///
/// Entries under one key form a group, whose agreement is settled once: a job may have as many parts as entries.
#[derive(Debug)]
pub(super) struct PartTable<'a> {
    entries: &'a [MapEntry],
    meanings: Vec<Meaning<'a>>,
    groups: Vec<Group>,
    paths: HashMap<String, GroupIdx>,
    exact: HashMap<&'a str, GroupIdx>,
    normalized: HashMap<String, GroupIdx>,
    /// The names of `exact` in order, for lookups by beginning.
    names: Vec<&'a str>,
    /// Entries that wait for a choice, by the paths and by the spellings of names.
    open: [HashMap<String, usize>; 2],
}

type GroupIdx = usize;

/// Entries that one key finds.
#[derive(Debug)]
struct Group {
    entries: Vec<usize>,
    found: Match,
}

/// What a material string means, for telling whether two entries disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning<'a> {
    Material(LibraryMaterialIdx),
    Unknown(&'a str),
    /// The entry waits for a choice.
    Open,
}

/// What a lookup found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// Entries that agree; their string.
    One(String),
    /// An alias; the id of its material, and that of the one that an earlier library means by it.
    Alias(String, Option<LibraryMaterialIdx>),
    /// Entries that disagree.
    Ambiguous,
}

/// What the parts of a job have looked up so far.
pub(super) struct Lookups {
    used: Vec<bool>,
    /// Lookups by beginning visit many entries, so each is made once.
    beginnings: HashMap<String, Option<Match>>,
}

impl<'a> PartTable<'a> {
    pub(super) fn new(entries: &'a [MapEntry], library: &Library) -> Self {
        let meaning = |entry: &'a MapEntry| match entry.material.as_deref() {
            None => Meaning::Open,
            Some(string) => library.find(string).map_or(Meaning::Unknown(string), |(idx, _)| Meaning::Material(idx)),
        };
        let meanings: Vec<_> = entries.iter().map(meaning).collect();
        let mut paths: HashMap<String, Vec<usize>> = HashMap::new();
        let mut exact: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut normalized: HashMap<String, Vec<usize>> = HashMap::new();
        let mut open = [HashMap::new(), HashMap::new()];
        for (idx, entry) in entries.iter().enumerate() {
            match &entry.part {
                PartSelector::Path(path) if meanings[idx] == Meaning::Open => {
                    open[0].entry(path.nfc().collect()).or_insert(idx);
                }
                PartSelector::Name(name) if meanings[idx] == Meaning::Open => {
                    open[1].entry(match_key(name)).or_insert(idx);
                }
                PartSelector::Path(path) => paths.entry(path.nfc().collect()).or_default().push(idx),
                PartSelector::Name(name) => {
                    exact.entry(name).or_default().push(idx);
                    normalized.entry(match_key(name)).or_default().push(idx);
                }
            }
        }
        // A name of separators alone has no spelling to compare.
        normalized.remove("");
        let mut names: Vec<_> = exact.keys().copied().collect();
        names.sort_unstable();
        let mut groups = Vec::new();
        let mut settle = |members: Vec<usize>| {
            groups.push(Group { found: agreement(entries, &meanings, &members), entries: members });
            groups.len() - 1
        };
        let paths = paths.into_iter().map(|(key, members)| (key, settle(members))).collect();
        let exact = exact.into_iter().map(|(key, members)| (key, settle(members))).collect();
        let normalized = normalized.into_iter().map(|(key, members)| (key, settle(members))).collect();
        Self { entries, meanings, groups, paths, exact, normalized, names, open }
    }

    pub(super) fn lookups(&self) -> Lookups {
        Lookups { used: vec![false; self.groups.len()], beginnings: HashMap::new() }
    }

    pub(super) fn by_path(&self, path: &str, lookups: &mut Lookups) -> Option<Match> {
        if self.paths.is_empty() {
            return None;
        }
        self.use_group(*self.paths.get(&path.nfc().collect::<String>())?, lookups)
    }

    pub(super) fn by_name(&self, name: &str, lookups: &mut Lookups) -> Option<Match> {
        self.use_group(*self.exact.get(name)?, lookups)
    }

    pub(super) fn by_key(&self, key: &str, lookups: &mut Lookups) -> Option<Match> {
        self.use_group(*self.normalized.get(key)?, lookups)
    }

    fn use_group(&self, group: GroupIdx, lookups: &mut Lookups) -> Option<Match> {
        lookups.used[group] = true;
        Some(self.groups[group].found.clone())
    }

    /// The entries whose names begin with `name` and are longer.
    pub(super) fn by_beginning(&self, name: &str, lookups: &mut Lookups) -> Option<Match> {
        if let Some(found) = lookups.beginnings.get(name) {
            return found.clone();
        }
        let first = self.names.partition_point(|entry| *entry <= name);
        let longer = self.names[first..].iter().take_while(|entry| entry.starts_with(name));
        let mut members = Vec::new();
        for entry in longer {
            let group = self.exact[entry];
            lookups.used[group] = true;
            members.extend_from_slice(&self.groups[group].entries);
        }
        let found = (!members.is_empty()).then(|| agreement(self.entries, &self.meanings, &members));
        lookups.beginnings.insert(name.to_owned(), found.clone());
        found
    }

    /// The entry for a part that waits for a choice.
    pub(super) fn open_entry(&self, part: &PartNames) -> Option<&'a MapEntry> {
        let [paths, names] = &self.open;
        let by_path = || paths.get(&part.path.nfc().collect::<String>());
        let mut keys = [&part.node, &part.mesh].into_iter().flatten().map(|name| match_key(name));
        by_path().or_else(|| keys.find_map(|key| names.get(&key))).map(|&idx| &self.entries[idx])
    }

    /// Part names and the material that each one's entry means, without entries that mean none.
    pub(super) fn known_names(&self) -> impl Iterator<Item = (&'a str, LibraryMaterialIdx)> {
        self.entries.iter().zip(&self.meanings).filter_map(|(entry, meaning)| match (&entry.part, meaning) {
            (PartSelector::Name(name), Meaning::Material(material)) => Some((name.as_str(), *material)),
            _ => None,
        })
    }

    /// Entries for one name or path to the letter that mean different materials: their parts will be ambiguous.
    pub(super) fn contradictions(&self) -> Vec<Finding> {
        let groups = self.exact.values().chain(self.paths.values()).map(|&group| &self.groups[group]);
        self.disagreements(groups, "entries for the same part name different materials")
    }

    /// The same of entries for one name in different spellings, by which a part was looked up.
    pub(super) fn contradictory_spellings(&self, lookups: &Lookups) -> Vec<Finding> {
        let is_told = |&idx: &usize| match &self.entries[idx].part {
            PartSelector::Name(name) => self.groups[self.exact[name.as_str()]].found == Match::Ambiguous,
            PartSelector::Path(_) => false,
        };
        let used = self.normalized.values().filter(|group| lookups.used[**group]).map(|&group| &self.groups[group]);
        let untold = used.filter(|group| !group.entries.iter().any(is_told));
        self.disagreements(untold, "entries whose part names differ in spelling alone name different materials")
    }

    /// A finding for each group whose entries disagree.
    fn disagreements<'g>(&self, groups: impl Iterator<Item = &'g Group>, message: &str) -> Vec<Finding> {
        let mut groups: Vec<_> = groups.filter(|group| group.found == Match::Ambiguous).collect();
        groups.sort_unstable_by_key(|group| group.entries[0]);
        let finding = |group: &Group| {
            let other = group.entries.iter().find(|&&idx| self.meanings[idx] != self.meanings[group.entries[0]]);
            let other = other.map_or("", |&idx| self.entries[idx].at.as_str());
            let at = self.entries[group.entries[0]].at.as_str();
            let message = format!("{message}; see {other}");
            Finding::new(Severity::Warning, "contradictory_map_entries", at, message).with_help("keep one of them")
        };
        groups.into_iter().map(finding).collect()
    }

    /// Entries that no part used, with what the parts of nearly such a name are called. `free` has the names and paths
    /// of the parts that no entry is for.
    pub(super) fn unused(
        &self,
        lookups: &Lookups,
        parts: &[PartNames],
        free: &HashSet<&str>,
        suggester: &mut Suggester<'_>,
    ) -> Vec<Finding> {
        let mut idle: Vec<bool> = self.meanings.iter().map(|meaning| *meaning != Meaning::Open).collect();
        for (group, _) in self.groups.iter().zip(&lookups.used).filter(|(_, used)| **used) {
            for &idx in &group.entries {
                idle[idx] = false;
            }
        }
        if !idle.contains(&true) {
            return Vec::new();
        }
        let names: HashSet<&str> =
            parts.iter().flat_map(|part| [&part.node, &part.mesh]).flatten().map(String::as_str).collect();
        let keys: HashSet<String> = names.iter().map(|name| match_key(name)).collect();
        let paths: HashSet<&str> = parts.iter().map(|part| part.path.as_str()).collect();
        let mut finding = |entry: &MapEntry| {
            if let PartSelector::Name(name) = &entry.part
                && let Some((message, help)) = passed_over(name, &names, &keys)
            {
                // In another spelling of the name, and of another material, it is a slip.
                let spellings = self.normalized.get(&match_key(name)).map(|&group| &self.groups[group].found);
                let is_slip = entry.origin == Origin::Hand || spellings == Some(&Match::Ambiguous);
                let severity = if is_slip { Severity::Warning } else { Severity::Info };
                return Finding::new(severity, "unused_map_entry", entry.at.as_str(), message).with_help(help);
            }
            // What findings call a part by is its path.
            if let PartSelector::Name(name) = &entry.part
                && paths.contains(name.as_str())
            {
                let help = match entry.origin {
                    Origin::Hand => "it is the path of one: give the part's name, or an entry with `path` in a map",
                    Origin::Map => "it is the path of one: write it as `path` in place of `part_name`",
                };
                let message = format!("no part has the name `{}`", one_line(name));
                let finding = Finding::new(Severity::Warning, "unused_map_entry", entry.at.as_str(), message);
                return finding.with_help(help);
            }
            let (of, wanted, near) = match &entry.part {
                PartSelector::Name(name) => ("name", name, suggester.near_names(name, parts)),
                PartSelector::Path(path) => ("path", path, suggester.near_paths(path, parts)),
            };
            // A map may be that of many products; what was written for this picture means one of its parts. So does a
            // name much like that of a part without an entry: one of the two is misspelt.
            let is_slip = entry.origin == Origin::Hand || near.iter().any(|name| free.contains(name.as_str()));
            let severity = if is_slip { Severity::Warning } else { Severity::Info };
            let message = format!("no part has the {of} `{}`", one_line(wanted));
            let finding = Finding::new(severity, "unused_map_entry", entry.at.as_str(), message);
            let near: Vec<String> = near.iter().map(|name| one_line(name)).collect();
            match (did_you_mean(&near), wanted.contains('*')) {
                (Some(question), false) => finding.with_help(question),
                (question, true) => {
                    let question = question.map(|question| format!("; {question}")).unwrap_or_default();
                    let help = "give an entry to each part: in a material map `*` stands for no other names";
                    finding.with_help(format!("{help}{question}"))
                }
                (None, false) => finding,
            }
        };
        self.entries.iter().zip(idle).filter(|(_, idle)| *idle).map(|(entry, _)| finding(entry)).collect()
    }
}

/// Why an entry found no part although parts have its name, and the way out. `names` are those of the parts, `keys`
/// their spellings.
fn passed_over(name: &str, names: &HashSet<&str>, keys: &HashSet<String>) -> Option<(String, &'static str)> {
    let shown = one_line(name);
    if is_unnamed(name) {
        let message = format!("no part is found by the name `{shown}`: programs give it to parts that have none");
        return names.contains(name).then_some((message, "give the part's path in place of the name"));
    }
    let key = match_key(name);
    let is_name = names.contains(name) || !key.is_empty() && keys.contains(&key);
    let message = format!("every part with the name `{shown}` is found by another entry");
    let help = "paths go before names, nodes' names before meshes', and names to the letter before other spellings";
    is_name.then_some((message, help))
}

/// One match if all members, of which there is at least one, mean the same material. The string is chosen by its text,
/// so that the order of the map does not show.
fn agreement(entries: &[MapEntry], meanings: &[Meaning<'_>], members: &[usize]) -> Match {
    if members.iter().any(|&idx| meanings[idx] != meanings[members[0]]) {
        return Match::Ambiguous;
    }
    let string = members.iter().filter_map(|&idx| entries[idx].material.as_deref()).min();
    Match::One(string.unwrap_or_default().to_owned())
}
