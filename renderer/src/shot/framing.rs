//! Auto-framing: where a camera with a given orientation must be so that the product fills the picture.
//!
//! Input: what is framed ([`Envelope`]), an orientation and a lens. Output: the camera whose picture has the product's
//! bounding rectangle in its centre, and takes the given fraction of its width or height, whichever is tighter. Exact
//! for every lens, at any scale. The product is given by the support function of its convex hull: a [`Hull`] at rest, a
//! [`SweptHull`] on a turntable.

use std::borrow::Cow;

use glam::{DAffine3, DMat3, DVec2, DVec3, Vec3};

use super::error::{ErrorCode, ShotError};
use super::{Camera, Projection};
use crate::scene::{Bounds, Part, Primitive, Scene};

mod swept;

pub use swept::SweptHull;

/// Half the width of the film that focal lengths refer to ("full frame").
const HALF_SENSOR_MM: f64 = 18.0;
/// Least distance of the camera from the nearest point, in radii of the product.
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

/// How much of the picture the framed product takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fit {
    /// This fraction of the width or of the height, whichever is tighter; more than 0, at most 1.
    Fill(f64),
    /// Everything but this many pixels at the tighter sides.
    MarginPx(u32),
    /// This many pixels stay empty on all four sides; the picture's size follows from the product.
    TrimmedToPx(u32),
}

impl Fit {
    /// The fractions of the width and of the height that may be taken.
    ///
    /// # Errors
    ///
    /// `shot.range` when margins leave nothing of the picture.
    pub fn shares(self, [width_px, height_px]: [u32; 2]) -> Result<DVec2, ShotError> {
        let margin_px = match self {
            Self::Fill(share) => return Ok(DVec2::splat(share)),
            Self::MarginPx(px) | Self::TrimmedToPx(px) => px,
        };
        let share = |side_px: u32| 1.0 - 2.0 * f64::from(margin_px) / f64::from(side_px);
        let shares = DVec2::new(share(width_px), share(height_px));
        if shares.min_element() > 0.0 {
            return Ok(shares);
        }
        let message = format!("margins of {margin_px} px leave nothing of {width_px} x {height_px} px");
        Err(ShotError::of_option(ErrorCode::Range, "margin_px", message)
            .help("choose a smaller margin or a larger picture"))
    }
}

/// A convex body that a camera can be aimed at, given by its extent in any direction.
pub trait Envelope {
    /// One of its points that is farthest along `direction`; `None` when it has no points.
    fn support(&self, direction: DVec3) -> Option<DVec3>;

    /// Its bounding box.
    fn bounds(&self) -> Bounds;

    /// Half the diagonal of the bounds.
    fn radius(&self) -> f64 {
        let Bounds { min, max } = self.bounds();
        0.5 * (max - min).length()
    }

    /// The centre of the bounds.
    fn center(&self) -> DVec3 {
        let Bounds { min, max } = self.bounds();
        0.5 * (min + max)
    }
}

