//! Which part gets which material.

use std::cell::RefCell;
use std::collections::HashMap;

use packshot_json::{FaultKind, Node};
use packshot_renderer::diagnostic::{Diagnostic, Severity};
use packshot_renderer::part_pattern::{CalledParts, PartPattern, composed};
use packshot_renderer::scene::Part;
use packshot_words::{KnownNames, did_you_mean};

use super::read::{members, nullable};
use crate::product::PaletteMaterial;

/// Most names in a message.
const NAMED_MAX: usize = 20;
/// Most characters of each name.
const NAME_CHARS_MAX: usize = 64;

/// A rule for some parts.
#[derive(Clone, Debug)]
pub struct PartRule {
    /// The parts, by their names or, if the version supports them, by their paths.
    pub parts: PartPattern,
    /// Only the part of this node of the file.
    pub node_idx: Option<u32>,
    /// What the parts wear.
    pub wears: Wears,
    /// The parts are hidden. In version 1 this is expressed by a material that lets every ray pass, because the version
    /// has no other way.
    hides: bool,
    /// Paths are ignored: version 1.
    by_name_alone: bool,
    /// The pointer of the rule.
    at: String,
}

impl PartRule {
    /// The pointer of the rule.
    pub fn at(&self) -> &str {
        &self.at
    }
}

/// What a part wears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wears {
    /// The file's own material.
    Own,
    /// A material of the shot, by name.
    Material(String),
    /// A material of the shot for each primitive; `None` is the file's own.
    PerPrimitive(Vec<Option<String>>),
    /// Nothing: it is hidden.
    Hidden,
}

/// The rules of a shot: the first that matches a part applies. A part that none matches keeps the file's own material.
#[derive(Clone, Debug, Default)]
pub struct PartRules {
    rules: Vec<PartRule>,
    /// The rules for each plain name, by the node to which they are limited: files with many parts have a rule for
    /// each.
    by_name: HashMap<String, HashMap<Option<u32>, Vec<usize>>>,
    /// The rules whose patterns may match several names.
    globs: Vec<usize>,
}

impl PartRules {
    fn new(rules: Vec<PartRule>) -> Self {
        let (mut by_name, mut globs) = (HashMap::<_, HashMap<_, Vec<usize>>>::new(), Vec::new());
        for (i, rule) in rules.iter().enumerate() {
            match rule.parts.name() {
                Some(name) => by_name.entry(name.to_owned()).or_default().entry(rule.node_idx).or_default().push(i),
                None => globs.push(i),
            }
        }
        Self { rules, by_name, globs }
    }

    /// The rule that applies to a part.
    pub fn rule(&self, part: &Part) -> Option<&PartRule> {
        self.matching(part).min().map(|i| &self.rules[i])
    }

    /// What a part wears.
    pub fn wears(&self, part: &Part) -> &Wears {
        self.rule(part).map_or(&Wears::Own, |rule| &rule.wears)
    }

    /// Whether a part is shown.
    pub fn shows(&self, part: &Part) -> bool {
        self.rule(part).is_none_or(|rule| !rule.hides)
    }

    /// The rules that match a part, in any order.
    fn matching<'a>(&'a self, part: &'a Part) -> impl Iterator<Item = usize> + 'a {
        let name = part.name();
        let named = [&name, &part.path].map(|name| self.by_name.get(&*composed(name)));
        let nodes = [Some(part.node_idx), None];
        let plain = named
            .into_iter()
            .flatten()
            .flat_map(move |of_node| nodes.into_iter().filter_map(|node| of_node.get(&node)));
        plain.chain([&self.globs]).flatten().copied().filter(move |&i| {
            let rule = &self.rules[i];
            let is_called = rule.parts.is_match(&name) || (!rule.by_name_alone && rule.parts.is_match(&part.path));
            is_called && rule.node_idx.is_none_or(|node_idx| node_idx == part.node_idx)
        })
    }

    /// A finding for each rule that matches no part. A rule whose parts are all taken by earlier rules counts as used:
    /// it is a fallback.
    pub(crate) fn unmatched(&self, parts: &[Part]) -> Vec<Diagnostic> {
        let mut is_used = vec![false; self.rules.len()];
        for part in parts {
            self.matching(part).for_each(|i| is_used[i] = true);
        }
        let unused = self.rules.iter().zip(is_used).filter(|(_, is_used)| !is_used);
        let mut called = None;
        let diagnostic = |(rule, _): (&PartRule, _)| {
            let pattern = rule.parts.text();
            let called = called.get_or_insert_with(|| CalledParts::new(parts));
            let message = format!("the pattern {} matches no part", rule.parts.quoted());
            Diagnostic {
                code: "shot.pattern_unmatched",
                severity: Severity::Warning,
                at: rule.at.clone(),
                message: match called.did_you_mean(pattern) {
                    Some(question) => format!("{message}; {question}"),
                    None => format!("{message}; preflight lists all parts"),
                },
            }
        };
        unused.map(diagnostic).collect()
    }
}

/// The materials of a shot by name.
pub(super) struct Known<'m> {
    materials: HashMap<&'m str, &'m PaletteMaterial>,
    /// For asking which of them is meant, within one limit for all questions.
    names: RefCell<KnownNames<String>>,
}

