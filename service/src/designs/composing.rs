//! The third step of design jobs, and the step `compose_design` of workflows: a task of the queue for conversions, on a
//! thread of this process. It composes the texture, which is stored with its record.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use packshot_renderer::backend::CancelToken;
use serde_json::{Map, Value as Json, json};
use tokio::runtime::Handle;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{Instant, sleep_until};

use super::leftovers::{CleanAfter, StoredFiles};
use crate::app::{Deed, Deeds};
use crate::config::Settings;
use crate::jobs::handler::{Desk, Handler, Handlers, Outcome, Start, StopReason, TaskUpdate};
use crate::objects;
use crate::renders::made_for::MadeFor;
use crate::renders::of_design::{self, Reported, Workfolder};
use crate::renders::outputs::TenantAssets;
use crate::renders::work::{LOOK_AGAIN, say_step};
use crate::renders::{of_run, packages, worn};
use crate::settings::InForce;
use crate::store::Store;
use packshot_db::artifacts::NewFile;
use packshot_db::designs;
use packshot_db::tasks::{Claimed, Delivery, LaneLimit, OutputFile};
use packshot_db::{Db, TenantScope};
use packshot_domain::artifact::{EventActor, Metadata, RetentionClass};
use packshot_domain::id::DesignJobId;
use packshot_domain::job::JobKind;
use packshot_domain::step::StepName;
use packshot_domain::task::{FaultKind, Lane, QueueName, TaskKind};
use packshot_worker::compose::{ComposeOutcome, Composed};
use packshot_worker::engine::{Engine, EngineOptions};
use packshot_worker::inline;
use packshot_worker::live::{CancelOnDrop, Live};
use packshot_worker::made_with::Program;
use packshot_worker::protocol::{Failure, RenderInput, WorkEvent};

/// The name of the texture.
const TEXTURE: [&str; 3] = ["texture.png", "png", "image/png"];
/// What makes the packages of textures and pictures.
pub(super) const PRODUCER: &str = concat!("packshot/", env!("CARGO_PKG_VERSION"));

/// Composes designs in the lane of conversions.
#[derive(Clone, Debug)]
pub struct ComposeHandler {
    db: Db,
    store: Store,
    settings: Arc<Settings>,
    deeds: Arc<dyn Deeds>,
    engine: Arc<Engine>,
    live: Live,
}

impl ComposeHandler {
    /// `settings` are those of the process; those in the database may differ.
    #[must_use]
    pub fn new((db, store): (Db, Store), settings: Arc<Settings>, deeds: Arc<dyn Deeds>, program: Program) -> Self {
        // Each design is on another product: nothing is kept from one to the next.
        let options =
            EngineOptions { resident_bytes_max: 0, scratch: settings.scratch(), program, ..EngineOptions::default() };
        Self { db, store, settings, deeds, engine: Arc::new(Engine::new(options)), live: Live::default() }
    }

    /// These handlers, and that of designs.
    #[must_use]
    pub fn add_to(self, handlers: Handlers) -> Handlers {
        let queue = QueueName::Convert;
        let lane = (queue, Lane::of_queue(queue), LaneLimit::OfQueue);
        handlers.with(lane, &[TaskKind::Step(StepName::ComposeDesign)], Arc::new(self))
    }
}

