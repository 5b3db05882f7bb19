//! Layers beside a picture, block by block: where camera rays end.

use bytemuck::Zeroable as _;
use glam::{DVec3, Vec3};
use packshot_native::loops::{PixelSamples, Stages};
use packshot_native::stages::{Bindings, PathState, Seen};
use packshot_shaders::layout::ray::{Hit, Ray};
use packshot_traversal::{Accel, Opacity, OpacityFilter};
use rayon::prelude::*;

use super::arriving::ShadowTracer;
use super::first_hits::FirstHits;
use super::lines::LineTracer;
use crate::backend::{CancelToken, RenderError};
use crate::film::{Block, blocks};
use crate::layers::cryptomatte::{self, Coverage};
use crate::layers::{LayerRequest, MatteKind, NOTHING_DEPTH_M, Quantity};
use crate::prepare::PreparedShot;

/// Camera rays in flight together.
const RAYS: usize = 1024;

/// Traces the layers of a shot.
pub(in crate::backend) struct LayerTracer<'a> {
    shot: &'a PreparedShot,
    bindings: Bindings<'a>,
    accel: &'a Accel,
    stages: Stages,
    /// In the order of the request.
    asked: Vec<Quantity>,
    /// Those that follow from samples or from the centre of single pixels.
    quantities: Vec<(Quantity, Ids)>,
    n_samples: u32,
    lines: LineTracer<'a>,
    shadows: ShadowTracer<'a>,
}

/// The id of each part or material, for Cryptomatte; empty for other layers.
type Ids = Vec<f32>;

/// Buffers of one thread.
#[derive(Default)]
struct Buffers {
    first_hits: FirstHits,
    paths: Vec<PathState>,
    rays: Vec<Ray>,
    hits: Vec<Hit>,
    seen: Vec<Option<Seen>>,
    coverage: Coverage,
}

/// Treats surfaces that stop at least half of the light as opaque, and others as absent.
pub(super) struct MostlyOpaque<'a> {
    pub(super) bindings: &'a Bindings<'a>,
    pub(super) stages: Stages,
}

impl OpacityFilter for MostlyOpaque<'_> {
    fn blocks(&self, _ray_idx: usize, hit: &Hit) -> bool {
        self.stages.opacity_at(self.bindings, *hit) >= 0.5
    }
}

impl<'a> LayerTracer<'a> {
    pub(in crate::backend) fn new(shot: &'a PreparedShot, accel: &'a Accel, request: &LayerRequest<'_>) -> Self {
        let ids = |quantity: &Quantity| match quantity {
            Quantity::Matte(kind) => request.names.of(*kind).iter().map(|name| cryptomatte::id(name)).collect(),
            _ => Ids::new(),
        };
        let of_pixels =
            request.quantities.iter().filter(|quantity| !matches!(quantity, Quantity::Lines(_) | Quantity::Shadow));
        let n_samples = request.n_samples.max(1);
        let (stages, floor) = (Stages::new(accel.level()), request.names.floor(&shot.product));
        Self {
            shot,
            bindings: shot.bindings(),
            accel,
            stages,
            asked: request.quantities.to_vec(),
            quantities: of_pixels.map(|quantity| (*quantity, ids(quantity))).collect(),
            n_samples,
            shadows: ShadowTracer { shot, accel, stages, n_samples },
            lines: LineTracer { shot, accel, stages, style: request.lines, floor },
        }
    }

    /// The layers in the order of the request, computed in the current rayon pool.
    pub(in crate::backend) fn trace(&self, cancel: &CancelToken) -> Result<Vec<Vec<f32>>, RenderError> {
        let mut of_pixels = match self.quantities.is_empty() {
            true => Vec::new(),
            false => self.trace_pixels(cancel),
        }
        .into_iter();
        let layer = |quantity: &Quantity| match quantity {
            Quantity::Lines(kind) => self.lines.trace(*kind, cancel),
            Quantity::Shadow => self.shadows.trace(cancel),
            _ => of_pixels.next().expect("a layer for each quantity"),
        };
        let layers = self.asked.iter().map(layer).collect();
        if cancel.is_cancelled() {
            return Err(RenderError::Cancelled);
        }
        Ok(layers)
    }

