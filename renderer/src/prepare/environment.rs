//! The environment map as the shader samples it: packed texels, and cumulative tables with guides. Nearly every step of
//! a path reads them at a different place, so they are kept small: whatever does not fit the processor's cache is a
//! cache miss.

use glam::UVec2;
use packshot_shaders::constants::{ENVIRONMENT_GUIDE_BINS, ENVIRONMENT_SAMPLED_AT_LEAST};
use rayon::prelude::*;

use super::bindable;
use crate::shot::EnvironmentMap;

/// Fraction of the map's mean radiance that light sampling leaves to scattered rays, which handle light from all over
/// the sphere better. This is MIS compensation after Karlík et al. 2019, "MIS Compensation: Optimizing Sampling
/// Techniques in Multiple Importance Sampling", who subtract the whole mean. A quarter had the least noise with one
/// light sample and one scattered ray as a pair (`docs/decisions/map-light-by-the-balance-heuristic.md`). Each texel is
/// sampled with at least [`ENVIRONMENT_SAMPLED_AT_LEAST`] of its own radiance, so that light samples alone still find
/// all light.
const LEFT_TO_SCATTERING: f64 = 0.25;

/// Arrays of the shader's `environment_*` bindings, never empty.
#[derive(Clone, Debug)]
pub struct EnvironmentTables {
    /// Rows of `width + 1` texels, the last of which is the first again, so that the one to the right is always the
    /// next. See [`packed`].
    pub(crate) texels: Vec<UVec2>,
    /// Of cells between the centres of four texels (`EnvironmentCorners` in `shaders/wgsl/stage/environment.wgsl`):
    /// `height + 2` cumulative values of their rows, then `width + 1` for each row.
    pub(crate) cdf: Vec<f32>,
    /// One guide for the rows, then one for each row: see [`guide_of`].
    pub(crate) guide: Vec<u32>,
    /// How much of a texel's luminance light sampling leaves to scattered rays.
    pub(crate) left: f32,
    /// Mean over the sphere of the luminance, without the shot's strength.
    pub(crate) mean_luminance: f64,
}

impl EnvironmentTables {
    /// For environments without a map: never looked up.
    pub(crate) fn without_map() -> Self {
        let (texels, cdf, guide) = (bindable(Vec::new()), bindable(Vec::new()), bindable(Vec::new()));
        Self { texels, cdf, guide, left: 0.0, mean_luminance: 0.0 }
    }

    /// Densities follow the bilinearly filtered map, less what [`LEFT_TO_SCATTERING`] takes from its texels.
    pub(crate) fn new(map: &EnvironmentMap) -> Self {
        let (w, h) = (map.width_px as usize, map.height_px as usize);
        let luminance: Vec<f64> =
            map.rgb.iter().map(|c| f64::from(0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2])).collect();
        // The sine of the polar angle, at a distance from the top in rows.
        let sine_at = |y: f64| (std::f64::consts::PI * y / h as f64).sin();
        let sine_of = |y: usize| sine_at(y as f64 + 0.5);
        // In one order, for any number of threads.
        let total: f64 = luminance.chunks(w).enumerate().map(|(y, row)| sine_of(y) * row.iter().sum::<f64>()).sum();
        let left = LEFT_TO_SCATTERING * total / (w as f64 * (0..h).map(sine_of).sum::<f64>());
        let weight = |luminance: f64| (luminance - left).max(f64::from(ENVIRONMENT_SAMPLED_AT_LEAST) * luminance);
        // Of each cell, the mean of its corners times its height and the sine in its middle.
        let row_of_cells = |row: usize| -> Vec<f64> {
            let (above, below) = (&luminance[row.saturating_sub(1) * w..][..w], &luminance[row.min(h - 1) * w..][..w]);
            let ends = [(row as f64 - 0.5).max(0.0), (row as f64 + 0.5).min(h as f64)];
            let factor = 0.25 * (ends[1] - ends[0]) * sine_at(0.5 * (ends[0] + ends[1]));
            let sides: Vec<f64> = above.iter().zip(below).map(|(&a, &b)| factor * (weight(a) + weight(b))).collect();
            (0..w).map(|x| sides[x] + sides[(x + 1) % w]).collect()
        };
        let rows: Vec<Vec<f64>> = (0..=h).into_par_iter().map(row_of_cells).collect();
        let sums: Vec<f64> = rows.iter().map(|row| row.iter().sum()).collect();
        let mut cdf = cumulative(&sums);
        let mut guide = guide_of(&cdf);
        for row in &rows {
            let conditional = cumulative(row);
            guide.extend(guide_of(&conditional));
            cdf.extend(conditional);
        }
        let mut texels = vec![UVec2::ZERO; (w + 1) * h];
        texels.par_chunks_mut(w + 1).zip(map.rgb.par_chunks(w)).for_each(|(texels, row)| {
            for (texel, &rgb) in texels.iter_mut().zip(row.iter().chain(&row[..1])) {
                *texel = packed(rgb);
            }
        });
        // Texel solid angles are sin θ · (π/h) · (2π/w).
        let mean_luminance = total * std::f64::consts::PI / (2.0 * (w * h) as f64);
        Self { texels, cdf, guide, left: left as f32, mean_luminance }
    }
}

/// `n + 1` values from 0 to 1; uniform when all weights are zero.
fn cumulative(weights: &[f64]) -> Vec<f32> {
    let total: f64 = weights.iter().sum();
    let n = weights.len();
    let mut sum = 0.0;
    let mut out = Vec::with_capacity(n + 1);
    out.push(0.0);
    for (i, weight) in weights.iter().enumerate() {
        sum += weight;
        out.push(if total > 0.0 { (sum / total) as f32 } else { (i + 1) as f32 / n as f32 });
    }
    out[n] = 1.0;
    out
}

