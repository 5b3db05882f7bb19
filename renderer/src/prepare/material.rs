//! OpenPBR parameters become the shader's material: weights multiplied in, lengths in render units, tables found.

use glam::Vec3;
use packshot_materials::openpbr::OpenPbr;
use packshot_shaders::constants::{
    MATERIAL_BLEND, MATERIAL_MASK, MATERIAL_UNLIT, MATERIAL_VERTEX_COLOR, NONE, SRGB_TABLE,
};
use packshot_shaders::layout::scene::Material;

use super::albedo::{self, Boundary};
use super::texture::TextureTable;
use crate::scene::{AlphaMode, DielectricReflection, SceneMaterial};

/// Distinct indices of refraction that get tables of their own.
const EXACT_INDICES_MAX: usize = 32;

/// The shader's `tables`, grown as materials ask for indices of refraction.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    values: Vec<f32>,
    dielectrics: Vec<((u32, Boundary), u32)>,
}

impl Tables {
    /// With the lossless block at offset 0, and after it the decoding of sRGB bytes.
    pub(crate) fn new() -> Self {
        let mut values = albedo::lossless().to_vec();
        assert_eq!(values.len(), SRGB_TABLE as usize, "the shader's constant says where the table begins");
        values.extend((0..=255_u8).map(|byte| crate::color::srgb::decode(f32::from(byte) / 255.0)));
        Self { values, dielectrics: Vec::new() }
    }

    /// Offset of the block of an index of refraction.
    fn dielectric(&mut self, ior: f32, boundary: Boundary) -> u32 {
        // A file can name any number of indices; past what a product has, they share tables in steps of 1/32.
        let ior =
            if self.dielectrics.len() < EXACT_INDICES_MAX { ior } else { (ior.clamp(1.0, 10.0) * 32.0).round() / 32.0 };
        let key = (ior.to_bits(), boundary);
        if let Some(&(_, offset)) = self.dielectrics.iter().find(|(known, _)| *known == key) {
            return offset;
        }
        let offset = self.values.len() as u32;
        self.values.extend_from_slice(&albedo::dielectric(ior, boundary));
        self.dielectrics.push((key, offset));
        offset
    }

    /// The whole array.
    pub(crate) fn into_values(self) -> Vec<f32> {
        self.values
    }
}

/// A material of the library or a shot: literals only.
pub(crate) fn lower_literal(m: &OpenPbr, render_units_per_m: f64, tables: &mut Tables) -> Material {
    let transmits = m.transmission_weight > 0.0 && m.base_metalness < 1.0;
    let reflective = m.base_metalness < 1.0;
    // A refracting boundary reflects what its index says; a weight on that would lose light or make it up.
    let reflection_ior = if transmits { m.specular_ior } else { ior_scaled(m.specular_ior, m.specular_weight) };
    let coated = m.coat_weight > 0.0;
    let boundary = if transmits { Boundary::Refracting } else { Boundary::Opaque };
    // OpenPBR section "Transparent base": with a depth the colour is reached by absorption over it, without one at the surface.
    let by_depth = m.transmission_depth > 0.0;
    let absorption = if transmits && by_depth {
        Vec3::from(m.transmission_color)
            .map(|c| (-f64::from(c.max(1e-6)).ln() / (f64::from(m.transmission_depth) * render_units_per_m)) as f32)
    } else {
        Vec3::ZERO
    };
    Material {
        base_color: Vec3::from(m.base_color) * m.base_weight,
        metalness: m.base_metalness,
        specular_color: m.specular_color.into(),
        specular_weight: m.specular_weight,
        transmission_tint: if by_depth { Vec3::ONE } else { m.transmission_color.into() },
        transmission_weight: m.transmission_weight,
        absorption,
        roughness: m.specular_roughness,
        coat_color: m.coat_color.into(),
        coat_weight: m.coat_weight,
        emission: Vec3::from(m.emission_color) * m.emission_luminance,
        coat_roughness: m.coat_roughness,
        // An index of exactly 1 bends nothing and would divide by zero in the half vector of refraction.
        ior: if (m.specular_ior - 1.0).abs() < 1e-4 { 1.0001 } else { m.specular_ior },
        reflection_ior,
        coat_ior: m.coat_ior,
        diffuse_roughness: m.base_diffuse_roughness,
        opacity: m.geometry_opacity,
        coat_darkening: m.coat_darkening,
        reflection_mean: if reflective { albedo::fresnel_mean(reflection_ior) } else { 0.0 },
        coat_mean: if coated { albedo::fresnel_mean(m.coat_ior) } else { 0.0 },
        flags: 0,
        albedo_table: if reflective { tables.dielectric(reflection_ior, boundary) } else { 0 },
        coat_albedo_table: if coated { tables.dielectric(m.coat_ior, Boundary::Opaque) } else { 0 },
        alpha_cutoff: 0.0,
        base_color_texture: NONE,
        metallic_roughness_texture: NONE,
        normal_texture: NONE,
        emission_texture: NONE,
        normal_scale: 1.0,
        textured: 0,
        ..Material::default()
    }
}

