//! The installation's settings, a few seconds old at most, for what every request needs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::InForce;
use crate::config::Settings as Config;
use packshot_db::Db;
use packshot_db::settings::Stored;

/// Older settings are read again: a change takes effect within this time on every machine.
const AGE_MAX: Duration = Duration::from_secs(5);
/// A database that does not answer within this time says nothing of settings.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was read last, and when.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    last: Mutex<Option<(Instant, Arc<InForce>)>>,
}

impl Recent {
    /// The settings in force. While the database cannot be read these are the last ones that were known, or those that
    /// the process was started with.
    pub(crate) async fn look(&self, db: &Db, config: &Config) -> Arc<InForce> {
        let known = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let known = match known {
            Some((read_at, in_force)) if read_at.elapsed() < AGE_MAX => return in_force,
            older => older.map(|(_, in_force)| in_force),
        };
        let now = match timeout(PATIENCE, InForce::of_instance(db, config)).await {
            Ok(Ok(in_force)) => Arc::new(in_force),
            Ok(Err(_)) | Err(_) => known.unwrap_or_else(|| Arc::new(InForce::of(config, &Stored::default()))),
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), Arc::clone(&now)));
        now
    }

    /// Reads them again at the next look: they have just been changed here.
    pub(crate) fn forget(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
