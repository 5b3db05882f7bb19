//! The coverage of pixels at outlines that a lens blurs, as a picture for the network. Sharp outlines need none: all
//! samples of their pixels decide alike but for the strip that the filter sees, which is stratified.

use packshot_renderer::color::LinearImage;

/// The coverage as grey values, if some of it is blurred.
pub(super) fn blurred(noisy: &LinearImage, has_lens: bool) -> Option<Vec<[f32; 4]>> {
    let is_partial = |[.., coverage]: &[f32; 4]| *coverage > 0.0 && *coverage < 1.0;
    let is_wanted = has_lens && noisy.rgba.iter().any(is_partial);
    is_wanted.then(|| noisy.rgba.iter().map(|&[.., coverage]| [coverage, coverage, coverage, 1.0]).collect())
}

/// Gives a picture the coverage that the network made of the `noisy` one's. Where that is 0 or 1 all around a pixel, it
/// stays: a background stays transparent, and the inside of a product opaque.
pub(super) fn replace(rgba: &mut [[f32; 4]], noisy: &LinearImage, denoised: &[[f32; 4]]) {
    let (width, height) = (noisy.width_px as usize, noisy.height_px as usize);
    for (i, pixel) in rgba.iter_mut().enumerate() {
        let (x, y) = (i % width, i / width);
        let rows = y.saturating_sub(1)..(y + 2).min(height);
        let mut around = rows.flat_map(|v| (x.saturating_sub(1)..(x + 2).min(width)).map(move |u| v * width + u));
        let own = noisy.rgba[i][3];
        let is_certain = (own == 0.0 || own == 1.0) && around.all(|j| noisy.rgba[j][3] == own);
        if !is_certain {
            let [r, g, b, _] = denoised[i];
            pixel[3] = ((r + g + b) / 3.0).clamp(0.0, 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(coverage: &[f32]) -> LinearImage {
        let rgba = coverage.iter().map(|&a| [0.25, 0.5, 0.75, a]).collect();
        LinearImage { width_px: coverage.len() as u32, height_px: 1, rgba }
    }

    #[test]
    fn only_what_a_lens_blurs_is_given_to_the_network() {
        let sharp = picture(&[0.0, 0.0, 1.0, 1.0]);
        assert_eq!(blurred(&sharp, true), None);
        let soft = picture(&[0.0, 0.5, 1.0]);
        assert_eq!(blurred(&soft, false), None);
        let half = [0.5, 0.5, 0.5, 1.0];
        assert_eq!(blurred(&soft, true).expect("wanted")[1], half);
    }

    #[test]
    fn what_is_certain_stays_and_colours_are_not_touched() {
        let noisy = picture(&[0.0, 0.0, 0.3, 0.8, 1.0, 1.0]);
        let mut rgba = noisy.rgba.clone();
        let network = [0.1_f32, 0.2, 0.5, 1.2, 0.9, 0.9].map(|a| [a, a, a, 1.0]);
        replace(&mut rgba, &noisy, &network);
        let coverage: Vec<f32> = rgba.iter().map(|pixel| pixel[3]).collect();
        for (found, expected) in coverage.iter().zip([0.0, 0.2, 0.5, 1.0, 0.9, 1.0]) {
            assert!((found - expected).abs() < 1e-6, "{coverage:?}");
        }
        assert!(rgba.iter().all(|pixel| pixel[..3] == [0.25, 0.5, 0.75]));
    }
}
