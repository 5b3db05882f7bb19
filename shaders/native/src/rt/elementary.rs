//! Exponentials, logarithms and trigonometric functions of single floats, without branches or tables, so that they
//! compile to the same few instructions for every processor and can be vectorised.
//!
//! Each reduces its argument as W. J. Cody and W. Waite describe (Software Manual for the Elementary Functions, 1980)
//! and evaluates a polynomial there. The polynomials interpolate the functions at Chebyshev nodes, which comes within a
//! few percent of the best; where a number of the standard library follows in a test, it states the error that is
//! reached.

/// The nearest integer of a number below 2^22 in magnitude: beyond 2^23 floats have no fractional digits, so adding
/// 1.5 * 2^23 rounds, halves to even. The standard library's function is a call where SSE 4.1 is missing.
#[inline(always)]
fn nearest(x: f32) -> f32 {
    const BIG: f32 = 12_582_912.0;
    (x + BIG) - BIG
}

/// [`nearest`] in double precision, below 2^51.
#[inline(always)]
fn nearest_f64(x: f64) -> f64 {
    const BIG: f64 = 6_755_399_441_055_744.0;
    (x + BIG) - BIG
}

/// A polynomial by Horner's rule, from the constant coefficient on.
macro_rules! polynomial {
    ($x:expr, $last:expr) => { $last };
    ($x:expr, $first:expr, $($rest:expr),+) => { $first + $x * polynomial!($x, $($rest),+) };
}

/// ln 2 in two parts: the first has so few digits that its product with an exponent is exact.
const LN2_HIGH: f32 = 0.693_145_75;
const LN2_LOW: f32 = 1.428_606_8e-6;

/// e^r for |r| ≤ ln 2 / 2, times 2^n for -152 ≤ n ≤ 129.
#[inline(always)]
fn exp_reduced(r: f32, n: f32) -> f32 {
    let tail = polynomial!(r, 0.5, 0.166_665_78, 0.041_666_556, 0.008_363_173, 0.001_392_617_6);
    let value = 1.0 + (r + r * r * tail);
    // In two factors: 2^n alone may be too large or too small for a float where the product is not.
    let n = n as i32;
    let half = n >> 1;
    let power = |n: i32| f32::from_bits(((n + 127) << 23) as u32);
    value * power(half) * power(n - half)
}

/// e^x; at most 1.5 ulp.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let x = x.clamp(-105.0, 89.0);
    let n = nearest(x * std::f32::consts::LOG2_E);
    exp_reduced((x - n * LN2_HIGH) - n * LN2_LOW, n)
}

/// 2^x; at most 1.5 ulp.
#[inline(always)]
pub(super) fn exp2(x: f32) -> f32 {
    let x = x.clamp(-151.0, 129.0);
    let n = nearest(x);
    exp_reduced((x - n) * std::f32::consts::LN_2, n)
}

/// Exponent `e` and ln(m) of a positive `x = m * 2^e` with √½ ≤ m < √2.
#[inline(always)]
fn log_reduced(x: f32) -> (f32, f32) {
    let is_subnormal = x < f32::MIN_POSITIVE;
    let bits = if is_subnormal { x * 16_777_216.0 } else { x }.to_bits();
    // The bits of √½: subtracting them leaves the exponent of x / √½ above the mantissa.
    let e = (bits.wrapping_sub(0x3f35_04f3) as i32) >> 23;
    let f = f32::from_bits(bits.wrapping_sub((e << 23) as u32)) - 1.0;
    // ln(1 + f) = 2 artanh(s) with s = f / (2 + f), and 2 s = f - s f.
    let s = f / (2.0 + f);
    let z = s * s;
    let tail = polynomial!(z, 0.666_666_7, 0.400_001_23, 0.285_508_16, 0.233_305_74);
    (e as f32 - if is_subnormal { 24.0 } else { 0.0 }, f - s * (f - z * tail))
}

/// `value`, the logarithm of a positive finite `x`, or what the logarithm of another `x` is.
#[inline(always)]
fn log_or_special(x: f32, value: f32) -> f32 {
    if x > 0.0 && x < f32::INFINITY {
        value
    } else if x == 0.0 {
        f32::NEG_INFINITY
    } else if x > 0.0 {
        x
    } else {
        f32::NAN
    }
}

/// Natural logarithm; at most 2 ulp.
#[inline(always)]
pub(super) fn log(x: f32) -> f32 {
    let (e, log_m) = log_reduced(x);
    log_or_special(x, e * LN2_HIGH + (log_m + e * LN2_LOW))
}

/// Logarithm to base 2; at most 3 ulp.
#[inline(always)]
pub(super) fn log2(x: f32) -> f32 {
    let (e, log_m) = log_reduced(x);
    log_or_special(x, e + log_m * std::f32::consts::LOG2_E)
}

