//! Workflow definitions, and runs of them with their nodes.

mod definitions;
mod dispatch;
mod delivering;
mod following;
mod runs;
mod shadow;

#[cfg(feature = "testing")]
pub use definitions::insert_as_is;
pub use definitions::{Definition, DefinitionFields, Deletion, create, delete, get, list, replace};
pub(super) use definitions::{lock_definition, names_template, of_type_goes};
pub use dispatch::{FileRun, NewNode, NewRun, dispatch_on_file};
pub(super) use dispatch::{PlacedRun, insert};
pub(super) use following::{Following, lock_of_job, lock_of_jobs};
pub use runs::{Run, RunContext, RunNode, follow, is_run_over, list_runs, newest_of_lines, run};
pub(super) use runs::{of_file, of_lines};
pub use shadow::{
    COMPARED_RUN, CompareState, Compared, Observation, Output, Side, freeze, keep_comparison, observation, side_of,
};
pub(super) use shadow::{ShadowEffect, observed, shadows_of};
