//! Guides for a denoiser: camera paths are followed to what they show.

use std::ops::{Add, Range};

use bytemuck::Zeroable as _;
use glam::Vec3;
use packshot_native::loops::{PixelSamples, Stages};
use packshot_native::stages::{Guide, PathState, RayName};
use packshot_shaders::layout::ray::Hit;
use packshot_traversal::Opacity;
use rayon::prelude::*;

use super::CpuShot;
use super::flight::Stochastic;
use super::tiles::Tiles;
use crate::backend::{CancelToken, RenderError};
use crate::guides::{GuideSamples, GuideSum, Guides};

/// Camera paths in flight together.
const PATHS: usize = 1024;
const NOTHING: Guide = Guide { albedo: Vec3::ZERO, partly: 0.0, normal: Vec3::ZERO, pad1: 0.0 };

impl CpuShot {
    /// The guides of the shot.
    pub(super) fn guides_here(&self, samples: &GuideSamples, cancel: &CancelToken) -> Result<Guides, RenderError> {
        let film = &self.shot.film;
        let tiles = Tiles::of(&self.shot);
        Guides::measure([film.width_px, film.height_px], samples, |pixels, samples| {
            let n_here = samples.len();
            let sums: Vec<Vec<GuideSum>> = pixels
                .par_chunks((PATHS / n_here).max(1))
                .map_init(Buffers::default, |buffers, pixels| {
                    if cancel.is_cancelled() {
                        return Vec::new();
                    }
                    let shows_nothing =
                        |&pixel: &u32| tiles.shows_nothing([pixel % film.width_px, pixel / film.width_px]);
                    buffers.shown.clear();
                    buffers.shown.extend(pixels.iter().filter(|pixel| !shows_nothing(pixel)));
                    self.follow(samples.clone(), buffers);
                    // Summed in the order of samples, as everywhere.
                    let of_sample = |(guide, path): (&Guide, &PathState)| GuideSum {
                        albedo: guide.albedo,
                        normal: guide.normal,
                        covered: path.alpha,
                        partly: guide.partly,
                    };
                    let mut of_shown =
                        buffers.guides.chunks(n_here).zip(buffers.paths.chunks(n_here)).map(|(guides, paths)| {
                            guides.iter().zip(paths).map(of_sample).fold(GuideSum::default(), GuideSum::add)
                        });
                    let of_pixel = |pixel| match shows_nothing(pixel) {
                        true => GuideSum::default(),
                        false => of_shown.next().expect("one for each pixel that shows something"),
                    };
                    pixels.iter().map(of_pixel).collect()
                })
                .collect();
            if cancel.is_cancelled() { Err(RenderError::Cancelled) } else { Ok(sums.concat()) }
        })
    }

    /// Leaves in the buffers the guides of the samples of each pixel in `shown`.
    fn follow(&self, samples: Range<u32>, buffers: &mut Buffers) {
        let bindings = self.shot.bindings();
        let stages = Stages::new(self.level);
        let Buffers { shown, paths, alive, rays, names, hits, guides } = buffers;
        let width_px = self.shot.film.width_px;
        paths.resize(shown.len() * samples.len(), PathState::zeroed());
        for (pixel, paths) in shown.iter().zip(paths.chunks_mut(samples.len())) {
            let pixel = [pixel % width_px, pixel / width_px];
            stages.generate(&bindings, PixelSamples { pixel, first_sample: samples.start }, paths);
        }
        guides.clear();
        guides.resize(paths.len(), NOTHING);
        alive.clear();
        alive.extend(0..paths.len() as u32);
        // As in sampling: rays through a whole lens are not coherent.
        let mut coherent = bindings.params.camera.aperture_radius == 0.0;
        while !alive.is_empty() {
            rays.clear();
            rays.extend(alive.iter().map(|&i| paths[i as usize].ray));
            hits.resize(rays.len(), Hit::default());
            names.clear();
            let has_opacity = self.shot.product.features.has_opacity;
            if has_opacity {
                stages.path_names(paths, alive, names);
            }
            let filter = Stochastic { bindings: &bindings, stages, names };
            match (has_opacity, coherent) {
                (false, true) => self.accel.closest_coherent(rays, hits, Opacity::Full),
                (false, false) => self.accel.closest(rays, hits, Opacity::Full),
                (true, true) => self.accel.closest_coherent(rays, hits, Opacity::Of(&filter)),
                (true, false) => self.accel.closest(rays, hits, Opacity::Of(&filter)),
            }
            stages.guide(&bindings, paths, alive, hits, guides);
            coherent = false;
        }
    }
}

/// Buffers of one thread.
#[derive(Default)]
struct Buffers {
    shown: Vec<u32>,
    paths: Vec<PathState>,
    alive: Vec<u32>,
    rays: Vec<packshot_shaders::layout::ray::Ray>,
    names: Vec<RayName>,
    hits: Vec<Hit>,
    guides: Vec<Guide>,
}
