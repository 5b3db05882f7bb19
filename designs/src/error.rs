//! What is wrong with a design, an area or a placement: one clear error with a stable code.

use packshot_words::words;

words! {
    /// Stable codes of everything that can be wrong.
    pub enum DesignCode {
        /// The file is none of the formats
        UnsupportedFormat = "unsupported_design_format",
        /// The file has too many bytes
        BodyTooLarge = "body_too_large",
        /// A side has too few pixels
        TooSmall = "design_too_small",
        /// The picture has too many pixels
        ImageTooLarge = "image_too_large",
        /// The file is damaged
        Unreadable = "design_unreadable",
        /// The file has more than one picture
        Animated = "design_animated",
        /// Colours that cannot be converted
        ColourUnsupported = "design_colour_unsupported",
        /// There is nothing to see
        Empty = "design_empty",
        /// The SVG has something that is not allowed
        SvgRefused = "design_svg_refused",
        /// No surface has the name
        AreaNotFound = "printable_area_not_found",
        /// Several surfaces have the name
        AreaAmbiguous = "printable_area_ambiguous",
        /// Several areas, and none is chosen
        AreaRequired = "printable_area_required",
        /// The surface cannot be mapped as it is asked for
        AreaNotMappable = "printable_area_not_mappable",
        /// The area does not close around the product
        AreaDoesNotWrap = "area_does_not_wrap",
        /// The placement is wrong
        PlacementInvalid = "placement_invalid",
        /// Part of the design lies outside the area
        PlacementClipped = "placement_clipped",
        /// All of the design lies outside the area
        PlacementOutsideArea = "placement_outside_area",
    }
}

/// Something that is wrong with a design, with its area or with its placement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DesignError {
    /// Its stable code.
    pub code: DesignCode,
    /// One sentence for a person.
    pub message: String,
    /// The place: a member of the placement, a line of an SVG; empty where there is none.
    pub at: String,
    /// The way out.
    pub help: String,
}

impl DesignError {
    /// An error without a place.
    pub(crate) fn new(code: DesignCode, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, message: message.into(), at: String::new(), help: help.into() }
    }

    /// The same with a place.
    #[must_use]
    pub(crate) fn at(mut self, at: impl Into<String>) -> Self {
        self.at = at.into();
        self
    }
}
