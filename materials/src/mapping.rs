//! Which part gets which material.
//!
//! Two hops: a part finds a material *string* (job map, aliases, rules, the file's own material), and the string finds a
//! material of the library. Input: the names of all parts, a [`Library`], and the job's [`MaterialMap`] if there is one.
//! Output: an assignment per primitive, a [`Report`] with one item per part, and findings. A part that nothing matches is
//! never guessed at: it gets the fallback material, a reason and suggestions.
//!
//! **Is a map in force?** Yes when one is given, even an empty one, and when a tenant's or job's library has rules. Without
//! one, a material of the file whose name the library knows becomes that material, any other is kept, and a primitive
//! without a material becomes neutral grey with the finding `no_material`.

use std::collections::HashMap;

use packshot_words::words;

use crate::finding::{Finding, Severity};
use crate::library::{Library, LibraryMaterialIdx, MaterialMethod};
use crate::map::MaterialMap;
use crate::name::is_unnamed;

mod report;
mod steps;
mod suggest;
mod table;

pub use report::{Method, Reason, Report, ReportItem, Suggestion};

use steps::{Names, StringHit};
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
    /// Per primitive the name of its material; empty for a material without a name, `None` for glTF's default material.
    pub gltf_materials: Vec<Option<String>>,
    /// CAD materials or layers that the file's `extras` name for the part, most specific first.
    pub extras: Vec<String>,
    /// Surface area in any one unit; what is not finite and positive counts as 0.
    pub area: f64,
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
        /// There is no picture
        Fail = "fail",
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
    /// `unmapped_part`, `unnamed_part`, `truncated_name`, `no_material`, `deprecated_material` at the path of a part;
    /// `unused_map_entry` and `contradictory_map_entries` at an entry of the map; `suggestions_limited`.
    pub findings: Vec<Finding>,
}

/// A library and a map, ready to resolve parts.
#[derive(Debug)]
pub struct Resolver<'a> {
    library: &'a Library,
    table: PartTable<'a>,
    map_in_force: bool,
    on_unmapped: OnUnmapped,
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
}

impl<'a> Resolver<'a> {
    /// Indexes the map; `None` means that no map is given.
    pub fn new(library: &'a Library, map: Option<&'a MaterialMap>, on_unmapped: OnUnmapped) -> Self {
        let table = PartTable::new(map.map_or(&[], |map| &map.entries), library);
        Self { library, table, map_in_force: map.is_some() || library.has_own_rules(), on_unmapped }
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
        for part in parts {
            let (assignments, worst) = self.resolve_part(part, &mut lookups, &mut outcome.findings);
            let suggestions = match worst.reason {
                Some(Reason::MaterialMissing) => suggester.for_string(worst.string.as_deref().unwrap_or_default()),
                Some(_) => suggester.for_part(part),
                None => Vec::new(),
            };
            outcome.findings.extend(self.part_findings(part, &worst));
            outcome.report.push(self.item(part, worst, suggestions), part.area);
            outcome.assignments.push(assignments);
        }
        outcome.findings.extend(suggester.limit_finding());
        outcome.findings.extend(self.table.unused(&lookups));
        outcome
    }

    /// The assignments of a part's primitives, and the resolution that its report item shows: the least certain one.
    fn resolve_part(
        &self,
        part: &PartNames,
        lookups: &mut Lookups,
        findings: &mut Vec<Finding>,
    ) -> (Vec<Assignment>, Resolution) {
        let names = Names::new(part);
        let by_name = if self.map_in_force { self.by_name(&names, lookups) } else { None };
        if by_name.as_ref().is_some_and(|hit| hit.truncated) {
            let message = "the name is cut off at 63 bytes, as Blender did; it was matched by its beginning";
            findings.push(Finding::new(Severity::Info, "truncated_name", &part.path, message));
        }
        let mut slots: HashMap<Option<&str>, Resolution> = HashMap::new();
        let mut worst: Option<Resolution> = None;
        let mut assignments = Vec::with_capacity(part.gltf_materials.len());
        let primitives: Vec<Option<&str>> = part.gltf_materials.iter().map(Option::as_deref).collect();
        // A part without primitives still has names to report on.
        let slots_to_see = if primitives.is_empty() { vec![None] } else { primitives };
        for gltf_material in slots_to_see {
            let resolution = slots
                .entry(gltf_material)
                .or_insert_with(|| self.resolve_slot(part, &names, by_name.as_ref(), gltf_material));
            assignments.push(resolution.assignment);
            if worst.as_ref().is_none_or(|worst| resolution.certainty() < worst.certainty()) {
                worst = Some(resolution.clone());
            }
        }
        assignments.truncate(part.gltf_materials.len());
        (assignments, worst.expect("a part has at least one slot to see"))
    }

