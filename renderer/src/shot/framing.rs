//! Auto-framing: where a camera of a given orientation must stand so that the product fills the picture.
//!
//! Input: a scene, an orientation and a lens. Output: the camera whose picture has the product's bounding rectangle in
//! its centre, with `fill` of the picture's width or height taken, whichever is tighter. Exact for every lens and free of
//! scale. The product is known by the support function of its convex hull, which needs no hull and no list of points.

use std::borrow::Cow;

use glam::{DAffine3, DMat3, DVec3, Vec3};

use super::error::{ErrorCode, ShotError};
use super::{Camera, Projection};
use crate::scene::{Bounds, Primitive, Scene};

/// Half the width of the film that focal lengths refer to ("full frame").
const HALF_SENSOR_MM: f64 = 18.0;
/// The camera keeps this distance from the nearest point, in radii of the product.
const LEAST_DEPTH: f64 = 1e-3;

/// How a framed camera projects.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lens {
    /// A pinhole.
    Perspective {
        /// For a sensor of 36 mm along the longer side of the picture; positive.
        focal_mm: f64,
    },
    /// Parallel rays.
    Orthographic,
}

/// The convex hull of all drawn vertices of a scene.
#[derive(Debug)]
pub struct Hull<'a> {
    /// Per mesh of the scene: the vertices that triangles use.
    meshes: Vec<Vec<Cow<'a, [Vec3]>>>,
    parts: Vec<PlacedMesh>,
    bounds: Bounds,
}

#[derive(Debug)]
struct PlacedMesh {
    mesh_idx: usize,
    world_from_part: DAffine3,
    /// Centre and half the sides of a world-space box around it.
    center: DVec3,
    half: DVec3,
}

impl<'a> Hull<'a> {
    /// Of everything the scene draws. Takes time in the vertices of distinct meshes and in the number of parts.
    ///
    /// # Errors
    ///
    /// `shot.nothing_to_frame` when the scene draws nothing, or reaches beyond what double precision can square.
    pub fn new(scene: &'a Scene) -> Result<Self, ShotError> {
        let meshes: Vec<Vec<_>> =
            scene.meshes.iter().map(|mesh| mesh.primitives.iter().map(used_positions).collect()).collect();
        let boxes: Vec<Option<(Vec3, Vec3)>> = meshes.iter().map(|points| local_box(points)).collect();
        let mut parts = Vec::with_capacity(scene.parts.len());
        for part in &scene.parts {
            let mesh_idx = part.mesh.0 as usize;
            let Some((min, max)) = boxes[mesh_idx].map(|(min, max)| (min.as_dvec3(), max.as_dvec3())) else { continue };
            let world_from_part = part.world_from_part;
            let m = world_from_part.matrix3;
            let reach = DMat3::from_cols(m.x_axis.abs(), m.y_axis.abs(), m.z_axis.abs());
            let center = world_from_part.transform_point3(0.5 * (min + max));
            parts.push(PlacedMesh { mesh_idx, world_from_part, center, half: reach * (0.5 * (max - min)) });
        }
        let bounds = Bounds { min: DVec3::ZERO, max: DVec3::ZERO };
        let mut hull = Self { meshes, parts, bounds };
        let nothing = || {
            ShotError::new(ErrorCode::NothingToFrame, "/", "the scene draws nothing that a camera could be aimed at")
                .help("check --only and --hide, and that the file has triangles of finite size")
        };
        let reach = |axis: DVec3| hull.support(axis).map(|point| point.dot(axis));
        let max = |axis| reach(axis).filter(|v| v.abs() < 1e150).ok_or_else(nothing);
        let upper = DVec3::new(max(DVec3::X)?, max(DVec3::Y)?, max(DVec3::Z)?);
        let lower = -DVec3::new(max(DVec3::NEG_X)?, max(DVec3::NEG_Y)?, max(DVec3::NEG_Z)?);
        hull.bounds = Bounds { min: lower, max: upper };
        if hull.radius() > 1e-150 { Ok(hull) } else { Err(nothing()) }
    }

    /// The least box around it.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Half the diagonal of the bounds.
    fn radius(&self) -> f64 {
        0.5 * (self.bounds.max - self.bounds.min).length()
    }

