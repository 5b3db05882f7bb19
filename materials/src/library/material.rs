//! A material of a library: what a file says about it, checked.

use packshot_words::words;
use serde::Serialize;

use super::texture::Textures;
use crate::openpbr::OpenPbr;

/// A named set of OpenPBR literals with its history.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Material {
    /// `LIBRARY_CODE_NAME`, such as `STD_010101_Steel-Bare`.
    pub id: String,
    /// Six digits that never change.
    pub code: String,
    /// The speaking part of the id.
    pub name: String,
    /// Other names that parts lists use.
    pub aliases: Vec<String>,
    /// Whether new work should use it.
    pub status: Status,
    /// The id of the material to use instead; present exactly when deprecated.
    pub replaced_by: Option<String>,
    /// The id of the library that brought it.
    pub library: String,
    /// The parameters. Colours are linear Rec.709.
    pub openpbr: OpenPbr,
    /// Of bodies around the same point the one of the highest priority fills it, and of equal ones the one that light
    /// entered last: a glass above its oil, so that the oil may be modelled a little too large. Means nothing for what
    /// light does not go through.
    #[serde(skip_serializing_if = "is_lowest")]
    pub priority: u8,
    /// Details of the surface that need no texture coordinates.
    pub surface: Surface,
    /// Pictures on the surface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub textures: Option<Textures>,
    /// Paths of pictures that it names and its library lacks. A part is not shown in such a material.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing_textures: Vec<String>,
    /// Where the values come from.
    pub provenance: Provenance,
}

/// What a file leaves out stays out of the digest too: older libraries keep theirs.
fn is_lowest(priority: &u8) -> bool {
    *priority == 0
}

/// Whether new work should use a [`Material`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It should.
    Active,
    /// It still renders, but another has taken its place.
    Deprecated,
}

/// Details of a surface in the part's own frame; lengths in millimetres. A material's roughness is what it has from
/// afar, with all of them in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Surface {
    /// Radius of the rounding that sharp edges seem to have.
    pub bevel_mm: Option<f32>,
    /// The direction of brushing or turning.
    pub tangent: Option<Tangent>,
    /// Structures too small to be modelled.
    pub detail: Vec<Detail>,
}

/// A field of tangents over a part without texture coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Tangent {
    /// How the field runs.
    pub mode: TangentMode,
    /// The axis it runs around or along.
    pub axis: Axis,
}

/// A fine structure of a surface.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Detail {
    /// What made it.
    pub kind: DetailKind,
    /// Size of one feature, above 0.
    pub scale_mm: f32,
    /// Height of one feature, 0 for one that changes colour and roughness only.
    pub depth_mm: f32,
}

/// Where the values of a material come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// How colours and refraction were found.
    pub class: Origin,
    /// The data set, table or person.
    pub source: String,
    /// SPDX identifier of the source's licence.
    pub licence: String,
    /// How roughness and anisotropy were found; a library estimates them unless it says otherwise.
    pub roughness: Origin,
}

words! {
    /// How a value was found.
    pub enum Origin {
        /// From a measured spectrum, by conductor Fresnel equations and the CIE 1931 observer
        Computed = "computed",
        /// Taken from a published table
        Published = "published",
        /// Authored
        Estimated = "estimated",
    }
}

words! {
    /// How a tangent field runs.
    pub enum TangentMode {
        /// Around the axis, as a lathe cuts
        Cylindrical = "cylindrical",
        /// Along the axis, projected onto the surface, as a belt brushes
        Planar = "planar",
    }
}

words! {
    /// An axis of the part's own frame.
    pub enum Axis {
        /// Around: the axis about which the part is most nearly round; along: that in which it is longest
        Auto = "auto",
        /// +X
        X = "x",
        /// +Y
        Y = "y",
        /// +Z
        Z = "z",
    }
}

words! {
    /// What made a fine structure.
    pub enum DetailKind {
        /// Straight fine scratches
        Brushed = "brushed",
        /// Rings of a lathe tool
        Turned = "turned",
        /// Crossed ribs for grip
        Knurl = "knurl",
        /// The soft waves of sprayed paint
        OrangePeel = "orange_peel",
        /// The grain of a mould
        Cast = "cast",
        /// The pits of blasting
        Blasted = "blasted",
        /// The crystal pattern of hot-dip galvanising
        Spangle = "spangle",
    }
}
