//! A picture: the result of a render, ready to be encoded.

use std::borrow::Cow;
use std::sync::Arc;

use packshot_renderer::backend::{CancelToken, DeviceInfo, LoadedShot};
use packshot_renderer::catcher::{Caught, Fade};
use packshot_renderer::color::{self, DisplayImage, DisplaySettings, LinearImage};
use packshot_renderer::encode::{self, ExrLayer, ExrPrecision, Metadata, Provenance};
use packshot_renderer::film::Film;
use packshot_renderer::layers::lines::{LineKind, LineStyle};
use packshot_renderer::layers::{LayerNames, LayerRequest, MatteKind, Quantity, samples_for};
use packshot_renderer::prepare::LightGroup;
use packshot_renderer::shot::lut::Lut;
use packshot_renderer::shot::{Background, Shot, View};
use packshot_words::{Entry, Word};

use crate::denoise::Denoised;
use crate::error::Error;
use crate::lines::DrawnLines;
use crate::product::{PartMaterials, Product};

mod format;

pub use format::{Encoding, FileKind, Format};

/// What can be written as a layer of an EXR, in addition to radiance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aov {
    /// Camera paths of each pixel.
    Samples,
    /// Variance of the luminance of each pixel's mean; see [`Film::variance`](packshot_renderer::film::Film::variance).
    Variance,
    /// Radiance by light: a layer for each [`LightGroup`], which add up to the picture.
    LightGroups,
    /// What the camera sees first.
    Seen(Quantity),
}

impl Aov {
    /// One letter for each channel in a file.
    fn channels(self) -> &'static str {
        match self {
            Self::Samples | Self::Variance | Self::Seen(Quantity::Lines(_)) => "Y",
            Self::LightGroups | Self::Seen(Quantity::Albedo | Quantity::Emission | Quantity::Shadow) => "RGB",
            Self::Seen(Quantity::Normal | Quantity::Position) => "XYZ",
            Self::Seen(Quantity::Depth) => "Z",
            Self::Seen(Quantity::Uv) => "UV",
            Self::Seen(Quantity::Matte(_)) => "RGBA",
        }
    }

    /// Its precision in a file, beside a picture of this precision: 16 bits are too few for counts, variances,
    /// positions and ids.
    fn precision(self, of_picture: ExrPrecision) -> ExrPrecision {
        match self {
            Self::LightGroups
            | Self::Seen(
                Quantity::Albedo | Quantity::Normal | Quantity::Emission | Quantity::Shadow | Quantity::Lines(_),
            ) => of_picture,
            _ => ExrPrecision::Float,
        }
    }
}

impl Word for Aov {
    const ENTRIES: &'static [Entry<Self>] = {
        const fn entry(word: &'static str, value: Aov, meaning: &'static str) -> Entry<Aov> {
            Entry { word, older: &[], value, meaning }
        }
        &[
            entry("albedo", Self::Seen(Quantity::Albedo), "Base colour"),
            entry("normal", Self::Seen(Quantity::Normal), "Direction of the surface"),
            entry("depth", Self::Seen(Quantity::Depth), "Distance from the camera"),
            entry("position", Self::Seen(Quantity::Position), "Place in the world"),
            entry("uv", Self::Seen(Quantity::Uv), "Texture coordinates"),
            entry("emission", Self::Seen(Quantity::Emission), "Light that surfaces emit"),
            entry("shadow", Self::Seen(Quantity::Shadow), "The share of direct light that arrives"),
            entry("object_id", Self::Seen(Quantity::Matte(MatteKind::Object)), "Cryptomatte of nodes"),
            entry("part_id", Self::Seen(Quantity::Matte(MatteKind::Part)), "Cryptomatte of parts"),
            entry("material_id", Self::Seen(Quantity::Matte(MatteKind::Material)), "Cryptomatte of materials"),
            entry("edges", Self::Seen(Quantity::Lines(LineKind::Edges)), "Outlines, borders and creases"),
            entry("wireframe", Self::Seen(Quantity::Lines(LineKind::Wireframe)), "Borders of triangles"),
            entry("light_groups", Self::LightGroups, "The picture by light"),
            entry("samples", Self::Samples, "Samples of each pixel"),
            entry("variance", Self::Variance, "Variance of each pixel's mean"),
        ]
    };
}

/// A layer in addition to radiance.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// What it holds.
    pub aov: Aov,
    /// Channels of each pixel, row 0 on top; a matte has separate planes, see [`Quantity::shape`].
    pub values: Vec<f32>,
    /// Names of a matte's objects.
    pub names: Option<Arc<LayerNames>>,
    /// The group of a light group.
    pub group: Option<LightGroup>,
}

