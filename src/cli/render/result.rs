//! What a render says of itself: the JSON of `--json`, and a line for a person.

use packshot::denoise::Denoised;
use packshot::designs::resolve::PlacementReport;
use packshot::error::Fault;
use packshot::picture::Picture;
use packshot::preset::Preset;
use packshot::report::Preflight;
use packshot::timing::Seconds;
use packshot::verify::Check;
use packshot_renderer::backend::DeviceInfo;
use packshot_renderer::diagnostic::Diagnostic;
use serde::Serialize;

use crate::cli::failure::Failure;
use crate::cli::preset;

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
    /// The mean noise of a pixel, in the measure of `--noise`, where that is known.
    #[serde(skip)]
    pub(crate) noise: Option<f64>,
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
    /// Where the design lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) design: Option<PlacementReport>,
    /// How the picture keeps the rules of its preset.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) checks: Vec<Check>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// What came of the inputs of a command.
pub(super) struct Rendered {
    /// What the inputs are called.
    inputs: Vec<String>,
    results: Vec<RenderResult>,
    /// The input of each result.
    of_inputs: Vec<usize>,
    /// What is wrong, as `--json` has it, and as stderr and the exit code do.
    faults: Vec<InputFault>,
    failures: Vec<Failure>,
}

/// A fault, and the input that it is about. Names and order are documented (`docs/command.md`).
#[derive(Clone, Debug, Serialize)]
struct InputFault {
    /// `None` where there are several and it is about none of them alone.
    input: Option<String>,
    code: String,
    at: String,
    message: String,
    help: String,
}

/// What `--json` prints: the same members, however many inputs there are and whatever is wrong with them.
#[derive(Serialize)]
pub(super) struct Results<'a> {
    /// The result of the only input that was rendered, whose members lie beside the two lists.
    #[serde(flatten)]
    only: Option<&'a RenderResult>,
    results: &'a [RenderResult],
    failures: &'a [InputFault],
}

impl Rendered {
    /// Nothing yet, of inputs with these names.
    pub(super) fn new(inputs: Vec<String>) -> Self {
        Self { inputs, results: Vec::new(), of_inputs: Vec::new(), faults: Vec::new(), failures: Vec::new() }
    }

    /// Takes in what came of an input, and says whether others can be worked on.
    pub(super) fn add(&mut self, input_idx: usize, result: Result<RenderResult, Failure>) -> bool {
        match result {
            Ok(result) => {
                self.results.push(result);
                self.of_inputs.push(input_idx);
                true
            }
            Err(failure) => {
                let goes_on = !failure.ends_work();
                self.fail(Some(input_idx), failure);
                goes_on
            }
        }
    }

    /// Takes in what is wrong with an input, or with all of them.
    pub(super) fn fail(&mut self, input_idx: Option<usize>, failure: Failure) {
        let is_alone = self.inputs.len() == 1;
        let is_of_input = input_idx.is_some() || failure.faults.iter().all(|fault| fault.code.starts_with("shot."));
        let input_idx = input_idx.or(is_alone.then_some(0));
        let input = input_idx.and_then(|i| self.inputs.get(i)).cloned();
        self.faults.extend(failure.faults.iter().map(|Fault { code, message, at, help }| InputFault {
            input: input.clone(),
            code: code.clone(),
            at: at.clone(),
            message: message.clone(),
            help: help.clone(),
        }));
        self.failures.push(match input {
            Some(input) if !is_alone => failure.in_input(&input),
            Some(input) if is_of_input => failure.in_file(&input),
            _ => failure,
        });
    }

    /// Takes in every rule of the preset that a picture breaks.
    pub(super) fn require_passed(&mut self, preset: Option<&Preset>) {
        let checked = self.results.iter().zip(&self.of_inputs).map(|(result, input_idx)| {
            let name = result.output.clone().unwrap_or_default();
            (*input_idx, preset::require_passed(preset, [(name, &result.checks[..])]))
        });
        let broken: Vec<_> = checked.filter_map(|(input_idx, passed)| Some((input_idx, passed.err()?))).collect();
        broken.into_iter().for_each(|(input_idx, failure)| self.fail(Some(input_idx), failure));
    }

    /// What `--json` prints.
    pub(super) fn to_json(&self) -> Results<'_> {
        let only = if let [result] = &self.results[..] { Some(result) } else { None };
        Results { only, results: &self.results, failures: &self.faults }
    }

    /// All that went wrong, if anything did.
    pub(super) fn into_failure(self) -> Option<Failure> {
        Failure::of_all(self.failures)
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
        let noise = match (self.noise, self.denoised.is_some()) {
            (Some(noise), false) => format!("noise {noise:.3}"),
            (Some(noise), true) => format!("noise {noise:.3}, removed"),
            (None, false) => "noise unknown".to_owned(),
            (None, true) => "noise removed".to_owned(),
        };
        format!(
            "{outputs}: {} x {} px, {:.0} of {} samples per pixel, {noise}, {:.1} s ({:.1} M samples/s) on {} ({})",
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
