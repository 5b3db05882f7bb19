//! What a product stands on: a floor just below its lowest point, as a request describes it.
//!
//! Input: a [`Ground`], the product's hull and the camera. Output: a [`Floor`], and the camera with clip planes that do
//! not cut it.

use glam::{DMat3, DVec2, DVec3};
use packshot_materials::openpbr::OpenPbr;

use super::error::{ErrorCode, ShotError};
use super::framing::Envelope;
use super::{Camera, Floor, FloorRole, Projection, Sweep};
use crate::diagnostic::{Diagnostic, Severity, option_place};

/// Half the side of an endless floor, in radii of the product: further away than a picture shows shadows, and near
/// enough for single precision.
const ENDLESS_RADII: f64 = 1000.0;
/// Gap between the floor and the lowest point of the product, in radii of the product: a flat bottom of a refracting
/// body must not coincide with the floor, where single precision could not tell which of the two a ray hits first. In a
/// picture the gap is a tenth of a pixel at most.
pub const GAP_RADII: f64 = 2e-4;
/// From the middle of the product to the wall of a sweep, in radii of the product.
const WALL_RADII: f64 = 5.0;
/// Radius of the curve between floor and wall, in radii of the product.
const CURVE_RADII: f64 = 4.0;
/// The least height of the wall, in radii of the product.
const WALL_HEIGHT_RADII: f64 = 6.0;
/// Factor by which a sweep is larger than what the border of the picture shows.
const SWEEP_MARGIN: f64 = 1.1;
/// Points along each side of the picture for which a sweep is made large enough.
const BORDER_STEPS: u32 = 32;

/// What a product stands on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ground {
    /// What the picture shows of it.
    pub kind: GroundKind,
    /// Diffuse albedo, linear Rec.709, 0 to 1. That of a catcher counts too: it lights the product as whatever the
    /// picture is laid over would.
    pub albedo: [f32; 3],
    /// Roughness of its specular reflection, 0 to 1, by a dielectric of index 1.5; `None`: matte.
    pub roughness: Option<f32>,
}

/// What the picture shows of the ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroundKind {
    /// Only what the product does to it: shadows, and reflections if it is glossy.
    Catcher,
    /// An endless floor.
    Floor,
    /// A floor that rises to a wall behind the product, like a roll of backdrop paper, and fills the picture.
    Sweep,
}

impl Ground {
    /// About the albedo of white paper.
    pub const PAPER: [f32; 3] = [0.8; 3];
    /// Roughness of a polished plate, the default.
    pub const POLISHED: f32 = 0.1;
    /// The material's name in files.
    pub const MATERIAL: &'static str = "ground";

    /// Matte white paper that catches shadows.
    pub const SHADOWS: Self = Self { kind: GroundKind::Catcher, albedo: Self::PAPER, roughness: None };

    /// The floor under a product for this camera, whose clip planes are moved so that they do not cut it, and findings:
    /// a camera below the floor, which is then left out because it would hide the product, or a sweep that cannot fill
    /// the picture.
    ///
    /// # Errors
    /// `shot.range` for an albedo or a roughness out of range.
    pub(super) fn under(
        &self,
        product: &dyn Envelope,
        camera: &mut Camera,
        aspect: f64,
    ) -> Result<(Option<Floor>, Option<Diagnostic>), ShotError> {
        let in_unit = |value: f32| (0.0..=1.0).contains(&value);
        let refused = |option: &str, what: &str| {
            let message = format!("{what} of the ground is out of range: expected 0 to 1");
            Err(ShotError::of_option(ErrorCode::Range, option, message))
        };
        if !self.albedo.iter().all(|&value| in_unit(value)) {
            return refused("ground_color", "a channel");
        }
        if !self.roughness.is_none_or(in_unit) {
            return refused("ground_roughness", "the roughness");
        }
        let (center, radius_m) = (product.center(), product.radius());
        let y_m = product.bounds().min.y - GAP_RADII * radius_m;
        let eye = camera.world_from_camera;
        let is_below = match camera.projection {
            Projection::Perspective { .. } => eye.translation.y <= y_m,
            Projection::Orthographic { .. } => eye.matrix3.z_axis.y < -1e-6,
        };
        if is_below {
            let message = "the camera is below the ground, which is left out: it would hide the product";
            return Ok((None, Some(finding("shot.below_ground", message))));
        }
        if let Projection::Orthographic { .. } = camera.projection {
            raise(camera, aspect, y_m, radius_m);
        }
        camera.clip_near_m = camera.clip_near_m.min(1e-3 * radius_m);
        camera.clip_far_m = camera.clip_far_m.max(10.0 * ENDLESS_RADII * radius_m);
        let mut floor = Floor {
            y_m,
            center_m: [center.x, center.z],
            size_m: 2.0 * ENDLESS_RADII * radius_m,
            sweep: None,
            role: if self.kind == GroundKind::Catcher { FloorRole::Catcher } else { FloorRole::Surface },
            material: Self::MATERIAL.to_owned(),
            openpbr: self.material(),
        };
        let mut odd = None;
        if self.kind == GroundKind::Sweep {
            let base = DVec3::new(center.x, y_m, center.z);
            let (sweep, size_m, is_filled) = sweep(camera, aspect, base, radius_m);
            (floor.sweep, floor.size_m) = (Some(sweep), size_m);
            let message = "the picture shows more than a sweep can fill: beside it the background is seen";
            odd = (!is_filled).then(|| finding("shot.sweep_ends", message));
        }
        Ok((Some(floor), odd))
    }

