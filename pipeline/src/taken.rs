//! Taking a picture: sampled or drawn, denoised if one of its files needs that, with lines over it.

use std::time::Duration;

use packshot_renderer::backend::RenderControl;
use packshot_renderer::layers::lines::LineStyle;
use packshot_renderer::shot::{Shot, ViewTransform};

use crate::denoise::{Denoise, Network};
use crate::error::Error;
use crate::lines::LineRequest;
use crate::picture::{Aov, Format, Picture};
use crate::plan::Kind;
use crate::render::ReadyShot;

/// How a picture is taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Taking {
    /// What is asked for.
    pub kind: Kind,
    /// When it is denoised.
    pub denoise: Denoise,
    /// The formats in which the picture is written; empty when it is not written.
    pub formats: Vec<Format>,
    /// Lines over it.
    pub lines: Option<LineRequest>,
    /// Whether the picture consists of lines only.
    pub is_drawing: bool,
    /// The style of lines in layers.
    pub line_style: LineStyle,
    /// Layers in addition to radiance.
    pub aovs: Vec<Aov>,
    /// The time limit for sampling.
    pub time_max: Option<Duration>,
}

/// Which versions of a picture its files need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NeededVersions {
    /// A file needs the denoised picture.
    pub denoised: bool,
    /// A file needs the picture as sampled.
    pub noisy: bool,
}

impl NeededVersions {
    /// Only the picture as sampled.
    pub const SAMPLED: Self = Self { denoised: false, noisy: true };

    /// Whether noise in samples is removed from everything that is seen.
    pub fn is_denoised_everywhere(self) -> bool {
        self.denoised && !self.noisy
    }

    /// The single setting that this amounts to, whatever other files there are.
    pub fn when(self) -> Denoise {
        match self {
            Self { denoised: false, .. } => Denoise::Off,
            Self { denoised: true, noisy: false } => Denoise::On,
            Self { denoised: true, noisy: true } => Denoise::Auto,
        }
    }
}

impl Taking {
    /// What the files need with this view transform.
    pub fn needed_versions(&self, view: ViewTransform) -> NeededVersions {
        let applies = |format| self.denoise.applies(format, view);
        if self.formats.is_empty() {
            return NeededVersions { denoised: applies(None), noisy: !applies(None) };
        }
        NeededVersions {
            denoised: self.formats.iter().any(|&format| applies(Some(format))),
            noisy: self.formats.iter().any(|&format| !applies(Some(format))),
        }
    }

    /// The network that denoises a picture of this shot, unless an installed library does.
    pub fn network(&self, shot: &Shot) -> Network {
        Network::of(shot, self.kind)
    }

    /// Renders the picture.
    ///
    /// # Errors
    /// `device.…`, `denoise.…`, `cancelled`.
    pub fn take(&self, ready: &ReadyShot, control: &RenderControl<'_>) -> Result<Taken, Error> {
        let (view, cancel) = (ready.shot().view.transform, control.cancel);
        let taken = |picture, noisy| Taken { picture, noisy, denoise: self.denoise };
        if let Some(lines) = self.lines.as_ref().filter(|_| self.is_drawing) {
            return Ok(taken(ready.drawing(lines, cancel)?, None));
        }
        let control = RenderControl { time_max: self.time_max, ..*control };
        let sampled = ready.render_layers(&control, &self.aovs, self.line_style)?;
        let (picture, noisy) = match self.needed_versions(view) {
            NeededVersions { denoised: false, .. } => (sampled, None),
            NeededVersions { noisy, .. } => {
                let kept = noisy.then(|| sampled.clone());
                (ready.denoised(sampled, self.network(ready.shot()), cancel)?, kept)
            }
        };
        let Some(lines) = &self.lines else { return Ok(taken(picture, noisy)) };
        let picture = ready.with_lines(picture, lines, cancel)?;
        let noisy = noisy.map(|noisy| Picture { lines: picture.lines.clone(), ..noisy });
        Ok(taken(picture, noisy))
    }
}

/// A picture for all of its files, of which some may need it denoised and others not.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Denoised if any of its files needs that.
    pub picture: Picture,
    /// As sampled, if others need that.
    noisy: Option<Picture>,
    denoise: Denoise,
}

impl Taken {
    /// The picture for a file of this format.
    pub fn of(&self, format: Format) -> &Picture {
        self.noisy.as_ref().filter(|_| self.is_noisy_in(format)).unwrap_or(&self.picture)
    }

    /// Whether a file of this format has the picture as sampled while others have it denoised.
    pub fn is_noisy_in(&self, format: Format) -> bool {
        self.noisy.is_some() && !self.denoise.applies(Some(format), self.picture.view.transform)
    }
}
