//! Render tasks: from the spec to an executor, and its files into the store.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use serde_json::{Map, Value as Json};
use tokio::runtime::Handle;
use tokio::time::sleep_until;

use super::finished::SweepAfter;
use super::ingredients::may_be_converted_yet;
use super::made_for::MadeFor;
use super::of_design::Workfolder;
use super::outputs::{self, OutputError, Received, TenantAssets};
use super::portion::Portion;
use super::spec::Spec;
use super::{equal_designs, lines, of_design, of_run, packages, provenance, thumbnails};
use crate::config::Settings;
use crate::events::hub::{Hub, Preview};
use crate::jobs::handler::{Desk, Handler, Handlers, Outcome, Start, TaskUpdate};
use crate::libraries::proposals;
use crate::settings::InForce;
use crate::store::Store;
use packshot_contract::event::{JobEvent, PreviewEvent};
use packshot_contract::job::preview_url;
use packshot_db::log::NewLogRow;
use packshot_db::orders;
use packshot_db::reviews::ProposedPart;
use packshot_db::streams::NewEvent;
use packshot_db::tasks::{Claimed, Delivery, LaneLimit, Movie};
use packshot_db::{Db, TenantScope};
use packshot_domain::artifact::RetentionClass;
use packshot_domain::event::{EventName, LogLevel};
use packshot_domain::id::{RenderId, TenantId};
use packshot_domain::job::JobKind;
use packshot_domain::render::RenderKind;
use packshot_domain::review::UnmappedPart;
use packshot_domain::step::StepName;
use packshot_domain::task::{Chore, FaultKind, Lane, QueueName, TaskKind};
use packshot_pipeline::plan::words::FileFormat;
use packshot_pipeline::plan::{Kind, PicturePlan};
use packshot_worker::executor::{self, Executor, Incoming, WorkHandle};
use packshot_worker::failpoint::Failpoint;
use packshot_worker::protocol::{
    self, Completed, Failure, LogLine, Rejected, RenderInput, RenderWork, StepPhase, WorkEvent,
};

/// Media types of movies. A WebP of a turntable is a movie too; single frames are in other formats.
const MOVIES: [&str; 3] = ["video/mp4", "image/apng", "image/webp"];

/// Whether files of a turntable with this media type are movies.
pub(super) fn is_movie(media_type: &str) -> bool {
    MOVIES.contains(&media_type)
}

/// A task of a shadow run that waits for a CAD file looks again after this time.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// How long a worker whose files cannot be stored has to stop before it is given up.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Does render tasks in the lane of the renderer that is built in.
#[derive(Clone, Debug)]
pub struct RenderHandler {
    /// Rows.
    pub db: Db,
    /// Files.
    pub store: Store,
    /// Where previews go.
    pub hub: Hub,
    /// The executor that computes.
    pub executor: Arc<dyn Executor>,
    /// The settings of the process; those in the database may differ.
    pub settings: Arc<Settings>,
}

impl RenderHandler {
    /// The handlers of all its tasks.
    pub fn handlers(self) -> Handlers {
        let steps = RenderKind::ALL.iter().map(|kind| kind.step()).chain([StepName::RenderThumbnail]);
        let of_design = TaskKind::Chore(Chore::RenderDesign);
        let kinds: Vec<TaskKind> = steps.map(TaskKind::Step).chain([of_design]).collect();
        let lane = (QueueName::Render, Lane::builtin(), LaneLimit::OfQueue);
        Handlers::default().with(lane, &kinds, Arc::new(self))
    }
}