    /// The point farthest along `direction`; of equals, the first.
    fn support(&self, direction: DVec3) -> Option<DVec3> {
        // A part's box says how far it can reach: most parts are ruled out without a look at their vertices.
        let reach = |part: &PlacedMesh| direction.dot(part.center) + direction.abs().dot(part.half);
        let reaches: Vec<f64> = self.parts.iter().map(reach).collect();
        let first = (0..reaches.len()).max_by(|&a, &b| reaches[a].total_cmp(&reaches[b]))?;
        let (mut farthest, mut best) = self.part_support(first, direction)?;
        for (idx, &reach) in reaches.iter().enumerate() {
            if reach > best
                && idx != first
                && let Some((point, value)) = self.part_support(idx, direction)
                && value > best
            {
                (farthest, best) = (point, value);
            }
        }
        Some(farthest)
    }

    fn part_support(&self, idx: usize, direction: DVec3) -> Option<(DVec3, f64)> {
        let PlacedMesh { mesh_idx, world_from_part, .. } = &self.parts[idx];
        let local = world_from_part.matrix3.transpose() * direction;
        let mut farthest = None;
        let mut best = f64::NEG_INFINITY;
        for &point in self.meshes[*mesh_idx].iter().flat_map(|points| points.iter()) {
            let value = local.dot(point.as_dvec3());
            if value > best {
                (farthest, best) = (Some(point), value);
            }
        }
        let point = world_from_part.transform_point3(farthest?.as_dvec3());
        Some((point, direction.dot(point)))
    }
}

/// The positions that triangles use: all of them without a copy, as a rule.
fn used_positions(primitive: &Primitive) -> Cow<'_, [Vec3]> {
    let mut used = vec![false; primitive.positions.len()];
    for &idx in primitive.triangles.iter().flatten() {
        used[idx as usize] = true;
    }
    match used.iter().all(|&used| used) {
        true => Cow::Borrowed(&primitive.positions),
        false => primitive.positions.iter().zip(used).filter_map(|(&point, used)| used.then_some(point)).collect(),
    }
}

fn local_box(points: &[Cow<'_, [Vec3]>]) -> Option<(Vec3, Vec3)> {
    let mut points = points.iter().flat_map(|points| points.iter());
    let &first = points.next()?;
    Some(points.fold((first, first), |(min, max), &point| (min.min(point), max.max(point))))
}

/// The camera of this orientation (world from camera) that has the product in the picture's centre and fills `fill` (0 to
/// 1) of it in the tighter direction. `aspect` is width over height.
///
/// For a pinhole at (cx, cy, cd) in camera axes, points (a, b, d) with depth d − cd stay within ±X of the picture when
/// |a − cx| ≤ X·(d − cd): planes through the camera. The tightest such planes touch the hull at its support points in the
/// directions ±a − X·d, and meet at cx and cd.
///
/// # Errors
///
/// `shot.nothing_to_frame` when the product has no extent.
pub fn frame(hull: &Hull<'_>, orientation: &DMat3, lens: Lens, aspect: f64, fill: f64) -> Result<Camera, ShotError> {
    let view = CameraAxes { hull, orientation, center: 0.5 * (hull.bounds.min + hull.bounds.max) };
    let (position, projection) = match lens {
        Lens::Perspective { focal_mm } => {
            let tan_long = HALF_SENSOR_MM / focal_mm;
            let fov_y_rad = readable_angle(2.0 * (tan_long / aspect.max(1.0)).atan());
            let tan_y = (0.5 * fov_y_rad).tan();
            (view.pinhole(fill * tan_y * aspect, fill * tan_y)?, Projection::Perspective { fov_y_rad })
        }
        Lens::Orthographic => {
            let (position, height_m) = view.parallel(aspect, fill)?;
            (position, Projection::Orthographic { height_m })
        }
    };
    let world_from_camera = DAffine3 { matrix3: *orientation, translation: view.center + *orientation * position };
    let (clip_near_m, clip_far_m) = clip_planes(hull, &world_from_camera)?;
    Ok(Camera { world_from_camera, projection, clip_near_m, clip_far_m })
}

/// Planes well before and well behind everything that is drawn, or a little before the camera where it stands inside.
///
/// # Errors
///
/// `shot.nothing_to_frame` when the hull is empty.
pub fn clip_planes(hull: &Hull<'_>, world_from_camera: &DAffine3) -> Result<(f64, f64), ShotError> {
    let (forward, eye) = (-world_from_camera.matrix3.z_axis, world_from_camera.translation);
    let depth = |direction| hull.support(direction).map(|point| (point - eye).dot(forward)).ok_or_else(no_extent);
    let (nearest, farthest) = (depth(-forward)?, depth(forward)?);
    let near = (0.5 * nearest).max(1e-4 * hull.radius());
    Ok((near, (2.0 * farthest).max(4.0 * near)))
}

/// An angle that some number of degrees stands for exactly, so that a shot file can hold it.
pub(super) fn readable_angle(rad: f64) -> f64 {
    rad.to_degrees().to_radians()
}

fn no_extent() -> ShotError {
    ShotError::new(ErrorCode::NothingToFrame, "/", "the product has no extent")
}

/// The hull in camera axes about its centre: x to the right, y up, z = depth, away from the camera.
struct CameraAxes<'a> {
    hull: &'a Hull<'a>,
    orientation: &'a DMat3,
    center: DVec3,
}

