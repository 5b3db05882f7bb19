//! When a workflow may take over from the path that renders today: what a comparison of two pictures means
//! (workflow.md §8).

use super::output_type::{GateMetric, RolloutGate};
use super::words::words;

/// Two pictures are the same up to this mean difference of their channels.
pub const MATCH_MAX: f64 = 0.000_001;

words! {
    /// How two outputs compare.
    pub enum ComparisonStatus {
        /// Both are there, and equal
        Matched = "matched",
        /// Both are there, and differ or cannot be read
        Different = "different",
        /// The observer made none
        MissingObserver = "missing_observer",
        /// Who renders today made none
        MissingAuthoritative = "missing_authoritative",
        /// Neither made one
        MissingBoth = "missing_both",
    }
}

words! {
    /// What a gate decides.
    pub enum GateVerdict {
        /// The workflow may take over
        Pass = "pass",
        /// Somebody should look
        Warn = "warn",
        /// It may not
        Fail = "fail",
    }
}

words! {
    /// Where the rollout of a workflow stands.
    pub enum GateStatus {
        /// There is no shadow run
        LegacyOnly = "legacy_only",
        /// The workflow could not be prepared
        WorkflowPreparationFailed = "workflow_preparation_failed",
        /// The workflow has taken over
        GraphAuthoritative = "graph_authoritative",
        /// Its dispatch failed
        GraphExecutionFailed = "graph_execution_failed",
        /// The shadow run could not be dispatched
        ShadowExecutionFailed = "shadow_execution_failed",
        /// Not everything has ended that is compared
        PendingShadowVerdict = "pending_shadow_verdict",
        /// It may not take over
        BlockRollout = "block_rollout",
        /// Who renders today goes on
        HoldLegacyAuthoritative = "hold_legacy_authoritative",
        /// It may take over
        ReadyForRollout = "ready_for_rollout",
    }
}

/// What a comparison has found of one output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// There is none.
    Missing,
    /// It is no picture that can be read.
    Unreadable,
    /// A picture of this size.
    Picture {
        /// Width in pixels.
        width_px: u32,
        /// Height in pixels.
        height_px: u32,
        /// How much of it shows something.
        coverage: Coverage,
    },
}

/// How much of a picture shows something, by its alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// Nothing: each pixel is transparent.
    Empty,
    /// Some pixels are transparent, at least in part.
    Partial,
    /// All: no pixel is transparent.
    Full,
}

/// What a comparison of two outputs has measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The output that counts.
    pub authoritative: Found,
    /// The output of the shadow run.
    pub observer: Found,
    /// Whether both have the same bytes.
    pub has_equal_bytes: bool,
    /// The mean absolute difference over all pixels and their four channels, 0 to 1; `None` when they cannot be laid
    /// over each other.
    pub mean_pixel_delta: Option<f64>,
    /// The mean of LDR-FLIP, 0 to 1; `None` in the same case.
    pub mean_flip: Option<f64>,
}

/// What a gate says of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct GateDecision {
    /// The verdict; `None` while something has not ended.
    pub verdict: Option<GateVerdict>,
    /// Where the rollout stands.
    pub status: GateStatus,
    /// Why, in sentences.
    pub reasons: Vec<String>,
    /// What was held against the bounds.
    pub measured: Option<f64>,
}

impl GateDecision {
    /// Whether the workflow may take over.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.verdict == Some(GateVerdict::Pass)
    }
}

impl Found {
    /// Whether there is an output.
    #[must_use]
    pub const fn exists(self) -> bool {
        !matches!(self, Self::Missing)
    }

    const fn size_px(self) -> Option<[u32; 2]> {
        match self {
            Self::Picture { width_px, height_px, .. } => Some([width_px, height_px]),
            Self::Missing | Self::Unreadable => None,
        }
    }

    const fn coverage(self) -> Option<Coverage> {
        match self {
            Self::Picture { coverage, .. } => Some(coverage),
            Self::Missing | Self::Unreadable => None,
        }
    }
}

impl Measured {
    /// How the outputs compare.
    #[must_use]
    pub fn status(&self) -> ComparisonStatus {
        match (self.authoritative.exists(), self.observer.exists()) {
            (false, false) => ComparisonStatus::MissingBoth,
            (false, true) => ComparisonStatus::MissingAuthoritative,
            (true, false) => ComparisonStatus::MissingObserver,
            (true, true) if self.mean_pixel_delta.is_some_and(|delta| delta <= MATCH_MAX) => ComparisonStatus::Matched,
            (true, true) => ComparisonStatus::Different,
        }
    }

    const fn has_both(&self) -> bool {
        self.authoritative.exists() && self.observer.exists()
    }

    /// Whether both have the same bytes; `None` unless both are there.
    #[must_use]
    pub fn exact_match(&self) -> Option<bool> {
        self.has_both().then_some(self.has_equal_bytes)
    }