/// `a` to the power of `b` as `exp2(b * log2(a))`, NaN for negative `a`; at most 1 ulp, because it goes through double
/// precision: the error of the logarithm is multiplied by the exponent.
#[inline(always)]
pub(super) fn pow(a: f32, b: f32) -> f32 {
    let bits = f64::from(a).to_bits();
    let e = (bits.wrapping_sub(0x3fe6_a09e_667f_3bcd) as i64) >> 52;
    let f = f64::from_bits(bits.wrapping_sub((e << 52) as u64)) - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    // 2 artanh(s) / ln 2, by its series; even and odd powers apart, so that they are computed side by side.
    let zz = z * z;
    let series = polynomial!(zz, 2.885_390_081_777_926_8, 0.577_078_016_355_585_4, 0.320_598_897_975_325_2)
        + z * polynomial!(zz, 0.961_796_693_925_975_6, 0.412_198_583_111_132_4, 0.262_308_189_252_538_8);
    let log2_a = if a == 0.0 {
        f64::NEG_INFINITY
    } else if a == f32::INFINITY {
        f64::INFINITY
    } else {
        e as i32 as f64 + s * series
    };
    let t = (f64::from(b) * log2_a).clamp(-200.0, 200.0);
    let n = nearest_f64(t);
    // 2^(t - n), by its series.
    let f = t - n;
    let ff = f * f;
    let value = polynomial!(ff, 1.0, 0.240_226_506_959_100_7, 0.009_618_129_107_628_477, 0.000_154_035_303_933_816_1)
        + f * polynomial!(
            ff,
            std::f64::consts::LN_2,
            0.055_504_108_664_821_58,
            0.001_333_355_814_642_844_3,
            1.525_273_380_405_984e-5
        );
    let power = f64::from_bits(((i64::from(n as i32) + 1023) << 52) as u64);
    let result = (value * power) as f32;
    if b == 0.0 {
        1.0
    } else if a >= 0.0 {
        result
    } else {
        f32::NAN
    }
}

/// π/2 in two parts: the first has 33 bits, so that its product with a 20-bit integer is exact in double precision.
const HALF_PI_HIGH: f64 = 1.570_796_326_734_125_6;
const HALF_PI_LOW: f64 = 6.077_100_506_506_192e-11;

/// Beyond this the reduction loses digits, and the standard library's slow exact one is used.
const REDUCED_MAX: f32 = 1_000_000.0;

/// Sine and cosine for |x| ≤ [`REDUCED_MAX`]; at most 1.5 ulp.
#[inline(always)]
fn sin_cos_reduced(x: f32) -> (f32, f32) {
    let wide = f64::from(x);
    let k = nearest_f64(wide * std::f64::consts::FRAC_2_PI);
    let r = ((wide - k * HALF_PI_HIGH) - k * HALF_PI_LOW) as f32;
    let z = r * r;
    let sin = r + r * z * polynomial!(z, -0.166_666_67, 0.008_333_332, -0.000_198_400_87, 2.724_992_6e-6);
    let cos = 1.0 - (0.5 * z - z * z * polynomial!(z, 0.041_666_668, -0.001_388_888_8, 2.480_06e-5, -2.730_096e-7));
    // Each quarter turn takes (sin, cos) to (cos, -sin).
    let quarter = k as i32;
    let (sin, cos) = if quarter & 1 == 0 { (sin, cos) } else { (cos, -sin) };
    if quarter & 2 == 0 { (sin, cos) } else { (-sin, -cos) }
}

/// Sine; at most 1.5 ulp.
#[inline(always)]
pub(super) fn sin(x: f32) -> f32 {
    if x.abs() <= REDUCED_MAX { sin_cos_reduced(x).0 } else { x.sin() }
}

/// Cosine; at most 1.5 ulp.
#[inline(always)]
pub(super) fn cos(x: f32) -> f32 {
    if x.abs() <= REDUCED_MAX { sin_cos_reduced(x).1 } else { x.cos() }
}

/// Tangent; at most 3 ulp.
#[inline(always)]
pub(super) fn tan(x: f32) -> f32 {
    if x.abs() > REDUCED_MAX {
        return x.tan();
    }
    let (sin, cos) = sin_cos_reduced(x);
    sin / cos
}

