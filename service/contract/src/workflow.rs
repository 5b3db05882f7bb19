//! Workflows in JSON (workflow.md): the document of a graph, the steps that there are with their parameters,
//! definitions, runs, and what checks and dispatches answer.

mod comparison;
mod config;
mod config_read;
mod definition;
mod dispatch;
mod parameter;
mod parameters;
mod preflight;
mod preset;
mod run;
mod steps;

pub use comparison::{ComparedOutput, Comparison, ComparisonStatus, GateResult};
pub use config::{Config, ConfigNode};
pub use config_read::InvalidConfig;
pub use definition::{WorkflowDefinition, WorkflowFields, WorkflowPage, WorkflowRequest, WorkflowRequestFields};
pub use dispatch::{
    ContextQuery, DraftDispatch, DraftPreflight, GraphDispatch, GraphDispatchRequest, GraphPreflightRequest,
};
pub use parameters::{StepParameters, overlaid, picture_kind, with_defaults};
pub use preflight::{GraphPreflight, Issue, IssueSeverity, NodePreflight, NodeReadiness};
pub use preset::{PresetInfo, PresetList, presets};
pub use run::{NodeResult, RunPage, WorkflowRun};
pub use steps::{StepInfo, StepList, label, steps};

#[cfg(test)]
mod tests;

use packshot_domain::workflow as domain;

words! {
    /// Which path renders an order line.
    pub enum ExecutionMode = domain::ExecutionMode {
        /// The direct path, without a graph.
        Legacy = "legacy",
        /// The graph.
        Graph = "graph",
        /// The direct path, with the graph as an observer that publishes nothing.
        Shadow = "shadow",
    }
}

words! {
    /// A graph that is made from a few parameters, or one of a kind.
    pub enum Preset = domain::Preset {
        /// One picture of an order line.
        Still = "still",
        /// One picture, and a GLB for production.
        StillWithExports = "still_with_exports",
        /// A movie of the turning product.
        Turntable = "turntable",
        /// A small picture.
        Thumbnail = "thumbnail",
        /// A graph of its own.
        Custom = "custom",
    }
}

words! {
    /// What a graph runs on.
    pub enum ContextKind = domain::ContextKind {
        /// A line of an order.
        OrderLine = "order_line",
        /// A CAD file.
        CadFile = "cad_file",
    }
}

words! {
    /// State of a run.
    pub enum RunStatus = domain::RunStatus {
        /// It was dispatched, and nothing of it has begun.
        Pending = "pending",
        /// A task of it has begun.
        Running = "running",
        /// Every node has completed, or was skipped because of its branch.
        Completed = "completed",
        /// A node failed, or the graph could not be dispatched.
        Failed = "failed",
        /// It was cancelled.
        Cancelled = "cancelled",
    }
}

words! {
    /// State of a node of a run.
    pub enum NodeStatus = domain::NodeStatus {
        /// The run has not reached it.
        Pending = "pending",
        /// Its task waits.
        Queued = "queued",
        /// Its task runs.
        Running = "running",
        /// It is done.
        Completed = "completed",
        /// It failed for good.
        Failed = "failed",
        /// A node before it failed.
        Skipped = "skipped",
        /// The run was cancelled.
        Cancelled = "cancelled",
    }
}
