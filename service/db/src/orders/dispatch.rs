//! Dispatch of order lines: each gets a job, or a run of its workflow, or both. Lines of an order are dispatched some
//! at a time, so that the one writer of SQLite is not held up.

use std::collections::{BTreeMap, BTreeSet};

use super::{OrderRef, changes, find, lines, lock, rounds, save, telling};
use crate::column::Col;
use crate::entity::{order, order_line};
use crate::jobs::{self, JobError, NewJob, NewTask};
use crate::level::Level;
use crate::tx::Tx;
use crate::workflows::{self, NewRun, PlacedRun, RunContext};
use crate::{Db, DbError, TenantScope, tasks};
use packshot_domain::audit::Actor;
use packshot_domain::id::{JobId, OrderId, OrderLineId, TaskId, TenantId, UserId};
use packshot_domain::job::{JobKind, JobRef};
use packshot_domain::order::line::{IllegalLineState, LineEvent, LineState};
use packshot_domain::order::{OrderChange, OrderRefusal};

/// What is made for a line that is dispatched.
#[derive(Clone, Debug)]
pub struct LineWork {
    /// The line.
    pub line: OrderLineId,
    /// Its job, where anything is left to do.
    pub job: Option<LineJob>,
    /// The run of its workflow: one that follows the job, or that could not be dispatched.
    pub run: Option<NewRun>,
    /// The run that observes the job.
    pub shadow: Option<ShadowWork>,
    /// Why it fails with its dispatch, if it does.
    pub failure: Option<JobError>,
}

/// A run that observes the job of its line.
#[derive(Clone, Debug)]
pub struct ShadowWork {
    /// The run.
    pub run: NewRun,
    /// The job that its nodes follow; none, if every node has ended with the dispatch.
    pub job: Option<LineJob>,
}

/// The job of a line that is dispatched.
#[derive(Clone, Debug)]
pub struct LineJob {
    /// Name of the file that it works on.
    pub input_name: Option<String>,
    /// Samples per pixel at most, over all pictures.
    pub samples_target: i32,
    /// Its tasks, in the order of their graph.
    pub tasks: Vec<NewTask>,
}

/// How the dispatch of a line ended: with its tasks, or refused for the state that it is in.
pub type Dispatched = Result<Vec<TaskId>, OrderRefusal>;

/// Checks whether a line could be dispatched now, as [`dispatch`] does. Nothing is locked: a moment later it may be
/// otherwise.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::Order`], why not.
pub async fn check_dispatch(db: &Db, scope: TenantScope, line: OrderLineId) -> Result<(), DbError> {
    db.read_snapshot(scope, (scope.tenant, line), |tx, (tenant, line)| {
        Box::pin(async move {
            let line = lines::find(tx, *tenant, *line).await?;
            let order = find(tx, *tenant, OrderRef { id: line.order_id.0, owner: None }).await?;
            order.status.0.next(OrderChange::Dispatch).map_err(OrderRefusal::State)?;
            let live = lines::live(tx, std::slice::from_ref(&line)).await?;
            lines::next(&line, &live, LineEvent::Dispatch).map(drop)
        })
    })
    .await
}

/// Dispatches lines of an order in one transaction; each by itself is done or refused, for the state it is in.
///
/// # Errors
///
/// [`DbError::NotFound`] of the order, a line or a definition; [`DbError::Order`] when the order is rejected.
pub async fn dispatch(
    db: &Db,
    scope: TenantScope,
    by: (Actor, UserId),
    of: OrderRef,
    works: Vec<LineWork>,
) -> Result<Vec<(OrderLineId, Dispatched)>, DbError> {
    let works: Vec<(OrderId, LineWork)> = works.into_iter().map(|work| (of.id, work)).collect();
    db.write(scope, (scope.tenant, by, of, works), |tx, (tenant, by, of, works)| {
        Box::pin(async move {
            let order = lock(tx, *tenant, *of).await?;
            order.status.0.next(OrderChange::Dispatch).map_err(OrderRefusal::State)?;
            let placed = place(tx, *tenant, by, works).await?;
            queue(tx, *tenant, placed).await
        })
    })
    .await
}

/// Lines that are dispatched in this transaction, before their jobs are made: other rows may have to be locked before
/// those.
pub(crate) struct Placed<'w> {
    done: Vec<(OrderLineId, Dispatched)>,
    jobs: Vec<NewJob>,
    runs: Vec<PlacedRun<'w>>,
}

/// Locks the orders and lines of works, by id, and moves the lines; each by itself is dispatched or refused, for the
/// state that it or its order is in.
///
/// # Errors
///
/// [`DbError::NotFound`] of an order or a line.
pub(crate) async fn place<'w>(
    tx: &Tx<'_>,
    tenant: TenantId,
    (by, user): &(Actor, UserId),
    works: &'w [(OrderId, LineWork)],
) -> Result<Placed<'w>, DbError> {
    let mut orders: BTreeMap<OrderId, Moved> = BTreeMap::new();
    let ids: BTreeSet<OrderId> = works.iter().map(|(order, _)| *order).collect();
    for id in ids {
        let order = lock(tx, tenant, OrderRef { id, owner: None }).await?;
        orders.insert(id, Moved { order, any: false, any_failed: false });
    }
    let mut placed = Placed { done: Vec::with_capacity(works.len()), jobs: Vec::new(), runs: Vec::new() };
    if works.is_empty() {
        return Ok(placed);
    }
    let mut works: Vec<&(OrderId, LineWork)> = works.iter().collect();
    works.sort_by_key(|(_, work)| work.line);
    tx.enter(Level::OrderLine);
    for (order, work) in works {
        let Some(moved) = orders.get_mut(order) else { continue };
        let line = lines::lock(tx, tenant, work.line).await?;
        if line.order_id.0 != *order {
            return Err(DbError::NotFound("order line"));
        }
        match next(tx, &moved.order, &line, work).await {
            Ok(next) => move_line(tx, moved, line, (work, next), *user, &mut placed).await?,
            Err(DbError::Order(refusal)) => placed.done.push((work.line, Err(refusal))),
            Err(error) => return Err(error),
        }
    }
    for Moved { order, any_failed, .. } in orders.values_mut().filter(|moved| moved.any) {
        changes::advance(tx, order, OrderChange::Dispatch, Some(by), None).await?;
        if *any_failed {
            let all = lines::of_order(tx, tenant, order.id.0).await?;
            changes::settle(tx, order, &all, Some(by)).await?;
        }
        save(tx, order).await?;
    }
    Ok(placed)
}

