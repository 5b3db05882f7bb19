//! The total energy that closures reflect and transmit.

use glam::Vec3;
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::look::Look;
use packshot_shaders::constants::{MATERIAL_GLTF, MATERIAL_PRINCIPLED, MATERIAL_TINTED_GLASS};

use rayon::prelude::*;

use super::{Lobes, Side, materials, native, points, sample, towards};
use crate::random_furnace::Reading;
use crate::random_furnace::members::{Draw, Member, drawn, of_file, of_library};

const COSINES: [f32; 7] = [1.0, 0.95, 0.8, 0.6, 0.4, 0.2, 0.08];

/// Mean weight of the samples, which is the albedo.
fn albedo(lobes: &Lobes, wo: Vec3, side: Side, n: u32) -> Vec3 {
    let bsdf = lobes.closure(wo, side);
    let weights = points(n).map(|(choice, u)| sample(bsdf, choice, u));
    weights.filter(|drawn| drawn.pdf != 0.0).map(|drawn| drawn.weight.as_dvec3()).sum::<glam::DVec3>().as_vec3()
        / n as f32
}

#[test]
fn no_material_makes_light() {
    let mut failures = Vec::new();
    for (name, m) in materials() {
        let lobes = Lobes::new(&m);
        for cosine in COSINES {
            for side in [Side::Front, Side::Back] {
                let albedo = albedo(&lobes, towards(cosine, 0.7), side, 20_000);
                if albedo.max_element() > 1.01 {
                    failures.push(format!("{name}, {side:?}, cosine {cosine}: {albedo}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn white_materials_lose_nothing() {
    let white = OpenPbr { base_color: [1.0; 3], specular_color: [1.0; 3], ..OpenPbr::default() };
    let metal = OpenPbr { base_metalness: 1.0, ..white };
    let glass = OpenPbr { transmission_weight: 1.0, transmission_color: [1.0; 3], ..white };
    let families: [(&str, OpenPbr); 13] = [
        ("diffuse", OpenPbr { specular_weight: 0.0, ..white }),
        ("gloss over diffuse", white),
        ("metal", metal),
        ("brushed metal", OpenPbr { specular_roughness_anisotropy: 0.5, ..metal }),
        ("glass", glass),
        ("brushed glass", OpenPbr { specular_roughness_anisotropy: 0.5, ..glass }),
        ("faint glass", OpenPbr { specular_weight: 0.2, ..glass }),
        ("faint brushed glass", OpenPbr { specular_weight: 0.5, specular_roughness_anisotropy: 0.5, ..glass }),
        ("glass that reflects nothing", OpenPbr { specular_weight: 0.0, ..glass }),
        ("thin glass", OpenPbr { geometry_thin_walled: true, ..glass }),
        ("film on white", OpenPbr { thin_film_weight: 1.0, thin_film_thickness: 0.4, ..metal }),
        ("subsurface", OpenPbr { subsurface_weight: 1.0, specular_weight: 0.0, ..white }),
        (
            "thin subsurface",
            OpenPbr { subsurface_weight: 1.0, subsurface_color: [1.0; 3], geometry_thin_walled: true, ..white },
        ),
    ];
    let mut failures = Vec::new();
    for (name, m) in families {
        for roughness in [0.0, 0.2, 0.4, 0.6, 0.8, 1.0] {
            let lobes = Lobes::new(&OpenPbr { specular_roughness: roughness, ..m });
            for cosine in COSINES {
                let albedo = albedo(&lobes, towards(cosine, 0.7), Side::Front, 20_000);
                if !(albedo.min_element() >= 0.99 && albedo.max_element() <= 1.01) {
                    failures.push(format!("{name}, roughness {roughness}, cosine {cosine}: {albedo}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Rough glass in another body, from either side, and glass that parts colours.
#[test]
fn rough_glass_between_media_loses_nothing() {
    let glass = |specular_ior, specular_roughness, specular_weight| OpenPbr {
        base_color: [1.0; 3],
        transmission_weight: 1.0,
        transmission_color: [1.0; 3],
        specular_ior,
        specular_roughness,
        specular_weight,
        transmission_dispersion_scale: 1.0,
        transmission_dispersion_abbe_number: 20.0,
        ..OpenPbr::default()
    };
    let mut failures = Vec::new();
    for roughness in [0.0, 0.2, 0.4, 0.6, 0.8, 1.0] {
        for weight in [1.0, 0.5, 0.0] {
            for (ior, around) in [(1.5, 1.33), (1.33, 1.5), (1.5, 1.5), (2.4, 1.33), (1.5, 1.0)] {
                for wavelength_um in [0.0, 0.45, 0.65] {
                    let mut lobes = Lobes::within(&glass(ior, roughness, weight), &glass(around, 0.0, 1.0));
                    lobes.wavelength_um = wavelength_um;
                    lobes.is_in_body = around > 1.0;
                    for (cosine, side) in COSINES.into_iter().flat_map(|c| [(c, Side::Front), (c, Side::Back)]) {
                        let albedo = albedo(&lobes, towards(cosine, 0.7), side, 4_000);
                        if !(albedo.min_element() >= 0.985 && albedo.max_element() <= 1.015) {
                            failures.push(format!(
                                "{ior} in {around}, weight {weight}, {wavelength_um} um, roughness {roughness}, \
                                 {side:?}, cosine {cosine}: {albedo}"
                            ));
                        }
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} of them:\n{}", failures.len(), failures.join("\n"));
}

/// Random materials of files and libraries, seen from either side, in air or in another body, by light of one
/// wavelength or of all: no event gains light. Of brushed facets, what they reflect by Fresnel's equations is that of
/// others which are alike, not a table's.
#[test]
fn no_event_of_any_material_gains_light() {
    let bodies = [OpenPbr::default(), glass_of(1.33), glass_of(1.7)];
    let failures: Vec<String> = (0..30_u64)
        .into_par_iter()
        .flat_map_iter(|seed| {
            let mut draw = Draw::new(seed);
            let reading = draw.one_of(&[Reading::File(Look::Gltf), Reading::File(Look::Blender50), Reading::Library]);
            let members = drawn(&mut draw, reading);
            let is_brushed = |member: &Member| {
                matches!(member, Member::Anisotropy { .. } | Member::CoatAnisotropy(_) | Member::AnisotropyTexture(_))
            };
            let is_glass = |member: &Member| matches!(member, Member::Transmission(_));
            let gain_max = match members.iter().any(is_brushed) {
                false => 1.001,
                true if members.iter().any(is_glass) => 1.08,
                true => 1.02,
            };
            let mut failures = Vec::new();
            for (k, around) in bodies.iter().enumerate() {
                let mut lobes = match reading {
                    Reading::Library => Lobes::within(&of_library(&members), around),
                    Reading::File(look) => Lobes::of_file(&of_file(&members, |_| None), look, around),
                };
                lobes.is_in_body = k > 0;
                for wavelength_um in [0.0, 0.45] {
                    lobes.wavelength_um = wavelength_um;
                    for (step, side) in (0..16).flat_map(|step| [(step, Side::Front), (step, Side::Back)]) {
                        let cosine = (step as f32 + 0.5) / 16.0;
                        // Few samples first: most materials are far from gaining anything, and of the others the
                        // mean of few samples is uncertain by more than may be gained.
                        let view = towards(cosine, 0.4 * step as f32);
                        let gained = |n| albedo(&lobes, view, side, n).max_element();
                        let is_above = |n| gained(n).is_nan() || gained(n) > gain_max;
                        if gained(500) > 0.98 && [20_000, 200_000, 2_000_000].into_iter().all(is_above) {
                            failures.push(format!(
                                "seed {seed}, body {k}, {wavelength_um} um, {side:?}, cosine {cosine}: \
                                 {}, {reading:?} {members:?}",
                                gained(2_000_000)
                            ));
                        }
                    }
                }
            }
            failures
        })
        .collect();
    assert!(failures.is_empty(), "{} of them:\n{}", failures.len(), failures.join("\n"));
}

/// White plastic and a white coat whose facets are brushed, as much as can be, seen along the grain, across it and
/// between: what gloss reflects and what it leaves to the base are in balance.
#[test]
fn brushed_plastic_is_as_bright_from_every_side() {
    let white = OpenPbr { base_color: [1.0; 3], specular_roughness: 0.3, ..OpenPbr::default() };
    let gloss = |anisotropy| OpenPbr { specular_roughness_anisotropy: anisotropy, ..white };
    let coat = OpenPbr {
        specular_weight: 0.0,
        coat_weight: 1.0,
        coat_roughness: 0.3,
        coat_roughness_anisotropy: 1.0,
        coat_darkening: 0.0,
        ..white
    };
    let mut failures = Vec::new();
    for (name, m) in [("gloss", gloss(0.5)), ("strongly brushed gloss", gloss(1.0)), ("coat", coat)] {
        let lobes = Lobes::new(&m);
        for (cosine, azimuth) in [0.05, 0.2, 0.5, 0.9].into_iter().flat_map(|c| [0.0, 0.7, 1.2, 1.57].map(|a| (c, a))) {
            let albedo = albedo(&lobes, towards(cosine, azimuth), Side::Front, 200_000).x;
            if !(0.96..=1.01).contains(&albedo) {
                failures.push(format!("{name}, cosine {cosine}, azimuth {azimuth}: {albedo}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn glass_of(specular_ior: f32) -> OpenPbr {
    OpenPbr { transmission_weight: 1.0, specular_ior, ..OpenPbr::default() }
}

/// `KHR_materials_specular` on glass: a weight and a colour on its reflection; the rest is transmitted.
#[test]
fn tinted_glass_loses_nothing_that_its_tint_does_not_take() {
    let glass =
        OpenPbr { base_color: [1.0; 3], transmission_weight: 1.0, transmission_color: [1.0; 3], ..OpenPbr::default() };
    let mut failures = Vec::new();
    for (weight, is_thin) in [(0.0, false), (0.4, false), (0.4, true), (1.0, false)] {
        for roughness in [0.0, 0.2, 0.4, 0.6, 0.8, 1.0] {
            let m = OpenPbr { specular_roughness: roughness, geometry_thin_walled: is_thin, ..glass };
            let lobes = Lobes::new(&m).with(|material| {
                material.flags |= MATERIAL_GLTF | MATERIAL_TINTED_GLASS;
                material.gloss_f90 = weight;
            });
            for (cosine, side) in COSINES.into_iter().flat_map(|c| [(c, Side::Front), (c, Side::Back)]) {
                let albedo = albedo(&lobes, towards(cosine, 0.7), side, 20_000);
                if !(albedo.min_element() >= 0.99 && albedo.max_element() <= 1.01) {
                    failures.push(format!(
                        "weight {weight}, thin {is_thin}, roughness {roughness}, {side:?}, cosine {cosine}: {albedo}"
                    ));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The Principled BSDF of Blender 5.0.1: a smooth interface of index 1.5 with the specular tint 1, 0.3, 0.02, at this
/// many degrees, from outside and from inside. Reflected and transmitted light as measured in Cycles.
#[test]
fn tinted_glass_of_blender_is_as_measured() {
    let glass = OpenPbr {
        base_color: [1.0; 3],
        transmission_weight: 1.0,
        specular_roughness: 0.0,
        specular_color: [1.0, 0.3, 0.02],
        ..OpenPbr::default()
    };
    let lobes = Lobes::new(&glass).with(|material| material.flags |= MATERIAL_PRINCIPLED | MATERIAL_TINTED_GLASS);
    for (degrees, side, reflected, let_through) in [
        (0.0_f32, Side::Front, [0.0394, 0.0118, 0.0008], [0.9573, 0.9853, 0.9964]),
        (70.0, Side::Front, [0.1704, 0.1463, 0.1367], [0.8297, 0.8539, 0.8636]),
        (30.0, Side::Back, [0.0541, 0.0271, 0.0163], [0.9454, 0.9730, 0.9840]),
    ] {
        let cosine = degrees.to_radians().cos();
        let mut closure = lobes.closure(towards(cosine, 0.0), side);
        let facet = native::glass_facet(&mut closure, cosine);
        let (r, t) = (closure.glass_weight * facet.reflectance, closure.refraction_weight * facet.transmittance);
        let furthest = (r - Vec3::from(reflected)).abs().max((t - Vec3::from(let_through)).abs()).max_element();
        assert!(furthest < 4e-3, "{degrees} degrees from {side:?}: {r} and {t}");
    }
}

#[test]
fn samples_weigh_what_the_value_says() {
    // The albedo from samples, and from the midpoint rule over the sphere.
    for (name, m) in materials() {
        let lobes = Lobes::new(&m);
        let wo = towards(0.6, 0.4);
        let bsdf = lobes.closure(wo, Side::Front);
        let (rows, columns) = (400, 200);
        let mut sum = Vec3::ZERO;
        for i in 0..rows {
            let t = (i as f32 + 0.5) / (rows / 2) as f32 - 1.0;
            let z = t * t.abs();
            for j in 0..columns {
                let w = towards(z, (j as f32 + 0.5) / columns as f32 * std::f32::consts::TAU);
                sum += lobes.value(bsdf, w).0 * 2.0 * t.abs();
            }
        }
        let by_value = sum * std::f32::consts::TAU / (rows / 2 * columns) as f32;
        let by_samples = albedo(&lobes, wo, Side::Front, 200_000);
        let difference = (by_value - by_samples).abs().max_element();
        assert!(difference < 0.004, "{name}: {by_value} by the value, {by_samples} by samples");
    }
}
