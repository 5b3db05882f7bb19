//! A convolution with its weights laid out in the order of use, and its work for one row of output.

use std::ops::Range;

use super::lanes::{BLOCK, Block, Kernel, Lanes};
use super::pass::{Pass, Term};
use super::quads::{Interpolation, POINTS, QUAD_PX, TAPS_AT_POINTS};
use super::rows::Shape;
use crate::network::{Convolution, DOUBLED_TAPS, SAME_TAPS, SIDE};

/// Quads that are multiplied before interpolation: few enough that they stay in the first-level cache.
const QUADS: usize = 48;
/// Most blocks of output channels that are computed together.
const BLOCKS_MAX: usize = 3;

/// A convolution in its final layout.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) n_outputs: usize,
    /// Channels of the input that has the output's resolution.
    n_same: usize,
    /// Blocks of output channels that are computed together.
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    first_block: usize,
    biases: Vec<Block>,
    /// For even and odd output rows and columns.
    doubled: [[Taps; 2]; 2],
    /// For each point at which quads are evaluated.
    same: [Taps; POINTS],
}

/// Weights by block of input channels, row of taps, tap, input channel and block of output channels.
#[derive(Debug)]
struct Taps {
    blocks: Vec<Block>,
    n_channels: usize,
    /// Number of rows of taps.
    n_rows: usize,
    /// Number of blocks for each row of taps and input channel.
    per_channel: usize,
}

impl Taps {
    fn n_blocks(&self) -> usize {
        self.n_channels.div_ceil(BLOCK)
    }

    /// Channels of a block of input channels, and their weights in a row of taps.
    fn row(&self, block: usize, row: usize) -> (usize, &[Block]) {
        let n_channels = BLOCK.min(self.n_channels - block * BLOCK);
        let first = (block * BLOCK * self.n_rows + row * n_channels) * self.per_channel;
        (n_channels, &self.blocks[first..][..n_channels * self.per_channel])
    }
}

impl Layer {
    /// `n_doubled`: how many of the first input channels have half of the output's resolution. `blocks_max`: blocks of
    /// output channels to compute together.
    pub(super) fn new(convolution: &Convolution, n_doubled: usize, blocks_max: usize) -> Self {
        let n_blocks = convolution.n_outputs.div_ceil(BLOCK);
        let mut groups = Vec::new();
        let mut first_block = 0;
        while first_block < n_blocks {
            let rest = n_blocks - first_block;
            // Pairs, and a triple at the end rather than a single block.
            let count = if rest == BLOCKS_MAX { rest.min(blocks_max) } else { rest.min(blocks_max.min(2)) };
            groups.push(Group::new(convolution, n_doubled, first_block, count));
            first_block += count;
        }
        Self { n_outputs: convolution.n_outputs, n_same: convolution.n_inputs - n_doubled, groups }
    }

    /// Channels of the input that has the output's resolution.
    pub(super) fn n_same(&self) -> usize {
        self.n_same
    }
}

impl Group {
    fn new(convolution: &Convolution, n_doubled: usize, first_block: usize, count: usize) -> Self {
        // Values by output channel, arranged in blocks.
        let blocks = |value: &dyn Fn(usize) -> f32| -> Vec<Block> {
            let outputs = (first_block..first_block + count).map(|block| block * BLOCK);
            outputs.map(|first| Block(std::array::from_fn(|lane| value(first + lane)))).collect()
        };
        // `weight` takes output, input, row and tap.
        let taps =
            |inputs: Range<usize>, n_rows: usize, n_taps: usize, weight: &dyn Fn(usize, usize, usize, usize) -> f32| {
                let mut packed = Vec::new();
                for first in inputs.clone().step_by(BLOCK) {
                    for (row, tap) in (0..n_rows).flat_map(|row| (0..n_taps).map(move |tap| (row, tap))) {
                        for input in first..inputs.end.min(first + BLOCK) {
                            packed.extend(blocks(&|output| weight(output, input, row, tap)));
                        }
                    }
                }
                Taps { blocks: packed, n_channels: inputs.len(), n_rows, per_channel: n_taps * count }
            };
        let doubled = DOUBLED_TAPS.map(|rows| {
            DOUBLED_TAPS.map(|columns| {
                let weight =
                    |output, input, row: usize, tap: usize| convolution.weight(output, input, rows[row], columns[tap]);
                taps(0..n_doubled, rows.len(), columns.len(), &weight)
            })
        });
        let same = TAPS_AT_POINTS.map(|factors| {
            let weight = |output, input, row: usize, _| {
                let columns = SAME_TAPS.iter().zip(factors);
                columns
                    .map(|(column, factor)| {
                        factor * f64::from(convolution.weight(output, input, SAME_TAPS[row], column))
                    })
                    .sum::<f64>() as f32
            };
            taps(n_doubled..convolution.n_inputs, SIDE, 1, &weight)
        });
        Self { first_block, biases: blocks(&|output| convolution.bias(output)), doubled, same }
    }
}

