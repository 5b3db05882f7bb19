//! What a check of a graph finds before it is dispatched (workflow.md §7).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ContextKind, ExecutionMode};

words! {
    /// How bad an issue is.
    pub enum IssueSeverity {
        /// The graph can be dispatched.
        Warning = "warning",
        /// It cannot.
        Error = "error",
    }
}

words! {
    /// Whether a node can be dispatched.
    pub enum NodeReadiness {
        /// Yes.
        Ready = "ready",
        /// Yes, but something is odd.
        Warning = "warning",
        /// No.
        Error = "error",
    }
}

/// Something that a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Issue {
    /// Stable and machine-readable.
    pub code: String,
    /// How bad it is.
    pub severity: IssueSeverity,
    /// For people.
    pub message: String,
}

/// What a check found about a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NodePreflight {
    /// The node.
    pub node_id: String,
    /// Its step.
    pub step: String,
    /// Whether it can be dispatched.
    pub status: NodeReadiness,
    /// What was found.
    pub issues: Vec<Issue>,
    /// How long tasks of this step took here lately, in seconds, as a median; `null` where there were none, and for
    /// what is no task.
    pub estimated_duration_s: Option<f64>,
}

/// What a check of a graph found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GraphPreflight {
    /// The definition; `null` for a graph that is not saved.
    pub workflow_id: Option<Uuid>,
    /// What it would run on.
    pub context_id: Uuid,
    /// What that is.
    pub context_kind: ContextKind,
    /// What the graph is made for.
    pub expected_context_kind: ContextKind,
    /// Which path its definition names.
    pub execution_mode: ExecutionMode,
    /// Whether it could be dispatched as a graph.
    pub graph_dispatch_allowed: bool,
    /// The order line, if it would run on one.
    pub resolved_order_line_id: Option<Uuid>,
    /// The CAD file: itself, or that of the line's product.
    pub resolved_cad_file_id: Option<Uuid>,
    /// Nodes whose steps cannot be dispatched here.
    pub unsupported_node_ids: Vec<String>,
    /// What was found about the whole.
    pub issues: Vec<Issue>,
    /// What was found about each node, in graph order.
    pub nodes: Vec<NodePreflight>,
    /// How long its tasks took here lately, together, in seconds; `null` unless that is known of each.
    pub estimated_duration_s: Option<f64>,
}

impl Issue {
    /// One that forbids nothing.
    pub fn warning(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), severity: IssueSeverity::Warning, message: message.into() }
    }

    /// One that forbids a dispatch.
    pub fn error(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), severity: IssueSeverity::Error, message: message.into() }
    }

    /// Whether it forbids a dispatch.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == IssueSeverity::Error
    }
}

impl NodeReadiness {
    /// What these issues make of a node.
    #[must_use]
    pub fn of(issues: &[Issue]) -> Self {
        match issues {
            [] => Self::Ready,
            issues if issues.iter().any(Issue::is_error) => Self::Error,
            _ => Self::Warning,
        }
    }
}