impl Handler for ComposeHandler {
    fn start<'t>(&'t self, claimed: &'t Claimed) -> BoxFuture<'t, Result<Start, Failure>> {
        Box::pin(async move {
            let job = claimed.task.job.ok_or_else(|| {
                Failure::new(FaultKind::Input, "internal_error", "a design without a job has no product")
            })?;
            let scope = TenantScope::of(claimed.tenant);
            let (stored, frozen) = match (&claimed.input.spec, job.kind) {
                (None, JobKind::Line | JobKind::Shadow) => {
                    match worn::spec(&self.db, &self.settings, claimed, job).await? {
                        Some(spec) => (Some(spec.clone()), Some(spec)),
                        None => return Ok(Start::deferred(LOOK_AGAIN)),
                    }
                }
                (stored, _) => (stored.clone(), None),
            };
            let input = of_design::input(stored.as_ref())?;
            let in_force = InForce::of_instance(&self.db, &self.settings).await.map_err(of_design::away)?;
            let (owner, until_written): (Owner, Option<Box<dyn Any + Send + Sync>>) = match job.kind {
                JobKind::Design => {
                    let (id, stored) = (DesignJobId::from_uuid(job.record), StoredFiles::default());
                    let clean = CleanAfter {
                        db: self.db.clone(),
                        store: self.store.clone(),
                        deeds: self.deeds.clone(),
                        scope,
                        job: id,
                        stored: stored.clone(),
                    };
                    let folder = Workfolder::of(&self.settings, job).until_ended(&self.db);
                    (Owner::Job(id, stored), Some(Box::new((clean, folder))))
                }
                _ => {
                    let class = of_run::class(&self.db, scope, &claimed.input.kwargs).await?;
                    let class = packages::class_of(job, class, &json!(null))?;
                    (Owner::Run(MadeFor::find(&self.db, scope, job, &claimed.input.kwargs).await?, class), None)
                }
            };
            let attempt = Attempt { place: self.clone(), scope, owner, input, time_max: in_force.compose_timeout };
            let work = Box::new(|desk| Box::pin(attempt.run(desk)) as BoxFuture<'static, Outcome>);
            Ok(Start { spec: frozen, work, until_written })
        })
    }

    fn live(&self) -> usize {
        self.live.count()
    }
}

/// Whose texture it is.
enum Owner {
    /// A design job's, with what was stored for it.
    Job(DesignJobId, StoredFiles),
    /// A run's, which keeps it so long.
    Run(MadeFor, RetentionClass),
}

/// One attempt at a texture.
struct Attempt {
    place: ComposeHandler,
    scope: TenantScope,
    owner: Owner,
    input: RenderInput,
    time_max: Duration,
}

impl Attempt {
    async fn run(self, mut desk: Desk) -> Outcome {
        match self.composed_before().await {
            Ok(Some(composed)) => {
                let reported = Reported::begin(desk.teller(), StepName::ComposeDesign);
                let facts = Map::from_iter([("from_cache".to_owned(), json!(true))]);
                let saved = self.save(&desk, composed).await;
                reported.end(&saved.as_ref().map(|_| facts).map_err(Clone::clone));
                return saved.map_or_else(Outcome::Failed, Outcome::Done);
            }
            Ok(None) => {}
            Err(failure) => return Outcome::Failed(failure),
        }
        let deadline = Instant::now() + self.time_max;
        let cancel = CancelToken::default();
        let _guard = CancelOnDrop(cancel.clone());
        let (events, mut told) = unbounded_channel();
        let (ended, mut end) = tokio::sync::oneshot::channel();
        let (db, store) = (self.place.db.clone(), self.place.store.clone());
        let assets = TenantAssets { db, store, scope: self.scope, runtime: Handle::current() };
        let (engine, deeds, input) = (self.place.engine.clone(), self.place.deeds.clone(), self.input.clone());
        let (live, token) = (self.place.live.hold(), cancel.clone());
        let thread = inline::spawn("packshot-design".to_owned(), move || {
            let _live = live;
            let emit = |event: WorkEvent| drop(events.send(event));
            let outcome = deeds.compose(&engine, &input, &assets, &token, &emit);
            // Nobody waits for a work that was given up.
            drop(ended.send(outcome));
        });
        if let Err(reason) = thread {
            tracing::error!("no thread for a design: {reason}");
            return Outcome::Failed(Failure::infrastructure("unavailable", "the system has no thread for the design"));
        }
        let mut stopping: Option<StopReason> = None;
        let outcome = loop {
            tokio::select! {
                biased;
                Some(event) = told.recv() => say_step(&desk, event, |step| step),
                outcome = &mut end => break outcome.unwrap_or_else(|_| {
                    ComposeOutcome::Failed(Failure::infrastructure("worker_lost", "the design ended without a result"))
                }),
                reason = desk.stopped(), if stopping.is_none() => {
                    stopping = Some(reason);
                    cancel.cancel();
                }
                () = sleep_until(deadline) => {
                    cancel.cancel();
                    return Outcome::Failed(of_design::late(self.time_max));
                }
            }
        };
        match outcome {
            ComposeOutcome::Composed(composed) => match self.save(&desk, *composed).await {
                Ok(delivery) => Outcome::Done(delivery),
                Err(failure) => Outcome::Failed(failure),
            },
            ComposeOutcome::Failed(failure) => Outcome::Failed(failure),
            ComposeOutcome::Cancelled => Outcome::Stopped,
        }
    }

