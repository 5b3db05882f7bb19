//! A job other than a render: three tasks in a graph, with a handler and an effect of their own. The queue treats it as
//! it treats renders.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use packshot_db::effect::{Effect, Effects, Phase, Turn};
use packshot_db::jobs::{self as rows, Cancelling, Job, NewJob, NewTask};
use packshot_db::streams::{self, NewEvent};
use packshot_db::tasks::{self, Claimed, Delivery, LaneLimit, Task};
use packshot_db::{AllTenants, Db, DbError, TenantScope, Tx, installation};
use packshot_domain::audit::Actor;
use packshot_domain::document::StepStatus;
use packshot_domain::event::EventName;
use packshot_domain::id::{JobId, TaskId, UserId, WorkerId};
use packshot_domain::job::{JobKind, JobRef, JobState};
use packshot_domain::step::StepName;
use packshot_domain::stream::{StreamId, StreamKind};
use packshot_domain::task::{Chore, Lane, QueueName, SERVICE_DEATHS_MAX, TaskKind, TaskState};
use packshot_service::config::{Settings, Sources};
use packshot_service::jobs::handler::{Handler, Handlers, Outcome, Start, TaskUpdate};
use packshot_service::jobs::{self, QueueHandle, QueueParts, STALL_CHECK_EVERY};
use packshot_worker::protocol::{Failure, StepPhase};
use serde_json::{Map, json};
use tokio::sync::{Mutex, mpsc};
use uuid::Uuid;

use crate::place::TestDatabase;

const PATIENCE: Duration = Duration::from_secs(90);

/// The first task; the two others wait for it.
const READ: TaskKind = TaskKind::Step(StepName::ExtractMetadata);
/// Waits for the first.
const EXPORT: TaskKind = TaskKind::Step(StepName::OccGlbExport);
/// Waits for both, in another lane.
const COMPARE: TaskKind = TaskKind::Chore(Chore::Compare);

/// What a test tells a task to do.
#[derive(Debug)]
enum Order {
    Update(TaskUpdate),
    End(Outcome),
}

/// The test's end of a task that was started.
#[derive(Debug)]
struct Shift {
    kind: TaskKind,
    attempt: i32,
    spec: Option<serde_json::Value>,
    orders: mpsc::UnboundedSender<Order>,
}

impl Shift {
    fn order(&self, order: Order) {
        self.orders.send(order).expect("the task is running");
    }

    fn done(&self) {
        let delivery = Delivery { output: json!({"of": self.kind.as_str()}), ..Delivery::default() };
        self.order(Order::End(Outcome::Done(delivery)));
    }

    fn fail(&self, failure: Failure) {
        self.order(Order::End(Outcome::Failed(failure)));
    }
}

/// Hands control of every task to the test.
#[derive(Debug)]
struct Crew(mpsc::UnboundedSender<Shift>);

impl Handler for Crew {
    fn start<'t>(&'t self, claimed: &'t Claimed) -> BoxFuture<'t, Result<Start, Failure>> {
        let (orders, mut ordered) = mpsc::unbounded_channel();
        let (kind, attempt, spec) = (claimed.task.kind, claimed.task.attempt, claimed.input.spec.clone());
        self.0.send(Shift { kind, attempt, spec, orders }).expect("the test is running");
        Box::pin(async move {
            let spec = Some(json!({"frozen_at": attempt}));
            let work = Box::new(move |mut desk: jobs::handler::Desk| {
                Box::pin(async move {
                    loop {
                        tokio::select! {
                            order = ordered.recv() => match order {
                                Some(Order::Update(update)) => desk.send(update),
                                Some(Order::End(outcome)) => return outcome,
                                None => std::future::pending().await,
                            },
                            _ = desk.stopped() => return Outcome::Stopped,
                        }
                    }
                }) as BoxFuture<'static, Outcome>
            });
            Ok(Start { spec, work, until_written: None })
        })
    }
}

