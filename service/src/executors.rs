//! External executors: programs and services of the settings file that render order lines in Packshot's place, stills
//! alone (workflow.md §6).
//!
//! Each is a lane of its own with its own limit, so that a busy or broken one holds up nothing else. What a line is
//! rendered of is found and frozen as for the built-in renderer; what comes back is kept once it is known to be a
//! picture.

mod command;
mod http;
mod picture;
mod spec;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use serde_json::{Map, Value as Json, json};

use self::command::Command;
use self::http::Http;
use self::picture::Picture;
use self::spec::ExternalSpec;
use crate::config::executor::Executor as Configured;
use crate::config::{Executors, Settings};
use crate::jobs::handler::{Desk, Handler, Handlers, Outcome, Start, TaskUpdate, Work};
use crate::objects;
use crate::programs::{Stopped, unread};
use crate::renders::made_for::MadeFor;
use crate::renders::outputs::{self, OutputError};
use crate::renders::work::{fail_to_store, say_of};
use crate::renders::{lines, packages, provenance};
use crate::settings::InForce;
use crate::store::{Spooled, Store};
use packshot_db::channels::{self, InstanceTrouble};
use packshot_db::tasks::{Claimed, Delivery, LaneLimit};
use packshot_db::{AllTenants, Db, DbError, TenantScope};
use packshot_domain::channel::{AlertType, Message, Severity};
use packshot_domain::document::{DocumentResult, GpuInfo};
use packshot_domain::event::LogLevel;
use packshot_domain::id::TenantId;
use packshot_domain::step::StepName;
use packshot_domain::task::{FaultKind, Lane, QueueName, TaskKind};
use packshot_domain::tenant_config::FALLBACK_MATERIAL;
use packshot_worker::command::Launcher;
use packshot_worker::failpoint::Failpoint;
use packshot_worker::live::Live;
use packshot_worker::protocol::{Failure, StepPhase};

/// The code of an executor that did not render.
const FAILED: &str = "executor_failed";
/// The code of an executor that is tried again, because it cannot be reached or is too busy.
const UNAVAILABLE: &str = "executor_unavailable";
/// The code of an executor that took too long.
const TIMEOUT: &str = "executor_timeout";
/// What every executor renders.
const STEP: StepName = StepName::RenderStill;

/// Has an executor render, in a lane of its own.
#[derive(Clone, Debug)]
pub struct ExternalHandler {
    db: Db,
    store: Store,
    settings: Arc<Settings>,
    name: Lane,
    executor: Executor,
    /// Whether admins may have been told that its program is missing: an earlier process may have done so.
    may_be_missing: Arc<AtomicBool>,
}

/// What renders.
#[derive(Clone, Debug)]
enum Executor {
    Command(Command),
    Http(Http),
}

/// The handlers of all external executors. `launcher` starts programs; each executor gets its own, which counts them.
pub fn add_to(
    handlers: Handlers,
    (db, store, settings): (&Db, &Store, &Arc<Settings>),
    launcher: impl Fn() -> Launcher,
) -> Handlers {
    let executors: &Executors = &settings.legacy_executors;
    let scratch = settings.scratch().join("executors");
    if let Err(reason) = crate::programs::clean(&scratch) {
        tracing::warn!("files of earlier executors cannot be removed: {reason}");
    }
    executors.iter().fold(handlers, |handlers, (name, configured)| {
        // The settings have checked the name.
        let Ok(lane) = Lane::new(name) else { return handlers };
        let (executor, max_concurrency) = Executor::of(configured, &launcher, scratch.join(name));
        let limit = LaneLimit::Of(u32::try_from(max_concurrency).unwrap_or(1));
        let (db, store, settings) = (db.clone(), store.clone(), settings.clone());
        let may_be_missing = Arc::new(AtomicBool::new(true));
        let handler = ExternalHandler { db, store, settings, name: lane.clone(), executor, may_be_missing };
        handlers.with((QueueName::Render, lane, limit), &[TaskKind::Step(STEP)], Arc::new(handler))
    })
}

impl Executor {
    /// The executor of the settings file, and how many pictures it makes at the same time.
    fn of(configured: &Configured, launcher: &impl Fn() -> Launcher, scratch: PathBuf) -> (Self, u64) {
        match configured.clone() {
            Configured::Command { command, timeout_s, max_concurrency } => {
                let time_max = Duration::from_secs(timeout_s);
                (Self::Command(Command { command, time_max, launcher: launcher(), scratch }), max_concurrency)
            }
            Configured::Http { url, auth_header_file, poll_s, timeout_s, max_concurrency } => {
                let [poll, time_max] = [poll_s, timeout_s].map(Duration::from_secs);
                (Self::Http(Http { url, auth_header_file, poll, time_max, live: Live::default() }), max_concurrency)
            }
        }
    }
}