/// Arc tangent of a number from 0 to 1.
#[inline(always)]
fn atan_unit(x: f32) -> f32 {
    // Above tan(π/8) from the other end: atan x = π/4 + atan((x - 1) / (x + 1)).
    let is_large = x > 0.414_213_57;
    let r = if is_large { (x - 1.0) / (x + 1.0) } else { x };
    let z = r * r;
    let value = r + r * z * polynomial!(z, -0.333_333_3, 0.199_995_4, -0.142_639_56, 0.107_437_31, -0.064_519_28);
    if is_large { std::f32::consts::FRAC_PI_4 + value } else { value }
}

/// Arc tangent; at most 3 ulp.
#[inline(always)]
pub(super) fn atan(x: f32) -> f32 {
    let magnitude = x.abs();
    let value =
        if magnitude > 1.0 { std::f32::consts::FRAC_PI_2 - atan_unit(1.0 / magnitude) } else { atan_unit(magnitude) };
    value.copysign(x)
}

/// The angle of the point (`x`, `y`); at most 4 ulp.
#[inline(always)]
pub(super) fn atan2(y: f32, x: f32) -> f32 {
    let (ax, ay) = (x.abs(), y.abs());
    let (small, large) = if ay < ax { (ay, ax) } else { (ax, ay) };
    // The origin has the angle of the axis it lies on; points at infinity that of the diagonal.
    let ratio = if large == 0.0 {
        0.0
    } else if small == f32::INFINITY {
        1.0
    } else {
        small / large
    };
    let first = atan_unit(ratio);
    let is_steep = ay >= ax && large > 0.0;
    let right = if is_steep { std::f32::consts::FRAC_PI_2 - first } else { first };
    let value = if x.is_sign_negative() { std::f32::consts::PI - right } else { right };
    if x.is_nan() || y.is_nan() { f32::NAN } else { value.copysign(y) }
}

/// Arc sine of a number from 0 to ½.
#[inline(always)]
fn asin_half(x: f32) -> f32 {
    let z = x * x;
    x + x * z * polynomial!(z, 0.166_666_73, 0.074_988_55, 0.045_001_38, 0.026_554_542, 0.038_085_025)
}

/// Arc sine; at most 3 ulp.
#[inline(always)]
pub(super) fn asin(x: f32) -> f32 {
    let magnitude = x.abs();
    // Near 1 by the half angle: asin x = π/2 - 2 asin √((1 - x) / 2).
    let value = if magnitude > 0.5 {
        std::f32::consts::FRAC_PI_2 - 2.0 * asin_half((0.5 * (1.0 - magnitude)).sqrt())
    } else {
        asin_half(magnitude)
    };
    value.copysign(x)
}

