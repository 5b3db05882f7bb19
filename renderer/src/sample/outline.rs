//! Outlines of turned parts, and their revolution about Z.
//!
//! An outline lies in the half plane of a part's axis: x is the axial coordinate, y the radius, both in mm. It runs
//! counter-clockwise, so that its right side is outside, over lines, tangent arcs and sharp edges, with normals that
//! are exact at every point.

use std::f64::consts::{PI, TAU};

use glam::{DVec2, DVec3};

use super::shell::Shell;

/// Largest distance of a chord from its arc.
const TOLERANCE_MM: f64 = 0.004;
/// Largest angle between normals at consecutive points of an arc.
const MAX_STEP_RAD: f64 = 22.5 * PI / 180.0;

/// A piece of an outline. Straight lines join one piece to the next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece {
    /// A corner, rounded with this radius; inner corners turn right.
    Corner { at: DVec2, radius_mm: f64 },
    /// A corner without a radius.
    Edge { at: DVec2 },
    /// An arc about a centre, from one angle to another: counter-clockwise is a bulge, clockwise a groove.
    Arc { center: DVec2, radius_mm: f64, from_rad: f64, to_rad: f64 },
}

impl Piece {
    fn start(&self) -> DVec2 {
        match *self {
            Self::Corner { at, .. } | Self::Edge { at } => at,
            Self::Arc { center, radius_mm, from_rad, .. } => center + radius_mm * DVec2::from_angle(from_rad),
        }
    }

    fn end(&self) -> DVec2 {
        match *self {
            Self::Corner { at, .. } | Self::Edge { at } => at,
            Self::Arc { center, radius_mm, to_rad, .. } => center + radius_mm * DVec2::from_angle(to_rad),
        }
    }
}

/// Points of an outline with their outward unit normals.
pub(super) struct Outline {
    points: Vec<(DVec2, DVec2)>,
    closed: bool,
}

impl Outline {
    /// The outline of a ring: it returns to its beginning.
    pub(super) fn ring(pieces: &[Piece]) -> Self {
        let mut outline = Self { points: Vec::new(), closed: true };
        for (i, piece) in pieces.iter().enumerate() {
            let previous = pieces[(i + pieces.len() - 1) % pieces.len()].end();
            outline.push_piece(previous, piece, pieces[(i + 1) % pieces.len()].start());
        }
        outline
    }

    /// The outline of a full body: it rises from the axis straight to the first piece and falls straight from the last.
    pub(super) fn body(pieces: &[Piece]) -> Self {
        let mut outline = Self { points: Vec::new(), closed: false };
        let on_axis = |point: DVec2| DVec2::new(point.x, 0.0);
        let (first, last) = match (pieces.first(), pieces.last()) {
            (Some(first), Some(last)) => (on_axis(first.start()), on_axis(last.end())),
            _ => return outline,
        };
        outline.points.push((first, DVec2::X));
        for (i, piece) in pieces.iter().enumerate() {
            let previous = i.checked_sub(1).map_or(first, |i| pieces[i].end());
            outline.push_piece(previous, piece, pieces.get(i + 1).map_or(last, Piece::start));
        }
        outline.points.push((last, DVec2::NEG_X));
        outline
    }

    fn push_piece(&mut self, previous: DVec2, piece: &Piece, next: DVec2) {
        match *piece {
            Piece::Arc { center, radius_mm, from_rad, to_rad } => {
                self.push_arc(center, radius_mm, from_rad, to_rad - from_rad);
            }
            Piece::Edge { at } => {
                // Outside is on the right.
                let normal = |from: DVec2, to: DVec2| -(to - from).perp().normalize();
                self.points.extend([(at, normal(previous, at)), (at, normal(at, next))]);
            }
            Piece::Corner { at, radius_mm } => {
                let (back, ahead) = ((previous - at).normalize(), (next - at).normalize());
                let half_angle = 0.5 * back.dot(ahead).clamp(-1.0, 1.0).acos();
                let center = at + (back + ahead).normalize() * (radius_mm / half_angle.sin());
                let start = at + back * (radius_mm / half_angle.tan()) - center;
                let turn = (at - previous).perp_dot(next - at).signum();
                self.push_arc(center, radius_mm, start.to_angle(), turn * (PI - 2.0 * half_angle));
            }
        }
    }

    fn push_arc(&mut self, center: DVec2, radius_mm: f64, from_rad: f64, sweep_rad: f64) {
        let step_rad = (2.0 * (1.0 - TOLERANCE_MM / radius_mm).max(0.0).acos()).min(MAX_STEP_RAD);
        // An even number, so that the middle of a symmetric arc is a point: there a ball touches its raceway.
        let n_steps = 2 * (sweep_rad.abs() / (2.0 * step_rad)).ceil().max(1.0) as usize;
        for step in 0..=n_steps {
            let direction = DVec2::from_angle(from_rad + sweep_rad * step as f64 / n_steps as f64);
            self.push_point(center + radius_mm * direction, direction * sweep_rad.signum());
        }
    }

    /// Arcs that touch share their end: the second point with an equal normal would only make empty triangles.
    fn push_point(&mut self, point: DVec2, normal: DVec2) {
        let repeats = |&(other, _): &(DVec2, DVec2)| point.abs_diff_eq(other, 1e-9);
        let closes = self.closed && self.points.first().is_some_and(repeats);
        if !closes && !self.points.last().is_some_and(repeats) {
            self.points.push((point, normal));
        }
    }

    /// Turns the outline about Z in `n_segments` steps, the first at `start_rad` from +X.
    pub(super) fn revolve(&self, n_segments: usize, start_rad: f64) -> Shell {
        let mut shell = Shell::default();
        let directions: Vec<DVec2> =
            (0..n_segments).map(|k| DVec2::from_angle(start_rad + TAU * k as f64 / n_segments as f64)).collect();
        let place = |direction: DVec2, p: DVec2| DVec3::new(direction.x * p.y, direction.y * p.y, p.x);
        // A circle of vertices per point, a single one where the point lies on the axis.
        let circles: Vec<Vec<u32>> = self
            .points
            .iter()
            .map(|&(point, normal)| match point.y == 0.0 {
                true => vec![shell.push(DVec3::new(0.0, 0.0, point.x), DVec3::new(0.0, 0.0, normal.x)); n_segments],
                false => directions.iter().map(|&d| shell.push(place(d, point), place(d, normal))).collect(),
            })
            .collect();
        let n_spans = circles.len() - usize::from(!self.closed);
        for i in 0..n_spans {
            let next = (i + 1) % circles.len();
            // The two sides of an edge.
            if self.points[i].0 == self.points[next].0 {
                continue;
            }
            let (here, there) = (&circles[i], &circles[next]);
            for k in 0..n_segments {
                let l = (k + 1) % n_segments;
                if here[k] == here[l] {
                    shell.triangles.push([here[k], there[k], there[l]]);
                } else if there[k] == there[l] {
                    shell.triangles.push([here[k], there[k], here[l]]);
                } else {
                    shell.push_quad([here[k], there[k], there[l], here[l]]);
                }
            }
        }
        shell
    }
}
