//! Which part gets which material.
//!
//! Two hops: a part finds a material *string* (job map, aliases, rules, the file's own material), and the string finds
//! a material of the library. Input: the names of all parts, a [`Library`], and the job's [`MaterialMap`] if there is
//! one. Output: an assignment per primitive, a [`Report`] with one item per part, and findings. A part that nothing
//! matches is never guessed at: it gets the fallback material, a reason and suggestions.
//!
//! **Is a map in force?** Yes when one of all parts is given, even an empty one, and when a tenant's or job's library
//! has rules. Without one, a material of the file whose name the library knows becomes that material (with the finding
//! `mapped_by_material`), any other is kept, and a primitive with nothing to wear becomes neutral grey with the finding
//! `no_material`. A map of named parts ([`Covers::NamedParts`]) is asked first, and leaves the other parts to that.

use std::collections::{BTreeMap, HashMap, HashSet};

use packshot_words::{did_you_mean, words};

use crate::finding::{Finding, Severity};
use crate::library::{Library, LibraryMaterialIdx, Material, MaterialMethod};
use crate::map::{Covers, MaterialMap};
use crate::name::{is_unnamed, one_line};

mod report;
mod steps;
mod suggest;
mod table;

pub use report::{Method, Reason, Report, ReportItem, Slot, Suggestion};

use steps::{Names, StringHit};
pub(crate) use suggest::SEE_LIST;
use suggest::Suggester;
use table::{Lookups, PartTable};

/// What is known of a part by name. Names are raw, as the file has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartNames {
    /// The names of the nodes from the scene's root to the part, joined by `/`.
    pub path: String,
    /// The node's name.
    pub node: Option<String>,
    /// The mesh's name.
    pub mesh: Option<String>,
    /// Per primitive what it wears in its file.
    pub own: Vec<OwnMaterial>,
    /// CAD materials or layers that the file's `extras` name for the part, most specific first.
    pub extras: Vec<String>,
    /// Surface area in any one unit; what is not finite and positive counts as 0.
    pub area: f64,
}

impl PartNames {
    /// Its path, and the names of its node and its mesh.
    fn path_and_names(&self) -> impl Iterator<Item = &str> {
        [Some(&self.path), self.node.as_ref(), self.mesh.as_ref()].into_iter().flatten().map(String::as_str)
    }
}

/// What a primitive wears in its file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OwnMaterial {
    /// A material by its name, which is empty for one without.
    Named(String),
    /// No material, and something to show all the same: colours of its vertices, or what the file's program puts on
    /// such parts.
    Plain,
    /// Nothing.
    Nothing,
}

impl OwnMaterial {
    /// The name of a material of the file.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::Plain | Self::Nothing => None,
        }
    }
}

words! {
    /// What becomes of a part that nothing matches while a map is in force.
    #[derive(Default)]
    pub enum OnUnmapped {
        /// It gets the fallback material, which is magenta unless a tenant chose another
        #[default]
        Magenta = "magenta",
        /// It keeps the file's own material; without one it becomes neutral grey
        Keep = "keep",
        /// Nothing is rendered, and the parts are named
        Fail = "fail",
    }
}

words! {
    /// By whose names parts find library materials.
    #[derive(Default)]
    pub enum MapBy {
        /// By those of parts and, where these say nothing, those of the file's materials
        #[default]
        PartAndMaterial = "part,material",
        /// By those of parts alone
        Part = "part",
    }
}

/// How parts are treated that the map says nothing about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// What becomes of parts that nothing matches while a map is in force.
    pub on_unmapped: OnUnmapped,
    /// By whose names parts find library materials.
    pub map_by: MapBy,
}

impl From<OnUnmapped> for Policy {
    fn from(on_unmapped: OnUnmapped) -> Self {
        Self { on_unmapped, ..Self::default() }
    }
}

/// What a primitive is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignment {
    /// A material of the library.
    Library(LibraryMaterialIdx),
    /// The material that the file gives it.
    KeepGlb,
}

/// What [`Resolver::resolve`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Per part, per primitive.
    pub assignments: Vec<Vec<Assignment>>,
    /// One item per part.
    pub report: Report,
    /// `unmapped_part`, `unnamed_part`, `truncated_name`, `no_material`, `deprecated_material`, `alias_shadowed` at the
    /// path of a part, `mapped_by_material` at that of the first; `unused_map_entry` and `contradictory_map_entries` at
    /// an entry of the map; `suggestions_limited`.
    pub findings: Vec<Finding>,
}

/// A library and a map, ready to resolve parts.
#[derive(Debug)]
pub struct Resolver<'a> {
    library: &'a Library,
    table: PartTable<'a>,
    has_map: bool,
    map_in_force: bool,
    policy: Policy,
}

