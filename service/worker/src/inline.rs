//! Work on threads of this process.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use packshot_renderer::backend::CancelToken;

use super::engine::Engine;
use super::executor::{AssetSource, EventSender, Executor, WorkHandle};
use super::live::Live;
use super::protocol::{Failure, Outcome, RenderWork, WorkEvent};

/// The same as the main thread of a program: parsers recurse as deep as a file nests.
const STACK_BYTES: usize = 8 << 20;

/// Renders on a thread of its own for each work. A panic ends the attempt and nothing else; a crash of a driver ends
/// the process.
#[derive(Debug)]
pub struct InlineExecutor {
    engine: Arc<Engine>,
    live: Live,
}

impl InlineExecutor {
    /// With an engine, which works share.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, live: Live::default() }
    }
}

impl Executor for InlineExecutor {
    fn start(&self, work: RenderWork, assets: Arc<dyn AssetSource>, events: EventSender) -> WorkHandle {
        let cancel = CancelToken::default();
        let handle = WorkHandle::new(cancel.clone(), || ());
        let (engine, live, of_thread) = (self.engine.clone(), self.live.hold(), events.clone());
        let thread = spawn(format!("packshot-work-{}", work.attempt), move || {
            let _live = live;
            let emit = |event| of_thread.send(event);
            emit(WorkEvent::Began { pid: None });
            emit(WorkEvent::Finished(Box::new(run(&engine, &work, &*assets, &cancel, &emit))));
        });
        if let Err(reason) = thread {
            events.send(not_started(&reason));
        }
        handle
    }

    fn live(&self) -> usize {
        self.live.count()
    }
}

/// Goes through the engine; a panic is an infrastructure fault.
pub(super) fn run(
    engine: &Engine,
    work: &RenderWork,
    assets: &dyn AssetSource,
    cancel: &CancelToken,
    emit: &(dyn Fn(WorkEvent) + Sync),
) -> Outcome {
    // The state of the engine is behind locks and replaced as a whole, so a panic leaves nothing half done.
    let attempt = AssertUnwindSafe(|| engine.run(work, assets, cancel, emit));
    catch_unwind(attempt).unwrap_or_else(|panic| {
        tracing::error!(job.id = %work.render, "the renderer panicked: {}", panic_text(&*panic));
        Outcome::Failed(Failure::infrastructure(
            "worker_panicked",
            "the renderer crashed; the service's log has the reason",
        ))
    })
}

/// What a panic says.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// A thread for one work. A panic ends it and nothing else.
///
/// # Errors
/// When the system has no thread.
pub fn spawn(name: String, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name(name).stack_size(STACK_BYTES).spawn(work).map(drop)
}

/// The end of a work for which the system gave no thread.
pub(super) fn not_started(reason: &std::io::Error) -> WorkEvent {
    let failure = Failure::infrastructure("worker_lost", format!("no worker could be started: {reason}"));
    WorkEvent::Finished(Box::new(Outcome::Failed(failure)))
}
