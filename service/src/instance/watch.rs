//! Trouble of the whole installation: noticed here, and told to its admins (notifications.md §3).

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::config::{Executor, Settings};
use crate::libraries::of_tenant;
use crate::settings::InForce;
use crate::store::{Store, StoreError};
use packshot_db::channels::{self, InstanceTrouble, alerts};
use packshot_db::{AllTenants, Db, DbError, TenantScope};
use packshot_domain::channel::{AlertType, Message, Severity};
use packshot_worker::device;

/// How often to look.
const EVERY: Duration = Duration::from_secs(5);
/// How often the store is tried while it takes files.
const STORE_EVERY: Duration = Duration::from_secs(15);
/// How often a GPU is looked for while there is one: asking drivers takes longer than a small picture.
const DEVICE_EVERY: Duration = Duration::from_secs(600);
/// How often while there is none, and how often a broken library or a missing program is looked for again.
const AGAIN_EVERY: Duration = Duration::from_secs(60);
/// A part that does not answer within this time is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Runs for as long as the service does.
pub(crate) async fn run(db: Db, store: Store, settings: Arc<Settings>) {
    let mut watch = Watch { db, store, settings, away_since: None, is_full: None, looked: [None; 3], had_gpu: None };
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = watch.look().await {
            tracing::warn!("trouble of the installation cannot be told: {error}");
        }
    }
}

struct Watch {
    db: Db,
    store: Store,
    settings: Arc<Settings>,
    /// Since when the database has not answered.
    away_since: Option<Instant>,
    /// Whether the store was full the last time; `None` before the first.
    is_full: Option<bool>,
    /// When store, devices and libraries were looked at last.
    looked: [Option<Instant>; 3],
    /// Whether there was a GPU, or none was asked for; `None` before anybody was told of it.
    had_gpu: Option<bool>,
}

impl Watch {
    async fn look(&mut self) -> Result<(), DbError> {
        if !matches!(timeout(PATIENCE, self.db.now()).await, Ok(Ok(_))) {
            self.away_since.get_or_insert_with(Instant::now);
            return Ok(());
        }
        let since = self.away_since.into_iter().chain(self.db.refused_since()).min();
        if let Some(since) = since {
            database(&self.db, since.elapsed()).await?;
            self.away_since = None;
            self.db.forget_refusal();
        }
        let store_every = if self.is_full == Some(true) { EVERY } else { STORE_EVERY };
        if self.is_due(0, store_every) {
            let was_full = self.is_full;
            let is_full = storage(&self.db, &self.store, was_full).await?;
            self.is_full = Some(is_full);
        }
        if self.is_due(1, if self.had_gpu == Some(true) { DEVICE_EVERY } else { AGAIN_EVERY }) {
            let requested = InForce::of_instance(&self.db, &self.settings).await?.render_device;
            let missing = match spawn_blocking(move || device::missing_gpu(&requested)).await {
                Ok(missing) => missing,
                Err(error) if error.is_panic() => Some("looking for one crashed".to_owned()),
                // The service ends.
                Err(_) => return Ok(()),
            };
            let has_gpu = missing.is_none();
            // As long as nobody could be told, it is looked for again soon. Where nothing is new, nothing is told:
            // another process may have none.
            if self.had_gpu.take() != Some(true) || !has_gpu {
                gpu(&self.db, missing).await?;
            }
            self.had_gpu = Some(has_gpu);
        }
        if self.is_due(2, AGAIN_EVERY) {
            libraries(&self.db, &self.store, &self.settings).await?;
            executors(&self.db, &self.settings).await?;
        }
        Ok(())
    }

    /// Whether a part is to be looked at again; then it counts as looked at.
    fn is_due(&mut self, part: usize, every: Duration) -> bool {
        let is_due = self.looked[part].is_none_or(|at| at.elapsed() >= every);
        if is_due {
            self.looked[part] = Some(Instant::now());
        }
        is_due
    }
}

