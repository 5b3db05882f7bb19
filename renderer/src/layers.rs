//! Layers beside a picture: what the camera sees first in each pixel, for retouching and compositing.
//!
//! Input: a loaded shot, [`LayerNames`] and the requested [`Quantity`]s. Output: numbers for each pixel. They come from
//! rays that are traced on the processor, whatever device renders the picture: a ray that ends at its first hit is
//! cheap. Invariant: layers are a function of product and shot; threads and backends do not change a bit.

use crate::prepare::{MaterialOrigin, PreparedProduct};
use crate::scene::{Part, Scene};

pub mod cryptomatte;
pub mod lines;

use lines::{LineKind, LineStyle};

/// What a layer shows of the surfaces in a pixel. Mirrors and glass are not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// Albedo of the surface towards the viewer, diffuse and gloss together: linear Rec.709, premultiplied with
    /// coverage.
    Albedo,
    /// Mean of the unit normals towards the viewer, in world axes, premultiplied with coverage.
    Normal,
    /// Emitted radiance of the surface: linear Rec.709, premultiplied with coverage.
    Emission,
    /// Distance from the camera along the viewing axis, metres, at the centre of the pixel; [`NOTHING_DEPTH_M`] where
    /// there is nothing.
    Depth,
    /// World position, metres, at the centre of the pixel; 0, 0, 0 where there is nothing.
    Position,
    /// First texture coordinates at the centre of the pixel, v upwards; 0, 0 where there is nothing.
    Uv,
    /// Coverage of each pixel by objects of this kind, as in Cryptomatte.
    Matte(MatteKind),
    /// The unoccluded fraction of the direct light on the surface, for red, green and blue: 0 in full shadow, 1 where
    /// nothing occludes it, where no light could arrive, and where there is nothing. A ratio of sums over the pixel's
    /// samples.
    Shadow,
    /// The fraction of each pixel that lines of this kind cover.
    Lines(LineKind),
}

/// What mattes distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatteKind {
    /// Placed parts, by their paths.
    Object,
    /// Parts, by their names: those of the same name together, such as all screws.
    Part,
    /// Materials.
    Material,
}

/// Depth where there is nothing: farther than anything, and the value that Blender writes there.
pub const NOTHING_DEPTH_M: f32 = 1e10;

impl Quantity {
    /// Number of planes of the layer, and of values per pixel in each of them.
    ///
    /// A matte has a plane for every two ranks: id, coverage, id, coverage, in descending order of coverage.
    pub fn shape(self) -> [usize; 2] {
        match self {
            Self::Albedo | Self::Normal | Self::Emission | Self::Position | Self::Shadow => [1, 3],
            Self::Depth | Self::Lines(_) => [1, 1],
            Self::Uv => [1, 2],
            Self::Matte(_) => [cryptomatte::RANKS / 2, 4],
        }
    }

    /// Whether it is a mean over samples of a pixel, rather than the result of one ray through its centre.
    pub(crate) fn is_sampled(self) -> bool {
        !matches!(self, Self::Depth | Self::Position | Self::Uv | Self::Lines(_))
    }
}

/// The layers to make.
#[derive(Clone, Copy, Debug)]
pub struct LayerRequest<'a> {
    /// The quantities, each once.
    pub quantities: &'a [Quantity],
    /// The names of the product's parts and materials.
    pub names: &'a LayerNames,
    /// Samples per pixel for means and coverage, at least one: the first samples of the picture itself.
    pub n_samples: u32,
    /// How lines are drawn.
    pub lines: LineStyle,
}

/// Samples of layers for a picture with this many per pixel: few rays give coverage in coarse steps, and beyond some
/// number more are invisible.
pub fn samples_for(picture_samples: u32) -> u32 {
    picture_samples.clamp(16, 64)
}

/// The names of a product's surfaces in mattes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerNames {
    /// Names of the parts of the scene, then of the floor. All are distinct.
    objects: Vec<String>,
    /// Like `objects`, but several may be equal.
    parts: Vec<String>,
    /// Names of the lowered materials.
    materials: Vec<String>,
}

impl LayerNames {
    /// The names for a product that was prepared from `scene` with a palette of these names.
    ///
    /// # Panics
    /// When the product was prepared from another scene or palette, which is a bug in the caller.
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

    /// The floor's part, if the product has a floor.
    pub(crate) fn floor(&self, product: &PreparedProduct) -> Option<u32> {
        product.floor.as_ref().map(|_| self.objects.len() as u32 - 1)
    }

    /// The names for a kind, by the index that a surface has for it; equal names are the same object.
    pub(crate) fn of(&self, kind: MatteKind) -> &[String] {
        match kind {
            MatteKind::Object => &self.objects,
            MatteKind::Part => &self.parts,
            MatteKind::Material => &self.materials,
        }
    }

    /// The Cryptomatte metadata for a kind.
    pub fn cryptomatte(&self, kind: MatteKind) -> cryptomatte::Cryptomatte<'_> {
        let name = match kind {
            MatteKind::Object => "CryptoObject",
            MatteKind::Part => "CryptoAsset",
            MatteKind::Material => "CryptoMaterial",
        };
        cryptomatte::Cryptomatte { name, names: self.of(kind) }
    }
}
