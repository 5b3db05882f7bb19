//! `W` numbers at a time: the operations that traversal needs, and their portable form.
//!
//! Code on lanes is generic, `#[inline(always)]` and free of closures, so that all of it is compiled into one function
//! per instruction set: a closure would not inherit the instruction set, and each operation in it would become a call.

use std::array::from_fn;

/// Proof that an instruction set may be used, and its operations. Comparisons with NaN are false.
pub(super) trait Lanes<const W: usize>: Copy {
    /// `W` numbers.
    type F: Copy;
    /// `W` truth values.
    type M: Copy;

    fn splat(self, value: f32) -> Self::F;
    fn load(self, from: &[f32; W]) -> Self::F;
    fn store(self, from: Self::F, to: &mut [f32; W]);
    /// Stores the lanes that have a bit.
    fn store_where(self, bits: u32, from: Self::F, to: &mut [f32; W]);
    /// Stores one value where a bit is set.
    fn fill_where(self, bits: u32, value: u32, to: &mut [u32; W]);
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b - c`, rounded once or twice: only for box tests, which allow for either.
    fn mul_sub(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// The minimum; `b` when they do not compare.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// The maximum; `b` when they do not compare.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    fn abs(self, a: Self::F) -> Self::F;
    /// The magnitude of `a` with the sign of `b`.
    fn copysign(self, a: Self::F, b: Self::F) -> Self::F;
    fn le(self, a: Self::F, b: Self::F) -> Self::M;
    fn lt(self, a: Self::F, b: Self::F) -> Self::M;
    /// `a` where the mask is set, else `b`.
    fn select(self, mask: Self::M, a: Self::F, b: Self::F) -> Self::F;
    fn and(self, a: Self::M, b: Self::M) -> Self::M;
    fn or(self, a: Self::M, b: Self::M) -> Self::M;
    /// Bit `i` is lane `i`.
    fn bits(self, mask: Self::M) -> u32;
    /// Four numbers for each lane, by number.
    fn transpose(self, from: &[[f32; 4]; W]) -> [Self::F; 4];

    #[inline(always)]
    fn splat3(self, [x, y, z]: [f32; 3]) -> [Self::F; 3] {
        [self.splat(x), self.splat(y), self.splat(z)]
    }
    #[inline(always)]
    fn load3(self, from: &[[f32; W]; 3], axes: [usize; 3]) -> [Self::F; 3] {
        [self.load(&from[axes[0]]), self.load(&from[axes[1]]), self.load(&from[axes[2]])]
    }
    #[inline(always)]
    fn sub3(self, a: [Self::F; 3], b: [Self::F; 3]) -> [Self::F; 3] {
        [self.sub(a[0], b[0]), self.sub(a[1], b[1]), self.sub(a[2], b[2])]
    }
    #[inline(always)]
    fn scale3(self, a: [Self::F; 3], by: f32) -> [Self::F; 3] {
        let by = self.splat(by);
        [self.mul(a[0], by), self.mul(a[1], by), self.mul(a[2], by)]
    }
    #[inline(always)]
    fn copysign3(self, a: Self::F, b: [Self::F; 3]) -> [Self::F; 3] {
        [self.copysign(a, b[0]), self.copysign(a, b[1]), self.copysign(a, b[2])]
    }
    #[inline(always)]
    fn dot(self, a: [Self::F; 3], b: [Self::F; 3]) -> Self::F {
        self.add(self.add(self.mul(a[0], b[0]), self.mul(a[1], b[1])), self.mul(a[2], b[2]))
    }
    /// The lanes as an array.
    #[inline(always)]
    fn array(self, from: Self::F) -> [f32; W] {
        let mut array = [0.0; W];
        self.store(from, &mut array);
        array
    }
    /// Lane 0.
    #[inline(always)]
    fn first(self, from: Self::F) -> f32 {
        self.array(from)[0]
    }
    /// The lanes that have a bit, and lane 0 in the others.
    #[inline(always)]
    fn or_first(self, bits: u32, of: Self::F) -> Self::F {
        let mut values = [self.first(of); W];
        self.store_where(bits, of, &mut values);
        self.load(&values)
    }
    /// The minimum over all lanes.
    #[inline(always)]
    fn least(self, from: Self::F) -> f32 {
        let array = self.array(from);
        let mut least = array[0];
        for &lane in &array[1..] {
            least = if lane < least { lane } else { least };
        }
        least
    }
    /// The maximum over all lanes.
    #[inline(always)]
    fn greatest(self, from: Self::F) -> f32 {
        let array = self.array(from);
        let mut greatest = array[0];
        for &lane in &array[1..] {
            greatest = if lane > greatest { lane } else { greatest };
        }
        greatest
    }
}

/// Arrays and loops, which the compiler vectorises for the target.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl<const W: usize> Lanes<W> for Portable {
    type F = [f32; W];
    type M = [bool; W];

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; W] {
        [value; W]
    }
    #[inline(always)]
    fn load(self, from: &[f32; W]) -> [f32; W] {
        *from
    }
    #[inline(always)]
    fn store(self, from: [f32; W], to: &mut [f32; W]) {
        *to = from;
    }
    #[inline(always)]
    fn store_where(self, bits: u32, from: [f32; W], to: &mut [f32; W]) {
        *to = from_fn(|i| if bits >> i & 1 == 1 { from[i] } else { to[i] });
    }
    #[inline(always)]
    fn fill_where(self, bits: u32, value: u32, to: &mut [u32; W]) {
        *to = from_fn(|i| if bits >> i & 1 == 1 { value } else { to[i] });
    }
    #[inline(always)]
    fn add(self, a: [f32; W], b: [f32; W]) -> [f32; W] {
        from_fn(|i| a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: [f32; W], b: [f32; W]) -> [f32; W] {
        from_fn(|i| a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: [f32; W], b: [f32; W]) -> [f32; W] {
        from_fn(|i| a[i] * b[i])
    }
    #[inline(always)]
    fn div(self, a: [f32; W], b: [f32; W]) -> [f32; W] {
        from_fn(|i| a[i] / b[i])
    }
    #[inline(always)]
    fn mul_sub(self, a: [f32; W], b: [f32; W], c: [f32; W]) -> [f32; W] {
        from_fn(|i| a[i] * b[i] - c[i])
    }
    #[inline(always)]
    fn min(self, a: [f32; W], b: [f32; W]) -> [f32; W] {
        from_fn(|i| if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn max(self, a: [f32; W], b: [f32; W]) -> [f32; W] {
        from_fn(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn abs(self, a: [f32; W]) -> [f32; W] {
        from_fn(|i| a[i].abs())
    }
    #[inline(always)]
    fn copysign(self, a: [f32; W], b: [f32; W]) -> [f32; W] {
        from_fn(|i| a[i].copysign(b[i]))
    }
    #[inline(always)]
    fn le(self, a: [f32; W], b: [f32; W]) -> [bool; W] {
        from_fn(|i| a[i] <= b[i])
    }
    #[inline(always)]
    fn lt(self, a: [f32; W], b: [f32; W]) -> [bool; W] {
        from_fn(|i| a[i] < b[i])
    }
    #[inline(always)]
    fn select(self, mask: [bool; W], a: [f32; W], b: [f32; W]) -> [f32; W] {
        from_fn(|i| if mask[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn and(self, a: [bool; W], b: [bool; W]) -> [bool; W] {
        from_fn(|i| a[i] & b[i])
    }
    #[inline(always)]
    fn or(self, a: [bool; W], b: [bool; W]) -> [bool; W] {
        from_fn(|i| a[i] | b[i])
    }
    #[inline(always)]
    fn bits(self, mask: [bool; W]) -> u32 {
        mask.iter().enumerate().fold(0, |bits, (i, &lane)| bits | u32::from(lane) << i)
    }
    #[inline(always)]
    fn transpose(self, from: &[[f32; 4]; W]) -> [[f32; W]; 4] {
        from_fn(|i| from_fn(|lane| from[lane][i]))
    }
}
