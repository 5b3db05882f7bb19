//! The innermost loop: from some blocks of input channels to a few blocks of output channels, along a row.

use super::lanes::{BLOCK, Block, Lanes};

/// Most pixels that any instruction set computes at a time.
pub(super) const PIXELS_MAX: usize = 12;
/// A multiple of the number of pixels per step on every instruction set.
pub(super) const PIXELS_MULTIPLE: usize = 24;

/// A block of input channels in one row, and its weights.
#[derive(Clone, Copy)]
pub(super) struct Term<'a> {
    /// Starts at the pixel under the first tap of the first output pixel.
    pub(super) input: &'a [Block],
    /// By tap, input channel and block of output channels.
    pub(super) weights: &'a [Block],
    /// Channels of the block that are in use.
    pub(super) n_channels: usize,
}

/// The work of one pass over a row of output pixels.
pub(super) struct Pass<'a> {
    /// The terms of the sum.
    pub(super) terms: &'a [Term<'a>],
    /// Initial values of the sum, by block of output channels.
    pub(super) biases: &'a [Block],
    /// Number of pixels in this pass.
    pub(super) n_px: usize,
    /// The output row, starting at the first pixel of this pass; blocks of channels are `pitch` apart.
    pub(super) out: &'a mut [Block],
    /// Pixels per block of channels in a row.
    pub(super) pitch: usize,
}

impl Pass<'_> {
    /// Keeps `BLOCKS` times `PIXELS` sums in registers. There are `TAPS` taps in a row, and consecutive output pixels
    /// of this pass are `STRIDE` pixels apart. Up to `PIXELS - 1` pixels after the last one get undefined values.
    #[inline(always)]
    pub(super) fn run<L: Lanes, const BLOCKS: usize, const PIXELS: usize, const TAPS: usize, const STRIDE: usize>(
        &mut self,
        lanes: L,
    ) {
        for first_px in (0..self.n_px).step_by(PIXELS) {
            let mut sums = [[lanes.splat(0.0); PIXELS]; BLOCKS];
            for (sums, bias) in sums.iter_mut().zip(self.biases) {
                *sums = [lanes.load(bias); PIXELS];
            }
            for term in self.terms {
                let n_channels = term.n_channels.min(BLOCK);
                let input = &term.input[first_px..][..PIXELS + TAPS - 1];
                for tap in 0..TAPS {
                    let weights = &term.weights[tap * n_channels * BLOCKS..][..n_channels * BLOCKS];
                    for (channel, weights) in weights.chunks_exact(BLOCKS).enumerate() {
                        // `channel` is below 16, which the compiler cannot see.
                        let channel = channel % BLOCK;
                        let mut columns = [lanes.splat(0.0); BLOCKS];
                        for (column, weights) in columns.iter_mut().zip(weights) {
                            *column = lanes.load(weights);
                        }
                        for px in 0..PIXELS {
                            let value = lanes.splat(input[px + tap].0[channel]);
                            for block in 0..BLOCKS {
                                sums[block][px] = lanes.mul_add(value, columns[block], sums[block][px]);
                            }
                        }
                    }
                }
            }
            for (block, sums) in sums.iter().enumerate() {
                let to = &mut self.out[block * self.pitch + first_px * STRIDE..][..(PIXELS - 1) * STRIDE + 1];
                for (px, &sum) in sums.iter().enumerate() {
                    lanes.store(sum, &mut to[px * STRIDE]);
                }
            }
        }
    }
}
