//! The database: SQLite by default, PostgreSQL for more than one machine. Private entities, one set of migrations.
//!
//! Every function takes a scope: a [`TenantScope`], or, where it must see all tenants, [`AllTenants`] with its reason.
//! Lists take a [`ReadScope`], which is one tenant or all of them.
//! It opens one transaction, and returns when that is durable. The change is then announced as a [`Notice`] to others
//! in this process, and through the [`bus`] to other processes.
//!
//! Rows are locked in one order on both engines ([`Level`]), so that no two transactions wait for each other.

pub mod scope;
pub mod error;
pub mod page;
pub mod notice;
pub mod bus;
pub mod jobs;
pub mod tasks;
pub mod effect;
pub mod streams;
pub mod renders;
pub mod files;
pub mod idempotency;
pub mod tenants;
pub mod users;
pub mod sessions;
pub mod keys;
pub mod audit;
pub mod installation;
pub mod cad_files;
pub mod products;
pub mod output_types;
pub mod render_templates;
pub mod orders;
pub mod workflows;
pub mod imports;
pub mod media;
pub mod channels;
pub mod webhooks;
pub mod libraries;
pub mod material_aliases;
pub mod reviews;
pub mod designs;
pub mod settings;
pub mod tenant_configs;
pub mod worker_configs;
pub mod objects;
pub mod artifacts;
pub mod log;
pub mod roles;
pub mod plan;
#[cfg(feature = "testing")]
pub mod testing;

mod connect;
mod postgres;
mod row_security;
mod migration;
mod clock;
mod tx;
mod level;
mod work;
mod writer;
mod column;
mod document;
mod entity;
mod held;
mod quota;
mod counters;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use tokio::sync::broadcast;
use uuid::Uuid;

use connect::Access;
use effect::Effects;
use notice::Board;
use packshot_domain::time::Timestamp;
use postgres::Pools;
use scope::Reach;
use tx::Ground;
use work::{Bound, Done, Operation, Work, value};
use writer::Writer;

pub use error::{DbError, Exceeded, LastAdmin};
pub use level::Level;
pub use notice::Notice;
pub use page::{Cursor, Page, PageRequest};
pub use postgres::PostgresUrls;
pub use scope::{AllTenants, ReadScope, TenantScope};
pub use tx::Tx;

/// A JSON value as rows keep it.
pub type Json = serde_json::Value;

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseConfig {
    /// A SQLite file, which is created if it does not exist.
    Sqlite {
        /// The file.
        path: PathBuf,
    },
    /// A PostgreSQL server.
    Postgres {
        /// The database, as one role or as three.
        urls: PostgresUrls,
        /// Connections at most: in all as one role, for each of two purposes as three.
        max_connections: u32,
    },
}

/// Which engine keeps the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// How often a transaction that lost a race to another one is tried again.
const RACES_MAX: u32 = 10;

/// A handle to the database; clones share its connections.
#[derive(Clone)]
pub struct Db {
    shared: Arc<Shared>,
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("engine", &self.kind()).finish_non_exhaustive()
    }
}

struct Shared {
    engine: Connections,
    ground: Arc<Ground>,
    notices: Board,
    /// Since when writes are refused.
    refused_since: Mutex<Option<Instant>>,
    /// Identifies this handle among all that ever existed.
    holder: Uuid,
}

/// How a reader sees the database.
enum Reading {
    /// Within a transaction.
    Transaction,
    /// All statements see the state in which the first began.
    Snapshot,
    /// By one statement.
    OneStatement,
}

enum Connections {
    Sqlite { path: PathBuf, readers: DatabaseConnection, writer: Writer },
    Postgres(Pools),
}

impl Db {
    /// Opens the database, brings its schema up to date, and creates what every installation has: the operating tenant
    /// `default` and its user `local`.
    ///
    /// # Errors
    ///
    /// [`DbError`] when it cannot be reached, opened or migrated; [`DbError::Roles`], before anything is written, when
    /// it may not be used as the roles of its URLs.
    pub async fn open(config: &DatabaseConfig) -> Result<Self, DbError> {
        Self::open_with(config, Effects::default()).await
    }