impl Handler for ExternalHandler {
    fn start<'t>(&'t self, claimed: &'t Claimed) -> BoxFuture<'t, Result<Start, Failure>> {
        Box::pin(async move {
            let job = claimed.task.job.ok_or_else(|| {
                Failure::new(FaultKind::Input, "internal_error", "a render task without a job has no record")
            })?;
            let scope = TenantScope::of(claimed.tenant);
            let (spec, frozen) = match &claimed.input.spec {
                Some(stored) => (ExternalSpec::read(stored)?, None),
                None => {
                    let spec = ExternalSpec::from(lines::external(&self.db, &self.settings, claimed, job).await?);
                    let stored = spec.write()?;
                    (spec, Some(stored))
                }
            };
            let in_force = InForce::of_instance(&self.db, &self.settings).await.map_err(away)?;
            let attempt = Attempt {
                place: self.clone(),
                tenant: claimed.tenant,
                made_for: MadeFor::find(&self.db, scope, job, &claimed.input.kwargs).await?,
                request: claimed.input.kwargs.clone(),
                spec,
                output_bytes_max: in_force.max_output_bytes,
                pixels_max: in_force.max_pixels,
            };
            let work: Work = Box::new(|desk| Box::pin(attempt.run(desk)) as BoxFuture<'static, Outcome>);
            Ok(Start { spec: frozen, work, until_written: None })
        })
    }

    fn live(&self) -> usize {
        match &self.executor {
            Executor::Command(command) => command.launcher.live(),
            Executor::Http(http) => http.live.count(),
        }
    }
}

fn away(error: DbError) -> Failure {
    tracing::warn!("the settings cannot be read: {error}");
    Failure::infrastructure("unavailable", "the settings cannot be read")
}

/// One attempt to have a picture rendered.
struct Attempt {
    place: ExternalHandler,
    tenant: TenantId,
    made_for: MadeFor,
    /// The arguments of the task.
    request: Json,
    spec: ExternalSpec,
    output_bytes_max: u64,
    pixels_max: u64,
}

impl Attempt {
    async fn run(self, mut desk: Desk) -> Outcome {
        let begun = Instant::now();
        desk.send(TaskUpdate::Step(STEP, StepPhase::Started { about: Map::new() }));
        say_of(&desk, STEP, (LogLevel::Info, format!("started by {}", self.place.name)), None, Json::Null);
        let rendered = self.rendered(&mut desk).await;
        self.tell_whether_it_is_there(&rendered).await;
        let duration_s = begun.elapsed().as_secs_f64();
        match rendered {
            Ok((spooled, picture)) => {
                let output = Map::from_iter([
                    ("executor".to_owned(), self.place.name.as_str().into()),
                    ("width".to_owned(), picture.width_px.into()),
                    ("height".to_owned(), picture.height_px.into()),
                ]);
                let context = Json::Object(output.clone());
                desk.send(TaskUpdate::Step(STEP, StepPhase::Done { duration_s, output }));
                let done = (LogLevel::Info, format!("done in {duration_s:.3} s"));
                say_of(&desk, STEP, done, Some(duration_s), context);
                match self.save(&desk, spooled, picture, duration_s).await {
                    Ok(delivery) => Outcome::Done(delivery),
                    Err(failure) => Outcome::Failed(failure),
                }
            }
            Err(stopped) => {
                let (level, error) = match &stopped {
                    Stopped::Asked => (LogLevel::Warning, "cancelled".to_owned()),
                    Stopped::Failed(failure) | Stopped::Missing(failure) => {
                        (LogLevel::Error, format!("{}: {}", failure.code, failure.detail))
                    }
                };
                desk.send(TaskUpdate::Step(STEP, StepPhase::Failed { duration_s, error: error.clone() }));
                say_of(&desk, STEP, (level, error), Some(duration_s), Json::Null);
                match stopped {
                    Stopped::Asked => Outcome::Stopped,
                    Stopped::Failed(failure) | Stopped::Missing(failure) => Outcome::Failed(failure),
                }
            }
        }
    }

    /// Tells admins that the program is missing, or, where they may have been told, that it is there again.
    async fn tell_whether_it_is_there(&self, rendered: &Result<(Spooled, Picture), Stopped>) {
        let ExternalHandler { db, name, executor, may_be_missing, .. } = &self.place;
        let Executor::Command(Command { command, .. }) = executor else { return };
        let trouble = match rendered {
            Err(Stopped::Missing(failure)) => {
                may_be_missing.store(true, Ordering::Relaxed);
                let program = command.first().map_or("", String::as_str);
                let message = format!("The executor {name} cannot be started: its program {program} is missing");
                let data = json!({"executor": name.as_str(), "program": program, "detail": failure.detail});
                InstanceTrouble::Lasts(Severity::Error, Message::new(&message), data)
            }
            Err(Stopped::Asked) => return,
            // What fails with another code may have kept the program from being started.
            Err(Stopped::Failed(failure)) if ![FAILED, TIMEOUT].contains(&failure.code.as_str()) => return,
            _ if !may_be_missing.swap(false, Ordering::Relaxed) => return,
            _ => InstanceTrouble::Over,
        };
        let of = AlertType::ExecutorNotFound;
        if let Err(reason) = channels::instance(db, AllTenants::Housekeeping, of, name.as_str(), trouble).await {
            may_be_missing.store(true, Ordering::Relaxed);
            tracing::error!("nobody can be told whether the program of {name} is there: {reason}");
        }
    }