impl Handler for RenderHandler {
    fn start<'t>(&'t self, claimed: &'t Claimed) -> BoxFuture<'t, Result<Start, Failure>> {
        Box::pin(async move {
            let job = claimed.task.job.ok_or_else(|| {
                Failure::new(FaultKind::Input, "internal_error", "a render task without a job has no record")
            })?;
            let scope = TenantScope::of(claimed.tenant);
            let (spec, frozen) = match (&claimed.input.spec, job.kind) {
                (None, JobKind::Line | JobKind::Shadow | JobKind::Cad) => {
                    let spec = match job.kind {
                        JobKind::Cad => thumbnails::spec(&self.db, &self.settings, claimed, job).await?,
                        _ => match lines::spec(&self.db, &self.settings, claimed, job).await {
                            Err(failure) if may_be_converted_yet(&self.db, claimed, job, &failure).await => {
                                return Ok(Start::deferred(LOOK_AGAIN));
                            }
                            spec => spec?,
                        },
                    };
                    let stored = spec.write().map_err(|error| {
                        tracing::error!("the spec of a task cannot be written: {error}");
                        Failure::new(FaultKind::Input, "internal_error", "the task cannot be stored")
                    })?;
                    (spec, Some(stored))
                }
                (stored, _) => (Spec::read(stored.as_ref())?, None),
            };
            let (max_unmapped, turntable) = (spec.max_unmapped(), spec.turntable());
            let mut input = spec.into_input();
            let folder = match job.kind {
                JobKind::Design => {
                    of_design::with_texture(&self.db, scope, job, &mut input).await?;
                    Some(Workfolder::of(&self.settings, job))
                }
                _ => None,
            };
            let class = of_run::class(&self.db, scope, &claimed.input.kwargs).await?;
            let in_force = InForce::of_instance(&self.db, &self.settings).await;
            let in_force = in_force.map_err(|error| {
                tracing::warn!("the settings cannot be read: {error}");
                Failure::infrastructure("unavailable", "the settings cannot be read")
            })?;
            let render = RenderId::from_uuid(job.id.uuid());
            let previews = Arc::new(Previews { hub: self.hub.clone(), render, last: Mutex::default() });
            let work = RenderWork {
                task: claimed.task.id,
                render,
                attempt: u32::try_from(claimed.task.attempt).unwrap_or(1),
                input,
                output_bytes_max: in_force.max_output_bytes,
                memory_bytes_max: in_force.max_memory_bytes,
                keeps_finished: true,
            };
            let turntable = turntable.map(|plan| {
                let input = RenderInput { plan, ..work.input.clone() };
                RenderWork { input, ..work.clone() }
            });
            let attempt = Attempt {
                place: self.clone(),
                tenant: claimed.tenant,
                made_for: MadeFor::find(&self.db, scope, job, &claimed.input.kwargs).await?,
                kind: claimed.task.kind,
                max_unmapped,
                class,
                folder: folder.clone(),
                time_max: folder.is_some().then_some(in_force.render_timeout),
                request: claimed.input.kwargs.clone(),
                formats: work.input.plan.files.iter().map(|file| file.format).collect(),
                previews: previews.clone(),
                work,
                turntable,
            };
            let is_series = attempt.work.input.plan.kind != Kind::Still;
            let swept = is_series.then(|| SweepAfter { db: self.db.clone(), scratch: self.settings.scratch() });
            let until_written =
                Box::new((UntilWritten(previews), swept, folder.clone().map(|of| of.until_ended(&self.db))));
            let work = Box::new(|desk| Box::pin(attempt.run(desk)) as BoxFuture<'static, Outcome>);
            Ok(Start { spec: frozen, work, until_written: Some(until_written) })
        })
    }

    fn live(&self) -> usize {
        self.executor.live()
    }
}

/// The previews of an attempt.
struct Previews {
    hub: Hub,
    render: RenderId,
    last: Mutex<Option<Arc<Preview>>>,
}

/// Forgets the last preview of an attempt, however it ended, unless another attempt has made its own meanwhile.
struct UntilWritten(Arc<Previews>);

impl Drop for UntilWritten {
    fn drop(&mut self) {
        let Previews { hub, render, last } = &*self.0;
        if let Some(last) = &*last.lock().unwrap_or_else(PoisonError::into_inner) {
            hub.drop_preview_if(*render, last);
        }
    }
}

/// One attempt at a render.
struct Attempt {
    place: RenderHandler,
    tenant: TenantId,
    made_for: MadeFor,
    /// What the task is.
    kind: TaskKind,
    /// How many parts may be left without a material, where that is limited.
    max_unmapped: Option<u32>,
    /// How long the files are kept, where a run says it.
    class: Option<RetentionClass>,
    /// Where the pictures of a design job wait until they are stored.
    folder: Option<Workfolder>,
    /// How long it may take, where that is limited.
    time_max: Option<Duration>,
    /// The effective request.
    request: Json,
    /// The formats of all files, in their order.
    formats: Vec<FileFormat>,
    previews: Arc<Previews>,
    work: RenderWork,
    /// What comes after it: the turntable of a design job.
    turntable: Option<RenderWork>,
}

/// The files of a work that came to an end.
struct Made {
    received: Received,
    completed: Completed,
    /// Why they are not what was asked for, if they are not.
    rejected: Option<Failure>,
}

/// How a work ended.
enum Ended {
    /// With files.
    With(Box<Made>),
    /// Without, and the attempt with it.
    Without(Box<Outcome>),
}

/// Gives up a work that has not ended when this is dropped.
struct Guard(Option<WorkHandle>);

impl Guard {
    fn cancel(&self) {
        self.0.iter().for_each(WorkHandle::cancel);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(handle) = self.0.take() {
            handle.abandon();
        }
    }
}

impl Attempt {
    async fn run(self, mut desk: Desk) -> Outcome {
        if let Some(folder) = &self.folder {
            let place = (&self.place.db, &self.place.store, TenantScope::of(self.tenant));
            match equal_designs::made_before(place, self.made_for.job).await {
                Ok(Some(made)) => {
                    let taken = equal_designs::take_over(&desk, folder, made).await;
                    return taken.map_or_else(Outcome::Failed, Outcome::Done);
                }
                Ok(None) => {}
                Err(failure) => return Outcome::Failed(failure),
            }
        }
        let deadline = self.time_max.map(|time_max| Instant::now() + time_max);
        let n = |work: &RenderWork| work.input.plan.n_pictures();
        let (own, turned) = (n(&self.work), self.turntable.as_ref().map_or(0, n));
        let portion = Portion { before: 0, own, all: own + turned };
        let made = match self.have_done(&mut desk, &self.work, portion, deadline).await {
            Ended::With(made) => *made,
            Ended::Without(outcome) => return *outcome,
        };
        let Some(folder) = &self.folder else {
            let saved = self.save(&desk, made.received, made.completed).await;
            return match (saved, made.rejected) {
                (Ok(delivery), None) => Outcome::Done(delivery),
                (Ok(delivery), Some(failure)) => Outcome::Rejected(delivery, failure),
                (Err(unsaved), _) => Outcome::Failed(unsaved),
            };
        };
        let turned = match &self.turntable {
            None => None,
            Some(work) => {
                let portion = Portion { before: own, own: turned, all: own + turned };
                match self.have_done(&mut desk, work, portion, deadline).await {
                    Ended::With(made) => Some((made.received, made.completed, movie_of(&work.input.plan))),
                    Ended::Without(outcome) => return *outcome,
                }
            }
        };
        let kept = of_design::keep(&desk, folder, (made.received, made.completed), turned).await;
        kept.map_or_else(Outcome::Failed, Outcome::Done)
    }

