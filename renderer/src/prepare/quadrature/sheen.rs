//! Albedos of glTF's sheen with a white sheen colour: rows over roughness, columns over the square root of the cosine,
//! both from 0 to 1. Towards the horizon, where sheen of small roughness is concentrated, they are above 1.

use std::f64::consts::PI;

/// Rows and columns.
pub(crate) const STEPS: usize = 32;
/// Of the table.
pub(crate) const ENTRIES: usize = STEPS * STEPS;

/// Entry `k` of the table.
pub(crate) fn entry(k: usize) -> f32 {
    let roughness = (k / STEPS) as f64 / (STEPS - 1) as f64;
    let root = (k % STEPS) as f64 / (STEPS - 1) as f64;
    albedo((roughness * roughness).max(1e-3), (root * root).max(1e-4)) as f32
}

/// The integral of the shader's `charlie_eval` over the hemisphere, by the midpoint rule: with fine steps towards the
/// horizon, where smooth sheen is concentrated, and over half a turn by symmetry.
fn albedo(alpha: f64, cos_o: f64) -> f64 {
    const POLAR: usize = 192;
    const AZIMUTH: usize = 96;
    let sin_o = (1.0 - cos_o * cos_o).sqrt();
    let lambda_o = charlie_lambda(cos_o, alpha);
    let mut sum = 0.0;
    for i in 0..POLAR {
        // cos = t², so that d cos = 2 t dt.
        let t = (i as f64 + 0.5) / POLAR as f64;
        let cos_i = t * t;
        let sin_i = (1.0 - cos_i * cos_i).sqrt();
        let lambda = 1.0 + lambda_o + charlie_lambda(cos_i, alpha);
        let ring: f64 = (0..AZIMUTH)
            .map(|j| {
                let phi = PI * (j as f64 + 0.5) / AZIMUTH as f64;
                let h = [sin_o + sin_i * phi.cos(), sin_i * phi.sin(), cos_o + cos_i];
                let length2 = h.iter().map(|x| x * x).sum::<f64>();
                let sine2 = (h[0] * h[0] + h[1] * h[1]) / length2;
                (2.0 + 1.0 / alpha) * sine2.powf(0.5 / alpha) / (2.0 * PI)
            })
            .sum();
        sum += 2.0 * t / POLAR as f64 * ring / AZIMUTH as f64 * 2.0 * PI / (lambda * 4.0 * cos_o);
    }
    sum
}

/// Estevez and Kulla 2017, "Production Friendly Microfacet Sheen BRDF", table 1.
fn charlie_lambda(cosine: f64, alpha: f64) -> f64 {
    let t = (1.0 - alpha) * (1.0 - alpha);
    let mix = |rough: f64, smooth: f64| rough + (smooth - rough) * t;
    let (a, b, c) = (mix(21.5473, 25.3245), mix(3.82987, 3.32435), mix(0.19823, 0.16801));
    let (d, e) = (mix(-1.9776, -1.27393), mix(-4.32054, -4.85967));
    let curve = |x: f64| a / (1.0 + b * x.powf(c)) + d * x + e;
    let x = cosine.clamp(1e-4, 1.0);
    if x < 0.5 { curve(x).exp() } else { (2.0 * curve(0.5) - curve(1.0 - x)).exp() }
}
