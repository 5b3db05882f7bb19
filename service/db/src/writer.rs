//! The one writer of a SQLite database, with group commit.
//!
//! SQLite writes one transaction at a time, and a durable one costs an fsync: milliseconds, where the statements cost
//! microseconds. So operations that are waiting share a transaction, each within a savepoint, and with it the fsync.
//! Nothing waits for a group to fill: a group is whatever arrived while the previous one was being written.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use sea_orm::{DatabaseConnection, DbErr, SqliteTransactionMode, TransactionOptions, TransactionTrait};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};

use super::connect::{self, Access};
use super::notice::Board;
use super::tx::{Ground, Tx};
use super::work::{Done, Operation};
use super::{DbError, Notice};

/// The least and the greatest age at which a group takes no more operations.
const GROUP_AGE_MAX: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(50)];
/// Between the two, the age limit is so many times the duration of the last commit: where an fsync is slow, more share
/// it.
const GROUP_AGE_COMMITS: u32 = 3;
/// No group has more operations than this.
const GROUP_SIZE_MAX: usize = 256;
/// Operations that may wait; further ones wait for a place.
const QUEUE_LEN: usize = 1024;

/// An operation on its way through the writer.
struct Queued {
    operation: Box<dyn Operation>,
    /// What came of it the last time that it ran.
    result: Option<Result<Done, DbError>>,
    answer: oneshot::Sender<Result<Done, DbError>>,
}

impl Queued {
    /// Runs within the savepoint; returns whether to keep what it did.
    async fn run(&mut self, savepoint: &Tx<'_>) -> bool {
        // It may have run before, in a transaction that another operation spoiled.
        self.result = None;
        let result = self.operation.run(savepoint).await;
        self.result.insert(result).is_ok()
    }

    /// Answers the caller: with the result when the group is durable, with the error when it is not.
    fn settle(self, group: Result<(), DbError>) {
        let result = match (group, self.result) {
            (_, Some(Err(error))) | (Err(error), _) => Err(error),
            (Ok(()), Some(Ok(done))) => Ok(done),
            (Ok(()), None) => Err(DbError::Closed),
        };
        // A caller that no longer waits does not need the answer.
        self.answer.send(result).ok();
    }
}

enum Message {
    Write(Queued),
    Close(oneshot::Sender<()>),
}

/// A handle to the writer.
pub(super) struct Writer {
    messages: mpsc::Sender<Message>,
}

impl Writer {
    /// Starts the writer of a file on a connection with no other writer. It has a thread of its own: all callers wait
    /// for its statements, one after the other, and in a busy runtime each statement would wait for its turn.
    ///
    /// # Errors
    ///
    /// [`DbError::Internal`] when the system has no thread for it.
    pub(super) fn start(
        path: PathBuf,
        connection: DatabaseConnection,
        ground: Arc<Ground>,
        notices: Board,
    ) -> Result<Self, DbError> {
        let (messages, queue) = mpsc::channel(QUEUE_LEN);
        let work =
            Loop { path, connection: Some(connection), ground, notices, queue, closing: None, commit: Duration::ZERO };
        let no_thread = |reason: std::io::Error| DbError::Internal(DbErr::Custom(format!("no writer: {reason}")));
        let runtime = Builder::new_current_thread().enable_time().build().map_err(no_thread)?;
        let thread = std::thread::Builder::new().name("packshot-writer".to_owned());
        thread.spawn(move || runtime.block_on(work.run())).map_err(no_thread)?;
        Ok(Self { messages })
    }

    /// Runs an operation. Once begun it is completed, even if the caller no longer waits for the result.
    pub(super) async fn write(&self, operation: Box<dyn Operation>) -> Result<Done, DbError> {
        let (answer, answered) = oneshot::channel();
        let queued = Queued { operation, result: None, answer };
        self.messages.send(Message::Write(queued)).await.map_err(|_| DbError::Closed)?;
        answered.await.map_err(|_| DbError::Closed)?
    }

    /// Waits until everything before this is written, and closes the connection.
    pub(super) async fn close(&self) {
        let (closed, closing) = oneshot::channel();
        if self.messages.send(Message::Close(closed)).await.is_ok() {
            closing.await.ok();
        }
    }
}

