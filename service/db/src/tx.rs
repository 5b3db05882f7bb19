//! A transaction: the connection it runs on, the tenant whose rows it may touch, its time, and what to announce when it
//! is durable.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use sea_orm::{
    AccessMode, ActiveModelTrait, ConnectionTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction,
    DbBackend, EntityTrait, IsolationLevel, QueryResult, Statement, TransactionTrait, Value,
};
use tokio::sync::OnceCell;

use super::channels::{self, Told};
use super::clock::{Clock, POSTGRES_NOW};
use super::effect::Effects;
use super::level::Level;
use super::scope::Reach;
use super::streams::{self, Gathered, NewEvent};
#[cfg(feature = "testing")]
use super::testing::StatementCount;
use super::{DbError, Notice};
use packshot_domain::id::TenantId;
use packshot_domain::stream::StreamId;
use packshot_domain::time::Timestamp;

/// Rows that one statement inserts. With their columns they stay far below 32,766 values, which is SQLite's limit.
const ROWS_AT_ONCE: usize = 500;

/// A transaction, or a savepoint within one; or a connection for a statement by itself.
pub struct Tx<'c> {
    connection: DatabaseExecutor<'c>,
    shared: &'c Ground,
    now: OnceCell<Timestamp>,
    notices: Mutex<Vec<Notice>>,
    /// Written when this is about to be committed.
    events: Mutex<Gathered>,
    /// What people are told, written with the events.
    told: Mutex<Told>,
    /// The lowest level that was locked.
    level: Mutex<Option<Level>>,
}

/// What all transactions of a handle share.
#[derive(Debug, Default)]
pub(super) struct Ground {
    /// The time that counts.
    pub(super) clock: Clock,
    /// What tasks mean for the records above their jobs.
    pub(super) effects: Effects,
    /// How many statements ran.
    #[cfg(feature = "testing")]
    pub(super) statements: StatementCount,
}

impl Ground {
    /// A connection of the handle: where tests ask for the number of statements, its statements are counted.
    #[cfg(feature = "testing")]
    pub(super) fn counted(&self, mut connection: DatabaseConnection) -> DatabaseConnection {
        self.statements.watch(&mut connection);
        connection
    }

    /// A connection of the handle.
    #[cfg(not(feature = "testing"))]
    pub(super) fn counted(&self, connection: DatabaseConnection) -> DatabaseConnection {
        connection
    }
}

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").finish_non_exhaustive()
    }
}

impl<'c> Tx<'c> {
    /// Begins on a connection of its own. On PostgreSQL the first statement sets the tenant for the rest of the
    /// transaction, and for nothing after it: a pool hands connections to others.
    pub(super) async fn begin<C>(connection: &C, reach: Reach, shared: &'c Ground) -> Result<Self, DbError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        Self::begun(connection.begin().await?, reach, shared).await
    }

