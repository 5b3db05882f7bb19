//! A picture: what a render leaves, ready to be encoded.

use std::num::NonZeroU16;
use std::sync::Arc;

use packshot_renderer::backend::DeviceInfo;
use packshot_renderer::color::{self, DisplayImage, DisplaySettings, LinearImage};
use packshot_renderer::encode::{
    self, AvifDepth, ExrLayer, ExrPrecision, LimitedFormat, Metadata, PngDepth, Provenance, Quality, TiffDepth,
    WebPCompression,
};
use packshot_renderer::shot::lut::Lut;
use packshot_renderer::shot::{Background, Shot, View};

use crate::error::Error;
use crate::product::{PartMaterials, Product};

/// The formats a picture can be encoded in. All but EXR and TIFF of 32 bits are display-referred: exposed, through the view transform, laid
/// over the background colour if the shot has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Lossless, straight alpha.
    Png(PngDepth),
    /// Scene-linear, premultiplied alpha, without exposure and view transform; the only one with layers.
    Exr(ExrPrecision),
    /// Lossy, over white where the shot has no background.
    Jpeg(Quality),
    /// Straight alpha.
    WebP(WebPCompression),
    /// Lossy, straight alpha.
    Avif(Quality, AvifDepth),
    /// Lossless, straight alpha.
    Tiff(TiffDepth),
    /// As EXR, in 32 bits.
    TiffLinear,
}

impl Default for Format {
    /// A PNG of 8 bits.
    fn default() -> Self {
        Self::Png(PngDepth::Eight)
    }
}

impl Format {
    /// Fails when pictures of this size have no place in the format: to be asked before they are rendered.
    ///
    /// # Errors
    /// `encode.too_large`.
    pub fn check_size(self, size_px: [u32; 2]) -> Result<(), Error> {
        let limited = match self {
            Self::Jpeg(_) => LimitedFormat::Jpeg,
            Self::WebP(_) => LimitedFormat::WebP,
            Self::Avif(..) => LimitedFormat::Avif,
            Self::Png(_) | Self::Exr(_) | Self::Tiff(_) | Self::TiffLinear => return Ok(()),
        };
        Ok(limited.check(size_px)?)
    }
}

/// How a picture becomes a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Encoding {
    /// The format.
    pub format: Format,
    /// Pixels per inch at which the picture is meant to be printed; WebP and AVIF have no place for it.
    pub dpi: Option<NonZeroU16>,
}

impl From<Format> for Encoding {
    fn from(format: Format) -> Self {
        Self { format, dpi: None }
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
    /// A lookup table beside the view.
    pub lut: Option<Arc<Lut>>,
    /// What is behind the product.
    pub background: Background,
    /// Where it comes from: what its files say of themselves.
    pub provenance: Provenance,
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
    /// The bytes of a file. Equal pictures give equal bytes.
    ///
    /// # Errors
    /// `encode.…` when the picture is too large for the format.
    pub fn encode(&self, encoding: impl Into<Encoding>) -> Result<Vec<u8>, Error> {
        let Encoding { format, dpi } = encoding.into();
        let metadata = Metadata { dpi, provenance: self.provenance.clone() };
        Ok(match format {
            Format::Png(depth) => encode::png(&self.display(), depth, &metadata)?,
            Format::Jpeg(quality) => encode::jpeg(&self.display(), quality, &metadata)?,
            Format::WebP(compression) => encode::webp(&self.display(), compression, &metadata)?,
            Format::Avif(quality, depth) => encode::avif(&self.display(), quality, depth)?,
            Format::Tiff(depth) => encode::tiff(&self.display(), depth, &metadata)?,
            Format::TiffLinear => encode::tiff_linear(&self.linear, &metadata)?,
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
                encode::exr([self.linear.width_px, self.linear.height_px], &layers, &metadata)?
            }
        })
    }

    /// The picture as it is shown: what display-referred files hold, and the frames of a [movie](encode::movie).
    pub fn display(&self) -> DisplayImage {
        display(&self.linear, self.view, self.background, self.lut.as_deref())
    }
}

/// Radiance as it is shown.
pub(crate) fn display(linear: &LinearImage, view: View, background: Background, lut: Option<&Lut>) -> DisplayImage {
    let background_srgb = match background {
        Background::Color { srgb } => Some(srgb),
        Background::Transparent | Background::Environment => None,
    };
    let View { transform: view_transform, exposure_ev } = view;
    color::display_image(linear, &DisplaySettings { view_transform, exposure_ev, background_srgb, lut })
}

/// What is known of the pictures of a shot before they are taken.
pub fn provenance_of(product: &Product, materials: &PartMaterials, shot: &Shot) -> Provenance {
    provenance(&product_provenance(product, materials), shot)
}

/// What is known of all pictures of a product.
pub(crate) fn product_provenance(product: &Product, materials: &PartMaterials) -> Provenance {
    Provenance {
        scene: Some(product.blake3.clone()),
        library: materials.report.as_ref().map(|report| report.library.clone()),
        ..Provenance::default()
    }
}

/// What is known of the pictures of a shot; `product` is what is known of its product.
pub(crate) fn provenance(product: &Provenance, shot: &Shot) -> Provenance {
    let exposure = match shot.view.exposure_ev {
        0.0 => String::new(),
        ev => format!(", {ev:+} EV"),
    };
    let lut = shot.lut.as_ref().map(|lut| format!(", table over {} #b3:{}", lut.input, lut.blake3)).unwrap_or_default();
    Provenance {
        shot: Some(shot.digest()),
        seed: Some(shot.film.seed),
        samples: Some(shot.film.samples),
        view: Some(format!("{}{exposure}{lut}", shot.view.transform.name())),
        ..product.clone()
    }
}
