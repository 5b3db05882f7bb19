//! Numbers packed into 32 bits (WGSL 17.9 and 17.10).
//!
//! WGSL rounds to integers by `floor(0.5 + x)`, and Vulkan, through which it runs, leaves the rounding open; here
//! halves round to even, by the instruction that every processor has.

use glam::{Vec2, Vec4};

use super::float::{Floats, clamp, round};

/// The 16 bits of the half float nearest to `x`, of two the even one; beyond the largest half float infinity.
#[inline(always)]
fn half_from_float(x: f32) -> u32 {
    let sign = (x.to_bits() >> 16) & 0x8000;
    let magnitude = x.abs();
    let bits = magnitude.to_bits();
    // Normal: move the exponent's origin from 127 to 15 and round the 13 bits that fall off.
    let normal = bits.wrapping_sub(112 << 23).wrapping_add(0xfff + ((bits >> 13) & 1)) >> 13;
    // Subnormal: adding 0.5 leaves the multiple of 2^-24, rounded by the addition itself, in the lowest bits.
    let subnormal = (magnitude + 0.5).to_bits().wrapping_sub(0.5f32.to_bits());
    let half = if bits > 0x7f80_0000 {
        0x7e00
    } else if bits >= 0x4780_0000 {
        0x7c00
    } else if bits < 113 << 23 {
        subnormal
    } else {
        normal
    };
    sign | half
}

/// The float that equals the half float in the lowest 16 bits.
#[inline(always)]
fn float_from_half(half: u32) -> f32 {
    let sign = (half & 0x8000) << 16;
    let bits = (half & 0x7fff) << 13;
    let magnitude = if bits >= 0x7c00 << 13 {
        // Infinity or NaN.
        f32::from_bits(bits | 0x7f80_0000)
    } else if bits < 0x0400 << 13 {
        // Subnormal: a multiple of 2^-24.
        (half & 0x03ff) as f32 * (1.0 / 16_777_216.0)
    } else {
        f32::from_bits(bits + (112 << 23))
    };
    f32::from_bits(magnitude.to_bits() | sign)
}

/// The nearest half float, as a float.
#[inline(always)]
pub fn quantize_to_f16<V: Floats>(v: V) -> V {
    v.map::<f32>(|x| float_from_half(half_from_float(x)))
}

/// Two half floats, `v.x` in the lower bits.
#[inline(always)]
pub fn pack2x16float(v: Vec2) -> u32 {
    half_from_float(v.x) | (half_from_float(v.y) << 16)
}

/// Two floats of two half floats.
#[inline(always)]
pub fn unpack2x16float(bits: u32) -> Vec2 {
    Vec2::new(float_from_half(bits & 0xffff), float_from_half(bits >> 16))
}

/// Four integers 0 to 255 of floats in [0, 1], `v.x` in the lowest bits.
#[inline(always)]
pub fn pack4x8unorm(v: Vec4) -> u32 {
    let q = round(clamp(v, Vec4::ZERO, Vec4::ONE) * 255.0);
    q.x as u32 | ((q.y as u32) << 8) | ((q.z as u32) << 16) | ((q.w as u32) << 24)
}

/// Four floats in [0, 1] of integers 0 to 255.
#[inline(always)]
pub fn unpack4x8unorm(bits: u32) -> Vec4 {
    let byte = |shift: u32| ((bits >> shift) & 0xff) as f32;
    Vec4::new(byte(0), byte(8), byte(16), byte(24)) / 255.0
}

/// Four integers -127 to 127 of floats in [-1, 1], `v.x` in the lowest bits.
#[inline(always)]
pub fn pack4x8snorm(v: Vec4) -> u32 {
    let q = round(clamp(v, Vec4::NEG_ONE, Vec4::ONE) * 127.0);
    let byte = |x: f32| (x as i32 as u32) & 0xff;
    byte(q.x) | (byte(q.y) << 8) | (byte(q.z) << 16) | (byte(q.w) << 24)
}

