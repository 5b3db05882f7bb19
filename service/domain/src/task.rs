//! Tasks: one piece of work under a lease. Their kinds, states, queues, leases, and when they are tried again. A task
//! knows its job and nothing above (render-jobs.md §7).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use packshot_words::Word;

use super::id::TaskId;
use super::job::JobRef;
use super::step::{StepName, log_line};
use super::words::{UnknownWord, words};

words! {
    /// State of a task.
    pub enum TaskState {
        /// Waits for tasks before it, and cannot be claimed
        Waiting = "waiting",
        /// Can be claimed, from a given time on
        Queued = "queued",
        /// A worker holds its lease
        Running = "running",
        /// Done
        Completed = "completed",
        /// Given up
        Failed = "failed",
        /// Ended because its job was cancelled, or because a task before it did not complete
        Cancelled = "cancelled",
    }
}

words! {
    /// What happens to a task.
    pub enum TaskEvent {
        /// The last task that it waits for has completed
        Unblock = "unblock",
        /// A task that it waits for failed or was cancelled
        Orphan = "orphan",
        /// The task because of which it was cancelled is requeued: it waits again
        Await = "await",
        /// A worker takes it
        Claim = "claim",
        /// Its worker delivered the result
        Finish = "finish",
        /// It cannot be done, or has been tried often enough
        Fail = "fail",
        /// Its job is cancelled. While it runs, this is only a mark; its worker then stops
        Cancel = "cancel",
        /// Its worker has stopped because of the mark
        Stop = "stop",
        /// Its worker is lost, gave it back, or will try again later
        Release = "release",
        /// It is requeued after it failed, with fresh attempts
        Requeue = "requeue",
    }
}

words! {
    /// What kind of work a task is for.
    pub enum QueueName {
        /// Pictures
        Render = "render" | "thumbnail_rendering",
        /// Conversions of CAD files
        Convert = "convert" | "step_processing",
        /// Work asked for by a request, and comparisons
        Housekeeping = "housekeeping",
    }
}

words! {
    /// The kind of an error, which decides whether trying again can help.
    pub enum FaultKind {
        /// The request or its files: fails at once, as it would each time
        Input = "input",
        /// A worker, device or storage that was lost: tried again
        Infrastructure = "infrastructure",
    }
}

words! {
    /// Work of the service itself, which is not a step of a workflow.
    pub enum Chore {
        /// Renders the layers of a design
        RenderDesign = "render_design",
        /// Stores a design
        StoreDesign = "store_design",
        /// Compares two results
        Compare = "compare",
        /// Delivers a webhook
        DeliverWebhook = "deliver_webhook",
        /// Lets go of packages that are due or abandoned, and removes objects that nothing names
        Collect = "collect",
        /// Makes the views of artifacts again from their log, to compare them or to put them in place
        Replay = "replay",
        /// Reads stored files and compares them with their addresses
        Scrub = "scrub",
        /// Puts the parts of a picture together
        Merge = "merge",
    }
}

/// What a task does: the contract's `task_name`, and what its lines of the log begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TaskKind {
    /// A step of a workflow that is queued.
    Step(StepName),
    /// Work of the service's own.
    Chore(Chore),
}

impl TaskKind {
    /// The one spelling that is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Step(step) => step.as_str(),
            Self::Chore(chore) => chore.as_str(),
        }
    }

    /// A line of the log about a task of this kind, or about a step. It stays one line.
    #[must_use]
    pub fn log_line(self, message: &str) -> String {
        log_line(self.as_str(), message)
    }
}

impl fmt::Display for TaskKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TaskKind {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let step = StepName::by_word(word).map(Self::Step);
        let kind = step.or_else(|| Chore::by_word(word).map(Self::Chore));
        kind.ok_or_else(|| {
            let expected = [StepName::list(), Chore::list()].join(", ");
            UnknownWord { expected, ..UnknownWord::of::<StepName>(word) }
        })
    }
}

/// The executor of a task: the built-in renderer, an external executor by its name, the converter … Each lane is
/// claimed separately, so that a full or broken lane does not block the others.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane(String);

/// Text that is not the name of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a lane is 1 to 64 characters of a-z, 0-9, '_' and '-'")]
pub struct InvalidLane;

impl Lane {
    /// The lane with this name.
    ///
    /// # Errors
    ///
    /// [`InvalidLane`] unless it is 1 to 64 characters of `a-z`, `0-9`, `_` and `-`.
    pub fn new(name: &str) -> Result<Self, InvalidLane> {
        let is_fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        let is_valid = (1..=64).contains(&name.len()) && name.chars().all(is_fit);
        if is_valid { Ok(Self(name.to_owned())) } else { Err(InvalidLane) }
    }

    /// Packshot's own renderer.
    #[must_use]
    pub fn builtin() -> Self {
        Self("builtin".to_owned())
    }

    /// The lane for everything in a queue that has no lane of its own.
    #[must_use]
    pub fn of_queue(queue: QueueName) -> Self {
        match queue {
            QueueName::Render => Self::builtin(),
            QueueName::Convert | QueueName::Housekeeping => Self(queue.as_str().to_owned()),
        }
    }

