//! Angles in files: in degrees that read back to the same radians.

/// Degrees that read back to the same radians, in the fewest digits: 20 and not 20.000000000000004.
///
/// Some radians are not the image of any number of degrees; the nearest one that is, replaces them.
pub(super) fn degrees(rad: f64) -> f64 {
    let near = rad.to_degrees();
    let below = std::iter::successors(Some(near), |v| Some(v.next_down())).take(8);
    let above = std::iter::successors(Some(near), |v| Some(v.next_up())).take(8);
    let candidates: Vec<f64> = below.chain(above).collect();
    let exact = candidates.iter().any(|v| v.to_radians() == rad);
    let wanted = if exact { rad } else { near.to_radians() };
    let alike = candidates.into_iter().filter(|v| v.to_radians() == wanted);
    alike.min_by(|a, b| format!("{a:?}").len().cmp(&format!("{b:?}").len()).then(a.total_cmp(b))).unwrap_or(near)
}

/// The same for an angle in single precision, for which such degrees always exist.
pub(super) fn degrees_single(rad: f32) -> f64 {
    let near = f64::from(rad).to_degrees();
    let mut rounded = (0..=9).filter_map(|digits| format!("{near:.digits$}").parse().ok());
    rounded.find(|deg| radians_single(*deg) == rad).unwrap_or_else(|| degrees(f64::from(rad)))
}

/// An angle in single precision.
pub(super) fn radians_single(deg: f64) -> f32 {
    deg.to_radians() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn single_precision_reads_back(rad in 0.0_f32..7.0) {
            proptest::prop_assert_eq!(radians_single(degrees_single(rad)).to_bits(), rad.to_bits());
        }

        #[test]
        fn what_has_degrees_reads_back(deg in -360.0_f64..360.0) {
            let rad = deg.to_radians();
            proptest::prop_assert_eq!(degrees(rad).to_radians().to_bits(), rad.to_bits());
        }
    }

    #[test]
    fn round_angles_stay_round() {
        assert_eq!((degrees(20_f64.to_radians()), degrees_single(std::f32::consts::FRAC_PI_2)), (20.0, 90.0));
        assert_eq!(degrees_single(std::f32::consts::FRAC_PI_6), 30.0);
    }
}
