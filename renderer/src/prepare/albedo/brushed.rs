//! Energy that brushed facets lose: the albedo of a lossless conductor whose roughness differs along and across the
//! tangent.
//!
//! Nodes, the last index fastest: square root of the larger alpha over that of [`BRUSHED_ALPHA_MAX`]; square root of
//! the smaller alpha over the larger; azimuth of the view from the rougher direction, as a fraction of a quarter turn;
//! square root of the view's cosine. The means over the hemisphere follow.

use std::collections::HashMap;
use std::f64::consts::{FRAC_PI_2, TAU};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use packshot_shaders::constants::{
    BRUSHED_ALPHA_MAX, BRUSHED_AZIMUTHS, BRUSHED_COSINES, BRUSHED_RATIOS, BRUSHED_ROUGHNESSES,
};
use rayon::prelude::*;

use super::{Lattice, LatticePoint};

static LATTICE: LazyLock<Lattice> = LazyLock::new(|| Lattice::new(233, 144, TAU));

/// Nodes along each axis.
const ALPHAS: usize = BRUSHED_ROUGHNESSES as usize;
const RATIOS: usize = BRUSHED_RATIOS as usize;
const AZIMUTHS: usize = BRUSHED_AZIMUTHS as usize;
const COSINES: usize = BRUSHED_COSINES as usize;

/// The table of a lossless conductor. Computed once per process.
pub(crate) fn lossless() -> &'static [f32] {
    static TABLE: OnceLock<Vec<f32>> = OnceLock::new();
    TABLE.get_or_init(|| table(&Split::Mirror))
}

/// What glass reflects and transmits whose reflectance follows `ior` and which refracts by `bends`: a table for light
/// from outside, then one for light from inside. Computed once per process and pair of indices.
pub(crate) fn glass(ior: f32, bends: f32) -> Arc<Vec<f32>> {
    type Cache = Mutex<HashMap<[u32; 2], Arc<Vec<f32>>>>;
    static CACHE: OnceLock<Cache> = OnceLock::new();
    let cache = CACHE.get_or_init(Mutex::default);
    let key = [ior, bends].map(f32::to_bits);
    if let Some(known) = cache.lock().expect("the cache's lock is never poisoned").get(&key) {
        return known.clone();
    }
    let (n, m) = (f64::from(ior), f64::from(bends));
    let of_side = |(eta, bending)| table(&Split::Glass { eta, bending });
    let tables: Arc<Vec<f32>> = Arc::new([(n, m), (1.0 / n, 1.0 / m)].into_iter().flat_map(of_side).collect());
    cache.lock().expect("the cache's lock is never poisoned").insert(key, tables.clone());
    tables
}

/// How a facet splits light into reflected and refracted.
enum Split {
    Mirror,
    /// Reflects by Fresnel's law for one ratio of the index beyond over the index on this side, and refracts the rest
    /// by another ratio.
    Glass {
        eta: f64,
        bending: f64,
    },
}

/// All nodes, then the means.
fn table(split: &Split) -> Vec<f32> {
    let share = |i: usize, n: usize| i as f64 / (n - 1) as f64;
    let mut entries: Vec<f32> = (0..ALPHAS * RATIOS * AZIMUTHS * COSINES)
        .into_par_iter()
        .map(|k| {
            let (row, cosine) = (k / COSINES, share(k % COSINES, COSINES).powi(2).max(1e-4));
            let (row, azimuth) = (row / AZIMUTHS, FRAC_PI_2 * share(row % AZIMUTHS, AZIMUTHS));
            let alpha = (f64::from(BRUSHED_ALPHA_MAX) * share(row / RATIOS, ALPHAS).powi(2)).max(1e-4);
            let across = (alpha * share(row % RATIOS, RATIOS).powi(2)).max(1e-4);
            let sine = (1.0 - cosine * cosine).max(0.0).sqrt();
            albedo([alpha, across], [sine * azimuth.cos(), sine * azimuth.sin(), cosine], split) as f32
        })
        .collect();
    for facets in 0..ALPHAS * RATIOS {
        entries.push(hemisphere_mean(&entries[facets * AZIMUTHS * COSINES..][..AZIMUTHS * COSINES]) as f32);
    }
    entries
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

/// The mean of G2 / G1 over the facets visible from `wo`, as in [`super::integrate`].
fn albedo(alpha: [f64; 2], wo: [f64; 3], split: &Split) -> f64 {
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
        let reflected = match *split {
            Split::Mirror => 1.0,
            Split::Glass { eta, bending } => super::glass_reflectance(o_h, eta, bending),
        };
        if wi[2] > 0.0 {
            sum += reflected * kept(wi);
        }
        if let Split::Glass { bending, .. } = *split {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_roughnesses_are_those_of_the_isotropic_table() {
        for (roughness, cosine) in [(1.0_f64, 1.0_f64), (0.6, 0.5), (0.3, 0.2)] {
            let alpha = roughness * roughness;
            let wo = [(1.0 - cosine * cosine).sqrt(), 0.0, cosine];
            let isotropic = super::super::integrate(&super::super::CUT_LATTICE, alpha, cosine, 1.5, |_| (1.0, 0.0)).0;
            assert!(
                (albedo([alpha; 2], wo, &Split::Mirror) - isotropic).abs() < 3e-3,
                "roughness {roughness}, cosine {cosine}"
            );
        }
    }
}