/// The convex hull of all drawn vertices of a scene, or of some of its parts.
#[derive(Debug)]
pub struct Hull<'a> {
    /// For each mesh of the scene, the vertices that triangles use.
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
    /// The hull of all that the scene draws. Linear in the vertices of distinct meshes and in the number of parts.
    ///
    /// # Errors
    ///
    /// `shot.nothing_to_frame` when the scene draws nothing, or reaches beyond what double precision can square.
    pub fn new(scene: &'a Scene) -> Result<Self, ShotError> {
        Self::of_parts(scene, |_| true)
    }

    /// The hull of those parts for which `counts` holds.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn of_parts(scene: &'a Scene, counts: impl Fn(&Part) -> bool) -> Result<Self, ShotError> {
        let mut is_placed = vec![false; scene.meshes.len()];
        for part in scene.parts.iter().filter(|part| counts(part)) {
            is_placed[part.mesh.0 as usize] = true;
        }
        let meshes = scene.meshes.iter().zip(is_placed).map(|(mesh, is_placed)| match is_placed {
            true => mesh.primitives.iter().map(used_positions).collect(),
            false => Vec::new(),
        });
        let meshes: Vec<Vec<_>> = meshes.collect();
        let boxes: Vec<Option<(Vec3, Vec3)>> = meshes.iter().map(|points| local_box(points)).collect();
        let mut parts = Vec::with_capacity(scene.parts.len());
        for part in scene.parts.iter().filter(|part| counts(part)) {
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
            ShotError::new(ErrorCode::NothingToFrame, "/", "nothing is shown that a camera could be aimed at")
                .help("check which parts are shown, and that the file has triangles of finite size")
        };
        let reach = |axis: DVec3| hull.support(axis).map(|point| point.dot(axis));
        let max = |axis| reach(axis).filter(|v| v.abs() < 1e150).ok_or_else(nothing);
        let upper = DVec3::new(max(DVec3::X)?, max(DVec3::Y)?, max(DVec3::Z)?);
        let lower = -DVec3::new(max(DVec3::NEG_X)?, max(DVec3::NEG_Y)?, max(DVec3::NEG_Z)?);
        hull.bounds = Bounds { min: lower, max: upper };
        if hull.radius() > 1e-150 { Ok(hull) } else { Err(nothing()) }
    }

    /// All its points in world space.
    fn points(&self) -> impl Iterator<Item = DVec3> {
        self.parts.iter().flat_map(|PlacedMesh { mesh_idx, world_from_part, .. }| {
            let points = self.meshes[*mesh_idx].iter().flat_map(|points| points.iter());
            points.map(|point| world_from_part.transform_point3(point.as_dvec3()))
        })
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

impl Envelope for Hull<'_> {
    /// Of several points that are equally far, the first.
    fn support(&self, direction: DVec3) -> Option<DVec3> {
        // A part's box bounds its extent: most parts are ruled out without looking at their vertices.
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

    fn bounds(&self) -> Bounds {
        self.bounds
    }
}

/// The positions that triangles use: normally all of them, without a copy.
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

/// The camera with this orientation (world from camera) that shows the product in the centre of the picture and within
/// these fractions (0 to 1) of its width and height, reaching the tighter one. `aspect` is width over height.
///
/// For a pinhole at (cx, cy, cd) in camera axes, points (a, b, d) with depth d − cd stay within ±X of the picture when
/// |a − cx| ≤ X·(d − cd): planes through the camera. The tightest such planes touch the hull at its support points in
/// the directions ±a − X·d, and meet at cx and cd.
///
/// # Errors
///
/// `shot.nothing_to_frame` when the product has no extent.
pub fn frame(
    hull: &dyn Envelope,
    orientation: &DMat3,
    lens: Lens,
    aspect: f64,
    shares: DVec2,
) -> Result<Camera, ShotError> {
    let scale_m = fitting_scale_m(hull, orientation, lens, aspect, shares)?;
    frame_at_scale(hull, orientation, lens, aspect, scale_m)
}

/// The scale at which the picture of [`frame`] shows the product, as a length that grows as the product gets smaller:
/// for a pinhole, the distance from the camera to the plane through the centre of the product's bounds; for parallel
/// rays, the height of the picture.
///
/// # Errors
///
/// `shot.nothing_to_frame` when the product has no extent.
pub fn fitting_scale_m(
    hull: &dyn Envelope,
    orientation: &DMat3,
    lens: Lens,
    aspect: f64,
    shares: DVec2,
) -> Result<f64, ShotError> {
    let view = CameraAxes::new(hull, orientation);
    match lens {
        Lens::Perspective { focal_mm } => Ok(-view.pinhole_depth(slopes(focal_mm, aspect, shares))?),
        Lens::Orthographic => {
            let extent = view.extent_m()?;
            let height_m = (extent.x / aspect / shares.x).max(extent.y / shares.y);
            // A line seen end-on has no extent: its picture is as large as its radius.
            let radius = hull.radius();
            Ok(if height_m > 1e-9 * radius { height_m } else { radius })
        }
    }
}

/// The camera that shows the product in the centre of the picture at the scale of [`fitting_scale_m`].
///
/// # Errors
///
/// `shot.nothing_to_frame` when the product has no extent.
pub fn frame_at_scale(
    hull: &dyn Envelope,
    orientation: &DMat3,
    lens: Lens,
    aspect: f64,
    scale_m: f64,
) -> Result<Camera, ShotError> {
    let view = CameraAxes::new(hull, orientation);
    let (position, projection) = match lens {
        Lens::Perspective { focal_mm } => {
            let fov_y_rad = fov_y_rad(focal_mm, aspect);
            (view.pinhole(-scale_m)?, Projection::Perspective { fov_y_rad })
        }
        Lens::Orthographic => (view.parallel()?, Projection::Orthographic { height_m: scale_m }),
    };
    let world_from_camera = DAffine3 { matrix3: *orientation, translation: view.center + *orientation * position };
    let (clip_near_m, clip_far_m) = clip_planes(hull, &world_from_camera)?;
    Ok(Camera { world_from_camera, projection, aperture: None, clip_near_m, clip_far_m })
}

/// The size of the largest picture within `room_px` that leaves `margin_px` on all four sides of the product.
///
/// # Errors
///
/// `shot.nothing_to_frame` when the product has no extent, `shot.range` when the margins leave nothing of the picture.
pub fn trimmed_size_px(
    hull: &dyn Envelope,
    orientation: &DMat3,
    lens: Lens,
    room_px: [u32; 2],
    margin_px: u32,
) -> Result<[u32; 2], ShotError> {
    Fit::TrimmedToPx(margin_px).shares(room_px)?;
    let fits = |size_px: [u32; 2]| size_px[0] <= room_px[0] && size_px[1] <= room_px[1];
    // The product's aspect depends on the distance, and so on the size: it is computed for each.
    let of_longer = |longer_px: u32| size_of_longer_side(hull, orientation, lens, longer_px, margin_px);
    let mut too_long_px = room_px[0].max(room_px[1]);
    let mut size_px = of_longer(too_long_px)?;
    if fits(size_px) {
        return Ok(size_px);
    }
    // One pixel for the product fits, because the margins do.
    let mut longer_px = 2 * margin_px + 1;
    size_px = of_longer(longer_px)?;
    while longer_px + 1 < too_long_px {
        let middle_px = longer_px.midpoint(too_long_px);
        let of_middle = of_longer(middle_px)?;
        if fits(of_middle) {
            (longer_px, size_px) = (middle_px, of_middle);
        } else {
            too_long_px = middle_px;
        }
    }
    Ok(size_px)
}

/// The size of a picture whose longer side has `side_px` pixels.
fn size_of_longer_side(
    hull: &dyn Envelope,
    orientation: &DMat3,
    lens: Lens,
    side_px: u32,
    margin_px: u32,
) -> Result<[u32; 2], ShotError> {
    let shares = Fit::TrimmedToPx(margin_px).shares([side_px; 2])?;
    let view = CameraAxes::new(hull, orientation);
    let extent = match lens {
        Lens::Perspective { focal_mm } => {
            let depth = view.pinhole_depth(slopes(focal_mm, 1.0, shares))?;
            DVec2::new(view.centered(DVec3::X, depth)?.0, view.centered(DVec3::Y, depth)?.0)
        }
        Lens::Orthographic => view.extent_m()?,
    };
    let longest = extent.max_element();
    let free_px = f64::from(side_px) * shares.x;
    let side = |extent: f64| match longest > 0.0 {
        true => side_px.min((free_px * extent / longest).ceil() as u32 + 2 * margin_px).max(2 * margin_px + 1),
        false => side_px,
    };
    Ok([side(extent.x), side(extent.y)])
}

/// Sets the clip planes of a camera that was framed for some parts to hold all that is `drawn`. With parallel rays the
/// camera moves in front of all of it: the picture stays the same, and nothing is cut.
///
/// # Errors
///
/// `shot.nothing_to_frame` when the hull is empty.
pub(super) fn stand_before(camera: &mut Camera, drawn: &dyn Envelope) -> Result<(), ShotError> {
    if let Projection::Orthographic { .. } = camera.projection {
        let back = camera.world_from_camera.matrix3.z_axis;
        let missing_m = drawn.radius() - nearest_depth_m(drawn, &camera.world_from_camera)?;
        camera.world_from_camera.translation += back * missing_m.max(0.0);
    }
    (camera.clip_near_m, camera.clip_far_m) = clip_planes(drawn, &camera.world_from_camera)?;
    Ok(())
}

/// The full vertical angle of a lens.
fn fov_y_rad(focal_mm: f64, aspect: f64) -> f64 {
    readable_angle(2.0 * (HALF_SENSOR_MM / focal_mm / aspect.max(1.0)).atan())
}

/// Half the picture's width and height at depth 1, times these fractions.
fn slopes(focal_mm: f64, aspect: f64, shares: DVec2) -> DVec2 {
    let tan_y = (0.5 * fov_y_rad(focal_mm, aspect)).tan();
    DVec2::new(shares.x * tan_y * aspect, shares.y * tan_y)
}

/// The focal length of a pinhole for a sensor of 36 mm along the longer side of the picture.
pub(super) fn focal_mm(fov_y_rad: f64, aspect: f64) -> f64 {
    HALF_SENSOR_MM / ((0.5 * fov_y_rad).tan() * aspect.max(1.0))
}

/// Clip planes well in front of and behind all that is drawn; the near one just before a camera that is inside.
///
/// # Errors
///
/// `shot.nothing_to_frame` when the hull is empty.
pub fn clip_planes(hull: &dyn Envelope, world_from_camera: &DAffine3) -> Result<(f64, f64), ShotError> {
    let (forward, eye) = (-world_from_camera.matrix3.z_axis, world_from_camera.translation);
    let nearest = nearest_depth_m(hull, world_from_camera)?;
    let farthest = hull.support(forward).map(|point| (point - eye).dot(forward)).ok_or_else(no_extent)?;
    let near = (0.5 * nearest).max(1e-4 * hull.radius());
    Ok((near, (2.0 * farthest).max(4.0 * near)))
}

/// The distance along the viewing axis of the nearest point; negative when it lies behind the camera.
///
/// # Errors
///
/// `shot.nothing_to_frame` when the hull is empty.
pub(super) fn nearest_depth_m(hull: &dyn Envelope, world_from_camera: &DAffine3) -> Result<f64, ShotError> {
    let (back, eye) = (world_from_camera.matrix3.z_axis, world_from_camera.translation);
    hull.support(back).map(|point| (eye - point).dot(back)).ok_or_else(no_extent)
}

/// The angle, rounded so that a number of degrees represents it exactly and a shot file can hold it.
pub(super) fn readable_angle(rad: f64) -> f64 {
    rad.to_degrees().to_radians()
}

fn no_extent() -> ShotError {
    ShotError::new(ErrorCode::NothingToFrame, "/", "the product has no extent")
}

/// The hull in camera axes around its centre: x to the right, y up, z = depth, away from the camera.
struct CameraAxes<'a> {
    hull: &'a dyn Envelope,
    orientation: &'a DMat3,
    center: DVec3,
}

