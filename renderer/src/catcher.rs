//! What a product does to its floor, separated from the product and from the floor itself: for pictures that are laid
//! over others.
//!
//! Three films are compared: the product with the floor left out, the floor with the product on it, and the floor
//! alone. All three have the same seed, and the last two the same samples, so that where the product has no effect they
//! are equal bit for bit, and their ratio is 1 without noise. Over a background B that stands in for the floor without
//! the product, a pixel is
//!
//! ```text
//! C = RGB + T · B        RGB = product + light        T = (1 − coverage) · ratio
//! ```
//!
//! channel by channel, in linear Rec.709. Over the floor's own picture this is the picture of both together, whatever
//! the product is made of (test: `renderer/tests/physics/catcher.rs`).

mod brightening;
mod fade;

use packshot_materials::openpbr::OpenPbr;

use crate::color::{LinearImage, luminance};
use crate::film::Film;
use crate::shot::Floor;

pub use fade::Fade;

/// Largest ratio: a floor that gets more light than this times its own is in a caustic, which cannot be represented as
/// a ratio.
const RATIO_MAX: f32 = 64.0;
/// Radiance of a floor below which the ratio is undefined.
const LEAST_RADIANCE: f32 = 1e-7;
/// Fraction of a pixel's samples below which a film has no information about it.
const LEAST_SHARE: f32 = 1e-6;

/// Samples around a pixel after which it is outside of every shadow if none of them found one: a shadow that takes
/// 1 % of the light hides from so many once in 30,000 times.
const SURROUNDINGS_SAMPLES: u32 = 1024;

/// What a product does to its floor, for each pixel, row 0 on top, linear Rec.709, each in the part of the pixel that
/// the product does not cover.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Caught {
    /// Light from the floor, relative to that without the product. Below 1 in shadows, separately for each channel, and
    /// above 1 where a matte floor gets more light, as in a caustic, and by noise. 1 where there is no floor.
    pub ratio: Vec<[f32; 3]>,
    /// Radiance that the floor adds, whatever is below: reflections of the product that are brighter than what they
    /// hide. 0 for matte floors that have light of their own.
    pub light: Vec<[f32; 3]>,
    /// The share of each pixel that both hold for: what the product leaves open, or 0 where a floor shows, of which no
    /// sample was taken.
    pub shares: Vec<f32>,
    /// The fewest samples that a pixel of the floor's film has.
    pub samples_min: u32,
}

impl Caught {
    /// Compares the film of the product without its floor, that of the floor with the product on it where the product
    /// does not hide it, and that of the floor alone.
    ///
    /// # Panics
    /// When the films differ in size, which is a bug in the caller.
    pub fn new(product: &Film, with: &Film, alone: &Film, floor: &Floor) -> Self {
        let n = product.sums.len();
        assert!(with.sums.len() == n && alone.sums.len() == n, "three films of one shot");
        let is_matte = is_matte(&floor.openpbr);
        let brighter = if is_matte { vec![[1.0; 3]; n] } else { brightening::of_pixels(with, alone) };
        let samples_min = with.samples.iter().min().copied().unwrap_or_default();
        let [product, with, alone] = [product, with, alone].map(Film::resolve);
        let (ratio, light, shares) = (Vec::with_capacity(n), Vec::with_capacity(n), Vec::with_capacity(n));
        let mut caught = Self { ratio, light, shares, samples_min };
        for i in 0..n {
            let (ratio, light) = compare(product[i][3], with[i], alone[i], is_matte, brighter[i]);
            caught.ratio.push(ratio);
            caught.light.push(light);
            let is_known = with[i][3] > LEAST_SHARE || alone[i][3] <= LEAST_SHARE;
            caught.shares.push(if is_known { 1.0 - product[i][3].clamp(0.0, 1.0) } else { 0.0 });
        }
        caught
    }

    /// The transmittance T towards a background: 1 where nothing is in front of it. `product` is the picture of the
    /// product without its floor.
    pub fn transmittance(&self, product: &LinearImage) -> Vec<[f32; 3]> {
        let of_pixel = |(&[.., coverage], ratio): (&[f32; 4], &[f32; 3])| ratio.map(|r| (1.0 - coverage).max(0.0) * r);
        product.rgba.iter().zip(&self.ratio).map(of_pixel).collect()
    }

    /// The product with everything that its floor adds. Its alpha is the best single number for three channels: 1 minus
    /// the luminance of the transmittance, which is exact for colourless shadows.
    pub fn flattened(&self, product: &LinearImage) -> LinearImage {
        let of_pixel = |((&[r, g, b, coverage], ratio), light): ((&[f32; 4], &[f32; 3]), &[f32; 3])| {
            let open = (1.0 - coverage).max(0.0);
            let [r, g, b] = [(r, light[0]), (g, light[1]), (b, light[2])].map(|(seen, added)| seen + open * added);
            [r, g, b, 1.0 - (open * luminance(*ratio)).min(1.0)]
        };
        LinearImage { rgba: product.rgba.iter().zip(&self.ratio).zip(&self.light).map(of_pixel).collect(), ..*product }
    }