impl<'m> Known<'m> {
    pub(super) fn new(materials: impl Iterator<Item = &'m PaletteMaterial> + Clone) -> Self {
        let names = KnownNames::new(materials.clone().map(|material| material.id.clone()));
        let materials = materials.map(|material| (material.id.as_str(), material)).collect();
        Self { materials, names: RefCell::new(names) }
    }

    /// The material that a value refers to.
    pub(super) fn get(&self, node: &Node<'_>) -> Option<&'m PaletteMaterial> {
        let name = node.string()?;
        self.materials.get(name).copied().or_else(|| {
            let mut names: Vec<String> = self.materials.keys().map(|name| short(name)).collect();
            names.sort_unstable();
            names.truncate(NAMED_MAX);
            let hint = match names.is_empty() {
                true => "define it in /materials".to_owned(),
                false => format!("/materials has {}", names.join(", ")),
            };
            let hint = match did_you_mean(&self.names.borrow_mut().near(name)) {
                Some(question) => format!("{question} {hint}"),
                None => hint,
            };
            let kind = FaultKind::Named("unknown_material".to_owned());
            node.refuse(kind, format!("no material {:?} in /materials: {hint}", short(name)))
        })
    }
}

/// A name shortened for messages.
fn short(name: &str) -> String {
    if name.chars().count() <= NAME_CHARS_MAX {
        return name.to_owned();
    }
    name.chars().take(NAME_CHARS_MAX).chain(['…']).collect()
}

/// Version 1: an object of patterns, which are names, or prefixes that end in `*`. The exact name wins, then the
/// longest prefix.
pub(super) fn read_one(node: &Node<'_>, materials: &Known<'_>) -> Option<PartRules> {
    let (mut exact, mut prefixes, mut is_read) = (Vec::new(), Vec::new(), true);
    for (pattern, node) in node.entries()? {
        let stem = pattern.strip_suffix('*').filter(|stem| !stem.ends_with('\\'));
        if pattern.is_empty() || stem.unwrap_or(pattern).replace("\\*", "").contains('*') {
            node.report(FaultKind::Range, "a pattern has at most one *, at its end; a star of the name is written \\*");
            is_read = false;
            continue;
        }
        let Some(material) = nullable(&node, |node| materials.get(node)) else {
            is_read = false;
            continue;
        };
        let hides = material.is_some_and(|material| material.openpbr.geometry_opacity == 0.0);
        let wears = material.map_or(Wears::Own, |material| Wears::Material(material.id.clone()));
        let literal = PartPattern::exactly(&stem.unwrap_or(pattern).replace("\\*", "*"));
        let parts = PartPattern::new(&if stem.is_some() { literal + "*" } else { literal });
        let rule = PartRule { parts, node_idx: None, wears, hides, by_name_alone: true, at: node.at() };
        if stem.is_some() { &mut prefixes } else { &mut exact }.push(rule);
    }
    prefixes.sort_by_key(|rule| std::cmp::Reverse(rule.parts.text().len()));
    exact.append(&mut prefixes);
    is_read.then(|| PartRules::new(exact))
}

/// Version 2: a list of rules.
pub(super) fn read_two(node: &Node<'_>, materials: &Known<'_>) -> Option<PartRules> {
    let read: Vec<_> = node.list()?.iter().map(|node| read_rule(node, materials)).collect();
    read.into_iter().collect::<Option<_>>().map(PartRules::new)
}

fn read_rule(node: &Node<'_>, materials: &Known<'_>) -> Option<PartRule> {
    let mut m = members(node)?;
    let parts = m.require("part").and_then(|node| match node.string()? {
        "" => node.refuse(FaultKind::Range, "expected a name, a path or a glob"),
        text => Some(PartPattern::new(text)),
    });
    let node_idx = m.read_or("node", None, |node| node.count(0..=u32::MAX).map(Some));
    let is_hidden = m.read_or("hidden", false, |node| node.flag());
    let wears = match (m.take("material"), is_hidden) {
        (_, None) => None,
        (None, Some(true)) => Some(Wears::Hidden),
        (Some(material), Some(true)) => material.refuse(FaultKind::Conflict, "a hidden part cannot have a material"),
        (None, Some(false)) => {
            m.report(
                "material",
                FaultKind::Missing,
                "\"material\" is required: a name of /materials, or null for the file's own",
            );
            None
        }
        (Some(node), Some(false)) if node.value().is_array() => {
            let read = |node: &Node<'_>| nullable(node, |node| materials.get(node).map(|known| known.id.clone()));
            let each: Vec<_> = node.list()?.iter().map(read).collect();
            each.into_iter().collect::<Option<Vec<_>>>().map(Wears::PerPrimitive)
        }
        (Some(node), Some(false)) => nullable(&node, |node| materials.get(node))
            .map(|material| material.map_or(Wears::Own, |material| Wears::Material(material.id.clone()))),
    };
    m.finish();
    let (wears, at) = (wears?, node.at());
    let hides = wears == Wears::Hidden;
    Some(PartRule { parts: parts?, node_idx: node_idx?, wears, hides, by_name_alone: false, at })
}
