//! Guides for a denoiser, block by block: camera paths are followed to what they show.

use glam::Vec3;
use packshot_native::stages::{Guide, PathState};
use packshot_shaders::layout::ray::Hit;
use rayon::prelude::*;

use super::CpuShot;
use super::batch::Stochastic;
use super::simd::Opaque;
use super::simd::stages::{PixelSamples, Stages};
use crate::backend::{CancelToken, RenderError};
use crate::film::{Block, blocks};
use crate::guides::Guides;

/// Camera paths under way together.
const PATHS: usize = 1024;
const NOTHING: Guide = Guide { albedo: Vec3::ZERO, pad0: 0.0, normal: Vec3::ZERO, pad1: 0.0 };

impl CpuShot {
    /// The means of the first `n_samples` samples of every pixel.
    pub(super) fn guides_here(&self, n_samples: u32, cancel: &CancelToken) -> Result<Guides, RenderError> {
        let film = &self.shot.film;
        let blocks = blocks(film.width_px, film.height_px);
        let of_blocks: Vec<Vec<Guide>> = blocks
            .par_iter()
            .map_init(Buffers::default, |buffers, block| self.of_block(block, n_samples, buffers, cancel))
            .collect();
        if cancel.is_cancelled() {
            return Err(RenderError::Cancelled);
        }
        let n_pixels = film.width_px as usize * film.height_px as usize;
        let mut out = Guides { albedo: vec![[0.0; 3]; n_pixels], normal: vec![[0.0; 3]; n_pixels] };
        for (block, guides) in blocks.iter().zip(&of_blocks) {
            for (i, guide) in (0..).zip(guides) {
                let (x, y) = (block.x_px + i % block.width_px, block.y_px + i / block.width_px);
                let at = y as usize * film.width_px as usize + x as usize;
                out.albedo[at] = guide.albedo.to_array();
                out.normal[at] = guide.normal.to_array();
            }
        }
        Ok(out)
    }

    /// Means of a block's pixels, row by row; what is there so far when cancelled.
    fn of_block(&self, block: &Block, n_samples: u32, buffers: &mut Buffers, cancel: &CancelToken) -> Vec<Guide> {
        let pixels: Vec<[u32; 2]> = (0..block.width_px * block.height_px)
            .map(|i| [block.x_px + i % block.width_px, block.y_px + i / block.width_px])
            .collect();
        let pixels_at_once = (PATHS / n_samples as usize).max(1);
        let mut out = Vec::with_capacity(pixels.len());
        for pixels in pixels.chunks(pixels_at_once) {
            if cancel.is_cancelled() {
                break;
            }
            self.follow(pixels, n_samples, buffers);
            // In the order of samples, as everywhere.
            out.extend(buffers.guides.chunks(n_samples as usize).map(|samples| {
                let sum = samples.iter().fold(NOTHING, |sum, sample| Guide {
                    albedo: sum.albedo + sample.albedo,
                    normal: sum.normal + sample.normal,
                    ..NOTHING
                });
                Guide { albedo: sum.albedo / n_samples as f32, normal: sum.normal / n_samples as f32, ..NOTHING }
            }));
        }
        out
    }

    /// Leaves the guides of each pixel's samples in the buffers.
    fn follow(&self, pixels: &[[u32; 2]], n_samples: u32, buffers: &mut Buffers) {
        let bindings = self.shot.bindings();
        let stages = Stages::new(self.level);
        let Buffers { paths, alive, rays, keys, hits, guides } = buffers;
        paths.clear();
        for &pixel in pixels {
            stages.generate(&bindings, PixelSamples { pixel, first_sample: 0, n_samples }, paths);
        }
        guides.clear();
        guides.resize(paths.len(), NOTHING);
        alive.clear();
        alive.extend(0..paths.len() as u32);
        // As in sampling: rays through all of a lens are not alike.
        let mut coherent = bindings.params.camera.aperture_radius == 0.0;
        while !alive.is_empty() {
            rays.clear();
            rays.extend(alive.iter().map(|&i| paths[i as usize].ray));
            hits.resize(rays.len(), Hit::default());
            keys.clear();
            let has_opacity = self.shot.product.features.has_opacity;
            if has_opacity {
                stages.keys(paths, alive, keys);
            }
            let filter = Stochastic { bindings: &bindings, stages, keys };
            match (has_opacity, coherent) {
                (false, true) => self.accel.closest_coherent(rays, hits, &Opaque),
                (false, false) => self.accel.closest(rays, hits, &Opaque),
                (true, true) => self.accel.closest_coherent(rays, hits, &filter),
                (true, false) => self.accel.closest(rays, hits, &filter),
            }
            stages.guide(&bindings, paths, alive, hits, guides);
            coherent = false;
        }
    }
}

/// Of one thread.
#[derive(Default)]
struct Buffers {
    paths: Vec<PathState>,
    alive: Vec<u32>,
    rays: Vec<packshot_shaders::layout::ray::Ray>,
    keys: Vec<u32>,
    hits: Vec<Hit>,
    guides: Vec<Guide>,
}
