//! How far a render is, as often as somebody wants to know.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use packshot_renderer::backend::Progress;

use super::protocol::{WorkEvent, WorkProgress};
use super::steps::{Emit, Step};

/// Between two reports of progress, at least.
const INTERVAL: Duration = Duration::from_millis(500);

/// Thins the renderer's progress out: two reports a second, and a line of the log whenever the samples have doubled.
pub(super) struct Meter<'a> {
    emit: Emit<'a>,
    step: &'a Step<'a>,
    /// Sampling ends after this time, whatever is done by then.
    time_max: Option<Duration>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    shown: Option<Instant>,
    samples_logged: u32,
}

impl State {
    /// Whether to report now.
    fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.shown.is_none_or(|shown| now.duration_since(shown) >= INTERVAL);
        if is_due {
            self.shown = Some(now);
        }
        is_due
    }

    /// Whether to write a line now.
    fn has_doubled(&mut self, samples: u32) -> bool {
        let has_doubled = samples >= 2 * self.samples_logged.max(8);
        if has_doubled {
            self.samples_logged = samples;
        }
        has_doubled
    }
}

impl<'a> Meter<'a> {
    pub(super) fn new(emit: Emit<'a>, step: &'a Step<'a>, time_max: Option<Duration>) -> Self {
        Self { emit, step, time_max, state: Mutex::default() }
    }

    /// Takes one report of the renderer.
    pub(super) fn show(&self, progress: Progress) {
        let (is_due, is_line) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            (state.is_due(Instant::now()), state.has_doubled(progress.samples))
        };
        let report = report(progress, self.time_max);
        if is_due {
            (self.emit)(WorkEvent::Progress(report));
        }
        if is_line && progress.samples < progress.samples_max {
            let message = format!("{} of {} samples", progress.samples, progress.samples_max);
            self.step.progress(report.progress_pct, &message);
        }
    }
}

/// How far a render is: by its samples, or by its time where that ends it earlier.
fn report(progress: Progress, time_max: Option<Duration>) -> WorkProgress {
    let elapsed_s = progress.elapsed.as_secs_f64();
    let of_time = time_max.map_or(0.0, |max| elapsed_s / max.as_secs_f64().max(f64::MIN_POSITIVE));
    let done = f64::from(progress.done).max(of_time).clamp(0.0, 1.0);
    WorkProgress {
        samples_done: progress.samples,
        samples_target: progress.samples_max,
        progress_pct: 100.0 * done,
        eta_s: (done > 0.0).then(|| elapsed_s * (1.0 - done) / done),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_reports_a_second_at_most() {
        let (mut state, begun) = (State::default(), Instant::now());
        let due = (0..30).filter(|i| state.is_due(begun + Duration::from_millis(100 * i))).count();
        assert_eq!(due, 6, "in three seconds");
    }

    #[test]
    fn lines_double() {
        let mut state = State::default();
        let lines: Vec<u32> = (1..=100).filter(|&n| state.has_doubled(n)).collect();
        assert_eq!(lines, [16, 32, 64]);
    }

    #[test]
    fn time_left_follows_from_the_pace() {
        let progress = Progress { samples: 16, samples_max: 64, done: 0.25, paths: 0, elapsed: Duration::from_secs(3) };
        assert_eq!(report(progress, None).eta_s, Some(9.0));
        assert_eq!(report(Progress { done: 0.0, ..progress }, None).eta_s, None);
        let limited = |seconds| report(progress, Some(Duration::from_secs(seconds)));
        assert_eq!((limited(4).progress_pct, limited(4).eta_s), (75.0, Some(1.0)), "its time ends it");
        assert_eq!(limited(60), report(progress, None), "its samples end it");
    }
}
