//! The database's clock, the only one that decisions depend on: the server's on PostgreSQL, the machine's on SQLite.

use std::time::{SystemTime, UNIX_EPOCH};

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::DbError;
use packshot_domain::time::Timestamp;

/// The clock, and for tests how far it is moved.
#[derive(Debug, Default)]
pub(super) struct Clock {
    #[cfg(feature = "testing")]
    offset_ms: std::sync::atomic::AtomicI64,
}

/// Milliseconds since 1970, as a PostgreSQL expression. Not the time when the transaction began: it may have waited for
/// locks.
pub(super) const POSTGRES_NOW: &str = "CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT)";

impl Clock {
    /// Reads the clock.
    pub(super) async fn read<C: ConnectionTrait>(&self, connection: &C) -> Result<Timestamp, DbError> {
        let backend = connection.get_database_backend();
        if backend == DbBackend::Sqlite {
            return Ok(self.of_machine());
        }
        let row = connection.query_one_raw(Statement::from_string(backend, format!("SELECT {POSTGRES_NOW}"))).await?;
        let ms = row.ok_or(DbError::Corrupt { what: "clock", reason: "it shows nothing".to_owned() })?;
        Ok(self.shifted(ms.try_get_by_index(0)?))
    }

    /// The clock of SQLite, which is the machine's: reading it here saves a query.
    pub(super) fn of_machine(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.shifted(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// The time to use when the engine's clock shows `ms`.
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
