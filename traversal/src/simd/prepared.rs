//! Rays that are traced one by one, prepared together: the lanes are the rays.
//!
//! What nodes need of a ray takes a chain of dependent operations, among them a division: for as many rays as there are
//! lanes it takes about the time of one. The children of the root, which all rays meet, are tested here too.

use glam::Vec3A;
use packshot_shaders::layout::ray::Ray;

use super::descend::{BoxTest, Waiting, Walk};
use super::lanes::Lanes;
use super::ray::{
    DIRECTION_MAX, DIRECTION_MIN, FLAT, LocalRay, LocalRays, NODE, OWN, OWN_REACH, Over, REACH_MAX, WorldRays,
    node_shift, own_slopes, reciprocal,
};
use crate::wide::{LEAF, Root, WideNode};

/// Up to `W` rays in the frame of a tree, and the values for testing its nodes. Lanes without a ray repeat the first
/// one. Coordinates are by axis and lane.
///
/// Rows of lanes come first and are aligned, so that none of them lies in two cache lines.
#[repr(C, align(64))]
pub(super) struct Prepared<'a, const W: usize> {
    origin: [[f32; W]; 3],
    direction: [[f32; W]; 3],
    inverse: [[f32; W]; 3],
    magnitude: [f32; W],
    at_leaves: AtLeaves<W>,
    /// A ray enters the plane at x along an axis at `x * inverse - offset`, or later.
    pub(super) enter_inverse: [[f32; W]; 3],
    pub(super) enter_offset: [[f32; W]; 3],
    /// It leaves it there, or earlier.
    pub(super) leave_inverse: [[f32; W]; 3],
    pub(super) leave_offset: [[f32; W]; 3],
    /// For each ray, where it enters the children of the root, and which of them it passes through.
    enters: [[f32; W]; W],
    passes: [u32; W],
    root: u32,
    /// The root, if it is a node.
    root_node: Option<&'a WideNode<W>>,
    root_magnitude: Vec3A,
    over: Over,
    /// Lanes whose ray does not overflow and has a direction: the others hit nothing.
    is_sound: u32,
    /// For each axis, lanes whose ray goes towards lower coordinates.
    pub(super) is_negative: [u32; 3],
    /// For each ray, a row of [`AXES`].
    longest_axis: [u8; W],
}

/// What the triangle test needs of rays, by lane, along the axes in its order. As in [`LocalRays`].
#[repr(C, align(64))]
struct AtLeaves<const W: usize> {
    origin: [[f32; W]; 3],
    shear: [[f32; W]; 3],
    slope: [[f32; W]; 2],
    own_reach: [[f32; W]; 3],
    enter_inverse: [[f32; W]; 3],
    leave_inverse: [[f32; W]; 3],
    inverse: [[f32; W]; 3],
}

impl<'a, const W: usize> Prepared<'a, W> {
    /// Without rays, for the tree with this root.
    pub(super) fn new(root: &Root, nodes: &'a [WideNode<W>], over: Over) -> Self {
        let root_node = match root.child & LEAF {
            0 => Some(&nodes[root.child as usize]),
            _ => None,
        };
        Prepared {
            root: root.child,
            root_node,
            root_magnitude: root.magnitude,
            over,
            is_sound: 0,
            is_negative: [0; 3],
            longest_axis: [0; W],
            origin: [[0.0; W]; 3],
            direction: [[0.0; W]; 3],
            inverse: [[0.0; W]; 3],
            magnitude: [0.0; W],
            at_leaves: AtLeaves {
                origin: [[0.0; W]; 3],
                shear: [[0.0; W]; 3],
                slope: [[0.0; W]; 2],
                own_reach: [[0.0; W]; 3],
                enter_inverse: [[0.0; W]; 3],
                leave_inverse: [[0.0; W]; 3],
                inverse: [[0.0; W]; 3],
            },
            enter_inverse: [[0.0; W]; 3],
            enter_offset: [[0.0; W]; 3],
            leave_inverse: [[0.0; W]; 3],
            leave_offset: [[0.0; W]; 3],
            passes: [0; W],
            enters: [[0.0; W]; W],
        }
    }

