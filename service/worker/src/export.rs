//! The export steps: a product as a GLB for viewers, in the colours of its library materials, or for production, in
//! these materials as far as glTF's extensions have them.
//!
//! It goes the way of a render as far as that is the same: the file, the materials, their lines in the log. No device
//! is opened.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use bytes::Bytes;
use packshot_pipeline::export::{self, Export, ExportForm};
use packshot_renderer::backend::CancelToken;
use packshot_renderer::diagnostic::{Diagnostic, Severity};
use serde_json::json;

use super::engine::{Attempt, Engine};
use super::executor::AssetSource;
use super::failure::Stopped;
use super::inline;
use super::made_with::{self, MadeWithLibrary};
use super::protocol::{Failure, RenderInput, WorkEvent};
use super::quota::Quota;
use super::steps::{Step, facts};
use super::subject::Subject;
use packshot_domain::event::LogLevel;
use packshot_domain::hash::ContentAddress;
use packshot_domain::step::StepName;

/// The name of the file.
pub const EXPORT_NAME: &str = "result.glb";
/// Lines in the log about what materials lost, at most; [`Exported::findings`] has all.
const FINDING_LINES_MAX: usize = 100;

/// One attempt at an export.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportWork {
    /// The product, and what its parts are looked up in. Of the plan only that counts which is about files and
    /// materials.
    pub input: RenderInput,
    /// What the file is for: so much of the geometry in colours, or all of it in whole materials.
    pub form: ExportForm,
    /// Bytes of the file, at most.
    pub output_bytes_max: u64,
}

/// A finished export.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// The file.
    pub glb: Bytes,
    /// What of which library material is not in a file for production, or only nearly (`export_left_out`,
    /// `export_approximated`, at the id of the material). Empty for viewers.
    pub findings: Vec<Diagnostic>,
    /// Parts without a matching material.
    pub unmapped_parts: u32,
    /// The version of the program.
    pub version: String,
    /// The commit that it was built from, if that is known.
    pub commit: Option<String>,
    /// The material library, all layers together.
    pub library: Option<MadeWithLibrary>,
    /// The digest of the list of parts with their materials.
    pub map_digest: ContentAddress,
    /// From the start of the attempt to the last byte, seconds.
    pub duration_s: f64,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum ExportOutcome {
    /// There is a file.
    Exported(Box<Exported>),
    /// There is none.
    Failed(Failure),
    /// It was asked to stop, and did.
    Cancelled,
}

impl From<Stopped> for ExportOutcome {
    fn from(stopped: Stopped) -> Self {
        stopped.failure().map_or(Self::Cancelled, |failure| Self::Failed(failure.clone()))
    }
}

/// The step that makes a file of this form, under which its events are reported.
#[must_use]
pub fn step_of(form: ExportForm) -> StepName {
    match form {
        ExportForm::Geometry(_) => StepName::ExportGlb,
        ExportForm::Production => StepName::ExportProductionGlb,
    }
}

impl Engine {
    /// Does an export from start to end; a panic is an infrastructure fault. The outcome is returned, not emitted.
    pub fn export(
        &self,
        work: &ExportWork,
        assets: &dyn AssetSource,
        cancel: &CancelToken,
        emit: &(dyn Fn(WorkEvent) + Sync),
    ) -> ExportOutcome {
        let ExportWork { input, form, output_bytes_max } = work;
        let (output_bytes_max, begun) = (*output_bytes_max, Instant::now());
        let job =
            Attempt { input, output_bytes_max, memory_bytes_max: None, kept_as: None, assets, cancel, emit, begun };
        // What the engine keeps is behind locks and replaced as a whole.
        let attempt = AssertUnwindSafe(|| self.export_attempt(&job, *form));
        match catch_unwind(attempt) {
            Ok(Ok(exported)) => ExportOutcome::Exported(Box::new(exported)),
            Ok(Err(stopped)) => stopped.into(),
            Err(panic) => {
                tracing::error!("an export panicked: {}", inline::panic_text(&*panic));
                let detail = "the export crashed; the service's log has the reason";
                ExportOutcome::Failed(Failure::infrastructure("worker_panicked", detail))
            }
        }
    }

