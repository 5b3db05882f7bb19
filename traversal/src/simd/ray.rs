//! Rays in the frame of one tree, and the values that box tests need.
//!
//! The box test is the slab test with conservative bounds on rounding (Ize 2013, "Robust BVH ray traversal"; Woop,
//! Benthin, Wald 2013, "Watertight ray/triangle intersection", section 4): entry planes are moved towards the ray and
//! exit planes away from it, by a multiple of the unit roundoff times the size of the coordinates, and distances are
//! widened likewise. Two sets of bounds nest: `OWN` covers the errors of the triangle test and is used for a triangle's
//! (and an instance's) own box, in the same operations everywhere; `NODE` covers those of `OWN` as well as its own,
//! uses whichever operations are fastest, and is used for the boxes of nodes.
//!
//! What rounding does to a triangle depends on how far its vertices are from the ray's origin, not on how large the
//! scene is: rays that leave a wide floor would otherwise still meet the boxes of its triangles. The triangle test
//! shears vertices along the ray's dominant axis. With u the unit roundoff, s the slope (direction along an axis over
//! that along the dominant one), and coordinates relative to the origin of at most p along the axis and P along the
//! dominant one, sheared vertices are off by at most 2 u p + 5 u s P, and the edge functions by as much as moving a
//! vertex by another 2 u (p + s P); GPUs, whose divisions are off by up to 2.5 ulp, add 5 u s P. So a triangle's own
//! box is widened by 12 u (p + s P) along each axis (`OWN_REACH`).
//!
//! A node knows neither p nor P. Where the ray is at distance t in a triangle's own box, p is at most t times the
//! direction along the axis, plus the box's extent, and P likewise; s P is then t times the direction along the axis
//! again, plus s times the extent along the dominant axis. What is proportional to t widens distances: 24 u, to which
//! come 17 u for `OWN` and the operations of the own box, and the operations of the node's (`NODE`). What is
//! proportional to extents, 29 u of the axis' own and 12 u of any other, widens the box when the tree is made
//! (`Bounds::widened`). What is left is the rounding of planes and of the product of origin and reciprocal, a few u
//! times the origin's coordinate (`NODE_ORIGIN`).
//!
//! In the frame of an instance a single ray is prepared with its x, y and z in adjacent lanes, packets and rays of the
//! outermost tree (`prepared`) with the rays in adjacent lanes, by the same operations in the same order, so that all
//! get the same numbers.

use glam::Vec3A;
use packshot_shaders::layout::ray::Ray;

use super::lanes::Lanes;
use crate::COORDINATE_MAX;
use crate::wide::Root;

/// Unit roundoff of f32.
const UNIT: f32 = f32::EPSILON * 0.5;
/// By which part distances are widened, for own boxes and for those of nodes. Planes around instances are moved by this
/// over the magnitude of all coordinates.
pub(super) const OWN: f32 = 12.0 * UNIT;
pub(super) const NODE: f32 = 64.0 * UNIT;
/// How far the planes of a triangle's own box are moved along an axis, over the reach of its vertices.
pub(super) const OWN_REACH: f32 = 12.0 * UNIT;
/// Added to slopes there: covers what `FLAT` moves rays by.
pub(super) const OWN_SLOPE: f32 = 1.0 / (1u32 << 18) as f32;
/// How far planes of nodes over triangles are moved along an axis, over the origin's coordinate and over the magnitude
/// of all coordinates: this covers what `FLAT` moves rays by.
pub(super) const NODE_ORIGIN: f32 = 8.0 * UNIT;
pub(super) const NODE_FLAT: f32 = 2.0 * FLAT;
/// Direction components below this fraction of the largest are raised to it where a reciprocal is taken, to keep it
/// finite. In box tests this moves a ray by less than this times the way along the dominant axis.
pub(super) const FLAT: f32 = 1.0 / (1u64 << 40) as f32;
/// Directions outside this range, or coordinates beyond it, would overflow in products; such rays hit nothing.
pub(super) const DIRECTION_MIN: f32 = 1e-15;
pub(super) const DIRECTION_MAX: f32 = 1e15;
pub(super) const REACH_MAX: f32 = 6.0 * COORDINATE_MAX;

