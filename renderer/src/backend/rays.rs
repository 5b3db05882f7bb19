//! Rays like those of renders, traced in isolation: how fast a device traces each kind, and whether it hits what the
//! processor hits.
//!
//! Input: a shot. Output: lists of rays in render space. A render spends its time on tracing and shading together; this
//! measures tracing alone.

use std::time::Duration;

use glam::{Vec2, Vec3};
use packshot_native::stages::{Bindings, baseline};
use packshot_shaders::layout::ray::TraceWork;
pub use packshot_shaders::layout::ray::{Hit, Ray};
use rayon::prelude::*;

use crate::backend::{CancelToken, LoadedShot, RenderError};
use crate::prepare::PreparedShot;

/// What is to be found out about a ray.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RayQuery {
    /// Its closest hit.
    Closest,
    /// The same of rays whose neighbours are nearly equal, which the processor traces together.
    ClosestCoherent,
    /// Whether it hits anything.
    Any,
}

/// The result of tracing rays.
#[derive(Clone, Debug)]
pub struct TracedRays {
    /// The hit of each ray; for [`RayQuery::Any`] only whether there is one is meaningful.
    pub hits: Vec<Hit>,
    /// How long it took, without uploading rays and reading hits back.
    pub time: Duration,
}

/// Which part of a path a ray belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RayKind {
    /// From the camera; neighbouring rays are coherent.
    Camera,
    /// From a surface in a cosine-distributed direction: neighbouring rays diverge.
    Bounce,
    /// From a surface to a point around the product, which may be occluded.
    Shadow,
}

impl RayKind {
    /// All kinds, in the order in which they occur in a path.
    pub const ALL: [Self; 3] = [Self::Camera, Self::Bounce, Self::Shadow];

    /// The word in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Camera => "camera",
            Self::Bounce => "bounce",
            Self::Shadow => "shadow",
        }
    }

    /// The query for such a ray.
    pub fn query(self) -> RayQuery {
        match self {
            Self::Camera => RayQuery::ClosestCoherent,
            Self::Bounce => RayQuery::Closest,
            Self::Shadow => RayQuery::Any,
        }
    }
}

/// Offset of a ray's origin from the surface: render space has radius 1.
const OFFSET: f32 = 1e-4;
/// Distance from the centre of the product of the points to which shadow rays go.
const LIGHT_DISTANCE: f32 = 3.0;

impl PreparedShot {
    /// About `n` rays of a kind. `tracer` is this shot on any device: it finds where camera rays end, which is where
    /// the other kinds start.
    ///
    /// # Errors
    /// [`RenderError`].
    pub fn rays(
        &self,
        kind: RayKind,
        n: u32,
        tracer: &dyn LoadedShot,
        cancel: &CancelToken,
    ) -> Result<Vec<Ray>, RenderError> {
        let of_camera = self.camera_rays(n);
        if kind == RayKind::Camera {
            return Ok(of_camera);
        }
        let first = tracer.trace(&of_camera, RayQuery::ClosestCoherent, cancel)?;
        let ends = of_camera.iter().zip(&first.hits).enumerate().filter(|(_, (_, hit))| !hit.is_miss());
        Ok(ends.map(|(i, (ray, hit))| self.onward(kind, i as u32, ray, hit)).collect())
    }

