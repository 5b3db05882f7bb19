//! The export step: a product as a GLB for viewers, in the colours of its library materials.
//!
//! It goes the way of a render as far as that is the same: the file, the materials, their lines in the log. No device
//! is opened.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use bytes::Bytes;
use packshot_pipeline::export::{self, ExportQuality};
use packshot_renderer::backend::CancelToken;
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
use packshot_domain::hash::ContentAddress;
use packshot_domain::step::StepName;

/// The name of the file.
pub const EXPORT_NAME: &str = "result.glb";

/// One attempt at an export.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportWork {
    /// The product, and what its parts are looked up in. Of the plan only that counts which is about files and
    /// materials.
    pub input: RenderInput,
    /// How much of the geometry is written.
    pub quality: ExportQuality,
    /// Bytes of the file, at most.
    pub output_bytes_max: u64,
}

/// A finished export.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// The file.
    pub glb: Bytes,
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

impl Engine {
    /// Does an export from start to end; a panic is an infrastructure fault. The outcome is returned, not emitted.
    pub fn export(
        &self,
        work: &ExportWork,
        assets: &dyn AssetSource,
        cancel: &CancelToken,
        emit: &(dyn Fn(WorkEvent) + Sync),
    ) -> ExportOutcome {
        let ExportWork { input, quality, output_bytes_max } = work;
        let (output_bytes_max, begun) = (*output_bytes_max, Instant::now());
        let job =
            Attempt { input, output_bytes_max, memory_bytes_max: None, kept_as: None, assets, cancel, emit, begun };
        // What the engine keeps is behind locks and replaced as a whole.
        let attempt = AssertUnwindSafe(|| self.export_attempt(&job, *quality));
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

    fn export_attempt(&self, job: &Attempt<'_>, quality: ExportQuality) -> Result<Exported, Stopped> {
        let (key, product) = Step::scope(job.emit, StepName::ResolveStepPath, |_| self.import(job))?;
        job.go_on()?;
        let resolved = Step::scope(job.emit, StepName::ResolveMaterials, |step| self.materials(job, &product, step));
        let subject = Subject { key, product, materials: resolved? };
        job.go_on()?;
        let glb = Step::scope(job.emit, StepName::ExportGlb, |_| {
            let begun = Instant::now();
            let glb = export::glb(&subject.product, &subject.materials, quality, job.cancel)?;
            Quota::new(job.output_bytes_max).finish(EXPORT_NAME, glb.len() as u64)?;
            let output = json!({
                "quality": quality.to_string(),
                "glb_size_bytes": glb.len(),
                "glb_duration_s": begun.elapsed().as_secs_f64(),
            });
            Ok((glb, facts(output)))
        })?;
        Ok(Exported {
            glb: glb.into(),
            unmapped_parts: u32::try_from(subject.materials.unmapped()).unwrap_or(u32::MAX),
            version: self.program.version.to_owned(),
            commit: self.program.commit.map(str::to_owned),
            library: self.library(job)?.as_deref().map(made_with::library),
            map_digest: made_with::map_digest(&subject),
            duration_s: job.begun.elapsed().as_secs_f64(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use packshot_domain::task::FaultKind;
    use packshot_materials::aliases::AliasLayer;
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

    /// How an export of a file ends, and its steps that began or ended.
    fn export(file: Vec<u8>, output_bytes_max: u64, cancel: &CancelToken) -> (ExportOutcome, Vec<(StepName, bool)>) {
        let plan = resolve(&Base::default(), &Options::default(), &Limits::default()).expect("a plan");
        let scene = ContentAddress::of(&file);
        let input = RenderInput {
            scene,
            environment: None,
            libraries: Vec::new(),
            fallback_material: None,
            aliases: AliasLayer::default(),
            plan,
        };
        let work = ExportWork { input, quality: ExportQuality::Medium, output_bytes_max };
        let steps: Mutex<Vec<(StepName, bool)>> = Mutex::default();
        let emit = |event: WorkEvent| {
            if let WorkEvent::Step(change) = event {
                let has_begun = matches!(change.change, StepPhase::Started { .. });
                steps.lock().expect("not poisoned").push((change.step, has_begun));
            }
        };
        let engine = Engine::new(EngineOptions { resident_bytes_max: 0, ..EngineOptions::default() });
        let outcome = engine.export(&work, &OneFile(file), cancel, &emit);
        (outcome, steps.into_inner().expect("not poisoned"))
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
