//! The database's clock, the only one that decides anything: of the server on PostgreSQL, of the machine on SQLite.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::DbError;
use crate::domain::time::Timestamp;

/// The clock, and for tests how far it is moved.
#[derive(Debug, Default)]
pub(super) struct Clock {
    #[cfg(feature = "testing")]
    offset_ms: std::sync::atomic::AtomicI64,
}

/// Milliseconds since 1970, as PostgreSQL says it. Not the time when the transaction began: it may have waited for locks.
pub(super) const POSTGRES_NOW: &str = "CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT)";
const SQLITE_NOW: &str = "CAST(ROUND(unixepoch('subsec') * 1000) AS INTEGER)";

impl Clock {
    /// Reads the clock.
    pub(super) async fn read<C: ConnectionTrait>(&self, connection: &C) -> Result<Timestamp, DbError> {
        let backend = connection.get_database_backend();
        let now = if backend == DbBackend::Postgres { POSTGRES_NOW } else { SQLITE_NOW };
        let row = connection.query_one_raw(Statement::from_string(backend, format!("SELECT {now}"))).await?;
        let ms = row.ok_or(DbError::Corrupt { what: "clock", reason: "it shows nothing".to_owned() })?;
        Ok(self.shifted(ms.try_get_by_index(0)?))
    }

    /// The time that counts when the engine's own is `ms`.
    pub(super) fn shifted(&self, ms: i64) -> Timestamp {
        #[cfg(feature = "testing")]
        let ms = ms.saturating_add(self.offset_ms.load(std::sync::atomic::Ordering::Relaxed));
        Timestamp::from_unix_ms(ms)
    }

    #[cfg(feature = "testing")]
    pub(super) fn move_by(&self, ms: i64) {
        self.offset_ms.fetch_add(ms, std::sync::atomic::Ordering::Relaxed);
    }
}
