//! Workflows: definitions are saved, checked and dispatched, and their runs are followed and cancelled (workflow.md).
//!
//! A dispatch reads `facts`, lets the pure `plan` walk the graph, and has the database write what was decided in
//! one transaction. From then on the run follows the tasks of its job.

mod comparison;
mod definitions;
mod dispatch;
mod facts;
mod line;
mod nodes;
mod plan;
mod preflight;
mod runs;
mod steps;

pub use comparison::{CompareHandler, ComparedPicture, comparison, picture};
pub use definitions::{Deleted, create, delete, get, list, replace};
pub use dispatch::{dispatch_draft, dispatch_saved};
pub use line::{Decision, decide};
pub use preflight::{preflight_draft, preflight_saved};
pub use runs::{CancelledRun, cancel, follow, run, runs};
pub use steps::list as steps;
