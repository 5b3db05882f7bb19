//! Scenes with a formula for every pixel.

use glam::{DAffine3, DMat3, DVec3, Vec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::shot::{Bounces, Environment, Light};

use crate::scenes::{mean_radiance, plane, render, scene, shot, sphere};

fn lambert() -> OpenPbr {
    OpenPbr { base_color: [0.8, 0.5, 0.2], specular_weight: 0.0, ..OpenPbr::default() }
}

fn assert_close(actual: Vec3, expected: Vec3, share: f32) {
    assert!((actual - expected).abs().cmple(expected * share).all(), "{actual} instead of {expected}");
}

#[test]
fn a_diffuse_sphere_under_uniform_light_shows_its_colour_times_the_light() {
    let mut shot = shot(DVec3::new(2.0, 1.5, 4.0), 2.5, 48, 32);
    shot.environment = Environment::Uniform { radiance: [1.0, 0.8, 0.6] };
    let film = render(&scene(vec![sphere(48, false)], &[(0, DAffine3::IDENTITY)]), &lambert(), &shot, 2);
    assert_close(mean_radiance(&film), Vec3::new(0.8, 0.4, 0.12), 0.005);
}

#[test]
fn a_point_light_over_a_plane_falls_off_by_the_formula() {
    let mut shot = shot(DVec3::Y, 1.0, 32, 16);
    let (height, intensity) = (0.25, 0.3_f32);
    shot.lights = vec![Light::Point { position_m: DVec3::new(0.1, height, 0.0), intensity: [intensity; 3] }];
    let film = render(&scene(vec![plane()], &[(0, DAffine3::IDENTITY)]), &lambert(), &shot, 2);
    let sub = 4;
    for (i, pixel) in film.resolve().iter().enumerate() {
        let mut expected = 0.0;
        for k in 0..sub * sub {
            let at = |p: usize, s: usize| (p as f64 + (s as f64 + 0.5) / sub as f64) / 32.0 - 0.5;
            let (x, z) = (at(i % 32, k % sub), at(i / 32, k / sub));
            let r2 = (x - 0.1).powi(2) + z * z + height * height;
            expected += height / r2.powf(1.5) / (sub * sub) as f64;
        }
        let expected = expected as f32 * intensity * 0.8 / std::f32::consts::PI;
        assert!((pixel[0] / expected - 1.0).abs() < 0.005, "pixel {i}: {} instead of {expected}", pixel[0]);
    }
}

#[test]
fn a_rectangle_light_gives_the_irradiance_of_its_form_factor() {
    // A square of side 1 parallel to the floor at height h: the form factor from the point below its centre is
    // 4/(2π) · 2 · a/√(1+a²) · atan(a/√(1+a²)) with a = 0.5/h (Howell, configuration B-3).
    let (h, radiance) = (0.7_f64, 3.0_f32);
    let facing_down = DMat3::from_cols(DVec3::X, DVec3::NEG_Z, DVec3::Y);
    let mut shot = shot(DVec3::Y * 0.5, 0.02, 8, 512);
    shot.film.bounces = Bounces::all(0);
    shot.lights = vec![Light::Rect {
        world_from_light: DAffine3::from_mat3_translation(facing_down, DVec3::Y * h),
        width_m: 1.0,
        height_m: 1.0,
        radiance: [radiance; 3],
    }];
    let a = 0.5 / h;
    let s = a / (1.0 + a * a).sqrt();
    let form_factor = 4.0 / std::f64::consts::TAU * 2.0 * s * s.atan();
    // Of the light that black paint reflects, only some is traced.
    for (share, tolerance) in [(1.0, 0.005), (0.005, 0.02)] {
        let paint = OpenPbr { base_color: lambert().base_color.map(|of_channel| of_channel * share), ..lambert() };
        let film = render(&scene(vec![plane()], &[(0, DAffine3::IDENTITY)]), &paint, &shot, 2);
        let expected = Vec3::from_array(paint.base_color) * radiance * form_factor as f32;
        assert_close(mean_radiance(&film), expected, tolerance);
    }
}

#[test]
fn light_from_one_direction_and_its_shadow() {
    // Half of the plane is in the shadow of a square above it.
    let lid = DAffine3::from_translation(DVec3::new(-1.0, 0.5, 0.0));
    let mut shot = shot(DVec3::new(0.0, -1.0, 0.0), 1.0, 16, 16);
    shot.lights =
        vec![Light::Directional { direction: DVec3::new(0.0, 1.0, 0.0), irradiance: [2.0; 3], half_angle_rad: 0.0 }];
    let film = render(&scene(vec![plane()], &[(0, DAffine3::IDENTITY), (0, lid)]), &lambert(), &shot, 2);
    // Seen and lit from below: surfaces are two-sided.
    assert_close(mean_radiance(&film), Vec3::new(0.8, 0.5, 0.2) * 2.0 / std::f32::consts::PI, 1e-3);
    let mut above = crate::scenes::shot(DVec3::Y * 0.25, 1.0, 16, 16);
    // Direct light only: otherwise the lid's underside would reflect light from the floor beside it.
    above.film.bounces = Bounces::all(0);
    above.lights = vec![Light::Directional { direction: DVec3::NEG_Y, irradiance: [2.0; 3], half_angle_rad: 0.0 }];
    let film = render(&scene(vec![plane()], &[(0, DAffine3::IDENTITY), (0, lid)]), &lambert(), &above, 2);
    let picture = film.resolve();
    assert_eq!(picture[8 * 16 + 2][0], 0.0, "under the lid");
    assert!((picture[8 * 16 + 13][0] - 0.8 * 2.0 / std::f32::consts::PI).abs() < 1e-3, "beside it");
}