    /// [`open`](Self::open), with other effects of jobs.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn open_with(config: &DatabaseConfig, effects: Effects) -> Result<Self, DbError> {
        let ground = Arc::new(Ground { effects, ..Ground::default() });
        let notices = Board::new();
        let engine = match config {
            DatabaseConfig::Sqlite { path } => {
                if path.exists() {
                    // Opening a file for writing may change it before its schema is checked.
                    let connection = connect::sqlite(path, Access::Copy).await?;
                    migration::check(&connection).await?;
                    connection.close().await?;
                }
                let connection = ground.counted(connect::sqlite(path, Access::Write).await?);
                migration::run(&connection).await?;
                let readers = ground.counted(connect::sqlite(path, Access::Read).await?);
                let writer = Writer::start(path.clone(), connection, Arc::clone(&ground), notices.clone())?;
                Connections::Sqlite { path: path.clone(), readers, writer }
            }
            DatabaseConfig::Postgres { urls, max_connections } => {
                let pools = Pools::open(urls, *max_connections).await?;
                Connections::Postgres(pools.map(|pool| ground.counted(pool)))
            }
        };
        let db = Self {
            shared: Arc::new(Shared {
                engine,
                ground,
                notices,
                refused_since: Mutex::default(),
                holder: Uuid::now_v7(),
            }),
        };
        installation::prepare(&db).await?;
        Ok(db)
    }

    /// Which engine this is.
    #[must_use]
    pub fn kind(&self) -> DatabaseKind {
        match self.shared.engine {
            Connections::Sqlite { .. } => DatabaseKind::Sqlite,
            Connections::Postgres(_) => DatabaseKind::Postgres,
        }
    }

    /// Whether the rows of several tenants may be in this database: SQLite has one service, which asks for the rows of
    /// one tenant at a time; PostgreSQL keeps tenants apart itself, as long as it is used as three roles.
    #[must_use]
    pub fn may_have_more_tenants(&self) -> bool {
        match &self.shared.engine {
            Connections::Sqlite { .. } => true,
            Connections::Postgres(pools) => pools.keep_tenants_apart(),
        }
    }

    /// The database's clock.
    ///
    /// # Errors
    ///
    /// [`DbError`] when the database cannot be reached: this is also the check of readiness.
    pub async fn now(&self) -> Result<Timestamp, DbError> {
        let readers = self.readers(Reach::All);
        if self.kind() == DatabaseKind::Sqlite {
            readers.query_one_raw(Statement::from_string(DbBackend::Sqlite, "SELECT 1 FROM installation")).await?;
        }
        if let Connections::Postgres(Pools::Two { app, .. }) = &self.shared.engine {
            self.shared.ground.clock.read(app).await?;
        }
        self.shared.ground.clock.read(readers).await
    }

    /// Moves the clock by `ms` milliseconds, forward or back, for this handle and its clones.
    #[cfg(feature = "testing")]
    pub fn move_clock(&self, ms: i64) {
        self.shared.ground.clock.move_by(ms);
    }

    /// How many statements this handle and its clones have run.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.shared.ground.statements.get()
    }

    /// The notices from now on, of all processes that the [`bus`] reaches. A receiver that falls behind gets an error
    /// that says so, and should then read the tables.
    #[must_use]
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.shared.notices.all()
    }

    /// Writes a consistent copy of the database, as it is now, while it is in use. Only SQLite: PostgreSQL has
    /// `pg_dump`.
    ///
    /// # Errors
    ///
    /// [`DbError`] when the file exists already, the copy cannot be written, or the engine is PostgreSQL.
    pub async fn backup(&self, to: &Path) -> Result<(), DbError> {
        match &self.shared.engine {
            Connections::Sqlite { path, .. } => Self::copy(path, to).await,
            Connections::Postgres(_) => Err(DbError::Unsupported("PostgreSQL is backed up by pg_dump".to_owned())),
        }
    }

    /// Writes a consistent copy of a SQLite file as it is now, even while it is in use. Its schema is not touched, so
    /// it may belong to another version of the program.
    ///
    /// # Errors
    ///
    /// [`DbError`] when there is no such file, or the copy exists already or cannot be written.
    pub async fn copy(path: &Path, to: &Path) -> Result<(), DbError> {
        let target =
            to.to_str().ok_or_else(|| DbError::Unsupported("the path of a copy must be Unicode".to_owned()))?;
        let connection = connect::sqlite(path, Access::Copy).await?;
        let copy = Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO $1", [target.into()]);
        connection.execute_raw(copy).await?;
        connection.close().await?;
        // SQLite leaves the copy to the operating system; a backup should survive a power cut.
        let file = tokio::fs::File::open(to).await;
        let synced = async { file?.sync_all().await }.await;
        synced.map_err(|error| DbError::Unsupported(format!("the copy cannot be made durable: {error}")))
    }

    /// Waits for what is being written, and closes all connections.
    pub async fn close(self) {
        match &self.shared.engine {
            Connections::Sqlite { readers, writer, .. } => {
                // The writer goes last: the last connection folds the log into the file, and readers cannot.
                readers.close_by_ref().await.ok();
                writer.close().await;
            }
            Connections::Postgres(pools) => pools.close().await,
        }
    }

    fn readers(&self, reach: Reach) -> &DatabaseConnection {
        match &self.shared.engine {
            Connections::Sqlite { readers, .. } => readers,
            Connections::Postgres(pools) => pools.of(reach),
        }
    }

    /// Reads within one transaction.
    async fn read<A, T, W>(&self, scope: impl Into<Reach>, args: A, work: W) -> Result<T, DbError>
    where
        A: Send + Sync,
        T: Send + 'static,
        W: Work<A, T> + Send + Sync,
    {
        self.reading(scope.into(), Reading::Transaction, &Bound::new(args, work)).await.map(value)
    }

    /// Reads within one transaction, all of whose statements see the state in which it began. On SQLite every
    /// transaction does.
    async fn read_snapshot<A, T, W>(&self, scope: impl Into<Reach>, args: A, work: W) -> Result<T, DbError>
    where
        A: Send + Sync,
        T: Send + 'static,
        W: Work<A, T> + Send + Sync,
    {
        self.reading(scope.into(), Reading::Snapshot, &Bound::new(args, work)).await.map(value)
    }

    /// Reads with one statement. On SQLite one statement sees a consistent state without a transaction, and without
    /// `BEGIN` and `COMMIT` two messages fewer go to SQLite's thread: half the time of a short read.
    async fn read_one<A, T, W>(&self, scope: impl Into<Reach>, args: A, work: W) -> Result<T, DbError>
    where
        A: Send + Sync,
        T: Send + 'static,
        W: Work<A, T> + Send + Sync,
    {
        self.reading(scope.into(), Reading::OneStatement, &Bound::new(args, work)).await.map(value)
    }

    /// Runs an operation that only reads.
    fn reading<'a>(
        &'a self,
        reach: Reach,
        reading: Reading,
        operation: &'a dyn Operation,
    ) -> BoxFuture<'a, Result<Done, DbError>> {
        Box::pin(async move {
            let (readers, ground) = (self.readers(reach), &*self.shared.ground);
            let tx = match reading {
                Reading::OneStatement if self.kind() == DatabaseKind::Sqlite => {
                    return operation.run(&Tx::alone(readers, ground)).await;
                }
                Reading::OneStatement | Reading::Transaction => Tx::begin(readers, reach, ground).await?,
                Reading::Snapshot => Tx::begin_snapshot(readers, reach, ground).await?,
            };
            let done = operation.run(&tx).await?;
            tx.commit().await?;
            Ok(done)
        })
    }

    /// Writes within one transaction, and returns when it is durable. `work` may be done again when the transaction
    /// lost a race.
    async fn write<A, T, W>(&self, scope: impl Into<Reach>, args: A, work: W) -> Result<T, DbError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        W: Work<A, T> + Send + Sync + 'static,
    {
        self.writing(scope.into(), Box::new(Bound::new(args, work))).await.map(value)
    }

    /// Runs an operation within a transaction, and returns when it is durable.
    fn writing(&self, reach: Reach, operation: Box<dyn Operation>) -> BoxFuture<'_, Result<Done, DbError>> {
        Box::pin(async move {
            let written = match &self.shared.engine {
                Connections::Sqlite { writer, .. } => writer.write(operation).await,
                Connections::Postgres(pools) => self.write_alone(pools.of(reach), reach, &*operation).await,
            };
            if let Err(DbError::Unavailable(_) | DbError::Unanswered(_) | DbError::Full(_)) = &written {
                self.refused().get_or_insert_with(Instant::now);
            }
            written
        })
    }

    fn refused(&self) -> MutexGuard<'_, Option<Instant>> {
        self.shared.refused_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since when the database has refused writes of this handle, if it has since [`forget_refusal`].
    ///
    /// [`forget_refusal`]: Self::forget_refusal
    #[must_use]
    pub fn refused_since(&self) -> Option<Instant> {
        *self.refused()
    }

    /// Writes work again.
    pub fn forget_refusal(&self) {
        *self.refused() = None;
    }

    async fn write_alone(
        &self,
        pool: &DatabaseConnection,
        reach: Reach,
        operation: &dyn Operation,
    ) -> Result<Done, DbError> {
        let mut races = 0;
        loop {
            let tx = Tx::begin(pool, reach, &self.shared.ground).await?;
            let result = match operation.run(&tx).await {
                Ok(done) => tx.commit().await.map(|notices| (done, notices)),
                Err(error) => {
                    tx.rollback().await?;
                    Err(error)
                }
            };
            match result {
                Ok((done, notices)) => {
                    self.shared.notices.committed(notices);
                    return Ok(done);
                }
                Err(error) if error.is_race() && races < RACES_MAX => {
                    races += 1;
                    // The winner will be done soon.
                    tokio::time::sleep(Duration::from_millis(u64::from(races))).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}
