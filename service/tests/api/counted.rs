//! Counts the works that a renderer is given.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use packshot_worker::executor::{AssetSource, EventSender, Executor, WorkHandle};
use packshot_worker::protocol::RenderWork;

/// A renderer whose works are counted.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) inner: Arc<dyn Executor>,
    pub(crate) n_works: Arc<AtomicUsize>,
}

impl Executor for Counted {
    fn start(&self, work: RenderWork, assets: Arc<dyn AssetSource>, events: EventSender) -> WorkHandle {
        self.n_works.fetch_add(1, Ordering::SeqCst);
        self.inner.start(work, assets, events)
    }

    fn live(&self) -> usize {
        self.inner.live()
    }
}
