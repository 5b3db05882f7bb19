//! WGSL's semantics for code translated in lanes: the functions of the modules above, for a register of lanes at a
//! time.
//!
//! Each instruction set has a module with its registers and their operations; what is built on these is written once,
//! in `vectors.rs`, `elementary.rs` and `doubles.rs`, and expanded in each of those modules, because a function can be
//! compiled into another only if both have the same instruction set. Every operation gives each lane the bits that the
//! function for single values gives.

/// Functions that are compiled for the features of an instruction set. Over lanes they have loops: `map` of an array is
/// not compiled for these features, and unless the crate is compiled as a whole it stays a call with one for each lane.
macro_rules! compiled {
    ($features:literal, $(
        $(#[$doc:meta])*
        fn $name:ident
            $(<$($lifetime:lifetime,)? $generic:ident $(: $bound:path)? $(; $site:ident)? $(, const $size:ident: usize)*>)?
            ($($argument:ident: $ty:ty),*) -> $result:ty $body:block
    )*) => {$(
        $(#[$doc])*
        #[inline]
        #[target_feature(enable = $features)]
        #[must_use]
        pub fn $name $(<$($lifetime,)? $generic $(: $bound)? $(, $site)? $(, const $size: usize)*>)? ($($argument: $ty),*) -> $result
            $body
    )*};
}

use std::marker::PhantomData;

#[cfg(target_arch = "x86_64")]
pub mod avx2;
#[cfg(target_arch = "x86_64")]
pub mod avx512;
mod doubles;
mod elementary;
mod vectors;

use compiled;

/// A call of a function that is compiled anew for each of its calls: which one it is, and the call of the function
/// around it. There are no values of it.
#[derive(Clone, Copy, Debug)]
pub struct Site<const N: usize, Around>(PhantomData<Around>);

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

/// A value of type `T`, which consists of words, for each of four times `QUARTERS` lanes, in `Q` times four words.
/// Behind the last word of a value may be more, up to the end of the last four.
///
/// It stays in the order in which registers are transposed, and rows are written where they belong one by one: stored
/// together first, they would be read in other pieces than they were written in, for which a processor has to wait.
#[derive(Clone, Copy, Debug)]
pub struct EachRow<T, const Q: usize, const QUARTERS: usize> {
    /// For each four words those of row `k` at `[k % 4][k / 4]`.
    quads: [[[[f32; 4]; QUARTERS]; 4]; Q],
    row: PhantomData<T>,
}

impl<T, const Q: usize, const QUARTERS: usize> EachRow<T, Q, QUARTERS> {
    #[inline]
    fn new(quads: [[[[f32; 4]; QUARTERS]; 4]; Q]) -> Self {
        Self { quads, row: PhantomData }
    }

    /// Writes the value of lane `k`.
    ///
    /// # Panics
    /// When there is no such lane.
    #[inline]
    pub fn write(&self, k: usize, to: &mut T)
    where
        T: bytemuck::Pod,
    {
        let words: &mut [f32] = bytemuck::cast_slice_mut(std::slice::from_mut(to));
        for (words, quads) in words.chunks_mut(4).zip(&self.quads) {
            words.copy_from_slice(&quads[k % 4][k / 4][..words.len()]);
        }
    }
}
