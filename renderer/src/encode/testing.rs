//! Pictures and measures for the tests of encoders.

use crate::color::DisplayImage;

/// A smooth picture with every kind of alpha: opaque on the left, nothing on the right.
pub(super) fn gradient(width_px: u32, height_px: u32) -> DisplayImage {
    let texel = |i: u32| {
        let (x, y) = ((i % width_px) as f32 / width_px as f32, (i / width_px) as f32 / height_px as f32);
        [x, y, 0.5 + 0.5 * (6.0 * x * y).sin(), (1.5 - 2.0 * x).clamp(0.0, 1.0)]
    };
    DisplayImage { width_px, height_px, rgba: (0..width_px * height_px).map(texel).collect() }
}

/// The same with nothing transparent.
pub(super) fn opaque(width_px: u32, height_px: u32) -> DisplayImage {
    let mut image = gradient(width_px, height_px);
    image.rgba.iter_mut().for_each(|texel| texel[3] = 1.0);
    image
}

/// Peak signal-to-noise ratio of 8-bit samples.
pub(super) fn psnr_db(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares: f64 = a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / squares.max(1e-9)).log10()
}
