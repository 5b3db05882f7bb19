//! Twins of `wgsl/lib/ray.wgsl`.

use glam::Vec3;

use crate::constants::NO_HIT;
use crate::gpu_struct;

gpu_struct! {
/// A ray in render space: the points `origin + t * direction` with `t` strictly between `t_min` and `t_max`.
pub struct Ray {
    /// Where `t` is zero.
    pub origin: Vec3,
    /// Open lower end of the interval, at least zero.
    pub t_min: f32,
    /// Any length but zero; `t` is in multiples of it.
    pub direction: Vec3,
    /// Open upper end of the interval; infinity is allowed.
    pub t_max: f32,
}

/// The point where a ray hits a triangle.
pub struct Hit {
    /// Distance along the ray, in multiples of its direction. For a miss: the ray's `t_max`.
    pub t: f32,
    /// Barycentric weight of vertex 1, in 0..=1.
    pub u: f32,
    /// Barycentric weight of vertex 2, in 0..=1; vertex 0 has the rest.
    pub v: f32,
    /// Index of the instance, or [`NO_HIT`].
    pub instance: u32,
    /// Index of the triangle in the whole scene's triangle array, or [`NO_HIT`].
    pub triangle: u32,
}

/// Parameters of one dispatch of the traversal kernel.
pub struct RayParams {
    /// Number of rays.
    pub n_rays: u32,
    /// 1: whether anything is hit; 0: what is hit first.
    pub is_any: u32,
    /// Padding.
    pub pad0: u32,
    /// Padding.
    pub pad1: u32,
}

/// The work of tracing a ray.
pub struct TraceWork {
    /// Nodes whose two boxes were tested.
    pub n_nodes: u32,
    /// Triangles tested.
    pub n_triangles: u32,
}
}

impl Hit {
    /// The result for a ray that hits nothing before `t_max`.
    pub const fn miss(t_max: f32) -> Hit {
        Hit { t: t_max, u: 0.0, v: 0.0, instance: NO_HIT, triangle: NO_HIT }
    }

    /// Whether the ray hit nothing.
    pub const fn is_miss(&self) -> bool {
        self.instance == NO_HIT
    }
}
