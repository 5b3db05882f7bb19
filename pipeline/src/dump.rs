//! What a shot file says of a product's parts.

use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::import::ImportOptions;
use packshot_renderer::look::Look;
use packshot_renderer::prepare::PartMaterial;
use packshot_renderer::shot::document::write::DumpMaterial;
use packshot_words::Word;

use crate::product::{PaletteMaterial, PartMaterials, Product};

/// The material that stands for a part which is not shown: the format has no other way to say so, and who reads it hides parts of
/// opacity 0.
const HIDDEN: &str = "hidden";

/// The parameters of a part that is not shown, for [`parts`].
pub fn hidden() -> OpenPbr {
    OpenPbr { geometry_opacity: 0.0, ..OpenPbr::default() }
}

/// What of the import a shot file has no place for: it changes the product itself.
pub fn left_out(import: &ImportOptions) -> Vec<String> {
    let variant = import.variant.iter().map(|name| format!("variant {name}"));
    let pose = import.pose.iter().map(|pose| match &pose.animation {
        Some(name) => format!("animation {name} at {} s", pose.time_s),
        None => format!("first animation at {} s", pose.time_s),
    });
    variant.chain(pose).chain(look_left_out(import.look)).collect()
}

/// A shot file says nothing of looks: it is read in that of glTF unless somebody says otherwise.
pub fn look_left_out(look: Look) -> Option<String> {
    (look != Look::default()).then(|| format!("look {}", look.word()))
}

/// Each part of the file by its name, in the file's order, with the material of its first primitive that has one: the format gives a part
/// one material.
pub fn parts<'a>(
    product: &'a Product,
    materials: &'a PartMaterials,
    hidden: &'a OpenPbr,
) -> Vec<(String, Option<DumpMaterial<'a>>)> {
    let shown = product.scene.parts.iter().zip(&materials.parts).map(|(part, material)| {
        let index = match material {
            PartMaterial::Own => None,
            PartMaterial::Palette(index) => Some(*index),
            PartMaterial::PerPrimitive(each) => each.iter().copied().flatten().next(),
        };
        (part, index.map(|index| of_palette(&materials.palette[index])))
    });
    let not_shown = DumpMaterial { id: HIDDEN, openpbr: hidden, left_out: &[] };
    let hidden = product.hidden.iter().map(|part| (part, Some(not_shown)));
    let mut parts: Vec<_> = shown.chain(hidden).collect();
    parts.sort_by_key(|(part, _)| part.node_idx);
    parts.into_iter().map(|(part, material)| (part.name(), material)).collect()
}

fn of_palette(material: &PaletteMaterial) -> DumpMaterial<'_> {
    DumpMaterial { id: &material.id, openpbr: &material.openpbr, left_out: &material.left_out }
}
