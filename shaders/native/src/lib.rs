//! Packshot's light transport as Rust functions, translated from WGSL when this crate is built.
//!
//! [`stages`] holds one module of functions per instruction set; what a function means is WGSL's, through [`rt`].
//! [`loops`] runs them over many paths with the best that the processor has.

pub mod loops;
pub mod rt;
pub mod stages;
