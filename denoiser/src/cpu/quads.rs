//! Rows in a form in which three taps in a row cost half as much.
//!
//! Four consecutive pixels of a convolution's result depend on six of its input. As polynomials, they follow from six
//! products instead of twelve: evaluate input and taps at 0, ±1, ±2 and infinity, multiply, and interpolate (Winograd's
//! F(4, 3); the matrices are those of Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015). Input
//! rows are evaluated once and serve three rows of output and all their channels; weights are evaluated in advance.

use super::lanes::{Block, Kernel, Lanes};
use super::rows::Shape;

/// Pixels of a quad.
pub(super) const QUAD_PX: usize = 4;
/// Points at which a quad is evaluated.
pub(super) const POINTS: usize = 6;

/// Three taps at the six points.
pub(super) const TAPS_AT_POINTS: [[f64; 3]; POINTS] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

/// Evaluates a row: by block of channels, point, quad.
pub(super) struct Evaluation<'a> {
    pub(super) shape: Shape,
    pub(super) row: &'a [Block],
    /// [`Shape::quads_len`] blocks.
    pub(super) out: &'a mut [Block],
}

impl Kernel for Evaluation<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { shape, row, out } = self;
        let pitch = shape.quads_pitch();
        let (two, minus_four, four, minus_five) =
            (lanes.splat(2.0), lanes.splat(-4.0), lanes.splat(4.0), lanes.splat(-5.0));
        for (row, out) in row.chunks_exact(shape.pitch()).zip(out.chunks_exact_mut(POINTS * pitch)) {
            for quad in 0..shape.n_quads() {
                let pixels = &row[quad * QUAD_PX..][..POINTS];
                let [d0, d1, d2, d3, d4, d5] = std::array::from_fn(|i| lanes.load(&pixels[i]));
                let even = lanes.mul_add(minus_four, d2, d4);
                let odd = lanes.mul_add(minus_four, d1, d3);
                let even_2 = lanes.sub(d4, d2);
                let odd_2 = lanes.sub(d3, d1);
                let values = [
                    lanes.mul_add(four, d0, lanes.mul_add(minus_five, d2, d4)),
                    lanes.add(even, odd),
                    lanes.sub(even, odd),
                    lanes.mul_add(two, odd_2, even_2),
                    lanes.mul_add(lanes.splat(-2.0), odd_2, even_2),
                    lanes.mul_add(four, d1, lanes.mul_add(minus_five, d3, d5)),
                ];
                for (point, value) in values.into_iter().enumerate() {
                    lanes.store(value, &mut out[point * pitch + quad]);
                }
            }
        }
    }
}

/// Interpolates some quads of one block of channels, adds them to the initial values of their pixels, and clamps
/// negative values to 0 (ReLU).
pub(super) struct Interpolation<'a> {
    /// By point; quads of one point are contiguous, points `pitch` apart.
    pub(super) products: &'a [Block],
    pub(super) pitch: usize,
    pub(super) n_quads: usize,
    /// Initial value of every pixel; `None` if `out` contains the initial values.
    pub(super) bias: Option<&'a Block>,
    /// Starts at the first pixel.
    pub(super) out: &'a mut [Block],
}

impl Interpolation<'_> {
    #[inline(always)]
    pub(super) fn run<L: Lanes>(self, lanes: L) {
        let (zero, two, four, eight) = (lanes.splat(0.0), lanes.splat(2.0), lanes.splat(4.0), lanes.splat(8.0));
        for (quad, out) in self.out.as_chunks_mut::<QUAD_PX>().0.iter_mut().take(self.n_quads).enumerate() {
            let [m0, m1, m2, m3, m4, m5] =
                std::array::from_fn(|point| lanes.load(&self.products[point * self.pitch + quad]));
            let (sum, difference) = (lanes.add(m1, m2), lanes.sub(m1, m2));
            let (sum_2, difference_2) = (lanes.add(m3, m4), lanes.sub(m3, m4));
            let values = [
                lanes.add(lanes.add(m0, sum), sum_2),
                lanes.mul_add(two, difference_2, difference),
                lanes.mul_add(four, sum_2, sum),
                lanes.add(lanes.mul_add(eight, difference_2, difference), m5),
            ];
            for (value, out) in values.into_iter().zip(out) {
                let begun = lanes.load(self.bias.unwrap_or(out));
                lanes.store(lanes.max(lanes.add(value, begun), zero), out);
            }
        }
    }
}
