//! A material of the file as Cycles shades it in Blender 5.0: the Principled BSDF that Blender's importer creates, in
//! terms of OpenPBR's parameters.
//!
//! The two models are closer to each other than either is to glTF's, so a material is lowered as OpenPBR, and
//! `MATERIAL_PRINCIPLED` marks the remaining differences. Each function below implements one behaviour that
//! `docs/looks.md` names.

use packshot_materials::openpbr::OpenPbr;
use packshot_shaders::constants::{MATERIAL_CAMERA_ONLY, MATERIAL_PRINCIPLED, MATERIAL_UNLIT};
use packshot_shaders::layout::scene::Material;

use super::{Tables, file, lower_literal};
use crate::scene::{DielectricReflection, SceneMaterial};

/// Least roughness of sheen in Cycles.
const SHEEN_ROUGHNESS_MIN: f32 = 1e-3;

/// The shader's material, without textures and alpha.
pub(super) fn lower(m: &SceneMaterial, openpbr: &OpenPbr, render_units_per_m: f64, tables: &mut Tables) -> Material {
    let mut openpbr = *openpbr;
    specular_level_and_tint(m, &mut openpbr);
    sheen_is_fuzz(m, &mut openpbr);
    let mut out = lower_literal(&openpbr, render_units_per_m, tables);
    out.flags |= MATERIAL_PRINCIPLED;
    // The specular level applies to the dielectric only: a metal reflects in full.
    out.specular_weight = 1.0;
    level_of_gloss(m, &mut out, tables);
    file::brush(&mut out, m, tables);
    hide_unlit(m, &mut out);
    out
}

/// `specularFactor` is half the specular level, which scales reflectance at normal incidence and leaves it unchanged at
/// grazing angles; the specular colour also tints the edges of metals.
fn specular_level_and_tint(m: &SceneMaterial, openpbr: &mut OpenPbr) {
    let DielectricReflection { weight, color, .. } = m.dielectric;
    // Glass reflects as its index implies.
    openpbr.specular_weight = if openpbr.transmission_weight > 0.0 { 1.0 } else { weight };
    openpbr.specular_color = color;
}

/// The specular level is that of gloss alone: beside glass, which reflects as its index implies, and where a texture
/// varies it, gloss reflects by an index of its own.
fn level_of_gloss(m: &SceneMaterial, out: &mut Material, tables: &mut Tables) {
    if out.transmission_weight > 0.0 {
        out.gloss_level = m.dielectric.weight;
    }
    if out.gloss_level != 1.0 || m.textures.specular_weight.is_some() {
        out.glass_table = tables.glass();
    }
}

/// The sheen is a microfibre layer on top of everything, like OpenPBR's fuzz, rather than the layer below the coat of
/// `KHR_materials_sheen`.
fn sheen_is_fuzz(m: &SceneMaterial, openpbr: &mut OpenPbr) {
    if m.sheen.color != [0.0; 3] {
        openpbr.fuzz_weight = 1.0;
        openpbr.fuzz_color = m.sheen.color;
        openpbr.fuzz_roughness = m.sheen.roughness.max(SHEEN_ROUGHNESS_MIN);
    }
}

/// In Blender an unlit surface is emissive to camera rays and transparent to all others. With `KHR_materials_unlit`
/// alone, every ray sees it.
fn hide_unlit(m: &SceneMaterial, out: &mut Material) {
    if m.unlit {
        out.flags |= MATERIAL_UNLIT | MATERIAL_CAMERA_ONLY;
    }
}

/// The material of a primitive that has none: a new Principled BSDF, a light grey plastic whose colour vertex colours
/// replace. glTF's default is a white, rough metal.
pub(crate) fn default_material(has_colors: bool) -> SceneMaterial {
    let openpbr = OpenPbr {
        base_color: [if has_colors { 1.0 } else { 0.8 }; 3],
        base_metalness: 0.0,
        specular_roughness: 0.5,
        specular_ior: 1.5,
        ..OpenPbr::default()
    };
    SceneMaterial { openpbr, ..SceneMaterial::default() }
}

#[cfg(test)]
mod tests {
    use glam::Vec3;
    use packshot_native::stages::baseline as native;
    use packshot_shaders::constants::NO_TABLE;

    use super::*;
    use crate::scene::{Anisotropy, Sheen};

    fn lowered(m: &SceneMaterial) -> Material {
        lower(m, &m.openpbr, 1.0, &mut Tables::new())
    }

