//! A convolution with its weights in the order of their use, and its work for one row of output.

use std::ops::Range;

use super::lanes::{BLOCK, Block, Kernel, Lanes};
use super::pass::Pass;
use super::rows::Shape;
use crate::network::{Convolution, DOUBLED_TAPS, SAME_TAPS, SIDE};

/// How an input of a convolution comes to the resolution of its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// It has it.
    Same,
    /// Every pixel stands for 2×2 ([`DOUBLED_TAPS`]).
    Doubled,
}

/// A convolution, ready for work.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) n_outputs: usize,
    inputs: Vec<Input>,
    /// Blocks of output channels that are computed together.
    groups: Vec<Group>,
}

/// A run of input channels.
#[derive(Clone, Copy, Debug)]
struct Input {
    scale: Scale,
    n_channels: usize,
}

#[derive(Debug)]
struct Group {
    first_block: usize,
    biases: Vec<Block>,
    /// By input, block of its channels, and, for a doubled one, whether row and column are odd.
    weights: Vec<Taps>,
}

/// Weights by row of taps, tap, input channel and block of output channels.
#[derive(Debug)]
struct Taps {
    blocks: Vec<Block>,
    rows: usize,
}

impl Taps {
    fn row(&self, row: usize) -> &[Block] {
        let length = self.blocks.len() / self.rows;
        &self.blocks[row * length..][..length]
    }
}

impl Layer {
    /// `inputs`: the scale and the channels of what goes in, one after the other. `blocks_max`: blocks of output channels to compute together.
    pub(super) fn new(convolution: &Convolution, inputs: &[(Scale, usize)], blocks_max: usize) -> Self {
        let inputs: Vec<Input> = inputs.iter().map(|&(scale, n_channels)| Input { scale, n_channels }).collect();
        assert_eq!(inputs.iter().map(|input| input.n_channels).sum::<usize>(), convolution.n_inputs);
        let n_blocks = convolution.n_outputs.div_ceil(BLOCK);
        let mut groups = Vec::new();
        let mut first_block = 0;
        while first_block < n_blocks {
            let rest = n_blocks - first_block;
            // Pairs, and a triple at the end rather than a single one.
            let count = if rest == 3 { rest.min(blocks_max) } else { rest.min(blocks_max.min(2)) };
            groups.push(Group::new(convolution, &inputs, first_block, count));
            first_block += count;
        }
        Self { n_outputs: convolution.n_outputs, inputs, groups }
    }
}

impl Group {
    fn new(convolution: &Convolution, inputs: &[Input], first_block: usize, count: usize) -> Self {
        // Values by output channel, for the lanes of each block.
        let blocks = |value: &dyn Fn(usize) -> f32| -> Vec<Block> {
            let outputs = (first_block..first_block + count).map(|block| block * BLOCK);
            outputs.map(|first| Block(std::array::from_fn(|lane| value(first + lane)))).collect()
        };
        let taps = |channels: Range<usize>, rows: &[&[usize]], columns: &[&[usize]]| {
            let pairs = rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column)));
            let pairs = pairs.flat_map(|(row, column)| channels.clone().map(move |channel| (row, column, channel)));
            let weights =
                pairs.flat_map(|(row, column, input)| blocks(&|output| convolution.weight(output, input, row, column)));
            Taps { blocks: weights.collect(), rows: rows.len() }
        };
        let mut weights = Vec::new();
        let mut first_channel = 0;
        for input in inputs {
            let end = first_channel + input.n_channels;
            for first in (first_channel..end).step_by(BLOCK) {
                let channels = first..end.min(first + BLOCK);
                match input.scale {
                    Scale::Same => weights.push(taps(channels, &SAME_TAPS, &SAME_TAPS)),
                    Scale::Doubled => {
                        for (rows, columns) in
                            DOUBLED_TAPS.iter().flat_map(|a| DOUBLED_TAPS.iter().map(move |b| (a, b)))
                        {
                            weights.push(taps(channels.clone(), rows, columns));
                        }
                    }
                }
            }
            first_channel = end;
        }
        Self { first_block, biases: blocks(&|output| convolution.bias(output)), weights }
    }
}

