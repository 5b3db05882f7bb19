//! From display values to the integers of a file.

use rayon::prelude::*;

/// Pixels per task.
const TEXELS_PER_TASK: usize = 8192;

/// `round(255 v)`; values outside 0 to 1 are clipped, NaN is 0.
#[inline]
pub(super) fn to_8(value: f32) -> u8 {
    // A cast from float saturates and turns NaN into 0.
    (value * 255.0 + 0.5) as u8
}

/// `round(65535 v)`, clipped in the same way.
#[inline]
pub(super) fn to_16(value: f32) -> u16 {
    (value * 65535.0 + 0.5) as u16
}

/// Whether every pixel is opaque once `code` has rounded its alpha.
pub(super) fn is_opaque<T: PartialEq>(rgba: &[[f32; 4]], code: impl Fn(f32) -> T + Sync) -> bool {
    let opaque = code(1.0);
    let opaque = |alpha: T| alpha == opaque;
    rgba.iter().all(|texel| opaque(code(texel[3])))
}

/// The samples of every pixel as `code` writes them: red, green, blue and, unless `opaque`, alpha. Fully transparent
/// pixels have no colour.
pub(super) fn samples<T: Copy + Default + PartialEq + Send>(
    rgba: &[[f32; 4]],
    opaque: bool,
    code: impl Fn(f32) -> T + Sync,
) -> Vec<T> {
    let n_channels = if opaque { 3 } else { 4 };
    convert(rgba, n_channels, |texel, samples| {
        if !opaque && code(texel[3]) == T::default() {
            return;
        }
        for (sample, &value) in samples.iter_mut().zip(texel) {
            *sample = code(value);
        }
    })
}

/// Red, green and blue in 8 bits, over white where transparent.
pub(super) fn over_white_8(rgba: &[[f32; 4]]) -> Vec<u8> {
    convert(rgba, 3, |texel, samples| {
        for (sample, value) in samples.iter_mut().zip(over_white(texel)) {
            *sample = to_8(value);
        }
    })
}

/// A straight-alpha pixel over white. An opaque one is not rounded.
#[inline]
pub(super) fn over_white(&[r, g, b, alpha]: &[f32; 4]) -> [f32; 3] {
    if alpha >= 1.0 { [r, g, b] } else { [r, g, b].map(|value| 1.0 + (value - 1.0) * alpha) }
}

fn convert<T: Copy + Default + Send>(
    rgba: &[[f32; 4]],
    n_channels: usize,
    write: impl Fn(&[f32; 4], &mut [T]) + Sync,
) -> Vec<T> {
    let mut samples = vec![T::default(); rgba.len() * n_channels];
    let tasks = samples.par_chunks_mut(TEXELS_PER_TASK * n_channels).zip(rgba.par_chunks(TEXELS_PER_TASK));
    tasks.for_each(|(samples, rgba)| {
        for (samples, texel) in samples.chunks_exact_mut(n_channels).zip(rgba) {
            write(texel, samples);
        }
    });
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_and_clipped() {
        for (value, code) in
            [(0.0, 0), (0.5, 128), (100.4 / 255.0, 100), (1.0, 255), (7.0, 255), (-3.0, 0), (f32::NAN, 0)]
        {
            assert_eq!(to_8(value), code, "{value}");
        }
        for code in 0..=u16::MAX {
            assert_eq!(to_16(f32::from(code) / 65535.0), code);
        }
    }

    #[test]
    fn what_cannot_be_seen_has_no_colour() {
        let rgba = [[1.0, 0.5, 0.0, 0.001], [1.0, 0.5, 0.0, 0.003]];
        assert_eq!(samples(&rgba, false, to_8), [0, 0, 0, 0, 255, 128, 0, 1]);
        assert_eq!(samples(&rgba, false, to_16)[..4], [65535, 32768, 0, 66], "16 bits see more");
        assert_eq!(samples(&rgba, true, to_8), [255, 128, 0, 255, 128, 0]);
    }

    #[test]
    fn white_shows_through_by_as_much_as_alpha_lacks() {
        let rgba = [[0.0, 0.5, 1.0, 0.5], [0.3, 0.3, 0.3, 0.0], [0.2, 0.4, 0.6, 1.0]];
        assert_eq!(over_white_8(&rgba), [128, 191, 255, 255, 255, 255, 51, 102, 153]);
    }
}