    /// The layers of `quantities`; partly zeros when cancelled.
    fn trace_pixels(&self, cancel: &CancelToken) -> Vec<Vec<f32>> {
        let film = &self.shot.film;
        let blocks = blocks(film.width_px, film.height_px);
        let of_blocks: Vec<Vec<Vec<f32>>> = blocks
            .par_iter()
            .map_init(Buffers::default, |buffers, block| self.of_block(block, buffers, cancel))
            .collect();
        let n_pixels = film.width_px as usize * film.height_px as usize;
        let picture = |(i, (quantity, _)): (usize, &(Quantity, Ids))| {
            let [n_planes, n_channels] = quantity.shape();
            let mut layer = vec![0.0; n_planes * n_pixels * n_channels];
            for (block, of_block) in blocks.iter().zip(&of_blocks) {
                let width = block.width_px as usize * n_channels;
                for (row, values) in of_block[i].chunks(width).enumerate() {
                    let (plane, y) = (row / block.height_px as usize, row % block.height_px as usize);
                    let pixel = (block.y_px as usize + y) * film.width_px as usize + block.x_px as usize;
                    let first = (plane * n_pixels + pixel) * n_channels;
                    layer[first..first + width].copy_from_slice(values);
                }
            }
            layer
        };
        self.quantities.iter().enumerate().map(picture).collect()
    }

    /// Each layer of a block, in the shape of the picture's; partly zeros when cancelled.
    fn of_block(&self, block: &Block, buffers: &mut Buffers, cancel: &CancelToken) -> Vec<Vec<f32>> {
        let pixels: Vec<[u32; 2]> = (0..block.width_px * block.height_px)
            .map(|i| [block.x_px + i % block.width_px, block.y_px + i / block.width_px])
            .collect();
        let empty =
            |(quantity, _): &(Quantity, Ids)| vec![0.0; quantity.shape().iter().product::<usize>() * pixels.len()];
        let mut layers: Vec<Vec<f32>> = self.quantities.iter().map(empty).collect();
        for is_sampled in [true, false] {
            if self.quantities.iter().all(|(quantity, _)| quantity.is_sampled() != is_sampled) {
                continue;
            }
            let n_samples = if is_sampled { self.n_samples as usize } else { 1 };
            let pixels_at_once = (RAYS / n_samples).max(1);
            for (chunk_idx, chunk) in pixels.chunks(pixels_at_once).enumerate() {
                if cancel.is_cancelled() {
                    return layers;
                }
                if is_sampled {
                    self.look(chunk, buffers)
                } else {
                    self.look_at_middle(chunk, buffers)
                }
                for (i, samples) in buffers.seen.chunks(n_samples).enumerate() {
                    let pixel = chunk_idx * pixels_at_once + i;
                    for ((quantity, ids), layer) in self.quantities.iter().zip(&mut layers) {
                        if quantity.is_sampled() == is_sampled {
                            self.store(*quantity, ids, samples, &mut buffers.coverage, layer, [pixel, pixels.len()]);
                        }
                    }
                }
            }
        }
        layers
    }

    /// Leaves in the buffers what each sample of the pixels sees; the samples are the picture's own.
    fn look(&self, pixels: &[[u32; 2]], buffers: &mut Buffers) {
        let Buffers { first_hits, paths, rays, hits, seen, .. } = buffers;
        let n_samples = self.n_samples as usize;
        paths.resize(pixels.len() * n_samples, PathState::zeroed());
        for (&pixel, paths) in pixels.iter().zip(paths.chunks_mut(n_samples)) {
            self.stages.generate(&self.bindings, PixelSamples { pixel, first_sample: 0 }, paths);
        }
        let has_opacity = self.shot.product.features.has_opacity;
        first_hits.find(&self.bindings, self.stages, (self.accel, has_opacity), paths, hits);
        rays.clear();
        rays.extend(paths.iter().map(|path| path.ray));
        seen.clear();
        self.stages.seen(&self.bindings, rays, hits, seen);
    }

