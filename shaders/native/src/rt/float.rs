//! Functions of floats, component by component (WGSL 17.5).

use super::elementary;
use super::lanes::Lanes;

/// A float scalar or vector.
pub trait Floats: Lanes<Scalar = f32, With<f32> = Self> {}
impl<V: Lanes<Scalar = f32, With<f32> = V>> Floats for V {}

macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident = $f:expr;)*) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub fn $name<V: Floats>(v: V) -> V {
            v.map::<f32>($f)
        }
    )*};
}

macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident = $f:expr;)*) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub fn $name<V: Floats>(a: V, b: V) -> V {
            a.zip::<f32, f32>(b, $f)
        }
    )*};
}

unary! {
    /// Magnitude.
    abs = f32::abs;
    /// The smallest integer not below `v`.
    ceil = f32::ceil;
    /// The largest integer not above `v`.
    floor = f32::floor;
    /// The integer towards zero.
    trunc = f32::trunc;
    /// The nearest integer, the even one of two at equal distance.
    round = f32::round_ties_even;
    /// `v - floor(v)`: for negative `v` too in [0, 1], and 1 when `v` is a negative number close to zero.
    fract = |x: f32| x - x.floor();
    /// -1, 0 or 1; 0 of NaN.
    sign = |x: f32| if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { 0.0 };
    /// `v` between 0 and 1; 0 of NaN.
    saturate = |x: f32| clamp_lane(x, 0.0, 1.0);
    /// Square root.
    sqrt = f32::sqrt;
    /// The reciprocal of the square root.
    inverse_sqrt = |x: f32| 1.0 / x.sqrt();
    /// Degrees to radians.
    radians = |x: f32| x * (std::f32::consts::PI / 180.0);
    /// Radians to degrees.
    degrees = |x: f32| x * (180.0 / std::f32::consts::PI);
    /// Sine of radians.
    sin = elementary::sin;
    /// Cosine of radians.
    cos = elementary::cos;
    /// Tangent of radians.
    tan = elementary::tan;
    /// Arc sine; NaN outside of [-1, 1].
    asin = elementary::asin;
    /// Arc cosine; NaN outside of [-1, 1].
    acos = elementary::acos;
    /// Arc tangent.
    atan = elementary::atan;
    /// Hyperbolic sine.
    sinh = f32::sinh;
    /// Hyperbolic cosine.
    cosh = f32::cosh;
    /// Hyperbolic tangent.
    tanh = f32::tanh;
    /// Inverse hyperbolic sine.
    asinh = f32::asinh;
    /// Inverse hyperbolic cosine; NaN below 1.
    acosh = f32::acosh;
    /// Inverse hyperbolic tangent; NaN outside of [-1, 1].
    atanh = f32::atanh;
    /// e to the power of `v`.
    exp = elementary::exp;
    /// 2 to the power of `v`.
    exp2 = elementary::exp2;
    /// Natural logarithm.
    log = elementary::log;
    /// Logarithm to base 2.
    log2 = elementary::log2;
}

binary! {
    /// The smaller one; of a NaN and a number the number.
    min = min_lane;
    /// The larger one; of a NaN and a number the number.
    max = max_lane;
    /// 1 where `edge <= x`, and 0 elsewhere: `step(edge, x)`.
    step = |edge: f32, x: f32| if edge <= x { 1.0 } else { 0.0 };
    /// The angle of the point (`b`, `a`), in (-π, π].
    atan2 = elementary::atan2;
    /// `a` to the power of `b`; NaN where `a` is negative, as by `exp2(b * log2(a))`.
    pow = elementary::pow;
    /// `a % b`: what is left of `a`, with its sign, after as many whole `b` as fit (WGSL 8.7).
    remainder = |a: f32, b: f32| a - b * (a / b).trunc();
}

/// The smaller of two. Written so that with a constant `b` it is one instruction, and the same on every processor.
#[inline(always)]
fn min_lane(a: f32, b: f32) -> f32 {
    let smaller = if a < b { a } else { b };
    if b.is_nan() { a } else { smaller }
}

