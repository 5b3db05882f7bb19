//! Taking a picture: sampled or drawn, without its noise where one of its files wants that, with lines over it.

use std::time::Duration;

use packshot_renderer::backend::RenderControl;
use packshot_renderer::layers::lines::LineStyle;
use packshot_renderer::shot::ViewTransform;

use crate::denoise::Denoise;
use crate::error::Error;
use crate::lines::LineRequest;
use crate::picture::{Aov, Format, Picture};
use crate::render::ReadyShot;

/// How a picture is taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Taking {
    /// When noise is removed.
    pub denoise: Denoise,
    /// What the picture is written in; empty when it is not written.
    pub formats: Vec<Format>,
    /// Lines over it.
    pub lines: Option<LineRequest>,
    /// Lines are all that there is of it.
    pub is_drawing: bool,
    /// How lines of layers are drawn.
    pub line_style: LineStyle,
    /// Layers beside radiance.
    pub aovs: Vec<Aov>,
    /// When sampling stops with what is there.
    pub time_max: Option<Duration>,
}

/// What is done about noise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoiseWishes {
    /// A file wants none.
    pub denoised: bool,
    /// A file wants what was sampled.
    pub noisy: bool,
}

impl NoiseWishes {
    /// The one word for it, whatever else the files are.
    pub fn when(self) -> Denoise {
        match self {
            Self { denoised: false, .. } => Denoise::Off,
            Self { denoised: true, noisy: false } => Denoise::On,
            Self { denoised: true, noisy: true } => Denoise::Auto,
        }
    }
}

impl Taking {
    /// What the files want that is shown by this view.
    pub fn noise_wishes(&self, view: ViewTransform) -> NoiseWishes {
        let applies = |format| self.denoise.applies(format, view);
        if self.formats.is_empty() {
            return NoiseWishes { denoised: applies(None), noisy: !applies(None) };
        }
        NoiseWishes {
            denoised: self.formats.iter().any(|&format| applies(Some(format))),
            noisy: self.formats.iter().any(|&format| !applies(Some(format))),
        }
    }

    /// Takes the picture.
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
        let (picture, noisy) = match self.noise_wishes(view) {
            NoiseWishes { denoised: false, .. } => (sampled, None),
            NoiseWishes { noisy, .. } => {
                let kept = noisy.then(|| sampled.clone());
                (ready.denoised(sampled, cancel)?, kept)
            }
        };
        let Some(lines) = &self.lines else { return Ok(taken(picture, noisy)) };
        let picture = ready.with_lines(picture, lines, cancel)?;
        let noisy = noisy.map(|noisy| Picture { lines: picture.lines.clone(), ..noisy });
        Ok(taken(picture, noisy))
    }
}

/// A picture for all of its files, of which some may want its noise removed and others not.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Denoised where any of its files wants that.
    pub picture: Picture,
    /// As it was sampled, where others want that.
    noisy: Option<Picture>,
    denoise: Denoise,
}

impl Taken {
    /// What goes into a file of this format.
    pub fn of(&self, format: Format) -> &Picture {
        self.noisy.as_ref().filter(|_| self.is_noisy_in(format)).unwrap_or(&self.picture)
    }

    /// Whether a file of this format has the picture as it was sampled, beside others that have it without its noise.
    pub fn is_noisy_in(&self, format: Format) -> bool {
        self.noisy.is_some() && !self.denoise.applies(Some(format), self.picture.view.transform)
    }
}
