//! What every use case works with, and how one fails.
//!
//! A use case is a function of the service without HTTP: it takes the [`App`], who asks, and a wish, and gives what
//! came of it or an [`AppError`]. Routes call use cases, and so may anything else that runs in this process. Whether
//! who asks has the permission is checked before a use case is called; what needs a look at the object itself, it
//! checks.

mod code;
mod devices;
mod error;
mod parsed;
mod rate_limit;
mod turn;

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::Semaphore;

use crate::config::Settings;
use crate::events::hub::Hub;
use crate::jobs::QueueHandle;
use crate::store::Store;
use devices::DeviceList;
use packshot_db::Db;
use parsed::ParsedLibraries;
use rate_limit::RateLimiter;
use turn::Turn;

pub use crate::store::{Spool as Receiving, Spooled as Upload};
pub use code::Code;
pub use error::{AppError, ErrorKind};
pub use packshot_db::{Cursor, Page, PageRequest};

/// Uploads that are looked into at once without being rendered: each is in memory meanwhile.
const TURNS_AT_ONCE: usize = 2;

/// The parts of the service that use cases work with.
pub struct Parts {
    /// Rows.
    pub db: Db,
    /// Files.
    pub store: Store,
    /// Wake-ups and previews.
    pub hub: Hub,
    /// Tasks.
    pub queue: QueueHandle,
    /// What the process was started with; the database may say otherwise.
    pub settings: Arc<Settings>,
}

/// What every use case works with. Clones are handles of the same.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

/// [`Parts`], and what the process remembers from one call to the next.
pub struct Inner {
    parts: Parts,
    pub(crate) devices: DeviceList,
    pub(crate) rates: RateLimiter,
    pub(crate) libraries: ParsedLibraries,
    /// Whether the installation is configured: it never goes back.
    pub(crate) is_configured: AtomicBool,
    turns: Arc<Semaphore>,
}

impl App {
    /// What use cases of a service that is made of these parts work with.
    pub fn new(parts: Parts) -> Self {
        let inner = Inner {
            parts,
            devices: DeviceList::default(),
            rates: RateLimiter::default(),
            libraries: ParsedLibraries::default(),
            is_configured: AtomicBool::new(false),
            turns: Arc::new(Semaphore::new(TURNS_AT_ONCE)),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Waits until an upload may be looked into.
    ///
    /// # Errors
    /// [`Code::InternalError`] when nobody will ever get a turn again.
    pub(crate) async fn turn(&self) -> Result<Turn, AppError> {
        Turn::of(&self.turns).await
    }

    /// Begins to receive an upload of at most `bytes_max`. Dropped, it leaves nothing.
    ///
    /// # Errors
    /// [`Code::StorageFull`] when that is known already.
    pub fn receive(&self, bytes_max: u64) -> Result<Receiving, AppError> {
        Ok(self.store.spool(bytes_max)?)
    }
}

impl Deref for App {
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
