//! Takes back the tasks of lost workers, and stops stalled work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::interval;

use super::Workplace;
use super::handle::Stop;
use crate::server::metrics::count_end;
use crate::settings::InForce;
use packshot_db::channels::Recovery;
use packshot_db::tasks::{self, AfterFailure, Reaped};
use packshot_db::{AllTenants, Db, DbError, channels};
use packshot_domain::id::{TenantId, WorkerId};
use packshot_domain::job::JobKind;
use packshot_domain::task::Lease;

/// How often expired leases are looked for.
const REAP_EVERY: Duration = Duration::from_secs(5);

/// Runs until the queue drains.
pub(super) async fn run(place: Arc<Workplace>) {
    let mut ticks = interval(REAP_EVERY.min(place.parts.stall_check_every));
    let mut looked: Option<Instant> = None;
    while !place.handle.is_draining() {
        ticks.tick().await;
        if let Err(error) = reap(&place).await {
            tracing::warn!("[WORKER_RECOVERY] cannot look for expired leases: {error}");
        }
        if looked.is_none_or(|looked| looked.elapsed() >= place.parts.stall_check_every) {
            looked = Some(Instant::now());
            if let Err(error) = stop_stalled(&place).await {
                tracing::warn!("[WORKER_RECOVERY] cannot look for stalled renders: {error}");
            }
        }
    }
}

/// Takes back every task whose lease has expired, but those that run here: after the machine was suspended, their
/// supervisors are just as late, and renew them.
async fn reap(place: &Workplace) -> Result<(), DbError> {
    report(tasks::reap_expired(&place.parts.db, AllTenants::Housekeeping, place.handle.leases()).await?);
    Ok(())
}

/// Takes back the tasks of a worker that is known to be gone, without waiting for their leases to expire. It costs them
/// an attempt, as if the leases had expired.
///
/// # Errors
/// Errors of the database.
pub(crate) async fn bury(db: &Db, worker: WorkerId) -> Result<(), DbError> {
    report(tasks::reap_worker(db, AllTenants::Housekeeping, worker).await?);
    Ok(())
}

fn report(reaped: Vec<Reaped>) {
    for Reaped { lease, attempt, after, .. } in reaped {
        if let Some(state) = after.ended() {
            count_end(lease.job, state, None);
        }
        let of = what_of(lease);
        let what = match after {
            AfterFailure::Retry(at) => format!("will be tried again at {at}"),
            AfterFailure::Failed => "has failed".to_owned(),
            AfterFailure::Cancelled => "is cancelled".to_owned(),
        };
        tracing::warn!(task.id = %lease.task, job.id = job_of(lease), "[WORKER_RECOVERY] worker of attempt {attempt} lost, {of} {what}");
    }
}

/// Stops stalled renders of this process, with one alert for each tenant: a single picture is timed from its start,
/// several from the last finished one. Another process stops its own renders; if it cannot, their leases expire.
async fn stop_stalled(place: &Workplace) -> Result<(), DbError> {
    let timeout = InForce::of_instance(&place.parts.db, &place.parts.settings).await?.render_stall_timeout;
    let minutes = timeout.as_secs() / 60;
    let mut stopped: BTreeMap<TenantId, Recovery> = BTreeMap::new();
    for stalled in tasks::stalled(&place.parts.db, AllTenants::Housekeeping, timeout).await? {
        let still_for = stalled.still_for.as_secs() / 60;
        if place.handle.stop(stalled.lease, Stop::Stalled { minutes: still_for }) {
            let of_tenant = stopped.entry(stalled.tenant);
            let found = of_tenant.or_insert_with(|| Recovery { tasks: Vec::new(), n_failed: 0, minutes });
            found.tasks.push(stalled.lease.task.uuid());
            found.n_failed += usize::from(stalled.is_last);
            let (task, job, of) = (stalled.lease.task, job_of(stalled.lease), what_of(stalled.lease));
            tracing::warn!(task.id = %task, job.id = job, "[WORKER_RECOVERY] Stalled render for {of} terminated after {still_for}min");
        }
    }
    for (tenant, found) in stopped {
        let told = channels::recovered(&place.parts.db, AllTenants::Housekeeping, tenant, found).await;
        // The renders are stopped: what cannot be told to one tenant keeps nothing from the others.
        if let Err(reason) = told {
            tracing::error!(%tenant, "nobody can be told of stalled work: {reason}");
        }
    }
    Ok(())
}

/// What a lease was for, in words: the record of its job, or the task.
fn what_of(lease: Lease) -> String {
    match lease.job {
        Some(job) if job.kind == JobKind::Line => format!("order_line {}", job.record),
        Some(job) => format!("{} {}", job.kind, job.record),
        None => format!("task {}", lease.task),
    }
}

fn job_of(lease: Lease) -> Option<String> {
    lease.job.map(|job| job.record.to_string())
}
