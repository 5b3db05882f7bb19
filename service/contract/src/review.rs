//! Reviews of materials with suggested fixes, as clients see them (suggested-fixes.md §1 to §7).

mod report;
mod request;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::material_alias::AliasScope;
use super::scalar::Time;
use packshot_domain::{fix, review as domain};

pub use report::{
    AcceptanceBand, AppliedName, Band, NameProposal, NameTotals, NamesApplied, NamesApplyRequest, NamesWish,
    SkippedName, UnmappedName, UnmappedNames,
};
pub use request::{ApplyRequest, ApplyTopRequest, NoteRequest, OutcomeRequest, OutcomeWish, ReviewRequest};

words! {
    /// State of a review.
    pub enum ReviewStatus = domain::ReviewStatus {
        /// A part has no material.
        Open = "open",
        /// Every part has one.
        Resolved = "resolved",
        /// Somebody has closed it.
        Closed = "closed",
    }
}

words! {
    /// Why a part is in the fallback material.
    pub enum UnmappedReason = domain::UnmappedReason {
        /// Nothing matches its names.
        NoMatch = "no_match",
        /// What matches disagrees.
        Ambiguous = "ambiguous",
        /// It is to have a material that no library has.
        MaterialMissing = "material_missing",
        /// The library could not be read.
        LibraryInvalid = "library_invalid",
        /// The material lacks a texture.
        TextureMissing = "texture_missing",
    }
}

words! {
    /// State of a suggested fix.
    pub enum FixStatus = fix::FixStatus {
        /// Nobody has said how it went.
        Proposed = "proposed",
        /// It worked.
        Success = "applied_success",
        /// It did not work.
        Failed = "applied_failed",
        /// It worked in part.
        Partial = "applied_partial",
        /// It was applied, and the verdict waits for something.
        Pending = "applied_pending",
        /// Nobody wants it.
        Dismissed = "dismissed",
    }
}

words! {
    /// What is said of a suggested fix.
    pub enum FixOutcome = fix::Outcome {
        /// It worked.
        Success = "applied_success",
        /// It did not work: its alias is taken back.
        Failed = "applied_failed",
        /// It worked in part: notes say what is left.
        Partial = "applied_partial",
        /// The verdict waits for what notes say.
        Pending = "applied_pending",
        /// Nobody wants it: its alias is taken back.
        Dismissed = "dismissed",
    }
}

words! {
    /// What a check of the pictures suggests as the outcome.
    pub enum FixVerdict = fix::Verdict {
        /// The part has its material.
        Success = "success",
        /// It is in the fallback material still.
        Failed = "failed",
    }
}

words! {
    /// What was done to a suggested fix.
    pub enum FixAction = fix::FixAction {
        /// It was applied.
        Applied = "applied",
        /// Its outcome was said.
        Outcome = "outcome",
        /// Another fix resolved its part.
        Resolved = "resolved",
    }
}

words! {
    /// What is rendered again.
    pub enum RerenderMode = domain::RerenderMode {
        /// Every line whose pictures show the name in the fallback material.
        Affected = "affected",
        /// The line of the review.
        Line = "line",
        /// Nothing.
        None = "none",
    }
}

words! {
    /// What a note is for.
    pub enum NoteKind = domain::NoteKind {
        /// How it was resolved.
        Resolution = "resolution",
        /// For whoever keeps the library.
        Escalation = "escalation",
    }
}

/// A review: the parts that the pictures of a line, a render or a design job show in the fallback material, and the
/// fixes that are suggested for them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MaterialReview {
    /// Its id.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant_id: Uuid,
    /// The line of an order whose pictures it is about.
    pub order_line_id: Option<Uuid>,
    /// The direct render whose pictures it is about.
    pub render_id: Option<Uuid>,
    /// The design job whose pictures it is about.
    pub design_job_id: Option<Uuid>,
    /// The product of the line or of the design.
    pub product_id: Option<Uuid>,
    /// The CAD file of the product.
    pub cad_file_id: Option<Uuid>,
    /// Its state.
    pub status: ReviewStatus,
    /// Counts its changes, from 1; the ETag.
    pub state_version: i64,
    /// Its parts, in the order in which pictures showed them.
    pub parts: Vec<ReviewPart>,
    /// The fixes: by part, then by rank.
    pub fixes: Vec<SuggestedFix>,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed.
    pub updated_at: Time,
}

