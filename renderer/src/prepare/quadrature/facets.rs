//! Directional albedos of single-scattering GGX. A table has [`ENTRIES`]: rows over roughness r = i/(n−1) with α = r²,
//! columns over √cos = j/(n−1).

use std::f64::consts::PI;
use std::sync::LazyLock;

use super::{Lattice, LatticePoint, fresnel, glass_reflectance, raised};

/// Rows and columns.
pub(crate) const STEPS: usize = 32;
/// Of a table.
pub(crate) const ENTRIES: usize = STEPS * STEPS;

/// Ratios of indices in the table of glass between any two media.
pub(crate) const RATIOS: usize = 33;
/// The largest of them; its inverse is the smallest.
pub(crate) const RATIO_MAX: f64 = 4.0;
/// Of the table of glass between any two media, each of four values.
pub(crate) const BETWEEN_ENTRIES: usize = RATIOS * ENTRIES;

/// Indices of refraction whose tables are computed when this crate is built: what reflects, and for what glass refracts
/// as well, by which index it does. Those of the built-in library and the default of glTF; a test says which are
/// missing.
pub(crate) const READY_MADE: &[(f32, Option<f32>)] = &[
    (1.0, None),
    (1.35, None),
    (1.48, None),
    (1.5, None),
    (1.53, None),
    (1.6, None),
    (1.65, None),
    (2.0, None),
    (1.4, None),
    (1.43, None),
    (1.45, None),
    (1.47, None),
    (1.49, None),
    (1.51, None),
    (1.52, None),
    (1.54, None),
    (1.55, None),
    (1.57, None),
    (1.63, None),
    (1.768, None),
    (2.16, None),
    (2.65, None),
    (1.492, None),
    // Scaled by a `specular_weight`.
    (1.2460415, None),
    (1.324077, None),
    (1.3294313, None),
    (1.4353212, None),
    (1.4357138, None),
    (1.4432564, None),
    // Of glass.
    (1.432, None),
    (1.4905, None),
    (1.542, None),
    (1.575, None),
    (1.5848, None),
    (1.432, Some(1.432)),
    (1.4905, Some(1.4905)),
    (1.492, Some(1.492)),
    (1.5, Some(1.5)),
    (1.52, Some(1.52)),
    (1.542, Some(1.542)),
    (1.575, Some(1.575)),
    (1.5848, Some(1.5848)),
];

/// Reflection alone is smooth and needs fewer points. By symmetry half a turn is enough.
static SMOOTH_LATTICE: LazyLock<Lattice> = LazyLock::new(|| Lattice::new(610, 377, PI));
/// For integrands that total internal reflection cuts off.
static CUT_LATTICE: LazyLock<Lattice> = LazyLock::new(|| Lattice::new(2584, 1597, PI));

/// What facets do with light.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Facets {
    /// They reflect all of it.
    Lossless,
    /// What they reflect by an index of refraction.
    Reflect {
        /// The index beyond over the index on this side.
        eta: f64,
    },
    /// What they reflect by one index and refract by another, together.
    Glass {
        /// That reflects, beyond over on this side.
        eta: f64,
        /// That refracts.
        bending: f64,
    },
}

impl Facets {
    /// The tables of an index of refraction: what `ior` reflects from outside; or what is reflected by it and refracted
    /// by `bends`, together, from outside and from inside.
    pub(crate) fn of_dielectric(ior: f32, bends: Option<f32>) -> Vec<Self> {
        let n = f64::from(ior);
        match bends.map(f64::from) {
            None => vec![Self::Reflect { eta: n }],
            Some(m) => {
                vec![Self::Glass { eta: n, bending: m }, Self::Glass { eta: 1.0 / n, bending: 1.0 / m }]
            }
        }
    }

    /// Entry `k` of the table before it is [`finished`].
    pub(crate) fn entry(self, k: usize) -> f32 {
        let (alpha, cosine) = node(k);
        self.albedo(alpha, cosine) as f32
    }

    fn albedo(self, alpha: f64, cosine: f64) -> f64 {
        match self {
            Self::Lossless => integrate(&SMOOTH_LATTICE, alpha, cosine, 1.5, |_| ([1.0], [0.0])).0[0],
            Self::Reflect { eta } => {
                integrate(&SMOOTH_LATTICE, alpha, cosine, eta, |c| ([fresnel(c, eta)], [0.0])).0[0]
            }
            Self::Glass { eta, bending } => {
                let split = |c: f64| {
                    let reflected = glass_reflectance(c, eta, bending);
                    ([reflected], [1.0 - reflected])
                };
                let ([reflected], [refracted]) = integrate(&CUT_LATTICE, alpha, cosine, bending, split);
                reflected + refracted
            }
        }
    }
}

/// A table from its entries.
pub(crate) fn finished(entries: &[f32]) -> Vec<f32> {
    raised(entries, &[STEPS, STEPS])
}

/// The table of glass between any two media from its entries, each of four values.
pub(crate) fn finished_between(entries: &[[f32; 4]]) -> Vec<f32> {
    // Only together are they what facets keep: what they do not reflect totally, they refract.
    let kept: Vec<f32> = entries.iter().map(|[open, .., total]| open + total).collect();
    // Over ratios they have an edge at 1, where a node is.
    let raised = kept.chunks_exact(ENTRIES).flat_map(|kept| raised(kept, &[STEPS, STEPS]));
    let more = raised.zip(&kept).map(|(raised, kept)| raised - kept);
    entries
        .iter()
        .zip(more)
        .flat_map(|(&[open, kept, mirrored, total], more)| [open + more, kept, mirrored, total])
        .collect()
}

