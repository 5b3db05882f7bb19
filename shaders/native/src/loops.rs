//! The stages as loops over paths, compiled once per instruction set and entered here: a value of [`Stages`] stores
//! the choice, so that the processor is queried only once.

#![expect(unsafe_code, reason = "code compiled for an instruction set may be entered only after checking for it")]

use glam::{UVec2, Vec2, Vec3};
use packshot_processor::SimdLevel;
use packshot_shaders::constants::{
    DRAW_BSDF, DRAW_LIGHT, DRAW_SURVIVAL, ENVIRONMENT_MAP, SET_SCATTERING, SET_SURVIVAL,
};
use packshot_shaders::features::SceneFeatures;
use packshot_shaders::layout::ray::{Hit, Ray};

#[cfg(target_arch = "x86_64")]
mod lanes;
mod single;

use crate::stages::{Bindings, BounceSamples, EnvironmentPoint, EnvironmentSearch, Guide, PathState, RayName, Seen};

/// Shadow rays of a step, and what each contributes to which path if nothing occludes it.
#[derive(Debug, Default)]
pub struct Shadows {
    /// From the point that is lit towards the light.
    pub rays: Vec<Ray>,
    /// Whether the rays need identities: if some surfaces let rays through randomly.
    pub has_names: bool,
    /// Identities of the rays for stochastic opacity.
    pub names: Vec<RayName>,
    /// Linear Rec. 709, including the path's throughput.
    pub radiance: Vec<Vec3>,
    /// Index of the path.
    pub paths: Vec<u32>,
}

impl Shadows {
    fn clear(&mut self) {
        self.rays.clear();
        self.names.clear();
        self.radiance.clear();
        self.paths.clear();
    }
}

/// The paths that go on, in the order in which their rays are traced.
#[derive(Debug, Default)]
pub struct Alive {
    /// Indices among all paths.
    pub paths: Vec<u32>,
    /// How many of the first ones have met nothing but mirrors since the camera, so that their rays tend to be nearly
    /// those of their neighbours.
    pub n_coherent: usize,
}

/// Buffers of [`Stages::shade`], reused from step to step.
pub struct Shading {
    #[cfg(target_arch = "x86_64")]
    in_lanes: lanes::Buffers,
}

impl Shading {
    /// For scenes with these features; `has_mirrors`: whether any material has `MATERIAL_MIRROR`.
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(unused_variables, reason = "without lanes, all scenes are shaded alike")
    )]
    pub fn new(features: SceneFeatures, has_mirrors: bool) -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            in_lanes: lanes::Buffers::new(features, has_mirrors),
        }
    }
}

/// Paths whose places on the environment map are searched together, and whose memory is prefetched together where they
/// are handled one by one: few enough that it is still in the first-level cache when they are shaded.
const AHEAD: usize = 64;

/// Placeholder for samples that are not drawn yet.
const NO_SAMPLES: BounceSamples =
    BounceSamples { choice: Vec2::ZERO, bsdf: Vec2::ZERO, light: Vec2::ZERO, survival: Vec2::ZERO };
/// Placeholder for searches that are not made yet.
const NO_SEARCH: EnvironmentSearch = EnvironmentSearch {
    at: Vec2::ZERO,
    columns: UVec2::ZERO,
    kind: 0,
    row: 0,
    guide: 0,
    cdf: 0,
    probability: 0.0,
    pad0: 0,
};
/// Placeholder for a point of the map where there is none.
const NO_POINT: EnvironmentPoint = EnvironmentPoint { direction: Vec3::ZERO, pdf: 0.0, radiance: Vec3::ZERO, pad0: 0 };

/// Reads a word at each place that the next stage will read. The accesses are independent and close together, so that
/// the processor has many in flight; inside a stage, which is long, it would wait for each.
#[inline(always)]
fn touch(words: impl Iterator<Item = u32>) {
    std::hint::black_box(words.fold(0, |bits, word| bits ^ word));
}

