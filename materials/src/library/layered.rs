//! Libraries laid over each other: base, then the tenant's, then the job's.

use std::collections::HashMap;

use serde::Serialize;

use super::index::NameIndex;
use super::material::{Material, Status};
use super::package::{Package, PackageMaterial};
use super::rule::Rule;
use super::{Library, LibraryMaterialIdx, digest};
use crate::finding::{Finding, Rejected, Severity};

/// Code of the neutral grey for parts without any material while no map is in force.
const CLAY_CODE: &str = "059901";

/// Where a library lies. A later layer wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// What ships with the program, or takes its place.
    Base,
    /// What a company keeps.
    Tenant,
    /// What one job brings.
    Job,
}

/// A material on its way into the resolved library.
struct Entry {
    material: Material,
    at: String,
    /// Its place among the materials as they were laid down, lowest layer first.
    order: usize,
    /// The place of its library among them.
    library: usize,
    /// Id, name and aliases of materials that this one took the place of: they keep resolving.
    inherited: Vec<String>,
}

impl Library {
    /// Lays libraries over each other, lowest first; within a layer in the order given. Returns the resolved library
    /// with warnings.
    ///
    /// # Errors
    /// All of: a code that is taken without `override = true`; a name that two materials claim, or an alias that two of
    /// one library claim; a requirement, replacement, fallback or rule that names nothing.
    pub fn resolve(mut packages: Vec<(Layer, Package)>) -> Result<(Self, Vec<Finding>), Rejected> {
        packages.sort_by_key(|(layer, _)| *layer);
        let mut findings = Vec::new();
        check_requirements(&packages, &mut findings);
        let Some((_, top)) = packages.last() else {
            return Err(Finding::error("library.header", "", "there is no library").into());
        };
        let (id, version, top_at) = (top.id.clone(), top.version, top.at.clone());
        let mut fallback: Option<(String, String)> = None;
        let mut rules: Vec<Rule> = Vec::new();
        let mut entries: Vec<Entry> = Vec::new();
        let mut by_code: HashMap<String, usize> = HashMap::new();
        let mut laid_down = 0;
        for (library, (layer, package)) in packages.into_iter().enumerate() {
            if let Some(code) = package.fallback {
                fallback = Some((code, package.at));
            }
            rules.extend(package.rules.into_iter().map(|rule| rule.on(layer)));
            for incoming in package.materials {
                lay_over(incoming, (library, laid_down), &mut entries, &mut by_code, &mut findings);
                laid_down += 1;
            }
        }
        entries.sort_by(|a, b| a.material.id.cmp(&b.material.id));
        let names = index_names(&entries, &mut findings);
        check_replacements(&entries, &names, &mut findings);
        check_rules(&rules, &names, &mut findings);
        // File order breaks what ties remain, so the sort must be stable.
        rules.sort_by_key(|rule| std::cmp::Reverse((rule.priority, rule.layer, rule.literal_chars())));
        let fallback = find_fallback(fallback, &names, &top_at, &mut findings);
        let materials: Vec<Material> = entries.into_iter().map(|entry| entry.material).collect();
        let of_fallback = fallback.and_then(|idx| materials.get(idx.get()));
        let digest = digest::of(&id, version, of_fallback, effective(&materials, &names), &rules);
        let library = Self {
            id,
            version,
            digest,
            clay: names.find(CLAY_CODE).map(|(idx, _)| idx),
            fallback: fallback.unwrap_or(LibraryMaterialIdx(0)),
            materials,
            rules,
            names,
        };
        Rejected::unless_clean(library, findings)
    }
}

fn check_requirements(packages: &[(Layer, Package)], findings: &mut Vec<Finding>) {
    for (at, (_, package)) in packages.iter().enumerate() {
        for requirement in &package.extends {
            let below = packages[..at].iter().rev().find(|(_, below)| below.id == requirement.library);
            let (complaint, help) = match below {
                None => {
                    let complaint = format!(
                        "`{}` builds on the library `{}`, which is not given before it",
                        package.id, requirement.library
                    );
                    (complaint, format!("give `{}` too, before `{}`", requirement.library, package.id))
                }
                Some((_, below)) if !requirement.allows(below.version) => {
                    let complaint = format!(
                        "`{}` builds on `{}` {} or a compatible newer version; the one before it is {}",
                        package.id, requirement.library, requirement.at_least, below.version
                    );
                    (complaint, "give a version of that library that fits, or correct `extends`".to_owned())
                }
                Some(_) => continue,
            };
            findings.push(Finding::error("library.extends", &package.at, complaint).with_help(help));
        }
    }
}

