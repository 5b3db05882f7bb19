//! The lanes of AVX2 and AVX-512.
//!
//! A value of [`Avx2`] or [`Avx512`] proves that the processor has the instructions.
#![expect(unsafe_code, reason = "intrinsics, and entering code compiled for more than the target's instruction set")]

use std::arch::x86_64::*;

use packshot_processor::{Avx2, Avx512};
use packshot_shaders::layout::ray::{Hit, Ray};

use super::lanes::Lanes;
use super::{Answers, Filter};
use crate::wide::WideBvh;

/// Answers a batch with code compiled for AVX2.
pub(super) fn answer_avx2<A: Answers + ?Sized, F: Filter>(
    lanes: Avx2,
    bvh: &WideBvh<8>,
    rays: &[Ray],
    answers: &mut A,
    filter: &F,
) {
    #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
    fn enter<A: Answers + ?Sized, F: Filter>(lanes: Avx2, bvh: &WideBvh<8>, rays: &[Ray], answers: &mut A, filter: &F) {
        super::answer(lanes, bvh, rays, answers, filter);
    }
    // SAFETY: `lanes` proves that the processor has the instructions.
    unsafe { enter(lanes, bvh, rays, answers, filter) }
}

/// Answers a batch in packets with code compiled for AVX2.
pub(super) fn answer_packets_avx2<F: Filter>(
    lanes: Avx2,
    bvh: &WideBvh<8>,
    rays: &[Ray],
    hits: &mut [Hit],
    filter: &F,
    incoherent: &mut Vec<u32>,
) {
    #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
    fn enter<F: Filter>(
        lanes: Avx2,
        bvh: &WideBvh<8>,
        rays: &[Ray],
        hits: &mut [Hit],
        filter: &F,
        incoherent: &mut Vec<u32>,
    ) {
        super::answer_packets(lanes, bvh, rays, hits, filter, incoherent);
    }
    // SAFETY: `lanes` proves that the processor has the instructions.
    unsafe { enter(lanes, bvh, rays, hits, filter, incoherent) }
}

/// Answers a batch with code compiled for AVX-512.
pub(super) fn answer_avx512<A: Answers + ?Sized, F: Filter>(
    lanes: Avx512,
    bvh: &WideBvh<16>,
    rays: &[Ray],
    answers: &mut A,
    filter: &F,
) {
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
    fn enter<A: Answers + ?Sized, F: Filter>(
        lanes: Avx512,
        bvh: &WideBvh<16>,
        rays: &[Ray],
        answers: &mut A,
        filter: &F,
    ) {
        super::answer(lanes, bvh, rays, answers, filter);
    }
    // SAFETY: `lanes` proves that the processor has the instructions.
    unsafe { enter(lanes, bvh, rays, answers, filter) }
}

/// Answers a batch in packets with code compiled for AVX-512.
pub(super) fn answer_packets_avx512<F: Filter>(
    lanes: Avx512,
    bvh: &WideBvh<16>,
    rays: &[Ray],
    hits: &mut [Hit],
    filter: &F,
    incoherent: &mut Vec<u32>,
) {
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
    fn enter<F: Filter>(
        lanes: Avx512,
        bvh: &WideBvh<16>,
        rays: &[Ray],
        hits: &mut [Hit],
        filter: &F,
        incoherent: &mut Vec<u32>,
    ) {
        super::answer_packets(lanes, bvh, rays, hits, filter, incoherent);
    }
    // SAFETY: `lanes` proves that the processor has the instructions.
    unsafe { enter(lanes, bvh, rays, hits, filter, incoherent) }
}

/// Implements one lane operation by one intrinsic.
macro_rules! by_intrinsic {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $out:ty = $value:expr;)*) => {
        $(#[inline(always)]
        fn $name(self, $($arg: $ty),*) -> $out {
            // SAFETY: `self` proves that the processor has the instruction; memory is only accessed through references
            // to arrays of as many lanes.
            unsafe { $value }
        })*
    };
}

