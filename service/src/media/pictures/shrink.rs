//! Scaling a picture down while it is decoded: means over boxes whose edges may be inside pixels. Pixels may come in
//! any order; in the same order they give the same bits.

use packshot_renderer::color::{DisplayImage, LinearImage, srgb};

use super::NoPicture;

/// A small picture that is being made of a large one.
pub(super) struct Shrinker {
    width_px: usize,
    columns: Vec<Cells>,
    rows: Vec<Cells>,
    sums: Vec<[f32; 4]>,
}

/// What a pixel along one axis gives to the cell that it begins in, and to the one after it.
#[derive(Clone, Copy)]
struct Cells {
    first: usize,
    weights: [f32; 2],
}

impl Shrinker {
    /// A picture of one with this size, whose longer side has at most `side_max_px` pixels.
    pub(super) fn new([width_px, height_px]: [usize; 2], side_max_px: u32) -> Result<Self, NoPicture> {
        super::check_size(width_px as u64, height_px as u64)?;
        let (longer, side_max_px) = (width_px.max(height_px), (side_max_px as usize).max(1));
        let shrunk = |px: usize| match longer > side_max_px {
            true => ((px * side_max_px * 2 + longer) / (longer * 2)).max(1),
            false => px,
        };
        let (columns, rows) = (cells(width_px, shrunk(width_px)), cells(height_px, shrunk(height_px)));
        let sums = vec![[0.0; 4]; shrunk(width_px) * shrunk(height_px)];
        Ok(Self { width_px: shrunk(width_px), columns, rows, sums })
    }

    /// Adds a pixel: linear, with its alpha multiplied in.
    pub(super) fn add(&mut self, x: usize, y: usize, pixel: [f32; 4]) {
        let (Some(&column), Some(&row)) = (self.columns.get(x), self.rows.get(y)) else { return };
        for (row_at, row_weight) in (row.first..).zip(row.weights).filter(|(_, weight)| *weight > 0.0) {
            for (at, weight) in (column.first..).zip(column.weights).filter(|(_, weight)| *weight > 0.0) {
                if let Some(sum) = self.sums.get_mut(row_at * self.width_px + at) {
                    for (sum, value) in sum.iter_mut().zip(pixel) {
                        *sum += row_weight * weight * value;
                    }
                }
            }
        }
    }

    /// The picture, of light.
    pub(super) fn linear(self) -> LinearImage {
        let height_px = self.sums.len() / self.width_px.max(1);
        LinearImage { width_px: self.width_px as u32, height_px: height_px as u32, rgba: self.sums }
    }

    /// The picture, of colours of a display that were decoded.
    pub(super) fn display(self) -> DisplayImage {
        let LinearImage { width_px, height_px, rgba } = self.linear();
        let straight = |[r, g, b, a]: [f32; 4]| match a > 0.0 {
            true => {
                let [r, g, b] = [r, g, b].map(|value| srgb::encode((value / a).min(1.0)));
                [r, g, b, a.min(1.0)]
            }
            false => [0.0; 4],
        };
        DisplayImage { width_px, height_px, rgba: rgba.into_iter().map(straight).collect() }
    }
}

/// For each of `n_from` pixels, what it gives to which of `n` cells; `n` is at most `n_from`.
fn cells(n_from: usize, n: usize) -> Vec<Cells> {
    // In units of 1/n of a pixel, a pixel has n and a cell has n_from.
    let of = |i: usize| {
        let (begin, end) = (i * n, (i + 1) * n);
        let first = begin / n_from;
        let edge = (first + 1) * n_from;
        let weight = |units: usize| (units as f64 / n_from as f64) as f32;
        Cells { first, weights: [weight(end.min(edge) - begin), weight(end.saturating_sub(edge))] }
    };
    (0..n_from).map(of).collect()
}
