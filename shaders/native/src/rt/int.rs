//! Functions of integers, component by component (WGSL 8.7 and 17.5). Nothing traps: what has no result has WGSL's.

use super::lanes::{Element, Lanes};

/// A 32-bit integer, with the operations that differ from Rust's operators.
pub trait Integer: Element + Ord {
    /// `self / other`; `self` where that has no result.
    fn divide(self, other: Self) -> Self;
    /// `self % other`; zero where that has no result.
    fn rest(self, other: Self) -> Self;
    /// `self << amount % 32`.
    fn left(self, amount: u32) -> Self;
    /// `self >> amount % 32`; copies the sign of signed numbers.
    fn right(self, amount: u32) -> Self;
    /// `0 - self`, wrapping.
    fn negative(self) -> Self;
    /// `self + other`, wrapping.
    fn plus(self, other: Self) -> Self;
    /// `self * other`, wrapping.
    fn times(self, other: Self) -> Self;
}

macro_rules! integer {
    ($ty:ident) => {
        impl Integer for $ty {
            #[inline(always)]
            fn divide(self, other: Self) -> Self {
                // Only 0 divides nothing; i32::MIN / -1 wraps to i32::MIN, which is WGSL's result.
                if other == 0 { self } else { self.wrapping_div(other) }
            }
            #[inline(always)]
            fn rest(self, other: Self) -> Self {
                if other == 0 { 0 } else { self.wrapping_rem(other) }
            }
            #[inline(always)]
            fn left(self, amount: u32) -> Self {
                self.wrapping_shl(amount)
            }
            #[inline(always)]
            fn right(self, amount: u32) -> Self {
                self.wrapping_shr(amount)
            }
            #[inline(always)]
            fn negative(self) -> Self {
                self.wrapping_neg()
            }
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn times(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
        }
    };
}

integer!(u32);
integer!(i32);

/// An integer scalar or vector.
pub trait Integers: Lanes<Scalar: Integer, With<<Self as Lanes>::Scalar> = Self> {}
impl<V: Lanes<With<<V as Lanes>::Scalar> = V>> Integers for V where V::Scalar: Integer {}

/// `a / b` towards zero; `a` where `b` is zero or the result is too large.
#[inline(always)]
pub fn int_divide<V: Integers>(a: V, b: V) -> V {
    a.zip::<V::Scalar, V::Scalar>(b, Integer::divide)
}

/// `a % b` with the sign of `a`; zero where `b` is zero or `a / b` too large.
#[inline(always)]
pub fn int_remainder<V: Integers>(a: V, b: V) -> V {
    a.zip::<V::Scalar, V::Scalar>(b, Integer::rest)
}

/// `v << amount`, the amount modulo 32.
#[inline(always)]
pub fn shift_left<V: Integers>(v: V, amount: V::With<u32>) -> V {
    v.zip::<u32, V::Scalar>(amount, Integer::left)
}

/// `v >> amount`, the amount modulo 32; copies the sign of signed numbers.
#[inline(always)]
pub fn shift_right<V: Integers>(v: V, amount: V::With<u32>) -> V {
    v.zip::<u32, V::Scalar>(amount, Integer::right)
}

/// `-v`; the most negative number stays what it is.
#[inline(always)]
pub fn negate<V: Integers>(v: V) -> V {
    v.map::<V::Scalar>(Integer::negative)
}

/// The smaller one.
#[inline(always)]
pub fn int_min<V: Integers>(a: V, b: V) -> V {
    a.zip::<V::Scalar, V::Scalar>(b, Ord::min)
}

/// The larger one.
#[inline(always)]
pub fn int_max<V: Integers>(a: V, b: V) -> V {
    a.zip::<V::Scalar, V::Scalar>(b, Ord::max)
}

/// `min(max(v, low), high)`.
#[inline(always)]
pub fn int_clamp<V: Integers>(v: V, low: V, high: V) -> V {
    int_min(int_max(v, low), high)
}

/// Magnitude; the most negative number stays what it is.
#[inline(always)]
pub fn int_abs<V: Lanes<Scalar = i32, With<i32> = V>>(v: V) -> V {
    v.map::<i32>(i32::wrapping_abs)
}

/// -1, 0 or 1.
#[inline(always)]
pub fn int_sign<V: Lanes<Scalar = i32, With<i32> = V>>(v: V) -> V {
    v.map::<i32>(i32::signum)
}

/// Scalar product, wrapping.
#[inline(always)]
pub fn int_dot<V: Integers>(a: V, b: V) -> V::Scalar {
    a.zip::<V::Scalar, V::Scalar>(b, Integer::times).fold(|x| x, Integer::plus)
}

#[cfg(test)]
mod tests {
    use glam::{IVec2, UVec2, UVec3};

    use super::*;

    #[test]
    fn division_never_traps() {
        for (a, b, quotient, rest) in [
            (7, 2, 3, 1),
            (-7, 2, -3, -1),
            (7, -2, -3, 1),
            (7, 0, 7, 0),
            (0, 0, 0, 0),
            (i32::MIN, -1, i32::MIN, 0),
            (i32::MIN, 0, i32::MIN, 0),
        ] {
            assert_eq!((int_divide(a, b), int_remainder(a, b)), (quotient, rest), "{a} {b}");
        }
        assert_eq!((int_divide(5u32, 0), int_remainder(5u32, 0)), (5, 0));
        assert_eq!(int_divide(IVec2::new(i32::MIN, 9), IVec2::new(-1, 0)), IVec2::new(i32::MIN, 9));
    }

    #[test]
    fn shifts_take_their_amount_modulo_32() {
        assert_eq!([shift_left(1u32, 31), shift_left(1, 32), shift_left(1, 33)], [1 << 31, 1, 2]);
        assert_eq!([1, 33, 32].map(|amount| shift_right(-8i32, amount)), [-4, -4, -8]);
        assert_eq!(shift_right(UVec2::new(u32::MAX, 8), UVec2::new(31, 35)), UVec2::new(1, 1));
    }

    #[test]
    fn the_most_negative_number_has_no_magnitude() {
        assert_eq!(
            [negate(i32::MIN), int_abs(i32::MIN), int_abs(-3), int_sign(-3), int_sign(0)],
            [i32::MIN, i32::MIN, 3, -1, 0]
        );
        assert_eq!(negate(IVec2::new(1, i32::MIN)), IVec2::new(-1, i32::MIN));
    }

    #[test]
    fn limits_and_products() {
        assert_eq!([int_min(-1, 2), int_max(-1, 2), int_clamp(9, 0, 5), int_clamp(3, 5, 1)], [-1, 2, 5, 1]);
        assert_eq!(int_dot(UVec3::new(u32::MAX, 2, 3), UVec3::new(2, 3, 4)), 16);
    }
}
