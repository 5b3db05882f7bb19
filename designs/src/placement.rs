//! How a design lies on an area: what a request or a command line says of it.
//!
//! One table ([`members`]) has every member with its values and default: documents in JSON are read by it, `name=value`
//! of the command line become such documents, and the JSON Schema is made from it.

use std::fmt;

use glam::DVec3;
use packshot_renderer::shot::view::ViewDirection;
use packshot_words::{Word, words};
use serde_json::{Map, Value, json};

use crate::area::AreaRequest;

pub mod members;
mod read;
mod schema;
mod text;

pub use packshot_renderer::scene::DesignFinish;
pub use schema::{members_schema, schema};

words! {
    /// What lengths of a placement are in.
    #[derive(Default)]
    pub enum UnitWord {
        /// Millimetres: from the area's middle, x to the right, y upwards
        #[default]
        Mm = "mm",
        /// Coordinates of the area's texture coordinates: from the upper left, v downwards
        Uv = "uv",
        /// As mm, in fractions of the area's width and height
        Area = "area",
    }
}

words! {
    /// The point of the box that x and y place.
    #[derive(Default)]
    pub enum AnchorWord {
        /// The middle
        #[default]
        Center = "center",
        /// The middle of the upper side
        Top = "top",
        /// The middle of the lower side
        Bottom = "bottom",
        /// The middle of the left side
        Left = "left",
        /// The middle of the right side
        Right = "right",
        /// The upper left corner
        TopLeft = "top_left",
        /// The upper right corner
        TopRight = "top_right",
        /// The lower left corner
        BottomLeft = "bottom_left",
        /// The lower right corner
        BottomRight = "bottom_right",
    }
}

impl AnchorWord {
    /// Its place in a box from −0.5 to 0.5, to the right and upwards.
    pub(crate) fn in_box(self) -> [f64; 2] {
        match self {
            Self::Center => [0.0, 0.0],
            Self::Top => [0.0, 0.5],
            Self::Bottom => [0.0, -0.5],
            Self::Left => [-0.5, 0.0],
            Self::Right => [0.5, 0.0],
            Self::TopLeft => [-0.5, 0.5],
            Self::TopRight => [0.5, 0.5],
            Self::BottomLeft => [-0.5, -0.5],
            Self::BottomRight => [0.5, -0.5],
        }
    }
}

words! {
    /// How a design fills its box.
    #[derive(Default)]
    pub enum FitWord {
        /// All of it, as large as the box allows
        #[default]
        Contain = "contain",
        /// So large that it fills the box; the rest is cut
        Cover = "cover",
        /// As wide and as high as the box
        Stretch = "stretch",
        /// In its physical size
        None = "none",
        /// Repeated in its physical size
        Tile = "tile",
    }
}

words! {
    /// What is upwards for a design.
    #[derive(Default)]
    pub enum OrientationWord {
        /// The surface: it stands upright, however the texture coordinates are turned
        #[default]
        Surface = "surface",
        /// The texture coordinates: u is right, v is down
        Uv = "uv",
    }
}

words! {
    /// Placements that have a name.
    pub enum Preset {
        /// In the middle, within 60 % of the area's width and height
        Centered = "centered",
        /// Over the whole area, 3 mm beyond its edge
        FullArea = "full_area",
        /// Small, above on the left
        UpperLeft = "upper_left",
        /// Small, above on the right
        UpperRight = "upper_right",
        /// Below in the middle
        LowerCenter = "lower_center",
        /// All around a product that the area closes around
        Wrap = "wrap",
        /// In its physical size, in the middle
        ActualSize = "actual_size",
    }
}

impl Preset {
    /// Its members, as a placement has them.
    pub fn members(self) -> Map<String, Value> {
        let members = match self {
            Self::Centered => json!({"fit": "contain", "unit": "area", "width": 0.6, "height": 0.6}),
            Self::FullArea => json!({"fit": "cover", "bleed_mm": 3}),
            Self::UpperLeft => json!({"fit": "contain", "unit": "area", "width": 0.25, "x": -0.25, "y": 0.25}),
            Self::UpperRight => json!({"fit": "contain", "unit": "area", "width": 0.25, "x": 0.25, "y": 0.25}),
            Self::LowerCenter => json!({"fit": "contain", "unit": "area", "width": 0.4, "y": -0.3}),
            Self::Wrap => json!({"fit": "cover"}),
            Self::ActualSize => json!({"fit": "none"}),
        };
        match members {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }

    /// Whether the area must close around the product.
    pub fn needs_wrap(self) -> bool {
        self == Self::Wrap
    }
}

/// A number with what it is in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Length {
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: UnitWord,
}