/// The samples of one pixel from a number on.
#[derive(Clone, Copy, Debug)]
pub struct PixelSamples {
    /// Column and row.
    pub pixel: [u32; 2],
    /// Number of the first of them.
    pub first_sample: u32,
}

/// The stages for one instruction set.
#[derive(Clone, Copy, Debug)]
pub struct Stages(SimdLevel);

macro_rules! loops {
    ($module:ident $(, $features:literal)?) => {
        mod $module {
            use super::*;
            use crate::stages::$module as native;

            /// The random numbers of each path's next event.
            $(#[target_feature(enable = $features)])?
            pub(super) fn draw(paths: &[PathState], alive: &[u32], samples: &mut [BounceSamples; AHEAD]) {
                let (mut seeds, mut numbers, mut steps) = ([0; AHEAD], [0; AHEAD], [0; AHEAD]);
                for (k, &i) in (0..AHEAD).zip(alive) {
                    let path = &paths[i as usize];
                    (seeds[k], numbers[k], steps[k]) = (path.seed, path.sample, path.steps);
                }
                // Loops that access nothing but these arrays, which compilers vectorise.
                let [scattering, survival] = [SET_SCATTERING, SET_SURVIVAL].map(|set_number| {
                    let mut points = [UVec2::ZERO; AHEAD];
                    for k in 0..AHEAD {
                        points[k] = native::step_point(seeds[k], numbers[k], steps[k], set_number);
                    }
                    points
                });
                let draws = [(&scattering, DRAW_BSDF), (&scattering, DRAW_LIGHT), (&survival, DRAW_SURVIVAL)];
                let [bsdf, light, survival] = draws.map(|(points, thing)| {
                    let mut drawn = [Vec2::ZERO; AHEAD];
                    for (u, &point) in drawn.iter_mut().zip(points) {
                        *u = native::draw_pair(point, thing);
                    }
                    drawn
                });
                let mut choice = [Vec2::ZERO; AHEAD];
                for (u, &point) in choice.iter_mut().zip(&scattering) {
                    *u = Vec2::new(native::draw_third(point, DRAW_BSDF), native::draw_third(point, DRAW_LIGHT));
                }
                for (k, samples) in samples.iter_mut().enumerate() {
                    *samples = BounceSamples { choice: choice[k], bsdf: bsdf[k], light: light[k], survival: survival[k] };
                }
            }

            /// Where each path's step will read the environment map, with all the reads that this takes.
            $(#[target_feature(enable = $features)])?
            pub(super) fn search_environment(
                b: &Bindings<'_>,
                paths: &mut [PathState],
                alive: &[u32],
                hits: &[Hit],
                samples: &mut [BounceSamples],
                searches: &mut [EnvironmentSearch],
                points: &mut [EnvironmentPoint],
            ) {
                for ((search, samples), (&i, hit)) in searches.iter_mut().zip(samples).zip(alive.iter().zip(hits)) {
                    native::environment_search(b, &mut paths[i as usize], *hit, samples, search);
                }
                touch(searches.iter().map(|search| b.environment_guide[search.guide as usize]));
                for search in searches.iter_mut() {
                    native::environment_narrow(b, search);
                }
                touch(searches.iter().map(|search| {
                    let middle = (search.columns.x + search.columns.y) / 2;
                    b.environment_cdf[(search.cdf + middle) as usize].to_bits()
                }));
                for (search, point) in searches.iter_mut().zip(points.iter_mut()) {
                    native::environment_choose(b, search, point);
                }
                // Rows of texels are one longer than the map is wide.
                let w = b.params.environment_width_px as usize + 1;
                let word = |texel: usize| b.environment_texels.get(texel).map_or(0, |bits| bits.x);
                touch(searches.iter().map(|search| {
                    let below = search.row as usize * w + search.columns.x as usize;
                    word(below.saturating_sub(w)) ^ word(below)
                }));
                for (search, point) in searches.iter_mut().zip(points.iter_mut()) {
                    native::environment_place(b, search, point);
                }
            }

            $(#[target_feature(enable = $features)])?
            pub(super) fn generate_middle(b: &Bindings<'_>, pixels: &[[u32; 2]], paths: &mut Vec<PathState>) {
                paths.extend(pixels.iter().map(|&pixel| {
                    let pixel = UVec2::from(pixel);
                    // Filters are symmetric, so the middle of their distribution is the centre of the pixel.
                    let sequence = native::pixel_sequence(b, pixel);
                    native::generate(b, pixel, sequence.x, sequence.y, Vec2::splat(0.5))
                }));
            }

            $(#[target_feature(enable = $features)])?
            pub(super) fn arriving(
                b: &Bindings<'_>,
                paths: &mut [PathState],
                order: &[u32],
                hits: &[Hit],
                of_uniform: bool,
                shadows: &mut Shadows,
            ) {
                let has_map = b.params.environment_kind == ENVIRONMENT_MAP && !of_uniform;
                let shows = |hit: &Hit| !hit.is_miss() && !native::is_held_out(b, *hit);
                let mut samples = [NO_SAMPLES; AHEAD];
                let mut searches = [NO_SEARCH; AHEAD];
                let mut points = [NO_POINT; AHEAD];
                for (order, hits) in order.chunks(AHEAD).zip(hits.chunks(AHEAD)) {
                    draw(paths, order, &mut samples);
                    if has_map {
                        let n = hits.len();
                        search_environment(b, paths, order, hits, &mut samples, &mut searches[..n], &mut points[..n]);
                    }
                    let met = order.iter().zip(hits).zip(samples.iter_mut().zip(&mut points));
                    for ((&i, hit), (samples, point)) in met.filter(|((_, hit), _)| shows(hit)) {
                        let path = &mut paths[i as usize];
                        let shadow = native::arriving(b, path, *hit, samples, point, u32::from(of_uniform));
                        if shadow.exists == 1 {
                            shadows.rays.push(shadow.ray);
                            if shadows.has_names {
                                let key = native::ray_key(path.seed, path.sample, u32::from(of_uniform), 1);
                                shadows.names.push(native::ray_name(key));
                            }
                            shadows.radiance.push(shadow.radiance);
                            shadows.paths.push(i);
                        }
                    }
                }
            }

            $(#[target_feature(enable = $features)])?
            pub(super) fn camera_rays(b: &Bindings<'_>, places: &[Vec2], rays: &mut Vec<Ray>) {
                let size = Vec2::new(b.params.width_px as f32, b.params.height_px as f32);
                rays.extend(places.iter().map(|&place| native::camera_ray(b.params.camera, place / size)));
            }

            $(#[target_feature(enable = $features)])?
            pub(super) fn seen(b: &Bindings<'_>, rays: &[Ray], hits: &[Hit], seen: &mut Vec<Option<Seen>>) {
                let shows = |hit: &Hit| !hit.is_miss() && !native::is_held_out(b, *hit);
                let met = |(ray, hit): (&Ray, &Hit)| shows(hit).then(|| native::seen(b, *hit, ray.direction));
                seen.extend(rays.iter().zip(hits).map(met));
            }

            $(#[target_feature(enable = $features)])?
            pub(super) fn opacity_at(b: &Bindings<'_>, hit: Hit) -> f32 {
                native::opacity_at(b, hit)
            }

            $(#[target_feature(enable = $features)])?
            pub(super) fn path_names(paths: &[PathState], alive: &[u32], names: &mut Vec<RayName>) {
                names.extend(alive.iter().map(|&i| native::path_ray_name(paths[i as usize])));
            }

            $(#[target_feature(enable = $features)])?
            pub(super) fn pass_partly(
                b: &Bindings<'_>,
                paths: &mut [PathState],
                alive: &mut Vec<u32>,
                hits: &[Hit],
            ) {
                let mut samples = [NO_SAMPLES; AHEAD];
                for (alive, hits) in alive.chunks(AHEAD).zip(hits.chunks(AHEAD)) {
                    draw(paths, alive, &mut samples);
                    for ((&i, hit), samples) in alive.iter().zip(hits).zip(&mut samples) {
                        let path = &mut paths[i as usize];
                        path.alive = 0;
                        path.steps += 1;
                        if hit.is_miss() || !native::passes_partly(b, path, *hit, samples) {
                            path.steps -= 1;
                        }
                    }
                }
                alive.retain(|&i| paths[i as usize].alive == 1);
            }

            $(#[target_feature(enable = $features)])?
            pub(super) fn pass_panes(b: &Bindings<'_>, rays: &mut [Ray], hits: &[Hit], light: &mut [Vec3]) {
                for (ray, (hit, light)) in rays.iter_mut().zip(hits.iter().zip(light)) {
                    *light *= native::pass_pane(b, ray, *hit);
                }
            }

            $(#[target_feature(enable = $features)])?
            pub(super) fn surface_blocks(b: &Bindings<'_>, hit: Hit, name: RayName) -> bool {
                native::surface_blocks(b, hit, name)
            }
        }
    };
}

loops!(baseline);
#[cfg(target_arch = "x86_64")]
loops!(avx2, "avx2,fma,bmi1,bmi2,lzcnt,popcnt");
#[cfg(target_arch = "x86_64")]
loops!(avx512, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt");

/// Calls a loop in the module of an instruction set.
macro_rules! enter {
    ($level:expr, $function:ident($($argument:expr),*)) => {
        match $level {
            SimdLevel::Portable => baseline::$function($($argument),*),
            // SAFETY: `Stages::new` checked that the processor has the instruction set.
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => unsafe { avx2::$function($($argument),*) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512 => unsafe { avx512::$function($($argument),*) },
            #[cfg(not(target_arch = "x86_64"))]
            SimdLevel::Avx2 | SimdLevel::Avx512 => unreachable!("checked by `Stages::new`"),
        }
    };
}

/// Calls a loop in lanes, where the instruction set has them.
macro_rules! enter_lanes {
    ($level:expr, $function:ident($($argument:expr),*)) => {
        match $level {
            // SAFETY: `Stages::new` checked that the processor has the instruction set.
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => unsafe { lanes::avx2::$function($($argument),*) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512 => unsafe { lanes::avx512::$function($($argument),*) },
            _ => single::$function($($argument),*),
        }
    };
}

impl Stages {
    /// The stages for this instruction set.
    ///
    /// # Panics
    /// When the processor does not have the instruction set.
    pub fn new(level: SimdLevel) -> Self {
        assert!(level.is_supported(), "the processor does not have {level:?}");
        Self(level)
    }

    /// Makes a path for each of as many samples as there is room for.
    pub fn generate(self, b: &Bindings<'_>, samples: PixelSamples, paths: &mut [PathState]) {
        enter_lanes!(self.0, generate(b, samples, paths));
    }

    /// Shades the paths of `alive`, with one hit each. Afterwards `alive` has those that continue, and `shadows` holds
    /// the shadow rays of this step. Of paths that end, only `radiance` and `alpha` are valid from then on.
    ///
    /// # Panics
    /// When there is not one hit each.
    pub fn shade(
        self,
        b: &Bindings<'_>,
        paths: &mut [PathState],
        alive: &mut Alive,
        hits: &[Hit],
        shading: &mut Shading,
        shadows: &mut Shadows,
    ) {
        assert_eq!(alive.paths.len(), hits.len());
        shadows.clear();
        enter_lanes!(self.0, shade(b, paths, alive, hits, shading, shadows));
    }

    /// Advances the paths listed in `alive`, with one hit each, to their guides. Afterwards `alive` lists those that
    /// continue, whose entries of `guides` are not valid yet.
    ///
    /// # Panics
    /// When there is not one hit each, or not one entry for each path.
    pub fn guide(
        self,
        b: &Bindings<'_>,
        paths: &mut [PathState],
        alive: &mut Vec<u32>,
        hits: &[Hit],
        guides: &mut [Guide],
    ) {
        assert!(alive.len() == hits.len() && paths.len() == guides.len());
        enter_lanes!(self.0, guide(b, paths, alive, hits, guides));
    }

    /// Appends a path through the centre of each pixel.
    pub fn generate_middle(self, b: &Bindings<'_>, pixels: &[[u32; 2]], paths: &mut Vec<PathState>) {
        enter!(self.0, generate_middle(b, pixels, paths));
    }

    /// Computes the shadow rays of direct light, in one direction each, at the first surfaces of the paths listed in
    /// `order`, with one hit each: for light samples, or for an environment without a map.
    ///
    /// # Panics
    /// When there is not one hit each.
    pub fn arriving(
        self,
        b: &Bindings<'_>,
        paths: &mut [PathState],
        order: &[u32],
        hits: &[Hit],
        of_uniform: bool,
        shadows: &mut Shadows,
    ) {
        assert_eq!(order.len(), hits.len());
        shadows.clear();
        enter!(self.0, arriving(b, paths, order, hits, of_uniform, shadows));
    }

    /// Appends the rays through these points of the picture, in pixels from its top left corner, for the camera without
    /// a lens.
    pub fn camera_rays(self, b: &Bindings<'_>, places: &[Vec2], rays: &mut Vec<Ray>) {
        enter!(self.0, camera_rays(b, places, rays));
    }

    /// Appends what each camera ray hit, `None` for nothing.
    ///
    /// # Panics
    /// When there is not one hit each.
    pub fn seen(self, b: &Bindings<'_>, rays: &[Ray], hits: &[Hit], seen: &mut Vec<Option<Seen>>) {
        assert_eq!(rays.len(), hits.len());
        enter!(self.0, seen(b, rays, hits, seen));
    }

    /// The fraction of rays that a surface stops.
    pub fn opacity_at(self, b: &Bindings<'_>, hit: Hit) -> f32 {
        enter!(self.0, opacity_at(b, hit))
    }

    /// Appends the identities of the next rays of the paths listed in `alive`. Camera rays stop at each partly opaque
    /// surface: [`shade`](Self::shade) and [`guide`](Self::guide) continue them.
    pub fn path_names(self, paths: &[PathState], alive: &[u32], names: &mut Vec<RayName>) {
        enter!(self.0, path_names(paths, alive, names));
    }

    /// Continues camera rays behind the partly opaque surfaces that they hit, like [`shade`](Self::shade): with one hit
    /// for each of `alive`, which afterwards lists those that continue.
    ///
    /// # Panics
    /// When there is not one hit each.
    pub fn pass_partly(self, b: &Bindings<'_>, paths: &mut [PathState], alive: &mut Vec<u32>, hits: &[Hit]) {
        assert_eq!(alive.len(), hits.len());
        enter!(self.0, pass_partly(b, paths, alive, hits));
    }

    /// Takes shadow rays, with their light, across the surfaces that they hit; the light is 0 afterwards if a surface
    /// is not a pane.
    pub fn pass_panes(self, b: &Bindings<'_>, rays: &mut [Ray], hits: &[Hit], light: &mut [Vec3]) {
        enter!(self.0, pass_panes(b, rays, hits, light));
    }

    /// Whether a surface stops the ray with this identity.
    pub fn surface_blocks(self, b: &Bindings<'_>, hit: Hit, name: RayName) -> bool {
        enter!(self.0, surface_blocks(b, hit, name))
    }
}