/// Alpha and cosine of entry `k` of a table.
fn node(k: usize) -> (f64, f64) {
    let roughness = (k / STEPS) as f64 / (STEPS - 1) as f64;
    let root = (k % STEPS) as f64 / (STEPS - 1) as f64;
    // Nothing is defined exactly at the horizon: the table takes the limit, and smooth facets take that of a mirror.
    ((roughness * roughness).max(1e-4), (root * root).max(1e-4))
}

/// Entry `k` of the table of glass between any two media: a table for each ratio of the index beyond the surface to the
/// index on this side. Of the light from a direction: what facets refract if they reflect only what they reflect
/// totally; of this, the part that they reflect by Fresnel's equations, times what they would refract, and times what
/// they would mirror; and what they reflect totally. All that glass does is linear in them, whatever scales or tints
/// its reflection.
pub(crate) fn between(k: usize) -> [f32; 4] {
    // Close to 1, where light begins to be reflected totally, a small difference matters most.
    let step = 2.0 * (k / ENTRIES) as f64 / (RATIOS - 1) as f64 - 1.0;
    let eta = RATIO_MAX.powf(step * step.abs());
    let (alpha, cosine) = node(k % ENTRIES);
    let split = |c: f64| match eta * eta <= 1.0 - c * c {
        true => ([1.0, 0.0], [0.0, 0.0]),
        false => ([0.0, fresnel(c, eta)], [1.0, fresnel(c, eta)]),
    };
    let ([total, mirrored], [open, kept]) = integrate(&CUT_LATTICE, alpha, cosine, eta, split);
    [open, kept, mirrored, total].map(|value| value as f32)
}

/// The means of a lossless table over the hemisphere, row by row.
pub(crate) fn means(table: &[f32]) -> impl Iterator<Item = f32> {
    table.chunks_exact(STEPS).map(|row| {
        hemisphere_mean(|cosine| {
            let at = cosine.sqrt() * (STEPS - 1) as f64;
            let j = (at as usize).min(STEPS - 2);
            let f = at - j as f64;
            f64::from(row[j]) * (1.0 - f) + f64::from(row[j + 1]) * f
        }) as f32
    })
}

/// The integral of 2 c f(c) over the cosine c.
pub(crate) fn hemisphere_mean(f: impl Fn(f64) -> f64) -> f64 {
    const N: usize = 256;
    (0..N).map(|i| (i as f64 + 0.5) / N as f64).map(|c| 2.0 * c * f(c)).sum::<f64>() / N as f64
}

/// Reflected and refracted shares of light from a direction, over the facets visible from it (the estimator of the
/// shader's sampler: F·G2/G1 with the height-correlated G2). `split` gives the weights of both for the cosine at a
/// facet, one for each of `N` ways to weigh them.
fn integrate<const N: usize>(
    lattice: &Lattice,
    alpha: f64,
    cosine: f64,
    eta: f64,
    split: impl Fn(f64) -> ([f64; N], [f64; N]),
) -> ([f64; N], [f64; N]) {
    let wo = [(1.0 - cosine * cosine).max(0.0).sqrt(), 0.0, cosine];
    let lambda = |w: [f64; 3]| {
        let tan2 = (w[0] * w[0] + w[1] * w[1]) / (w[2] * w[2]);
        0.5 * ((1.0 + alpha * alpha * tan2).sqrt() - 1.0)
    };
    let lambda_o = lambda(wo);
    // The stretched view, and the spherical cap around it (Dupuy and Benyoub 2023).
    let length = (alpha * alpha * wo[0] * wo[0] + cosine * cosine).sqrt();
    let view = [alpha * wo[0] / length, cosine / length];
    let (mut reflected, mut refracted) = ([0.0; N], [0.0; N]);
    let add = |sum: &mut [f64; N], shares: [f64; N], kept: f64| {
        for (sum, share) in sum.iter_mut().zip(shares) {
            *sum += share * kept;
        }
    };
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
            add(&mut reflected, share_reflected, (1.0 + lambda_o) / (1.0 + lambda_o + lambda(mirrored)));
        }
        let cos2_t = 1.0 - (1.0 - o_h * o_h) / (eta * eta);
        if share_refracted[0] > 0.0 && cos2_t > 0.0 {
            let k = o_h / eta - cos2_t.sqrt();
            let through = [h[0] * k - wo[0] / eta, h[1] * k, h[2] * k - wo[2] / eta];
            if through[2] < 0.0 {
                add(&mut refracted, share_refracted, (1.0 + lambda_o) / (1.0 + lambda_o + lambda(through)));
            }
        }
    }
    let n_points = lattice.0.len() as f64;
    (reflected.map(|sum| sum / n_points), refracted.map(|sum| sum / n_points))
}

#[cfg(test)]
mod tests {
    use super::super::brushed;
    use super::*;

    #[test]
    fn equal_roughnesses_are_those_of_brushed_facets() {
        for (roughness, cosine) in [(1.0_f64, 1.0_f64), (0.6, 0.5), (0.3, 0.2)] {
            let alpha = roughness * roughness;
            let wo = [(1.0 - cosine * cosine).sqrt(), 0.0, cosine];
            let isotropic = integrate(&CUT_LATTICE, alpha, cosine, 1.5, |_| ([1.0], [0.0])).0[0];
            let brushed = brushed::albedo([alpha; 2], wo, brushed::Split::Mirror);
            assert!((brushed - isotropic).abs() < 3e-3, "roughness {roughness}, cosine {cosine}");
        }
    }
}
