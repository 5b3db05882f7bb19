//! The progress bar.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use packshot_renderer::backend::Progress;

use super::console;

/// Steps of the bar.
const STEPS: u64 = 1000;
const TEMPLATE: &str = "{prefix} [{bar:30}] {percent:>3}%  {msg}";

/// Shows how far a render is, on stderr, while a person watches.
pub(crate) struct RenderBar {
    bar: ProgressBar,
    n_pixels: f64,
}

impl RenderBar {
    /// A bar for a picture of so many pixels.
    pub(crate) fn new(name: &str, n_pixels: u64, quiet: bool) -> Self {
        let target =
            if quiet || !console::is_watched() { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(STEPS), target).with_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
        bar.set_prefix(name.to_owned());
        Self { bar, n_pixels: n_pixels as f64 }
    }

    /// Shows a state.
    pub(crate) fn show(&self, progress: Progress) {
        let done = f64::from(progress.done.clamp(0.0, 1.0));
        let elapsed = progress.elapsed.as_secs_f64();
        let left = if done > 0.0 { elapsed * (1.0 - done) / done } else { 0.0 };
        let rate = if elapsed > 0.0 { progress.paths as f64 / elapsed } else { 0.0 };
        self.bar.set_position((done * STEPS as f64) as u64);
        self.bar.set_message(format!(
            "pass {}/{}, {:.0} samples/pixel, {:.1} M samples/s, {} left",
            progress.samples,
            progress.samples_max,
            progress.paths as f64 / self.n_pixels.max(1.0),
            rate / 1e6,
            duration(left)
        ));
    }
}

impl Drop for RenderBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Seconds for a person: `12 s`, `3:05 min`, `1:02 h`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = Duration::from_secs_f64(seconds.clamp(0.0, 1e9)).as_secs();
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{}:{:02} min", whole / 60, whole % 60),
        _ => format!("{}:{:02} h", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!([0.4, 59.9, 61.0, 3600.0, 7325.0].map(duration), ["0 s", "59 s", "1:01 min", "1:00 h", "2:02 h"]);
    }
}
