//! A product as a GLB: for viewers, in the colours of its library materials, or for production, in these materials as
//! far as glTF's extensions have them.
//!
//! Input: a [`Product`] with its [`PartMaterials`]. Output: the bytes of the file, with findings about what of which
//! material is not in it. Parts without a material are (1, 0,
//! 1), whatever the library's fallback material is; only parts that the request lets keep their file's own materials
//! have those.

use std::collections::HashMap;

use packshot_materials::library::Texture;
use packshot_materials::mapping::{OwnMaterial, ReportItem};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::CancelToken;
use packshot_renderer::color::srgb;
use packshot_renderer::export::{self, ExportError, LibraryMaterial, Worn};
pub use packshot_renderer::export::{Export, ExportForm, ExportQuality};
use packshot_renderer::prepare::{PartMaterial, PrepareError};

use crate::error::{Error, ErrorKind, Fault};
use crate::product::{PaletteMaterial, PartMaterials, Product};

/// Writes a product.
///
/// # Errors
/// `output_too_large` for one that a GLB has no room for; `cancelled`.
pub fn glb(
    product: &Product,
    materials: &PartMaterials,
    form: ExportForm,
    cancel: &CancelToken,
) -> Result<Export, Error> {
    let means = materials.palette.iter().map(mean_parameters).collect::<Result<Vec<OpenPbr>, Error>>()?;
    let library: Vec<LibraryMaterial<'_>> = materials.palette.iter().zip(&means).map(of_palette).collect();
    let worn = worn(product, materials);
    Ok(export::glb(&product.scene, &library, &worn, form, &|| cancel.is_cancelled())?)
}

fn of_palette<'a>((material, openpbr): (&'a PaletteMaterial, &'a OpenPbr)) -> LibraryMaterial<'a> {
    let PaletteMaterial { id, priority, surface, textures, .. } = material;
    LibraryMaterial { id, openpbr, surface, has_textures: textures.is_some(), priority: *priority }
}

/// The parameters of a material with its pictures of colour and roughness at their means.
fn mean_parameters(material: &PaletteMaterial) -> Result<OpenPbr, Error> {
    let mut openpbr = material.openpbr;
    let Some(textures) = &material.textures else { return Ok(openpbr) };
    let mean = |texture: &Texture, decode: fn(f32) -> f32| {
        let image = texture.image().map_err(PrepareError::Texture)?;
        let sum = |channel: usize| {
            image.rgba8.iter().map(|texel| f64::from(decode(f32::from(texel[channel]) / 255.0))).sum::<f64>()
        };
        Ok::<_, Error>([0, 1, 2].map(|channel| (sum(channel) / image.rgba8.len() as f64) as f32))
    };
    if let Some(texture) = &textures.base_color {
        let mean = mean(texture, srgb::decode)?;
        openpbr.base_color = std::array::from_fn(|channel| openpbr.base_color[channel] * mean[channel]);
    }
    if let Some(texture) = &textures.roughness {
        openpbr.specular_roughness *= mean(texture, |value| value)?[1];
    }
    Ok(openpbr)
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
        let unmapped = unmapped(items.get(i), own);
        let of_primitive = |primitive: usize| {
            let entry = match material {
                PartMaterial::Own => None,
                PartMaterial::Palette(entry) => Some(*entry),
                PartMaterial::PerPrimitive(each) => each[primitive],
            };
            match entry {
                None => Worn::Own,
                Some(_) if unmapped[primitive] => Worn::Unmapped,
                Some(entry) => Worn::Library(entry),
            }
        };
        (0..own.len()).map(of_primitive).collect()
    };
    materials.parts.iter().enumerate().map(of_part).collect()
}

/// Whether each primitive of a part is one that nothing matched. The report has an entry for each material that the
/// part has in its file, in the order of their first primitives, unless it is one for all.
fn unmapped(item: Option<&ReportItem>, own: &[OwnMaterial]) -> Vec<bool> {
    let Some(item) = item.filter(|item| !item.slots.is_empty()) else {
        return vec![item.is_some_and(|item| item.reason.is_some()); own.len()];
    };
    let mut slot_of: HashMap<&OwnMaterial, usize> = HashMap::new();
    let of_primitive = |material| {
        let n_slots = slot_of.len();
        let slot = *slot_of.entry(material).or_insert(n_slots);
        item.slots.get(slot).is_some_and(|slot| slot.reason.is_some())
    };
    own.iter().map(of_primitive).collect()
}

#[cfg(test)]
mod tests;
