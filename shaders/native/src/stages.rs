//! The functions of `shaders/wgsl/cpu.wgsl` and of what it imports.
//!
//! The same functions exist in `baseline`, and on x86-64 in `avx2` and `avx512`; the caller must find out which ones
//! may be called. All give the same bits.

include!(concat!(env!("OUT_DIR"), "/stages.rs"));