    /// The texture of an equal job, if it is still there.
    async fn composed_before(&self) -> Result<Option<Composed>, Failure> {
        let Owner::Job(id, _) = &self.owner else { return Ok(None) };
        let ComposeHandler { db, store, .. } = &self.place;
        for other in designs::equal::others(db, self.scope, *id).await.map_err(of_design::away)? {
            let (Some(texture), Some(report)) = (other.texture, other.placement_report) else { continue };
            let size_px = [texture.width, texture.height].map(|side| side.map_or(0, i32::unsigned_abs));
            // What cannot be read is composed again.
            if let Ok(png) = objects::read(db, store, self.scope, &texture.address).await {
                return Ok(Some(Composed { report, png, size_px }));
            }
        }
        Ok(None)
    }

    /// Stores the texture.
    async fn save(&self, desk: &Desk, composed: Composed) -> Result<Delivery, Failure> {
        desk.send(TaskUpdate::Finishing);
        match &self.owner {
            Owner::Job(job, stored) => self.save_of_job((*job, stored), composed).await,
            Owner::Run(made_for, class) => self.save_of_run(desk, (made_for, *class), composed).await,
        }
    }

    async fn save_of_job(
        &self,
        (id, stored): (DesignJobId, &StoredFiles),
        composed: Composed,
    ) -> Result<Delivery, Failure> {
        self.place.deeds.may(Deed::StoreTexture)?;
        let report = composed.report.clone();
        let (row, kept) = self.store(TEXTURE[0], composed).await?;
        stored.note(row.address);
        let job = designs::get(&self.place.db, self.scope, id).await.map_err(of_design::away)?;
        let report = of_area(report, &job.request);
        let package = of_design::package((EventActor::System, PRODUCER), "texture", id, vec![kept])?;
        let output = json!({"placement_report": report});
        Ok(Delivery { output, files: vec![row], packages: vec![package], ..Delivery::default() })
    }

    async fn save_of_run(
        &self,
        desk: &Desk,
        (made_for, class): (&MadeFor, RetentionClass),
        composed: Composed,
    ) -> Result<Delivery, Failure> {
        let reported = Reported::begin(desk.teller(), StepName::OutputSave);
        let report = composed.report.clone();
        let name = made_for.named(TEXTURE[0].to_owned());
        let stored = self.store(&name, composed).await;
        let facts = |row: &OutputFile| -> Map<String, Json> {
            let members = [
                ("output_path", json!(made_for.path_of(&row.name))),
                ("files", json!(1)),
                ("size_bytes", json!(row.size_bytes)),
            ];
            members.map(|(member, value)| (member.to_owned(), value)).into_iter().collect()
        };
        reported.end(&stored.as_ref().map(|(row, _)| facts(row)).map_err(Clone::clone));
        let (row, kept) = stored?;
        let mut output = facts(&row);
        output.insert("placement_report".to_owned(), report);
        let kept_as = (class, Metadata::default());
        let names = [StepName::ComposeDesign.as_str(), PRODUCER];
        let package = packages::package(EventActor::System, names, &made_for.subject(), kept_as, vec![kept])?;
        Ok(Delivery { output: Json::Object(output), files: vec![row], packages: vec![package], ..Delivery::default() })
    }

    async fn store(&self, name: &str, composed: Composed) -> Result<(OutputFile, NewFile), Failure> {
        let [_, format, media_type] = TEXTURE;
        let place = (&self.place.db, &self.place.store, self.scope);
        let (mut row, kept) = of_design::store_file(place, [name, format, media_type], composed.png).await?;
        [row.width, row.height] = composed.size_px.map(|side| i32::try_from(side).ok());
        Ok((row, kept))
    }
}

/// A report with the id and the name of the stored area that a request, in effect, means.
pub(super) fn of_area(mut report: Json, request: &Json) -> Json {
    for member in ["id", "name"] {
        let known = &request["area"][member];
        if !known.is_null() || member == "id" {
            report["area"][member] = known.clone();
        }
    }
    report
}
