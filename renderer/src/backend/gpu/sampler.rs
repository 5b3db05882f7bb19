//! The sampling loop: passes over the picture, rounds over a pass's unfinished pixels, dispatches over a round's list.

use std::time::{Duration, Instant};

use packshot_shaders::constants::{PASS_BEGIN, PASS_CONTINUE, PASS_DRAIN};
use packshot_shaders::layout::film::FilmPixel;
use packshot_shaders::layout::pass::PassParams;
use rayon::prelude::*;

use super::OwnedControl;
use super::context::{Context, Fault};
use super::device_film::{DeviceFilm, Entry, Region};
use super::scene::SceneBindings;
use super::slices::{SliceLimits, Slices};
use super::worker::Event;
use crate::backend::passes::{BlockFilm, Schedule, film_of, snapshot};
use crate::backend::{Clock, DeviceKind, RenderError, Rendered, Snapshot};
use crate::film::{BLOCK_PX, blocks};
use crate::shot;

/// Target duration of a pass, which ends with a report of progress.
const PASS_TARGET: Duration = Duration::from_millis(500);
/// Longest time between read-backs of the sums, from which a render resumes when the device is lost.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(2);
/// Side of the squares of pixels that one workgroup handles.
const TILE_PX: u32 = 8;

/// A render's state on the host, which survives the loss of the device: everything up to the last checkpoint.
#[derive(Debug)]
pub(super) struct RenderState {
    settings: shot::FilmSettings,
    schedule: Schedule,
    clock: Clock,
    blocks: Vec<BlockFilm>,
    /// Samples of every pixel that is still active.
    n: u32,
    rays: u64,
    paths: u64,
    pub(super) slices: Slices,
    limits: SliceLimits,
}

impl RenderState {
    pub(super) fn new(
        settings: &shot::FilmSettings,
        control: &OwnedControl,
        limits: SliceLimits,
        kind: DeviceKind,
    ) -> Self {
        Self {
            settings: *settings,
            schedule: Schedule::new(settings, control.counts.as_ref(), control.snapshot_side_max_px.is_some()),
            clock: Clock::start(control.time_max),
            blocks: blocks(settings.width_px, settings.height_px).into_iter().map(BlockFilm::new).collect(),
            n: 0,
            rays: 0,
            paths: 0,
            slices: Slices::new(limits, kind),
            limits,
        }
    }

    pub(super) fn finish(self) -> Rendered {
        let render_time = self.clock.begun.elapsed();
        let film = film_of(&self.blocks, [self.settings.width_px, self.settings.height_px]);
        Rendered { film, rays: self.rays, render_time }
    }

    /// The picture as of the last checkpoint.
    pub(super) fn snapshot(&self, side_max_px: u32) -> Snapshot {
        snapshot(&self.blocks, &self.settings, self.n, side_max_px)
    }

    fn n_active(&self) -> usize {
        self.blocks.iter().map(BlockFilm::n_active).sum()
    }
}

/// One attempt at the rest of a render, on one device.
pub(super) struct Sampler<'a> {
    context: &'a Context,
    scene: &'a SceneBindings,
    pool: &'a rayon::ThreadPool,
    control: &'a OwnedControl,
    film: DeviceFilm,
    /// Active pixels of each region.
    lists: Vec<Vec<Entry>>,
    /// Sums being read back from the device, one vector per block.
    arriving: Vec<Vec<FilmPixel>>,
    rays: u64,
    paths: u64,
}

/// How a pass over a region ended.
enum Pass {
    Complete,
    /// Time ran out. The samples that each pixel of the region's list has now.
    Partial(Vec<u32>),
}

impl<'a> Sampler<'a> {
    pub(super) fn new(
        context: &'a Context,
        scene: &'a SceneBindings,
        pool: &'a rayon::ThreadPool,
        control: &'a OwnedControl,
        state: &RenderState,
    ) -> Result<Self, Fault> {
        let film = DeviceFilm::new(context, &state.blocks, state.limits.region_pixels)?;
        let arriving = state.blocks.iter().map(|block| vec![FilmPixel::default(); block.sums().len()]).collect();
        Ok(Self {
            context,
            scene,
            pool,
            control,
            film,
            lists: Vec::new(),
            arriving,
            rays: state.rays,
            paths: state.paths,
        })
    }

