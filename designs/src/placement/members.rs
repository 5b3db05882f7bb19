//! The one table of everything that a placement and a design's request can say.

use packshot_words::words;

use super::{AnchorWord, DesignFinish, FitWord, OrientationWord, Preset, TEXTURE_PX, UnitWord, words_of};
use crate::area::{AxisWord, MappingWord};

words! {
    /// The object that a member belongs to.
    pub enum Group {
        /// The placement
        Placement = "placement",
        /// The area
        Area = "area",
        /// The request itself
        Request = "request",
    }
}

/// A member of a document, and what `name=value` may name.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// The object that it belongs to.
    pub group: Group,
    /// What it may be.
    pub takes: Takes,
    /// What it is where it is not given, for a person.
    pub default: &'static str,
    /// What it says, one line without a full stop.
    pub help: &'static str,
}

/// The values of a member.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// A number in the placement's unit.
    Length {
        /// Whether it is more than 0.
        is_size: bool,
    },
    /// A number.
    Number {
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
        /// What it may end with on the command line.
        unit: &'static str,
    },
    /// A whole number.
    Whole {
        /// The smallest.
        min: u32,
        /// The largest.
        max: u32,
    },
    /// Yes or no.
    Flag,
    /// One of some words.
    Word(fn() -> Vec<(&'static str, &'static str)>),
    /// A side or a point of the product.
    Spot,
    /// The name of a part or material.
    Name,
}

/// The largest length, in any unit: a kilometre of millimetres.
pub(crate) const LENGTH_MAX: f64 = 1e6;
/// Bytes of a name.
pub(crate) const NAME_BYTES_MAX: usize = 1024;

const fn member(name: &'static str, group: Group, takes: Takes, default: &'static str, help: &'static str) -> Member {
    Member { name, group, takes, default, help }
}

const PLACE: Takes = Takes::Length { is_size: false };
const SIZE: Takes = Takes::Length { is_size: true };

/// Every member.
pub const MEMBERS: [Member; 24] = [
    member(
        "at",
        Group::Placement,
        Takes::Spot,
        "the area's middle",
        "Where x and y count from: a side or a point of the product; a planar area is projected along it",
    ),
    member("unit", Group::Placement, Takes::Word(words_of::<UnitWord>), "mm", "What x, y, width and height are in"),
    member("x", Group::Placement, PLACE, "0; 0.5 in uv", "Place of the anchor to the right"),
    member("y", Group::Placement, PLACE, "0; 0.5 in uv", "Place of the anchor upwards; in uv downwards"),
    member(
        "anchor",
        Group::Placement,
        Takes::Word(words_of::<AnchorWord>),
        "center",
        "The point of the box that x and y place",
    ),
    member(
        "width",
        Group::Placement,
        SIZE,
        "by the design's proportions; with no height the area's, less its margin",
        "Width of the box",
    ),
    member("height", Group::Placement, SIZE, "as width", "Height of the box"),
    member("fit", Group::Placement, Takes::Word(words_of::<FitWord>), "contain", "How the design fills the box"),
    member(
        "dpi",
        Group::Placement,
        Takes::Number { min: 1.0, max: 100_000.0, unit: "" },
        "the file's, else 300",
        "Pixels of an inch, for the physical size of `none` and `tile`; an SVG has its own",
    ),
    member(
        "rotation_deg",
        Group::Placement,
        Takes::Number { min: -360.0, max: 360.0, unit: "deg" },
        "0",
        "Turned counter-clockwise, seen from outside, about the anchor",
    ),
    member(
        "bleed_mm",
        Group::Placement,
        Takes::Number { min: 0.0, max: 50.0, unit: "mm" },
        "0",
        "How far the box grows to every side before `cover`, `stretch` and `tile`",
    ),
    member("flip_horizontal", Group::Placement, Takes::Flag, "false", "Mirrored, left to right"),
    member("orientation", Group::Placement, Takes::Word(words_of::<OrientationWord>), "surface", "What is upwards"),
    member(
        "opacity",
        Group::Placement,
        Takes::Number { min: 0.0, max: 1.0, unit: "" },
        "1",
        "A factor on the design's alpha",
    ),
    member(
        "finish",
        Group::Placement,
        Takes::Word(words_of::<DesignFinish>),
        "ink",
        "What it does to the material that it covers",
    ),
    member("strict", Group::Placement, Takes::Flag, "false", "A design that is cut at the area's edge is an error"),
    member("material", Group::Area, Takes::Name, "any", "A material of the file"),
    member("part", Group::Area, Takes::Name, "any", "A part: a node's path, a node's name or a mesh's name"),
    member("mapping", Group::Area, Takes::Word(words_of::<MappingWord>), "auto", "How the area is laid out flat"),
    member(
        "axis",
        Group::Area,
        Takes::Word(words_of::<AxisWord>),
        "the one that fits best",
        "The axis of a cylindrical area",
    ),
    member("uv_set", Group::Area, Takes::Whole { min: 0, max: 1 }, "0", "The set of texture coordinates"),
    member(
        "safe_mm",
        Group::Area,
        Takes::Number { min: 0.0, max: 1000.0, unit: "mm" },
        "0",
        "A margin inside the area's edge, kept where no size is given",
    ),
    member(
        "preset",
        Group::Request,
        Takes::Word(words_of::<Preset>),
        "centered",
        "The placement that the members given here change",
    ),
    member(
        "texture_px",
        Group::Request,
        Takes::Whole { min: TEXTURE_PX.0, max: TEXTURE_PX.2 },
        "4096",
        "Texels of the texture's longer side",
    ),
];

/// The member of this name.
pub fn by_name(name: &str) -> Option<&'static Member> {
    MEMBERS.iter().find(|member| member.name == name)
}