impl Layer {
    /// Its planes in a file, with their names, for a picture of this many pixels.
    fn planes(&self, n_pixels: usize) -> impl Iterator<Item = (String, &[f32])> {
        let plane = n_pixels * self.aov.channels().len();
        let planes = self.values.chunks(plane.max(1)).enumerate();
        planes.map(|(i, values)| match (self.aov, &self.names) {
            (Aov::Seen(Quantity::Matte(kind)), Some(names)) => {
                (format!("{}{i:02}", names.cryptomatte(kind).name), values)
            }
            _ => (self.group.map_or_else(|| self.aov.word().to_owned(), LightGroup::name), values),
        })
    }

    /// Attributes for the file's header.
    fn attributes(&self) -> Vec<(String, String)> {
        match (self.aov, &self.names) {
            (Aov::Seen(Quantity::Matte(kind)), Some(names)) => names.cryptomatte(kind).attributes(),
            _ => Vec::new(),
        }
    }
}

/// A finished picture.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Radiance: linear Rec.709, premultiplied alpha, row 0 on top. Only the product if its floor is a catcher.
    pub linear: LinearImage,
    /// What the product does to its floor, if that is a catcher.
    pub caught: Option<Caught>,
    /// Whether that [fades](packshot_renderer::catcher::Fade) towards the frame in display images: not in pictures that
    /// are to look like Blender's.
    pub fades: bool,
    /// The backdrop behind product and catcher, if that is the environment; without a catcher it is part of `linear`.
    pub backdrop: Option<LinearImage>,
    /// The requested layers; only [`Format::Exr`] writes them.
    pub layers: Vec<Layer>,
    /// Lines drawn over it for display.
    pub lines: Option<DrawnLines>,
    /// Exposure and view transform for display.
    pub view: View,
    /// A lookup table in addition to the view.
    pub lut: Option<Arc<Lut>>,
    /// What is behind the product.
    pub background: Background,
    /// Its origin, which its files state.
    pub provenance: Provenance,
    /// Mean samples per pixel.
    pub samples_mean: f64,
    /// Mean noise of a pixel, in the measure of the noise threshold; `None` with one sample for each, which says
    /// nothing about it.
    pub noise: Option<f64>,
    /// Rays traced, shadow rays included; 0 when the backend does not count them.
    pub rays: u64,
    /// Time of the sampling loop alone.
    pub render_s: f64,
    /// CPU time of all processors during that; `None` if the system does not report it.
    pub render_cpu_s: Option<f64>,
    /// How it was denoised; `None` for a picture as sampled.
    pub denoised: Option<Denoised>,
    /// The device that rendered it, and why that one.
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
            Format::Jpeg(quality) => encode::jpeg(&self.displayed_opaque(), quality, &metadata)?,
            Format::WebP(compression) => encode::webp(&self.display(), compression, &metadata)?,
            Format::Avif(quality, depth) => encode::avif(&self.display(), quality, depth, &metadata)?,
            Format::Tiff(depth) => encode::tiff(&self.display(), depth, &metadata)?,
            Format::TiffLinear => encode::tiff_linear(&self.radiance(), &metadata)?,
            Format::Exr(precision) => {
                let picture = self.radiance();
                let radiance = ExrLayer { name: "", channels: "RGBA", precision, samples: picture.rgba.as_flattened() };
                let transmittance = self.catcher_transmittance();
                let catcher = transmittance.as_ref().map(|transmittance| ExrLayer {
                    name: "catcher_transmittance",
                    channels: "RGB",
                    precision,
                    samples: transmittance.as_flattened(),
                });
                let planes: Vec<(Aov, String, &[f32])> = self
                    .layers
                    .iter()
                    .flat_map(|layer| {
                        layer.planes(self.linear.rgba.len()).map(|(name, values)| (layer.aov, name, values))
                    })
                    .collect();
                let others = planes.iter().map(|(aov, name, samples)| ExrLayer {
                    name,
                    channels: aov.channels(),
                    precision: aov.precision(precision),
                    samples,
                });
                let layers: Vec<ExrLayer<'_>> = [radiance].into_iter().chain(catcher).chain(others).collect();
                let attributes: Vec<(String, String)> = self.layers.iter().flat_map(Layer::attributes).collect();
                encode::exr([self.linear.width_px, self.linear.height_px], &layers, &attributes, &metadata)?
            }
        })
    }

    /// Radiance for scene-linear files: premultiplied, including what a catcher adds; over the backdrop if there is
    /// one.
    pub fn radiance(&self) -> Cow<'_, LinearImage> {
        match (&self.caught, &self.backdrop) {
            (Some(caught), Some(backdrop)) => Cow::Owned(caught.over(&self.linear, backdrop)),
            (Some(caught), None) => Cow::Owned(caught.flattened(&self.linear)),
            (None, _) => Cow::Borrowed(&self.linear),
        }
    }

    /// The transmittance of a catcher towards a background, per channel: together with [`radiance`](Self::radiance), a
    /// picture over any background B is RGB + transmittance · B. `None` without a catcher, and if the picture already
    /// includes its background.
    pub fn catcher_transmittance(&self) -> Option<Vec<[f32; 3]>> {
        let caught = self.caught.as_ref().filter(|_| self.backdrop.is_none());
        caught.map(|caught| caught.transmittance(&self.linear))
    }

    /// The display image: the content of display-referred files and of the frames of a [movie](encode::movie).
    pub fn display(&self) -> DisplayImage {
        self.displayed_over(self.background)
    }

    /// The display image for a format without alpha: over white if the shot has no background.
    fn displayed_opaque(&self) -> DisplayImage {
        match self.background {
            Background::Transparent => self.displayed_over(Background::Color { srgb: [1.0; 3] }),
            Background::Environment | Background::Color { .. } => self.display(),
        }
    }

    fn displayed_over(&self, background: Background) -> DisplayImage {
        let mut shown = match &self.caught {
            Some(caught) if self.backdrop.is_none() => {
                let settings = display_settings(self.view, background, self.lut.as_deref());
                let fade = self.fades.then(|| Fade::around(&self.linear));
                color::display_grounded(&self.linear, caught, fade.as_ref(), &settings)
            }
            _ => display(&self.radiance(), self.view, background, self.lut.as_deref()),
        };
        if let Some(lines) = &self.lines {
            lines.lay_over(&mut shown);
        }
        shown
    }
}

