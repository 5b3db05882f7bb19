//! `KHR_materials_pbrSpecularGlossiness`, which replaces metallic-roughness where both are given.
//!
//! Converted without loss, as the section "Specular-glossiness materials" of `KHR_materials_specular` says: a
//! dielectric of index 0, so that the specular colour is the reflectance along the normal, over the diffuse colour as
//! base colour. Metalness, into which other converters press such materials, has no equal for coloured dielectrics.
//! Roughness is 1 − glossiness; where a texture varies it, it becomes a texture of roughness.

use super::super::error::ImportError;
use super::super::member::Member;
use super::{Reader, UNIT};
use crate::scene::{DielectricReflection, SceneMaterial};

impl Reader<'_> {
    /// Gives the alpha factor.
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