    /// Samples until the picture is done or time runs out.
    pub(super) fn run(
        &mut self,
        state: &mut RenderState,
        report: &mut dyn FnMut(Event) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.list_active(state);
        let mut n = state.n;
        let mut n_pass = 1;
        let mut checkpoint = Instant::now();
        let mut shown = Instant::now();
        while n < state.settings.samples && !state.clock.is_over_after(n) {
            let begun = Instant::now();
            let n_done = n_pass.min(state.schedule.until_stop(n, 1));
            let end = n + n_done;
            for i in 0..self.film.regions.len() {
                if let Pass::Partial(reached) = self.pass(i, n, end, state)? {
                    return self.stop_early(i, n, end, &reached, state);
                }
            }
            n = end;
            let decides = state.schedule.decision_after(n).is_some();
            let is_last = n == state.settings.samples;
            let is_due = shown.elapsed() >= self.control.snapshot_pause;
            let is_shown = state.schedule.has_snapshot_after(n) && !is_last && is_due;
            if decides || is_last || is_shown || checkpoint.elapsed() > CHECKPOINT_EVERY {
                self.read_back(state, n)?;
                checkpoint = Instant::now();
            }
            if let Some(decision) = state.schedule.decision_after(n) {
                let active = state.blocks.par_iter_mut().filter(|block| block.n_active() > 0);
                self.pool.install(|| active.for_each(|block| block.decide(n, decision)));
                self.list_active(state);
            }
            let n_active = state.n_active();
            let progress = state.schedule.progress(f64::from(n), n_active, self.paths, state.clock.begun.elapsed());
            report(Event::Progress(progress))?;
            if n_active == 0 {
                break;
            }
            if let Some(side_max_px) = self.control.snapshot_side_max_px.filter(|_| is_shown) {
                shown = Instant::now();
                report(Event::Snapshot(Box::new(state.snapshot(side_max_px))))?;
            }
            n_pass = next_pass(n_done, begun.elapsed());
        }
        self.read_back(state, n)
    }

    /// Takes the pixels of a region from sample `first` to `end`.
    fn pass(&mut self, region_idx: usize, first: u32, end: u32, state: &mut RenderState) -> Result<Pass, Fault> {
        let region = &self.film.regions[region_idx];
        let list = &self.lists[region_idx];
        self.film.write_list(self.context, list)?;
        let mut params = PassParams {
            first_sample: first,
            end_sample: end,
            n_slots: region.n_slots,
            mode: PASS_BEGIN,
            n_probe_turns: 2,
            ..PassParams::default()
        };
        let mut n_left = list.len() as u32;
        let mut n_begun = 0;
        for round in 0.. {
            if n_left == 0 {
                break;
            }
            self.film.clear_counters(self.context);
            let (mut at, mut n_rays, mut n_next) = (0, 0, 0);
            while at < n_left {
                if self.control.cancel.is_cancelled() {
                    return Err(Fault::Final(RenderError::Cancelled));
                }
                if params.mode != PASS_DRAIN && state.clock.is_over_after(first) {
                    if params.mode == PASS_BEGIN {
                        break;
                    }
                    params.mode = PASS_DRAIN;
                }
                let slice = state.slices.next(n_left - at);
                (params.first_active, params.n_active, params.n_steps) = (at, slice.n_pixels, slice.n_steps);
                let begun = Instant::now();
                let counters =
                    self.film.dispatch(self.context, self.scene, region, &self.film.pass_groups[round % 2], params)?;
                if counters.n_cut > 0 {
                    return Err(Fault::LoopsCut);
                }
                state.slices.measured(slice, counters.n_rays - n_rays, begun.elapsed());
                (n_rays, n_next) = (counters.n_rays, counters.n_next);
                at += slice.n_pixels;
            }
            if params.mode == PASS_BEGIN {
                n_begun = at as usize;
            }
            self.rays += u64::from(n_rays);
            n_left = n_next;
            params.mode = if state.clock.is_over_after(first) { PASS_DRAIN } else { PASS_CONTINUE };
        }
        if n_begun == list.len() && !state.clock.is_over_after(first) {
            self.paths += list.len() as u64 * u64::from(end - first);
            return Ok(Pass::Complete);
        }
        let next_samples = self.film.read_samples(self.context, region)?;
        let reached = |(k, &[slot, _]): (usize, &Entry)| if k < n_begun { next_samples[slot as usize] } else { first };
        Ok(Pass::Partial(list.iter().enumerate().map(reached).collect()))
    }

