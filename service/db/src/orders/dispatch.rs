//! Dispatch of order lines: each gets a job. Lines of an order are dispatched some at a time, so that the one writer of
//! SQLite is not held up.

use super::{OrderRef, changes, lines, lock, save};
use crate::column::Col;
use crate::jobs::{self, NewJob, NewTask};
use crate::level::Level;
use crate::{Db, DbError, TenantScope};
use packshot_domain::audit::Actor;
use packshot_domain::id::{JobId, OrderLineId, TaskId, UserId};
use packshot_domain::job::{JobKind, JobRef};
use packshot_domain::order::line::LineEvent;
use packshot_domain::order::{OrderChange, OrderRefusal};

/// The work of a line that is dispatched.
#[derive(Clone, Debug)]
pub struct LineWork {
    /// The line.
    pub line: OrderLineId,
    /// Name of the file that it works on.
    pub input_name: Option<String>,
    /// Samples per pixel at most, over all pictures.
    pub samples_target: i32,
    /// Its tasks, in the order of their graph.
    pub tasks: Vec<NewTask>,
}

/// How the dispatch of a line ended: with its tasks, or refused for the state that it is in.
pub type Dispatched = Result<Vec<TaskId>, OrderRefusal>;

/// Dispatches lines of an order in one transaction; each by itself is done or refused, for the state it is in.
///
/// # Errors
///
/// [`DbError::NotFound`] of the order or a line; [`DbError::Order`] when it is rejected.
pub async fn dispatch(
    db: &Db,
    scope: TenantScope,
    by: (Actor, UserId),
    of: OrderRef,
    works: Vec<LineWork>,
) -> Result<Vec<(OrderLineId, Dispatched)>, DbError> {
    db.write(scope, (scope.tenant, by, of, works), |tx, (tenant, (by, user), of, works)| {
        Box::pin(async move {
            let mut order = lock(tx, *tenant, *of).await?;
            order.status.0.next(OrderChange::Dispatch).map_err(OrderRefusal::State)?;
            let mut works: Vec<&LineWork> = works.iter().collect();
            works.sort_by_key(|work| work.line);
            tx.enter(Level::OrderLine);
            let mut done = Vec::with_capacity(works.len());
            let mut jobs = Vec::new();
            for work in works {
                let mut line = lines::lock(tx, *tenant, work.line).await?;
                if line.order_id.0 != of.id {
                    return Err(DbError::NotFound("order line"));
                }
                let live = lines::live(tx, std::slice::from_ref(&line)).await?;
                match lines::next(&line, &live, LineEvent::Dispatch) {
                    Ok(state) => {
                        let job = JobRef { id: JobId::new(), kind: JobKind::Line, record: work.line.uuid() };
                        line.job_id = Some(Col(job.id));
                        lines::happened(tx, line, LineEvent::Dispatch, state).await?;
                        done.push((work.line, Ok(work.tasks.iter().map(|task| task.id).collect())));
                        jobs.push((job, work));
                    }
                    Err(DbError::Order(refusal)) => done.push((work.line, Err(refusal))),
                    Err(error) => return Err(error),
                }
            }
            if !jobs.is_empty() {
                changes::advance(tx, &mut order, OrderChange::Dispatch, Some(by), None).await?;
                save(tx, &order).await?;
            }
            let new: Vec<NewJob> = jobs.into_iter().map(|(job, work)| new_job(job, work, *user)).collect();
            for made in jobs::create_all(tx, *tenant, &new).await? {
                jobs::announce(tx, *tenant, &made, None);
            }
            Ok(done)
        })
    })
    .await
}

fn new_job(job: JobRef, work: &LineWork, created_by: UserId) -> NewJob {
    let LineWork { input_name, samples_target, tasks, .. } = work.clone();
    NewJob { job, created_by, input_name, samples_target, has_document: true, tasks }
}
