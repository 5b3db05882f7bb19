//! Convolutions of one resolution, one after the other, row by row: a row of one is computed when the next one needs
//! it, and dropped three rows later, so that intermediate rows never leave the cache.

use super::lanes::Block;
use super::layer::{Layer, RowWork, Window};
use super::quads::Evaluation;
use super::rows::{Rows, Shape};
use super::{SimdLevel, level};

/// Rows in the window of a 3×3 convolution.
const RING: usize = 3;

/// Inputs of the first of some layers.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    /// The input of half the resolution.
    pub(super) doubled: Option<&'a Rows>,
    /// The input of the layers' resolution.
    pub(super) same: &'a Rows,
}

/// A band of rows on its way through some layers.
pub(super) struct Chain<'a> {
    level: SimdLevel,
    layers: &'a [Layer],
    inputs: Inputs<'a>,
    stages: Vec<Stage>,
    products: Vec<Block>,
}

/// The state of one layer.
struct Stage {
    /// The most recent rows of its input, evaluated at the points.
    input: Ring,
    /// The most recent rows of its output.
    output: Ring,
}

/// The most recent rows of a picture.
struct Ring {
    shape: Shape,
    row_len: usize,
    rows: Vec<Block>,
    /// The next row.
    next: usize,
}

impl Ring {
    fn new(shape: Shape, row_len: usize, next: usize) -> Self {
        Self { shape, row_len, rows: vec![Block::ZERO; row_len * RING], next }
    }

    fn row(&self, y: usize) -> &[Block] {
        &self.rows[y % RING * self.row_len..][..self.row_len]
    }

    fn row_mut(&mut self, y: usize) -> &mut [Block] {
        &mut self.rows[y % RING * self.row_len..][..self.row_len]
    }

    /// The rows around `y` that are inside the picture.
    fn window(&self, y: usize) -> Window<'_, RING> {
        let above = y.checked_sub(1).map(|y| self.row(y));
        let below = (y + 1 < self.shape.height_px).then(|| self.row(y + 1));
        Window { shape: self.shape, rows: [above, Some(self.row(y)), below] }
    }
}

impl<'a> Chain<'a> {
    /// Starts at row `first_row`.
    pub(super) fn new(level: SimdLevel, layers: &'a [Layer], inputs: Inputs<'a>, first_row: usize) -> Self {
        let stages = layers.iter().enumerate().map(|(i, layer)| {
            let shape = |n_channels| Shape { n_channels, ..inputs.same.shape };
            let (input, output) = (shape(layer.n_same()), shape(layer.n_outputs));
            // Every later layer needs one more row above.
            let first = first_row.saturating_sub(layers.len() - 1 - i);
            Stage {
                input: Ring::new(input, input.quads_len(), first.saturating_sub(1)),
                output: Ring::new(output, output.row_len(), first),
            }
        });
        Self { level, layers, inputs, stages: stages.collect(), products: Vec::new() }
    }

    /// Shape of the output.
    pub(super) fn shape(&self) -> Shape {
        self.stages[self.stages.len() - 1].output.shape
    }

    /// Output row `y`; rows must be requested from top to bottom.
    pub(super) fn row(&mut self, y: usize) -> &[Block] {
        self.advance(self.stages.len() - 1, y);
        self.latest(y)
    }

    /// Output row `y` again, one of the last three.
    pub(super) fn latest(&self, y: usize) -> &[Block] {
        self.stages[self.stages.len() - 1].output.row(y)
    }

    /// Computes the rows of a layer up to `y`.
    fn advance(&mut self, layer: usize, y: usize) {
        while self.stages[layer].output.next <= y {
            let y = self.stages[layer].output.next;
            let last = (y + 1).min(self.inputs.same.shape.height_px - 1);
            while self.stages[layer].input.next <= last {
                self.evaluate(layer);
            }
            let Stage { input, output } = &mut self.stages[layer];
            output.next += 1;
            let work = RowWork {
                layer: &self.layers[layer],
                y,
                doubled: self.inputs.doubled.filter(|_| layer == 0).map(|rows| doubled_window(rows, y)),
                same: input.window(y),
                out_shape: output.shape,
                out: output.row_mut(y),
                products: &mut self.products,
            };
            level::run(self.level, work);
        }
    }

    /// Evaluates the next row of a layer's input at the points.
    fn evaluate(&mut self, layer: usize) {
        let y = self.stages[layer].input.next;
        if layer > 0 {
            self.advance(layer - 1, y);
        }
        let (before, from) = self.stages.split_at_mut(layer);
        let row = match before.last() {
            Some(stage) => stage.output.row(y),
            None => self.inputs.same.row(y),
        };
        let input = &mut from[0].input;
        input.next += 1;
        level::run(self.level, Evaluation { shape: input.shape, row, out: input.row_mut(y) });
    }
}

/// The rows of an input of half the resolution that row `y` depends on.
fn doubled_window(rows: &Rows, y: usize) -> Window<'_, 2> {
    let below = y.div_ceil(2);
    let above = below.checked_sub(1).map(|y| rows.row(y));
    let below = (below < rows.shape.height_px).then(|| rows.row(below));
    Window { shape: rows.shape, rows: [above, below] }
}