fn lay_over(
    incoming: PackageMaterial,
    (library, order): (usize, usize),
    entries: &mut Vec<Entry>,
    by_code: &mut HashMap<String, usize>,
    findings: &mut Vec<Finding>,
) {
    let PackageMaterial { material, overrides, at } = incoming;
    let Some(&taken) = by_code.get(&material.code) else {
        if overrides {
            let message = format!("`{}` has `override = true`, but no library before it has its code", material.id);
            findings.push(Finding::new(Severity::Warning, "library.override", at.as_str(), message));
        }
        by_code.insert(material.code.clone(), entries.len());
        entries.push(Entry { material, at, order, library, inherited: Vec::new() });
        return;
    };
    let below = &mut entries[taken];
    if !overrides {
        let message = format!("the code {} is already used by `{}` at {}", material.code, below.material.id, below.at);
        let help = "choose an unused code, or write `override = true` to take its place";
        findings.push(Finding::error("library.shadowing", at, message).with_help(help));
        return;
    }
    let mut inherited = std::mem::take(&mut below.inherited);
    inherited.extend([std::mem::take(&mut below.material.id), std::mem::take(&mut below.material.name)]);
    inherited.append(&mut below.material.aliases);
    *below = Entry { material, at, order, library, inherited };
}

/// Indexes all names; one that two materials claim is reported at the one that came later. Libraries may share an
/// alias: the later one's counts, and what uses it says so.
fn index_names(entries: &[Entry], findings: &mut Vec<Finding>) -> NameIndex {
    let mut names = NameIndex::default();
    let mut in_order: Vec<_> = (0..).map(LibraryMaterialIdx).zip(entries).collect();
    in_order.sort_by_key(|(_, entry)| entry.order);
    for (idx, Entry { material, .. }) in &in_order {
        names.add_identity(*idx, &material.id, &material.code, &material.name);
    }
    for (idx, entry) in &in_order {
        for name in [&entry.material.id, &entry.material.name] {
            if let Some(owner) = names.claim(*idx, name, false) {
                findings.push(collision("library.name_collision", entry, name, &entries[owner.get()]));
            }
        }
    }
    for (idx, entry) in &in_order {
        for alias in &entry.material.aliases {
            if let Some(owner) = names.claim(*idx, alias, true) {
                let is_later = entry.library > entries[owner.get()].library;
                if is_later && names.take_over(*idx, alias, owner) {
                    continue;
                }
                findings.push(collision("library.alias_collision", entry, alias, &entries[owner.get()]));
            }
        }
    }
    for (idx, entry) in &in_order {
        for name in &entry.inherited {
            // Own names went first, so a name that another material claims for itself is that material's now.
            let _ = names.claim(*idx, name, true);
        }
    }
    names
}

fn collision(code: &'static str, entry: &Entry, name: &str, owner: &Entry) -> Finding {
    let message = format!("the name `{name}` is already used by `{}` at {}", owner.material.id, owner.at);
    let help = "each name must be that of one material only; case and separators do not count";
    Finding::error(code, &entry.at, message).with_help(help)
}

/// Materials with those of their aliases that lead to them: which of two libraries is the later one decides what a
/// shared alias means, and so it is content.
fn effective(materials: &[Material], names: &NameIndex) -> Vec<Material> {
    let mut materials = materials.to_vec();
    for (idx, material) in (0..).map(LibraryMaterialIdx).zip(&mut materials) {
        material.aliases.retain(|alias| names.find(alias).is_none_or(|(found, _)| found == idx));
    }
    materials
}

fn check_replacements(entries: &[Entry], names: &NameIndex, findings: &mut Vec<Finding>) {
    for entry in entries {
        let Some(name) = &entry.material.replaced_by else { continue };
        let complaint = match names.find(name).map(|(idx, _)| &entries[idx.get()].material) {
            None => format!("`replaced_by` names `{name}`, which no library has"),
            Some(replacement) if replacement.status == Status::Deprecated => {
                format!("`replaced_by` names `{}`, which is deprecated itself", replacement.id)
            }
            Some(_) => continue,
        };
        findings.push(Finding::error("library.unknown_material", &entry.at, complaint));
    }
}

fn check_rules(rules: &[Rule], names: &NameIndex, findings: &mut Vec<Finding>) {
    for rule in rules.iter().filter(|rule| names.find(&rule.material).is_none()) {
        let message = format!("the rule chooses `{}`, which no library has", rule.material);
        findings.push(Finding::error("library.unknown_material", &rule.at, message));
    }
}

fn find_fallback(
    named: Option<(String, String)>,
    names: &NameIndex,
    top_at: &str,
    findings: &mut Vec<Finding>,
) -> Option<LibraryMaterialIdx> {
    let Some((name, at)) = named else {
        let message = "no library names a `fallback` material for parts that nothing matches";
        let help = "name one in the [library] table: `fallback = \"CODE\"`";
        findings.push(Finding::error("library.fallback", top_at, message).with_help(help));
        return None;
    };
    let found = names.find(&name).map(|(idx, _)| idx);
    if found.is_none() {
        let message = format!("the fallback material `{name}` is in no library");
        let help = "add a material of this code, or name another one";
        findings.push(Finding::error("library.fallback", at, message).with_help(help));
    }
    found
}
