//! What the backends share: when adaptive decisions fall, and the film of a block between passes.

use std::time::Duration;

use glam::Vec4;
use packshot_shaders::layout::film::FilmPixel;

use crate::backend::Progress;
use crate::film::{ADAPTIVE_STEP, Block, Film, samples_min, still_active};
use crate::shot;

/// Where a picture's sampling is divided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    n_pixels: u64,
    n_samples: u32,
    /// 0: no decisions.
    threshold: f32,
    /// No decision before.
    n_min: u32,
}

impl Schedule {
    pub(super) fn new(settings: &shot::Film) -> Self {
        let threshold = settings.noise_threshold;
        Self {
            n_pixels: u64::from(settings.width_px) * u64::from(settings.height_px),
            n_samples: settings.samples,
            threshold,
            n_min: if threshold > 0.0 { samples_min(threshold) } else { settings.samples },
        }
    }

    /// The noise threshold, if pixels are to be dropped after `n` samples.
    pub(super) fn threshold_after(&self, n: u32) -> Option<f32> {
        (self.threshold > 0.0 && n >= self.n_min && n.is_multiple_of(ADAPTIVE_STEP)).then_some(self.threshold)
    }

    /// Samples from `n` on to the next decision, or to the end.
    pub(super) fn until_decision(&self, n: u32) -> u32 {
        let left = self.n_samples.saturating_sub(n);
        if self.threshold == 0.0 {
            return left;
        }
        let next = (n / ADAPTIVE_STEP + 1) * ADAPTIVE_STEP;
        left.min(next.max(self.n_min) - n)
    }

    /// How far the render is when `n_active` pixels want more after `n` samples.
    pub(super) fn progress(&self, n: u32, n_active: usize, paths: u64, elapsed: Duration) -> Progress {
        let wanting = n_active as f32 / self.n_pixels as f32;
        let left = 1.0 - n as f32 / self.n_samples as f32;
        Progress { samples: n, samples_max: self.n_samples, done: 1.0 - wanting * left, paths, elapsed }
    }
}

/// Sums and adaptive state of a block. Pixels are counted row by row.
#[derive(Debug)]
pub(super) struct BlockFilm {
    block: Block,
    sums: Vec<FilmPixel>,
    samples: Vec<u32>,
    active: Vec<bool>,
    n_active: usize,
}

impl BlockFilm {
    pub(super) fn new(block: Block) -> Self {
        let n = (block.width_px * block.height_px) as usize;
        Self { block, sums: vec![FilmPixel::default(); n], samples: vec![0; n], active: vec![true; n], n_active: n }
    }

    /// Pixels that want more samples.
    pub(super) fn n_active(&self) -> usize {
        self.n_active
    }

    /// Their indices, ascending.
    pub(super) fn active(&self) -> impl Iterator<Item = usize> {
        self.active.iter().enumerate().filter_map(|(i, &active)| active.then_some(i))
    }

    /// Column and row in the picture of pixel `i`.
    pub(super) fn pixel(&self, i: usize) -> [u32; 2] {
        let i = i as u32;
        [self.block.x_px + i % self.block.width_px, self.block.y_px + i / self.block.width_px]
    }

    /// Adds the samples from number `first_sample` on to pixel `i`.
    pub(super) fn add(&mut self, i: usize, first_sample: u32, values: impl Iterator<Item = Vec4>) {
        let mut n = first_sample;
        for value in values {
            crate::film::add(&mut self.sums[i], n, value);
            n += 1;
        }
        self.samples[i] = n;
    }

    /// The sums, pixel by pixel.
    pub(super) fn sums(&self) -> &[FilmPixel] {
        &self.sums
    }

    /// Whether any pixel has a sample.
    pub(super) fn has_samples(&self) -> bool {
        self.samples.iter().any(|&n| n > 0)
    }

    /// Takes over sums in which every active pixel has `n` samples, and gives the old ones.
    pub(super) fn replace_sums(&mut self, sums: &mut Vec<FilmPixel>, n: u32) {
        assert_eq!(sums.len(), self.sums.len(), "one sum per pixel");
        std::mem::swap(&mut self.sums, sums);
        for (samples, _) in self.samples.iter_mut().zip(&self.active).filter(|(_, active)| **active) {
            *samples = n;
        }
    }

    /// Records that pixel `i` has `n` samples.
    pub(super) fn set_samples(&mut self, i: usize, n: u32) {
        self.samples[i] = n;
    }

    /// Drops the pixels that are good enough after `n` samples.
    pub(super) fn decide(&mut self, n: u32, threshold: f32) {
        self.active = still_active(&self.sums, &self.active, &self.block, n, threshold);
        self.n_active = self.active.iter().filter(|&&a| a).count();
    }

    pub(super) fn copy_to(&self, film: &mut Film) {
        let width = self.block.width_px as usize;
        for y in 0..self.block.height_px as usize {
            let from = y * width;
            let to = (self.block.y_px as usize + y) * film.width_px as usize + self.block.x_px as usize;
            film.sums[to..to + width].copy_from_slice(&self.sums[from..from + width]);
            film.samples[to..to + width].copy_from_slice(&self.samples[from..from + width]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(n_samples: u32, threshold: f32) -> Schedule {
        let n_min = if threshold > 0.0 { samples_min(threshold) } else { n_samples };
        Schedule { n_pixels: 100, n_samples, threshold, n_min }
    }

    #[test]
    fn decisions_fall_at_multiples_of_the_step_from_the_minimum_on() {
        // Cycles' minimum for 0.01 is 64 samples.
        let s = schedule(100, 0.01);
        let decided: Vec<u32> = (1..=100).filter(|&n| s.threshold_after(n).is_some()).collect();
        assert_eq!(decided, [64, 80, 96]);
        for (n, until) in [(0, 64), (16, 48), (63, 1), (64, 16), (70, 10), (80, 16), (96, 4), (100, 0)] {
            assert_eq!(s.until_decision(n), until, "after {n}");
        }
    }

    #[test]
    fn without_a_threshold_nothing_is_decided() {
        let s = schedule(1000, 0.0);
        assert!((0..=1000).all(|n| s.threshold_after(n).is_none()));
        assert_eq!(s.until_decision(16), 984);
    }

    #[test]
    fn pixels_that_want_no_more_count_as_done() {
        let s = schedule(64, 0.01);
        let done = |n, n_active| s.progress(n, n_active, 0, Duration::ZERO).done;
        assert_eq!(done(0, 100), 0.0);
        assert_eq!(done(32, 100), 0.5);
        assert_eq!(done(32, 50), 0.75);
        assert_eq!(done(32, 0), 1.0);
    }
}
