//! Materials as glTF's metallic-roughness model has them, with the extensions of Khronos: the inverse of
//! `import/materials.rs`.

use std::collections::BTreeSet;

use packshot_materials::openpbr::OpenPbr;
use serde_json::{Map, Value, json};

use super::ExportError;
use super::geometry::Coordinates;
use super::material::{Needs, short};
use crate::scene::{AlphaMode, SceneMaterial, TextureRef};

const WHITE: [f32; 3] = [1.0; 3];
/// Nanometres in a micrometre.
const NM_PER_UM: f32 = 1e3;

/// Gives a texture its index in the file to be written.
type WriteTexture<'a> = dyn FnMut(&TextureRef) -> Result<usize, ExportError> + 'a;

/// Writes a material. Bodies have the `thickness_m` that viewers assume; the names of extensions are added to `used`.
///
/// # Errors
/// Those of `write`.
pub(super) fn write(
    m: &SceneMaterial,
    thickness_m: f32,
    used: &mut BTreeSet<&'static str>,
    write: &mut WriteTexture<'_>,
) -> Result<(Value, Needs), ExportError> {
    let textures = &m.textures;
    let has_grain = m.anisotropy.strength > 0.0;
    let tangents = textures.normal.is_some() || textures.coat_normal.is_some() || has_grain;
    let mut file = Writer { used, write, needs: Needs { coordinates: Vec::new(), tangents }, made: Map::new() };
    let mut json = file.metallic_roughness(m)?;
    file.reflection(m)?;
    file.layers(m)?;
    file.transmission(m)?;
    let is_solid = m.is_body();
    if is_solid {
        file.volume(&m.openpbr, thickness_m);
    }
    // What bounds a volume has an inside: the extension advises against two sides.
    if m.double_sided && !is_solid {
        json["doubleSided"] = true.into();
    }
    if m.unlit {
        file.put("KHR_materials_unlit", json!({}));
    }
    file.emission(m, &mut json)?;
    let Writer { needs, made, used, .. } = file;
    used.extend(made.keys().filter_map(|name| EXTENSIONS.into_iter().find(|known| known == name)));
    if !made.is_empty() {
        json["extensions"] = made.into();
    }
    Ok((json, needs))
}

/// What materials may use, beside `KHR_texture_transform`.
const EXTENSIONS: [&str; 13] = [
    "KHR_materials_anisotropy",
    "KHR_materials_clearcoat",
    "KHR_materials_diffuse_transmission",
    "KHR_materials_dispersion",
    "KHR_materials_emissive_strength",
    "KHR_materials_ior",
    "KHR_materials_iridescence",
    "KHR_materials_sheen",
    "KHR_materials_specular",
    "KHR_materials_transmission",
    "KHR_materials_unlit",
    "KHR_materials_volume",
    "KHR_materials_volume_scatter",
];

/// A material under construction.
struct Writer<'a, 'w> {
    used: &'a mut BTreeSet<&'static str>,
    write: &'a mut WriteTexture<'w>,
    needs: Needs,
    made: Map<String, Value>,
}

impl Writer<'_, '_> {
    fn metallic_roughness(&mut self, m: &SceneMaterial) -> Result<Value, ExportError> {
        let SceneMaterial { name, openpbr, textures, alpha, .. } = m;
        let opacity = if *alpha == AlphaMode::Opaque { 1.0 } else { openpbr.geometry_opacity };
        let [r, g, b] = openpbr.base_color;
        let color = [r, g, b, opacity].map(|value| short(value.clamp(0.0, 1.0)));
        let mut pbr = json!({
            "baseColorFactor": color,
            "metallicFactor": short(openpbr.base_metalness.clamp(0.0, 1.0)),
            "roughnessFactor": short(openpbr.specular_roughness.clamp(0.0, 1.0)),
        });
        self.slot(&mut pbr, "baseColorTexture", &textures.base_color)?;
        self.slot(&mut pbr, "metallicRoughnessTexture", &textures.metallic_roughness)?;
        let mut json = json!({ "pbrMetallicRoughness": pbr });
        if let Some(name) = name {
            json["name"] = name.as_str().into();
        }
        match alpha {
            AlphaMode::Opaque => {}
            AlphaMode::Mask { cutoff } => {
                json["alphaMode"] = "MASK".into();
                json["alphaCutoff"] = short(*cutoff);
            }
            AlphaMode::Blend => json["alphaMode"] = "BLEND".into(),
        }
        self.slot(&mut json, "normalTexture", &textures.normal)?;
        if textures.normal.is_some() && textures.normal_scale != 1.0 {
            json["normalTexture"]["scale"] = short(textures.normal_scale);
        }
        self.slot(&mut json, "occlusionTexture", &textures.occlusion)?;
        Ok(json)
    }

