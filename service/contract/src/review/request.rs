//! What is asked of reviews and fixes.

use packshot_json::{FaultKind, Faults, Node};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{FixOutcome, NoteKind, RerenderMode};
use crate::problem::Invalid;
use crate::read::{optional, parsed};
use packshot_domain::fix::{FixNotes, NOTES_CHARS_MAX, Outcome};
use packshot_domain::id::{DesignJobId, OrderLineId, RenderId};
use packshot_domain::review as domain;

/// Which confidences fixes can be applied by.
const CONFIDENCES_PCT: std::ops::RangeInclusive<u32> = 50..=99;

/// What a review is asked for: exactly one of the members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReviewRequest {
    /// A line of an order.
    pub order_line_id: Option<Uuid>,
    /// A direct render.
    pub render_id: Option<Uuid>,
    /// A design job.
    pub design_job_id: Option<Uuid>,
}

impl ReviewRequest {
    /// Reads what a review is asked for.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`, `unknown_member`; `conflict` when there is more than one member.
    pub fn parse(body: &Value) -> Result<domain::ReviewSubject, Invalid> {
        let faults = Faults::default();
        let subject = Node::root(body, &faults).members().and_then(|mut m| {
            let line = optional(&mut m, "order_line_id", |node| parsed::<OrderLineId>(node));
            let render = optional(&mut m, "render_id", |node| parsed::<RenderId>(node));
            let design = optional(&mut m, "design_job_id", |node| parsed::<DesignJobId>(node));
            let subject = match (line?, render?, design?) {
                (Some(line), None, None) => Some(domain::ReviewSubject::Line(line)),
                (None, Some(render), None) => Some(domain::ReviewSubject::Render(render)),
                (None, None, Some(job)) => Some(domain::ReviewSubject::Design(job)),
                (None, None, None) => {
                    m.node().refuse(FaultKind::Missing, "name the order_line_id, the render_id or the design_job_id")
                }
                _ => m.node().refuse(FaultKind::Conflict, "name the order_line_id, the render_id or the design_job_id"),
            };
            m.finish();
            subject
        });
        Invalid::unless_faults(subject, faults)
    }
}

/// An outcome to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OutcomeRequest {
    /// The outcome.
    pub outcome: FixOutcome,
    /// What is left, what is being waited for, or why it did not work: `applied_partial` and `applied_pending` need it.
    #[schema(max_length = 2000)]
    pub notes: Option<String>,
    /// Whether lines are rendered again when an alias is taken back; `true` if absent.
    pub rerender: Option<bool>,
}

/// An outcome to say, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeWish {
    /// The outcome.
    pub outcome: Outcome,
    /// What is written to it.
    pub notes: Option<FixNotes>,
    /// Whether lines are rendered again when an alias is taken back.
    pub rerender: bool,
}

impl OutcomeRequest {
    /// Reads an outcome.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `unknown_value`, `out_of_range`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<OutcomeWish, Invalid> {
        let faults = Faults::default();
        let wish = Node::root(body, &faults).members().and_then(|mut m| {
            let outcome = m.require("outcome").and_then(|node| node.word::<FixOutcome>());
            let notes = optional(&mut m, "notes", |node| match FixNotes::read(node.string()?) {
                Ok(notes) => Some(notes),
                Err(error) => node.refuse(FaultKind::Range, error.to_string()),
            });
            let rerender = m.given("rerender").map_or(Some(true), |node| node.flag());
            m.finish();
            Some(OutcomeWish { outcome: outcome?.into(), notes: notes?.flatten(), rerender: rerender? })
        });
        Invalid::unless_faults(wish, faults)
    }
}

/// How a fix is applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ApplyRequest {
    /// What is rendered again; `affected` if absent.
    pub rerender: Option<RerenderMode>,
}

impl ApplyRequest {
    /// Reads how a fix is applied.
    ///
    /// # Errors
    /// `wrong_type`, `unknown_value`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<domain::RerenderMode, Invalid> {
        let faults = Faults::default();
        let mode = Node::root(body, &faults).members().and_then(|mut m| {
            let mode = m.given("rerender").map_or(Some(RerenderMode::Affected), |node| node.word());
            m.finish();
            mode.map(Into::into)
        });
        Invalid::unless_faults(mode, faults)
    }
}

