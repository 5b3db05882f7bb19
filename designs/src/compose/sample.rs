//! A picture read between its pixels.

use glam::DVec2;

use super::srgb::{linear_of_bytes, linear_of_words};
use crate::design::{Pixels, Raster};

/// Reads a picture by cubic interpolation (Catmull and Rom 1974, "A class of local interpolating splines"). No value
/// leaves the range of the four nearest pixels, so that sharp edges have no rims.
pub(super) struct Sampler<'a> {
    raster: &'a Raster,
    repeats: bool,
    linear: &'static [f32],
}

impl<'a> Sampler<'a> {
    /// Of a picture that ends at its edges, or repeats.
    pub(super) fn new(raster: &'a Raster, repeats: bool) -> Self {
        let linear = match raster.pixels {
            Pixels::Eight(_) => linear_of_bytes(),
            Pixels::Sixteen(_) => linear_of_words(),
        };
        Self { raster, repeats, linear }
    }

    /// Linear colour times alpha, and alpha, at a place from 0 to 1, v downwards.
    pub(super) fn at(&self, place: DVec2) -> [f32; 4] {
        let (width, height) = (self.raster.width_px, self.raster.height_px);
        let place = if self.repeats { place - place.floor() } else { place };
        let (x, y) = (place.x * f64::from(width) - 0.5, place.y * f64::from(height) - 0.5);
        let (first_x, first_y) = (x.floor() as i64, y.floor() as i64);
        let weights = [weights((x - x.floor()) as f32), weights((y - y.floor()) as f32)];
        let within = |at: i64, n: u32| {
            let n = i64::from(n);
            let at = if self.repeats { at.rem_euclid(n) } else { at.clamp(0, n - 1) };
            at as usize
        };
        let columns = [-1, 0, 1, 2].map(|i| within(first_x + i, width));
        let rows = [-1, 0, 1, 2].map(|j| within(first_y + j, height) * width as usize);
        let linear = self.linear;
        match &self.raster.pixels {
            Pixels::Eight(pixels) => {
                let near = rows.map(|row| columns.map(|column| pixels[row + column]));
                between(near, weights, |pixel| of_bytes(pixel, linear))
            }
            Pixels::Sixteen(pixels) => {
                let near = rows.map(|row| columns.map(|column| pixels[row + column]));
                between(near, weights, |pixel| of_words(pixel, linear))
            }
        }
    }
}

/// The value between sixteen pixels, row by row, whose weights are the products of those along x and y.
fn between<P: Copy + PartialEq>(
    near: [[P; 4]; 4],
    [of_x, of_y]: [[f32; 4]; 2],
    value: impl Fn(P) -> [f32; 4],
) -> [f32; 4] {
    // Most of a drawing has one colour, and no value leaves the range of the nearest pixels.
    if near.as_flattened().iter().all(|pixel| *pixel == near[0][0]) {
        return value(near[0][0]);
    }
    let (mut sum, mut least, mut most) = ([0.0; 4], [f32::INFINITY; 4], [0.0_f32; 4]);
    for (j, weight_y) in of_y.into_iter().enumerate() {
        for (i, weight_x) in of_x.into_iter().enumerate() {
            let pixel = value(near[j][i]);
            let weight = weight_x * weight_y;
            (0..4).for_each(|channel| sum[channel] += weight * pixel[channel]);
            if (1..3).contains(&i) && (1..3).contains(&j) {
                (0..4).for_each(|channel| {
                    least[channel] = least[channel].min(pixel[channel]);
                    most[channel] = most[channel].max(pixel[channel]);
                });
            }
        }
    }
    [0, 1, 2, 3].map(|channel| sum[channel].clamp(least[channel], most[channel]))
}

/// A pixel's linear colour times its alpha, and its alpha.
pub(super) fn premultiplied(pixels: &Pixels, at: usize, linear: &[f32]) -> [f32; 4] {
    match pixels {
        Pixels::Eight(pixels) => of_bytes(pixels[at], linear),
        Pixels::Sixteen(pixels) => of_words(pixels[at], linear),
    }
}

fn of_bytes([r, g, b, a]: [u8; 4], linear: &[f32]) -> [f32; 4] {
    let alpha = f32::from(a) / 255.0;
    let [r, g, b] = [r, g, b].map(|value| linear[usize::from(value)] * alpha);
    [r, g, b, alpha]
}

fn of_words([r, g, b, a]: [u16; 4], linear: &[f32]) -> [f32; 4] {
    let alpha = f32::from(a) / 65_535.0;
    let [r, g, b] = [r, g, b].map(|value| linear[usize::from(value)] * alpha);
    [r, g, b, alpha]
}

/// Weights of four neighbours, where the place is `t` after the second.
fn weights(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [-0.5 * t3 + t2 - 0.5 * t, 1.5 * t3 - 2.5 * t2 + 1.0, -1.5 * t3 + 2.0 * t2 + 0.5 * t, 0.5 * t3 - 0.5 * t2]
}
