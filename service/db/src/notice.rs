//! What is announced inside this process after a commit. Other processes do not get notices, so everything that waits
//! also polls the tables: notices only make it faster.

use packshot_domain::id::{TaskId, TenantId};
use packshot_domain::stream::StreamId;
use packshot_domain::task::{Lane, QueueName};

/// A commit that something may be waiting for.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A stream has events up to `seq`.
    Events {
        /// Its tenant.
        tenant: TenantId,
        /// The stream.
        stream: StreamId,
        /// The number of its last event.
        seq: i64,
    },
    /// A lane has a new task.
    Queued(QueueName, Lane),
    /// A running task is to stop.
    CancelRequested(TaskId),
    /// Limits of queues changed.
    WorkerConfigs,
    /// Settings changed.
    Settings,
}
