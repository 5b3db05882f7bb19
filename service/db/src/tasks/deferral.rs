//! Tasks that cannot be done now, and tasks that are stopped from outside.

use std::time::Duration;

use super::{AfterFailure, Db, DbError, Failure, JobError, TenantScope, ending};
use crate::held::Held;
use crate::tx::Tx;
use packshot_domain::id::TenantId;
use packshot_domain::task::{Cause, FaultKind, Lease, TaskEvent};

/// Puts a task back that cannot be done now: the attempt does not count. It is handed out again after `wait`, or when
/// what it waits for says so. If a cancel mark came before, it is cancelled.
///
/// # Errors
///
/// [`DbError::LeaseLost`]; nothing is stored then.
pub async fn defer(db: &Db, scope: TenantScope, lease: Lease, wait: Duration) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, lease, wait), |tx, (tenant, lease, wait)| {
        Box::pin(defer_in(tx, *tenant, *lease, *wait))
    })
    .await
}

/// Ends an attempt that failed as [`fail`](super::fail) does; if the task is tried again, then after `wait`, and not
/// after the usual time.
///
/// # Errors
///
/// [`DbError::LeaseLost`]; nothing is stored then.
pub async fn postpone(
    db: &Db,
    scope: TenantScope,
    lease: Lease,
    failure: Failure,
    wait: Duration,
) -> Result<AfterFailure, DbError> {
    db.write(scope, (scope.tenant, lease, failure, wait), |tx, (tenant, lease, failure, wait)| {
        Box::pin(ending::fail_until(tx, *tenant, *lease, failure.clone(), Some(*wait)))
    })
    .await
}

async fn defer_in(tx: &Tx<'_>, tenant: TenantId, lease: Lease, wait: Duration) -> Result<(), DbError> {
    let (mut held, i) = Held::under(tx, tenant, lease).await?;
    if held.is_cancelled(i) {
        return ending::stop(tx, held, i).await;
    }
    held.give_attempt_back(i);
    let run_after = held.now() + wait;
    held.release(i, run_after)?;
    held.store(tx).await.map(drop)
}

/// Ends the attempt at a running task that has made no progress for too long. It is tried again, unless this was the
/// last time.
pub(crate) async fn stop_stuck(
    tx: &Tx<'_>,
    mut held: Held,
    i: usize,
    error: JobError,
    is_last: bool,
) -> Result<AfterFailure, DbError> {
    if is_last && !held.is_cancelled(i) {
        held.set_error(i, error);
        held.end(i, TaskEvent::Fail)?;
        held.store(tx).await?;
        return Ok(AfterFailure::Failed);
    }
    ending::fail_attempt(tx, held, i, (Cause::Fault(FaultKind::Infrastructure), None), error).await
}
