//! Layers beside a picture: what the camera sees first in each pixel, for who retouches the picture or puts others into
//! it.
//!
//! Input: a loaded shot, [`LayerNames`] and the [`Quantity`]s that are asked for. Output: numbers for each pixel. They
//! come from rays that are traced on the processor, whatever device the picture is of: a ray that ends where it meets
//! something costs little. Invariant: layers are a function of product and shot; threads and backends change no bit.

use crate::prepare::{MaterialOrigin, PreparedProduct};
use crate::scene::{Part, Scene};

pub mod cryptomatte;
pub mod lines;

use lines::{LineKind, LineStyle};

/// What a layer can tell of the surfaces that a pixel shows. Mirrors and glass are not looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// Share of light that the surface gives back to the viewer, diffuse and gloss together: linear Rec.709,
    /// premultiplied with coverage.
    Albedo,
    /// Mean of the unit normals towards the viewer, in world axes, premultiplied with coverage.
    Normal,
    /// Radiance of the surface itself: linear Rec.709, premultiplied with coverage.
    Emission,
    /// Distance from the camera along the viewing axis, metres, at the middle of the pixel; [`NOTHING_DEPTH_M`] where
    /// nothing is.
    Depth,
    /// World position, metres, at the middle of the pixel; 0, 0, 0 where nothing is.
    Position,
    /// First texture coordinates at the middle of the pixel, v upwards; 0, 0 where nothing is.
    Uv,
    /// Coverage of each pixel by the things of this kind, as Cryptomatte stores it.
    Matte(MatteKind),
    /// Of the direct light that could arrive at the surface, the share that does, for red, green and blue: 0 in full
    /// shadow, 1 where nothing is in its way, and where no light could arrive or nothing is. A ratio of sums over the
    /// pixel's samples.
    Shadow,
    /// Share of each pixel that lines of this kind cover.
    Lines(LineKind),
}

/// What mattes tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatteKind {
    /// Placed parts, by their paths.
    Object,
    /// Parts, by their names: those of the same name together, such as all screws.
    Part,
    /// Materials.
    Material,
}

/// Depth where nothing is: farther than anything, and the number that Blender writes there.
pub const NOTHING_DEPTH_M: f32 = 1e10;

impl Quantity {
    /// Planes of the layer, and numbers for each pixel in each of them.
    ///
    /// A matte has a plane for each two ranks: id, coverage, id, coverage, from the widest to the narrowest.
    pub fn shape(self) -> [usize; 2] {
        match self {
            Self::Albedo | Self::Normal | Self::Emission | Self::Position | Self::Shadow => [1, 3],
            Self::Depth | Self::Lines(_) => [1, 1],
            Self::Uv => [1, 2],
            Self::Matte(_) => [cryptomatte::RANKS / 2, 4],
        }
    }

    /// Whether it is the mean over samples of a pixel, rather than what one ray through its middle meets.
    pub(crate) fn is_sampled(self) -> bool {
        !matches!(self, Self::Depth | Self::Position | Self::Uv | Self::Lines(_))
    }
}

/// Layers to make.
#[derive(Clone, Copy, Debug)]
pub struct LayerRequest<'a> {
    /// Which; none twice.
    pub quantities: &'a [Quantity],
    /// What the product's parts and materials are called.
    pub names: &'a LayerNames,
    /// Samples of a pixel for means and coverage, at least one: the first of the picture's own.
    pub n_samples: u32,
    /// How lines are drawn.
    pub lines: LineStyle,
}

/// Samples of layers for a picture of so many a pixel: few rays leave coverage in coarse steps, and more than some
/// bring nothing that is seen.
pub fn samples_for(picture_samples: u32) -> u32 {
    picture_samples.clamp(16, 64)
}

/// What the surfaces of a product are called in mattes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerNames {
    /// Of each part in the scene, then of the floor. No two are equal.
    objects: Vec<String>,
    /// As `objects`, and several may be equal.
    parts: Vec<String>,
    /// Of each lowered material.
    materials: Vec<String>,
}

impl LayerNames {
    /// The names of a product that was prepared from `scene` with a palette of these names.
    ///
    /// # Panics
    /// When the product was prepared from another scene or palette: a caller's bug.
    pub fn new(scene: &Scene, product: &PreparedProduct, palette: &[&str]) -> Self {
        let floor = product.floor.as_ref().map(|_| "floor".to_owned());
        let paths = scene.parts.iter().map(|part| part.path.clone());
        let material = |origin: &MaterialOrigin| match *origin {
            MaterialOrigin::Palette(i) => palette[i].to_owned(),
            MaterialOrigin::File(Some(idx)) => match scene.materials[idx.0 as usize].name.as_deref() {
                None | Some("") => format!("Material_{}", idx.0),
                Some(name) => name.to_owned(),
            },
            MaterialOrigin::File(None) => "default".to_owned(),
            MaterialOrigin::Floor => product.floor.as_ref().map_or_else(String::new, |floor| floor.material.clone()),
        };
        Self {
            objects: cryptomatte::distinct(paths.chain(floor.clone())),
            parts: scene.parts.iter().map(Part::name).chain(floor).collect(),
            materials: product.material_origins.iter().map(material).collect(),
        }
    }

    /// The part that is the floor, of a product that has one.
    pub(crate) fn floor(&self, product: &PreparedProduct) -> Option<u32> {
        product.floor.as_ref().map(|_| self.objects.len() as u32 - 1)
    }

    /// The names of a kind by the index that a surface has of it; equal names are the same thing.
    pub(crate) fn of(&self, kind: MatteKind) -> &[String] {
        match kind {
            MatteKind::Object => &self.objects,
            MatteKind::Part => &self.parts,
            MatteKind::Material => &self.materials,
        }
    }

    /// What a file says of the mattes of a kind.
    pub fn cryptomatte(&self, kind: MatteKind) -> cryptomatte::Cryptomatte<'_> {
        let name = match kind {
            MatteKind::Object => "CryptoObject",
            MatteKind::Part => "CryptoAsset",
            MatteKind::Material => "CryptoMaterial",
        };
        cryptomatte::Cryptomatte { name, names: self.of(kind) }
    }
}
