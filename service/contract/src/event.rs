//! Events of jobs and orders, as a stream sends and a table keeps them.

use packshot_domain::event::EventName;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::document::StepStatus;
use super::job::{JobSource, JobState};
use super::order::{OrderStatus, RenderStatus};
use super::review::{FixStatus, FixVerdict, ReviewStatus};
use super::scalar::Time;
use super::workflow::{NodeStatus, RunStatus};

/// What happened to a job, with what a client needs to follow it.
///
/// [`JobEvent::name`] is the event's type in a stream, its JSON the part of the data that is its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum JobEvent {
    /// `job.step`: a step began or ended.
    Step(StepEvent),
    /// `job.progress`: samples were added. At most two per second.
    Progress(ProgressEvent),
    /// `job.preview`: there is a newer picture to look at.
    Preview(PreviewEvent),
    /// `job.log`: a line of the log.
    Log(LogEvent),
    /// `job.failed`: the end without a picture, or with one that breaks a rule of its preset.
    Failed(FailedEvent),
    /// `job.state`: the job is in another state.
    State(StateEvent),
    /// `job.completed`: the end; the files are there.
    Completed(EndEvent),
    /// `job.cancelled`: the end; it was cancelled.
    Cancelled(EndEvent),
}

/// Data of `job.state`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StateEvent {
    /// The new state.
    pub state: JobState,
}

/// Data of `job.step`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StepEvent {
    /// Name of the step.
    pub name: String,
    /// Its status now.
    pub status: StepStatus,
    /// Its duration in seconds, once it has ended.
    pub duration_s: Option<f64>,
}

/// Data of `job.progress`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProgressEvent {
    /// Progress, 0 to 100.
    pub progress_pct: f64,
    /// Samples so far of each pixel that is still sampled.
    pub samples_done: u32,
    /// Samples per pixel at most.
    pub samples_target: u32,
    /// Estimate of the seconds left.
    pub eta_s: Option<f64>,
}

/// Data of `job.preview`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewEvent {
    /// Its URL.
    pub url: String,
    /// Changes with each preview.
    pub etag: String,
    /// Samples per pixel in it.
    pub samples_done: u32,
}

/// Data of `job.log`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogEvent {
    /// The step that wrote the line; empty outside of steps.
    pub step_name: String,
    /// Its level.
    pub level: LogLevel,
    /// The text, on one line.
    pub message: String,
}

words! {
    /// Level of a line of the log.
    pub enum LogLevel = packshot_domain::event::LogLevel {
        /// Worth knowing.
        Info = "info",
        /// The picture may not be what was meant.
        Warning = "warning",
        /// Something failed.
        Error = "error",
    }
}

/// Data of `job.failed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailedEvent {
    /// Always `failed`.
    pub state: JobState,
    /// Stable and machine-readable.
    pub code: String,
    /// For people.
    pub detail: String,
}

/// Data of `job.completed` and `job.cancelled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndEvent {
    /// The last state.
    pub state: JobState,
}

impl JobEvent {
    /// The event's type in a stream.
    pub fn name(&self) -> &'static str {
        self.event_name().as_str()
    }

    fn event_name(&self) -> EventName {
        match self {
            Self::State(_) => EventName::State,
            Self::Step(_) => EventName::Step,
            Self::Progress(_) => EventName::Progress,
            Self::Preview(_) => EventName::Preview,
            Self::Log(_) => EventName::Log,
            Self::Completed(_) => EventName::Completed,
            Self::Failed(_) => EventName::Failed,
            Self::Cancelled(_) => EventName::Cancelled,
        }
    }

    /// Whether none follows.
    pub fn is_terminal(&self) -> bool {
        self.event_name().is_terminal()
    }
}

/// Data of `order.status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderStatusEvent {
    /// The order.
    pub order_id: Uuid,
    /// Its new state.
    pub status: OrderStatus,
}

/// Data of `line.status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineStatusEvent {
    /// The line.
    pub line_id: Uuid,
    /// Its new state.
    pub render_status: RenderStatus,
}

/// Data of `run.status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunStatusEvent {
    /// Its new state.
    pub status: RunStatus,
    /// Why it failed.
    pub error_message: Option<String>,
}

/// Data of `node.status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NodeStatusEvent {
    /// The node.
    pub node_name: String,
    /// Its step.
    pub step: String,
    /// Its new state.
    pub status: NodeStatus,
    /// What it says of its work.
    #[schema(value_type = Object)]
    pub output: Value,
    /// Why it failed.
    pub error: Option<String>,
}

/// Data of `review.updated`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReviewUpdatedEvent {
    /// The review.
    pub review_id: Uuid,
    /// Its state.
    pub status: ReviewStatus,
    /// Its version.
    pub state_version: i64,
}

/// Data of `fix.updated`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FixUpdatedEvent {
    /// The fix.
    pub fix_id: Uuid,
    /// Its state.
    pub status: FixStatus,
    /// When it was first tried, or said to have been.
    pub applied_at: Option<Time>,
    /// The outcome that a check of the pictures suggests.
    pub ai_outcome: Option<FixVerdict>,
}

/// Whether no event follows one of this type.
pub fn is_terminal(name: &str) -> bool {
    <EventName as packshot_words::Word>::by_word(name).is_some_and(EventName::is_terminal)
}

/// What an event of a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// Everything as it is now, with which a stream begins.
    Snapshot,
    /// What happened to a job, an order, an order line, a workflow run or a material review.
    Of(EventName),
}

impl EventType {
    /// Every type that the stream of a job has, in the order of the contract.
    pub fn all_of_jobs() -> impl Iterator<Item = Self> {
        Self::all().filter(|event| !matches!(event, Self::Of(name) if !name.is_of_job()))
    }

    /// Every type, in the order of the contract.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Snapshot).chain(EventName::ALL.iter().copied().map(Self::Of))
    }

    /// As a stream has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Of(name) => name.as_str(),
        }
    }
}

impl PartialSchema for EventType {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("What an event of a stream is."))
            .enum_values(Some(Self::all().map(Self::word)))
            .into()
    }
}

impl ToSchema for EventType {}

/// One event of a stream, by the names of its fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamEvent {
    /// The number of the last event that it contains: what `Last-Event-ID` takes. An event that is passed on from the
    /// stream of a job to another one has none.
    pub id: Option<String>,
    /// What it is; a later version may have more types.
    #[schema(value_type = EventType)]
    pub event: String,
    /// JSON: the resource of a snapshot, as GET has it; the `EventData` of everything else, in the stream of an order,
    /// a run or a review the `OrderEventData`; the `PassedOnData` of what is passed on.
    #[schema(content_media_type = "application/json")]
    pub data: String,
}

/// The data of an event in a stream: number, time, job, and the members of its type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventData {
    /// Its number in the stream; numbers only grow.
    pub seq: u64,
    /// When it happened.
    pub at: Time,
    /// The job.
    pub job_id: Uuid,
    /// Members of the event's type.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub own: Map<String, Value>,
}

/// The data of an event in the stream of an order, a run or a review: number, time, and the members of its type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrderEventData {
    /// Its number in the stream; numbers only grow.
    pub seq: u64,
    /// When it happened.
    pub at: Time,
    /// Members of the event's type.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub own: Map<String, Value>,
}

/// The data of an event that is passed on from the stream of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PassedOnData {
    /// When it happened.
    pub at: Time,
    /// The job; in the stream of an order the line that it is of.
    pub job_id: Uuid,
    /// What the job is of.
    pub source: JobSource,
    /// Members of the event's type.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub own: Map<String, Value>,
}