    /// The same, for a transaction that reads and sees throughout the state in which it began: PostgreSQL is asked for
    /// that, and SQLite's transactions are so.
    pub(super) async fn begin_snapshot<C>(connection: &C, reach: Reach, shared: &'c Ground) -> Result<Self, DbError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let transaction = match connection.get_database_backend() {
            DbBackend::Postgres => {
                let (isolation, access) = (IsolationLevel::RepeatableRead, AccessMode::ReadOnly);
                connection.begin_with_config(Some(isolation), Some(access)).await?
            }
            _ => connection.begin().await?,
        };
        Self::begun(transaction, reach, shared).await
    }

    async fn begun(transaction: DatabaseTransaction, reach: Reach, shared: &'c Ground) -> Result<Self, DbError> {
        let tx = Self::of(transaction, shared, OnceCell::new());
        if let (DbBackend::Postgres, Reach::Tenant(tenant)) = (tx.connection.get_database_backend(), reach) {
            let sql = format!("SELECT set_config('app.current_tenant_id', $1, true), {POSTGRES_NOW}");
            let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [tenant.to_string().into()]);
            let row = tx.connection.query_one_raw(statement).await?;
            let ms = row.map(|row| row.try_get_by_index(1)).transpose()?;
            tx.now.set(shared.clock.shifted(ms.unwrap_or_default())).ok();
        }
        Ok(tx)
    }

    /// Without a transaction: each statement is committed by itself.
    pub(super) fn alone(connection: &'c DatabaseConnection, shared: &'c Ground) -> Self {
        Self::on_executor(connection.into(), shared, OnceCell::new())
    }

    /// Begins a savepoint within a transaction whose time is known.
    pub(super) async fn within(
        group: &DatabaseTransaction,
        shared: &'c Ground,
        now: Timestamp,
    ) -> Result<Self, DbError> {
        Ok(Self::of(group.begin().await?, shared, OnceCell::new_with(Some(now))))
    }

    fn of(connection: DatabaseTransaction, shared: &'c Ground, now: OnceCell<Timestamp>) -> Self {
        Self::on_executor(DatabaseExecutor::OwnedTransaction(connection), shared, now)
    }

    fn on_executor(connection: DatabaseExecutor<'c>, shared: &'c Ground, now: OnceCell<Timestamp>) -> Self {
        let (notices, events) = (Mutex::default(), Mutex::default());
        let (told, level) = (Mutex::default(), Mutex::default());
        Self { connection, shared, now, notices, events, told, level }
    }

    /// What tasks mean for the records above their jobs.
    pub(super) fn effects(&self) -> &'c Effects {
        &self.shared.effects
    }

    /// Declares that rows of a level are about to be locked.
    ///
    /// # Panics
    ///
    /// With the feature `testing`, when rows of a level below it were locked before: two such transactions may wait for
    /// each other.
    pub(super) fn enter(&self, level: Level) {
        let mut locked = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let is_in_order = locked.is_none_or(|locked| locked <= level);
        assert!(is_in_order || !cfg!(feature = "testing"), "{level:?} is locked after {:?}", *locked);
        *locked = (*locked).max(Some(level));
    }

    /// Writes an event to a stream, as the last thing that this transaction does.
    pub fn emit(&self, tenant: TenantId, stream: StreamId, event: NewEvent) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.entry((tenant, stream)).or_default().push(event);
    }

    /// Adds to what people are told, which is written with the events.
    pub(super) fn told(&self, add: impl FnOnce(&mut Told)) {
        add(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The connection or transaction that statements run on.
    pub(super) fn on(&self) -> &DatabaseExecutor<'c> {
        &self.connection
    }

    /// The rows of a query in plain SQL, with `$1`, `$2` … for `values`.
    pub(super) async fn query(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value> + Send,
    ) -> Result<Vec<QueryResult>, DbError> {
        let backend = self.connection.get_database_backend();
        Ok(self.connection.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?)
    }

    /// Inserts rows of a table, as many as there are.
    pub(super) async fn insert_all<A>(&self, mut rows: Vec<A>) -> Result<(), DbError>
    where
        A: ActiveModelTrait + Send,
    {
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(ROWS_AT_ONCE));
            let some = std::mem::replace(&mut rows, rest);
            A::Entity::insert_many(some).exec_without_returning(self.on()).await?;
        }
        Ok(())
    }

    /// The time of this transaction: the database's clock, read once.
    pub(super) async fn now(&self) -> Result<Timestamp, DbError> {
        self.now.get_or_try_init(|| self.shared.clock.read(&self.connection)).await.copied()
    }

    /// Announces something once this is durable.
    pub(super) fn announce(&self, notice: Notice) {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).push(notice);
    }

    /// Writes what people are told, and the events that were gathered: for callers that read their effect before the
    /// end.
    pub(super) async fn write_events(&self) -> Result<(), DbError> {
        let told = std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner));
        channels::write(self, told).await?;
        let gathered = std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner));
        streams::write(self, gathered).await
    }

    /// Keeps what was done, and the events that were gathered; returns what is to be announced when it is durable.
    pub(super) async fn commit(self) -> Result<Vec<Notice>, DbError> {
        self.write_events().await?;
        if let DatabaseExecutor::OwnedTransaction(transaction) = self.connection {
            transaction.commit().await.map_err(DbError::of_commit)?;
        }
        Ok(self.notices.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Undoes what was done.
    pub(super) async fn rollback(self) -> Result<(), DbError> {
        if let DatabaseExecutor::OwnedTransaction(transaction) = self.connection {
            transaction.rollback().await?;
        }
        Ok(())
    }
}
