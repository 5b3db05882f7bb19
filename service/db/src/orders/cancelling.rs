//! Ending what renders for an order: of a line, of all its lines, or because the order is refused. Everything is
//! decided in one transaction; running work ends a moment later.

use serde_json::json;

use super::{OrderRef, WholeOrder, changes, lines, lock, note, save, telling, whole};
use crate::entity::order;
use crate::jobs::{self, Cancelling};
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope, workflows};
use packshot_domain::audit::{Action, Actor};
use packshot_domain::channel::ActivityType;
use packshot_domain::id::{JobId, OrderLineId, TaskId, TenantId, UserId};
use packshot_domain::job::JobRef;
use packshot_domain::order::line::LineEvent;
use packshot_domain::order::{OrderChange, RejectionReason};

/// What was stopped, or is about to stop.
#[derive(Clone, Debug, PartialEq)]
pub struct Stopped {
    /// The order as it is now.
    pub order: WholeOrder,
    /// The lines that are cancelled, or will be when their work has stopped.
    pub lines: Vec<OrderLineId>,
    /// Tasks that run and were told to stop.
    pub running: Vec<TaskId>,
}

/// Cancels a line, if it waits or is worked on; one that has ended stays as it is.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn cancel_line(
    db: &Db,
    scope: TenantScope,
    owner: Option<UserId>,
    id: OrderLineId,
) -> Result<Stopped, DbError> {
    db.write(scope, (scope.tenant, owner, id), |tx, (tenant, owner, id)| {
        Box::pin(async move {
            // Which order it is of never changes, so that it may be read before that is locked.
            let of = OrderRef { id: lines::find(tx, *tenant, *id).await?.order_id.0, owner: *owner };
            let mut row = lock(tx, *tenant, of).await?;
            let line = lines::lock(tx, *tenant, *id).await?;
            let live = lines::live(tx, std::slice::from_ref(&line)).await?;
            let state = lines::next(&line, &live, LineEvent::Cancel)?;
            let mut stopped = Stopping::default();
            if live.contains(id) {
                if !line.render_status.0.is_terminal() {
                    stopped.lines.push(*id);
                }
                stopped.jobs.extend(lines::job_of(&line));
            } else if state.render_status() != line.render_status.0 {
                stopped.lines.push(*id);
                lines::happened(tx, line, LineEvent::Cancel, state).await?;
            }
            stopped.finish(tx, *tenant, &mut row).await
        })
    })
    .await
}

/// Cancels every line of an order that waits or is worked on.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn cancel_renders(db: &Db, scope: TenantScope, by: Actor, of: OrderRef) -> Result<Stopped, DbError> {
    db.write(scope, (scope.tenant, by, of), |tx, (tenant, by, of)| {
        Box::pin(async move {
            let mut row = lock(tx, *tenant, *of).await?;
            changes::advance(tx, &mut row, OrderChange::CancelRenders, Some(by), None).await?;
            let stopped = Stopping::all(tx, *tenant, of).await?.finish(tx, *tenant, &mut row).await?;
            if !stopped.lines.is_empty() {
                telling::note(tx, &row, ActivityType::OrderRendersCancelled, by.id);
            }
            Ok(stopped)
        })
    })
    .await
}

/// Refuses an order: its lines that wait or are worked on are cancelled, and its creator is told why, if that is
/// wanted.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::Order`] when it is neither submitted nor processing.
pub async fn reject(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    of: OrderRef,
    (reason, tells_creator): (RejectionReason, bool),
) -> Result<Stopped, DbError> {
    db.write(scope, (scope.tenant, by, of, reason, tells_creator), |tx, (tenant, by, of, reason, tells_creator)| {
        Box::pin(async move {
            let mut row = lock(tx, *tenant, *of).await?;
            changes::advance(tx, &mut row, OrderChange::Reject, Some(by), Some(reason)).await?;
            save(tx, &row).await?;
            let stopped = Stopping::all(tx, *tenant, of).await?.finish(tx, *tenant, &mut row).await?;
            let detail = json!({"order_number": row.order_number.0.as_str()});
            note(tx, *tenant, by, (Action::OrderRejected, of.id), detail, Some(reason.as_str())).await?;
            if *tells_creator {
                telling::rejected(tx, &row, reason, by.id).await?;
            }
            Ok(stopped)
        })
    })
    .await
}

/// Lines that are being cancelled, and the jobs of those that have a live one.
#[derive(Default)]
struct Stopping {
    lines: Vec<OrderLineId>,
    jobs: Vec<JobRef>,
}

impl Stopping {
    /// All lines of a locked order: those without a live job are cancelled here.
    async fn all(tx: &Tx<'_>, tenant: TenantId, of: &OrderRef) -> Result<Self, DbError> {
        let (rows, live) = lines::each(tx, (tenant, of.id), LineEvent::Cancel).await?;
        let is_open = |row: &&super::order_line::Model| !row.render_status.0.is_terminal();
        let mut open: Vec<_> = rows.iter().filter(is_open).collect();
        open.sort_by_key(|row| row.position);
        let lines = open.iter().map(|row| row.id.0).collect();
        let jobs = open.iter().filter(|row| live.contains(&row.id.0)).filter_map(|row| lines::job_of(row)).collect();
        Ok(Self { lines, jobs })
    }

    /// Cancels the jobs, whose ends cancel their lines, and lets the order follow.
    async fn finish(self, tx: &Tx<'_>, tenant: TenantId, row: &mut order::Model) -> Result<Stopped, DbError> {
        let of = OrderRef { id: row.id.0, owner: None };
        let ids: Vec<JobId> = self.jobs.iter().map(|job| job.id).collect();
        workflows::lock_of_jobs(tx, tenant, &ids).await?;
        // Nobody waits for what observes a line that is cancelled.
        let mut jobs = self.jobs;
        jobs.extend(workflows::shadows_of(tx, tenant, &ids).await?);
        let cancelled = jobs::request_cancel_all(tx, tenant, &jobs).await?;
        let running = cancelled.into_iter().flat_map(|(cancelling, running)| match cancelling {
            Cancelling::Requested(_) => running,
            Cancelling::Cancelled(_) | Cancelling::Unchanged(_) => Vec::new(),
        });
        let running = running.collect();
        // The ends of jobs may have changed the order.
        *row = super::find(tx, tenant, of).await?;
        let all = lines::of_order(tx, tenant, of.id).await?;
        changes::settle(tx, row, &all, None).await?;
        save(tx, row).await?;
        Ok(Stopped { order: whole(tx, row.clone()).await?, lines: self.lines, running })
    }
}