/// How one material slot of a part was resolved.
#[derive(Clone, Debug)]
struct Resolution {
    method: Method,
    string: Option<String>,
    found: Option<(LibraryMaterialIdx, MaterialMethod)>,
    reason: Option<Reason>,
    assignment: Assignment,
    /// Whether the neutral material stands in for a material that the file lacks.
    neutral: bool,
    /// The material that an earlier library means by the alias of the first hop.
    shadowed: Option<LibraryMaterialIdx>,
}

impl<'a> Resolver<'a> {
    /// Indexes the map; `None` means that no map is given.
    pub fn new(library: &'a Library, map: Option<&'a MaterialMap>, policy: impl Into<Policy>) -> Self {
        let table = PartTable::new(map.map_or(&[], |map| &map.entries), library);
        let covers_all = map.is_some_and(|map| map.covers == Covers::AllParts);
        let map_in_force = covers_all || library.has_own_rules();
        Self { library, table, has_map: map.is_some(), map_in_force, policy: policy.into() }
    }

    /// Whether parts that nothing matches are unmapped.
    pub fn map_in_force(&self) -> bool {
        self.map_in_force
    }

    /// Resolves every part. The result does not depend on the order of the map or of the parts.
    pub fn resolve(&self, parts: &[PartNames]) -> Outcome {
        let mut suggester = Suggester::new(self.library, &self.table);
        let mut lookups = self.table.lookups();
        let mut outcome = Outcome {
            assignments: Vec::with_capacity(parts.len()),
            report: Report::new(self.library.label()),
            findings: self.table.contradictions(),
        };
        let mut replaced = Replaced::default();
        for part in parts {
            let (assignments, slots) = self.resolve_part(part, &mut lookups, &mut outcome.findings);
            replaced.note(part, &slots);
            let worst = worst_of(&slots);
            let suggestions = match worst.reason {
                Some(Reason::MaterialMissing) => suggester.for_string(worst.string.as_deref().unwrap_or_default()),
                // No name is wrong.
                Some(Reason::TextureMissing | Reason::LibraryInvalid) => Vec::new(),
                Some(_) => suggester.for_part(part),
                None => Vec::new(),
            };
            outcome.findings.extend(self.part_findings(part, &worst, &suggestions));
            outcome.report.push(self.item(part, worst, &slots, suggestions), part.area);
            outcome.assignments.push(assignments);
        }
        outcome.findings.extend(self.table.contradictory_spellings(&lookups));
        outcome.findings.extend(replaced.findings(self.library));
        let free = parts.iter().zip(&outcome.report.items).filter(|(_, item)| !item.found_entry());
        let free: HashSet<&str> = free.flat_map(|(part, _)| part.path_and_names()).collect();
        outcome.findings.extend(self.table.unused(&lookups, parts, &free, &mut suggester));
        outcome.findings.extend(suggester.limit_finding());
        outcome
    }

