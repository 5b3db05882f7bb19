//! Areas around an axis.

use std::f64::consts::TAU;

use glam::{DMat2, DMat3, DVec2, DVec3};
use packshot_renderer::scene::{DesignLay, WorldRow};

use super::chart::{Chart, FlatFace, UPRIGHT};
use super::surface::{Face, Surface, upright};

/// How far a surface may be from the cylinder, as a fraction of its radius.
const DEVIATION_MAX: f64 = 0.02;
/// Cosine between the normal and the direction away from the axis.
const FACING_MIN: f64 = 0.7;
/// The fraction of a surface that lies on the cylinder where it is taken for one unasked.
pub(super) const SHARE_MIN: f64 = 0.95;
/// A smaller gap in the angles does not open the area, radians.
const GAP_MAX_RAD: f64 = 0.03;

/// A cylinder that faces outwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cylinder {
    /// Unit.
    axis: DVec3,
    /// On the axis.
    center: DVec3,
    radius_m: f64,
}

/// The cylinder that most of a surface lies on, around `axis` if one is given, and which fraction does.
pub(super) fn fit(surface: &Surface, axis: Option<DVec3>) -> Option<(Cylinder, f64)> {
    let axes = match axis {
        Some(axis) => vec![axis],
        None => [DVec3::Y, DVec3::X, DVec3::Z].into_iter().chain(least_normal(surface)).collect(),
    };
    let fits = axes.into_iter().filter_map(|axis| fit_around(surface, axis));
    // Of equal ones the first.
    fits.reduce(|best, other| if other.1 > best.1 + 1e-6 { other } else { best })
}

/// The direction that normals have least of.
fn least_normal(surface: &Surface) -> Option<DVec3> {
    let outer = |n: DVec3| DMat3::from_cols(n * n.x, n * n.y, n * n.z);
    let sum = surface.faces.iter().fold(DMat3::ZERO, |sum, face| sum + outer(face.normal) * face.area_m2);
    // The largest of what is left of the identity.
    let left = DMat3::from_diagonal(DVec3::splat(surface.area_m2)) - sum;
    let mut direction = DVec3::new(0.48, 0.62, 0.62);
    for _ in 0..200 {
        direction = (left * direction).try_normalize()?;
    }
    Some(direction)
}

fn fit_around(surface: &Surface, axis: DVec3) -> Option<(Cylinder, f64)> {
    let (e1, e2) = axis.any_orthonormal_pair();
    let sides = || surface.faces.iter().filter(move |face| face.normal.dot(axis).abs() < 0.3);
    let mut cylinder = circle(sides(), axis, [e1, e2])?;
    // What faces outwards, and of that the radius that most of it has.
    let mut radii: Vec<(f64, f64)> = sides()
        .filter(|face| cylinder.facing(face) > FACING_MIN)
        .map(|face| (cylinder.radius_of(face.corners[0]), face.area_m2))
        .collect();
    radii.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = 0.5 * radii.iter().map(|(_, area)| area).sum::<f64>();
    let mut sum = 0.0;
    cylinder.radius_m = radii
        .iter()
        .find(|(_, area)| {
            sum += area;
            sum >= half
        })?
        .0;
    for tolerance in [0.2, 0.08, 0.04, DEVIATION_MAX] {
        let near = sides().filter(|face| cylinder.has(face, tolerance));
        cylinder = circle(near, axis, [e1, e2])?;
    }
    let is_on = |face: &&Face| cylinder.has(face, DEVIATION_MAX) && cylinder.holds(face);
    let on: f64 = sides().filter(is_on).map(|face| face.area_m2).sum();
    Some((cylinder, on / surface.area_m2))
}

