//! The shadow layer, compared with known shadows.

use std::sync::Arc;

use glam::{DAffine3, DQuat, DVec3, Vec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::layers::Quantity;
use packshot_renderer::prepare::{PaletteEntry, PartMaterial};
use packshot_renderer::scene::Scene;
use packshot_renderer::shot::{Environment, EnvironmentMap, Light, Shot};

use crate::scenes::{load, plane, scene, shot, sphere};

const SIZE_PX: usize = 40;

/// The shadow layer of a scene whose parts wear the materials in turn, pixel by pixel.
fn shadow(scene: &Scene, materials: &[OpenPbr], shot: &Shot, n_threads: usize) -> Vec<Vec3> {
    let palette: Vec<PaletteEntry> = materials.iter().map(|&material| material.into()).collect();
    let worn: Vec<PartMaterial> = (0..scene.parts.len()).map(|i| PartMaterial::Palette(i % materials.len())).collect();
    let layer = load(scene, &palette, &worn, shot, n_threads).layers(&[Quantity::Shadow], 64).remove(0);
    layer.chunks(3).map(Vec3::from_slice).collect()
}

fn scaled(scale: DVec3, at: DVec3) -> DAffine3 {
    DAffine3::from_scale_rotation_translation(scale, DQuat::IDENTITY, at)
}

/// The middle of a pixel of a picture of `height_m` from above, x rightwards and −z upwards.
fn middle(pixel: usize, height_m: f64) -> [f64; 2] {
    let at = |i: usize| ((i as f64 + 0.5) / SIZE_PX as f64 - 0.5) * height_m;
    [at(pixel % SIZE_PX), at(pixel / SIZE_PX)]
}

/// A shot from directly above.
fn from_above(height_m: f64) -> Shot {
    shot(DVec3::Y * 10.0, height_m, SIZE_PX as u32, 64)
}

#[test]
fn the_shadows_of_suns_and_points_have_their_edges() {
    // A square hovers beside the middle, and its shadow falls onto the floor's middle.
    let square = scaled(DVec3::splat(0.4), DVec3::new(-1.2, 1.2, 0.0));
    let scene = scene(vec![plane(), plane()], &[(0, scaled(DVec3::splat(6.0), DVec3::ZERO)), (1, square)]);
    let sun = Light::Directional {
        direction: DVec3::new(1.0, -1.0, 0.0).normalize(),
        irradiance: [3.0; 3],
        half_angle_rad: 0.0,
    };
    // Twice as high, a point makes the shadow twice as large.
    let point = Light::Point { position_m: DVec3::new(-2.4, 2.4, 0.0), intensity: [5.0, 0.0, 2.0] };
    for (light, half) in [(sun, 0.4), (point, 0.8)] {
        let mut shot = from_above(4.0);
        let has_green = matches!(light, Light::Directional { .. });
        shot.lights.push(light);
        let layer = shadow(&scene, &[OpenPbr::default()], &shot, 2);
        let (mut n_dark, mut n_lit) = (0, 0);
        for (pixel, share) in layer.iter().enumerate() {
            let [x, z] = middle(pixel, 4.0);
            let out = (x.abs() - half).max(z.abs() - half);
            let hovers = (x + 1.2).abs() < 0.5 && z.abs() < 0.5;
            if out < -0.06 && !hovers {
                n_dark += 1;
                // There is no green light that could be occluded.
                let expected = if has_green { Vec3::ZERO } else { Vec3::Y };
                assert_eq!(*share, expected, "{x} {z} is in the shadow");
            } else if out > 0.06 || ((x + 1.2).abs() < 0.3 && z.abs() < 0.3) {
                n_lit += 1;
                assert_eq!(*share, Vec3::ONE, "{x} {z} is in the light");
            }
        }
        assert!(n_dark > 30 && n_lit > 800, "{n_dark} and {n_lit}");
    }
}

#[test]
fn a_wall_takes_its_form_factor_of_the_sky() {
    // 1 m high, at x = 0, and so long along z that its ends do not matter.
    let upright = DQuat::from_rotation_z(std::f64::consts::FRAC_PI_2);
    let wall = DAffine3::from_scale_rotation_translation(DVec3::new(0.5, 1.0, 60.0), upright, DVec3::Y * 0.5);
    let scene = scene(vec![plane(), plane()], &[(0, scaled(DVec3::splat(70.0), DVec3::ZERO)), (1, wall)]);
    let map = Arc::new(EnvironmentMap { width_px: 16, height_px: 8, rgb: vec![[0.5, 1.0, 2.0]; 128] });
    for sky in [
        Environment::Uniform { radiance: [0.5, 1.0, 2.0] },
        Environment::LatLong { map, rotation_x_rad: 0.0, rotation_y_rad: 0.3, strength: 1.5 },
    ] {
        let shot = Shot { environment: sky, ..from_above(4.0) };
        let layer = shadow(&scene, &[OpenPbr::default()], &shot, 2);
        for column in (0..SIZE_PX).filter(|column| column.abs_diff(20) > 1 && column.abs_diff(19) > 1) {
            let mean = (0..SIZE_PX).map(|row| layer[row * SIZE_PX + column]).sum::<Vec3>() / SIZE_PX as f32;
            let [x, _] = middle(column, 4.0);
            let expected = 1.0 - 0.5 * (1.0 - x.abs() / (x * x + 1.0).sqrt());
            let off = (mean - expected as f32).abs().max_element();
            assert!(off < 0.025, "{mean} instead of {expected} at {x} m from the wall");
        }
    }
}

#[test]
fn surfaces_that_shine_cast_shadows_too() {
    // A lamp above, a ball between it and the floor's middle.
    let lamp = OpenPbr { emission_luminance: 3.0, ..OpenPbr::default() };
    let down = DQuat::from_rotation_x(std::f64::consts::PI);
    let hung = DAffine3::from_scale_rotation_translation(DVec3::splat(0.2), down, DVec3::Y * 3.0);
    let parts = [(0, scaled(DVec3::splat(3.0), DVec3::ZERO)), (1, hung), (2, scaled(DVec3::splat(0.4), DVec3::Y))];
    let scene = scene(vec![plane(), plane(), sphere(24, true)], &parts);
    // The camera is below the lamp and beside the ball.
    let mut shot = shot(DVec3::new(0.0, 1.0, 3.0), 3.0, SIZE_PX as u32, 64);
    shot.environment = Environment::None;
    let layer = shadow(&scene, &[OpenPbr::default(), lamp, OpenPbr::default()], &shot, 2);
    let darkest = layer.iter().map(|share| share.x).fold(1.0, f32::min);
    assert_eq!(darkest, 0.0, "no pixel under the ball is black");
    let lit = layer.iter().filter(|share| **share == Vec3::ONE).count();
    assert!(lit > SIZE_PX * SIZE_PX / 2, "{lit} pixels are in the light");
}

#[test]
fn where_no_light_could_arrive_there_is_no_shadow() {
    let ball = scene(vec![sphere(24, true)], &[(0, DAffine3::IDENTITY)]);
    let dark = shot(DVec3::Z * 4.0, 3.0, SIZE_PX as u32, 64);
    let layer = shadow(&ball, &[OpenPbr::default()], &dark, 2);
    assert!(layer.iter().all(|share| *share == Vec3::ONE), "without light there is no shadow");
    // Lit from behind: what faces the camera faces away from the light.
    let mut behind = dark.clone();
    behind.lights.push(Light::Directional { direction: DVec3::Z, irradiance: [1.0; 3], half_angle_rad: 0.0 });
    let layer = shadow(&ball, &[OpenPbr::default()], &behind, 2);
    assert!(layer[SIZE_PX * SIZE_PX / 2 + SIZE_PX / 2] == Vec3::ONE && layer[0] == Vec3::ONE);
    // The number of threads changes no bit.
    let mut sky = dark;
    sky.environment = Environment::Uniform { radiance: [1.0; 3] };
    assert!(shadow(&ball, &[OpenPbr::default()], &sky, 1) == shadow(&ball, &[OpenPbr::default()], &sky, 2));
}
