//! Workflows: graphs of steps that turn an order line or a CAD file into published files (workflow.md).
//!
//! Here are the parts that need no parameters: what a graph is, in which order its nodes are walked, what arms what,
//! and the states of runs and nodes.

mod graph;
mod node_id;
mod run;

use crate::words::words;

pub use graph::{EDGES_MAX, Edge, Graph, GraphFault, GraphNode, NODES_MAX};
pub use node_id::{InvalidNodeId, NodeId};
pub use run::{IllegalNodeState, IllegalRunState, NodeEvent, NodeStatus, RunEvent, RunStatus};

words! {
    /// Which path renders an order line.
    pub enum ExecutionMode {
        /// The direct path, without a graph
        Legacy = "legacy",
        /// The graph
        Graph = "graph",
        /// The direct path, with the graph as an observer that publishes nothing
        Shadow = "shadow",
    }
}

words! {
    /// A graph that is made from a few parameters, or one of a kind.
    pub enum Preset {
        /// One picture of an order line
        Still = "still",
        /// One picture, and a GLB for production
        StillWithExports = "still_with_exports",
        /// A movie of the turning product
        Turntable = "turntable",
        /// A small picture
        Thumbnail = "thumbnail",
        /// A graph of its own
        Custom = "custom",
    }
}

words! {
    /// What a graph runs on.
    pub enum ContextKind {
        /// A line of an order
        OrderLine = "order_line",
        /// A CAD file
        CadFile = "cad_file",
    }
}

impl Preset {
    /// Whether the output type's options come before those of the node that renders.
    #[must_use]
    pub const fn is_named(self) -> bool {
        !matches!(self, Self::Custom)
    }
}
