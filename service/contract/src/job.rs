//! A render job as a client sees it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use packshot_pipeline::plan::Kind;
use packshot_pipeline::plan::words::FileFormat;

use super::document::Document;
use super::request::RenderRequest;
use super::scalar::{Address, Time};

words! {
    /// Where a job stands.
    pub enum JobState = packshot_domain::job::JobState {
        /// Made, and waiting for something before it can be queued.
        Pending = "pending",
        /// Waiting for a worker.
        Queued = "queued",
        /// A worker is at it.
        Running = "running",
        /// Its files are there.
        Completed = "completed",
        /// It will not be done; `error` says why.
        Failed = "failed",
        /// It was cancelled.
        Cancelled = "cancelled",
    }
}

impl JobState {
    /// Whether nothing follows.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// A render job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// What is made.
    #[schema(schema_with = crate::request::kind_schema)]
    pub kind: Kind,
    /// Where it stands.
    pub state: JobState,
    /// Higher first.
    pub priority: i32,
    /// Its place among the tenant's jobs that wait, from 1; `null` when it does not wait.
    pub queue_position: Option<u64>,
    /// 0 to 100.
    pub progress_pct: f64,
    /// Samples that every pixel that still wants some has, of all pictures together.
    pub samples_done: u32,
    /// The most a pixel gets, of all pictures together.
    pub samples_target: u32,
    /// The request in effect, with every default.
    pub request: RenderRequest,
    /// Why it failed.
    pub error: Option<JobError>,
    /// What it left.
    pub result: Option<RenderResult>,
    /// Name of the device that renders or rendered it.
    pub device: Option<String>,
    /// When it was cancelled.
    pub cancel_requested_at: Option<Time>,
    /// When it was accepted.
    pub created_at: Time,
    /// When its last attempt began.
    pub started_at: Option<Time>,
    /// When it became terminal.
    pub completed_at: Option<Time>,
    /// How it is doing, step by step.
    pub document: Option<Document>,
    /// Where everything about it is.
    pub links: Links,
    /// Its task.
    pub task_id: Option<Uuid>,
    /// The same, under the name of the reference system.
    pub celery_task_id: Option<Uuid>,
    /// As the client sent it.
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobError {
    /// Stable and machine-readable; dotted when it comes from the renderer.
    pub code: String,
    /// For people.
    pub detail: String,
}

/// What a job left that completed, or failed because its pictures break a rule of their preset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RenderResult {
    /// Name of the first file.
    pub output_path: String,
    /// The files.
    pub files: Vec<ResultFile>,
    /// Seconds from the start of the attempt to its end.
    pub duration_s: f64,
    /// Mean samples per pixel.
    pub samples_mean: f64,
    /// The noise that is left, on the scale of `noise_threshold`; `null` where it was not measured.
    pub noise_reached: Option<f64>,
    /// Parts that nothing matched.
    pub unmapped_parts: u32,
    /// The files of an equal request answered this one.
    pub from_cache: bool,
}

/// A file that a job left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResultFile {
    /// Its name in the job.
    pub name: String,
    /// Its format.
    #[schema(schema_with = crate::request::file_format_schema)]
    pub format: FileFormat,
    /// Its content.
    pub file_hash: Address,
    /// Its size.
    pub size_bytes: u64,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Where it is.
    pub url: String,
}

/// Where everything about a job is, as paths of this server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Links {
    /// The job.
    #[serde(rename = "self")]
    pub own: String,
    /// Its events.
    pub events: String,
    /// Its latest preview.
    pub preview: String,
    /// POST cancels it.
    pub cancel: String,
    /// Material resolution and diagnostics.
    pub report: String,
    /// The first result file of each format asked for.
    pub results: std::collections::BTreeMap<String, String>,
}

words! {
    /// What a job is of.
    pub enum JobSource = packshot_domain::job::JobKind {
        /// A direct render.
        Render = "render",
        /// An order line.
        Line = "line",
        /// A shadow run beside a line.
        Shadow = "shadow",
        /// Work on a CAD file.
        Cad = "cad",
        /// A design on a product.
        Design = "design",
    }
}

/// The jobs that have not ended, with which a stream of all jobs begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveJobs {
    /// The newest thousand, newest first.
    pub items: Vec<LiveJob>,
    /// How many there are.
    pub total: u64,
}

/// A job that has not ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveJob {
    /// Its id.
    pub id: Uuid,
    /// What it is of.
    pub source: JobSource,
    /// Where it stands.
    pub state: JobState,
    /// 0 to 100.
    pub progress_pct: f64,
    /// Samples that every pixel that still wants some has, of all pictures together.
    pub samples_done: u32,
    /// The most a pixel gets, of all pictures together.
    pub samples_target: u32,
    /// When it was accepted.
    pub created_at: Time,
    /// Where it is; `null` for one that has no resource of its own.
    pub links: Option<LiveLinks>,
}

/// Where a job and its events are, as paths of this server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LiveLinks {
    /// The job.
    #[serde(rename = "self")]
    pub own: String,
    /// Its events.
    pub events: String,
}

/// Where the resource of a job is.
pub fn url(id: Uuid) -> String {
    format!("/api/v1/renders/{id}")
}

/// Where a file of a job is.
pub fn file_url(id: Uuid, name: &str) -> String {
    format!("{}/files/{name}", url(id))
}

/// Where the latest preview of a job is.
pub fn preview_url(id: Uuid) -> String {
    format!("{}/preview.png", url(id))
}

impl Links {
    /// Of a job that makes `formats`.
    pub fn new(id: Uuid, formats: &[FileFormat]) -> Self {
        let own = url(id);
        let result = |format: &FileFormat| (format.to_string(), format!("{own}/result.{format}"));
        Self {
            events: format!("{own}/events"),
            preview: preview_url(id),
            cancel: format!("{own}/cancel"),
            report: format!("{own}/report.json"),
            results: formats.iter().map(result).collect(),
            own,
        }
    }
}
