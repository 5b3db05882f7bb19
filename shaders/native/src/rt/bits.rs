//! Functions of the bits of integers, component by component (WGSL 17.5).

use super::int::Integers;
use super::lanes::Element;

/// A 32-bit integer as bits.
pub trait BitField: Element {
    /// The bits.
    fn to_bits(self) -> u32;
    /// The integer with these bits.
    fn from_bits(bits: u32) -> Self;
    /// The lowest `count` bits, the rest filled as the type's right shift does; `count` is 1 to 32.
    fn extend(bits: u32, count: u32) -> Self;
    /// Position of the highest bit that differs from the sign; all ones when there is none.
    fn first_leading(self) -> u32;
}

impl BitField for u32 {
    #[inline(always)]
    fn to_bits(self) -> u32 {
        self
    }
    #[inline(always)]
    fn from_bits(bits: u32) -> Self {
        bits
    }
    #[inline(always)]
    fn extend(bits: u32, count: u32) -> Self {
        (bits << (32 - count)) >> (32 - count)
    }
    #[inline(always)]
    fn first_leading(self) -> u32 {
        31u32.wrapping_sub(self.leading_zeros())
    }
}

impl BitField for i32 {
    #[inline(always)]
    fn to_bits(self) -> u32 {
        self as u32
    }
    #[inline(always)]
    fn from_bits(bits: u32) -> Self {
        bits as i32
    }
    #[inline(always)]
    fn extend(bits: u32, count: u32) -> Self {
        ((bits << (32 - count)) as i32) >> (32 - count)
    }
    #[inline(always)]
    fn first_leading(self) -> u32 {
        (if self < 0 { !self } else { self } as u32).first_leading()
    }
}

/// An integer scalar or vector as bits.
pub trait BitFields: Integers<Scalar: BitField> {}
impl<V: Integers<Scalar: BitField>> BitFields for V {}

/// `f` of the bits of every component.
#[inline(always)]
fn map_bits<V: BitFields>(v: V, f: impl Fn(u32) -> u32) -> V {
    v.map::<V::Scalar>(|x| BitField::from_bits(f(x.to_bits())))
}

/// How many bits are one.
#[inline(always)]
pub fn count_one_bits<V: BitFields>(v: V) -> V {
    map_bits(v, u32::count_ones)
}

/// How many bits above the highest one are zero; 32 of zero.
#[inline(always)]
pub fn count_leading_zeros<V: BitFields>(v: V) -> V {
    map_bits(v, u32::leading_zeros)
}

/// How many bits below the lowest one are zero; 32 of zero.
#[inline(always)]
pub fn count_trailing_zeros<V: BitFields>(v: V) -> V {
    map_bits(v, u32::trailing_zeros)
}

/// The bits in reverse order.
#[inline(always)]
pub fn reverse_bits<V: BitFields>(v: V) -> V {
    map_bits(v, u32::reverse_bits)
}

/// Position of the highest bit that is one, or for negative numbers zero; all ones when there is none.
#[inline(always)]
pub fn first_leading_bit<V: BitFields>(v: V) -> V {
    v.map::<V::Scalar>(|x| BitField::from_bits(x.first_leading()))
}

/// Position of the lowest bit that is one; all ones when there is none.
#[inline(always)]
pub fn first_trailing_bit<V: BitFields>(v: V) -> V {
    map_bits(v, |bits| if bits == 0 { u32::MAX } else { bits.trailing_zeros() })
}

/// `count` bits from `offset` on, both cut to the width; signed numbers get their sign from the highest of them.
#[inline(always)]
pub fn extract_bits<V: BitFields>(v: V, offset: u32, count: u32) -> V {
    let (offset, count) = cut(offset, count);
    v.map::<V::Scalar>(
        |x| {
            if count == 0 { BitField::from_bits(0) } else { BitField::extend(x.to_bits() >> offset, count) }
        },
    )
}

/// `v` with `count` bits from `offset` on replaced by the lowest of `new`; both are cut to the width.
#[inline(always)]
pub fn insert_bits<V: BitFields>(v: V, new: V, offset: u32, count: u32) -> V {
    let (offset, count) = cut(offset, count);
    v.zip::<V::Scalar, V::Scalar>(new, |x, new| {
        if count == 0 {
            return x;
        }
        let mask = (u32::MAX >> (32 - count)) << offset;
        BitField::from_bits((x.to_bits() & !mask) | ((new.to_bits() << offset) & mask))
    })
}

/// An offset and a count that stay within 32 bits.
#[inline(always)]
fn cut(offset: u32, count: u32) -> (u32, u32) {
    let offset = offset.min(32);
    // Shifting by `offset` is safe: it is 32 only together with a count of 0.
    (offset, count.min(32 - offset))
}

#[cfg(test)]
mod tests {
    use glam::{IVec2, UVec2};

    use super::*;

    #[test]
    fn counts_and_positions() {
        assert_eq!(count_one_bits(UVec2::new(0, u32::MAX)), UVec2::new(0, 32));
        assert_eq!(
            [count_leading_zeros(0u32), count_leading_zeros(1), count_trailing_zeros(0), count_trailing_zeros(8)],
            [32, 31, 32, 3]
        );
        assert_eq!([first_leading_bit(0u32), first_leading_bit(1), first_leading_bit(u32::MAX)], [u32::MAX, 0, 31]);
        assert_eq!([0, -1, 1, -2, i32::MIN, i32::MAX].map(first_leading_bit), [-1, -1, 0, 0, 30, 30]);
        assert_eq!([first_trailing_bit(0u32), first_trailing_bit(12)], [u32::MAX, 2]);
        assert_eq!(first_trailing_bit(IVec2::new(0, i32::MIN)), IVec2::new(-1, 31));
        assert_eq!(reverse_bits(1u32), 1 << 31);
    }

    #[test]
    fn bit_fields_are_cut_to_the_width() {
        let bits = 0xabcd_1234u32;
        for (offset, count, expect) in
            [(0, 32, bits), (4, 8, 0x23), (28, 8, 0xa), (31, 1, 1), (32, 4, 0), (99, 99, 0), (0, 0, 0), (5, 0, 0)]
        {
            assert_eq!(extract_bits(bits, offset, count), expect, "{offset} {count}");
        }
        assert_eq!(
            [extract_bits(-1, 3, 5), extract_bits(0b0101_1000, 3, 4), extract_bits(i32::MIN, 0, 32)],
            [-1, -5, i32::MIN]
        );
        for (offset, count, expect) in
            [(0, 32, 0xff), (4, 8, 0xabcd_1ff4), (28, 8, 0xfbcd_1234), (32, 4, bits), (7, 0, bits), (99, 99, bits)]
        {
            assert_eq!(insert_bits(bits, 0xff, offset, count), expect, "{offset} {count}");
        }
    }
}
