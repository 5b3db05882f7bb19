//! Which part gets which material.

use std::sync::Arc;

use packshot_json::FaultKind;
use packshot_materials::library::Library;
use packshot_materials::map::{MapEntry, MaterialMap, PartSelector};
use packshot_materials::mapping::OnUnmapped;
use packshot_renderer::diagnostic::option_place;

use super::PicturePlan;
use super::fault::{OptionFault, say};
use super::table::{OptionId as O, Options};
use crate::error::Error;
use crate::request::MaterialRequest;
use crate::template::Overrides;

/// A part and its material, as an entry that was given by hand names them.
fn entry(text: &str) -> Option<(&str, &str)> {
    // The last `=` separates: names of parts may contain one, names of materials do not.
    let (part, material) = text.rsplit_once('=')?;
    let (part, material) = (part.trim(), material.trim());
    (!part.is_empty() && !material.is_empty()).then_some((part, material))
}

/// Checks the entries that were given by hand.
pub(super) fn complete(given: &Options, options: &mut Options, faults: &mut Vec<OptionFault>) {
    for (i, text) in given.material.iter().flatten().enumerate() {
        if entry(text).is_none() {
            let message = say!["expected PART=MATERIAL, such as Outer_Ring=Steel"];
            faults.push(OptionFault::new(O::Material, FaultKind::Range, message).at(format!("/{i}")));
        }
    }
    if options.clay == Some(true) {
        options.materials = None;
    }
}

impl PicturePlan {
    /// The map in force, if one is: entries that were given by hand take the place of all others for their parts.
    fn material_map(&self) -> Option<MaterialMap> {
        let map = self.options.materials.as_ref().and_then(|materials| materials.map.clone());
        let by_hand: Vec<MapEntry> = self
            .by_hand()
            .map(|(part, material)| MapEntry {
                part: PartSelector::Name(part.to_owned()),
                material: Some(material.to_owned()),
                at: format!("{} {part}={material}", option_place("material")),
            })
            .collect();
        if by_hand.is_empty() {
            return map;
        }
        let mut entries = map.unwrap_or_default().entries;
        entries.retain(|entry| !by_hand.iter().any(|other| other.part == entry.part));
        // Of two for one part the later counts.
        for entry in by_hand {
            entries.retain(|other| other.part != entry.part);
            entries.push(entry);
        }
        Some(MaterialMap { entries })
    }

    fn by_hand(&self) -> impl Iterator<Item = (&str, &str)> {
        self.options.material.iter().flatten().filter_map(|text| entry(text))
    }

    /// The parts whose material was chosen by hand: no template changes it.
    fn spared_parts(&self) -> Vec<String> {
        self.by_hand().map(|(part, _)| part.to_owned()).collect()
    }

    /// Which part gets which material out of a library, with what the template puts on.
    ///
    /// # Errors
    /// `template.…` for what the template puts on and the library does not have.
    pub fn material_request(&self, library: Arc<Library>) -> Result<MaterialRequest, Error> {
        let overrides = match &self.template {
            Some(template) => Overrides::new(&template.overrides, &library, self.spared_parts())?,
            None => Overrides::default(),
        };
        Ok(MaterialRequest { library, map: self.material_map(), on_unmapped: self.on_unmapped(), overrides })
    }

    /// What becomes of parts that nothing matches.
    pub fn on_unmapped(&self) -> OnUnmapped {
        self.options.on_unmapped.unwrap_or_default()
    }

    /// Whether all parts wear one light grey material.
    pub fn is_clay(&self) -> bool {
        self.options.clay == Some(true)
    }
}
