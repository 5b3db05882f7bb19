//! The memory layout of a picture's channels.

use super::lanes::{BLOCK, Block};
use super::pass::{PIXELS_MAX, PIXELS_MULTIPLE};
use super::quads::{POINTS, QUAD_PX};

/// Rows of pixels of one resolution. A row has the pixels of the first 16 channels, then those of the next 16, and so
/// on; each of these runs starts with a pixel of zeros and ends with zeros, so that convolutions need not check where
/// the picture ends.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) shape: Shape,
    pub(super) data: Vec<Block>,
}

/// Size and channels of [`Rows`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) width_px: usize,
    pub(super) height_px: usize,
    pub(super) n_channels: usize,
}

impl Shape {
    /// Blocks of channels.
    pub(super) fn n_blocks(self) -> usize {
        self.n_channels.div_ceil(BLOCK)
    }

    /// Length of one block of channels in a row: a pixel of zeros, the pixels, and space after them for what is
    /// computed along with the last pixels, two resolutions at a time, and for one pixel of zeros.
    pub(super) fn pitch(self) -> usize {
        self.width_px + 2 * PIXELS_MAX + 2
    }

    /// Length of a row.
    pub(super) fn row_len(self) -> usize {
        self.pitch() * self.n_blocks()
    }

    /// Quads of a row, of which the last may extend beyond it.
    pub(super) fn n_quads(self) -> usize {
        self.width_px.div_ceil(QUAD_PX)
    }

    /// Length of one block of channels in an evaluated row, for each point.
    pub(super) fn quads_pitch(self) -> usize {
        self.n_quads().next_multiple_of(PIXELS_MULTIPLE)
    }

    /// Length of an evaluated row.
    pub(super) fn quads_len(self) -> usize {
        self.quads_pitch() * POINTS * self.n_blocks()
    }

    /// Bytes of all rows.
    pub(super) fn size_bytes(self) -> u64 {
        (self.row_len() * self.height_px * size_of::<Block>()) as u64
    }

    /// The same with halved sides.
    pub(super) fn halved(self) -> Shape {
        Shape { width_px: self.width_px / 2, height_px: self.height_px / 2, ..self }
    }

    /// Writes the zeros around the pixels of a row.
    pub(super) fn close_row(self, row: &mut [Block]) {
        for run in row.chunks_exact_mut(self.pitch()) {
            run[0] = Block::ZERO;
            run[self.width_px + 1..].fill(Block::ZERO);
        }
    }
}

impl Rows {
    /// A row.
    pub(super) fn row(&self, y: usize) -> &[Block] {
        &self.data[y * self.shape.row_len()..][..self.shape.row_len()]
    }
}
