//! Tables of closures, entry by entry, by quadrature in double precision.
//!
//! An entry depends on its index alone. `renderer/build.rs` includes this module too: it computes the tables that every
//! render or many renders need, which would otherwise take longer than a small picture; others are computed on first
//! use. Nothing here may use another crate.

pub(crate) mod brushed;
pub(crate) mod facets;
pub(crate) mod sheen;

/// Quadrature points over the spherical cap of visible facets: a Fibonacci lattice, whose error falls fast even where
/// the integrand is cut off. Sines and cosines are computed once here, not for each table entry.
pub(crate) struct Lattice(Vec<LatticePoint>);

struct LatticePoint {
    /// Fraction of the cap's height.
    u: f64,
    /// Cosine of the azimuth.
    cos_phi: f64,
    sin_phi: f64,
}

impl Lattice {
    /// A lattice whose azimuths cover `turn_rad`.
    fn new(n_points: u32, generator: u32, turn_rad: f64) -> Self {
        let point = |i: u32| {
            let u = (f64::from(i) + 0.5) / f64::from(n_points);
            let phi = turn_rad * (f64::from(i * generator % n_points) / f64::from(n_points));
            LatticePoint { u, cos_phi: phi.cos(), sin_phi: phi.sin() }
        };
        Self((0..n_points).map(point).collect())
    }
}

/// Raises nodes, the last axis fastest, so that what is interpolated linearly between them is nowhere below what the
/// table stands for: no closure that divides by it, or lets the rest through to what lies below, gains light. Between
/// two nodes, a function that bends downwards lies above the straight line by up to an eighth of its second
/// difference.
pub(crate) fn raised(nodes: &[f32], shape: &[usize]) -> Vec<f32> {
    let mut out = nodes.to_vec();
    let mut stride = nodes.len();
    for &n in shape {
        stride /= n;
        for (k, raised) in out.iter_mut().enumerate() {
            // At the ends, the bend is that of the node beside.
            let inner = (k / stride % n).clamp(1, n - 2);
            let middle = k - (k / stride % n) * stride + inner * stride;
            let bend = 2.0 * nodes[middle] - nodes[middle - stride] - nodes[middle + stride];
            *raised += bend.max(0.0) / 8.0;
        }
    }
    out.iter().map(|node| node.min(1.0)).collect()
}

/// Unpolarised dielectric reflectance; `eta` is the index beyond the surface over the index on this side.
pub(crate) fn fresnel(cos_i: f64, eta: f64) -> f64 {
    let g2 = eta * eta - 1.0 + cos_i * cos_i;
    if g2 <= 0.0 {
        return 1.0;
    }
    let g = g2.sqrt();
    let a = (g - cos_i) / (g + cos_i);
    let b = (cos_i * (g + cos_i) - 1.0) / (cos_i * (g - cos_i) + 1.0);
    0.5 * a * a * (1.0 + b * b)
}

/// Reflectance of glass that refracts by one ratio of indices and reflects by another: beyond the critical angle of the
/// refracting ratio, everything is reflected.
fn glass_reflectance(cos_i: f64, eta: f64, bending: f64) -> f64 {
    if 1.0 - (1.0 - cos_i * cos_i) / (bending * bending) <= 0.0 { 1.0 } else { fresnel(cos_i, eta) }
}
