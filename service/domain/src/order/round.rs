//! Rounds of an order: what is rendered of it until all of its lines have ended, and the summary that is told of it
//! then (notifications.md §4).

use super::line::RenderStatus;
use super::{LineCounts, OrderNumber};
use crate::channel::Severity;
use crate::words::words;

words! {
    /// What became of the summary of a round.
    pub enum RoundOutcome {
        /// People were told
        Told = "told",
        /// There was nothing to tell, or nobody to be told
        Silent = "silent",
    }
}

/// Whether a line that changes its state so opens a round, where none is open: it leaves `pending` for `processing`, or
/// for `failed` without having been begun.
#[must_use]
pub fn is_opened_by(from: RenderStatus, to: RenderStatus) -> bool {
    from == RenderStatus::Pending && matches!(to, RenderStatus::Processing | RenderStatus::Failed)
}

/// How the lines that a round counts have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundSummary(LineCounts);

impl RoundSummary {
    /// The summary of a round whose lines have ended so; `None` when there is nothing to tell, because none of them has
    /// completed or failed.
    #[must_use]
    pub const fn of(lines: LineCounts) -> Option<Self> {
        if lines.completed == 0 && lines.failed == 0 { None } else { Some(Self(lines)) }
    }

    /// How many lines it counts.
    #[must_use]
    pub const fn lines(self) -> LineCounts {
        self.0
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        if self.0.failed > 0 { Severity::Warning } else { Severity::Info }
    }

    /// What people are told.
    #[must_use]
    pub fn message(self, number: &OrderNumber) -> String {
        let LineCounts { completed, failed, cancelled, .. } = self.0;
        let total = self.0.total();
        let mut message = format!("Order #{number} rendering complete: {completed}/{total} succeeded, {failed} failed");
        if cancelled > 0 {
            message += &format!(", {cancelled} cancelled");
        }
        message
    }
}

#[cfg(test)]
mod tests {
    use super::RenderStatus as L;
    use super::*;

    fn told(lines: &[(L, u32)]) -> Option<(Severity, String)> {
        let mut counts = LineCounts::default();
        lines.iter().for_each(|(status, n)| counts.add(*status, *n));
        let number: OrderNumber = "ORD-2026-042".parse().expect("a number");
        RoundSummary::of(counts).map(|summary| (summary.severity(), summary.message(&number)))
    }

    #[test]
    fn n02_n29_n30_n31_summaries_say_how_lines_have_ended() {
        let with = |severity, rest: &str| Some((severity, format!("Order #ORD-2026-042 rendering complete: {rest}")));
        assert_eq!(told(&[(L::Completed, 47), (L::Failed, 3)]), with(Severity::Warning, "47/50 succeeded, 3 failed"),);
        assert_eq!(told(&[(L::Completed, 3)]), with(Severity::Info, "3/3 succeeded, 0 failed"));
        assert_eq!(
            told(&[(L::Completed, 2), (L::Cancelled, 1)]),
            with(Severity::Info, "2/3 succeeded, 0 failed, 1 cancelled"),
        );
        assert_eq!(told(&[(L::Cancelled, 2)]), None);
    }

    #[test]
    fn n80_a_round_opens_when_a_line_leaves_pending_by_itself() {
        for from in L::ALL {
            for to in L::ALL {
                let opens = *from == L::Pending && [L::Processing, L::Failed].contains(to);
                assert_eq!(is_opened_by(*from, *to), opens, "{from} {to}");
            }
        }
    }
}