struct Loop {
    path: PathBuf,
    /// `None` after a failure, until the next group: the state of the connection is then unknown.
    connection: Option<DatabaseConnection>,
    ground: Arc<Ground>,
    notices: Board,
    queue: mpsc::Receiver<Message>,
    closing: Option<oneshot::Sender<()>>,
    /// How long the last commit took.
    commit: Duration,
}

/// Why a group was not written.
struct GroupFailure {
    error: DbError,
    /// The operation that made the transaction fail, if one did: the others can be written without it.
    culprit: Option<usize>,
}

impl GroupFailure {
    fn of_group(error: impl Into<DbError>) -> Self {
        Self { error: error.into(), culprit: None }
    }
}

impl Loop {
    async fn run(mut self) {
        while self.closing.is_none() {
            match self.queue.recv().await {
                Some(Message::Write(first)) => self.write_group(first).await,
                Some(Message::Close(closed)) => self.closing = Some(closed),
                None => break,
            }
        }
        self.disconnect().await;
        if let Some(closed) = self.closing {
            closed.send(()).ok();
        }
    }

    async fn write_group(&mut self, first: Queued) {
        let mut group = vec![first];
        while !group.is_empty() {
            match self.write_together(&mut group).await {
                Ok(notices) => {
                    self.notices.committed(notices);
                    return group.into_iter().for_each(|operation| operation.settle(Ok(())));
                }
                Err(GroupFailure { error, culprit }) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        operations = group.len(),
                        "a group was not written"
                    );
                    // A connection stays in a transaction that did not end, and whatever came next would be
                    // part of it.
                    self.disconnect().await;
                    match culprit {
                        Some(i) => group.remove(i).settle(Err(error)),
                        None => return group.into_iter().for_each(|operation| operation.settle(Err(error.clone()))),
                    }
                }
            }
        }
    }

    async fn disconnect(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.close().await.ok();
        }
    }

    /// Runs the operations of a group, and those that are waiting, in one transaction. Those that ran are in `group`,
    /// also when the transaction failed.
    async fn write_together(&mut self, group: &mut Vec<Queued>) -> Result<Vec<Notice>, GroupFailure> {
        let begun = Instant::now();
        let [shortest, longest] = GROUP_AGE_MAX;
        let age_max = (self.commit * GROUP_AGE_COMMITS).clamp(shortest, longest);
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(connect::sqlite(&self.path, Access::Write).await.map_err(GroupFailure::of_group)?),
        };
        let immediate = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        let transaction = connection.begin_with_options(immediate).await.map_err(GroupFailure::of_group)?;
        let now = self.ground.clock.of_machine();
        let mut notices = Vec::new();
        let mut n_run = 0;
        loop {
            let operation = &mut group[n_run];
            let failed = |error| GroupFailure { error, culprit: Some(n_run) };
            let savepoint = Tx::within(&transaction, &self.ground, now).await.map_err(GroupFailure::of_group)?;
            let is_good = match AssertUnwindSafe(operation.run(&savepoint)).catch_unwind().await {
                Ok(is_good) => is_good,
                Err(_) => {
                    tracing::error!("an operation on the database panicked");
                    false
                }
            };
            if is_good {
                notices.extend(savepoint.commit().await.map_err(failed)?);
            } else {
                // Some errors make SQLite end the whole transaction. Then there is no savepoint to roll back to.
                savepoint.rollback().await.map_err(failed)?;
            }
            n_run += 1;
            if n_run < group.len() {
                continue;
            }
            if group.len() == GROUP_SIZE_MAX || begun.elapsed() > age_max {
                break;
            }
            match self.queue.try_recv() {
                Ok(Message::Write(next)) => group.push(next),
                Ok(Message::Close(closed)) => {
                    self.closing = Some(closed);
                    break;
                }
                Err(_) => break,
            }
        }
        let begun = Instant::now();
        transaction.commit().await.map_err(GroupFailure::of_group)?;
        self.commit = begun.elapsed();
        Ok(notices)
    }
}

#[cfg(test)]
mod tests;
