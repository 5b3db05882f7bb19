//! Progress of an order, on stderr, while a person watches.

use std::collections::HashMap;

use indicatif::ProgressBar;
use packshot_contract::order::RenderStatus;
use packshot_materials::name::one_line;
use uuid::Uuid;

use super::super::bar::{STEPS, bar};

/// Lines that are named while they are rendered, at most.
const NAMED_MAX: usize = 2;

/// Where the lines of an order stand, as its events say.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    lines: Vec<(Uuid, RenderStatus)>,
    /// Of those that are rendered, 0 to 100.
    percent: HashMap<Uuid, f64>,
}

impl Progress {
    /// All lines, in their order.
    pub(super) fn set_all(&mut self, lines: impl IntoIterator<Item = (Uuid, RenderStatus)>) {
        self.lines = lines.into_iter().collect();
        self.percent.clear();
    }

    /// The new state of a line.
    pub(super) fn set_status(&mut self, line: Uuid, status: RenderStatus) {
        self.percent.remove(&line);
        self.lines.iter_mut().filter(|(id, _)| *id == line).for_each(|(_, own)| *own = status);
    }

    /// How much of a line is rendered.
    pub(super) fn set_percent(&mut self, line: Uuid, percent: f64) {
        self.percent.insert(line, percent.clamp(0.0, 100.0));
    }

    /// Whether a line is being rendered.
    pub(super) fn is_processing(&self) -> bool {
        self.lines.iter().any(|(_, status)| *status == RenderStatus::Processing)
    }

    /// Whether all lines have ended.
    pub(super) fn has_ended(&self) -> bool {
        self.lines.iter().all(|(_, status)| status.is_terminal())
    }

    /// The share of the work that is done, 0 to 1.
    fn share(&self) -> f64 {
        let of = |(id, status): &(Uuid, RenderStatus)| match status.is_terminal() {
            true => 1.0,
            false => self.percent.get(id).copied().unwrap_or(0.0) / 100.0,
        };
        let done: f64 = self.lines.iter().map(of).sum();
        if self.lines.is_empty() { 0.0 } else { done / self.lines.len() as f64 }
    }

    /// How many lines have ended and how, and what is rendered.
    fn words(&self, name: impl Fn(Uuid) -> String) -> String {
        let n_in = |wanted: RenderStatus| self.lines.iter().filter(|(_, status)| *status == wanted).count();
        let mut words = format!("{}/{} lines", n_in(RenderStatus::Completed), self.lines.len());
        for (n, what) in [(n_in(RenderStatus::Failed), "failed"), (n_in(RenderStatus::Cancelled), "cancelled")] {
            if n > 0 {
                words.push_str(&format!(", {n} {what}"));
            }
        }
        let running = self.lines.iter().filter_map(|(id, _)| Some((*id, *self.percent.get(id)?)));
        let running = running.take(NAMED_MAX).map(|(id, percent)| format!("{} {percent:.0}%", name(id)));
        let running = running.collect::<Vec<_>>().join("; ");
        if running.is_empty() { words } else { format!("{words}; {running}") }
    }
}

/// The bar of one order; it is removed when this is dropped.
pub(super) struct OrderBar {
    bar: ProgressBar,
}

impl OrderBar {
    pub(super) fn new(number: &str, quiet: bool) -> Self {
        Self { bar: bar(quiet, STEPS, one_line(number).to_string()) }
    }

    /// Whether nobody sees it.
    pub(super) fn is_hidden(&self) -> bool {
        self.bar.is_hidden()
    }

    /// Shows where the lines stand.
    pub(super) fn show(&self, progress: &Progress, name: impl Fn(Uuid) -> String) {
        self.bar.set_position((progress.share() * STEPS as f64) as u64);
        self.bar.set_message(one_line(&progress.words(name)).to_string());
    }
}

impl Drop for OrderBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Progress over several things, such as files; removed when this is dropped.
pub(super) struct StepBar {
    bar: ProgressBar,
}

impl StepBar {
    /// A bar of so many steps: things, or bytes of them.
    pub(super) fn new(what: &str, length: u64, quiet: bool) -> Self {
        Self { bar: bar(quiet, length, what.to_owned()) }
    }

    /// Shows how many steps are done, and what is next.
    pub(super) fn show(&self, done: u64, next: &str) {
        self.bar.set_position(done);
        self.bar.set_message(one_line(next).to_string());
    }
}

impl Drop for StepBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_counts_what_has_ended_and_what_is_rendered() {
        let ids: Vec<Uuid> = (1..=4).map(Uuid::from_u128).collect();
        let mut progress = Progress::default();
        progress.set_all(ids.iter().map(|id| (*id, RenderStatus::Pending)));
        assert!((progress.share(), progress.has_ended()) == (0.0, false));
        progress.set_status(ids[0], RenderStatus::Completed);
        progress.set_status(ids[1], RenderStatus::Failed);
        progress.set_status(ids[2], RenderStatus::Processing);
        progress.set_percent(ids[2], 50.0);
        let name = |_: Uuid| "6204, Front".to_owned();
        assert_eq!(progress.words(name), "1/4 lines, 1 failed; 6204, Front 50%");
        assert!((progress.share() - 0.625).abs() < 1e-9, "{}", progress.share());
        progress.set_status(ids[2], RenderStatus::Completed);
        progress.set_status(ids[3], RenderStatus::Cancelled);
        assert!(progress.has_ended());
        assert_eq!(progress.words(name), "2/4 lines, 1 failed, 1 cancelled");
    }
}
