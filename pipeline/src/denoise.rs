//! Denoising: when, with what, and what it cost.

use std::sync::OnceLock;
use std::time::Instant;

use packshot_denoiser::{Denoiser, WeightSet};
use packshot_renderer::backend::denoise::DenoisingError;
use packshot_renderer::backend::{Backend, CancelToken, LoadedShot};
use packshot_renderer::color::LinearImage;
use packshot_renderer::guides::Guides;
use packshot_renderer::shot::{Shot, ViewTransform};
use serde::Serialize;

use crate::error::{Error, ErrorKind, Fault};
use crate::picture::Format;

/// When noise is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Denoise {
    /// From pictures for eyes: not from linear radiance and numbers, which somebody wants to compute with.
    #[default]
    Auto,
    /// From every picture.
    On,
    /// Never.
    Off,
}

impl Denoise {
    /// Whether a picture is denoised that will be written in this format (`None`: in none) and shown by this view.
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

/// What was done to a picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Denoised {
    /// The network's weights, by the name under which they were published.
    pub network: &'static str,
    /// Samples of a pixel that its guides are the mean of.
    pub guide_samples: u32,
    /// Wall clock of guides and network, seconds.
    #[serde(skip)]
    pub seconds: f64,
}

/// Networks of a renderer, made when they are first needed.
#[derive(Debug, Default)]
pub(crate) struct Denoisers {
    clean: OnceLock<Denoiser>,
    noisy: OnceLock<Denoiser>,
}

/// Samples of a pixel's guides where a lens blurs them.
const BLURRED_GUIDE_SAMPLES: u32 = 64;

impl Denoisers {
    /// A picture of a shot without its noise, and what was done.
    ///
    /// # Errors
    /// `device.…`, `denoise.…`, `cancelled`.
    pub(crate) fn denoise(
        &self,
        backend: &dyn Backend,
        loaded: &dyn LoadedShot,
        shot: &Shot,
        noisy: &LinearImage,
        cancel: &CancelToken,
    ) -> Result<(LinearImage, Denoised), Error> {
        let begun = Instant::now();
        // What lies out of focus is an average of many places, so that its guides have noise of their own.
        let (weights, denoiser, wished) = match shot.camera.aperture {
            None => (WeightSet::CleanGuides, &self.clean, Guides::SAMPLES),
            Some(_) => (WeightSet::NoisyGuides, &self.noisy, BLURRED_GUIDE_SAMPLES),
        };
        let denoiser = denoiser.get_or_init(|| Denoiser::new(weights));
        let guide_samples = wished.min(shot.film.samples);
        let guides = loaded.guides(guide_samples, cancel)?;
        let picture = packshot_denoiser::Picture {
            width_px: noisy.width_px,
            height_px: noisy.height_px,
            color: &noisy.rgba,
            albedo: Some(&guides.albedo),
            normal: Some(&guides.normal),
        };
        let rgba = backend.denoise(denoiser, &picture, None, cancel)?;
        let done = Denoised { network: weights.name(), guide_samples, seconds: begun.elapsed().as_secs_f64() };
        Ok((LinearImage { width_px: noisy.width_px, height_px: noisy.height_px, rgba }, done))
    }
}

impl From<DenoisingError> for Error {
    fn from(error: DenoisingError) -> Self {
        let error = match error {
            DenoisingError::Device(error) => return error.into(),
            DenoisingError::Picture(error) => error,
        };
        match error {
            packshot_denoiser::DenoiseError::Cancelled => Self::cancelled(),
            error => {
                let fault = Fault::new(error.code(), error.to_string()).at(error.at()).help(error.help());
                Self::new(ErrorKind::Internal, fault)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use packshot_renderer::encode::{ExrPrecision, PngDepth};

    use super::*;

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