    /// The lane for deliveries to webhooks, which wait for other systems.
    #[must_use]
    pub fn webhooks() -> Self {
        Self("webhooks".to_owned())
    }

    /// Whether it is Packshot's own renderer.
    #[must_use]
    pub fn is_builtin(&self) -> bool {
        *self == Self::builtin()
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An event that is impossible in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{event}' is not possible for a task that is {from}")]
pub struct StateError {
    /// The state it is in.
    pub from: TaskState,
    /// The event.
    pub event: TaskEvent,
}

impl TaskState {
    /// Whether nothing follows but a requeue.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// The state after `event`.
    ///
    /// # Errors
    ///
    /// [`StateError`] when the event is impossible in this state.
    pub const fn next(self, event: TaskEvent) -> Result<Self, StateError> {
        use TaskEvent as E;
        Ok(match (self, event) {
            (Self::Waiting, E::Unblock) | (Self::Running, E::Release) | (Self::Failed, E::Requeue) => Self::Queued,
            (Self::Queued, E::Claim) => Self::Running,
            (Self::Running, E::Finish) => Self::Completed,
            (Self::Waiting | Self::Queued | Self::Running, E::Fail) => Self::Failed,
            (Self::Waiting, E::Orphan) | (Self::Waiting | Self::Queued, E::Cancel) | (Self::Running, E::Stop) => {
                Self::Cancelled
            }
            (Self::Running | Self::Completed | Self::Failed | Self::Cancelled, E::Cancel) => self,
            (Self::Cancelled, E::Await) => Self::Waiting,
            _ => return Err(StateError { from: self, event }),
        })
    }
}

/// 128 random bits, drawn at a claim. Never a counter: after a failover that lost commits, a counter would be given out
/// twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LeaseToken([u8; 16]);

impl LeaseToken {
    /// A unique token.
    ///
    /// # Panics
    ///
    /// When the operating system gives no random bits: then nothing that is secret can be made either.
    #[must_use]
    pub fn random() -> Self {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits).expect("the operating system gives random bits");
        Self(bits)
    }

    /// The token with these bits.
    #[must_use]
    pub const fn from_bytes(bits: [u8; 16]) -> Self {
        Self(bits)
    }

    /// Its bits.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Debug for LeaseToken {
    /// Only the first bits, because all of them together give the right to report.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}{:02x}…", self.0[0], self.0[1])
    }
}

/// The right to report about a task. A worker with another token has lost it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The task.
    pub task: TaskId,
    /// Its job, unless it has none.
    pub job: Option<JobRef>,
    /// The token that was drawn when this lease was given.
    pub token: LeaseToken,
}

/// How long a lease lasts unless it is renewed.
pub const LEASE: Duration = Duration::from_secs(30);

/// How often a worker renews its lease.
pub const LEASE_RENEWAL: Duration = Duration::from_secs(10);

/// Why an attempt ended without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The work itself failed, or what computed it died: whose fault that is decides.
    Fault(FaultKind),
    /// The service that held its lease ended without returning it.
    ServiceLost,
}

/// How often the attempts at a task have failed, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// By faults of the infrastructure, deaths of a worker among them.
    pub faults: i32,
    /// By deaths of the service.
    pub service_deaths: i32,
}

/// How often, and after which waits, a task is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many attempts may end by faults of the infrastructure; the last of them fails the task.
    pub faults_max: i32,
    /// How many may end by deaths of the service.
    pub service_deaths_max: i32,
    /// The wait after the first, second … failed attempt; the last one holds for all that follow.
    pub waits: [Duration; 2],
}

/// Deaths of the service that a task survives, where work runs in processes of its own: the work cannot have been the
/// cause, but a task that was running at each of this many deaths is no longer trusted.
pub const SERVICE_DEATHS_MAX: i32 = 10;

/// Deaths of the service that a task survives, where work runs in the service's own process, and so may have been the
/// cause.
pub const SERVICE_DEATHS_MAX_INLINE: i32 = 3;

impl Default for RetryPolicy {
    fn default() -> Self {
        let waits = [Duration::from_secs(5), Duration::from_secs(30)];
        Self { faults_max: 3, service_deaths_max: SERVICE_DEATHS_MAX, waits }
    }
}

impl RetryPolicy {
    /// How long to wait before the next attempt, when the last one of `failures` was by `cause`; `None` when there is
    /// none.
    #[must_use]
    pub fn wait_after(&self, failures: Failures, cause: Cause) -> Option<Duration> {
        let (count, max) = match cause {
            Cause::Fault(FaultKind::Input) => return None,
            Cause::Fault(FaultKind::Infrastructure) => (failures.faults, self.faults_max),
            Cause::ServiceLost => (failures.service_deaths, self.service_deaths_max),
        };
        let wait = usize::try_from(count - 1).unwrap_or(0).min(self.waits.len() - 1);
        (count < max).then(|| self.waits[wait])
    }
}

#[cfg(test)]
mod tests;