    fn reflection(&mut self, m: &SceneMaterial) -> Result<(), ExportError> {
        let (dielectric, textures) = (&m.dielectric, &m.textures);
        // The extension's special value: the specular colour alone is the reflectance.
        let ior = if dielectric.f0 >= 1.0 { 0.0 } else { m.openpbr.specular_ior };
        if ior != 1.5 {
            self.put("KHR_materials_ior", json!({ "ior": short(ior) }));
        }
        let has_texture = textures.specular_weight.is_some() || textures.specular_color.is_some();
        if dielectric.weight != 1.0 || dielectric.color != WHITE || has_texture {
            let mut specular = json!({});
            set(&mut specular, "specularFactor", dielectric.weight, 1.0);
            if dielectric.color != WHITE {
                specular["specularColorFactor"] = dielectric.color.map(short).to_vec().into();
            }
            self.slot(&mut specular, "specularTexture", &textures.specular_weight)?;
            self.slot(&mut specular, "specularColorTexture", &textures.specular_color)?;
            self.put("KHR_materials_specular", specular);
        }
        if m.anisotropy.strength > 0.0 {
            let mut anisotropy = json!({ "anisotropyStrength": short(m.anisotropy.strength) });
            set(&mut anisotropy, "anisotropyRotation", m.anisotropy.rotation_rad, 0.0);
            self.slot(&mut anisotropy, "anisotropyTexture", &textures.anisotropy)?;
            self.put("KHR_materials_anisotropy", anisotropy);
        }
        Ok(())
    }

    /// Sheen, clearcoat, thin film.
    fn layers(&mut self, m: &SceneMaterial) -> Result<(), ExportError> {
        let (openpbr, textures) = (&m.openpbr, &m.textures);
        if m.sheen.color != [0.0; 3] {
            let mut sheen = json!({ "sheenColorFactor": m.sheen.color.map(short) });
            set(&mut sheen, "sheenRoughnessFactor", m.sheen.roughness, 0.0);
            self.slot(&mut sheen, "sheenColorTexture", &textures.sheen_color)?;
            self.slot(&mut sheen, "sheenRoughnessTexture", &textures.sheen_roughness)?;
            self.put("KHR_materials_sheen", sheen);
        }
        if openpbr.coat_weight > 0.0 {
            let mut coat = json!({ "clearcoatFactor": short(openpbr.coat_weight) });
            // Also where it is the default, 0: Blender has another one.
            coat["clearcoatRoughnessFactor"] = short(openpbr.coat_roughness);
            self.slot(&mut coat, "clearcoatTexture", &textures.coat_weight)?;
            self.slot(&mut coat, "clearcoatRoughnessTexture", &textures.coat_roughness)?;
            self.slot(&mut coat, "clearcoatNormalTexture", &textures.coat_normal)?;
            if textures.coat_normal.is_some() && textures.coat_normal_scale != 1.0 {
                coat["clearcoatNormalTexture"]["scale"] = short(textures.coat_normal_scale);
            }
            self.put("KHR_materials_clearcoat", coat);
        }
        if openpbr.thin_film_weight > 0.0 {
            let mut film = json!({
                "iridescenceFactor": short(openpbr.thin_film_weight),
                "iridescenceIor": short(openpbr.thin_film_ior),
                "iridescenceThicknessMaximum": short(openpbr.thin_film_thickness * NM_PER_UM),
            });
            if textures.thin_film_thickness.is_some() {
                film["iridescenceThicknessMinimum"] = short(m.thin_film_thickness_min * NM_PER_UM);
            }
            self.slot(&mut film, "iridescenceTexture", &textures.thin_film_weight)?;
            self.slot(&mut film, "iridescenceThicknessTexture", &textures.thin_film_thickness)?;
            self.put("KHR_materials_iridescence", film);
        }
        Ok(())
    }

    fn transmission(&mut self, m: &SceneMaterial) -> Result<(), ExportError> {
        let (weight, textures) = (m.openpbr.transmission_weight, &m.textures);
        if weight > 0.0 {
            let mut transmission = json!({ "transmissionFactor": short(weight) });
            self.slot(&mut transmission, "transmissionTexture", &textures.transmission)?;
            self.put("KHR_materials_transmission", transmission);
        }
        let diffuse = &m.diffuse_transmission;
        if diffuse.weight > 0.0 {
            let mut json = json!({ "diffuseTransmissionFactor": short(diffuse.weight) });
            if diffuse.color != WHITE {
                json["diffuseTransmissionColorFactor"] = diffuse.color.map(short).to_vec().into();
            }
            self.slot(&mut json, "diffuseTransmissionTexture", &textures.diffuse_transmission_weight)?;
            self.slot(&mut json, "diffuseTransmissionColorTexture", &textures.diffuse_transmission_color)?;
            self.put("KHR_materials_diffuse_transmission", json);
        }
        Ok(())
    }

