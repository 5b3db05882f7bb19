//! Pixels of one colour space: sRGB-encoded Rec.709 with straight alpha.

use super::DesignColour;

/// A picture, row 0 on top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raster {
    /// Pixels, at least 1.
    pub width_px: u32,
    /// Pixels, at least 1.
    pub height_px: u32,
    /// `width_px * height_px` of them.
    pub pixels: Pixels,
}

/// Straight RGBA, sRGB-encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pixels {
    /// 8 bits per channel.
    Eight(Vec<[u8; 4]>),
    /// 16 bits per channel.
    Sixteen(Vec<[u16; 4]>),
}

/// What the decoder of a format found.
pub(super) struct Decoded {
    pub(super) raster: Raster,
    pub(super) dpi: Option<f64>,
    pub(super) colour: DesignColour,
}

impl Pixels {
    /// Whether some pixel is not fully transparent.
    pub(super) fn is_visible(&self) -> bool {
        match self {
            Self::Eight(pixels) => pixels.iter().any(|pixel| pixel[3] > 0),
            Self::Sixteen(pixels) => pixels.iter().any(|pixel| pixel[3] > 0),
        }
    }

    /// Whether some pixel is not fully opaque.
    pub(super) fn has_alpha(&self) -> bool {
        match self {
            Self::Eight(pixels) => pixels.iter().any(|pixel| pixel[3] < u8::MAX),
            Self::Sixteen(pixels) => pixels.iter().any(|pixel| pixel[3] < u16::MAX),
        }
    }
}
