//! `KHR_materials_pbrSpecularGlossiness`, which replaces metallic-roughness where both are given.
//!
//! Converted without loss, as the section "Specular-glossiness materials" of `KHR_materials_specular` says: a
//! dielectric of index 0, so that the specular colour is the reflectance at normal incidence, over the diffuse colour
//! as base colour. Other converters approximate such materials by metalness, which cannot express coloured dielectrics.
//! Roughness is 1 − glossiness; a glossiness texture becomes a roughness texture.

use super::super::error::ImportError;
use super::super::member::Member;
use super::{Reader, UNIT};
use crate::scene::{DielectricReflection, SceneMaterial};

impl Reader<'_> {
    /// Reads the material and returns the alpha factor.
    pub(super) fn specular_glossiness(
        &mut self,
        extension: &Member<'_, '_>,
        out: &mut SceneMaterial,
    ) -> Result<f32, ImportError> {
        let [r, g, b, a] = self.numbers(extension, "diffuseFactor", [1.0; 4], UNIT)?;
        let specular = self.numbers(extension, "specularFactor", [1.0; 3], UNIT)?;
        let glossiness = self.number(extension, "glossinessFactor", 1.0, UNIT)?;
        let texture = self.slot(extension, "specularGlossinessTexture")?;
        out.openpbr.base_color = [r, g, b];
        out.openpbr.base_metalness = 0.0;
        out.dielectric = DielectricReflection { f0: 1.0, weight: 1.0, color: specular };
        out.textures.base_color = self.slot(extension, "diffuseTexture")?;
        out.textures.specular_weight = None;
        out.textures.specular_color = texture;
        match texture {
            Some(stored) => {
                let texture = self.textures.roughness_of_glossiness(stored.texture, glossiness);
                out.textures.metallic_roughness = texture.map(|texture| crate::scene::TextureRef { texture, ..stored });
                out.openpbr.specular_roughness = 1.0;
            }
            None => {
                out.textures.metallic_roughness = None;
                out.openpbr.specular_roughness = 1.0 - glossiness;
            }
        }
        Ok(a)
    }
}
