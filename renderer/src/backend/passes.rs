//! Shared by the backends: when adaptive decisions and snapshots are due, and the film of a block.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use glam::Vec4;
use packshot_shaders::layout::film::FilmPixel;
use rayon::prelude::*;

use crate::backend::{Progress, Snapshot};
use crate::color::LinearImage;
use crate::film::{BLOCK_PX, Block, Film, PIXELS_PER_TASK, mean, next_decision, samples_min, still_active};
use crate::shot;

/// Which pixels need more samples.
#[derive(Clone, Debug)]
enum Rule {
    /// All, to the end.
    All,
    /// The noisy ones.
    Noise { threshold: f32, n_min: u32 },
    /// Those that have fewer samples than this count for each pixel of the picture.
    Counts {
        of_pixels: Arc<[u32]>,
        /// Each count once, ascending.
        distinct: Vec<u32>,
    },
}

impl Rule {
    fn counts(of_pixels: Arc<[u32]>) -> Self {
        let distinct: BTreeSet<u32> = of_pixels.iter().copied().collect();
        Self::Counts { of_pixels, distinct: distinct.into_iter().collect() }
    }
}

/// Which pixels become inactive at a decision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Decision<'a> {
    /// Those with less noise than this.
    Noise(f32),
    /// Those that have this many samples, given for each pixel of a picture of this width.
    Counts(&'a [u32], u32),
}

/// The sample counts at which a picture's sampling is interrupted.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    n_pixels: u64,
    width_px: u32,
    n_samples: u32,
    rule: Rule,
    has_snapshots: bool,
}

impl Schedule {
    /// `counts` for each pixel replace the threshold of the settings; see
    /// [`RenderControl`](crate::backend::RenderControl).
    ///
    /// # Panics
    /// When there is not one count for each pixel, which is a bug in the caller.
    pub(super) fn new(settings: &shot::FilmSettings, counts: Option<&Arc<[u32]>>, has_snapshots: bool) -> Self {
        let n_pixels = u64::from(settings.width_px) * u64::from(settings.height_px);
        let threshold = settings.noise_threshold;
        let rule = match counts {
            Some(counts) => {
                assert_eq!(counts.len() as u64, n_pixels, "one count for each pixel");
                Rule::counts(counts.clone())
            }
            None if threshold > 0.0 => Rule::Noise { threshold, n_min: samples_min(threshold) },
            None => Rule::All,
        };
        Self { n_pixels, width_px: settings.width_px, n_samples: settings.samples, rule, has_snapshots }
    }

    /// The first sample count after `n` with a decision; `None` if there are no decisions.
    fn next_decision(&self, n: u32) -> Option<u32> {
        match &self.rule {
            Rule::All => None,
            Rule::Noise { n_min, .. } if n < *n_min => Some(*n_min),
            Rule::Noise { .. } => Some(next_decision(n)),
            Rule::Counts { distinct, .. } => distinct.get(distinct.partition_point(|&count| count <= n)).copied(),
        }
    }

