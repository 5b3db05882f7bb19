//! Where work runs: the interface between the queue, which knows leases and databases, and workers, which compute.
//!
//! An [`Executor`] takes one [`RenderWork`] and an [`AssetSource`] that gives bytes by their content, and sends
//! [`WorkEvent`]s, of which the last is [`Finished`](super::protocol::WorkEvent::Finished); its files go through a
//! channel of their own, which has little room. There are two: [`InlineExecutor`](super::inline::InlineExecutor)
//! computes on a thread of this process, [`ProcessExecutor`](super::process::ProcessExecutor) in a child process that
//! may die. What they compute is the same.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use packshot_renderer::backend::CancelToken;
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};

use super::protocol::{OutputFile, RenderWork, WorkEvent};
use packshot_domain::hash::ContentAddress;

/// Gives stored bytes by their content.
///
/// The implementation decides what a worker may read: the assets that its work names, of one tenant.
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
    #[error("the stored file {0} is missing or damaged: upload it again, or restore the store")]
    Missing(ContentAddress),
    /// The store cannot be reached at the moment.
    #[error("the store cannot be reached: {0}")]
    Away(String),
}

/// Files that wait to be taken, at most: where the disk is slower than the renderer, the renderer waits, and memory
/// does not fill.
const FILES_WAITING_MAX: usize = 1;

/// Where the events of one work go.
#[derive(Clone, Debug)]
pub struct EventSender {
    events: UnboundedSender<WorkEvent>,
    files: Sender<OutputFile>,
}

/// The receiving end of one work.
#[derive(Debug)]
pub struct Incoming {
    /// All its events but files.
    pub events: UnboundedReceiver<WorkEvent>,
    /// Its files. All of them were sent before [`Finished`](WorkEvent::Finished) was.
    pub files: Receiver<OutputFile>,
}

/// Channels for what one work sends.
pub fn way() -> (EventSender, Incoming) {
    let (events, of_events) = unbounded_channel();
    let (files, of_files) = channel(FILES_WAITING_MAX);
    (EventSender { events, files }, Incoming { events: of_events, files: of_files })
}

impl EventSender {
    /// Sends an event. A file waits here until there is room for it, or the receiver is gone, so this must be called
    /// from threads that may block. Other events never block, because there are few of them: their number is bounded by
    /// the parts of the scene, the pictures, two progress reports a second, and the logarithm of the samples.
    pub fn send(&self, event: WorkEvent) {
        // The receiver is gone when the work was abandoned.
        match event {
            WorkEvent::File(file) => drop(self.files.blocking_send(file)),
            event => drop(self.events.send(event)),
        }
    }

    /// Waits until the receiver is gone.
    pub async fn closed(&self) {
        self.events.closed().await;
    }
}

/// Runs work.
pub trait Executor: Send + Sync + fmt::Debug {
    /// Starts one attempt. Exactly one [`Finished`](WorkEvent::Finished) is sent, as the last event, unless the work is
    /// [abandoned](WorkHandle::abandon) first. Must be called inside a tokio runtime.
    fn start(&self, work: RenderWork, assets: Arc<dyn AssetSource>, events: EventSender) -> WorkHandle;

    /// How many works hold a thread or a process, including abandoned ones that are still running. Callers limit the
    /// work that they start by this number, so that abandoned work cannot pile up.
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

    /// Gives the work up: it is asked to stop, a process of its own is killed, and anything that it still sends is
    /// ignored.
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    fn file(name: &str) -> WorkEvent {
        let (name, format) = (name.to_owned(), "png".to_owned());
        WorkEvent::File(OutputFile { name, format, width: 1, height: 1, bytes: Bytes::from_static(b"x") })
    }

    #[test]
    fn r08_who_writes_files_waits_for_who_stores_them() {
        let (sender, mut incoming) = way();
        let (sent, progress) = mpsc::channel();
        let worker = std::thread::spawn(move || {
            for name in ["a", "b", "c"] {
                sender.send(file(name));
                sent.send(name).expect("the test listens");
            }
        });
        assert_eq!(progress.recv(), Ok("a"), "one has room");
        assert!(progress.recv_timeout(Duration::from_millis(200)).is_err(), "the second waits");
        for name in ["a", "b", "c"] {
            assert_eq!(incoming.files.blocking_recv().expect("sent").name, name);
        }
        assert_eq!(progress.iter().collect::<Vec<_>>(), ["b", "c"]);
        worker.join().expect("ended");

        let (sender, incoming) = way();
        sender.send(file("a"));
        drop(incoming);
        sender.send(file("b"));
    }
}