    /// Product and shadows over a backdrop of the same size, opaque.
    pub fn over(&self, product: &LinearImage, backdrop: &LinearImage) -> LinearImage {
        let transmittance = self.transmittance(product);
        let mut laid = self.flattened(product);
        for ((pixel, below), [r, g, b]) in laid.rgba.iter_mut().zip(&backdrop.rgba).zip(transmittance) {
            *pixel = [pixel[0] + r * below[0], pixel[1] + g * below[1], pixel[2] + b * below[2], 1.0];
        }
        laid
    }

    /// After denoising: restores the `sampled` values, in rows of this width, wherever neither they nor their
    /// surroundings show an effect of the product; all other values are clamped to what is possible.
    ///
    /// The fewer samples there are, the further the surroundings reach: in a faint shadow most samples find none, and
    /// what was restored there would be a bright dot. Near the picture's border and the product there are fewer.
    pub fn restored(mut self, sampled: &Self, width_px: u32) -> Self {
        let effects = sampled.ratio.iter().zip(&sampled.light);
        let is_changed: Vec<bool> = effects.map(|effect| effect != (&[1.0; 3], &[0.0; 3])).collect();
        let is_near = dilated(&is_changed, width_px as usize, surroundings_px(sampled.samples_min));
        let within = |value: f32, max: f32| if value > 0.0 { value.min(max) } else { 0.0 };
        for (i, is_near) in is_near.into_iter().enumerate() {
            if is_near {
                self.ratio[i] = self.ratio[i].map(|value| within(value, RATIO_MAX));
                self.light[i] = self.light[i].map(|value| within(value, f32::MAX));
            } else {
                (self.ratio[i], self.light[i]) = ([1.0; 3], [0.0; 3]);
            }
        }
        self
    }

    /// Whether the floor adds light anywhere.
    pub fn has_light(&self) -> bool {
        self.light.iter().flatten().any(|&value| value > 0.0)
    }
}

/// How far around a pixel to look for effects of the product: a square in which [`SURROUNDINGS_SAMPLES`] are taken, and
/// at least one pixel.
fn surroundings_px(samples_min: u32) -> usize {
    let has_enough = |reach: &u32| (2 * reach + 1).pow(2).saturating_mul(samples_min.max(1)) >= SURROUNDINGS_SAMPLES;
    (1..SURROUNDINGS_SAMPLES).find(has_enough).unwrap_or(SURROUNDINGS_SAMPLES) as usize
}

/// The pixels, in rows of this width, within `reach` columns and rows of one that is marked.
fn dilated(marked: &[bool], width: usize, reach: usize) -> Vec<bool> {
    let mut near = vec![false; marked.len()];
    for (marked, near) in marked.chunks_exact(width.max(1)).zip(near.chunks_exact_mut(width.max(1))) {
        let mut done = 0;
        for x in (0..width).filter(|&x| marked[x]) {
            let end = (x + reach + 1).min(width);
            near[done.max(x.saturating_sub(reach))..end].fill(true);
            done = end;
        }
    }
    let rows: Vec<bool> = std::mem::replace(&mut near, vec![false; marked.len()]);
    let height = marked.len() / width.max(1);
    for x in 0..width {
        let mut done = 0;
        for y in (0..height).filter(|y| rows[y * width + x]) {
            let end = (y + reach + 1).min(height);
            (done.max(y.saturating_sub(reach))..end).for_each(|v| near[v * width + x] = true);
            done = end;
        }
    }
    near
}

/// Ratio and added light of a pixel that the product covers to this fraction. The means are premultiplied RGBA, with
/// the floor's coverage as alpha. `brighter` is how many times brighter the product makes the floor, noise aside: what
/// a polished floor adds is light only as far as it adds any. A pixel that is brighter by noise alone has a ratio above
/// 1, as its neighbours have one below.
fn compare(coverage: f32, with: [f32; 4], alone: [f32; 4], is_matte: bool, brighter: [f32; 3]) -> ([f32; 3], [f32; 3]) {
    let (share, share_alone) = (with[3], alone[3]);
    if share <= LEAST_SHARE || share_alone <= LEAST_SHARE {
        return ([1.0; 3], [0.0; 3]);
    }
    // At the edge of a floor: the part of the pixel that is covered by neither.
    let beside = if share_alone >= 1.0 - LEAST_SHARE { 0.0 } else { (1.0 - coverage - share).max(0.0) };
    let floor = share / (share + beside);
    let (mut ratio, mut light) = ([1.0; 3], [0.0; 3]);
    for c in 0..3 {
        let (lit, alone) = (with[c] / share, alone[c] / share_alone);
        let of_floor = if alone > LEAST_RADIANCE { lit / alone } else { 1.0 };
        // What is added, relative to the floor alone. Where the product changes nothing, nothing.
        let is_added = !is_matte && of_floor != 1.0;
        let added = if is_added { of_floor * (1.0 - 1.0 / brighter[c].max(1.0)) } else { 0.0 };
        let kept = (of_floor - added).min(RATIO_MAX);
        ratio[c] = floor * kept + (1.0 - floor);
        // For a matte floor that is dark without the product, no ratio can express its brightness.
        if !is_matte || alone <= LEAST_RADIANCE || of_floor > RATIO_MAX {
            light[c] = floor * (lit - kept * alone).max(0.0);
        }
    }
    (ratio, light)
}

