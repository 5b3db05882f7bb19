//! The sRGB transfer function (IEC 61966-2-1) and alpha.

use std::sync::OnceLock;

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

/// Straight and encoded, of a linear colour times its alpha, and alpha.
pub(super) fn straight([r, g, b, alpha]: [f32; 4]) -> [f32; 4] {
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
        }
    }
}