    /// Has a work done.
    async fn have_done(&self, desk: &mut Desk, work: &RenderWork, of: Portion, deadline: Option<Instant>) -> Ended {
        let (db, store) = (self.place.db.clone(), self.place.store.clone());
        let (sender, Incoming { mut events, files }) = executor::way();
        let mut received = Received::begin(store.clone(), files, work.output_bytes_max);
        let scope = TenantScope::of(self.tenant);
        let assets = TenantAssets { db, store, scope, runtime: Handle::current() };
        let handle = self.place.executor.start(work.clone(), Arc::new(assets), sender);
        let mut handle = Guard(Some(handle));
        let mut unstored: Option<OutputError> = None;
        let mut is_late = false;
        let (mut give_up, mut is_stopping, mut has_ended) = (None, false, false);
        let outcome = loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(WorkEvent::Finished(outcome)) => {
                        has_ended = true;
                        break *outcome;
                    }
                    Some(event) => self.say(desk, event, of),
                    None => break protocol::Outcome::Failed(Failure::infrastructure("worker_lost", "the worker ended without a result")),
                },
                error = received.failed(), if unstored.is_none() => {
                    // Nothing that it renders from now on could be kept.
                    unstored = Some(error);
                    handle.cancel();
                    give_up = Some(Instant::now() + PATIENCE);
                }
                _ = desk.stopped(), if !is_stopping => {
                    is_stopping = true;
                    handle.cancel();
                }
                () = sleep_until(deadline.unwrap_or_else(Instant::now).into()), if deadline.is_some() && !is_late => {
                    is_late = true;
                    handle.cancel();
                    give_up = Some(Instant::now() + PATIENCE);
                }
                () = sleep_until(give_up.unwrap_or_else(Instant::now).into()), if give_up.is_some() => {
                    break protocol::Outcome::Cancelled;
                }
            }
        };
        if has_ended {
            // There is nothing to give up.
            handle.0 = None;
        }
        let with = |completed, rejected| Ended::With(Box::new(Made { received, completed, rejected }));
        let without = |outcome| Ended::Without(Box::new(outcome));
        match (outcome, unstored) {
            (protocol::Outcome::Cancelled, None) if is_late && !is_stopping => {
                without(Outcome::Failed(of_design::late(self.time_max.unwrap_or_default())))
            }
            (_, Some(error)) => without(Outcome::Failed(fail_to_store(desk, error, Duration::ZERO))),
            (protocol::Outcome::Completed(completed), None) => with(completed, None),
            (protocol::Outcome::Rejected(Rejected { completed, failure }), None) => with(completed, Some(failure)),
            (protocol::Outcome::Failed(failure), None) => without(Outcome::Failed(failure)),
            (protocol::Outcome::Cancelled, None) => without(Outcome::Stopped),
        }
    }

    /// Passes on what the worker reports.
    fn say(&self, desk: &Desk, event: WorkEvent, of: Portion) {
        match event {
            WorkEvent::Began { pid } => pid.into_iter().for_each(|pid| desk.send(TaskUpdate::Pid(pid))),
            WorkEvent::Device(info, _) => {
                desk.send(TaskUpdate::Device(serde_json::to_value(&info).unwrap_or_default()))
            }
            event @ (WorkEvent::Step(_) | WorkEvent::Log(_)) => say_step(desk, event, |step| self.step(step)),
            WorkEvent::Progress(progress) => desk.send(TaskUpdate::Progress(of.of_all(progress))),
            WorkEvent::Picture => desk.send(TaskUpdate::WentOn),
            // Those of an order line have no address.
            WorkEvent::Preview(_) if self.made_for.job.kind != JobKind::Render => {}
            WorkEvent::Preview(preview) => self.show(desk, Preview::new(preview.png.clone(), preview.samples_done)),
            WorkEvent::File(_) | WorkEvent::Finished(_) => {}
        }
    }

    /// What a step of the worker is here: a thumbnail is a still to it.
    fn step(&self, step: StepName) -> StepName {
        match (self.kind, step) {
            (TaskKind::Step(own @ StepName::RenderThumbnail), StepName::RenderStill) => own,
            _ => step,
        }
    }

    /// Keeps the picture so far, and says that there is a newer one.
    fn show(&self, desk: &Desk, preview: Preview) {
        let Previews { hub, render, last } = &*self.previews;
        let (etag, samples_done) = (preview.etag.clone(), preview.samples_done);
        let preview = Arc::new(preview);
        let event = PreviewEvent { url: preview_url(render.uuid()), etag, samples_done };
        let data = serde_json::to_value(JobEvent::Preview(event)).unwrap_or_default();
        *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(preview.clone());
        hub.set_preview(*render, preview);
        desk.send(TaskUpdate::Event(NewEvent { name: EventName::Preview, data }));
    }

    /// Stores the files.
    async fn save(&self, desk: &Desk, received: Received, completed: Completed) -> Result<Delivery, Failure> {
        lines::check_unmapped(self.max_unmapped, completed.unmapped_parts)?;
        let begun = Instant::now();
        desk.send(TaskUpdate::Finishing);
        desk.send(TaskUpdate::Step(StepName::OutputSave, StepPhase::Started { about: Map::new() }));
        say(desk, LogLevel::Info, "started".to_owned(), None, Json::Null);
        Failpoint::Store.pass();
        let unmapped = self.proposed(&completed).await;
        let made = provenance::of((&self.made_for, self.kind), &self.work.input, &self.request, &completed);
        let (db, store, scope) = (&self.place.db, &self.place.store, TenantScope::of(self.tenant));
        let storing = outputs::store(db, store, scope, &self.made_for, &self.formats, received, completed);
        let packed = storing.await.and_then(|mut stored| {
            let kept = std::mem::take(&mut stored.kept);
            let class = packages::class_of(self.made_for.job, self.class, &self.request)?;
            let packages = packages::of_result(&self.made_for, class, &made, kept)?;
            Ok((stored, packages))
        });
        let (stored, packages) = match packed {
            Ok(packed) => packed,
            Err(error) => return Err(fail_to_store(desk, error, begun.elapsed())),
        };
        let (duration_s, output) = (begun.elapsed().as_secs_f64(), stored.output());
        let context = Json::Object(output.clone());
        desk.send(TaskUpdate::Step(StepName::OutputSave, StepPhase::Done { duration_s, output }));
        say(desk, LogLevel::Info, format!("done in {duration_s:.3} s"), Some(duration_s), context);
        desk.send(TaskUpdate::Result(stored.document));
        let output = serde_json::to_value(&stored.result).unwrap_or_default();
        let mut files = stored.files;
        let movie = movie_of(&self.work.input.plan);
        // The files of all pictures together, not those of single ones.
        files.iter_mut().filter(|file| is_movie(&file.media_type)).for_each(|file| file.movie = movie);
        Ok(Delivery { output, files, packages, unmapped: Some(unmapped), cad: None })
    }

    /// The names without a material, with what is proposed for them. Without proposals, somebody asks for them later.
    async fn proposed(&self, completed: &Completed) -> Vec<ProposedPart> {
        let RenderHandler { db, store, settings, .. } = &self.place;
        let scope = TenantScope::of(self.tenant);
        let parts: Vec<UnmappedPart> = completed.unmapped.iter().cloned().map(Into::into).collect();
        let bare = |part| ProposedPart { part, proposals: Vec::new() };
        let proposed = async {
            let product = match self.made_for.line.filter(|_| !parts.is_empty()) {
                Some(line) => Some(orders::line(db, scope, None, line).await?.product),
                None => None,
            };
            proposals::propose((db, store, settings), scope, product, parts.clone()).await
        };
        proposed.await.unwrap_or_else(|error| {
            tracing::warn!("no materials are proposed for the unmapped parts of {}: {error}", self.made_for.job.id);
            parts.into_iter().map(bare).collect()
        })
    }
}