/// For equal steps of u, one per [`ENVIRONMENT_GUIDE_BINS`] bins: the bin in which each boundary between steps lies.
fn guide_of(cdf: &[f32]) -> Vec<u32> {
    let n = cdf.len() - 1;
    let steps = n.div_ceil(ENVIRONMENT_GUIDE_BINS as usize);
    let mut bin = 0;
    (0..=steps)
        .map(|i| {
            let u = i as f32 / steps as f32;
            while bin + 1 < n && cdf[bin + 1] <= u {
                bin += 1;
            }
            bin as u32
        })
        .collect()
}

/// A colour in 64 bits: 16 for each of red, green and blue, in units of the smallest power of two in which the largest
/// fits, and that power's biased exponent as in `f32`. Radiances below 2^-111 lose bits.
fn packed(rgb: [f32; 3]) -> UVec2 {
    let largest = rgb[0].max(rgb[1]).max(rgb[2]);
    // Adding half a unit for rounding would reach 2^16.
    let is_next = largest.to_bits() & 0x007f_ffff >= 0x007f_ff80;
    let exponent = ((largest.to_bits() >> 23) + u32::from(is_next)).saturating_sub(15).max(1);
    let unit = f64::from(f32::from_bits(exponent << 23));
    let [r, g, b] = rgb.map(|c| (f64::from(c) / unit).round() as u32);
    UVec2::new(r | g << 16, b | exponent << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probability of each cell.
    fn probabilities(tables: &EnvironmentTables, w: usize, h: usize) -> Vec<f64> {
        let step = |at: usize| f64::from(tables.cdf[at + 1] - tables.cdf[at]);
        let cell = |x: usize, row: usize| step(row) * step(h + 2 + row * (w + 1) + x);
        (0..=h).flat_map(|row| (0..w).map(move |x| cell(x, row))).collect()
    }

    #[test]
    fn probabilities_add_up_to_one_and_the_mean_is_the_map_s() {
        let (w, h) = (64, 32);
        let rgb = (0..w * h).map(|i| [0.1 + (i % 7) as f32, 0.2, if i == 900 { 500.0 } else { 0.0 }]).collect();
        let tables = EnvironmentTables::new(&EnvironmentMap { width_px: w, height_px: h, rgb });
        let sum = probabilities(&tables, w as usize, h as usize).iter().sum::<f64>();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        let uniform = EnvironmentMap { width_px: 256, height_px: 128, rgb: vec![[2.0; 3]; 256 * 128] };
        assert!((EnvironmentTables::new(&uniform).mean_luminance - 2.0).abs() < 1e-3);
    }

    #[test]
    fn a_black_map_is_sampled_uniformly_and_not_divided_by_zero() {
        let map = EnvironmentMap { width_px: 8, height_px: 4, rgb: vec![[0.0; 3]; 32] };
        let tables = EnvironmentTables::new(&map);
        assert!(probabilities(&tables, 8, 4).iter().all(|p| (p * 40.0 - 1.0).abs() < 1e-5));
        assert!(tables.texels.iter().all(|t| t.x == 0 && t.y & 0xffff == 0));
    }

    #[test]
    fn packed_colours_are_right_to_sixteen_bits_of_the_largest() {
        for rgb in [
            [0.0, 0.0, 0.0],
            [1.0, 0.5, 0.25],
            [0.3, 65_504.0, 1e-3],
            [65_535.75, 1.0, 65_535.0],
            [1e-30, 2e-30, 0.0],
            [1e6, 2.5e5, 1e5],
            [f32::MAX, f32::MAX, 1.0],
            [0.999_999_94, 0.999_99, 0.5],
            [1e-44, 0.0, 0.0],
        ] {
            let UVec2 { x, y } = packed(rgb);
            let unit = f64::from(f32::from_bits((y >> 16) << 23));
            assert!(unit.is_normal() && y >> 16 <= 254, "{rgb:?}");
            let largest = f64::from(rgb[0].max(rgb[1]).max(rgb[2]));
            for (bits, c) in [x & 0xffff, x >> 16, y & 0xffff].into_iter().zip(rgb) {
                let error = (f64::from(bits) * unit - f64::from(c)).abs();
                assert!(error <= (largest / 65_000.0).max(2e-38), "{rgb:?}: {bits} x {unit}");
            }
        }
    }

    #[test]
    fn a_guide_brackets_the_bin_of_every_number() {
        let spike: Vec<f64> = (0..37).map(|i| if i == 20 { 1e5 } else { f64::from(i % 3) }).collect();
        for weights in [vec![1.0], vec![0.0; 9], vec![1.0; 64], spike] {
            let (cdf, n) = (cumulative(&weights), weights.len());
            let guide = guide_of(&cdf);
            let steps = guide.len() - 1;
            assert_eq!((steps, guide[steps] as usize), (n.div_ceil(ENVIRONMENT_GUIDE_BINS as usize), n - 1));
            for i in 0..4096 {
                let u = i as f32 / 4096.0;
                let bin = (0..n).rev().find(|&bin| cdf[bin] <= u).expect("the first is 0");
                let step = ((u * steps as f32) as usize).min(steps - 1);
                assert!((guide[step]..=guide[step + 1]).contains(&(bin as u32)), "{n} bins, {u}: {bin}");
            }
        }
    }
}
