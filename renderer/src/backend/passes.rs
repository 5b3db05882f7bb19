//! What the backends share: when adaptive decisions and snapshots fall, and the film of a block between passes.

use std::time::Duration;

use glam::Vec4;
use packshot_shaders::layout::film::FilmPixel;

use crate::backend::{Progress, Snapshot};
use crate::color::LinearImage;
use crate::film::{ADAPTIVE_STEP, Block, Film, mean, samples_min, still_active};
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
    has_snapshots: bool,
}

impl Schedule {
    pub(super) fn new(settings: &shot::Film, has_snapshots: bool) -> Self {
        let threshold = settings.noise_threshold;
        Self {
            n_pixels: u64::from(settings.width_px) * u64::from(settings.height_px),
            n_samples: settings.samples,
            threshold,
            n_min: if threshold > 0.0 { samples_min(threshold) } else { settings.samples },
            has_snapshots,
        }
    }

    /// The noise threshold, if pixels are to be dropped after `n` samples.
    pub(super) fn threshold_after(&self, n: u32) -> Option<f32> {
        (self.threshold > 0.0 && n >= self.n_min && n.is_multiple_of(ADAPTIVE_STEP)).then_some(self.threshold)
    }

    /// Whether the picture of `n` samples is to be shown.
    pub(super) fn has_snapshot_after(&self, n: u32) -> bool {
        self.has_snapshots && n.is_power_of_two()
    }

    /// Samples from `n` on to the next decision or snapshot, or to the end: how far a pass can go. Snapshots within fewer than
    /// `n_worth` samples are not worth a stop.
    pub(super) fn until_stop(&self, n: u32, n_worth: u32) -> u32 {
        let to_decision = self.until_decision(n);
        if !self.has_snapshots {
            return to_decision;
        }
        let snapshot = n.saturating_add(n_worth.max(1)).checked_next_power_of_two().unwrap_or(u32::MAX);
        to_decision.min(snapshot - n)
    }

    /// Samples from `n` on to the next decision, or to the end.
    fn until_decision(&self, n: u32) -> u32 {
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

/// The picture whose pixels have `samples` samples, with at most `side_max_px` pixels along its longer side.
pub(super) fn snapshot(blocks: &[BlockFilm], settings: &shot::Film, samples: u32, side_max_px: u32) -> Snapshot {
    let (width_px, height_px) = (settings.width_px, settings.height_px);
    let mut rgba = vec![[0.0; 4]; width_px as usize * height_px as usize];
    for film in blocks {
        let (block, width) = (&film.block, film.block.width_px as usize);
        for y in 0..block.height_px as usize {
            let to = (block.y_px as usize + y) * width_px as usize + block.x_px as usize;
            for x in 0..width {
                rgba[to + x] = mean(&film.sums[y * width + x], film.samples[y * width + x]);
            }
        }
    }
    Snapshot { samples, image: LinearImage { width_px, height_px, rgba }.shrunk(side_max_px) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(n_samples: u32, threshold: f32) -> Schedule {
        let n_min = if threshold > 0.0 { samples_min(threshold) } else { n_samples };
        Schedule { n_pixels: 100, n_samples, threshold, n_min, has_snapshots: false }
    }

    #[test]
    fn decisions_fall_at_multiples_of_the_step_from_the_minimum_on() {
        // Cycles' minimum for 0.01 is 64 samples.
        let s = schedule(100, 0.01);
        let decided: Vec<u32> = (1..=100).filter(|&n| s.threshold_after(n).is_some()).collect();
        assert_eq!(decided, [64, 80, 96]);
        for (n, until) in [(0, 64), (16, 48), (63, 1), (64, 16), (70, 10), (80, 16), (96, 4), (100, 0)] {
            assert_eq!(s.until_stop(n, 1), until, "after {n}");
        }
    }

    #[test]
    fn without_a_threshold_nothing_is_decided() {
        let s = schedule(1000, 0.0);
        assert!((0..=1000).all(|n| s.threshold_after(n).is_none()));
        assert_eq!(s.until_stop(16, 1), 984);
    }

    #[test]
    fn snapshots_fall_at_powers_of_two_beside_the_decisions() {
        let s = Schedule { has_snapshots: true, ..schedule(100, 0.01) };
        let mut n = 0;
        let mut stops = Vec::new();
        while n < 100 {
            n += s.until_stop(n, 1);
            stops.push((n, s.has_snapshot_after(n), s.threshold_after(n).is_some()));
        }
        let early = [1, 2, 4, 8, 16, 32].map(|n| (n, true, false));
        let late = [(64, true, true), (80, false, true), (96, false, true), (100, false, false)];
        assert_eq!(stops, [&early[..], &late].concat());
        for (n, n_worth, until) in
            [(0, 2, 2), (0, 3, 4), (0, 7, 8), (4, 7, 12), (20, 9, 12), (20, 20, 44), (1, u32::MAX, 63)]
        {
            assert_eq!(s.until_stop(n, n_worth), until, "{n_worth} worth it after {n}");
        }
        // Without a receiver nothing is cut.
        assert_eq!(schedule(100, 0.0).until_stop(0, 1), 100);
        assert!((0..=100).all(|n| !schedule(100, 0.01).has_snapshot_after(n)));
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