    #[test]
    fn the_specular_factor_scales_the_normal_reflectance_and_spares_edges_and_metals() {
        let dielectric =
            DielectricReflection { weight: 0.25, color: [1.0, 0.5, 0.25], ..DielectricReflection::default() };
        let out = lowered(&SceneMaterial { dielectric, ..SceneMaterial::default() });
        assert!((((out.reflection_ior - 1.0) / (out.reflection_ior + 1.0)).powi(2) - 0.01).abs() < 1e-6);
        assert_eq!((out.gloss_f90, out.specular_weight), (1.0, 1.0));
        assert_eq!(out.specular_color, Vec3::new(1.0, 0.5, 0.25));
    }

    #[test]
    fn the_relief_of_a_map_shadows_as_cycles_does() {
        // Measured in Blender 5.0.1: a sun at this many degrees from a plane's normal, on the side to which a map tilts
        // the normal by 26°.
        let (sin, cos) = 26_f32.to_radians().sin_cos();
        for (degrees, share) in
            [(-60.0, 0.9786), (0.0, 1.0), (26.0, 0.9982), (60.0, 0.9786), (80.0, 0.8338), (85.0, 0.6230), (100.0, 0.0)]
        {
            let (x, z) = f32::to_radians(degrees).sin_cos();
            let in_mapped_frame = Vec3::new(cos * x - sin * z, 0.0, sin * x + cos * z);
            let found = native::bump_shadowing(Vec3::new(-sin, 0.0, cos), Vec3::Z, in_mapped_frame);
            assert!((found - share).abs() < 5e-4, "{degrees}°: {found}, in Blender {share}");
        }
    }

    #[test]
    fn mapped_normals_are_lifted_until_they_mirror_the_viewer_above_the_surface() {
        let mirrored = |n: Vec3, view: Vec3| 2.0 * n.dot(view) * n - view;
        let mut lifted = 0;
        for step in 0..4000 {
            let turn = |factor: f32| (step as f32 * factor).fract();
            let direction = |z: f32, turns: f32| {
                let (sin, cos) = (turns * std::f32::consts::TAU).sin_cos();
                let r = (1.0 - z * z).sqrt();
                Vec3::new(r * cos, r * sin, z)
            };
            let view = direction(1e-3 + 0.999 * turn(0.754_877_7), turn(0.1357));
            let mapped = direction(0.2 + 0.8 * turn(0.569_840_3), turn(0.618_034));
            let least = (0.9 * view.z).min(0.01);
            let n = native::reflecting_normal(Vec3::Z, view, mapped);
            assert!((n.length() - 1.0).abs() < 1e-4, "{n}");
            if mirrored(mapped, view).z >= least {
                assert_eq!(n, mapped);
                continue;
            }
            lifted += 1;
            assert!(
                (mirrored(n, view).z - least).abs() < 2e-3,
                "{view} {mapped}: {n} mirrors to {}",
                mirrored(n, view)
            );
            assert!(n.z >= mapped.z - 1e-4, "{mapped} went down to {n}");
            let coated = native::normal_under_coat(mapped, Vec3::Z, view);
            assert!(coated.dot(mirrored(Vec3::Z, view)) > 0.0, "{coated} hides what the coat mirrors");
        }
        assert!(lifted > 400, "{lifted} of them were lifted");
    }

    #[test]
    fn colours_decoded_last_are_decoded_alike() {
        for byte in 0..=255_u8 {
            let encoded = f32::from(byte) / 255.0;
            let found = native::srgb_decoded(Vec3::splat(encoded)).x;
            assert!((found - crate::color::srgb::decode(encoded)).abs() < 1e-6, "{byte}: {found}");
        }
    }

    #[test]
    fn sheen_lies_on_top_as_fuzz() {
        let sheen = Sheen { color: [0.2, 0.4, 0.6], roughness: 0.0 };
        let out = lowered(&SceneMaterial { sheen, ..SceneMaterial::default() });
        assert_eq!((out.fuzz_weight, out.fuzz_roughness), (1.0, SHEEN_ROUGHNESS_MIN));
        assert_eq!(out.fuzz_color, Vec3::new(0.2, 0.4, 0.6));
    }

    #[test]
    fn anisotropy_keeps_its_strength_and_turn() {
        let anisotropy = Anisotropy { strength: 0.5, rotation_rad: std::f32::consts::FRAC_PI_2 };
        let out = lowered(&SceneMaterial { anisotropy, ..SceneMaterial::default() });
        assert_eq!((out.anisotropy, out.anisotropy_sin), (0.5, 1.0));
        assert_ne!(out.brushed_table, NO_TABLE);
    }

    #[test]
    fn without_a_material_things_are_grey_plastic_that_vertex_colours_replace() {
        for (has_colors, base) in [(false, 0.8), (true, 1.0)] {
            let out = lowered(&default_material(has_colors));
            assert_eq!((out.base_color, out.metalness), (Vec3::splat(base), 0.0));
            assert_eq!((out.roughness, out.reflection_ior), (0.5, 1.5));
        }
    }
}
