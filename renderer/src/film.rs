//! The film: sums of samples per pixel, and the decision which pixels need more.
//!
//! Sums have a fixed shape (groups of 256 samples, [`packshot_shaders::layout::film::FilmPixel`]), and adaptive
//! decisions are made at multiples of 16 samples within blocks of 64×64 pixels of the whole picture's grid, so a
//! picture is the same whatever the tiling, the number of threads, the batch or the backend that rendered it.

use glam::Vec4;
use packshot_shaders::constants::GROUP_SAMPLES;
use packshot_shaders::layout::film::FilmPixel;
use rayon::prelude::*;

/// Side of the squares in which adaptive decisions are made.
pub const BLOCK_PX: u32 = 64;
/// Pixels of a film that a thread takes at a time.
pub(crate) const PIXELS_PER_TASK: usize = 4096;
/// Adaptive decisions are made at multiples of this many samples.
pub const ADAPTIVE_STEP: u32 = 16;

/// A square of the picture's grid, cut off at the right and lower edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Left column.
    pub x_px: u32,
    /// Top row.
    pub y_px: u32,
    /// At most [`BLOCK_PX`].
    pub width_px: u32,
    /// At most [`BLOCK_PX`].
    pub height_px: u32,
}

/// All blocks of a picture, row by row.
pub fn blocks(width_px: u32, height_px: u32) -> Vec<Block> {
    let starts = |size: u32| (0..size.div_ceil(BLOCK_PX)).map(|i| i * BLOCK_PX);
    starts(height_px)
        .flat_map(|y_px| starts(width_px).map(move |x_px| (x_px, y_px)))
        .map(|(x_px, y_px)| Block {
            x_px,
            y_px,
            width_px: BLOCK_PX.min(width_px - x_px),
            height_px: BLOCK_PX.min(height_px - y_px),
        })
        .collect()
}

/// Adds sample number `sample` to a pixel, exactly as the shader's `film_add` does.
#[inline]
pub(crate) fn add(pixel: &mut FilmPixel, sample: u32, value: Vec4) {
    if sample.is_multiple_of(GROUP_SAMPLES) {
        pixel.groups += pixel.group;
        pixel.group = Vec4::ZERO;
        pixel.half_groups += pixel.half_group;
        pixel.half_group = Vec4::ZERO;
    }
    let finite = value.abs().cmplt(Vec4::splat(1e30));
    let kept = Vec4::select(finite, value, Vec4::ZERO);
    pixel.group += kept;
    if sample % 2 == 1 {
        pixel.half_group += kept.truncate().extend(0.0);
    }
    let y = kept.dot(LUMINANCE);
    pixel.half_group.w += (y * y).min(1e30);
}

/// Weights of Rec.709's primaries in luminance.
pub(crate) const LUMINANCE: Vec4 = Vec4::new(0.2126, 0.7152, 0.0722, 0.0);

/// Fewest samples before the first decision, as in Cycles for a threshold: ⌈16 / t^0.3⌉, rounded up to a multiple of
/// [`ADAPTIVE_STEP`].
pub(crate) fn samples_min(threshold: f32) -> u32 {
    let least = (16.0 / threshold.max(1e-6).powf(0.3)).ceil() as u32;
    least.div_ceil(ADAPTIVE_STEP) * ADAPTIVE_STEP
}

/// The number of samples after `n` at which the next decision about noise falls: multiples of [`ADAPTIVE_STEP`] up to
/// 128, then of a quarter of the largest power of two that is not above `n`. The noise that is measured varies from one
/// decision to the next, and a pixel that was measured all the time would stop where it happens to look quiet
/// (`docs/decisions/rarer-decisions-about-noise.md`).
pub(crate) fn next_decision(n: u32) -> u32 {
    let step = (n.checked_ilog2().map_or(0, |log2| 1 << log2) / 4).max(ADAPTIVE_STEP);
    (n / step + 1).saturating_mul(step)
}

/// Whether a pixel of `n` samples is still noisier than the threshold.
fn is_noisy(pixel: &FilmPixel, n: u32, threshold: f32) -> bool {
    let (difference, norm) = noise(pixel, n);
    difference > threshold * norm
}

/// The noise of a pixel with `n` samples, at least 2, and the value that it is compared with. As in Cycles: the
/// difference |I − H|₁ between the mean of all samples and that of every second one, relative to √|I|₁ in the dark and
/// to |I|₁ from 1 on.
fn noise(pixel: &FilmPixel, n: u32) -> (f32, f32) {
    let all = (pixel.groups + pixel.group) / n as f32;
    let half = (pixel.half_groups + pixel.half_group) / (n / 2) as f32;
    let difference = (all - half).truncate().abs().element_sum();
    let brightness = all.truncate().abs().element_sum();
    (difference, 1e-4 + if brightness < 1.0 { brightness.sqrt() } else { brightness })
}

/// Which pixels of a block need more after `n` samples: the noisy ones among those that were `active`, and their
/// neighbours within the block.
pub(crate) fn still_active(sums: &[FilmPixel], active: &[bool], block: &Block, n: u32, threshold: f32) -> Vec<bool> {
    let (w, h) = (block.width_px as usize, block.height_px as usize);
    let noisy: Vec<bool> = sums.iter().zip(active).map(|(p, &a)| a && is_noisy(p, n, threshold)).collect();
    (0..w * h)
        .map(|i| {
            let (x, y) = (i % w, i / w);
            let columns = x.saturating_sub(1)..(x + 2).min(w);
            active[i] && (y.saturating_sub(1)..(y + 2).min(h)).any(|v| columns.clone().any(|u| noisy[v * w + u]))
        })
        .collect()
}