/// Rays whose slopes (direction along an axis over that along the dominant one) differ by more are no packet: it would
/// be tested against much that only few of them are near.
const SPREAD_MAX: f32 = 0.25;

/// What a tree is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Triangles,
    Instances,
}

/// A ray in a tree's frame.
#[derive(Clone, Copy)]
pub(super) struct LocalRay {
    /// The axes in the order of the triangle test: the dominant one comes last.
    pub(super) axes: [usize; 3],
    pub(super) origin: Vec3A,
    pub(super) direction: Vec3A,
    /// Reciprocals of the direction's components.
    pub(super) inverse: Vec3A,
    /// Magnitude of the coordinates involved.
    pub(super) magnitude: f32,
}

/// Rays from the caller, one per lane, by axis.
#[derive(Clone, Copy)]
pub(super) struct WorldRays<F> {
    pub(super) origin: [F; 3],
    pub(super) direction: [F; 3],
    /// At least zero.
    pub(super) t_min: F,
    pub(super) t_max: F,
}

/// Rays in a tree's frame, one in each lane, with equal signs of direction and an equal dominant axis. Values are in
/// the order of axes of the triangle test: `axes[2]` is the dominant axis.
#[derive(Clone, Copy)]
pub(super) struct LocalRays<F> {
    pub(super) axes: [usize; 3],
    /// For each of the axes, whether the rays go towards lower coordinates.
    pub(super) is_negative: [bool; 3],
    pub(super) origin: [F; 3],
    /// Direction components over that of the last axis, for the first two axes; then the reciprocal of the last one.
    pub(super) shear: [F; 3],
    /// The magnitude of `shear` along the first two axes, with [`OWN_SLOPE`].
    pub(super) slope: [F; 2],
    /// [`OWN_REACH`] with the signs of the direction.
    pub(super) own_reach: [F; 3],
    /// Reciprocals for entry and exit planes of the own box.
    pub(super) enter_inverse: [F; 3],
    pub(super) leave_inverse: [F; 3],
    /// Reciprocals of the direction's components.
    pub(super) inverse: [F; 3],
    /// Magnitude of the coordinates involved.
    pub(super) magnitude: F,
}

/// Bounds on rays including the rounding errors of node tests, by x, y, z: none of them passes the plane at x along an
/// axis before `(x - enter_origin) * enter_inverse` or after `(x - leave_origin) * leave_inverse`, unless that is
/// negative.
#[derive(Clone, Copy, Debug)]
pub(super) struct RayBounds {
    /// Bit `i`: the ray goes towards lower coordinates along axis `i`.
    pub(super) negative_axes: u32,
    pub(super) enter_origin: Vec3A,
    pub(super) enter_inverse: Vec3A,
    pub(super) leave_origin: Vec3A,
    pub(super) leave_inverse: Vec3A,
}

impl LocalRay {
    /// `None` for a ray that overflows or has no direction: it hits nothing.
    #[inline(always)]
    pub(super) fn new(origin: Vec3A, direction: Vec3A, root: &Root) -> Option<LocalRay> {
        let length = direction.abs();
        let [x, y, z] = length.to_array();
        let axes = axes_by_length(x, y, z);
        let longest = length[axes[2]];
        let reach = origin.abs() + root.magnitude;
        // Comparisons with NaN fail; sums propagate it from any component.
        let is_sound = x <= longest
            && y <= longest
            && z <= longest
            && (DIRECTION_MIN..=DIRECTION_MAX).contains(&longest)
            && reach.x + reach.y + reach.z <= REACH_MAX;
        let inverse = Vec3A::ONE / length.max(Vec3A::splat(longest * FLAT)).copysign(direction);
        is_sound.then_some(LocalRay { axes, origin, direction, inverse, magnitude: reach.max_element() })
    }

