//! The environment map as the shader samples it: texels with their densities, and cumulative tables with guides.

use glam::Vec4;
use rayon::prelude::*;

use super::bindable;
use crate::shot::EnvironmentMap;

/// Arrays of the shader's `environment_*` bindings, never empty.
#[derive(Clone, Debug)]
pub struct EnvironmentTables {
    /// RGB, and in w the density over (u, v) with which the texel is sampled.
    pub(crate) texels: Vec<Vec4>,
    /// `height + 1` cumulative values of the rows, then `width + 1` for each row.
    pub(crate) cdf: Vec<f32>,
    /// First bin to look at: `height` entries, then `width` for each row.
    pub(crate) guide: Vec<u32>,
    /// Mean over the sphere of the radiance's luminance, without the shot's strength.
    pub(crate) mean_luminance: f64,
}

impl EnvironmentTables {
    /// Nothing that is ever looked up: for environments without a map.
    pub(crate) fn without_map() -> Self {
        let (texels, cdf, guide) = (bindable(Vec::new()), bindable(Vec::new()), bindable(Vec::new()));
        Self { texels, cdf, guide, mean_luminance: 0.0 }
    }

    /// Densities follow each texel's brightness as bilinear filtering shows it, times the sine of the polar angle.
    pub(crate) fn new(map: &EnvironmentMap) -> Self {
        let (w, h) = (map.width_px as usize, map.height_px as usize);
        let luminance: Vec<f32> = map.rgb.iter().map(|c| 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]).collect();
        // Inside a texel, filtering brings in its neighbours: 1/8, 3/4, 1/8 along each axis on average.
        let rows: Vec<Vec<f64>> = (0..h)
            .into_par_iter()
            .map(|y| {
                let sine = (std::f64::consts::PI * (y as f64 + 0.5) / h as f64).sin();
                let (above, below) = (y.saturating_sub(1), (y + 1).min(h - 1));
                let column = |x: usize| {
                    0.125 * f64::from(luminance[above * w + x])
                        + 0.75 * f64::from(luminance[y * w + x])
                        + 0.125 * f64::from(luminance[below * w + x])
                };
                (0..w)
                    .map(|x| sine * (0.125 * column((x + w - 1) % w) + 0.75 * column(x) + 0.125 * column((x + 1) % w)))
                    .collect()
            })
            .collect();
        let sums: Vec<f64> = rows.iter().map(|row| row.iter().sum()).collect();
        let total: f64 = sums.iter().sum();
        let mut cdf = cumulative(&sums);
        let mut guide = guide_of(&cdf);
        let mut texels = Vec::with_capacity(w * h);
        for (y, row) in rows.iter().enumerate() {
            let conditional = cumulative(row);
            guide.extend(guide_of(&conditional));
            // The density that sampling really has: differences of the rounded tables, not the exact weights.
            let marginal = f64::from(cdf[y + 1] - cdf[y]) * h as f64;
            for x in 0..w {
                let density = marginal * f64::from(conditional[x + 1] - conditional[x]) * w as f64;
                let c = map.rgb[y * w + x];
                texels.push(Vec4::new(c[0], c[1], c[2], density as f32));
            }
            cdf.extend(conditional);
        }
        // Texel solid angles are sin θ · (π/h) · (2π/w).
        let mean_luminance = total * std::f64::consts::PI / (2.0 * (w * h) as f64);
        Self { texels, cdf, guide, mean_luminance }
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

/// For each of n equal steps of u, the bin in which the step begins.
fn guide_of(cdf: &[f32]) -> Vec<u32> {
    let n = cdf.len() - 1;
    let mut bin = 0;
    (0..n)
        .map(|i| {
            let u = i as f32 / n as f32;
            while bin + 1 < n && cdf[bin + 1] <= u {
                bin += 1;
            }
            bin as u32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn densities_integrate_to_one_and_the_mean_is_the_map_s() {
        let (w, h) = (64, 32);
        let rgb = (0..w * h).map(|i| [0.1 + (i % 7) as f32, 0.2, if i == 900 { 500.0 } else { 0.0 }]).collect();
        let tables = EnvironmentTables::new(&EnvironmentMap { width_px: w, height_px: h, rgb });
        let integral: f64 = tables.texels.iter().map(|t| f64::from(t.w)).sum::<f64>() / f64::from(w * h);
        assert!((integral - 1.0).abs() < 1e-5, "{integral}");
        let uniform = EnvironmentMap { width_px: 256, height_px: 128, rgb: vec![[2.0; 3]; 256 * 128] };
        assert!((EnvironmentTables::new(&uniform).mean_luminance - 2.0).abs() < 1e-3);
    }

    #[test]
    fn a_black_map_is_sampled_uniformly_and_not_divided_by_zero() {
        let map = EnvironmentMap { width_px: 8, height_px: 4, rgb: vec![[0.0; 3]; 32] };
        let tables = EnvironmentTables::new(&map);
        assert!(tables.texels.iter().all(|t| (t.w - 1.0).abs() < 1e-5));
    }
}
