//! Handlers of kinds of tasks: how a task becomes work, what the work reports, and how it ends.

use std::any::Any;
use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use packshot_db::Json;
use packshot_db::cad_files::Attempt;
use packshot_db::log::NewLogRow;
use packshot_db::streams::NewEvent;
use packshot_db::tasks::{Claimed, Delivery, LaneLimit};
use packshot_domain::document::DocumentResult;
use packshot_domain::step::StepName;
use packshot_domain::task::{Lane, QueueName, TaskKind};
use packshot_worker::protocol::{Failure, StepPhase, WorkProgress};

/// Makes work of tasks.
pub trait Handler: Debug + Send + Sync {
    /// Reads the facts that an attempt needs, makes or loads its spec, and makes the work.
    ///
    /// # Errors
    /// Why the work cannot be made.
    fn start<'t>(&'t self, claimed: &'t Claimed) -> BoxFuture<'t, Result<Start, Failure>>;

    /// How many works hold a thread or a process, including abandoned ones that are still running.
    fn live(&self) -> usize {
        0
    }
}

/// An attempt that is about to begin.
pub struct Start {
    /// What it computes, if that is not frozen yet; every later attempt gets the same.
    pub spec: Option<Json>,
    /// What does it.
    pub work: Work,
    /// What must live until the end of the attempt is written.
    pub until_written: Option<Box<dyn Any + Send + Sync>>,
}

impl Start {
    /// It cannot be done yet: it is put back, and handed out again after this time.
    pub fn deferred(wait: Duration) -> Self {
        let work = Box::new(move |_| {
            Box::pin(async move { Outcome::Deferred(Wait::For(wait)) }) as BoxFuture<'static, Outcome>
        });
        Self { spec: None, work, until_written: None }
    }
}

/// Does one attempt. When it is given up, it is dropped at whatever point it has reached.
pub type Work = Box<dyn FnOnce(Desk) -> BoxFuture<'static, Outcome> + Send>;

/// How an attempt ended.
#[derive(Debug)]
pub enum Outcome {
    /// With a result. Its files are in the store.
    Done(Delivery),
    /// With a result that is not what was asked for: the task fails, and the result is kept. Its files are in the
    /// store.
    Rejected(Delivery, Failure),
    /// Without one.
    Failed(Failure),
    /// It was asked to stop, and did.
    Stopped,
    /// Without one, and it is tried again after this time, unless it has been tried often enough.
    Again(Failure, Duration),
    /// It cannot be done now: the task goes back without having used an attempt.
    Deferred(Wait),
}

/// When a task that was put back is handed out again.
#[derive(Clone, Copy, Debug)]
pub enum Wait {
    /// After this time, or when what it waits for says so.
    For(Duration),
    /// When the task has ended that is at the CAD file of this attempt, and after this time at the latest.
    ForFile(Attempt, Duration),
}

/// What a task reports while it runs.
#[derive(Clone, Debug)]
pub enum TaskUpdate {
    /// The process id of the program that does it.
    Pid(u32),
    /// What computes.
    Device(Json),
    /// A step of the job's document changed.
    Step(StepName, StepPhase),
    /// A step is not needed, for this reason.
    Skipped(StepName, String),
    /// A line of the log.
    Log(NewLogRow),
    /// Its progress.
    Progress(WorkProgress),
    /// One of several parts is finished: a sign that the work goes on.
    WentOn,
    /// An event for the job's stream.
    Event(NewEvent),
    /// The entry about the result in the document.
    Result(DocumentResult),
    /// What the attempt has come to, for the record that a task without a job is made for.
    Found(Json),
    /// The rest is short and is no longer interrupted.
    Finishing,
}

/// Where a work sends its reports, and learns when it is to stop.
#[derive(Debug)]
pub struct Desk {
    updates: UnboundedSender<TaskUpdate>,
    stop: watch::Receiver<Option<StopReason>>,
}

/// Sends reports of a work.
#[derive(Clone, Debug)]
pub struct Teller(UnboundedSender<TaskUpdate>);

impl Teller {
    /// Sends a report. It goes nowhere if the work was given up.
    pub fn send(&self, update: TaskUpdate) {
        drop(self.0.send(update));
    }
}

/// Why a work is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The service stops: another attempt goes on with the task.
    GivenBack,
    /// Nobody wants the result any more.
    Cancelled,
    /// It has taken too long.
    Stalled,
}

impl Desk {
    /// Sends a report. It goes nowhere if the work was given up.
    pub fn send(&self, update: TaskUpdate) {
        drop(self.updates.send(update));
    }

    /// Sends reports from elsewhere.
    pub fn teller(&self) -> Teller {
        Teller(self.updates.clone())
    }

    /// Waits until the work is to stop.
    pub async fn stopped(&mut self) -> StopReason {
        let reason = self.stop.wait_for(Option::is_some).await.ok().and_then(|reason| *reason);
        match reason {
            Some(reason) => reason,
            None => std::future::pending().await,
        }
    }

    pub(super) fn new(updates: UnboundedSender<TaskUpdate>, stop: watch::Receiver<Option<StopReason>>) -> Self {
        Self { updates, stop }
    }
}

/// A lane, with the handlers of its tasks.
#[derive(Clone, Debug)]
pub(super) struct LaneOfHandlers {
    pub(super) queue: QueueName,
    pub(super) limit: LaneLimit,
    handlers: HashMap<TaskKind, Arc<dyn Handler>>,
}

/// All lanes that are claimed here, with their handlers.
#[derive(Clone, Default)]
pub struct Handlers(HashMap<Lane, LaneOfHandlers>);

impl Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

impl Handlers {
    /// These handlers, and one more for tasks of some kinds in a lane.
    #[must_use]
    pub fn with(
        mut self,
        (queue, lane, limit): (QueueName, Lane, LaneLimit),
        kinds: &[TaskKind],
        handler: Arc<dyn Handler>,
    ) -> Self {
        let empty = || LaneOfHandlers { queue, limit, handlers: HashMap::new() };
        let of_lane = self.0.entry(lane).or_insert_with(empty);
        of_lane.handlers.extend(kinds.iter().map(|kind| (*kind, Arc::clone(&handler))));
        self
    }

    /// Every lane that is claimed here.
    pub(super) fn lanes(&self) -> impl Iterator<Item = &Lane> {
        self.0.keys()
    }

    /// A lane.
    pub(super) fn lane(&self, lane: &Lane) -> Option<&LaneOfHandlers> {
        self.0.get(lane)
    }

    /// The handler of a kind of task in a lane.
    pub(super) fn of(&self, lane: &Lane, kind: TaskKind) -> Option<&Arc<dyn Handler>> {
        self.0.get(lane)?.handlers.get(&kind)
    }
}

impl LaneOfHandlers {
    /// How many works of the lane hold a thread or a process.
    pub(super) fn live(&self) -> usize {
        let mut counted: Vec<*const ()> = Vec::new();
        let handlers = self.handlers.values().filter(|handler| {
            let own = Arc::as_ptr(handler).cast();
            let is_new = !counted.contains(&own);
            counted.push(own);
            is_new
        });
        handlers.map(|handler| handler.live()).sum()
    }
}
