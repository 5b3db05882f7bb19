//! What dispatches of order lines and workflows, and notes about reviews, go through: the same in production and in
//! tests, which put their own implementations in place to see what is handed over, or to let it fail.

use std::fmt::{self, Debug};
use std::sync::Arc;

use super::deeds::{Deeds, OwnDeeds};
use super::notes::{NoteBundle, NoteWriter, written};
use packshot_db::Json;
use packshot_domain::id::{OrderLineId, RunId, TaskId};
use packshot_domain::task::TaskKind;
use packshot_domain::workflow::Preset;

/// A task that is about to be stored.
#[derive(Clone, Copy, Debug)]
pub struct Queued<'t> {
    /// What it is.
    pub kind: TaskKind,
    /// Its arguments.
    pub args: &'t Json,
    /// Its named arguments.
    pub kwargs: &'t Json,
}

/// The task queue.
pub trait TaskQueue: Send + Sync {
    /// The id of a task that is about to be stored.
    fn id_of(&self, task: Queued<'_>) -> TaskId;
}

/// Who makes the work of a line that needs no graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// This service: the line gets its job.
    Here,
    /// Somebody else, who named a task or not: the line gets no job.
    Elsewhere(Option<TaskId>),
    /// Nobody, for this reason: the line fails.
    Failed(String),
}

/// The direct path of an order line.
pub trait DirectPath: Send + Sync {
    /// Who renders a line.
    fn take(&self, line: OrderLineId) -> Taken;
}

/// The direct path of a line whose output type has a named preset.
pub trait PresetRunner: Send + Sync {
    /// Who renders a line.
    fn take(&self, line: OrderLineId, preset: Preset) -> Taken;
}

/// What walks graphs.
pub trait GraphRuntime: Send + Sync {
    /// Begins a run, before its graph is walked.
    ///
    /// # Errors
    /// Why the graph cannot be walked.
    fn begin(&self, run: RunId) -> Result<(), String>;
}

/// What dispatches go through.
#[derive(Clone)]
pub struct Ports {
    /// The task queue.
    pub queue: Arc<dyn TaskQueue>,
    /// The direct path.
    pub direct: Arc<dyn DirectPath>,
    /// The direct path of named presets.
    pub presets: Arc<dyn PresetRunner>,
    /// What walks graphs.
    pub graphs: Arc<dyn GraphRuntime>,
    /// Who writes notes about reviews.
    pub notes: Arc<dyn NoteWriter>,
    /// What the steps of design jobs do.
    pub designs: Arc<dyn Deeds>,
}

/// This service, for everything.
struct Own;

impl TaskQueue for Own {
    fn id_of(&self, _: Queued<'_>) -> TaskId {
        TaskId::new()
    }
}

impl DirectPath for Own {
    fn take(&self, _: OrderLineId) -> Taken {
        Taken::Here
    }
}

impl PresetRunner for Own {
    fn take(&self, _: OrderLineId, _: Preset) -> Taken {
        Taken::Here
    }
}

impl GraphRuntime for Own {
    fn begin(&self, _: RunId) -> Result<(), String> {
        Ok(())
    }
}

impl NoteWriter for Own {
    fn write(&self, bundle: &NoteBundle) -> String {
        written(bundle)
    }
}

impl Default for Ports {
    fn default() -> Self {
        let own = Arc::new(Own);
        Self {
            queue: own.clone(),
            direct: own.clone(),
            presets: own.clone(),
            graphs: own.clone(),
            notes: own,
            designs: Arc::new(OwnDeeds),
        }
    }
}

impl Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ports")
    }
}
