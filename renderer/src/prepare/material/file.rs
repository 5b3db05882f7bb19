//! A material of the file: constants, textures and alpha, as a look interprets them.

use glam::Vec3;
use packshot_materials::openpbr::OpenPbr;
use packshot_shaders::constants::{
    MATERIAL_BLEND, MATERIAL_BODY, MATERIAL_COAT_NORMAL, MATERIAL_GLTF, MATERIAL_MASK, MATERIAL_PANE,
    MATERIAL_SCATTERS, MATERIAL_THIN_WALLED, MATERIAL_TINTED_GLASS, MATERIAL_UNLIT, MATERIAL_VERTEX_COLOR, NONE,
    TEXTURED_BASE, TEXTURED_LAYERS,
};
use packshot_shaders::layout::scene::Material;

use super::interior::Interior;
use super::{Tables, is_pane, lower_literal, principled};
use crate::look::Look;
use crate::prepare::texture::TextureTable;
use crate::scene::{AlphaMode, DielectricReflection, SceneMaterial};

/// The shader's material, with its textures added to `textures`.
pub(crate) fn lower_scene(
    m: &SceneMaterial,
    look: Look,
    vertex_colors: bool,
    render_units_per_m: f64,
    tables: &mut Tables,
    textures: &mut TextureTable,
) -> Material {
    let mut openpbr = m.least_metallic();
    let alpha_flag = match m.alpha {
        AlphaMode::Opaque => {
            openpbr.geometry_opacity = 1.0;
            0
        }
        AlphaMode::Mask { .. } => MATERIAL_MASK,
        AlphaMode::Blend => MATERIAL_BLEND,
    };
    let mut out = match look {
        Look::Gltf => lower_gltf(m, &openpbr, render_units_per_m, tables),
        Look::Blender50 => principled::lower(m, &openpbr, render_units_per_m, tables),
    };
    out.flags |= alpha_flag;
    if vertex_colors {
        out.flags |= MATERIAL_VERTEX_COLOR;
    }
    if let AlphaMode::Mask { cutoff } = m.alpha {
        out.alpha_cutoff = cutoff;
    }
    add_textures(&mut out, m, vertex_colors, textures);
    if has_tinted_glass(&out, look) {
        out.flags |= MATERIAL_TINTED_GLASS;
    }
    if is_pane(&out) {
        out.flags |= MATERIAL_PANE;
    }
    // Its tables, flags and media are those of the least metallic point; the texture takes metalness away from this.
    out.metalness = m.openpbr.base_metalness;
    out
}

/// Whether `KHR_materials_specular` makes glass reflect differently from what its index implies; in Blender's look only
/// its colour does.
fn has_tinted_glass(out: &Material, look: Look) -> bool {
    let is_tinted = (out.specular_color - Vec3::ONE).abs().max_element() > 1e-4 || out.specular_color_texture != NONE;
    let is_weighted = look == Look::Gltf && (out.gloss_f90 != 1.0 || out.specular_texture != NONE);
    out.transmission_weight > 0.0 && (is_tinted || is_weighted)
}

/// The shader's material, without textures and alpha, as the glTF extensions define it.
fn lower_gltf(m: &SceneMaterial, openpbr: &OpenPbr, render_units_per_m: f64, tables: &mut Tables) -> Material {
    let mut out = lower_literal(openpbr, render_units_per_m, tables);
    out.flags |= MATERIAL_GLTF;
    if m.unlit {
        out.flags |= MATERIAL_UNLIT;
    }
    add_reflection(&mut out, m, tables);
    add_sheen(&mut out, m, tables);
    add_diffuse_transmission(&mut out, m, openpbr, render_units_per_m);
    out.film_thickness_min_nm = m.thin_film_thickness_min * 1000.0;
    out
}

/// Specular reflection: its strength, and its anisotropy.
fn add_reflection(out: &mut Material, m: &SceneMaterial, tables: &mut Tables) {
    let DielectricReflection { f0, weight, color } = m.dielectric;
    // The shader multiplies the reflectance that follows from the index.
    let by_ior = ((out.reflection_ior - 1.0) / (out.reflection_ior + 1.0)).powi(2);
    out.specular_color = if by_ior > 0.0 { Vec3::from(color) * (f0 / by_ior) } else { Vec3::ZERO };
    out.gloss_f90 = weight;
    brush(out, m, tables);
}

