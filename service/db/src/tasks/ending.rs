//! Ends of attempts, as the holder of the lease reports them.
//!
//! An earlier cancel mark always wins: the result is dropped, and the task is cancelled.

use std::time::Duration;

use super::{AfterFailure, Completion, DbError, Ended, Failure, JobError, Rejection, Report, dead};
use crate::Notice;
use crate::held::Held;
use crate::tx::Tx;
use packshot_domain::id::TenantId;
use packshot_domain::task::{Cause, FaultKind, Lease, StateError, TaskEvent};

pub(super) async fn complete(
    tx: &Tx<'_>,
    tenant: TenantId,
    lease: Lease,
    completion: Completion,
) -> Result<Ended, DbError> {
    let Completion { report, delivery } = completion;
    let (mut held, i) = Held::under(tx, tenant, lease).await?;
    held.report(i, report);
    if held.is_cancelled(i) {
        stop(tx, held, i).await?;
        return Ok(Ended::Cancelled);
    }
    held.complete(i, delivery)?;
    held.store(tx).await?;
    Ok(Ended::Kept)
}

pub(super) async fn reject(
    tx: &Tx<'_>,
    tenant: TenantId,
    lease: Lease,
    rejection: Rejection,
) -> Result<Ended, DbError> {
    let Rejection { report, delivery, error } = rejection;
    let (mut held, i) = Held::under(tx, tenant, lease).await?;
    held.report(i, report);
    if held.is_cancelled(i) {
        stop(tx, held, i).await?;
        return Ok(Ended::Cancelled);
    }
    held.reject(i, delivery, error)?;
    held.store(tx).await?;
    Ok(Ended::Kept)
}

pub(super) async fn fail(
    tx: &Tx<'_>,
    tenant: TenantId,
    lease: Lease,
    failure: Failure,
) -> Result<AfterFailure, DbError> {
    fail_until(tx, tenant, lease, failure, None).await
}

/// The same; the next attempt comes after `wait`, where that is given.
pub(super) async fn fail_until(
    tx: &Tx<'_>,
    tenant: TenantId,
    lease: Lease,
    failure: Failure,
    wait: Option<Duration>,
) -> Result<AfterFailure, DbError> {
    let Failure { report, fault, error } = failure;
    let (mut held, i) = Held::under(tx, tenant, lease).await?;
    held.report(i, report);
    fail_attempt(tx, held, i, (Cause::Fault(fault), wait), error).await
}

/// Ends a failed attempt, whether its worker or recovery noticed it. The next one comes after the usual time, unless
/// another one is given.
pub(super) async fn fail_attempt(
    tx: &Tx<'_>,
    mut held: Held,
    i: usize,
    (cause, wait): (Cause, Option<Duration>),
    error: JobError,
) -> Result<AfterFailure, DbError> {
    if held.is_cancelled(i) {
        stop(tx, held, i).await?;
        return Ok(AfterFailure::Cancelled);
    }
    let failures = held.failures(i);
    match cause {
        Cause::Fault(FaultKind::Infrastructure) => failures.faults += 1,
        Cause::ServiceLost => failures.service_deaths += 1,
        Cause::Fault(FaultKind::Input) => {}
    }
    let failures = *failures;
    held.set_error(i, error.clone());
    let after = match held.task(i).policy().wait_after(failures, cause) {
        Some(usual) => {
            let run_after = held.now() + wait.unwrap_or(usual);
            held.release(i, run_after)?;
            AfterFailure::Retry(run_after)
        }
        None => {
            if cause == Cause::ServiceLost {
                held.tell_of_requeue(i);
            }
            held.end(i, TaskEvent::Fail)?;
            AfterFailure::Failed
        }
    };
    let held = held.store(tx).await?;
    // What cannot be done at all was tried once, and is its owner's matter.
    if after == AfterFailure::Failed && cause != Cause::Fault(FaultKind::Input) {
        dead::died(tx, held.tenant(), held.task(i), &error);
    }
    Ok(after)
}

pub(super) async fn cancelled(tx: &Tx<'_>, tenant: TenantId, lease: Lease, report: Report) -> Result<(), DbError> {
    let (mut held, i) = Held::under(tx, tenant, lease).await?;
    if !held.is_cancelled(i) {
        return Err(StateError { from: held.task(i).state, event: TaskEvent::Stop }.into());
    }
    held.report(i, report);
    stop(tx, held, i).await
}

pub(super) async fn give_back(tx: &Tx<'_>, tenant: TenantId, lease: Lease, report: Report) -> Result<(), DbError> {
    let (mut held, i) = Held::under(tx, tenant, lease).await?;
    held.report(i, report);
    if held.is_cancelled(i) {
        return stop(tx, held, i).await;
    }
    held.give_attempt_back(i);
    held.release(i, held.now())?;
    tx.announce(Notice::Queued(held.task(i).queue, held.task(i).lane.clone()));
    held.store(tx).await?;
    Ok(())
}

pub(super) async fn stop(tx: &Tx<'_>, mut held: Held, i: usize) -> Result<(), DbError> {
    held.end(i, TaskEvent::Stop)?;
    held.store(tx).await?;
    Ok(())
}
