//! Packets of coherent rays.
//!
//! Nodes and the boxes of a leaf's triangles are tested once for the packet, by interval bounds from the earliest entry
//! to the latest exit that any of its rays could have (Wald, Boulos, Shirley 2007, "Ray tracing deformable scenes using
//! dynamic bounding volume hierarchies", section 4). The remaining triangles are tested against all rays at once, one
//! ray per lane. Rays that differ from the first in the signs of their directions or in their dominant axis, or much in
//! their slopes, are left out of a packet, and packets of few are given up: these are traced ray by ray.

use packshot_shaders::constants::NO_HIT;
use packshot_shaders::layout::ray::{Hit, Ray};

use super::descend::{BoxTest, Stacks, Waiting, Walk};
use super::intersect::{Interval, intersect};
use super::lanes::Lanes;
use super::ray::{LocalRays, Over, WorldRays};
use super::{Filter, precedes};
use crate::binary::{OTHER_EXTENT, OWN_EXTENT};
use crate::wide::{LeafBlock, NOTHING, Root, WideBvh};

/// Of a chunk of rays that are not all coherent, at least so many must be for a packet.
const COHERENT_MIN: u32 = 4;

/// Up to `W` rays that search for their closest hits. Lanes without a ray, or whose ray is left out, repeat the first
/// one and hit nothing.
pub(super) struct Packet<'a, L, const W: usize, F> {
    pub(super) lanes: L,
    pub(super) bvh: &'a WideBvh<W>,
    pub(super) filter: &'a F,
    /// One to `W` rays.
    pub(super) rays: &'a [Ray],
    /// Index of the first ray in the batch.
    pub(super) first_idx: usize,
}

/// The part of a search in the mesh of one instance.
struct MeshSearch<'a, F> {
    instance: u32,
    root: &'a Root,
    rays: LocalRays<F>,
    /// Lower bound on the distance of hits.
    t_floor: F,
}

/// The hits so far, by lane, in rows none of which lies in two cache lines.
#[repr(C, align(64))]
struct Best<const W: usize> {
    /// Before the first hit, the last distance before `t_max`.
    t: [f32; W],
    u: [f32; W],
    v: [f32; W],
    instance: [u32; W],
    triangle: [u32; W],
    /// The maximum of `t`.
    t_max: f32,
}

impl<L: Lanes<W>, const W: usize, F: Filter> Packet<'_, L, W, F> {
    /// Writes the closest blocking hits of the rays that are coherent, and returns which these are.
    #[inline(always)]
    pub(super) fn run(&self, stacks: &mut Stacks, hits: &mut [Hit]) -> u32 {
        let (lanes, bvh) = (self.lanes, self.bvh);
        let mut rays = WorldRays::new(lanes, self.rays);
        let mut these = u32::MAX >> (32 - self.rays.len());
        let world = match LocalRays::new(lanes, &rays, &bvh.top) {
            Some(world) => world,
            None => {
                these &= rays.like_first(lanes);
                if these.count_ones() < COHERENT_MIN {
                    return 0;
                }
                rays = rays.only(lanes, these);
                let Some(world) = LocalRays::new(lanes, &rays, &bvh.top) else { return 0 };
                world
            }
        };
        let t_min = rays.t_min;
        let mut t_limit = lanes.array(rays.t_max);
        for (lane, t) in t_limit.iter_mut().enumerate() {
            // In the other lanes nothing is hit, nor by a ray without an end, which must not be the end of all.
            let is_searching = these >> lane & 1 == 1 && !t.is_nan();
            *t = if is_searching { t.next_down() } else { f32::NEG_INFINITY };
        }
        let t_min_least = lanes.least(t_min);
        let mut best = Best::new(t_limit);
        best.t_max = lanes.greatest(lanes.load(&best.t));
        let mut top = match bvh.is_flat {
            true => None,
            false => Some(Walk::new(
                lanes,
                bvh.top.child,
                BoxTest::new(lanes, &world.bounds(lanes, Over::Instances)),
                t_min_least,
                &mut stacks.top,
            )),
        };
        let mut mesh_search = MeshSearch { instance: 0, root: &bvh.top, rays: world, t_floor: t_min };
        loop {
            if let Some(top) = &mut top {
                let Some(idx) = top.next(lanes, &bvh.nodes, best.t_max) else { break };
                let instance = &bvh.instances[idx as usize];
                let (enter, leave) = world.own_box(lanes, instance.min, instance.max, t_min);
                let is_passed = lanes.and(lanes.le(enter, leave), lanes.le(enter, lanes.load(&best.t)));
                if lanes.bits(is_passed) == 0 || instance.root.child == NOTHING {
                    continue;
                }
                let local = rays.transformed(lanes, &instance.local_from_world);
                let Some(rays) = LocalRays::new(lanes, &local, &instance.root) else { return 0 };
                let t_floor = lanes.select(is_passed, enter, lanes.splat(f32::INFINITY));
                mesh_search = MeshSearch { instance: idx, root: &instance.root, rays, t_floor };
            }
            self.search_mesh(&mesh_search, t_min, t_min_least, &mut best, &mut stacks.mesh);
            if top.is_none() {
                break;
            }
        }
        for (lane, (hit, ray)) in hits.iter_mut().zip(self.rays).enumerate() {
            // Those of the others are written later.
            *hit = if best.instance[lane] == NO_HIT { Hit::miss(ray.t_max) } else { best.hit(lane) };
        }
        these
    }

    /// Searches the mesh of an instance.
    #[inline(always)]
    fn search_mesh(
        &self,
        mesh_search: &MeshSearch<'_, L::F>,
        t_min: L::F,
        t_min_least: f32,
        best: &mut Best<W>,
        waiting: &mut [Waiting],
    ) {
        let (lanes, bvh) = (self.lanes, self.bvh);
        let test = BoxTest::new(lanes, &mesh_search.rays.bounds(lanes, Over::Triangles));
        let mut walk = Walk::new(lanes, mesh_search.root.child, test, t_min_least, waiting);
        while let Some(leaf) = walk.next(lanes, &bvh.nodes, best.t_max) {
            let block = &bvh.leaves[leaf as usize];
            let (mut near, _) = walk.test.boxes(lanes, &block.bounds(lanes), walk.t_min, lanes.splat(best.t_max));
            let mut is_closer = false;
            while near != 0 {
                let slot = near.trailing_zeros() as usize % W;
                near &= near - 1;
                let interval = Interval { t_min, t_limit: lanes.load(&best.t), t_floor: mesh_search.t_floor };
                let vertices = block.splat(lanes, slot, mesh_search.rays.axes);
                let Some(found) = intersect(lanes, &mesh_search.rays, &interval, vertices) else { continue };
                let (instance, triangle) = (mesh_search.instance, block.triangles[slot]);
                let u = lanes.div(found.weight_1, found.determinant);
                let v = lanes.div(found.weight_2, found.determinant);
                let mut passed = found.lanes;
                let closer = lanes.bits(lanes.lt(found.t, lanes.load(&best.t)));
                if F::NEVER && passed & !closer == 0 {
                    best.set_where(lanes, passed, [found.t, u, v], instance, triangle);
                    is_closer = true;
                    continue;
                }
                // Ray by ray where some of them meet two surfaces at the same distance, or one that may let them pass.
                let (t, u, v) = (lanes.array(found.t), lanes.array(u), lanes.array(v));
                while passed != 0 {
                    let lane = passed.trailing_zeros() as usize % W;
                    passed &= passed - 1;
                    let hit = Hit { t: t[lane], u: u[lane], v: v[lane], instance, triangle };
                    let is_first = precedes(&hit, &best.hit(lane));
                    if is_first && (F::NEVER || self.filter.blocks(self.first_idx + lane, &hit)) {
                        best.set(lane, &hit);
                        is_closer = true;
                    }
                }
            }
            if is_closer {
                best.t_max = lanes.greatest(lanes.load(&best.t));
            }
        }
    }
}

