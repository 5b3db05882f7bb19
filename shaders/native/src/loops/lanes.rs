//! The loops whose stages are translated in lanes, in place of those of the same name for single paths.
//!
//! Blocks of paths are loaded into lanes, advanced, and stored again. Lanes without a path, at the end of a batch, have
//! the block's last one and are masked off.

use glam::UVec2;
use packshot_shaders::constants::ENVIRONMENT_MAP;
use packshot_shaders::layout::ray::Hit;

use super::{PixelSamples, Shadows, touch};
use crate::stages::{Bindings, Guide, PathState};

macro_rules! lanes {
    ($module:ident, $simd:ident, $lanes:ident, $features:literal) => {
        pub(super) mod $module {
            use super::*;
            use crate::rt::simd::$simd::{self as simd, Mask, N_LANES};
            use crate::stages::$lanes as native;

            /// Blocks whose memory is prefetched together.
            const BLOCKS: usize = super::super::AHEAD / N_LANES;

            /// Paths in lanes, with what their next step needs.
            struct Block {
                mask: Mask,
                path: native::PathState,
                hit: native::Hit,
                samples: native::BounceSamples,
                search: native::EnvironmentSearch,
                point: native::EnvironmentPoint,
            }

            impl Block {
                /// Loads up to [`N_LANES`] of the paths in `alive`, at these positions of it, and draws the random
                /// numbers of their next event.
                #[target_feature(enable = $features)]
                fn of(paths: &[PathState], alive: &[u32], hits: &[Hit], at: &[u32]) -> Self {
                    let last = at[at.len() - 1] as usize;
                    let mut rows = [&paths[alive[last] as usize]; N_LANES];
                    let mut met = [&hits[last]; N_LANES];
                    for ((row, met), &at) in rows.iter_mut().zip(&mut met).zip(at) {
                        (*row, *met) = (&paths[alive[at as usize] as usize], &hits[at as usize]);
                    }
                    let mask = simd::first_lanes(at.len());
                    let path = native::PathState::gather(rows);
                    Self {
                        mask,
                        path,
                        hit: native::Hit::gather(met),
                        samples: native::bounce_samples(mask, path.seed, path.sample, path.steps),
                        search: native::EnvironmentSearch::zero(),
                        point: native::EnvironmentPoint::zero(),
                    }
                }

                /// Shades the paths, and stores them again.
                #[target_feature(enable = $features)]
                fn shade(
                    mut self,
                    b: &Bindings<'_>,
                    paths: &mut [PathState],
                    alive: &[u32],
                    at: &[u32],
                    shadows: &mut Shadows,
                ) {
                    let steps = self.path.steps;
                    let Self { mask, path, hit, samples, point, .. } = &mut self;
                    let shadow = native::shade(b, *mask, path, hit, samples, point);
                    for (&at, path) in at.iter().zip(path.each()) {
                        paths[alive[at as usize] as usize] = path;
                    }
                    let keys = shadows.has_names.then(|| {
                        simd::array_u32(native::ray_key(*mask, path.seed, path.sample, steps, simd::splat_u32(1)))
                    });
                    for (k, (&at, shadow)) in at.iter().zip(shadow.each()).enumerate() {
                        if shadow.exists == 1 {
                            shadows.rays.push(shadow.ray);
                            shadows.names.extend(keys.map(|keys| crate::stages::$simd::ray_name(keys[k])));
                            shadows.radiance.push(shadow.radiance);
                            shadows.paths.push(alive[at as usize]);
                        }
                    }
                }
            }

            /// Where each path's step will read the environment map, with all the reads that this takes.
            #[target_feature(enable = $features)]
            fn search_environment(b: &Bindings<'_>, blocks: &mut [Block]) {
                for Block { mask, path, hit, samples, search, .. } in blocks.iter_mut() {
                    native::environment_search(b, *mask, path, hit, samples, search);
                }
                for block in blocks.iter() {
                    touch(simd::array_u32(block.search.guide).into_iter().map(|at| b.environment_guide[at as usize]));
                }
                for Block { mask, search, .. } in blocks.iter_mut() {
                    native::environment_narrow(b, *mask, search);
                }
                for Block { search, .. } in blocks.iter() {
                    let [cdf, x, y] = [search.cdf, search.columns.x, search.columns.y].map(|a| simd::array_u32(a));
                    touch((0..N_LANES).map(|k| b.environment_cdf[(cdf[k] + (x[k] + y[k]) / 2) as usize].to_bits()));
                }
                for Block { mask, search, point, .. } in blocks.iter_mut() {
                    native::environment_choose(b, *mask, search, point);
                }
                let next_row = b.params.environment_width_px as usize;
                let word = |texel: usize| b.environment_texels.get(texel).map_or(0, |bits| bits.x);
                for block in blocks.iter() {
                    let texels = simd::array_u32(block.point.texel).map(|texel| texel as usize);
                    touch(texels.into_iter().map(|texel| word(texel) ^ word(texel + next_row)));
                }
            }

            /// [`Stages::generate`](super::super::Stages::generate).
            #[target_feature(enable = $features)]
            pub(in crate::loops) fn generate(b: &Bindings<'_>, samples: PixelSamples, paths: &mut Vec<PathState>) {
                let pixel = UVec2::from(samples.pixel);
                let sequence = crate::stages::$simd::pixel_sequence(b, pixel);
                let (seed, begin) = (sequence.x, sequence.y + samples.first_sample);
                let (pixel, seed) = (simd::splat2_u32(pixel), simd::splat_u32(seed));
                for done in (0..samples.n_samples).step_by(N_LANES) {
                    // Wraps after the last number of a sequence, where lanes are unused.
                    let numbers: [u32; N_LANES] = std::array::from_fn(|k| begin.wrapping_add(done + k as u32));
                    let n = (samples.n_samples - done) as usize;
                    let (mask, sample) = (simd::first_lanes(n), simd::u32_of(numbers));
                    let u = native::pixel_sample(mask, seed, sample);
                    let made = native::generate(b, mask, pixel, seed, sample, u).each();
                    paths.extend_from_slice(&made[..n.min(N_LANES)]);
                }
            }

            /// [`Stages::shade`](super::super::Stages::shade).
            #[target_feature(enable = $features)]
            pub(in crate::loops) fn shade(
                b: &Bindings<'_>,
                paths: &mut [PathState],
                alive: &mut Vec<u32>,
                hits: &[Hit],
                shadows: &mut Shadows,
            ) {
                let has_map = b.params.environment_kind == ENVIRONMENT_MAP;
                let mut blocks = Vec::with_capacity(BLOCKS);
                // Rays that hit nothing have little to do, and take no lanes from the others.
                let (missed, met): (Vec<u32>, Vec<u32>) =
                    (0..alive.len() as u32).partition(|&at| hits[at as usize].is_miss());
                let group = N_LANES * if has_map { BLOCKS } else { 1 };
                for at in met.chunks(group).chain(missed.chunks(group)) {
                    let chunks = at.chunks(N_LANES);
                    blocks.extend(chunks.clone().map(|at| Block::of(paths, alive, hits, at)));
                    if has_map {
                        search_environment(b, &mut blocks);
                    }
                    for (block, at) in blocks.drain(..).zip(chunks) {
                        block.shade(b, paths, alive, at, shadows);
                    }
                }
                alive.retain(|&i| paths[i as usize].alive == 1);
            }

            /// [`Stages::guide`](super::super::Stages::guide).
            #[target_feature(enable = $features)]
            pub(in crate::loops) fn guide(
                b: &Bindings<'_>,
                paths: &mut [PathState],
                alive: &mut Vec<u32>,
                hits: &[Hit],
                guides: &mut [Guide],
            ) {
                let all: Vec<u32> = (0..alive.len() as u32).collect();
                for at in all.chunks(N_LANES) {
                    let Block { mask, mut path, hit, mut samples, .. } = Block::of(paths, alive, hits, at);
                    let made = native::guide(b, mask, &mut path, &hit, &mut samples).each();
                    for (&at, (path, guide)) in at.iter().zip(path.each().into_iter().zip(made)) {
                        let i = alive[at as usize] as usize;
                        (paths[i], guides[i]) = (path, guide);
                    }
                }
                alive.retain(|&i| paths[i as usize].alive == 1);
            }
        }
    };
}

lanes!(avx2, avx2, avx2_lanes, "avx2,fma,bmi1,bmi2,lzcnt,popcnt");