/// Some input rows, from the top; `None` above and below the picture, where everything is 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window<'a, const ROWS: usize> {
    pub(super) shape: Shape,
    pub(super) rows: [Option<&'a [Block]>; ROWS],
}

/// Computes one row of a layer's output.
pub(super) struct RowWork<'a> {
    pub(super) layer: &'a Layer,
    pub(super) y: usize,
    /// The two rows of the doubled input that the output row depends on.
    pub(super) doubled: Option<Window<'a, 2>>,
    /// The three rows of the other input, evaluated at the points of quads.
    pub(super) same: Window<'a, SIDE>,
    pub(super) out_shape: Shape,
    pub(super) out: &'a mut [Block],
    /// Buffer for the terms of a sum, reused for each row.
    pub(super) products: &'a mut Vec<Block>,
}

impl Kernel for RowWork<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let pitch = self.out_shape.pitch();
        self.products.resize(POINTS * BLOCKS_MAX * QUADS, Block::ZERO);
        for group in &self.layer.groups {
            let n_blocks = group.biases.len();
            let out = &mut self.out[group.first_block * pitch..][..n_blocks * pitch];
            if let Some(window) = self.doubled {
                for (odd_x, taps) in group.doubled[self.y % 2].iter().enumerate() {
                    let terms = terms(&window.rows, taps, |block| block * window.shape.pitch() + odd_x);
                    let n_px = window.shape.width_px;
                    let out = &mut out[1 + odd_x..];
                    lanes.run_pass::<2, 2>(
                        n_blocks,
                        &mut Pass { terms: &terms, biases: &group.biases, n_px, out, pitch },
                    );
                }
            }
            let n_quads = self.out_shape.n_quads();
            let quads_pitch = self.same.shape.quads_pitch();
            for first in (0..n_quads).step_by(QUADS) {
                let count = QUADS.min(n_quads - first);
                for (point, taps) in group.same.iter().enumerate() {
                    let terms = terms(&self.same.rows, taps, |block| (block * POINTS + point) * quads_pitch + first);
                    let out = &mut self.products[point * QUADS..];
                    let pitch = POINTS * QUADS;
                    let biases = &[Block::ZERO; BLOCKS_MAX];
                    lanes.run_pass::<1, 1>(n_blocks, &mut Pass { terms: &terms, biases, n_px: count, out, pitch });
                }
                for (block, bias) in group.biases.iter().enumerate() {
                    let products = &self.products[block * POINTS * QUADS..];
                    let out = &mut out[block * pitch + 1 + first * QUAD_PX..];
                    let bias = self.doubled.is_none().then_some(bias);
                    Interpolation { products, pitch: QUADS, n_quads: count, bias, out }.run(lanes);
                }
            }
        }
        self.out_shape.close_row(self.out);
    }
}

/// The terms for the rows that are inside the picture; `first` is where a block of input channels starts in a row.
#[inline(always)]
fn terms<'a, const ROWS: usize>(
    rows: &[Option<&'a [Block]>; ROWS],
    taps: &'a Taps,
    first: impl Fn(usize) -> usize,
) -> Vec<Term<'a>> {
    let mut terms = Vec::with_capacity(taps.n_blocks() * ROWS);
    for block in 0..taps.n_blocks() {
        for (y, row) in rows.iter().enumerate() {
            if let Some(row) = row {
                let (n_channels, weights) = taps.row(block, y);
                terms.push(Term { input: &row[first(block)..], weights, n_channels });
            }
        }
    }
    terms
}
