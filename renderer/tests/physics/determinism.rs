//! A picture is a function of scene, shot and seed, and of nothing else.

use std::sync::Arc;
use std::time::Duration;

use glam::{DAffine3, DVec3, Vec4};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::{CancelToken, RenderControl};
use packshot_renderer::prepare::PartMaterial;
use packshot_renderer::shot::{Environment, Light, Shot};

use crate::scenes::{load, mean_radiance, plane, render, scene, shot, sphere};

fn steel() -> OpenPbr {
    OpenPbr { base_color: [0.53, 0.51, 0.49], base_metalness: 1.0, specular_roughness: 0.25, ..OpenPbr::default() }
}

/// A ball over a plane with a point light; 100 pixels wide, so that blocks are cut off.
fn ball_shot(samples: u32, unit_m: f64) -> Shot {
    let mut shot = shot(DVec3::new(3.0, 2.0, 4.0) * unit_m, 4.0 * unit_m, 100, samples);
    shot.environment = Environment::Uniform { radiance: [0.3, 0.4, 0.5] };
    let intensity = [(8.0 * unit_m * unit_m) as f32; 3];
    shot.lights = vec![Light::Point { position_m: DVec3::new(-2.0, 3.0, 1.0) * unit_m, intensity }];
    shot
}

fn ball_scene(unit_m: f64) -> packshot_renderer::scene::Scene {
    let scale = DAffine3::from_scale(DVec3::splat(unit_m));
    let floor = DAffine3::from_translation(DVec3::NEG_Y * unit_m) * DAffine3::from_scale(DVec3::splat(2.0 * unit_m));
    scene(vec![sphere(24, true), plane()], &[(0, scale), (1, floor)])
}

#[test]
fn threads_change_nothing() {
    let (scene, shot) = (ball_scene(1.0), ball_shot(16, 1.0));
    let one = render(&scene, &steel(), &shot, 1);
    let three = render(&scene, &steel(), &shot, 3);
    assert_eq!(one.sums, three.sums);
}

#[test]
fn however_little_time_every_pixel_gets_a_sample() {
    let scene = ball_scene(1.0);
    let picture = |samples: u32, time_max: Option<Duration>| {
        let shot = ball_shot(samples, 1.0);
        let loaded = load(&scene, &[steel().into()], &[const { PartMaterial::Palette(0) }; 2], &shot, 2);
        let cancel = CancelToken::default();
        loaded.render(&RenderControl { time_max, ..RenderControl::new(&cancel) })
    };
    let (hurried, whole) = (picture(65_536, Some(Duration::from_nanos(1))), picture(64, None));
    assert!(hurried.samples.iter().all(|&n| n == 1));
    let error = mean_radiance(&hurried).element_sum() / mean_radiance(&whole).element_sum() - 1.0;
    assert!(error.abs() < 0.05, "{error:+.4}");
}

#[test]
fn samples_add_up_in_groups_of_256_bit_for_bit() {
    let scene = ball_scene(1.0);
    let mut shot = ball_shot(512, 1.0);
    (shot.film.width_px, shot.film.height_px) = (24, 24);
    let loaded = load(&scene, &[steel().into()], &[const { PartMaterial::Palette(0) }; 2], &shot, 2);
    let cancel = CancelToken::default();
    let whole = loaded.render(&RenderControl::new(&cancel));
    let counts: Arc<[u32]> = vec![256; 24 * 24].into();
    let first = loaded.render(&RenderControl { counts: Some(&counts), ..RenderControl::new(&cancel) });
    assert!(first.samples.iter().all(|&n| n == 256));
    for (whole, first) in whole.sums.iter().zip(&first.sums) {
        // The first group is complete before sample 256 is added to the second, which started from zero.
        assert_eq!(whole.groups, first.groups + first.group);
        assert_eq!(first.groups, Vec4::ZERO);
    }
}

#[test]
fn the_unit_of_length_changes_nothing_that_can_be_seen() {
    let picture = |unit_m: f64| render(&ball_scene(unit_m), &steel(), &ball_shot(16, unit_m), 2).resolve();
    let metres = picture(1.0);
    for unit_m in [1e-6, 1e-3, 1e3] {
        let other = picture(unit_m);
        let differing = metres.iter().zip(&other).filter(|(a, b)| (a[1] - b[1]).abs() > 1e-3).count();
        assert!(differing < metres.len() / 200, "unit {unit_m} m: {differing} pixels differ");
    }
}

#[test]
fn another_seed_is_another_picture_of_the_same_thing() {
    let (scene, mut shot) = (ball_scene(1.0), ball_shot(16, 1.0));
    let a = render(&scene, &steel(), &shot, 2).resolve();
    shot.film.seed = 1;
    let b = render(&scene, &steel(), &shot, 2).resolve();
    assert_ne!(a, b);
    let mean = |p: &[[f32; 4]]| p.iter().map(|p| p[1]).sum::<f32>() / p.len() as f32;
    assert!((mean(&a) / mean(&b) - 1.0).abs() < 0.01);
}
