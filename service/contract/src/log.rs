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
    /// Its number in the log of its task, from 1.
    pub seq: u64,
    /// The task that wrote it.
    pub task_id: Uuid,
    /// The step that it is about, such as `render_still`.
    pub step_name: String,
    /// Its level.
    pub level: LogLevel,
    /// The text, on one line.
    pub message: String,
    /// Duration of the step in seconds, if the line reports its end.
    pub duration_s: Option<f64>,
    /// Structured details.
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
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}
