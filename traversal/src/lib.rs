//! Ray traversal on the processor: the acceleration structure, and finding the triangle that a ray hits first.
//!
//! Input: triangles of the distinct meshes, each in its own frame, and instances that place them. Output: a
//! [`SceneBvh`], one binary bounding volume hierarchy per mesh and one over the instances, from which each backend
//! derives the form it traverses: [`Accel`] (8 or 16 children a node, for SIMD) and [`PackedBvh`] (arrays for WGSL).
//! Invariant: what a ray hits is a function of the ray and the triangles alone. Builder, node width, instruction set
//! and thread count cannot change it: of two hits at the same distance the one with the lower (instance, triangle)
//! wins, and no box rejects a ray that the triangle's own box would accept (`simd` explains how).

pub mod binary;
pub mod packed;
pub mod shape;
mod simd;
pub mod wide;

use std::fmt;

use glam::{Affine3A, Vec3, Vec3A};
use rayon::prelude::*;

use crate::binary::{BinaryTree, Bounds};
pub use crate::packed::PackedBvh;
pub use crate::simd::{Opacity, OpacityFilter};
pub use crate::wide::{Accel, build};

/// Greatest depth of a mesh's tree; a mesh has fewer than 2^32 triangles, so that a balanced tree always fits.
pub const MESH_DEPTH_MAX: u32 = 40;
/// Greatest depth of the tree over instances.
pub const INSTANCE_DEPTH_MAX: u32 = 24;
/// Most triangles of all distinct meshes together, which the indices limit.
pub const TRIANGLES_MAX: usize = 1 << 30;
/// Most instances, which [`INSTANCE_DEPTH_MAX`] and the indices limit.
pub const INSTANCES_MAX: usize = 1 << 22;
/// Vertices further than this from the origin of their frame are never hit: products of three coordinates would
/// overflow.
pub const COORDINATE_MAX: f32 = 1e9;

/// The triangles of one mesh, or of several baked into one frame.
#[derive(Clone, Copy, Debug)]
pub struct AccelMesh<'a> {
    /// Vertices in the mesh's frame. A triangle with a vertex beyond [`COORDINATE_MAX`] or NaN is never hit.
    pub triangles: &'a [[Vec3; 3]],
    /// Index of `triangles[0]` in the whole scene's triangle array.
    pub first_triangle: u32,
}

/// A mesh placed in the world (render space).
#[derive(Clone, Copy, Debug)]
pub struct AccelInstance {
    /// Index of the mesh.
    pub mesh: u32,
    /// Transform of the mesh; may mirror, shear and scale. An instance whose transforms are not finite is never hit.
    pub world_from_local: Affine3A,
    /// The inverse.
    pub local_from_world: Affine3A,
}

/// Why no acceleration structure was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccelError {
    /// The caller cancelled.
    #[error("the build was cancelled")]
    Cancelled,
    /// An instance refers to a mesh that does not exist.
    #[error("instance {instance} places mesh {mesh}, which does not exist")]
    MeshOutOfRange {
        /// The instance's index.
        instance: usize,
        /// The index that is out of range.
        mesh: u32,
    },
    /// More than [`TRIANGLES_MAX`] triangles, or indices beyond it.
    #[error("the scene has more than {TRIANGLES_MAX} triangles")]
    TooManyTriangles,
    /// More than [`INSTANCES_MAX`] instances.
    #[error("the scene has more than {INSTANCES_MAX} instances")]
    TooManyInstances,
}

/// A triangle in leaf order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeafTriangle {
    /// Vertices in the mesh's frame.
    pub(crate) vertices: [Vec3; 3],
    /// Index in the whole scene's triangle array.
    pub(crate) triangle: u32,
}

/// The tree of one mesh.
pub struct MeshBvh {
    /// The tree over its triangles.
    pub tree: BinaryTree,
    /// The triangles of the leaves, in leaf order.
    pub(crate) triangles: Vec<LeafTriangle>,
}

/// An instance with its bounding box in render space.
#[derive(Clone, Copy, Debug)]
pub struct PlacedMesh {
    /// Which mesh, and where.
    pub instance: AccelInstance,
    /// Bounding box in render space.
    pub bounds: Bounds,
}

/// Binary trees of a scene: one per mesh, and one over the instances.
pub struct SceneBvh {
    /// In the order of the input.
    pub meshes: Vec<MeshBvh>,
    /// In the order of the input.
    pub instances: Vec<PlacedMesh>,
    /// The tree over the instances.
    pub top: BinaryTree,
}

impl fmt::Debug for SceneBvh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SceneBvh")
            .field("meshes", &self.meshes.len())
            .field("instances", &self.instances.len())
            .finish()
    }
}

