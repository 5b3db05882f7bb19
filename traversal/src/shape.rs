//! The shape of a scene's trees, in about five bytes a triangle, so that it can be kept: the order of the primitives,
//! and how many of them lie left of each split. The boxes follow from the triangles. Whatever the bytes of a shape are,
//! every triangle is in the trees that are read from it, in boxes that contain it: a wrong shape could only make
//! traversal slow.

use crate::binary::{BinaryNode, BinaryTree, Bounds};
use crate::{AccelError, AccelInstance, AccelMesh, INSTANCE_DEPTH_MAX, MESH_DEPTH_MAX, SceneBvh};

/// Changes with the format, and with the builder: what was kept is of no use then.
pub const VERSION: u32 = 1;

impl SceneBvh {
    /// The shape of all trees: those of the meshes in their order, then the one over the instances. For each tree the
    /// number of its primitives and their indices in leaf order (32 bits each, little-endian). Then for each inner
    /// node, parents first and left before right, one less than the number of primitives on its left, in as many bytes
    /// as the node's own number needs.
    pub fn shape(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for tree in self.meshes.iter().map(|mesh| &mesh.tree).chain([&self.top]) {
            write(tree, &mut bytes);
        }
        bytes
    }

    /// The trees of this shape over these meshes and instances. `None` when it is not a shape of as many triangles and
    /// instances.
    ///
    /// # Errors
    /// As [`SceneBvh::build`].
    pub fn of_shape(
        meshes: &[AccelMesh<'_>],
        instances: &[AccelInstance],
        shape: &[u8],
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<SceneBvh>, AccelError> {
        let mut reader = Reader(shape);
        SceneBvh::check(meshes, instances)?;
        let mut trees = Vec::with_capacity(meshes.len());
        for mesh in meshes {
            if cancelled() {
                return Err(AccelError::Cancelled);
            }
            let boxes: Vec<Bounds> = mesh.triangles.iter().map(Bounds::of_points).collect();
            let Some(tree) = read(&boxes, MESH_DEPTH_MAX, &mut reader) else { return Ok(None) };
            trees.push(tree);
        }
        let top = |boxes: &[Bounds]| read(boxes, INSTANCE_DEPTH_MAX, &mut reader);
        let scene = SceneBvh::of_trees(meshes, instances, trees, top);
        Ok(scene.filter(|_| reader.0.is_empty()))
    }
}

/// Bytes of the number of primitives on the left of a node of `count`.
fn width(count: u32) -> usize {
    match count {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

fn write(tree: &BinaryTree, bytes: &mut Vec<u8>) {
    bytes.extend((tree.primitives.len() as u32).to_le_bytes());
    bytes.extend(tree.primitives.iter().flat_map(|idx| idx.to_le_bytes()));
    let mut waiting: Vec<&BinaryNode> = tree.nodes.first().into_iter().collect();
    while let Some(node) = waiting.pop() {
        if !node.is_leaf() {
            let [left, right] = [&tree.nodes[node.first as usize], &tree.nodes[node.first as usize + 1]];
            bytes.extend(&(left.count - 1).to_le_bytes()[..width(node.count)]);
            waiting.extend([right, left]);
        }
    }
}

/// The tree over those boxes that are not empty. `None` when what is written is not such a tree.
fn read(boxes: &[Bounds], depth_max: u32, reader: &mut Reader<'_>) -> Option<BinaryTree> {
    let n = boxes.iter().filter(|bounds| !bounds.is_empty()).count();
    if reader.number(4)? as usize != n {
        return None;
    }
    let mut is_free: Vec<bool> = boxes.iter().map(|bounds| !bounds.is_empty()).collect();
    let mut primitives = Vec::with_capacity(n);
    for bytes in reader.bytes(4 * n)?.as_chunks().0 {
        let idx = u32::from_le_bytes(*bytes);
        // Each one once.
        if !std::mem::take(is_free.get_mut(idx as usize)?) {
            return None;
        }
        primitives.push(idx);
    }
    if n == 0 {
        return Some(BinaryTree::default());
    }
    // Nodes lie as the builder puts them: below a node its two children, all below the left one, all below the right.
    let mut nodes = vec![BinaryNode { bounds: Bounds::EMPTY, first: 0, count: 0 }; 2 * n - 1];
    let mut waiting = vec![Waiting { at: 0, below: 1, first: 0, count: n as u32, depth_left: depth_max }];
    while let Some(Waiting { at, below, first, count, depth_left }) = waiting.pop() {
        if count == 1 {
            let bounds = boxes[primitives[first as usize] as usize];
            nodes[at as usize] = BinaryNode { bounds, first, count };
            continue;
        }
        let n_left = reader.number(width(count))?.checked_add(1).filter(|&n_left| n_left < count)?;
        let depth_left = depth_left.checked_sub(1)?;
        nodes[at as usize] = BinaryNode { bounds: Bounds::EMPTY, first: below, count };
        let left = Waiting { at: below, below: below + 2, first, count: n_left, depth_left };
        let right_below = below + 2 * n_left;
        let (first, count) = (first + n_left, count - n_left);
        waiting.extend([Waiting { at: below + 1, below: right_below, first, count, depth_left }, left]);
    }
    // Children come after their parent.
    for at in (0..nodes.len()).rev() {
        if !nodes[at].is_leaf() {
            let first = nodes[at].first as usize;
            nodes[at].bounds = nodes[first].bounds.union(nodes[first + 1].bounds);
        }
    }
    Some(BinaryTree { nodes, primitives })
}

/// A node that is still to be read.
struct Waiting {
    /// Its index.
    at: u32,
    /// Index of the first node below it.
    below: u32,
    /// Position of its first primitive in leaf order.
    first: u32,
    /// Primitives below it.
    count: u32,
    depth_left: u32,
}

/// What is still to be read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(bytes)
    }

    fn number(&mut self, width: usize) -> Option<u32> {
        let mut number = [0; 4];
        number[..width].copy_from_slice(self.bytes(width)?);
        Some(u32::from_le_bytes(number))
    }
}

#[cfg(test)]
mod tests {
    use glam::{Affine3A, Vec3};

    use super::*;

    /// A mesh of triangles at many distances, one of them broken, and four of its copies.
    fn scene() -> (Vec<[Vec3; 3]>, Vec<AccelInstance>) {
        let triangle = |i: u32| {
            let at = Vec3::new((i * 7919 % 1000) as f32, (i * 104_729 % 777) as f32, (i % 13) as f32).powf(1.5);
            [at, at + Vec3::X, at + Vec3::new(0.0, (i % 5) as f32, 1.0)]
        };
        let mut triangles: Vec<[Vec3; 3]> = (0..3000).map(triangle).collect();
        triangles[17][1].x = f32::NAN;
        let place = |i: u32| {
            let world_from_local = Affine3A::from_translation(Vec3::new(3e4 * i as f32, 0.0, 0.0));
            AccelInstance { mesh: 0, world_from_local, local_from_world: world_from_local.inverse() }
        };
        (triangles, (0..4).map(place).collect())
    }

    fn same(a: &BinaryTree, b: &BinaryTree) -> bool {
        let node = |node: &BinaryNode| (node.bounds, node.first, node.count);
        a.primitives == b.primitives && a.nodes.iter().map(node).eq(b.nodes.iter().map(node))
    }

    #[test]
    fn a_scene_is_read_as_it_was_built() {
        let (triangles, instances) = scene();
        let meshes =
            [AccelMesh { triangles: &triangles, first_triangle: 5 }, AccelMesh { triangles: &[], first_triangle: 0 }];
        let built = SceneBvh::build(&meshes, &instances, &|| false).expect("built");
        let shape = built.shape();
        assert!(shape.len() < 6 * triangles.len(), "{} bytes", shape.len());
        let read = SceneBvh::of_shape(&meshes, &instances, &shape, &|| false).expect("no error").expect("its shape");
        assert!(same(&read.top, &built.top) && same(&read.meshes[0].tree, &built.meshes[0].tree));
        assert_eq!(read.meshes[0].triangles.len(), triangles.len() - 1, "the broken one is left out");
        let order = |scene: &SceneBvh| scene.meshes[0].triangles.iter().map(|leaf| leaf.triangle).collect::<Vec<_>>();
        assert_eq!(order(&read), order(&built));
        let cancelled = SceneBvh::of_shape(&meshes, &instances, &shape, &|| true);
        assert_eq!(cancelled.expect_err("cancelled"), AccelError::Cancelled);
    }

    #[test]
    fn what_is_no_shape_of_the_scene_gives_none() {
        let (triangles, instances) = scene();
        let triangles = &triangles[..40];
        let meshes = [AccelMesh { triangles, first_triangle: 0 }];
        let of_shape = |shape: &[u8]| SceneBvh::of_shape(&meshes, &instances, shape, &|| false).expect("no error");
        let shape = SceneBvh::build(&meshes, &instances, &|| false).expect("built").shape();
        for length in 0..shape.len() {
            assert!(of_shape(&shape[..length]).is_none(), "{length} bytes");
        }
        assert!(of_shape(&[&shape[..], &[0]].concat()).is_none(), "one byte more");
        // With another bit it may be another shape, and then everything is in its boxes.
        for bit in 0..8 * shape.len() {
            let mut other = shape.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            for tree in of_shape(&other).iter().flat_map(|scene| [&scene.meshes[0].tree, &scene.top]) {
                let mut all = tree.primitives.clone();
                all.sort_unstable();
                assert!(all.is_sorted_by(|a, b| a < b), "each one once");
                for node in tree.nodes.iter().filter(|node| !node.is_leaf()) {
                    let children = [0, 1].map(|side| &tree.nodes[node.first as usize + side]);
                    assert_eq!(children.iter().map(|child| child.count).sum::<u32>(), node.count);
                    assert!(children.iter().all(|child| child.bounds.union(node.bounds) == node.bounds));
                }
            }
        }
        // As deep as it is long.
        let n = 2000_u32;
        let many = vec![triangles[0]; n as usize];
        let chain: Vec<u8> = [vec![n], (0..n).collect()].concat().into_iter().flat_map(u32::to_le_bytes).collect();
        let splits = (2..=n).rev().flat_map(|count| vec![0; width(count)]);
        let chain: Vec<u8> = chain.into_iter().chain(splits).collect();
        let boxes: Vec<Bounds> = many.iter().map(Bounds::of_points).collect();
        assert!(read(&boxes, MESH_DEPTH_MAX, &mut Reader(&chain)).is_none());
        assert!(read(&boxes, n, &mut Reader(&chain)).is_some(), "but for its depth it is one");
    }
}
