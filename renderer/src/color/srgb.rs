//! The sRGB transfer function (IEC 61966-2-1), piecewise, on values 0 to 1.

use super::log2::pow;

/// Up to this linear value the function is linear.
const FOOT: f32 = 0.003_130_8;

/// sRGB-encoded value of a linear one.
#[inline]
pub fn encode(linear: f32) -> f32 {
    if linear <= FOOT { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

/// Linear value of an sRGB-encoded one.
#[inline]
pub fn decode(encoded: f32) -> f32 {
    if encoded <= 0.040_45 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
}

/// [`encode`] of a value from 0 to 1, without a call or a branch, to 5e-7.
#[inline]
pub(super) fn encode_unit(linear: f32) -> f32 {
    let floored = if linear > FOOT { linear } else { FOOT };
    let above = 1.055 * pow(floored, 1.0 / 2.4) - 0.055;
    let encoded = if linear > FOOT { above } else { 12.92 * linear };
    if encoded < 1.0 { encoded } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives_a_round_trip() {
        for code in 0..=255 {
            let encoded = code as f32 / 255.0;
            assert!((encode(decode(encoded)) - encoded).abs() < 1e-6, "code {code}");
        }
    }

    #[test]
    fn the_branchless_one_is_the_same_function() {
        for step in 0..=4096 {
            let linear = (step as f32 / 4096.0).powi(2);
            assert!((encode_unit(linear) - encode(linear)).abs() < 5e-7, "{linear}: {}", encode_unit(linear));
        }
    }

    #[test]
    fn middle_grey_and_the_ends_are_where_the_standard_has_them() {
        assert_eq!(encode(0.0), 0.0);
        assert!((encode(1.0) - 1.0).abs() < 1e-6);
        assert!((encode(0.18) * 255.0 - 117.64).abs() < 0.05);
        assert!((decode(0.5) - 0.214_041).abs() < 1e-6);
    }
}
