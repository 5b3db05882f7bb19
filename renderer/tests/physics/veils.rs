//! Partly opaque parts: every pixel sees exactly the right fraction of what is behind them, not a random one.

use glam::{DAffine3, DVec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::film::Film;
use packshot_renderer::scene::Scene;
use packshot_renderer::shot::Shot;

use crate::scenes::{plane, render_parts, scene, shot, sphere};

const SAMPLES: u32 = 64;

/// Evenly emissive: the only noise in a pixel is that of the fraction which it shows.
fn emissive(radiance: f32, opacity: f32) -> OpenPbr {
    OpenPbr {
        base_color: [0.0; 3],
        specular_weight: 0.0,
        emission_luminance: radiance,
        geometry_opacity: opacity,
        ..OpenPbr::default()
    }
}

/// A picture of squares of side 2 at these heights, seen from above, each with its opacity and radiance.
fn squares(heights: &[f64], worn: &[(f32, f32)]) -> Film {
    let parts: Vec<_> = heights.iter().map(|&y| (0, DAffine3::from_translation(DVec3::Y * y))).collect();
    let palette: Vec<OpenPbr> = worn.iter().map(|&(opacity, radiance)| emissive(radiance, opacity)).collect();
    let indices: Vec<usize> = (0..worn.len()).collect();
    picture(&scene(vec![plane()], &parts), &palette, &indices)
}

fn picture(scene: &Scene, palette: &[OpenPbr], worn: &[usize]) -> Film {
    render_parts(scene, palette, worn, &from_above(), 2)
}

fn from_above() -> Shot {
    shot(DVec3::Y * 5.0, 1.0, 24, SAMPLES)
}

/// Asserts that a channel of every pixel has the expected value, within the contribution of so many samples.
#[track_caller]
fn assert_even(film: &Film, channel: usize, expected: f32, tolerance_samples: f32) {
    let furthest = film.resolve().iter().map(|pixel| (pixel[channel] - expected).abs()).fold(0.0, f32::max);
    assert!(furthest * SAMPLES as f32 <= tolerance_samples, "channel {channel}: {furthest} from {expected}");
}

#[test]
fn every_pixel_sees_the_share_that_a_veil_leaves() {
    for opacity in [0.1_f32, 0.5, 0.73] {
        let film = squares(&[0.0], &[(opacity, 2.0)]);
        assert_even(&film, 3, opacity, 1.01);
        assert_even(&film, 1, 2.0 * opacity, 2.02);
    }
    // For a second and a third surface the rest of the first one's random number is used.
    let film = squares(&[0.3, 0.2, -0.1], &[(0.5, 1.0), (0.5, 1.0), (0.25, 1.0)]);
    assert_even(&film, 3, 1.0 - 0.5 * 0.5 * 0.75, 1.01);
    let film = squares(&[0.3, -0.1], &[(0.25, 0.0), (1.0, 4.0)]);
    assert_even(&film, 3, 1.0, 1e-3);
    assert_even(&film, 0, 0.75 * 4.0, 4.04);
}

#[test]
fn veils_move_the_far_plane_of_the_camera_nowhere() {
    let parts = [0.5, -0.5].map(|y| (0, DAffine3::from_translation(DVec3::Y * y)));
    let scene = scene(vec![plane()], &parts);
    let palette = [emissive(1.0, 0.5), emissive(1.0, 1.0)];
    let mut shot = from_above();
    shot.camera.clip_far_m = 5.0;
    let film = render_parts(&scene, &palette, &[0, 1], &shot, 2);
    assert_even(&film, 3, 0.5, 1.01);
}

#[test]
fn a_body_of_one_part_is_met_at_each_of_its_sides() {
    let film = picture(&scene(vec![sphere(24, true)], &[(0, DAffine3::IDENTITY)]), &[emissive(1.0, 0.4)], &[0]);
    let alphas: Vec<f32> = film.resolve().iter().map(|pixel| pixel[3]).collect();
    let furthest = alphas.iter().map(|alpha| (alpha - (1.0 - 0.6 * 0.6)).abs()).fold(0.0, f32::max);
    assert!(furthest * SAMPLES as f32 <= 1.01, "{furthest}");
}

#[test]
fn parts_in_the_same_place_are_all_met() {
    let film = squares(&[0.0, 0.0], &[(0.5, 1.0), (0.5, 1.0)]);
    assert_even(&film, 3, 0.75, 1.01);
    let film = squares(&[0.0, 0.0, 0.0], &[(0.5, 0.0), (1.0, 3.0), (0.5, 0.0)]);
    assert_even(&film, 3, 1.0, 1e-3);
}
