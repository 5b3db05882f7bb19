//! Whether a camera sees a point, or triangles are before it.

use glam::{DAffine3, DVec3, Vec3};

use super::inside::crosses;
use super::{Camera, Projection};
use crate::scene::Primitive;

/// Points that are looked at, at most, spread over what is looked for.
pub(crate) const POINTS_MAX: usize = 64;
/// Steps of the R2 sequence, which fills a square evenly (Martin Roberts, "The Unreasonable Effectiveness of
/// Quasirandom Sequences", 2018): powers of the inverse of the plastic number.
const R2: [f64; 2] = [0.754_877_666_246_692_7, 0.569_840_290_998_053_2];

/// The way of light from a point to the camera.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    from: DVec3,
    way: DVec3,
}

impl Sight {
    /// From a point to the nearest that the camera sees, in world space; `None` for points behind that.
    pub(crate) fn of(point: DVec3, camera: &Camera) -> Option<Self> {
        let world_from_camera = &camera.world_from_camera;
        let (eye, back) = (world_from_camera.translation, world_from_camera.matrix3.z_axis.normalize());
        let depth_m = (eye - point).dot(back);
        let seen_m = depth_m - camera.clip_near_m;
        let way = match camera.projection {
            Projection::Perspective { .. } => (eye - point) * (seen_m / depth_m),
            Projection::Orthographic { .. } => back * seen_m,
        };
        (seen_m > 0.0).then_some(Self { from: point, way })
    }

    /// The same in the space of a part.
    pub(crate) fn within(&self, part_from_world: &DAffine3) -> Self {
        Self { from: part_from_world.transform_point3(self.from), way: part_from_world.transform_vector3(self.way) }
    }

    /// Whether it meets a box.
    pub(crate) fn meets(&self, (min, max): (Vec3, Vec3)) -> bool {
        let (mut begin, mut end) = (0.0_f64, 1.0_f64);
        for axis in 0..3 {
            let (from, way) = (self.from[axis], self.way[axis]);
            let [low, high] = [min[axis], max[axis]].map(|side| f64::from(side) - from);
            if way == 0.0 {
                if low > 0.0 || high < 0.0 {
                    return false;
                }
                continue;
            }
            let (a, b) = (low / way, high / way);
            begin = begin.max(a.min(b));
            end = end.min(a.max(b));
        }
        begin <= end
    }

    /// Whether a triangle lies on it, in the same space.
    pub(crate) fn is_blocked_by(&self, primitive: &Primitive) -> bool {
        primitive.triangles.iter().any(|triangle| {
            let [a, b, c] = triangle.map(|idx| primitive.positions[idx as usize].as_dvec3() - self.from);
            let normal = (b - a).cross(c - a);
            crosses([a, b, c], self.way) && normal.dot(a).abs() < normal.dot(self.way).abs()
        })
    }
}

/// A point of a triangle, another one for each number.
pub(crate) fn on_triangle([a, b, c]: [DVec3; 3], i: usize) -> DVec3 {
    let [u, v] = R2.map(|step| (0.5 + step * i as f64).fract());
    let [u, v] = if u + v > 1.0 { [1.0 - u, 1.0 - v] } else { [u, v] };
    a + u * (b - a) + v * (c - a)
}
