//! How many times brighter a product makes the floor in each pixel, noise aside.

use super::{LEAST_RADIANCE, LEAST_SHARE};
use crate::film::Film;

/// How far around a pixel noise is averaged, in each of two passes: wide enough that that of single pixels cancels.
const RADIUS_PX: usize = 4;
/// How many times the noise around it a pixel must be brighter or darker to count by itself: 1 in 80 is by chance.
const CLEAR_OF_NOISE: f32 = 2.5;

/// Means of a pixel over all samples and over every second one: premultiplied RGBA.
type Means = ([f32; 4], [f32; 4]);

/// A pixel's light with the product, over that of the floor alone, where noise does not explain the difference;
/// elsewhere that of a tent-shaped window of 17 x 17 pixels around it, as far as the floor is seen there. 1 where there
/// is no floor.
///
/// Were each pixel taken by itself everywhere, the brighter ones of those that only noise makes brighter and darker
/// would add light, and the fewer samples, the more.
pub(super) fn of_pixels(with: &Film, alone: &Film) -> Vec<[f32; 3]> {
    let size_px = [with.width_px as usize, with.height_px as usize];
    let pixel = |((with, with_half), (alone, alone_half)): (Means, Means)| {
        let (share, share_alone) = (with[3], alone[3]);
        if share <= LEAST_SHARE || share_alone <= LEAST_SHARE {
            return Pixel::default();
        }
        // Of the floor alone, as much as the product leaves of it. Both films have the same samples, and so the same
        // noise where the product changes nothing.
        let seen = share / share_alone;
        let channel = |c: usize| {
            let [lit, alone, lit_half, alone_half] = [with[c], alone[c] * seen, with_half[c], alone_half[c] * seen];
            let error = (lit - alone) - (lit_half - alone_half);
            [lit, alone, error * error]
        };
        Pixel([0, 1, 2].map(channel))
    };
    let means = |film: &Film| film.resolve().into_iter().zip(film.resolve_halves()).collect::<Vec<Means>>();
    let pixels: Vec<Pixel> = means(with).into_iter().zip(means(alone)).map(pixel).collect();
    let mut around = pixels.clone();
    for _ in 0..2 {
        around = along(&around, size_px, Axis::Rows);
        around = along(&around, size_px, Axis::Columns);
    }
    let ratio = |lit: f32, alone: f32| if alone > LEAST_RADIANCE { lit / alone } else { 1.0 };
    let of_channel = |[lit, alone, _]: [f32; 3], [lit_around, alone_around, noise]: [f32; 3]| {
        let is_clear = (lit - alone).powi(2) > CLEAR_OF_NOISE.powi(2) * noise;
        if is_clear { ratio(lit, alone) } else { ratio(lit_around, alone_around) }
    };
    let of_pixel = |(pixel, around): (&Pixel, &Pixel)| std::array::from_fn(|c| of_channel(pixel.0[c], around.0[c]));
    pixels.iter().zip(&around).map(of_pixel).collect()
}

/// For each channel: light with the product and without, and the square of the error of their difference.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Pixel([[f32; 3]; 3]);

/// Which way a window extends.
#[derive(Clone, Copy, Debug)]
enum Axis {
    Rows,
    Columns,
}

/// Means over windows along one axis, which are cut off at the border.
fn along(values: &[Pixel], [width, height]: [usize; 2], axis: Axis) -> Vec<Pixel> {
    let mut means = vec![Pixel::default(); values.len()];
    let (n_lines, length, step, between) = match axis {
        Axis::Rows => (height, width, 1, width),
        Axis::Columns => (width, height, width, 1),
    };
    for line in 0..n_lines {
        let at = |k: usize| line * between + k * step;
        for k in 0..length {
            let window = k.saturating_sub(RADIUS_PX)..(k + RADIUS_PX + 1).min(length);
            let n = window.len() as f32;
            let mut sum = Pixel::default();
            for j in window {
                let values = values[at(j)].0.as_flattened();
                sum.0.as_flattened_mut().iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
            sum.0.as_flattened_mut().iter_mut().for_each(|sum| *sum /= n);
            means[at(k)] = sum;
        }
    }
    means
}

#[cfg(test)]
mod tests {
    use glam::Vec4;

    use super::*;

    /// A film of two samples for each pixel, the mean of both and the second.
    fn film([width_px, height_px]: [u32; 2], pixel: impl Fn(u32, u32) -> ([f32; 4], [f32; 4])) -> Film {
        let mut film = Film::new(width_px, height_px);
        film.samples.fill(2);
        for (i, sum) in film.sums.iter_mut().enumerate() {
            let (mean, half) = pixel(i as u32 % width_px, i as u32 / width_px);
            (sum.group, sum.half_group) = (Vec4::from(mean) * 2.0, Vec4::from(half));
        }
        film
    }

    #[test]
    fn noise_cancels_and_what_is_clear_of_it_stays() {
        // Without noise on the left, where the product is reflected, with noise on the right.
        let noisy = |x: u32, y: u32| [0.8, 1.2][((x + y) % 2) as usize];
        let lit = |x: u32, y: u32| match x {
            10 => ([3.0, 1.0, 0.25, 1.0], [3.0, 1.0, 0.25, 1.0]),
            0..30 => ([1.0, 1.0, 0.5, 1.0], [1.0, 1.0, 0.5, 1.0]),
            _ => ([noisy(x, y), 1.0, 0.5, 1.0], [2.0 - noisy(x, y), 1.0, 0.5, 1.0]),
        };
        let with = film([60, 40], lit);
        let alone = film([60, 40], |_, _| ([1.0, 1.0, 0.5, 1.0], [1.0, 1.0, 0.5, 1.0]));
        let brighter = of_pixels(&with, &alone);
        assert_eq!(brighter[20 * 60 + 10], [3.0, 1.0, 0.5], "a line of one pixel");
        let beside = brighter[20 * 60 + 50];
        assert!((beside[0] - 1.0).abs() < 0.01, "{beside:?}");
    }

    #[test]
    fn pixels_count_as_far_as_the_floor_is_seen_in_them() {
        // The product covers nine tenths of the first pixel and all of the last; all is noise.
        let with = film([3, 1], |x, _| match x {
            0 => ([0.2, 0.2, 0.2, 0.1], [9.0, 9.0, 9.0, 0.1]),
            1 => ([1.0; 4], [9.0, 9.0, 9.0, 1.0]),
            _ => ([0.0; 4], [0.0; 4]),
        });
        let alone = film([3, 1], |_, _| ([1.0; 4], [1.0; 4]));
        let expected = (0.2 + 1.0) / (0.1 + 1.0);
        let brighter = of_pixels(&with, &alone);
        assert!(brighter.iter().all(|found| (found[0] - expected).abs() < 1e-6), "{brighter:?}");
        let nothing = film([1, 1], |_, _| ([0.0; 4], [0.0; 4]));
        assert_eq!(of_pixels(&nothing, &nothing), [[1.0; 3]]);
    }
}
