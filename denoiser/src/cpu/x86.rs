//! The lanes of AVX2 and AVX-512.
//!
//! A value of [`Avx2`] or [`Avx512`] proves that the processor has the instructions.
#![expect(unsafe_code, reason = "intrinsics, and entering code compiled for more than the target's instruction set")]

use std::arch::x86_64::*;

use packshot_processor::{Avx2, Avx512};

use super::lanes::{Block, Kernel, Lanes};
use super::pass::Pass;

/// Runs a kernel compiled for AVX2.
pub(super) fn run_avx2<K: Kernel>(lanes: Avx2, kernel: K) -> K::Output {
    #[target_feature(enable = "avx2,fma")]
    fn enter<K: Kernel>(lanes: Avx2, kernel: K) -> K::Output {
        kernel.run(lanes)
    }
    // SAFETY: `lanes` proves AVX2 and FMA.
    unsafe { enter(lanes, kernel) }
}

/// Runs a kernel compiled for AVX-512.
pub(super) fn run_avx512<K: Kernel>(lanes: Avx512, kernel: K) -> K::Output {
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
    fn enter<K: Kernel>(lanes: Avx512, kernel: K) -> K::Output {
        kernel.run(lanes)
    }
    // SAFETY: `lanes` proves AVX-512, AVX2 and FMA.
    unsafe { enter(lanes, kernel) }
}

/// Implements one lane operation by intrinsics.
macro_rules! by_intrinsic {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $out:ty = $value:expr;)*) => {
        $(#[inline(always)]
        fn $name(self, $($arg: $ty),*) -> $out {
            // SAFETY: `self` proves that the processor has the instruction; memory is only accessed through references
            // to blocks, which have 16 values and their alignment.
            unsafe { $value }
        })*
    };
}

impl Lanes for Avx2 {
    type V = [__m256; 2];

    by_intrinsic! {
        splat(value: f32) -> [__m256; 2] = [_mm256_set1_ps(value); 2];
        load(from: &Block) -> [__m256; 2] = {
            let from = from.0.as_ptr();
            [_mm256_load_ps(from), _mm256_load_ps(from.add(8))]
        };
        store(from: [__m256; 2], to: &mut Block) -> () = {
            let to = to.0.as_mut_ptr();
            _mm256_store_ps(to, from[0]);
            _mm256_store_ps(to.add(8), from[1]);
        };
        mul_add(a: [__m256; 2], b: [__m256; 2], c: [__m256; 2]) -> [__m256; 2] =
            [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])];
        add(a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] = [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])];
        sub(a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] = [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])];
        max(a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] = [_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])];
    }

    #[inline(always)]
    fn run_pass<const TAPS: usize, const STRIDE: usize>(self, _n_blocks: usize, pass: &mut Pass<'_>) {
        pass.run::<Self, 1, 6, TAPS, STRIDE>(self);
    }
}

impl Lanes for Avx512 {
    type V = __m512;

    by_intrinsic! {
        splat(value: f32) -> __m512 = _mm512_set1_ps(value);
        load(from: &Block) -> __m512 = _mm512_load_ps(from.0.as_ptr());
        store(from: __m512, to: &mut Block) -> () = _mm512_store_ps(to.0.as_mut_ptr(), from);
        mul_add(a: __m512, b: __m512, c: __m512) -> __m512 = _mm512_fmadd_ps(a, b, c);
        add(a: __m512, b: __m512) -> __m512 = _mm512_add_ps(a, b);
        sub(a: __m512, b: __m512) -> __m512 = _mm512_sub_ps(a, b);
        max(a: __m512, b: __m512) -> __m512 = _mm512_max_ps(a, b);
    }

    #[inline(always)]
    fn run_pass<const TAPS: usize, const STRIDE: usize>(self, n_blocks: usize, pass: &mut Pass<'_>) {
        match n_blocks {
            1 => pass.run::<Self, 1, 12, TAPS, STRIDE>(self),
            2 => pass.run::<Self, 2, 12, TAPS, STRIDE>(self),
            _ => pass.run::<Self, 3, 8, TAPS, STRIDE>(self),
        }
    }
}
