//! Progress of a render, reported at a useful rate.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use packshot_renderer::backend::Progress;

use super::protocol::{WorkEvent, WorkProgress};
use super::steps::{Emit, Step};

/// Shortest time between two reports of progress.
const INTERVAL: Duration = Duration::from_millis(500);

/// Thins the renderer's progress out: two reports a second, and a line of the log whenever the samples have doubled,
/// or, of several pictures, their number.
pub(super) struct Meter<'a> {
    emit: Emit<'a>,
    step: &'a Step<'a>,
    /// Sampling of a picture ends after this time, however far it is.
    time_max: Option<Duration>,
    /// How many pictures there are.
    n: u32,
    /// What they are called.
    noun: &'static str,
    begun: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    shown: Option<Instant>,
    logged: u32,
    at: PictureIdx,
    /// The highest progress reported: it never goes back.
    pct: f64,
}

/// Where among the pictures of a job one is.
#[derive(Clone, Copy, Debug, Default)]
struct PictureIdx {
    /// Pictures before it.
    i: u32,
    /// Those of them that an earlier attempt had finished.
    n_kept: u32,
    /// The time that they took.
    before: Duration,
    /// Light groups that are rendered after its samples, each as much work as these, and without a limit of time.
    n_groups: usize,
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

    /// Whether to write a line now: `least` is the first number with one.
    fn has_doubled(&mut self, count: u32, least: u32) -> bool {
        let has_doubled = count >= (2 * self.logged).max(least);
        if has_doubled {
            self.logged = count;
        }
        has_doubled
    }
}

impl<'a> Meter<'a> {
    /// Of `n` pictures, which `noun` says what they are.
    pub(super) fn new(
        emit: Emit<'a>,
        step: &'a Step<'a>,
        time_max: Option<Duration>,
        n: u32,
        noun: &'static str,
    ) -> Self {
        Self { emit, step, time_max, n, noun, begun: Instant::now(), state: Mutex::default() }
    }

    /// The next picture begins, with so many light groups; `i` are done, `n_kept` of them by an earlier attempt.
    pub(super) fn begin(&self, i: u32, n_kept: u32, n_groups: usize) {
        let mut state = self.lock();
        state.at = PictureIdx { i, n_kept, before: self.begun.elapsed(), n_groups };
        // Pictures that an earlier attempt finished are done before anything is rendered.
        state.pct = state.pct.max(100.0 * f64::from(i) / f64::from(self.n.max(1)));
        let is_line = i > 0 && state.has_doubled(i, 1);
        let pct = state.pct;
        drop(state);
        if is_line {
            self.step.progress(pct, &format!("{i} of {} {}", self.n, self.noun));
        }
    }

    /// Takes one report of the renderer.
    pub(super) fn show(&self, progress: Progress) {
        let (is_due, is_line, report) = {
            let mut state = self.lock();
            let report = report(progress, self.time_max, state.at, self.n);
            state.pct = state.pct.max(report.progress_pct);
            let report = WorkProgress { progress_pct: state.pct, ..report };
            (state.is_due(Instant::now()), self.n == 1 && state.has_doubled(progress.samples, 16), report)
        };
        if is_due {
            (self.emit)(WorkEvent::Progress(report));
        }
        if is_line && progress.samples < progress.samples_max {
            let message = format!("{} of {} samples", progress.samples, progress.samples_max);
            self.step.progress(report.progress_pct, &message);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far a job of `n` pictures is: each by its samples, or by its time where that ends it earlier.
fn report(progress: Progress, time_max: Option<Duration>, at: PictureIdx, n: u32) -> WorkProgress {
    let elapsed_s = progress.elapsed.as_secs_f64();
    let of_time = time_max.map_or(0.0, |max| elapsed_s / max.as_secs_f64().max(f64::MIN_POSITIVE));
    // The time limit ends the samples of a picture, and nothing after them.
    let of_samples = of_time.min(1.0) / (1.0 + at.n_groups as f64);
    let of_picture = f64::from(progress.done).max(of_samples).clamp(0.0, 1.0);
    let done = (f64::from(at.i) + of_picture) / f64::from(n.max(1));
    // What took its time here.
    let own = done - f64::from(at.n_kept) / f64::from(n.max(1));
    let elapsed_s = elapsed_s + at.before.as_secs_f64();
    WorkProgress {
        samples_done: progress.samples_max.saturating_mul(at.i).saturating_add(progress.samples),
        samples_target: progress.samples_max.saturating_mul(n),
        progress_pct: 100.0 * done,
        eta_s: (own > 0.0).then(|| elapsed_s * (1.0 - done) / own),
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
        let lines: Vec<u32> = (1..=100).filter(|&n| state.has_doubled(n, 16)).collect();
        assert_eq!(lines, [16, 32, 64]);
        let mut state = State::default();
        let lines: Vec<u32> = (1..=72).filter(|&n| state.has_doubled(n, 1)).collect();
        assert_eq!(lines, [1, 2, 4, 8, 16, 32, 64]);
    }

    #[test]
    fn time_left_follows_from_the_pace() {
        let progress = Progress { samples: 16, samples_max: 64, done: 0.25, paths: 0, elapsed: Duration::from_secs(3) };
        let report = |progress, time_max| report(progress, time_max, PictureIdx::default(), 1);
        assert_eq!(report(progress, None).eta_s, Some(9.0));
        assert_eq!(report(Progress { done: 0.0, ..progress }, None).eta_s, None);
        let limited = |seconds| report(progress, Some(Duration::from_secs(seconds)));
        assert_eq!((limited(4).progress_pct, limited(4).eta_s), (75.0, Some(1.0)), "its time ends it");
        assert_eq!(limited(60), report(progress, None), "its samples end it");
    }

    #[test]
    fn r08_r21_light_groups_go_on_when_the_time_of_the_picture_is_over() {
        let at = PictureIdx { n_groups: 3, ..PictureIdx::default() };
        let progress = Progress { samples: 16, samples_max: 64, done: 0.1, paths: 0, elapsed: Duration::from_secs(3) };
        let pct = |progress, time_max_s| report(progress, Some(Duration::from_secs(time_max_s)), at, 1).progress_pct;
        assert_eq!(pct(progress, 6), 12.5, "half of its time, and a quarter of the work");
        assert_eq!(pct(Progress { elapsed: Duration::from_secs(60), ..progress }, 6), 25.0, "groups are rendered");
        assert_eq!(pct(Progress { done: 0.75, elapsed: Duration::from_secs(60), ..progress }, 6), 75.0);
    }

    #[test]
    fn r08_progress_is_that_of_all_pictures() {
        let progress = Progress { samples: 16, samples_max: 64, done: 0.5, paths: 0, elapsed: Duration::from_secs(3) };
        let third =
            report(progress, None, PictureIdx { i: 2, before: Duration::from_secs(22), ..PictureIdx::default() }, 5);
        assert_eq!((third.progress_pct, third.eta_s), (50.0, Some(25.0)));
        assert_eq!((third.samples_done, third.samples_target), (2 * 64 + 16, 5 * 64));
        // Half a picture in three seconds, after two that another attempt had finished: two and a half are left.
        let resumed = report(progress, None, PictureIdx { i: 2, n_kept: 2, ..PictureIdx::default() }, 5);
        assert_eq!(resumed.progress_pct, 50.0);
        assert!(resumed.eta_s.is_some_and(|eta| (eta - 15.0).abs() < 1e-9), "{resumed:?}");
    }
}
