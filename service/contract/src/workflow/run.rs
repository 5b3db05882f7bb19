//! Runs of workflows, as clients see them (workflow.md §1).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ExecutionMode, NodeStatus, RunStatus};
use crate::scalar::Time;
use packshot_domain::workflow as domain;

/// A run of a workflow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkflowRun {
    /// Its id.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant_id: Uuid,
    /// The definition that it was made from; `null` for a draft.
    pub workflow_def_id: Option<Uuid>,
    /// The order line that it runs on.
    pub order_line_id: Option<Uuid>,
    /// The CAD file that it runs on.
    pub cad_file_id: Option<Uuid>,
    /// Which path it is.
    pub execution_mode: ExecutionMode,
    /// Its state.
    pub status: RunStatus,
    /// Its first task.
    pub task_id: Option<Uuid>,
    /// The same under its old name.
    pub celery_task_id: Option<Uuid>,
    /// Why it failed.
    pub error_message: Option<String>,
    /// When it was dispatched.
    pub created_at: Time,
    /// When its first task began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub completed_at: Option<Time>,
    /// The graph as it was dispatched, which never changes.
    #[schema(value_type = Object)]
    pub config: Value,
    /// The verdict of a run that observed; `null` where there is none.
    #[schema(value_type = Option<Object>)]
    pub comparison: Option<Value>,
    /// What became of its nodes, in graph order.
    pub node_results: Vec<NodeResult>,
}

impl WorkflowRun {
    /// Whether nothing more happens to it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        domain::RunStatus::from(self.status).is_terminal()
    }
}

/// What became of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NodeResult {
    /// The node.
    pub node_name: String,
    /// Its step.
    pub step: String,
    /// Its state.
    pub status: NodeStatus,
    /// What it says of its work.
    #[schema(value_type = Object)]
    pub output: Value,
    /// Why it failed.
    pub error: Option<String>,
    /// When it began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub completed_at: Option<Time>,
    /// Seconds between the two.
    pub duration_s: Option<f64>,
}

/// A page of runs, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunPage {
    /// The runs.
    pub items: Vec<WorkflowRun>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}
