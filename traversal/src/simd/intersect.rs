//! The triangle test: `W` pairs of ray and triangle at a time.
//!
//! After Woop, Benthin, Wald 2013 ("Watertight ray/triangle intersection"): vertices are taken relative to the ray's
//! origin and sheared so that the ray becomes the last axis; the signs of three 2D edge functions decide. A difference
//! of two rounded products never has the wrong sign, it can only become zero, and zero counts as inside on both sides
//! of an edge. No ray can therefore pass between triangles that share an edge or a vertex. Two-sided, without any
//! absolute tolerance.
//!
//! False hits beside a sliver, and distances that rounding cannot resolve, are bounded by the triangle's own box: a hit
//! must lie in it, and its distance is clamped to the interval in which the ray is in the box.

use super::lanes::Lanes;
use super::ray::LocalRays;

/// Lanes that passed the test.
pub(super) struct Candidates<F> {
    /// Which lanes passed.
    pub(super) lanes: u32,
    pub(super) t: F,
    /// Barycentric weights of vertices 1 and 2, times `determinant`.
    pub(super) weight_1: F,
    pub(super) weight_2: F,
    pub(super) determinant: F,
}

/// Twice the signed area of the triangle of the origin, `p` and `q`.
#[inline(always)]
fn edge<L: Lanes<W>, const W: usize>(lanes: L, p: [L::F; 2], q: [L::F; 2]) -> L::F {
    lanes.sub(lanes.mul(p[0], q[1]), lanes.mul(p[1], q[0]))
}

/// A point, shifted along the first two axes by as much as the ray has moved along them when it reaches the point's
/// level.
#[inline(always)]
fn sheared<L: Lanes<W>, const W: usize>(lanes: L, point: [L::F; 3], shear: [L::F; 3]) -> [L::F; 2] {
    [lanes.sub(point[0], lanes.mul(shear[0], point[2])), lanes.sub(point[1], lanes.mul(shear[1], point[2]))]
}

#[inline(always)]
fn least<L: Lanes<W>, const W: usize>(lanes: L, [a, b, c]: [L::F; 3]) -> L::F {
    lanes.min(a, lanes.min(b, c))
}

#[inline(always)]
fn greatest<L: Lanes<W>, const W: usize>(lanes: L, [a, b, c]: [L::F; 3]) -> L::F {
    lanes.max(a, lanes.max(b, c))
}

/// The interval that contains the triangles along one of the axes, and how far it reaches from the origin.
struct Extent<F> {
    low: F,
    high: F,
    reach: F,
}

#[inline(always)]
fn extent<L: Lanes<W>, const W: usize>(lanes: L, points: &[[L::F; 3]; 3], axis: usize) -> Extent<L::F> {
    let of_points = [points[0][axis], points[1][axis], points[2][axis]];
    let (low, high) = (least(lanes, of_points), greatest(lanes, of_points));
    Extent { low, high, reach: lanes.max(high, lanes.sub(lanes.splat(0.0), low)) }
}

/// Where the rays enter and leave the slab of an extent, which is widened in proportion to `reach`.
#[inline(always)]
fn slab<L: Lanes<W>, const W: usize>(
    lanes: L,
    rays: &LocalRays<L::F>,
    extent: &Extent<L::F>,
    axis: usize,
    reach: L::F,
) -> (L::F, L::F) {
    // Not a branch, which could not be foreseen.
    let is_negative = lanes.lt(rays.inverse[axis], lanes.splat(0.0));
    let (near, far) =
        (lanes.select(is_negative, extent.high, extent.low), lanes.select(is_negative, extent.low, extent.high));
    let shift = lanes.mul(reach, rays.own_reach[axis]);
    let enter = lanes.mul(lanes.sub(near, shift), rays.enter_inverse[axis]);
    let leave = lanes.mul(lanes.add(far, shift), rays.leave_inverse[axis]);
    (enter, leave)
}

/// Where the rays enter and leave the triangles' own boxes.
#[inline(always)]
fn own_box<L: Lanes<W>, const W: usize>(lanes: L, rays: &LocalRays<L::F>, points: &[[L::F; 3]; 3]) -> (L::F, L::F) {
    let extents = [extent(lanes, points, 0), extent(lanes, points, 1), extent(lanes, points, 2)];
    let along = extents[2].reach;
    let reaches = [
        lanes.add(extents[0].reach, lanes.mul(rays.slope[0], along)),
        lanes.add(extents[1].reach, lanes.mul(rays.slope[1], along)),
        lanes.add(along, along),
    ];
    let slabs = [
        slab(lanes, rays, &extents[0], 0, reaches[0]),
        slab(lanes, rays, &extents[1], 1, reaches[1]),
        slab(lanes, rays, &extents[2], 2, reaches[2]),
    ];
    (greatest(lanes, [slabs[0].0, slabs[1].0, slabs[2].0]), least(lanes, [slabs[0].1, slabs[1].1, slabs[2].1]))
}

/// The part of each lane's ray in which hits count.
#[derive(Clone, Copy)]
pub(super) struct Interval<F> {
    /// Hits are after this…
    pub(super) t_min: F,
    /// … and at or before this.
    pub(super) t_limit: F,
    /// Where the ray enters the instance's own box: hits with a smaller computed distance are moved there.
    pub(super) t_floor: F,
}

/// Tests each lane's ray against its triangle: vertices are given by coordinate, in the rays' order of axes.
#[inline(always)]
pub(super) fn intersect<L: Lanes<W>, const W: usize>(
    lanes: L,
    rays: &LocalRays<L::F>,
    interval: &Interval<L::F>,
    vertices: [[L::F; 3]; 3],
) -> Option<Candidates<L::F>> {
    let points = [
        lanes.sub3(vertices[0], rays.origin),
        lanes.sub3(vertices[1], rays.origin),
        lanes.sub3(vertices[2], rays.origin),
    ];
    let a = sheared(lanes, points[0], rays.shear);
    let b = sheared(lanes, points[1], rays.shear);
    let c = sheared(lanes, points[2], rays.shear);
    let weights = [edge(lanes, c, b), edge(lanes, a, c), edge(lanes, b, a)];

    let zero = lanes.splat(0.0);
    let determinant = lanes.add(lanes.add(weights[0], weights[1]), weights[2]);
    let is_inside = lanes.or(
        lanes.and(lanes.le(zero, least(lanes, weights)), lanes.lt(zero, determinant)),
        lanes.and(lanes.le(greatest(lanes, weights), zero), lanes.lt(determinant, zero)),
    );
    if lanes.bits(is_inside) == 0 {
        return None;
    }

    let weighted =
        [lanes.mul(weights[0], points[0][2]), lanes.mul(weights[1], points[1][2]), lanes.mul(weights[2], points[2][2])];
    let depth = lanes.div(lanes.add(lanes.add(weighted[0], weighted[1]), weighted[2]), determinant);
    let t = lanes.mul(depth, rays.shear[2]);

    let (enter, leave) = own_box(lanes, rays, &points);
    let t = lanes.max(lanes.max(lanes.min(t, leave), enter), interval.t_floor);

    let is_in_box = lanes.le(lanes.max(enter, interval.t_min), leave);
    let is_in_range = lanes.and(lanes.lt(interval.t_min, t), lanes.le(t, interval.t_limit));
    let passed = lanes.bits(lanes.and(is_inside, lanes.and(is_in_box, is_in_range)));
    if passed == 0 {
        return None;
    }
    Some(Candidates { lanes: passed, t, weight_1: weights[1], weight_2: weights[2], determinant })
}
