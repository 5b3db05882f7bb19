//! The queue: tasks from the database to workers, and what comes of them back.
//!
//! Input: queued tasks. Output: rows, files and events, each written once. The `runner` claims tasks within the limits of
//! their queue; for each a `supervise` holds the lease, hands the work to a [worker](packshot_worker), and brings back what it
//! reports; `recovery` takes back what a lost worker held. Invariant: a task is run at least once, and its effect happens
//! exactly once, because every write carries the lease.

mod handle;
mod ledger;
mod outputs;
mod supervise;
mod runner;
pub(crate) mod recovery;

use std::sync::Arc;
use std::time::Duration;

pub use handle::QueueHandle;
pub use outputs::REPORT_NAME;

use crate::config::Settings;
use crate::events::hub::Hub;
use crate::server::lasting;
use crate::store::Store;
use packshot_db::Db;
use packshot_domain::id::WorkerId;
use packshot_worker::executor::Executor;

/// What the queue works with.
#[derive(Clone)]
pub struct QueueParts {
    /// Who claims tasks here.
    pub worker: WorkerId,
    /// Where tasks are.
    pub db: Db,
    /// Where files are.
    pub store: Store,
    /// Where previews go.
    pub hub: Hub,
    /// Who computes.
    pub executor: Arc<dyn Executor>,
    /// What the process was started with; the database may say otherwise.
    pub settings: Arc<Settings>,
    /// How often to look for renders that stand still.
    pub stall_check_every: Duration,
}

/// How often a service looks for renders that stand still.
pub const STALL_CHECK_EVERY: Duration = Duration::from_secs(300);

/// The parts, with what the queue adds to them.
struct Workplace {
    db: Db,
    store: Store,
    hub: Hub,
    executor: Arc<dyn Executor>,
    settings: Arc<Settings>,
    stall_check_every: Duration,
    worker: WorkerId,
    handle: QueueHandle,
}

/// Starts to run tasks, until the handle drains. Must be called inside a tokio runtime.
pub fn start(parts: QueueParts) -> QueueHandle {
    let QueueParts { worker, db, store, hub, executor, settings, stall_check_every } = parts;
    let handle = QueueHandle::default();
    let place = Workplace { db, store, hub, executor, settings, stall_check_every, worker, handle: handle.clone() };
    let place = Arc::new(place);
    let recovered = place.clone();
    lasting::spawn("runner", move || runner::run(place.clone()));
    lasting::spawn("recovery", move || recovery::run(recovered.clone()));
    handle
}
