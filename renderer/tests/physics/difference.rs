//! How pictures differ.

use flip_rs::{DEFAULT_PPD, RgbImage, ldr_flip};
use packshot_renderer::film::Film;

/// Mean FLIP error (Andersson et al. 2020, "FLIP: A Difference Evaluator for Alternating Images") between two films of
/// one size.
pub(crate) fn flip(a: &Film, b: &Film) -> f32 {
    ldr_flip(&display(a), &display(b), DEFAULT_PPD).expect("equal sizes").statistics().mean
}

/// Mean of all channels.
pub(crate) fn mean(film: &Film) -> f64 {
    let sum: f64 = film.resolve().iter().flat_map(|p| p.map(f64::from)).sum();
    sum / film.samples.len() as f64
}

/// Display values as the `standard` view makes them, over black.
fn display(film: &Film) -> RgbImage<f32> {
    let encode = |c: f32| if c <= 0.003_130_8 { 12.92 * c } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 };
    let pixels = film.resolve().iter().flat_map(|p| [p[0], p[1], p[2]].map(|c| encode(c.clamp(0.0, 1.0)))).collect();
    RgbImage::new(film.width_px as usize, film.height_px as usize, pixels).expect("three values per pixel")
}