    /// `KHR_materials_volume`, `…_volume_scatter` and `…_dispersion`.
    fn volume(&mut self, openpbr: &OpenPbr, thickness_m: f32) {
        let mut volume = json!({ "thicknessFactor": short(thickness_m) });
        if openpbr.transmission_depth > 0.0 && openpbr.transmission_color != WHITE {
            volume["attenuationColor"] = openpbr.transmission_color.map(short).to_vec().into();
            volume["attenuationDistance"] = short(openpbr.transmission_depth);
            if openpbr.transmission_scatter != [0.0; 3] {
                // Of what happens to light over the distance, −ln T, the fraction S is scattering; the extension has
                // the colour that a thick body of this medium has.
                let of_channel = |c: usize| {
                    let lost = -openpbr.transmission_color[c].max(1e-6).ln();
                    let albedo = if lost > 0.0 { openpbr.transmission_scatter[c] / lost } else { 0.0 };
                    short(multi_scatter_albedo(albedo.clamp(0.0, 1.0)))
                };
                let color = [0, 1, 2].map(of_channel);
                let mut scatter = json!({ "multiscatterColor": color });
                set(&mut scatter, "scatterAnisotropy", openpbr.transmission_scatter_anisotropy, 0.0);
                self.put("KHR_materials_volume_scatter", scatter);
            }
        }
        self.put("KHR_materials_volume", volume);
        if openpbr.transmission_dispersion_scale > 0.0 && openpbr.transmission_weight > 0.0 {
            // The extension's value is 20 over the Abbe number; no medium disperses as a number below 1 would.
            let abbe_number = openpbr.transmission_dispersion_abbe_number / openpbr.transmission_dispersion_scale;
            self.put("KHR_materials_dispersion", json!({ "dispersion": short(20.0 / abbe_number.max(1.0)) }));
        }
    }

    fn emission(&mut self, m: &SceneMaterial, json: &mut Value) -> Result<(), ExportError> {
        let emitted = m.openpbr.emission_color.map(|value| (value * m.openpbr.emission_luminance).max(0.0));
        let strongest = emitted.into_iter().fold(0.0, f32::max);
        if strongest <= 0.0 {
            return Ok(());
        }
        let factor = emitted.map(|value| short(value / strongest.max(1.0)));
        json["emissiveFactor"] = factor.to_vec().into();
        if strongest > 1.0 {
            self.put("KHR_materials_emissive_strength", json!({ "emissiveStrength": short(strongest) }));
        }
        self.slot(json, "emissiveTexture", &m.textures.emission)
    }

    fn put(&mut self, name: &'static str, extension: Value) {
        self.made.insert(name.to_owned(), extension);
    }

    /// Adds a use of a texture, if there is one.
    fn slot(&mut self, owner: &mut Value, name: &str, texture: &Option<TextureRef>) -> Result<(), ExportError> {
        let Some(texture) = texture else { return Ok(()) };
        let coordinates = Coordinates::as_stored(texture.uv_set);
        let known = &mut self.needs.coordinates;
        let set = known.iter().position(|known| *known == coordinates).unwrap_or_else(|| {
            known.push(coordinates);
            known.len() - 1
        });
        let mut slot = json!({ "index": (self.write)(texture)? });
        if set > 0 {
            slot["texCoord"] = set.into();
        }
        if let Some(transform) = transform(texture.uv_from_uv) {
            slot["extensions"] = json!({ "KHR_texture_transform": transform });
            self.used.insert("KHR_texture_transform");
        }
        owner[name] = slot;
        Ok(())
    }
}

/// Adds a number that is not its default.
fn set(owner: &mut Value, name: &str, value: f32, default: f32) {
    if value != default {
        owner[name] = short(value);
    }
}

/// The offset, rotation and scale of a matrix of `KHR_texture_transform`, whose rotation turns from v to u; `None` for
/// the identity.
fn transform([u, v]: [[f32; 3]; 2]) -> Option<Value> {
    if [u, v] == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]] {
        return None;
    }
    let stretched = u[0].hypot(v[0]);
    let (rotation, scale) = match stretched > 0.0 {
        // The determinant is the product of both scales.
        true => ((-v[0]).atan2(u[0]), [stretched, (u[0] * v[1] - u[1] * v[0]) / stretched]),
        false => (u[1].atan2(v[1]), [0.0, u[1].hypot(v[1])]),
    };
    let (offset, scale) = ([u[2], v[2]].map(short), scale.map(short));
    let mut json = json!({ "offset": offset, "scale": scale });
    set(&mut json, "rotation", rotation, 0.0);
    Some(json)
}

/// The colour of a thick body whose particles scatter this fraction: the inverse of the importer's formula, in the form
/// of Kulla and Conty, Revisiting physically based shading at Imageworks, 2017.
fn multi_scatter_albedo(single_scatter_albedo: f32) -> f32 {
    let s = (1.0 - single_scatter_albedo).max(0.0).sqrt();
    ((1.0 - s) * (1.0 - 0.139 * s) / (1.0 + 1.17 * s)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests;
