//! AgX as in Blender 5.0, generated.
//!
//! Blender's view is a 57³ table over 25 stops of FilmLight E-Gamut (`AgX_Base_sRGB.cube` in its OpenColorIO
//! configuration, made with EaryChow's AgX generator); `agx/formation.rs` computes the same nodes. Measured against
//! OpenColorIO with Blender's file: mean difference 0.001, largest 0.2 of 255 codes, for non-negative Rec.709 scenes.

#[cfg(test)]
mod formation;
mod gamut;
pub(super) mod looks;

use std::sync::OnceLock;

use glam::{Mat3, Vec3A};

use self::gamut::{EGAMUT_FROM_REC709, LEAST_VALUE, LOG2_MIN, TABLE_GAMMA, TABLE_STOPS, matrix};
use super::lut::{LogShaper, Lut3d, NODES_PER_AXIS};

/// The shaper of the table, on linear E-Gamut.
pub(super) const SHAPER: LogShaper =
    LogShaper { floor: LEAST_VALUE as f32, log2_min: LOG2_MIN as f32, log2_range: TABLE_STOPS as f32 };

/// Linear Rec.709 to linear E-Gamut.
pub(super) fn egamut_from_rec709() -> Mat3 {
    matrix(EGAMUT_FROM_REC709).as_mat3()
}

/// sRGB-encoded display value of a table value.
///
/// A table value is display light to the power 1/2.4. That is also the exponent in the sRGB function, so above the
/// function's linear foot the two cancel.
#[inline]
pub(super) fn srgb_from_table_value(value: f32) -> f32 {
    if value > FOOT { 1.055 * value - 0.055 } else { 12.92 * value.powf(TABLE_GAMMA as f32) }
}

/// The end of the sRGB function's linear foot as a table value: 0.0031308 to the power 1/2.4.
const FOOT: f32 = 0.090_473_85;

/// The table, as `renderer/build.rs` has computed it.
pub(super) fn table() -> &'static Lut3d<'static> {
    static TABLE: OnceLock<Lut3d<'static>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let words: &[[u8; 4]] = include_bytes!(concat!(env!("OUT_DIR"), "/agx.f32")).as_chunks().0;
        let nodes = words.as_chunks().0.iter().map(|node| Vec3A::from_array(node.map(f32::from_le_bytes)));
        Lut3d::new(nodes.collect::<Vec<Vec3A>>(), NODES_PER_AXIS)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_that_of_picture_formation() {
        assert_eq!(formation::NODES_PER_AXIS, NODES_PER_AXIS);
        let formation = formation::Formation::new();
        let table = table();
        for k in (0..NODES_PER_AXIS.pow(3)).step_by(997) {
            assert_eq!(table.node(k), formation::node(&formation, k), "node {k}");
        }
    }
}
