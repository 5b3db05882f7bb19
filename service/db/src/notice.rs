//! What is announced after a commit. On PostgreSQL other processes hear of it too ([`bus`](crate::bus)). A notice may
//! be lost, so everything that waits also polls the tables: notices only make it faster.

use tokio::sync::broadcast;

use packshot_domain::id::{TaskId, TenantId};
use packshot_domain::stream::StreamId;
use packshot_domain::task::{Lane, QueueName};

/// How many notices a receiver may fall behind.
const NOTICES_LEN: usize = 4096;

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
    /// Another process committed so much at once that it does not say what: any of the others.
    Any,
}

/// Where notices are announced to those who wait in this process.
#[derive(Clone, Debug)]
pub(super) struct Board {
    /// All of them.
    all: broadcast::Sender<Notice>,
    /// Those of commits of this process, for the bus to carry.
    here: broadcast::Sender<Notice>,
}

impl Board {
    pub(super) fn new() -> Self {
        Self { all: broadcast::channel(NOTICES_LEN).0, here: broadcast::channel(NOTICES_LEN).0 }
    }

    /// Announces commits of this process.
    pub(super) fn committed(&self, notices: Vec<Notice>) {
        for notice in notices {
            // An error only means that there is no receiver.
            let _ = self.here.send(notice.clone());
            let _ = self.all.send(notice);
        }
    }

    /// Announces a commit of another process.
    pub(super) fn heard(&self, notice: Notice) {
        let _ = self.all.send(notice);
    }

    /// The notices of all processes from now on.
    pub(super) fn all(&self) -> broadcast::Receiver<Notice> {
        self.all.subscribe()
    }

    /// Those of this process.
    pub(super) fn here(&self) -> broadcast::Receiver<Notice> {
        self.here.subscribe()
    }
}
