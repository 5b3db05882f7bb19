//! The form that the CPU traverses: nodes with 8 or 16 children, their bounds in adjacent lanes, and leaves of as many
//! triangles.
//!
//! A binary tree is collapsed by dynamic programming: for each subtree the cheapest way to represent it by at most 1,
//! 2, … W roots, where a root is a leaf of up to W triangles (tested together by SIMD, so the cost does not depend on
//! their number) or a node (Ylitie, Karras, Laine 2017, "Efficient incoherent ray traversal on GPUs through compressed
//! wide BVHs", section 3.3).

use glam::Vec3A;
use packshot_processor::SimdLevel;
use rayon::prelude::*;

use crate::binary::{BinaryNode, BinaryTree, Bounds};
use crate::{AccelError, AccelInstance, AccelMesh, LeafTriangle, MeshBvh, SceneBvh};

/// Set in a child reference to a leaf (of a mesh: a [`LeafBlock`]; of the top tree: an instance).
pub(crate) const LEAF: u32 = 1 << 31;
/// A reference to nothing: the root of an empty tree.
pub(crate) const NOTHING: u32 = u32::MAX;
/// Expected cost of testing a leaf, relative to testing a node.
const LEAF_COST: f32 = 1.2;

/// An inner node. Slots without a child have empty bounds.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(crate) struct WideNode<const W: usize> {
    /// Minimum along x, y, z, then maximum along x, y, z, of each child, [widened](Bounds::widened).
    pub(crate) bounds: [[f32; W]; 6],
    /// What each child is: a node's index, or [`LEAF`] and the leaf's.
    pub(crate) children: [u32; W],
}

/// Up to `W` triangles. Slots without a triangle repeat a single point, which no ray hits.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(crate) struct LeafBlock<const W: usize> {
    /// Coordinates by vertex, axis and slot.
    pub(crate) vertices: [[[f32; W]; 3]; 3],
    /// Index in the whole scene's triangle array.
    pub(crate) triangles: [u32; W],
}

/// The root of a tree, and the magnitude of its coordinates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root {
    /// A child reference, or [`NOTHING`].
    pub(crate) child: u32,
    /// Largest absolute coordinate along each axis: scales the rounding errors that box tests allow for.
    pub(crate) magnitude: Vec3A,
}

/// An instance, a leaf of the top tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WideInstance {
    /// Columns of the linear part, then the translation.
    pub(crate) local_from_world: [Vec3A; 4],
    pub(crate) min: Vec3A,
    pub(crate) max: Vec3A,
    pub(crate) root: Root,
}

/// Subtrees with fewer primitives than this take less than a millisecond.
const CANCELLABLE_MIN: u32 = 4096;

/// A scene's trees with nodes of `W` children.
#[derive(Clone, Debug)]
pub(crate) struct WideBvh<const W: usize> {
    pub(crate) nodes: Vec<WideNode<W>>,
    pub(crate) leaves: Vec<LeafBlock<W>>,
    pub(crate) instances: Vec<WideInstance>,
    pub(crate) top: Root,
    /// Whether the scene is one mesh in world coordinates, so that `top` is its tree rather than one over instances.
    pub(crate) is_flat: bool,
    /// Most entries on the stack during traversal.
    pub(crate) stack_len: usize,
}

/// The trees in the node width for an instruction set.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    Eight(WideBvh<8>),
    Sixteen(WideBvh<16>),
}

/// The structure through which the CPU traces rays. Read-only and shared by all threads.
#[derive(Clone, Debug)]
pub struct Accel {
    pub(crate) form: Form,
    level: SimdLevel,
}