/// Arc cosine; at most 3 ulp.
#[inline(always)]
pub(super) fn acos(x: f32) -> f32 {
    let magnitude = x.abs();
    if magnitude > 0.5 {
        let value = 2.0 * asin_half((0.5 * (1.0 - magnitude)).sqrt());
        if x < 0.0 { std::f32::consts::PI - value } else { value }
    } else {
        std::f32::consts::FRAC_PI_2 - asin_half(magnitude).copysign(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f32 = f32::INFINITY;

    /// The largest error in units of the exact result's last place, over floats from `low` to `high`: evenly in value
    /// and evenly in bits.
    fn worst_ulps(low: f32, high: f32, f: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64) -> (f64, f32) {
        const N: u32 = 200_000;
        let even = (0..=N).map(|i| low + (high - low) * (i as f32 / N as f32));
        // Positive floats in order of their bits, and their negatives where the range has any.
        let (first, last) = (low.max(1e-30).to_bits(), high.to_bits());
        let by_bits =
            (0..=N).map(|i| f32::from_bits(first + ((u64::from(last - first) * u64::from(i)) / u64::from(N)) as u32));
        let mirrored = by_bits.clone().map(|x| -x).filter(|&x| x >= low);
        let mut worst = (0.0, 0.0);
        for x in even.chain(by_bits).chain(mirrored) {
            let (value, exact) = (f(x), exact(f64::from(x)));
            let rounded = exact as f32;
            if !rounded.is_normal() {
                continue;
            }
            let ulp = f64::from(rounded.abs().next_up()) - f64::from(rounded.abs());
            let error = (f64::from(value) - exact).abs() / ulp;
            if error > worst.0 || error.is_nan() {
                worst = (error, x);
            }
        }
        worst
    }

    fn check(name: &str, bound: f64, low: f32, high: f32, f: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64) {
        let (ulps, x) = worst_ulps(low, high, f, exact);
        assert!(ulps <= bound, "{name}: {ulps} ulp at {x:?}");
    }

    #[test]
    fn errors_are_within_their_bounds() {
        check("exp", 1.5, -87.0, 88.7, exp, f64::exp);
        check("exp2", 1.5, -126.0, 127.9, exp2, f64::exp2);
        check("log", 2.0, 1e-37, 3e38, log, f64::ln);
        check("log near 1", 2.0, 0.5, 2.0, log, f64::ln);
        check("log2", 3.0, 1e-37, 3e38, log2, f64::log2);
        check("log2 near 1", 3.0, 0.5, 2.0, log2, f64::log2);
        for b in [-40.0, -2.5, -0.1, 1.0 / 2.4, 1.0, 2.2, 2.4, 31.0] {
            check("pow", 1.0, 1e-20, 40.0, |a| pow(a, b), |a| a.powf(f64::from(b)));
        }
        check("pow of exponent", 1.0, -30.0, 30.0, |b| pow(3.7, b), |b| f64::from(3.7f32).powf(b));
        check("sin", 1.5, -20.0, 20.0, sin, f64::sin);
        check("sin far out", 1.5, 1000.0, 1e6, sin, f64::sin);
        check("cos", 1.5, -20.0, 20.0, cos, f64::cos);
        check("cos far out", 1.5, 1000.0, 1e6, cos, f64::cos);
        check("tan", 3.0, -20.0, 20.0, tan, f64::tan);
        check("asin", 3.0, -1.0, 1.0, asin, f64::asin);
        check("acos", 3.0, -1.0, 1.0, acos, f64::acos);
        check("atan", 3.0, -1e3, 1e3, atan, f64::atan);
        for x in [-1e9, -3.0, -1e-3, 1e-3, 1.0, 777.0] {
            check("atan2", 4.0, -1e3, 1e3, |y| atan2(y, x), |y| y.atan2(f64::from(x)));
        }
    }

    #[test]
    fn the_ends_of_the_number_line() {
        assert_eq!([exp(-INF), exp(0.0), exp(INF), exp(-200.0), exp(100.0)], [0.0, 1.0, INF, 0.0, INF]);
        assert_eq!([exp2(-INF), exp2(10.0), exp2(INF), exp2(-149.0), exp2(128.0)], [0.0, 1024.0, INF, 1e-45, INF]);
        assert_eq!([log(0.0), log(-0.0), log(1.0), log(INF)], [-INF, -INF, 0.0, INF]);
        assert_eq!([log2(0.0), log2(8.0), log2(INF), log2(1e-45)], [-INF, 3.0, INF, -149.0]);
        assert_eq!([sin(0.0), cos(0.0), tan(0.0), sin(-0.0)], [0.0, 1.0, 0.0, 0.0]);
        assert_eq!([asin(1.0), acos(1.0), acos(-1.0)], [std::f32::consts::FRAC_PI_2, 0.0, std::f32::consts::PI]);
        assert_eq!([atan(INF), atan(-INF)], [std::f32::consts::FRAC_PI_2, -std::f32::consts::FRAC_PI_2]);
        let nan =
            [exp(f32::NAN), exp2(f32::NAN), log(f32::NAN), log2(-1.0), log(-INF), sin(INF), cos(f32::NAN), tan(-INF)];
        assert!(nan.iter().all(|x| x.is_nan()), "{nan:?}");
        let nan = [asin(1.1), acos(-1.1), atan(f32::NAN), atan2(f32::NAN, 1.0), atan2(1.0, f32::NAN)];
        assert!(nan.iter().all(|x| x.is_nan()), "{nan:?}");
    }

    #[test]
    fn powers_of_the_ends() {
        for (a, b, expect) in [
            (0.0, 2.0, 0.0),
            (0.0, 1e-3, 0.0),
            (0.0, -1.0, INF),
            (0.0, 0.0, 1.0),
            (5.0, 0.0, 1.0),
            (1.0, 1e30, 1.0),
            (INF, 0.5, INF),
            (INF, -0.5, 0.0),
            (2.0, INF, INF),
            (0.5, INF, 0.0),
            (2.0, -INF, 0.0),
            (1e30, 2.0, INF),
            (1e-30, 2.0, 0.0),
            (1e-45, 0.5, 3.743_392e-23),
        ] {
            assert_eq!(pow(a, b), expect, "{a}^{b}");
        }
        assert!([pow(-2.0, 2.0), pow(f32::NAN, 1.0), pow(2.0, f32::NAN)].iter().all(|x| x.is_nan()));
    }

    #[test]
    fn angles_of_the_axes() {
        for y in [-0.0, 0.0, -1.0, 1.0, INF, -INF, 1e-45] {
            for x in [-0.0, 0.0, -1.0, 1.0, INF, -INF, -1e-45] {
                let (value, exact) = (atan2(y, x), f32::atan2(y, x));
                assert!(
                    (value - exact).abs() <= 1e-6 && value.is_sign_negative() == exact.is_sign_negative(),
                    "{y} {x}: {value}"
                );
            }
        }
    }
}
