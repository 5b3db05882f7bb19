//! WGSL's semantics for translated code.
//!
//! Where the function of the same name in Rust or glam behaves differently (integer division by zero, shifts, `fract`,
//! `round`, `sign` of zero, minima with NaN, conversion of floats out of range), translated code calls these. Section
//! numbers below are those of the WGSL specification's chapter 17, "Built-in functions".
//!
//! Everything is inlined into its caller and so compiled for the caller's instruction set; no function uses `mul_add`,
//! so the bits are the same for all of them.

mod bits;
mod convert;
mod elementary;
mod float;
mod geometry;
mod int;
mod lanes;
mod pack;
pub mod simd;

pub use bits::*;
pub use convert::*;
pub use float::*;
pub use geometry::*;
pub use int::*;
pub use lanes::*;
pub use pack::*;