/// A material of the file: literals, textures and alpha.
pub(crate) fn lower_scene(
    m: &SceneMaterial,
    vertex_colors: bool,
    render_units_per_m: f64,
    tables: &mut Tables,
    textures: &mut TextureTable,
) -> Material {
    let mut openpbr = shaded(&m.openpbr);
    let mut flags = match m.alpha {
        AlphaMode::Opaque => {
            openpbr.geometry_opacity = 1.0;
            0
        }
        AlphaMode::Mask { .. } => MATERIAL_MASK,
        AlphaMode::Blend => MATERIAL_BLEND,
    };
    if m.unlit {
        flags |= MATERIAL_UNLIT;
    }
    if vertex_colors {
        flags |= MATERIAL_VERTEX_COLOR;
    }
    let mut out = lower_literal(&openpbr, render_units_per_m, tables);
    // A metalness texture can bring the dielectric in or out.
    if out.albedo_table == 0 && m.textures.metallic_roughness.is_some() {
        out.reflection_mean = albedo::fresnel_mean(out.reflection_ior);
        out.albedo_table = tables.dielectric(out.reflection_ior, Boundary::Opaque);
    }
    let mut lookup = |texture: &Option<_>| texture.as_ref().map_or(NONE, |t| textures.add(t));
    out.base_color_texture = lookup(&m.textures.base_color);
    out.metallic_roughness_texture = lookup(&m.textures.metallic_roughness);
    out.normal_texture = lookup(&m.textures.normal);
    out.emission_texture = if m.unlit { NONE } else { lookup(&m.textures.emission) };
    out.normal_scale = m.textures.normal_scale;
    out.flags = flags;
    if let AlphaMode::Mask { cutoff } = m.alpha {
        out.alpha_cutoff = cutoff;
    }
    let textured = [out.base_color_texture, out.metallic_roughness_texture, out.normal_texture, out.emission_texture];
    out.textured = u32::from(vertex_colors || m.unlit || textured.iter().any(|&t| t != NONE));
    out
}

/// What is followed of a file's material.
fn shaded(m: &OpenPbr) -> OpenPbr {
    OpenPbr {
        base_color: m.base_color,
        base_metalness: m.base_metalness,
        specular_roughness: m.specular_roughness,
        specular_ior: m.specular_ior,
        emission_luminance: m.emission_luminance,
        emission_color: m.emission_color,
        geometry_opacity: m.geometry_opacity,
        ..OpenPbr::default()
    }
}

