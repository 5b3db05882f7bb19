//! The pixel filter's inverse distribution: samples are distributed by the filter, so that each has weight 1.

use packshot_shaders::constants::FILTER_STEPS;

use crate::shot::PixelFilter;

/// `FILTER_STEPS + 1` offsets in pixels from the centre, at u = i / `FILTER_STEPS`; ascending, and antisymmetric about
/// the middle.
pub(crate) fn inverse_distribution(filter: PixelFilter) -> Vec<f32> {
    let n = FILTER_STEPS as usize;
    let PixelFilter::BlackmanHarris { half_width_px } = filter else {
        return (0..=n).map(|i| (i as f64 / n as f64 - 0.5) as f32).collect();
    };
    // The window integrates in closed form, and its integral is inverted by bisection: exact to single precision.
    let half_width = f64::from(half_width_px);
    let mut offsets: Vec<f64> = (0..=n)
        .map(|i| {
            let u = i as f64 / n as f64;
            let (mut low, mut high) = (0.0, 1.0);
            for _ in 0..48 {
                let middle = 0.5 * (low + high);
                if blackman_harris_integral(middle) < u { low = middle } else { high = middle }
            }
            (0.5 * (low + high) * 2.0 - 1.0) * half_width
        })
        .collect();
    for i in 0..=n / 2 {
        let half = 0.5 * (offsets[n - i] - offsets[i]);
        offsets[i] = -half;
        offsets[n - i] = half;
    }
    offsets.into_iter().map(|x| x as f32).collect()
}

/// Integral of the 4-term Blackman-Harris window (Harris 1978) from 0 to x, normalised to 1 at x = 1.
fn blackman_harris_integral(x: f64) -> f64 {
    let t = std::f64::consts::TAU * x;
    let sum = 0.35875 * t - 0.48829 * t.sin() + 0.14128 / 2.0 * (2.0 * t).sin() - 0.01168 / 3.0 * (3.0 * t).sin();
    sum / (0.35875 * std::f64::consts::TAU)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_deviation_is_the_one_the_shot_format_names() {
        let offsets = inverse_distribution(PixelFilter::BlackmanHarris { half_width_px: 1.5 });
        // Between two entries the offset is distributed uniformly.
        let squares = offsets.windows(2).map(|w| (w[0] * w[0] + w[0] * w[1] + w[1] * w[1]) / 3.0);
        let variance = squares.sum::<f32>() / (offsets.len() - 1) as f32;
        assert!((variance.sqrt() / 1.5 - 0.277).abs() < 2e-3, "{}", variance.sqrt() / 1.5);
        assert!(offsets.is_sorted() && offsets[0] == -offsets[offsets.len() - 1]);
    }

    #[test]
    fn a_box_is_the_pixel_itself() {
        let offsets = inverse_distribution(PixelFilter::Box);
        assert_eq!((offsets[0], offsets[512], offsets[1024]), (-0.5, 0.0, 0.5));
    }
}
