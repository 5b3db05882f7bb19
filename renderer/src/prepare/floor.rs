//! The floor under a product as triangles: a square, or a sweep that rises to a wall.

use std::f64::consts::FRAC_PI_2;

use glam::{DAffine3, DVec2, DVec3};
use packshot_shaders::constants::{SLOT_FLAT, SLOT_FLOOR};
use packshot_shaders::layout::scene::{Slot, Triangle, Vertex};

use super::RenderSpace;
use super::geometry::{Geometry, PlacedMesh};
use crate::shot::view::ViewDirection;
use crate::shot::{Floor, Sweep};

/// Flat strips that approximate the quarter cylinder; their normals are the cylinder's.
const SWEEP_STRIPS: u32 = 64;

/// Most that the innermost square of a floor measures from its middle to a side, in render units, of which the
/// product's radius is one. A ray that starts on a triangle must not hit it again, and the precision of that depends on
/// the triangle's size: near the middle, light was 0.6 % too dark on a square of 500 units and 14 % on one of 2000; on
/// one of 80 nothing was lost.
const INNERMOST_HALF: f64 = 8.0;

/// The same for the innermost piece of a sweep; see [`INNERMOST_HALF`].
const SWEEP_INNERMOST_HALF: f64 = 40.0;

/// A line across a sweep: its distance from the floor's centre towards the camera, its height above the floor, and the
/// normal there as components along the same two directions.
struct Line {
    place: DVec2,
    normal: DVec2,
}

impl Geometry {
    /// Adds a floor as the last part. It joins the baked mesh if there is one.
    pub(crate) fn push_floor(&mut self, floor: &Floor, space: &RenderSpace, material: u32, part: u32) {
        let center = DVec3::new(floor.center_m[0], floor.y_m, floor.center_m[1]);
        let first = self.triangles.len();
        let slot = self.slots.len() as u32;
        let flat = if floor.sweep.is_none() { SLOT_FLAT } else { 0 };
        self.slots.push(Slot { material, part, flags: SLOT_FLOOR | flat, ..Slot::default() });
        let all_is_baked = self.instances.len() == 1 && self.instances[0].world_from_local == DAffine3::IDENTITY;
        let (slot_base, slot) = if all_is_baked { (0, slot) } else { (slot, 0) };
        let vertex = |at: DVec3, normal: DVec3| Vertex {
            position: space.point(center + at).as_vec3(),
            normal: normal.as_vec3(),
            ..Vertex::default()
        };
        let half_m = 0.5 * floor.size_m;
        match &floor.sweep {
            None => {
                for [from, to] in squares(half_m, INNERMOST_HALF / space.units_per_m) {
                    let corner = |x: f64, z: f64| vertex(DVec3::new(x, 0.0, z), DVec3::Y);
                    let near = [corner(from.x, to.y), corner(to.x, to.y)];
                    self.push_strip(near, [corner(from.x, from.y), corner(to.x, from.y)], slot);
                }
            }
            Some(sweep) => {
                let turned = ViewDirection { azimuth_deg: sweep.azimuth_deg, elevation_deg: 0.0 }.orientation();
                let (right, towards) = (turned.x_axis, turned.z_axis);
                let at = |line: &Line, side: f64| {
                    let normal = towards * line.normal.x + DVec3::Y * line.normal.y;
                    vertex(towards * line.place.x + DVec3::Y * line.place.y + right * side, normal)
                };
                let innermost_m = SWEEP_INNERMOST_HALF / space.units_per_m;
                let outwards = growing(half_m, innermost_m);
                let sides: Vec<f64> = outwards.iter().rev().map(|side| -side).chain(outwards.iter().copied()).collect();
                for pair in lines(half_m, sweep, innermost_m).windows(2) {
                    for side in sides.windows(2) {
                        let ends = |line: &Line| [at(line, side[0]), at(line, side[1])];
                        self.push_strip(ends(&pair[0]), ends(&pair[1]), slot);
                    }
                }
            }
        }
        if all_is_baked {
            self.meshes[0].end = self.triangles.len();
        } else {
            self.meshes.push(first..self.triangles.len());
            let mesh = (self.meshes.len() - 1) as u32;
            self.instances.push(PlacedMesh { mesh, world_from_local: DAffine3::IDENTITY, slot_base });
        }
    }

    /// Two triangles between a line and the next one further away, each given by its left and right ends.
    fn push_strip(&mut self, [near_left, near_right]: [Vertex; 2], [far_left, far_right]: [Vertex; 2], slot: u32) {
        let v = self.vertices.len() as u32;
        self.vertices.extend([near_left, near_right, far_left, far_right]);
        self.triangles.push(Triangle { v0: v, v1: v + 1, v2: v + 3, slot });
        self.triangles.push(Triangle { v0: v, v1: v + 3, v2: v + 2, slot });
    }
}

