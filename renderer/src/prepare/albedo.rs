//! Directional albedos of single-scattering GGX, by quadrature: the shader needs them to compensate for lost energy.
//!
//! A table has [`ALBEDO_STEPS`]² entries: rows over roughness r = i/(n−1) with α = r², columns over √cos = j/(n−1). The
//! first block of the shader's `tables` is the albedo of a lossless conductor, followed by its mean over the hemisphere
//! per roughness; then come one or four tables per index of refraction: reflection from outside; for glass also
//! reflection plus refraction from outside and from inside, and refraction from outside as if nothing were reflected.

use std::collections::HashMap;
use std::f64::consts::PI;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use packshot_shaders::constants::ALBEDO_STEPS;
use rayon::prelude::*;

pub(super) mod brushed;

const STEPS: usize = ALBEDO_STEPS as usize;
/// Reflection alone is smooth and needs fewer points. By symmetry half a turn is enough.
static SMOOTH_LATTICE: LazyLock<Lattice> = LazyLock::new(|| Lattice::new(610, 377, PI));
/// For integrands that total internal reflection cuts off.
static CUT_LATTICE: LazyLock<Lattice> = LazyLock::new(|| Lattice::new(987, 610, PI));

/// Quadrature points over the spherical cap of visible facets: a Fibonacci lattice, whose error falls fast even where
/// the integrand is cut off. Sines and cosines are computed once here, not for each table entry.
struct Lattice(Vec<LatticePoint>);

struct LatticePoint {
    /// Fraction of the cap's height.
    u: f64,
    /// Cosine of the azimuth.
    cos_phi: f64,
    sin_phi: f64,
}

impl Lattice {
    /// A lattice whose azimuths cover `turn_rad`.
    fn new(n_points: u32, generator: u32, turn_rad: f64) -> Self {
        let point = |i: u32| {
            let u = (f64::from(i) + 0.5) / f64::from(n_points);
            let phi = turn_rad * (f64::from(i * generator % n_points) / f64::from(n_points));
            LatticePoint { u, cos_phi: phi.cos(), sin_phi: phi.sin() }
        };
        Self((0..n_points).map(point).collect())
    }
}

/// Albedo of a lossless conductor, then its means over the hemisphere: one table and one row.
pub(crate) fn lossless() -> &'static [f32] {
    static TABLE: OnceLock<Vec<f32>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut entries = table(|alpha, cosine| integrate(&SMOOTH_LATTICE, alpha, cosine, 1.5, |_| (1.0, 0.0)).0);
        for i in 0..STEPS {
            let row = &entries[i * STEPS..(i + 1) * STEPS];
            let mean = hemisphere_mean(|cosine| {
                let at = cosine.sqrt() * (STEPS - 1) as f64;
                let j = (at as usize).min(STEPS - 2);
                let f = at - j as f64;
                f64::from(row[j]) * (1.0 - f) + f64::from(row[j + 1]) * f
            });
            entries.push(mean as f32);
        }
        entries
    })
}

/// Which tables a material reads for an index of refraction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Boundary {
    /// Reflection from outside only: one table.
    Opaque,
    /// In addition, reflection plus refraction from either side, and refraction alone: four tables.
    Refracting {
        /// The index that refracts, where a specular weight makes the reflectance follow another one.
        bends: f32,
    },
}

/// Identifies the tables of a boundary.
pub(crate) type BoundaryKey = (u32, Option<u32>);

impl Boundary {
    /// The key of this boundary whose reflectance follows `ior`.
    pub(crate) fn key(self, ior: f32) -> BoundaryKey {
        let bends = match self {
            Self::Opaque => None,
            Self::Refracting { bends } => Some(bends.to_bits()),
        };
        (ior.to_bits(), bends)
    }
}

/// The tables of an index of refraction. Computed once per process, index and kind of boundary.
pub(crate) fn dielectric(ior: f32, boundary: Boundary) -> Arc<Vec<f32>> {
    type Cache = Mutex<HashMap<BoundaryKey, Arc<Vec<f32>>>>;
    static CACHE: OnceLock<Cache> = OnceLock::new();
    let cache = CACHE.get_or_init(Mutex::default);
    let key = boundary.key(ior);
    if let Some(known) = cache.lock().expect("the cache's lock is never poisoned").get(&key) {
        return known.clone();
    }
    let n = f64::from(ior);
    let mut entries = table(|alpha, cosine| integrate(&SMOOTH_LATTICE, alpha, cosine, n, |c| (fresnel(c, n), 0.0)).0);
    if let Boundary::Refracting { bends } = boundary {
        let m = f64::from(bends);
        for (eta, bending) in [(n, m), (1.0 / n, 1.0 / m)] {
            let split = |c: f64| {
                let reflected = glass_reflectance(c, eta, bending);
                (reflected, 1.0 - reflected)
            };
            entries.extend(table(|alpha, cosine| {
                let (reflected, refracted) = integrate(&CUT_LATTICE, alpha, cosine, bending, split);
                reflected + refracted
            }));
        }
        entries.extend(table(|alpha, cosine| integrate(&CUT_LATTICE, alpha, cosine, m, |_| (0.0, 1.0)).1));
    }
    let entries = Arc::new(entries);
    cache.lock().expect("the cache's lock is never poisoned").insert(key, entries.clone());
    entries
}

/// Mean Fresnel reflectance over the cosine-weighted hemisphere, from outside.
pub(crate) fn fresnel_mean(ior: f32) -> f32 {
    hemisphere_mean(|cosine| fresnel(cosine, f64::from(ior))) as f32
}

