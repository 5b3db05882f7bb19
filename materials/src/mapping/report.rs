//! The report of a mapping, in the shape that preflight answers and sidecar files have.

use serde::Serialize;

use crate::library::MaterialMethod;
use crate::name::{is_unnamed, one_line};

/// How a part found its material string: the first hop. The order is that of the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// An entry of the map for its node path.
    Override,
    /// An entry of the map for its name.
    Exact,
    /// An entry for its name in another spelling.
    Normalized,
    /// Its name is an alias of a material.
    Alias,
    /// An entry or alias for its name without the suffixes of tools, or for a name that its own is the cut beginning
    /// of.
    Suffix,
    /// A rule of a library.
    Rule,
    /// The name of its material in the file.
    GlbMaterial,
    /// A CAD material or layer in the file's extras.
    Extras,
    /// Nothing.
    Fallback,
}

impl Method {
    /// How sure the hop is, 0 to 1.
    pub fn confidence(self) -> f64 {
        match self {
            Self::Override | Self::Exact => 1.0,
            Self::Normalized => 0.98,
            Self::Alias => 0.95,
            Self::Suffix => 0.9,
            Self::Rule => 0.85,
            Self::GlbMaterial => 0.8,
            Self::Extras => 0.6,
            Self::Fallback => 0.0,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Override => "override",
            Self::Exact => "exact",
            Self::Normalized => "normalized",
            Self::Alias => "alias",
            Self::Suffix => "suffix",
            Self::Rule => "rule",
            Self::GlbMaterial => "glb_material",
            Self::Extras => "extras",
            Self::Fallback => "no",
        }
    }
}

/// Why a part has no material.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nothing matches its names.
    NoMatch,
    /// Matches of equal rank disagree.
    Ambiguous,
    /// It found a string, but no library has such a material.
    MaterialMissing,
    /// The library could not be read, so there was nothing to look in.
    LibraryInvalid,
    /// The material needs a texture that is not there.
    TextureMissing,
}

/// Which part got which material, and why. Members and order are those of the preflight answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The library with version and digest: `STD@1.0.0#b3:…`.
    pub library: String,
    /// Number of parts.
    pub parts: usize,
    /// Parts that nothing is wrong with.
    pub resolved: usize,
    /// Parts with a reason.
    pub unmapped: usize,
    /// Share of the surface area that resolved parts have, 0 to 1; the share of parts when there is no area.
    pub coverage_area: f64,
    /// One per part, in their order.
    pub items: Vec<ReportItem>,
    #[serde(skip)]
    area_total: f64,
    #[serde(skip)]
    area_resolved: f64,
}

/// What happened to one part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReportItem {
    /// Its node path.
    pub path: String,
    /// Its node's name.
    pub node: Option<String>,
    /// Its mesh's name.
    pub mesh: Option<String>,
    /// The first hop.
    pub method: Method,
    /// The material string found.
    pub string: Option<String>,
    /// The second hop.
    pub material_method: Option<MaterialMethod>,
    /// The id of the material in effect; `None` when the file's own was kept.
    pub material: Option<String>,
    /// The lower confidence of the two hops.
    pub confidence: f64,
    /// Why nothing matched; `None` when something did.
    pub reason: Option<Reason>,
    /// Materials that a person may have meant, best first. Never applied.
    pub suggestions: Vec<Suggestion>,
    /// Of a part with several materials in its file, what became of each, in their order; the item's own members are
    /// those of the least certain one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<Slot>,
}

/// What became of one of the materials of a part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slot {
    /// The name of the material in the file, empty for one without; `None` where primitives have none.
    pub own: Option<String>,
    /// How many primitives wear it.
    pub primitives: usize,
    /// The first hop.
    pub method: Method,
    /// The second hop.
    pub material_method: Option<MaterialMethod>,
    /// The id of the material in effect; `None` when the file's own was kept.
    pub material: Option<String>,
    /// Why nothing matched; `None` when something did.
    pub reason: Option<Reason>,
}

/// A material that a person may have meant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suggestion {
    /// Its id.
    pub material: String,
    /// Likeness of the names, 0 to 1.
    pub score: f64,
}

impl Report {
    pub(super) fn new(library: String) -> Self {
        Self {
            library,
            parts: 0,
            resolved: 0,
            unmapped: 0,
            coverage_area: 1.0,
            items: Vec::new(),
            area_total: 0.0,
            area_resolved: 0.0,
        }
    }

