//! Works that may go on after nobody waits for them any more: counted until they are over, and told to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use packshot_renderer::backend::CancelToken;

/// Counts works from their start to their real end.
#[derive(Clone, Debug, Default)]
pub struct Live(Arc<AtomicUsize>);

impl Live {
    /// Counts one work until what this returns is dropped.
    #[must_use]
    pub fn hold(&self) -> LiveGuard {
        self.0.fetch_add(1, Ordering::Relaxed);
        LiveGuard(self.0.clone())
    }

    /// How many are not over.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// One work that is not over.
#[derive(Debug)]
pub struct LiveGuard(Arc<AtomicUsize>);

impl Drop for LiveGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Cancels a work when this is dropped: whoever waits for it holds this.
#[derive(Debug)]
pub struct CancelOnDrop(pub CancelToken);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
