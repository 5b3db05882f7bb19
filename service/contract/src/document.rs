//! The render job document: the single source for the progress of a render.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::job::JobState;
use super::scalar::Time;

mod convert;

/// Version of the document's format.
pub const VERSION: u32 = 1;

words! {
    /// Where a step stands.
    pub enum StepStatus = packshot_domain::document::StepStatus {
        /// A worker is at it.
        Running = "running",
        /// It did what it had to.
        Done = "done",
        /// It ended with an error.
        Failed = "failed",
        /// There was nothing to do.
        Skipped = "skipped",
    }
}

/// A render job document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Document {
    /// Always 1.
    pub version: u32,
    /// The render.
    pub job_id: Uuid,
    /// When the render was accepted.
    pub created_at: Time,
    /// State of the render.
    pub state: JobState,
    /// Its task.
    pub task_id: Option<Uuid>,
    /// The same, under the name of the reference system.
    pub celery_task_id: Option<Uuid>,
    /// Attempts so far, this one included.
    pub attempt: u32,
    /// The worker of this attempt.
    pub worker_id: Option<String>,
    /// Process id of an external executor.
    pub pid: Option<u32>,
    /// One record per step and attempt, in order.
    pub steps: Vec<Step>,
    /// Why it failed, one reason per line.
    pub error: Option<String>,
    /// Its result, in short.
    pub result: Option<DocumentResult>,
}

/// Record of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// Name of the step.
    pub name: String,
    /// Its status.
    pub status: StepStatus,
    /// The task that ran it; `null` for work done before there was a task.
    pub task_id: Option<Uuid>,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    pub completed_at: Option<Time>,
    /// Duration in seconds.
    pub duration_s: Option<f64>,
    /// What it reports about its work.
    #[schema(value_type = Object)]
    pub output: Map<String, Value>,
    /// Graphics interface of the device; only for the step that renders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_type: Option<String>,
    /// What renders; only for the step that renders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Samples per pixel, at most; only for the step that renders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u32>,
}

/// Result of a render, in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DocumentResult {
    /// Name of the first file.
    pub output_path: String,
    /// Seconds from the start of the attempt to its end.
    pub duration_s: f64,
    /// Renderer: `path_tracer`.
    pub engine_used: String,
    /// Name of the device.
    pub gpu: String,
    /// Details of the device.
    pub gpu_info: GpuInfo,
}

/// The device that rendered, and why it was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GpuInfo {
    /// Its name.
    pub device: String,
    /// `VULKAN` and the like, `CPU` for the processor.
    pub backend: String,
    /// `gpu` or `cpu`.
    pub used: String,
    /// Why the processor rendered although a GPU was asked for.
    pub fallback_reason: Option<String>,
}
