//! Traversal of one wide tree, nearest child first.

use glam::Vec3A;

use super::lanes::Lanes;
use super::prepared::{Prepared, of_lane};
use super::ray::RayBounds;
use crate::wide::{LEAF, NOTHING, WideNode};

/// A child on the stack.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waiting {
    /// Where the ray enters the child's box.
    t: f32,
    child: u32,
}

/// The stacks for the top tree (in a flat scene, for its mesh) and for the mesh of an instance, reused between rays.
pub(super) struct Stacks {
    pub(super) top: Vec<Waiting>,
    pub(super) mesh: Vec<Waiting>,
}

impl Stacks {
    pub(super) fn new(len: usize) -> Stacks {
        let waiting = vec![Waiting::default(); len];
        Stacks { top: waiting.clone(), mesh: waiting }
    }
}

/// The test of `W` boxes at a time.
pub(super) struct BoxTest<F> {
    enter: Passes<F>,
    leave: Passes<F>,
}

/// Where the ray passes planes, by axis: it passes coordinate x at `x * inverse - offset`.
struct Passes<F> {
    inverse: [F; 3],
    offset: [F; 3],
    /// Indices of the planes in [`WideNode::bounds`].
    planes: [usize; 3],
}

impl<F: Copy> BoxTest<F> {
    #[inline(always)]
    pub(super) fn new<L: Lanes<W, F = F>, const W: usize>(lanes: L, ray: &RayBounds) -> BoxTest<F> {
        let upper = |axis: u32| ((ray.negative_axes >> axis & 1) * 3) as usize;
        let enter_planes = [upper(0), 1 + upper(1), 2 + upper(2)];
        let leave_planes = [3 - upper(0), 4 - upper(1), 5 - upper(2)];
        BoxTest {
            enter: Passes::new(lanes, ray.enter_origin, ray.enter_inverse, enter_planes),
            leave: Passes::new(lanes, ray.leave_origin, ray.leave_inverse, leave_planes),
        }
    }

    /// The test for one of several prepared rays.
    #[inline(always)]
    pub(super) fn prepared<L: Lanes<W, F = F>, const W: usize>(
        lanes: L,
        rays: &Prepared<'_, W>,
        lane: usize,
    ) -> BoxTest<F> {
        let upper = |axis: usize| (rays.is_negative[axis] >> lane & 1) as usize * 3;
        let [x, y, z] = [upper(0), upper(1), upper(2)];
        BoxTest {
            enter: Passes {
                inverse: lanes.splat3(of_lane(&rays.enter_inverse, lane)),
                offset: lanes.splat3(of_lane(&rays.enter_offset, lane)),
                planes: [x, 1 + y, 2 + z],
            },
            leave: Passes {
                inverse: lanes.splat3(of_lane(&rays.leave_inverse, lane)),
                offset: lanes.splat3(of_lane(&rays.leave_offset, lane)),
                planes: [3 - x, 4 - y, 5 - z],
            },
        }
    }

    /// Which boxes the ray passes through between `t_min` and `t_limit`, and where it enters them. Boxes are given by
    /// their planes.
    #[inline(always)]
    pub(super) fn boxes<L: Lanes<W, F = F>, const W: usize>(
        &self,
        lanes: L,
        bounds: &[[f32; W]; 6],
        t_min: F,
        t_limit: F,
    ) -> (u32, F) {
        let enter = self.enter.along_axes(lanes, bounds);
        let leave = self.leave.along_axes(lanes, bounds);
        let enter = lanes.max(lanes.max(enter[0], enter[1]), lanes.max(enter[2], t_min));
        let leave = lanes.min(lanes.min(leave[0], leave[1]), lanes.min(leave[2], t_limit));
        (lanes.bits(lanes.le(enter, leave)), enter)
    }
}

