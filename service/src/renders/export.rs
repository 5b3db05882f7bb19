//! Exports of order lines and CAD files: a GLB for viewers, in the colours of its library materials; or, of a line, one
//! for production, with the library materials as glTF says them.
//!
//! A task of the queue for conversions, on a thread of this process: it takes seconds, and no device. What a line is
//! exported of is found and frozen as what a line is rendered of (see [`lines`]).

mod spec;

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use packshot_renderer::backend::CancelToken;
use serde_json::{Map, Value as Json, json};
use tokio::runtime::Handle;
use tokio::sync::mpsc::unbounded_channel;

use self::spec::ExportSpec;
use super::ingredients::may_be_converted_yet;
use super::made_for::MadeFor;
use super::outputs::{self, TenantAssets};
use super::work::{LOOK_AGAIN, fail_to_store, say, say_step};
use super::{lines, of_run, packages, provenance, thumbnails};
use crate::config::Settings;
use crate::jobs::handler::{Desk, Handler, Handlers, Outcome, Start, TaskUpdate};
use crate::settings::InForce;
use crate::store::Store;
use packshot_contract::provenance::{
    PROVENANCE_VERSION, Provenance, ProvenanceDenoise, ProvenanceDevice, ProvenanceEnvironment, ProvenanceMaterials,
    ProvenanceRenderer, ProvenanceSampling, ProvenanceScene, RENDERER,
};
use packshot_db::tasks::{Claimed, Delivery, LaneLimit};
use packshot_db::{Db, TenantScope};
use packshot_domain::artifact::RetentionClass;
use packshot_domain::event::LogLevel;
use packshot_domain::id::{OrderLineId, TenantId};
use packshot_domain::job::JobKind;
use packshot_domain::step::StepName;
use packshot_domain::task::{FaultKind, Lane, QueueName, TaskKind};
use packshot_pipeline::export::{ExportForm, ExportQuality};
use packshot_words::Word;
use packshot_worker::engine::{Engine, EngineOptions};
use packshot_worker::export::{EXPORT_NAME, ExportOutcome, ExportWork, Exported, step_of};
use packshot_worker::inline;
use packshot_worker::live::{CancelOnDrop, Live};
use packshot_worker::made_with::Program;
use packshot_worker::protocol::{Failure, RenderInput, StepPhase, WorkEvent};

/// The kinds of its tasks, and their names in logs and documents.
const STEPS: [StepName; 2] = [StepName::ExportGlb, StepName::ExportProductionGlb];
/// The member of a task's arguments that says how much of the geometry is written.
const QUALITY: &str = "quality";
/// The media type of its files.
const MEDIA_TYPE: &str = "model/gltf-binary";

/// The arguments of a line's task, as far as they are its own: in the quality that nobody chose.
pub fn arguments() -> Json {
    json!({ QUALITY: ExportQuality::default().word() })
}

/// Does exports in the lane of conversions.
#[derive(Clone, Debug)]
pub struct ExportHandler {
    db: Db,
    store: Store,
    settings: Arc<Settings>,
    engine: Arc<Engine>,
    live: Live,
}

impl ExportHandler {
    /// `settings` are those of the process; those in the database may differ. Provenances name `program`.
    #[must_use]
    pub fn new(db: Db, store: Store, settings: Arc<Settings>, program: Program) -> Self {
        // Each export is of another product: nothing is kept from one to the next.
        let options =
            EngineOptions { resident_bytes_max: 0, scratch: settings.scratch(), program, ..EngineOptions::default() };
        Self { db, store, settings, engine: Arc::new(Engine::new(options)), live: Live::default() }
    }

    /// These handlers, and that of exports.
    pub fn add_to(self, handlers: Handlers) -> Handlers {
        let queue = QueueName::Convert;
        let lane = (queue, Lane::of_queue(queue), LaneLimit::OfQueue);
        handlers.with(lane, &STEPS.map(TaskKind::Step), Arc::new(self))
    }
}

