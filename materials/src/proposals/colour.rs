//! How much the colour of a part in its file differs from that of a material.

use palette::color_difference::Ciede2000;
use palette::white_point::D65;
use palette::{FromColor, Lab, LinSrgb};

/// Greys that exporters write where nobody has chosen a colour: 1, 0.8, 0.64 and 0.5 as linear values, and 0.8, 0.75
/// and 0.5 of sRGB.
const DEFAULT_GREYS: [f64; 7] = [1.0, 0.8, 0.64, 0.5, 0.604, 0.527, 0.214];
/// How far a default grey may be off.
const TOLERANCE: f64 = 0.006;

/// Whether a colour, linear Rec.709, is one that exporters write by themselves.
pub(super) fn is_default_grey(color: [f64; 3]) -> bool {
    DEFAULT_GREYS.iter().any(|grey| color.iter().all(|channel| (channel - grey).abs() <= TOLERANCE))
}

/// The difference of two colours, linear Rec.709, by CIEDE2000 under D65.
pub(super) fn delta_e(a: [f64; 3], b: [f64; 3]) -> f64 {
    let lab = |[r, g, b]: [f64; 3]| -> Lab<D65, f64> { Lab::from_color(LinSrgb::new(r, g, b)) };
    lab(a).difference(lab(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_those_of_ciede2000() {
        // Pairs 1 and 7 of Sharma, Wu and Dalal (2005) are in CIELAB; black and white are 100 apart in any space.
        assert!((delta_e([0.0; 3], [1.0; 3]) - 100.0).abs() < 0.01);
        let pair = |a: [f64; 3], b: [f64; 3]| {
            let lab = |[l, a, b]: [f64; 3]| Lab::<D65, f64>::new(l, a, b);
            lab(a).difference(lab(b))
        };
        assert!((pair([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485]) - 2.0425).abs() < 1e-4);
        assert!((pair([50.0, 0.0, 0.0], [50.0, -1.0, 2.0]) - 2.3669).abs() < 1e-4);
    }

    #[test]
    fn f56_default_greys_say_nothing() {
        assert!(is_default_grey([0.8, 0.8, 0.8]) && is_default_grey([1.0; 3]));
        assert!(!is_default_grey([0.604, 0.38, 0.05]) && !is_default_grey([0.35; 3]));
    }
}
