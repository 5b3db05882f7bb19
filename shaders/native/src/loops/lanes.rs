//! The loops whose stages are translated in lanes, in place of those of the same name for single paths.
//!
//! Blocks of paths are loaded into lanes, advanced, and stored again. Lanes without a path, at the end of a batch, have
//! the block's last one and are masked off.

use bytemuck::Zeroable as _;
use glam::{UVec2, Vec3};
use packshot_shaders::constants::ENVIRONMENT_MAP;
use packshot_shaders::layout::ray::{Hit, Ray};

use super::{PixelSamples, Shadows, touch};
use crate::stages::{Bindings, Guide, PathState};

/// Placeholder for a ray that is written later.
const NO_RAY: Ray = Ray { origin: Vec3::ZERO, t_min: 0.0, direction: Vec3::ZERO, t_max: 0.0 };

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
                /// A block without paths.
                #[target_feature(enable = $features)]
                fn empty() -> Self {
                    Self {
                        mask: simd::no_lanes(),
                        path: native::PathState::zero(),
                        hit: native::Hit::zero(),
                        samples: native::BounceSamples::zero(),
                        search: native::EnvironmentSearch::zero(),
                        point: native::EnvironmentPoint::zero(),
                    }
                }

                /// Loads up to [`N_LANES`] of the paths in `alive`, at these positions of it, and draws the random
                /// numbers of their next event.
                #[target_feature(enable = $features)]
                fn load(&mut self, paths: &[PathState], alive: &[u32], hits: &[Hit], at: &[u32]) {
                    let last = at[at.len() - 1] as usize;
                    let mut rows = [&paths[alive[last] as usize]; N_LANES];
                    let mut met = [&hits[last]; N_LANES];
                    for ((row, met), &at) in rows.iter_mut().zip(&mut met).zip(at) {
                        (*row, *met) = (&paths[alive[at as usize] as usize], &hits[at as usize]);
                    }
                    self.mask = simd::first_lanes(at.len());
                    self.path = native::PathState::gather(rows);
                    self.hit = native::Hit::gather(met);
                    let native::PathState { seed, sample, steps, .. } = self.path;
                    self.samples = native::bounce_samples(self.mask, seed, sample, steps);
                }

                /// Shades the paths, and stores them again.
                #[target_feature(enable = $features)]
                fn shade(
                    &mut self,
                    b: &Bindings<'_>,
                    paths: &mut [PathState],
                    alive: &[u32],
                    at: &[u32],
                    shadows: &mut Shadows,
                ) {
                    let Self { mask, path, hit, samples, point, .. } = self;
                    let steps = path.steps;
                    let shadow = native::shade(b, *mask, path, hit, samples, point);
                    let each = path.each();
                    for (k, &at) in at.iter().enumerate() {
                        each.write(k, &mut paths[alive[at as usize] as usize]);
                    }
                    let exists = simd::bits(simd::and(*mask, simd::eq_u32(shadow.exists, simd::splat_u32(1))));
                    if exists == 0 {
                        return;
                    }
                    let lanes = || at.iter().enumerate().filter(move |&(k, _)| exists >> k & 1 == 1);
                    if shadows.has_names {
                        let keys = native::ray_key(*mask, path.seed, path.sample, steps, simd::splat_u32(1));
                        let keys = simd::array_u32(keys);
                        shadows.names.extend(lanes().map(|(k, _)| crate::stages::$simd::ray_name(keys[k])));
                    }
                    let rays = shadow.ray.each();
                    let [x, y, z] =
                        [shadow.radiance.x, shadow.radiance.y, shadow.radiance.z].map(|a| simd::array_f32(a));
                    for (k, &at) in lanes() {
                        shadows.rays.push(NO_RAY);
                        if let Some(ray) = shadows.rays.last_mut() {
                            rays.write(k, ray);
                        }
                        shadows.radiance.push(Vec3::new(x[k], y[k], z[k]));
                        shadows.paths.push(alive[at as usize]);
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
                    let first = paths.len();
                    paths.resize(first + n.min(N_LANES), PathState::zeroed());
                    for (k, path) in paths[first..].iter_mut().enumerate() {
                        made.write(k, path);
                    }
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
                let mut blocks: [Block; BLOCKS] = std::array::from_fn(|_| Block::empty());
                // Rays that hit nothing have little to do, and take no lanes from the others.
                let (missed, met): (Vec<u32>, Vec<u32>) =
                    (0..alive.len() as u32).partition(|&at| hits[at as usize].is_miss());
                let group = N_LANES * if has_map { BLOCKS } else { 1 };
                for at in met.chunks(group).chain(missed.chunks(group)) {
                    let chunks = at.chunks(N_LANES);
                    for (block, at) in blocks.iter_mut().zip(chunks.clone()) {
                        block.load(paths, alive, hits, at);
                    }
                    if has_map {
                        search_environment(b, &mut blocks[..chunks.len()]);
                    }
                    for (block, at) in blocks.iter_mut().zip(chunks) {
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
                let mut block = Block::empty();
                for at in all.chunks(N_LANES) {
                    block.load(paths, alive, hits, at);
                    let Block { mask, path, hit, samples, .. } = &mut block;
                    let made = native::guide(b, *mask, path, hit, samples).each();
                    let advanced = path.each();
                    for (k, &at) in at.iter().enumerate() {
                        let i = alive[at as usize] as usize;
                        advanced.write(k, &mut paths[i]);
                        made.write(k, &mut guides[i]);
                    }
                }
                alive.retain(|&i| paths[i as usize].alive == 1);
            }
        }
    };
}

lanes!(avx2, avx2, avx2_lanes, "avx2,fma,bmi1,bmi2,lzcnt,popcnt");
lanes!(avx512, avx512, avx512_lanes, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt");
