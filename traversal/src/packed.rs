//! The form that WGSL traverses: binary nodes, triangles in leaf order, and instances, as arrays for storage buffers.

use glam::{Vec3, Vec3A};
use packshot_shaders::constants::NONE;
use packshot_shaders::layout::accel::{BvhNode, BvhTriangle, Instance};

use crate::binary::{BinaryTree, Bounds};
use crate::{LeafTriangle, MeshBvh, PlacedMesh, SceneBvh};

/// Most triangles in a leaf.
const LEAF_LEN_MAX: u32 = 4;
/// Expected cost of a triangle test, relative to visiting a node.
const TRIANGLE_COST: f32 = 0.4;

/// A scene's trees as `shaders/wgsl/stage/trace.wgsl` reads them. All indices are valid.
///
/// The root of the tree over instances is node 0. Traversal needs a stack of at most `MESH_DEPTH_MAX +
/// INSTANCE_DEPTH_MAX` entries, which the trees' builder guarantees.
#[derive(Clone, Debug)]
pub struct PackedBvh {
    /// `bvh_nodes`: never empty.
    pub nodes: Vec<BvhNode>,
    /// `bvh_triangles`: never empty; without triangles its only entry is a point.
    pub triangles: Vec<BvhTriangle>,
    /// `instances`: in the order of the input; `slot_base` is zero. Never empty; a dummy instance is never reached.
    pub instances: Vec<Instance>,
}

impl SceneBvh {
    /// Derives the arrays for WGSL.
    pub fn packed(&self) -> PackedBvh {
        let mut packed = PackedBvh { nodes: Vec::new(), triangles: Vec::new(), instances: Vec::new() };
        packed.append(&self.top, None);
        let append = |mesh: &MeshBvh| packed.append(&mesh.tree, Some(&mesh.triangles));
        let roots = self.meshes.iter().map(append).collect::<Vec<_>>();
        let instance = |placed: &PlacedMesh| instance(placed, roots[placed.instance.mesh as usize]);
        packed.instances = self.instances.iter().map(instance).collect();
        if packed.triangles.is_empty() {
            packed.triangles.push(packed_triangle(&LeafTriangle { vertices: [Vec3::ZERO; 3], triangle: 0 }));
        }
        if packed.instances.is_empty() {
            packed.instances.push(bytemuck::Zeroable::zeroed());
        }
        packed
    }
}

impl PackedBvh {
    /// Appends a tree and returns the index of its root. `triangles` are in leaf order; a tree over instances has none.
    fn append(&mut self, tree: &BinaryTree, triangles: Option<&[LeafTriangle]>) -> u32 {
        let root = self.nodes.len() as u32;
        let first_triangle = self.triangles.len() as u32;
        self.triangles.extend(triangles.into_iter().flatten().map(packed_triangle));
        self.nodes.push(EMPTY);
        let leaves = Leaves::plan(tree, if triangles.is_some() { LEAF_LEN_MAX } else { 1 });
        let extents = triangles.map(|triangles| tree.extents(triangles));
        let child = |idx: u32| {
            let over_triangles = extents.as_ref().map(|extents| (first_triangle, extents[idx as usize]));
            Child::new(tree, &leaves, idx, over_triangles)
        };
        match tree.nodes.first() {
            None => return root,
            // A tree with a single leaf still gets a node.
            Some(_) if leaves.is_leaf(0) => {
                child(0).write(&mut self.nodes[root as usize], 0);
                return root;
            }
            Some(_) => {}
        }
        // Inner nodes of the binary tree with the indices reserved for them, the one nearest the root last.
        let mut pending = vec![(0u32, root)];
        while let Some((idx, place)) = pending.pop() {
            for side in [0, 1] {
                let child_idx = tree.nodes[idx as usize].first + side;
                let mut child = child(child_idx);
                if child.count == 0 {
                    child.first = self.nodes.len() as u32;
                    self.nodes.push(EMPTY);
                    pending.push((child_idx, child.first));
                }
                child.write(&mut self.nodes[place as usize], side);
            }
        }
        root
    }
}

/// A node without children.
const EMPTY: BvhNode = BvhNode {
    min_0: Vec3::ZERO,
    child_0: NONE,
    max_0: Vec3::ZERO,
    count_0: 0,
    min_1: Vec3::ZERO,
    child_1: NONE,
    max_1: Vec3::ZERO,
    count_1: 0,
};

/// One half of a [`BvhNode`].
struct Child {
    bounds: Bounds,
    first: u32,
    count: u32,
}

impl Child {
    /// The child that represents a binary node. `over_triangles` is where the mesh's triangles start and the largest
    /// extents of those below the node, or `None` for instances.
    fn new(tree: &BinaryTree, leaves: &Leaves, idx: u32, over_triangles: Option<(u32, Vec3A)>) -> Child {
        let node = &tree.nodes[idx as usize];
        let (first, count) = match (leaves.is_leaf(idx), over_triangles) {
            (false, _) => (0, 0),
            (true, Some((first_triangle, _))) => (first_triangle + tree.first_primitive(node), node.count),
            (true, None) => (tree.primitives[tree.first_primitive(node) as usize], 1),
        };
        let bounds = over_triangles.map_or(node.bounds, |(_, extent)| node.bounds.widened(extent));
        Child { bounds, first, count }
    }

    fn write(&self, node: &mut BvhNode, side: u32) {
        let (min, max) = (self.bounds.min.into(), self.bounds.max.into());
        if side == 0 {
            (node.min_0, node.max_0, node.child_0, node.count_0) = (min, max, self.first, self.count);
        } else {
            (node.min_1, node.max_1, node.child_1, node.count_1) = (min, max, self.first, self.count);
        }
    }
}

/// Which nodes of a binary tree are leaves, by the surface area heuristic.
struct Leaves {
    is_leaf: Vec<bool>,
}

impl Leaves {
    fn plan(tree: &BinaryTree, len_max: u32) -> Leaves {
        let mut costs = vec![0.0f32; tree.nodes.len()];
        let mut is_leaf = vec![false; tree.nodes.len()];
        // Children come after their parents.
        for (idx, node) in tree.nodes.iter().enumerate().rev() {
            let area = node.bounds.half_area();
            let as_leaf = area * TRIANGLE_COST * node.count as f32;
            is_leaf[idx] = node.is_leaf();
            costs[idx] = as_leaf;
            if !node.is_leaf() {
                let first = node.first as usize;
                let as_node = area + costs[first] + costs[first + 1];
                is_leaf[idx] = node.count <= len_max && as_leaf <= as_node;
                if !is_leaf[idx] {
                    costs[idx] = as_node;
                }
            }
        }
        Leaves { is_leaf }
    }

    fn is_leaf(&self, idx: u32) -> bool {
        self.is_leaf[idx as usize]
    }
}

fn packed_triangle(leaf: &LeafTriangle) -> BvhTriangle {
    let [vertex_0, vertex_1, vertex_2] = leaf.vertices;
    BvhTriangle { vertex_0, triangle: leaf.triangle, vertex_1, pad0: 0, vertex_2, pad1: 0 }
}

fn instance(placed: &PlacedMesh, bvh_root: u32) -> Instance {
    let PlacedMesh { instance, .. } = placed;
    Instance { bvh_root, ..Instance::new(instance.local_from_world, instance.world_from_local, 0) }
}
