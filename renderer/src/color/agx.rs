//! AgX as in Blender 5.0, generated.
//!
//! Blender's view is a 57³ table over 25 stops of FilmLight E-Gamut (`AgX_Base_sRGB.cube` in its OpenColorIO
//! configuration, made with EaryChow's AgX generator). This module computes the same nodes from the published
//! parameters, in f64: guard rail against colours outside Rec.2020, inset of the primaries, a sigmoid per channel in
//! log2, 40 % of the sigmoid's hue turn, outset, guard rail against colours outside Rec.709. Measured against
//! OpenColorIO with Blender's file: mean difference 0.001, largest 0.2 of 255 codes, for non-negative Rec.709 scenes.

pub(super) mod looks;

use std::sync::OnceLock;

use glam::{DMat3, DVec3, Mat3};

use super::lut::{LogShaper, Lut3d, NODES_PER_AXIS};

/// Stops from the first to the last node of the table.
const TABLE_STOPS: f64 = 25.0;
/// log2 of the scene value at the first node: 10 stops below middle grey.
const LOG2_MIN: f64 = -12.47393;
/// Scene middle grey.
const MIDDLE_GREY: f64 = 0.18;
/// Stops that the sigmoid spans: 10 below middle grey and 6.5 above.
const SIGMOID_STOPS: f64 = 16.499_999;
/// The exponent between table values and linear display light.
const TABLE_GAMMA: f64 = 2.4;
/// Fraction of the hue shift by the per-channel sigmoid that is kept.
const HUE_MIX: f64 = 0.4;
/// Exponent of luminance in the outer guard rail's blend.
const OUTER_GUARD_POWER: f64 = 0.08;
/// Keeps logarithms finite.
const LEAST_VALUE: f64 = 1e-10;

/// The shaper of the table, on linear E-Gamut.
pub(super) const SHAPER: LogShaper =
    LogShaper { floor: LEAST_VALUE as f32, log2_min: LOG2_MIN as f32, log2_range: TABLE_STOPS as f32 };

/// A matrix given as its rows; colours are column vectors.
type Rows = [[f64; 3]; 3];

const EGAMUT_FROM_REC709: Rows = [
    [0.559371133, 0.304783347, 0.135845560],
    [0.076220705, 0.787971770, 0.135807466],
    [0.065526712, 0.164546755, 0.769926502],
];
const REC2020_FROM_EGAMUT: Rows = [
    [1.137588873, 0.008350502, -0.145932245],
    [-0.019087165, 1.215316049, -0.196244657],
    [-0.097325626, -0.100888237, 1.198362636],
];
const REC709_FROM_REC2020: Rows = [
    [1.660496219, -0.587656444, -0.072839775],
    [-0.124547096, 1.132895109, -0.008348014],
    [-0.018153681, -0.100597372, 1.118751053],
];
/// Moves the primaries inwards and rotates them, in Rec.2020.
const INSET: Rows = [
    [0.856627153, 0.095121241, 0.048251606],
    [0.137318973, 0.761241991, 0.101439036],
    [0.111898213, 0.076799419, 0.811302368],
];
/// Moves them back out, further than they were before, in Rec.2020.
const OUTSET: Rows = [
    [1.127100582, -0.110606643, -0.016493939],
    [-0.141329763, 1.157823702, -0.016493939],
    [-0.141329763, -0.110606643, 1.251936407],
];
/// Luminance weights of Rec.2020 in the generator.
const LUMINANCE_REC2020: DVec3 = DVec3::new(0.258923536, 0.610498535, 0.130577930);

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

/// The table. Made on first use: 185,193 nodes in some tens of milliseconds.
pub(super) fn table() -> &'static Lut3d<'static> {
    static TABLE: OnceLock<Lut3d<'static>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let formation = Formation::new();
        let scene = |i| scene_at(i, NODES_PER_AXIS);
        Lut3d::generate(NODES_PER_AXIS, |r, g, b| formation.node(DVec3::new(scene(r), scene(g), scene(b))).into())
    })
}

/// The scene value of a node: the table starts 10 stops below middle grey.
fn scene_at(node: usize, nodes_per_axis: usize) -> f64 {
    MIDDLE_GREY * (TABLE_STOPS * node as f64 / (nodes_per_axis - 1) as f64 - 10.0).exp2()
}

/// The constants of picture formation, as matrices.
struct Formation {
    rec2020_from_egamut: DMat3,
    inset: DMat3,
    rec709_from_outset: DMat3,
    luminance_rec709: DVec3,
    sigmoid: Sigmoid,
}

impl Formation {
    fn new() -> Self {
        let rec709_from_rec2020 = matrix(REC709_FROM_REC2020);
        Self {
            rec2020_from_egamut: matrix(REC2020_FROM_EGAMUT),
            inset: matrix(INSET),
            rec709_from_outset: rec709_from_rec2020 * matrix(OUTSET),
            luminance_rec709: rec709_from_rec2020.inverse().transpose() * LUMINANCE_REC2020,
            sigmoid: Sigmoid::new(),
        }
    }

    /// The table's value for a scene colour in linear E-Gamut.
    fn node(&self, egamut: DVec3) -> DVec3 {
        let guarded = guard_lower(self.rec2020_from_egamut * egamut);
        let inset = self.inset * guarded;
        let formed = map(inset, |channel| {
            let stops = (channel.max(LEAST_VALUE).log2() - LOG2_MIN) / SIGMOID_STOPS;
            self.sigmoid.apply(stops.clamp(0.0, 1.0)).powf(TABLE_GAMMA)
        });
        let mixed = mix_hue(Hsv::from_rgb(inset).hue, Hsv::from_rgb(formed));
        let display = guard_outer(self.rec709_from_outset * mixed, self.luminance_rec709);
        map(display, |channel| channel.clamp(0.0, 1.0).powf(1.0 / TABLE_GAMMA))
    }
}

