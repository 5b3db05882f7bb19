//! The innermost loop: some blocks of input channels into a few blocks of output channels, along a row.

use super::lanes::{BLOCK, Block, Lanes};

/// The most pixels that any instruction set computes at once.
pub(super) const PIXELS_MAX: usize = 12;
/// Pixels computed at once are a divisor of this on every instruction set.
pub(super) const PIXELS_MULTIPLE: usize = 24;

/// A block of input channels in one row, and what it is multiplied with.
#[derive(Clone, Copy)]
pub(super) struct Term<'a> {
    /// From the pixel under the first tap of the first output pixel on.
    pub(super) input: &'a [Block],
    /// By tap, input channel and block of output channels.
    pub(super) weights: &'a [Block],
    /// Channels of the block that are in use.
    pub(super) n_channels: usize,
}

/// What one pass over a row of output pixels computes.
pub(super) struct Pass<'a> {
    /// The sum of these is computed.
    pub(super) terms: &'a [Term<'a>],
    /// What the sum begins with, by block of output channels.
    pub(super) biases: &'a [Block],
    /// Pixels of the row that this pass is for.
    pub(super) n_px: usize,
    /// The output row, from the first pixel of this pass on; blocks of channels follow one another after `pitch`.
    pub(super) out: &'a mut [Block],
    /// Pixels that one block of channels has in a row.
    pub(super) pitch: usize,
}

impl Pass<'_> {
    /// Keeps `BLOCKS` times `PIXELS` sums in registers. There are `TAPS` taps in a row, and from one output pixel of
    /// this pass to the next it is `STRIDE` pixels. Up to `PIXELS - 1` pixels behind the last one get meaningless
    /// values.
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
                        // `channel` is below 16, which the compiler does not see.
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
