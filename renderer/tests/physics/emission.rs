//! Emissive surfaces, compared with form factors and with lights of the same radiance.

use glam::{DAffine3, DMat3, DVec3, Vec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::film::Film;
use packshot_renderer::shot::{Bounces, Light, Shot};

use crate::scenes::{mean_radiance, plane, render, render_parts, scene, shot, sphere};

const RADIANCE: f32 = 3.0;

fn lambert() -> OpenPbr {
    OpenPbr { base_color: [0.8, 0.5, 0.2], specular_weight: 0.0, ..OpenPbr::default() }
}

fn emissive() -> OpenPbr {
    OpenPbr {
        base_weight: 0.0,
        specular_weight: 0.0,
        emission_luminance: RADIANCE,
        emission_color: [1.0; 3],
        ..OpenPbr::default()
    }
}

fn assert_close(actual: Vec3, expected: Vec3, share: f32) {
    assert!((actual - expected).abs().cmple(expected * share).all(), "{actual} instead of {expected}");
}

/// Looking straight down at the origin of a floor, from below whatever is above it, with direct light only.
fn looking_down(from_m: f64, samples: u32) -> Shot {
    let mut shot = shot(DVec3::Y * from_m, 0.02, 8, samples);
    shot.film.bounces = Bounces::all(0);
    shot
}

/// Mean squared deviation of a channel from its mean over pixels, relative to the mean.
fn noise(film: &Film) -> f32 {
    let values: Vec<f32> = film.resolve().iter().map(|p| p[0]).collect();
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    values.iter().map(|v| (v / mean - 1.0).powi(2)).sum::<f32>() / values.len() as f32
}

#[test]
fn an_emissive_square_is_a_rectangle_light() {
    let h = 0.7_f64;
    // Seen from above, where the square's other side emits away from the floor: turned over, both sides must do the
    // same.
    for turn in [DAffine3::IDENTITY, DAffine3::from_rotation_x(std::f64::consts::PI)] {
        let square = DAffine3::from_translation(DVec3::Y * h) * turn * DAffine3::from_scale(DVec3::splat(0.5));
        let parts = scene(vec![plane()], &[(0, DAffine3::IDENTITY), (0, square)]);
        let film = render_parts(&parts, &[lambert(), emissive()], &[0, 1], &looking_down(0.5, 512), 2);
        let facing_down = DMat3::from_cols(DVec3::X, DVec3::NEG_Z, DVec3::Y);
        let mut lit = looking_down(0.5, 512);
        lit.lights = vec![Light::Rect {
            world_from_light: DAffine3::from_mat3_translation(facing_down, DVec3::Y * h),
            width_m: 1.0,
            height_m: 1.0,
            radiance: [RADIANCE; 3],
        }];
        let by_light = render(&scene(vec![plane()], &[(0, DAffine3::IDENTITY)]), &lambert(), &lit, 2);
        assert_close(mean_radiance(&film), mean_radiance(&by_light), 0.005);
        // Howell, configuration B-3, as for the rectangle light.
        let a = 0.5 / h;
        let s = a / (1.0 + a * a).sqrt();
        let form_factor = (4.0 / std::f64::consts::TAU * 2.0 * s * s.atan()) as f32;
        assert_close(mean_radiance(&film), Vec3::new(0.8, 0.5, 0.2) * RADIANCE * form_factor, 0.005);
    }
}

#[test]
fn an_emissive_sphere_gives_the_irradiance_of_its_form_factor() {
    // From an element of a plane to a sphere that is entirely above it: (r/d)² times the cosine (Howell, configuration
    // B-21). The mesh's facets emit less in proportion to their smaller silhouette.
    let (height, radius) = (0.6, 0.2);
    for aside in [0.0, 0.5] {
        let ball =
            DAffine3::from_translation(DVec3::new(aside, height, 0.0)) * DAffine3::from_scale(DVec3::splat(radius));
        let parts = scene(vec![plane(), sphere(64, false)], &[(0, DAffine3::IDENTITY), (1, ball)]);
        let shot = looking_down(0.3, 512);
        let film = render_parts(&parts, &[lambert(), emissive()], &[0, 1], &shot, 2);
        let distance2 = aside * aside + height * height;
        let form_factor = radius * radius / distance2 * (height / distance2.sqrt());
        let expected = Vec3::new(0.8, 0.5, 0.2) * RADIANCE * form_factor as f32;
        assert_close(mean_radiance(&film), expected, 0.005);
        // Scattered rays alone would hit the ball once in ten or twenty times: a variance of about 10 per sample.
        let per_sample = noise(&film) * 512.0;
        assert!(per_sample < 2.0, "the variance of a sample is {per_sample}");
    }
}

#[test]
fn what_emits_behind_a_mask_shines_through_its_holes_only() {
    // Opacity of one half, stochastic except for camera rays: half of the square's light, and none of it counted twice.
    let square = DAffine3::from_translation(DVec3::Y * 0.7) * DAffine3::from_scale(DVec3::splat(0.5));
    let parts = scene(vec![plane()], &[(0, DAffine3::IDENTITY), (0, square)]);
    let half = OpenPbr { geometry_opacity: 0.5, ..emissive() };
    let of =
        |material| mean_radiance(&render_parts(&parts, &[lambert(), material], &[0, 1], &looking_down(0.5, 512), 2));
    assert_close(of(half), of(emissive()) * 0.5, 0.005);
}

#[test]
fn a_mirror_shows_the_radiance_and_not_more() {
    let square = DAffine3::from_translation(DVec3::Y * 0.7);
    let mirror = OpenPbr { base_color: [1.0; 3], base_metalness: 1.0, specular_roughness: 0.0, ..OpenPbr::default() };
    let parts = scene(vec![plane()], &[(0, DAffine3::IDENTITY), (0, square)]);
    let mut shot = looking_down(0.5, 16);
    shot.film.bounces = Bounces::all(2);
    let film = render_parts(&parts, &[mirror, emissive()], &[0, 1], &shot, 2);
    assert_close(mean_radiance(&film), Vec3::splat(RADIANCE), 1e-3);
}

#[test]
fn a_glossy_floor_sees_an_emissive_square_as_it_sees_a_rectangle_light() {
    for specular_roughness in [0.1, 0.3, 0.7] {
        let glossy = OpenPbr { base_color: [0.9; 3], base_metalness: 1.0, specular_roughness, ..OpenPbr::default() };
        let square = DAffine3::from_translation(DVec3::new(0.1, 0.4, 0.0)) * DAffine3::from_scale(DVec3::splat(0.25));
        let parts = scene(vec![plane()], &[(0, DAffine3::IDENTITY), (0, square)]);
        let film = render_parts(&parts, &[glossy, emissive()], &[0, 1], &looking_down(0.3, 1024), 2);
        let facing_down = DMat3::from_cols(DVec3::X, DVec3::NEG_Z, DVec3::Y);
        let mut lit = looking_down(0.3, 1024);
        lit.lights = vec![Light::Rect {
            world_from_light: DAffine3::from_mat3_translation(facing_down, DVec3::new(0.1, 0.4, 0.0)),
            width_m: 0.5,
            height_m: 0.5,
            radiance: [RADIANCE; 3],
        }];
        let by_light = render(&scene(vec![plane()], &[(0, DAffine3::IDENTITY)]), &glossy, &lit, 2);
        assert_close(mean_radiance(&film), mean_radiance(&by_light), 0.005);
    }
}

#[test]
fn light_inside_of_a_body_is_dimmed_over_its_own_way() {
    // A floor and a light inside a ball that does not refract but absorbs; the camera looks in through the top.
    let sigma = [0.5_f64, 1.0, 2.0];
    let color = sigma.map(|sigma| (-sigma).exp() as f32);
    let medium = OpenPbr {
        transmission_weight: 1.0,
        specular_ior: 1.0,
        specular_roughness: 0.0,
        transmission_color: color,
        transmission_depth: 1.0,
        ..OpenPbr::default()
    };
    let white = OpenPbr { base_color: [0.8; 3], specular_weight: 0.0, ..OpenPbr::default() };
    let (aside, height, side) = (0.4, 0.5, 0.3);
    let floor = DAffine3::from_scale(DVec3::splat(0.6));
    let lamp =
        DAffine3::from_translation(DVec3::new(aside, height, 0.0)) * DAffine3::from_scale(DVec3::splat(0.5 * side));
    let mut looking_in = shot(DVec3::Y * 3.0, 0.02, 8, 1024);
    looking_in.film.bounces = Bounces::all(1);
    let meshes = || vec![sphere(48, false), plane()];
    let bodies = [(0, DAffine3::IDENTITY), (1, floor), (1, lamp)];

    // ∫ L cos cos / d² e^(−σd) dA over the lamp, then the path to the camera.
    let mut irradiance = [0.0_f64; 3];
    let n = 64;
    for k in 0..n * n {
        let at = |i: usize| ((i as f64 + 0.5) / n as f64 - 0.5) * side;
        let (x, z) = (aside + at(k % n), at(k / n));
        let d2 = x * x + z * z + height * height;
        for (sum, sigma) in irradiance.iter_mut().zip(sigma) {
            *sum += height * height / (d2 * d2) * (-sigma * d2.sqrt()).exp() * (side / n as f64).powi(2);
        }
    }
    let seen = |i: usize| (irradiance[i] * f64::from(RADIANCE) * 0.8 / std::f64::consts::PI * (-sigma[i]).exp()) as f32;
    let expected = Vec3::from([seen(0), seen(1), seen(2)]);

    let shone = render_parts(&scene(meshes(), &bodies), &[medium, white, emissive()], &[0, 1, 2], &looking_in, 2);
    assert_close(mean_radiance(&shone), expected, 0.01);

    let facing_down = DMat3::from_cols(DVec3::X, DVec3::NEG_Z, DVec3::Y);
    looking_in.lights = vec![Light::Rect {
        world_from_light: DAffine3::from_mat3_translation(facing_down, DVec3::new(aside, height, 0.0)),
        width_m: side,
        height_m: side,
        radiance: [RADIANCE; 3],
    }];
    let lit = render_parts(&scene(meshes(), &bodies[..2]), &[medium, white], &[0, 1], &looking_in, 2);
    assert_close(mean_radiance(&lit), expected, 0.01);

    looking_in.lights = vec![Light::Point { position_m: DVec3::new(aside, height, 0.0), intensity: [1.0; 3] }];
    let lit = render_parts(&scene(meshes(), &bodies[..2]), &[medium, white], &[0, 1], &looking_in, 2);
    let d = aside.hypot(height);
    let seen = sigma.map(|sigma| (height / d.powi(3) * 0.8 / std::f64::consts::PI * (-sigma * (d + 1.0)).exp()) as f32);
    assert_close(mean_radiance(&lit), Vec3::from(seen), 0.01);
}