    /// The ray in an instance's frame; `local_from_world` has the columns of the transform.
    #[inline(always)]
    pub(super) fn transformed(ray: &Ray, local_from_world: &[Vec3A; 4], root: &Root) -> Option<LocalRay> {
        let [x, y, z, w] = *local_from_world;
        let (o, d) = (ray.origin, ray.direction);
        LocalRay::new(x * o.x + y * o.y + z * o.z + w, x * d.x + y * d.y + z * d.z, root)
    }

    /// The values for testing nodes over triangles.
    #[inline(always)]
    pub(super) fn bounds(&self) -> RayBounds {
        let shift = (self.origin.abs() * NODE_ORIGIN + self.magnitude * NODE_FLAT).copysign(self.inverse);
        RayBounds {
            negative_axes: self.inverse.is_negative_bitmask(),
            enter_origin: self.origin + shift,
            enter_inverse: self.inverse * (1.0 - NODE),
            leave_origin: self.origin - shift,
            leave_inverse: self.inverse * (1.0 + NODE),
        }
    }

    /// Where the ray enters (not before `t_min`) and leaves the own box of a leaf (an instance), by the same rule as
    /// for a triangle's, but with the same slack along all axes.
    #[inline(always)]
    pub(super) fn own_box(&self, min: Vec3A, max: Vec3A, t_min: f32) -> (f32, f32) {
        let shift = Vec3A::splat(self.magnitude * OWN).copysign(self.inverse);
        let is_negative = self.inverse.cmplt(Vec3A::ZERO);
        let near = Vec3A::select(is_negative, max, min);
        let far = Vec3A::select(is_negative, min, max);
        let enter = ((near - self.origin) - shift) * (self.inverse * (1.0 - OWN));
        let leave = ((far - self.origin) + shift) * (self.inverse * (1.0 + OWN));
        (enter.max_element().max(t_min), leave.min_element())
    }

    /// The ray in all lanes.
    #[inline(always)]
    pub(super) fn splat<L: Lanes<W>, const W: usize>(&self, lanes: L) -> LocalRays<L::F> {
        let axes = self.axes;
        let inverse = pick(&self.inverse.to_array(), axes);
        let direction = pick(&self.direction.to_array(), axes);
        let shear = lanes.splat3([direction[0] * inverse[2], direction[1] * inverse[2], inverse[2]]);
        LocalRays {
            axes,
            is_negative: [inverse[0] < 0.0, inverse[1] < 0.0, inverse[2] < 0.0],
            origin: lanes.splat3(pick(&self.origin.to_array(), axes)),
            shear,
            slope: own_slopes(lanes, shear),
            own_reach: lanes.copysign3(lanes.splat(OWN_REACH), lanes.splat3(inverse)),
            enter_inverse: lanes.splat3(pick(&(self.inverse * (1.0 - OWN)).to_array(), axes)),
            leave_inverse: lanes.splat3(pick(&(self.inverse * (1.0 + OWN)).to_array(), axes)),
            inverse: lanes.splat3(inverse),
            magnitude: lanes.splat(self.magnitude),
        }
    }
}