/// Writes what happens to tasks to the stream of a run.
#[derive(Clone, Copy, Debug)]
struct Diary;

impl Effect for Diary {
    fn apply<'t>(&'t self, tx: &'t Tx<'_>, turn: Turn<'t>) -> BoxFuture<'t, Result<(), DbError>> {
        Box::pin(async move {
            let phase = match turn.phase {
                Phase::Began => "began".to_owned(),
                Phase::Released => "released".to_owned(),
                Phase::Completed(delivery) => format!("completed {}", delivery.output["of"]),
                Phase::Rejected(delivery) => format!("rejected {}", delivery.output["of"]),
                Phase::Failed => "failed".to_owned(),
                Phase::Cancelled => "cancelled".to_owned(),
            };
            let data = json!({"task": turn.task.kind.as_str(), "phase": phase, "job": turn.state.as_str()});
            let stream = StreamId::new(StreamKind::Run, turn.job.record);
            tx.emit(turn.tenant, stream, NewEvent { name: EventName::Log, data });
            Ok(())
        })
    }
}

/// A queue with two lanes.
struct Yard {
    db: Db,
    scope: TenantScope,
    user: UserId,
    queue: QueueHandle,
    shifts: Mutex<mpsc::UnboundedReceiver<Shift>>,
    _folder: tempfile::TempDir,
}

