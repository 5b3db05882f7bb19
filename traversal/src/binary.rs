//! Binary trees over boxes, top down by the surface area heuristic.
//!
//! At each node the primitives' centroids are sorted into bins along each axis and the cheapest of the planes between
//! bins splits them (Wald 2007, "On fast construction of SAH-based bounding volume hierarchies"). Splitting continues
//! down to single primitives; the derived forms decide how many of them share a leaf, because that depends on the width
//! of their nodes. A subtree over n primitives takes exactly 2n - 1 nodes, so that both halves can be built in parallel
//! in two halves of one array, and the tree does not depend on the number of threads.

use glam::{Vec3, Vec3A};

use crate::{COORDINATE_MAX, LeafTriangle};

/// Bins per axis in large nodes.
const BINS: usize = 32;
/// Nodes with fewer primitives than this are built by a single thread.
const PARALLEL_MIN: usize = 4096;

/// How far the box of a node over triangles is widened along an axis, over the largest extent of its triangles along
/// this axis and along any (`simd::ray` derives them).
pub(crate) const OWN_EXTENT: f32 = 36.0 * 0.5 * f32::EPSILON;
pub(crate) const OTHER_EXTENT: f32 = 14.0 * 0.5 * f32::EPSILON;

/// An axis-aligned box; empty when `min > max`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Lower corner.
    pub min: Vec3A,
    /// Upper corner.
    pub max: Vec3A,
}

impl Bounds {
    /// The empty box, neutral element of [`Bounds::union`].
    pub const EMPTY: Bounds = Bounds { min: Vec3A::INFINITY, max: Vec3A::NEG_INFINITY };

    /// The smallest box around three points; empty when one of them is NaN or beyond [`COORDINATE_MAX`].
    pub fn of_points(points: &[Vec3; 3]) -> Bounds {
        let [a, b, c] = points.map(Vec3A::from);
        let largest = a.abs().max(b.abs()).max(c.abs()).max_element();
        let finite = a.is_finite() && b.is_finite() && c.is_finite() && largest <= COORDINATE_MAX;
        if finite { Bounds { min: a.min(b).min(c), max: a.max(b).max(c) } } else { Bounds::EMPTY }
    }

    /// The box widened by what rounding may do to triangles in it, as far as that depends on their extents, of which
    /// the largest are given by axis.
    pub(crate) fn widened(self, extent: Vec3A) -> Bounds {
        let wider = extent * OWN_EXTENT + extent.max_element() * OTHER_EXTENT;
        Bounds { min: self.min - wider, max: self.max + wider }
    }

    /// The smallest box around both.
    #[inline]
    pub fn union(self, other: Bounds) -> Bounds {
        Bounds { min: self.min.min(other.min), max: self.max.max(other.max) }
    }

    /// Whether it contains no point.
    pub fn is_empty(&self) -> bool {
        !self.min.cmple(self.max).all()
    }

    /// Whether both corners are finite.
    pub fn is_finite(&self) -> bool {
        self.min.is_finite() && self.max.is_finite()
    }

    /// Half the surface area, zero when empty.
    #[inline]
    pub fn half_area(&self) -> f32 {
        let size = (self.max - self.min).max(Vec3A::ZERO);
        size.x * size.y + size.y * size.z + size.z * size.x
    }

    /// Twice the centre.
    #[inline]
    fn centroid_doubled(&self) -> Vec3A {
        self.min + self.max
    }
}

/// A node: an inner one has its two children side by side at `first`, a leaf has `count` primitives from `first` on.
#[derive(Clone, Copy, Debug)]
pub struct BinaryNode {
    /// Contains everything below.
    pub bounds: Bounds,
    /// Left child, or first entry of [`BinaryTree::primitives`].
    pub first: u32,
    /// Number of primitives below this node. One means a leaf.
    pub count: u32,
}

impl BinaryNode {
    const UNUSED: BinaryNode = BinaryNode { bounds: Bounds::EMPTY, first: 0, count: 0 };

    /// Whether this node has a primitive and no children.
    pub fn is_leaf(&self) -> bool {
        self.count == 1
    }
}

/// A binary tree with one primitive per leaf. Children come after their parent; node 0 is the root.
#[derive(Clone, Debug, Default)]
pub struct BinaryTree {
    /// All nodes; none when there are no primitives.
    pub nodes: Vec<BinaryNode>,
    /// Indices of the given boxes, in leaf order: the primitives below a node are contiguous. Empty boxes are left out.
    pub primitives: Vec<u32>,
}