    fn export_attempt(&self, job: &Attempt<'_>, form: ExportForm) -> Result<Exported, Stopped> {
        let (key, product) = Step::scope(job.emit, StepName::ResolveStepPath, |_| self.import(job))?;
        job.go_on()?;
        let resolved = Step::scope(job.emit, StepName::ResolveMaterials, |step| self.materials(job, &product, step));
        let subject = Subject { key, product, materials: resolved? };
        job.go_on()?;
        let Export { glb, findings } = Step::scope(job.emit, step_of(form), |step| {
            let begun = Instant::now();
            let export = export::glb(&subject.product, &subject.materials, form, job.cancel)?;
            Quota::new(job.output_bytes_max).finish(EXPORT_NAME, export.glb.len() as u64)?;
            say_findings(step, &export.findings);
            let mut output = facts(json!({
                "glb_size_bytes": export.glb.len(),
                "glb_duration_s": begun.elapsed().as_secs_f64(),
            }));
            match form {
                ExportForm::Geometry(quality) => output.insert("quality".to_owned(), quality.to_string().into()),
                ExportForm::Production => output.insert("findings".to_owned(), export.findings.len().into()),
            };
            Ok((export, output))
        })?;
        Ok(Exported {
            glb: glb.into(),
            findings,
            unmapped_parts: u32::try_from(subject.materials.unmapped()).unwrap_or(u32::MAX),
            version: self.program.version.to_owned(),
            commit: self.program.commit.map(str::to_owned),
            library: self.library(job)?.as_deref().map(made_with::library),
            map_digest: made_with::map_digest(&subject),
            duration_s: job.begun.elapsed().as_secs_f64(),
        })
    }
}