/// The larger of two, as [`min_lane`].
#[inline(always)]
fn max_lane(a: f32, b: f32) -> f32 {
    let larger = if a > b { a } else { b };
    if b.is_nan() { a } else { larger }
}

#[inline(always)]
fn clamp_lane(x: f32, low: f32, high: f32) -> f32 {
    min_lane(max_lane(x, low), high)
}

/// `min(max(v, low), high)`; `low` for NaN.
#[inline(always)]
pub fn clamp<V: Floats>(v: V, low: V, high: V) -> V {
    V::from_fn::<f32>(|index| clamp_lane(v.lane(index), low.lane(index), high.lane(index)))
}

/// `a * b + c`, rounded twice, as WGSL permits: fused it would depend on the processor.
#[inline(always)]
pub fn fma<V: Floats>(a: V, b: V, c: V) -> V {
    V::from_fn::<f32>(|index| a.lane(index) * b.lane(index) + c.lane(index))
}

/// `a` where `t` is 0, `b` where it is 1, and linear between: `a * (1 - t) + b * t`.
#[inline(always)]
pub fn mix<V: Floats>(a: V, b: V, t: V) -> V {
    V::from_fn::<f32>(|index| a.lane(index) * (1.0 - t.lane(index)) + b.lane(index) * t.lane(index))
}

/// Hermite interpolation between 0 at `low` and 1 at `high`.
#[inline(always)]
pub fn smoothstep<V: Floats>(low: V, high: V, v: V) -> V {
    V::from_fn::<f32>(|index| {
        let t = clamp_lane((v.lane(index) - low.lane(index)) / (high.lane(index) - low.lane(index)), 0.0, 1.0);
        t * t * (3.0 - 2.0 * t)
    })
}

/// Fractional and whole part, both with the sign of `v`.
#[inline(always)]
pub fn modf<V: Floats>(v: V) -> (V, V) {
    (v.map::<f32>(|x| x - x.trunc()), trunc(v))
}

/// `v * 2^exponent`, for exponents down to -252 and up to 254, beyond which WGSL leaves the result open.
#[inline(always)]
pub fn ldexp<V: Floats>(v: V, exponent: V::With<i32>) -> V {
    v.zip::<i32, f32>(exponent, |x, exponent| {
        // In two factors, because 2^exponent alone may not be a number where the product is.
        let exponent = exponent.clamp(-252, 254);
        let half = exponent / 2;
        let power = |exponent: i32| f32::from_bits(((exponent + 127) as u32) << 23);
        x * power(half) * power(exponent - half)
    })
}

/// Mantissa in [0.5, 1) with the sign of `v`, and exponent of 2; zero has both zero.
#[inline(always)]
pub fn frexp<V: Floats>(v: V) -> (V, V::With<i32>) {
    let split = |x: f32| {
        // Subnormal numbers first become normal ones.
        let is_small = x.abs() < f32::MIN_POSITIVE;
        let bits = if is_small { x * 16_777_216.0 } else { x }.to_bits();
        let exponent = ((bits >> 23) & 0xff) as i32 - 126 - if is_small { 24 } else { 0 };
        (f32::from_bits((bits & 0x807f_ffff) | 0x3f00_0000), exponent)
    };
    let is_zero_or_infinite = |x: f32| x == 0.0 || !x.is_finite();
    (
        v.map::<f32>(|x| if is_zero_or_infinite(x) { x } else { split(x).0 }),
        v.map::<i32>(|x| if is_zero_or_infinite(x) { 0 } else { split(x).1 }),
    )
}

#[cfg(test)]
mod tests {
    use glam::{IVec2, Vec2, Vec4};

    use super::*;

    const INF: f32 = f32::INFINITY;
    const NAN: f32 = f32::NAN;