    /// Prepares one to `W` rays, in place of those before.
    #[inline(always)]
    pub(super) fn prepare<L: Lanes<W>>(&mut self, lanes: L, rays: &[Ray]) {
        let prepared = self;
        let WorldRays { origin, direction, .. } = WorldRays::new(lanes, rays);
        let length = [lanes.abs(direction[0]), lanes.abs(direction[1]), lanes.abs(direction[2])];
        let longest = lanes.max(length[0], lanes.max(length[1], length[2]));
        let reach = [
            lanes.add(lanes.abs(origin[0]), lanes.splat(prepared.root_magnitude[0])),
            lanes.add(lanes.abs(origin[1]), lanes.splat(prepared.root_magnitude[1])),
            lanes.add(lanes.abs(origin[2]), lanes.splat(prepared.root_magnitude[2])),
        ];
        let magnitude = lanes.max(reach[0], lanes.max(reach[1], reach[2]));
        // Comparisons with NaN fail; sums propagate it from any component.
        let reaches = lanes.add(lanes.add(reach[0], reach[1]), reach[2]);
        let lengths = lanes.add(lanes.add(length[0], length[1]), length[2]);
        let is_sound = lanes.and(
            lanes.and(lanes.le(lanes.splat(DIRECTION_MIN), longest), lanes.le(longest, lanes.splat(DIRECTION_MAX))),
            lanes.and(lanes.le(lengths, lanes.splat(3.0 * DIRECTION_MAX)), lanes.le(reaches, lanes.splat(REACH_MAX))),
        );
        let flat = lanes.mul(longest, lanes.splat(FLAT));
        let inverse = [
            reciprocal(lanes, direction[0], flat),
            reciprocal(lanes, direction[1], flat),
            reciprocal(lanes, direction[2], flat),
        ];
        let enter_inverse = lanes.scale3(inverse, 1.0 - NODE);
        let leave_inverse = lanes.scale3(inverse, 1.0 + NODE);

        prepared.is_sound = lanes.bits(is_sound);
        prepared.magnitude = lanes.array(magnitude);
        let z_is_longest = lanes.le(lanes.max(length[0], length[1]), length[2]);
        let y_is_longer = lanes.le(length[0], length[1]);
        // In the mesh of an instance a ray has other coordinates.
        if prepared.over == Over::Triangles {
            prepared.at_leaves.set(
                lanes,
                in_order(lanes, z_is_longest, y_is_longer, origin),
                in_order(lanes, z_is_longest, y_is_longer, direction),
                in_order(lanes, z_is_longest, y_is_longer, inverse),
            );
        }
        let (z_is_longest, y_is_longer) = (lanes.bits(z_is_longest), lanes.bits(y_is_longer));
        for lane in 0..W {
            let (z, y) = (z_is_longest >> lane & 1, y_is_longer >> lane & 1);
            prepared.longest_axis[lane] = (z << 1 | y) as u8;
        }
        for axis in 0..3 {
            prepared.is_negative[axis] = lanes.bits(lanes.lt(inverse[axis], lanes.splat(0.0)));
            prepared.origin[axis] = lanes.array(origin[axis]);
            prepared.direction[axis] = lanes.array(direction[axis]);
            prepared.inverse[axis] = lanes.array(inverse[axis]);
            prepared.enter_inverse[axis] = lanes.array(enter_inverse[axis]);
            prepared.leave_inverse[axis] = lanes.array(leave_inverse[axis]);
            let shift = match prepared.over {
                Over::Triangles => node_shift(lanes, origin[axis], magnitude),
                Over::Instances => lanes.mul(magnitude, lanes.splat(NODE)),
            };
            let shift = lanes.copysign(shift, inverse[axis]);
            let (from, to) = (lanes.add(origin[axis], shift), lanes.sub(origin[axis], shift));
            prepared.enter_offset[axis] = lanes.array(lanes.mul(from, enter_inverse[axis]));
            prepared.leave_offset[axis] = lanes.array(lanes.mul(to, leave_inverse[axis]));
        }
        // Without a branch on their results, so that the tests of several rays overlap.
        if let Some(node) = prepared.root_node {
            for (lane, ray) in rays.iter().enumerate() {
                let test = BoxTest::prepared(lanes, prepared, lane);
                let (t_min, t_limit) = (lanes.splat(ray.t_min.max(0.0)), lanes.splat(ray.t_max));
                let (passes, enters) = test.boxes(lanes, &node.bounds, t_min, t_limit);
                prepared.passes[lane] = passes;
                lanes.store(enters, &mut prepared.enters[lane]);
            }
        }
    }

    /// Whether the ray of a lane is sound, and passes through a child of the root.
    #[inline(always)]
    pub(super) fn may_hit(&self, lane: usize) -> bool {
        self.is_sound >> lane & 1 == 1 && (self.root_node.is_none() || self.passes[lane] != 0)
    }