    /// The decision that is due after `n` samples, if any.
    pub(super) fn decision_after(&self, n: u32) -> Option<Decision<'_>> {
        let falls_here = n > 0 && self.next_decision(n - 1) == Some(n);
        match &self.rule {
            Rule::Noise { threshold, .. } if falls_here => Some(Decision::Noise(*threshold)),
            Rule::Counts { of_pixels, .. } if falls_here => Some(Decision::Counts(of_pixels, self.width_px)),
            _ => None,
        }
    }

    /// Whether a snapshot is due after `n` samples.
    pub(super) fn has_snapshot_after(&self, n: u32) -> bool {
        self.has_snapshots && n.is_power_of_two()
    }

    /// Samples from `n` to the next decision or snapshot, or to the end: how far a pass may go. A snapshot within fewer
    /// than `n_worth` samples is skipped.
    pub(super) fn until_stop(&self, n: u32, n_worth: u32) -> u32 {
        let to_decision = self.until_decision(n);
        if !self.has_snapshots {
            return to_decision;
        }
        let snapshot = n.saturating_add(n_worth.max(1)).checked_next_power_of_two().unwrap_or(u32::MAX);
        to_decision.min(snapshot - n)
    }

    /// Samples from `n` to the next decision, or to the end.
    fn until_decision(&self, n: u32) -> u32 {
        let left = self.n_samples.saturating_sub(n);
        self.next_decision(n).map_or(left, |next| left.min(next - n))
    }

    /// Progress of a render with `n_active` active pixels that have `n` samples each, on average.
    pub(super) fn progress(&self, n: f64, n_active: usize, paths: u64, elapsed: Duration) -> Progress {
        let wanting = n_active as f64 / self.n_pixels as f64;
        let left = 1.0 - n / f64::from(self.n_samples);
        let done = (1.0 - wanting * left) as f32;
        Progress { samples: n as u32, samples_max: self.n_samples, done, paths, elapsed }
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

    /// Number of active pixels.
    pub(super) fn n_active(&self) -> usize {
        self.n_active
    }

    /// Their indices, ascending.
    pub(super) fn active(&self) -> impl Iterator<Item = usize> {
        self.active.iter().enumerate().filter_map(|(i, &active)| active.then_some(i))
    }

    /// Column and row in the picture of pixel `i`.
    pub(super) fn pixel(&self, i: usize) -> [u32; 2] {
        pixel(&self.block, i)
    }

    /// Its strips, from top to bottom.
    pub(super) fn strips(&mut self) -> impl Iterator<Item = Strip<'_>> {
        let (block, n) = (self.block, (STRIP_ROWS * self.block.width_px) as usize);
        let sums = self.sums.chunks_mut(n).zip(self.samples.chunks_mut(n)).zip(self.active.chunks(n));
        let strip = move |(k, ((sums, samples), active))| Strip { block, first: k * n, sums, samples, active };
        sums.enumerate().map(strip)
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
    pub(super) fn decide(&mut self, n: u32, decision: Decision<'_>) {
        self.active = match decision {
            Decision::Noise(threshold) => still_active(&self.sums, &self.active, &self.block, n, threshold),
            Decision::Counts(counts, width_px) => {
                let wants = |i| {
                    let [x_px, y_px] = self.pixel(i);
                    self.active[i] && counts[y_px as usize * width_px as usize + x_px as usize] > n
                };
                (0..self.active.len()).map(wants).collect()
            }
        };
        self.n_active = self.active.iter().filter(|&&a| a).count();
    }
}

/// The film of a picture of this size, from all its blocks in the order of [`blocks`](crate::film::blocks).
pub(super) fn film_of(blocks: &[BlockFilm], [width_px, height_px]: [u32; 2]) -> Film {
    let blocks_per_row = width_px.div_ceil(BLOCK_PX);
    // By all threads: most of the time goes into memory that is touched for the first time.
    let pixels = (0..width_px as usize * height_px as usize).into_par_iter().with_min_len(PIXELS_PER_TASK).map(|i| {
        let (x_px, y_px) = (i as u32 % width_px, i as u32 / width_px);
        let film = &blocks[(y_px / BLOCK_PX * blocks_per_row + x_px / BLOCK_PX) as usize];
        let of_block = (y_px % BLOCK_PX * film.block.width_px + x_px % BLOCK_PX) as usize;
        (film.sums[of_block], film.samples[of_block])
    });
    let (mut sums, mut samples) = (Vec::new(), Vec::new());
    pixels.unzip_into_vecs(&mut sums, &mut samples);
    Film { width_px, height_px, sums, samples }
}

/// Column and row in the picture of pixel `i` of a block.
fn pixel(block: &Block, i: usize) -> [u32; 2] {
    let i = i as u32;
    [block.x_px + i % block.width_px, block.y_px + i / block.width_px]
}

/// Rows of a block that a thread takes at a time: blocks are large, and differ in how long they take, so that threads
/// would wait for the last ones.
const STRIP_ROWS: u32 = 16;

/// Some rows of a block during a pass. Pixels are counted row by row, from the strip's first one on.
#[derive(Debug)]
pub(super) struct Strip<'a> {
    block: Block,
    /// Number in the block of the first pixel.
    first: usize,
    sums: &'a mut [FilmPixel],
    samples: &'a mut [u32],
    active: &'a [bool],
}