    /// Has the picture rendered, and looks at what came back.
    async fn rendered(&self, desk: &mut Desk) -> Result<(Spooled, Picture), Stopped> {
        let ExternalHandler { db, store, executor, .. } = &self.place;
        let scope = TenantScope::of(self.tenant);
        let open = async |address| objects::open(db, store, scope, address).await.map_err(unread);
        let (glb, source) = (open(&self.spec.render.scene).await?, open(&self.spec.source).await?);
        let spooled = match executor {
            Executor::Command(command) => {
                command.render(desk, (glb, source), self.job(), (store, self.output_bytes_max)).await?
            }
            Executor::Http(http) => {
                let files = (glb, source, self.spec.source_name.clone());
                http.render(desk, self.made_for.job.id, files, self.job(), (store, self.output_bytes_max)).await?
            }
        };
        let picture = picture::examine(&spooled, self.pixels_max).await?;
        Ok((spooled, picture))
    }

    /// The job as an executor reads it, without paths.
    fn job(&self) -> Map<String, Json> {
        let render = &self.spec.render;
        let fallback = render.fallback_material.as_deref().unwrap_or(FALLBACK_MATERIAL);
        let own = ["publish_asset_enabled", "graph_authoritative_output_enabled"];
        let mut settings: Map<String, Json> = match &self.request {
            Json::Object(members) => {
                let given = members.iter().filter(|(name, _)| !own.contains(&name.as_str()));
                given.map(|(name, value)| (name.clone(), value.clone())).collect()
            }
            _ => Map::new(),
        };
        // The installation's, which no executor can know, where neither output type nor template says how many.
        if let Some(samples) = render.samples() {
            settings.entry("samples").or_insert_with(|| samples.into());
        }
        Map::from_iter([
            ("job_id".to_owned(), json!(self.made_for.job.id.to_string())),
            ("order_line_id".to_owned(), json!(self.made_for.line.map(|line| line.to_string()))),
            ("render_settings".to_owned(), Json::Object(settings)),
            ("materials".to_owned(), json!(self.spec.materials)),
            ("fallback_material".to_owned(), json!(fallback)),
        ])
    }

    /// Stores the picture.
    async fn save(
        &self,
        desk: &Desk,
        spooled: Spooled,
        picture: Picture,
        render_duration_s: f64,
    ) -> Result<Delivery, Failure> {
        let begun = Instant::now();
        desk.send(TaskUpdate::Finishing);
        desk.send(TaskUpdate::Step(StepName::OutputSave, StepPhase::Started { about: Map::new() }));
        say_of(desk, StepName::OutputSave, (LogLevel::Info, "started".to_owned()), None, Json::Null);
        Failpoint::Store.pass();
        let ExternalHandler { db, store, name, .. } = &self.place;
        let size_px = [picture.width_px, picture.height_px];
        let row = outputs::picture_row(
            self.made_for.named(picture.file_name()),
            picture.format.to_owned(),
            size_px,
            spooled.address(),
            usize::try_from(spooled.size_bytes()).unwrap_or(usize::MAX),
        );
        let made =
            provenance::external((&self.made_for, STEP), name, &self.spec.render, (&self.request, render_duration_s));
        let packed = async {
            let kept = outputs::store_spooled(db, store, TenantScope::of(self.tenant), &row, spooled).await?;
            let class = packages::class_of(self.made_for.job, None, &Json::Null)?;
            Ok::<_, OutputError>(packages::of_step(&self.made_for, (STEP, class), &made, vec![kept])?)
        };
        let package = packed.await.map_err(|error| fail_to_store(desk, error, begun.elapsed()))?;
        let output_path = self.made_for.path_of(&row.name).unwrap_or_else(|| row.name.clone());
        let output = Map::from_iter([
            ("publication_mode".to_owned(), json!("render")),
            ("files".to_owned(), 1.into()),
            ("size_bytes".to_owned(), row.size_bytes.into()),
        ]);
        let (duration_s, context) = (begun.elapsed().as_secs_f64(), Json::Object(output.clone()));
        desk.send(TaskUpdate::Step(StepName::OutputSave, StepPhase::Done { duration_s, output }));
        let done = (LogLevel::Info, format!("done in {duration_s:.3} s"));
        say_of(desk, StepName::OutputSave, done, Some(duration_s), context);
        desk.send(TaskUpdate::Result(DocumentResult {
            output_path: output_path.clone(),
            duration_s: render_duration_s,
            engine_used: name.to_string(),
            gpu: name.to_string(),
            gpu_info: GpuInfo {
                device: name.to_string(),
                backend: provenance::EXTERNAL.to_owned(),
                used: provenance::EXTERNAL.to_owned(),
                fallback_reason: None,
            },
        }));
        let output = json!({
            "output_path": output_path,
            "size_bytes": row.size_bytes,
            "file_hash": row.address.to_string(),
            "duration_s": render_duration_s,
        });
        Ok(Delivery { output, files: vec![row], packages: vec![package], unmapped: None, cad: None })
    }
}
