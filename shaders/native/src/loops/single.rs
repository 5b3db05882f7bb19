//! The loops whose stages are translated in lanes too ([`lanes`](super)), here for one path at a time: for processors
//! without lanes.

use glam::{UVec2, Vec2};
use packshot_shaders::constants::ENVIRONMENT_MAP;
use packshot_shaders::layout::ray::Hit;

use super::baseline::{draw, search_environment};
use super::{AHEAD, Alive, NO_POINT, NO_SAMPLES, NO_SEARCH, PixelSamples, Shading, Shadows};
use crate::stages::{Bindings, Guide, PathState, baseline as native};

/// [`Stages::generate`](super::Stages::generate).
pub(super) fn generate(b: &Bindings<'_>, samples: PixelSamples, paths: &mut [PathState]) {
    let pixel = UVec2::from(samples.pixel);
    let sequence = native::pixel_sequence(b, pixel);
    let (seed, begin) = (sequence.x, sequence.y + samples.first_sample);
    for (chunk_idx, paths) in paths.chunks_mut(AHEAD).enumerate() {
        // Wraps after the last number of a sequence, where there are no paths.
        let first = begin.wrapping_add((chunk_idx * AHEAD) as u32);
        let numbers: [u32; AHEAD] = std::array::from_fn(|k| first.wrapping_add(k as u32));
        let mut drawn = [Vec2::ZERO; AHEAD];
        for (&sample, u) in numbers.iter().zip(&mut drawn) {
            *u = native::pixel_sample(seed, sample);
        }
        for (path, (&sample, &u)) in paths.iter_mut().zip(numbers.iter().zip(&drawn)) {
            *path = native::generate(b, pixel, seed, sample, u);
        }
    }
}

/// [`Stages::shade`](super::Stages::shade).
pub(super) fn shade(
    b: &Bindings<'_>,
    paths: &mut [PathState],
    alive: &mut Alive,
    hits: &[Hit],
    _: &mut Shading,
    shadows: &mut Shadows,
) {
    let has_map = b.params.environment_kind == ENVIRONMENT_MAP;
    let mut samples = [NO_SAMPLES; AHEAD];
    let mut searches = [NO_SEARCH; AHEAD];
    let mut points = [NO_POINT; AHEAD];
    for (alive, hits) in alive.paths.chunks(AHEAD).zip(hits.chunks(AHEAD)) {
        draw(paths, alive, &mut samples);
        if has_map {
            let n = hits.len();
            search_environment(b, paths, alive, hits, &mut samples, &mut searches[..n], &mut points[..n]);
        }
        let steps = alive.iter().zip(hits).zip(samples.iter_mut().zip(&mut points));
        for ((&i, hit), (samples, point)) in steps {
            let path = &mut paths[i as usize];
            let step = path.steps;
            let shadow = native::shade(b, path, *hit, samples, point);
            if shadow.exists == 1 {
                shadows.rays.push(shadow.ray);
                if shadows.has_names {
                    let key = native::ray_key(path.seed, path.sample, step, 1);
                    shadows.names.push(native::ray_name(key));
                }
                shadows.radiance.push(shadow.radiance);
                shadows.paths.push(i);
            }
        }
    }
    alive.paths.retain(|&i| paths[i as usize].alive == 1);
    alive.n_coherent = 0;
}

/// [`Stages::guide`](super::Stages::guide).
pub(super) fn guide(
    b: &Bindings<'_>,
    paths: &mut [PathState],
    alive: &mut Vec<u32>,
    hits: &[Hit],
    guides: &mut [Guide],
) {
    let mut samples = [NO_SAMPLES; AHEAD];
    for (alive, hits) in alive.chunks(AHEAD).zip(hits.chunks(AHEAD)) {
        draw(paths, alive, &mut samples);
        for ((&i, hit), samples) in alive.iter().zip(hits).zip(&mut samples) {
            guides[i as usize] = native::guide(b, &mut paths[i as usize], *hit, samples);
        }
    }
    alive.retain(|&i| paths[i as usize].alive == 1);
}
