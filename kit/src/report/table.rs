//! A report as Markdown.

use std::fmt::Write;

use super::{Check, Limit, Report, TrialReport};

impl Report {
    /// One table with a line for each trial.
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n", self.adapter.as_deref().unwrap_or("No adapter"));
        let n_passed = self.trials.iter().filter(|report| report.state == super::State::Passed).count();
        let n_not_run = self.trials.iter().filter(|report| report.state == super::State::NotRun).count();
        let not_run = if n_not_run > 0 { format!(", {n_not_run} not run") } else { String::new() };
        let Self { version, scale, seconds, processor, .. } = self;
        let n = self.trials.len();
        let _ = writeln!(
            text,
            "Packshot {version}, {scale} scale: {n_passed} of {n} trials passed{not_run} in {seconds:.0} s. Processor: {processor}.\n"
        );
        text += "| Trial | Result | Seconds | Found |\n|---|---|---|---|\n";
        for report in &self.trials {
            let found = found(report).replace('|', "\\|").replace('\n', " ");
            let _ = writeln!(text, "| {} | {} | {:.1} | {found} |", report.trial, report.state.words(), report.seconds);
        }
        text
    }
}

impl TrialReport {
    /// One line for someone who is waiting.
    pub fn line(&self) -> String {
        format!("{:<10} {:<12} {:>6.1} s  {}", self.state.words(), self.trial, self.seconds, found(self))
    }
}

/// Failed checks first.
fn found(report: &TrialReport) -> String {
    let fault = report.fault.clone();
    let (missed, met): (Vec<&Check>, Vec<&Check>) = report.checks.iter().partition(|check| !check.is_met());
    let checks = missed.into_iter().chain(met).map(sentence);
    fault.into_iter().chain(checks).collect::<Vec<_>>().join("; ")
}

/// Such as `mean FLIP 0.0002 (at most 0.01)`.
fn sentence(check: &Check) -> String {
    let unit = if check.unit.is_empty() { String::new() } else { format!(" {}", check.unit) };
    let limit = match check.limit {
        None => String::new(),
        Some(Limit::AtMost(most)) => format!(" (at most {})", number(most)),
        Some(Limit::AtLeast(least)) => format!(" (at least {})", number(least)),
    };
    let missed = if check.is_met() { "" } else { "MISSED: " };
    let found = check.found.map_or_else(|| "no number".to_owned(), number);
    format!("{missed}{} {found}{unit}{limit}", check.name)
}

/// Three significant digits, and whole numbers whole.
fn number(value: f64) -> String {
    if value == value.trunc() && value.abs() < 1e15 {
        return format!("{value}");
    }
    let digits = 2 - value.abs().log10().floor() as i32;
    format!("{value:.*}", digits.clamp(0, 9) as usize)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;
    use crate::Trial;

    #[test]
    fn numbers_have_three_digits() {
        let shown = [0.0, 1234.0, 1234.56, 12.345, 0.000_123_45, -0.5].map(number);
        assert_eq!(shown, ["0", "1234", "1235", "12.3", "0.000123", "-0.500"]);
    }

    #[test]
    fn what_is_missed_comes_first_and_fails_the_trial() {
        let mut report = TrialReport::new(Trial::Parity);
        report.check("scenes", 31.0, "", Limit::AtLeast(30.0));
        report.check("worst FLIP", 0.02, "", Limit::AtMost(0.01));
        let report = report.ended(Ok(()), 1.25);
        assert_eq!(report.state, State::Failed);
        let found = "MISSED: worst FLIP 0.0200 (at most 0.0100); scenes 31 (at least 30)";
        let (device, adapter) = ("gpu".to_owned(), Some("A | B".to_owned()));
        let [processor, version, scale] = ["P", "0.1", "quick"].map(str::to_owned);
        let mut all = Report { device, adapter, processor, version, scale, seconds: 2.0, trials: vec![report] };
        assert!(all.markdown().contains(&format!("| parity | FAILED | 1.2 | {found} |")), "{}", all.markdown());
        assert_eq!((all.is_passed(), all.failed()), (false, vec!["parity"]));
        all.trials.clear();
        assert!(!all.is_passed(), "what was not tried did not pass");
    }

    #[test]
    fn no_number_meets_no_limit() {
        let mut report = TrialReport::new(Trial::Furnace);
        report.check("mean", f64::NAN, "", Limit::AtMost(1.0));
        let ended = report.ended(Ok(()), 0.0);
        assert_eq!(ended.state, State::Failed);
        let json = serde_json::to_string(&ended).expect("JSON");
        assert_eq!(serde_json::from_str::<TrialReport>(&json).expect("a report again"), ended);
        assert!(ended.line().contains("MISSED: mean no number"), "{}", ended.line());
    }
}