impl Handler for ExportHandler {
    fn start<'t>(&'t self, claimed: &'t Claimed) -> BoxFuture<'t, Result<Start, Failure>> {
        Box::pin(async move {
            let job = claimed.task.job.ok_or_else(|| {
                Failure::new(FaultKind::Input, "internal_error", "an export without a job has no product")
            })?;
            let scope = TenantScope::of(claimed.tenant);
            let (spec, frozen) = match &claimed.input.spec {
                Some(stored) => (ExportSpec::read(stored)?, None),
                None => {
                    let product = match job.kind {
                        JobKind::Cad => thumbnails::exported(&self.db, &self.settings, claimed, job).await?,
                        _ => match lines::exported(&self.db, &self.settings, claimed, job).await {
                            Err(failure) if may_be_converted_yet(&self.db, claimed, job, &failure).await => {
                                return Ok(Start::deferred(LOOK_AGAIN));
                            }
                            product => product?,
                        },
                    };
                    let spec = ExportSpec { form: form_of(claimed), product };
                    let stored = spec.write()?;
                    (spec, Some(stored))
                }
            };
            let in_force = InForce::of_instance(&self.db, &self.settings).await.map_err(|error| {
                tracing::warn!("the settings cannot be read: {error}");
                Failure::infrastructure("unavailable", "the settings cannot be read")
            })?;
            let ExportSpec { form, product } = spec;
            let class = of_run::class(&self.db, scope, &claimed.input.kwargs).await?;
            let (max_unmapped, input) = (product.max_unmapped, product.into_input());
            let attempt = Attempt {
                place: self.clone(),
                tenant: claimed.tenant,
                made_for: MadeFor::find(&self.db, scope, job, &claimed.input.kwargs).await?,
                max_unmapped,
                class: packages::class_of(job, class, &Json::Null)?,
                request: claimed.input.kwargs.clone(),
                work: ExportWork { input, form, output_bytes_max: in_force.max_output_bytes },
            };
            let work = Box::new(|desk| Box::pin(attempt.run(desk)) as BoxFuture<'static, Outcome>);
            Ok(Start { spec: frozen, work, until_written: None })
        })
    }

    fn live(&self) -> usize {
        self.live.count()
    }
}

/// What a task writes.
fn form_of(claimed: &Claimed) -> ExportForm {
    match claimed.task.kind {
        TaskKind::Step(StepName::ExportProductionGlb) => ExportForm::Production,
        _ => {
            let word = claimed.input.kwargs[QUALITY].as_str().unwrap_or_default();
            ExportForm::Geometry(ExportQuality::by_word(word).unwrap_or_default())
        }
    }
}

/// One attempt at an export.
struct Attempt {
    place: ExportHandler,
    tenant: TenantId,
    made_for: MadeFor,
    /// How many parts may be left without a material, where that is limited.
    max_unmapped: Option<u32>,
    /// How long the file is kept.
    class: RetentionClass,
    /// The arguments of the task.
    request: Json,
    work: ExportWork,
}

impl Attempt {
    async fn run(self, mut desk: Desk) -> Outcome {
        let cancel = CancelToken::default();
        let _guard = CancelOnDrop(cancel.clone());
        let (events, mut told) = unbounded_channel();
        let (ended, mut end) = tokio::sync::oneshot::channel();
        let scope = TenantScope::of(self.tenant);
        let (db, store) = (self.place.db.clone(), self.place.store.clone());
        let assets = TenantAssets { db, store, scope, runtime: Handle::current() };
        let (engine, work) = (self.place.engine.clone(), self.work.clone());
        let (live, token) = (self.place.live.hold(), cancel.clone());
        let thread = inline::spawn("packshot-export".to_owned(), move || {
            let _live = live;
            let emit = |event: WorkEvent| drop(events.send(event));
            let outcome = engine.export(&work, &assets, &token, &emit);
            // Nobody waits for a work that was given up.
            drop(ended.send(outcome));
        });
        if let Err(reason) = thread {
            tracing::error!("no thread for an export: {reason}");
            return Outcome::Failed(Failure::infrastructure("unavailable", "the system has no thread for the export"));
        }
        let mut is_stopping = false;
        let outcome = loop {
            tokio::select! {
                biased;
                Some(event) = told.recv() => say_step(&desk, event, |step| step),
                outcome = &mut end => break outcome.unwrap_or_else(|_| {
                    ExportOutcome::Failed(Failure::infrastructure("worker_lost", "the export ended without a result"))
                }),
                _ = desk.stopped(), if !is_stopping => {
                    is_stopping = true;
                    cancel.cancel();
                }
            }
        };
        match outcome {
            ExportOutcome::Exported(exported) => match self.save(&desk, *exported).await {
                Ok(delivery) => Outcome::Done(delivery),
                Err(failure) => Outcome::Failed(failure),
            },
            ExportOutcome::Failed(failure) => Outcome::Failed(failure),
            ExportOutcome::Cancelled => Outcome::Stopped,
        }
    }

