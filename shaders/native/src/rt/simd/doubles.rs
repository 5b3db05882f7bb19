//! What goes through double precision: powers, operation by operation those of single floats (`rt/elementary.rs`), and
//! divisions of integers, whose quotient is exact.

/// Defines the functions in the module of an instruction set, whose macro compiles functions for it.
macro_rules! doubles {
    ($functions:ident) => {
        $functions! {
            /// A polynomial of degree 2, from the constant coefficient on.
            fn quadratic_f64(z: F64, c: [f64; 3]) -> F64 {
                add_f64(splat_f64(c[0]), mul_f64(z, add_f64(splat_f64(c[1]), mul_f64(z, splat_f64(c[2])))))
            }
            /// A polynomial of degree 3, from the constant coefficient on.
            fn cubic_f64(z: F64, c: [f64; 4]) -> F64 {
                add_f64(splat_f64(c[0]), mul_f64(z, quadratic_f64(z, [c[1], c[2], c[3]])))
            }
            /// `a` to the power of `b`.
            fn pow_f32(a: F32, b: F32) -> F32 {
                let bits = f64_from_f32(a);
                let above_root_half = sub_bits_f64(bits, splat_bits_f64(0x3fe6_a09e_667f_3bcd));
                let exponent = and_bits_f64(above_root_half, splat_bits_f64(0xfff0_0000_0000_0000));
                // The bits of a negative exponent wrap, so it is moved up, and back when it is a double.
                let moved = sub_bits_f64(above_root_half, splat_bits_f64(0x8000_0000_0000_0000));
                let e = or_bits_f64(exponent_bits_f64(moved), splat_f64(TWO_POW_52));
                let e = sub_f64(e, splat_f64(TWO_POW_52 + 2048.0));
                let f = sub_f64(sub_bits_f64(bits, exponent), splat_f64(1.0));
                let s = div_f64(f, add_f64(splat_f64(2.0), f));
                let z = mul_f64(s, s);
                let zz = mul_f64(z, z);
                let even = [2.885_390_081_777_926_8, 0.577_078_016_355_585_4, 0.320_598_897_975_325_2];
                let odd = [0.961_796_693_925_975_6, 0.412_198_583_111_132_4, 0.262_308_189_252_538_8];
                let series = add_f64(quadratic_f64(zz, even), mul_f64(z, quadratic_f64(zz, odd)));
                let log2_a = add_f64(e, mul_f64(s, series));
                let t = mul_f64(f64_from_f32(b), log2_a);
                let t = min_number_f64(splat_f64(200.0), max_number_f64(splat_f64(-200.0), t));
                // The integer is in the lowest bits of the sum.
                let n = add_f64(t, splat_f64(1.5 * TWO_POW_52));
                let power = from_exponent_bits_f64(sub_bits_f64(n, splat_bits_f64(1023_u64.wrapping_neg())));
                let f = sub_f64(t, sub_f64(n, splat_f64(1.5 * TWO_POW_52)));
                let ff = mul_f64(f, f);
                let even = [1.0, 0.240_226_506_959_100_7, 0.009_618_129_107_628_477, 0.000_154_035_303_933_816_1];
                let odd = [
                    std::f64::consts::LN_2,
                    0.055_504_108_664_821_58,
                    0.001_333_355_814_642_844_3,
                    1.525_273_380_405_984e-5,
                ];
                let value = add_f64(cubic_f64(ff, even), mul_f64(f, cubic_f64(ff, odd)));
                let of_positive = f32_from_f64(mul_f64(value, power));

                let (zero, infinity) = (zero_f32(), splat_f32(f32::INFINITY));
                let is_zero = eq_f32(a, zero);
                // Zero to a positive power and infinity to a negative one are zero.
                let is_small = or(and(is_zero, gt_f32(b, zero)), and(not(is_zero), lt_f32(b, zero)));
                let of_end = select_f32(is_small, zero, select_f32(is_nan_f32(b), b, infinity));
                let result = select_f32(or(is_zero, eq_f32(a, infinity)), of_end, of_positive);
                let result = select_f32(ge_f32(a, zero), result, splat_f32(f32::NAN));
                select_f32(eq_f32(b, zero), splat_f32(1.0), result)
            }

            /// The integer of which `a`, with less than 2^32 in magnitude, is the double; negative ones wrap.
            fn u32_of_integer(a: F64) -> U32 { low_bits_f64(add_f64(a, splat_f64(1.5 * TWO_POW_52))) }
            /// `a / b` towards zero; `a` where `b` is zero.
            fn div_u32(a: U32, b: U32) -> U32 {
                // A quotient is further from the next integer than the error of the division.
                let quotient = u32_of_integer(trunc_f64(div_f64(f64_from_u32(a), f64_from_u32(b))));
                select_u32(eq_u32(b, zero_u32()), a, quotient)
            }
            /// `a / b` towards zero; `a` where `b` is zero or the result is too large.
            fn div_i32(a: I32, b: I32) -> I32 {
                let quotient = u32_of_integer(trunc_f64(div_f64(f64_from_i32(a), f64_from_i32(b))));
                select_i32(eq_i32(b, zero_i32()), a, i32_bits_u32(quotient))
            }
            /// `a % b`; zero where `b` is zero.
            fn rem_u32(a: U32, b: U32) -> U32 {
                select_u32(eq_u32(b, zero_u32()), zero_u32(), sub_u32(a, mul_u32(div_u32(a, b), b)))
            }
            /// `a % b` with the sign of `a`; zero where `b` is zero or `a / b` too large.
            fn rem_i32(a: I32, b: I32) -> I32 {
                select_i32(eq_i32(b, zero_i32()), zero_i32(), sub_i32(a, mul_i32(div_i32(a, b), b)))
            }
        }

        /// From here to the next power of two, doubles are exactly the integers.
        const TWO_POW_52: f64 = 4_503_599_627_370_496.0;
    };
}

pub(super) use doubles;
