//! Dispatches of graphs, and what is asked for them (workflow.md §4, §5).

use packshot_json::{Faults, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ExecutionMode, WorkflowRun};
use crate::problem::Invalid;
use crate::read::{optional, parsed};
use packshot_domain::id::WorkflowId;

/// How a graph was dispatched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GraphDispatch {
    /// What it runs on.
    pub context_id: Uuid,
    /// Always `graph`.
    pub execution_mode: ExecutionMode,
    /// How many tasks it has.
    pub dispatched: usize,
    /// Its tasks, in graph order.
    pub task_ids: Vec<Uuid>,
    /// Its run.
    pub workflow_run: WorkflowRun,
}

/// A graph to dispatch that need not be saved.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct GraphDispatchRequest {
    /// The definition that it was made from, which the run names; the graph is the given one.
    pub workflow_id: Option<Uuid>,
    /// The order line, or the CAD file.
    pub context_id: Uuid,
    /// The graph.
    #[schema(value_type = Object)]
    pub config: Value,
}

/// A graph to check that need not be saved.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct GraphPreflightRequest {
    /// The order line, or the CAD file.
    pub context_id: Uuid,
    /// The graph.
    #[schema(value_type = Object)]
    pub config: Value,
}

/// A dispatch as it was sent: the graph is not read yet.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftDispatch {
    /// The definition that the run names.
    pub workflow: Option<WorkflowId>,
    /// What it runs on.
    pub context: Uuid,
    /// The graph.
    pub config: Value,
}

/// A check as it was sent: the graph is not read yet.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftPreflight {
    /// What it would run on.
    pub context: Uuid,
    /// The graph.
    pub config: Value,
}

/// The query of a dispatch or a check of a saved definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextQuery {
    /// The order line, or the CAD file.
    pub context: Uuid,
}

impl GraphDispatchRequest {
    /// Reads a dispatch, but not its graph. Members that are not known are ignored.
    ///
    /// # Errors
    /// `missing`, `wrong_type`.
    pub fn parse(body: &Value) -> Result<DraftDispatch, Invalid> {
        let faults = Faults::default();
        let read = Node::root(body, &faults).members().and_then(|mut m| {
            let workflow = optional(&mut m, "workflow_id", parsed);
            let context = m.require("context_id").and_then(|node| parsed(&node));
            let config = m.require("config").map(|node| node.value().clone());
            Some(DraftDispatch { workflow: workflow?, context: context?, config: config? })
        });
        Invalid::unless_faults(read, faults)
    }
}

impl GraphPreflightRequest {
    /// Reads a check, but not its graph. Members that are not known are ignored.
    ///
    /// # Errors
    /// `missing`, `wrong_type`.
    pub fn parse(body: &Value) -> Result<DraftPreflight, Invalid> {
        let faults = Faults::default();
        let read = Node::root(body, &faults).members().and_then(|mut m| {
            let context = m.require("context_id").and_then(|node| parsed(&node));
            let config = m.require("config").map(|node| node.value().clone());
            Some(DraftPreflight { context: context?, config: config? })
        });
        Invalid::unless_faults(read, faults)
    }
}

impl ContextQuery {
    /// Reads the query parameter.
    ///
    /// # Errors
    /// `missing`, `wrong_type`.
    pub fn parse(context_id: Option<&str>) -> Result<Self, Invalid> {
        let at = "?context_id";
        let Some(text) = context_id else {
            let detail = "name the order line or the CAD file: ?context_id=ID";
            return Err(Invalid::one(at, "missing", detail));
        };
        match Uuid::parse_str(text) {
            Ok(context) => Ok(Self { context }),
            Err(_) => Err(Invalid::one(at, "wrong_type", "expected the id of an order line or of a CAD file")),
        }
    }
}
