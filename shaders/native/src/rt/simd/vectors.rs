//! What is built on the operations of registers: of scalars, and of vectors component by component.

/// Defines the functions in the module of an instruction set, whose macro compiles functions for it.
macro_rules! vectors {
    ($functions:ident) => {
        vectors!(@zeros $functions);
        vectors!(@of $functions, f32, F32, f32, Vec2, Vec3, Vec4);
        vectors!(@of $functions, u32, U32, u32, UVec2, UVec3, UVec4);
        vectors!(@of $functions, i32, I32, i32, IVec2, IVec3, IVec4);
        vectors!(@of $functions, bool, Mask, bool, BVec2, BVec3, BVec4);

        $functions! {
            /// Where `a != b`.
            fn ne_u32(a: U32, b: U32) -> Mask { not(eq_u32(a, b)) }
            /// Where `a < b`.
            fn lt_u32(a: U32, b: U32) -> Mask { not(le_u32(b, a)) }
            /// Where `a > b`.
            fn gt_u32(a: U32, b: U32) -> Mask { not(le_u32(a, b)) }
            /// Where `a >= b`.
            fn ge_u32(a: U32, b: U32) -> Mask { le_u32(b, a) }
            /// Where `a != b`.
            fn ne_i32(a: I32, b: I32) -> Mask { not(eq_i32(a, b)) }
            /// Where `a < b`.
            fn lt_i32(a: I32, b: I32) -> Mask { gt_i32(b, a) }
            /// Where `a <= b`.
            fn le_i32(a: I32, b: I32) -> Mask { not(gt_i32(a, b)) }
            /// Where `a >= b`.
            fn ge_i32(a: I32, b: I32) -> Mask { not(gt_i32(b, a)) }
            /// `-a`, wrapping.
            fn neg_i32(a: I32) -> I32 { sub_i32(zero_i32(), a) }
            /// The bits in the opposite order.
            fn reverse_bits_u32(a: U32) -> U32 {
                // Neighbours are exchanged, then pairs of bits, and so on.
                let mut a = a;
                for (n, low) in [(1, 0x5555_5555), (2, 0x3333_3333), (4, 0x0f0f_0f0f), (8, 0x00ff_00ff)] {
                    let (n, low) = (splat_u32(n), splat_u32(low));
                    a = or_u32(and_u32(shr_u32(a, n), low), shl_u32(and_u32(a, low), n));
                }
                or_u32(shr_u32(a, splat_u32(16)), shl_u32(a, splat_u32(16)))
            }
            /// The bits in the opposite order.
            fn reverse_bits_i32(a: I32) -> I32 { i32_bits_u32(reverse_bits_u32(u32_bits_i32(a))) }
            /// -1, 0 or 1.
            fn sign_i32(a: I32) -> I32 {
                let is_positive = select_i32(gt_i32(a, zero_i32()), splat_i32(1), zero_i32());
                select_i32(gt_i32(zero_i32(), a), splat_i32(-1), is_positive)
            }
            /// `min(max(a, low), high)`.
            fn clamp_i32(a: I32, low: I32, high: I32) -> I32 { min_i32(max_i32(a, low), high) }
            /// `min(max(a, low), high)`.
            fn clamp_u32(a: U32, low: U32, high: U32) -> U32 { min_u32(max_u32(a, low), high) }
            /// Whether it is not zero.
            fn bool_from_u32(a: U32) -> Mask { ne_u32(a, zero_u32()) }
            /// Whether it is not zero.
            fn bool_from_i32(a: I32) -> Mask { ne_i32(a, zero_i32()) }
            /// Whether it is not zero.
            fn bool_from_f32(a: F32) -> Mask { ne_f32(a, zero_f32()) }

            /// The smaller one; of a NaN and a number the number.
            fn min_f32(a: F32, b: F32) -> F32 { select_f32(is_nan_f32(b), a, min_number_f32(a, b)) }
            /// The larger one; of a NaN and a number the number.
            fn max_f32(a: F32, b: F32) -> F32 { select_f32(is_nan_f32(b), a, max_number_f32(a, b)) }
            /// `min(max(a, low), high)`; `low` for NaN.
            fn clamp_f32(a: F32, low: F32, high: F32) -> F32 { min_f32(max_f32(a, low), high) }
            /// [`clamp_f32`] between two numbers.
            fn clamp_number_f32(a: F32, low: F32, high: F32) -> F32 {
                min_number_f32(max_number_f32(a, low), high)
            }
            /// `a` between 0 and 1; 0 of NaN.
            fn saturate_f32(a: F32) -> F32 { clamp_number_f32(a, zero_f32(), splat_f32(1.0)) }
            /// `a - floor(a)`.
            fn fract_f32(a: F32) -> F32 { sub_f32(a, floor_f32(a)) }
            /// -1, 0 or 1; 0 of NaN.
            fn sign_f32(a: F32) -> F32 {
                let is_negative = select_f32(lt_f32(a, zero_f32()), splat_f32(-1.0), zero_f32());
                select_f32(gt_f32(a, zero_f32()), splat_f32(1.0), is_negative)
            }
            /// The reciprocal of the square root.
            fn inverse_sqrt_f32(a: F32) -> F32 { div_f32(splat_f32(1.0), sqrt_f32(a)) }
            /// Degrees to radians.
            fn radians_f32(a: F32) -> F32 { mul_f32(a, splat_f32(std::f32::consts::PI / 180.0)) }
            /// Radians to degrees.
            fn degrees_f32(a: F32) -> F32 { mul_f32(a, splat_f32(180.0 / std::f32::consts::PI)) }
            /// 1 where `edge <= a`, and 0 elsewhere.
            fn step_f32(edge: F32, a: F32) -> F32 { f32_from_bool(le_f32(edge, a)) }
            /// What is left of `a`, with its sign, after as many whole `b` as fit.
            fn rem_f32(a: F32, b: F32) -> F32 { sub_f32(a, mul_f32(b, trunc_f32(div_f32(a, b)))) }
            /// `a * b + c`, rounded twice.
            fn fma_f32(a: F32, b: F32, c: F32) -> F32 { add_f32(mul_f32(a, b), c) }
            /// `a * (1 - t) + b * t`.
            fn mix_f32(a: F32, b: F32, t: F32) -> F32 {
                add_f32(mul_f32(a, sub_f32(splat_f32(1.0), t)), mul_f32(b, t))
            }
            /// Hermite interpolation between 0 at `low` and 1 at `high`.
            fn smoothstep_f32(low: F32, high: F32, a: F32) -> F32 {
                let t = saturate_f32(div_f32(sub_f32(a, low), sub_f32(high, low)));
                mul_f32(mul_f32(t, t), sub_f32(splat_f32(3.0), mul_f32(splat_f32(2.0), t)))
            }

            /// Scalar product.
            fn dot2(a: V2<F32>, b: V2<F32>) -> F32 { add_f32(mul_f32(a.x, b.x), mul_f32(a.y, b.y)) }
            /// Scalar product.
            fn dot3(a: V3<F32>, b: V3<F32>) -> F32 {
                add_f32(add_f32(mul_f32(a.x, b.x), mul_f32(a.y, b.y)), mul_f32(a.z, b.z))
            }
            /// Scalar product.
            fn dot4(a: V4<F32>, b: V4<F32>) -> F32 {
                let three = add_f32(add_f32(mul_f32(a.x, b.x), mul_f32(a.y, b.y)), mul_f32(a.z, b.z));
                add_f32(three, mul_f32(a.w, b.w))
            }
            /// Vector product.
            fn cross3(a: V3<F32>, b: V3<F32>) -> V3<F32> {
                V3 {
                    x: sub_f32(mul_f32(a.y, b.z), mul_f32(b.y, a.z)),
                    y: sub_f32(mul_f32(a.z, b.x), mul_f32(b.z, a.x)),
                    z: sub_f32(mul_f32(a.x, b.y), mul_f32(b.x, a.y)),
                }
            }
            /// Length.
            fn length2(a: V2<F32>) -> F32 { sqrt_f32(dot2(a, a)) }
            /// Length.
            fn length3(a: V3<F32>) -> F32 { sqrt_f32(dot3(a, a)) }
            /// Length.
            fn length4(a: V4<F32>) -> F32 { sqrt_f32(dot4(a, a)) }
            /// Length of the difference.
            fn distance2(a: V2<F32>, b: V2<F32>) -> F32 {
                length2(V2 { x: sub_f32(a.x, b.x), y: sub_f32(a.y, b.y) })
            }
            /// Length of the difference.
            fn distance3(a: V3<F32>, b: V3<F32>) -> F32 {
                length3(V3 { x: sub_f32(a.x, b.x), y: sub_f32(a.y, b.y), z: sub_f32(a.z, b.z) })
            }
            /// Length of the difference.
            fn distance4(a: V4<F32>, b: V4<F32>) -> F32 {
                length4(V4 {
                    x: sub_f32(a.x, b.x),
                    y: sub_f32(a.y, b.y),
                    z: sub_f32(a.z, b.z),
                    w: sub_f32(a.w, b.w),
                })
            }
            /// The vector of length 1 in the direction of `a`; NaN for the zero vector.
            fn normalize2(a: V2<F32>) -> V2<F32> {
                let scale = div_f32(splat_f32(1.0), length2(a));
                V2 { x: mul_f32(a.x, scale), y: mul_f32(a.y, scale) }
            }
            /// The vector of length 1 in the direction of `a`; NaN for the zero vector.
            fn normalize3(a: V3<F32>) -> V3<F32> {
                let scale = div_f32(splat_f32(1.0), length3(a));
                V3 { x: mul_f32(a.x, scale), y: mul_f32(a.y, scale), z: mul_f32(a.z, scale) }
            }
            /// The vector of length 1 in the direction of `a`; NaN for the zero vector.
            fn normalize4(a: V4<F32>) -> V4<F32> {
                let scale = div_f32(splat_f32(1.0), length4(a));
                V4 {
                    x: mul_f32(a.x, scale),
                    y: mul_f32(a.y, scale),
                    z: mul_f32(a.z, scale),
                    w: mul_f32(a.w, scale),
                }
            }

            /// Four floats in [0, 1] of integers 0 to 255.
            fn unpack4x8unorm(a: U32) -> V4<F32> {
                let scale = splat_f32(255.0);
                let byte = splat_u32(0xff);
                V4 {
                    x: div_f32(f32_from_i32(i32_bits_u32(and_u32(a, byte))), scale),
                    y: div_f32(f32_from_i32(i32_bits_u32(and_u32(shr_u32(a, splat_u32(8)), byte))), scale),
                    z: div_f32(f32_from_i32(i32_bits_u32(and_u32(shr_u32(a, splat_u32(16)), byte))), scale),
                    w: div_f32(f32_from_i32(i32_bits_u32(shr_u32(a, splat_u32(24)))), scale),
                }
            }
            /// The float that equals the half float in the lowest 16 bits.
            fn float_from_half(half: U32) -> F32 {
                let sign = shl_u32(and_u32(half, splat_u32(0x8000)), splat_u32(16));
                let bits = shl_u32(and_u32(half, splat_u32(0x7fff)), splat_u32(13));
                let infinite = f32_bits_u32(or_u32(bits, splat_u32(0x7f80_0000)));
                let fraction = f32_from_i32(i32_bits_u32(and_u32(half, splat_u32(0x03ff))));
                let subnormal = mul_f32(fraction, splat_f32(1.0 / 16_777_216.0));
                let normal = f32_bits_u32(add_u32(bits, splat_u32(112 << 23)));
                let finite = select_f32(lt_u32(bits, splat_u32(0x0400 << 13)), subnormal, normal);
                let magnitude = select_f32(ge_u32(bits, splat_u32(0x7c00 << 13)), infinite, finite);
                f32_bits_u32(or_u32(u32_bits_f32(magnitude), sign))
            }
            /// Two floats of two half floats.
            fn unpack2x16float(a: U32) -> V2<F32> {
                V2 {
                    x: float_from_half(and_u32(a, splat_u32(0xffff))),
                    y: float_from_half(shr_u32(a, splat_u32(16))),
                }
            }
            /// Two floats in [0, 1] of integers 0 to 65535.
            fn unpack2x16unorm(a: U32) -> V2<F32> {
                let scale = splat_f32(65535.0);
                V2 {
                    x: div_f32(f32_from_i32(i32_bits_u32(and_u32(a, splat_u32(0xffff)))), scale),
                    y: div_f32(f32_from_i32(i32_bits_u32(shr_u32(a, splat_u32(16)))), scale),
                }
            }
            /// Two floats in [-1, 1] of integers -32767 to 32767; -32768 is -1 too.
            fn unpack2x16snorm(a: U32) -> V2<F32> {
                let (scale, lowest) = (splat_f32(32767.0), splat_f32(-1.0));
                let (low, high) = (i32_bits_u32(shl_u32(a, splat_u32(16))), i32_bits_u32(a));
                let low = f32_from_i32(shr_i32(low, splat_u32(16)));
                let high = f32_from_i32(shr_i32(high, splat_u32(16)));
                V2 {
                    x: max_number_f32(div_f32(low, scale), lowest),
                    y: max_number_f32(div_f32(high, scale), lowest),
                }
            }

            /// The elements that the lanes of `mask` choose, of which there is at least one; other lanes get one of
            /// these.
            ///
            /// # Panics
            /// When there is no such element.
            fn rows<'a, T; At>(mask: Mask, all: &'a [T], at: U32) -> Rows<'a, T, N_LANES> {
                let first = array_u32(at)[bits(mask).trailing_zeros() as usize % N_LANES];
                let spare = splat_u32(first);
                let at = select_u32(mask, at, spare);
                let n = u32::try_from(all.len()).unwrap_or(u32::MAX);
                assert!(!any(ge_u32(at, splat_u32(n))), "an index beyond a buffer");
                let mut of = [&all[first as usize]; N_LANES];
                let same = !any(ne_u32(at, spare));
                // As for a lamp in a loop over lamps: then no address is computed for each lane.
                if same {
                    return Rows { of, same };
                }
                for (row, at) in of.iter_mut().zip(array_u32(at)) {
                    // SAFETY: each index is below the length.
                    #[expect(unsafe_code, reason = "a test for each lane would take longer than the loads")]
                    let found = unsafe { all.get_unchecked(at as usize) };
                    *row = found;
                }
                Rows { of, same }
            }
            /// As [`rows`], each element with the one that follows it.
            ///
            /// # Panics
            /// When there is no such element, or none that follows.
            fn neighbours<'a, T>(mask: Mask, all: &'a [T], at: U32) -> Rows<'a, [T; 2], N_LANES> {
                let first = array_u32(at)[bits(mask).trailing_zeros() as usize % N_LANES];
                let spare = splat_u32(first);
                let at = select_u32(mask, at, spare);
                let (pairs, n) = (all.as_ptr(), u32::try_from(all.len().saturating_sub(1)).unwrap_or(u32::MAX));
                assert!(!any(ge_u32(at, splat_u32(n))), "an index beyond a buffer");
                let of = array_u32(at).map(|at| {
                    // SAFETY: each index is below that of the last element, and arrays have no padding.
                    #[expect(unsafe_code, reason = "a test for each lane would take longer than the loads")]
                    let found = unsafe { &*pairs.add(at as usize).cast::<[T; 2]>() };
                    found
                });
                Rows { of, same: !any(ne_u32(at, spare)) }
            }
            /// Both words of each row.
            fn two_words<T: bytemuck::Pod>(rows: &Rows<'_, T, N_LANES>) -> V2<F32> {
                if rows.same {
                    let [x, y]: [f32; 2] = bytemuck::cast(*rows.of[0]);
                    return V2 { x: splat_f32(x), y: splat_f32(y) };
                }
                let [x, y] = halves(rows.of.map(|row| bytemuck::pod_read_unaligned(bytemuck::bytes_of(row))));
                V2 { x, y }
            }
            /// Words `at` to `at + 4` of each row, which has `W`. `At` is a [`Site`].
            fn quad<T: bytemuck::Pod; At, const W: usize>(rows: &Rows<'_, T, N_LANES>, at: usize) -> V4<F32> {
                if rows.same {
                    let words: &[f32; W] = bytemuck::cast_ref(rows.of[0]);
                    return V4 {
                        x: splat_f32(words[at]),
                        y: splat_f32(words[at + 1]),
                        z: splat_f32(words[at + 2]),
                        w: splat_f32(words[at + 3]),
                    };
                }
                let [x, y, z, w] = four_words::<T, W>(rows.of, at);
                V4 { x, y, z, w }
            }
            /// Word `at` of each row, which has `W`.
            fn word<T: bytemuck::Pod, const W: usize>(rows: &Rows<'_, T, N_LANES>, at: usize) -> F32 {
                if rows.same {
                    let words: &[f32; W] = bytemuck::cast_ref(rows.of[0]);
                    return splat_f32(words[at]);
                }
                let mut words = [0.0; N_LANES];
                for (word, row) in words.iter_mut().zip(rows.of) {
                    *word = bytemuck::cast_ref::<T, [f32; W]>(row)[at];
                }
                f32_of(words)
            }
            /// Words `at` to `at + 4` of each row, which has `W`; words behind the last one are zero.
            fn four_words<T: bytemuck::Pod, const W: usize>(rows: [&T; N_LANES], at: usize) -> [F32; 4] {
                let mut quads = [[0.0; 4]; N_LANES];
                for (quad, row) in quads.iter_mut().zip(rows) {
                    let words: &[f32; W] = bytemuck::cast_ref(row);
                    for (i, word) in quad.iter_mut().enumerate() {
                        *word = if at + i < W { words[at + i] } else { 0.0 };
                    }
                }
                transposed(quads_of(quads))
            }
            /// A row for each lane, of `Q` times four registers with a word each.
            fn each_row<T, const Q: usize>(words: [[F32; 4]; Q]) -> EachRow<T, Q, { N_LANES / 4 }> {
                EachRow::new(words.map(|words| transposed(words).map(|quads| bytemuck::cast(array_f32(quads)))))
            }
        }

        vectors!(@by_lane $functions);
    };
    (@zeros $functions:ident) => {
        $functions! {
            /// Zero in all lanes.
            fn zero_f32() -> F32 { splat_f32(0.0) }
            /// Zero in all lanes.
            fn zero_u32() -> U32 { splat_u32(0) }
            /// Zero in all lanes.
            fn zero_i32() -> I32 { splat_i32(0) }
            /// False in all lanes.
            fn zero_bool() -> Mask { no_lanes() }
        }
    };
    // Functions of one type of scalars and its vectors.
    (@of $functions:ident, f32, $($rest:tt)*) => {
        vectors!(@named $functions, $($rest)*, splat_f32 f32_of select_f32, splat2_f32 splat3_f32 splat4_f32,
            f32_of2 f32_of3 f32_of4, select2_f32 select3_f32 select4_f32);
    };
    (@of $functions:ident, u32, $($rest:tt)*) => {
        vectors!(@named $functions, $($rest)*, splat_u32 u32_of select_u32, splat2_u32 splat3_u32 splat4_u32,
            u32_of2 u32_of3 u32_of4, select2_u32 select3_u32 select4_u32);
    };
    (@of $functions:ident, i32, $($rest:tt)*) => {
        vectors!(@named $functions, $($rest)*, splat_i32 i32_of select_i32, splat2_i32 splat3_i32 splat4_i32,
            i32_of2 i32_of3 i32_of4, select2_i32 select3_i32 select4_i32);
    };
    (@of $functions:ident, bool, $($rest:tt)*) => {
        vectors!(@named $functions, $($rest)*, splat_bool bool_of select_bool, splat2_bool splat3_bool splat4_bool,
            bool_of2 bool_of3 bool_of4, select2_bool select3_bool select4_bool);
    };
    (@named $functions:ident, $lanes:ident, $scalar:ident, $v2:ident, $v3:ident, $v4:ident,
        $splat:ident $of:ident $select:ident, $splat2:ident $splat3:ident $splat4:ident,
        $of2:ident $of3:ident $of4:ident, $select2:ident $select3:ident $select4:ident) => {
        $functions! {
            /// The same in all lanes.
            fn $splat2(a: glam::$v2) -> V2<$lanes> { V2 { x: $splat(a.x), y: $splat(a.y) } }
            /// The same in all lanes.
            fn $splat3(a: glam::$v3) -> V3<$lanes> { V3 { x: $splat(a.x), y: $splat(a.y), z: $splat(a.z) } }
            /// The same in all lanes.
            fn $splat4(a: glam::$v4) -> V4<$lanes> {
                V4 { x: $splat(a.x), y: $splat(a.y), z: $splat(a.z), w: $splat(a.w) }
            }
            /// From one for each lane.
            fn $of2(a: [glam::$v2; N_LANES]) -> V2<$lanes> {
                V2 { x: $of(a.map(|a| a.x)), y: $of(a.map(|a| a.y)) }
            }
            /// From one for each lane.
            fn $of3(a: [glam::$v3; N_LANES]) -> V3<$lanes> {
                V3 { x: $of(a.map(|a| a.x)), y: $of(a.map(|a| a.y)), z: $of(a.map(|a| a.z)) }
            }
            /// From one for each lane.
            fn $of4(a: [glam::$v4; N_LANES]) -> V4<$lanes> {
                V4 { x: $of(a.map(|a| a.x)), y: $of(a.map(|a| a.y)), z: $of(a.map(|a| a.z)), w: $of(a.map(|a| a.w)) }
            }
            /// `a` in the lanes of `mask`, and `b` in the others.
            fn $select2(mask: Mask, a: V2<$lanes>, b: V2<$lanes>) -> V2<$lanes> {
                V2 { x: $select(mask, a.x, b.x), y: $select(mask, a.y, b.y) }
            }
            /// `a` in the lanes of `mask`, and `b` in the others.
            fn $select3(mask: Mask, a: V3<$lanes>, b: V3<$lanes>) -> V3<$lanes> {
                V3 { x: $select(mask, a.x, b.x), y: $select(mask, a.y, b.y), z: $select(mask, a.z, b.z) }
            }
            /// `a` in the lanes of `mask`, and `b` in the others.
            fn $select4(mask: Mask, a: V4<$lanes>, b: V4<$lanes>) -> V4<$lanes> {
                V4 {
                    x: $select(mask, a.x, b.x),
                    y: $select(mask, a.y, b.y),
                    z: $select(mask, a.z, b.z),
                    w: $select(mask, a.w, b.w),
                }
            }
        }
    };
    // Rare operations, a lane after the other.
    (@by_lane $functions:ident) => {
        vectors!(@unary $functions, u32_of array_u32, U32, count_one_bits_u32 count_one_bits,
            count_leading_zeros_u32 count_leading_zeros, count_trailing_zeros_u32 count_trailing_zeros,
            first_leading_bit_u32 first_leading_bit, first_trailing_bit_u32 first_trailing_bit);
        vectors!(@unary $functions, i32_of array_i32, I32, count_one_bits_i32 count_one_bits,
            count_leading_zeros_i32 count_leading_zeros, count_trailing_zeros_i32 count_trailing_zeros,
            first_leading_bit_i32 first_leading_bit, first_trailing_bit_i32 first_trailing_bit);
        vectors!(@unary $functions, f32_of array_f32, F32, tan_f32 tan, sin_f32 sin, cos_f32 cos);
    };
    (@unary $functions:ident, $of:ident $array:ident, $lanes:ident, $($name:ident $single:ident),*) => {
        $functions! {$(
            #[doc = concat!("[`", stringify!($single), "`](crate::rt::", stringify!($single), "()).")]
            fn $name(a: $lanes) -> $lanes { $of($array(a).map(crate::rt::$single)) }
        )*}
    };
}

pub(super) use vectors;
