//! The devices of this machine, as last found.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::AppError;
use packshot_contract::device::Devices;
use packshot_worker::device;

/// How long a list of devices stays valid: asking drivers takes longer than a small picture.
const FRESH: Duration = Duration::from_secs(10);

/// The devices as they were found last.
#[derive(Default)]
pub(crate) struct DeviceList {
    found: Mutex<Option<FoundDevices>>,
}

/// The devices as they were found at one time.
struct FoundDevices {
    at: Instant,
    requested: String,
    devices: Arc<Devices>,
}

impl DeviceList {
    /// The devices as they were at most ten seconds ago, with the one selected that a request for `requested` gets.
    /// Concurrent calls share one search.
    ///
    /// # Errors
    /// An internal error when the search panicked.
    pub(crate) async fn look(&self, requested: String) -> Result<Arc<Devices>, AppError> {
        let mut found = self.found.lock().await;
        if let Some(look) = &*found
            && look.at.elapsed() < FRESH
            && look.requested == requested
        {
            return Ok(Arc::clone(&look.devices));
        }
        let name = requested.clone();
        let report = tokio::task::spawn_blocking(move || device::report(&name)).await.map_err(AppError::internal)?;
        let devices = Arc::new(Devices::from(report));
        *found = Some(FoundDevices { at: Instant::now(), requested, devices: Arc::clone(&devices) });
        Ok(devices)
    }
}
