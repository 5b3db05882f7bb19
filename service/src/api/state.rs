//! What every request works with.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::devices::DeviceList;
use super::materials::Parsed;
use super::problem::{ApiError, ApiResult};
use super::rate_limit::RateLimiter;
use super::streams::Streams;
use crate::config::Settings;
use crate::events::hub::Hub;
use crate::queue::QueueHandle;
use crate::server::metrics::Metrics;
use crate::store::Store;
use packshot_db::Db;
use packshot_worker::inline;

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
    /// After so long a silent stream of events says that it is there.
    pub keep_alive: Duration,
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
    /// Does work on a thread like those of renders. The turn is over when the work is: a client that leaves does not end it
    /// earlier.
    ///
    /// # Errors
    /// An internal error when the work panicked, or there is no thread to be had.
    pub(super) async fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> ApiResult<T> {
        let (sender, done) = oneshot::channel();
        let thread = inline::spawn("packshot-look".to_owned(), move || {
            let done = work();
            drop(self);
            // Who left does not hear of it.
            sender.send(done).ok();
        });
        thread.map_err(ApiError::internal)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn turns() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(1))
    }

    async fn turn(turns: &Arc<Semaphore>) -> Turn {
        Turn { _permit: Arc::clone(turns).acquire_owned().await.expect("open") }
    }

    /// Takes 4 KiB of stack for each level, and gives the depth.
    fn deep(levels: usize) -> usize {
        let room = std::hint::black_box([0_u8; 4096]);
        if levels == 0 { room.len() - 4096 } else { 1 + deep(levels - 1) }
    }

    #[tokio::test]
    async fn a_turn_has_the_stack_of_a_render_and_a_panic_ends_it_alone() {
        let turns = turns();
        assert_eq!(turn(&turns).await.run(|| deep(1000)).await.ok(), Some(1000), "twice the stack of a usual thread");
        let panicked = turn(&turns).await.run(|| -> u8 { panic!("a defect") }).await;
        assert_eq!(panicked.map_err(|error| error.code().to_owned()), Err("internal_error".to_owned()));
        let next = tokio::time::timeout(Duration::from_secs(10), turn(&turns)).await.expect("its turn is over");
        assert_eq!(next.run(|| 7).await.ok(), Some(7));
    }
}