/// A mask with all bits of each lane whose bit is set.
#[inline(always)]
unsafe fn lanes_of(bits: u32) -> __m256i {
    // SAFETY: the caller's.
    unsafe {
        let own = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
        _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(bits.cast_signed()), own), own)
    }
}

impl Lanes<8> for Avx2 {
    type F = __m256;
    type M = __m256;

    by_intrinsic! {
        splat(value: f32) -> __m256 = _mm256_set1_ps(value);
        load(from: &[f32; 8]) -> __m256 = _mm256_loadu_ps(from.as_ptr());
        store(from: __m256, to: &mut [f32; 8]) -> () = _mm256_storeu_ps(to.as_mut_ptr(), from);
        // By a blend: masked stores are slow on some processors without AVX-512.
        store_where(bits: u32, from: __m256, to: &mut [f32; 8]) -> () = {
            let old = _mm256_loadu_ps(to.as_ptr());
            _mm256_storeu_ps(to.as_mut_ptr(), _mm256_blendv_ps(old, from, _mm256_castsi256_ps(lanes_of(bits))))
        };
        fill_where(bits: u32, value: u32, to: &mut [u32; 8]) -> () = {
            let old = _mm256_loadu_si256(to.as_ptr().cast());
            let new = _mm256_blendv_epi8(old, _mm256_set1_epi32(value.cast_signed()), lanes_of(bits));
            _mm256_storeu_si256(to.as_mut_ptr().cast(), new)
        };
        add(a: __m256, b: __m256) -> __m256 = _mm256_add_ps(a, b);
        sub(a: __m256, b: __m256) -> __m256 = _mm256_sub_ps(a, b);
        mul(a: __m256, b: __m256) -> __m256 = _mm256_mul_ps(a, b);
        div(a: __m256, b: __m256) -> __m256 = _mm256_div_ps(a, b);
        mul_sub(a: __m256, b: __m256, c: __m256) -> __m256 = _mm256_fmsub_ps(a, b, c);
        min(a: __m256, b: __m256) -> __m256 = _mm256_min_ps(a, b);
        max(a: __m256, b: __m256) -> __m256 = _mm256_max_ps(a, b);
        first(from: __m256) -> f32 = _mm256_cvtss_f32(from);
        abs(a: __m256) -> __m256 = _mm256_andnot_ps(_mm256_set1_ps(-0.0), a);
        copysign(a: __m256, b: __m256) -> __m256 = {
            let sign = _mm256_set1_ps(-0.0);
            _mm256_or_ps(_mm256_andnot_ps(sign, a), _mm256_and_ps(sign, b))
        };
        le(a: __m256, b: __m256) -> __m256 = _mm256_cmp_ps::<_CMP_LE_OQ>(a, b);
        lt(a: __m256, b: __m256) -> __m256 = _mm256_cmp_ps::<_CMP_LT_OQ>(a, b);
        select(mask: __m256, a: __m256, b: __m256) -> __m256 = _mm256_blendv_ps(b, a, mask);
        and(a: __m256, b: __m256) -> __m256 = _mm256_and_ps(a, b);
        or(a: __m256, b: __m256) -> __m256 = _mm256_or_ps(a, b);
        bits(mask: __m256) -> u32 = _mm256_movemask_ps(mask) as u32;
        transpose(from: &[[f32; 4]; 8]) -> [__m256; 4] = {
            let mut rows = [_mm256_setzero_ps(); 4];
            for (i, row) in rows.iter_mut().enumerate() {
                *row = _mm256_set_m128(_mm_loadu_ps(from[i + 4].as_ptr()), _mm_loadu_ps(from[i].as_ptr()));
            }
            let [a, b, c, d] = rows;
            let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
            let (ab_high, cd_high) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
            [
                _mm256_shuffle_ps::<0x44>(ab, cd),
                _mm256_shuffle_ps::<0xee>(ab, cd),
                _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
                _mm256_shuffle_ps::<0xee>(ab_high, cd_high),
            ]
        };
    }
}

