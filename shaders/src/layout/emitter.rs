//! Emissive triangles as light samples choose among them: a binary tree whose leaves hold a few each.

use glam::Vec3;

use crate::gpu_struct;

gpu_struct! {
    /// A node of the tree. Children are neighbours, the first at an even place; the root is node 0.
    pub struct EmitterNode {
        /// Of a sphere around the node's triangles, in render space.
        pub center: Vec3,
        /// Its squared radius.
        pub radius2: f32,
        /// Unit; normals of sides that are sampled lie within the angle of `cos_spread` around it.
        pub axis: Vec3,
        /// Cosine of that angle.
        pub cos_spread: f32,
        /// Share of all emitters.
        pub power: f32,
        /// The first child; of a leaf, its first entry in `emitters`.
        pub first: u32,
        /// Emitters of a leaf, 0 for an inner node; with the bit `EMITTERS_BOTH_SIDES` where either side of the axis is
        /// lit.
        pub count: u32,
        /// The node above.
        pub parent: u32,
    }

    /// A placed triangle that emits.
    pub struct Emitter {
        /// Index into `instances`.
        pub instance: u32,
        /// Index into `triangles`.
        pub triangle: u32,
        /// The node that holds it.
        pub leaf: u32,
        /// Sum of the probabilities in the leaf up to and with this one.
        pub share_end: f32,
    }
}
