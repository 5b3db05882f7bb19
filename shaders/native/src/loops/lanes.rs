//! The loops whose stages are translated in lanes, in place of those of the same name for single paths.
//!
//! Blocks of paths are loaded into lanes, advanced, and stored again. Lanes without a path, at the end of a list, have
//! the block's last one and are masked off.

use glam::{UVec2, Vec3};
use packshot_shaders::constants::{ENVIRONMENT_MAP, MATERIAL_MIRROR};
use packshot_shaders::features::{SceneFeatures, Variant};
use packshot_shaders::layout::ray::{Hit, Ray};

use super::{Alive, PixelSamples, Shading, Shadows};
use crate::stages::{Bindings, Guide, PathState};

/// Placeholder for a ray that is written later.
const NO_RAY: Ray = Ray { origin: Vec3::ZERO, t_min: 0.0, direction: Vec3::ZERO, t_max: 0.0 };

/// Paths, and what they hit.
#[derive(Debug, Default)]
struct Among {
    paths: Vec<u32>,
    hits: Vec<Hit>,
}

impl Among {
    fn clear(&mut self) {
        self.paths.clear();
        self.hits.clear();
    }

    fn push(&mut self, path: u32, hit: Hit) {
        self.paths.push(path);
        self.hits.push(hit);
    }
}

/// What the rays of paths have met: paths of one kind have the same to do, so each kind gets blocks of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Met {
    /// A mirror, and nothing but mirrors since the camera.
    OnlyMirrors,
    /// A surface that light samples reach.
    Scatterer,
    /// A mirror.
    Mirror,
}

/// Buffers of `shade`.
pub(super) struct Buffers {
    /// What the stages are compiled for.
    variant: Variant,
    /// Whether any material is a mirror.
    has_mirrors: bool,
    /// Paths that meet something, in the order in which they are shaded.
    kinds: [Among; 3],
    /// Paths that meet nothing.
    escaping: Vec<u32>,
    coherent: Vec<u32>,
    avx2: Option<Box<avx2::Blocks>>,
    avx512: Option<Box<avx512::Blocks>>,
}

impl Buffers {
    pub(super) fn new(features: SceneFeatures, has_mirrors: bool) -> Self {
        let variant = Variant::of(features);
        let (kinds, escaping, coherent) = Default::default();
        Self { variant, has_mirrors, kinds, escaping, coherent, avx2: None, avx512: None }
    }
}

/// Whether what a ray hits is a mirror. Relief makes some places of a smooth surface rough.
#[inline(always)]
fn is_mirror(b: &Bindings<'_>, hit: &Hit) -> bool {
    let slot = b.instances[hit.instance as usize].slot_base.wrapping_add(b.triangles[hit.triangle as usize].slot);
    let slot = &b.slots[slot as usize];
    slot.relief == 0 && b.materials[slot.material as usize].flags & MATERIAL_MIRROR != 0
}

/// The lanes of a mask. Not by a test for each lane, which could not be foreseen.
fn lanes_of(mut mask: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lane = mask.trailing_zeros() as usize;
        (mask != 0).then(|| {
            mask &= mask - 1;
            lane
        })
    })
}