/// Where on a product something is.
#[derive(Clone, Debug, PartialEq)]
pub enum Spot {
    /// The side that faces this way.
    Side {
        /// What it is called.
        name: String,
        /// Unit, in the world.
        direction: DVec3,
    },
    /// The place nearest to a point of the world, in metres.
    Point(DVec3),
}

impl Spot {
    /// The side of this name: a view's, or an axis such as `-x`.
    pub fn side(name: &str) -> Option<Self> {
        let axis = |text: &str| match text {
            "x" | "+x" => Some(DVec3::X),
            "-x" => Some(DVec3::NEG_X),
            "y" | "+y" => Some(DVec3::Y),
            "-y" => Some(DVec3::NEG_Y),
            "z" | "+z" => Some(DVec3::Z),
            "-z" => Some(DVec3::NEG_Z),
            _ => None,
        };
        let of_view = || ViewDirection::by_name(name).map(|view| view.orientation().z_axis);
        let direction = axis(name).or_else(of_view)?;
        Some(Self::Side { name: name.to_owned(), direction })
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Side { name, .. } => f.write_str(name),
            Self::Point(p) => write!(f, "the point {} {} {} mm", p.x * 1e3, p.y * 1e3, p.z * 1e3),
        }
    }
}

/// How a design lies on an area.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// The place on the area that x and y count from, and the direction that a planar area is projected along; without
    /// it the area's middle.
    pub at: Option<Spot>,
    /// Place of the anchor to the right.
    pub x: Length,
    /// Place of the anchor upwards.
    pub y: Length,
    /// The point of the box that is placed.
    pub anchor: AnchorWord,
    /// Width of the box.
    pub width: Option<Length>,
    /// Height of the box.
    pub height: Option<Length>,
    /// How the design fills the box.
    pub fit: FitWord,
    /// Pixels per inch, for physical sizes.
    pub dpi: Option<f64>,
    /// Counter-clockwise seen from outside, about the anchor.
    pub rotation_deg: f64,
    /// How far the box grows to every side.
    pub bleed_mm: f64,
    /// Whether the design is mirrored, left to right.
    pub flip_horizontal: bool,
    /// What is upwards.
    pub orientation: OrientationWord,
    /// 0 to 1.
    pub opacity: f64,
    /// What it does to the material.
    pub finish: DesignFinish,
    /// Whether a cut at the area's edge is an error.
    pub strict: bool,
}

impl Default for Placement {
    fn default() -> Self {
        let zero = Length { value: 0.0, unit: UnitWord::Mm };
        Self {
            at: None,
            x: zero,
            y: zero,
            anchor: AnchorWord::default(),
            width: None,
            height: None,
            fit: FitWord::default(),
            dpi: None,
            rotation_deg: 0.0,
            bleed_mm: 0.0,
            flip_horizontal: false,
            orientation: OrientationWord::default(),
            opacity: 1.0,
            finish: DesignFinish::default(),
            strict: false,
        }
    }
}

/// Texels of the longer side of a texture.
pub(crate) const TEXTURE_PX: (u32, u32, u32) = (512, 4096, 16_384);

/// What is wanted of a design on a product.
#[derive(Clone, Debug, PartialEq)]
pub struct DesignRequest {
    /// The area; `None` for the only one that there is.
    pub area: Option<AreaRequest>,
    /// The preset that the placement builds on; `None` where it builds on members of its own.
    pub preset: Option<Preset>,
    /// The placement, with what the preset says.
    pub placement: Placement,
    /// Texels of the longer side of the texture.
    pub texture_px: u32,
}

/// The words of an enumeration, and what they mean.
pub(crate) fn words_of<W: Word>() -> Vec<(&'static str, &'static str)> {
    W::ENTRIES.iter().map(|entry| (entry.word, entry.meaning)).collect()
}
