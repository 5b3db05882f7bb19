//! Single pixels that one sample made far brighter than everything around them, as a small strong light does by way of
//! glass or a polished surface. A network spreads such a pixel over a cloud that more samples do not take away: each
//! doubling of the samples halves the brightness of these pixels and doubles their number.

use packshot_renderer::color::luminance;

/// Columns and rows on each side of a pixel that it is compared with.
const REACH_PX: usize = 2;
/// As many neighbours may be as bright as an outlier: two that lie side by side are found, and a thin highlight is
/// none, not even at its ends.
const BRIGHT_NEIGHBOURS: usize = 1;
/// How many times brighter than all its other neighbours an outlier is, and may stay, …
const BRIGHTER: f64 = 4.0;
/// … up to so many samples per pixel. With more, what noise adds shrinks, and a pixel that is brighter still shows
/// something: a lamp, a glint.
const FEW_SAMPLES: f64 = 64.0;
/// Neighbours that show a surface, for a pixel to be compared with them.
const LEAST_NEIGHBOURS: usize = 8;
/// The least reflectance that a brightness is divided by, so that print is no outlier.
const LEAST_ALBEDO: f32 = 0.05;

/// What the guides say of each pixel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surfaces<'a> {
    /// How much light they reflect, multiplied by the share.
    pub(super) albedo: &'a [[f32; 3]],
    /// The share of the pixel that they cover; where it is 0, a background is seen, which has no noise.
    pub(super) shares: &'a [f32],
}

/// The pixels whose outliers are dimmed to what their surroundings allow with so many samples per pixel. Nothing if
/// there is no outlier.
pub(super) fn dimmed(
    rgba: &[[f32; 4]],
    surfaces: Surfaces<'_>,
    width_px: u32,
    samples_mean: f64,
) -> Option<Vec<[f32; 4]>> {
    let Surfaces { albedo, shares } = surfaces;
    let brighter = (BRIGHTER * (samples_mean / FEW_SAMPLES).max(1.0).sqrt()) as f32;
    let width = width_px as usize;
    let height = rgba.len() / width;
    let luminance_of: Vec<f32> = rgba.iter().map(|&[r, g, b, _]| luminance([r, g, b])).collect();
    let light_of = |i: usize| luminance_of[i] / luminance(albedo[i]).clamp(LEAST_ALBEDO, 1.0);
    // The part of a value that its surroundings allow, if it is an outlier.
    let allowed_part = |i: usize, value_of: &dyn Fn(usize) -> f32| {
        let (x, y, own) = (i % width, i / width, value_of(i));
        let beside = [(x > 0).then(|| i - 1), (x + 1 < width).then(|| i + 1)];
        let is_far_brighter = |j: Option<usize>| j.is_none_or(|j| shares[j] <= 0.0 || own > brighter * value_of(j));
        if shares[i] <= 0.0 || !beside.into_iter().any(is_far_brighter) {
            return None;
        }
        let columns = x.saturating_sub(REACH_PX)..(x + REACH_PX + 1).min(width);
        let rows = y.saturating_sub(REACH_PX)..(y + REACH_PX + 1).min(height);
        let mut around: Vec<f32> = rows
            .flat_map(|v| columns.clone().map(move |u| v * width + u))
            .filter(|&j| j != i && shares[j] > 0.0)
            .map(value_of)
            .collect();
        if around.len() < LEAST_NEIGHBOURS {
            return None;
        }
        let (_, allowed, _) = around.select_nth_unstable_by(BRIGHT_NEIGHBOURS, |a, b| b.total_cmp(a));
        let allowed = brighter * *allowed;
        (allowed > 0.0 && own > allowed).then(|| allowed / own)
    };
    // By its brightness, and also when what it reflects is left aside.
    let kept_part = |i: usize| Some(allowed_part(i, &|j| luminance_of[j])?.max(allowed_part(i, &light_of)?));
    let outliers: Vec<(usize, f32)> = (0..rgba.len()).filter_map(|i| kept_part(i).map(|part| (i, part))).collect();
    if outliers.is_empty() {
        return None;
    }
    let mut dimmed = rgba.to_vec();
    for (i, part) in outliers {
        dimmed[i][..3].iter_mut().for_each(|value| *value *= part);
    }
    Some(dimmed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A grey picture of 9 × 9 pixels with these brighter ones.
    fn picture(bright: &[(usize, usize, f32)]) -> Vec<[f32; 4]> {
        let mut rgba = vec![[0.25, 0.25, 0.25, 1.0]; 81];
        for &(x, y, value) in bright {
            rgba[y * 9 + x] = [value, value, value, 1.0];
        }
        rgba
    }

    /// With 16 samples and surfaces that reflect all light.
    fn dimmed(rgba: &[[f32; 4]], shares: &[f32], width_px: u32) -> Option<Vec<[f32; 4]>> {
        let surfaces = Surfaces { albedo: &vec![[1.0; 3]; rgba.len()], shares };
        super::dimmed(rgba, surfaces, width_px, 16.0)
    }

    #[test]
    fn a_single_bright_pixel_is_dimmed() {
        for at in [(4, 4), (0, 0), (8, 3)] {
            let rgba = picture(&[(at.0, at.1, 200.0)]);
            assert_eq!(dimmed(&rgba, &[1.0; 81], 9), Some(picture(&[(at.0, at.1, 1.0)])), "{at:?}");
        }
        let pair = picture(&[(4, 4, 200.0), (5, 4, 50.0)]);
        assert_eq!(dimmed(&pair, &[1.0; 81], 9), Some(picture(&[(4, 4, 1.0), (5, 4, 1.0)])));
    }

    #[test]
    fn highlights_and_what_is_a_little_brighter_stay() {
        let line: Vec<(usize, usize, f32)> = (0..9).map(|y| (4, y, 200.0)).collect();
        for rgba in [picture(&[]), picture(&line), picture(&[(4, 4, 0.99)])] {
            assert_eq!(dimmed(&rgba, &[1.0; 81], 9), None);
        }
    }

    #[test]
    fn print_and_what_many_samples_show_stay() {
        let dot = picture(&[(4, 4, 2.0)]);
        let mut albedo = vec![[0.1; 3]; 81];
        albedo[40] = [0.8; 3];
        let surfaces = Surfaces { albedo: &albedo, shares: &[1.0; 81] };
        assert_eq!(super::dimmed(&dot, surfaces, 9, 16.0), None, "white print on black");
        albedo = vec![[0.8; 3]; 81];
        albedo[40] = [0.02; 3];
        let surfaces = Surfaces { albedo: &albedo, shares: &[1.0; 81] };
        assert_eq!(super::dimmed(&picture(&[]), surfaces, 9, 16.0), None, "black print in a reflection");
        let surfaces = Surfaces { albedo: &vec![[1.0; 3]; 81], shares: &[1.0; 81] };
        assert!(super::dimmed(&dot, surfaces, 9, 64.0).is_some());
        assert_eq!(super::dimmed(&dot, surfaces, 9, 512.0), None, "a glint");
    }

    #[test]
    fn backgrounds_and_thin_parts_stay() {
        let sun = picture(&[(4, 4, 60_000.0)]);
        let mut shares = [1.0; 81];
        shares[40] = 0.0;
        assert_eq!(dimmed(&sun, &shares, 9), None, "a background");
        // A wire in front of nothing.
        let shares: Vec<f32> = (0..81).map(|i| if i / 9 == 4 { 0.1 } else { 0.0 }).collect();
        assert_eq!(dimmed(&sun, &shares, 9), None, "{shares:?}");
    }
}
