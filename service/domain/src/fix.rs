//! Suggested fixes of materials: what a person says of one, and what may follow (suggested-fixes.md §1 to §3).
//!
//! A fix proposes a material for a name. `apply` says that it is being tried, an outcome how that went; a fix that has
//! succeeded, failed or was dismissed stays so.

use std::fmt;
use std::str::FromStr;

use crate::time::Timestamp;
use crate::words::words;

/// Most characters of notes.
pub const NOTES_CHARS_MAX: usize = 2_000;
/// The highest confidence of a proposal, in percent: nothing that was computed is certain.
pub const CONFIDENCE_PCT_MAX: u8 = 99;
/// How long a pair of name and material that was dismissed, or has failed, is not proposed again, in days.
pub const SHUNNED_DAYS: i64 = 90;

words! {
    /// State of a suggested fix.
    pub enum FixStatus {
        /// Nobody has said how it went
        Proposed = "proposed",
        /// It worked
        Success = "applied_success",
        /// It did not work
        Failed = "applied_failed",
        /// It worked in part
        Partial = "applied_partial",
        /// It was applied, and the verdict waits for something
        Pending = "applied_pending",
        /// Nobody wants it
        Dismissed = "dismissed",
    }
}

words! {
    /// What a person says of a fix.
    pub enum Outcome {
        /// It worked
        Success = "applied_success",
        /// It did not work
        Failed = "applied_failed",
        /// It worked in part
        Partial = "applied_partial",
        /// The verdict waits for something
        Pending = "applied_pending",
        /// Nobody wants it
        Dismissed = "dismissed",
    }
}

words! {
    /// What a check of the pictures suggests as the outcome of a fix.
    pub enum Verdict {
        /// The part has its material
        Success = "success",
        /// It has none still
        Failed = "failed",
    }
}

words! {
    /// What was done to a fix, in its history.
    pub enum FixAction {
        /// It was applied
        Applied = "applied",
        /// Its outcome was said
        Outcome = "outcome",
        /// The part was resolved by another fix
        Resolved = "resolved",
    }
}

words! {
    /// A range of confidence, by which the report says how often proposals were right.
    pub enum Band {
        /// 30 to 49 percent
        Low = "30-49",
        /// 50 to 69 percent
        Medium = "50-69",
        /// 70 to 89 percent
        High = "70-89",
        /// 90 percent and more
        Highest = "90-97",
    }
}

impl Band {
    /// The range that a confidence is in.
    #[must_use]
    pub const fn of(confidence_pct: u8) -> Self {
        match confidence_pct {
            0..50 => Self::Low,
            50..70 => Self::Medium,
            70..90 => Self::High,
            _ => Self::Highest,
        }
    }
}

/// Text that is no notes: too long. Blanks alone are notes that nobody has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected at most {NOTES_CHARS_MAX} characters")]
pub struct NotesTooLong;

/// What a person writes to an outcome: 1 to 2,000 characters, trimmed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FixNotes(String);

impl FixNotes {
    /// The notes in a text; `None` when it has only blanks.
    ///
    /// # Errors
    ///
    /// [`NotesTooLong`].
    pub fn read(text: &str) -> Result<Option<Self>, NotesTooLong> {
        let text = text.trim();
        match text.chars().count() {
            0 => Ok(None),
            1..=NOTES_CHARS_MAX => Ok(Some(Self(text.to_owned()))),
            _ => Err(NotesTooLong),
        }
    }

