//! A picture for all of its files, of which some may want its noise removed and others not.

use packshot::denoise::Denoise;
use packshot::picture::{Format, Picture};

/// A picture as it was taken.
#[derive(Debug)]
pub(crate) struct Taken {
    /// Denoised where any of its files wants that.
    pub(crate) picture: Picture,
    /// As it was sampled, where others want that.
    noisy: Option<Picture>,
    denoise: Denoise,
}

impl Taken {
    /// A picture that all files share.
    pub(super) fn one(picture: Picture, denoise: Denoise) -> Self {
        Self { picture, noisy: None, denoise }
    }

    /// A denoised picture beside what it was sampled as.
    pub(super) fn two(picture: Picture, noisy: Picture, denoise: Denoise) -> Self {
        Self { picture, noisy: Some(noisy), denoise }
    }

    /// What goes into a file of this format.
    pub(crate) fn of(&self, format: Format) -> &Picture {
        self.noisy.as_ref().filter(|_| self.is_noisy_in(format)).unwrap_or(&self.picture)
    }

    /// Whether a file of this format has the picture as it was sampled, beside others that have it without its noise.
    pub(super) fn is_noisy_in(&self, format: Format) -> bool {
        self.noisy.is_some() && !self.denoise.applies(Some(format), self.picture.view.transform)
    }
}
