//! One ray at a time: the lanes are the children of a node or the triangles of a leaf.

use packshot_shaders::layout::ray::{Hit, Ray};

use super::descend::{BoxTest, Stacks, Walk};
use super::intersect::{Interval, intersect};
use super::lanes::Lanes;
use super::prepared::Prepared;
use super::ray::LocalRay;
use super::{Filter, precedes};
use crate::wide::{LeafBlock, NOTHING, WideBvh};

/// A ray's search for its closest hit, or for any hit.
pub(super) struct Search<'a, L, const W: usize, F> {
    pub(super) lanes: L,
    pub(super) bvh: &'a WideBvh<W>,
    pub(super) filter: &'a F,
    pub(super) ray: &'a Ray,
    /// The ray among others, prepared for the top tree or, in a flat scene, for its mesh; and its lane there.
    pub(super) prepared: &'a Prepared<'a, W>,
    pub(super) lane: usize,
    pub(super) ray_idx: usize,
    /// Whether any blocking hit ends the search.
    pub(super) is_any: bool,
}

/// The part of a search in the mesh of one instance.
struct MeshSearch {
    instance: u32,
    /// `None` for the one that was prepared.
    ray: Option<LocalRay>,
    /// Lower bound on the distance of hits.
    t_floor: f32,
}

impl<L: Lanes<W>, const W: usize, F: Filter> Search<'_, L, W, F> {
    /// The closest blocking hit, or any blocking hit.
    #[inline(always)]
    pub(super) fn run(&self, stacks: &mut Stacks) -> Hit {
        let (lanes, bvh) = (self.lanes, self.bvh);
        let miss = Hit::miss(self.ray.t_max);
        if !self.prepared.may_hit(self.lane) {
            return miss;
        }
        let t_min = self.ray.t_min.max(0.0);
        let mut best = Hit::miss(self.ray.t_max.next_down());
        let mut walk = self.prepared.walk(lanes, self.lane, t_min, &mut stacks.top);
        if bvh.is_flat {
            let mesh_search = MeshSearch { instance: 0, ray: None, t_floor: t_min };
            self.search_mesh(&mesh_search, &mut walk, &mut best);
        } else {
            let world = self.prepared.ray(self.lane);
            while let Some(idx) = walk.next(lanes, &bvh.nodes, best.t) {
                let instance = &bvh.instances[idx as usize];
                let (enter, leave) = world.own_box(instance.min, instance.max, t_min);
                let is_passed = enter <= leave && enter <= best.t && instance.root.child != NOTHING;
                if !is_passed {
                    continue;
                }
                let local = LocalRay::transformed(self.ray, &instance.local_from_world, &instance.root);
                let Some(ray) = local else { continue };
                let mesh_search = MeshSearch { instance: idx, ray: Some(ray), t_floor: enter };
                let test = BoxTest::new(lanes, &ray.bounds());
                let mut walk = Walk::new(lanes, instance.root.child, test, t_min, &mut stacks.mesh);
                if self.search_mesh(&mesh_search, &mut walk, &mut best) {
                    break;
                }
            }
        }
        if best.is_miss() { miss } else { best }
    }

    /// Searches the mesh of an instance; true when the search is finished.
    #[inline(always)]
    fn search_mesh(&self, mesh_search: &MeshSearch, walk: &mut Walk<'_, L::F>, best: &mut Hit) -> bool {
        let (lanes, bvh) = (self.lanes, self.bvh);
        // Most rays that miss never reach a leaf, so what leaves need of an instance's ray is prepared at the first.
        let mut at_leaves = None;
        let t_floor = lanes.splat(mesh_search.t_floor);
        while let Some(leaf) = walk.next(lanes, &bvh.nodes, best.t) {
            let block = &bvh.leaves[leaf as usize];
            let rays = match (&mesh_search.ray, &at_leaves) {
                (None, _) => &self.prepared.splat(lanes, self.lane),
                (Some(_), Some(rays)) => rays,
                (Some(ray), None) => at_leaves.insert(ray.splat(lanes)),
            };
            let interval = Interval { t_min: walk.t_min, t_limit: lanes.splat(best.t), t_floor };
            let Some(found) = intersect(lanes, rays, &interval, block.load(lanes, rays.axes)) else { continue };
            if self.is_any && F::NEVER {
                best.instance = mesh_search.instance;
                return true;
            }
            let (t, determinant) = (lanes.array(found.t), lanes.array(found.determinant));
            let (weight_1, weight_2) = (lanes.array(found.weight_1), lanes.array(found.weight_2));
            let mut passed = found.lanes;
            while passed != 0 {
                let slot = passed.trailing_zeros() as usize % W;
                passed &= passed - 1;
                let (u, v) = (weight_1[slot] / determinant[slot], weight_2[slot] / determinant[slot]);
                let hit = Hit { t: t[slot], u, v, instance: mesh_search.instance, triangle: block.triangles[slot] };
                if precedes(&hit, best) && (F::NEVER || self.filter.blocks(self.ray_idx, &hit)) {
                    *best = hit;
                    if self.is_any {
                        return true;
                    }
                }
            }
        }
        false
    }
}

impl<const W: usize> LeafBlock<W> {
    /// The vertices of all triangles, by coordinate in the given order of axes.
    #[inline(always)]
    fn load<L: Lanes<W>>(&self, lanes: L, axes: [usize; 3]) -> [[L::F; 3]; 3] {
        let [a, b, c] = &self.vertices;
        [lanes.load3(a, axes), lanes.load3(b, axes), lanes.load3(c, axes)]
    }
}
