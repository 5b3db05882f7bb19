//! Parts that a picture shows in the fallback material: by name, with what the file says about each. Whoever proposes
//! materials for them needs no more.

use std::collections::HashMap;

use packshot_materials::mapping::{OnUnmapped, PartNames, Reason, Report, ReportItem};
use packshot_materials::name::{is_unnamed, match_key};
use packshot_pipeline::product::Product;
use packshot_renderer::scene::Part;
use serde::{Deserialize, Serialize};

use super::protocol::text;
use packshot_domain::review::{self, NODE_PATHS_MAX, PARTS_MAX, UnmappedReason};

/// A name without a material, with all parts that bear it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnmappedPart {
    /// The name, as the file has it.
    pub part_name: String,
    /// Whether it says anything.
    pub is_named: bool,
    /// The word for a material that no library has.
    pub material_string: Option<String>,
    /// Why there is no material.
    #[serde(with = "text")]
    pub reason: UnmappedReason,
    /// Where the parts are; not all of very many.
    pub node_paths: Vec<String>,
    /// How many there are.
    pub instances: u32,
    /// Their share of the surface, 0 to 1.
    pub area_share: f64,
    /// The name of the material in the file.
    pub gltf_material: Option<String>,
    /// The base colour of that, linear Rec.709.
    pub gltf_color: Option<[f64; 3]>,
    /// CAD materials or layers that the file names.
    pub cad_names: Vec<String>,
}

/// The names of a product that are in the fallback material, in the order of its parts, as many as a review can have.
pub(super) fn of(product: &Product, report: &Report, on_unmapped: OnUnmapped) -> Vec<UnmappedPart> {
    // What keeps the file's own material is not in the fallback.
    if report.unmapped == 0 || on_unmapped == OnUnmapped::Keep {
        return Vec::new();
    }
    let names = product.part_names();
    let area = |part: &PartNames| if part.area.is_finite() { part.area.max(0.0) } else { 0.0 };
    let total: f64 = names.iter().map(area).sum();
    let mut found: Vec<UnmappedPart> = Vec::new();
    let mut places: HashMap<(String, UnmappedReason, Option<String>), usize> = HashMap::new();
    for ((item, part), names) in report.items.iter().zip(&product.scene.parts).zip(&names) {
        let Some(reason) = item.reason.map(reason_of) else { continue };
        let string = item.string.clone().filter(|_| reason == UnmappedReason::MaterialMissing);
        let name = item.display_name();
        let key = (match_key(name), reason, string.clone());
        let place = match places.get(&key) {
            Some(place) => *place,
            None if found.len() >= PARTS_MAX => continue,
            None => {
                places.insert(key, found.len());
                let (gltf_material, gltf_color) = own_material(product, part, item);
                found.push(UnmappedPart {
                    part_name: name.to_owned(),
                    is_named: is_named(item),
                    material_string: string,
                    reason,
                    node_paths: Vec::new(),
                    instances: 0,
                    area_share: 0.0,
                    gltf_material,
                    gltf_color,
                    cad_names: names.extras.clone(),
                });
                found.len() - 1
            }
        };
        let entry = &mut found[place];
        entry.instances += 1;
        if entry.node_paths.len() < NODE_PATHS_MAX {
            entry.node_paths.push(item.path.clone());
        }
        if total > 0.0 {
            entry.area_share += area(names) / total;
        }
    }
    found
}

fn is_named(item: &ReportItem) -> bool {
    [&item.node, &item.mesh].into_iter().flatten().any(|name| !is_unnamed(name))
}

const fn reason_of(reason: Reason) -> UnmappedReason {
    match reason {
        Reason::NoMatch => UnmappedReason::NoMatch,
        Reason::Ambiguous => UnmappedReason::Ambiguous,
        Reason::MaterialMissing => UnmappedReason::MaterialMissing,
        Reason::LibraryInvalid => UnmappedReason::LibraryInvalid,
        Reason::TextureMissing => UnmappedReason::TextureMissing,
    }
}

/// Name and base colour of what a part wears in its file: of its first primitive that wears anything and, of a part
/// with several materials, has no other here.
fn own_material(product: &Product, part: &Part, item: &ReportItem) -> (Option<String>, Option<[f64; 3]>) {
    let scene = &product.scene;
    let is_mapped =
        |name: &str| item.slots.iter().any(|slot| slot.own.as_deref() == Some(name) && slot.reason.is_none());
    let primitives = &scene.meshes[part.mesh.0 as usize].primitives;
    let worn = primitives.iter().filter_map(|primitive| Some(&scene.materials[primitive.material?.0 as usize]));
    let worn = worn.into_iter().find(|material| !is_mapped(material.name.as_deref().unwrap_or_default()));
    let Some(material) = worn else { return (None, None) };
    let name = material.name.clone().filter(|name| !name.trim().is_empty());
    (name, Some(material.openpbr.base_color.map(f64::from)))
}

impl From<UnmappedPart> for review::UnmappedPart {
    fn from(part: UnmappedPart) -> Self {
        let part_key = match_key(&part.part_name);
        let alias_key = part.material_string.as_deref().map_or_else(|| part_key.clone(), match_key);
        Self {
            part_key,
            alias_key,
            part_name: part.part_name,
            is_named: part.is_named,
            material_string: part.material_string,
            reason: part.reason,
            node_paths: part.node_paths,
            instances: part.instances,
            area_share: part.area_share,
            gltf_material: part.gltf_material,
            gltf_color: part.gltf_color,
            cad_names: part.cad_names,
        }
    }
}
