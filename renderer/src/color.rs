//! Colour: from scene-linear radiance to what a display shows.
//!
//! Input: a [`LinearImage`], linear Rec.709 with premultiplied alpha. Output: a [`DisplayImage`], sRGB-encoded with
//! straight alpha, every channel finite and between 0 and 1, whatever the input. Exposure and the view transform act on
//! unpremultiplied colours, so that edges of a cut-out product keep its hue; a background colour is laid under the
//! finished display colours, so that a white background is exactly that white.

mod agx;
mod custom;
mod grounded;
mod khronos_neutral;
mod log2;
mod lut;
mod shrink;
pub mod srgb;

use glam::{Mat3, Vec3};
use rayon::prelude::*;

use self::agx::looks::Graded;
use self::custom::Custom;
pub use self::grounded::display_grounded;
use self::lut::Lut3d;
use crate::film::LUMINANCE;
use crate::shot::ViewTransform;
use crate::shot::lut::Lut;

/// Scene-linear radiance: linear Rec.709 (D65), alpha premultiplied.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinearImage {
    /// Pixels.
    pub width_px: u32,
    /// Pixels.
    pub height_px: u32,
    /// `width_px * height_px` texels RGBA, row 0 on top.
    pub rgba: Vec<[f32; 4]>,
}

/// What a display shows: values as stored in a file, 0 to 1, alpha straight.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DisplayImage {
    /// Pixels.
    pub width_px: u32,
    /// Pixels.
    pub height_px: u32,
    /// `width_px * height_px` texels RGBA, row 0 on top.
    pub rgba: Vec<[f32; 4]>,
}

/// The settings of [`display_image`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DisplaySettings<'a> {
    /// The view transform.
    pub view_transform: ViewTransform,
    /// Stops: scene colours are multiplied by 2 to this power before the view transform.
    pub exposure_ev: f32,
    /// Display colour (sRGB-encoded, 0 to 1) laid under the picture, which becomes opaque. `None` keeps the alpha.
    pub background_srgb: Option<[f32; 3]>,
    /// A lookup table after the view transform, or instead of it, as the table says.
    pub lut: Option<&'a Lut>,
}

/// Alpha at or below this counts as zero: dividing by it would only amplify rounding.
const LEAST_ALPHA: f32 = 1e-6;
/// Largest magnitude that enters a view transform. Every transform is saturated long before it.
const MAX_SCENE_VALUE: f32 = 1e30;
/// Pixels per task: enough to hide the scheduling cost, few enough to distribute.
const PIXELS_PER_TASK: usize = 8192;
/// Pixels processed together, channel by channel, so that each step is a vectorised loop.
const PIXELS_PER_BLOCK: usize = 64;

/// Red, green and blue of a block of pixels.
type Block = [[f32; PIXELS_PER_BLOCK]; 3];

/// Luminance of a colour in linear Rec.709.
pub fn luminance([r, g, b]: [f32; 3]) -> f32 {
    LUMINANCE.x * r + LUMINANCE.y * g + LUMINANCE.z * b
}

/// Applies exposure and the view transform, and lays a background colour under the picture if there is one.
///
/// Non-finite input is handled: NaN as 0, infinity as the transform's white.
pub fn display_image(image: &LinearImage, settings: &DisplaySettings<'_>) -> DisplayImage {
    let view = View::new(settings);
    let mut rgba = vec![[0.0; 4]; image.rgba.len()];
    rgba.par_chunks_mut(PIXELS_PER_TASK).zip(image.rgba.par_chunks(PIXELS_PER_TASK)).for_each(|(shown, linear)| {
        for (shown, linear) in shown.chunks_mut(PIXELS_PER_BLOCK).zip(linear.chunks(PIXELS_PER_BLOCK)) {
            view.display_texels(linear, shown);
        }
    });
    DisplayImage { width_px: image.width_px, height_px: image.height_px, rgba }
}

/// The display colour of one opaque scene colour: from linear Rec.709 to sRGB-encoded values 0 to 1.
pub fn display_color([r, g, b]: [f32; 3], view_transform: ViewTransform, exposure_ev: f32) -> [f32; 3] {
    let settings = DisplaySettings { view_transform, exposure_ev, background_srgb: None, lut: None };
    let mut shown = [[0.0; 4]];
    View::new(&settings).display_texels(&[[r, g, b, 1.0]], &mut shown);
    let [[r, g, b, _]] = shown;
    [r, g, b]
}

/// A view transform in a form for many pixels.
struct View<'a> {
    exposure: f32,
    kind: ViewKind,
    lut: Option<Custom<'a>>,
    background: Option<[f32; 3]>,
}

enum ViewKind {
    Agx { egamut_from_rec709: Mat3, table: &'static Lut3d<'static> },
    AgxLook { look: Graded, table: &'static Lut3d<'static> },
    KhronosNeutral { table: &'static Lut3d<'static> },
    Standard,
    Raw,
}

