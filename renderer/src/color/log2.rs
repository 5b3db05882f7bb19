//! Logarithm, exponential and power without calls or branches.
//!
//! View transforms spend most of their time in these. In a loop over values they are vectorised, which the standard
//! library's functions cannot be; they are accurate to a few ulps in the range that pictures need.

/// Base-2 logarithm of a positive, normal number, to 1e-6 absolute or an ulp.
///
/// The number is split into 2^e·m with m around 1, and log2(m) = 2/ln 2·artanh((m − 1)/(m + 1)) by its series, whose
/// first omitted term is below 5e-8.
#[inline]
pub(super) fn log2(x: f32) -> f32 {
    const SQRT_HALF_BITS: u32 = std::f32::consts::FRAC_1_SQRT_2.to_bits();
    let bits = x.to_bits();
    let exponent = (bits.wrapping_sub(SQRT_HALF_BITS) as i32) >> 23;
    let m = f32::from_bits(bits.wrapping_sub((exponent << 23) as u32));
    let t = (m - 1.0) / (m + 1.0);
    let t2 = t * t;
    let series = t * (1.0 + t2 * (1.0 / 3.0 + t2 * (1.0 / 5.0 + t2 * (1.0 / 7.0))));
    exponent as f32 + series * (2.0 * std::f32::consts::LOG2_E)
}

/// 2 to a power between −125 and 125, to 5e-7 relative.
///
/// The power is split into a whole number, which goes into the exponent, and a remainder of at most ±½, for which the
/// Taylor series of exp(rest·ln 2) has a first omitted term below 1.3e-7.
#[inline]
pub(super) fn exp2(power: f32) -> f32 {
    /// Adding and subtracting it leaves the nearest whole number.
    const ROUND: f32 = 1.5 * (1 << 23) as f32;
    let shifted = power + ROUND;
    let x = (power - (shifted - ROUND)) * std::f32::consts::LN_2;
    let series = 1.0 + x * (1.0 + x * (1.0 / 2.0 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x * (1.0 / 120.0 + x / 720.0)))));
    series * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

/// A positive, normal number to a power; the result must be a normal number too.
#[inline]
pub(super) fn pow(base: f32, exponent: f32) -> f32 {
    exp2(log2(base) * exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_agree_with_the_standard_library() {
        for step in 0..20_000 {
            let x = f32::from_bits(0x0080_0000 + step * 105_000);
            assert!((log2(x) - x.log2()).abs() < 1e-6 + x.log2().abs() * f32::EPSILON, "log2({x}) = {}", log2(x));
        }
        assert_eq!((log2(1.0), log2(0.25), log2(1024.0)), (0.0, -2.0, 10.0));
    }

    #[test]
    fn powers_of_two_agree_with_the_standard_library() {
        for step in -12_500..=12_500 {
            let x = step as f32 * 0.01;
            assert!((exp2(x) / x.exp2() - 1.0).abs() < 5e-7, "2^{x} = {}", exp2(x));
        }
        assert_eq!((exp2(0.0), exp2(-1.0), exp2(10.0)), (1.0, 0.5, 1024.0));
    }

    #[test]
    fn powers_agree_with_the_standard_library() {
        for step in 1..=2_000 {
            let x = step as f32 * 0.001;
            let got = pow(x, 1.0 / 2.4);
            assert!((got / x.powf(1.0 / 2.4) - 1.0).abs() < 1e-6, "{x}: {got}");
        }
    }
}
