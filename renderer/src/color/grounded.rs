//! The display image of a product with what its floor has caught: over a colour, or with the closest alpha.
//!
//! Display-referred pictures are composited in their stored values, not in linear light: a shadow that leaves half of
//! the light leaves 73 % of a stored white. The fraction that shadows leave is therefore converted to stored values
//! here, and one alpha is fitted for three channels.

use rayon::prelude::*;

use super::srgb::{decode, encode_unit};
use super::{DisplayImage, DisplaySettings, LinearImage, PIXELS_PER_TASK, clamp_unit, display_image};
use crate::catcher::{Caught, Fade};
use crate::film::LUMINANCE;

/// Stored values of backgrounds for which an alpha is fitted.
const BACKGROUNDS: [f32; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// [`display_image`] of a product on a catcher: over the background colour of the settings, or with a fitted straight
/// alpha. Of what is caught, as much is shown as `fade` says, and all of it without one.
///
/// The part of a pixel that the product does not cover is, for a background of stored value b, U(b) = encode(ratio ·
/// decode(b) + light). For a picture with alpha, U(b) ≈ q + (1 − a) · b is fitted by least squares over the stored
/// values 0, ¼, ½, ¾, 1, with one `a` for all channels, each weighted by its weight in luminance, and a `q` for each.
/// It is exact where nothing is caught; grey shadows err by at most 8 codes of 255, the darkest most, coloured ones by
/// what a single alpha cannot express.
pub fn display_grounded(
    product: &LinearImage,
    caught: &Caught,
    fade: Option<&Fade>,
    settings: &DisplaySettings<'_>,
) -> DisplayImage {
    let without_background = DisplaySettings { background_srgb: None, ..*settings };
    let mut shown = display_image(product, &without_background);
    let light = caught.has_light().then(|| {
        let rgba = caught.light.iter().map(|&[r, g, b]| [r, g, b, 1.0]).collect();
        display_image(&LinearImage { rgba, ..*product }, &without_background)
    });
    let nothing = LinearImage { width_px: 1, height_px: 1, rgba: vec![[0.0, 0.0, 0.0, 1.0]] };
    let [r, g, b, _] = display_image(&nothing, &without_background).rgba[0];
    let black = [r, g, b].map(decode);
    let background = settings.background_srgb.map(|color| color.map(clamp_unit));
    shown.rgba.par_chunks_mut(PIXELS_PER_TASK).enumerate().for_each(|(task, pixels)| {
        for (i, pixel) in pixels.iter_mut().enumerate() {
            let i = task * PIXELS_PER_TASK + i;
            let [r, g, b, coverage] = *pixel;
            // Looks and tables may lift black, but where there is no light there must stay none.
            let light = light.as_ref().filter(|_| caught.light[i] != [0.0; 3]).map_or([0.0; 3], |light| {
                let [r, g, b, _] = light.rgba[i];
                std::array::from_fn(|c| (decode([r, g, b][c]) - black[c]).max(0.0))
            });
            let open = Open { ratio: caught.ratio[i], light }.faded(fade.map_or(1.0, |fade| fade.share(i)));
            *pixel = match background {
                Some(below) => open.over(below).laid_under([r, g, b], coverage),
                None => open.fitted().below([r, g, b], coverage),
            };
        }
    });
    shown
}

/// The part of a pixel that the product does not cover.
struct Open {
    ratio: [f32; 3],
    /// In linear display light.
    light: [f32; 3],
}

/// A layer of stored values, premultiplied.
struct Laid {
    color: [f32; 3],
    alpha: f32,
}

impl Open {
    /// This share of it.
    fn faded(self, share: f32) -> Self {
        Self {
            ratio: self.ratio.map(|ratio| 1.0 + share * (ratio - 1.0)),
            light: self.light.map(|light| share * light),
        }
    }

    fn over_channel(&self, channel: usize, background: f32) -> f32 {
        // What is unchanged is not rounded either: white stays exactly white.
        if self.ratio[channel] == 1.0 && self.light[channel] == 0.0 {
            return background;
        }
        encode_unit(clamp_unit(self.ratio[channel] * decode(background) + self.light[channel]))
    }

    fn over(&self, background: [f32; 3]) -> Laid {
        Laid { color: std::array::from_fn(|c| self.over_channel(c, background[c])), alpha: 1.0 }
    }

    fn fitted(&self) -> Laid {
        if self.ratio == [1.0; 3] && self.light == [0.0; 3] {
            return Laid { color: [0.0; 3], alpha: 0.0 };
        }
        let n = BACKGROUNDS.len() as f32;
        let middle = BACKGROUNDS.iter().sum::<f32>() / n;
        let spread: f32 = BACKGROUNDS.iter().map(|b| (b - middle) * (b - middle)).sum();
        let (mut left, mut means) = (0.0, [0.0; 3]);
        for (c, (mean, weight)) in means.iter_mut().zip(LUMINANCE.to_array()).enumerate() {
            let shown = BACKGROUNDS.map(|b| self.over_channel(c, b));
            *mean = shown.iter().sum::<f32>() / n;
            let slope: f32 = BACKGROUNDS.iter().zip(shown).map(|(b, u)| (b - middle) * u).sum();
            left += weight * slope / spread;
        }
        let left = clamp_unit(left);
        let alpha = 1.0 - left;
        Laid { color: means.map(|mean| (mean - left * middle).clamp(0.0, alpha)), alpha }
    }
}

impl Laid {
    /// Under a straight colour with this coverage, opaque.
    fn laid_under(&self, over: [f32; 3], coverage: f32) -> [f32; 4] {
        let [r, g, b] = std::array::from_fn(|c| clamp_unit(self.color[c] + (over[c] - self.color[c]) * coverage));
        [r, g, b, 1.0]
    }

    /// Under a straight colour with this coverage; straight.
    fn below(&self, over: [f32; 3], coverage: f32) -> [f32; 4] {
        let alpha = coverage + (1.0 - coverage) * self.alpha;
        if alpha <= super::LEAST_ALPHA {
            return [0.0; 4];
        }
        let [r, g, b] =
            std::array::from_fn(|c| clamp_unit((over[c] * coverage + (1.0 - coverage) * self.color[c]) / alpha));
        [r, g, b, alpha]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shot::ViewTransform;

    fn shown(coverage: f32, caught: Caught, background_srgb: Option<[f32; 3]>) -> [f32; 4] {
        let scene = [0.3 * coverage, 0.3 * coverage, 0.3 * coverage, coverage];
        let product = LinearImage { width_px: 1, height_px: 1, rgba: vec![scene] };
        let settings =
            DisplaySettings { background_srgb, view_transform: ViewTransform::Standard, ..Default::default() };
        display_grounded(&product, &caught, None, &settings).rgba[0]
    }

    fn caught(ratio: [f32; 3], light: [f32; 3]) -> Caught {
        Caught { ratio: vec![ratio], light: vec![light], shares: vec![1.0], samples_min: 1 }
    }

    #[test]
    fn the_outermost_pixels_are_those_of_the_page() {
        let alpha = |i: usize| if i == 12 { 1.0 } else { 0.0 };
        let rgba = (0..25).map(|i| [0.2 * alpha(i), 0.2 * alpha(i), 0.2 * alpha(i), alpha(i)]).collect();
        let product = LinearImage { width_px: 5, height_px: 5, rgba };
        let (ratio, light) = (vec![[0.3, 0.4, 0.5]; 25], vec![[0.1; 3]; 25]);
        let caught = Caught { ratio, light, shares: vec![1.0; 25], samples_min: 1 };
        let background_srgb = Some([1.0; 3]);
        let settings =
            DisplaySettings { background_srgb, view_transform: ViewTransform::Standard, ..Default::default() };
        let fade = Fade::around(&product);
        let shown = display_grounded(&product, &caught, Some(&fade), &settings).rgba;
        let is_outermost = |i: usize| [0, 4].contains(&(i % 5)) || [0, 4].contains(&(i / 5));
        for (i, [r, g, b, _]) in shown.into_iter().enumerate() {
            assert_eq!([r, g, b] == [1.0; 3], is_outermost(i), "{i}");
        }
        let whole = display_grounded(&product, &caught, None, &settings).rgba;
        assert!(whole.iter().all(|[r, ..]| *r < 1.0), "without a fade it reaches the frame");
    }

    #[test]
    fn nothing_caught_changes_nothing() {
        for coverage in [0.0, 0.3, 1.0] {
            let [.., alpha] = shown(coverage, caught([1.0; 3], [0.0; 3]), None);
            assert_eq!(alpha, coverage);
        }
        let white = shown(0.0, caught([1.0; 3], [0.0; 3]), Some([1.0; 3]));
        assert_eq!(white, [1.0; 4], "white stays exactly white");
    }

    #[test]
    fn shadows_leave_light_in_proportion() {
        let [r, .., alpha] = shown(0.0, caught([0.5; 3], [0.0; 3]), Some([1.0; 3]));
        assert!((decode(r) - 0.5).abs() < 1e-5 && alpha == 1.0);
        let [r, g, _, _] = shown(0.0, caught([0.5, 0.25, 1.0], [0.0; 3]), Some([0.8; 3]));
        assert!((decode(r) / decode(0.8) - 0.5).abs() < 1e-4);
        assert!((decode(g) / decode(0.8) - 0.25).abs() < 1e-4);
    }

    #[test]
    fn grey_shadows_fit_one_alpha_within_eight_codes() {
        let mut worst = 0.0_f32;
        for step in 0..=20 {
            let ratio = step as f32 / 20.0;
            let [r, _, _, alpha] = shown(0.0, caught([ratio; 3], [0.0; 3]), None);
            for b in (0..=10).map(|i| i as f32 / 10.0) {
                let laid = r * alpha + (1.0 - alpha) * b;
                let exact = encode_unit(ratio * decode(b));
                worst = worst.max((laid - exact).abs());
            }
        }
        assert!(worst * 255.0 < 8.0, "{} codes", worst * 255.0);
    }

    #[test]
    fn a_colour_is_kept_as_far_as_one_alpha_can() {
        // A red shadow: red light remains.
        let [r, g, b, alpha] = shown(0.0, caught([1.0, 0.2, 0.2], [0.0; 3]), None);
        assert!(r > g && g == b && alpha > 0.2 && alpha < 0.6, "{r} {g} {b} {alpha}");
    }
}
