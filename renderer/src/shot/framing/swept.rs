//! The envelope of a product that turns.

use glam::{DVec2, DVec3};

use super::{Envelope, Hull};
use crate::scene::Bounds;

/// When this many points have gathered, they are thinned out to those on the hull.
const POINTS_MAX: usize = 1 << 14;

/// The convex body that a hull sweeps when it turns once around a vertical axis: a body of revolution. A camera that
/// has it in view has the product in view at every angle, so the product of a turntable does not move in the frame,
/// whatever the number of frames.
#[derive(Clone, Debug)]
pub struct SweptHull {
    /// x and z of the vertical axis.
    axis: DVec2,
    /// Convex outline in the half plane through the axis: distance from the axis, and height; the lowest point first.
    outline: Vec<DVec2>,
}

impl SweptHull {
    /// Sweeps `hull` around the vertical axis through (x, z).
    pub fn new(hull: &Hull<'_>, axis: DVec2) -> Self {
        let mut points: Vec<DVec2> = Vec::new();
        for point in hull.points() {
            points.push(DVec2::new(DVec2::new(point.x, point.z).distance(axis), point.y));
            if points.len() == POINTS_MAX {
                points = outline(points);
            }
        }
        Self { axis, outline: outline(points) }
    }

    /// The greatest distance from the axis.
    fn reach(&self) -> f64 {
        self.outline.iter().fold(0.0, |reach, point| point.x.max(reach))
    }
}

impl Envelope for SweptHull {
    fn support(&self, direction: DVec3) -> Option<DVec3> {
        let across = DVec2::new(direction.x, direction.z);
        let along = DVec2::new(across.length(), direction.y);
        let farthest = self.outline.iter().copied().max_by(|a, b| a.dot(along).total_cmp(&b.dot(along)))?;
        // For a vertical direction, all points of a circle are as far as its centre.
        let at = self.axis + across.normalize_or_zero() * farthest.x;
        Some(DVec3::new(at.x, farthest.y, at.y))
    }

    fn bounds(&self) -> Bounds {
        let reach = self.reach();
        let height = |point: Option<&DVec2>| point.map_or(0.0, |point| point.y);
        let (low, high) = (height(self.outline.first()), height(self.outline.last()));
        Bounds {
            min: DVec3::new(self.axis.x - reach, low, self.axis.y - reach),
            max: DVec3::new(self.axis.x + reach, high, self.axis.y + reach),
        }
    }
}

/// Of points (distance, height), those on the outer convex outline, from the lowest to the highest (Andrew 1979).
fn outline(mut points: Vec<DVec2>) -> Vec<DVec2> {
    points.sort_by(|a, b| a.y.total_cmp(&b.y).then(b.x.total_cmp(&a.x)));
    let mut outline: Vec<DVec2> = Vec::new();
    for point in points {
        // Of points at the same height, the first is the farthest from the axis.
        if outline.last().is_some_and(|last| last.y == point.y) {
            continue;
        }
        while let [.., before, last] = outline[..]
            && (last - before).perp_dot(point - last) <= 0.0
        {
            outline.pop();
        }
        outline.push(point);
    }
    outline
}
