//! A picture: what a render leaves, ready to be encoded.

use packshot_renderer::backend::DeviceInfo;
use packshot_renderer::color::{self, DisplayImage, DisplaySettings, LinearImage};
use packshot_renderer::encode::{self, ExrLayer, ExrPrecision, PngDepth};
use packshot_renderer::shot::{Background, View};

use crate::error::Error;

/// The formats a picture can be encoded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Display-referred, straight alpha, laid over the background colour if the shot has one.
    Png(PngDepth),
    /// Scene-linear, premultiplied alpha, without exposure and view transform.
    Exr(ExrPrecision),
}

impl Default for Format {
    /// A PNG of 8 bits.
    fn default() -> Self {
        Self::Png(PngDepth::Eight)
    }
}

/// What can be written beside radiance, as a layer of an EXR with one channel, `NAME.Y`, of 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aov {
    /// Camera paths of each pixel.
    Samples,
    /// Variance of the luminance of each pixel's mean; see [`Film::variance`](packshot_renderer::film::Film::variance).
    Variance,
}

impl Aov {
    /// All of them with the names that files and options use.
    pub const NAMES: [(&'static str, Self); 2] = [("samples", Self::Samples), ("variance", Self::Variance)];

    /// The name that files and options use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Samples => "samples",
            Self::Variance => "variance",
        }
    }
}

/// A layer beside radiance.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// What it holds.
    pub aov: Aov,
    /// One value for each pixel, row 0 on top.
    pub values: Vec<f32>,
}

/// A finished picture.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Radiance: linear Rec.709, premultiplied alpha, row 0 on top.
    pub linear: LinearImage,
    /// What was asked for beside radiance; written by [`Format::Exr`] alone.
    pub layers: Vec<Layer>,
    /// How it is to be shown.
    pub view: View,
    /// What is behind the product.
    pub background: Background,
    /// Mean samples per pixel.
    pub samples_mean: f64,
    /// Mean noise of a pixel, in the measure of the noise threshold; 0 for a picture of one sample, which has no measure.
    pub noise: f64,
    /// Rays traced, shadow rays included; 0 when the backend does not count them.
    pub rays: u64,
    /// Time of the sampling loop alone.
    pub render_s: f64,
    /// What all processors together spent meanwhile; `None` where the system does not say.
    pub render_cpu_s: Option<f64>,
    /// What computed it, and why that.
    pub device: DeviceInfo,
}

impl Picture {
    /// What is shown of it: after exposure and view transform, laid over the background colour if the shot has one.
    pub fn display(&self) -> DisplayImage {
        display(&self.linear, self.view, self.background)
    }

    /// The bytes of a file. Equal pictures give equal bytes.
    ///
    /// # Errors
    /// `encode.…` when the picture is too large for the format.
    pub fn encode(&self, format: Format) -> Result<Vec<u8>, Error> {
        Ok(match format {
            Format::Png(depth) => png(&self.linear, self.view, self.background, depth)?,
            Format::Exr(precision) => {
                let samples = self.linear.rgba.as_flattened();
                let radiance = ExrLayer { name: "", channels: "RGBA", precision, samples };
                let others = self.layers.iter().map(|layer| ExrLayer {
                    name: layer.aov.name(),
                    channels: "Y",
                    // Counts and variances do not fit 16 bits.
                    precision: ExrPrecision::Float,
                    samples: &layer.values,
                });
                let layers: Vec<ExrLayer<'_>> = [radiance].into_iter().chain(others).collect();
                encode::exr([self.linear.width_px, self.linear.height_px], &layers)?
            }
        })
    }
}

/// Radiance as it is shown.
fn display(linear: &LinearImage, view: View, background: Background) -> DisplayImage {
    let background_srgb = match background {
        Background::Color { srgb } => Some(srgb),
        Background::Transparent | Background::Environment => None,
    };
    let View { transform: view_transform, exposure_ev } = view;
    let settings = DisplaySettings { view_transform, exposure_ev, background_srgb };
    color::display_image(linear, &settings)
}

/// The same in the bytes of a PNG.
pub(crate) fn png(linear: &LinearImage, view: View, background: Background, depth: PngDepth) -> Result<Vec<u8>, Error> {
    Ok(encode::png(&display(linear, view, background), depth)?)
}
