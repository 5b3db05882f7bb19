//! WGSL's semantics for code translated in lanes: the functions of the modules above, for a register of lanes at a
//! time.
//!
//! Each instruction set has a module with its registers and their operations; what is built on these is written once,
//! in `vectors.rs` and `elementary.rs`, and expanded in each of those modules, because a function can be compiled into
//! another only if both have the same instruction set. Every operation gives each lane the bits that the function for
//! single values gives.

#[cfg(target_arch = "x86_64")]
pub mod avx2;
mod elementary;
mod vectors;

/// Two scalars in lanes.
#[derive(Clone, Copy, Debug, Default)]
pub struct V2<T> {
    /// First component.
    pub x: T,
    /// Second component.
    pub y: T,
}

/// Three scalars in lanes.
#[derive(Clone, Copy, Debug, Default)]
pub struct V3<T> {
    /// First component.
    pub x: T,
    /// Second component.
    pub y: T,
    /// Third component.
    pub z: T,
}

/// Four scalars in lanes.
#[derive(Clone, Copy, Debug, Default)]
pub struct V4<T> {
    /// First component.
    pub x: T,
    /// Second component.
    pub y: T,
    /// Third component.
    pub z: T,
    /// Fourth component.
    pub w: T,
}

/// One element of a buffer for each of `N` lanes.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T, const N: usize> {
    /// The elements.
    pub of: [&'a T; N],
    /// Whether all lanes have the same one.
    pub same: bool,
}
