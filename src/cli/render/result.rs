//! What a render says of itself: the JSON of `--json`, and a line for a person.

use packshot::denoise::Denoised;
use packshot::error::Fault;
use packshot::picture::Picture;
use packshot::report::Preflight;
use packshot::timing::Seconds;
use packshot::verify::Check;
use packshot_renderer::backend::DeviceInfo;
use packshot_renderer::diagnostic::Diagnostic;
use serde::Serialize;

use crate::cli::failure::Failure;

/// The result of one input. Names and order are a contract.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RenderResult {
    /// Where the picture is; `None` when none was written.
    pub(crate) output: Option<String>,
    /// The other files of the picture, where a template asks for several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) more_outputs: Vec<String>,
    /// Those of all of them that hold it as it was sampled, where others had their noise removed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) noisy_outputs: Vec<String>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) samples_max: u32,
    pub(crate) samples_mean: f64,
    /// What was done against noise; `null` when nothing was.
    pub(crate) denoised: Option<Denoised>,
    pub(crate) seconds: Seconds,
    /// The `seconds` of each repetition after the first.
    pub(crate) warm: Vec<Seconds>,
    pub(crate) rays: u64,
    pub(crate) samples_per_second: f64,
    pub(crate) device: DeviceInfo,
    /// The name of the look.
    pub(crate) look: &'static str,
    pub(crate) parts: usize,
    pub(crate) unmapped_parts: usize,
    /// How the picture keeps the rules of its preset.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) checks: Vec<Check>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Several results as one object.
#[derive(Serialize)]
pub(crate) struct Results<'a> {
    results: &'a [RenderResult],
    /// What is wrong with inputs that have no result.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Failed<'a>>,
}

/// A fault of an input.
#[derive(Serialize)]
struct Failed<'a> {
    code: &'a str,
    at: &'a str,
    message: &'a str,
    help: &'a str,
}

impl<'a> Results<'a> {
    pub(super) fn new(results: &'a [RenderResult], failures: &'a [Failure]) -> Self {
        let faults = failures.iter().flat_map(|failure| &failure.faults);
        let failed = faults.map(|Fault { code, message, at, help }| Failed { code, at, message, help }).collect();
        Self { results, failed }
    }
}

/// The body of `--report`: the preflight, and what was rendered.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    #[serde(flatten)]
    pub(crate) preflight: &'a Preflight,
    pub(crate) render: &'a RenderResult,
}

impl RenderResult {
    /// For a person.
    pub(crate) fn summary(&self) -> String {
        let outputs: Vec<&str> = self.output.iter().chain(&self.more_outputs).map(String::as_str).collect();
        let outputs = if outputs.is_empty() { "nothing written (no -o)".to_owned() } else { outputs.join(", ") };
        format!(
            "{outputs}: {} x {} px, {:.0} of {} samples per pixel, {:.1} s ({:.1} M samples/s) on {} ({})",
            self.width,
            self.height,
            self.samples_mean,
            self.samples_max,
            self.seconds.total,
            self.samples_per_second / 1e6,
            self.device.name,
            self.device.backend
        )
    }
}

/// Camera paths per second of sampling.
pub(crate) fn samples_per_second(picture: &Picture) -> f64 {
    let pixels = f64::from(picture.linear.width_px) * f64::from(picture.linear.height_px);
    if picture.render_s > 0.0 { picture.samples_mean * pixels / picture.render_s } else { 0.0 }
}
