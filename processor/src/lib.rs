//! Capabilities of this machine: the instruction sets that renderer and denoiser choose from at run time, with proofs
//! of them, and [memory].
//!
//! A value of `Avx2` or `Avx512` can only be obtained from its `detect`, so it proves that the processor has the
//! instructions. Code compiled for them takes it as an argument; each crate enters such code on its own.

pub mod memory;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};

/// An instruction set that code is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SimdLevel {
    /// The baseline of the target.
    Portable,
    /// x86-64 with AVX2, FMA and the bit manipulation of their generation: 8 lanes of `f32`.
    Avx2,
    /// In addition AVX-512 F, VL, DQ and BW: 16 lanes of `f32`.
    Avx512,
}

impl SimdLevel {
    /// All levels, the narrowest first.
    pub const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// The fastest that this processor has.
    pub fn detect() -> Self {
        Self::ALL.into_iter().rev().find(|level| level.is_supported()).unwrap_or(Self::Portable)
    }

    /// Whether this processor has it.
    pub fn is_supported(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Avx2::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Avx512::detect().is_some(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_has_those_below_it() {
        let supported = SimdLevel::ALL.map(SimdLevel::is_supported);
        assert!(supported[0] && supported.is_sorted_by(|lower, higher| lower >= higher), "{supported:?}");
        assert!(SimdLevel::detect().is_supported());
    }
}