impl<F: Copy> Passes<F> {
    #[inline(always)]
    fn new<L: Lanes<W, F = F>, const W: usize>(
        lanes: L,
        origin: Vec3A,
        inverse: Vec3A,
        planes: [usize; 3],
    ) -> Passes<F> {
        let offset = origin * inverse;
        Passes { inverse: lanes.splat3(inverse.to_array()), offset: lanes.splat3(offset.to_array()), planes }
    }

    #[inline(always)]
    fn along_axes<L: Lanes<W, F = F>, const W: usize>(&self, lanes: L, bounds: &[[f32; W]; 6]) -> [F; 3] {
        let planes = &self.planes;
        [
            lanes.mul_sub(lanes.load(&bounds[planes[0]]), self.inverse[0], self.offset[0]),
            lanes.mul_sub(lanes.load(&bounds[planes[1]]), self.inverse[1], self.offset[1]),
            lanes.mul_sub(lanes.load(&bounds[planes[2]]), self.inverse[2], self.offset[2]),
        ]
    }
}

/// A traversal that yields the leaves that a ray may hit, roughly in the order of distance.
pub(super) struct Walk<'w, F> {
    pub(super) test: BoxTest<F>,
    pub(super) t_min: F,
    /// Large enough for any of the trees.
    waiting: &'w mut [Waiting],
    n_waiting: usize,
    /// The current node or leaf, or [`NOTHING`] when the next one comes from the stack.
    current: u32,
}

impl<'w, F: Copy> Walk<'w, F> {
    #[inline(always)]
    pub(super) fn new<L: Lanes<W, F = F>, const W: usize>(
        lanes: L,
        root: u32,
        test: BoxTest<F>,
        t_min: f32,
        waiting: &'w mut [Waiting],
    ) -> Walk<'w, F> {
        Walk { test, t_min: lanes.splat(t_min), waiting, n_waiting: 0, current: root }
    }

    /// The next leaf that the ray enters at or before `t_limit`, if any.
    #[inline(always)]
    pub(super) fn next<L: Lanes<W, F = F>, const W: usize>(
        &mut self,
        lanes: L,
        nodes: &[WideNode<W>],
        t_limit: f32,
    ) -> Option<u32> {
        loop {
            while self.current == NOTHING {
                self.n_waiting = self.n_waiting.checked_sub(1)?;
                let next = self.waiting[self.n_waiting];
                if next.t <= t_limit {
                    self.current = next.child;
                }
            }
            if self.current & LEAF != 0 {
                let leaf = self.current & !LEAF;
                self.current = NOTHING;
                return Some(leaf);
            }
            let node = &nodes[self.current as usize];
            let (hit, enter) = self.test.boxes(lanes, &node.bounds, self.t_min, lanes.splat(t_limit));
            self.descend(lanes, node, hit, enter);
        }
    }

    /// Goes to the nearest child that the ray hits, and puts the others on the stack.
    #[inline(always)]
    pub(super) fn descend<L: Lanes<W, F = F>, const W: usize>(
        &mut self,
        lanes: L,
        node: &WideNode<W>,
        mut hit: u32,
        enter: F,
    ) {
        if hit == 0 {
            self.current = NOTHING;
            return;
        }
        let first = hit.trailing_zeros() as usize % W;
        hit &= hit - 1;
        if hit == 0 {
            self.current = node.children[first];
            return;
        }
        let entries = lanes.array(enter);
        let mut nearest = Waiting { t: entries[first], child: node.children[first] };
        let bottom = self.n_waiting;
        while hit != 0 {
            let slot = hit.trailing_zeros() as usize % W;
            hit &= hit - 1;
            let mut other = Waiting { t: entries[slot], child: node.children[slot] };
            if other.t < nearest.t {
                std::mem::swap(&mut other, &mut nearest);
            }
            // Insertion keeps the nearest entry on top.
            let mut place = self.n_waiting;
            while place > bottom && self.waiting[place - 1].t < other.t {
                self.waiting[place] = self.waiting[place - 1];
                place -= 1;
            }
            self.waiting[place] = other;
            self.n_waiting += 1;
        }
        self.current = nearest.child;
    }
}
