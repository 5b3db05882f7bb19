//! Lights of a file and environment maps, compared with the units and angles of their specifications.

use std::sync::Arc;

use glam::{DAffine3, DMat3, DVec3, Vec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::shot::{Bounces, Environment, EnvironmentMap, Light, SpotFalloff};

use crate::scenes::{mean_radiance, plane, render, scene, shot};

fn white() -> OpenPbr {
    OpenPbr { base_color: [0.8; 3], specular_weight: 0.0, ..OpenPbr::default() }
}

#[test]
fn a_spot_fades_between_its_cones_as_the_specification_has_it() {
    // KHR_lights_punctual: (cos θ − cos outer) / (cos inner − cos outer), clamped and squared.
    spot_fades(SpotFalloff::Squared, |cosine, cos_inner, cos_outer| {
        ((cosine - cos_outer) / (cos_inner - cos_outer)).clamp(0.0, 1.0).powi(2)
    });
}

#[test]
fn a_spot_fades_as_blender_has_it() {
    // A smoothstep that starts at the edge and is as wide as 1 − inner/outer of the range to the axis.
    spot_fades(SpotFalloff::Smooth, |cosine, cos_inner, cos_outer| {
        let blend = 1.0 - cos_inner.acos() / cos_outer.acos();
        let x = ((cosine - cos_outer) / ((1.0 - cos_outer) * blend)).clamp(0.0, 1.0);
        x * x * (3.0 - 2.0 * x)
    });
}

/// Compares a spot of 2 cd with the fraction of light that `fade` gives for the cosines of the direction and both
/// cones.
fn spot_fades(falloff: SpotFalloff, fade: fn(f64, f64, f64) -> f64) {
    let (height, candela, inner, outer) = (0.8_f64, 2.0_f32, 0.3_f32, 0.7_f32);
    for aside in [0.0, 0.15, 0.3, 0.45, 0.6, 0.75] {
        // Everything else is moved instead of the camera.
        let to = DVec3::new(-aside, height, 0.0);
        let facing_down = DMat3::from_cols(DVec3::X, DVec3::NEG_Z, DVec3::Y);
        let mut shot = shot(DVec3::Y * 0.5, 1e-3, 4, 64);
        shot.film.bounces = Bounces::all(0);
        shot.lights = vec![Light::Spot {
            world_from_light: DAffine3::from_mat3_translation(facing_down, to),
            intensity: [candela; 3],
            inner_cone_rad: inner,
            outer_cone_rad: outer,
            falloff,
        }];
        let film = render(&scene(vec![plane()], &[(0, DAffine3::IDENTITY)]), &white(), &shot, 2);
        let cosine = height / to.length();
        let (cos_inner, cos_outer) = (f64::from(inner).cos(), f64::from(outer).cos());
        let lux = f64::from(candela) * fade(cosine, cos_inner, cos_outer) * cosine / to.length_squared();
        let expected = (0.8 / std::f64::consts::PI * lux) as f32;
        let seen = mean_radiance(&film).x;
        assert!((seen - expected).abs() <= 0.005 * expected + 1e-5, "{aside} m aside: {seen} instead of {expected}");
    }
}

/// Radiance of a white wall at the origin that faces `normal`, in the light of a map that is bright around +X.
fn wall(normal: DVec3, rotation_y_rad: f64, strength: f32) -> Vec3 {
    let (width_px, height_px) = (64, 32);
    let texel = |i: u32| {
        let (u, v) = ((i % 64) as f32 / 64.0, (i / 64) as f32 / 32.0);
        if (u - 0.5).abs() < 0.1 && (v - 0.5).abs() < 0.15 { [4.0, 3.0, 2.0] } else { [0.1, 0.1 + 0.2 * u, 0.3 * v] }
    };
    let rgb = (0..width_px * height_px).map(texel).collect();
    let map = Arc::new(EnvironmentMap { width_px, height_px, rgb });
    let mut shot = shot(normal * 0.5, 0.02, 8, 512);
    shot.film.bounces = Bounces::all(0);
    shot.environment = Environment::LatLong { map, rotation_x_rad: 0.0, rotation_y_rad, strength };
    let x = DVec3::Y.cross(normal);
    let stood = DAffine3::from_mat3(DMat3::from_cols(x, normal, x.cross(normal)));
    mean_radiance(&render(&scene(vec![plane()], &[(0, stood)]), &white(), &shot, 2))
}

#[test]
fn a_map_turns_right_handed_about_y_and_its_strength_is_a_factor() {
    let quarter = std::f64::consts::FRAC_PI_2;
    let unturned = wall(DVec3::X, 0.0, 1.0);
    let behind = wall(DVec3::NEG_X, 0.0, 1.0);
    assert!(unturned.x > 3.0 * behind.x, "the bright patch is at +X: {unturned} against {behind}");
    // +Z rotates towards +X, and so +X towards −Z.
    for (normal, rotation) in [(DVec3::NEG_Z, quarter), (DVec3::NEG_X, 2.0 * quarter), (DVec3::Z, -quarter)] {
        let turned = wall(normal, rotation, 1.0);
        assert!((turned - unturned).abs().cmple(unturned * 0.005).all(), "{turned} instead of {unturned} at {normal}");
    }
    let stronger = wall(DVec3::X, 0.0, 2.5);
    assert!((stronger - 2.5 * unturned).abs().cmple(unturned * 1e-4).all(), "{stronger} from {unturned}");
}