    /// Through the centres of the pixels of a picture with about that many, square by square as in the kernel.
    fn camera_rays(&self, n: u32) -> Vec<Ray> {
        const SQUARE: u32 = 8;
        let camera = &self.params.camera;
        let aspect = self.params.width_px as f32 / self.params.height_px as f32;
        let squares_high = ((n as f32 / aspect).sqrt() / SQUARE as f32).ceil().max(1.0) as u32;
        let squares_wide = (n / (SQUARE * SQUARE) / squares_high).max(1);
        let size = Vec2::new((squares_wide * SQUARE) as f32, (squares_high * SQUARE) as f32);
        let ray = |i: u32| {
            let (square, inside) = (i / (SQUARE * SQUARE), i % (SQUARE * SQUARE));
            let x = square % squares_wide * SQUARE + inside % SQUARE;
            let y = square / squares_wide * SQUARE + inside / SQUARE;
            let at = (Vec2::new(x as f32, y as f32) + 0.5) / size;
            let aside = camera.right * ((2.0 * at.x - 1.0) * camera.half_width)
                + camera.up * ((1.0 - 2.0 * at.y) * camera.half_height);
            let (origin, along) = match camera.orthographic {
                1 => (camera.origin + aside, -camera.back),
                _ => (camera.origin, aside - camera.back),
            };
            Ray { origin, t_min: 0.0, direction: along.normalize(), t_max: f32::MAX }
        };
        (0..squares_wide * squares_high * SQUARE * SQUARE).map(ray).collect()
    }

    /// The ray that leaves the point where ray number `i` ended.
    fn onward(&self, kind: RayKind, i: u32, ray: &Ray, hit: &Hit) -> Ray {
        let product = &*self.product;
        let instance = &product.instances[hit.instance as usize];
        let triangle = product.triangles[hit.triangle as usize];
        let corner = |vertex: u32| {
            let local = product.vertices[vertex as usize].position.extend(1.0);
            let rows = [instance.world_from_local_0, instance.world_from_local_1, instance.world_from_local_2];
            Vec3::from(rows.map(|row| row.dot(local)))
        };
        let [a, b, c] = [triangle.v0, triangle.v1, triangle.v2].map(corner);
        let across = (b - a).cross(c - a).normalize_or(-ray.direction);
        let normal = if across.dot(ray.direction) > 0.0 { -across } else { across };
        let origin = ray.origin + ray.direction * hit.t + normal * OFFSET;
        let on_sphere = point_on_sphere(i);
        match kind {
            RayKind::Shadow => {
                let to_light = on_sphere * LIGHT_DISTANCE - origin;
                Ray { origin, t_min: 0.0, direction: to_light, t_max: 1.0 }
            }
            // A point of the unit sphere that touches the surface gives a cosine-distributed direction.
            RayKind::Bounce | RayKind::Camera => {
                let direction = (normal + on_sphere).normalize_or(normal);
                Ray { origin, t_min: 0.0, direction, t_max: f32::MAX }
            }
        }
    }

    /// Mean work of a ray in the tree that a GPU traverses.
    pub fn trace_work(&self, rays: &[Ray], query: RayQuery) -> (f64, f64) {
        let (packed, instances) = self.product.walked();
        let bindings = Bindings {
            bvh_nodes: &packed.nodes,
            bvh_triangles: &packed.triangles,
            instances: &instances,
            ..self.bindings()
        };
        let work = |ray: &Ray| {
            let TraceWork { n_nodes, n_triangles } = baseline::trace_work(&bindings, *ray, query == RayQuery::Any);
            (u64::from(n_nodes), u64::from(n_triangles))
        };
        let sum = |a: (u64, u64), b: (u64, u64)| (a.0 + b.0, a.1 + b.1);
        let (n_nodes, n_triangles) = rays.par_iter().map(work).reduce(|| (0, 0), sum);
        let n = rays.len().max(1) as f64;
        (n_nodes as f64 / n, n_triangles as f64 / n)
    }
}

/// Evenly distributed points whose neighbours in the sequence are not neighbours on the sphere.
fn point_on_sphere(i: u32) -> Vec3 {
    let unit = |bits: u32| (bits >> 8) as f32 / (1 << 24) as f32;
    let mixed = (i ^ (i >> 16)).wrapping_mul(0x7feb_352d);
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x846c_a68b);
    let z = 1.0 - 2.0 * unit(mixed ^ (mixed >> 16));
    let azimuth = std::f32::consts::TAU * unit(mixed.wrapping_mul(0x9e37_79b9));
    let across = (1.0 - z * z).max(0.0).sqrt();
    Vec3::new(across * azimuth.cos(), across * azimuth.sin(), z)
}
