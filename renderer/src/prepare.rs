//! Preparation: a scene and a shot become the packed arrays that both backends read.
//!
//! Input: a validated [`Scene`](crate::scene::Scene) with the material of each part, and [`Shot`](crate::shot::Shot)s
//! of it. Output: a [`PreparedProduct`], which is expensive and serves any number of shots, and for each shot a small
//! [`PreparedShot`]. Both are in render space, where the product's bounding sphere has radius 1 around the origin: the
//! same part in micrometres and in kilometres gives the same numbers. Invariant: every index in every array is valid,
//! so that a GPU may read them unchecked.

use glam::{DAffine3, DVec3};
use packshot_traversal::AccelError;

use crate::scene::Bounds;

pub(crate) mod albedo;
mod bevels;
mod design;
mod emitters;
mod environment;
mod filter;
mod floor;
mod fuzz;
mod geometry;
mod groups;
mod light;
pub(crate) mod material;
mod product;
mod projection;
#[allow(dead_code, reason = "the build script uses the rest")]
mod quadrature;
mod ready_made;
pub(crate) mod relief;
mod shells;
mod shot;
mod tabulated;
mod texture;
mod trees;

pub use environment::EnvironmentTables;
pub use groups::LightGroup;
pub use material::left_out;
pub use packshot_shaders::features::SceneFeatures;
pub use product::{MaterialOrigin, PaletteEntry, PartMaterial, PreparedProduct};
pub use shot::{FirstHit, PreparedShot};
pub use tabulated::TabulatedMaps;

/// Why a scene cannot be prepared.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PrepareError {
    /// The scene has no part with an area.
    #[error("there is nothing to render")]
    Empty,
    /// The caller cancelled.
    #[error("the preparation was cancelled")]
    Cancelled,
    /// A picture of a material cannot be decoded.
    #[error("a texture of a library material cannot be used: {0}")]
    Texture(#[from] packshot_texels::Undecodable),
    /// The acceleration structure could not be built.
    #[error("the acceleration structure could not be built")]
    Accel(#[source] AccelError),
}

impl From<AccelError> for PrepareError {
    fn from(error: AccelError) -> Self {
        match error {
            AccelError::Cancelled => Self::Cancelled,
            other => Self::Accel(other),
        }
    }
}

/// The position and scale of render space in the world.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RenderSpace {
    /// World position of render space's origin.
    pub center: DVec3,
    /// Render units in a metre.
    pub units_per_m: f64,
}

impl RenderSpace {
    fn around(bounds: &Bounds) -> Self {
        let radius = 0.5 * (bounds.max - bounds.min).length();
        let units_per_m = if radius > 0.0 { 1.0 / radius } else { 1.0 };
        Self { center: 0.5 * (bounds.min + bounds.max), units_per_m }
    }

    /// The transform from the world to render space.
    pub fn from_world(&self) -> DAffine3 {
        DAffine3::from_scale(DVec3::splat(self.units_per_m)) * DAffine3::from_translation(-self.center)
    }

    fn point(&self, world: DVec3) -> DVec3 {
        (world - self.center) * self.units_per_m
    }
}

/// A buffer cannot be empty: an unused entry fills it.
fn bindable<T: Default>(mut values: Vec<T>) -> Vec<T> {
    if values.is_empty() {
        values.push(T::default());
    }
    values
}
