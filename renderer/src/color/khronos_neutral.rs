//! Khronos PBR Neutral as a table over 19 stops.
//!
//! The closed form is the tone mapper of KhronosGroup/ToneMapping (PBR Neutral specification). Blender applies it
//! through a 57³ table; interpolating the same table reproduces Blender's pictures, the closed form misses them by up
//! to 8 of 255 codes in saturated colours.

use std::sync::OnceLock;

use super::lut::{LogShaper, Lut3d, NODES_PER_AXIS};

/// The shaper of the table: 2⁻⁹ to 2¹⁰ in linear Rec.709.
pub(super) const SHAPER: LogShaper = LogShaper { floor: 1e-12, log2_min: -9.0, log2_range: 19.0 };

/// Colours up to this peak, after the offset, are unchanged.
const COMPRESSION_START: f64 = 0.76;
/// How fast highlights lose saturation.
const DESATURATION: f64 = 0.15;

/// The table; its values are linear display Rec.709. Made on first use.
pub(super) fn table() -> &'static Lut3d<'static> {
    static TABLE: OnceLock<Lut3d<'static>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let scene = |i: usize| (19.0 * i as f64 / (NODES_PER_AXIS - 1) as f64 - 9.0).exp2();
        Lut3d::generate(NODES_PER_AXIS, |r, g, b| {
            tone_map([scene(r), scene(g), scene(b)]).map(|channel| channel.clamp(0.0, 1.0))
        })
    })
}

/// The closed form, on non-negative linear Rec.709.
fn tone_map(color: [f64; 3]) -> [f64; 3] {
    let darkest = color[0].min(color[1]).min(color[2]);
    let offset = if darkest < 0.08 { darkest - 6.25 * darkest * darkest } else { 0.04 };
    let color = color.map(|channel| channel - offset);
    let peak = color[0].max(color[1]).max(color[2]);
    if peak < COMPRESSION_START {
        return color;
    }
    let headroom = 1.0 - COMPRESSION_START;
    let new_peak = 1.0 - headroom * headroom / (peak + headroom - COMPRESSION_START);
    let whiteness = 1.0 - 1.0 / (DESATURATION * (peak - new_peak) + 1.0);
    color.map(|channel| {
        let scaled = channel * new_peak / peak;
        scaled + whiteness * (new_peak - scaled)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The property that gives the transform its name: a base colour seen under white light of 1 with the 4 % of a
    /// dielectric's specular added comes out as the base colour.
    #[test]
    fn base_colors_survive() {
        for base in [[0.1, 0.2, 0.3], [0.7, 0.5, 0.06], [0.4, 0.4, 0.4]] {
            let shown = tone_map(base.map(|channel| channel + 0.04));
            for (want, got) in base.iter().zip(shown) {
                assert!((want - got).abs() < 1e-12, "{base:?} shown as {shown:?}");
            }
        }
    }

    #[test]
    fn highlights_approach_white_without_reaching_it() {
        let shown = tone_map([1000.0, 10.0, 1.0]);
        assert!(shown.iter().all(|&channel| (0.9..1.0).contains(&channel)), "{shown:?}");
    }
}
