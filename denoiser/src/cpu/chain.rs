//! Convolutions of one resolution, one after the other, row by row: a row of one is computed as soon as the next one needs it, and forgotten
//! three rows later. So what lies between them never leaves the cache.

use super::lanes::Block;
use super::layer::{Layer, RowWork, Scale, Window};
use super::rows::{Rows, Shape};
use super::{SimdLevel, level};

/// Rows that a 3×3 convolution looks at.
const RING: usize = 3;

/// A band of rows on their way through some layers.
pub(super) struct Chain<'a> {
    level: SimdLevel,
    layers: &'a [Layer],
    inputs: &'a [(Scale, &'a Rows)],
    /// Of each layer, its latest rows.
    rings: Vec<Ring>,
}

/// The latest rows of a layer's output.
struct Ring {
    shape: Shape,
    rows: Vec<Block>,
    /// The row that comes next.
    next: usize,
}

impl Ring {
    fn row(&self, y: usize) -> &[Block] {
        &self.rows[y % RING * self.shape.row_len()..][..self.shape.row_len()]
    }
}

impl<'a> Chain<'a> {
    /// For rows from `first_row` on. `inputs` is what goes into the first layer; the picture has `width_px` times `height_px` pixels.
    pub(super) fn new(
        level: SimdLevel,
        layers: &'a [Layer],
        inputs: &'a [(Scale, &'a Rows)],
        (width_px, height_px): (usize, usize),
        first_row: usize,
    ) -> Self {
        let rings = layers.iter().enumerate().map(|(i, layer)| {
            let shape = Shape { width_px, height_px, n_channels: layer.n_outputs };
            let rows = vec![Block::ZERO; shape.row_len() * RING];
            Ring { shape, rows, next: first_row.saturating_sub(layers.len() - 1 - i) }
        });
        let rings = rings.collect();
        Self { level, layers, inputs, rings }
    }

    /// Shape of what comes out.
    pub(super) fn shape(&self) -> Shape {
        self.rings[self.rings.len() - 1].shape
    }

    /// Row `y` of what comes out; rows are asked for from the top.
    pub(super) fn row(&mut self, y: usize) -> &[Block] {
        self.advance(self.rings.len() - 1, y);
        self.latest(y)
    }

    /// Row `y` again, one of the last three.
    pub(super) fn latest(&self, y: usize) -> &[Block] {
        self.rings[self.rings.len() - 1].row(y)
    }

    /// Computes the rows of a layer up to `y`, or to the end of the picture.
    fn advance(&mut self, layer: usize, y: usize) {
        let last = y.min(self.rings[layer].shape.height_px - 1);
        while self.rings[layer].next <= last {
            let y = self.rings[layer].next;
            if layer > 0 {
                self.advance(layer - 1, y + 1);
            }
            let (before, from) = self.rings.split_at_mut(layer);
            let Ring { shape, rows, next } = &mut from[0];
            let out = &mut rows[y % RING * shape.row_len()..][..shape.row_len()];
            let work = |windows: &[Window<'_>], out| {
                let work = RowWork { layer: &self.layers[layer], windows, y, out_shape: *shape, out };
                level::run(self.level, work);
            };
            match before.last() {
                Some(ring) => {
                    let in_picture = |y: isize| usize::try_from(y).ok().filter(|&y| y < ring.shape.height_px);
                    work(&[Window::new(Scale::Same, y, ring.shape, |y| in_picture(y).map(|y| ring.row(y)))], out);
                }
                None => {
                    let windows: Vec<_> = self
                        .inputs
                        .iter()
                        .map(|&(scale, rows)| Window::new(scale, y, rows.shape, |y| rows.row(y)))
                        .collect();
                    work(&windows, out);
                }
            }
            *next += 1;
        }
    }
}