macro_rules! lanes {
    ($module:ident, $simd:ident, $lanes:ident, [$plain:ident, $bodies:ident, $machined:ident], $features:literal) => {
        pub(super) mod $module {
            use super::*;
            use crate::rt::simd::$simd::{self as simd, Mask, N_LANES};
            use crate::stages::{$bodies as bodies, $lanes as native, $machined as machined, $plain as plain};

            /// Blocks that search the environment map together: their reads are independent, so many are in flight.
            const BLOCKS: usize = super::super::AHEAD / N_LANES;
            pub(super) type Blocks = [Block; BLOCKS];

            /// Paths in lanes, with what their next step needs.
            pub(in crate::loops) struct Block {
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

                /// Loads these paths, of which there are up to [`N_LANES`].
                #[inline]
                #[target_feature(enable = $features)]
                fn load(&mut self, paths: &[PathState], at: &[u32]) {
                    let mut rows = [&paths[at[at.len() - 1] as usize]; N_LANES];
                    for (row, &i) in rows.iter_mut().zip(at) {
                        *row = &paths[i as usize];
                    }
                    self.mask = simd::first_lanes(at.len());
                    self.path = native::PathState::gather(rows);
                }

                /// Loads what they hit.
                #[inline]
                #[target_feature(enable = $features)]
                fn load_hits(&mut self, hits: &[Hit]) {
                    let mut rows = [&hits[hits.len() - 1]; N_LANES];
                    for (row, hit) in rows.iter_mut().zip(hits) {
                        *row = hit;
                    }
                    self.hit = native::Hit::gather(rows);
                }

                /// Ends the paths, which hit nothing, with the light that they found.
                #[target_feature(enable = $features)]
                fn escape(&mut self, b: &Bindings<'_>, paths: &mut [PathState], at: &[u32], variant: Variant) {
                    let Self { mask, path, .. } = self;
                    match variant {
                        Variant::Plain => plain::escape(b, *mask, path),
                        Variant::Bodies => bodies::escape(b, *mask, path),
                        Variant::Machined => machined::escape(b, *mask, path),
                        Variant::Everything => native::escape(b, *mask, path),
                    }
                    let [red, green, blue, alpha] =
                        [path.radiance.x, path.radiance.y, path.radiance.z, path.alpha].map(|a| simd::array_f32(a));
                    for (k, &i) in at.iter().enumerate() {
                        let path = &mut paths[i as usize];
                        (path.radiance, path.alpha) = (Vec3::new(red[k], green[k], blue[k]), alpha[k]);
                    }
                }

                /// Draws the random numbers of the paths' next event.
                #[inline]
                #[target_feature(enable = $features)]
                fn draw(&mut self) {
                    let native::PathState { seed, sample, steps, .. } = self.path;
                    self.samples = native::bounce_samples(self.mask, seed, sample, steps);
                }

                /// Shades the paths, and stores what is needed of them again: of those that end, their light.
                #[target_feature(enable = $features)]
                fn shade(
                    &mut self,
                    b: &Bindings<'_>,
                    paths: &mut [PathState],
                    at: &[u32],
                    [coherent, others]: [&mut Vec<u32>; 2],
                    (met, variant): (Met, Variant),
                    shadows: &mut Shadows,
                ) {
                    let Self { mask, path, hit, samples, point, .. } = self;
                    let native::PathState { steps, bounces, bounces_transmission, .. } = *path;
                    let shadow = match variant {
                        Variant::Plain => plain::shade(b, *mask, path, hit, samples, point),
                        Variant::Bodies => bodies::shade(b, *mask, path, hit, samples, point),
                        Variant::Machined => machined::shade(b, *mask, path, hit, samples, point),
                        Variant::Everything => native::shade(b, *mask, path, hit, samples, point),
                    };
                    let alive = simd::bits(simd::and(*mask, simd::eq_u32(path.alive, simd::splat_u32(1))));
                    let [red, green, blue, alpha] =
                        [path.radiance.x, path.radiance.y, path.radiance.z, path.alpha].map(|a| simd::array_f32(a));
                    for k in lanes_of(simd::bits(*mask) & !alive) {
                        let path = &mut paths[at[k] as usize];
                        (path.radiance, path.alpha) = (Vec3::new(red[k], green[k], blue[k]), alpha[k]);
                    }
                    if alive != 0 {
                        let each = path.each();
                        // A pane that is crossed counts as no event.
                        let had_no_event = simd::eq_u32(path.bounces, bounces);
                        let not_refracted = simd::eq_u32(path.bounces_transmission, bounces_transmission);
                        let reflected = alive & simd::bits(simd::and_not(had_no_event, not_refracted));
                        // What most of the block did, reflect or pass, stays together; the rest is traced ray by ray.
                        let stays_coherent = match met {
                            Met::OnlyMirrors if 2 * reflected.count_ones() > alive.count_ones() => reflected,
                            Met::OnlyMirrors => alive & !reflected,
                            _ => 0,
                        };
                        coherent.extend(lanes_of(stays_coherent).map(|k| at[k]));
                        others.extend(lanes_of(alive & !stays_coherent).map(|k| at[k]));
                        for k in lanes_of(alive) {
                            each.write(k, &mut paths[at[k] as usize]);
                        }
                    }
                    let exists = simd::bits(simd::and(*mask, simd::eq_u32(shadow.exists, simd::splat_u32(1))));
                    if exists == 0 {
                        return;
                    }
                    if shadows.has_names {
                        let keys = native::ray_key(*mask, path.seed, path.sample, steps, simd::splat_u32(1));
                        let keys = simd::array_u32(keys);
                        shadows.names.extend(lanes_of(exists).map(|k| crate::stages::$simd::ray_name(keys[k])));
                    }
                    let rays = shadow.ray.each();
                    let [x, y, z] =
                        [shadow.radiance.x, shadow.radiance.y, shadow.radiance.z].map(|a| simd::array_f32(a));
                    shadows.radiance.extend(lanes_of(exists).map(|k| Vec3::new(x[k], y[k], z[k])));
                    shadows.paths.extend(lanes_of(exists).map(|k| at[k]));
                    let first = shadows.rays.len();
                    shadows.rays.resize(first + exists.count_ones() as usize, NO_RAY);
                    for (k, ray) in lanes_of(exists).zip(&mut shadows.rays[first..]) {
                        rays.write(k, ray);
                    }
                }
            }

            /// Where each path's step will read the environment map, of paths that scatter light.
            #[target_feature(enable = $features)]
            fn search_environment(b: &Bindings<'_>, blocks: &mut [Block]) {
                for Block { mask, path, hit, samples, search, .. } in blocks.iter_mut() {
                    native::environment_search(b, *mask, path, hit, samples, search);
                }
                for Block { mask, search, .. } in blocks.iter_mut() {
                    native::environment_narrow(b, *mask, search);
                }
                for Block { mask, search, point, .. } in blocks.iter_mut() {
                    native::environment_choose(b, *mask, search, point);
                }
                for Block { mask, search, point, .. } in blocks.iter_mut() {
                    native::environment_place(b, *mask, search, point);
                }
            }

            /// [`Stages::generate`](super::super::Stages::generate).
            #[target_feature(enable = $features)]
            pub(in crate::loops) fn generate(b: &Bindings<'_>, samples: PixelSamples, paths: &mut [PathState]) {
                let pixel = UVec2::from(samples.pixel);
                let sequence = crate::stages::$simd::pixel_sequence(b, pixel);
                let (seed, begin) = (sequence.x, sequence.y + samples.first_sample);
                let (pixel, seed) = (simd::splat2_u32(pixel), simd::splat_u32(seed));
                for (block_idx, paths) in paths.chunks_mut(N_LANES).enumerate() {
                    // Wraps after the last number of a sequence, where lanes are unused.
                    let first = begin.wrapping_add((block_idx * N_LANES) as u32);
                    let numbers: [u32; N_LANES] = std::array::from_fn(|k| first.wrapping_add(k as u32));
                    let (mask, sample) = (simd::first_lanes(paths.len()), simd::u32_of(numbers));
                    let u = native::pixel_sample(mask, seed, sample);
                    let made = native::generate(b, mask, pixel, seed, sample, u).each();
                    for (k, path) in paths.iter_mut().enumerate() {
                        made.write(k, path);
                    }
                }
            }

            /// [`Stages::shade`](super::super::Stages::shade).
            #[target_feature(enable = $features)]
            pub(in crate::loops) fn shade(
                b: &Bindings<'_>,
                paths: &mut [PathState],
                alive: &mut Alive,
                hits: &[Hit],
                shading: &mut Shading,
                shadows: &mut Shadows,
            ) {
                let Buffers { variant, has_mirrors, kinds, escaping, coherent, $simd: blocks, .. } =
                    &mut shading.in_lanes;
                // Too large to be made anew for every step.
                let blocks = blocks.get_or_insert_with(|| Box::new(std::array::from_fn(|_| Block::empty())));
                let has_map = b.params.environment_kind == ENVIRONMENT_MAP;
                let [only_mirrors, scatterers, mirrors] = kinds;
                for among in [&mut *only_mirrors, &mut *scatterers, &mut *mirrors] {
                    among.clear();
                }
                escaping.clear();
                for (k, (&i, hit)) in alive.paths.iter().zip(hits).enumerate() {
                    if !hit.is_miss() {
                        let among = match *has_mirrors && is_mirror(b, hit) {
                            true if k < alive.n_coherent => &mut *only_mirrors,
                            true => &mut *mirrors,
                            false => &mut *scatterers,
                        };
                        among.push(i, *hit);
                    } else if paths[i as usize].bounces > 0 || b.params.environment_visible == 1 {
                        escaping.push(i);
                    }
                    // Rays of the camera that miss are left out where the environment is not shown: they add nothing.
                }
                for at in escaping.chunks(N_LANES) {
                    blocks[0].load(paths, at);
                    blocks[0].escape(b, paths, at, *variant);
                }
                coherent.clear();
                alive.paths.clear();
                for (among, met) in
                    [(&*only_mirrors, Met::OnlyMirrors), (&*scatterers, Met::Scatterer), (&*mirrors, Met::Mirror)]
                {
                    let groups = among.paths.chunks(N_LANES * BLOCKS).zip(among.hits.chunks(N_LANES * BLOCKS));
                    for (at, hits) in groups {
                        let chunks = at.chunks(N_LANES);
                        for (block, (at, hits)) in blocks.iter_mut().zip(chunks.clone().zip(hits.chunks(N_LANES))) {
                            block.load(paths, at);
                            block.load_hits(hits);
                            block.draw();
                            // Mirrors reflect nothing of a light sample, wherever on the map it is.
                            block.point.pdf = simd::zero_f32();
                        }
                        if has_map && met == Met::Scatterer {
                            search_environment(b, &mut blocks[..chunks.len()]);
                        }
                        for (block, at) in blocks.iter_mut().zip(chunks) {
                            block.shade(b, paths, at, [coherent, &mut alive.paths], (met, *variant), shadows);
                        }
                    }
                }
                alive.n_coherent = coherent.len();
                coherent.append(&mut alive.paths);
                std::mem::swap(coherent, &mut alive.paths);
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
                let mut block = Block::empty();
                for (at, hits) in alive.chunks(N_LANES).zip(hits.chunks(N_LANES)) {
                    block.load(paths, at);
                    block.load_hits(hits);
                    block.draw();
                    let Block { mask, path, hit, samples, .. } = &mut block;
                    let made = native::guide(b, *mask, path, hit, samples).each();
                    let advanced = path.each();
                    for (k, &i) in at.iter().enumerate() {
                        advanced.write(k, &mut paths[i as usize]);
                        made.write(k, &mut guides[i as usize]);
                    }
                }
                alive.retain(|&i| paths[i as usize].alive == 1);
            }
        }
    };
}

lanes!(avx2, avx2, avx2_lanes, [avx2_plain, avx2_bodies, avx2_machined], "avx2,fma,bmi1,bmi2,lzcnt,popcnt");
lanes!(
    avx512,
    avx512,
    avx512_lanes,
    [avx512_plain, avx512_bodies, avx512_machined],
    "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt"
);
