//! A cube of colours over a logarithmic shaper, interpolated tetrahedrally.

use std::borrow::Cow;

use glam::Vec3A;

use super::{Block, clamp_unit, log2::log2};

/// Nodes along each axis of the tables in Blender's configuration.
pub(super) const NODES_PER_AXIS: usize = 57;

/// Maps scene values to table coordinates 0 to 1: `(log2(max(x, floor)) - log2_min) / log2_range`, clamped.
pub(super) struct LogShaper {
    /// Keeps the logarithm finite.
    pub(super) floor: f32,
    /// log2 at coordinate 0.
    pub(super) log2_min: f32,
    /// Stops from coordinate 0 to 1.
    pub(super) log2_range: f32,
}

impl LogShaper {
    /// The table coordinate of a channel of a scene colour.
    #[inline]
    pub(super) fn apply(&self, channel: f32) -> f32 {
        let floored = if channel > self.floor { channel } else { self.floor };
        clamp_unit((log2(floored) - self.log2_min) * self.log2_range.recip())
    }
}

/// A cube of colours.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lut3d<'a> {
    /// Red is fastest.
    nodes: Cow<'a, [Vec3A]>,
    nodes_per_axis: usize,
}

impl<'a> Lut3d<'a> {
    /// Of `nodes_per_axis`³ colours, red fastest; two at least to an axis.
    pub(super) fn new(nodes: impl Into<Cow<'a, [Vec3A]>>, nodes_per_axis: usize) -> Self {
        let nodes = nodes.into();
        assert!(nodes_per_axis >= 2 && nodes.len() == nodes_per_axis.pow(3), "a cube has all its nodes");
        Self { nodes, nodes_per_axis }
    }

    /// Evaluates `node(r, g, b)` at every node; the arguments count 0 to `nodes_per_axis - 1`.
    ///
    /// The slices are distributed to a few plain threads instead of rayon's: tables are made inside a `OnceLock`, and a
    /// rayon worker that waits there for its slices may start on a picture that needs the same table.
    pub(super) fn generate(nodes_per_axis: usize, node: impl Fn(usize, usize, usize) -> [f64; 3] + Sync) -> Self {
        let slice_len = nodes_per_axis * nodes_per_axis;
        let mut nodes = vec![Vec3A::ZERO; slice_len * nodes_per_axis];
        let n_threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(8));
        let slices_per_thread = nodes_per_axis.div_ceil(n_threads);
        std::thread::scope(|scope| {
            for (thread_idx, slab) in nodes.chunks_mut(slices_per_thread * slice_len).enumerate() {
                let node = &node;
                scope.spawn(move || {
                    for (offset, value) in slab.iter_mut().enumerate() {
                        let idx = thread_idx * slices_per_thread * slice_len + offset;
                        let [r, g, b] = strides(nodes_per_axis).map(|stride| idx / stride % nodes_per_axis);
                        *value = Vec3A::from_array(node(r, g, b).map(|channel| channel as f32));
                    }
                });
            }
        });
        Self::new(nodes, nodes_per_axis)
    }

    /// Node `k`; red is fastest.
    #[cfg(test)]
    pub(super) fn node(&self, k: usize) -> [f32; 3] {
        self.nodes[k].to_array()
    }

    /// Replaces coordinates by colours.
    pub(super) fn sample_all(&self, block: &mut Block) {
        let nodes: &[Vec3A] = &self.nodes;
        let [red, green, blue] = block;
        for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
            [*r, *g, *b] = sample(nodes, self.nodes_per_axis, Vec3A::new(*r, *g, *b)).to_array();
        }
    }
}

/// The colour at coordinates 0 to 1, interpolated in the tetrahedron of the cell that holds the point
/// (as OpenColorIO does it): from the cell's low corner one step along the axis of the largest fraction, one
/// along the next and one along the last, each corner weighted by the difference of successive fractions.
#[inline]
fn sample(nodes: &[Vec3A], nodes_per_axis: usize, coordinates: Vec3A) -> Vec3A {
    /// Adding and subtracting it leaves the nearest whole number.
    const ROUND: f32 = 1.5 * (1 << 23) as f32;
    let scaled = coordinates * (nodes_per_axis - 1) as f32;
    // A point on the border of two cells may count to either.
    let cell = (((scaled - 0.5) + ROUND) - ROUND).min(Vec3A::splat((nodes_per_axis - 2) as f32));
    let f = scaled - cell;
    let [red, green, blue] = strides(nodes_per_axis);
    // Whole numbers below 2^24 are exact.
    let low = cell.dot(Vec3A::new(red as f32, green as f32, blue as f32)) as u32 as usize;
    // Selections instead of branches: the order differs too often between neighbouring pixels to be predicted. Where
    // fractions are equal any choice is correct, because the corner in question has weight 0.
    let first = if f.x >= f.y && f.x >= f.z {
        red
    } else if f.y >= f.z {
        green
    } else {
        blue
    };
    let last = if f.x <= f.y && f.x <= f.z {
        red
    } else if f.y <= f.z {
        green
    } else {
        blue
    };
    let (largest, least) = (f.max_element(), f.min_element());
    let middle = f.x.min(f.y).max(f.x.max(f.y).min(f.z));
    let high = low + red + green + blue;
    nodes[low] * (1.0 - largest)
        + nodes[low + first] * (largest - middle)
        + nodes[high - last] * (middle - least)
        + nodes[high] * least
}

/// Distance in the array from a node to the next along red, green and blue.
#[inline]
fn strides(nodes_per_axis: usize) -> [usize; 3] {
    [1, nodes_per_axis, nodes_per_axis * nodes_per_axis]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of a function that is linear in the coordinates is reproduced everywhere, in each of the six tetrahedra.
    #[test]
    fn linear_functions_are_reproduced() {
        for nodes_per_axis in [2, 3, NODES_PER_AXIS] {
            let last = (nodes_per_axis - 1) as f64;
            let table = Lut3d::generate(nodes_per_axis, |r, g, b| {
                let [r, g, b] = [r, g, b].map(|i| i as f64 / last);
                [r, 0.25 + 0.5 * g, 0.3 * r + 0.2 * g + 0.5 * b]
            });
            let steps = [0.0, 0.001, 0.1, 0.34, 0.5, 0.77, 0.999, 1.0_f32];
            for [r, g, b] in steps.map(|r| steps.map(|g| steps.map(|b| [r, g, b]))).as_flattened().as_flattened() {
                let want = Vec3A::new(*r, 0.25 + 0.5 * g, 0.3 * r + 0.2 * g + 0.5 * b);
                let got = sample(&table.nodes, nodes_per_axis, Vec3A::new(*r, *g, *b));
                assert!((got - want).abs().max_element() < 1e-5, "{r} {g} {b}: {got} instead of {want}");
            }
        }
    }

    #[test]
    fn the_shaper_is_clamped_at_both_ends() {
        let shaper = LogShaper { floor: 1e-10, log2_min: -9.0, log2_range: 19.0 };
        for (channel, want) in [(-1.0, 0.0), (2.0_f32.powi(-9), 0.0), (2.0_f32.sqrt(), 0.5), (1e30, 1.0)] {
            assert!((shaper.apply(channel) - want).abs() < 1e-7, "{channel}: {}", shaper.apply(channel));
        }
    }
}
