//! Denoising: when, with what, and what it cost.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::time::Instant;

use packshot_denoiser::{Control, DenoiseError, Denoiser, WeightSet};
use packshot_oidn::{Device, Library, OidnError, Quality, Settings, Version};
use packshot_renderer::backend::denoise::DenoisingError;
use packshot_renderer::backend::{Backend, CancelToken, LoadedShot};
use packshot_renderer::color::LinearImage;
use packshot_renderer::guides::{GuideSamples, Guides};
use packshot_renderer::shot::{Shot, ViewTransform};
use packshot_words::{Word, words};
use serde::{Serialize, Serializer};

use crate::error::{Error, ErrorKind, Fault};
use crate::picture::Format;
use crate::plan::Kind;

mod continued;
mod coverage;
mod outliers;
mod surrounded;

pub(crate) use continued::continued;
use surrounded::Surrounded;

words! {
    /// When noise is removed.
    #[derive(Default)]
    pub enum Denoise {
        /// From display formats; not from EXR, 32-bit TIFF and the view transform `raw`, which are for computing with
        #[default]
        Auto = "auto",
        /// From every picture
        On = "on",
        /// Never
        Off = "off",
    }
}

impl Denoise {
    /// Whether a picture in this format (`None`: not written) and with this view transform is denoised.
    pub fn applies(self, format: Option<Format>, view: ViewTransform) -> bool {
        match self {
            Self::Auto => {
                let is_shown = !matches!(format, None | Some(Format::Exr(_) | Format::TiffLinear));
                is_shown && view != ViewTransform::Raw
            }
            Self::On => true,
            Self::Off => false,
        }
    }
}

words! {
    /// What removes noise.
    #[derive(Default)]
    pub enum DenoiseWith {
        /// The denoiser that every Packshot has
        #[default]
        Packshot = "packshot",
        /// An installed Open Image Denoise 2, on the processor
        Oidn = "oidn",
    }
}

/// A loaded Open Image Denoise, used instead of Packshot's own denoiser.
#[derive(Clone, Copy, Debug)]
pub struct Oidn {
    /// The library.
    pub library: Library,
    /// Its quality setting.
    pub quality: Quality,
}

/// What denoised a picture, and what it cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Denoised {
    /// The denoiser.
    #[serde(flatten)]
    pub by: DenoisedBy,
    /// Most samples per pixel over which the guides are averaged, those for uncertain coverage included.
    pub guide_samples: u32,
    /// Wall-clock time of guides and network, seconds.
    #[serde(skip)]
    pub seconds: f64,
}

/// The denoiser of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "with", rename_all = "snake_case")]
pub enum DenoisedBy {
    /// Packshot's own denoiser.
    Packshot {
        /// The name under which the network's weights were published.
        network: &'static str,
    },
    /// An installed Open Image Denoise.
    Oidn {
        /// The library's version.
        #[serde(serialize_with = "version_text")]
        version: Version,
        /// Its quality setting.
        #[serde(serialize_with = "quality_name")]
        quality: Quality,
    },
}

impl DenoisedBy {
    /// What the picture's file says about it; nothing if the denoiser is part of this program.
    pub fn provenance(self) -> Option<String> {
        match self {
            Self::Packshot { .. } => None,
            Self::Oidn { version, quality } => Some(format!("Open Image Denoise {version}, {}", quality.word())),
        }
    }
}

fn version_text<S: Serializer>(version: &Version, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(version)
}

fn quality_name<S: Serializer>(quality: &Quality, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(quality.word())
}

/// The network of Packshot's own denoiser that a picture is denoised with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(WeightSet);

/// Samples per pixel of a still from which the large network takes more off its error than the same time spent on
/// samples would.
const LARGE_FROM_SAMPLES: u32 = 16;
/// The same for frames of turntables: of many pictures that are seen for a moment each, time counts more.
const LARGE_FROM_SAMPLES_OF_FRAMES: u32 = 64;

