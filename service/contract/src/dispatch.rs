//! How order lines were dispatched (workflow.md §6).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::workflow::ExecutionMode;
use packshot_domain::rollout;

words! {
    /// How a line is rendered.
    pub enum Backend {
        /// Without a workflow: one job by the renderer of its output type.
        Legacy = "legacy",
        /// By a preset of a workflow.
        Workflow = "workflow",
        /// By the graph of a workflow.
        WorkflowGraph = "workflow_graph",
    }
}

words! {
    /// Whether a shadow run was dispatched beside a line.
    pub enum ShadowStatus {
        /// It was.
        Dispatched = "dispatched",
        /// It could not be.
        Failed = "failed",
        /// The line itself could not be dispatched.
        Skipped = "skipped",
    }
}

words! {
    /// Where the rollout of a workflow stands.
    pub enum GateStatus = rollout::GateStatus {
        /// There is no shadow run.
        LegacyOnly = "legacy_only",
        /// The workflow could not be prepared.
        WorkflowPreparationFailed = "workflow_preparation_failed",
        /// The workflow has taken over.
        GraphAuthoritative = "graph_authoritative",
        /// Its dispatch failed.
        GraphExecutionFailed = "graph_execution_failed",
        /// The shadow run could not be dispatched.
        ShadowExecutionFailed = "shadow_execution_failed",
        /// Not everything has ended that is compared.
        PendingShadowVerdict = "pending_shadow_verdict",
        /// It may not take over.
        BlockRollout = "block_rollout",
        /// Who renders today goes on.
        HoldLegacyAuthoritative = "hold_legacy_authoritative",
        /// It may take over.
        ReadyForRollout = "ready_for_rollout",
    }
}

words! {
    /// What a gate decides.
    pub enum GateVerdict = rollout::GateVerdict {
        /// The workflow may take over.
        Pass = "pass",
        /// Somebody should look.
        Warn = "warn",
        /// It may not.
        Fail = "fail",
    }
}

/// How a line was dispatched. Members that do not apply are `null` or empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DispatchResult {
    /// Why it was refused, where a whole order was dispatched; `null` when it was not.
    pub error: Option<DispatchError>,
    /// How it is rendered.
    pub backend: Backend,
    /// The line.
    pub order_line_id: Uuid,
    /// What counts: `legacy` without a workflow.
    pub execution_mode: ExecutionMode,
    /// Its first task.
    pub task_id: Option<Uuid>,
    /// The same under its old name.
    pub celery_task_id: Option<Uuid>,
    /// All of its tasks, in the order of their graph.
    pub task_ids: Vec<Uuid>,
    /// The preset of its workflow.
    pub workflow_type: Option<String>,
    /// The run of its workflow.
    pub workflow_run_id: Option<Uuid>,
    /// What could not be dispatched, so that this was.
    pub fallback_from: Option<String>,
    /// Whether a shadow run was dispatched beside it.
    pub shadow_status: Option<ShadowStatus>,
    /// The tasks of that.
    pub shadow_task_ids: Vec<Uuid>,
    /// That run.
    pub shadow_workflow_run_id: Option<Uuid>,
    /// Why it was not.
    pub shadow_error: Option<String>,
    /// Where the rollout of its workflow stands.
    pub rollout_gate_status: GateStatus,
    /// What the comparison said.
    pub rollout_gate_verdict: Option<GateVerdict>,
    /// Why, in sentences.
    pub rollout_gate_reasons: Vec<String>,
    /// Whether the workflow may take over.
    pub workflow_rollout_ready: bool,
    /// Whether it may for this output type.
    pub output_type_rollout_ready: bool,
    /// The workflow that was looked at.
    pub rollout_workflow_definition_id: Option<Uuid>,
    /// The output type of the line.
    pub rollout_output_type_id: Uuid,
}

/// Why a line was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DispatchError {
    /// Stable and machine-readable.
    pub code: String,
    /// For people.
    pub detail: String,
}

/// How the lines of an order were dispatched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderDispatch {
    /// The order.
    pub order_id: Uuid,
    /// Each line that waited, had failed or was cancelled, in the order of the lines.
    pub results: Vec<DispatchResult>,
}

impl DispatchResult {
    /// Of a line without a workflow, before it has tasks.
    #[must_use]
    pub fn direct(order_line_id: Uuid, output_type: Uuid) -> Self {
        Self {
            error: None,
            backend: Backend::Legacy,
            order_line_id,
            execution_mode: ExecutionMode::Legacy,
            task_id: None,
            celery_task_id: None,
            task_ids: Vec::new(),
            workflow_type: None,
            workflow_run_id: None,
            fallback_from: None,
            shadow_status: None,
            shadow_task_ids: Vec::new(),
            shadow_workflow_run_id: None,
            shadow_error: None,
            rollout_gate_status: GateStatus::LegacyOnly,
            rollout_gate_verdict: None,
            rollout_gate_reasons: vec!["The output type has no workflow.".to_owned()],
            workflow_rollout_ready: false,
            output_type_rollout_ready: false,
            rollout_workflow_definition_id: None,
            rollout_output_type_id: output_type,
        }
    }

    /// The same with its tasks.
    #[must_use]
    pub fn with_tasks(self, task_ids: Vec<Uuid>) -> Self {
        let first = task_ids.first().copied();
        Self { task_id: first, celery_task_id: first, task_ids, ..self }
    }
}
