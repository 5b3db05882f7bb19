//! What a turntable says of itself: the JSON of `--json`, and a line for a person.

use packshot::denoise::Denoised;
use packshot::designs::resolve::PlacementReport;
use packshot::report::Preflight;
use packshot::timing::Seconds;
use packshot::verify::Check;
use packshot_renderer::backend::DeviceInfo;
use packshot_renderer::diagnostic::Diagnostic;
use packshot_renderer::encode::movie::MovieSettings;
use packshot_renderer::shot::Shot;
use packshot_renderer::shot::turntable::Turntable;
use packshot_words::Word;
use serde::Serialize;

use super::manifest::Frame;
use super::movie::Movie;
use super::{Sampled, TurntableArgs};
use crate::cli::render::source::Subject;
use crate::cli::render::target::Target;

/// The result of the command. Names and order are a contract.
#[derive(Serialize)]
pub(super) struct TurntableResult {
    /// The folder of the frames, or the movie; `None` when nothing was written.
    output: Option<String>,
    /// Of a whole turn.
    frames_of_turn: u32,
    direction: &'static str,
    mode: &'static str,
    start_deg: f64,
    fps: u16,
    /// The movie that they became.
    #[serde(skip_serializing_if = "Option::is_none")]
    movie: Option<MovieResult>,
    /// Frames that were rendered now; the others were there.
    rendered: usize,
    kept: usize,
    width: u32,
    height: u32,
    samples_max: u32,
    /// Of the frames that were rendered now, and so is what follows.
    samples_mean: f64,
    /// What was done against noise; `None` where nothing was, or nothing was rendered.
    denoised: Option<Denoised>,
    /// Of all frames that were rendered.
    seconds: Seconds,
    rays: u64,
    samples_per_second: f64,
    device: DeviceInfo,
    /// The name of the look.
    look: &'static str,
    parts: usize,
    unmapped_parts: usize,
    /// Where the design lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    design: Option<PlacementReport>,
    /// How the turntable as a whole keeps the rules of its preset.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) checks: Vec<Check>,
    pub(super) frames: Vec<FrameResult>,
    diagnostics: Vec<Diagnostic>,
}

/// A movie.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MovieResult {
    output: String,
    format: &'static str,
    frames: u32,
    fps: u16,
    /// How long it plays.
    seconds: f64,
    bytes: u64,
    /// Reading a frame back and encoding it, on average; `None` for a movie that was there.
    encode_ms_mean: Option<f64>,
    /// Whether it was there already.
    kept: bool,
}

/// The result of one frame.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FrameResult {
    frame: u32,
    /// How far the product is turned, counter-clockwise as seen from above.
    angle_deg: f64,
    /// `None` when it was not written, or is in a movie.
    output: Option<String>,
    /// Whether it was there already.
    pub(super) kept: bool,
    /// The share of the picture that the product takes, where a preset asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fill: Option<f64>,
    /// How the frame keeps the rules of its preset.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) checks: Vec<Check>,
}

/// The body of `--report`.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    #[serde(flatten)]
    pub(super) preflight: &'a Preflight,
    pub(super) render: &'a TurntableResult,
}

impl FrameResult {
    pub(super) fn new(number: u32, angle_deg: f64, target: Option<&Target>, kept: Option<Frame>) -> Self {
        let output = target.map(|target| target.path.display().to_string());
        let is_kept = kept.is_some();
        let (fill, checks) = kept.map_or((None, Vec::new()), |kept| (kept.fill, kept.checks));
        Self { frame: number, angle_deg, output, kept: is_kept, fill, checks }
    }

    /// A frame of a movie that is there.
    pub(super) fn of_whole_movie(number: u32, angle_deg: f64) -> Self {
        Self { kept: true, ..Self::new(number, angle_deg, None, None) }
    }

    /// Its file is gone: a movie has it.
    pub(super) fn is_in_movie(&mut self) {
        self.output = None;
    }

    /// Its checks, with what an error names.
    pub(super) fn checked(&self) -> (String, &[Check]) {
        (self.output.clone().unwrap_or_else(|| format!("frame {}", self.frame)), &self.checks)
    }
}

impl MovieResult {
    /// Of a movie that took `encode_s` to encode; that was there already where nothing says how long.
    pub(super) fn new(movie: &Movie, settings: &MovieSettings, bytes: u64, encode_s: Option<f64>) -> Self {
        let &MovieSettings { fps, n_frames, .. } = settings;
        Self {
            output: movie.name.clone(),
            format: movie.format_name(),
            frames: n_frames,
            fps,
            seconds: f64::from(n_frames) / f64::from(fps),
            bytes,
            encode_ms_mean: encode_s.map(|encode_s| 1e3 * encode_s / f64::from(n_frames)),
            kept: encode_s.is_none(),
        }
    }

    /// For a person.
    fn summary(&self) -> String {
        let bytes = self.bytes as f64 / 1e6;
        let found = if self.kept { ", already there" } else { "" };
        format!(
            "{}: {} frames, {:.1} s at {} fps, {bytes:.2} MB{found}",
            self.output, self.frames, self.seconds, self.fps
        )
    }
}

impl TurntableResult {
    pub(super) fn new(
        args: &TurntableArgs,
        subject: &Subject,
        preflight: &Preflight,
        (turntable, fps): (&Turntable, u16),
        (frames, movie): (Vec<FrameResult>, Option<MovieResult>),
        (sampled, device, shot): (Sampled, DeviceInfo, &Shot),
        seconds: Seconds,
        checks: Vec<Check>,
    ) -> Self {
        let Sampled { rendered, samples_mean, rays, size_px, denoised } = sampled;
        let pixels = size_px.map_or(0.0, |[width_px, height_px]| f64::from(width_px) * f64::from(height_px));
        let paths = samples_mean * pixels * rendered as f64;
        Self {
            output: args.picture.output.output.as_ref().map(|path| path.display().to_string()),
            frames_of_turn: turntable.frames,
            direction: turntable.direction.word(),
            mode: turntable.mode.word(),
            start_deg: turntable.start_deg,
            fps,
            movie,
            rendered,
            kept: frames.iter().filter(|frame| frame.kept).count(),
            width: shot.film.width_px,
            height: shot.film.height_px,
            samples_max: shot.film.samples,
            samples_mean,
            denoised,
            seconds,
            rays,
            samples_per_second: if seconds.render > 0.0 { paths / seconds.render } else { 0.0 },
            device,
            look: subject.product.scene.look.word(),
            parts: subject.product.scene.parts.len(),
            unmapped_parts: subject.materials.unmapped(),
            design: subject.placement_report(),
            checks,
            frames,
            diagnostics: preflight.diagnostics.clone(),
        }
    }

    /// For a person.
    pub(super) fn summary(&self, name: &str) -> String {
        let movie = self.movie.as_ref().map(|movie| format!("\n{}", movie.summary())).unwrap_or_default();
        // Frames that were kept say nothing about samples.
        let sampled = match self.rendered {
            0 => String::new(),
            _ => format!(", {:.0} of {} samples per pixel", self.samples_mean, self.samples_max),
        };
        format!(
            "{}: {} frames of {name} rendered, {} kept{sampled}, {:.1} s on {} ({}){movie}",
            self.output.as_deref().unwrap_or("nothing written (no -o)"),
            self.rendered,
            self.kept,
            self.seconds.total,
            self.device.name,
            self.device.backend
        )
    }
}