/// The circle through the corners of faces, seen along the axis: least squares of x² + y² = 2 a x + 2 b y + c (Kåsa
/// 1976, "A circle fitting procedure and its error analysis").
fn circle<'a>(faces: impl Iterator<Item = &'a Face>, axis: DVec3, [e1, e2]: [DVec3; 2]) -> Option<Cylinder> {
    let (mut normal, mut right, mut origin) = (DMat3::ZERO, DVec3::ZERO, None);
    for face in faces {
        for corner in face.corners {
            let from = *origin.get_or_insert(corner);
            // Centred, so that the equations are well conditioned.
            let row = DVec3::new((corner - from).dot(e1), (corner - from).dot(e2), 1.0);
            let square = row.x * row.x + row.y * row.y;
            normal += DMat3::from_cols(row * row.x, row * row.y, row) * face.area_m2;
            right += row * square * face.area_m2;
        }
    }
    let scale = normal.z_axis.z;
    if !(normal / scale).determinant().is_normal() {
        return None;
    }
    let solved = normal.inverse() * right;
    let center = 0.5 * DVec2::new(solved.x, solved.y);
    let radius_m = (solved.z + center.length_squared()).sqrt();
    let center = origin? + e1 * center.x + e2 * center.y;
    (radius_m.is_finite() && radius_m > 0.0).then_some(Cylinder { axis, center, radius_m })
}

impl Cylinder {
    fn radial(&self, p: DVec3) -> DVec3 {
        let to = p - self.center;
        to - self.axis * to.dot(self.axis)
    }

    fn radius_of(&self, p: DVec3) -> f64 {
        self.radial(p).length()
    }

    /// Cosine between a face's normal and the direction away from the axis.
    fn facing(&self, face: &Face) -> f64 {
        let middle = (face.corners[0] + face.corners[1] + face.corners[2]) / 3.0;
        self.radial(middle).normalize_or_zero().dot(face.normal)
    }

    fn has(&self, face: &Face, tolerance: f64) -> bool {
        let is_near = |p: &DVec3| (self.radius_of(*p) / self.radius_m - 1.0).abs() <= tolerance;
        face.corners.iter().all(is_near) && self.facing(face) > FACING_MIN
    }
}

impl Cylinder {
    /// Whether a face lies on it between its corners too: those of a plate may lie on a cylinder.
    fn holds(&self, face: &Face) -> bool {
        let is_near = |p: &DVec3| (self.radius_of(*p) / self.radius_m - 1.0).abs() <= DEVIATION_MAX;
        between(face).iter().all(is_near)
    }
}

/// The middles of a face and of its edges.
fn between(face: &Face) -> [DVec3; 4] {
    let [a, b, c] = face.corners;
    [0.5 * (a + b), 0.5 * (b + c), 0.5 * (c + a), (a + b + c) / 3.0]
}

