//! Sixteen lanes in the registers of AVX-512.

#![expect(clippy::missing_safety_doc, reason = "callers without the instruction set need `unsafe`, the others nothing")]

use std::arch::x86_64::*;

use super::doubles::doubles;
use super::elementary::elementary;
use super::vectors::vectors;
pub use super::{EachRow, Rows, Site, V2, V3, V4};

/// How many lanes a register has.
pub const N_LANES: usize = 16;

/// Sixteen floats.
#[derive(Clone, Copy, Debug)]
pub struct F32(__m512);
/// Sixteen unsigned integers.
#[derive(Clone, Copy, Debug)]
pub struct U32(__m512i);
/// Sixteen signed integers.
#[derive(Clone, Copy, Debug)]
pub struct I32(__m512i);
/// Sixteen doubles, for functions of floats and integers that go through double precision.
#[derive(Clone, Copy, Debug)]
pub struct F64([__m512d; 2]);
/// Sixteen booleans, a bit for each lane.
#[derive(Clone, Copy, Debug)]
pub struct Mask(__mmask16);

/// Functions that are compiled for AVX-512.
macro_rules! functions {
    ($($functions:tt)*) => {
        super::compiled!("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt", $($functions)*);
    };
}

functions! {
    /// Four words of each of sixteen rows in four registers: row `k` is in register `k % 4`, in its quarter `k / 4`.
    fn quads_of(rows: [[f32; 4]; N_LANES]) -> [F32; 4] {
        let rows: [__m128; N_LANES] = bytemuck::cast(rows);
        std::array::from_fn(|i| {
            let lower = _mm512_castps256_ps512(_mm256_set_m128(rows[i + 4], rows[i]));
            F32(_mm512_insertf32x8::<1>(lower, _mm256_set_m128(rows[i + 12], rows[i + 8])))
        })
    }
    /// Transposes the four words of each row: those of [`quads_of`] to a register for each word, and back.
    fn transposed(quads: [F32; 4]) -> [F32; 4] {
        let [a, b, c, d] = quads.map(|quad| quad.0);
        let (ab, cd) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
        let (ab_high, cd_high) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
        [
            F32(_mm512_shuffle_ps::<0x44>(ab, cd)),
            F32(_mm512_shuffle_ps::<0xee>(ab, cd)),
            F32(_mm512_shuffle_ps::<0x44>(ab_high, cd_high)),
            F32(_mm512_shuffle_ps::<0xee>(ab_high, cd_high)),
        ]
    }
    /// The lower and the upper 32 bits of each double, whatever they mean.
    fn halves(doubles: [f64; N_LANES]) -> [F32; 2] {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = doubles;
        let low = _mm512_castpd_ps(_mm512_setr_pd(a, b, c, d, e, f, g, h));
        let high = _mm512_castpd_ps(_mm512_setr_pd(i, j, k, l, m, n, o, p));
        let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        let odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
        [F32(_mm512_permutex2var_ps(low, even, high)), F32(_mm512_permutex2var_ps(low, odd, high))]
    }
    /// No lane.
    fn no_lanes() -> Mask { Mask(0) }
    /// The first `n` lanes.
    fn first_lanes(n: usize) -> Mask { Mask(((1u32 << n.min(N_LANES)) - 1) as u16) }
    /// A bit for each lane.
    fn bits(a: Mask) -> u32 { u32::from(a.0) }
    /// Whether it is true in any lane.
    fn any(a: Mask) -> bool { bits(a) != 0 }
    /// In which lanes both are true.
    fn and(a: Mask, b: Mask) -> Mask { Mask(a.0 & b.0) }
    /// In which lanes `b` is true and `a` is not.
    fn and_not(a: Mask, b: Mask) -> Mask { Mask(!a.0 & b.0) }
    /// In which lanes either is true.
    fn or(a: Mask, b: Mask) -> Mask { Mask(a.0 | b.0) }
    /// In which lanes exactly one is true.
    fn xor_bool(a: Mask, b: Mask) -> Mask { Mask(a.0 ^ b.0) }
    /// In which lanes it is not true.
    fn not(a: Mask) -> Mask { Mask(!a.0) }
    /// In which lanes both are the same.
    fn eq_bool(a: Mask, b: Mask) -> Mask { Mask(!(a.0 ^ b.0)) }
    /// In which lanes they differ.
    fn ne_bool(a: Mask, b: Mask) -> Mask { xor_bool(a, b) }

    /// The same in all lanes.
    fn splat_f32(a: f32) -> F32 { F32(_mm512_set1_ps(a)) }
    /// The same in all lanes.
    fn splat_u32(a: u32) -> U32 { U32(_mm512_set1_epi32(a as i32)) }
    /// The same in all lanes.
    fn splat_i32(a: i32) -> I32 { I32(_mm512_set1_epi32(a)) }
    /// The same in all lanes.
    fn splat_bool(a: bool) -> Mask { Mask(u16::from(a).wrapping_neg()) }

    /// From one for each lane.
    fn f32_of(a: [f32; N_LANES]) -> F32 { F32(bytemuck::cast(a)) }
    /// From one for each lane.
    fn u32_of(a: [u32; N_LANES]) -> U32 { U32(bytemuck::cast(a)) }
    /// From one for each lane.
    fn i32_of(a: [i32; N_LANES]) -> I32 { I32(bytemuck::cast(a)) }
    /// From one for each lane.
    fn bool_of(a: [bool; N_LANES]) -> Mask {
        Mask((0..N_LANES).fold(0, |bits, k| bits | u16::from(a[k]) << k))
    }

    /// One for each lane.
    fn array_f32(a: F32) -> [f32; N_LANES] { bytemuck::cast(a.0) }
    /// One for each lane.
    fn array_u32(a: U32) -> [u32; N_LANES] { bytemuck::cast(a.0) }
    /// One for each lane.
    fn array_i32(a: I32) -> [i32; N_LANES] { bytemuck::cast(a.0) }
    /// `a` in the lanes of `mask`, and `b` in the others.
    fn select_f32(mask: Mask, a: F32, b: F32) -> F32 { F32(_mm512_mask_blend_ps(mask.0, b.0, a.0)) }
    /// `a` in the lanes of `mask`, and `b` in the others.
    fn select_u32(mask: Mask, a: U32, b: U32) -> U32 { U32(_mm512_mask_blend_epi32(mask.0, b.0, a.0)) }
    /// `a` in the lanes of `mask`, and `b` in the others.
    fn select_i32(mask: Mask, a: I32, b: I32) -> I32 { I32(_mm512_mask_blend_epi32(mask.0, b.0, a.0)) }
    /// `a` in the lanes of `mask`, and `b` in the others.
    fn select_bool(mask: Mask, a: Mask, b: Mask) -> Mask { Mask(mask.0 & a.0 | !mask.0 & b.0) }

    /// `a + b`.
    fn add_f32(a: F32, b: F32) -> F32 { F32(_mm512_add_ps(a.0, b.0)) }
    /// `a - b`.
    fn sub_f32(a: F32, b: F32) -> F32 { F32(_mm512_sub_ps(a.0, b.0)) }
    /// `a * b`.
    fn mul_f32(a: F32, b: F32) -> F32 { F32(_mm512_mul_ps(a.0, b.0)) }
    /// `a / b`.
    fn div_f32(a: F32, b: F32) -> F32 { F32(_mm512_div_ps(a.0, b.0)) }
    /// `-a`.
    fn neg_f32(a: F32) -> F32 { F32(_mm512_xor_ps(a.0, _mm512_set1_ps(-0.0))) }
    /// Magnitude.
    fn abs_f32(a: F32) -> F32 { F32(_mm512_andnot_ps(_mm512_set1_ps(-0.0), a.0)) }
    /// Square root.
    fn sqrt_f32(a: F32) -> F32 { F32(_mm512_sqrt_ps(a.0)) }
    /// The largest integer not above `a`.
    fn floor_f32(a: F32) -> F32 { F32(_mm512_roundscale_ps::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(a.0)) }
    /// The smallest integer not below `a`.
    fn ceil_f32(a: F32) -> F32 { F32(_mm512_roundscale_ps::<{ _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC }>(a.0)) }
    /// The integer towards zero.
    fn trunc_f32(a: F32) -> F32 { F32(_mm512_roundscale_ps::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(a.0)) }
    /// The nearest integer, the even one of two at equal distance.
    fn round_f32(a: F32) -> F32 {
        F32(_mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a.0))
    }
    /// Magnitude of `a` with the sign of `b`.
    fn copysign_f32(a: F32, b: F32) -> F32 {
        let sign = _mm512_set1_ps(-0.0);
        F32(_mm512_or_ps(_mm512_andnot_ps(sign, a.0), _mm512_and_ps(sign, b.0)))
    }
    /// Whether the sign bit is set.
    fn is_sign_negative_f32(a: F32) -> Mask { Mask(_mm512_movepi32_mask(_mm512_castps_si512(a.0))) }
    /// Where `a` is not a number.
    fn is_nan_f32(a: F32) -> Mask { Mask(_mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a.0, a.0)) }
    /// Where `a == b`.
    fn eq_f32(a: F32, b: F32) -> Mask { Mask(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a.0, b.0)) }
    /// Where `a != b`.
    fn ne_f32(a: F32, b: F32) -> Mask { Mask(_mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(a.0, b.0)) }
    /// Where `a < b`.
    fn lt_f32(a: F32, b: F32) -> Mask { Mask(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a.0, b.0)) }
    /// Where `a <= b`.
    fn le_f32(a: F32, b: F32) -> Mask { Mask(_mm512_cmp_ps_mask::<_CMP_LE_OQ>(a.0, b.0)) }
    /// Where `a > b`.
    fn gt_f32(a: F32, b: F32) -> Mask { Mask(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a.0, b.0)) }
    /// Where `a >= b`.
    fn ge_f32(a: F32, b: F32) -> Mask { Mask(_mm512_cmp_ps_mask::<_CMP_GE_OQ>(a.0, b.0)) }
    /// The smaller of a float and one that is a number.
    fn min_number_f32(a: F32, b: F32) -> F32 { F32(_mm512_min_ps(a.0, b.0)) }
    /// The larger of a float and one that is a number.
    fn max_number_f32(a: F32, b: F32) -> F32 { F32(_mm512_max_ps(a.0, b.0)) }

    /// `a + b`, wrapping.
    fn add_u32(a: U32, b: U32) -> U32 { U32(_mm512_add_epi32(a.0, b.0)) }
    /// `a - b`, wrapping.
    fn sub_u32(a: U32, b: U32) -> U32 { U32(_mm512_sub_epi32(a.0, b.0)) }
    /// `a * b`, wrapping.
    fn mul_u32(a: U32, b: U32) -> U32 { U32(_mm512_mullo_epi32(a.0, b.0)) }
    /// Bits of both.
    fn and_u32(a: U32, b: U32) -> U32 { U32(_mm512_and_si512(a.0, b.0)) }
    /// Bits of either.
    fn or_u32(a: U32, b: U32) -> U32 { U32(_mm512_or_si512(a.0, b.0)) }
    /// Bits of exactly one.
    fn xor_u32(a: U32, b: U32) -> U32 { U32(_mm512_xor_si512(a.0, b.0)) }
    /// The other bits.
    fn not_u32(a: U32) -> U32 { U32(_mm512_xor_si512(a.0, _mm512_set1_epi32(-1))) }
    /// `a << b % 32`.
    fn shl_u32(a: U32, b: U32) -> U32 { U32(_mm512_sllv_epi32(a.0, _mm512_and_si512(b.0, _mm512_set1_epi32(31)))) }
    /// `a >> b % 32`.
    fn shr_u32(a: U32, b: U32) -> U32 { U32(_mm512_srlv_epi32(a.0, _mm512_and_si512(b.0, _mm512_set1_epi32(31)))) }
    /// Where `a == b`.
    fn eq_u32(a: U32, b: U32) -> Mask { Mask(_mm512_cmpeq_epu32_mask(a.0, b.0)) }
    /// Where `a <= b`.
    fn le_u32(a: U32, b: U32) -> Mask { Mask(_mm512_cmple_epu32_mask(a.0, b.0)) }
    /// The smaller one.
    fn min_u32(a: U32, b: U32) -> U32 { U32(_mm512_min_epu32(a.0, b.0)) }
    /// The larger one.
    fn max_u32(a: U32, b: U32) -> U32 { U32(_mm512_max_epu32(a.0, b.0)) }

    /// `a + b`, wrapping.
    fn add_i32(a: I32, b: I32) -> I32 { I32(_mm512_add_epi32(a.0, b.0)) }
    /// `a - b`, wrapping.
    fn sub_i32(a: I32, b: I32) -> I32 { I32(_mm512_sub_epi32(a.0, b.0)) }
    /// `a * b`, wrapping.
    fn mul_i32(a: I32, b: I32) -> I32 { I32(_mm512_mullo_epi32(a.0, b.0)) }
    /// Bits of both.
    fn and_i32(a: I32, b: I32) -> I32 { I32(_mm512_and_si512(a.0, b.0)) }
    /// Bits of either.
    fn or_i32(a: I32, b: I32) -> I32 { I32(_mm512_or_si512(a.0, b.0)) }
    /// Bits of exactly one.
    fn xor_i32(a: I32, b: I32) -> I32 { I32(_mm512_xor_si512(a.0, b.0)) }
    /// The other bits.
    fn not_i32(a: I32) -> I32 { I32(_mm512_xor_si512(a.0, _mm512_set1_epi32(-1))) }
    /// `a << b % 32`.
    fn shl_i32(a: I32, b: U32) -> I32 { I32(_mm512_sllv_epi32(a.0, _mm512_and_si512(b.0, _mm512_set1_epi32(31)))) }
    /// `a >> b % 32`, copying the sign.
    fn shr_i32(a: I32, b: U32) -> I32 { I32(_mm512_srav_epi32(a.0, _mm512_and_si512(b.0, _mm512_set1_epi32(31)))) }
    /// Where `a == b`.
    fn eq_i32(a: I32, b: I32) -> Mask { Mask(_mm512_cmpeq_epi32_mask(a.0, b.0)) }
    /// Where `a > b`.
    fn gt_i32(a: I32, b: I32) -> Mask { Mask(_mm512_cmpgt_epi32_mask(a.0, b.0)) }
    /// The smaller one.
    fn min_i32(a: I32, b: I32) -> I32 { I32(_mm512_min_epi32(a.0, b.0)) }
    /// The larger one.
    fn max_i32(a: I32, b: I32) -> I32 { I32(_mm512_max_epi32(a.0, b.0)) }
    /// Magnitude; the most negative number stays what it is.
    fn abs_i32(a: I32) -> I32 { I32(_mm512_abs_epi32(a.0)) }

    /// The same bits.
    fn u32_bits_f32(a: F32) -> U32 { U32(_mm512_castps_si512(a.0)) }
    /// The same bits.
    fn i32_bits_f32(a: F32) -> I32 { I32(_mm512_castps_si512(a.0)) }
    /// The same bits.
    fn f32_bits_u32(a: U32) -> F32 { F32(_mm512_castsi512_ps(a.0)) }
    /// The same bits.
    fn f32_bits_i32(a: I32) -> F32 { F32(_mm512_castsi512_ps(a.0)) }
    /// The same bits.
    fn i32_bits_u32(a: U32) -> I32 { I32(a.0) }
    /// The same bits.
    fn u32_bits_i32(a: I32) -> U32 { U32(a.0) }
    /// The same number, or what wraps to it.
    fn i32_from_u32(a: U32) -> I32 { I32(a.0) }
    /// The same number, or what wraps to it.
    fn u32_from_i32(a: I32) -> U32 { U32(a.0) }
    /// The nearest float.
    fn f32_from_i32(a: I32) -> F32 { F32(_mm512_cvtepi32_ps(a.0)) }
    /// The nearest float.
    fn f32_from_u32(a: U32) -> F32 { F32(_mm512_cvtepu32_ps(a.0)) }
    /// 1 for true.
    fn f32_from_bool(a: Mask) -> F32 { F32(_mm512_maskz_mov_ps(a.0, _mm512_set1_ps(1.0))) }
    /// 1 for true.
    fn u32_from_bool(a: Mask) -> U32 { U32(_mm512_maskz_mov_epi32(a.0, _mm512_set1_epi32(1))) }
    /// 1 for true.
    fn i32_from_bool(a: Mask) -> I32 { I32(_mm512_maskz_mov_epi32(a.0, _mm512_set1_epi32(1))) }
    /// The integer towards zero, and at most so large that it is a float too.
    fn i32_from_f32(a: F32) -> I32 {
        // Of a NaN, as of what is too large, the largest.
        let a = min_number_f32(a, splat_f32(2_147_483_520.0));
        // What is too small becomes the smallest.
        I32(_mm512_cvttps_epi32(a.0))
    }
    /// The integer towards zero, and at most so large that it is a float too.
    fn u32_from_f32(a: F32) -> U32 {
        let a = max_number_f32(min_number_f32(a, splat_f32(4_294_967_040.0)), splat_f32(0.0));
        U32(_mm512_cvttps_epu32(a.0))
    }

    /// The same in all lanes.
    fn splat_f64(a: f64) -> F64 { F64([_mm512_set1_pd(a); 2]) }
    /// These bits in all lanes.
    fn splat_bits_f64(a: u64) -> F64 { F64([_mm512_castsi512_pd(_mm512_set1_epi64(a as i64)); 2]) }
    /// `a + b`.
    fn add_f64(a: F64, b: F64) -> F64 { F64([_mm512_add_pd(a.0[0], b.0[0]), _mm512_add_pd(a.0[1], b.0[1])]) }
    /// `a - b`.
    fn sub_f64(a: F64, b: F64) -> F64 { F64([_mm512_sub_pd(a.0[0], b.0[0]), _mm512_sub_pd(a.0[1], b.0[1])]) }
    /// `a * b`.
    fn mul_f64(a: F64, b: F64) -> F64 { F64([_mm512_mul_pd(a.0[0], b.0[0]), _mm512_mul_pd(a.0[1], b.0[1])]) }
    /// `a / b`.
    fn div_f64(a: F64, b: F64) -> F64 { F64([_mm512_div_pd(a.0[0], b.0[0]), _mm512_div_pd(a.0[1], b.0[1])]) }
    /// The smaller one of a number and a double.
    fn min_number_f64(a: F64, b: F64) -> F64 { F64([_mm512_min_pd(a.0[0], b.0[0]), _mm512_min_pd(a.0[1], b.0[1])]) }
    /// The larger one of a number and a double.
    fn max_number_f64(a: F64, b: F64) -> F64 { F64([_mm512_max_pd(a.0[0], b.0[0]), _mm512_max_pd(a.0[1], b.0[1])]) }
    /// The integer towards zero.
    fn trunc_f64(a: F64) -> F64 {
        F64(a.0.map(|a| _mm512_roundscale_pd::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(a)))
    }
    /// The bits of both.
    fn and_bits_f64(a: F64, b: F64) -> F64 { F64([_mm512_and_pd(a.0[0], b.0[0]), _mm512_and_pd(a.0[1], b.0[1])]) }
    /// The bits of either.
    fn or_bits_f64(a: F64, b: F64) -> F64 { F64([_mm512_or_pd(a.0[0], b.0[0]), _mm512_or_pd(a.0[1], b.0[1])]) }
    /// `a - b` of the bits as integers, wrapping.
    fn sub_bits_f64(a: F64, b: F64) -> F64 {
        F64([0, 1].map(|i| {
            let [a, b] = [a.0[i], b.0[i]].map(|a| _mm512_castpd_si512(a));
            _mm512_castsi512_pd(_mm512_sub_epi64(a, b))
        }))
    }
    /// The bits of sign and exponent as the lowest bits.
    fn exponent_bits_f64(a: F64) -> F64 {
        F64(a.0.map(|a| _mm512_castsi512_pd(_mm512_srli_epi64::<52>(_mm512_castpd_si512(a)))))
    }
    /// The lowest bits as those of sign and exponent.
    fn from_exponent_bits_f64(a: F64) -> F64 {
        F64(a.0.map(|a| _mm512_castsi512_pd(_mm512_slli_epi64::<52>(_mm512_castpd_si512(a)))))
    }
    /// The same number.
    fn f64_from_f32(a: F32) -> F64 {
        F64([_mm512_cvtps_pd(_mm512_castps512_ps256(a.0)), _mm512_cvtps_pd(_mm512_extractf32x8_ps::<1>(a.0))])
    }
    /// The same number.
    fn f64_from_i32(a: I32) -> F64 {
        F64([_mm512_cvtepi32_pd(_mm512_castsi512_si256(a.0)), _mm512_cvtepi32_pd(_mm512_extracti32x8_epi32::<1>(a.0))])
    }
    /// The same number.
    fn f64_from_u32(a: U32) -> F64 {
        F64([_mm512_cvtepu32_pd(_mm512_castsi512_si256(a.0)), _mm512_cvtepu32_pd(_mm512_extracti32x8_epi32::<1>(a.0))])
    }
    /// The nearest float.
    fn f32_from_f64(a: F64) -> F32 {
        let [lower, upper] = a.0.map(|a| _mm512_cvtpd_ps(a));
        F32(_mm512_insertf32x8::<1>(_mm512_castps256_ps512(lower), upper))
    }
    /// The lowest 32 bits.
    fn low_bits_f64(a: F64) -> U32 {
        let [lower, upper] = a.0.map(|a| _mm512_cvtepi64_epi32(_mm512_castpd_si512(a)));
        U32(_mm512_inserti32x8::<1>(_mm512_castsi256_si512(lower), upper))
    }
}

vectors!(functions);
elementary!(functions);
doubles!(functions);