impl<const W: usize> Best<W> {
    #[inline(always)]
    fn new(t: [f32; W]) -> Best<W> {
        Best { t, u: [0.0; W], v: [0.0; W], instance: [NO_HIT; W], triangle: [NO_HIT; W], t_max: f32::INFINITY }
    }

    #[inline(always)]
    fn hit(&self, lane: usize) -> Hit {
        Hit {
            t: self.t[lane],
            u: self.u[lane],
            v: self.v[lane],
            instance: self.instance[lane],
            triangle: self.triangle[lane],
        }
    }

    /// Sets the hits of some lanes on one triangle: `t`, `u` and `v`.
    #[inline(always)]
    fn set_where<L: Lanes<W>>(&mut self, lanes: L, set: u32, [t, u, v]: [L::F; 3], instance: u32, triangle: u32) {
        lanes.store_where(set, t, &mut self.t);
        lanes.store_where(set, u, &mut self.u);
        lanes.store_where(set, v, &mut self.v);
        lanes.fill_where(set, instance, &mut self.instance);
        lanes.fill_where(set, triangle, &mut self.triangle);
    }

    #[inline(always)]
    fn set(&mut self, lane: usize, hit: &Hit) {
        self.t[lane] = hit.t;
        self.u[lane] = hit.u;
        self.v[lane] = hit.v;
        self.instance[lane] = hit.instance;
        self.triangle[lane] = hit.triangle;
    }
}

impl<const W: usize> LeafBlock<W> {
    /// The triangles' boxes, laid out like those of a node's children and widened as those are. They are not stored,
    /// because single rays do not use them.
    #[inline(always)]
    fn bounds<L: Lanes<W>>(&self, lanes: L) -> [[f32; W]; 6] {
        let [a, b, c] = &self.vertices;
        let mut corners = [[lanes.splat(0.0); 2]; 3];
        let mut extents = [lanes.splat(0.0); 3];
        for axis in 0..3 {
            let (a, b, c) = (lanes.load(&a[axis]), lanes.load(&b[axis]), lanes.load(&c[axis]));
            corners[axis] = [lanes.min(a, lanes.min(b, c)), lanes.max(a, lanes.max(b, c))];
            extents[axis] = lanes.sub(corners[axis][1], corners[axis][0]);
        }
        let largest = lanes.max(extents[0], lanes.max(extents[1], extents[2]));
        let of_largest = lanes.mul(largest, lanes.splat(OTHER_EXTENT));
        let mut bounds = [[0.0; W]; 6];
        for axis in 0..3 {
            let wider = lanes.add(lanes.mul(extents[axis], lanes.splat(OWN_EXTENT)), of_largest);
            lanes.store(lanes.sub(corners[axis][0], wider), &mut bounds[axis]);
            lanes.store(lanes.add(corners[axis][1], wider), &mut bounds[axis + 3]);
        }
        bounds
    }

    /// One triangle in all lanes, by coordinate in the given order of axes.
    #[inline(always)]
    fn splat<L: Lanes<W>>(&self, lanes: L, slot: usize, axes: [usize; 3]) -> [[L::F; 3]; 3] {
        let [a, b, c] = &self.vertices;
        [
            lanes.splat3([a[axes[0]][slot], a[axes[1]][slot], a[axes[2]][slot]]),
            lanes.splat3([b[axes[0]][slot], b[axes[1]][slot], b[axes[2]][slot]]),
            lanes.splat3([c[axes[0]][slot], c[axes[1]][slot], c[axes[2]][slot]]),
        ]
    }
}
