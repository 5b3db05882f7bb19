//! Materials as glTF's metallic-roughness model has them, without extensions.
//!
//! A viewer gets the colour, metalness and roughness of a material and how much it lets through; what else a picture
//! shows of it has no place there.

use packshot_materials::openpbr::{Color, OpenPbr};
use serde_json::{Value, json};

use super::geometry::Coordinates;
use super::{ExportError, LibraryMaterial};
use crate::scene::{AlphaMode, SceneMaterial, TextureRef};

/// The name of the material of parts that have none.
const UNMAPPED: &str = "Unmapped";
/// The opacity of what transmits all light: a viewer does not refract, so that clear glass would not be seen at all.
const LEAST_OPACITY: f32 = 0.25;

/// What a material needs of the primitives that wear it.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    /// Sets of texture coordinates, in the order of the file to be written.
    pub(super) coordinates: Vec<Coordinates>,
    /// Whether it has a normal map.
    pub(super) tangents: bool,
}

/// A library material, under its id: whoever reads the file with the same library finds the material itself.
pub(super) fn of_library(material: &LibraryMaterial<'_>) -> Value {
    let openpbr = material.openpbr;
    let OpenPbr { base_weight, base_color, transmission_color, subsurface_color, .. } = *openpbr;
    let transmitted = transmitted(openpbr);
    let scattered = openpbr.subsurface_weight * (1.0 - openpbr.base_metalness) * (1.0 - transmitted);
    let color = mix(base_color.map(|value| value * base_weight), transmission_color, transmitted);
    let color = mix(color, subsurface_color, scattered);
    let alpha = openpbr.geometry_opacity * (1.0 - (1.0 - LEAST_OPACITY) * transmitted);
    let mut json = surface(openpbr, color, alpha);
    json["name"] = material.id.into();
    if alpha < 1.0 {
        json["alphaMode"] = "BLEND".into();
    }
    // Packshot shades surfaces on both sides, and CAD surfaces are not all turned outwards.
    json["doubleSided"] = true.into();
    json
}

/// The material of parts that have none.
pub(super) fn unmapped() -> Value {
    json!({
        "name": UNMAPPED,
        "pbrMetallicRoughness": { "baseColorFactor": [1, 0, 1, 1], "metallicFactor": 0 },
        "doubleSided": true,
    })
}

/// A material of the file, with those of its textures that need no extension. `write` gives a texture's index in the
/// file to be written.
///
/// # Errors
/// Those of `write`.
pub(super) fn of_file(
    material: &SceneMaterial,
    write: &mut dyn FnMut(&TextureRef) -> Result<usize, ExportError>,
) -> Result<(Value, Needs), ExportError> {
    let SceneMaterial { name, openpbr, textures, alpha, double_sided, .. } = material;
    let is_covering = *alpha == AlphaMode::Opaque;
    let transmitted = if is_covering && textures.transmission.is_none() { transmitted(openpbr) } else { 0.0 };
    let opacity = openpbr.geometry_opacity * (1.0 - (1.0 - LEAST_OPACITY) * transmitted);
    let mut json = surface(openpbr, openpbr.base_color, opacity);
    if let Some(name) = name {
        json["name"] = name.as_str().into();
    }
    match alpha {
        AlphaMode::Opaque if transmitted > 0.0 => json["alphaMode"] = "BLEND".into(),
        AlphaMode::Opaque => {}
        AlphaMode::Mask { cutoff } => {
            json["alphaMode"] = "MASK".into();
            json["alphaCutoff"] = short(*cutoff);
        }
        AlphaMode::Blend => json["alphaMode"] = "BLEND".into(),
    }
    if *double_sided {
        json["doubleSided"] = true.into();
    }
    let mut needs = Needs { coordinates: Vec::new(), tangents: textures.normal.is_some() };
    let mut slot = |texture: &TextureRef| -> Result<Value, ExportError> {
        let coordinates = Coordinates::of(texture);
        let set = needs.coordinates.iter().position(|known| *known == coordinates).unwrap_or_else(|| {
            needs.coordinates.push(coordinates);
            needs.coordinates.len() - 1
        });
        let mut slot = json!({ "index": write(texture)? });
        if set > 0 {
            slot["texCoord"] = set.into();
        }
        Ok(slot)
    };
    if let Some(texture) = &textures.base_color {
        json["pbrMetallicRoughness"]["baseColorTexture"] = slot(texture)?;
    }
    if let Some(texture) = &textures.metallic_roughness {
        json["pbrMetallicRoughness"]["metallicRoughnessTexture"] = slot(texture)?;
    }
    if let Some(texture) = &textures.normal {
        json["normalTexture"] = slot(texture)?;
        if textures.normal_scale != 1.0 {
            json["normalTexture"]["scale"] = short(textures.normal_scale);
        }
    }
    if let Some(texture) = &textures.occlusion {
        json["occlusionTexture"] = slot(texture)?;
    }
    if let Some(texture) = &textures.emission {
        json["emissiveTexture"] = slot(texture)?;
    }
    Ok((json, needs))
}

/// The part of the light that passes the surface, 0 to 1.
fn transmitted(openpbr: &OpenPbr) -> f32 {
    (openpbr.transmission_weight * (1.0 - openpbr.base_metalness)).clamp(0.0, 1.0)
}

fn surface(openpbr: &OpenPbr, color: Color, alpha: f32) -> Value {
    let [r, g, b] = color.map(|value| short(value.clamp(0.0, 1.0)));
    let mut json = json!({
        "pbrMetallicRoughness": {
            "baseColorFactor": [r, g, b, short(alpha.clamp(0.0, 1.0))],
            "metallicFactor": short(openpbr.base_metalness.clamp(0.0, 1.0)),
            "roughnessFactor": short(openpbr.specular_roughness.clamp(0.0, 1.0)),
        },
    });
    let emitted = openpbr.emission_color.map(|value| (value * openpbr.emission_luminance).max(0.0));
    let strongest = emitted.into_iter().fold(1.0, f32::max);
    if emitted != [0.0; 3] {
        json["emissiveFactor"] = emitted.map(|value| short(value / strongest)).to_vec().into();
    }
    json
}

fn mix(from: Color, to: Color, weight: f32) -> Color {
    std::array::from_fn(|channel| from[channel] + (to[channel] - from[channel]) * weight)
}

/// A number with the digits that single precision has, not those of the double nearest to it.
pub(super) fn short(value: f32) -> Value {
    value.to_string().parse::<f64>().unwrap_or(f64::from(value)).into()
}
