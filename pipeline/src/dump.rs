//! What a shot file says of a product's parts.

use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::prepare::PartMaterial;
use packshot_renderer::shot::document::write::DumpMaterial;

use crate::product::{PaletteMaterial, PartMaterials, Product};

/// The material that stands for a part which is not shown: the format has no other way to say so, and who reads it hides parts of
/// opacity 0.
const HIDDEN: &str = "hidden";

/// The parameters of a part that is not shown, for [`parts`].
pub fn hidden() -> OpenPbr {
    OpenPbr { geometry_opacity: 0.0, ..OpenPbr::default() }
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