/// A name that pictures show in the fallback material, with all parts that bear it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReviewPart {
    /// The name, as the file has it.
    pub part_name: String,
    /// The name without what does not count: case, separators, the spelling of umlauts.
    pub part_key: String,
    /// The word for a material that no library has.
    pub material_string: Option<String>,
    /// Why it has no material.
    pub reason: UnmappedReason,
    /// Where the parts are; not all of very many.
    pub node_paths: Vec<String>,
    /// How many parts bear the name.
    pub instances: u32,
    /// Their share of the surface, 0 to 1.
    pub area_share: f64,
    /// The name of their material in the file.
    pub gltf_material: Option<String>,
    /// The base colour of that, linear Rec.709.
    pub gltf_color: Option<[f64; 3]>,
    /// Whether another name could mend it: not where a library or a texture is at fault, or the part has no name.
    pub fixable: bool,
    /// Whether it has a material by now.
    pub resolved: bool,
    /// The fix that gave it one.
    pub resolved_by: Option<Uuid>,
}

/// A material that is proposed for a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SuggestedFix {
    /// Its id.
    pub id: Uuid,
    /// Its review.
    pub review_id: Uuid,
    /// What it does.
    pub title: String,
    /// Why: the strongest reasons as a sentence.
    pub description: String,
    /// How sure it is, in percent.
    pub confidence_pct: u8,
    /// The part that it is for.
    pub part_key: String,
    /// The alias that it writes.
    pub alias: String,
    /// What the alias is a name of.
    pub alias_scope: AliasScope,
    /// The material.
    pub material_id: String,
    /// Its place among those for the part, from 1.
    pub rank: i32,
    /// The reasons.
    pub signals: Vec<FixSignal>,
    /// Its state.
    pub status: FixStatus,
    /// When it was first tried, or said to have been.
    pub applied_at: Option<Time>,
    /// When it was said whether it worked.
    pub verified_at: Option<Time>,
    /// What is left to do.
    pub partial_notes: Option<String>,
    /// What is being waited for.
    pub pending_reason: Option<String>,
    /// Why it did not work.
    pub failure_reason: Option<String>,
    /// The outcome that a check of the pictures suggests, for a person to confirm.
    pub ai_outcome_proposal: Option<OutcomeProposal>,
    /// The alias that is in force by it.
    pub alias_id: Option<Uuid>,
    /// What was rendered again with it.
    pub rerender: Option<Rerender>,
    /// The outcomes that can be said now.
    pub available_outcomes: Vec<FixOutcome>,
    /// What was done to it, in order.
    pub history: Vec<FixChange>,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed.
    pub updated_at: Time,
}

/// A reason for a material.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FixSignal {
    /// `tenant_choice`, `name`, `public_alias`, `gltf_material`, `metadata`, `colour`, `product_family` or `part_kind`.
    pub kind: String,
    /// How strong it is, 0 to 1.
    pub score: f64,
    /// In words.
    pub detail: String,
}

/// An outcome that a check suggests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutcomeProposal {
    /// The fix.
    pub fix_id: Uuid,
    /// The outcome.
    pub outcome: FixVerdict,
    /// Why.
    pub reason: String,
}

/// What is rendered again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rerender {
    /// The lines of orders.
    pub order_line_ids: Vec<Uuid>,
    /// Their tasks, or that of a direct render.
    pub task_ids: Vec<Uuid>,
    /// How many more lines show the name in the fallback material: beyond 500, or they are being rendered already.
    pub skipped: u32,
}

/// An entry in the history of a fix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FixChange {
    /// Its number, from 1.
    pub seq: i32,
    /// When.
    pub at: Time,
    /// Who; `null`: the service itself.
    pub actor_id: Option<Uuid>,
    /// What.
    pub action: FixAction,
    /// The state before.
    pub from_status: FixStatus,
    /// The state after.
    pub to_status: FixStatus,
    /// What was written to it.
    pub notes: Option<String>,
}

/// A page of reviews, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MaterialReviewPage {
    /// The reviews.
    pub items: Vec<MaterialReview>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// A note about a review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReviewNote {
    /// The note, in Markdown.
    pub markdown: String,
    /// The version of the review that it is about.
    pub state_version: i64,
    /// Whether it was written before.
    pub from_cache: bool,
    /// What it is for.
    pub kind: NoteKind,
}

/// What came of applying the first fix of every part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApplyTopResult {
    /// The fixes that were applied.
    pub applied: Vec<Uuid>,
    /// The parts without one.
    pub skipped: Vec<SkippedPart>,
    /// What is rendered again.
    pub rerender: Rerender,
}

/// A part of which no fix was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SkippedPart {
    /// The part.
    pub part_key: String,
    /// Why.
    pub reason: String,
}
