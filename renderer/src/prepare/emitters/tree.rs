//! The tree over emitters: built top-down, split where a cost of power, extent and orientation is least (Conty Estevez
//! and Kulla 2018, section 4.4, with the length of the mean normal in place of the cone's solid angle).

use glam::Vec3;
use packshot_shaders::constants::EMITTERS_BOTH_SIDES;
use packshot_shaders::layout::emitter::{Emitter, EmitterNode};

/// Most emitters of a leaf, where there are few in all.
const LEAF_MAX: usize = 4;
/// Approximate number of leaves: with many emitters the leaves grow instead, so that walking the tree takes a bounded
/// time.
const LEAVES_MAX: usize = 1 << 15;
/// Candidates for a split along each axis.
const BINS: usize = 16;
/// Longer ranges are split at the spatial middle: their halves will be binned.
const BINNED_MAX: usize = 1 << 16;
/// From this depth on ranges are halved by count, so that no input makes a deep tree.
const DEPTH_BALANCED: u32 = 40;

/// An emitter while the tree is built.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// Corner of its box, in render space.
    pub min: Vec3,
    /// The opposite corner.
    pub max: Vec3,
    /// Unit, on the side that is sampled.
    pub normal: Vec3,
    /// Whether the other side is sampled as well.
    pub both_sides: bool,
    /// Mean luminance times area, above 0.
    pub power: f64,
    pub instance: u32,
    pub triangle: u32,
    /// Index of the entry that records its place in the tree.
    pub entry: u32,
}

impl Item {
    fn center(&self) -> Vec3 {
        0.5 * (self.min + self.max)
    }

    /// The normal, or its opposite where both sides are sampled, whichever points towards `axis`.
    fn normal_towards(&self, axis: Vec3) -> Vec3 {
        if self.both_sides && self.normal.dot(axis) < 0.0 { -self.normal } else { self.normal }
    }
}

/// Nodes, and the emitters in the order into which `items` have been brought. `None` when cancelled.
pub(super) fn build(
    items: &mut [Item],
    power: f64,
    cancelled: &dyn Fn() -> bool,
) -> Option<(Vec<EmitterNode>, Vec<Emitter>)> {
    let leaf_max = LEAF_MAX.max(items.len().div_ceil(LEAVES_MAX));
    let mut emitters = vec![Emitter::default(); items.len()];
    // Node 1 is unused, so that first children have even indices.
    let mut nodes = vec![EmitterNode::default(); 2];
    let mut waiting = vec![(0_usize, 0..items.len(), 0_u32, 0_u32)];
    while let Some((node, range, parent, depth)) = waiting.pop() {
        if range.len() > leaf_max && cancelled() {
            return None;
        }
        let held = &mut items[range.clone()];
        let mut record = EmitterNode { parent, ..bounds(held, power) };
        if range.len() <= leaf_max {
            record.first = range.start as u32;
            record.count |= range.len() as u32;
            fill(&mut emitters[range], held, node as u32);
            nodes[node] = record;
            continue;
        }
        let middle = range.start + split(held, record.axis, depth);
        let first = nodes.len();
        record.first = first as u32;
        nodes[node] = record;
        nodes.resize(first + 2, EmitterNode::default());
        waiting.push((first, range.start..middle, node as u32, depth + 1));
        waiting.push((first + 1, middle..range.end, node as u32, depth + 1));
    }
    Some((nodes, emitters))
}

/// The bounds of `items`, without a place in the tree.
fn bounds(items: &[Item], power: f64) -> EmitterNode {
    let (mut min, mut max) = (Vec3::INFINITY, Vec3::NEG_INFINITY);
    let mut sum = 0.0;
    for item in items {
        (min, max) = (min.min(item.min), max.max(item.max));
        sum += item.power;
    }
    let axis = mean_axis(items);
    let both_sides = items.iter().any(|item| item.both_sides);
    let cosine = |item: &Item| {
        let cosine = item.normal.dot(axis);
        if both_sides { cosine.abs() } else { cosine }
    };
    let cos_spread = items.iter().map(cosine).fold(1.0, f32::min);
    EmitterNode {
        center: 0.5 * (min + max),
        // A little larger than the box, whose corners are rounded to single precision.
        radius2: (0.25 * (max - min).length_squared() * (1.0 + 1e-5)).max(f32::MIN_POSITIVE),
        axis,
        cos_spread: (cos_spread - 1e-5).max(-1.0),
        power: (sum / power) as f32,
        count: if both_sides { EMITTERS_BOTH_SIDES } else { 0 },
        ..EmitterNode::default()
    }
}

/// Mean normal, weighted by power; two-sided emitters are turned to the side of the most powerful one.
fn mean_axis(items: &[Item]) -> Vec3 {
    let strongest = items.iter().max_by(|a, b| a.power.total_cmp(&b.power)).map_or(Vec3::Y, |item| item.normal);
    let sum: glam::DVec3 = items.iter().map(|item| item.normal_towards(strongest).as_dvec3() * item.power).sum();
    sum.try_normalize().map_or(strongest, |axis| axis.as_vec3())
}