    /// The assignments of a part's primitives, and how each of its materials was resolved, in their order; at least
    /// one.
    fn resolve_part<'p>(
        &self,
        part: &'p PartNames,
        lookups: &mut Lookups,
        findings: &mut Vec<Finding>,
    ) -> (Vec<Assignment>, Vec<ResolvedSlot<'p>>) {
        let names = Names::new(part);
        let by_name = if self.map_in_force || self.has_map { self.by_name(&names, lookups) } else { None };
        if by_name.as_ref().is_some_and(|hit| hit.truncated) {
            let message = "the name is cut off at 63 bytes, as Blender does; it was matched by its beginning";
            findings.push(Finding::new(Severity::Info, "truncated_name", &part.path, message));
        }
        let resolve = |own| ResolvedSlot {
            own,
            n_primitives: 0,
            resolution: self.resolve_slot(part, &names, by_name.as_ref(), own),
        };
        let mut slots: Vec<ResolvedSlot<'p>> = Vec::new();
        let mut slot_of: HashMap<&OwnMaterial, usize> = HashMap::new();
        let mut assignments = Vec::with_capacity(part.own.len());
        for own in &part.own {
            let i = *slot_of.entry(own).or_insert_with(|| {
                slots.push(resolve(own));
                slots.len() - 1
            });
            slots[i].n_primitives += 1;
            assignments.push(slots[i].resolution.assignment);
        }
        // A part without primitives still has names to report on.
        if slots.is_empty() {
            slots.push(resolve(&OwnMaterial::Nothing));
        }
        (assignments, slots)
    }

    fn resolve_slot(
        &self,
        part: &PartNames,
        names: &Names<'_>,
        by_name: Option<&StringHit>,
        own: &OwnMaterial,
    ) -> Resolution {
        let hit = match by_name {
            Some(hit) => Some(hit.clone()),
            None if self.map_in_force => self.by_rule(part, names, own.name()),
            None => None,
        };
        let hit = hit.or_else(|| self.by_file(part, own.name()));
        match hit {
            Some(StringHit { method, string: Some(string), shadowed, .. }) => match self.library.find(&string) {
                Some((idx, _)) if self.library.material(idx).missing_texture().is_some() => {
                    self.unmapped(Reason::TextureMissing, Some(string), own)
                }
                Some(found) => Resolution { shadowed, ..Resolution::matched(method, string, found) },
                None => self.unmapped(Reason::MaterialMissing, Some(string), own),
            },
            Some(StringHit { string: None, .. }) => self.unmapped(Reason::Ambiguous, None, own),
            None if self.map_in_force => self.unmapped(Reason::NoMatch, None, own),
            None => self.kept(own),
        }
    }

    fn unmapped(&self, reason: Reason, string: Option<String>, own: &OwnMaterial) -> Resolution {
        let resolution = match self.policy.on_unmapped {
            OnUnmapped::Magenta | OnUnmapped::Fail => Resolution::fallback(self.library.fallback()),
            OnUnmapped::Keep => self.kept(own),
        };
        Resolution { method: Method::Fallback, reason: Some(reason), string, ..resolution }
    }

    /// What the file has, or the neutral material where it has nothing.
    fn kept(&self, own: &OwnMaterial) -> Resolution {
        let resolution = Resolution::fallback(self.library.neutral());
        match own {
            OwnMaterial::Named(_) | OwnMaterial::Plain => Resolution {
                method: Method::GlbMaterial,
                string: own.name().map(str::to_owned),
                assignment: Assignment::KeepGlb,
                ..resolution
            },
            OwnMaterial::Nothing => Resolution { neutral: true, ..resolution },
        }
    }

    fn part_findings(&self, part: &PartNames, resolution: &Resolution, suggestions: &[Suggestion]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let finding = |severity, code, message: String| Finding::new(severity, code, &part.path, message);
        let nameless = |name: &Option<String>| name.as_deref().is_none_or(is_unnamed);
        if nameless(&part.node) && nameless(&part.mesh) {
            let message = "neither the node nor its mesh has a meaningful name".to_owned();
            findings.push(finding(Severity::Info, "unnamed_part", message));
        }
        if resolution.neutral {
            let grey = &self.library.material(self.library.neutral()).id;
            let message = format!("the file gives it no material; it is shown as {grey}");
            findings.push(finding(Severity::Info, "no_material", message));
        }
        if let Some(reason) = resolution.reason {
            let unmapped = |why: &str| finding(Severity::Warning, "unmapped_part", format!("no material: {why}"));
            findings.push(match (reason, &resolution.string) {
                (Reason::MaterialMissing, Some(string)) => {
                    let near: Vec<&str> = suggestions.iter().map(|near| near.material.as_str()).collect();
                    let unmapped = match self.library.leads_nowhere(string) {
                        Some(id) => unmapped(&format!("the alias `{string}` means `{id}`, which no library has")),
                        None => unmapped(&format!("no library has the material `{string}`")),
                    };
                    unmapped.with_help(did_you_mean(&near).unwrap_or_else(|| SEE_LIST.to_owned()))
                }
                (Reason::TextureMissing, Some(string)) => {
                    let found = self.library.find(string).map(|(idx, _)| self.library.material(idx));
                    let (id, path) = found.map_or(("", ""), |m| (&m.id, m.missing_texture().unwrap_or_default()));
                    let help = "send the library as a zip that holds the file too, or put it into the library's folder";
                    unmapped(&format!("its library lacks the texture `{path}` of {id}")).with_help(help)
                }
                (Reason::Ambiguous, _) => unmapped("several entries or rules match and disagree"),
                _ => match self.table.open_entry(part) {
                    Some(entry) => unmapped("its entry in the map chooses none")
                        .with_help(format!("write one in place of `null` at {}", entry.at)),
                    None => unmapped("nothing matches its names"),
                },
            });
        }
        let material = resolution.found.map(|(idx, _)| self.library.material(idx));
        if let Some((material, replacement)) = material.and_then(|m| Some((m, m.replaced_by.as_ref()?))) {
            let message = format!("{} is deprecated; use {replacement}", material.id);
            findings.push(finding(Severity::Warning, "deprecated_material", message));
        }
        if let Some((material, other)) = material.zip(self.shadowed(resolution)) {
            let message = format!(
                "the alias that it was found by is that of {} and of {}: the later library's counts",
                other.id, material.id
            );
            let help = "write the material's id, or take the alias out of one of the libraries";
            findings.push(finding(Severity::Warning, "alias_shadowed", message).with_help(help));
        }
        findings
    }

    /// The material that an earlier library means by the alias which a part was found by.
    fn shadowed(&self, resolution: &Resolution) -> Option<&Material> {
        let string = resolution.string.as_deref().filter(|_| resolution.found.is_some());
        let by_string = || self.library.shadowed(string?);
        resolution.shadowed.map(|idx| self.library.material(idx)).or_else(by_string)
    }

    fn item(
        &self,
        part: &PartNames,
        resolution: Resolution,
        slots: &[ResolvedSlot<'_>],
        suggestions: Vec<Suggestion>,
    ) -> ReportItem {
        let slots = if slots.len() > 1 { slots } else { &[] };
        ReportItem {
            path: part.path.clone(),
            node: part.node.clone(),
            mesh: part.mesh.clone(),
            method: resolution.method,
            material_method: resolution.found.map(|(_, method)| method),
            material: self.material_id(resolution.assignment),
            confidence: resolution.confidence(),
            string: resolution.string,
            reason: resolution.reason,
            suggestions,
            slots: slots.iter().map(|slot| self.slot(slot)).collect(),
        }
    }

    fn slot(&self, ResolvedSlot { own, n_primitives, resolution }: &ResolvedSlot<'_>) -> Slot {
        Slot {
            own: own.name().map(str::to_owned),
            primitives: *n_primitives,
            method: resolution.method,
            material_method: resolution.found.map(|(_, method)| method),
            material: self.material_id(resolution.assignment),
            reason: resolution.reason,
        }
    }

    fn material_id(&self, assignment: Assignment) -> Option<String> {
        match assignment {
            Assignment::Library(idx) => Some(self.library.material(idx).id.clone()),
            Assignment::KeepGlb => None,
        }
    }
}