impl CameraAxes<'_> {
    /// The point farthest along a direction.
    fn support(&self, direction: DVec3) -> Result<DVec3, ShotError> {
        let world = *self.orientation * (direction * DVec3::new(1.0, 1.0, -1.0));
        let point = self.hull.support(world).ok_or_else(no_extent)?;
        Ok(self.orientation.transpose() * (point - self.center) * DVec3::new(1.0, 1.0, -1.0))
    }

    /// The position, in camera coordinates, of a pinhole that keeps all points within ±`x` and ±`y` at depth 1.
    fn pinhole(&self, x: f64, y: f64) -> Result<DVec3, ShotError> {
        let nearest = self.support(DVec3::NEG_Z)?.z - LEAST_DEPTH * self.hull.radius();
        let depth = self.apex_depth(DVec3::X, x)?.min(self.apex_depth(DVec3::Y, y)?).min(nearest);
        Ok(DVec3::new(self.centered(DVec3::X, depth)?, self.centered(DVec3::Y, depth)?, -depth))
    }

    /// The depth at which the two tightest planes of slope ±`slope` along `axis` meet.
    fn apex_depth(&self, axis: DVec3, slope: f64) -> Result<f64, ShotError> {
        let reach = |direction: DVec3| Ok(self.support(direction)?.dot(direction));
        Ok(-(reach(axis - slope * DVec3::Z)? + reach(-axis - slope * DVec3::Z)?) / (2.0 * slope))
    }

    /// Where along `axis` a camera at `depth` sees the product reach equally far to both sides.
    ///
    /// For the right slope s, the planes of slope ±s that touch the hull meet at `depth`: a convex, piecewise linear
    /// equation in s, on which Newton's method from 0 climbs from one pair of touching points to the next and ends at
    /// the solution after finitely many steps.
    fn centered(&self, axis: DVec3, depth: f64) -> Result<f64, ShotError> {
        let (mut slope, mut position) = (0.0, 0.0);
        for _ in 0..64 {
            let right = self.support(axis - slope * DVec3::Z)?;
            let left = self.support(-axis - slope * DVec3::Z)?;
            let (right_depth, left_depth) = (right.z - depth, left.z - depth);
            let next = (right - left).dot(axis) / (right_depth + left_depth);
            position = right.dot(axis) - next * right_depth;
            if next <= slope {
                break;
            }
            slope = next;
        }
        Ok(position)
    }

    /// Position in camera coordinates and height of the picture for parallel rays.
    fn parallel(&self, aspect: f64, fill: f64) -> Result<(DVec3, f64), ShotError> {
        let reach = |direction: DVec3| Ok::<_, ShotError>(self.support(direction)?.dot(direction));
        let (right, left) = (reach(DVec3::X)?, -reach(DVec3::NEG_X)?);
        let (top, bottom) = (reach(DVec3::Y)?, -reach(DVec3::NEG_Y)?);
        let nearest = -reach(DVec3::NEG_Z)?;
        let radius = self.hull.radius();
        // A line seen from its end has no extent in the picture: it gets a picture of its own size.
        let height_m = ((right - left) / aspect).max(top - bottom) / fill;
        let height_m = if height_m > 1e-9 * radius { height_m } else { radius };
        Ok((DVec3::new(0.5 * (right + left), 0.5 * (top + bottom), radius - nearest), height_m))
    }
}

#[cfg(test)]
mod tests;