/// Builds the trees of a scene in the form that is fastest on this CPU.
///
/// # Errors
/// As [`SceneBvh::build`].
pub fn build(
    meshes: &[AccelMesh<'_>],
    instances: &[AccelInstance],
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Accel, AccelError> {
    let scene = SceneBvh::build(meshes, instances, cancelled)?;
    Accel::new(&scene, SimdLevel::detect(), cancelled).ok_or(AccelError::Cancelled)
}

impl Accel {
    /// Derives the wide trees for an instruction set. `None` when cancelled, which is polled in every large subtree.
    ///
    /// # Panics
    /// When this CPU lacks the instruction set.
    pub fn new(scene: &SceneBvh, level: SimdLevel, cancelled: &(dyn Fn() -> bool + Sync)) -> Option<Accel> {
        assert!(level.is_supported(), "this CPU has no {level:?}");
        let form = match level {
            SimdLevel::Portable | SimdLevel::Avx2 => Form::Eight(WideBvh::new(scene, cancelled)?),
            SimdLevel::Avx512 => Form::Sixteen(WideBvh::new(scene, cancelled)?),
        };
        Some(Accel { form, level })
    }

    /// The instruction set that traversal uses. This CPU has it.
    pub fn level(&self) -> SimdLevel {
        self.level
    }

    /// Bytes of memory held.
    pub fn size_bytes(&self) -> usize {
        fn size<const W: usize>(bvh: &WideBvh<W>) -> usize {
            size_of_val(&*bvh.nodes) + size_of_val(&*bvh.leaves) + size_of_val(&*bvh.instances)
        }
        match &self.form {
            Form::Eight(bvh) => size(bvh),
            Form::Sixteen(bvh) => size(bvh),
        }
    }
}

impl<const W: usize> WideBvh<W> {
    /// `None` when cancelled.
    fn new(scene: &SceneBvh, cancelled: &(dyn Fn() -> bool + Sync)) -> Option<WideBvh<W>> {
        let of_mesh = |mesh: &MeshBvh| WideTree::<W>::collapse(&mesh.tree, Some(&mesh.triangles), cancelled);
        let trees = scene.meshes.par_iter().map(of_mesh).collect::<Option<Vec<_>>>()?;
        let top = WideTree::<W>::collapse(&scene.top, None, cancelled)?;
        let mut bvh = WideBvh {
            nodes: Vec::new(),
            leaves: Vec::new(),
            instances: Vec::new(),
            top: Root { child: NOTHING, magnitude: Vec3A::ZERO },
            is_flat: false,
            stack_len: (W - 1) * top.depth.max(trees.iter().map(|tree| tree.depth).max().unwrap_or(0)) as usize + 1,
        };
        let n_nodes = trees.iter().map(|tree| tree.nodes.len()).sum::<usize>();
        let n_leaves = trees.iter().map(|tree| tree.leaves.len()).sum::<usize>();
        bvh.top = bvh.append(top);
        if trees.len() > 1 {
            bvh.nodes.reserve_exact(n_nodes);
            bvh.leaves.reserve_exact(n_leaves);
        }
        let roots = trees.into_iter().map(|tree| bvh.append(tree)).collect::<Vec<_>>();
        let wide_instance = |placed: &crate::PlacedMesh| {
            let map = placed.instance.local_from_world;
            WideInstance {
                local_from_world: [map.x_axis, map.y_axis, map.z_axis, map.translation],
                min: placed.bounds.min,
                max: placed.bounds.max,
                root: roots[placed.instance.mesh as usize],
            }
        };
        bvh.instances = scene.instances.iter().map(wide_instance).collect();
        if let [only] = &*scene.instances
            && only.instance.local_from_world == glam::Affine3A::IDENTITY
        {
            bvh.is_flat = true;
            bvh.top = bvh.instances[0].root;
        }
        Some(bvh)
    }

    /// Takes over a tree's arrays and offsets its references accordingly.
    fn append(&mut self, tree: WideTree<W>) -> Root {
        let (first_node, first_leaf) = (self.nodes.len() as u32, self.leaves.len() as u32);
        let moved = |child: u32| match child {
            NOTHING => NOTHING,
            leaf if leaf & LEAF != 0 => leaf + if tree.is_top { 0 } else { first_leaf },
            node => node + first_node,
        };
        let magnitude = match tree.bounds.is_empty() {
            true => Vec3A::ZERO,
            false => tree.bounds.min.abs().max(tree.bounds.max.abs()),
        };
        let root = Root { child: moved(tree.root), magnitude };
        // The first tree, often the only one, has its references right already: nothing is copied.
        if self.nodes.is_empty() && self.leaves.capacity() == 0 {
            (self.nodes, self.leaves) = (tree.nodes, tree.leaves);
            self.nodes.shrink_to_fit();
            self.leaves.shrink_to_fit();
            return root;
        }
        self.nodes.extend(tree.nodes.into_iter().map(|mut node| {
            node.children = node.children.map(moved);
            node
        }));
        self.leaves.extend(tree.leaves);
        root
    }
}

/// One collapsed tree, whose references are relative to its own arrays.
struct WideTree<const W: usize> {
    nodes: Vec<WideNode<W>>,
    leaves: Vec<LeafBlock<W>>,
    root: u32,
    bounds: Bounds,
    depth: u32,
    is_top: bool,
}

impl<const W: usize> WideTree<W> {
    /// `triangles` are in leaf order, or `None` for the top tree, whose leaves are single instances. Returns `None`
    /// when cancelled.
    fn collapse(
        tree: &BinaryTree,
        triangles: Option<&[LeafTriangle]>,
        cancelled: &dyn Fn() -> bool,
    ) -> Option<WideTree<W>> {
        // Two to three times as many as a bearing has: growing would copy everything.
        let n = tree.primitives.len();
        let (n_nodes, n_leaves) = if triangles.is_some() { (n / W, 4 * n / W) } else { (n / 2, 0) };
        let mut wide = WideTree {
            nodes: Vec::with_capacity(n_nodes),
            leaves: Vec::with_capacity(n_leaves),
            root: NOTHING,
            bounds: tree.bounds(),
            depth: 0,
            is_top: triangles.is_none(),
        };
        if let Some(root) = tree.nodes.first() {
            let leaf_len_max = if triangles.is_some() { W as u32 } else { 1 };
            let left_shares = vec![[0; W]; tree.nodes.len()];
            let extents = triangles.map_or_else(Vec::new, |triangles| tree.extents(triangles));
            let mut plan = CollapsePlan { tree, extents, leaf_len_max, left_shares, cancelled };
            plan.solve(0)?;
            // A tree that fits into one leaf stays a leaf.
            wide.root = wide.emit(&plan, triangles, 0, root, 1)?;
        }
        Some(wide)
    }

    /// Appends a subtree and returns a reference to it. `None` when cancelled.
    fn emit(
        &mut self,
        plan: &CollapsePlan<'_, W>,
        triangles: Option<&[LeafTriangle]>,
        idx: u32,
        node: &BinaryNode,
        depth: u32,
    ) -> Option<u32> {
        self.depth = self.depth.max(depth);
        if plan.is_cancelled_at(node) {
            return None;
        }
        if plan.left_shares[idx as usize][0] == 0 {
            let first = plan.tree.first_primitive(node);
            return Some(match triangles {
                None => LEAF | plan.tree.primitives[first as usize],
                Some(triangles) => {
                    self.leaves.push(LeafBlock::new(&triangles[first as usize..][..node.count as usize]));
                    LEAF | (self.leaves.len() - 1) as u32
                }
            });
        }
        let node_idx = self.nodes.len();
        self.nodes.push(WideNode::EMPTY);
        let mut children = Vec::with_capacity(W);
        plan.children(node, idx, &mut children);
        for (slot, &child_idx) in children.iter().enumerate() {
            let child = &plan.tree.nodes[child_idx as usize];
            let reference = self.emit(plan, triangles, child_idx, child, depth + 1)?;
            let wide = &mut self.nodes[node_idx];
            wide.children[slot] = reference;
            let extent = plan.extents.get(child_idx as usize);
            let bounds = extent.map_or(child.bounds, |&extent| child.bounds.widened(extent));
            for axis in 0..3 {
                wide.bounds[axis][slot] = bounds.min[axis];
                wide.bounds[axis + 3][slot] = bounds.max[axis];
            }
        }
        Some(node_idx as u32)
    }
}

impl<const W: usize> WideNode<W> {
    const EMPTY: WideNode<W> = {
        let (low, high) = ([f32::INFINITY; W], [f32::NEG_INFINITY; W]);
        WideNode { bounds: [low, low, low, high, high, high], children: [NOTHING; W] }
    };
}

impl<const W: usize> LeafBlock<W> {
    fn new(triangles: &[LeafTriangle]) -> LeafBlock<W> {
        let mut block = LeafBlock { vertices: [[[0.0; W]; 3]; 3], triangles: [NOTHING; W] };
        for slot in 0..W {
            let triangle = triangles.get(slot);
            let point = triangles[0].vertices[0];
            let vertices = triangle.map_or([point; 3], |triangle| triangle.vertices);
            block.triangles[slot] = triangle.map_or(NOTHING, |triangle| triangle.triangle);
            for (vertex, position) in vertices.into_iter().enumerate() {
                for axis in 0..3 {
                    block.vertices[vertex][axis][slot] = position[axis];
                }
            }
        }
        block
    }
}

/// The cheapest way to represent each subtree by a number of roots.
struct CollapsePlan<'a, const W: usize> {
    tree: &'a BinaryTree,
    /// [`BinaryTree::extents`]; empty for the top tree.
    extents: Vec<Vec3A>,
    leaf_len_max: u32,
    /// By binary node and number of roots minus one: how many of the roots the left child gets. Zero means the same as
    /// with one root less; with one root it means a leaf. For a wide node (one root, not zero): how many of its `W`
    /// children are below the left child.
    left_shares: Vec<[u8; W]>,
    cancelled: &'a dyn Fn() -> bool,
}

impl<const W: usize> CollapsePlan<'_, W> {
    /// Solves a node and everything below it; returns the cost by number of roots minus one. `None` when cancelled.
    fn solve(&mut self, idx: u32) -> Option<[f32; W]> {
        let node = self.tree.nodes[idx as usize];
        let area = node.bounds.half_area();
        let as_leaf = if node.count <= self.leaf_len_max { area * LEAF_COST } else { f32::INFINITY };
        if node.is_leaf() {
            return Some([as_leaf; W]);
        }
        if self.is_cancelled_at(&node) {
            return None;
        }
        let left = self.solve(node.first)?;
        let right = self.solve(node.first + 1)?;
        let left_len = (self.tree.nodes[node.first as usize].count as usize).min(W);
        let right_len = (self.tree.nodes[node.first as usize + 1].count as usize).min(W);
        let mut split_costs = [f32::INFINITY; W];
        let mut shares = [0u8; W];
        for (left_share, &left_cost) in (1u8..).zip(&left[..left_len]) {
            for (right_share, &right_cost) in (1..).zip(&right[..right_len]) {
                let n_roots = usize::from(left_share) + right_share;
                if n_roots > W {
                    break;
                }
                let cost = left_cost + right_cost;
                if cost < split_costs[n_roots - 1] {
                    split_costs[n_roots - 1] = cost;
                    shares[n_roots - 1] = left_share;
                }
            }
        }
        // More roots than primitives are useless: use the cheapest with fewer.
        let (mut least, mut least_share) = (f32::INFINITY, 0);
        for n_roots in 2..=W {
            if split_costs[n_roots - 1] < least {
                (least, least_share) = (split_costs[n_roots - 1], shares[n_roots - 1]);
            } else {
                shares[n_roots - 1] = 0;
            }
        }
        let as_node = area + least;
        let mut costs = split_costs;
        (costs[0], shares[0]) = if as_leaf <= as_node { (as_leaf, 0) } else { (as_node, least_share) };
        for n_roots in 2..=W {
            if costs[n_roots - 1] >= costs[n_roots - 2] {
                costs[n_roots - 1] = costs[n_roots - 2];
                shares[n_roots - 1] = 0;
            }
        }
        self.left_shares[idx as usize] = shares;
        Some(costs)
    }

    /// Polls for cancellation in subtrees that take a while.
    fn is_cancelled_at(&self, node: &BinaryNode) -> bool {
        node.count >= CANCELLABLE_MIN && (self.cancelled)()
    }

    /// The children of the wide node that represents a binary one.
    fn children(&self, node: &BinaryNode, idx: u32, out: &mut Vec<u32>) {
        // The split was decided for the cheapest number of children: replay that decision.
        let left_share = usize::from(self.left_shares[idx as usize][0]);
        self.roots(node.first, left_share, out);
        let right_share = W - left_share;
        self.roots(node.first + 1, right_share, out);
    }

    /// The cheapest representation of a subtree by `n_roots` or fewer roots.
    fn roots(&self, idx: u32, n_roots: usize, out: &mut Vec<u32>) {
        let shares = &self.left_shares[idx as usize];
        let decided = (2..=n_roots).rev().find(|&n| shares[n - 1] != 0);
        match decided {
            None => out.push(idx),
            Some(n) => {
                let node = &self.tree.nodes[idx as usize];
                let left_share = usize::from(shares[n - 1]);
                self.roots(node.first, left_share, out);
                self.roots(node.first + 1, n - left_share, out);
            }
        }
    }
}