impl Network {
    /// That of a shot in a request of this kind.
    pub fn of(shot: &Shot, kind: Kind) -> Self {
        let large_from = match kind {
            Kind::Still | Kind::Views => LARGE_FROM_SAMPLES,
            Kind::Turntable => LARGE_FROM_SAMPLES_OF_FRAMES,
        };
        // Out of focus, a pixel averages many points, so that the guides are noisy themselves.
        Self(match shot.camera.aperture {
            Some(_) => WeightSet::NoisyGuides,
            None if shot.film.samples >= large_from => WeightSet::CleanGuidesLarge,
            None => WeightSet::CleanGuides,
        })
    }

    /// Whether its guides must be free of noise.
    fn has_clean_guides(self) -> bool {
        matches!(self.0, WeightSet::CleanGuides | WeightSet::CleanGuidesLarge)
    }

    /// The name under which its weights were published.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Memory for its layers on the processor, in bytes per pixel of a large picture.
    pub(crate) fn bytes_per_pixel(self) -> u64 {
        match self.0 {
            WeightSet::CleanGuides | WeightSet::NoisyGuides => 220,
            WeightSet::CleanGuidesLarge => 320,
            WeightSet::Small => 170,
        }
    }

    /// The BLAKE3 of the file of its weights.
    pub fn digest(self) -> [u8; 32] {
        *blake3::hash(self.0.bytes()).as_bytes()
    }
}

/// The denoisers of a renderer. Networks are built on first use.
#[derive(Debug)]
pub(crate) struct Denoisers {
    /// Used instead of the others.
    oidn: Option<(Device, Quality)>,
    clean: OnceLock<Denoiser>,
    clean_large: OnceLock<Denoiser>,
    noisy: OnceLock<Denoiser>,
}

/// Samples per pixel for guides that a lens blurs, …
const BLURRED_GUIDE_SAMPLES: u32 = 64;
/// … and for what is covered of a pixel at a blurred outline or a partly opaque surface, whose guides are random too,
/// however few samples the picture has.
const COVERAGE_SAMPLES: u32 = 64;

/// A picture with noise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noisy<'a> {
    /// Its pixels.
    pub(crate) image: &'a LinearImage,
    /// Mean samples of a pixel.
    pub(crate) samples_mean: f64,
}

impl Denoisers {
    /// With at most this many threads; 0: all.
    ///
    /// # Errors
    /// `denoise.oidn_…` when the given library cannot be used.
    pub(crate) fn new(oidn: Option<Oidn>, n_threads: usize) -> Result<Self, Error> {
        let open = |oidn: Oidn| Ok::<_, OidnError>((Device::new(oidn.library, n_threads)?, oidn.quality));
        let oidn = oidn.map(open).transpose()?;
        Ok(Self { oidn, clean: OnceLock::new(), clean_large: OnceLock::new(), noisy: OnceLock::new() })
    }

    /// The library that replaces Packshot's own denoiser.
    pub(crate) fn oidn(&self) -> Option<DenoisedBy> {
        let by =
            |(device, quality): &(Device, Quality)| DenoisedBy::Oidn { version: device.version(), quality: *quality };
        self.oidn.as_ref().map(by)
    }

