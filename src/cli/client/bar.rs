//! Progress of a job of the service, on stderr, while a person watches: a bar, and above it the lines of the job's log.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use packshot_contract::client::Event;
use packshot_materials::name::one_line;

use super::super::console;
use super::super::progress::duration;

/// Steps of a bar that shows a share.
pub(super) const STEPS: u64 = 1000;
const TEMPLATE: &str = "{prefix} [{bar:30}] {percent:>3}%  {msg}";

/// A bar that only a person sees.
pub(super) fn bar(quiet: bool, length: u64, prefix: String) -> ProgressBar {
    let target =
        if quiet || !console::is_watched() { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(Some(length), target).with_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
    bar.set_prefix(prefix);
    bar
}

/// The bar of one job; it is removed when this is dropped.
pub(super) struct JobBar {
    bar: ProgressBar,
}

impl JobBar {
    pub(super) fn new(quiet: bool) -> Self {
        Self { bar: bar(quiet, STEPS, "queued".to_owned()) }
    }

    /// Shows what an event says.
    pub(super) fn show(&self, event: &Event) {
        let text = |name: &str| one_line(event.data[name].as_str().unwrap_or_default()).to_string();
        match event.name.as_str() {
            "job.state" => self.bar.set_prefix(text("state")),
            "job.log" => self.bar.println(log_line(&text("step_name"), text("message"))),
            "job.progress" => {
                let share = event.data["progress_pct"].as_f64().unwrap_or_default().clamp(0.0, 100.0) / 100.0;
                self.bar.set_position((share * STEPS as f64) as u64);
                let left =
                    event.data["eta_s"].as_f64().map_or_else(String::new, |left| format!(", {} left", duration(left)));
                let samples = |name: &str| event.data[name].as_u64().unwrap_or_default();
                self.bar.set_message(format!(
                    "{}/{} samples{left}",
                    samples("samples_done"),
                    samples("samples_target")
                ));
            }
            _ => {}
        }
    }
}

/// A line of a job's log as the service's own log has it.
fn log_line(step: &str, message: String) -> String {
    if message.starts_with('[') || step.is_empty() { message } else { format!("[{}] {message}", step.to_uppercase()) }
}

impl Drop for JobBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