    /// Whether both are pictures of one size; `None` unless both are there.
    #[must_use]
    pub fn dimensions_match(&self) -> Option<bool> {
        let (one, other) = (self.authoritative.size_px(), self.observer.size_px());
        self.has_both().then_some(one.is_some() && one == other)
    }

    /// What was found, in a sentence.
    #[must_use]
    pub fn summary(&self) -> String {
        let delta = self.mean_pixel_delta.unwrap_or_default();
        match self.status() {
            ComparisonStatus::MissingBoth => "Neither output is there.".to_owned(),
            ComparisonStatus::MissingAuthoritative => "The authoritative output is missing.".to_owned(),
            ComparisonStatus::MissingObserver => "The observer's output is missing.".to_owned(),
            ComparisonStatus::Matched if self.has_equal_bytes => "The files are equal byte by byte.".to_owned(),
            ComparisonStatus::Matched if delta == 0.0 => {
                "The pixels are equal; only the metadata differs between the files.".to_owned()
            }
            ComparisonStatus::Matched => {
                format!("The pixels differ by {delta:.3e} in the mean, which counts as equal.")
            }
            ComparisonStatus::Different => match self.dimensions_match() {
                Some(true) => format!("The pixels differ by {delta:.6} in the mean."),
                _ => match (self.authoritative.size_px(), self.observer.size_px()) {
                    (Some([w, h]), Some([observer_w, observer_h])) => format!(
                        "The authoritative picture has {w} × {h} pixels, the observer's {observer_w} × {observer_h}."
                    ),
                    _ => "At least one output cannot be read as a picture.".to_owned(),
                },
            },
        }
    }

    /// What a gate says of this, once everything has ended (workflow.md §8, rows 1 to 7).
    #[must_use]
    pub fn judged_by(&self, gate: RolloutGate) -> GateDecision {
        let measured = match gate.metric() {
            GateMetric::MeanPixelDelta => self.mean_pixel_delta,
            GateMetric::Flip => self.mean_flip,
        };
        let blocked = |reasons: Vec<String>| GateDecision {
            verdict: Some(GateVerdict::Fail),
            status: GateStatus::BlockRollout,
            reasons,
            measured,
        };
        let missing = [
            (!self.observer.exists(), "Observer workflow output is missing."),
            (!self.authoritative.exists(), "Authoritative output is missing."),
        ];
        let missing: Vec<String> =
            missing.into_iter().filter(|(is_missing, _)| *is_missing).map(|(_, reason)| reason.to_owned()).collect();
        if !missing.is_empty() {
            return blocked(missing);
        }
        let unreadable = [(self.authoritative, "authoritative"), (self.observer, "observer's")];
        let unreadable: Vec<String> = unreadable
            .into_iter()
            .filter(|(found, _)| *found == Found::Unreadable)
            .map(|(_, whose)| format!("The {whose} output cannot be read as a picture."))
            .collect();
        if !unreadable.is_empty() {
            return blocked(unreadable);
        }
        if self.dimensions_match() != Some(true) {
            return blocked(vec![format!("The dimensions differ. {}", self.summary())]);
        }
        if self.has_equal_bytes {
            let reasons = vec!["The outputs match: the files are equal byte by byte.".to_owned()];
            return GateDecision {
                verdict: Some(GateVerdict::Pass),
                status: GateStatus::ReadyForRollout,
                reasons,
                measured,
            };
        }
        // In the mean over a picture, a small product that is not there at all is a small difference.
        let both = [("authoritative", self.authoritative), ("observer's", self.observer)];
        let (empty, shown_all): (Vec<_>, Vec<_>) =
            both.iter().partition(|(_, found)| found.coverage() == Some(Coverage::Empty));
        if let ([(whose, _)], [_]) = (&empty[..], &shown_all[..]) {
            return blocked(vec![format!("The {whose} picture shows nothing: all of it is transparent.")]);
        }
        let name = match gate.metric() {
            GateMetric::MeanPixelDelta => "mean pixel difference",
            GateMetric::Flip => "mean FLIP",
        };
        let Some(value) = measured else {
            return blocked(vec![format!("The outputs could not be compared: they have no {name}.")]);
        };
        let (pass_max, warn_max) = (gate.pass_max(), gate.warn_max());
        // With as many digits as tell it from the bounds.
        let is_told = |text: &String| {
            let read = text.parse::<f64>().unwrap_or(value);
            (read <= pass_max) == (value <= pass_max) && (read <= warn_max) == (value <= warn_max)
        };
        let digits = (4..=17).map(|n| shown(value, n)).find(is_told).unwrap_or_else(|| value.to_string());
        let found = format!("the {name} is {digits}");
        // Laid over grey, a grey background is one with none.
        let full = both.iter().filter(|(_, found)| found.coverage() == Some(Coverage::Full)).collect::<Vec<_>>();
        let has_other_background = gate.metric() == GateMetric::Flip && full.len() == 1;
        let (verdict, status, reason) = if value <= pass_max && has_other_background {
            let whose = full[0].0;
            let reason = format!("The backgrounds differ: only the {whose} picture has one, and {found}.");
            (GateVerdict::Warn, GateStatus::HoldLegacyAuthoritative, reason)
        } else if value <= pass_max {
            let reason = format!("The outputs match: {found}, and up to {pass_max} passes.");
            (GateVerdict::Pass, GateStatus::ReadyForRollout, reason)
        } else if value <= warn_max {
            let reason =
                format!("The outputs differ: {found}, above {pass_max} and within the warn threshold of {warn_max}.");
            (GateVerdict::Warn, GateStatus::HoldLegacyAuthoritative, reason)
        } else {
            let reason = format!("The outputs differ: {found}, above the fail threshold of {warn_max}.");
            (GateVerdict::Fail, GateStatus::BlockRollout, reason)
        };
        GateDecision { verdict: Some(verdict), status, reasons: vec![reason], measured }
    }
}

