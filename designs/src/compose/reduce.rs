//! A picture made smaller, so that it has a pixel for each texel.

use rayon::prelude::*;

use super::sample::premultiplied;
use super::srgb::{linear_of_bytes, linear_of_words, straight_bytes, straight_words};
use crate::design::{Pixels, Raster};

/// Rows that are made together: each block reads its own rows of the source.
const BLOCK_ROWS: usize = 32;

/// The same picture with fewer pixels, filtered as Mitchell and Netravali recommend ("Reconstruction filters in
/// computer graphics", 1988), in linear light and multiplied by alpha.
pub(super) fn reduced(raster: &Raster, [width, height]: [u32; 2]) -> Raster {
    let linear = match raster.pixels {
        Pixels::Eight(_) => linear_of_bytes(),
        Pixels::Sixteen(_) => linear_of_words(),
    };
    let columns = weights(raster.width_px, width);
    let rows = weights(raster.height_px, height);
    let source_width = raster.width_px as usize;
    let narrowed = |y: usize| -> Vec<[f32; 4]> {
        let pixel = |x: usize| premultiplied(&raster.pixels, y * source_width + x, linear);
        columns.iter().map(|weights| sum(weights, pixel)).collect()
    };
    let block = |rows: &[Weights]| -> Vec<[f32; 4]> {
        let first = rows.first().map_or(0, |weights| weights.first);
        let end = rows.last().map_or(0, |weights| weights.first + weights.of_each.len());
        let sources: Vec<Vec<[f32; 4]>> = (first..end).map(narrowed).collect();
        let made = rows.iter().flat_map(|weights| {
            let sources = &sources;
            (0..width as usize).map(move |x| sum(weights, |y| sources[y - first][x]))
        });
        made.collect()
    };
    let pixels = match raster.pixels {
        Pixels::Eight(_) => Pixels::Eight(in_blocks(&rows, block, straight_bytes)),
        Pixels::Sixteen(_) => Pixels::Sixteen(in_blocks(&rows, block, straight_words)),
    };
    Raster { width_px: width, height_px: height, pixels }
}

/// The pixels of all rows, of which each block is made and encoded beside the others.
fn in_blocks<P: Send>(
    rows: &[Weights],
    block: impl Fn(&[Weights]) -> Vec<[f32; 4]> + Sync,
    encoded: impl Fn([f32; 4]) -> P + Sync,
) -> Vec<P> {
    let blocks = rows.par_chunks(BLOCK_ROWS).map(|rows| block(rows).into_iter().map(&encoded).collect());
    blocks.collect::<Vec<Vec<P>>>().into_iter().flatten().collect()
}

/// The source pixels of one pixel.
struct Weights {
    first: usize,
    of_each: Vec<f32>,
}

fn sum(weights: &Weights, pixel: impl Fn(usize) -> [f32; 4]) -> [f32; 4] {
    let mut sum = [0.0; 4];
    for (i, weight) in weights.of_each.iter().enumerate() {
        let pixel = pixel(weights.first + i);
        (0..4).for_each(|channel| sum[channel] += weight * pixel[channel]);
    }
    let alpha = sum[3].clamp(0.0, 1.0);
    [sum[0].clamp(0.0, alpha), sum[1].clamp(0.0, alpha), sum[2].clamp(0.0, alpha), alpha]
}

fn weights(from: u32, to: u32) -> Vec<Weights> {
    let scale = f64::from(from) / f64::from(to);
    let of_pixel = |i: u32| {
        let middle = (f64::from(i) + 0.5) * scale;
        let first = (middle - 2.0 * scale).ceil().max(0.0) as usize;
        let end = ((middle + 2.0 * scale).floor() as usize).min(from as usize).max(first + 1);
        let weight = |j: usize| mitchell((j as f64 + 0.5 - middle) / scale);
        let of_each: Vec<f64> = (first..end).map(weight).collect();
        let whole: f64 = of_each.iter().sum();
        Weights { first, of_each: of_each.into_iter().map(|weight| (weight / whole) as f32).collect() }
    };
    (0..to).map(of_pixel).collect()
}

fn mitchell(x: f64) -> f64 {
    let x = x.abs();
    match x {
        _ if x < 1.0 => (7.0 * x.powi(3) - 12.0 * x.powi(2) + 16.0 / 3.0) / 6.0,
        _ if x < 2.0 => (-7.0 / 3.0 * x.powi(3) + 12.0 * x.powi(2) - 20.0 * x + 32.0 / 3.0) / 6.0,
        _ => 0.0,
    }
}
