//! The albedo of facets whose roughness differs along and across the tangent.
//!
//! Nodes, the last index fastest: square root of the larger alpha over that of [`ALPHA_MAX`]; square root of the
//! smaller alpha over the larger; azimuth of the view from the rougher direction, as a fraction of a quarter turn;
//! square root of the view's cosine. The means over the hemisphere follow.

use std::f64::consts::{FRAC_PI_2, TAU};
use std::sync::LazyLock;

use super::{Lattice, LatticePoint, glass_reflectance, raised};

/// Nodes along each axis.
pub(crate) const ALPHAS: usize = 30;
/// See [`ALPHAS`].
pub(crate) const RATIOS: usize = 8;
/// See [`ALPHAS`].
pub(crate) const AZIMUTHS: usize = 5;
/// See [`ALPHAS`].
pub(crate) const COSINES: usize = 20;
/// Of a table, without its means.
pub(crate) const ENTRIES: usize = ALPHAS * RATIOS * AZIMUTHS * COSINES;
/// The largest alpha: that of the roughest facets, brushed as much as can be.
pub(crate) const ALPHA_MAX: f32 = std::f32::consts::SQRT_2 * (29.0 * 29.0) / (19.0 * 19.0);

static LATTICE: LazyLock<Lattice> = LazyLock::new(|| Lattice::new(233, 144, TAU));

/// How a facet splits light into reflected and refracted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Split {
    /// It reflects all of it.
    Mirror,
    /// Reflects by Fresnel's law for one ratio of the index beyond over the index on this side, and refracts the rest
    /// by another ratio.
    Glass {
        /// That reflects.
        eta: f64,
        /// That refracts.
        bending: f64,
    },
}

/// Node `k` of a table before it is [`finished`].
pub(crate) fn entry(split: Split, k: usize) -> f32 {
    let share = |i: usize, n: usize| i as f64 / (n - 1) as f64;
    let (row, cosine) = (k / COSINES, share(k % COSINES, COSINES).powi(2).max(1e-4));
    let (row, azimuth) = (row / AZIMUTHS, FRAC_PI_2 * share(row % AZIMUTHS, AZIMUTHS));
    let alpha = (f64::from(ALPHA_MAX) * share(row / RATIOS, ALPHAS).powi(2)).max(1e-4);
    let across = (alpha * share(row % RATIOS, RATIOS).powi(2)).max(1e-4);
    let sine = (1.0 - cosine * cosine).max(0.0).sqrt();
    albedo([alpha, across], [sine * azimuth.cos(), sine * azimuth.sin(), cosine], split) as f32
}

/// A table from its entries: the nodes, then their means over the hemisphere for each pair of roughnesses.
pub(crate) fn finished(entries: &[f32]) -> Vec<f32> {
    let mut nodes = raised(entries, &[ALPHAS, RATIOS, AZIMUTHS, COSINES]);
    let means: Vec<f32> = nodes.chunks_exact(AZIMUTHS * COSINES).map(|block| hemisphere_mean(block) as f32).collect();
    nodes.extend(means);
    nodes
}

/// The mean of a block of nodes over the hemisphere, weighted by the cosine c: with t = √c, 2 c dc is 4 t³ dt.
fn hemisphere_mean(block: &[f32]) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (k, &entry) in block.iter().enumerate() {
        let (i, j) = (k / COSINES, k % COSINES);
        let at_end = |i: usize, n: usize| if i == 0 || i == n - 1 { 0.5 } else { 1.0 };
        let t = j as f64 / (COSINES - 1) as f64;
        let weight = at_end(i, AZIMUTHS) * at_end(j, COSINES) * t * t * t;
        sum += weight * f64::from(entry);
        weights += weight;
    }
    sum / weights
}

/// The mean of G2 / G1 over the facets visible from `wo`, as for [facets that are not brushed](super::facets).
pub(super) fn albedo(alpha: [f64; 2], wo: [f64; 3], split: Split) -> f64 {
    let lambda = |w: [f64; 3]| {
        let stretched = (alpha[0] * w[0]).powi(2) + (alpha[1] * w[1]).powi(2);
        0.5 * ((1.0 + stretched / (w[2] * w[2])).sqrt() - 1.0)
    };
    let lambda_o = lambda(wo);
    let length = ((alpha[0] * wo[0]).powi(2) + (alpha[1] * wo[1]).powi(2) + wo[2] * wo[2]).sqrt();
    let view = [alpha[0] * wo[0] / length, alpha[1] * wo[1] / length, wo[2] / length];
    let mut sum = 0.0;
    for &LatticePoint { u, cos_phi, sin_phi } in &LATTICE.0 {
        let z = (1.0 - u) * (1.0 + view[2]) - view[2];
        let r = (1.0 - z * z).max(0.0).sqrt();
        let h = [alpha[0] * (r * cos_phi + view[0]), alpha[1] * (r * sin_phi + view[1]), z + view[2]];
        let norm = h.iter().map(|x| x * x).sum::<f64>().sqrt();
        let h = h.map(|x| x / norm);
        let o_h = wo[0] * h[0] + wo[1] * h[1] + wo[2] * h[2];
        let wi = [2.0 * o_h * h[0] - wo[0], 2.0 * o_h * h[1] - wo[1], 2.0 * o_h * h[2] - wo[2]];
        if o_h <= 0.0 {
            continue;
        }
        let kept = |w: [f64; 3]| (1.0 + lambda_o) / (1.0 + lambda_o + lambda(w));
        let reflected = match split {
            Split::Mirror => 1.0,
            Split::Glass { eta, bending } => glass_reflectance(o_h, eta, bending),
        };
        if wi[2] > 0.0 {
            sum += reflected * kept(wi);
        }
        if let Split::Glass { bending, .. } = split {
            let cos2_t = 1.0 - (1.0 - o_h * o_h) / (bending * bending);
            let k = o_h / bending - cos2_t.max(0.0).sqrt();
            let through: [f64; 3] = std::array::from_fn(|c| h[c] * k - wo[c] / bending);
            if cos2_t > 0.0 && through[2] < 0.0 {
                sum += (1.0 - reflected) * kept(through);
            }
        }
    }
    sum / LATTICE.0.len() as f64
}