    /// The traversal of the tree by the ray of a lane.
    #[inline(always)]
    pub(super) fn walk<'w, L: Lanes<W>>(
        &self,
        lanes: L,
        lane: usize,
        t_min: f32,
        waiting: &'w mut [Waiting],
    ) -> Walk<'w, L::F> {
        let mut walk = Walk::new(lanes, self.root, BoxTest::prepared(lanes, self, lane), t_min, waiting);
        if let Some(node) = self.root_node {
            walk.descend(lanes, node, self.passes[lane], lanes.load(&self.enters[lane]));
        }
        walk
    }

    /// The ray of a lane, which is sound.
    #[inline(always)]
    pub(super) fn ray(&self, lane: usize) -> LocalRay {
        LocalRay {
            axes: self.axes(lane),
            origin: Vec3A::from_array(of_lane(&self.origin, lane)),
            direction: Vec3A::from_array(of_lane(&self.direction, lane)),
            inverse: Vec3A::from_array(of_lane(&self.inverse, lane)),
            magnitude: self.magnitude[lane],
        }
    }

    #[inline(always)]
    fn axes(&self, lane: usize) -> [usize; 3] {
        AXES[usize::from(self.longest_axis[lane]) % AXES.len()]
    }

    /// The ray of a lane, which is sound, in all lanes.
    ///
    /// Only for the triangle test, in a tree over triangles. To be called anew for each test: numbers are then read
    /// from memory into all lanes where they are needed, of which there are more than registers.
    #[inline(always)]
    pub(super) fn splat<L: Lanes<W>>(&self, lanes: L, lane: usize) -> LocalRays<L::F> {
        // Otherwise the compiler would read all of them before the first leaf, and write them back to memory.
        let lane = std::hint::black_box(lane) % W;
        let of = &self.at_leaves;
        let inverse = of_lane(&of.inverse, lane);
        LocalRays {
            axes: self.axes(lane),
            is_negative: [inverse[0] < 0.0, inverse[1] < 0.0, inverse[2] < 0.0],
            origin: lanes.splat3(of_lane(&of.origin, lane)),
            shear: lanes.splat3(of_lane(&of.shear, lane)),
            slope: [lanes.splat(of.slope[0][lane]), lanes.splat(of.slope[1][lane])],
            own_reach: lanes.splat3(of_lane(&of.own_reach, lane)),
            enter_inverse: lanes.splat3(of_lane(&of.enter_inverse, lane)),
            leave_inverse: lanes.splat3(of_lane(&of.leave_inverse, lane)),
            inverse: lanes.splat3(inverse),
            magnitude: lanes.splat(self.magnitude[lane]),
        }
    }
}

impl<const W: usize> AtLeaves<W> {
    /// Takes over rays whose components are in the order of the triangle test.
    #[inline(always)]
    fn set<L: Lanes<W>>(&mut self, lanes: L, origin: [L::F; 3], direction: [L::F; 3], inverse: [L::F; 3]) {
        let shear = [lanes.mul(direction[0], inverse[2]), lanes.mul(direction[1], inverse[2]), inverse[2]];
        let slope = own_slopes(lanes, shear);
        let own_reach = lanes.copysign3(lanes.splat(OWN_REACH), inverse);
        let (enter_inverse, leave_inverse) = (lanes.scale3(inverse, 1.0 - OWN), lanes.scale3(inverse, 1.0 + OWN));
        for axis in 0..3 {
            lanes.store(origin[axis], &mut self.origin[axis]);
            lanes.store(shear[axis], &mut self.shear[axis]);
            lanes.store(own_reach[axis], &mut self.own_reach[axis]);
            lanes.store(enter_inverse[axis], &mut self.enter_inverse[axis]);
            lanes.store(leave_inverse[axis], &mut self.leave_inverse[axis]);
            lanes.store(inverse[axis], &mut self.inverse[axis]);
        }
        lanes.store(slope[0], &mut self.slope[0]);
        lanes.store(slope[1], &mut self.slope[1]);
    }
}

/// Components by x, y, z, in the order of [`AXES`].
#[inline(always)]
fn in_order<L: Lanes<W>, const W: usize>(lanes: L, z_is_longest: L::M, y_is_longer: L::M, of: [L::F; 3]) -> [L::F; 3] {
    let [x, y, z] = of;
    [
        lanes.select(z_is_longest, x, lanes.select(y_is_longer, z, y)),
        lanes.select(z_is_longest, y, lanes.select(y_is_longer, x, z)),
        lanes.select(z_is_longest, z, lanes.select(y_is_longer, y, x)),
    ]
}

/// The numbers of one lane.
#[inline(always)]
pub(super) fn of_lane<const W: usize>(by_axis: &[[f32; W]; 3], lane: usize) -> [f32; 3] {
    [by_axis[0][lane], by_axis[1][lane], by_axis[2][lane]]
}

/// The axes, the longest last and of equal ones the higher later (as for rays of instances), by whether z is the
/// longest, and whether y is at least as long as x.
const AXES: [[usize; 3]; 4] = [[1, 2, 0], [2, 0, 1], [0, 1, 2], [0, 1, 2]];