/// One of the materials of a part, and what became of it.
struct ResolvedSlot<'p> {
    own: &'p OwnMaterial,
    n_primitives: usize,
    resolution: Resolution,
}

/// The least certain of them: a report must not hide an unmapped primitive behind a mapped one.
fn worst_of(slots: &[ResolvedSlot<'_>]) -> Resolution {
    let worst = slots.iter().map(|slot| &slot.resolution).min_by_key(|resolution| resolution.certainty());
    worst.expect("a part has at least one slot").clone()
}

/// Materials of the file in whose place the library's are shown because of their names.
#[derive(Default)]
struct Replaced<'p> {
    parts: BTreeMap<(&'p str, LibraryMaterialIdx), ReplacedOn<'p>>,
}

/// Where a material of the file is replaced.
struct ReplacedOn<'p> {
    first_path: &'p str,
    n_parts: usize,
    method: MaterialMethod,
}

impl<'p> Replaced<'p> {
    fn note(&mut self, part: &'p PartNames, slots: &[ResolvedSlot<'p>]) {
        for ResolvedSlot { own, resolution, .. } in slots {
            let by_material = resolution.method == Method::GlbMaterial;
            let (Some(name), Some((material, method)), true) = (own.name(), resolution.found, by_material) else {
                continue;
            };
            let on = ReplacedOn { first_path: &part.path, n_parts: 0, method };
            self.parts.entry((name, material)).or_insert(on).n_parts += 1;
        }
    }

    fn findings(self, library: &Library) -> impl Iterator<Item = Finding> {
        self.parts.into_iter().map(|((name, material), on)| {
            // Who writes an id or a code means the library's material; a word such as `glass` may be the file's own
            // affair.
            let severity = if on.method.is_exact() { Severity::Info } else { Severity::Warning };
            let id = &library.material(material).id;
            let parts = if on.n_parts == 1 { "1 part".to_owned() } else { format!("{} parts", on.n_parts) };
            let message = format!(
                "the library's {id} is shown in place of the file's own material `{}`, because of its name, on {parts}",
                one_line(name)
            );
            let help = "map by part names alone (--map-by part; map_by in requests) to keep the file's own materials";
            Finding::new(severity, "mapped_by_material", on.first_path, message).with_help(help)
        })
    }
}

impl Resolution {
    fn matched(method: Method, string: String, found: (LibraryMaterialIdx, MaterialMethod)) -> Self {
        let assignment = Assignment::Library(found.0);
        Self {
            method,
            string: Some(string),
            found: Some(found),
            reason: None,
            assignment,
            neutral: false,
            shadowed: None,
        }
    }

    fn fallback(material: LibraryMaterialIdx) -> Self {
        Self {
            method: Method::Fallback,
            string: None,
            found: None,
            reason: None,
            assignment: Assignment::Library(material),
            neutral: false,
            shadowed: None,
        }
    }

    /// The lower confidence of the two hops.
    fn confidence(&self) -> f64 {
        let material = self.found.map_or(1.0, |(_, method)| method.confidence());
        self.method.confidence().min(material)
    }

    /// Orders resolutions: a report must not hide an unmapped primitive behind a mapped one.
    fn certainty(&self) -> (bool, u32) {
        // Confidences have two decimals, so hundredths order them exactly.
        (self.reason.is_none(), (self.confidence() * 100.0).round() as u32)
    }
}

#[cfg(test)]
mod tests;
