//! Reviews of materials: one for each order line, direct render or design job whose pictures show parts in the fallback
//! material (suggested-fixes.md §1).

use crate::id::{DesignJobId, OrderLineId, RenderId};
use crate::material_alias::AliasScope;
use crate::words::words;

/// Lines that are rendered again at most with one fix.
pub const RERENDERED_MAX: usize = 500;
/// Names of parts that one review has at most: a file can have as many as it likes.
pub const PARTS_MAX: usize = 2_000;
/// Paths of nodes that one part names at most.
pub const NODE_PATHS_MAX: usize = 100;
/// Proposals for one part.
pub const PROPOSALS_MAX: usize = 5;

words! {
    /// State of a review.
    pub enum ReviewStatus {
        /// A part has no material
        Open = "open",
        /// Every part has one
        Resolved = "resolved",
        /// Somebody has closed it
        Closed = "closed",
    }
}

words! {
    /// Why a part has the fallback material.
    pub enum UnmappedReason {
        /// Nothing matches its names
        NoMatch = "no_match",
        /// What matches disagrees
        Ambiguous = "ambiguous",
        /// It is to have a material that no library has
        MaterialMissing = "material_missing",
        /// The library could not be read
        LibraryInvalid = "library_invalid",
        /// The material lacks a texture
        TextureMissing = "texture_missing",
    }
}

words! {
    /// What is rendered again when a fix is applied.
    pub enum RerenderMode {
        /// Every line whose pictures show the name in the fallback material
        Affected = "affected",
        /// The line of the review
        Line = "line",
        /// Nothing
        None = "none",
    }
}

words! {
    /// What a note about a review is for.
    pub enum NoteKind {
        /// How it was resolved
        Resolution = "resolution",
        /// For whoever keeps the library
        Escalation = "escalation",
    }
}

words! {
    /// What happens to a review.
    pub enum ReviewEvent {
        /// Its parts have changed
        PartsChange = "parts change",
        /// Somebody closes it
        Close = "close",
        /// Somebody opens it again
        Reopen = "reopen",
    }
}

/// What a review is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReviewSubject {
    /// A line of an order.
    Line(OrderLineId),
    /// A direct render.
    Render(RenderId),
    /// A design on a product.
    Design(DesignJobId),
}

impl ReviewStatus {
    /// The state after an event of a review that has unresolved parts, or none. What somebody has closed stays closed
    /// until somebody opens it.
    #[must_use]
    pub const fn next(self, event: ReviewEvent, has_unresolved: bool) -> Self {
        match (self, event) {
            (_, ReviewEvent::Close) | (Self::Closed, ReviewEvent::PartsChange) => Self::Closed,
            (_, ReviewEvent::Reopen) | (Self::Open | Self::Resolved, ReviewEvent::PartsChange) => {
                if has_unresolved {
                    Self::Open
                } else {
                    Self::Resolved
                }
            }
        }
    }
}

impl UnmappedReason {
    /// What an alias would have to be of: of the part, or of the word for a material that it was given.
    #[must_use]
    pub const fn scope(self) -> AliasScope {
        match self {
            Self::MaterialMissing => AliasScope::Material,
            Self::NoMatch | Self::Ambiguous | Self::LibraryInvalid | Self::TextureMissing => AliasScope::Part,
        }
    }

    /// Whether a name is wrong, so that another one could mend it.
    #[must_use]
    pub const fn is_of_name(self) -> bool {
        !matches!(self, Self::LibraryInvalid | Self::TextureMissing)
    }
}

/// A part that a picture shows in the fallback material, with all that bear its name.
#[derive(Clone, Debug, PartialEq)]
pub struct UnmappedPart {
    /// Its name, as the file has it.
    pub part_name: String,
    /// Its name without what does not count.
    pub part_key: String,
    /// The key of an alias for it: of its name, or of the word for a material.
    pub alias_key: String,
    /// Whether the name says anything.
    pub is_named: bool,
    /// The word for a material that no library has.
    pub material_string: Option<String>,
    /// Why it has no material.
    pub reason: UnmappedReason,
    /// Where it is.
    pub node_paths: Vec<String>,
    /// How often.
    pub instances: u32,
    /// Its share of the surface, 0 to 1.
    pub area_share: f64,
    /// The name of its material in the file.
    pub gltf_material: Option<String>,
    /// The base colour of that, linear Rec.709.
    pub gltf_color: Option<[f64; 3]>,
    /// CAD materials or layers that the file names for it.
    pub cad_names: Vec<String>,
}

impl UnmappedPart {
    /// Whether another name could mend it.
    #[must_use]
    pub fn is_fixable(&self) -> bool {
        self.reason.is_of_name() && (self.is_named || self.reason.scope() == AliasScope::Material)
    }

    /// The text that an alias for it would be.
    #[must_use]
    pub fn alias(&self) -> &str {
        match self.reason.scope() {
            AliasScope::Part => &self.part_name,
            AliasScope::Material => self.material_string.as_deref().unwrap_or_default(),
        }
    }
}

/// Why a material is proposed.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// What kind of reason it is: a word of whoever proposes.
    pub kind: String,
    /// How strong it is, 0 to 1.
    pub score: f64,
    /// In words.
    pub detail: String,
}

/// A material that is proposed for a part.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The id of the material.
    pub material: String,
    /// How sure it is, 0 to 99.
    pub confidence_pct: u8,
    /// The reasons as sentences.
    pub description: String,
    /// The reasons.
    pub signals: Vec<Signal>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f51_reviews_follow_their_parts_until_somebody_closes_them() {
        use ReviewEvent as E;
        use ReviewStatus as S;
        for (from, event, with, without) in [
            (S::Open, E::PartsChange, S::Open, S::Resolved),
            (S::Resolved, E::PartsChange, S::Open, S::Resolved),
            (S::Closed, E::PartsChange, S::Closed, S::Closed),
            (S::Open, E::Close, S::Closed, S::Closed),
            (S::Resolved, E::Close, S::Closed, S::Closed),
            (S::Closed, E::Close, S::Closed, S::Closed),
            (S::Closed, E::Reopen, S::Open, S::Resolved),
            (S::Open, E::Reopen, S::Open, S::Resolved),
            (S::Resolved, E::Reopen, S::Open, S::Resolved),
        ] {
            assert_eq!((from.next(event, true), from.next(event, false)), (with, without), "{from} {event}");
        }
    }

    #[test]
    fn f49_only_a_wrong_name_is_mended_by_another() {
        let fixable: Vec<bool> = UnmappedReason::ALL.iter().map(|reason| reason.is_of_name()).collect();
        assert_eq!(fixable, [true, true, true, false, false]);
        assert_eq!(UnmappedReason::MaterialMissing.scope(), AliasScope::Material);
        assert_eq!(UnmappedReason::Ambiguous.scope(), AliasScope::Part);
    }
}
