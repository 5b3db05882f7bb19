//! Where work runs: the interface between the queue, which knows leases and databases, and workers, which compute.
//!
//! An [`Executor`] takes one [`RenderWork`] and an [`AssetSource`] that gives bytes by their
//! content, and sends [`WorkEvent`]s, of which the last is
//! [`Finished`](super::protocol::WorkEvent::Finished). There are two: [`InlineExecutor`](super::inline::InlineExecutor)
//! computes on a thread of this process, [`ProcessExecutor`](super::process::ProcessExecutor) in a child process that may
//! die. What they compute is the same.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use packshot_renderer::backend::CancelToken;
use tokio::sync::mpsc::UnboundedSender;

use super::protocol::{RenderWork, WorkEvent};
use crate::domain::hash::ContentAddress;

/// Gives stored bytes by their content.
///
/// Whoever implements it decides what a worker may read: those assets that its work names, of one tenant.
pub trait AssetSource: Send + Sync {
    /// The whole object, checked against its address. May block: workers call it from threads of their own.
    ///
    /// # Errors
    /// [`AssetError`].
    fn read(&self, address: &ContentAddress) -> Result<Bytes, AssetError>;
}

/// Why an asset could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssetError {
    /// There is no such object, or it is damaged: trying again does not help.
    #[error("the stored file {0} is missing or damaged")]
    Missing(ContentAddress),
    /// The store cannot be reached at the moment.
    #[error("the store is away: {0}")]
    Away(String),
}

/// Where the events of one work go. It never blocks the worker: the number of events is bounded by the parts of the scene,
/// two progress reports a second, and the logarithm of the samples.
pub type EventSender = UnboundedSender<WorkEvent>;

/// Runs work.
pub trait Executor: Send + Sync + fmt::Debug {
    /// Starts one attempt. Exactly one [`Finished`](WorkEvent::Finished) is sent, as the last event, unless the work is
    /// [abandoned](WorkHandle::abandon) first. Must be called inside a tokio runtime.
    fn start(&self, work: RenderWork, assets: Arc<dyn AssetSource>, events: EventSender) -> WorkHandle;

    /// How many works hold a thread or a process, abandoned ones that have not noticed yet included. Whoever starts work
    /// keeps to its limit by this number, so that abandoned work cannot pile up.
    fn live(&self) -> usize;
}

/// Stops one attempt.
pub struct WorkHandle {
    cancel: CancelToken,
    abandon: Box<dyn FnOnce() + Send + Sync>,
}

impl WorkHandle {
    /// `cancel` is what the work looks at; `abandon` takes away whatever it runs in.
    pub fn new(cancel: CancelToken, abandon: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self { cancel, abandon: Box::new(abandon) }
    }

    /// Asks the work to stop. It ends with [`Cancelled`](super::protocol::Outcome::Cancelled), within a fraction of a
    /// second where it samples, otherwise at its next step.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Gives the work up: it is asked to stop, a process of its own is killed, and nobody waits for what it still sends.
    pub fn abandon(self) {
        self.cancel.cancel();
        (self.abandon)();
    }
}

impl fmt::Debug for WorkHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkHandle").field("cancel", &self.cancel).finish_non_exhaustive()
    }
}
