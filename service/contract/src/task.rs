//! A task of a queue as a client sees it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::job::JobError;
use super::scalar::Time;

words! {
    /// Where a task stands.
    pub enum TaskState = packshot_domain::task::TaskState {
        /// Other tasks come first.
        Waiting = "waiting",
        /// Free to be claimed.
        Queued = "queued",
        /// A worker holds it.
        Running = "running",
        /// It did what it had to.
        Completed = "completed",
        /// It will not be tried again.
        Failed = "failed",
        /// It was cancelled.
        Cancelled = "cancelled",
    }
}

words! {
    /// The queues.
    pub enum Queue = packshot_domain::task::QueueName {
        /// What needs a device.
        Render = "render",
        /// Conversion of files.
        Convert = "convert",
        /// Work asked for by a request, and comparisons.
        Housekeeping = "housekeeping",
    }
}

/// A task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Task {
    /// Its id.
    pub id: Uuid,
    /// The same, under its common name.
    pub task_id: Uuid,
    /// The same, under the name of the reference system.
    pub celery_task_id: Uuid,
    /// What it does: `render_still`.
    pub task_name: String,
    /// The job that it is part of.
    pub job_id: Option<Uuid>,
    /// Where it waits.
    pub queue: Queue,
    /// Who does it: `builtin`, or an executor by its name.
    pub lane: String,
    /// The object it works on.
    #[schema(value_type = Vec<String>)]
    pub args: Vec<Value>,
    /// Everything else it was given.
    #[schema(value_type = Object)]
    pub kwargs: Map<String, Value>,
    /// Where it stands.
    pub state: TaskState,
    /// Tasks of the same job that must complete before it begins.
    pub waits_for: Vec<Uuid>,
    /// Attempts so far.
    pub attempt: u32,
    /// Attempts that may fail. Those that a death of the service ended are counted apart.
    pub max_attempts: u32,
    /// Who holds it.
    pub worker_id: Option<String>,
    /// Until when, unless renewed.
    pub lease_expires_at: Option<Time>,
    /// 0 to 100.
    pub progress_pct: f64,
    /// Why it failed.
    pub error: Option<JobError>,
    /// When it was made.
    pub created_at: Time,
    /// When its last attempt began.
    pub started_at: Option<Time>,
    /// When it became terminal.
    pub completed_at: Option<Time>,
}

/// A page of tasks, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TaskPage {
    /// The tasks.
    pub items: Vec<Task>,
    /// Where the next page begins; `null` on the last.
    pub next_cursor: Option<String>,
}
