//! Instruction sets, and how code for them is entered.

use super::lanes::{Kernel, Portable};
#[cfg(target_arch = "x86_64")]
use super::x86::{Avx2, Avx512};

/// An instruction set that convolutions can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SimdLevel {
    /// What every processor of the target has.
    Portable,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX-512 F, VL, DQ and BW.
    Avx512,
}

impl SimdLevel {
    /// All levels, the narrowest first.
    pub const ALL: [SimdLevel; 3] = [SimdLevel::Portable, SimdLevel::Avx2, SimdLevel::Avx512];

    /// The fastest that this processor has.
    pub fn detect() -> SimdLevel {
        SimdLevel::ALL.into_iter().rev().find(|level| level.is_supported()).unwrap_or(SimdLevel::Portable)
    }

    /// Whether this processor has it.
    pub fn is_supported(self) -> bool {
        match self {
            SimdLevel::Portable => true,
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => Avx2::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512 => Avx512::detect().is_some(),
            #[cfg(not(target_arch = "x86_64"))]
            SimdLevel::Avx2 | SimdLevel::Avx512 => false,
        }
    }

    /// Blocks of output channels that its registers hold together with enough pixels.
    pub(super) fn blocks_max(self) -> usize {
        match self {
            SimdLevel::Portable | SimdLevel::Avx2 => 1,
            SimdLevel::Avx512 => 3,
        }
    }
}

/// Runs a kernel compiled for `level`, which the processor has.
pub(super) fn run<K: Kernel>(level: SimdLevel, kernel: K) -> K::Output {
    match level {
        SimdLevel::Portable => kernel.run(Portable),
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2 => Avx2::detect().expect("checked when the network was made").run(kernel),
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx512 => Avx512::detect().expect("checked when the network was made").run(kernel),
        #[cfg(not(target_arch = "x86_64"))]
        SimdLevel::Avx2 | SimdLevel::Avx512 => unreachable!("checked when the network was made"),
    }
}