/// A line for each thing that a material lost.
fn say_findings(step: &Step<'_>, findings: &[Diagnostic]) {
    for finding in findings.iter().take(FINDING_LINES_MAX) {
        let Diagnostic { code, severity, at, message } = finding;
        let level = if *severity == Severity::Info { LogLevel::Info } else { LogLevel::Warning };
        step.note(level, &format!("[MATERIAL] {at}: {message}"), json!({ "code": code, "at": at }));
    }
    if findings.len() > FINDING_LINES_MAX {
        let more = findings.len() - FINDING_LINES_MAX;
        step.note(LogLevel::Info, &format!("[MATERIAL] {more} more findings"), json!({ "more": more }));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use packshot_domain::task::FaultKind;
    use packshot_materials::aliases::AliasLayer;
    use packshot_pipeline::export::ExportQuality;
    use packshot_pipeline::plan::{Base, Limits, Options, resolve};
    use packshot_renderer::sample::bearing;

    use super::super::cad;
    use super::super::engine::EngineOptions;
    use super::super::executor::AssetError;
    use super::super::protocol::StepPhase;
    use super::*;

    /// A store with one file, whatever is asked for.
    struct OneFile(Vec<u8>);

    impl AssetSource for OneFile {
        fn read(&self, _: &ContentAddress) -> Result<Bytes, AssetError> {
            Ok(self.0.clone().into())
        }
    }

    /// How an export of a file for viewers ends, and its steps that began or ended.
    fn export(file: Vec<u8>, output_bytes_max: u64, cancel: &CancelToken) -> (ExportOutcome, Vec<(StepName, bool)>) {
        let form = ExportForm::Geometry(ExportQuality::Medium);
        let (outcome, events) = events_of(form, file, output_bytes_max, cancel);
        let step = |event| match event {
            WorkEvent::Step(change) => Some((change.step, matches!(change.change, StepPhase::Started { .. }))),
            _ => None,
        };
        (outcome, events.into_iter().filter_map(step).collect())
    }

    /// How an export ends, and what it reports.
    fn events_of(
        form: ExportForm,
        file: Vec<u8>,
        output_bytes_max: u64,
        cancel: &CancelToken,
    ) -> (ExportOutcome, Vec<WorkEvent>) {
        let plan = resolve(&Base::default(), &Options::default(), &Limits::default()).expect("a plan");
        let scene = ContentAddress::of(&file);
        let input = RenderInput {
            scene,
            environment: None,
            libraries: Vec::new(),
            fallback_material: None,
            aliases: AliasLayer::default(),
            plan,
            design: None,
        };
        let work = ExportWork { input, form, output_bytes_max };
        let events: Mutex<Vec<WorkEvent>> = Mutex::default();
        let emit = |event: WorkEvent| events.lock().expect("not poisoned").push(event);
        let engine = Engine::new(EngineOptions { resident_bytes_max: 0, ..EngineOptions::default() });
        let outcome = engine.export(&work, &OneFile(file), cancel, &emit);
        (outcome, events.into_inner().expect("not poisoned"))
    }

    #[test]
    fn an_export_has_three_steps_and_gives_a_file_with_the_same_parts() {
        let (outcome, steps) = export(bearing().glb, 64 << 20, &CancelToken::default());
        let ExportOutcome::Exported(exported) = outcome else { panic!("{outcome:?}") };
        let names = [StepName::ResolveStepPath, StepName::ResolveMaterials, StepName::ExportGlb];
        assert!(steps.into_iter().eq(names.into_iter().flat_map(|name| [(name, true), (name, false)])));
        let [before, after] = [&bearing().glb[..], &exported.glb]
            .map(|file| cad::read(file, &CancelToken::default()).expect("a sound file"));
        assert_eq!(after.parts, before.parts);
        assert_eq!((exported.unmapped_parts, exported.library.expect("a library").name.as_str()), (0, "STD"));
        assert!(exported.findings.is_empty());
    }

    #[test]
    fn an_export_for_production_reports_what_its_materials_lost_under_its_own_step() {
        let (outcome, events) = events_of(ExportForm::Production, bearing().glb, 64 << 20, &CancelToken::default());
        let ExportOutcome::Exported(exported) = outcome else { panic!("{outcome:?}") };
        let has_lost = |code: &str, parameter: &str| {
            let of_steel = exported.findings.iter().filter(|finding| finding.at == "STD_010105_Steel-BearingRing");
            of_steel.into_iter().any(|finding| finding.code == code && finding.message.contains(parameter))
        };
        assert!(has_lost("export_left_out", "surface.detail turned"), "{:#?}", exported.findings);
        assert!(has_lost("export_approximated", "specular_color"), "{:#?}", exported.findings);
        let lines = events.iter().filter(|event| match event {
            WorkEvent::Log(line) => {
                line.step == StepName::ExportProductionGlb && line.message.starts_with("[MATERIAL]")
            }
            _ => false,
        });
        assert_eq!(lines.count(), exported.findings.len());
        let is_done = |event: &WorkEvent| match event {
            WorkEvent::Step(change) => match &change.change {
                StepPhase::Done { output, .. } => {
                    change.step == StepName::ExportProductionGlb && output["findings"] == exported.findings.len()
                }
                _ => false,
            },
            _ => false,
        };
        assert!(events.iter().any(is_done), "{events:#?}");
        let is_viewers = |event: &WorkEvent| {
            matches!(event, WorkEvent::Step(change) if change.step == StepName::ExportGlb)
                || matches!(event, WorkEvent::Log(line) if line.step == StepName::ExportGlb)
        };
        assert!(!events.iter().any(is_viewers), "{events:#?}");
    }

    #[test]
    fn what_cannot_be_exported_fails_with_its_code() {
        for (file, output_bytes_max, code) in
            [(b"glTF, or rather not".to_vec(), 64 << 20, "glb."), (bearing().glb, 100_000, "output_too_large")]
        {
            let (outcome, _) = export(file, output_bytes_max, &CancelToken::default());
            let ExportOutcome::Failed(failure) = outcome else { panic!("{outcome:?}") };
            assert!(failure.code.starts_with(code) && failure.fault == FaultKind::Input, "{failure:?}");
        }
    }

    #[test]
    fn an_export_that_is_to_stop_stops() {
        let cancel = CancelToken::default();
        cancel.cancel();
        let (outcome, steps) = export(bearing().glb, 64 << 20, &cancel);
        assert_eq!(outcome, ExportOutcome::Cancelled);
        assert!(!steps.iter().any(|(name, _)| *name == StepName::ExportGlb), "{steps:?}");
    }
}
