//! The worker process: the same engine behind a pipe.
//!
//! It takes one work at a time from its input and reports on its output. It ends when its input does, so a service that
//! dies in any way takes its workers along.

use std::io::{self, Read, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use packshot_renderer::backend::CancelToken;
use packshot_renderer::store::ByteStore;

use super::engine::{Engine, EngineOptions};
use super::executor::{AssetError, AssetSource};
use super::frame::{self, FromChild, ToChild};
use super::inline;
use super::lru::Lru;
use super::made_with::Program;
use super::protocol::{Outcome, RenderWork, WorkEvent};
use super::quota::too_large;
use packshot_domain::hash::ContentAddress;

/// How often a process that works gives a sign of life.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Bytes of assets kept for the next attempt at the same files.
const ASSET_BYTES_MAX: u64 = 256 << 20;

/// Serves works from `input` until it ends. `cache` keeps what drivers compile, and trees; `program` is this program.
/// The caller ends the process then, whatever still runs in it.
///
/// # Errors
/// When a pipe breaks or carries something that is not a message.
pub fn run(
    mut input: impl Read,
    output: impl Write + Send + 'static,
    cache: Option<Arc<dyn ByteStore>>,
    program: Program,
) -> io::Result<()> {
    let Some((setup, _)) = frame::read(&mut input)? else { return Ok(()) };
    let ToChild::Setup { n_threads, resident_bytes_max, memory_bytes_max, scratch } = setup else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the first message is not the setup"));
    };
    let scratch = scratch.into();
    let options = EngineOptions {
        n_threads,
        cache,
        resident_bytes_max,
        memory_bytes_max,
        scratch,
        program,
        ..EngineOptions::default()
    };
    let worker = Arc::new(Worker {
        engine: Engine::new(options),
        output: Mutex::new(Box::new(output)),
        blob_bytes_max: frame::BLOB_BYTES_MAX,
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

/// State shared by all threads of the process.
struct Worker {
    engine: Engine,
    output: Mutex<Box<dyn Write + Send>>,
    /// Bytes beside the JSON of a message, at most.
    blob_bytes_max: u64,
    kept: Lru<ContentAddress, Bytes>,
    /// The thread that waits for an asset.
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
            let unsent = Mutex::new(None);
            let emit = |event: WorkEvent| {
                let name = if let WorkEvent::File(file) = &event { Some(file.name.clone()) } else { None };
                let is_sent = self.send_event(event);
                if let Some(name) = name.filter(|_| !is_sent) {
                    // Without one of its files the work cannot be completed, so it stops.
                    let what = format!("{name} is larger than a worker process can hand over");
                    *unsent.lock().unwrap_or_else(PoisonError::into_inner) = Some(too_large(&name, &what));
                    cancel.cancel();
                }
            };
            let outcome = inline::run(&self.engine, work, self, cancel, &emit);
            drop(ended);
            let unsent = unsent.into_inner().unwrap_or_else(PoisonError::into_inner);
            let outcome = unsent.map_or(outcome, Outcome::Failed);
            if !self.send_event(WorkEvent::Finished(Box::new(outcome))) {
                let failure = too_large("", "the files of the picture are larger than a worker process can hand over");
                self.send_event(WorkEvent::Finished(Box::new(Outcome::Failed(failure))));
            }
        });
    }

    fn send_event(&self, event: WorkEvent) -> bool {
        let blobs = event.blobs();
        self.send(&FromChild::Event(event), &blobs)
    }

    /// Sends a message; `false` when it is larger than a message may be, and nothing was sent.
    fn send(&self, message: &FromChild, blobs: &[Bytes]) -> bool {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        match frame::write_within(&mut **output, message, blobs, self.blob_bytes_max) {
            Ok(()) => true,
            Err(reason) if reason.kind() == io::ErrorKind::InvalidData => {
                tracing::warn!("a message was not sent: {reason}");
                false
            }
            Err(reason) => {
                // The service is gone; the input ends as well.
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

#[cfg(test)]
mod tests {
    use packshot_renderer::sample;

    use super::*;
    use crate::protocol::{Failure, RenderInput};
    use packshot_domain::id::{RenderId, TaskId};
    use packshot_materials::aliases::AliasLayer;
    use packshot_pipeline::denoise::Denoise;
    use packshot_pipeline::plan::value::Views;
    use packshot_pipeline::plan::words::{FileFormat, Light, ViewChoice};
    use packshot_pipeline::plan::{Base, Kind, Limits, Options, resolve};

    /// An output that a test reads.
    #[derive(Clone, Debug, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn r09_a_file_that_cannot_be_handed_over_fails_the_job() {
        let (output, glb) = (Shared::default(), sample::bearing().glb);
        let worker = Worker {
            engine: Engine::new(EngineOptions { n_threads: 1, ..EngineOptions::default() }),
            output: Mutex::new(Box::new(output.clone())),
            // More than the documents and previews have, and less than a picture.
            blob_bytes_max: 32 << 10,
            kept: Lru::new(ASSET_BYTES_MAX),
            awaited: Mutex::default(),
        };
        let scene = ContentAddress::of(&glb);
        worker.kept.insert(scene, Bytes::from(glb), 1);
        let options = Options {
            views: Some(Views(vec![ViewChoice::Front, ViewChoice::Top])),
            formats: Some(vec![FileFormat::Png, FileFormat::Tiff]),
            bit_depth: Some(16),
            denoise: Some(Denoise::Off),
            width: Some(192),
            height: Some(192),
            samples: Some(1),
            light: Some(Light::White),
            device: Some("cpu".to_owned()),
            ..Options::default()
        };
        let plan = resolve(&Base { kind: Kind::Views, ..Base::default() }, &options, &Limits::default());
        let plan = plan.expect("a plan");
        let input = RenderInput {
            scene,
            environment: None,
            libraries: Vec::new(),
            fallback_material: None,
            aliases: AliasLayer::default(),
            plan,
            design: None,
        };
        let (task, render) = (TaskId::new(), RenderId::new());
        let work = RenderWork {
            task,
            render,
            attempt: 1,
            input,
            output_bytes_max: u64::MAX,
            memory_bytes_max: None,
            keeps_finished: false,
        };
        worker.work(&work, &CancelToken::default());
        let written = output.0.lock().expect("not poisoned").clone();
        let (mut pipe, mut last) = (&written[..], None);
        while let Some((message, _)) = frame::read::<FromChild>(&mut pipe).expect("sound") {
            last = Some(message);
        }
        let Some(FromChild::Event(WorkEvent::Finished(outcome))) = last else { panic!("{last:?}") };
        let Outcome::Failed(Failure { code, detail, .. }) = *outcome else { panic!("{outcome:?}") };
        assert!(code == "output_too_large" && detail.contains("front."), "{code}: {detail}");
    }
}
