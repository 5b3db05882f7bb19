//! What every request works with.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::devices::DeviceList;
use super::materials::Parsed;
use super::problem::{ApiError, ApiResult};
use super::rate_limit::RateLimiter;
use super::streams::Streams;
use crate::config::Settings;
use crate::db::Db;
use crate::events::hub::Hub;
use crate::queue::QueueHandle;
use crate::server::metrics::Metrics;
use crate::store::Store;

/// Uploads that are looked into at once without being rendered: each is in memory meanwhile.
const TURNS_AT_ONCE: usize = 2;

/// The parts of the service that answer requests.
#[derive(Clone)]
pub struct Parts {
    /// Rows.
    pub db: Db,
    /// Files.
    pub store: Store,
    /// Wake-ups and previews.
    pub hub: Hub,
    /// Tasks.
    pub queue: QueueHandle,
    /// Settings.
    pub settings: Arc<Settings>,
    /// What was counted.
    pub metrics: Metrics,
}

/// What every request works with. Clones are handles of the same.
#[derive(Clone)]
pub struct AppState {
    inner: Arc<Inner>,
}

/// [`Parts`], and what only requests need.
pub struct Inner {
    parts: Parts,
    pub(super) devices: DeviceList,
    pub(super) streams: Streams,
    pub(super) rates: RateLimiter,
    turns: Arc<Semaphore>,
    pub(super) libraries: Parsed,
    /// Whether the installation is configured: it never goes back.
    pub(super) is_configured: AtomicBool,
}

impl AppState {
    /// The state of a service that is made of these parts.
    pub fn new(parts: Parts) -> Self {
        let inner = Inner {
            parts,
            devices: DeviceList::default(),
            streams: Streams::default(),
            rates: RateLimiter::default(),
            turns: Arc::new(Semaphore::new(TURNS_AT_ONCE)),
            libraries: Parsed::default(),
            is_configured: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Waits until an upload may be looked into.
    pub(super) async fn turn(&self) -> ApiResult<Turn> {
        let permit = Arc::clone(&self.turns).acquire_owned().await.map_err(ApiError::internal)?;
        Ok(Turn { _permit: permit })
    }
}

/// Leave to hold an upload in memory and to look into it.
#[derive(Debug)]
pub(super) struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Turn {
    /// Does work on a thread of its own. The turn is over when the work is: a client that leaves does not end it earlier.
    ///
    /// # Errors
    /// An internal error when the work panicked.
    pub(super) async fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> ApiResult<T> {
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(self);
            done
        });
        done.await.map_err(ApiError::internal)
    }
}

impl Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl Deref for Inner {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}