impl<F: Copy> LocalRays<F> {
    /// `None` when a ray overflows or has no direction, or when the rays are not coherent.
    #[inline(always)]
    pub(super) fn new<L: Lanes<W, F = F>, const W: usize>(
        lanes: L,
        rays: &WorldRays<F>,
        root: &Root,
    ) -> Option<LocalRays<F>> {
        let all = u32::MAX >> (32 - W);
        let length = [lanes.abs(rays.direction[0]), lanes.abs(rays.direction[1]), lanes.abs(rays.direction[2])];
        let [x, y, z] = [lanes.first(length[0]), lanes.first(length[1]), lanes.first(length[2])];
        let axes = axes_by_length(x, y, z);
        let [length_0, length_1, longest] = [length[axes[0]], length[axes[1]], length[axes[2]]];
        let reach = [
            lanes.add(lanes.abs(rays.origin[0]), lanes.splat(root.magnitude[0])),
            lanes.add(lanes.abs(rays.origin[1]), lanes.splat(root.magnitude[1])),
            lanes.add(lanes.abs(rays.origin[2]), lanes.splat(root.magnitude[2])),
        ];
        let magnitude = lanes.max(reach[0], lanes.max(reach[1], reach[2]));
        // Comparisons with NaN fail; sums propagate it from any component.
        let sum = lanes.add(lanes.add(reach[0], reach[1]), reach[2]);
        let is_sound = lanes.and(
            lanes.and(
                yields(lanes, length_0, longest, axes[0] < axes[2]),
                yields(lanes, length_1, longest, axes[1] < axes[2]),
            ),
            lanes.and(
                lanes.and(lanes.le(lanes.splat(DIRECTION_MIN), longest), lanes.le(longest, lanes.splat(DIRECTION_MAX))),
                lanes.le(sum, lanes.splat(REACH_MAX)),
            ),
        );
        if lanes.bits(is_sound) != all {
            return None;
        }
        let direction = pick(&rays.direction, axes);
        let flat = lanes.mul(longest, lanes.splat(FLAT));
        let inverse = [
            reciprocal(lanes, direction[0], flat),
            reciprocal(lanes, direction[1], flat),
            reciprocal(lanes, direction[2], flat),
        ];
        let zero = lanes.splat(0.0);
        let negative = [
            lanes.bits(lanes.lt(inverse[0], zero)),
            lanes.bits(lanes.lt(inverse[1], zero)),
            lanes.bits(lanes.lt(inverse[2], zero)),
        ];
        if negative.iter().any(|&lanes| lanes != 0 && lanes != all) {
            return None;
        }
        let shear = [lanes.mul(direction[0], inverse[2]), lanes.mul(direction[1], inverse[2]), inverse[2]];
        let spread = |slope| lanes.greatest(slope) - lanes.least(slope);
        if spread(shear[0]).max(spread(shear[1])) > SPREAD_MAX {
            return None;
        }
        Some(LocalRays {
            axes,
            is_negative: negative.map(|lanes| lanes != 0),
            origin: pick(&rays.origin, axes),
            shear,
            slope: own_slopes(lanes, shear),
            own_reach: lanes.copysign3(lanes.splat(OWN_REACH), inverse),
            enter_inverse: lanes.scale3(inverse, 1.0 - OWN),
            leave_inverse: lanes.scale3(inverse, 1.0 + OWN),
            inverse,
            magnitude,
        })
    }

    /// The values for testing nodes with all these rays together.
    #[inline(always)]
    pub(super) fn bounds<L: Lanes<W, F = F>, const W: usize>(&self, lanes: L, over: Over) -> RayBounds {
        let shift = match over {
            Over::Triangles => [
                node_shift(lanes, self.origin[0], self.magnitude),
                node_shift(lanes, self.origin[1], self.magnitude),
                node_shift(lanes, self.origin[2], self.magnitude),
            ],
            Over::Instances => [lanes.mul(self.magnitude, lanes.splat(NODE)); 3],
        };
        let (enter_inverse, leave_inverse) =
            (lanes.scale3(self.inverse, 1.0 - NODE), lanes.scale3(self.inverse, 1.0 + NODE));
        let mut bounds = RayBounds {
            negative_axes: 0,
            enter_origin: Vec3A::ZERO,
            enter_inverse: Vec3A::ZERO,
            leave_origin: Vec3A::ZERO,
            leave_inverse: Vec3A::ZERO,
        };
        for i in 0..3 {
            let axis = self.axes[i];
            let shift = lanes.copysign(shift[i], self.inverse[i]);
            let enter_origin = lanes.add(self.origin[i], shift);
            let leave_origin = lanes.sub(self.origin[i], shift);
            if self.is_negative[i] {
                bounds.negative_axes |= 1 << axis;
                bounds.enter_origin[axis] = lanes.least(enter_origin);
                bounds.enter_inverse[axis] = lanes.greatest(enter_inverse[i]);
                bounds.leave_origin[axis] = lanes.greatest(leave_origin);
                bounds.leave_inverse[axis] = lanes.least(leave_inverse[i]);
            } else {
                bounds.enter_origin[axis] = lanes.greatest(enter_origin);
                bounds.enter_inverse[axis] = lanes.least(enter_inverse[i]);
                bounds.leave_origin[axis] = lanes.least(leave_origin);
                bounds.leave_inverse[axis] = lanes.greatest(leave_inverse[i]);
            }
        }
        bounds
    }

