//! Single pixels that one sample made far brighter than everything around them, as a small strong light does by way of
//! glass or a polished surface. A network spreads such a pixel over a cloud that more samples do not take away: each
//! doubling of the samples halves the brightness of these pixels and doubles their number.

use packshot_renderer::color::luminance;

/// Columns and rows on each side of a pixel that it is compared with.
const REACH_PX: usize = 2;
/// As many neighbours may be as bright as an outlier: two that lie side by side are found, and a thin highlight is
/// none, not even at its ends.
const BRIGHT_NEIGHBOURS: usize = 1;
/// How many times brighter than all its other neighbours an outlier is, and may stay.
const BRIGHTER: f32 = 4.0;
/// Neighbours that show a surface, for a pixel to be compared with them.
const LEAST_NEIGHBOURS: usize = 8;

/// The pixels whose outliers are dimmed to what their surroundings allow, with these `shares` of surfaces; where there
/// are none, a background is seen, which has no noise. Nothing if there is no outlier.
pub(super) fn dimmed(rgba: &[[f32; 4]], shares: &[f32], width_px: u32) -> Option<Vec<[f32; 4]>> {
    let width = width_px as usize;
    let height = rgba.len() / width;
    let luminance: Vec<f32> = rgba.iter().map(|&[r, g, b, _]| luminance([r, g, b])).collect();
    let factor = |i: usize| {
        let (x, y, own) = (i % width, i / width, luminance[i]);
        let beside = [(x > 0).then(|| i - 1), (x + 1 < width).then(|| i + 1)];
        let is_far_brighter = |j: Option<usize>| j.is_none_or(|j| shares[j] <= 0.0 || own > BRIGHTER * luminance[j]);
        if shares[i] <= 0.0 || !beside.into_iter().any(is_far_brighter) {
            return None;
        }
        let columns = x.saturating_sub(REACH_PX)..(x + REACH_PX + 1).min(width);
        let rows = y.saturating_sub(REACH_PX)..(y + REACH_PX + 1).min(height);
        let mut around: Vec<f32> = rows
            .flat_map(|v| columns.clone().map(move |u| v * width + u))
            .filter(|&j| j != i && shares[j] > 0.0)
            .map(|j| luminance[j])
            .collect();
        if around.len() < LEAST_NEIGHBOURS {
            return None;
        }
        let (_, allowed, _) = around.select_nth_unstable_by(BRIGHT_NEIGHBOURS, |a, b| b.total_cmp(a));
        let allowed = BRIGHTER * *allowed;
        (allowed > 0.0 && own > allowed).then(|| allowed / own)
    };
    let outliers: Vec<(usize, f32)> = (0..rgba.len()).filter_map(|i| factor(i).map(|factor| (i, factor))).collect();
    if outliers.is_empty() {
        return None;
    }
    let mut dimmed = rgba.to_vec();
    for (i, factor) in outliers {
        dimmed[i][..3].iter_mut().for_each(|value| *value *= factor);
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
