//! Ends of attempts, as the holder of the lease reports them.
//!
//! A mark to cancel that came before always wins: what was done is dropped, and the render is cancelled.

use super::{AfterFailure, Completion, DbError, Ended, Failure, JobError};
use crate::job::Job;
use crate::tx::Tx;
use crate::{Notice, files};
use packshot_domain::document::RenderDocument;
use packshot_domain::id::TenantId;
use packshot_domain::render::RenderEvent;
use packshot_domain::task::{FaultKind, Lease, RetryPolicy};

pub(super) async fn complete(
    tx: &Tx<'_>,
    tenant: TenantId,
    lease: Lease,
    completion: Completion,
) -> Result<Ended, DbError> {
    let Completion { report, document, result, files } = completion;
    let mut job = Job::held(tx, tenant, lease).await?;
    report.note(&mut job);
    job.set_document(document);
    if job.cancel_requested {
        stop(tx, job).await?;
        return Ok(Ended::Cancelled);
    }
    files::add(tx, tenant, job.render.id, &files).await?;
    job.render.result = Some(result);
    job.end(RenderEvent::Finish)?;
    job.store(tx).await?;
    Ok(Ended::Completed)
}

pub(super) async fn fail(
    tx: &Tx<'_>,
    tenant: TenantId,
    lease: Lease,
    failure: Failure,
) -> Result<AfterFailure, DbError> {
    let Failure { report, document, fault, error } = failure;
    let mut job = Job::held(tx, tenant, lease).await?;
    report.note(&mut job);
    job.set_document(document);
    fail_attempt(tx, job, fault, error).await
}

/// Ends an attempt that failed, whoever noticed it.
pub(super) async fn fail_attempt(
    tx: &Tx<'_>,
    mut job: Job,
    fault: FaultKind,
    error: JobError,
) -> Result<AfterFailure, DbError> {
    if job.cancel_requested {
        stop(tx, job).await?;
        return Ok(AfterFailure::Cancelled);
    }
    let policy = RetryPolicy { max_attempts: job.task.max_attempts, ..RetryPolicy::default() };
    let after = match policy.wait_after(job.task.attempt, fault) {
        Some(wait) => {
            let run_after = job.now() + wait;
            job.set_error(error);
            job.release(run_after)?;
            AfterFailure::Retry(run_after)
        }
        None => {
            job.render.error = Some(error.clone());
            job.set_error(error);
            job.end(RenderEvent::Fail)?;
            AfterFailure::Failed
        }
    };
    job.store(tx).await?;
    Ok(after)
}

pub(super) async fn cancelled(
    tx: &Tx<'_>,
    tenant: TenantId,
    lease: Lease,
    document: RenderDocument,
) -> Result<(), DbError> {
    let mut job = Job::held(tx, tenant, lease).await?;
    job.set_document(document);
    stop(tx, job).await
}

pub(super) async fn give_back(
    tx: &Tx<'_>,
    tenant: TenantId,
    lease: Lease,
    document: RenderDocument,
) -> Result<(), DbError> {
    let mut job = Job::held(tx, tenant, lease).await?;
    job.set_document(document);
    if job.cancel_requested {
        return stop(tx, job).await;
    }
    job.task.attempt -= 1;
    job.render.document.attempt = job.task.attempt;
    let now = job.now();
    job.release(now)?;
    tx.announce(Notice::Queued(job.task.queue));
    job.store(tx).await?;
    Ok(())
}

async fn stop(tx: &Tx<'_>, mut job: Job) -> Result<(), DbError> {
    job.end(RenderEvent::Stop)?;
    job.store(tx).await?;
    Ok(())
}