    /// Where the rays enter (not before `t_min`) and leave the own box of a leaf (an instance), by the same rule as for
    /// a triangle's, but with the same slack along all axes.
    #[inline(always)]
    pub(super) fn own_box<L: Lanes<W, F = F>, const W: usize>(
        &self,
        lanes: L,
        min: Vec3A,
        max: Vec3A,
        t_min: F,
    ) -> (F, F) {
        let (mut enter, mut leave) = (t_min, lanes.splat(f32::INFINITY));
        let shift = lanes.copysign3(lanes.mul(self.magnitude, lanes.splat(OWN)), self.inverse);
        for i in 0..3 {
            let (min, max) = (min[self.axes[i]], max[self.axes[i]]);
            let (near, far) = if self.is_negative[i] { (max, min) } else { (min, max) };
            let near = lanes.sub(lanes.sub(lanes.splat(near), self.origin[i]), shift[i]);
            let far = lanes.add(lanes.sub(lanes.splat(far), self.origin[i]), shift[i]);
            enter = lanes.max(lanes.mul(near, self.enter_inverse[i]), enter);
            leave = lanes.min(lanes.mul(far, self.leave_inverse[i]), leave);
        }
        (enter, leave)
    }
}

impl<F: Copy> WorldRays<F> {
    /// One to `W` rays. Lanes without a ray repeat the first one.
    #[inline(always)]
    pub(super) fn new<L: Lanes<W, F = F>, const W: usize>(lanes: L, rays: &[Ray]) -> WorldRays<F> {
        let mut starts = [[0.0; 4]; W];
        let mut directions = [[0.0; 4]; W];
        for lane in 0..W {
            let ray = if lane < rays.len() { &rays[lane] } else { &rays[0] };
            [starts[lane], directions[lane]] = bytemuck::cast(*ray);
        }
        let [x, y, z, t_min] = lanes.transpose(&starts);
        let origin = [x, y, z];
        let [x, y, z, t_max] = lanes.transpose(&directions);
        WorldRays { origin, direction: [x, y, z], t_min: lanes.max(t_min, lanes.splat(0.0)), t_max }
    }

    /// Lanes whose rays are coherent with that of the first lane, and so with each other.
    #[inline(always)]
    pub(super) fn like_first<L: Lanes<W, F = F>, const W: usize>(&self, lanes: L) -> u32 {
        let length = [lanes.abs(self.direction[0]), lanes.abs(self.direction[1]), lanes.abs(self.direction[2])];
        let [x, y, z] = [lanes.first(length[0]), lanes.first(length[1]), lanes.first(length[2])];
        let axes = axes_by_length(x, y, z);
        let longest = length[axes[2]];
        let mut alike = lanes.and(
            yields(lanes, length[axes[0]], longest, axes[0] < axes[2]),
            yields(lanes, length[axes[1]], longest, axes[1] < axes[2]),
        );
        for &axis in &axes[..2] {
            let slope = lanes.div(self.direction[axis], self.direction[axes[2]]);
            let beside = lanes.abs(lanes.sub(slope, lanes.splat(lanes.first(slope))));
            // No two of them differ by more than `SPREAD_MAX`.
            alike = lanes.and(alike, lanes.le(beside, lanes.splat(0.5 * SPREAD_MAX)));
        }
        let mut bits = lanes.bits(alike);
        for axis in 0..3 {
            // Of zeros too, as of their reciprocals.
            let sign = lanes.copysign(lanes.splat(1.0), self.direction[axis]);
            let negative = lanes.bits(lanes.lt(sign, lanes.splat(0.0)));
            bits &= if negative & 1 == 1 { negative } else { !negative };
        }
        bits
    }