    #[test]
    fn minimum_and_maximum_prefer_numbers_to_nan() {
        for (a, b, smaller, larger) in [
            (1.0, 2.0, 1.0, 2.0),
            (2.0, 1.0, 1.0, 2.0),
            (NAN, 1.0, 1.0, 1.0),
            (1.0, NAN, 1.0, 1.0),
            (-INF, INF, -INF, INF),
            (NAN, INF, INF, INF),
        ] {
            assert_eq!((min(a, b), max(a, b)), (smaller, larger), "{a} {b}");
        }
        assert!(min(NAN, NAN).is_nan() && max(NAN, NAN).is_nan());
    }

    #[test]
    fn clamp_takes_any_input() {
        for (x, expect) in [(-1.0, 0.0), (0.25, 0.25), (7.0, 1.0), (NAN, 0.0), (INF, 1.0), (-INF, 0.0)] {
            assert_eq!((clamp(x, 0.0, 1.0), saturate(x)), (expect, expect), "{x}");
        }
        assert_eq!(clamp(5.0, 2.0, 1.0), 1.0, "the upper limit wins");
    }

    #[test]
    fn signs_and_roundings() {
        for (x, expect) in [(0.0, 0.0), (-0.0, 0.0), (3.0, 1.0), (-1e-40, -1.0), (NAN, 0.0), (-INF, -1.0)] {
            assert_eq!(sign(x), expect, "{x}");
        }
        for (x, expect) in [(0.5, 0.0), (1.5, 2.0), (2.5, 2.0), (-0.5, -0.0), (-1.5, -2.0), (0.499_999_97, 0.0)] {
            assert_eq!(round(x).to_bits(), f32::to_bits(expect), "{x}");
        }
        for (x, expect) in [(1.25, 0.25), (-1.25, 0.75), (-1e-10, 1.0), (0.0, 0.0)] {
            assert_eq!(fract(x), expect, "{x}");
        }
        for (a, b, expect) in [(5.5, 2.0, 1.5), (-5.5, 2.0, -1.5), (5.5, -2.0, 1.5), (1.0, INF, NAN), (1.0, 0.0, NAN)] {
            let left = remainder(a, b);
            assert!(left == expect || (left.is_nan() && f32::is_nan(expect)), "{a} % {b} = {left}");
        }
        assert_eq!(modf(-1.25), (-0.25, -1.0));
    }

    #[test]
    fn steps_and_mixtures() {
        assert_eq!([step(1.0, 0.5), step(1.0, 1.0), step(NAN, 1.0), step(1.0, NAN)], [0.0, 1.0, 0.0, 0.0]);
        assert_eq!([0.0, 0.5, 1.0].map(|t| mix(2.0, 4.0, t)), [2.0, 3.0, 4.0]);
        assert_eq!([-1.0, 0.0, 1.0, 2.0, 9.0].map(|x| smoothstep(0.0, 2.0, x)), [0.0, 0.0, 0.5, 1.0, 1.0]);
        assert_eq!(clamp(Vec4::new(-1.0, 0.5, 2.0, NAN), Vec4::ZERO, Vec4::ONE), Vec4::new(0.0, 0.5, 1.0, 0.0));
    }

    #[test]
    fn exponents_are_split_and_joined() {
        for x in [1.0, -3.75, 0.1, f32::MAX, f32::MIN_POSITIVE, 1e-45, -1e-40] {
            let (mantissa, exponent) = frexp(x);
            assert!((0.5..1.0).contains(&f32::abs(mantissa)), "{x}: {mantissa}");
            assert_eq!(ldexp(mantissa, exponent), x);
        }
        assert_eq!((frexp(0.0), frexp(INF)), ((0.0, 0), (INF, 0)));
        assert_eq!(ldexp(Vec2::new(3.0, -1.0), IVec2::new(2, -1)), Vec2::new(12.0, -0.5));
        assert_eq!([ldexp(1.0, i32::MAX), ldexp(1.0, i32::MIN)], [INF, 0.0]);
    }
}
