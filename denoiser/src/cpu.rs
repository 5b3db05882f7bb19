//! The network on the processor.
//!
//! Input: tiles of a picture. Output: denoised pixels. Work is divided into bands of rows, which threads take as they
//! become free. Invariant: every value of a layer is one sum in a fixed order, so threads, bands and tiles do not
//! change a bit of the result.

mod chain;
mod lanes;
mod layer;
mod level;
mod pass;
mod quads;
mod rows;
mod spare;
#[cfg(target_arch = "x86_64")]
mod x86;

use packshot_processor::SimdLevel;
use rayon::prelude::*;

use crate::error::DenoiseError;
use crate::network::{Convolution, LEVELS, Network};
use crate::picture::ExposedPicture;
use crate::tiles::Tile;
use chain::{Chain, Inputs};
use lanes::{Block, Kernel, Lanes};
use layer::Layer;
use rows::{Rows, Shape};
use spare::Spare;

/// Rows of the result per band: enough that the overlap that two bands both compute does not matter.
const BAND_ROWS: usize = 64;

/// Pixels of a row that are computed together.
pub(crate) const JOINT_PX: isize = quads::QUAD_PX as isize;

/// A network with its weights laid out in the order of use.
#[derive(Debug)]
pub(crate) struct CpuNetwork {
    level: SimdLevel,
    n_inputs: usize,
    encoder: [Vec<Layer>; LEVELS],
    bottom: Vec<Layer>,
    decoder: [Vec<Layer>; LEVELS],
    spare: Spare,
}

/// Polled frequently for cancellation.
type IsCancelled<'a> = &'a (dyn Fn() -> bool + Sync);

impl CpuNetwork {
    /// For an instruction set that the processor has.
    pub(crate) fn new(network: &Network, level: SimdLevel) -> Self {
        assert!(level.is_supported(), "the processor does not have {level:?}");
        let layers = |convolutions: &[Convolution], n_doubled: usize| -> Vec<Layer> {
            let n_doubled = |i: usize| if i == 0 { n_doubled } else { 0 };
            let convolutions = convolutions.iter().enumerate();
            convolutions.map(|(i, c)| Layer::new(c, n_doubled(i), level::blocks_max(level))).collect()
        };
        let skips = network.skips();
        let decoder = std::array::from_fn(|i| {
            let convolutions = &network.decoder[i];
            layers(convolutions, convolutions[0].n_inputs - skips[i])
        });
        Self {
            level,
            n_inputs: network.n_inputs,
            encoder: network.encoder.each_ref().map(|convolutions| layers(convolutions, 0)),
            bottom: layers(&network.bottom, 0),
            decoder,
            spare: Spare::default(),
        }
    }

    /// Bytes that computing a tile of this size takes with this many threads.
    pub(crate) fn size_bytes(&self, width_px: usize, height_px: usize, n_threads: usize) -> u64 {
        let shape = |level: usize, n_channels: usize| Shape {
            width_px: width_px >> level,
            height_px: height_px >> level,
            n_channels,
        };
        let rings = |level: usize, layers: &[Layer]| -> u64 {
            let rows = layers.iter().map(|layer| {
                let input_places = 3 * shape(level, layer.n_same()).quads_len();
                let input_bytes = (input_places * size_of::<Block>()) as u64;
                Shape { height_px: 3, ..shape(level, layer.n_outputs) }.size_bytes() + input_bytes
            });
            rows.sum::<u64>() * n_threads as u64
        };
        let outputs = |layers: &[Layer]| layers.last().map_or(0, |layer| layer.n_outputs);
        // Buffers that layers no longer need are kept for the next tile, so all of them exist at the end.
        let mut all = shape(0, self.n_inputs).size_bytes() + shape(LEVELS, outputs(&self.bottom)).size_bytes();
        let mut most_rings = rings(LEVELS, &self.bottom);
        for (level, layers) in self.encoder.iter().enumerate() {
            all += shape(level + 1, outputs(layers)).size_bytes();
            most_rings = most_rings.max(rings(level, layers));
        }
        for (level, layers) in (0..LEVELS).rev().zip(&self.decoder) {
            // The last level's rows become pixels immediately.
            all += if level > 0 { shape(level, outputs(layers)).size_bytes() } else { 0 };
            most_rings = most_rings.max(rings(level, layers));
        }
        all + most_rings
    }