/// Makes the runs and jobs of lines that were placed.
pub(crate) async fn queue(
    tx: &Tx<'_>,
    tenant: TenantId,
    Placed { done, jobs, runs }: Placed<'_>,
) -> Result<Vec<(OrderLineId, Dispatched)>, DbError> {
    workflows::insert(tx, tenant, runs).await?;
    for made in jobs::create_all(tx, tenant, &jobs).await? {
        jobs::announce(tx, tenant, &made, None);
    }
    Ok(done)
}

/// A locked order, and what has happened to its lines.
struct Moved {
    order: order::Model,
    any: bool,
    any_failed: bool,
}

/// What happens to a locked line with its work, and its state then.
async fn next(
    tx: &Tx<'_>,
    order: &order::Model,
    line: &order_line::Model,
    work: &LineWork,
) -> Result<Option<(LineEvent, LineState)>, DbError> {
    order.status.0.next(OrderChange::Dispatch).map_err(OrderRefusal::State)?;
    let live = lines::live(tx, std::slice::from_ref(line)).await?;
    match work.event() {
        Some(event) => Ok(Some((event, lines::next(line, &live, event)?))),
        None if live.contains(&work.line) => {
            let busy = IllegalLineState { from: LineState::Dispatched, event: LineEvent::Dispatch };
            Err(OrderRefusal::Line(busy).into())
        }
        None => Ok(None),
    }
}

/// Moves a line, and gathers what is made for it.
async fn move_line<'w>(
    tx: &Tx<'_>,
    moved: &mut Moved,
    mut line: order_line::Model,
    (work, next): (&'w LineWork, Option<(LineEvent, LineState)>),
    user: UserId,
    placed: &mut Placed<'w>,
) -> Result<(), DbError> {
    let tenant = line.tenant_id.0;
    if let Some(earlier) = line.job_id {
        tasks::replaced(tx, tenant, earlier.0).await?;
    }
    let job = work.job.as_ref().map(|_| {
        let (id, kind, record) = (JobId::new(), JobKind::Line, work.line.uuid());
        JobRef { id, kind, record }
    });
    line.job_id = job.map(|job| Col(job.id)).or(line.job_id);
    match next {
        Some((event, state)) => {
            let before = line.render_status.0;
            if event == LineEvent::DispatchFails {
                line.round_id = rounds::entered(tx, &moved.order, &line, state.render_status()).await?;
                moved.any_failed = true;
            }
            let line = lines::happened(tx, line, event, state).await?;
            if work.run.as_ref().is_some_and(|run| !run.tells()) {
                tx.told(|told| told.keep_quiet(line.id.0));
            }
            telling::rendered(tx, &line, before, work.failure.as_ref()).await?;
            moved.any = true;
        }
        None if job.is_some() => lines::save(tx, &line).await?,
        None => {}
    }
    let tasks = work.job.iter().flat_map(|job| &job.tasks).map(|task| task.id).collect();
    placed.done.push((work.line, Ok(tasks)));
    let context = RunContext::Line(work.line);
    placed.runs.extend(work.run.iter().map(|run| PlacedRun {
        run,
        context,
        job: job.filter(|_| run.follows_job).map(|job| job.id),
        observed: None,
    }));
    placed.jobs.extend(job.zip(work.job.as_ref()).map(|(job, of)| new_job(job, work.line, of, user)));
    if let Some(ShadowWork { run, job: own }) = &work.shadow {
        let shadow = own.as_ref().map(|_| {
            let (id, kind, record) = (JobId::new(), JobKind::Shadow, run.id.uuid());
            JobRef { id, kind, record }
        });
        placed.jobs.extend(shadow.zip(own.as_ref()).map(|(job, of)| new_job(job, work.line, of, user)));
        let (job, observed) = (shadow.map(|job| job.id), job.map(|job| job.id));
        placed.runs.push(PlacedRun { run, context, job, observed });
    }
    Ok(())
}

impl LineWork {
    /// What happens to the line: a job that publishes nothing leaves it alone.
    fn event(&self) -> Option<LineEvent> {
        if self.failure.is_some() {
            return Some(LineEvent::DispatchFails);
        }
        let publishes = self.job.iter().flat_map(|job| &job.tasks).any(|task| task.publishes);
        publishes.then_some(LineEvent::Dispatch)
    }
}

/// The job of a line, or of a run beside it: that has no document.
fn new_job(job: JobRef, line: OrderLineId, work: &LineJob, created_by: UserId) -> NewJob {
    let LineJob { input_name, samples_target, tasks } = work.clone();
    let (context, has_document) = (line.uuid(), job.kind == JobKind::Line);
    NewJob { job, context, created_by, input_name, samples_target, has_document, tasks }
}
