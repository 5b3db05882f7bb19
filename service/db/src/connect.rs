//! Connections: how they are made, for each engine.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{Connection, PgConnection};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr, RuntimeErr};

use super::{DatabaseConfig, DbError};

/// How long a statement waits for another process that writes to the same SQLite file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// Readers of a SQLite file. Each has a thread.
const SQLITE_READERS: u32 = 8;

/// Where the database is, for messages: without user and password.
impl fmt::Display for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path } => write!(f, "{}", path.display()),
            Self::Postgres { urls, .. } => match urls.app().parse::<PgConnectOptions>() {
                Ok(at) => {
                    let (host, port) = (at.get_host(), at.get_port());
                    write!(f, "postgres://{host}:{port}/{}", at.get_database().unwrap_or_default())
                }
                Err(_) => f.write_str("the PostgreSQL server"),
            },
        }
    }
}

/// What a connection to a SQLite file may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Everything; creates the file if it does not exist.
    Write,
    /// Read, on several connections.
    Read,
    /// Read an existing file on one connection, to write a copy of it.
    Copy,
}

/// Connections to a SQLite file: one, or several that read.
pub(super) async fn sqlite(path: &Path, access: Access) -> Result<DatabaseConnection, DbError> {
    // The path is set below: in a URL some characters would mean something else.
    let mut options = ConnectOptions::new("sqlite::memory:");
    let path = path.to_owned();
    options
        .max_connections(if access == Access::Read { SQLITE_READERS } else { 1 })
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |options: SqliteConnectOptions| {
            let options = options
                .in_memory(false)
                .shared_cache(false)
                .filename(&path)
                .foreign_keys(true)
                .busy_timeout(BUSY_TIMEOUT)
                // Undo data of savepoints stays in memory: writing it to a file would cost more than the statements.
                .pragma("temp_store", "memory")
                .statement_cache_capacity(256);
            match access {
                // Full: a commit is on the disk before it is reported.
                Access::Write => options
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full),
                Access::Read => options.read_only(true),
                Access::Copy => options,
            }
        });
    Ok(Database::connect(options).await?)
}

/// Connections to a PostgreSQL server.
pub(super) async fn postgres(url: &str, max_connections: u32) -> Result<DatabaseConnection, DbError> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(Duration::from_secs(600))
        .sqlx_logging(false)
        .map_sqlx_postgres_opts(|options| options.application_name("packshot"));
    match Database::connect(options).await {
        Ok(pool) => Ok(pool),
        // A pool says that it waited for too long; a single connection says why.
        Err(waited) => match PgConnection::connect(url).await {
            Ok(_) => Err(waited.into()),
            Err(reason) => Err(DbErr::Conn(RuntimeErr::SqlxError(reason.into())).into()),
        },
    }
}