    /// Denoises one tile into its rows of `out`, which belong to the whole picture and start at the first row of the
    /// tile.
    pub(crate) fn run_tile(
        &self,
        picture: &ExposedPicture<'_>,
        tile: &Tile,
        out: &mut [[f32; 4]],
        is_cancelled: IsCancelled<'_>,
    ) -> Result<(), DenoiseError> {
        let mut kept = vec![self.input(picture, tile)];
        for layers in &self.encoder {
            let inputs = Inputs { doubled: None, same: &kept[kept.len() - 1] };
            let halved = self.run(layers, inputs, is_cancelled, Output::Halved)?;
            kept.push(halved);
        }
        let lowest = kept.pop().expect("one for each level");
        let mut below = self.run(&self.bottom, Inputs { doubled: None, same: &lowest }, is_cancelled, Output::Whole)?;
        self.spare.give(lowest.data);
        let (finest, coarser) = self.decoder.split_last().expect("a level");
        for layers in coarser {
            let beside = kept.pop().expect("one for each level");
            let inputs = Inputs { doubled: Some(&below), same: &beside };
            let here = self.run(layers, inputs, is_cancelled, Output::Whole)?;
            for used in [std::mem::replace(&mut below, here), beside] {
                self.spare.give(used.data);
            }
        }
        let inputs = Inputs { doubled: Some(&below), same: &kept[0] };
        self.finish(finest, inputs, picture, tile, out, is_cancelled)?;
        kept.into_iter().chain([below]).for_each(|used| self.spare.give(used.data));
        Ok(())
    }

    /// Frees buffers that tiles have left for the next ones, keeping this many bytes.
    pub(crate) fn trim(&self, kept_bytes_max: usize) {
        self.spare.trim(kept_bytes_max);
    }

    /// Rows with undefined contents.
    fn rows(&self, shape: Shape) -> Rows {
        Rows { shape, data: self.spare.take(shape.row_len() * shape.height_px) }
    }

    /// The network's input for a tile.
    fn input(&self, picture: &ExposedPicture<'_>, tile: &Tile) -> Rows {
        let (width_px, height_px) = (tile.width_px, tile.height_px);
        let mut input = self.rows(Shape { width_px, height_px, n_channels: self.n_inputs });
        let shape = input.shape;
        let (x_end, y_end) = (picture.picture().width_px as usize, picture.picture().height_px as usize);
        input.data.par_chunks_mut(shape.row_len()).zip(tile.first_row..tile.first_row + height_px).for_each(
            |(row, y)| {
                row.fill(Block::ZERO);
                let columns = tile.first_column..(tile.first_column + width_px).min(x_end);
                for (block, x) in row[1..].iter_mut().zip(columns).take_while(|_| y < y_end) {
                    let channels = picture.channels(x, y);
                    block.0[..self.n_inputs].copy_from_slice(&channels[..self.n_inputs]);
                }
            },
        );
        input
    }