/// The layers of a film, whose pixels may have this many samples, and of what its camera sees: each once, in the order
/// of [`Aov`]'s words. Light groups are films of their own and not included.
///
/// # Errors
/// `cancelled`.
pub(crate) fn layers(
    shot: &dyn LoadedShot,
    film: &Film,
    picture_samples: u32,
    names: &Arc<LayerNames>,
    aovs: &[Aov],
    lines: LineStyle,
    cancel: &CancelToken,
) -> Result<Vec<Layer>, Error> {
    let is_asked = |aov: &Aov| *aov != Aov::LightGroups && aovs.contains(aov);
    let asked: Vec<Aov> = Aov::ENTRIES.iter().map(|entry| entry.value).filter(is_asked).collect();
    let seen = |aov: &Aov| if let Aov::Seen(quantity) = aov { Some(*quantity) } else { None };
    let quantities: Vec<Quantity> = asked.iter().filter_map(seen).collect();
    let n_samples = samples_for(picture_samples);
    let mut traced = match quantities.is_empty() {
        true => Vec::new(),
        false => shot.layers(&LayerRequest { quantities: &quantities, names, n_samples, lines }, cancel)?,
    }
    .into_iter();
    let layer = |aov| {
        let values = match aov {
            Aov::Samples => film.samples.iter().map(|&n| n as f32).collect(),
            Aov::Variance => film.variance(),
            Aov::Seen(_) => traced.next().expect("a layer for each quantity"),
            Aov::LightGroups => unreachable!("films of their own"),
        };
        let names = matches!(aov, Aov::Seen(Quantity::Matte(_))).then(|| names.clone());
        Layer { aov, values, names, group: None }
    };
    Ok(asked.into_iter().map(layer).collect())
}

/// The display image of radiance.
pub(crate) fn display(linear: &LinearImage, view: View, background: Background, lut: Option<&Lut>) -> DisplayImage {
    color::display_image(linear, &display_settings(view, background, lut))
}

fn display_settings(view: View, background: Background, lut: Option<&Lut>) -> DisplaySettings<'_> {
    let background_srgb = match background {
        Background::Color { srgb } => Some(srgb),
        Background::Transparent | Background::Environment => None,
    };
    let View { transform: view_transform, exposure_ev } = view;
    DisplaySettings { view_transform, exposure_ev, background_srgb, lut }
}

/// The provenance of the pictures of a shot, known before they are rendered.
pub fn provenance_of(product: &Product, materials: &PartMaterials, shot: &Shot) -> Provenance {
    provenance(&product_provenance(product, materials), shot)
}

/// The provenance that all pictures of a product share.
pub(crate) fn product_provenance(product: &Product, materials: &PartMaterials) -> Provenance {
    let design = product.design.as_ref().map(|design| design.digest.clone());
    Provenance {
        scene: Some(product.blake3.clone()),
        design,
        library: materials.library.clone(),
        ..Provenance::default()
    }
}

/// The provenance of the pictures of a shot; `product` is that of its product.
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
        view: Some(format!("{}{exposure}{lut}", shot.view.transform.word())),
        ..product.clone()
    }
}
