//! Pearson's chi-square test, for samplers.

/// Cells that expect fewer are merged.
const EXPECTED_MIN: f64 = 5.0;

/// The probability that a correct sampler deviates from the expected counts at least as much as these cells do.
///
/// # Panics
/// When a cell that must stay empty has many counts, or hardly any cells are left.
pub(crate) fn p_value(mut cells: Vec<(f64, f64)>) -> f64 {
    let total: f64 = cells.iter().map(|(_, expected)| expected).sum();
    cells.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (mut statistic, mut n_cells, mut pooled) = (0.0, 0, (0.0, 0.0));
    for (counted, expected) in cells {
        pooled = (pooled.0 + counted, pooled.1 + expected);
        if pooled.1 >= EXPECTED_MIN {
            statistic += (pooled.0 - pooled.1).powi(2) / pooled.1;
            (n_cells, pooled) = (n_cells + 1, (0.0, 0.0));
        }
    }
    assert!(pooled.0 <= 1e-4 * total, "{} samples where none can be", pooled.0);
    assert!(n_cells > 30, "{n_cells} cells");
    exceeds(statistic, f64::from(n_cells - 1))
}

/// Probability that a chi-square variable of `k` degrees of freedom exceeds `x` (Wilson and Hilferty 1931, good to 1e-4
/// from 30 degrees on; the tail of the normal distribution by Abramowitz and Stegun 7.1.26).
fn exceeds(x: f64, k: f64) -> f64 {
    let spread = 2.0 / (9.0 * k);
    let z = ((x / k).cbrt() - (1.0 - spread)) / spread.sqrt();
    let a = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * a);
    let poly = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    let tail = 0.5 * poly.iter().fold(0.0, |sum, c| sum * t + c) * t * (-a * a).exp();
    if z > 0.0 { tail } else { 1.0 - tail }
}

#[test]
fn the_tail_of_the_distribution_is_known() {
    // Tables: the upper 5 % and 1 % of 100 degrees of freedom.
    for (x, p) in [(124.342, 0.05), (135.807, 0.01), (99.334, 0.5)] {
        assert!((exceeds(x, 100.0) - p).abs() < 2e-3 * p.max(0.05), "{} instead of {p}", exceeds(x, 100.0));
    }
}
