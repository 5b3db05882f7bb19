//! The conversion between radiance and the numbers that the network works on.
//!
//! Colours are first brought to a mean exposure, then through a perceptually uniform curve, whose values at 65504
//! become 1. Curve and exposure are those of `core/color.h` and `core/autoexposure` of
//! <https://github.com/RenderKit/oidn>.

use rayon::prelude::*;

const A: f32 = 1.412_837_7e3;
const B: f32 = 1.645_931_7;
const C: f32 = 0.431_384_98;
const D: f32 = -2.941_396e-3;
const E: f32 = 0.192_653_25;
const F: f32 = 6.260_261e-3;
const G: f32 = 0.998_620_15;
/// Where the first piece of the curve ends.
const Y0: f32 = 1.579_457_6e-6;
/// Where the second piece ends.
const Y1: f32 = 3.220_876_3e-2;
/// The curve at [`Y0`].
const X0: f32 = 2.231_517e-3;
/// The curve at [`Y1`].
const X1: f32 = 0.370_974_75;
/// The curve at 65504, the largest half float.
const TOP: f32 = 3.135_12;

/// The curve's value for a luminance of at least 0; 65504 gives 1.
pub fn encode(y: f32) -> f32 {
    let x = if y <= Y0 {
        A * y
    } else if y <= Y1 {
        B * y.powf(C) + D
    } else {
        E * (y + F).ln() + G
    };
    x * (1.0 / TOP)
}

/// The luminance with this value on the curve; at least 0.
pub fn decode(x: f32) -> f32 {
    let x = x * TOP;
    if x <= X0 {
        x.max(0.0) / A
    } else if x <= X1 {
        ((x - D) / B).powf(1.0 / C)
    } else {
        ((x - G) / E).exp() - F
    }
}

/// NaN becomes 0, everything else is clamped to be at least 0 and finite.
pub fn valid_radiance(value: f32) -> f32 {
    // NaN is not above 0 either.
    if value > 0.0 { value.min(f32::MAX) } else { 0.0 }
}

/// Mean luminance that exposure aims for.
const KEY: f64 = 0.18;
/// Lower luminances count as black.
const BLACK: f32 = 1e-8;
const BIN_PX: usize = 16;

/// The factor that brings a picture of linear RGB (Rec.709 primaries) to a mean exposure: the geometric mean of the
/// luminances of bins of up to 16×16 pixels becomes 0.18. 1 for a black picture.
pub fn exposure<const N: usize>(width_px: usize, color: &[[f32; N]]) -> f32 {
    let height_px = color.len() / width_px;
    let (columns, rows) = (width_px.div_ceil(BIN_PX), height_px.div_ceil(BIN_PX));
    let bin = |i: usize, length: usize, bins: usize| i * length / bins..(i + 1) * length / bins;
    let sums = (0..rows).into_par_iter().map(|row| {
        let mut sum = (0.0_f64, 0_usize);
        for column in 0..columns {
            let (ys, xs) = (bin(row, height_px, rows), bin(column, width_px, columns));
            let n_px = ys.len() * xs.len();
            let pixels = ys.flat_map(|y| &color[y * width_px..][xs.clone()]);
            let total: f32 = pixels.map(luminance).sum();
            let mean = total / n_px as f32;
            if mean > BLACK {
                sum = (sum.0 + f64::from(mean.log2()), sum.1 + 1);
            }
        }
        sum
    });
    // Summed in order, so that the number of threads does not matter.
    let sums: Vec<(f64, usize)> = sums.collect();
    let (sum, count) = sums.into_iter().fold((0.0, 0), |(sum, count), (s, n)| (sum + s, count + n));
    match count {
        0 => 1.0,
        _ => (KEY / (sum / count as f64).exp2()) as f32,
    }
}

fn luminance<const N: usize>(color: &[f32; N]) -> f32 {
    0.212671 * valid_radiance(color[0]) + 0.715160 * valid_radiance(color[1]) + 0.072169 * valid_radiance(color[2])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_pieces_of_the_curve_meet() {
        assert!((encode(65504.0) - 1.0).abs() < 1e-5, "{}", encode(65504.0));
        for (y, x) in [(Y0, X0), (Y1, X1)] {
            assert!((encode(y) * TOP - x).abs() < 1e-5 * x.max(0.1), "{y}");
            let above = encode(y * 1.0001) * TOP;
            assert!(above > x * 0.9999 && above < x * 1.001, "{y}");
        }
    }

    proptest! {
        #[test]
        fn the_way_back_leads_to_the_start(exponent in -20.0_f32..15.9) {
            let y = exponent.exp2();
            prop_assert!((decode(encode(y)) / y - 1.0).abs() < 2e-4, "{y}: {}", decode(encode(y)));
        }

        #[test]
        fn the_curve_rises(y in 0.0_f32..100.0, step in 1e-3_f32..1.0) {
            prop_assert!(encode(y + step) > encode(y));
        }
    }

    #[test]
    fn exposure_brings_the_mean_to_the_key() {
        for luminance in [1e-3, 1.0, 1e4] {
            let factor = exposure(33, &vec![[luminance; 3]; 33 * 20]);
            assert!((factor * luminance / 0.18 - 1.0).abs() < 1e-5, "{luminance}");
        }
        assert_eq!(exposure(3, &[[0.0; 3]; 9]), 1.0);
        assert_eq!(exposure(1, &[[f32::NAN, -1.0, f32::NEG_INFINITY]]), 1.0);
        // Half of the bins are black, and do not count.
        let half: Vec<_> = (0..32 * 16).map(|i| [if i % 32 < 16 { 0.5 } else { 0.0 }; 3]).collect();
        assert!((exposure(32, &half) * 0.5 / 0.18 - 1.0).abs() < 1e-5);
        assert!(exposure(1, &[[f32::INFINITY; 3]]).is_finite());
    }
}
