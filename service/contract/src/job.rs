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
    /// State of a job.
    pub enum JobState = packshot_domain::job::JobState {
        /// Created, but waiting for something else before it can be queued.
        Pending = "pending",
        /// Waiting for a worker.
        Queued = "queued",
        /// A worker is working on it.
        Running = "running",
        /// Its files are ready.
        Completed = "completed",
        /// It ended with an error; `error` says why.
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
    /// The tenant that it belongs to.
    pub tenant_id: Uuid,
    /// What is made.
    #[schema(schema_with = crate::request::kind_schema)]
    pub kind: Kind,
    /// Name of the file that the product was sent in; `null` if it was sent without a name, or named by its address.
    pub input_name: Option<String>,
    /// Its state.
    pub state: JobState,
    /// Higher goes first.
    pub priority: i32,
    /// Its place among the tenant's waiting jobs, from 1; `null` if it is not waiting.
    pub queue_position: Option<u64>,
    /// Progress, 0 to 100.
    pub progress_pct: f64,
    /// Samples so far of each pixel that is still sampled, over all pictures.
    pub samples_done: u32,
    /// Samples per pixel at most, over all pictures.
    pub samples_target: u32,
    /// The request in effect, including every default.
    pub request: RenderRequest,
    /// Why it failed.
    pub error: Option<JobError>,
    /// Its result.
    pub result: Option<RenderResult>,
    /// Name of the device that renders or rendered it.
    pub device: Option<String>,
    /// When it was cancelled.
    pub cancel_requested_at: Option<Time>,
    /// When it was accepted.
    pub created_at: Time,
    /// When its last attempt began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub completed_at: Option<Time>,
    /// Its steps so far.
    pub document: Option<Document>,
    /// Links to everything about it.
    pub links: Links,
    /// Its task.
    pub task_id: Option<Uuid>,
    /// The same, under the name of the reference system.
    pub celery_task_id: Option<Uuid>,
    /// The metadata that the client sent.
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobError {
    /// Stable and machine-readable; codes from the renderer have a dot.
    pub code: String,
    /// For people.
    pub detail: String,
    /// Place in the file: a part, a pointer, a byte; `null` if there is none.
    #[serde(default)]
    pub at: Option<String>,
    /// What to do about it; `null` where the code alone does not say it.
    #[serde(default)]
    pub help: Option<String>,
}

/// The result of a job that completed, or that failed because its pictures break a rule of their preset.
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
    /// Remaining noise, on the scale of `noise_threshold`; `null` if it was not measured.
    pub noise_reached: Option<f64>,
    /// Parts without a matching material.
    pub unmapped_parts: u32,
    /// Whether the files are those of an earlier, equal request.
    pub from_cache: bool,
}

/// A file of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResultFile {
    /// Its name.
    pub name: String,
    /// Its format.
    #[schema(schema_with = crate::request::file_format_schema)]
    pub format: FileFormat,
    /// Address of its content.
    pub file_hash: Address,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Its URL.
    pub url: String,
}

/// Links to everything about a job, as paths on this server.
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
    /// Its materials and findings.
    pub report: String,
    /// The first file of each format.
    pub results: std::collections::BTreeMap<String, String>,
}

words! {
    /// What a job was made for.
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

/// The jobs that have not ended: the snapshot of a stream of all jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveJobs {
    /// The newest 1000, newest first.
    pub items: Vec<LiveJob>,
    /// How many there are in all.
    pub total: u64,
}

/// A job that has not ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveJob {
    /// Its id.
    pub id: Uuid,
    /// What it was made for.
    pub source: JobSource,
    /// Its state.
    pub state: JobState,
    /// Progress, 0 to 100.
    pub progress_pct: f64,
    /// Samples so far of each pixel that is still sampled, over all pictures.
    pub samples_done: u32,
    /// Samples per pixel at most, over all pictures.
    pub samples_target: u32,
    /// When it was accepted.
    pub created_at: Time,
    /// Links to the job; `null` for a job without a resource of its own.
    pub links: Option<LiveLinks>,
}

/// Links to a job and its events, as paths on this server.
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
