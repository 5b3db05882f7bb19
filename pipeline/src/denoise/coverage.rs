//! The coverage of pixels at outlines that a lens blurs, as a picture for the network. Sharp outlines need none: all
//! samples of their pixels decide alike but for the strip that the filter sees, which is stratified.

use packshot_renderer::color::LinearImage;

/// The pixels whose coverage is not certain, numbered row by row, ascending: all but those where it is 0 or 1 all
/// around. None if no outline is blurred.
pub(super) fn outlines(noisy: &LinearImage, has_lens: bool) -> Vec<u32> {
    let is_partial = |[.., coverage]: &[f32; 4]| *coverage > 0.0 && *coverage < 1.0;
    if !has_lens || !noisy.rgba.iter().any(is_partial) {
        return Vec::new();
    }
    let (width, height) = (noisy.width_px as usize, noisy.height_px as usize);
    let is_uncertain = |i: &usize| {
        let (x, y) = (i % width, i / width);
        let rows = y.saturating_sub(1)..(y + 2).min(height);
        let mut around = rows.flat_map(|v| (x.saturating_sub(1)..(x + 2).min(width)).map(move |u| v * width + u));
        let own = noisy.rgba[*i][3];
        !((own == 0.0 || own == 1.0) && around.all(|j| noisy.rgba[j][3] == own))
    };
    (0..noisy.rgba.len()).filter(is_uncertain).map(|i| i as u32).collect()
}

/// Gives outlines the `coverage` that more samples found. The colours, which are multiplied by it, follow.
pub(super) fn refine(rgba: &mut [[f32; 4]], outlines: &[u32], coverage: &[f32]) {
    for &i in outlines {
        let [r, g, b, a] = &mut rgba[i as usize];
        let found = coverage[i as usize];
        if *a > 0.0 {
            let factor = found / *a;
            for channel in [r, g, b] {
                *channel *= factor;
            }
        }
        *a = found;
    }
}

/// The coverage as grey values.
pub(super) fn grey(rgba: &[[f32; 4]]) -> Vec<[f32; 4]> {
    rgba.iter().map(|&[.., coverage]| [coverage, coverage, coverage, 1.0]).collect()
}

/// Gives outlines the coverage that the network made of grey values. The rest of a background stays transparent, and
/// the inside of a product opaque.
pub(super) fn replace(rgba: &mut [[f32; 4]], outlines: &[u32], denoised: &[[f32; 4]]) {
    for &i in outlines {
        let [r, g, b, _] = denoised[i as usize];
        rgba[i as usize][3] = ((r + g + b) / 3.0).clamp(0.0, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(coverage: &[f32]) -> LinearImage {
        let rgba = coverage.iter().map(|&a| [0.25 * a, 0.5 * a, 0.75 * a, a]).collect();
        LinearImage { width_px: coverage.len() as u32, height_px: 1, rgba }
    }

    #[test]
    fn only_what_a_lens_blurs_is_an_outline() {
        assert_eq!(outlines(&picture(&[0.0, 0.0, 1.0, 1.0]), true), [0_u32; 0]);
        let soft = picture(&[0.0, 0.0, 0.3, 0.8, 1.0, 1.0]);
        assert_eq!(outlines(&soft, false), [0_u32; 0]);
        assert_eq!(outlines(&soft, true), [1, 2, 3, 4]);
    }

    #[test]
    fn colours_follow_the_coverage_of_more_samples() {
        let mut rgba = picture(&[0.0, 0.0, 0.5, 1.0]).rgba;
        refine(&mut rgba, &[1, 2], &[0.9, 0.25, 0.25, 0.9]);
        // What no sample saw has no colour yet.
        let expected = [[0.0; 4], [0.0, 0.0, 0.0, 0.25], [0.0625, 0.125, 0.1875, 0.25], [0.25, 0.5, 0.75, 1.0]];
        assert_eq!(rgba, expected);
    }

    #[test]
    fn what_is_certain_stays_and_colours_are_not_touched() {
        let noisy = picture(&[0.0, 0.0, 0.3, 0.8, 1.0, 1.0]);
        let mut rgba = noisy.rgba.clone();
        let network = [0.1_f32, 0.2, 0.5, 1.2, 0.9, 0.9].map(|a| [a, a, a, 1.0]);
        replace(&mut rgba, &outlines(&noisy, true), &network);
        let coverage: Vec<f32> = rgba.iter().map(|pixel| pixel[3]).collect();
        for (found, expected) in coverage.iter().zip([0.0, 0.2, 0.5, 1.0, 0.9, 1.0]) {
            assert!((found - expected).abs() < 1e-6, "{coverage:?}");
        }
        assert!(rgba.iter().zip(&noisy.rgba).all(|(pixel, before)| pixel[..3] == before[..3]));
    }
}
