//! A design that parts of the scene wear: a picture that is composed for them, and how it lies on them.

use std::sync::Arc;

use glam::DVec3;
use packshot_texels::Image;
use packshot_words::words;

use super::{PartIdx, Scene, SceneError};

/// A picture on the surfaces of some parts.
#[derive(Clone, Debug)]
pub struct WornDesign {
    /// Texels with straight alpha, sRGB-encoded Rec.709; transparent where nothing is printed.
    pub texture: Arc<Image>,
    /// Whether the picture continues at its other edge, along u and along v.
    pub wraps: [bool; 2],
    /// The primitives that wear it: of a part, the index in its mesh.
    pub surfaces: Vec<(PartIdx, usize)>,
    /// How it lies on them.
    pub lay: DesignLay,
    /// 0 to 1, a factor on its alpha.
    pub opacity: f32,
    /// What it does to the material below it.
    pub finish: DesignFinish,
}

words! {
    /// What a design does to the material that it covers.
    #[derive(Default)]
    pub enum DesignFinish {
        /// Hides it: not metallic, not transparent, and at least as rough as ink
        #[default]
        Ink = "ink",
        /// Changes only its base colour
        Tint = "tint",
    }
}

/// A row of an affine map of points in the world: the value at `p` is `along` · `p` + `offset`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WorldRow {
    /// Change of the value per metre.
    pub along: DVec3,
    /// The value at the origin.
    pub offset: f64,
}

impl WorldRow {
    /// The value at a point.
    pub fn at(&self, world: DVec3) -> f64 {
        self.along.dot(world) + self.offset
    }

    fn is_finite(&self) -> bool {
        self.along.is_finite() && self.offset.is_finite()
    }
}

/// How points of a surface find their place in the picture: u to the right and v downwards, both 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DesignLay {
    /// By texture coordinates.
    Coordinates {
        /// 0 or 1.
        uv_set: u32,
        /// Rows of the map from texture coordinates (u, v, 1).
        rows: [[f64; 3]; 2],
    },
    /// Projected along a direction onto the surfaces that face it.
    Planar {
        /// The map to u and v.
        rows: [WorldRow; 2],
        /// Height above the plane in metres; `along` is a unit vector that points out of the surface.
        height: WorldRow,
        /// The lowest and the highest covered point, metres.
        heights_m: [f64; 2],
    },
    /// Around an axis, on the surfaces that face away from it.
    Cylindrical {
        /// Distances from the axis in metres, to the side to which u grows and to the front, where u is 0.5; `along` of
        /// both are unit vectors, perpendicular to each other and to the axis.
        side: WorldRow,
        /// See `side`.
        front: WorldRow,
        /// The map to v.
        v: WorldRow,
        /// How often the picture would fit around: 1 where it goes around once.
        pictures_per_turn: f64,
        /// The smallest and the largest covered radius, metres.
        radii_m: [f64; 2],
    },
}

impl DesignLay {
    fn is_finite(&self) -> bool {
        let all = |numbers: &[f64]| numbers.iter().all(|number| number.is_finite());
        match self {
            Self::Coordinates { rows, .. } => all(rows.as_flattened()),
            Self::Planar { rows, height, heights_m } => {
                rows.iter().all(WorldRow::is_finite) && height.is_finite() && all(heights_m)
            }
            Self::Cylindrical { side, front, v, pictures_per_turn, radii_m } => {
                [side, front, v].into_iter().all(WorldRow::is_finite) && all(&[*pictures_per_turn]) && all(radii_m)
            }
        }
    }
}

impl Scene {
    /// Puts a design on its surfaces.
    ///
    /// # Errors
    /// [`SceneError`] for a surface that the scene does not have, that wears a design already, or has no such texture
    /// coordinates; and for numbers that are not finite.
    pub fn wear(&mut self, design: WornDesign) -> Result<(), SceneError> {
        for (part, primitive) in &design.surfaces {
            let part = self.parts.get(part.0 as usize).ok_or(SceneError::Reference("a design"))?;
            let primitives = &self.meshes[part.mesh.0 as usize].primitives;
            let worn = primitives.get(*primitive).ok_or(SceneError::Reference("a design"))?;
            if let DesignLay::Coordinates { uv_set, .. } = design.lay
                && worn.uvs.get(uv_set as usize).is_none_or(Vec::is_empty)
            {
                return Err(SceneError::Reference("a design's set of coordinates"));
            }
        }
        if self.designs.iter().flat_map(|worn| &worn.surfaces).any(|surface| design.surfaces.contains(surface)) {
            return Err(SceneError::Twice("a design"));
        }
        if !(design.lay.is_finite() && (0.0..=1.0).contains(&design.opacity)) {
            return Err(SceneError::NonFinite("a design's place"));
        }
        self.designs.push(design);
        Ok(())
    }
}
