//! Conversions of scalars and vectors (WGSL 17.1), and reinterpretations of their bits (17.2).

use super::lanes::{Element, Lanes};

/// A scalar that converts to the others.
pub trait Convert: Element {
    /// The nearest float; 1 for true.
    fn as_f32(self) -> f32;
    /// The integer; a float towards zero, and at most so large that it is a float too.
    fn as_i32(self) -> i32;
    /// The integer; a float towards zero, and at most so large that it is a float too.
    fn as_u32(self) -> u32;
    /// Whether it is not zero.
    fn as_bool(self) -> bool;
}

/// The largest float below 2^31.
const I32_MAX: f32 = 2_147_483_520.0;
/// The largest float below 2^32.
const U32_MAX: f32 = 4_294_967_040.0;

impl Convert for f32 {
    #[inline(always)]
    fn as_f32(self) -> f32 {
        self
    }
    #[inline(always)]
    fn as_i32(self) -> i32 {
        // Below, the cast saturates at -2^31, which is a float.
        (if self < I32_MAX { self } else { I32_MAX }) as i32
    }
    #[inline(always)]
    fn as_u32(self) -> u32 {
        (if self < U32_MAX { self } else { U32_MAX }) as u32
    }
    #[inline(always)]
    fn as_bool(self) -> bool {
        self != 0.0
    }
}

impl Convert for i32 {
    #[inline(always)]
    fn as_f32(self) -> f32 {
        self as f32
    }
    #[inline(always)]
    fn as_i32(self) -> i32 {
        self
    }
    #[inline(always)]
    fn as_u32(self) -> u32 {
        self as u32
    }
    #[inline(always)]
    fn as_bool(self) -> bool {
        self != 0
    }
}

impl Convert for u32 {
    #[inline(always)]
    fn as_f32(self) -> f32 {
        self as f32
    }
    #[inline(always)]
    fn as_i32(self) -> i32 {
        self as i32
    }
    #[inline(always)]
    fn as_u32(self) -> u32 {
        self
    }
    #[inline(always)]
    fn as_bool(self) -> bool {
        self != 0
    }
}

impl Convert for bool {
    #[inline(always)]
    fn as_f32(self) -> f32 {
        if self { 1.0 } else { 0.0 }
    }
    #[inline(always)]
    fn as_i32(self) -> i32 {
        i32::from(self)
    }
    #[inline(always)]
    fn as_u32(self) -> u32 {
        u32::from(self)
    }
    #[inline(always)]
    fn as_bool(self) -> bool {
        self
    }
}

/// A scalar of 32 bits.
pub trait Bits: Element {
    /// The bits.
    fn bits(self) -> u32;
}

impl Bits for f32 {
    #[inline(always)]
    fn bits(self) -> u32 {
        self.to_bits()
    }
}

impl Bits for i32 {
    #[inline(always)]
    fn bits(self) -> u32 {
        self as u32
    }
}

impl Bits for u32 {
    #[inline(always)]
    fn bits(self) -> u32 {
        self
    }
}

/// Floats from any scalars.
#[inline(always)]
pub fn to_f32<V: Lanes<Scalar: Convert>>(v: V) -> V::With<f32> {
    v.map::<f32>(Convert::as_f32)
}

/// Signed integers from any scalars.
#[inline(always)]
pub fn to_i32<V: Lanes<Scalar: Convert>>(v: V) -> V::With<i32> {
    v.map::<i32>(Convert::as_i32)
}

/// Unsigned integers from any scalars.
#[inline(always)]
pub fn to_u32<V: Lanes<Scalar: Convert>>(v: V) -> V::With<u32> {
    v.map::<u32>(Convert::as_u32)
}

/// Booleans from any scalars: false from zero.
#[inline(always)]
pub fn to_bool<V: Lanes<Scalar: Convert>>(v: V) -> V::With<bool> {
    v.map::<bool>(Convert::as_bool)
}

/// The same bits as floats.
#[inline(always)]
pub fn bitcast_f32<V: Lanes<Scalar: Bits>>(v: V) -> V::With<f32> {
    v.map::<f32>(|x| f32::from_bits(x.bits()))
}

/// The same bits as signed integers.
#[inline(always)]
pub fn bitcast_i32<V: Lanes<Scalar: Bits>>(v: V) -> V::With<i32> {
    v.map::<i32>(|x| x.bits() as i32)
}

/// The same bits as unsigned integers.
#[inline(always)]
pub fn bitcast_u32<V: Lanes<Scalar: Bits>>(v: V) -> V::With<u32> {
    v.map::<u32>(Bits::bits)
}

#[cfg(test)]
mod tests {
    use glam::{BVec3, IVec2, UVec3, Vec2, Vec3};

    use super::*;

    #[test]
    fn floats_out_of_range_become_the_nearest_float_that_is_an_integer() {
        for (x, signed, unsigned) in [
            (0.0, 0, 0),
            (-0.0, 0, 0),
            (1.9, 1, 1),
            (-1.9, -1, 0),
            (2_147_483_520.0, 2_147_483_520, 2_147_483_520),
            (2_147_483_648.0, 2_147_483_520, 2_147_483_648),
            (4_294_967_040.0, 2_147_483_520, 4_294_967_040),
            (4_294_967_296.0, 2_147_483_520, 4_294_967_040),
            (f32::INFINITY, 2_147_483_520, 4_294_967_040),
            (-2_147_483_648.0, i32::MIN, 0),
            (-1e20, i32::MIN, 0),
            (f32::NEG_INFINITY, i32::MIN, 0),
        ] {
            assert_eq!((to_i32(x), to_u32(x)), (signed, unsigned), "{x}");
        }
    }

    #[test]
    fn other_conversions() {
        assert_eq!(to_f32(UVec3::new(0, 1, u32::MAX)), Vec3::new(0.0, 1.0, 4_294_967_296.0));
        assert_eq!(to_bool(Vec3::new(0.0, -0.0, f32::NAN)), BVec3::new(false, false, true));
        assert_eq!((to_f32(true), to_u32(false), to_i32(u32::MAX), to_u32(-1)), (1.0, 0, -1, u32::MAX));
        assert_eq!(bitcast_i32(Vec2::new(1.0, -0.0)), IVec2::new(0x3f80_0000, i32::MIN));
        assert_eq!(bitcast_f32(0x7f80_0000u32), f32::INFINITY);
        assert_eq!(bitcast_u32(-1), u32::MAX);
    }
}