/// Extensions of a material of the file that change a picture elsewhere but not here yet; empty when it is followed completely.
pub fn left_out_of_file(m: &SceneMaterial) -> Vec<&'static str> {
    let reflection = DielectricReflection { f0: m.dielectric.f0, ..DielectricReflection::default() };
    let by_ior = ((m.openpbr.specular_ior - 1.0) / (m.openpbr.specular_ior + 1.0)).powi(2);
    let transmits = m.openpbr.transmission_weight > 0.0 || m.diffuse_transmission.weight > 0.0;
    let textured = m.textures.specular_weight.is_some() || m.textures.specular_color.is_some();
    [
        ("specular", m.dielectric != reflection || (m.dielectric.f0 - by_ior).abs() > 1e-6 || textured),
        ("anisotropy", m.anisotropy.strength > 0.0),
        ("sheen", m.sheen.color != [0.0; 3]),
        ("clearcoat", m.openpbr.coat_weight > 0.0),
        ("iridescence", m.openpbr.thin_film_weight > 0.0),
        ("transmission", m.openpbr.transmission_weight > 0.0),
        ("diffuse_transmission", m.diffuse_transmission.weight > 0.0),
        ("volume", transmits && m.openpbr.transmission_depth > 0.0),
        ("dispersion", transmits && m.openpbr.transmission_dispersion_scale > 0.0),
    ]
    .into_iter()
    .filter_map(|(name, is_left_out)| is_left_out.then_some(name))
    .collect()
}

/// Parameters of `m` that change a picture elsewhere but not here yet, by their OpenPBR names (a combination by both); empty when the material is followed
/// completely.
pub fn left_out(m: &OpenPbr) -> Vec<&'static str> {
    let mut out = Vec::new();
    let metal = m.base_metalness >= 1.0;
    let glass = m.transmission_weight > 0.0 && !metal;
    let mut note = |left: bool, name| {
        if left {
            out.push(name)
        }
    };
    note(m.specular_roughness_anisotropy > 0.0, "specular_roughness_anisotropy");
    note(glass && m.specular_weight != 1.0, "specular_weight");
    note(glass && m.specular_color != [1.0; 3], "specular_color");
    note(m.emission_luminance > 0.0 && m.coat_weight > 0.0, "coat_weight over emission");
    note(glass && m.transmission_scatter != [0.0; 3], "transmission_scatter");
    note(glass && m.transmission_dispersion_scale > 0.0, "transmission_dispersion_scale");
    note(m.subsurface_weight > 0.0 && !metal, "subsurface_weight");
    note(m.fuzz_weight > 0.0, "fuzz_weight");
    note(m.coat_weight > 0.0 && m.coat_roughness_anisotropy > 0.0, "coat_roughness_anisotropy");
    note(m.thin_film_weight > 0.0, "thin_film_weight");
    note(m.geometry_thin_walled, "geometry_thin_walled");
    out
}

/// The index whose reflectance along the normal is `weight` times that of `ior` (OpenPBR 1.1.1, "specular_weight").
fn ior_scaled(ior: f32, weight: f32) -> f32 {
    if weight == 1.0 {
        return ior;
    }
    let n = f64::from(ior);
    let f0 = (((n - 1.0) / (n + 1.0)).powi(2) * f64::from(weight)).clamp(0.0, 0.999);
    ((1.0 + f0.sqrt()) / (1.0 - f0.sqrt())) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specular_weight_scales_the_normal_reflectance() {
        let n = f64::from(ior_scaled(1.5, 0.25));
        assert!((((n - 1.0) / (n + 1.0)).powi(2) - 0.01).abs() < 1e-6);
        assert_eq!(ior_scaled(1.5, 0.0), 1.0);
    }

    #[test]
    fn absorption_reaches_the_colour_at_the_depth_whatever_the_unit() {
        let m = OpenPbr {
            transmission_weight: 1.0,
            transmission_color: [0.5, 0.25, 1.0],
            transmission_depth: 0.01,
            ..OpenPbr::default()
        };
        let lowered = lower_literal(&m, 40.0, &mut Tables::new());
        let through = (-lowered.absorption * 0.4).exp();
        assert!((through - Vec3::new(0.5, 0.25, 1.0)).abs().max_element() < 1e-5, "{through}");
    }
}