    /// The denoised picture of a shot by this network, or by the library's, and what was done.
    ///
    /// # Errors
    /// `device.…`, `denoise.…`, `cancelled`.
    pub(crate) fn denoise(
        &self,
        backend: &dyn Backend,
        loaded: &dyn LoadedShot,
        shot: &Shot,
        network: Network,
        Noisy { image: noisy, samples_mean }: Noisy<'_>,
        cancel: &CancelToken,
    ) -> Result<(LinearImage, Denoised), Error> {
        let begun = Instant::now();
        let Network(weights) = network;
        let (denoiser, most) = match weights {
            WeightSet::NoisyGuides => (&self.noisy, BLURRED_GUIDE_SAMPLES),
            WeightSet::CleanGuidesLarge => (&self.clean_large, Guides::SAMPLES),
            WeightSet::CleanGuides | WeightSet::Small => (&self.clean, Guides::SAMPLES),
        };
        let has_lens = shot.camera.aperture.is_some();
        let uncertain = if has_lens { coverage::uncertain(noisy) } else { Vec::new() };
        let most = most.min(shot.film.samples);
        let samples = GuideSamples { most, uncertain, of_uncertain: COVERAGE_SAMPLES };
        let Guides { mut albedo, mut normal, coverage, partly } = loaded.guides(&samples, cancel)?;
        let has_partly_opaque = partly.iter().any(|&share| share > 0.0);
        let mut uncertain = samples.uncertain;
        if has_partly_opaque && !has_lens {
            uncertain = coverage::of_films(noisy, &partly, &coverage);
        }
        drop(partly);
        let LinearImage { width_px, height_px, .. } = *noisy;
        let guides = outliers::Surfaces { albedo: &albedo, shares: &coverage };
        let dimmed = outliers::dimmed(&noisy.rgba, guides, width_px, samples_mean);
        let dimmed = dimmed.map(|rgba| LinearImage { rgba, ..*noisy });
        let check = || if cancel.is_cancelled() { Err(Error::cancelled()) } else { Ok(()) };
        check()?;
        let noisy = dimmed.as_ref().unwrap_or(noisy);
        let mut picture = Cow::Borrowed(&noisy.rgba);
        // The mean includes the background, which a noise threshold leaves with few samples.
        let n_samples = if has_lens { samples_mean } else { f64::from(shot.film.samples) };
        if !uncertain.is_empty() && n_samples < f64::from(COVERAGE_SAMPLES) {
            picture = Cow::Owned(coverage::refined(noisy, &uncertain, &coverage));
        }
        // Not where a lens blurs outlines: they have no hard edge, and without any the network for noisy guides takes
        // noise of bright surfaces for their structure.
        let has_open_pixels = !has_lens && noisy.rgba.iter().any(|pixel| pixel[3] < 1.0);
        // What goes on beyond an outline is not black at the border, but has no detail there that could be discoloured,
        // unless the product comes near.
        let reach_px = if has_open_pixels { surrounded::MARGIN_PX } else { 1 };
        let around_of = |pixels: &[[f32; 4]]| Surrounded::wanted_for([width_px, height_px], pixels, reach_px);
        let of_coverage = || (!uncertain.is_empty()).then(|| around_of(&coverage::grey(&picture))).flatten();
        let around = around_of(&picture).or_else(of_coverage);
        let mut below = None;
        if has_open_pixels {
            let solid = continued::solid(&normal, &coverage, width_px);
            for guide in [&mut albedo, &mut normal] {
                *guide = continued(guide.iter().copied().zip(coverage.iter().copied()), width_px).0;
                check()?;
            }
            for (albedo, part) in albedo.iter_mut().zip(solid) {
                *albedo = albedo.map(|value| value * part);
            }
            let (laid, laid_over) = continued(picture.iter().map(|&[r, g, b, share]| ([r, g, b], share)), width_px);
            let laid = laid.into_iter().zip(&*picture).map(|([r, g, b], pixel)| [r, g, b, pixel[3]]);
            picture = Cow::Owned(laid.collect());
            below = Some(laid_over);
            check()?;
        }
        drop(coverage);
        let (size_px, albedo, normal) = match around {
            None => ([width_px, height_px], albedo, normal),
            Some(around) => {
                // One at a time: each guide is freed when its enlarged copy exists.
                let larger = |guide: Vec<[f32; 3]>| around.of(&guide);
                (around.size_px().map(|side| side as u32), larger(albedo), larger(normal))
            }
        };
        let run = |pixels: &[[f32; 4]]| -> Result<(Vec<[f32; 4]>, DenoisedBy), Error> {
            let color = around.map_or(Cow::Borrowed(pixels), |around| Cow::Owned(around.of(pixels)));
            let picture = packshot_denoiser::Picture {
                width_px: size_px[0],
                height_px: size_px[1],
                color: &color,
                albedo: Some(&albedo),
                normal: Some(&normal),
            };
            let (rgba, by) = match &self.oidn {
                Some((device, quality)) => {
                    let settings = Settings { has_clean_guides: network.has_clean_guides(), quality: *quality };
                    let control = Control { is_cancelled: &|| cancel.is_cancelled(), ..Control::default() };
                    let by = DenoisedBy::Oidn { version: device.version(), quality: *quality };
                    (device.denoise(&picture, settings, control)?, by)
                }
                None => {
                    let denoiser = denoiser.get_or_init(|| Denoiser::new(weights));
                    let by = DenoisedBy::Packshot { network: weights.name() };
                    (backend.denoise(denoiser, &picture, None, cancel)?, by)
                }
            };
            Ok((around.map(|around| around.without(&rgba)).unwrap_or(rgba), by))
        };
        let (mut rgba, by) = run(&picture)?;
        // Before another run needs as much.
        drop(picture);
        drop(dimmed);
        if let Some(below) = &below {
            for (i, pixel) in rgba.iter_mut().enumerate() {
                let [r, g, b, share] = *pixel;
                let [r, g, b] = below.lifted([r, g, b], i, share);
                *pixel = [r, g, b, share];
            }
        }
        if !uncertain.is_empty() {
            // The filter leaves coverage as it is.
            let blurred = coverage::grey(&rgba);
            coverage::replace(&mut rgba, &uncertain, &run(&blurred)?.0);
        }
        if below.is_some() {
            rgba.iter_mut().for_each(|[r, g, b, share]| [r, g, b].into_iter().for_each(|value| *value *= *share));
        }
        let has_more = has_partly_opaque || !uncertain.is_empty();
        let guide_samples = if has_more { most.max(COVERAGE_SAMPLES) } else { most };
        let done = Denoised { by, guide_samples, seconds: begun.elapsed().as_secs_f64() };
        Ok((LinearImage { width_px, height_px, rgba }, done))
    }
}

