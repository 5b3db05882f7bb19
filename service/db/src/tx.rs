//! A transaction: the connection it runs on, whose rows it may touch, its time, and what to announce when it is durable.

use std::sync::{Mutex, PoisonError};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbBackend, QueryResult, Statement,
    TransactionTrait, Value,
};
use tokio::sync::OnceCell;

use super::clock::{Clock, POSTGRES_NOW};
use super::scope::Reach;
use super::{DbError, Notice};
use packshot_domain::time::Timestamp;

/// A transaction, or a savepoint within one; or a connection for a statement by itself.
pub(super) struct Tx<'c> {
    connection: DatabaseExecutor<'c>,
    clock: &'c Clock,
    now: OnceCell<Timestamp>,
    notices: Mutex<Vec<Notice>>,
}

impl<'c> Tx<'c> {
    /// Begins on a connection of its own. On PostgreSQL the first statement sets the tenant for the rest of the transaction, and
    /// for nothing after it: a pool hands connections to others.
    pub(super) async fn begin<C>(connection: &C, reach: Reach, clock: &'c Clock) -> Result<Self, DbError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let tx = Self::of(connection.begin().await?, clock, OnceCell::new());
        if let (DbBackend::Postgres, Reach::Tenant(tenant)) = (tx.connection.get_database_backend(), reach) {
            let sql = format!("SELECT set_config('app.current_tenant_id', $1, true), {POSTGRES_NOW}");
            let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [tenant.to_string().into()]);
            let row = tx.connection.query_one_raw(statement).await?;
            let ms = row.map(|row| row.try_get_by_index(1)).transpose()?;
            tx.now.set(clock.shifted(ms.unwrap_or_default())).ok();
        }
        Ok(tx)
    }

    /// Begins nothing: what runs on this is committed by itself.
    pub(super) fn alone(connection: &'c DatabaseConnection, clock: &'c Clock) -> Self {
        Self { connection: connection.into(), clock, now: OnceCell::new(), notices: Mutex::default() }
    }

    /// Begins a savepoint within a transaction whose time is known.
    pub(super) async fn within(group: &DatabaseTransaction, clock: &'c Clock, now: Timestamp) -> Result<Self, DbError> {
        Ok(Self::of(group.begin().await?, clock, OnceCell::new_with(Some(now))))
    }

    fn of(connection: DatabaseTransaction, clock: &'c Clock, now: OnceCell<Timestamp>) -> Self {
        Self { connection: DatabaseExecutor::OwnedTransaction(connection), clock, now, notices: Mutex::default() }
    }

    /// What statements run on.
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

    /// The time of this transaction: the database's clock, read once.
    pub(super) async fn now(&self) -> Result<Timestamp, DbError> {
        self.now.get_or_try_init(|| self.clock.read(&self.connection)).await.copied()
    }

    /// Announces something, when and if this is durable.
    pub(super) fn announce(&self, notice: Notice) {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).push(notice);
    }

    /// Keeps what was done; returns what is to be announced when it is durable.
    pub(super) async fn commit(self) -> Result<Vec<Notice>, DbError> {
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