impl Strip<'_> {
    /// The indices of the active pixels, ascending.
    pub(super) fn active(&self) -> impl Iterator<Item = usize> {
        self.active.iter().enumerate().filter_map(|(i, &active)| active.then_some(i))
    }

    /// Column and row in the picture of pixel `i`.
    pub(super) fn pixel(&self, i: usize) -> [u32; 2] {
        pixel(&self.block, self.first + i)
    }

    /// Adds the samples from number `first_sample` on to pixel `i`.
    pub(super) fn add(&mut self, i: usize, first_sample: u32, values: impl Iterator<Item = Vec4>) {
        let mut n = first_sample;
        // Not in memory, where each sample would wait for the one before it to be stored.
        let mut sums = self.sums[i];
        for value in values {
            crate::film::add(&mut sums, n, value);
            n += 1;
        }
        self.sums[i] = sums;
        self.samples[i] = n;
    }

    /// Says that pixel `i`, of which all samples are zero, has `n` of them.
    pub(super) fn add_zeros(&mut self, i: usize, n: u32) {
        self.samples[i] = n;
    }
}

/// The picture whose pixels have `samples` samples, with at most `side_max_px` pixels along its longer side.
pub(super) fn snapshot(
    blocks: &[BlockFilm],
    settings: &shot::FilmSettings,
    samples: u32,
    side_max_px: u32,
) -> Snapshot {
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
        let rule = if threshold > 0.0 { Rule::Noise { threshold, n_min: samples_min(threshold) } } else { Rule::All };
        Schedule { n_pixels: 100, width_px: 10, n_samples, rule, has_snapshots: false }
    }

    #[test]
    fn decisions_fall_at_multiples_of_sixteen_from_the_minimum_on() {
        // Cycles' minimum for 0.01 is 64 samples.
        let s = schedule(100, 0.01);
        let decided: Vec<u32> = (1..=100).filter(|&n| s.decision_after(n).is_some()).collect();
        assert_eq!(decided, [64, 80, 96]);
        for (n, until) in [(0, 64), (16, 48), (63, 1), (64, 16), (70, 10), (80, 16), (96, 4), (100, 0)] {
            assert_eq!(s.until_stop(n, 1), until, "after {n}");
        }
    }

    #[test]
    fn decisions_become_rarer_with_the_number_of_samples() {
        let s = schedule(3000, 0.02);
        let decided: Vec<u32> = (100..=3000).filter(|&n| s.decision_after(n).is_some()).collect();
        let expected =
            [112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048, 2560];
        assert_eq!(decided, expected);
        // The most samples that a picture may have are no power of two.
        assert_eq!(next_decision(u32::MAX), u32::MAX);
    }

    #[test]
    fn a_pixel_gets_the_samples_that_it_had_before() {
        let counts: Arc<[u32]> = (0..100).map(|i| if i % 10 < 5 { 1 } else { 49 }).collect();
        let s = Schedule { rule: Rule::counts(counts), ..schedule(64, 0.01) };
        assert_eq!((s.until_stop(0, 1), s.until_stop(1, 1)), (1, 48));
        let mut film = BlockFilm::new(Block { x_px: 3, y_px: 2, width_px: 4, height_px: 2 });
        let active = |film: &BlockFilm| film.active().collect::<Vec<usize>>();
        film.decide(1, s.decision_after(1).expect("a decision"));
        assert_eq!(active(&film), [2, 3, 6, 7], "columns 5 and 6 of the picture");
        assert_eq!(s.decision_after(16), None);
        film.decide(49, s.decision_after(49).expect("a decision"));
        assert_eq!(film.n_active(), 0);
    }

    #[test]
    fn without_a_threshold_nothing_is_decided() {
        let s = schedule(1000, 0.0);
        assert!((0..=1000).all(|n| s.decision_after(n).is_none()));
        assert_eq!(s.until_stop(16, 1), 984);
    }

    #[test]
    fn snapshots_fall_at_powers_of_two_beside_the_decisions() {
        let s = Schedule { has_snapshots: true, ..schedule(100, 0.01) };
        let mut n = 0;
        let mut stops = Vec::new();
        while n < 100 {
            n += s.until_stop(n, 1);
            stops.push((n, s.has_snapshot_after(n), s.decision_after(n).is_some()));
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
        assert_eq!(done(0.0, 100), 0.0);
        assert_eq!(done(32.0, 100), 0.5);
        assert_eq!(done(32.0, 50), 0.75);
        assert_eq!(done(32.0, 0), 1.0);
    }
}