impl From<DenoisingError> for Error {
    fn from(error: DenoisingError) -> Self {
        match error {
            DenoisingError::Device(error) => error.into(),
            DenoisingError::Picture(error) => error.into(),
        }
    }
}

impl From<DenoiseError> for Error {
    fn from(error: DenoiseError) -> Self {
        match error {
            DenoiseError::Cancelled => Self::cancelled(),
            error => {
                let fault = Fault::new(error.code(), error.to_string()).at(error.at()).help(error.help());
                Self::new(ErrorKind::Internal, fault)
            }
        }
    }
}

impl From<OidnError> for Error {
    fn from(error: OidnError) -> Self {
        match error {
            OidnError::Picture(error) => error.into(),
            error => {
                let fault = Fault::new(error.code(), error.to_string()).at(error.at()).help(error.help());
                Self::new(ErrorKind::Device, fault)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use packshot_renderer::encode::{ExrPrecision, PngDepth};

    use super::*;

    #[test]
    fn the_layers_of_networks_take_what_estimates_say() {
        let two_threads = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
        for set in WeightSet::ALL {
            let bytes = two_threads.install(|| Denoiser::new(set).size_bytes(4000, 2000)) / 8_000_000;
            let estimate = Network(set).bytes_per_pixel();
            assert!(bytes <= estimate && estimate <= bytes + 20, "{set:?}: {bytes} of {estimate}");
        }
    }

    #[test]
    fn auto_is_for_eyes() {
        let (png, exr) = (Some(Format::Png(PngDepth::Eight)), Some(Format::Exr(ExrPrecision::Half)));
        let cases = [
            (png, ViewTransform::Agx, true),
            (png, ViewTransform::Raw, false),
            (exr, ViewTransform::Agx, false),
            (None, ViewTransform::Agx, false),
        ];
        for (format, view, expected) in cases {
            assert_eq!(Denoise::Auto.applies(format, view), expected, "{format:?}, {view:?}");
            assert!(Denoise::On.applies(format, view) && !Denoise::Off.applies(format, view));
        }
    }
}
