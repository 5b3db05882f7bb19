//! Film settings: the size, how pixels are sampled, and how pictures are denoised.

use packshot_json::{FaultKind, Members, Node, Range};
use packshot_renderer::shot::{Bounces, FilmSettings, MAX_PIXELS, MAX_SAMPLES, MAX_SEED, MAX_SIDE_PX, PixelFilter};

use super::{Reading, members, nullable};
use crate::denoise::{Denoise, DenoiseWith};
use crate::shot_file::{Noise, Version, camera};

/// Half width of the Blackman-Harris filter if a shot gives none: Blender's default.
const BLACKMAN_HARRIS_PX: f32 = 1.5;

impl Reading<'_> {
    /// The film settings of a view.
    pub(in crate::shot_file) fn film(&self, node: &Node<'_>) -> Option<FilmSettings> {
        let mut m = members(node)?;
        let film = self.read_film(&mut m);
        m.finish();
        film
    }

    /// The film settings, and how pictures are denoised.
    pub(super) fn film_and_noise(&self, node: &Node<'_>) -> Option<(FilmSettings, Noise)> {
        let mut m = members(node)?;
        let film = self.read_film(&mut m);
        let noise = match self.version {
            Version::One => {
                if m.read_or("filter_glossy", 0.0, |node| node.single(Range::NOT_NEGATIVE)).is_some_and(|px| px > 0.0) {
                    let kind = FaultKind::Named("unsupported".to_owned());
                    m.report("filter_glossy", kind, "this renderer does not have path regularisation: set it to 0");
                }
                let is_removed = m.read_or("denoise", false, |node| node.flag());
                let when = is_removed.map(|is_removed| if is_removed { Denoise::On } else { Denoise::Off });
                when.map(|when| Noise { when, ..Noise::default() })
            }
            Version::Two => {
                let when = m.read_or("denoise", Denoise::Off, |node| node.word());
                let with = m.read_or("denoise_with", DenoiseWith::default(), |node| node.word());
                let quality = m.read_or("oidn_quality", None, |node| nullable(&node, |node| node.word()));
                if with == Some(DenoiseWith::Packshot) && matches!(quality, Some(Some(_))) {
                    let message = "it only applies to Open Image Denoise, which `denoise_with` does not choose";
                    m.report("oidn_quality", FaultKind::Conflict, message);
                }
                match (when, with, quality) {
                    (Some(when), Some(with), Some(quality)) => Some(Noise { when, with, quality }),
                    _ => None,
                }
            }
        };
        m.finish();
        film.zip(noise)
    }

    fn read_film(&self, m: &mut Members<'_>) -> Option<FilmSettings> {
        let overrides = self.overrides;
        let width_px = m.require("width").and_then(|node| node.count(1..=MAX_SIDE_PX));
        let height_px = m.require("height").and_then(|node| node.count(1..=MAX_SIDE_PX));
        let (width_px, height_px) = (overrides.width_px.or(width_px), overrides.height_px.or(height_px));
        let n = width_px.zip(height_px).map_or(0, |(width_px, height_px)| u64::from(width_px) * u64::from(height_px));
        if n > MAX_PIXELS {
            m.report("width", FaultKind::Range, format!("width times height is more than {MAX_PIXELS} pixels"));
        }
        let samples = m.require("samples").and_then(|node| node.count(1..=MAX_SAMPLES));
        let noise_threshold = m.read_or("noise_threshold", 0.0, |node| node.single(Range::UNIT));
        let seed = m.read_or("seed", 0, |node| node.count(0..=MAX_SEED));
        let filter = read_filter(m);
        let bounces = m.read_or("max_bounces", Bounces::all(12), |node| camera::read_bounces(&node));
        let clamp_direct = m.read_or("clamp_direct", 0.0, |node| node.single(Range::NOT_NEGATIVE));
        let clamp_indirect = m.read_or("clamp_indirect", 0.0, |node| node.single(Range::NOT_NEGATIVE));
        Some(FilmSettings {
            width_px: width_px?,
            height_px: height_px?,
            samples: overrides.samples.or(samples)?,
            noise_threshold: overrides.noise_threshold.or(noise_threshold)?,
            seed: overrides.seed.or(seed)?,
            filter: filter?,
            bounces: bounces?,
            clamp_direct: clamp_direct?,
            clamp_indirect: clamp_indirect?,
        })
    }
}

fn read_filter(m: &mut Members<'_>) -> Option<PixelFilter> {
    let is_window = m.read_or("filter", false, |node| node.choice(&[("box", false), ("blackman_harris", true)]));
    let default_px = if is_window == Some(true) { BLACKMAN_HARRIS_PX } else { 1.0 };
    let half_width_px = m.read_or("filter_width_px", default_px, |node| node.single(Range::positive_to(16.0)));
    let (is_window, half_width_px) = is_window.zip(half_width_px)?;
    match (is_window, half_width_px == 1.0) {
        (true, _) => Some(PixelFilter::BlackmanHarris { half_width_px }),
        (false, true) => Some(PixelFilter::Box),
        (false, false) => {
            m.report("filter_width_px", FaultKind::Range, "a box filter must be 1 px wide");
            None
        }
    }
}
