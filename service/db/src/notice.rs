//! What is announced inside this process after a commit. Another process does not hear it, so whoever waits also looks at the
//! tables from time to time: notices add speed, not truth.

use packshot_domain::id::{RenderId, TaskId, TenantId};
use packshot_domain::task::QueueName;

/// Something that was committed and that somebody may be waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A render's stream has events up to `seq`.
    Events {
        /// Whose it is.
        tenant: TenantId,
        /// The stream.
        render: RenderId,
        /// The number of its last event.
        seq: i64,
    },
    /// A queue has a task that was not there before.
    Queued(QueueName),
    /// A running task is to stop.
    CancelRequested(TaskId),
    /// Limits of queues changed.
    WorkerConfigs,
    /// Settings changed.
    Settings,
}