    /// Leaves in the buffers what is seen at the centre of each pixel.
    fn look_at_middle(&self, pixels: &[[u32; 2]], buffers: &mut Buffers) {
        let Buffers { paths, rays, hits, seen, .. } = buffers;
        paths.clear();
        self.stages.generate_middle(&self.bindings, pixels, paths);
        rays.clear();
        rays.extend(paths.iter().map(|path| path.ray));
        hits.clear();
        hits.resize(rays.len(), Hit::default());
        match self.shot.product.features.has_opacity {
            true => {
                let filter = MostlyOpaque { bindings: &self.bindings, stages: self.stages };
                self.accel.closest_coherent(rays, hits, Opacity::Of(&filter));
            }
            false => self.accel.closest_coherent(rays, hits, Opacity::Full),
        }
        seen.clear();
        self.stages.seen(&self.bindings, rays, hits, seen);
    }

    /// Stores what the samples of a pixel saw; `place` is the pixel's number in the block, and the number of pixels
    /// that the block has.
    fn store(
        &self,
        quantity: Quantity,
        ids: &Ids,
        samples: &[Option<Seen>],
        coverage: &mut Coverage,
        layer: &mut [f32],
        place: [usize; 2],
    ) {
        let [pixel, n_pixels] = place;
        let mut put = |values: &[f32]| layer[pixel * values.len()..][..values.len()].copy_from_slice(values);
        // In the order of samples, as everywhere.
        let mean = |value: fn(&Seen) -> Vec3| {
            let sum = samples.iter().flatten().fold(Vec3::ZERO, |sum, seen| sum + value(seen));
            (sum / samples.len() as f32).to_array()
        };
        let middle = samples[0].as_ref();
        match quantity {
            Quantity::Albedo => put(&mean(|seen| seen.albedo)),
            Quantity::Normal => put(&mean(|seen| seen.normal)),
            Quantity::Emission => put(&mean(|seen| seen.emission)),
            Quantity::Depth => put(&[middle.map_or(NOTHING_DEPTH_M, |seen| self.depth_m(seen))]),
            Quantity::Position => put(&middle.map_or([0.0; 3], |seen| self.world(seen).as_vec3().to_array())),
            // Packed products have v downwards, like glTF.
            Quantity::Uv => put(&middle.map_or([0.0; 2], |seen| [seen.uv.x, 1.0 - seen.uv.y])),
            Quantity::Lines(_) | Quantity::Shadow => unreachable!("traced by themselves"),
            Quantity::Matte(kind) => {
                coverage.clear();
                for seen in samples.iter().flatten() {
                    let thing = if kind == MatteKind::Material { seen.material } else { seen.part };
                    coverage.add(ids[thing as usize]);
                }
                let ranks = coverage.ranks(samples.len() as u32);
                for (plane, pair) in ranks.as_flattened().chunks(4).enumerate() {
                    layer[(plane * n_pixels + pixel) * 4..][..4].copy_from_slice(pair);
                }
            }
        }
    }

    /// Its position in the world, metres.
    fn world(&self, seen: &Seen) -> DVec3 {
        let space = &self.shot.product.space;
        seen.position.as_dvec3() / space.units_per_m + space.center
    }

    /// Its distance from the camera along the viewing axis.
    fn depth_m(&self, seen: &Seen) -> f32 {
        let camera = &self.shot.params.camera;
        let along = (camera.origin - seen.position).as_dvec3().dot(camera.back.as_dvec3());
        (along / self.shot.product.space.units_per_m) as f32
    }
}