    /// Stores the file.
    async fn save(&self, desk: &Desk, exported: Exported) -> Result<Delivery, Failure> {
        lines::check_unmapped(self.max_unmapped, exported.unmapped_parts)?;
        let begun = Instant::now();
        desk.send(TaskUpdate::Finishing);
        desk.send(TaskUpdate::Step(StepName::OutputSave, StepPhase::Started { about: Map::new() }));
        say(desk, LogLevel::Info, "started".to_owned(), None, Json::Null);
        let made = self.provenance(&exported);
        let (db, store, scope) = (&self.place.db, &self.place.store, TenantScope::of(self.tenant));
        let storing = outputs::store_file(db, store, scope, [EXPORT_NAME, "glb", MEDIA_TYPE], exported.glb.clone());
        let packed = storing.await.and_then(|(row, kept)| {
            let package = packages::of_step(&self.made_for, (step_of(self.work.form), self.class), &made, vec![kept])?;
            Ok((row, package))
        });
        let (row, package) = packed.map_err(|error| fail_to_store(desk, error, begun.elapsed()))?;
        let of = self.made_for.line.map_or(self.made_for.job.record, OrderLineId::uuid);
        let output_path = format!("renders/{of}/{}", row.name);
        let output = Map::from_iter([
            ("publication_mode".to_owned(), json!("render")),
            ("output_path".to_owned(), output_path.clone().into()),
            ("files".to_owned(), 1.into()),
            ("size_bytes".to_owned(), row.size_bytes.into()),
        ]);
        let (duration_s, context) = (begun.elapsed().as_secs_f64(), Json::Object(output.clone()));
        desk.send(TaskUpdate::Step(StepName::OutputSave, StepPhase::Done { duration_s, output }));
        say(desk, LogLevel::Info, format!("done in {duration_s:.3} s"), Some(duration_s), context);
        // What glTF cannot say of the library's materials.
        let findings = exported
            .findings
            .iter()
            .map(|finding| json!({"code": finding.code, "material": finding.at, "message": finding.message}));
        let output = json!({
            "output_path": output_path,
            "size_bytes": row.size_bytes,
            "file_hash": row.address.to_string(),
            "quality": self.work.form.quality().word(),
            "findings": findings.collect::<Vec<_>>(),
            "unmapped_parts": exported.unmapped_parts,
            "duration_s": exported.duration_s,
        });
        Ok(Delivery { output, files: vec![row], packages: vec![package], unmapped: None, cad: None })
    }

    /// How the file came about. Nothing was rendered: no shot, no samples, no device.
    fn provenance(&self, exported: &Exported) -> Provenance {
        let RenderInput { scene, .. } = self.work.input;
        let Exported { unmapped_parts, version, commit, library, map_digest, duration_s, glb: _, findings: _ } =
            exported;
        Provenance {
            provenance_version: PROVENANCE_VERSION,
            job: provenance::of_job(&self.made_for, step_of(self.work.form), &self.request),
            renderer: ProvenanceRenderer {
                name: RENDERER.to_owned(),
                version: Some(version.clone()),
                commit: commit.clone(),
                shader_digest: None,
                engine: None,
            },
            scene: ProvenanceScene {
                content_address: scene.into(),
                source_content_address: None,
                cad_file_id: None,
                converter: None,
            },
            materials: ProvenanceMaterials {
                library: library.as_ref().map(|library| library.name.clone()),
                library_version: library.as_ref().map(|library| library.version.clone()),
                library_digest: library.as_ref().map(|library| library.digest.into()),
                aliases_digest: library.as_ref().and(provenance::aliases_digest(&self.work.input)).map(Into::into),
                map_digest: Some((*map_digest).into()),
                fallback_material: library.as_ref().map(|library| library.fallback.clone()),
                unmapped_parts: *unmapped_parts,
            },
            environment: ProvenanceEnvironment { name: None, content_address: None },
            shot: None,
            shot_digest: None,
            sampling: ProvenanceSampling {
                seed: None,
                samples_max: None,
                samples_mean: None,
                noise_threshold: None,
                noise_reached: None,
                max_time_s: None,
            },
            denoise: ProvenanceDenoise { method: None, weights_digest: None },
            device: ProvenanceDevice { kind: None, name: None, backend: None, driver: None },
            request: self.request.clone(),
            duration_s: Some(*duration_s),
        }
    }
}