    /// Keeps what exists when time runs out in the middle of a pass: regions before `region_idx` have finished it, this
    /// one has `reached`, and those after it have not started it.
    fn stop_early(
        &mut self,
        region_idx: usize,
        first: u32,
        end: u32,
        reached: &[u32],
        state: &mut RenderState,
    ) -> Result<(), Fault> {
        self.paths += reached.iter().map(|&n| u64::from(n - first)).sum::<u64>();
        self.read_sums(state)?;
        self.commit(state, first);
        for (i, region) in self.film.regions.iter().enumerate().take(region_idx + 1) {
            for (k, &[slot, _]) in self.lists[i].iter().enumerate() {
                let (block, pixel) = region.pixel_of(slot);
                state.blocks[block].set_samples(pixel, if i < region_idx { end } else { reached[k] });
            }
        }
        Ok(())
    }

    /// Reads everything back to the host: from here on `state` has `n` samples.
    fn read_back(&mut self, state: &mut RenderState, n: u32) -> Result<(), Fault> {
        if state.n == n {
            return Ok(());
        }
        self.read_sums(state)?;
        self.commit(state, n);
        Ok(())
    }

    fn read_sums(&mut self, state: &RenderState) -> Result<(), Fault> {
        let is_wanted = |block: usize| state.blocks[block].n_active() > 0;
        for region in &self.film.regions {
            self.film.read_sums(self.context, region, is_wanted, &mut self.arriving)?;
        }
        Ok(())
    }

    /// Nothing in here can fail: a state never mixes two checkpoints.
    fn commit(&mut self, state: &mut RenderState, n: u32) {
        let wanted = state.blocks.iter_mut().zip(&mut self.arriving).filter(|(block, _)| block.n_active() > 0);
        for (block, sums) in wanted {
            block.replace_sums(sums, n);
        }
        (state.n, state.rays, state.paths) = (n, self.rays, self.paths);
    }

    /// Lists the active pixels of each region, tile by tile.
    fn list_active(&mut self, state: &RenderState) {
        let entries = |region: &Region, block: usize| {
            let film = &state.blocks[block];
            let mut entries: Vec<Entry> = film
                .active()
                .map(|i| {
                    let [x, y] = film.pixel(i);
                    [region.first_slot(block) + i as u32, x | y << 16]
                })
                .collect();
            entries.sort_by_key(|&[_, xy]| tile_of(xy));
            entries
        };
        let list = |region: &Region| -> Vec<Entry> {
            let of_blocks: Vec<Vec<Entry>> =
                region.blocks.clone().into_par_iter().map(|block| entries(region, block)).collect();
            of_blocks.concat()
        };
        self.lists = self.pool.install(|| self.film.regions.iter().map(list).collect());
    }
}

/// Samples of the next pass, after one of `n` took `elapsed`.
fn next_pass(n: u32, elapsed: Duration) -> u32 {
    let fitting = f64::from(n) * PASS_TARGET.as_secs_f64() / elapsed.as_secs_f64().max(1e-6);
    (fitting as u32).clamp(1, n.saturating_mul(4))
}

/// Index of a pixel's tile in its block.
fn tile_of(xy: u32) -> u32 {
    let place = |x: u32| x % BLOCK_PX / TILE_PX;
    place(xy >> 16) * (BLOCK_PX / TILE_PX) + place(xy & 0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_grow_slowly_and_end_in_time() {
        assert_eq!(next_pass(1, Duration::from_millis(1)), 4);
        assert_eq!(next_pass(16, Duration::from_secs(1)), 8);
        assert_eq!(next_pass(1, Duration::from_secs(60)), 1);
        assert_eq!(next_pass(u32::MAX, Duration::ZERO), u32::MAX);
    }

    #[test]
    fn tiles_are_squares() {
        let xy = |x: u32, y: u32| x | y << 16;
        assert_eq!(tile_of(xy(7, 7)), 0);
        assert_eq!(tile_of(xy(8, 0)), 1);
        assert_eq!(tile_of(xy(64, 8)), 8);
        assert_eq!(tile_of(xy(127, 127)), 63);
    }
}