    /// Runs some layers of one resolution on all rows.
    fn run(
        &self,
        layers: &[Layer],
        inputs: Inputs<'_>,
        is_cancelled: IsCancelled<'_>,
        output: Output,
    ) -> Result<Rows, DenoiseError> {
        let Shape { width_px, height_px, .. } = inputs.same.shape;
        let last = &layers[layers.len() - 1];
        let full = Shape { width_px, height_px, n_channels: last.n_outputs };
        let mut out = self.rows(match output {
            Output::Whole => full,
            Output::Halved => full.halved(),
        });
        let shape = out.shape;
        let band_rows = band_rows(height_px) * shape.height_px / height_px;
        out.data.par_chunks_mut(shape.row_len() * band_rows.max(1)).enumerate().try_for_each(|(band, out)| {
            let first_row = band * band_rows.max(1);
            let first = first_row * height_px / shape.height_px;
            let mut chain = Chain::new(self.level, layers, inputs, first);
            for (y, out) in (first_row..).zip(out.chunks_exact_mut(shape.row_len())) {
                if is_cancelled() {
                    return Err(DenoiseError::Cancelled);
                }
                match output {
                    Output::Whole => out.copy_from_slice(chain.row(y)),
                    Output::Halved => {
                        chain.row(2 * y + 1);
                        let rows = [chain.latest(2 * y), chain.latest(2 * y + 1)];
                        level::run(self.level, Halving { rows, full: chain.shape(), out, shape });
                    }
                }
            }
            Ok(())
        })?;
        Ok(out)
    }

    /// Runs the last level and converts its output to pixels.
    fn finish(
        &self,
        layers: &[Layer],
        inputs: Inputs<'_>,
        picture: &ExposedPicture<'_>,
        tile: &Tile,
        out: &mut [[f32; 4]],
        is_cancelled: IsCancelled<'_>,
    ) -> Result<(), DenoiseError> {
        let width_px = picture.picture().width_px as usize;
        let band_rows = band_rows(tile.rows.len());
        let out = &mut out[..tile.rows.len() * width_px];
        let columns = tile.columns.clone();
        let skipped = columns.start - tile.first_column;
        out.par_chunks_mut(width_px * band_rows).zip(tile.rows.clone().into_par_iter().step_by(band_rows)).try_for_each(
            |(out, first_row)| {
                let mut chain = Chain::new(self.level, layers, inputs, first_row - tile.first_row);
                for (y, out) in (first_row..).zip(out.chunks_exact_mut(width_px)) {
                    if is_cancelled() {
                        return Err(DenoiseError::Cancelled);
                    }
                    let row = &chain.row(y - tile.first_row)[1 + skipped..];
                    let noisy = &picture.picture().color[y * width_px..][columns.clone()];
                    for ((out, block), noisy) in out[columns.clone()].iter_mut().zip(row).zip(noisy) {
                        let [r, g, b] = [0, 1, 2].map(|channel| picture.radiance(block.0[channel]));
                        *out = [r, g, b, noisy[3]];
                    }
                }
                Ok(())
            },
        )
    }
}

/// What happens to the output rows of some layers.
#[derive(Clone, Copy)]
enum Output {
    Whole,
    /// 2×2 max pooling.
    Halved,
}

/// Rows per band, such that there are enough bands for many threads.
fn band_rows(height_px: usize) -> usize {
    BAND_ROWS.min(height_px.div_ceil(16).next_multiple_of(4))
}

/// 2×2 max pooling of two rows.
struct Halving<'a> {
    rows: [&'a [Block]; 2],
    full: Shape,
    out: &'a mut [Block],
    shape: Shape,
}

impl Kernel for Halving<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let runs = self.rows[0].chunks_exact(self.full.pitch()).zip(self.rows[1].chunks_exact(self.full.pitch()));
        for (out, (upper, lower)) in self.out.chunks_exact_mut(self.shape.pitch()).zip(runs) {
            let pairs = upper[1..].as_chunks::<2>().0.iter().zip(lower[1..].as_chunks::<2>().0);
            for (out, (upper, lower)) in out[1..][..self.shape.width_px].iter_mut().zip(pairs) {
                let [a, b] = [upper, lower].map(|[left, right]| lanes.max(lanes.load(left), lanes.load(right)));
                lanes.store(lanes.max(a, b), out);
            }
        }
        self.shape.close_row(self.out);
    }
}