/// Within a leaf, probabilities are proportional to power.
fn fill(emitters: &mut [Emitter], items: &[Item], leaf: u32) {
    let total: f64 = items.iter().map(|item| item.power).sum();
    let mut sum = 0.0;
    for (emitter, item) in emitters.iter_mut().zip(items) {
        sum += item.power;
        let share_end = (sum / total) as f32;
        *emitter = Emitter { instance: item.instance, triangle: item.triangle, leaf, share_end };
    }
    if let Some(last) = emitters.last_mut() {
        last.share_end = 1.0;
    }
}

/// Reorders at least 2 `items` and returns how many belong to the first child: at least 1, and not all.
fn split(items: &mut [Item], axis: Vec3, depth: u32) -> usize {
    let (mut min, mut max) = (Vec3::INFINITY, Vec3::NEG_INFINITY);
    for item in items.iter() {
        (min, max) = (min.min(item.center()), max.max(item.center()));
    }
    let extent = max - min;
    let widest = (0..3).max_by(|&a, &b| extent[a].total_cmp(&extent[b])).expect("three axes");
    if depth < DEPTH_BALANCED {
        let place = if items.len() > BINNED_MAX {
            Some((widest, 0.5 * (min[widest] + max[widest])))
        } else {
            best_split(items, axis, min, extent)
        };
        if let Some((along, place)) = place {
            let n_first = partition(items, |item| item.center()[along] < place);
            if n_first > 0 && n_first < items.len() {
                return n_first;
            }
        }
    }
    let middle = items.len() / 2;
    let key = |item: &Item| item.center()[widest];
    items.select_nth_unstable_by(middle, |a, b| {
        key(a).total_cmp(&key(b)).then((a.instance, a.triangle).cmp(&(b.instance, b.triangle)))
    });
    middle
}

/// Moves those for which `is_first` holds to the front, and returns how many there are.
fn partition(items: &mut [Item], is_first: impl Fn(&Item) -> bool) -> usize {
    let mut n_first = 0;
    for i in 0..items.len() {
        if is_first(&items[i]) {
            items.swap(i, n_first);
            n_first += 1;
        }
    }
    n_first
}

/// What one side of a split contains.
#[derive(Clone, Copy)]
struct Side {
    min: Vec3,
    max: Vec3,
    normal: Vec3,
    power: f32,
}

impl Side {
    const EMPTY: Self = Self { min: Vec3::INFINITY, max: Vec3::NEG_INFINITY, normal: Vec3::ZERO, power: 0.0 };

    fn with(self, other: Self) -> Self {
        Self {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            normal: self.normal + other.normal,
            power: self.power + other.power,
        }
    }

    /// Power times surface area times a measure of how many directions are lit: 1 for a plane, 4 for a sphere.
    fn cost(&self) -> f32 {
        if self.power == 0.0 {
            return 0.0;
        }
        let d = self.max - self.min;
        let surface = d.x * d.y + d.y * d.z + d.z * d.x;
        let aligned = (self.normal.length() / self.power).min(1.0);
        self.power * surface * (4.0 - 3.0 * aligned)
    }
}

/// The axis and the position along it where the two sides cost least; `None` where all centres coincide.
fn best_split(items: &[Item], axis: Vec3, min: Vec3, extent: Vec3) -> Option<(usize, f32)> {
    let strongest = items.iter().map(|item| item.power).fold(0.0, f64::max);
    let longest = extent.max_element();
    let mut best: Option<(f32, usize, f32)> = None;
    for along in (0..3).filter(|&along| extent[along] > 0.0) {
        let scale = BINS as f32 / extent[along];
        let mut bins = [Side::EMPTY; BINS];
        for item in items {
            let bin = (((item.center()[along] - min[along]) * scale) as usize).min(BINS - 1);
            // Relative to the strongest emitter, so that nothing overflows.
            let power = (item.power / strongest) as f32;
            let normal = item.normal_towards(axis) * power;
            bins[bin] = bins[bin].with(Side { min: item.min, max: item.max, normal, power });
        }
        let mut after = [Side::EMPTY; BINS];
        for i in (1..BINS).rev() {
            after[i - 1] = after[i].with(bins[i]);
        }
        // Penalises thin slices.
        let weight = longest / extent[along];
        let mut before = Side::EMPTY;
        for i in 0..BINS - 1 {
            before = before.with(bins[i]);
            let cost = weight * (before.cost() + after[i].cost());
            let is_split = before.power > 0.0 && after[i].power > 0.0;
            if is_split && best.is_none_or(|(least, ..)| cost < least) {
                best = Some((cost, along, min[along] + (i + 1) as f32 / scale));
            }
        }
    }
    best.map(|(_, along, place)| (along, place))
}
