//! Rounded edges.

use glam::Vec3;

use crate::gpu_struct;

gpu_struct! {
    /// A straight segment of an edge, in the frame of its mesh.
    pub struct BevelEdge {
        /// One end.
        pub begin: Vec3,
        /// Padding.
        pub pad0: f32,
        /// The other.
        pub end: Vec3,
        /// Padding.
        pub pad1: f32,
        /// Unit; halfway between the normals of both sides at `begin`.
        pub middle_begin: Vec3,
        /// Padding.
        pub pad2: f32,
        /// The same at `end`.
        pub middle_end: Vec3,
        /// Padding.
        pub pad3: f32,
    }
}
