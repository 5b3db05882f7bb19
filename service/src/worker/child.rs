//! The worker process: the same engine behind a pipe.
//!
//! It takes one work at a time from its input and reports on its output. It ends when its input does: a service that dies,
//! however it dies, takes its workers along.

use std::io::{self, Read, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use packshot_renderer::backend::{ByteStore, CancelToken};

use super::engine::{Engine, EngineOptions};
use super::executor::{AssetError, AssetSource};
use super::frame::{self, FromChild, ToChild};
use super::inline;
use super::lru::Lru;
use super::protocol::{Failure, Outcome, RenderWork, WorkEvent};
use crate::domain::hash::ContentAddress;
use crate::domain::task::FaultKind;

/// How often a process that works gives a sign of life.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Bytes of assets kept for the next attempt at the same files.
const ASSET_BYTES_MAX: u64 = 256 << 20;

/// Serves works from `input` until it ends. `kernel_cache` keeps what drivers compile. The caller ends the process then,
/// whatever still runs in it.
///
/// # Errors
/// When a pipe breaks or carries what is no message.
pub fn run(
    mut input: impl Read,
    output: impl Write + Send + 'static,
    kernel_cache: Option<Arc<dyn ByteStore>>,
) -> io::Result<()> {
    let Some((setup, _)) = frame::read(&mut input)? else { return Ok(()) };
    let ToChild::Setup { n_threads, resident_bytes_max, memory_bytes_max } = setup else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the first message is not the setup"));
    };
    let engine = Engine::new(EngineOptions { n_threads, kernel_cache, resident_bytes_max, memory_bytes_max });
    let worker = Arc::new(Worker {
        engine,
        output: Mutex::new(Box::new(output)),
        kept: Lru::new(ASSET_BYTES_MAX),
        awaited: Mutex::default(),
    });
    let mut cancel = CancelToken::default();
    while let Some((message, blobs)) = frame::read(&mut input)? {
        match message {
            ToChild::Setup { .. } => {}
            ToChild::Start(work) => {
                cancel = CancelToken::default();
                let (worker, cancel) = (worker.clone(), cancel.clone());
                inline::spawn("packshot-work".to_owned(), move || worker.work(&work, &cancel))?;
            }
            ToChild::Asset => worker.deliver(blobs.into_iter().next().ok_or(NoAsset::Away("no bytes".to_owned()))),
            ToChild::NoAsset { is_missing: true, .. } => worker.deliver(Err(NoAsset::Missing)),
            ToChild::NoAsset { is_missing: false, reason } => worker.deliver(Err(NoAsset::Away(reason))),
            ToChild::Cancel => cancel.cancel(),
        }
    }
    cancel.cancel();
    Ok(())
}

/// What all threads of the process share.
struct Worker {
    engine: Engine,
    output: Mutex<Box<dyn Write + Send>>,
    kept: Lru<ContentAddress, Bytes>,
    /// Who waits for an asset.
    awaited: Mutex<Option<Sender<Result<Bytes, NoAsset>>>>,
}

/// Why the service sent no bytes.
enum NoAsset {
    Missing,
    Away(String),
}

impl Worker {
    fn work(&self, work: &RenderWork, cancel: &CancelToken) {
        let (ended, end) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while end.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
                    self.send(&FromChild::Heartbeat, &[]);
                }
            });
            let emit = |event: WorkEvent| {
                let blobs = event.blobs();
                self.send(&FromChild::Event(event), &blobs);
            };
            let outcome = inline::run(&self.engine, work, self, cancel, &emit);
            drop(ended);
            let finished = WorkEvent::Finished(Box::new(outcome));
            let blobs = finished.blobs();
            if !self.send(&FromChild::Event(finished), &blobs) {
                let detail = "the files of this render are larger than a worker process can hand over";
                let failure = Failure::new(FaultKind::Input, "output_too_large", detail);
                emit(WorkEvent::Finished(Box::new(Outcome::Failed(failure))));
            }
        });
    }

    /// Sends a message; `false` when it is larger than a message may be, and nothing was sent.
    fn send(&self, message: &FromChild, blobs: &[Bytes]) -> bool {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        match frame::write(&mut **output, message, blobs) {
            Ok(()) => true,
            Err(reason) if reason.kind() == io::ErrorKind::InvalidData => {
                tracing::warn!("a message was not sent: {reason}");
                false
            }
            Err(reason) => {
                // The service is gone; the end of the input says so too.
                tracing::debug!("a message was not sent: {reason}");
                true
            }
        }
    }

    fn deliver(&self, asset: Result<Bytes, NoAsset>) {
        let awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(awaited) = awaited {
            drop(awaited.send(asset));
        }
    }
}

impl AssetSource for Worker {
    fn read(&self, address: &ContentAddress) -> Result<Bytes, AssetError> {
        if let Some(bytes) = self.kept.get(address) {
            return Ok(bytes);
        }
        let (sender, asset) = mpsc::channel();
        *self.awaited.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        self.send(&FromChild::Want(address.to_string()), &[]);
        match asset.recv() {
            Ok(Ok(bytes)) => {
                self.kept.insert(*address, bytes.clone(), bytes.len() as u64);
                Ok(bytes)
            }
            Ok(Err(NoAsset::Missing)) => Err(AssetError::Missing(*address)),
            Ok(Err(NoAsset::Away(reason))) => Err(AssetError::Away(reason)),
            Err(_) => Err(AssetError::Away("the service is gone".to_owned())),
        }
    }
}
