//! Enters code that is compiled for an instruction set.

use packshot_processor::SimdLevel;
#[cfg(target_arch = "x86_64")]
use packshot_processor::{Avx2, Avx512};

use super::lanes::{Kernel, Portable};
#[cfg(target_arch = "x86_64")]
use super::x86;

/// Number of blocks of output channels that fit into the registers of an instruction set together with enough pixels.
pub(super) fn blocks_max(level: SimdLevel) -> usize {
    match level {
        SimdLevel::Portable | SimdLevel::Avx2 => 1,
        SimdLevel::Avx512 => 3,
    }
}

/// Runs a kernel compiled for `level`, which the processor has.
pub(super) fn run<K: Kernel>(level: SimdLevel, kernel: K) -> K::Output {
    match level {
        SimdLevel::Portable => kernel.run(Portable),
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2 => x86::run_avx2(Avx2::detect().expect("checked when the network was made"), kernel),
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx512 => x86::run_avx512(Avx512::detect().expect("checked when the network was made"), kernel),
        #[cfg(not(target_arch = "x86_64"))]
        SimdLevel::Avx2 | SimdLevel::Avx512 => unreachable!("checked when the network was made"),
    }
}
