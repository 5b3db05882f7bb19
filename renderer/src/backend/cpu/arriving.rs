//! The shadow layer, block by block: the unoccluded fraction of the direct light on what the camera sees first.

use bytemuck::Zeroable as _;
use glam::Vec3;
use packshot_native::loops::{PixelSamples, Shadows, Stages};
use packshot_native::stages::{Bindings, PathState};
use packshot_shaders::constants::ENVIRONMENT_UNIFORM;
use packshot_shaders::layout::ray::Hit;
use packshot_traversal::Accel;
use rayon::prelude::*;

use super::arrival::Arrival;
use super::first_hits::FirstHits;
use crate::backend::CancelToken;
use crate::film::{Block, blocks};
use crate::prepare::PreparedShot;

/// Camera paths in flight together.
const PATHS: usize = 1024;

/// Traces the shadows of a shot.
pub(super) struct ShadowTracer<'a> {
    pub(super) shot: &'a PreparedShot,
    pub(super) accel: &'a Accel,
    pub(super) stages: Stages,
    /// Per pixel, at least one: the first samples of the picture itself.
    pub(super) n_samples: u32,
}

/// Buffers of one thread.
struct Buffers<'a> {
    bindings: Bindings<'a>,
    arrival: Arrival,
    first_hits: FirstHits,
    paths: Vec<PathState>,
    order: Vec<u32>,
    hits: Vec<Hit>,
    shadows: Shadows,
    /// For the pixel of each path, the light that would arrive if nothing occluded it.
    unshadowed: Vec<Vec3>,
}

impl ShadowTracer<'_> {
    /// Red, green and blue of each pixel, row by row, computed in the current rayon pool; partly ones when cancelled.
    pub(super) fn trace(&self, cancel: &CancelToken) -> Vec<f32> {
        let film = &self.shot.film;
        let blocks = blocks(film.width_px, film.height_px);
        let of_blocks: Vec<Vec<Vec3>> = blocks
            .par_iter()
            .map_init(|| self.buffers(), |buffers, block| self.of_block(block, buffers, cancel))
            .collect();
        let mut out = vec![0.0; film.width_px as usize * film.height_px as usize * 3];
        for (block, shares) in blocks.iter().zip(&of_blocks) {
            for (i, share) in (0..).zip(shares) {
                let (x, y) = (block.x_px + i % block.width_px, block.y_px + i / block.width_px);
                let at = 3 * (y as usize * film.width_px as usize + x as usize);
                out[at..at + 3].copy_from_slice(&share.to_array());
            }
        }
        out
    }

    fn buffers(&self) -> Buffers<'_> {
        let features = &self.shot.product.features;
        Buffers {
            bindings: self.shot.bindings(),
            arrival: Arrival::new(features.has_opacity, features.has_panes),
            first_hits: FirstHits::default(),
            paths: Vec::new(),
            order: Vec::new(),
            hits: Vec::new(),
            shadows: Shadows { has_names: features.has_opacity, ..Shadows::default() },
            unshadowed: Vec::new(),
        }
    }

    /// Values of a block's pixels, row by row; ones where it was cancelled.
    fn of_block(&self, block: &Block, buffers: &mut Buffers<'_>, cancel: &CancelToken) -> Vec<Vec3> {
        let pixels: Vec<[u32; 2]> = (0..block.width_px * block.height_px)
            .map(|i| [block.x_px + i % block.width_px, block.y_px + i / block.width_px])
            .collect();
        let n_samples = self.n_samples as usize;
        let mut shares = Vec::with_capacity(pixels.len());
        for pixels in pixels.chunks((PATHS / n_samples).max(1)) {
            if cancel.is_cancelled() {
                break;
            }
            self.light(pixels, buffers);
            let sums = buffers.paths.chunks(n_samples).zip(buffers.unshadowed.chunks(n_samples));
            shares.extend(sums.map(|(paths, unshadowed)| {
                // Summed in the order of samples, as everywhere.
                let arrives = paths.iter().fold(Vec3::ZERO, |sum, path| sum + path.radiance);
                let could = unshadowed.iter().fold(Vec3::ZERO, |sum, light| sum + *light);
                Vec3::select(could.cmpgt(Vec3::ZERO), (arrives / could).min(Vec3::ONE), Vec3::ONE)
            }));
        }
        shares.resize(block.width_px as usize * block.height_px as usize, Vec3::ONE);
        shares
    }

    /// Leaves in the buffers, for each sample of the pixels, the light that arrives (as its path's radiance) and the
    /// light that could arrive.
    fn light(&self, pixels: &[[u32; 2]], buffers: &mut Buffers<'_>) {
        let Buffers { bindings, arrival, first_hits, paths, order, hits, shadows, unshadowed } = buffers;
        let n_samples = self.n_samples as usize;
        paths.resize(pixels.len() * n_samples, PathState::zeroed());
        for (&pixel, paths) in pixels.iter().zip(paths.chunks_mut(n_samples)) {
            self.stages.generate(bindings, PixelSamples { pixel, first_sample: 0 }, paths);
        }
        order.clear();
        order.extend(0..paths.len() as u32);
        let has_opacity = self.shot.product.features.has_opacity;
        first_hits.find(bindings, self.stages, (self.accel, has_opacity), paths, hits);
        unshadowed.clear();
        unshadowed.resize(paths.len(), Vec3::ZERO);
        // Light sampling never chooses an environment without a map.
        let has_uniform = bindings.params.environment_kind == ENVIRONMENT_UNIFORM;
        for of_uniform in [false, true].into_iter().filter(|&of_uniform| !of_uniform || has_uniform) {
            self.stages.arriving(bindings, paths, order, hits, of_uniform, shadows);
            for (&path, &light) in shadows.paths.iter().zip(&shadows.radiance) {
                unshadowed[path as usize] += light;
            }
            arrival.add(bindings, self.stages, self.accel, shadows, paths);
        }
    }
}