/// Anisotropy: strength and direction. How the strength changes the roughness depends on the look (`alpha_of` in the
/// shader).
pub(super) fn brush(out: &mut Material, m: &SceneMaterial, tables: &mut Tables) {
    out.anisotropy = m.anisotropy.strength;
    out.anisotropy_cos = m.anisotropy.rotation_rad.cos();
    out.anisotropy_sin = m.anisotropy.rotation_rad.sin();
    if m.anisotropy.strength > 0.0 {
        out.textured |= TEXTURED_BASE;
        out.brushed_table = tables.brushed();
        if out.flags & MATERIAL_BODY != 0 {
            out.brushed_glass_table = tables.brushed_glass(out.reflection_ior, m.openpbr.specular_ior);
        }
    }
}

fn add_sheen(out: &mut Material, m: &SceneMaterial, tables: &mut Tables) {
    if m.sheen.color != [0.0; 3] {
        out.fuzz_weight = 1.0;
        out.fuzz_color = m.sheen.color.into();
        out.fuzz_roughness = m.sheen.roughness;
        out.fuzz_table = tables.sheen();
    }
}

fn add_diffuse_transmission(out: &mut Material, m: &SceneMaterial, openpbr: &OpenPbr, render_units_per_m: f64) {
    if m.diffuse_transmission.weight == 0.0 {
        return;
    }
    out.translucent_weight = m.diffuse_transmission.weight;
    out.translucent_color = m.diffuse_transmission.color.into();
    let interior = Interior::of(openpbr, true, render_units_per_m);
    out.absorption = interior.absorption;
    out.scattering = interior.scattering;
    out.scattering_anisotropy = interior.anisotropy;
    out.flags |= interior.flags & (MATERIAL_BODY | MATERIAL_SCATTERS);
    if m.openpbr.geometry_thin_walled {
        out.flags |= MATERIAL_THIN_WALLED;
    }
}

fn add_textures(out: &mut Material, m: &SceneMaterial, vertex_colors: bool, table: &mut TextureTable) {
    let textures = &m.textures;
    let mut lookup = |texture: &Option<_>| texture.as_ref().map_or(NONE, |t| table.add(t));
    out.base_color_texture = lookup(&textures.base_color);
    out.metallic_roughness_texture = lookup(&textures.metallic_roughness);
    out.normal_texture = lookup(&textures.normal);
    out.emission_texture = if m.unlit { NONE } else { lookup(&textures.emission) };
    out.normal_scale = textures.normal_scale;
    out.coat_texture = lookup(&textures.coat_weight);
    out.coat_roughness_texture = lookup(&textures.coat_roughness);
    out.coat_normal_texture = lookup(&textures.coat_normal);
    out.coat_normal_scale = textures.coat_normal_scale;
    out.fuzz_color_texture = lookup(&textures.sheen_color);
    out.fuzz_roughness_texture = lookup(&textures.sheen_roughness);
    out.anisotropy_texture = lookup(&textures.anisotropy);
    out.transmission_texture = lookup(&textures.transmission);
    out.specular_texture = lookup(&textures.specular_weight);
    out.specular_color_texture = lookup(&textures.specular_color);
    out.film_texture = lookup(&textures.thin_film_weight);
    out.film_thickness_texture = lookup(&textures.thin_film_thickness);
    out.translucent_texture = lookup(&textures.diffuse_transmission_weight);
    out.translucent_color_texture = lookup(&textures.diffuse_transmission_color);
    // The coat has its own normal wherever it or the base has a normal map.
    if out.coat_weight > 0.0 && (out.normal_texture != NONE || out.coat_normal_texture != NONE) {
        out.flags |= MATERIAL_COAT_NORMAL;
    }
    let base = [out.base_color_texture, out.metallic_roughness_texture, out.normal_texture, out.emission_texture];
    let layers = [
        out.coat_texture,
        out.coat_roughness_texture,
        out.coat_normal_texture,
        out.fuzz_color_texture,
        out.fuzz_roughness_texture,
        out.anisotropy_texture,
        out.transmission_texture,
        out.specular_texture,
        out.specular_color_texture,
        out.film_texture,
        out.film_thickness_texture,
        out.translucent_texture,
        out.translucent_color_texture,
    ];
    let any = |slots: &[u32]| slots.iter().any(|&texture| texture != NONE);
    if vertex_colors || m.unlit || any(&base) {
        out.textured |= TEXTURED_BASE;
    }
    if any(&layers) {
        out.textured |= TEXTURED_LAYERS;
    }
}