/// A primitive while it is being sorted.
#[derive(Clone, Copy)]
struct Primitive {
    bounds: Bounds,
    idx: u32,
}

impl BinaryTree {
    /// Builds the tree over all boxes that are not empty, at most `depth_max` edges deep. `None` when cancelled, which
    /// is polled at every subtree that is large enough for a thread of its own.
    ///
    /// # Panics
    /// When even a balanced tree is deeper than `depth_max`.
    pub fn build(boxes: &[Bounds], depth_max: u32, cancelled: &(dyn Fn() -> bool + Sync)) -> Option<BinaryTree> {
        let with_idx = boxes.iter().zip(0u32..).filter(|(bounds, _)| !bounds.is_empty());
        let mut primitives: Vec<Primitive> = with_idx.map(|(&bounds, idx)| Primitive { bounds, idx }).collect();
        if primitives.is_empty() {
            return Some(BinaryTree::default());
        }
        assert!(balanced_depth(primitives.len()) <= depth_max, "the limits on scene size make balanced trees fit");
        let mut nodes = vec![BinaryNode::UNUSED; 2 * primitives.len() - 1];
        let (root, rest) = nodes.split_at_mut(1);
        let is_whole = build_node(&mut root[0], rest, 1, &mut primitives, 0, depth_max, cancelled);
        is_whole.then(|| BinaryTree { nodes, primitives: primitives.iter().map(|primitive| primitive.idx).collect() })
    }

    /// Bytes of memory held.
    pub fn size_bytes(&self) -> usize {
        size_of_val(&*self.nodes) + size_of_val(&*self.primitives)
    }

    /// The box around everything.
    pub fn bounds(&self) -> Bounds {
        self.nodes.first().map_or(Bounds::EMPTY, |root| root.bounds)
    }

    /// For each node, the largest extents of the triangles below it, by axis. `triangles` are in leaf order.
    pub(crate) fn extents(&self, triangles: &[LeafTriangle]) -> Vec<Vec3A> {
        let mut extents = vec![Vec3A::ZERO; self.nodes.len()];
        // Children come after their parents.
        for (idx, node) in self.nodes.iter().enumerate().rev() {
            let first = node.first as usize;
            extents[idx] = match node.is_leaf() {
                true => triangles[first..][..node.count as usize].iter().fold(Vec3A::ZERO, |largest, triangle| {
                    let bounds = Bounds::of_points(&triangle.vertices);
                    largest.max(bounds.max - bounds.min)
                }),
                false => extents[first].max(extents[first + 1]),
            };
        }
        extents
    }

    /// Where the primitives below the node start in [`BinaryTree::primitives`].
    pub fn first_primitive(&self, node: &BinaryNode) -> u32 {
        let mut node = node;
        while !node.is_leaf() {
            node = &self.nodes[node.first as usize];
        }
        node.first
    }
}

/// Depth of a balanced tree over `n` primitives.
fn balanced_depth(n: usize) -> u32 {
    n.next_power_of_two().trailing_zeros()
}