/// Squares that together form one of this half side, each by its minimum and maximum corner: one in the middle that
/// respects the size limit, surrounded by rings of eight, each square of a ring as large as everything that the ring
/// surrounds.
fn squares(half_m: f64, innermost_m: f64) -> Vec<[DVec2; 2]> {
    let halves = growing(half_m, innermost_m);
    let mut squares = Vec::new();
    for pair in halves.windows(2) {
        // Neighbouring squares share these coordinates bit for bit.
        let edges = [-pair[1], -pair[0], pair[0], pair[1]];
        for (i, j) in (0..3).flat_map(|i| (0..3).map(move |j| (i, j))).filter(|&place| place != (1, 1)) {
            squares.push([DVec2::new(edges[i], edges[j]), DVec2::new(edges[i + 1], edges[j + 1])]);
        }
    }
    squares.push([DVec2::splat(-halves[0]), DVec2::splat(halves[0])]);
    squares
}

/// Positions at which a length up to `end_m` is divided: each piece is three times as long as the one before, and the
/// first at most `first_m`.
fn growing(end_m: f64, first_m: f64) -> Vec<f64> {
    let mut lengths = vec![end_m];
    while lengths[lengths.len() - 1] > first_m {
        lengths.push(lengths[lengths.len() - 1] / 3.0);
    }
    lengths.reverse();
    lengths
}

/// From the edge nearest to the camera to the upper edge of the wall.
fn lines(half_m: f64, sweep: &Sweep, innermost_m: f64) -> Vec<Line> {
    let line = |place: DVec2, normal: DVec2| Line { place, normal };
    let near = growing(half_m, innermost_m).into_iter().rev().map(|place| line(DVec2::new(place, 0.0), DVec2::Y));
    let axis = DVec2::new(sweep.radius_m - sweep.distance_m, sweep.radius_m);
    let arc = (0..=SWEEP_STRIPS).map(|i| {
        let (sin, cos) = (FRAC_PI_2 * f64::from(i) / f64::from(SWEEP_STRIPS)).sin_cos();
        let normal = DVec2::new(sin, cos);
        line(axis - normal * sweep.radius_m, normal)
    });
    let heights = growing(sweep.height_m, innermost_m).into_iter().filter(|&height| height > sweep.radius_m);
    let wall = heights.map(|height| line(DVec2::new(-sweep.distance_m, height), DVec2::X));
    near.chain(arc).chain(wall).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_make_up_the_floor() {
        for half_m in [0.5, 8.0, 9.0, 1000.0] {
            let squares = squares(half_m, 8.0);
            let area = |[from, to]: &[DVec2; 2]| (to.x - from.x) * (to.y - from.y);
            let sum: f64 = squares.iter().map(area).sum();
            assert!((sum / (4.0 * half_m * half_m) - 1.0).abs() < 1e-12, "{half_m}: {squares:?}");
            let is_small = |[from, to]: &&[DVec2; 2]| from.abs().max(to.abs()).max_element() <= 8.0;
            assert!(squares.iter().any(|square| is_small(&square)), "{half_m}");
            // No square is larger than its distance from the middle permits.
            let nearest = |[from, to]: &[DVec2; 2]| from.max(-*to).max(DVec2::ZERO).max_element();
            let side = |[from, to]: &[DVec2; 2]| (*to - *from).max_element();
            assert!(squares.iter().all(|square| side(square) <= (2.0 * nearest(square)).max(16.0) * 1.0001));
        }
    }

    #[test]
    fn a_large_sweep_is_cut_into_pieces_that_grow() {
        let sweep = Sweep { azimuth_deg: 0.0, distance_m: 5.0, radius_m: 4.0, height_m: 300.0 };
        let lines = lines(500.0, &sweep, 40.0);
        assert_eq!((lines[0].place, lines[lines.len() - 1].place), (DVec2::new(500.0, 0.0), DVec2::new(-5.0, 300.0)));
        for pair in lines.windows(2) {
            let (length, nearest) =
                ((pair[1].place - pair[0].place).length(), pair[0].place.length().min(pair[1].place.length()));
            assert!(
                length > 0.0 && length <= (2.0 * nearest).max(80.0) * 1.0001,
                "{} {}",
                pair[0].place,
                pair[1].place
            );
        }
        assert_eq!(growing(30.0, 40.0), [30.0]);
        assert_eq!(growing(270.0, 40.0), [30.0, 90.0, 270.0]);
    }

    #[test]
    fn a_sweep_is_a_floor_a_quarter_of_a_cylinder_and_a_wall() {
        let sweep = Sweep { azimuth_deg: 0.0, distance_m: 5.0, radius_m: 2.0, height_m: 7.0 };
        let lines = lines(10.0, &sweep, 40.0);
        let places: Vec<DVec2> = lines.iter().map(|line| line.place).collect();
        let close = |a: DVec2, b: DVec2| (a - b).length() < 1e-12;
        assert!(close(places[0], DVec2::new(10.0, 0.0)) && close(places[1], DVec2::new(-3.0, 0.0)));
        assert!(close(places[places.len() - 2], DVec2::new(-5.0, 2.0)), "{places:?}");
        assert!(close(places[places.len() - 1], DVec2::new(-5.0, 7.0)));
        let on_cylinder = |line: &Line| (line.place - DVec2::new(-3.0, 2.0)).length() - 2.0;
        assert!(lines[1..lines.len() - 1].iter().all(|line| on_cylinder(line).abs() < 1e-12));
        for pair in lines.windows(2) {
            let across = pair[1].place - pair[0].place;
            assert!(
                pair[0].normal.dot(across) > -1e-9 && pair[1].normal.dot(across) < 1e-9,
                "it curves towards the room"
            );
        }
    }
}
