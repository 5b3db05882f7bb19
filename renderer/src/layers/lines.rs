//! Lines for technical documents: what they mark, and how wide they are.

/// Widths that lines can have, in pixels.
pub const WIDTHS_PX: std::ops::RangeInclusive<f32> = 0.5..=64.0;

/// How lines are drawn: those of [`Quantity::Lines`](super::Quantity::Lines).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LineStyle {
    /// Width in pixels, within [`WIDTHS_PX`]; the same everywhere.
    pub width_px: f32,
    /// A surface has a crease where its normal changes by more than this, radians.
    pub crease_rad: f32,
}

impl LineStyle {
    /// Creases from 30° on: a hexagonal prism has them, a cylinder with 16 flat sides has none.
    pub const CREASE_RAD: f32 = std::f32::consts::FRAC_PI_6;

    /// A style for a picture of this size: lines of 1.5 pixels for a longer side of 1024, and at least 1.
    pub fn of_size(size_px: [u32; 2]) -> Self {
        let longer_px = size_px[0].max(size_px[1]) as f32;
        let width_px = (1.5 / 1024.0 * longer_px).clamp(1.0, *WIDTHS_PX.end());
        Self { width_px, crease_rad: Self::CREASE_RAD }
    }
}

/// What lines stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// Outlines of the product, borders of parts and of materials, creases, and where one piece of a part stands before
    /// another.
    Edges,
    /// Borders of triangles.
    Wireframe,
}