impl<'a> View<'a> {
    fn new(settings: &DisplaySettings<'a>) -> Self {
        let kind = match settings.view_transform {
            ViewTransform::Agx => ViewKind::Agx { egamut_from_rec709: agx::egamut_from_rec709(), table: agx::table() },
            ViewTransform::AgxLook(look) => ViewKind::AgxLook { look: Graded::new(look), table: agx::table() },
            ViewTransform::KhronosNeutral => ViewKind::KhronosNeutral { table: khronos_neutral::table() },
            ViewTransform::Standard => ViewKind::Standard,
            ViewTransform::Raw => ViewKind::Raw,
        };
        let background = settings.background_srgb.map(|color| color.map(clamp_unit));
        Self { exposure: settings.exposure_ev.exp2(), kind, lut: settings.lut.map(Custom::new), background }
    }

    /// Converts up to a block of texels.
    fn display_texels(&self, linear: &[[f32; 4]], shown: &mut [[f32; 4]]) {
        let mut block: Block = [[0.0; PIXELS_PER_BLOCK]; 3];
        let mut alphas = [0.0; PIXELS_PER_BLOCK];
        for (pixel, &[r, g, b, a]) in linear.iter().enumerate() {
            alphas[pixel] = clamp_unit(a);
            let scale = if a > LEAST_ALPHA { self.exposure / alphas[pixel] } else { 0.0 };
            for (channel, value) in block.iter_mut().zip([r, g, b]) {
                channel[pixel] = finite(value * scale);
            }
        }
        if alphas.iter().any(|&alpha| alpha > LEAST_ALPHA) {
            self.display_from_scene(&mut block);
        }
        let [red, green, blue] = &block;
        for (pixel, shown) in shown.iter_mut().enumerate() {
            let alpha = alphas[pixel];
            let visible = alpha > LEAST_ALPHA;
            let [r, g, b] = [red[pixel], green[pixel], blue[pixel]].map(|value| if visible { value } else { 0.0 });
            *shown = match self.background {
                Some([under_r, under_g, under_b]) => {
                    let [r, g, b] = [(r, under_r), (g, under_g), (b, under_b)]
                        .map(|(over, under)| clamp_unit(under + (over - under) * alpha));
                    [r, g, b, 1.0]
                }
                None => [r, g, b, alpha],
            };
        }
    }

    /// Exposed, finite scene colours to display colours.
    fn display_from_scene(&self, block: &mut Block) {
        match &self.lut {
            Some(lut) if lut.is_view_transform() => lut.apply(block),
            Some(lut) => {
                self.transform_from_scene(block);
                lut.apply(block);
            }
            None => self.transform_from_scene(block),
        }
    }

    fn transform_from_scene(&self, block: &mut Block) {
        match &self.kind {
            ViewKind::Agx { egamut_from_rec709, table } => {
                transform(block, egamut_from_rec709);
                map(block, |channel| agx::SHAPER.apply(channel));
                table.sample_all(block);
                map(block, agx::srgb_from_table_value);
            }
            ViewKind::AgxLook { look, table } => {
                look.grade(block);
                map(block, |channel| agx::SHAPER.apply(channel));
                table.sample_all(block);
                map(block, agx::srgb_from_table_value);
            }
            ViewKind::KhronosNeutral { table } => {
                map(block, |channel| khronos_neutral::SHAPER.apply(channel));
                table.sample_all(block);
                map(block, srgb::encode_unit);
            }
            ViewKind::Standard => map(block, |channel| srgb::encode_unit(clamp_unit(channel))),
            ViewKind::Raw => map(block, clamp_unit),
        }
    }
}

/// Applies a function to every channel of every pixel.
#[inline]
fn map(block: &mut Block, function: impl Fn(f32) -> f32) {
    for value in block.as_flattened_mut() {
        *value = function(*value);
    }
}

/// Multiplies every pixel, a column vector, by a matrix.
#[inline]
fn transform(block: &mut Block, matrix: &Mat3) {
    let [red, green, blue] = block;
    for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
        [*r, *g, *b] = (*matrix * Vec3::new(*r, *g, *b)).to_array();
    }
}

/// Clamps to 0 to 1; NaN becomes 0. (`f32::clamp` keeps NaN, and is slower.)
#[inline]
fn clamp_unit(value: f32) -> f32 {
    let positive = if value > 0.0 { value } else { 0.0 };
    if positive < 1.0 { positive } else { 1.0 }
}

/// NaN becomes 0; values out of range, including infinity, become the nearest value in range.
#[inline]
fn finite(value: f32) -> f32 {
    let number = if value.is_nan() { 0.0 } else { value };
    let above = if number > -MAX_SCENE_VALUE { number } else { -MAX_SCENE_VALUE };
    if above < MAX_SCENE_VALUE { above } else { MAX_SCENE_VALUE }
}

#[cfg(test)]
mod tests;