    pub(super) fn push(&mut self, item: ReportItem, area: f64) {
        let area = if area.is_finite() { area.max(0.0) } else { 0.0 };
        self.parts += 1;
        self.area_total += area;
        if item.reason.is_none() {
            self.resolved += 1;
            self.area_resolved += area;
        } else {
            self.unmapped += 1;
        }
        self.items.push(item);
        self.coverage_area = self.coverage();
    }

    /// Puts the library material with this id on a part, whatever it was found to have; `area` is the part's, as when
    /// it was resolved.
    ///
    /// # Panics
    /// When there is no such part.
    pub fn put_on(&mut self, part_idx: usize, material: &str, area: f64) {
        let area = if area.is_finite() { area.max(0.0) } else { 0.0 };
        let item = &mut self.items[part_idx];
        if item.reason.is_some() {
            self.resolved += 1;
            self.unmapped -= 1;
            self.area_resolved += area;
        }
        item.method = Method::Override;
        item.string = Some(material.to_owned());
        item.material_method = Some(MaterialMethod::Id);
        item.material = Some(material.to_owned());
        item.confidence = 1.0;
        item.reason = None;
        item.suggestions = Vec::new();
        item.slots = Vec::new();
        self.coverage_area = self.coverage();
    }

    fn coverage(&self) -> f64 {
        if self.area_total > 0.0 && self.area_total.is_finite() {
            (self.area_resolved / self.area_total).min(1.0)
        } else {
            self.resolved as f64 / self.parts as f64
        }
    }

    /// The items that nothing matched.
    pub fn unmapped_items(&self) -> impl Iterator<Item = &ReportItem> {
        self.items.iter().filter(|item| item.reason.is_some())
    }

    /// The report of a job whose library could not be read: every part gets `fallback` with the reason
    /// `library_invalid`.
    pub fn library_invalid(fallback: &str, parts: &[super::PartNames]) -> Self {
        let mut report = Self::new(String::new());
        for part in parts {
            let item = ReportItem {
                path: part.path.clone(),
                node: part.node.clone(),
                mesh: part.mesh.clone(),
                method: Method::Fallback,
                string: None,
                material_method: None,
                material: Some(fallback.to_owned()),
                confidence: 0.0,
                reason: Some(Reason::LibraryInvalid),
                suggestions: Vec::new(),
                slots: Vec::new(),
            };
            report.push(item, part.area);
        }
        report
    }
}

impl ReportItem {
    /// What people call the part: its node's name, else its mesh's, else its path.
    pub fn display_name(&self) -> &str {
        [&self.node, &self.mesh]
            .into_iter()
            .filter_map(|name| name.as_deref())
            .find(|name| !is_unnamed(name))
            .or(self.node.as_deref().filter(|name| !name.trim().is_empty()))
            .unwrap_or(&self.path)
    }

    /// Whether its names led to an entry of the map (or, without the suffixes of tools, to an alias), even to one whose
    /// material no library has.
    pub(super) fn found_entry(&self) -> bool {
        let is_found = matches!(self.method, Method::Override | Method::Exact | Method::Normalized | Method::Suffix);
        is_found || matches!(self.reason, Some(Reason::Ambiguous | Reason::MaterialMissing))
    }

    /// The line of the log, such as `[MATERIAL] part 'Outer_Ring' → 'STD_010101_Steel-Bare' (alias match)`.
    ///
    /// The bracket names the first hop, or the second where the first was exact and the second was not.
    pub fn log_line(&self) -> String {
        let name = one_line(self.display_name());
        let Some(material) = &self.material else {
            return format!("[MATERIAL] part '{name}' → the file's own material (kept)");
        };
        format!("[MATERIAL] part '{name}' → '{}' ({} match)", one_line(material), self.match_word())
    }

    /// The hop that a person should know about: the first, or the second where the first was exact and the second was
    /// not.
    pub fn match_word(&self) -> &'static str {
        match_word(self.method, self.material_method)
    }
}

impl Slot {
    /// As [`ReportItem::match_word`].
    pub fn match_word(&self) -> &'static str {
        match_word(self.method, self.material_method)
    }
}

fn match_word(method: Method, material_method: Option<MaterialMethod>) -> &'static str {
    match (method, material_method) {
        (Method::Exact, Some(MaterialMethod::Alias)) => "alias",
        (Method::Exact, Some(second)) if !second.is_exact() => "normalized",
        (first, _) => first.word(),
    }
}