/// The mean of a pixel's `n` samples; zero if there is none.
pub(crate) fn mean(sum: &FilmPixel, n: u32) -> [f32; 4] {
    let total = sum.groups + sum.group;
    (if n == 0 { Vec4::ZERO } else { total / n as f32 }).to_array()
}

/// Mean samples per pixel, given those of each.
pub fn samples_mean(samples: &[u32]) -> f64 {
    samples.iter().map(|&n| f64::from(n)).sum::<f64>() / samples.len().max(1) as f64
}

/// Sums of a whole picture.
#[derive(Clone, Debug)]
pub struct Film {
    /// Pixels.
    pub width_px: u32,
    /// Pixels.
    pub height_px: u32,
    /// `width_px * height_px` sums, row 0 on top.
    pub sums: Vec<FilmPixel>,
    /// Samples that each pixel has.
    pub samples: Vec<u32>,
}

impl Film {
    /// Without samples.
    pub fn new(width_px: u32, height_px: u32) -> Self {
        let n = width_px as usize * height_px as usize;
        Self { width_px, height_px, sums: vec![FilmPixel::default(); n], samples: vec![0; n] }
    }

    /// Mean noise of a pixel, in the measure of the noise threshold. Of pixels with fewer than 2 samples it is unknown:
    /// they do not count, and without others there is `None`. By the threads of the current rayon pool.
    pub fn noise(&self) -> Option<f64> {
        let of_task = |(sums, samples): (&[FilmPixel], &[u32])| {
            let measured = sums.iter().zip(samples).filter(|&(_, &n)| n >= 2);
            measured.fold((0.0, 0_u64), |(sum, count), (pixel, &n)| {
                let (difference, norm) = noise(pixel, n);
                (sum + f64::from(difference / norm), count + 1)
            })
        };
        let tasks = self.sums.par_chunks(PIXELS_PER_TASK).zip(self.samples.par_chunks(PIXELS_PER_TASK));
        // Added in their order, so that the number of threads changes nothing.
        let of_tasks: Vec<(f64, u64)> = tasks.map(of_task).collect();
        let (sum, n_measured) =
            of_tasks.iter().fold((0.0, 0), |(sum, n), (of_task, n_of_task)| (sum + of_task, n + n_of_task));
        (n_measured > 0).then(|| sum / n_measured as f64)
    }

    /// Variance of the luminance of each pixel's mean, row 0 on top: the samples' own variance over their number.
    /// Samples of a pixel are stratified, so that the actual error of the mean is lower. 0 for pixels with fewer than 2
    /// samples, for which it is undefined.
    pub fn variance(&self) -> Vec<f32> {
        let of_pixel = |(sum, &n): (&FilmPixel, &u32)| {
            if n < 2 {
                return 0.0;
            }
            let n = f64::from(n);
            let mean = (sum.groups + sum.group).as_dvec4().dot(LUMINANCE.as_dvec4()) / n;
            let mean_square = f64::from(sum.half_groups.w + sum.half_group.w) / n;
            ((mean_square - mean * mean).max(0.0) / (n - 1.0)) as f32
        };
        self.sums.iter().zip(&self.samples).map(of_pixel).collect()
    }

    /// Means: premultiplied linear Rec.709 RGBA, row 0 on top. Black where there is no sample. By the threads
    /// of the current rayon pool.
    pub fn resolve(&self) -> Vec<[f32; 4]> {
        let pixels = self.sums.par_iter().zip(&self.samples).with_min_len(PIXELS_PER_TASK);
        pixels.map(|(sum, &n)| mean(sum, n)).collect()
    }

    /// The means of every second sample, whose difference from the means of all is as large as their error; for pixels
    /// with fewer than 2 samples, zero.
    pub(crate) fn resolve_halves(&self) -> Vec<[f32; 4]> {
        let of_pixel = |(sum, &n): (&FilmPixel, &u32)| match n {
            0 | 1 => [0.0; 4],
            n => ((sum.half_groups + sum.half_group) / (n / 2) as f32).to_array(),
        };
        self.sums.iter().zip(&self.samples).map(of_pixel).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variance_of_a_mean_is_the_samples_over_their_number() {
        let mut film = Film::new(3, 1);
        // Grey samples 0, 1, 2, 0, 1, 2 … : their mean is 1 and their variance 2/3, or 2/3 · n/(n − 1) as an estimate.
        let n = 600;
        for sample in 0..n {
            let grey = (sample % 3) as f32;
            add(&mut film.sums[0], sample, Vec4::new(grey, grey, grey, 1.0));
            add(&mut film.sums[1], sample, Vec4::new(0.5, 0.25, 0.125, 1.0));
        }
        film.samples = vec![n, n, 1];
        add(&mut film.sums[2], 0, Vec4::ONE);
        let variance = film.variance();
        let expected = 2.0 / 3.0 / (n - 1) as f32;
        assert!((variance[0] / expected - 1.0).abs() < 1e-4, "{} instead of {expected}", variance[0]);
        assert!(variance[1] < 1e-9, "equal samples vary by {}", variance[1]);
        assert_eq!(variance[2], 0.0, "one sample has no variance");
        assert!(film.noise().is_some());
        film.samples = vec![1; 3];
        assert_eq!(film.noise(), None, "one sample says nothing about noise");
    }
}
