//! What is announced inside this process after a commit. Another process does not hear it, so whoever waits also looks
//! at the tables from time to time: notices add speed, not truth.

use packshot_domain::id::{TaskId, TenantId};
use packshot_domain::stream::StreamId;
use packshot_domain::task::{Lane, QueueName};

/// Something that was committed and that somebody may be waiting for.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A stream has events up to `seq`.
    Events {
        /// Whose it is.
        tenant: TenantId,
        /// The stream.
        stream: StreamId,
        /// The number of its last event.
        seq: i64,
    },
    /// A lane has a task that was not there before.
    Queued(QueueName, Lane),
    /// A running task is to stop.
    CancelRequested(TaskId),
    /// Limits of queues changed.
    WorkerConfigs,
    /// Settings changed.
    Settings,
}