/// Tells that the database was away. While it is, nobody can be told.
///
/// # Errors
/// Errors of the database.
pub async fn database(db: &Db, away_for: Duration) -> Result<(), DbError> {
    let seconds = away_for.as_secs_f64();
    let message = Message::new(&format!("The database took no writes for {seconds:.0} s"));
    let trouble = InstanceTrouble::Mended(Severity::Error, message, json!({"duration_s": seconds}));
    channels::instance(db, AllTenants::Housekeeping, AlertType::DatabaseUnavailable, "", trouble).await
}

/// Tries the store, and tells when it has no room, even if only for a file that was sent, or has some again; returns
/// whether it has none, as far as is known: one that cannot be tried is what it was, and full where that is unknown
/// too, so that the next success is told.
///
/// # Errors
/// Errors of the database.
pub async fn storage(db: &Db, store: &Store, was_full: Option<bool>) -> Result<bool, DbError> {
    let had_no_room = store.was_full();
    let is_full = match store.probe().await {
        Ok(()) => had_no_room,
        Err(StoreError::Full) => true,
        Err(error) => {
            tracing::warn!("the store cannot be tried: {error}");
            return Ok(was_full != Some(false));
        }
    };
    let trouble = match (is_full, was_full) {
        (true, _) => {
            let message = Message::new("The store has no room for files: free some, or give it more");
            InstanceTrouble::Lasts(Severity::Error, message, json!({}))
        }
        (false, Some(false)) => return Ok(false),
        // An earlier process may have told of it.
        (false, _) => InstanceTrouble::Over,
    };
    channels::instance(db, AllTenants::Housekeeping, AlertType::StorageFull, "", trouble).await?;
    Ok(is_full)
}

/// Tells that the GPU that was asked for is missing, and why; or that it is there, or nobody asks for one.
///
/// # Errors
/// Errors of the database.
pub async fn gpu(db: &Db, missing: Option<String>) -> Result<(), DbError> {
    let trouble = match missing {
        Some(reason) => {
            let message = Message::new(&format!("GPU probe failed: {reason}"));
            InstanceTrouble::Lasts(Severity::Error, message, json!({"reason": reason}))
        }
        None => InstanceTrouble::Over,
    };
    channels::instance(db, AllTenants::Housekeeping, AlertType::GpuProbeFailed, "", trouble).await
}

/// Reads the libraries of tenants again that could not be read, and tells that they can.
///
/// # Errors
/// Errors of the database.
pub async fn libraries(db: &Db, store: &Store, settings: &Settings) -> Result<(), DbError> {
    for alert in alerts::open_of(db, AllTenants::Housekeeping, AlertType::LibraryInvalid).await? {
        // What is wrong with it was told, and is told again when somebody needs it.
        let scope = TenantScope::of(alert.entry.tenant);
        if matches!(of_tenant::read((db, store, settings), scope).await, Ok(Ok(_))) {
            channels::of_tenant(db, scope, AlertType::LibraryInvalid, None).await?;
        }
    }
    Ok(())
}

/// Looks for the programs of executors that were missing, and tells which are there, or no longer asked for.
///
/// # Errors
/// Errors of the database.
pub async fn executors(db: &Db, settings: &Settings) -> Result<(), DbError> {
    for alert in alerts::open_of(db, AllTenants::Housekeeping, AlertType::ExecutorNotFound).await? {
        let Some(name) = alert.entry.data["executor"].as_str() else { continue };
        let program = match settings.legacy_executors.get(name) {
            Some(Executor::Command { command, .. }) => command.first(),
            Some(Executor::Http { .. }) | None => None,
        };
        if program.is_none_or(|program| which::which(program).is_ok()) {
            let over = InstanceTrouble::Over;
            channels::instance(db, AllTenants::Housekeeping, AlertType::ExecutorNotFound, name, over).await?;
        }
    }
    Ok(())
}