    /// What the history says of a fix whose part another one has resolved.
    #[must_use]
    pub fn resolved_by(fix: crate::id::FixId) -> Self {
        Self(format!("resolved by fix {fix}"))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FixNotes {
    type Err = NotesTooLong;

    fn from_str(text: &str) -> Result<Self, NotesTooLong> {
        Self::read(text)?.ok_or(NotesTooLong)
    }
}

impl fmt::Display for FixNotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why nothing happens to a fix or its review.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FixRefusal {
    /// Its last outcome was said.
    #[error("the fix is {0}, which is its last state")]
    Terminal(FixStatus),
    /// It is tried no more, or an outcome was said without.
    #[error("the fix is {0}: only one that is proposed can be applied")]
    NotProposed(FixStatus),
    /// The outcome needs words.
    #[error("{0} needs notes: say in `notes` what is left, or what is being waited for")]
    NotesRequired(Outcome),
    /// The name is that of an active alias to another material.
    #[error("the name is that of an active alias already, which means {material}")]
    AliasConflict {
        /// What that alias means.
        material: String,
    },
    /// The tenant has as many aliases as it can have.
    #[error("a tenant has at most {} aliases at once", crate::material_alias::ACTIVE_MAX)]
    TooManyAliases,
    /// It was applied already: nothing is to be done.
    #[error("the fix was applied already")]
    Applied,
    /// Its products have changed in between: it is to be tried again.
    #[error("the entries of a product have changed meanwhile")]
    Raced,
}

/// An outcome that a check of the pictures suggests, for a person to confirm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeProposal {
    /// The outcome.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
}

/// What was said of a fix so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixState {
    /// Its state.
    pub status: FixStatus,
    /// When it was first tried, or said to have been.
    pub applied_at: Option<Timestamp>,
    /// When it was said whether it worked.
    pub verified_at: Option<Timestamp>,
    /// What is left to do.
    pub partial_notes: Option<FixNotes>,
    /// What is being waited for.
    pub pending_reason: Option<FixNotes>,
    /// Why it did not work.
    pub failure_reason: Option<FixNotes>,
    /// What a check suggests.
    pub outcome_proposal: Option<OutcomeProposal>,
}

impl Default for FixState {
    fn default() -> Self {
        Self {
            status: FixStatus::Proposed,
            applied_at: None,
            verified_at: None,
            partial_notes: None,
            pending_reason: None,
            failure_reason: None,
            outcome_proposal: None,
        }
    }
}

impl Outcome {
    /// The state of a fix of which this was said.
    #[must_use]
    pub const fn status(self) -> FixStatus {
        match self {
            Self::Success => FixStatus::Success,
            Self::Failed => FixStatus::Failed,
            Self::Partial => FixStatus::Partial,
            Self::Pending => FixStatus::Pending,
            Self::Dismissed => FixStatus::Dismissed,
        }
    }

    /// Whether it must be said in words what is left or waited for.
    #[must_use]
    pub const fn needs_notes(self) -> bool {
        matches!(self, Self::Partial | Self::Pending)
    }

    /// Whether an alias that the fix wrote is taken back.
    #[must_use]
    pub const fn takes_back(self) -> bool {
        matches!(self, Self::Failed | Self::Dismissed)
    }
}

impl FixStatus {
    /// Whether nothing can be said any more.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Dismissed)
    }

    /// The outcomes that can be said now.
    #[must_use]
    pub const fn available_outcomes(self) -> &'static [Outcome] {
        if self.is_terminal() { &[] } else { Outcome::ALL }
    }
}

impl FixState {
    /// The state after an outcome was said.
    ///
    /// # Errors
    ///
    /// [`FixRefusal::NotesRequired`], [`FixRefusal::Terminal`].
    pub fn next(&self, outcome: Outcome, notes: Option<FixNotes>, at: Timestamp) -> Result<Self, FixRefusal> {
        if outcome.needs_notes() && notes.is_none() {
            return Err(FixRefusal::NotesRequired(outcome));
        }
        if self.status.is_terminal() {
            return Err(FixRefusal::Terminal(self.status));
        }
        let mut next = Self { status: outcome.status(), outcome_proposal: None, ..self.clone() };
        if outcome != Outcome::Dismissed {
            next.applied_at.get_or_insert(at);
        }
        if matches!(outcome, Outcome::Success | Outcome::Failed) {
            next.verified_at = Some(at);
        }
        match outcome {
            Outcome::Partial => next.partial_notes = notes,
            Outcome::Pending => next.pending_reason = notes,
            Outcome::Failed => next.failure_reason = notes,
            Outcome::Success | Outcome::Dismissed => {}
        }
        Ok(next)
    }

    /// The state after the fix was applied. A second time there is nothing to do.
    ///
    /// # Errors
    ///
    /// [`FixRefusal::NotProposed`], [`FixRefusal::Applied`].
    pub fn applied(&self, at: Timestamp) -> Result<Self, FixRefusal> {
        match (self.status, self.applied_at) {
            (FixStatus::Proposed, None) => Ok(Self { applied_at: Some(at), ..self.clone() }),
            (FixStatus::Proposed, Some(_)) => Err(FixRefusal::Applied),
            (status, _) => Err(FixRefusal::NotProposed(status)),
        }
    }
}

#[cfg(test)]
mod tests;
