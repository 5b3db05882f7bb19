//! What works within a transaction, whatever its arguments and its result are: connections, commits, races and the
//! writer's queue are compiled once, and not for each of the functions that read and write.

use std::any::Any;
use std::marker::PhantomData;

use futures_util::future::BoxFuture;

use super::DbError;
use super::tx::Tx;

/// A function that works within a transaction on arguments that it may be given again, when the transaction lost a
/// race.
pub(super) trait Work<A, T>: for<'t> Fn(&'t Tx<'t>, &'t A) -> BoxFuture<'t, Result<T, DbError>> {}

impl<A, T, F: for<'t> Fn(&'t Tx<'t>, &'t A) -> BoxFuture<'t, Result<T, DbError>>> Work<A, T> for F {}

/// A result whose type only the caller knows; [`value`] gives it back.
pub(super) type Done = Box<dyn Any + Send>;

/// Work with its arguments.
pub(super) trait Operation: Send + Sync {
    /// Runs within a transaction or savepoint. It may run again after one that was rolled back.
    fn run<'t>(&'t self, tx: &'t Tx<'t>) -> BoxFuture<'t, Result<Done, DbError>>;
}

/// The [`Operation`] of a function.
pub(super) struct Bound<A, T, W> {
    args: A,
    work: W,
    result: PhantomData<fn() -> T>,
}

impl<A, T, W: Work<A, T>> Bound<A, T, W> {
    /// A function with what it is given.
    pub(super) fn new(args: A, work: W) -> Self {
        Self { args, work, result: PhantomData }
    }
}

impl<A, T, W> Operation for Bound<A, T, W>
where
    A: Send + Sync,
    T: Send + 'static,
    W: Work<A, T> + Send + Sync,
{
    fn run<'t>(&'t self, tx: &'t Tx<'t>) -> BoxFuture<'t, Result<Done, DbError>> {
        let working = (self.work)(tx, &self.args);
        Box::pin(async move { Ok(Box::new(working.await?) as Done) })
    }
}

/// The result of an operation.
///
/// # Panics
///
/// When the operation had a result of another type.
pub(super) fn value<T: 'static>(done: Done) -> T {
    *done.downcast().expect("an operation has the result of its function")
}
