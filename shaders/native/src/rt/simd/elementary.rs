//! The elementary functions in lanes: operation by operation those of single floats (`rt/elementary.rs`).

/// Defines the functions in the module of an instruction set, whose macro compiles functions for it.
macro_rules! elementary {
    ($functions:ident) => {
        $functions! {
            /// `c0 + z * (c1 + z * (c2 + z * c3))`.
            fn cubic(z: F32, c: [f32; 4]) -> F32 {
                let mut sum = splat_f32(c[3]);
                for c in [c[2], c[1], c[0]] {
                    sum = add_f32(splat_f32(c), mul_f32(z, sum));
                }
                sum
            }
            /// `c0 + z * (c1 + z * (c2 + z * (c3 + z * c4)))`.
            fn quartic(z: F32, c: [f32; 5]) -> F32 {
                add_f32(splat_f32(c[0]), mul_f32(z, cubic(z, [c[1], c[2], c[3], c[4]])))
            }
            /// The nearest integer of a number below 2^22 in magnitude.
            fn nearest(a: F32) -> F32 {
                const BIG: f32 = 12_582_912.0;
                sub_f32(add_f32(a, splat_f32(BIG)), splat_f32(BIG))
            }
            /// `f32::clamp` between two numbers, which keeps NaN.
            fn limited(a: F32, low: f32, high: f32) -> F32 {
                let above = select_f32(lt_f32(a, splat_f32(low)), splat_f32(low), a);
                select_f32(gt_f32(above, splat_f32(high)), splat_f32(high), above)
            }
            /// `a as i32` of a number far within the range of integers, and zero of NaN.
            fn i32_cast_f32(a: F32) -> I32 {
                select_i32(is_nan_f32(a), zero_i32(), i32_from_f32(a))
            }
            /// 2^n as a float.
            fn power_of_2(n: I32) -> F32 {
                f32_bits_i32(shl_i32(add_i32(n, splat_i32(127)), splat_u32(23)))
            }
            /// e^r for |r| ≤ ln 2 / 2, times 2^n.
            fn exp_reduced(r: F32, n: F32) -> F32 {
                let tail = quartic(r, [0.5, 0.166_665_78, 0.041_666_556, 0.008_363_173, 0.001_392_617_6]);
                let value = add_f32(splat_f32(1.0), add_f32(r, mul_f32(mul_f32(r, r), tail)));
                let n = i32_cast_f32(n);
                let half = shr_i32(n, splat_u32(1));
                mul_f32(mul_f32(value, power_of_2(half)), power_of_2(sub_i32(n, half)))
            }
            /// e^a.
            fn exp_f32(a: F32) -> F32 {
                const LN2_HIGH: f32 = 0.693_145_75;
                const LN2_LOW: f32 = 1.428_606_8e-6;
                let a = limited(a, -105.0, 89.0);
                let n = nearest(mul_f32(a, splat_f32(std::f32::consts::LOG2_E)));
                let r = sub_f32(a, mul_f32(n, splat_f32(LN2_HIGH)));
                exp_reduced(sub_f32(r, mul_f32(n, splat_f32(LN2_LOW))), n)
            }
            /// 2^a.
            fn exp2_f32(a: F32) -> F32 {
                let a = limited(a, -151.0, 129.0);
                let n = nearest(a);
                exp_reduced(mul_f32(sub_f32(a, n), splat_f32(std::f32::consts::LN_2)), n)
            }
            /// Exponent and logarithm of the mantissa.
            fn log_reduced(a: F32) -> V2<F32> {
                let is_subnormal = lt_f32(a, splat_f32(f32::MIN_POSITIVE));
                let scaled = select_f32(is_subnormal, mul_f32(a, splat_f32(16_777_216.0)), a);
                let bits = u32_bits_f32(scaled);
                let e = shr_i32(i32_bits_u32(sub_u32(bits, splat_u32(0x3f35_04f3))), splat_u32(23));
                let mantissa = sub_u32(bits, u32_bits_i32(shl_i32(e, splat_u32(23))));
                let f = sub_f32(f32_bits_u32(mantissa), splat_f32(1.0));
                let s = div_f32(f, add_f32(splat_f32(2.0), f));
                let z = mul_f32(s, s);
                let tail = cubic(z, [0.666_666_7, 0.400_001_23, 0.285_508_16, 0.233_305_74]);
                let shift = select_f32(is_subnormal, splat_f32(24.0), zero_f32());
                V2 {
                    x: sub_f32(f32_from_i32(e), shift),
                    y: sub_f32(f, mul_f32(s, sub_f32(f, mul_f32(z, tail)))),
                }
            }
            /// `value`, the logarithm of a positive finite `a`, or what the logarithm of another `a` is.
            fn log_or_special(a: F32, value: F32) -> F32 {
                let is_positive = gt_f32(a, zero_f32());
                let of_infinite = select_f32(is_positive, a, splat_f32(f32::NAN));
                let special = select_f32(eq_f32(a, zero_f32()), splat_f32(f32::NEG_INFINITY), of_infinite);
                select_f32(and(is_positive, lt_f32(a, splat_f32(f32::INFINITY))), value, special)
            }
            /// Natural logarithm.
            fn log_f32(a: F32) -> F32 {
                const LN2_HIGH: f32 = 0.693_145_75;
                const LN2_LOW: f32 = 1.428_606_8e-6;
                let V2 { x: e, y: log_m } = log_reduced(a);
                let low = add_f32(log_m, mul_f32(e, splat_f32(LN2_LOW)));
                log_or_special(a, add_f32(mul_f32(e, splat_f32(LN2_HIGH)), low))
            }
            /// Logarithm to base 2.
            fn log2_f32(a: F32) -> F32 {
                let V2 { x: e, y: log_m } = log_reduced(a);
                log_or_special(a, add_f32(e, mul_f32(log_m, splat_f32(std::f32::consts::LOG2_E))))
            }
            /// Arc tangent of a number from 0 to 1.
            fn atan_unit(a: F32) -> F32 {
                let is_large = gt_f32(a, splat_f32(0.414_213_57));
                let one = splat_f32(1.0);
                let r = select_f32(is_large, div_f32(sub_f32(a, one), add_f32(a, one)), a);
                let z = mul_f32(r, r);
                let tail = quartic(z, [-0.333_333_3, 0.199_995_4, -0.142_639_56, 0.107_437_31, -0.064_519_28]);
                let value = add_f32(r, mul_f32(mul_f32(r, z), tail));
                select_f32(is_large, add_f32(splat_f32(std::f32::consts::FRAC_PI_4), value), value)
            }
            /// Arc tangent.
            fn atan_f32(a: F32) -> F32 {
                let magnitude = abs_f32(a);
                let is_above = gt_f32(magnitude, splat_f32(1.0));
                let inner = atan_unit(select_f32(is_above, div_f32(splat_f32(1.0), magnitude), magnitude));
                let outer = sub_f32(splat_f32(std::f32::consts::FRAC_PI_2), inner);
                copysign_f32(select_f32(is_above, outer, inner), a)
            }
            /// The angle of the point (`x`, `y`).
            fn atan2_f32(y: F32, x: F32) -> F32 {
                let (ax, ay) = (abs_f32(x), abs_f32(y));
                let is_flat = lt_f32(ay, ax);
                let (small, large) = (select_f32(is_flat, ay, ax), select_f32(is_flat, ax, ay));
                let one_or_ratio = select_f32(
                    eq_f32(small, splat_f32(f32::INFINITY)),
                    splat_f32(1.0),
                    div_f32(small, large),
                );
                let ratio = select_f32(eq_f32(large, zero_f32()), zero_f32(), one_or_ratio);
                let first = atan_unit(ratio);
                let is_steep = and(ge_f32(ay, ax), gt_f32(large, zero_f32()));
                let right = select_f32(is_steep, sub_f32(splat_f32(std::f32::consts::FRAC_PI_2), first), first);
                let left = sub_f32(splat_f32(std::f32::consts::PI), right);
                let value = select_f32(is_sign_negative_f32(x), left, right);
                let is_nan = or(is_nan_f32(x), is_nan_f32(y));
                select_f32(is_nan, splat_f32(f32::NAN), copysign_f32(value, y))
            }
            /// Arc sine of a number from 0 to ½.
            fn asin_half(a: F32) -> F32 {
                let z = mul_f32(a, a);
                let tail = quartic(z, [0.166_666_73, 0.074_988_55, 0.045_001_38, 0.026_554_542, 0.038_085_025]);
                add_f32(a, mul_f32(mul_f32(a, z), tail))
            }
            /// Arc sine.
            fn asin_f32(a: F32) -> F32 {
                let magnitude = abs_f32(a);
                let is_near_1 = gt_f32(magnitude, splat_f32(0.5));
                let half = sqrt_f32(mul_f32(splat_f32(0.5), sub_f32(splat_f32(1.0), magnitude)));
                let angle = asin_half(select_f32(is_near_1, half, magnitude));
                let near_1 = sub_f32(splat_f32(std::f32::consts::FRAC_PI_2), mul_f32(splat_f32(2.0), angle));
                copysign_f32(select_f32(is_near_1, near_1, angle), a)
            }
            /// Arc cosine.
            fn acos_f32(a: F32) -> F32 {
                let magnitude = abs_f32(a);
                let is_near_1 = gt_f32(magnitude, splat_f32(0.5));
                let half = sqrt_f32(mul_f32(splat_f32(0.5), sub_f32(splat_f32(1.0), magnitude)));
                let angle = asin_half(select_f32(is_near_1, half, magnitude));
                let twice = mul_f32(splat_f32(2.0), angle);
                let is_negative = lt_f32(a, zero_f32());
                let near_1 = select_f32(is_negative, sub_f32(splat_f32(std::f32::consts::PI), twice), twice);
                let middle = sub_f32(splat_f32(std::f32::consts::FRAC_PI_2), copysign_f32(angle, a));
                select_f32(is_near_1, near_1, middle)
            }
        }
    };
}

pub(super) use elementary;