impl GateDecision {
    /// Nothing is decided yet (row 0): `what` has not ended.
    #[must_use]
    pub fn pending(what: &str) -> Self {
        Self {
            verdict: None,
            status: GateStatus::PendingShadowVerdict,
            reasons: vec![format!("{what} has not finished.")],
            measured: None,
        }
    }
}

/// A share with so many significant digits.
fn shown(share: f64, n_digits: u8) -> String {
    let magnitude = if share > 0.0 { share.log10().floor() } else { 0.0 };
    let n_decimals = (f64::from(n_digits) - 1.0 - magnitude).clamp(0.0, 20.0) as usize;
    let digits = format!("{share:.n_decimals$}");
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.').to_owned() } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURE: Found = picture(Coverage::Full);

    const fn picture(coverage: Coverage) -> Found {
        Found::Picture { width_px: 16, height_px: 16, coverage }
    }

    fn measured(delta: f64) -> Measured {
        Measured {
            authoritative: PICTURE,
            observer: PICTURE,
            has_equal_bytes: false,
            mean_pixel_delta: Some(delta),
            mean_flip: Some(0.5),
        }
    }

    fn decided(measured: &Measured, gate: RolloutGate) -> (Option<GateVerdict>, GateStatus, String) {
        let GateDecision { verdict, status, reasons, .. } = measured.judged_by(gate);
        (verdict, status, reasons.join(" "))
    }

    #[test]
    fn w11_an_exact_match_passes() {
        let equal = Measured { has_equal_bytes: true, ..measured(0.0) };
        let decision = equal.judged_by(RolloutGate::default());
        assert_eq!(decision.verdict, Some(GateVerdict::Pass));
        assert_eq!(decision.status, GateStatus::ReadyForRollout);
        assert!(decision.is_ready() && decision.reasons[0].contains("match"), "{decision:?}");
        assert_eq!((equal.exact_match(), equal.dimensions_match()), (Some(true), Some(true)));
    }

    #[test]
    fn w12_a_small_difference_warns() {
        let (verdict, status, reason) = decided(&measured(1.0 / (4.0 * 255.0)), RolloutGate::default());
        assert_eq!((verdict, status), (Some(GateVerdict::Warn), GateStatus::HoldLegacyAuthoritative));
        assert!(reason.contains("warn threshold"), "{reason}");
        assert!(!measured(1.0 / (4.0 * 255.0)).judged_by(RolloutGate::default()).is_ready());
    }

    #[test]
    fn w13_a_missing_observer_fails() {
        let missing = Measured { observer: Found::Missing, mean_pixel_delta: None, mean_flip: None, ..measured(0.0) };
        let (verdict, status, reason) = decided(&missing, RolloutGate::default());
        assert_eq!((verdict, status), (Some(GateVerdict::Fail), GateStatus::BlockRollout));
        assert!(reason.contains("Observer workflow output is missing"), "{reason}");
        assert_eq!((missing.exact_match(), missing.dimensions_match()), (None, None));
        assert_eq!(missing.status(), ComparisonStatus::MissingObserver);
    }

    #[test]
    fn w73_w77_bounds_decide_at_their_edges() {
        let at = |delta| decided(&measured(delta), RolloutGate::default()).0.expect("a verdict");
        for (delta, verdict) in [
            (0.000_001, GateVerdict::Pass),
            (0.000_001_1, GateVerdict::Warn),
            (0.02, GateVerdict::Warn),
            (0.020_000_1, GateVerdict::Fail),
            (0.05, GateVerdict::Fail),
        ] {
            assert_eq!(at(delta), verdict, "{delta}");
        }
        let (_, _, reason) = decided(&measured(0.05), RolloutGate::default());
        assert_eq!(reason, "The outputs differ: the mean pixel difference is 0.05, above the fail threshold of 0.02.");
        let digits = [0.0, 0.000_001_1, 0.219_537_526, 1.0].map(|share| shown(share, 4));
        assert_eq!(digits, ["0", "0.0000011", "0.2195", "1"]);
        let metadata = measured(0.0);
        assert_eq!(decided(&metadata, RolloutGate::default()).0, Some(GateVerdict::Pass));
        assert!(metadata.summary().contains("metadata differs"), "{}", metadata.summary());
        assert_eq!(metadata.status(), ComparisonStatus::Matched);
    }

    #[test]
    fn w74_w76_what_cannot_be_laid_over_each_other_fails() {
        let none = Measured { mean_pixel_delta: None, mean_flip: None, ..measured(0.0) };
        let sizes =
            Measured { observer: Found::Picture { width_px: 8, height_px: 16, coverage: Coverage::Full }, ..none };
        let (verdict, _, reason) = decided(&sizes, RolloutGate::default());
        assert!(verdict == Some(GateVerdict::Fail) && reason.contains("dimensions differ"), "{reason}");
        assert_eq!((sizes.dimensions_match(), sizes.status()), (Some(false), ComparisonStatus::Different));
        let unreadable = Measured { observer: Found::Unreadable, ..none };
        let (verdict, _, reason) = decided(&unreadable, RolloutGate::default());
        assert!(verdict == Some(GateVerdict::Fail) && reason.contains("cannot be read"), "{reason}");
        assert_eq!(unreadable.status(), ComparisonStatus::Different);
    }

    #[test]
    fn w75_missing_outputs_fail_with_each_reason() {
        let of = |authoritative, observer| Measured { authoritative, observer, ..measured(0.0) };
        let lone = of(Found::Missing, PICTURE);
        assert_eq!(lone.status(), ComparisonStatus::MissingAuthoritative);
        assert!(decided(&lone, RolloutGate::default()).2.contains("Authoritative output is missing"));
        let none = of(Found::Missing, Found::Missing);
        assert_eq!(none.status(), ComparisonStatus::MissingBoth);
        let reasons = none.judged_by(RolloutGate::default()).reasons;
        assert_eq!(reasons.len(), 2, "{reasons:?}");
    }

    #[test]
    fn w78_w79_a_gate_has_its_own_metric_and_bounds() {
        let narrow = RolloutGate::new(GateMetric::MeanPixelDelta, Some(0.001), Some(0.01)).expect("a gate");
        assert_eq!(decided(&measured(1.0 / (4.0 * 255.0)), narrow).0, Some(GateVerdict::Pass));
        let flip = RolloutGate::new(GateMetric::Flip, None, None).expect("a gate");
        let decision = measured(0.0).judged_by(flip);
        assert_eq!((decision.verdict, decision.measured), (Some(GateVerdict::Fail), Some(0.5)));
        let near = Measured { mean_flip: Some(0.04), ..measured(0.01) };
        assert_eq!(near.judged_by(flip).verdict, Some(GateVerdict::Pass));
        let hardly = Measured { mean_flip: Some(0.100_009), ..measured(0.01) };
        assert!(decided(&hardly, flip).2.contains("the mean FLIP is 0.10001, above the fail threshold of 0.1"));
    }

    #[test]
    fn an_empty_picture_and_another_background_are_seen_however_small_the_difference() {
        let flip = RolloutGate::new(GateMetric::Flip, None, None).expect("a gate");
        let of = |authoritative, observer| Measured {
            authoritative: picture(authoritative),
            observer: picture(observer),
            mean_flip: Some(0.01),
            ..measured(0.000_000_1)
        };
        for gate in [flip, RolloutGate::default()] {
            let (verdict, _, reason) = decided(&of(Coverage::Partial, Coverage::Empty), gate);
            assert_eq!(verdict, Some(GateVerdict::Fail));
            assert_eq!(reason, "The observer's picture shows nothing: all of it is transparent.");
            assert_eq!(decided(&of(Coverage::Empty, Coverage::Full), gate).0, Some(GateVerdict::Fail));
            assert_eq!(decided(&of(Coverage::Empty, Coverage::Empty), gate).0, Some(GateVerdict::Pass));
            assert_eq!(decided(&of(Coverage::Partial, Coverage::Partial), gate).0, Some(GateVerdict::Pass));
        }
        let (verdict, status, reason) = decided(&of(Coverage::Full, Coverage::Partial), flip);
        assert_eq!((verdict, status), (Some(GateVerdict::Warn), GateStatus::HoldLegacyAuthoritative));
        assert!(reason.contains("only the authoritative picture has one"), "{reason}");
    }
}