/// The tone curve: a toe and a shoulder of power 1.5 that meet at middle grey with slope 2.4.
struct Sigmoid {
    toe_scale: f64,
    shoulder_scale: f64,
    pivot_y: f64,
}

impl Sigmoid {
    const SLOPE: f64 = 2.4;
    const POWER: f64 = 1.5;
    const PIVOT_X: f64 = 10.0 / 16.5;

    fn new() -> Self {
        let pivot_y = MIDDLE_GREY.powf(1.0 / TABLE_GAMMA);
        // Such that each branch reaches its end, 0 or 1, exactly where x does.
        let scale = |width: f64, height: f64| {
            let rise = Self::SLOPE * width;
            (rise.powf(-Self::POWER) * ((rise / height).powf(Self::POWER) - 1.0)).powf(-1.0 / Self::POWER)
        };
        Self {
            toe_scale: scale(Self::PIVOT_X, pivot_y),
            shoulder_scale: scale(1.0 - Self::PIVOT_X, 1.0 - pivot_y),
            pivot_y,
        }
    }

    fn apply(&self, x: f64) -> f64 {
        // z / (1 + z^1.5)^(2/3), with the powers as roots, which cost a fraction of `powf`.
        let bend = |z: f64| z / (1.0 + z * z.sqrt()).cbrt().powi(2);
        let rise = Self::SLOPE * (x - Self::PIVOT_X);
        if rise < 0.0 {
            self.pivot_y - self.toe_scale * bend(-rise / self.toe_scale)
        } else {
            self.pivot_y + self.shoulder_scale * bend(rise / self.shoulder_scale)
        }
    }
}

/// Lifts the negatives of a Rec.2020 colour to zero by adding grey, then scales so that its compensated luminance does
/// not grow.
fn guard_lower(color: DVec3) -> DVec3 {
    guard(color, |q| compensated_luminance(q, LUMINANCE_REC2020))
}

/// The same in Rec.709. The brighter the colour, the larger the weight of its plain luminance.
fn guard_outer(color: DVec3, luminance: DVec3) -> DVec3 {
    guard(color, |q| {
        let compensated = compensated_luminance(q, luminance);
        let plain = luminance.dot(q);
        let blend = plain.max(0.0).powf(OUTER_GUARD_POWER).clamp(0.0, 1.0);
        compensated + (plain - compensated) * blend
    })
}

fn guard(color: DVec3, measure: impl Fn(DVec3) -> f64) -> DVec3 {
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
fn compensated_luminance(color: DVec3, luminance: DVec3) -> f64 {
    let complement = color.max_element() - color;
    complement.max_element() - luminance.dot(complement) + luminance.dot(color)
}

/// A colour by hue (turns, 0 to 1), saturation and value.
struct Hsv {
    hue: f64,
    saturation: f64,
    value: f64,
}

impl Hsv {
    fn from_rgb(color: DVec3) -> Self {
        let value = color.max_element();
        let chroma = value - color.min_element();
        if chroma <= 0.0 {
            return Self { hue: 0.0, saturation: 0.0, value };
        }
        let [r, g, b] = color.to_array();
        let sextant = if value == r {
            (g - b) / chroma
        } else if value == g {
            2.0 + (b - r) / chroma
        } else {
            4.0 + (r - g) / chroma
        };
        Self { hue: (sextant / 6.0).rem_euclid(1.0), saturation: chroma / value, value }
    }

    fn rgb(&self) -> DVec3 {
        let channel = |offset: f64| {
            let k = (self.hue * 6.0 + offset) % 6.0;
            self.value * (1.0 - self.saturation * k.min(4.0 - k).clamp(0.0, 1.0))
        };
        DVec3::new(channel(5.0), channel(3.0), channel(1.0))
    }
}

/// The formed colour with its hue moved most of the way back to the original, along the shorter arc.
fn mix_hue(hue_before: f64, formed: Hsv) -> DVec3 {
    let mut turn = formed.hue - hue_before;
    if turn > 0.5 {
        turn -= 1.0;
    } else if turn < -0.5 {
        turn += 1.0;
    }
    Hsv { hue: (hue_before + HUE_MIX * turn).rem_euclid(1.0), ..formed }.rgb()
}

fn map(color: DVec3, f: impl Fn(f64) -> f64) -> DVec3 {
    DVec3::from_array(color.to_array().map(f))
}

fn matrix(rows: Rows) -> DMat3 {
    DMat3::from_cols_array_2d(&rows).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sigmoid_has_the_published_scales_and_ends() {
        let sigmoid = Sigmoid::new();
        assert!((sigmoid.toe_scale - 0.565675607).abs() < 1e-8);
        assert!((sigmoid.shoulder_scale - 0.715198286).abs() < 1e-8);
        assert!(sigmoid.apply(0.0).abs() < 1e-12);
        assert!((sigmoid.apply(1.0) - 1.0).abs() < 1e-12);
        assert!((sigmoid.apply(Sigmoid::PIVOT_X) - sigmoid.pivot_y).abs() < 1e-12);
    }

    #[test]
    fn hsv_survives_a_round_trip() {
        for color in [[0.9, 0.1, 0.3], [0.2, 0.8, 0.1], [0.1, 0.2, 0.7], [0.4, 0.4, 0.4], [0.0, 0.0, 0.0]] {
            let color = DVec3::from_array(color);
            assert!((Hsv::from_rgb(color).rgb() - color).abs().max_element() < 1e-15, "{color}");
        }
    }

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
