//! A task of a queue as a client sees it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::job::JobError;
use super::scalar::Time;

words! {
    /// State of a task.
    pub enum TaskState = packshot_domain::task::TaskState {
        /// Waiting for other tasks.
        Waiting = "waiting",
        /// Ready to be taken by a worker.
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
    /// The tenant that it belongs to.
    pub tenant_id: Uuid,
    /// The same as `id`, under its common name.
    pub task_id: Uuid,
    /// The same as `id`, under the name of the reference system.
    pub celery_task_id: Uuid,
    /// What it does, such as `render_still`.
    pub task_name: String,
    /// The job that it belongs to.
    pub job_id: Option<Uuid>,
    /// The queue in which it waits.
    pub queue: Queue,
    /// Who does it: `builtin`, or the name of an executor.
    pub lane: String,
    /// The object that it works on.
    #[schema(value_type = Vec<String>)]
    pub args: Vec<Value>,
    /// All its other parameters.
    #[schema(value_type = Object)]
    pub kwargs: Map<String, Value>,
    /// Its state.
    pub state: TaskState,
    /// Tasks of the same job that must complete first.
    pub waits_for: Vec<Uuid>,
    /// Attempts so far.
    pub attempt: u32,
    /// Attempts that may fail. Attempts that ended because the service died are counted separately.
    pub max_attempts: u32,
    /// The worker that holds it.
    pub worker_id: Option<String>,
    /// When the lease ends, unless it is renewed.
    pub lease_expires_at: Option<Time>,
    /// Progress, 0 to 100.
    pub progress_pct: f64,
    /// Why it failed.
    pub error: Option<JobError>,
    /// What it came to, of a task without a job: members as its `task_name` has them. `null` until it has completed.
    #[schema(value_type = Option<Object>)]
    pub result: Option<Map<String, Value>>,
    /// When it was created.
    pub created_at: Time,
    /// When its last attempt began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub completed_at: Option<Time>,
}

/// A page of tasks, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TaskPage {
    /// The tasks.
    pub items: Vec<Task>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}