impl SceneBvh {
    /// Builds all trees, in parallel in the current rayon pool. `cancelled` is polled between meshes and inside large
    /// ones.
    ///
    /// # Errors
    /// [`AccelError`]: cancelled, an instance of a mesh that does not exist, or more than the index types allow.
    pub fn build(
        meshes: &[AccelMesh<'_>],
        instances: &[AccelInstance],
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<SceneBvh, AccelError> {
        SceneBvh::check(meshes, instances)?;
        let built = meshes.par_iter().map(|mesh| match cancelled() {
            true => None,
            false => {
                let boxes = mesh.triangles.iter().map(Bounds::of_points).collect::<Vec<_>>();
                BinaryTree::build(&boxes, MESH_DEPTH_MAX, cancelled)
            }
        });
        let trees = built.collect::<Option<Vec<BinaryTree>>>().ok_or(AccelError::Cancelled)?;
        let top = |boxes: &[Bounds]| BinaryTree::build(boxes, INSTANCE_DEPTH_MAX, cancelled);
        SceneBvh::of_trees(meshes, instances, trees, top).ok_or(AccelError::Cancelled)
    }

    /// Whether the scene is within the limits.
    fn check(meshes: &[AccelMesh<'_>], instances: &[AccelInstance]) -> Result<(), AccelError> {
        let fits = |mesh: &AccelMesh<'_>| mesh.first_triangle as usize + mesh.triangles.len() <= TRIANGLES_MAX;
        if !meshes.iter().all(fits) || meshes.iter().map(|mesh| mesh.triangles.len()).sum::<usize>() > TRIANGLES_MAX {
            return Err(AccelError::TooManyTriangles);
        }
        if instances.len() > INSTANCES_MAX {
            return Err(AccelError::TooManyInstances);
        }
        let missing = |(_, instance): &(usize, &AccelInstance)| instance.mesh as usize >= meshes.len();
        match instances.iter().enumerate().find(missing) {
            Some((instance, placed)) => Err(AccelError::MeshOutOfRange { instance, mesh: placed.mesh }),
            None => Ok(()),
        }
    }

    /// Puts the trees of the meshes together with the one that `top` makes of the boxes of all instances. `None` when
    /// it makes none.
    fn of_trees(
        meshes: &[AccelMesh<'_>],
        instances: &[AccelInstance],
        trees: Vec<BinaryTree>,
        top: impl FnOnce(&[Bounds]) -> Option<BinaryTree>,
    ) -> Option<SceneBvh> {
        let meshes: Vec<MeshBvh> = meshes.par_iter().zip(trees).map(|(mesh, tree)| MeshBvh::new(mesh, tree)).collect();
        let placed = |instance: &AccelInstance| PlacedMesh {
            instance: *instance,
            bounds: world_bounds(&meshes[instance.mesh as usize], instance),
        };
        let instances: Vec<PlacedMesh> = instances.par_iter().map(placed).collect();
        let boxes = instances.iter().map(|placed| placed.bounds).collect::<Vec<_>>();
        let top = top(&boxes)?;
        Some(SceneBvh { meshes, instances, top })
    }

    /// Bytes of memory held.
    pub fn size_bytes(&self) -> usize {
        let of_mesh = |mesh: &MeshBvh| mesh.tree.size_bytes() + size_of_val(&*mesh.triangles);
        let of_meshes: usize = self.meshes.iter().map(of_mesh).sum();
        of_meshes + size_of_val(&*self.instances) + self.top.size_bytes()
    }
}

impl MeshBvh {
    fn new(mesh: &AccelMesh<'_>, tree: BinaryTree) -> MeshBvh {
        let leaf_triangle =
            |&idx: &u32| LeafTriangle { vertices: mesh.triangles[idx as usize], triangle: mesh.first_triangle + idx };
        let triangles = tree.primitives.iter().map(leaf_triangle).collect();
        MeshBvh { tree, triangles }
    }
}

/// The box of a placed mesh: that of its transformed local box, widened by the rounding error of transforming a ray
/// into the local frame, so that a ray that hits the mesh there never misses the box here.
fn world_bounds(mesh: &MeshBvh, placed: &AccelInstance) -> Bounds {
    let (world, local) = (&placed.world_from_local, &placed.local_from_world);
    let bounds = mesh.tree.bounds();
    if bounds.is_empty() || !world.is_finite() || !local.is_finite() {
        return Bounds::EMPTY;
    }
    let center = world.transform_point3a((bounds.min + bounds.max) * 0.5);
    let half = (bounds.max - bounds.min) * 0.5;
    let absolute = |m: &Affine3A, v: Vec3A| {
        m.matrix3.x_axis.abs() * v.x + m.matrix3.y_axis.abs() * v.y + m.matrix3.z_axis.abs() * v.z
    };
    let extent = absolute(world, half);
    let reach = center.abs() + extent;
    let local_magnitude = absolute(local, reach) + local.translation.abs();
    let rounding = 16.0 * (f32::EPSILON * 0.5) * (absolute(world, local_magnitude) + reach);
    let bounds = Bounds { min: center - extent - rounding, max: center + extent + rounding };
    let largest = bounds.min.abs().max(bounds.max.abs()).max_element();
    if bounds.is_finite() && largest <= COORDINATE_MAX { bounds } else { Bounds::EMPTY }
}