    /// The rays of the lanes that have a bit, and the first of all in the others.
    #[inline(always)]
    pub(super) fn only<L: Lanes<W, F = F>, const W: usize>(&self, lanes: L, bits: u32) -> WorldRays<F> {
        let mut only = *self;
        for axis in 0..3 {
            only.origin[axis] = lanes.or_first(bits, self.origin[axis]);
            only.direction[axis] = lanes.or_first(bits, self.direction[axis]);
        }
        only.t_min = lanes.or_first(bits, self.t_min);
        only.t_max = lanes.or_first(bits, self.t_max);
        only
    }

    /// The rays in an instance's frame; `local_from_world` has the columns of the transform.
    #[inline(always)]
    pub(super) fn transformed<L: Lanes<W, F = F>, const W: usize>(
        &self,
        lanes: L,
        local_from_world: &[Vec3A; 4],
    ) -> WorldRays<F> {
        let mut origin = lanes.splat3([0.0; 3]);
        let mut direction = origin;
        let [x, y, z, w] = local_from_world;
        for i in 0..3 {
            let row = lanes.splat3([x[i], y[i], z[i]]);
            origin[i] = lanes.add(lanes.dot(row, self.origin), lanes.splat(w[i]));
            direction[i] = lanes.dot(row, self.direction);
        }
        WorldRays { origin, direction, ..*self }
    }
}

/// The axes, the longest last; of equal ones the higher comes later.
#[inline(always)]
fn axes_by_length(x: f32, y: f32, z: f32) -> [usize; 3] {
    if z >= x && z >= y {
        [0, 1, 2]
    } else if y >= x {
        [2, 0, 1]
    } else {
        [1, 2, 0]
    }
}

/// The components in another order.
#[inline(always)]
pub(super) fn pick<T: Copy>(values: &[T; 3], axes: [usize; 3]) -> [T; 3] {
    [values[axes[0]], values[axes[1]], values[axes[2]]]
}

/// Whether an axis is not the dominant one; of equally long axes the higher is dominant.
#[inline(always)]
fn yields<L: Lanes<W>, const W: usize>(lanes: L, length: L::F, longest: L::F, is_lower_axis: bool) -> L::M {
    if is_lower_axis { lanes.le(length, longest) } else { lanes.lt(length, longest) }
}

/// The reciprocal of a direction component, whose magnitude is raised to `flat`.
#[inline(always)]
pub(super) fn reciprocal<L: Lanes<W>, const W: usize>(lanes: L, component: L::F, flat: L::F) -> L::F {
    lanes.div(lanes.splat(1.0), lanes.copysign(lanes.max(lanes.abs(component), flat), component))
}

/// How far planes of nodes over triangles are moved along an axis.
#[inline(always)]
pub(super) fn node_shift<L: Lanes<W>, const W: usize>(lanes: L, origin: L::F, magnitude: L::F) -> L::F {
    let of_flat = lanes.mul(magnitude, lanes.splat(NODE_FLAT));
    lanes.add(lanes.mul(lanes.abs(origin), lanes.splat(NODE_ORIGIN)), of_flat)
}

/// The slopes for the triangle's own box.
#[inline(always)]
pub(super) fn own_slopes<L: Lanes<W>, const W: usize>(lanes: L, shear: [L::F; 3]) -> [L::F; 2] {
    let least = lanes.splat(OWN_SLOPE);
    [lanes.add(lanes.abs(shear[0]), least), lanes.add(lanes.abs(shear[1]), least)]
}