/// The rows of one input that an output row looks at, from the top.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window<'a> {
    pub(super) shape: Shape,
    /// Three rows; two of a doubled input. `None` above and below the picture, where everything is 0.
    pub(super) rows: [Option<&'a [Block]>; SIDE],
}

impl<'a> Window<'a> {
    /// What row `y` of the output sees of an input whose rows `row` gives.
    pub(super) fn new(scale: Scale, y: usize, shape: Shape, row: impl Fn(isize) -> Option<&'a [Block]>) -> Self {
        let y = y as isize;
        let rows = match scale {
            Scale::Same => [row(y - 1), row(y), row(y + 1)],
            Scale::Doubled => {
                let first = (y - 1).div_euclid(2);
                [row(first), row(first + 1), None]
            }
        };
        Self { shape, rows }
    }
}

/// Computes one row of a layer's output.
pub(super) struct RowWork<'a> {
    pub(super) layer: &'a Layer,
    /// One for each input.
    pub(super) windows: &'a [Window<'a>],
    pub(super) y: usize,
    pub(super) out_shape: Shape,
    pub(super) out: &'a mut [Block],
}

impl Kernel for RowWork<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let pitch = self.out_shape.pitch();
        for group in &self.layer.groups {
            let n_blocks = group.biases.len();
            let out = &mut self.out[group.first_block * pitch..][..n_blocks * pitch];
            let mut weights = group.weights.iter();
            for (i, (input, window)) in self.layer.inputs.iter().zip(self.windows).enumerate() {
                let n_input_blocks = input.n_channels.div_ceil(BLOCK);
                for block in 0..n_input_blocks {
                    let is_first = i == 0 && block == 0;
                    let is_last = i + 1 == self.layer.inputs.len() && block + 1 == n_input_blocks;
                    let n_channels = BLOCK.min(input.n_channels - block * BLOCK);
                    let biases = is_first.then_some(group.biases.as_slice());
                    let first_px = window.shape.pitch() * block;
                    match input.scale {
                        Scale::Same => {
                            let taps = weights.next().expect("weights for every block of every input");
                            let (rows, n_rows) = paired(window, taps, first_px);
                            let rows = &rows[..n_rows];
                            let n_px = self.out_shape.width_px;
                            let out = &mut out[1..];
                            let mut pass = Pass { rows, n_channels, biases, is_last, n_px, out, pitch };
                            lanes.run_pass::<3, 1>(n_blocks, &mut pass);
                        }
                        Scale::Doubled => {
                            let four: [&Taps; 4] = std::array::from_fn(|_| {
                                weights.next().expect("weights for every block of every input")
                            });
                            for odd_x in 0..2 {
                                let taps = four[self.y % 2 * 2 + odd_x];
                                let (rows, n_rows) = paired(window, taps, first_px + odd_x);
                                let rows = &rows[..n_rows];
                                let n_px = window.shape.width_px;
                                let out = &mut out[1 + odd_x..];
                                let mut pass = Pass { rows, n_channels, biases, is_last, n_px, out, pitch };
                                lanes.run_pass::<2, 2>(n_blocks, &mut pass);
                            }
                        }
                    }
                }
            }
        }
        self.out_shape.close_row(self.out);
    }
}

/// A row of input and the weights of the taps over it.
type RowTaps<'a> = (&'a [Block], &'a [Block]);

/// The rows that lie in the picture, from place `first` on, with their weights; and how many they are.
#[inline(always)]
fn paired<'a>(window: &Window<'a>, taps: &'a Taps, first: usize) -> ([RowTaps<'a>; SIDE], usize) {
    let mut pairs: [RowTaps<'a>; SIDE] = [(&[], &[]); SIDE];
    let mut count = 0;
    for (y, row) in window.rows.iter().enumerate().take(taps.rows) {
        if let Some(row) = row {
            pairs[count] = (&row[first..], taps.row(y));
            count += 1;
        }
    }
    (pairs, count)
}
