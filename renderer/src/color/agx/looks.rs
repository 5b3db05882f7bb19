//! The looks of AgX: more or less contrast, or no colour, applied before picture formation.
//!
//! Blender's looks work on logarithms of a guarded and inset colour (`AgX Log` in its configuration, a table of 37³
//! nodes that this module computes too), scale contrast around middle grey and saturation inversely, so that more
//! contrast does not mean more colour. The result goes through the view transform. Measured against OpenColorIO with
//! Blender's files, up to a scene value of 1: mean difference at most 0.02, largest 0.83 of 255 codes;
//! `docs/formats.md` has each look, and what becomes of brighter colours.

use std::sync::OnceLock;

use glam::{Mat3, Vec3};

use super::SHAPER;
use super::gamut::{
    EGAMUT_FROM_REC709, INSET, LEAST_VALUE, LOG2_MIN, LUMINANCE_REC2020, REC2020_FROM_EGAMUT, TABLE_STOPS, guard_lower,
    map, matrix, scene_at,
};
use crate::color::log2::{exp2, log2};
use crate::color::lut::Lut3d;
use crate::color::{Block, map as map_block, transform};
use crate::shot::AgxLook;

/// Nodes along each axis of the table of guarded colours.
const GUARD_NODES_PER_AXIS: usize = 37;
/// The grey that contrast pivots around, as a fraction of the table's stops.
const PIVOT: f32 = 0.4;
/// Luma weights for logarithms in the configuration's primary grading: BT.709.
const LUMA: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// A look in a form for many pixels.
pub(in crate::color) struct Graded {
    guard: &'static Lut3d<'static>,
    egamut_from_rec709: Mat3,
    inset_from_egamut: Mat3,
    egamut_from_inset: Mat3,
    grading: Grading,
}

#[derive(Clone, Copy)]
enum Grading {
    Contrast {
        contrast: f32,
        saturation: f32,
    },
    /// Luminance only, with these weights.
    Greyscale(Vec3),
    /// Deeper shadows and, because channels are darkened separately, more colour in them.
    Punchy(Shadows),
}

impl Grading {
    /// The parameters in Blender's configuration.
    fn of(look: AgxLook) -> Self {
        let (contrast, saturation) = match look {
            AgxLook::VeryHighContrast => (1.57, 0.9),
            AgxLook::HighContrast => (1.4, 0.95),
            AgxLook::MediumHighContrast => (1.2, 1.0),
            AgxLook::BaseContrast => (1.0, 1.0),
            AgxLook::MediumLowContrast => (0.9, 1.05),
            AgxLook::LowContrast => (0.8, 1.1),
            AgxLook::VeryLowContrast => (0.7, 1.15),
            AgxLook::Greyscale => return Self::Greyscale(LUMINANCE_REC2020.as_vec3()),
            AgxLook::Punchy => return Self::Punchy(Shadows { slopes: [0.2, 0.35], start: PIVOT, pivot: 0.1 }),
        };
        Self::Contrast { contrast, saturation }
    }
}

/// The shadows of OpenColorIO's tone grading (`GradingTone`, style `log`), for slopes below 1: values above `start`
/// stay, those below `pivot` decrease with the slope, and between the two the slope grows to 1 along two parabolas that
/// meet in the middle.
#[derive(Clone, Copy)]
struct Shadows {
    /// Applied one after the other: the slope of each channel, and the master's.
    slopes: [f32; 2],
    start: f32,
    pivot: f32,
}

impl Shadows {
    fn apply(self, stops: f32) -> f32 {
        self.slopes.into_iter().fold(stops, |stops, slope| self.darken(stops, slope))
    }

    #[inline]
    fn darken(self, stops: f32, slope: f32) -> f32 {
        let half = 0.5 * (self.start - self.pivot);
        let middle = self.pivot + half;
        // Both ends are fixed, so the slope in the middle follows from theirs.
        let slope_of_middle = 1.5 - 0.5 * slope;
        if stops >= self.start {
            stops
        } else if stops >= middle {
            let below = self.start - stops;
            self.start - below - 0.5 * (slope_of_middle - 1.0) / half * below * below
        } else if stops >= self.pivot {
            let above = stops - self.pivot;
            self.pivot + slope * above + 0.5 * (slope_of_middle - slope) / half * above * above
        } else {
            self.pivot + slope * (stops - self.pivot)
        }
    }
}

