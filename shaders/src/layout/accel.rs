//! Twins of the acceleration structure's structs in `wgsl/stage/scene.wgsl`.

use glam::{Affine3A, Vec3, Vec4};

use crate::gpu_struct;

gpu_struct! {
/// An inner node of a binary BVH: the bounds of its two children and where they are.
///
/// A child with `count` zero is the node `child`. In a mesh's tree a child with a count is a leaf: the triangles `child
/// .. child + count` of the leaf-ordered triangle array. In the tree over instances it is the instance `child`. A
/// missing child is `NONE`, with the origin as its bounds.
pub struct BvhNode {
    /// Lower corner of child 0.
    pub min_0: Vec3,
    /// Index of child 0.
    pub child_0: u32,
    /// Upper corner of child 0.
    pub max_0: Vec3,
    /// Primitives in child 0 when it is a leaf.
    pub count_0: u32,
    /// Lower corner of child 1.
    pub min_1: Vec3,
    /// Index of child 1.
    pub child_1: u32,
    /// Upper corner of child 1.
    pub max_1: Vec3,
    /// Primitives in child 1 when it is a leaf.
    pub count_1: u32,
}

/// A triangle in its mesh's frame, in leaf order.
pub struct BvhTriangle {
    /// Vertex 0.
    pub vertex_0: Vec3,
    /// Index of the triangle in the whole scene's triangle array.
    pub triangle: u32,
    /// Vertex 1.
    pub vertex_1: Vec3,
    /// Zero.
    pub pad0: u32,
    /// Vertex 2.
    pub vertex_2: Vec3,
    /// Zero.
    pub pad1: u32,
}

/// A placed mesh.
pub struct Instance {
    /// First row of the affine map from render space to the mesh's frame; w is the translation.
    pub local_from_world_0: Vec4,
    /// Second row.
    pub local_from_world_1: Vec4,
    /// Third row.
    pub local_from_world_2: Vec4,
    /// First row of the affine map from the mesh's frame to render space; w is the translation.
    pub world_from_local_0: Vec4,
    /// Second row.
    pub world_from_local_1: Vec4,
    /// Third row.
    pub world_from_local_2: Vec4,
    /// The mesh's root in the node array.
    pub bvh_root: u32,
    /// First material slot of the instance; filled by the scene's preparation.
    pub slot_base: u32,
    /// 1, or -1 for a mirrored placement.
    pub handedness: f32,
    /// Zero.
    pub pad0: u32,
}
}

impl Instance {
    /// An instance without its index in the node array.
    pub fn new(local_from_world: Affine3A, world_from_local: Affine3A, slot_base: u32) -> Self {
        let rows = |a: Affine3A| {
            let (m, t) = (a.matrix3, a.translation);
            [0, 1, 2].map(|i| Vec4::new(m.x_axis[i], m.y_axis[i], m.z_axis[i], t[i]))
        };
        let [local_from_world_0, local_from_world_1, local_from_world_2] = rows(local_from_world);
        let [world_from_local_0, world_from_local_1, world_from_local_2] = rows(world_from_local);
        Self {
            local_from_world_0,
            local_from_world_1,
            local_from_world_2,
            world_from_local_0,
            world_from_local_1,
            world_from_local_2,
            slot_base,
            handedness: if world_from_local.matrix3.determinant() < 0.0 { -1.0 } else { 1.0 },
            ..Self::default()
        }
    }
}
