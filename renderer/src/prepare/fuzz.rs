//! Tables of fuzz and sheen: albedos, and the shape of the fuzz lobe. Rows run over roughness, columns over the cosine,
//! [`ALBEDO_STEPS`] of each, both from 0 to 1.

use std::sync::OnceLock;

use packshot_shaders::constants::{ALBEDO_STEPS, FUZZ_TABLE};
use rayon::prelude::*;

const STEPS: usize = ALBEDO_STEPS as usize;
const ENTRIES: usize = FUZZ_TABLE as usize;

/// The published fit: an NPY file, version 1; see `renderer/data/README.md`.
const PUBLISHED: &[u8] = include_bytes!("../../data/ltc_sheen_volume.npy");
/// Length of the file's header.
const HEADER_BYTES: usize = 128;

/// OpenPBR's fuzz (Zeltner, Burley and Chiang 2022, "Practical Multiple-Scattering Sheen Using Linearly Transformed
/// Cosines"): a table of albedos, then one for each coefficient of the shear.
pub(crate) fn fuzz() -> Vec<f32> {
    let values: Vec<f32> =
        PUBLISHED[HEADER_BYTES..].as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes) as f32).collect();
    assert_eq!(values.len(), 3 * ENTRIES, "the file is as it was published");
    // The file's rows run over the cosine. Where nothing is reflected the fit has a shape of zero, which cannot be
    // inverted.
    let plane = |k: usize, least: f32| {
        let value = |at: usize| values[3 * (at % STEPS * STEPS + at / STEPS) + k].max(least);
        (0..ENTRIES).map(value).collect::<Vec<_>>()
    };
    [plane(2, 0.0), plane(0, 0.05), plane(1, f32::MIN)].concat()
}

/// Albedos of glTF's sheen with a white sheen colour. Computed once per process.
pub(crate) fn sheen() -> &'static [f32] {
    static TABLE: OnceLock<Vec<f32>> = OnceLock::new();
    TABLE.get_or_init(|| {
        (0..ENTRIES)
            .into_par_iter()
            .map(|k| {
                let roughness = (k / STEPS) as f64 / (STEPS - 1) as f64;
                let cosine = ((k % STEPS) as f64 / (STEPS - 1) as f64).max(1e-3);
                sheen_albedo((roughness * roughness).max(1e-3), cosine).min(1.0) as f32
            })
            .collect()
    })
}

/// The integral of the shader's `charlie_eval` over the hemisphere, by the midpoint rule: with fine steps towards the
/// horizon, where smooth sheen is concentrated, and over half a turn by symmetry.
fn sheen_albedo(alpha: f64, cos_o: f64) -> f64 {
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
                let phi = std::f64::consts::PI * (j as f64 + 0.5) / AZIMUTH as f64;
                let h = [sin_o + sin_i * phi.cos(), sin_i * phi.sin(), cos_o + cos_i];
                let length2 = h.iter().map(|x| x * x).sum::<f64>();
                let sine2 = (h[0] * h[0] + h[1] * h[1]) / length2;
                (2.0 + 1.0 / alpha) * sine2.powf(0.5 / alpha) / (2.0 * std::f64::consts::PI)
            })
            .sum();
        sum += 2.0 * t / POLAR as f64 * ring / AZIMUTH as f64 * 2.0 * std::f64::consts::PI / (lambda * 4.0 * cos_o);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuzz_reflects_a_share_of_the_light() {
        let table = fuzz();
        assert!(table[..ENTRIES].iter().all(|&albedo| (0.0..=1.0).contains(&albedo)));
        // Rough fibres reflect most at grazing angles (figure 2 of the paper).
        assert!(table[ENTRIES - STEPS] > 2.0 * table[ENTRIES - 1]);
        assert!(table[ENTRIES..2 * ENTRIES].iter().all(|&a| a > 0.0), "the shear can be undone");
    }

    #[test]
    fn sheen_reflects_a_share_of_the_light() {
        assert!(sheen().iter().all(|&albedo| (0.0..=1.0).contains(&albedo)));
        // Seen from above, white sheen of roughness 1 covers about a sixth of the base; towards the horizon it covers
        // more.
        let rough = &sheen()[ENTRIES - STEPS..];
        assert!(rough[STEPS - 1] < rough[1], "{rough:?}");
    }
}
