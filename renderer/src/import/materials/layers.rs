//! Reflection beyond metallic-roughness: specular strength, anisotropy, sheen, clearcoat, iridescence.

use super::super::error::ImportError;
use super::super::member::Member;
use super::{POSITIVE, Reader, UNIT, normal_scale};
use crate::scene::{Anisotropy, SceneMaterial, Sheen};

/// An index of refraction is at least that of vacuum.
const IOR: (f32, f32) = (1.0, f32::MAX);

impl Reader<'_> {
    /// `KHR_materials_ior` and `KHR_materials_specular`.
    pub(super) fn reflection(&mut self, material: &Member<'_, '_>, out: &mut SceneMaterial) -> Result<(), ImportError> {
        if let Some(extension) = material.extension("KHR_materials_ior")? {
            // The extension's special value: the specular colour alone is the reflectance.
            if extension.number("ior")? == Some(0.0) {
                out.dielectric.f0 = 1.0;
            } else {
                let ior = self.number(&extension, "ior", 1.5, IOR)?;
                out.openpbr.specular_ior = ior;
                out.dielectric.f0 = ((ior - 1.0) / (ior + 1.0)).powi(2);
            }
        }
        if let Some(extension) = material.extension("KHR_materials_specular")? {
            out.dielectric.weight = self.number(&extension, "specularFactor", 1.0, UNIT)?;
            out.dielectric.color = self.numbers(&extension, "specularColorFactor", [1.0; 3], POSITIVE)?;
            out.textures.specular_weight = self.slot(&extension, "specularTexture")?;
            out.textures.specular_color = self.slot(&extension, "specularColorTexture")?;
        }
        Ok(())
    }

    pub(super) fn anisotropy(&mut self, material: &Member<'_, '_>, out: &mut SceneMaterial) -> Result<(), ImportError> {
        let Some(extension) = material.extension("KHR_materials_anisotropy")? else { return Ok(()) };
        let rotation_rad = extension.number("anisotropyRotation")?.unwrap_or(0.0) as f32;
        let strength = self.number(&extension, "anisotropyStrength", 0.0, UNIT)?;
        out.anisotropy = Anisotropy { strength, rotation_rad };
        out.textures.anisotropy = self.slot(&extension, "anisotropyTexture")?.filter(|_| strength > 0.0);
        Ok(())
    }

    pub(super) fn sheen(&mut self, material: &Member<'_, '_>, out: &mut SceneMaterial) -> Result<(), ImportError> {
        let Some(extension) = material.extension("KHR_materials_sheen")? else { return Ok(()) };
        let color = self.numbers(&extension, "sheenColorFactor", [0.0; 3], UNIT)?;
        let roughness = self.number(&extension, "sheenRoughnessFactor", 0.0, UNIT)?;
        let shows = color != [0.0; 3];
        out.sheen = Sheen { color, roughness };
        out.textures.sheen_color = self.slot(&extension, "sheenColorTexture")?.filter(|_| shows);
        out.textures.sheen_roughness = self.slot(&extension, "sheenRoughnessTexture")?.filter(|_| shows);
        Ok(())
    }

    /// The extension's coat: index 1.5, colourless, and without the darkening by internal reflection under it.
    pub(super) fn clearcoat(&mut self, material: &Member<'_, '_>, out: &mut SceneMaterial) -> Result<(), ImportError> {
        let Some(extension) = material.extension("KHR_materials_clearcoat")? else { return Ok(()) };
        let weight = self.number(&extension, "clearcoatFactor", 0.0, UNIT)?;
        let shows = weight > 0.0;
        out.openpbr.coat_weight = weight;
        out.openpbr.coat_roughness = self.number(&extension, "clearcoatRoughnessFactor", 0.0, UNIT)?;
        out.openpbr.coat_ior = 1.5;
        out.openpbr.coat_darkening = 0.0;
        out.textures.coat_weight = self.slot(&extension, "clearcoatTexture")?.filter(|_| shows);
        out.textures.coat_roughness = self.slot(&extension, "clearcoatRoughnessTexture")?.filter(|_| shows);
        out.textures.coat_normal = self.slot(&extension, "clearcoatNormalTexture")?.filter(|_| shows);
        out.textures.coat_normal_scale = normal_scale(&extension, "clearcoatNormalTexture")?;
        Ok(())
    }

    /// Thicknesses are in nm in the file and in µm in OpenPBR.
    pub(super) fn iridescence(
        &mut self,
        material: &Member<'_, '_>,
        out: &mut SceneMaterial,
    ) -> Result<(), ImportError> {
        const UM_PER_NM: f32 = 1e-3;
        let Some(extension) = material.extension("KHR_materials_iridescence")? else { return Ok(()) };
        let weight = self.number(&extension, "iridescenceFactor", 0.0, UNIT)?;
        let shows = weight > 0.0;
        out.openpbr.thin_film_weight = weight;
        out.openpbr.thin_film_ior = self.number(&extension, "iridescenceIor", 1.3, IOR)?;
        out.openpbr.thin_film_thickness =
            UM_PER_NM * self.number(&extension, "iridescenceThicknessMaximum", 400.0, POSITIVE)?;
        out.thin_film_thickness_min =
            UM_PER_NM * self.number(&extension, "iridescenceThicknessMinimum", 100.0, POSITIVE)?;
        out.textures.thin_film_weight = self.slot(&extension, "iridescenceTexture")?.filter(|_| shows);
        out.textures.thin_film_thickness = self.slot(&extension, "iridescenceThicknessTexture")?.filter(|_| shows);
        Ok(())
    }
}
