//! Picture formation of AgX, from the published parameters, in f64: guard rail against colours outside Rec.2020, inset
//! of the primaries, a sigmoid per channel in log2, 40 % of the sigmoid's hue turn, outset, guard rail against colours
//! outside Rec.709. `renderer/build.rs` computes the table by it, and tests compare.

use glam::{DMat3, DVec3};

use super::gamut::{
    INSET, LEAST_VALUE, LOG2_MIN, LUMINANCE_REC2020, MIDDLE_GREY, REC2020_FROM_EGAMUT, Rows, TABLE_GAMMA,
    compensated_luminance, guard, guard_lower, map, matrix, scene_at,
};

/// Nodes along each axis of the table.
pub(crate) const NODES_PER_AXIS: usize = 57;
/// Stops that the sigmoid spans: 10 below middle grey and 6.5 above.
const SIGMOID_STOPS: f64 = 16.499_999;
/// Fraction of the hue shift by the per-channel sigmoid that is kept.
const HUE_MIX: f64 = 0.4;
/// Exponent of luminance in the outer guard rail's blend.
const OUTER_GUARD_POWER: f64 = 0.08;
const REC709_FROM_REC2020: Rows = [
    [1.660496219, -0.587656444, -0.072839775],
    [-0.124547096, 1.132895109, -0.008348014],
    [-0.018153681, -0.100597372, 1.118751053],
];
/// Moves them back out, further than they were before, in Rec.2020.
const OUTSET: Rows = [
    [1.127100582, -0.110606643, -0.016493939],
    [-0.141329763, 1.157823702, -0.016493939],
    [-0.141329763, -0.110606643, 1.251936407],
];

/// The table's value at node `k`, of which red is fastest: display light to the power 1/2.4.
pub(crate) fn node(formation: &Formation, k: usize) -> [f32; 3] {
    let scene = |i| scene_at(i % NODES_PER_AXIS, NODES_PER_AXIS);
    let [r, g, b] = [scene(k), scene(k / NODES_PER_AXIS), scene(k / NODES_PER_AXIS / NODES_PER_AXIS)];
    formation.node(DVec3::new(r, g, b)).as_vec3().to_array()
}

/// The constants of picture formation, as matrices.
pub(crate) struct Formation {
    rec2020_from_egamut: DMat3,
    inset: DMat3,
    rec709_from_outset: DMat3,
    luminance_rec709: DVec3,
    sigmoid: Sigmoid,
}

impl Formation {
    pub(crate) fn new() -> Self {
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

/// [`guard_lower`] in Rec.709. The brighter the colour, the larger the weight of its plain luminance.
fn guard_outer(color: DVec3, luminance: DVec3) -> DVec3 {
    guard(color, |q| {
        let compensated = compensated_luminance(q, luminance);
        let plain = luminance.dot(q);
        let blend = plain.max(0.0).powf(OUTER_GUARD_POWER).clamp(0.0, 1.0);
        compensated + (plain - compensated) * blend
    })
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
}