impl<'a> CameraAxes<'a> {
    fn new(hull: &'a dyn Envelope, orientation: &'a DMat3) -> Self {
        Self { hull, orientation, center: hull.center() }
    }

    /// The point farthest along a direction.
    fn support(&self, direction: DVec3) -> Result<DVec3, ShotError> {
        let world = *self.orientation * (direction * DVec3::new(1.0, 1.0, -1.0));
        let point = self.hull.support(world).ok_or_else(no_extent)?;
        Ok(self.orientation.transpose() * (point - self.center) * DVec3::new(1.0, 1.0, -1.0))
    }

    /// The depth of the nearest pinhole that keeps all points within ±`slopes` at depth 1.
    fn pinhole_depth(&self, slopes: DVec2) -> Result<f64, ShotError> {
        let nearest = self.support(DVec3::NEG_Z)?.z - LEAST_DEPTH * self.hull.radius();
        Ok(self.apex_depth(DVec3::X, slopes.x)?.min(self.apex_depth(DVec3::Y, slopes.y)?).min(nearest))
    }

    /// The position, in camera coordinates, of the pinhole at `depth` that centres the product in the picture.
    fn pinhole(&self, depth: f64) -> Result<DVec3, ShotError> {
        Ok(DVec3::new(self.centered(DVec3::X, depth)?.1, self.centered(DVec3::Y, depth)?.1, -depth))
    }