/// The exponent of the "Punchy" look's slope, offset and power (CDL).
const PUNCHY_POWER: f32 = 1.0912;

/// A power of positive values; others stay, as in OpenColorIO's CDL without clamping.
#[inline]
fn power(value: f32, exponent: f32) -> f32 {
    if value > 0.0 { exp2(exponent * log2(value)) } else { value }
}

impl Graded {
    pub(in crate::color) fn new(look: AgxLook) -> Self {
        let inset_from_egamut = matrix(INSET) * matrix(REC2020_FROM_EGAMUT);
        Self {
            guard: guard(),
            egamut_from_rec709: matrix(EGAMUT_FROM_REC709).as_mat3(),
            inset_from_egamut: inset_from_egamut.as_mat3(),
            egamut_from_inset: inset_from_egamut.inverse().as_mat3(),
            grading: Grading::of(look),
        }
    }

    /// From scene colours in linear Rec.709 to graded ones in linear E-Gamut.
    pub(in crate::color) fn grade(&self, block: &mut Block) {
        transform(block, &self.egamut_from_rec709);
        map_block(block, |channel| SHAPER.apply(channel));
        self.guard.sample_all(block);
        map_block(block, linear);
        transform(block, &self.inset_from_egamut);
        let [red, green, blue] = block;
        for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
            [*r, *g, *b] = match self.grading {
                Grading::Contrast { contrast, saturation } => {
                    let turned = [*r, *g, *b].map(|channel| (stops(channel) - PIVOT) * contrast + PIVOT);
                    let luma: f32 = turned.iter().zip(LUMA).map(|(channel, weight)| channel * weight).sum();
                    turned.map(|channel| linear(luma + saturation * (channel - luma)))
                }
                Grading::Greyscale(weights) => [weights.dot(Vec3::new(*r, *g, *b)); 3],
                Grading::Punchy(shadows) => {
                    [*r, *g, *b].map(|channel| linear(power(shadows.apply(stops(channel)), PUNCHY_POWER)))
                }
            };
        }
        transform(block, &self.egamut_from_inset);
    }
}

/// The position of a scene value between the first stop of the table, 0, and the last, 1; not clamped.
#[inline]
fn stops(value: f32) -> f32 {
    let floored = if value > LEAST_VALUE as f32 { value } else { LEAST_VALUE as f32 };
    (log2(floored) - LOG2_MIN as f32) * (1.0 / TABLE_STOPS as f32)
}

/// The scene value at a fraction of the stops.
#[inline]
fn linear(stops: f32) -> f32 {
    exp2(stops * TABLE_STOPS as f32 + LOG2_MIN as f32)
}

/// Colours without negatives in Rec.2020, as fractions of the stops in E-Gamut. Made on first use.
fn guard() -> &'static Lut3d<'static> {
    static TABLE: OnceLock<Lut3d<'static>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let rec2020_from_egamut = matrix(REC2020_FROM_EGAMUT);
        let egamut_from_rec2020 = rec2020_from_egamut.inverse();
        Lut3d::generate(GUARD_NODES_PER_AXIS, |r, g, b| {
            let egamut = [r, g, b].map(|node| scene_at(node, GUARD_NODES_PER_AXIS));
            let guarded = egamut_from_rec2020 * guard_lower(rec2020_from_egamut * glam::DVec3::from_array(egamut));
            let stops = map(guarded, |channel| (channel.max(LEAST_VALUE).log2() - LOG2_MIN) / TABLE_STOPS);
            stops.to_array().map(|channel| channel.clamp(0.0, 1.0))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_and_values_are_each_others_inverse() {
        for value in [1e-6, 0.004, 0.18, 1.0, 300.0_f32] {
            assert!((linear(stops(value)) / value - 1.0).abs() < 5e-6, "{value}");
        }
        assert!((stops(0.18) - PIVOT).abs() < 1e-6, "contrast turns around middle grey");
        assert!(stops(0.0) < 0.0 && stops(f32::NAN) < 0.0);
    }
}