/// Fills `node` and everything below it. `below` has the 2n - 2 nodes below, of which the first has index `below_idx`;
/// `first` is the position of `primitives[0]` in the whole tree's order. Returns false when cancelled.
fn build_node(
    node: &mut BinaryNode,
    below: &mut [BinaryNode],
    below_idx: u32,
    primitives: &mut [Primitive],
    first: u32,
    depth_left: u32,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> bool {
    let count = primitives.len();
    let bounds = primitives.iter().fold(Bounds::EMPTY, |all, primitive| all.union(primitive.bounds));
    if count == 1 {
        *node = BinaryNode { bounds, first, count: 1 };
        return true;
    }
    if count >= PARALLEL_MIN && cancelled() {
        return false;
    }
    *node = BinaryNode { bounds, first: below_idx, count: count as u32 };
    let n_left = split(primitives, depth_left);
    if count >= PARALLEL_MIN && cancelled() {
        return false;
    }
    let (left_primitives, right_primitives) = primitives.split_at_mut(n_left);
    let (pair, below) = below.split_at_mut(2);
    let (left_below, right_below) = below.split_at_mut(2 * n_left - 2);
    let (left, right) = pair.split_at_mut(1);
    let left_idx = below_idx + 2;
    let right_idx = left_idx + left_below.len() as u32;
    let right_first = first + n_left as u32;
    let depth_left = depth_left - 1;
    let mut build_left =
        || build_node(&mut left[0], left_below, left_idx, left_primitives, first, depth_left, cancelled);
    let mut build_right =
        || build_node(&mut right[0], right_below, right_idx, right_primitives, right_first, depth_left, cancelled);
    let (left_is_whole, right_is_whole) = match count >= PARALLEL_MIN {
        true => rayon::join(build_left, build_right),
        false => (build_left(), build_right()),
    };
    left_is_whole && right_is_whole
}

/// Reorders the primitives (two or more) into two groups and returns the size of the first.
fn split(primitives: &mut [Primitive], depth_left: u32) -> usize {
    if primitives.len() == 2 {
        return 1;
    }
    let (mut low, mut high) = (Vec3A::INFINITY, Vec3A::NEG_INFINITY);
    for primitive in primitives.iter() {
        let centroid = primitive.bounds.centroid_doubled();
        low = low.min(centroid);
        high = high.max(centroid);
    }
    let extent = high - low;
    if balanced_depth(primitives.len()) < depth_left && extent.max_element() > 0.0 {
        let bins = match primitives.len() {
            0..16 => binned_split::<8>(primitives, low, extent),
            16..64 => binned_split::<16>(primitives, low, extent),
            _ => binned_split::<BINS>(primitives, low, extent),
        };
        if let Some((axis, plane, bin_of)) = bins {
            let n_left = partition(primitives, |primitive| bin_of.bin(primitive)[axis] < plane);
            if n_left > 0 && n_left < primitives.len() {
                return n_left;
            }
        }
    }
    // No plane separates the centroids, or the remaining depth only just allows a balanced tree.
    let axis = extent.max_position();
    let middle = primitives.len() / 2;
    let key = |primitive: &Primitive| primitive.bounds.centroid_doubled()[axis];
    primitives.select_nth_unstable_by(middle, |a, b| key(a).total_cmp(&key(b)).then(a.idx.cmp(&b.idx)));
    middle
}

/// The bin of a primitive along each axis.
#[derive(Clone, Copy)]
struct BinOf {
    low: Vec3A,
    scale: Vec3A,
    last: Vec3A,
}

impl BinOf {
    #[inline]
    fn bin(&self, primitive: &Primitive) -> [usize; 3] {
        let bin = ((primitive.bounds.centroid_doubled() - self.low) * self.scale).min(self.last);
        [bin.x as usize, bin.y as usize, bin.z as usize]
    }
}

/// The cheapest plane between `N` bins of equal width: its axis, the number of bins below it, and the binning.
fn binned_split<const N: usize>(primitives: &[Primitive], low: Vec3A, extent: Vec3A) -> Option<(usize, usize, BinOf)> {
    // An axis without extent, or one so short that the scale would overflow, puts everything in bin 0.
    let scale = extent.to_array().map(|length| if length > 1e-30 { N as f32 / length } else { 0.0 });
    let bin_of = BinOf { low, scale: Vec3A::from(scale), last: Vec3A::splat((N - 1) as f32) };
    let mut bins = [[(Bounds::EMPTY, 0u32); N]; 3];
    for primitive in primitives {
        for (axis, bin) in bin_of.bin(primitive).into_iter().enumerate() {
            let (bounds, count) = &mut bins[axis][bin];
            *bounds = bounds.union(primitive.bounds);
            *count += 1;
        }
    }
    let mut best: Option<(f32, usize, usize)> = None;
    for (axis, bins) in bins.iter().enumerate() {
        if scale[axis] == 0.0 {
            continue;
        }
        let mut cost_above = [0.0f32; N];
        let (mut bounds, mut count) = (Bounds::EMPTY, 0);
        for plane in (1..N).rev() {
            bounds = bounds.union(bins[plane].0);
            count += bins[plane].1;
            cost_above[plane] = bounds.half_area() * count as f32;
        }
        let (mut bounds, mut count) = (Bounds::EMPTY, 0);
        for plane in 1..N {
            bounds = bounds.union(bins[plane - 1].0);
            count += bins[plane - 1].1;
            let cost = bounds.half_area() * count as f32 + cost_above[plane];
            let separates = count > 0 && (count as usize) < primitives.len();
            if separates && best.is_none_or(|(least, _, _)| cost < least) {
                best = Some((cost, axis, plane));
            }
        }
    }
    best.map(|(_, axis, plane)| (axis, plane, bin_of))
}

/// Moves the primitives of the left side to the front, and returns how many there are.
fn partition(primitives: &mut [Primitive], is_left: impl Fn(&Primitive) -> bool) -> usize {
    let (mut left, mut right) = (0, primitives.len());
    while left < right {
        if is_left(&primitives[left]) {
            left += 1;
        } else {
            right -= 1;
            primitives.swap(left, right);
        }
    }
    left
}