/// How long the movies of a turntable are.
fn movie_of(plan: &PicturePlan) -> Option<Movie> {
    let frames = plan.options.frame_count.filter(|_| plan.kind == Kind::Turntable)?;
    let fps = plan.options.fps.filter(|fps| *fps > 0)?;
    let duration_ms = i64::from(frames) * 1_000 / i64::from(fps);
    Some(Movie { frames: i32::try_from(frames).unwrap_or(i32::MAX), duration_ms })
}

/// Reports that files could not be stored, and gives the failure of the attempt.
pub(crate) fn fail_to_store(desk: &Desk, error: OutputError, duration: Duration) -> Failure {
    tracing::error!("the files cannot be stored: {error:?}");
    let failure = error.into_failure();
    let (duration_s, error) = (duration.as_secs_f64(), format!("{}: {}", failure.code, failure.detail));
    desk.send(TaskUpdate::Step(StepName::OutputSave, StepPhase::Failed { duration_s, error: error.clone() }));
    say(desk, LogLevel::Error, error, Some(duration_s), Json::Null);
    failure
}

/// Passes on what a worker reports of its steps, each under the name that it has in the job; other reports are left to
/// the caller.
pub(crate) fn say_step(desk: &Desk, event: WorkEvent, named: impl Fn(StepName) -> StepName) {
    match event {
        WorkEvent::Step(change) => desk.send(TaskUpdate::Step(named(change.step), change.change)),
        WorkEvent::Log(LogLine { step, level, message, duration_s, context }) => {
            let step_name = TaskKind::Step(named(step));
            desk.send(TaskUpdate::Log(NewLogRow { step_name, level, message, duration_s, context }));
        }
        _ => {}
    }
}

/// A line about storing files.
pub(super) fn say(desk: &Desk, level: LogLevel, message: String, duration_s: Option<f64>, context: Json) {
    say_of(desk, StepName::OutputSave, (level, message), duration_s, context);
}

/// A line about a step.
pub(crate) fn say_of(
    desk: &Desk,
    step: StepName,
    (level, message): (LogLevel, String),
    duration_s: Option<f64>,
    context: Json,
) {
    let step_name = TaskKind::Step(step);
    desk.send(TaskUpdate::Log(NewLogRow { step_name, level, message, duration_s, context }));
}
