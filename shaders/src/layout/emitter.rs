//! The tree from which light sampling chooses emissive triangles: binary, with a few triangles in each leaf.

use glam::Vec3;

use crate::gpu_struct;

gpu_struct! {
    /// A node of the tree. Siblings are adjacent, the first at an even index; the root is node 0.
    pub struct EmitterNode {
        /// Centre of a sphere around the node's triangles, in render space.
        pub center: Vec3,
        /// Its squared radius.
        pub radius2: f32,
        /// Unit; the normals of sampled sides lie within the angle of `cos_spread` around it.
        pub axis: Vec3,
        /// Cosine of that angle.
        pub cos_spread: f32,
        /// Fraction of the power of all emitters.
        pub power: f32,
        /// The first child, or for a leaf its first entry in `emitters`.
        pub first: u32,
        /// Number of emitters of a leaf, 0 for an inner node; with the bit `EMITTERS_BOTH_SIDES` if both sides of the
        /// axis are lit.
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
        /// The leaf that contains it.
        pub leaf: u32,
        /// Running sum of the probabilities in the leaf up to and including this one.
        pub share_end: f32,
    }
}