/// Four floats in [-1, 1] of integers -127 to 127; -128 is -1 too.
#[inline(always)]
pub fn unpack4x8snorm(bits: u32) -> Vec4 {
    let byte = |shift: u32| f32::from((bits >> shift) as u8 as i8);
    super::float::max(Vec4::new(byte(0), byte(8), byte(16), byte(24)) / 127.0, Vec4::NEG_ONE)
}

/// Two integers 0 to 65535 of floats in [0, 1], `v.x` in the lower bits.
#[inline(always)]
pub fn pack2x16unorm(v: Vec2) -> u32 {
    let q = round(clamp(v, Vec2::ZERO, Vec2::ONE) * 65535.0);
    q.x as u32 | ((q.y as u32) << 16)
}

/// Two floats in [0, 1] of integers 0 to 65535.
#[inline(always)]
pub fn unpack2x16unorm(bits: u32) -> Vec2 {
    Vec2::new((bits & 0xffff) as f32, (bits >> 16) as f32) / 65535.0
}

/// Two integers -32767 to 32767 of floats in [-1, 1], `v.x` in the lower bits.
#[inline(always)]
pub fn pack2x16snorm(v: Vec2) -> u32 {
    let q = round(clamp(v, Vec2::NEG_ONE, Vec2::ONE) * 32767.0);
    let word = |x: f32| (x as i32 as u32) & 0xffff;
    word(q.x) | (word(q.y) << 16)
}

/// Two floats in [-1, 1] of integers -32767 to 32767; -32768 is -1 too.
#[inline(always)]
pub fn unpack2x16snorm(bits: u32) -> Vec2 {
    let word = |shift: u32| f32::from((bits >> shift) as u16 as i16);
    super::float::max(Vec2::new(word(0), word(16)) / 32767.0, Vec2::NEG_ONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_float_survives() {
        for half in 0..=0xffffu32 {
            let float = float_from_half(half);
            if float.is_nan() {
                assert!(half & 0x7fff > 0x7c00);
                assert_eq!(half_from_float(float) & 0x7e00, 0x7e00);
            } else {
                assert_eq!(half_from_float(float), half, "{float}");
            }
        }
    }

    #[test]
    fn floats_go_to_the_nearest_half_float() {
        // Between each two neighbours: below, at and above the middle.
        for half in 0..0x7bffu32 {
            let (low, high) = (f64::from(float_from_half(half)), f64::from(float_from_half(half + 1)));
            let middle = ((low + high) / 2.0) as f32;
            let even = half + (half & 1);
            assert_eq!(half_from_float(middle), even);
            assert_eq!(half_from_float(middle.next_down()), half);
            assert_eq!(half_from_float(middle.next_up()), half + 1);
        }
        for (x, half) in
            [(65504.0, 0x7bff), (65519.0, 0x7bff), (65520.0, 0x7c00), (1e10, 0x7c00), (-f32::INFINITY, 0xfc00)]
        {
            assert_eq!(half_from_float(x), half, "{x}");
        }
        assert_eq!([half_from_float(2e-8), half_from_float(-3e-8), half_from_float(-0.0)], [0, 0x8001, 0x8000]);
    }

    #[test]
    fn normalised_integers_survive() {
        for byte in 0..=255u32 {
            let bits = byte | (255 - byte) << 8 | byte << 16 | (byte ^ 0x55) << 24;
            assert_eq!(pack4x8unorm(unpack4x8unorm(bits)), bits);
            if !bits.to_ne_bytes().contains(&0x80) {
                assert_eq!(pack4x8snorm(unpack4x8snorm(bits)), bits);
            }
        }
        assert_eq!(unpack4x8snorm(0x8081_7f00), Vec4::new(0.0, 1.0, -1.0, -1.0));
        assert_eq!(unpack2x16snorm(0x8000_7fff), Vec2::new(1.0, -1.0));
        assert_eq!(pack4x8unorm(Vec4::new(-1.0, 2.0, f32::NAN, 1.0)), 0xff00_ff00);
        for word in (0..=65535u32).step_by(7) {
            let bits = word | (65535 - word) << 16;
            assert_eq!(pack2x16unorm(unpack2x16unorm(bits)), bits);
        }
        assert_eq!(pack2x16snorm(Vec2::new(-1.0, 1.0)), 0x7fff_8001);
    }
}
