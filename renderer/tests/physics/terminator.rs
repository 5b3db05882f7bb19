//! The shadow terminator on coarse meshes of round bodies.

use std::f64::consts::PI;

use glam::{DAffine3, DQuat, DVec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::film::Film;
use packshot_renderer::shot::{Bounces, Environment, Light};

use crate::scenes::{cube, render, render_parts, scene, shot, sphere};

const SIZE_PX: usize = 64;

/// A white ball of `n` bands in sunlight from +X, seen from +Z.
fn ball_in_the_sun(n: u32, smooth: bool) -> Film {
    let matt = OpenPbr { base_color: [0.8; 3], specular_weight: 0.0, ..OpenPbr::default() };
    let mut shot = shot(DVec3::Z * 3.0, 2.1, SIZE_PX as u32, 16);
    shot.film.bounces = Bounces::all(0);
    shot.lights = vec![Light::Directional { direction: DVec3::NEG_X, irradiance: [PI as f32; 3], half_angle_rad: 0.0 }];
    render(&scene(vec![sphere(n, smooth)], &[(0, DAffine3::IDENTITY)]), &matt, &shot, 2)
}

/// Radiance compared with that of a perfect ball, over the pixels of the lit half whose cosine to the sun is below
/// `cosine_max`: the mean difference, and the fraction of pixels that have less than half of the expected radiance.
fn beside_the_ball(film: &Film, cosine_max: f64) -> (f64, f64) {
    let pixels = film.resolve();
    let (mut n, mut sum, mut n_dark) = (0.0, 0.0, 0.0);
    for (i, pixel) in pixels.iter().enumerate() {
        let at = |k: usize| 2.1 * ((k as f64 + 0.5) / SIZE_PX as f64 - 0.5);
        let (x, y) = (at(i % SIZE_PX), at(i / SIZE_PX));
        // Not near the silhouette, where a coarse ball has no surface.
        if x < 0.05 || x > cosine_max || x.hypot(y) > 0.8 {
            continue;
        }
        n += 1.0;
        sum += (f64::from(pixel[0]) - 0.8 * x).abs();
        n_dark += f64::from(u8::from(f64::from(pixel[0]) < 0.4 * x));
    }
    (sum / n, n_dark / n)
}

#[test]
fn a_coarse_ball_has_the_shadow_edge_of_a_round_one() {
    let (difference, n_dark) = beside_the_ball(&ball_in_the_sun(8, true), 0.45);
    assert!(n_dark <= 0.01 && difference <= 0.03, "{difference} on average, {n_dark} of the pixels too dark");
    // With flat shading, facets keep their own shadows: half of the band faces away from the sun or is edge-on to it.
    let (of_facets, _) = beside_the_ball(&ball_in_the_sun(8, false), 0.45);
    assert!(of_facets > 2.0 * difference, "{of_facets} with facets, {difference} without");
}

#[test]
fn the_finer_the_mesh_the_closer() {
    let [coarse, fine] = [8, 32].map(|n| beside_the_ball(&ball_in_the_sun(n, true), 0.45).0);
    assert!(fine < 0.3 * coarse, "{fine} after {coarse}");
}

/// Mean radiance of a white ball under a black roof that rises from its top at 8 degrees, in a white environment, seen
/// from below the roof, which has this thickness.
fn under_a_roof(thickness: f64) -> f64 {
    let white = OpenPbr { base_color: [0.8; 3], specular_weight: 0.0, ..OpenPbr::default() };
    let black = OpenPbr { base_color: [0.0; 3], ..white };
    let roof = DAffine3::from_rotation_translation(DQuat::from_rotation_z(8_f64.to_radians()), DVec3::Y * 0.002)
        * DAffine3::from_scale_rotation_translation(
            DVec3::new(1.5, 0.5 * thickness, 1.5),
            DQuat::IDENTITY,
            DVec3::X * 1.5,
        );
    let ball = DAffine3::from_translation(DVec3::NEG_Y);
    let mut shot = shot(DVec3::new(1.0, 0.05, 0.0) * 4.0, 0.5, 48, 256);
    shot.film.bounces = Bounces::all(1);
    shot.environment = Environment::Uniform { radiance: [1.0; 3] };
    let film = render_parts(
        &scene(vec![sphere(8, true), cube()], &[(0, ball), (1, roof)]),
        &[white, black],
        &[0, 1],
        &shot,
        2,
    );
    let pixels = film.resolve();
    // The lower half of the picture, where the ball is.
    let lower: Vec<f64> = pixels[pixels.len() / 2..].iter().map(|pixel| f64::from(pixel[0])).collect();
    lower.iter().sum::<f64>() / lower.len() as f64
}

#[test]
fn light_does_not_leak_through_what_lies_close_above_a_coarse_mesh() {
    // No more light passes through a sheet than through a block: above the sheet there is light, inside the block none.
    let (sheet, block) = (under_a_roof(1e-4), under_a_roof(0.5));
    assert!(block > 0.05 && sheet / block < 1.015, "{sheet} under a sheet, {block} under a block");
}
