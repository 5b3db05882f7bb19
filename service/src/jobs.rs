//! The queue: takes tasks from the database to their handlers, and results back. It knows kinds of tasks only by their
//! [handlers](handler), and nothing of renders, orders or runs.
//!
//! Input: queued tasks. Output: rows and events, each written once. A `runner` for each lane claims tasks within the
//! lane's limits; for each a `supervise` holds the lease, does the work that the handler makes of the task, and stores
//! its reports; `recovery` takes back what a lost service held. Invariant: a task is run at least once, and its effect
//! happens exactly once, because every write carries the lease.

pub mod handler;
mod handle;
mod last_line;
mod ledger;
mod supervise;
mod runner;
pub(crate) mod recovery;

use std::sync::Arc;
use std::time::Duration;

use crate::config::Settings;
use crate::server::lasting;
use handler::Handlers;
use packshot_db::Db;
use packshot_domain::id::WorkerId;
use packshot_domain::task::Lane;

pub use handle::QueueHandle;
pub use last_line::LOG_TARGET as LAST_LINE_TARGET;
pub(crate) use last_line::LastLine;
pub use ledger::LOG_TARGET as JOB_LOG_TARGET;

/// What the queue works with.
#[derive(Clone, Debug)]
pub struct QueueParts {
    /// The worker that claims tasks here.
    pub worker: WorkerId,
    /// Where tasks are.
    pub db: Db,
    /// The handlers that do them.
    pub handlers: Handlers,
    /// The settings of the process; those in the database may differ.
    pub settings: Arc<Settings>,
    /// How often to look for stalled work.
    pub stall_check_every: Duration,
    /// How many deaths of this service a task survives.
    pub service_deaths_max: i32,
}

/// How often a service looks for stalled work.
pub const STALL_CHECK_EVERY: Duration = Duration::from_secs(300);

/// The parts, with what the queue adds to them.
struct Workplace {
    parts: QueueParts,
    handle: QueueHandle,
}

/// Starts to run tasks of every lane that has a handler, until the handle drains. Must be called inside a tokio
/// runtime.
pub fn start(parts: QueueParts) -> QueueHandle {
    let handle = QueueHandle::default();
    let place = Arc::new(Workplace { parts, handle: handle.clone() });
    let lanes: Vec<Lane> = place.parts.handlers.lanes().cloned().collect();
    for lane in lanes {
        let place = place.clone();
        lasting::spawn("runner", move || runner::run(place.clone(), lane.clone()));
    }
    lasting::spawn("recovery", move || recovery::run(place.clone()));
    handle
}
