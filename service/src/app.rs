//! What every use case works with, and how one fails.
//!
//! A use case is a function of the service without HTTP: it takes the [`App`], the caller and a request, and returns a
//! result or an [`AppError`]. Routes call use cases, and so may anything else in this process. The permission of the
//! caller is checked before a use case is called; the use case checks what depends on the object itself.

mod code;
mod deeds;
mod devices;
mod error;
mod notes;
mod explained;
pub(crate) mod failure;
mod parsed;
mod ports;
pub(crate) mod rate_limit;
mod turn;

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::Semaphore;

use crate::config::Settings;
use crate::credentials::passwords::Passwords;
use crate::credentials::throttle::Throttle;
use crate::events::hub::Hub;
use crate::jobs::QueueHandle;
use crate::settings::InForce;
use crate::settings::recent::Recent;
use crate::store::Store;
use devices::DeviceList;
use packshot_db::Db;
use parsed::ParsedLibraries;
use rate_limit::RateLimiter;
use turn::Turn;

pub use crate::credentials::signing_keys::SigningKeyFile;
pub use crate::store::{Spool as Receiving, Spooled as Upload};
pub use code::Code;
pub use deeds::{Deed, Deeds, OwnDeeds};
pub use error::{AppError, ErrorKind, FailedRun};
pub use explained::Explained;
pub use notes::{NoteBundle, NoteWriter};
pub use packshot_db::{Cursor, Page, PageRequest};
pub use ports::{DirectPath, GraphRuntime, Ports, PresetRunner, Queued, Taken, TaskQueue};

/// Uploads that are checked at the same time without being rendered: each is in memory meanwhile.
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
    /// The settings of the process; those in the database may differ.
    pub settings: Arc<Settings>,
    /// What access tokens are signed with.
    pub signing_keys: SigningKeyFile,
    /// What dispatches go through.
    pub ports: Ports,
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
    pub(crate) visitor_rates: RateLimiter,
    pub(crate) passwords: Passwords,
    pub(crate) throttle: Throttle,
    pub(crate) libraries: ParsedLibraries,
    pub(crate) recent: Recent,
    /// Whether the installation is configured: it never goes back.
    pub(crate) is_configured: AtomicBool,
    turns: Arc<Semaphore>,
}

impl App {
    /// The app of a service made of these parts.
    pub fn new(parts: Parts) -> Self {
        let inner = Inner {
            parts,
            devices: DeviceList::default(),
            rates: RateLimiter::default(),
            visitor_rates: RateLimiter::default(),
            passwords: Passwords::default(),
            throttle: Throttle::default(),
            libraries: ParsedLibraries::default(),
            recent: Recent::default(),
            is_configured: AtomicBool::new(false),
            turns: Arc::new(Semaphore::new(TURNS_AT_ONCE)),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Waits until an upload may be checked.
    ///
    /// # Errors
    /// [`Code::InternalError`] when no turn will ever be free again.
    pub(crate) async fn turn(&self) -> Result<Turn, AppError> {
        Turn::of(&self.turns).await
    }

    /// The installation's settings in force, a few seconds old at most: for what every request needs.
    pub(crate) async fn in_force(&self) -> Arc<InForce> {
        self.recent.look(&self.db, &self.settings).await
    }

    /// Begins to receive an upload of at most `bytes_max`. Dropped, it leaves nothing.
    ///
    /// # Errors
    /// [`Code::StorageFull`] if that is already known.
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
