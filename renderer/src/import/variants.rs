//! Material variants (`KHR_materials_variants`): named alternative materials for primitives.

use super::ImportErrorCode as Code;
use super::error::{ImportError, listed, quoted};
use super::member::Member;

const EXTENSION: &str = "KHR_materials_variants";

/// The variants of a file, and the one to show.
pub(super) struct Variants<'d> {
    pub(super) names: Vec<&'d str>,
    chosen: Option<usize>,
}

impl<'d> Variants<'d> {
    /// Reads their names; `wanted` must be one of them.
    pub(super) fn read(root: &Member<'_, 'd>, wanted: Option<&str>) -> Result<Self, ImportError> {
        let mut names = Vec::new();
        if let Some(extension) = root.extension(EXTENSION)? {
            for variant in extension.items("variants")? {
                let variant = variant?;
                names.push(variant.text("name")?.ok_or_else(|| variant.missing("name"))?);
            }
        }
        let chosen = match wanted {
            None => None,
            Some(wanted) => Some(names.iter().position(|name| *name == wanted).ok_or_else(|| {
                let message = format!("there is no variant {}; {}", quoted(wanted), listed("variant", &names));
                let error = ImportError::new(Code::Variant, format!("/extensions/{EXTENSION}/variants"), message);
                error.asking(wanted, &names)
            })?),
        };
        Ok(Self { names, chosen })
    }

    /// The variant to show.
    pub(super) fn chosen(&self) -> Option<&'d str> {
        self.names.get(self.chosen?).copied()
    }

    /// The material that the variant gives to a primitive; `None` if it changes nothing. Checks all mappings.
    pub(super) fn material(
        &self,
        primitive: &Member<'_, '_>,
        material_count: usize,
    ) -> Result<Option<usize>, ImportError> {
        let Some(extension) = primitive.extension(EXTENSION)? else { return Ok(None) };
        let mut chosen = None;
        for mapping in extension.items("mappings")? {
            let mapping = mapping?;
            let material = mapping.required_index("material", material_count, "material")?;
            let variants = mapping.indices("variants", self.names.len(), "variant")?;
            if self.chosen.is_some_and(|variant| variants.contains(&variant)) {
                chosen = chosen.or(Some(material));
            }
        }
        Ok(chosen)
    }
}
