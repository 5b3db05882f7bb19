//! What the table of AgX and its looks have in common: its axes, the gamuts, and the guard rail against colours outside
//! of one, in f64. `renderer/build.rs` reads this file too.

use glam::{DMat3, DVec3};

/// Stops from the first to the last node of the table.
pub(crate) const TABLE_STOPS: f64 = 25.0;
/// log2 of the scene value at the first node: 10 stops below middle grey.
pub(crate) const LOG2_MIN: f64 = -12.47393;
/// Scene middle grey.
pub(crate) const MIDDLE_GREY: f64 = 0.18;
/// The exponent between table values and linear display light.
pub(crate) const TABLE_GAMMA: f64 = 2.4;
/// Keeps logarithms finite.
pub(crate) const LEAST_VALUE: f64 = 1e-10;

/// A matrix given as its rows; colours are column vectors.
pub(crate) type Rows = [[f64; 3]; 3];

/// Linear Rec.709 to linear E-Gamut.
pub(crate) const EGAMUT_FROM_REC709: Rows = [
    [0.559371133, 0.304783347, 0.135845560],
    [0.076220705, 0.787971770, 0.135807466],
    [0.065526712, 0.164546755, 0.769926502],
];
/// Linear E-Gamut to linear Rec.2020.
pub(crate) const REC2020_FROM_EGAMUT: Rows = [
    [1.137588873, 0.008350502, -0.145932245],
    [-0.019087165, 1.215316049, -0.196244657],
    [-0.097325626, -0.100888237, 1.198362636],
];
/// Moves the primaries inwards and rotates them, in Rec.2020.
pub(crate) const INSET: Rows = [
    [0.856627153, 0.095121241, 0.048251606],
    [0.137318973, 0.761241991, 0.101439036],
    [0.111898213, 0.076799419, 0.811302368],
];
/// Luminance weights of Rec.2020 in the generator.
pub(crate) const LUMINANCE_REC2020: DVec3 = DVec3::new(0.258923536, 0.610498535, 0.130577930);

/// The scene value of a node: the table starts 10 stops below middle grey.
pub(crate) fn scene_at(node: usize, nodes_per_axis: usize) -> f64 {
    MIDDLE_GREY * (TABLE_STOPS * node as f64 / (nodes_per_axis - 1) as f64 - 10.0).exp2()
}

/// Lifts the negatives of a Rec.2020 colour to zero by adding grey, then scales so that its compensated luminance does
/// not grow.
pub(crate) fn guard_lower(color: DVec3) -> DVec3 {
    guard(color, |q| compensated_luminance(q, LUMINANCE_REC2020))
}

/// Lifts the negatives of a colour to zero by adding grey, then scales so that its measure does not grow.
pub(crate) fn guard(color: DVec3, measure: impl Fn(DVec3) -> f64) -> DVec3 {
    let darkest = color.min_element();
    if darkest >= 0.0 {
        return color;
    }
    let lifted = color - darkest;
    let (want, have) = (measure(color), measure(lifted));
    if have > want { lifted * (want / have) } else { lifted }
}

/// Luminance plus what the complementary colour lacks of its own maximum, so that saturated blue counts as bright as it
/// looks.
pub(crate) fn compensated_luminance(color: DVec3, luminance: DVec3) -> f64 {
    let complement = color.max_element() - color;
    complement.max_element() - luminance.dot(complement) + luminance.dot(color)
}

/// Each channel by itself.
pub(crate) fn map(color: DVec3, f: impl Fn(f64) -> f64) -> DVec3 {
    DVec3::from_array(color.to_array().map(f))
}

/// The matrix of these rows.
pub(crate) fn matrix(rows: Rows) -> DMat3 {
    DMat3::from_cols_array_2d(&rows).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Guard rails must not change what is inside the gamut, and move what is outside to its border.
    #[test]
    fn guard_rails_act_on_negatives_alone() {
        let inside = DVec3::new(0.2, 0.5, 0.0);
        assert_eq!(guard_lower(inside), inside);
        let outside = guard_lower(DVec3::new(-0.1, 0.5, 0.2));
        assert_eq!(outside.min_element(), 0.0);
        assert!(outside.y > outside.z && outside.z > outside.x);
    }
}