    fn material(&self) -> OpenPbr {
        let gloss = if self.roughness.is_some() { 1.0 } else { 0.0 };
        OpenPbr {
            base_color: self.albedo,
            specular_weight: gloss,
            specular_roughness: self.roughness.unwrap_or(OpenPbr::default().specular_roughness),
            ..OpenPbr::default()
        }
    }
}

fn finding(code: &'static str, message: &str) -> Diagnostic {
    Diagnostic { code, severity: Severity::Warning, at: option_place("ground"), message: message.to_owned() }
}

/// Moves a camera with parallel rays back until all rays start above the floor, if it looks down at it; the picture
/// stays the same.
fn raise(camera: &mut Camera, aspect: f64, y_m: f64, radius_m: f64) {
    let axes = camera.world_from_camera.matrix3;
    let height = |(x, y): (f64, f64)| corner_ray(camera, aspect, &axes, x, y).0.y;
    let corners = [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)];
    let lowest_m = corners.map(height).into_iter().fold(f64::INFINITY, f64::min);
    if axes.z_axis.y < 1e-6 || lowest_m > y_m {
        return;
    }
    let advance_m = ((y_m - lowest_m) / axes.z_axis.y + radius_m).min(ENDLESS_RADII * radius_m);
    camera.world_from_camera.translation += axes.z_axis * advance_m;
    camera.clip_far_m += advance_m;
}

/// A sweep across the camera's direction and the size of its floor, as large as the border of the picture needs it, and
/// whether it fills the picture. It does not where rays go up and away from the wall, or further than an endless floor
/// would extend.
fn sweep(camera: &Camera, aspect: f64, base: DVec3, radius_m: f64) -> (Sweep, f64, bool) {
    let eye = camera.world_from_camera;
    let back = eye.matrix3.z_axis;
    // Seen straight from above, the lower edge of the picture is towards the camera.
    let level = DVec2::new(back.x, back.z);
    let down = -eye.matrix3.y_axis;
    let towards = if level.length() > 1e-6 { level } else { DVec2::new(down.x, down.z) }.normalize_or(DVec2::Y);
    let azimuth_deg = towards.x.atan2(towards.y).to_degrees();
    let (towards, right) = (DVec3::new(towards.x, 0.0, towards.y), DVec3::new(towards.y, 0.0, -towards.x));
    let distance_m = WALL_RADII * radius_m;

    let (mut height_m, mut half_m) = (WALL_HEIGHT_RADII * radius_m, distance_m + 2.0 * radius_m);
    let limit_m = ENDLESS_RADII * radius_m;
    let mut is_filled = true;
    for (x, y) in border() {
        let (origin, direction) = corner_ray(camera, aspect, &eye.matrix3, x, y);
        let from = origin - base;
        let advance = direction.dot(towards);
        // To the wall, or to the floor in front of it. A wall behind the camera does not count.
        let to_wall = (-distance_m - from.dot(towards)) / advance;
        let to_wall = if advance < 0.0 && to_wall > 0.0 { to_wall } else { f64::INFINITY };
        let to_floor = if direction.y < 0.0 && from.y > 0.0 { -from.y / direction.y } else { f64::INFINITY };
        let at = from + direction * to_wall.min(to_floor);
        if !at.is_finite() || at.y < -1e-6 * radius_m {
            is_filled = false;
            continue;
        }
        let reach = at.dot(right).abs().max(at.dot(towards).abs());
        is_filled &= at.y.max(reach) < limit_m;
        height_m = height_m.max((SWEEP_MARGIN * at.y).min(limit_m));
        half_m = half_m.max((SWEEP_MARGIN * reach).min(limit_m));
    }
    (Sweep { azimuth_deg, distance_m, radius_m: CURVE_RADII * radius_m, height_m }, 2.0 * half_m, is_filled)
}

/// Points around the border of the picture, as [`corner_ray`] takes them: between its corners, rays may reach further
/// along floor and wall than at them.
fn border() -> impl Iterator<Item = (f64, f64)> {
    let steps = (0..=BORDER_STEPS).map(|i| 2.0 * f64::from(i) / f64::from(BORDER_STEPS) - 1.0);
    steps.flat_map(|along| [(along, -1.0), (along, 1.0), (-1.0, along), (1.0, along)])
}

/// The ray through a point of the picture; −1 to 1 to the right, and up.
fn corner_ray(camera: &Camera, aspect: f64, axes: &DMat3, x: f64, y: f64) -> (DVec3, DVec3) {
    let origin = camera.world_from_camera.translation;
    match camera.projection {
        Projection::Perspective { fov_y_rad } => {
            let half = (0.5 * fov_y_rad).tan();
            (origin, axes.x_axis * (x * half * aspect) + axes.y_axis * (y * half) - axes.z_axis)
        }
        Projection::Orthographic { height_m } => {
            let half_m = 0.5 * height_m;
            (origin + axes.x_axis * (x * half_m * aspect) + axes.y_axis * (y * half_m), -axes.z_axis)
        }
    }
}

#[cfg(test)]
mod tests;
