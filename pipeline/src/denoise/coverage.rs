//! The coverage of pixels that has noise, as a picture for the network: at outlines that a lens blurs, and where
//! surfaces are partly opaque. Sharp outlines need none: all samples of their pixels decide alike but for the strip
//! that the filter sees, which is stratified.

use glam::Vec4;
use packshot_renderer::color::LinearImage;

/// The pixels whose coverage is not certain, numbered row by row, ascending: all but those where it is 0 or 1 all
/// around.
pub(super) fn uncertain(noisy: &LinearImage) -> Vec<u32> {
    (0..noisy.rgba.len()).filter(|&i| is_uncertain(noisy, i)).map(|i| i as u32).collect()
}

fn is_uncertain(noisy: &LinearImage, i: usize) -> bool {
    let own = noisy.rgba[i][3];
    !((own == 0.0 || own == 1.0) && around(noisy, i).all(|j| noisy.rgba[j][3] == own))
}

/// The same for pixels in which rays met partly opaque surfaces (`partly` is their share): also those in which all
/// samples decided alike by chance, but not the guides, whose `coverage` is of more samples.
pub(super) fn of_films(noisy: &LinearImage, partly: &[f32], coverage: &[f32]) -> Vec<u32> {
    let is_open = |i: usize| 0.0 < coverage[i] && coverage[i] < 1.0;
    let of_film = |&i: &usize| partly[i] > 0.0 && (is_open(i) || is_uncertain(noisy, i));
    (0..noisy.rgba.len()).filter(of_film).map(|i| i as u32).collect()
}

/// A pixel and the up to eight around it.
fn around(picture: &LinearImage, i: usize) -> impl Iterator<Item = usize> {
    let (width, height) = (picture.width_px as usize, picture.height_px as usize);
    let (x, y) = (i % width, i / width);
    let columns = x.saturating_sub(1)..(x + 2).min(width);
    (y.saturating_sub(1)..(y + 2).min(height)).flat_map(move |v| columns.clone().map(move |u| v * width + u))
}

/// The pixels of a picture of which these `uncertain` ones have the `coverage` that more samples found. Colours are
/// multiplied by it: what is missing or too much has the mean colour of what is seen around, so that colours stay right
/// on average, also where no sample has seen the product yet. Where nothing is seen around either, nothing changes.
pub(super) fn refined(noisy: &LinearImage, uncertain: &[u32], coverage: &[f32]) -> Vec<[f32; 4]> {
    let mut rgba = noisy.rgba.clone();
    for i in uncertain.iter().map(|&i| i as usize) {
        let sum = around(noisy, i).fold(Vec4::ZERO, |sum, j| sum + Vec4::from(noisy.rgba[j]));
        if sum.w > 0.0 {
            let own = Vec4::from(noisy.rgba[i]);
            rgba[i] = (own + sum / sum.w * (coverage[i] - own.w)).max(Vec4::ZERO).to_array();
        }
    }
    rgba
}

/// The coverage as grey values.
pub(super) fn grey(rgba: &[[f32; 4]]) -> Vec<[f32; 4]> {
    rgba.iter().map(|&[.., coverage]| [coverage, coverage, coverage, 1.0]).collect()
}

/// Gives uncertain pixels the coverage that the network made of grey values. The rest of a background stays
/// transparent, and the inside of a product opaque.
pub(super) fn replace(rgba: &mut [[f32; 4]], uncertain: &[u32], denoised: &[[f32; 4]]) {
    for &i in uncertain {
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
    fn what_is_alike_all_around_is_certain() {
        assert_eq!(uncertain(&picture(&[0.0, 0.0, 0.0])), [0_u32; 0]);
        assert_eq!(uncertain(&picture(&[0.0, 0.0, 1.0, 1.0])), [1, 2], "as a single sample sees it");
        assert_eq!(uncertain(&picture(&[0.0, 0.0, 0.3, 0.8, 1.0, 1.0])), [1, 2, 3, 4]);
    }

    #[test]
    fn films_are_where_rays_met_them_and_some_passed() {
        let noisy = picture(&[0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.4]);
        // The second pixel has a film that no sample of the picture met; that of the sixth has something behind it.
        let partly = [0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0];
        let coverage = [0.0, 0.25, 0.0, 0.5, 1.0, 1.0, 1.0, 0.5];
        assert_eq!(of_films(&noisy, &partly, &coverage), [1, 6, 7]);
    }

    #[test]
    fn colours_follow_the_coverage_of_more_samples() {
        let noisy = picture(&[0.0, 0.0, 0.0, 0.5, 1.0, 1.0]);
        let refined = refined(&noisy, &uncertain(&noisy), &[0.9, 0.9, 0.125, 0.25, 0.875, 0.9]);
        // Pixel 2 has the colour of the one beside it.
        assert_eq!(refined, picture(&[0.0, 0.0, 0.125, 0.25, 0.875, 1.0]).rgba);
        // In a part that has no samples at all, nothing is known.
        let unsampled = picture(&[0.0, 0.0, 0.0, 0.0, 0.5]);
        assert_eq!(super::refined(&unsampled, &[1], &[0.9; 5]), unsampled.rgba);
    }

    #[test]
    fn what_is_certain_stays_and_colours_are_not_touched() {
        let noisy = picture(&[0.0, 0.0, 0.3, 0.8, 1.0, 1.0]);
        let mut rgba = noisy.rgba.clone();
        let network = [0.1_f32, 0.2, 0.5, 1.2, 0.9, 0.9].map(|a| [a, a, a, 1.0]);
        replace(&mut rgba, &uncertain(&noisy), &network);
        let coverage: Vec<f32> = rgba.iter().map(|pixel| pixel[3]).collect();
        for (found, expected) in coverage.iter().zip([0.0, 0.2, 0.5, 1.0, 0.9, 1.0]) {
            assert!((found - expected).abs() < 1e-6, "{coverage:?}");
        }
        assert!(rgba.iter().zip(&noisy.rgba).all(|(pixel, before)| pixel[..3] == before[..3]));
    }
}
