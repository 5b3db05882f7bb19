//! Lookup tables from files, in a form for many pixels.

use glam::Vec3;

use super::lut::Lut3d;
use super::{Block, clamp_unit, log2::log2, map};
use crate::shot::lut::{Lut, LutInput, LutTable};

/// Keeps logarithms finite: 2⁻¹²⁶.
const LEAST_VALUE: f32 = f32::MIN_POSITIVE;

pub(super) struct Custom<'a> {
    input: LutInput,
    /// From input values to coordinates 0 to 1, per channel: `scale · x + offset`.
    scale: Vec3,
    offset: Vec3,
    table: Table<'a>,
}

enum Table<'a> {
    Curves(&'a [Vec3]),
    Cube(Lut3d<'a>),
}

impl<'a> Custom<'a> {
    pub(super) fn new(lut: &'a Lut) -> Self {
        let scale = (lut.domain_max - lut.domain_min).recip();
        let table = match &lut.table {
            LutTable::Curves(nodes) => Table::Curves(nodes),
            LutTable::Cube { nodes_per_axis, nodes } => Table::Cube(Lut3d::new(&nodes[..], *nodes_per_axis)),
        };
        Self { input: lut.input, scale, offset: -lut.domain_min * scale, table }
    }

    /// Whether it takes scene colours, replacing the view transform.
    pub(super) fn is_view_transform(&self) -> bool {
        self.input != LutInput::Display
    }

    /// Maps the table's input to display colours, clipped to 0 to 1.
    pub(super) fn apply(&self, block: &mut Block) {
        if let LutInput::Log2 { min, max } = self.input {
            let scale = (max - min).recip();
            map(block, |value| (log2(if value > LEAST_VALUE { value } else { LEAST_VALUE }) - min) * scale);
        }
        for ((channel, scale), offset) in block.iter_mut().zip(self.scale.to_array()).zip(self.offset.to_array()) {
            for value in channel {
                *value = clamp_unit(*value * scale + offset);
            }
        }
        match &self.table {
            Table::Cube(cube) => cube.sample_all(block),
            Table::Curves(nodes) => {
                for (channel_idx, channel) in block.iter_mut().enumerate() {
                    for value in channel {
                        *value = between(nodes, channel_idx, *value);
                    }
                }
            }
        }
        map(block, clamp_unit);
    }
}

/// A curve's value at a coordinate from 0 to 1.
fn between(nodes: &[Vec3], channel_idx: usize, coordinate: f32) -> f32 {
    let scaled = coordinate * (nodes.len() - 1) as f32;
    let low = (scaled as usize).min(nodes.len() - 2);
    let share = scaled - low as f32;
    let [below, above] = [nodes[low][channel_idx], nodes[low + 1][channel_idx]];
    below + (above - below) * share
}

#[cfg(test)]
mod tests {
    use crate::color::{DisplaySettings, LinearImage, display_image};
    use crate::shot::ViewTransform;
    use crate::shot::lut::{self, LutInput};

    /// The display colour of a colour by the `standard` view and a table.
    fn shown(cube: &str, input: LutInput, linear: [f32; 3]) -> [f32; 3] {
        let lut = lut::read(cube.as_bytes(), "a.cube", input).expect("a table");
        let [r, g, b] = linear;
        let image = LinearImage { width_px: 1, height_px: 1, rgba: vec![[r, g, b, 1.0]] };
        let settings =
            DisplaySettings { view_transform: ViewTransform::Standard, lut: Some(&lut), ..DisplaySettings::default() };
        let [r, g, b, _] = display_image(&image, &settings).rgba[0];
        [r, g, b]
    }

    fn check(cube: &str, input: LutInput, linear: [f32; 3], want: [f32; 3]) {
        let got = shown(cube, input, linear);
        for (got_channel, want_channel) in got.iter().zip(want) {
            assert!((got_channel - want_channel).abs() < 2e-6, "{input:?} of {linear:?}: {got:?} instead of {want:?}");
        }
    }

    /// Swaps red and blue, and inverts green.
    const SWAP: &str = "LUT_3D_SIZE 2\n0 1 0\n0 1 1\n0 0 0\n0 0 1\n1 1 0\n1 1 1\n1 0 0\n1 0 1";
    const SQUARE: &str = "LUT_1D_SIZE 3\n0 0 0\n0.25 0.5 0.25\n1 1 1";

    #[test]
    fn display_values_are_changed_after_the_view() {
        let srgb = |linear: f32| super::super::srgb::encode(linear);
        let [r, g, b] = [0.2, 0.5, 0.7];
        check(SWAP, LutInput::Display, [r, g, b], [srgb(b), 1.0 - srgb(g), srgb(r)]);
        let half = super::super::srgb::decode(0.5);
        check(SQUARE, LutInput::Display, [half, half, 0.0], [0.25, 0.5, 0.0]);
    }

    #[test]
    fn scene_values_are_looked_up_in_the_place_of_the_view() {
        check(SWAP, LutInput::Linear, [0.2, 0.5, 0.7], [0.7, 0.5, 0.2]);
        check(SWAP, LutInput::Linear, [-1.0, 0.5, 7.0], [1.0, 0.5, 0.0]);
        check(SQUARE, LutInput::Linear, [0.25, 0.25, 0.75], [0.125, 0.25, 0.625]);
        let to_four = SQUARE.replace("\n0 0 0", "\nDOMAIN_MAX 4 4 2\n0 0 0");
        check(&to_four, LutInput::Linear, [2.0, 4.0, 0.5], [0.25, 1.0, 0.125]);
        let shifted = SQUARE.replace("\n0 0 0", "\nLUT_1D_INPUT_RANGE -1 1\n0 0 0");
        check(&shifted, LutInput::Linear, [0.0, 0.5, -1.0], [0.25, 0.75, 0.0]);
    }

    #[test]
    fn logarithms_are_taken_first() {
        let input = LutInput::Log2 { min: -4.0, max: 4.0 };
        check(SWAP, input, [1.0, 16.0, 1.0 / 16.0], [0.0, 0.0, 0.5]);
        check(SQUARE, input, [1.0, 1.0, 0.0], [0.25, 0.5, 0.0]);
    }

    /// A file may contain any numbers; display colours are 0 to 1.
    #[test]
    fn nodes_are_clipped() {
        check("LUT_1D_SIZE 2\n-5 0 0\n-3 9e30 0.5", LutInput::Linear, [0.5, 0.5, 1.0], [0.0, 1.0, 0.5]);
    }
}