/// The integral of 2 c f(c) over the cosine c.
fn hemisphere_mean(f: impl Fn(f64) -> f64) -> f64 {
    const N: usize = 256;
    (0..N).map(|i| (i as f64 + 0.5) / N as f64).map(|c| 2.0 * c * f(c)).sum::<f64>() / N as f64
}

fn table(entry: impl Fn(f64, f64) -> f64 + Sync) -> Vec<f32> {
    (0..STEPS * STEPS)
        .into_par_iter()
        .map(|k| {
            let roughness = (k / STEPS) as f64 / (STEPS - 1) as f64;
            let root = (k % STEPS) as f64 / (STEPS - 1) as f64;
            // Nothing is defined exactly at the horizon: the table takes the limit, and smooth facets take that of a
            // mirror.
            entry((roughness * roughness).max(1e-4), (root * root).max(1e-4)) as f32
        })
        .collect()
}

/// Unpolarised dielectric reflectance; `eta` is the index beyond the surface over the index on this side.
fn fresnel(cos_i: f64, eta: f64) -> f64 {
    let g2 = eta * eta - 1.0 + cos_i * cos_i;
    if g2 <= 0.0 {
        return 1.0;
    }
    let g = g2.sqrt();
    let a = (g - cos_i) / (g + cos_i);
    let b = (cos_i * (g + cos_i) - 1.0) / (cos_i * (g - cos_i) + 1.0);
    0.5 * a * a * (1.0 + b * b)
}

/// Reflectance of glass that refracts by one ratio of indices and reflects by another: beyond the critical angle of the
/// refracting ratio, everything is reflected.
fn glass_reflectance(cos_i: f64, eta: f64, bending: f64) -> f64 {
    if 1.0 - (1.0 - cos_i * cos_i) / (bending * bending) <= 0.0 { 1.0 } else { fresnel(cos_i, eta) }
}

/// Reflected and refracted shares of light from a direction, over the facets visible from it (the estimator of the
/// shader's sampler: F·G2/G1 with the height-correlated G2). `split` gives both weights for the cosine at a facet.
fn integrate(lattice: &Lattice, alpha: f64, cosine: f64, eta: f64, split: impl Fn(f64) -> (f64, f64)) -> (f64, f64) {
    let wo = [(1.0 - cosine * cosine).max(0.0).sqrt(), 0.0, cosine];
    let lambda = |w: [f64; 3]| {
        let tan2 = (w[0] * w[0] + w[1] * w[1]) / (w[2] * w[2]);
        0.5 * ((1.0 + alpha * alpha * tan2).sqrt() - 1.0)
    };
    let lambda_o = lambda(wo);
    // The stretched view, and the spherical cap around it (Dupuy and Benyoub 2023).
    let length = (alpha * alpha * wo[0] * wo[0] + cosine * cosine).sqrt();
    let view = [alpha * wo[0] / length, cosine / length];
    let (mut reflected, mut refracted) = (0.0, 0.0);
    for &LatticePoint { u, cos_phi, sin_phi } in &lattice.0 {
        let z = (1.0 - u) * (1.0 + view[1]) - view[1];
        let r = (1.0 - z * z).max(0.0).sqrt();
        let stretched = [alpha * (r * cos_phi + view[0]), alpha * r * sin_phi, z + view[1]];
        let norm = stretched.iter().map(|x| x * x).sum::<f64>().sqrt();
        let h = stretched.map(|x| x / norm);
        let o_h = wo[0] * h[0] + wo[2] * h[2];
        if o_h <= 0.0 {
            continue;
        }
        let (share_reflected, share_refracted) = split(o_h);
        let mirrored = [2.0 * o_h * h[0] - wo[0], 2.0 * o_h * h[1], 2.0 * o_h * h[2] - wo[2]];
        if mirrored[2] > 0.0 {
            reflected += share_reflected * (1.0 + lambda_o) / (1.0 + lambda_o + lambda(mirrored));
        }
        let cos2_t = 1.0 - (1.0 - o_h * o_h) / (eta * eta);
        if share_refracted > 0.0 && cos2_t > 0.0 {
            let k = o_h / eta - cos2_t.sqrt();
            let through = [h[0] * k - wo[0] / eta, h[1] * k, h[2] * k - wo[2] / eta];
            if through[2] < 0.0 {
                refracted += share_refracted * (1.0 + lambda_o) / (1.0 + lambda_o + lambda(through));
            }
        }
    }
    let n_points = lattice.0.len() as f64;
    (reflected / n_points, refracted / n_points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smooth_facets_lose_nothing_and_rough_ones_what_the_literature_says() {
        let e = lossless();
        assert!((e[STEPS - 1] - 1.0).abs() < 1e-3, "roughness 0, normal view: {}", e[STEPS - 1]);
        // Single-scattering GGX at alpha 1 returns 0.31 along the normal: the energy whose loss darkens rough metal.
        let rough = e[STEPS * STEPS - 1];
        assert!((rough - 0.307).abs() < 3e-3, "roughness 1, normal view: {rough}");
    }

    #[test]
    fn a_dielectric_splits_light_without_gain() {
        for ior in [1.0001_f32, 1.33, 1.5, 2.4] {
            for &x in dielectric(ior, Boundary::Refracting { bends: ior }).iter() {
                assert!((0.0..=1.0001).contains(&x), "ior {ior}: {x}");
            }
        }
        let smooth_normal = dielectric(1.5, Boundary::Opaque)[STEPS - 1];
        assert!((smooth_normal - 0.04).abs() < 1e-3, "{smooth_normal}");
    }

    #[test]
    fn mean_reflectance_of_glass() {
        // 9.18 % for index 1.5 (d'Eon and Irving 2011, eq. 15's exact value).
        assert!((fresnel_mean(1.5) - 0.0918).abs() < 5e-4, "{}", fresnel_mean(1.5));
    }
}
