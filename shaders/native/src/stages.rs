//! The functions of `shaders/wgsl/cpu.wgsl` and of what it imports.
//!
//! The same functions stand in `baseline`, and on x86-64 in `avx2` and `avx512`; which of them may be called is for the
//! caller to find out. All give the same bits.

include!(concat!(env!("OUT_DIR"), "/stages.rs"));
