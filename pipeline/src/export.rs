//! A product as a GLB for viewers, in the colours of its library materials.
//!
//! Input: a [`Product`] with its [`PartMaterials`]. Output: the bytes of the file. Parts without a material are (1, 0,
//! 1), whatever the library's fallback material is; only parts that the request lets keep their file's own materials
//! have those.

use packshot_materials::mapping::{OwnMaterial, ReportItem};
use packshot_renderer::backend::CancelToken;
pub use packshot_renderer::export::ExportQuality;
use packshot_renderer::export::{self, ExportError, ViewerMaterial, Worn};
use packshot_renderer::prepare::PartMaterial;

use crate::error::{Error, ErrorKind, Fault};
use crate::product::{PaletteMaterial, PartMaterials, Product};

/// Writes a product.
///
/// # Errors
/// `output_too_large` for one that a GLB has no room for; `cancelled`.
pub fn glb(
    product: &Product,
    materials: &PartMaterials,
    quality: ExportQuality,
    cancel: &CancelToken,
) -> Result<Vec<u8>, Error> {
    let palette = materials.palette.iter();
    let library: Vec<ViewerMaterial<'_>> =
        palette.map(|PaletteMaterial { id, openpbr, .. }| ViewerMaterial { id, openpbr }).collect();
    let worn = worn(product, materials);
    Ok(export::glb(&product.scene, &library, &worn, quality, &|| cancel.is_cancelled())?)
}

impl From<ExportError> for Error {
    fn from(error: ExportError) -> Self {
        let (kind, fault) = match &error {
            ExportError::Cancelled => return Self::cancelled(),
            ExportError::TooLarge { .. } => {
                let fault = Fault::new("output_too_large", error.to_string());
                (ErrorKind::Input, fault.help("export fewer parts at once, or in a lower quality"))
            }
            ExportError::Texture(_) => (ErrorKind::Internal, Fault::new("internal", error.to_string())),
        };
        Self::new(kind, fault)
    }
}

/// What each primitive of each part wears.
fn worn(product: &Product, materials: &PartMaterials) -> Vec<Vec<Worn>> {
    let names = product.part_names();
    let items = materials.report.as_ref().map_or(&[][..], |report| &report.items);
    let of_part = |(i, material): (usize, &PartMaterial)| {
        let own = &names[i].own;
        let of_primitive = |primitive: usize| {
            let entry = match material {
                PartMaterial::Own => None,
                PartMaterial::Palette(entry) => Some(*entry),
                PartMaterial::PerPrimitive(each) => each[primitive],
            };
            match entry {
                None => Worn::Own,
                Some(_) if items.get(i).is_some_and(|item| is_unmapped(item, own, primitive)) => Worn::Unmapped,
                Some(entry) => Worn::Library(entry),
            }
        };
        (0..own.len()).map(of_primitive).collect()
    };
    materials.parts.iter().enumerate().map(of_part).collect()
}

/// Whether a primitive of a part is one that nothing matched. The report has an entry for each material that the part
/// has in its file, in the order of their first primitives, unless it is one for all.
fn is_unmapped(item: &ReportItem, own: &[OwnMaterial], primitive: usize) -> bool {
    if item.slots.is_empty() {
        return item.reason.is_some();
    }
    let mut seen: Vec<&OwnMaterial> = Vec::new();
    for material in own {
        if !seen.contains(&material) {
            seen.push(material);
        }
    }
    let slot = seen.iter().position(|material| **material == own[primitive]);
    slot.and_then(|slot| item.slots.get(slot)).is_some_and(|slot| slot.reason.is_some())
}

#[cfg(test)]
mod tests;
