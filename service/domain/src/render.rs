//! Kinds of renders.

use super::step::StepName;
use super::words::words;

words! {
    /// What kind of pictures a render makes.
    pub enum RenderKind {
        /// One picture
        Still = "still",
        /// A movie of the turning product
        Turntable = "turntable",
        /// Pictures from several sides
        Views = "views",
    }
}

impl RenderKind {
    /// The step that makes its pictures.
    #[must_use]
    pub const fn step(self) -> StepName {
        match self {
            Self::Still => StepName::RenderStill,
            Self::Turntable => StepName::RenderTurntable,
            Self::Views => StepName::RenderViews,
        }
    }
}