impl Yard {
    async fn open(engine: &TestDatabase) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = engine.fresh(folder.path()).await.expect("a database");
        let effects = Effects::default().with(JobKind::Design, Diary);
        let db = Db::open_with(&config, effects).await.expect("it opens");
        let installed = installation::get(&db, AllTenants::Instance).await.expect("prepared");
        let data = ("PACKSHOT_DATA".to_owned(), folder.path().display().to_string());
        let sources = Sources { variables: [data].into(), ..Sources::default() };
        let (sender, shifts) = mpsc::unbounded_channel();
        let crew = Arc::new(Crew(sender));
        let lane = |queue| (queue, Lane::of_queue(queue), LaneLimit::OfQueue);
        let handlers = Handlers::default().with(lane(QueueName::Convert), &[READ, EXPORT], crew.clone()).with(
            lane(QueueName::Housekeeping),
            &[COMPARE],
            crew,
        );
        let queue = jobs::start(QueueParts {
            worker: WorkerId::new(),
            db: db.clone(),
            handlers,
            settings: Arc::new(Settings::from_sources(&sources).expect("settings")),
            stall_check_every: STALL_CHECK_EVERY,
            service_deaths_max: SERVICE_DEATHS_MAX,
        });
        let scope = TenantScope::of(installed.operating_tenant);
        Self { db, scope, user: installed.local_user, queue, shifts: Mutex::new(shifts), _folder: folder }
    }

    /// A job of three tasks: read, then export, then compare.
    async fn submit(&self) -> (JobRef, [TaskId; 3]) {
        let ids @ [read, export, compare] = [TaskId::new(), TaskId::new(), TaskId::new()];
        let task = |id, kind, queue, waits_for: &[TaskId]| NewTask {
            id,
            kind,
            queue,
            lane: Lane::of_queue(queue),
            priority: 0,
            kwargs: json!({"of": "the contract"}),
            spec: None,
            publishes: false,
            waits_for: waits_for.to_vec(),
        };
        let tasks = vec![
            task(read, READ, QueueName::Convert, &[]),
            task(export, EXPORT, QueueName::Convert, &[read]),
            task(compare, COMPARE, QueueName::Housekeeping, &[read, export]),
        ];
        let job = JobRef { id: JobId::new(), kind: JobKind::Design, record: Uuid::now_v7() };
        let new = NewJob {
            job,
            context: job.record,
            created_by: self.user,
            input_name: None,
            samples_target: 0,
            has_document: true,
            tasks,
        };
        let made = rows::create(&self.db, self.scope, new).await.expect("made");
        assert_eq!(made.state, JobState::Queued);
        (job, ids)
    }

    async fn next(&self) -> Shift {
        let mut shifts = self.shifts.lock().await;
        tokio::time::timeout(PATIENCE, shifts.recv()).await.expect("a task starts").expect("the queue is running")
    }

    async fn task(&self, id: TaskId) -> Task {
        tasks::get(&self.db, self.scope, id).await.expect("there").task
    }

    async fn job(&self, job: JobRef) -> Job {
        rows::get(&self.db, self.scope, job.id).await.expect("there")
    }

    async fn until(&self, job: JobRef, state: JobState) -> Job {
        let begun = Instant::now();
        loop {
            let now = self.job(job).await;
            if now.state == state {
                return now;
            }
            assert!(begun.elapsed() < PATIENCE, "{now:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn states(&self, tasks: [TaskId; 3]) -> [TaskState; 3] {
        let mut states = [TaskState::Waiting; 3];
        for (state, id) in states.iter_mut().zip(tasks) {
            *state = self.task(id).await.state;
        }
        states
    }

    /// What the effect wrote: kinds of tasks and their phases.
    async fn diary(&self, job: JobRef) -> Vec<String> {
        let stream = StreamId::new(StreamKind::Run, job.record);
        let events = streams::after(&self.db, self.scope, stream, 0, 100).await.expect("read");
        let text = |event: streams::Event| {
            let member = |name: &str| event.data[name].as_str().expect("text").to_owned();
            format!("{} {}, job {}", member("task"), member("phase"), member("job"))
        };
        events.into_iter().map(text).collect()
    }
}

fn step(name: StepName, phase: StepPhase) -> Order {
    Order::Update(TaskUpdate::Step(name, phase))
}

cases! {
    async fn a_graph_goes_from_task_to_task(engine) {
        let yard = Yard::open(&engine).await;
        let (job, tasks @ [read, export, _]) = yard.submit().await;
        let first = yard.next().await;
        assert_eq!((first.kind, first.attempt, &first.spec), (READ, 1, &None));
        first.order(step(StepName::ExtractMetadata, StepPhase::Started { about: Map::new() }));
        first.order(step(StepName::ExtractMetadata, StepPhase::Done { duration_s: 0.1, output: Map::new() }));
        first.done();
        let second = yard.next().await;
        assert_eq!(second.kind, EXPORT);
        assert_eq!(yard.states(tasks).await, [TaskState::Completed, TaskState::Running, TaskState::Waiting]);
        // A fault of the infrastructure: the task is tried again, with the spec frozen at the first attempt.
        second.fail(Failure::infrastructure("device_lost", "the device is gone"));
        while yard.task(export).await.state != TaskState::Queued {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        yard.db.move_clock(6_000);
        let again = yard.next().await;
        assert_eq!((again.kind, again.attempt, &again.spec), (EXPORT, 2, &Some(json!({"frozen_at": 1}))));
        again.done();
        let last = yard.next().await;
        assert_eq!(last.kind, COMPARE, "after both before it have completed, and in its own lane");
        last.done();
        let ended = yard.until(job, JobState::Completed).await;
        assert_eq!((ended.progress.progress_pct, ended.error), (100.0, None));
        let document = ended.document.expect("a document");
        let steps: Vec<_> = document.steps.iter().map(|step| (step.name, step.task_id, step.status)).collect();
        assert_eq!(steps, [(StepName::ExtractMetadata, Some(read), StepStatus::Done)], "R87: with its task");
        let expected = [
            "extract_metadata began, job running",
            "extract_metadata completed \"extract_metadata\", job running",
            "occ_glb_export began, job running",
            "occ_glb_export released, job running",
            "occ_glb_export began, job running",
            "occ_glb_export completed \"occ_glb_export\", job running",
            "compare began, job completed",
            "compare completed \"compare\", job completed",
        ];
        assert_eq!(yard.diary(job).await, expected, "once each, in the order of the commits");
        let stream = streams::after(&yard.db, yard.scope, job.stream().expect("a stream"), 0, 100).await.expect("read");
        let ends = stream.iter().filter(|event| event.name.is_terminal()).count();
        assert_eq!((ends, stream.last().map(|event| event.name)), (1, Some(EventName::Completed)));
    }

    async fn what_waits_for_a_failed_task_ends_and_comes_back_with_it(engine) {
        let yard = Yard::open(&engine).await;
        let (job, tasks @ [read, _, compare]) = yard.submit().await;
        yard.next().await.fail(Failure::new(packshot_domain::task::FaultKind::Input, "step.broken", "the file is broken"));
        let failed = yard.until(job, JobState::Failed).await;
        assert_eq!(failed.error.map(|error| error.code), Some("step.broken".to_owned()), "the error of the first task in the graph");
        assert_eq!(yard.states(tasks).await, [TaskState::Failed, TaskState::Cancelled, TaskState::Cancelled]);
        let orphan = yard.task(compare).await.error.expect("a reason");
        assert_eq!(orphan.code, "upstream_failed");
        let refused = tasks::requeue(&yard.db, yard.scope, Actor::system(), compare).await;
        assert!(matches!(refused, Err(DbError::State(_))), "only a task that failed can be requeued");
        tasks::requeue(&yard.db, yard.scope, Actor::system(), read).await.expect("it failed");
        assert_eq!(yard.states(tasks).await[1..], [TaskState::Waiting; 2], "they wait again");
        for kind in [READ, EXPORT, COMPARE] {
            let shift = yard.next().await;
            assert_eq!((shift.kind, shift.attempt), (kind, 1));
            shift.done();
        }
        yard.until(job, JobState::Completed).await;
    }

    async fn a_cancelled_job_stops_what_runs_and_starts_nothing(engine) {
        let yard = Yard::open(&engine).await;
        let (job, tasks) = yard.submit().await;
        yard.next().await.done();
        let _running = yard.next().await;
        let cancelling = rows::request_cancel(&yard.db, yard.scope, job).await.expect("there");
        assert!(matches!(cancelling, Cancelling::Requested(_)));
        yard.queue.cancel(tasks[1]);
        let cancelled = yard.until(job, JobState::Cancelled).await;
        assert!(cancelled.cancel_requested_at.is_some() && cancelled.error.is_none());
        assert_eq!(yard.states(tasks).await, [TaskState::Completed, TaskState::Cancelled, TaskState::Cancelled]);
        let diary = yard.diary(job).await;
        assert!(diary.contains(&"compare cancelled, job running".to_owned()), "{diary:?}");
        assert_eq!(diary.last().map(String::as_str), Some("occ_glb_export cancelled, job cancelled"));
    }

    async fn a_task_whose_service_dies_is_released_with_its_job(engine) {
        let yard = Yard::open(&engine).await;
        let (job, [read, ..]) = yard.submit().await;
        let lost = yard.next().await;
        // The note that it began renews the lease, and may come after the clock was moved: then it is moved again.
        let mut reaped = Vec::new();
        for _ in 0..3 {
            yard.db.move_clock(31_000);
            reaped = tasks::reap_expired(&yard.db, AllTenants::Housekeeping, Vec::new()).await.expect("looked");
            if !reaped.is_empty() {
                break;
            }
        }
        assert_eq!(reaped.len(), 1);
        lost.done();
        yard.db.move_clock(6_000);
        let again = yard.next().await;
        assert_eq!((again.kind, again.attempt), (READ, 2), "reports of the first attempt are refused");
        assert_eq!(yard.task(read).await.failures.service_deaths, 1);
        let diary = yard.diary(job).await;
        assert_eq!(diary.iter().filter(|line| line.starts_with("extract_metadata completed")).count(), 0, "{diary:?}");
    }
}