/// Whether a material reflects light diffusely only.
fn is_matte(m: &OpenPbr) -> bool {
    [m.specular_weight, m.base_metalness, m.coat_weight, m.fuzz_weight, m.transmission_weight].iter().all(|&w| w == 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_over_the_floor_itself_is_the_picture_of_both() {
        // Half product, half floor: the product's radiance is 0.4 where it is; the floor has 0.5, 0.25, 1 and alone 1,
        // 1, 0.5.
        let with = [0.25, 0.125, 0.5, 0.5];
        let alone = [1.0, 1.0, 0.5, 1.0];
        let product = LinearImage { width_px: 1, height_px: 1, rgba: vec![[0.2, 0.2, 0.2, 0.5]] };
        let backdrop = LinearImage { rgba: vec![alone], ..product.clone() };
        for is_matte in [true, false] {
            let (ratio, light) = compare(0.5, with, alone, is_matte, [0.5, 0.25, 2.0]);
            let caught = Caught { ratio: vec![ratio], light: vec![light], shares: vec![0.5], samples_min: 1 };
            assert_eq!(caught.over(&product, &backdrop).rgba[0], [0.45, 0.325, 0.7, 1.0], "{caught:?}");
            let expected = if is_matte { ([0.5, 0.25, 2.0], [0.0; 3]) } else { ([0.5, 0.25, 1.0], [0.0, 0.0, 0.5]) };
            assert_eq!((ratio, light), expected);
        }
    }

    #[test]
    fn light_on_a_floor_that_is_dark_alone_is_added() {
        let (ratio, light) = compare(0.0, [0.3, 0.2, 0.1, 1.0], [0.0, 0.0, 0.0, 1.0], true, [1.0; 3]);
        assert_eq!((ratio, light), ([1.0; 3], [0.3, 0.2, 0.1]));
    }

    #[test]
    fn what_was_not_changed_stays_so() {
        let unchanged = |samples_min: u32| Caught {
            ratio: vec![[1.0; 3]; 8],
            light: vec![[0.0; 3]; 8],
            shares: vec![1.0; 8],
            samples_min,
        };
        let mut shadowed = unchanged(1024);
        shadowed.ratio[0] = [0.5; 3];
        let noisy =
            Caught { ratio: vec![[0.999, 1.001, f32::NAN]; 8], light: vec![[1e-4, -1.0, 0.0]; 8], ..unchanged(1024) };
        let restored = noisy.clone().restored(&shadowed, 8);
        assert_eq!(restored.ratio[0], [0.999, 1.001, 0.0]);
        assert_eq!(restored.light[1], [1e-4, 0.0, 0.0], "beside a shadow");
        assert_eq!((restored.ratio[2], restored.light[7]), ([1.0; 3], [0.0; 3]));
        // 1,024 samples are in 13 by 13 pixels of eight.
        shadowed.samples_min = 8;
        let restored = noisy.restored(&shadowed, 8);
        assert_eq!(restored.ratio[6], [0.999, 1.001, 0.0], "perhaps in a faint shadow");
        assert_eq!(restored.ratio[7], [1.0; 3]);
    }

    #[test]
    fn surroundings_are_squares() {
        let mut marked = vec![false; 35];
        (marked[0], marked[17]) = (true, true);
        let near = dilated(&marked, 7, 1);
        let expected = |x: usize, y: usize| (x < 2 && y < 2) || (x.abs_diff(3) < 2 && y.abs_diff(2) < 2);
        assert!((0..35).all(|i| near[i] == expected(i % 7, i / 7)), "{near:?}");
        assert_eq!([1, 4, 16, 64, 4096].map(surroundings_px), [16, 8, 4, 2, 1]);
    }

    #[test]
    fn where_no_floor_is_nothing_is_caught() {
        assert_eq!(compare(0.0, [0.0; 4], [0.0; 4], true, [1.0; 3]), ([1.0; 3], [0.0; 3]));
        // A quarter product, a quarter floor in half of its light, half nothing: two thirds of what is left are
        // nothing.
        let (ratio, _) = compare(0.25, [0.125, 0.125, 0.125, 0.25], [0.5, 0.5, 0.5, 0.5], true, [1.0; 3]);
        assert!((ratio[0] - (0.5 / 3.0 + 2.0 / 3.0)).abs() < 1e-6, "{ratio:?}");
    }
}