    fn resolve_slot(
        &self,
        part: &PartNames,
        names: &Names<'_>,
        by_name: Option<&StringHit>,
        gltf_material: Option<&str>,
    ) -> Resolution {
        let hit = match by_name {
            Some(hit) => Some(hit.clone()),
            None if self.map_in_force => self.by_rule(part, names, gltf_material),
            None => None,
        };
        let hit = hit.or_else(|| self.by_file(part, gltf_material));
        match hit {
            Some(StringHit { method, string: Some(string), .. }) => match self.library.find(&string) {
                Some(found) => Resolution::matched(method, string, found),
                None => self.unmapped(Reason::MaterialMissing, Some(string), gltf_material),
            },
            Some(StringHit { string: None, .. }) => self.unmapped(Reason::Ambiguous, None, gltf_material),
            None if self.map_in_force => self.unmapped(Reason::NoMatch, None, gltf_material),
            None => self.kept(gltf_material),
        }
    }

    fn unmapped(&self, reason: Reason, string: Option<String>, gltf_material: Option<&str>) -> Resolution {
        let resolution = match self.on_unmapped {
            OnUnmapped::Magenta | OnUnmapped::Fail => Resolution::fallback(self.library.fallback()),
            OnUnmapped::Keep => self.kept(gltf_material),
        };
        Resolution { method: Method::Fallback, reason: Some(reason), string, ..resolution }
    }

    /// The file's own material, or the neutral one where the file has none.
    fn kept(&self, gltf_material: Option<&str>) -> Resolution {
        match gltf_material {
            Some(name) => Resolution {
                method: Method::GlbMaterial,
                string: Some(name.to_owned()),
                assignment: Assignment::KeepGlb,
                ..Resolution::fallback(self.library.neutral())
            },
            None => Resolution { neutral: true, ..Resolution::fallback(self.library.neutral()) },
        }
    }

    fn part_findings(&self, part: &PartNames, resolution: &Resolution) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut add =
            |severity, code, message: String| findings.push(Finding::new(severity, code, &part.path, message));
        let nameless = |name: &Option<String>| name.as_deref().is_none_or(is_unnamed);
        if nameless(&part.node) && nameless(&part.mesh) {
            add(
                Severity::Info,
                "unnamed_part",
                "neither the node nor its mesh has a name that says anything".to_owned(),
            );
        }
        if resolution.neutral {
            let grey = &self.library.material(self.library.neutral()).id;
            add(Severity::Info, "no_material", format!("the file gives it no material; it is shown as {grey}"));
        }
        if let Some(reason) = resolution.reason {
            let why = match (reason, &resolution.string) {
                (Reason::MaterialMissing, Some(string)) => format!("no library has the material `{string}`"),
                (Reason::Ambiguous, _) => "several entries or rules match and disagree".to_owned(),
                _ => "nothing matches its names".to_owned(),
            };
            add(Severity::Warning, "unmapped_part", format!("no material: {why}"));
        }
        let material = resolution.found.map(|(idx, _)| self.library.material(idx));
        if let Some((material, replacement)) = material.and_then(|m| Some((m, m.replaced_by.as_ref()?))) {
            add(Severity::Warning, "deprecated_material", format!("{} is deprecated; use {replacement}", material.id));
        }
        findings
    }

    fn item(&self, part: &PartNames, resolution: Resolution, suggestions: Vec<Suggestion>) -> ReportItem {
        ReportItem {
            path: part.path.clone(),
            node: part.node.clone(),
            mesh: part.mesh.clone(),
            method: resolution.method,
            material_method: resolution.found.map(|(_, method)| method),
            material: match resolution.assignment {
                Assignment::Library(idx) => Some(self.library.material(idx).id.clone()),
                Assignment::KeepGlb => None,
            },
            confidence: resolution.confidence(),
            string: resolution.string,
            reason: resolution.reason,
            suggestions,
        }
    }
}

impl Resolution {
    fn matched(method: Method, string: String, found: (LibraryMaterialIdx, MaterialMethod)) -> Self {
        let assignment = Assignment::Library(found.0);
        Self { method, string: Some(string), found: Some(found), reason: None, assignment, neutral: false }
    }

    fn fallback(material: LibraryMaterialIdx) -> Self {
        Self {
            method: Method::Fallback,
            string: None,
            found: None,
            reason: None,
            assignment: Assignment::Library(material),
            neutral: false,
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