/// Which first fixes are applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ApplyTopRequest {
    /// Only those that are at least so sure.
    #[schema(minimum = 50, maximum = 99)]
    pub min_confidence_pct: u32,
}

impl ApplyTopRequest {
    /// Reads which first fixes are applied: the least confidence, in percent.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<u8, Invalid> {
        let faults = Faults::default();
        let least = Node::root(body, &faults).members().and_then(|mut m| {
            let least = m.require("min_confidence_pct").and_then(|node| node.count(CONFIDENCES_PCT));
            m.finish();
            least.and_then(|least| u8::try_from(least).ok())
        });
        Invalid::unless_faults(least, faults)
    }
}

/// What a note is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NoteRequest {
    /// What it is for; `resolution` if absent.
    pub kind: Option<NoteKind>,
}

impl NoteRequest {
    /// Reads what a note is for.
    ///
    /// # Errors
    /// `wrong_type`, `unknown_value`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<domain::NoteKind, Invalid> {
        let faults = Faults::default();
        let kind = Node::root(body, &faults).members().and_then(|mut m| {
            let kind = m.given("kind").map_or(Some(NoteKind::Resolution), |node| node.word());
            m.finish();
            kind.map(Into::into)
        });
        Invalid::unless_faults(kind, faults)
    }
}

// The description of `notes` says it.
const _: () = assert!(NOTES_CHARS_MAX == 2_000);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers<T>(read: Result<T, Invalid>) -> Vec<String> {
        read.err().into_iter().flat_map(|invalid| invalid.findings).map(|finding| finding.pointer).collect()
    }

    #[test]
    fn f29_f30_outcomes_as_they_are_sent() {
        for body in [json!({"outcome": "success"}), json!({"outcome": "proposed"}), json!({"outcome": ""}), json!({})] {
            assert_eq!(pointers(OutcomeRequest::parse(&body)), ["/outcome"], "{body}");
        }
        let body = json!({"outcome": "dismissed", "note": "x"});
        assert_eq!(pointers(OutcomeRequest::parse(&body)), ["/note"]);
        let long = json!({"outcome": "applied_failed", "notes": "x".repeat(2_001)});
        assert_eq!(pointers(OutcomeRequest::parse(&long)), ["/notes"]);
        for notes in [json!(null), json!(""), json!("  ")] {
            let wish = OutcomeRequest::parse(&json!({"outcome": "applied_failed", "notes": notes})).expect("read");
            assert_eq!((wish.notes, wish.rerender), (None, true));
        }
        let kept = "Zeile 1\nÄÖÜ";
        let wish = OutcomeRequest::parse(&json!({"outcome": "applied_failed", "notes": kept, "rerender": false}));
        let wish = wish.expect("read");
        assert_eq!((wish.notes.expect("notes").as_str(), wish.rerender), (kept, false));
    }

    #[test]
    fn one_subject_and_defaults() {
        let id = Uuid::nil();
        assert!(ReviewRequest::parse(&json!({"order_line_id": id})).is_ok());
        assert!(ReviewRequest::parse(&json!({"render_id": id, "order_line_id": null})).is_ok());
        assert_eq!(pointers(ReviewRequest::parse(&json!({}))).len(), 1);
        assert_eq!(pointers(ReviewRequest::parse(&json!({"render_id": id, "order_line_id": id}))).len(), 1);
        assert_eq!(ApplyRequest::parse(&json!({})).expect("read"), domain::RerenderMode::Affected);
        assert_eq!(NoteRequest::parse(&json!({})).expect("read"), domain::NoteKind::Resolution);
        assert_eq!(pointers(ApplyTopRequest::parse(&json!({"min_confidence_pct": 49}))), ["/min_confidence_pct"]);
        assert_eq!(ApplyTopRequest::parse(&json!({"min_confidence_pct": 90})).expect("read"), 90);
    }
}
