//! The sRGB transfer function (IEC 61966-2-1) and alpha.

use std::sync::{LazyLock, OnceLock};

/// Linear value of an encoded one, 0 to 1.
fn decode(encoded: f64) -> f64 {
    if encoded <= 0.040_45 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
}

/// Encoded value of a linear one, 0 to 1.
fn encode(linear: f32) -> f32 {
    if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

/// Linear values of all bytes.
pub(super) fn linear_of_bytes() -> &'static [f32] {
    static TABLE: OnceLock<Vec<f32>> = OnceLock::new();
    TABLE.get_or_init(|| (0..=u8::MAX).map(|value| decode(f64::from(value) / 255.0) as f32).collect())
}

/// Linear values of all numbers of 16 bits.
pub(super) fn linear_of_words() -> &'static [f32] {
    static TABLE: OnceLock<Vec<f32>> = OnceLock::new();
    TABLE.get_or_init(|| (0..=u16::MAX).map(|value| decode(f64::from(value) / 65_535.0) as f32).collect())
}

/// The least linear value that is encoded as each byte, and for each of [`BUCKETS`] ranges of linear values, and for 1,
/// the byte of its least.
struct ByteTable {
    least: [f32; 257],
    of_bucket: [u8; BUCKETS + 1],
}

/// Ranges of linear values from 0 to 1, of the same width.
const BUCKETS: usize = 4096;

impl ByteTable {
    fn new() -> Self {
        let byte = |linear: f32| (encode(linear) * 255.0).round();
        let mut least = [0.0; 257];
        for (n, least) in least.iter_mut().enumerate().skip(1) {
            // Positive numbers are ordered as their bits are.
            let (mut below, mut at) = (0_u32, f32::INFINITY.to_bits());
            while below + 1 < at {
                let middle = below.midpoint(at);
                *(if byte(f32::from_bits(middle)) < n as f32 { &mut below } else { &mut at }) = middle;
            }
            *least = f32::from_bits(at);
        }
        let of_bucket = std::array::from_fn(|bucket| byte(bucket as f32 / BUCKETS as f32) as u8);
        Self { least, of_bucket }
    }

    /// The byte that a linear value from 0 to 1 is encoded as: `encode` rounded, without a power.
    fn of(&self, linear: f32) -> u8 {
        let mut byte = self.of_bucket[(linear * BUCKETS as f32) as usize];
        while linear >= self.least[usize::from(byte) + 1] {
            byte += 1;
        }
        byte
    }
}

/// Straight and encoded with 8 bits, of a linear colour times its alpha, and alpha.
pub(super) fn straight_bytes([r, g, b, alpha]: [f32; 4]) -> [u8; 4] {
    static BYTES: LazyLock<ByteTable> = LazyLock::new(ByteTable::new);
    if alpha <= 0.0 {
        return [0; 4];
    }
    let encoded = |value: f32| BYTES.of((value / alpha).clamp(0.0, 1.0));
    [encoded(r), encoded(g), encoded(b), (alpha.min(1.0) * 255.0).round() as u8]
}

/// Straight and encoded with 16 bits, of a linear colour times its alpha, and alpha.
pub(super) fn straight_words(texel: [f32; 4]) -> [u16; 4] {
    straight(texel).map(|value| (value * 65_535.0).round() as u16)
}

/// Straight and encoded, of a linear colour times its alpha, and alpha.
fn straight([r, g, b, alpha]: [f32; 4]) -> [f32; 4] {
    if alpha <= 0.0 {
        return [0.0; 4];
    }
    let encoded = |value: f32| encode((value / alpha).clamp(0.0, 1.0));
    [encoded(r), encoded(g), encoded(b), alpha.min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives() {
        for (byte, linear) in (0..=u8::MAX).zip(linear_of_bytes()) {
            assert_eq!((straight([*linear, 0.0, 0.0, 1.0])[0] * 255.0).round() as u8, byte);
            assert_eq!(straight_bytes([*linear, 0.0, 0.0, 1.0])[0], byte);
        }
    }

    #[test]
    fn bytes_are_the_encoded_values_rounded() {
        // Every value that is next to another byte, and many between.
        let bytes = ByteTable::new();
        let edges = bytes.least[1..256].iter().flat_map(|least| [least.next_down(), *least, least.next_up()]);
        let values = edges.chain((0..=1_000_000).map(|n| n as f32 / 1e6)).map(|value| value.clamp(0.0, 1.0));
        for value in values {
            for alpha in [1.0, 0.3] {
                let texel = [value * alpha, 0.0, 0.0, alpha];
                let expected = straight(texel).map(|value| (value * 255.0).round() as u8);
                assert_eq!(straight_bytes(texel), expected, "{value}, alpha {alpha}");
            }
        }
    }
}