/// The area on a cylinder; `None` where it has no extent.
pub(super) fn chart(surface: &Surface, cylinder: &Cylinder) -> Option<Chart> {
    let faces: Vec<&Face> = surface.faces.iter().filter(|face| cylinder.has(face, DEVIATION_MAX)).collect();
    let (reference, closed_arc) = covered(cylinder, &faces)?;
    let (front, arc_rad) = closed_arc.map_or((reference, TAU), |(front, arc)| (front, arc));
    let is_closed = closed_arc.is_none();
    // Along the axis or around it, whichever is upwards.
    let [right, up] = upright(front);
    let (side, down, upright_from_flat) = if cylinder.axis.dot(up).abs() >= cylinder.axis.dot(right).abs() {
        let upwards = cylinder.axis * cylinder.axis.dot(up).signum();
        (upwards.cross(front), -upwards, UPRIGHT)
    } else {
        let rightwards = cylinder.axis * cylinder.axis.dot(right).signum();
        // v grows to the right, and u upwards.
        (front.cross(rightwards), rightwards, DMat2::from_cols(DVec2::Y, DVec2::X))
    };
    let along = || faces.iter().flat_map(|face| face.corners).map(|p| p.dot(down));
    let (low, high) = (along().reduce(f64::min)?, along().reduce(f64::max)?);
    let size_mm = DVec2::new(cylinder.radius_m * arc_rad, high - low) * 1e3;
    if size_mm.min_element() < super::SIDE_MM_MIN {
        return None;
    }
    let pictures_per_turn = TAU / arc_rad;
    let u_of = |p: DVec3| {
        let from = cylinder.radial(p);
        0.5 + from.dot(side).atan2(from.dot(front)) / TAU * pictures_per_turn
    };
    let flat = |face: &Face| {
        let first = u_of(face.corners[0]);
        face.corners.map(|p| {
            let u = u_of(p);
            // On the same side of the cut as the first corner.
            let u = u - ((u - first) / pictures_per_turn).round() * pictures_per_turn;
            DVec2::new(u * size_mm.x, (p.dot(down) - low) * 1e3)
        })
    };
    let mut radii_m = [f64::INFINITY, 0.0_f64];
    for face in &faces {
        for p in face.corners.into_iter().chain(between(face)) {
            let radius = cylinder.radius_of(p);
            radii_m = [radii_m[0].min(radius), radii_m[1].max(radius)];
        }
    }
    let row = |direction: DVec3| WorldRow { along: direction, offset: -direction.dot(cylinder.center) };
    let height = high - low;
    let lay = DesignLay::Cylindrical {
        side: row(side),
        front: row(front),
        v: WorldRow { along: down / height, offset: -low / height },
        pictures_per_turn,
        radii_m: [radii_m[0] * 0.998, radii_m[1] * 1.002],
    };
    let flat_face = |face: &&Face| {
        let radius = cylinder.radius_of(face.corners[0]) / cylinder.radius_m;
        FlatFace {
            flat_mm: flat(face),
            world: face.corners,
            normal: face.normal,
            area_m2: face.area_m2,
            stretch: radius.max(1.0 / radius),
        }
    };
    let wraps = [is_closed, false];
    Some(Chart { lay, size_mm, wraps, upright_from_flat, faces: faces.iter().map(flat_face).collect() })
}

/// The direction from the axis to the front where the faces close around it; else also the middle of the arc that they
/// cover, and the arc in radians.
fn covered(cylinder: &Cylinder, faces: &[&Face]) -> Option<(DVec3, Option<(DVec3, f64)>)> {
    let across = |direction: DVec3| direction - cylinder.axis * cylinder.axis.dot(direction);
    // The front, and on top where the axis points to the front.
    let front = if across(DVec3::Z).length() > 0.1 { across(DVec3::Z) } else { across(DVec3::Y) }.try_normalize()?;
    let side = cylinder.axis.cross(front);
    let angle = |p: DVec3| {
        let from = cylinder.radial(p);
        from.dot(side).atan2(from.dot(front))
    };
    let mut spans: Vec<[f64; 2]> = faces
        .iter()
        .map(|face| {
            let first = angle(face.corners[0]);
            let near = face.corners.map(|p| first + (angle(p) - first + TAU / 2.0).rem_euclid(TAU) - TAU / 2.0);
            let low = near[0].min(near[1]).min(near[2]);
            let high = near[0].max(near[1]).max(near[2]);
            let turned = low.rem_euclid(TAU);
            [turned, turned + high - low]
        })
        .collect();
    spans.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let first = spans.first()?[0];
    let (mut reached, mut widest) = (spans[0][1], [0.0, 0.0]);
    for [from, to] in spans.iter().skip(1).copied().chain([[first + TAU, first + TAU]]) {
        if from - reached > widest[1] - widest[0] {
            widest = [reached, from];
        }
        reached = reached.max(to);
    }
    let gap = widest[1] - widest[0];
    if gap < GAP_MAX_RAD {
        return Some((front, None));
    }
    let arc = TAU - gap;
    let middle = widest[1] + 0.5 * arc;
    Some((front, Some((front * middle.cos() + side * middle.sin(), arc))))
}
