//! The log of a job's steps as a client sees it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::event::LogLevel;
use super::scalar::Time;

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// Its number among those of the task, from 1.
    pub seq: u64,
    /// The task that says it.
    pub task_id: Uuid,
    /// The step that it is about: `render_still`.
    pub step_name: String,
    /// How much it matters.
    pub level: LogLevel,
    /// One line.
    pub message: String,
    /// Seconds that the step took, where the line says that it ended.
    pub duration_s: Option<f64>,
    /// Facts behind the line.
    #[schema(value_type = Object)]
    pub context: Map<String, Value>,
    /// When it was written.
    pub created_at: Time,
}

/// A page of a log, newest line first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogPage {
    /// The lines.
    pub items: Vec<LogLine>,
    /// Where the next page begins; `null` on the last.
    pub next_cursor: Option<String>,
}
