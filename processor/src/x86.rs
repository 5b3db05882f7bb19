//! The instruction sets of x86-64.

use std::sync::OnceLock;

/// Proof that this processor has AVX2, FMA, BMI1, BMI2, LZCNT and POPCNT.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

/// Proof that this processor has AVX-512 F, VL, DQ and BW, and all that [`Avx2`] proves.
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());

impl Avx2 {
    /// The proof, if the processor has them.
    pub fn detect() -> Option<Self> {
        static IS_SUPPORTED: OnceLock<bool> = OnceLock::new();
        let is_supported = || {
            is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("lzcnt")
                && is_x86_feature_detected!("popcnt")
        };
        IS_SUPPORTED.get_or_init(is_supported).then_some(Self(()))
    }
}

impl Avx512 {
    /// The proof, if the processor has them.
    pub fn detect() -> Option<Self> {
        static IS_SUPPORTED: OnceLock<bool> = OnceLock::new();
        let is_supported = || {
            Avx2::detect().is_some()
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512bw")
        };
        IS_SUPPORTED.get_or_init(is_supported).then_some(Self(()))
    }
}
