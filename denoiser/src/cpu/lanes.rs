//! Sixteen values at a time, in the registers of the available instruction set.

/// Channels that are contiguous in memory, aligned so that no load crosses a cache line.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Block(pub(crate) [f32; BLOCK]);

/// Channels of a [`Block`].
pub(crate) const BLOCK: usize = 16;

impl Block {
    pub(crate) const ZERO: Block = Block([0.0; BLOCK]);
}

/// The operations of a convolution for one instruction set. A value of it proves that the processor has the
/// instructions.
pub(super) trait Lanes: Copy + Send + Sync {
    /// Sixteen values.
    type V: Copy;

    fn splat(self, value: f32) -> Self::V;
    fn load(self, from: &Block) -> Self::V;
    fn store(self, from: Self::V, to: &mut Block);
    /// a·b + c.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn max(self, a: Self::V, b: Self::V) -> Self::V;

    /// Runs `pass` with as many pixels at a time as registers allow together with `n_blocks` blocks of output channels.
    fn run_pass<const TAPS: usize, const STRIDE: usize>(self, n_blocks: usize, pass: &mut super::pass::Pass<'_>);
}

/// Code that is compiled once for each instruction set.
pub(super) trait Kernel {
    type Output;

    /// Must be inlined, so that it is compiled for the instruction set of its caller.
    fn run<L: Lanes>(self, lanes: L) -> Self::Output;
}

/// The baseline of the target.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Lanes for Portable {
    type V = [f32; BLOCK];

    #[inline(always)]
    fn splat(self, value: f32) -> Self::V {
        [value; BLOCK]
    }

    #[inline(always)]
    fn load(self, from: &Block) -> Self::V {
        from.0
    }

    #[inline(always)]
    fn store(self, from: Self::V, to: &mut Block) {
        to.0 = from;
    }

    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] + b[i])
    }

    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] - b[i])
    }

    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn run_pass<const TAPS: usize, const STRIDE: usize>(self, _n_blocks: usize, pass: &mut super::pass::Pass<'_>) {
        pass.run::<Self, 1, 2, TAPS, STRIDE>(self);
    }
}