impl Lanes<16> for Avx512 {
    type F = __m512;
    type M = __mmask16;

    by_intrinsic! {
        splat(value: f32) -> __m512 = _mm512_set1_ps(value);
        load(from: &[f32; 16]) -> __m512 = _mm512_loadu_ps(from.as_ptr());
        store(from: __m512, to: &mut [f32; 16]) -> () = _mm512_storeu_ps(to.as_mut_ptr(), from);
        store_where(bits: u32, from: __m512, to: &mut [f32; 16]) -> () =
            _mm512_mask_storeu_ps(to.as_mut_ptr(), bits as __mmask16, from);
        fill_where(bits: u32, value: u32, to: &mut [u32; 16]) -> () =
            _mm512_mask_storeu_epi32(to.as_mut_ptr().cast(), bits as __mmask16, _mm512_set1_epi32(value.cast_signed()));
        add(a: __m512, b: __m512) -> __m512 = _mm512_add_ps(a, b);
        sub(a: __m512, b: __m512) -> __m512 = _mm512_sub_ps(a, b);
        mul(a: __m512, b: __m512) -> __m512 = _mm512_mul_ps(a, b);
        div(a: __m512, b: __m512) -> __m512 = _mm512_div_ps(a, b);
        mul_sub(a: __m512, b: __m512, c: __m512) -> __m512 = _mm512_fmsub_ps(a, b, c);
        min(a: __m512, b: __m512) -> __m512 = _mm512_min_ps(a, b);
        max(a: __m512, b: __m512) -> __m512 = _mm512_max_ps(a, b);
        abs(a: __m512) -> __m512 = _mm512_andnot_ps(_mm512_set1_ps(-0.0), a);
        copysign(a: __m512, b: __m512) -> __m512 = {
            let sign = _mm512_set1_ps(-0.0);
            _mm512_or_ps(_mm512_andnot_ps(sign, a), _mm512_and_ps(sign, b))
        };
        least(from: __m512) -> f32 = _mm512_reduce_min_ps(from);
        greatest(from: __m512) -> f32 = _mm512_reduce_max_ps(from);
        first(from: __m512) -> f32 = _mm512_cvtss_f32(from);
        select(mask: __mmask16, a: __m512, b: __m512) -> __m512 = _mm512_mask_blend_ps(mask, b, a);
        le(a: __m512, b: __m512) -> __mmask16 = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(a, b);
        lt(a: __m512, b: __m512) -> __mmask16 = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b);
        transpose(from: &[[f32; 4]; 16]) -> [__m512; 4] = {
            let mut rows = [_mm512_setzero_ps(); 4];
            for (i, row) in rows.iter_mut().enumerate() {
                let a = _mm256_set_m128(_mm_loadu_ps(from[i + 4].as_ptr()), _mm_loadu_ps(from[i].as_ptr()));
                let b = _mm256_set_m128(_mm_loadu_ps(from[i + 12].as_ptr()), _mm_loadu_ps(from[i + 8].as_ptr()));
                *row = _mm512_insertf32x8::<1>(_mm512_castps256_ps512(a), b);
            }
            let [a, b, c, d] = rows;
            let (ab, cd) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
            let (ab_high, cd_high) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
            [
                _mm512_shuffle_ps::<0x44>(ab, cd),
                _mm512_shuffle_ps::<0xee>(ab, cd),
                _mm512_shuffle_ps::<0x44>(ab_high, cd_high),
                _mm512_shuffle_ps::<0xee>(ab_high, cd_high),
            ]
        };
    }
    #[inline(always)]
    fn and(self, a: __mmask16, b: __mmask16) -> __mmask16 {
        a & b
    }
    #[inline(always)]
    fn or(self, a: __mmask16, b: __mmask16) -> __mmask16 {
        a | b
    }
    #[inline(always)]
    fn bits(self, mask: __mmask16) -> u32 {
        u32::from(mask)
    }
}
