//! Which part gets which material.

use std::sync::Arc;

use packshot_json::FaultKind;
use packshot_materials::library::Library;
use packshot_materials::map::{Covers, MapEntry, MaterialMap, Origin, PartSelector};
use packshot_materials::mapping::{OnUnmapped, Policy};
use packshot_renderer::diagnostic::{Diagnostic, Severity, option_place};

use super::PicturePlan;
use super::fault::{OptionFault, say};
use super::table::{OptionId as O, Options};
use crate::error::Error;
use crate::request::MaterialRequest;
use crate::template::Overrides;

/// The part and the material of an entry that was given by hand.
fn entry(text: &str) -> Option<(&str, &str)> {
    // The last `=` separates: part names may contain one, material names do not.
    let (part, material) = text.rsplit_once('=')?;
    let (part, material) = (part.trim(), material.trim());
    (!part.is_empty() && !material.is_empty()).then_some((part, material))
}

/// Checks the entries given by hand.
pub(super) fn complete(given: &Options, options: &mut Options, faults: &mut Vec<OptionFault>) {
    for (i, text) in given.material.iter().flatten().enumerate() {
        if entry(text).is_none() {
            let message = say![format!("`{text}` is not PART=MATERIAL, such as Outer_Ring=Steel")];
            faults.push(OptionFault::new(O::Material, FaultKind::Range, message).at(format!("/{i}")));
        }
    }
    // If some parts are given by hand, the others keep their materials by default.
    let names_some_parts = given.material.as_ref().is_some_and(|entries| !entries.is_empty());
    let has_map = options.materials.as_ref().is_some_and(|materials| materials.map.is_some());
    if options.on_unmapped.is_none() && (has_map || !names_some_parts) {
        options.on_unmapped = Some(OnUnmapped::default());
    }
}

impl PicturePlan {
    /// The map in force, if any: entries given by hand replace all others for their parts.
    fn material_map(&self) -> Option<MaterialMap> {
        let map = self.options.materials.as_ref().and_then(|materials| materials.map.clone());
        let entry = |(part, material): (&str, &str)| MapEntry {
            part: PartSelector::Name(part.to_owned()),
            material: Some(material.to_owned()),
            at: format!("{} {part}={material}", option_place("material")),
            origin: Origin::Hand,
        };
        let mut by_hand: Vec<MapEntry> = Vec::new();
        for entry in self.by_hand().map(entry) {
            // If there are two for one part, the later one wins.
            by_hand.retain(|other| other.part != entry.part);
            by_hand.push(entry);
        }
        if by_hand.is_empty() {
            return map;
        }
        // If only some parts are named, the map says nothing about the others, unless an option says what happens to
        // them.
        let covers = if self.options.on_unmapped.is_none() { Covers::NamedParts } else { Covers::AllParts };
        let by_hand = MaterialMap { entries: by_hand, covers };
        Some(match map {
            Some(map) => by_hand.over(map),
            None => by_hand,
        })
    }

    fn by_hand(&self) -> impl Iterator<Item = (&str, &str)> {
        self.options.material.iter().flatten().filter_map(|text| entry(text))
    }

    /// The parts whose material was chosen by hand: templates do not change it.
    fn spared_parts(&self) -> Vec<String> {
        self.by_hand().map(|(part, _)| part.to_owned()).collect()
    }

    /// How parts get materials from a library, including the template's overrides.
    ///
    /// # Errors
    /// `template.…` if the library lacks a material that the template needs.
    pub fn material_request(&self, library: Arc<Library>) -> Result<MaterialRequest, Error> {
        let overrides = match &self.template {
            Some(template) => Overrides::new(&template.overrides, &library, self.spared_parts())?,
            None => Overrides::default(),
        };
        let policy = Policy { on_unmapped: self.on_unmapped(), map_by: self.options.map_by.unwrap_or_default() };
        Ok(MaterialRequest { library, map: self.material_map(), policy, overrides })
    }

    /// What happens to unmapped parts.
    pub fn on_unmapped(&self) -> OnUnmapped {
        self.options.on_unmapped.unwrap_or_default()
    }

    /// Whether all parts wear the same light grey material.
    pub fn is_clay(&self) -> bool {
        self.options.clay == Some(true)
    }

    /// A finding for each option that says which part gets which material, and is not needed because all are clay.
    pub(crate) fn unused_for_clay(&self) -> Vec<Diagnostic> {
        let has_map = self.options.materials.as_ref().is_some_and(|materials| materials.map.is_some());
        let unused = [(O::Materials, has_map), (O::Material, self.by_hand().next().is_some())];
        let unused = unused.into_iter().filter(|(_, is_unused)| *is_unused && self.is_clay());
        let finding = |(option, _): (O, bool)| Diagnostic {
            code: "materials_not_used",
            severity: Severity::Warning,
            at: option_place(option.spec().name),
            message: "every part is shown in clay, so the chosen materials are not used".to_owned(),
        };
        unused.map(finding).collect()
    }
}
