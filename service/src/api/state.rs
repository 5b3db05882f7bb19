//! What every request works with.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::streams::Streams;
use crate::app::App;
use crate::server::metrics::Metrics;

/// What every request works with. Clones are handles of the same.
#[derive(Clone)]
pub struct AppState {
    inner: Arc<Inner>,
}

/// The use cases' [`App`], and what only requests need.
pub struct Inner {
    app: App,
    pub(super) streams: Streams,
    pub(super) metrics: Metrics,
    pub(super) keep_alive: Duration,
}

impl AppState {
    /// The state of a service whose use cases work with `app`. `metrics` has the metrics to show; after `keep_alive` a
    /// silent event stream sends a sign of life.
    pub fn new(app: App, metrics: Metrics, keep_alive: Duration) -> Self {
        Self { inner: Arc::new(Inner { app, streams: Streams::default(), metrics, keep_alive }) }
    }
}

impl Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl Deref for Inner {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}
