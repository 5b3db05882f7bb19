//! How many samples a pass over the picture takes, and what is told of it while it goes on.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::backend::Progress;
use crate::backend::passes::Schedule;
use crate::film::ADAPTIVE_STEP;

/// Most samples of a pass. Those of a pixel are traced together and have much in common, among it which nodes their
/// rays meet (docs/decisions/samples-of-a-pixel-together.md).
const SAMPLES_MAX: u32 = 64;
/// Within a time limit passes start with so many, and grow.
const SAMPLES_FIRST: u32 = ADAPTIVE_STEP;

/// Samples of the pass that begins at `first_sample`: up to where a decision or a snapshot is due.
///
/// Where there is a time limit, it may end a pass after some of the pixels, and the fewer samples a pass has the less
/// they differ. The first pass, which every pixel gets, has one.
pub(super) fn pass_samples(first_sample: u32, schedule: &Schedule, n_worth: u32, has_time_limit: bool) -> u32 {
    let n_samples = match (has_time_limit, first_sample) {
        (false, _) => SAMPLES_MAX,
        (true, 0) => 1,
        (true, n) => (n / ADAPTIVE_STEP * ADAPTIVE_STEP).clamp(SAMPLES_FIRST, SAMPLES_MAX) - n % ADAPTIVE_STEP,
    };
    n_samples.min(schedule.until_stop(first_sample, n_worth))
}

/// Reports progress while threads are at work on a pass.
pub(super) struct PassWatch<'a> {
    progress: &'a (dyn Fn(Progress) + Sync),
    reported: Mutex<Instant>,
}

impl<'a> PassWatch<'a> {
    /// Between two reports.
    const PAUSE: Duration = Duration::from_millis(100);

    pub(super) fn new(progress: &'a (dyn Fn(Progress) + Sync)) -> Self {
        Self { progress, reported: Mutex::new(Instant::now()) }
    }

    /// Reports what `so_far` says, unless another thread does, or has just done so.
    pub(super) fn report(&self, so_far: impl FnOnce() -> Progress) {
        // Asked for within the lock, so that no report is overtaken by an earlier one.
        if let Ok(mut reported) = self.reported.try_lock()
            && reported.elapsed() >= Self::PAUSE
        {
            (self.progress)(so_far());
            *reported = Instant::now();
        }
    }
}