    /// The depth at which the two tightest planes of slope ±`slope` along `axis` meet.
    fn apex_depth(&self, axis: DVec3, slope: f64) -> Result<f64, ShotError> {
        let reach = |direction: DVec3| Ok(self.support(direction)?.dot(direction));
        Ok(-(reach(axis - slope * DVec3::Z)? + reach(-axis - slope * DVec3::Z)?) / (2.0 * slope))
    }

    /// For a camera at `depth` that centres the product along `axis`: how far the product extends to each side, as a
    /// slope, and the camera's position along `axis`.
    ///
    /// For the slope s that solves this, the planes of slope ±s that touch the hull meet at `depth`: a convex,
    /// piecewise linear equation in s, on which Newton's method from 0 moves from one pair of touching points to the
    /// next and reaches the solution after finitely many steps.
    fn centered(&self, axis: DVec3, depth: f64) -> Result<(f64, f64), ShotError> {
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
        Ok((slope, position))
    }

    /// The width and height of the product in parallel rays.
    fn extent_m(&self) -> Result<DVec2, ShotError> {
        let reach = |direction: DVec3| Ok::<_, ShotError>(self.support(direction)?.dot(direction));
        let width_m = reach(DVec3::X)? + reach(DVec3::NEG_X)?;
        Ok(DVec2::new(width_m, reach(DVec3::Y)? + reach(DVec3::NEG_Y)?))
    }

    /// The camera position, in camera coordinates, for parallel rays.
    fn parallel(&self) -> Result<DVec3, ShotError> {
        let reach = |direction: DVec3| Ok::<_, ShotError>(self.support(direction)?.dot(direction));
        let middle = |axis: DVec3| Ok::<_, ShotError>(0.5 * (reach(axis)? - reach(-axis)?));
        let nearest = -reach(DVec3::NEG_Z)?;
        Ok(DVec3::new(middle(DVec3::X)?, middle(DVec3::Y)?, self.hull.radius() - nearest))
    }
}

#[cfg(test)]
mod tests;
