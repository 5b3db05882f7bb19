//! The spatial distribution of noise in the picture, and how much of it a threshold leaves.

use glam::{DAffine3, DVec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::film::{Film, samples_mean};
use packshot_renderer::shot::Light;

use crate::scenes::{plane, render, scene, shot, sphere};

/// Pixels along each side, a multiple of every block.
const SIZE_PX: usize = 64;

/// Variance of the means of blocks of `side_px` squared pixels, times the number of pixels in a block: the same for
/// every side if errors are independent.
fn variance_of_blocks(errors: &[f64], side_px: usize) -> f64 {
    let n = SIZE_PX / side_px;
    let mean = |block: usize| {
        let (x, y) = (block % n * side_px, block / n * side_px);
        let rows = (y..y + side_px).flat_map(|y| &errors[y * SIZE_PX + x..][..side_px]);
        rows.sum::<f64>() / (side_px * side_px) as f64
    };
    let squares: f64 = (0..n * n).map(|block| mean(block).powi(2)).sum();
    squares / (n * n) as f64 * (side_px * side_px) as f64
}

/// Errors on a plane far below a lamp, which is the same for every pixel.
fn errors(samples: u32, seed: u32) -> Vec<f64> {
    let mut shot = shot(DVec3::Y, 0.001, SIZE_PX as u32, samples);
    shot.film.seed = seed;
    let down = glam::DMat3::from_cols(DVec3::X, DVec3::NEG_Z, DVec3::Y);
    let world_from_light = DAffine3::from_mat3_translation(down, DVec3::new(0.8, 0.5, 0.0));
    shot.lights = vec![Light::Rect { world_from_light, width_m: 1.5, height_m: 1.0, radiance: [1.0; 3] }];
    let material = OpenPbr { specular_weight: 0.0, ..OpenPbr::default() };
    let film = render(&scene(vec![plane()], &[(0, DAffine3::IDENTITY)]), &material, &shot, 2);
    let values: Vec<f64> = film.resolve().iter().map(|p| f64::from(p[1])).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| value / mean - 1.0).collect()
}

#[test]
fn errors_of_neighbours_cancel() {
    for samples in [1, 4, 16] {
        let of_seeds: Vec<[f64; 3]> = (0..4)
            .map(|seed| {
                let errors = errors(samples, seed);
                [1, 2, 4].map(|side_px| variance_of_blocks(&errors, side_px))
            })
            .collect();
        let [pixel, two, four] = [0, 1, 2].map(|i| of_seeds.iter().map(|v| v[i]).sum::<f64>());
        assert!(two < 0.6 * pixel && four < 0.3 * pixel, "{samples} samples: {pixel:.3e}, {two:.3e}, {four:.3e}");
    }
}

/// The error of each covered pixel, in the measure of the threshold: that of the primaries together, relative to the
/// root of their sum where that is below 1, and to the sum above.
fn errors_as_noise(film: &Film, truth: &[[f32; 4]]) -> Vec<f64> {
    let error = |(found, truth): (&[f32; 4], &[f32; 4])| {
        let difference: f32 = (0..3).map(|i| (found[i] - truth[i]).abs()).sum();
        let brightness: f32 = truth[..3].iter().sum();
        f64::from(difference / (1e-4 + if brightness < 1.0 { brightness.sqrt() } else { brightness }))
    };
    film.resolve().iter().zip(truth).filter(|(_, truth)| truth[3] > 0.0).map(error).collect()
}

#[test]
fn nineteen_of_twenty_pixels_are_as_exact_as_the_threshold_says() {
    let place = DAffine3::from_scale_rotation_translation(
        DVec3::splat(0.35),
        glam::DQuat::IDENTITY,
        DVec3::new(-0.2, 0.35, 0.1),
    );
    let scene = scene(vec![plane(), sphere(48, true)], &[(0, DAffine3::IDENTITY), (1, place)]);
    let gloss = OpenPbr { base_color: [0.8, 0.3, 0.1], specular_roughness: 0.2, ..OpenPbr::default() };
    let mut shot = shot(DVec3::new(0.3, 0.7, 1.0), 1.6, 40, 4096);
    let down = glam::DMat3::from_cols(DVec3::X, DVec3::NEG_Z, DVec3::Y);
    let world_from_light = DAffine3::from_mat3_translation(down, DVec3::new(0.6, 1.2, 0.0));
    shot.lights = vec![Light::Rect { world_from_light, width_m: 0.5, height_m: 0.5, radiance: [6.0; 3] }];
    shot.film.seed = 1;
    let truth = render(&scene, &gloss, &shot, 2).resolve();
    shot.film.seed = 2;
    for threshold in [0.1, 0.05, 0.02] {
        shot.film.noise_threshold = threshold;
        let film = render(&scene, &gloss, &shot, 2);
        let n_mean = samples_mean(&film.samples);
        let mut errors = errors_as_noise(&film, &truth);
        errors.sort_by(f64::total_cmp);
        let [middle, nineteen] = [0.5, 0.95].map(|share| errors[(share * errors.len() as f64) as usize]);
        let t = f64::from(threshold);
        assert!(nineteen < t, "{threshold}: {nineteen:.4} with {n_mean:.0} samples");
        assert!(
            middle > 0.03 * t && n_mean < 2048.0,
            "{threshold} is more exact than it says: {middle:.4}, {n_mean:.0}"
        );
    }
}
