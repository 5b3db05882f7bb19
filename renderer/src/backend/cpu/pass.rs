//! How many samples a pass over the picture takes, and what is told of it while it goes on.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::backend::Progress;
use crate::backend::passes::Schedule;
use crate::film::ADAPTIVE_STEP;

/// Most samples of a pass. Those of a pixel are traced together and have much in common, such as the nodes that their
/// rays meet (docs/decisions/samples-of-a-pixel-together.md).
const SAMPLES_MAX: u32 = 64;

/// Samples of the pass that begins at `first_sample`: up to where a decision or a snapshot is due.
///
/// A time limit may end a pass after some of the pixels, and the fewer samples it has the less pixels differ in their
/// number. So the first pass, which every pixel gets, has one then, the next goes up to [`ADAPTIVE_STEP`], and they
/// grow.
pub(super) fn pass_samples(first_sample: u32, schedule: &Schedule, n_worth: u32, has_time_limit: bool) -> u32 {
    let n_samples = match (has_time_limit, first_sample) {
        (false, _) => SAMPLES_MAX,
        (true, 0) => 1,
        (true, n) => (n / ADAPTIVE_STEP * ADAPTIVE_STEP).clamp(ADAPTIVE_STEP, SAMPLES_MAX) - n % ADAPTIVE_STEP,
    };
    n_samples.min(schedule.until_stop(first_sample, n_worth))
}

/// Reports progress while threads are at work on a pass.
pub(super) struct PassWatch<'a> {
    progress: &'a (dyn Fn(Progress) + Sync),
    /// Least time between two reports.
    pause: Duration,
    reported: Mutex<Instant>,
}

impl<'a> PassWatch<'a> {
    pub(super) fn new(progress: &'a (dyn Fn(Progress) + Sync), pause: Duration) -> Self {
        Self { progress, pause, reported: Mutex::new(Instant::now()) }
    }

    /// Reports what `so_far` says, if anything, unless another thread does, or has just done so.
    pub(super) fn report(&self, so_far: impl FnOnce() -> Option<Progress>) {
        // Asked for within the lock, so that no report is overtaken by an earlier one.
        if let Ok(mut reported) = self.reported.try_lock()
            && reported.elapsed() >= self.pause
            && let Some(progress) = so_far()
        {
            (self.progress)(progress);
            *reported = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shot::{Environment, Shot};

    fn passes(n_samples: u32, has_time_limit: bool) -> Vec<u32> {
        let mut shot = Shot::of_one_pixel(Environment::None, Vec::new());
        (shot.film.samples, shot.film.noise_threshold) = (n_samples, 0.0);
        let schedule = Schedule::new(&shot.film, None, false);
        let mut first = 0;
        std::iter::from_fn(|| {
            (first < n_samples).then(|| {
                let n = pass_samples(first, &schedule, 1, has_time_limit);
                first += n;
                n
            })
        })
        .collect()
    }

    #[test]
    fn passes_are_long_but_for_a_time_limit() {
        assert_eq!(passes(5, false), [5]);
        assert_eq!(passes(200, false), [64, 64, 64, 8]);
        assert_eq!(passes(5, true), [1, 4]);
        assert_eq!(passes(200, true), [1, 15, 16, 32, 64, 64, 8]);
    }

    #[test]
    fn reports_keep_their_distance_and_do_not_overlap() {
        let told = Mutex::new(Vec::new());
        let tell = |progress: Progress| told.try_lock().expect("one at a time").push(progress.samples);
        let at = |samples| Some(Progress { samples, samples_max: 9, done: 0.0, paths: 0, elapsed: Duration::ZERO });
        let eager = PassWatch::new(&tell, Duration::ZERO);
        for samples in [1, 2, 3] {
            eager.report(|| at(samples));
        }
        eager.report(|| None);
        let lazy = PassWatch::new(&tell, Duration::MAX);
        lazy.report(|| at(4));
        let busy = PassWatch::new(&tell, Duration::ZERO);
        let is_told = busy.reported.lock().expect("not poisoned");
        busy.report(|| at(5));
        drop(is_told);
        busy.report(|| at(6));
        assert_eq!(told.into_inner().expect("not poisoned"), [1, 2, 3, 6]);
    }
}
