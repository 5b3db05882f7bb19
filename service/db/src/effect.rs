//! What the start, the return or the end of a task means for the records above its job.
//!
//! The queue does not know what an order or a run is. It opens the transaction, lets the effect lock its rows, locks
//! job and task, checks the lease, writes both, and applies the effect: one commit holds the end of a task and all that
//! follows from it. An effect changes rows, writes events, makes tasks, and nothing else; it holds no state, because a
//! transaction that lost a race is done again.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::ready;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::jobs::JobError;
use super::tasks::{Delivery, Task};
use super::tx::Tx;
use super::{DbError, Json, cad_files, designs, orders, renders, webhooks, workflows};
use packshot_domain::id::TenantId;
use packshot_domain::job::{JobKind, JobRef, JobState};
use packshot_domain::task::Chore;

/// The phase of a task when an effect is applied.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// Its holder has begun to work: in the transaction of the first report of an attempt.
    Began,
    /// It waits again: its worker was lost or gave it back, it is tried later, or it was requeued.
    Released,
    /// Its work was done. Its files are in the store.
    Completed(Arc<Delivery>),
    /// Its work was done, but it failed because of the result, which is kept in the store.
    Rejected(Arc<Delivery>),
    /// It failed: it is not tried again.
    Failed,
    /// It was cancelled, or a task that it depends on did not complete.
    Cancelled,
}

/// A task in a phase, and its job as it is then.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'t> {
    /// Their tenant.
    pub tenant: TenantId,
    /// The job.
    pub job: JobRef,
    /// The state of the job after the change.
    pub state: JobState,
    /// Why the job failed, if it did.
    pub error: Option<&'t JobError>,
    /// The task after the change.
    pub task: &'t Task,
    /// How far the task was before the change: what has been seen of it.
    pub reached_pct: f64,
    /// What happened to it.
    pub phase: &'t Phase,
}

/// The effect of tasks of one kind of job.
pub trait Effect: Debug + Send + Sync {
    /// Locks the rows above the job that [`apply`](Self::apply) changes, from the top down.
    fn lock<'t>(&'t self, tx: &'t Tx<'_>, tenant: TenantId, job: JobRef) -> BoxFuture<'t, Result<(), DbError>> {
        let _ = (tx, tenant, job);
        Box::pin(ready(Ok(())))
    }

    /// Changes what follows from a task's phase, within the transaction that changes the task.
    fn apply<'t>(&'t self, tx: &'t Tx<'_>, turn: Turn<'t>) -> BoxFuture<'t, Result<(), DbError>>;
}

/// A task without a job in a phase.
#[derive(Clone, Copy, Debug)]
pub struct ChoreTurn<'t> {
    /// Its tenant.
    pub tenant: TenantId,
    /// The task after the change.
    pub task: &'t Task,
    /// What happened to it.
    pub phase: &'t Phase,
    /// What the attempt that has ended came to, where it said so.
    pub found: Option<&'t Json>,
}

/// The effect of tasks of one chore, which have no job: on the record that they are made for.
pub trait ChoreEffect: Debug + Send + Sync {
    /// Changes what follows from a task's phase, within the transaction that changes the task.
    fn apply<'t>(&'t self, tx: &'t Tx<'_>, turn: ChoreTurn<'t>) -> BoxFuture<'t, Result<(), DbError>>;
}

/// The effects, by kind of job. A kind without one has no records above it. And those of chores.
#[derive(Clone, Debug)]
pub struct Effects(HashMap<JobKind, Arc<dyn Effect>>, HashMap<Chore, Arc<dyn ChoreEffect>>);

impl Default for Effects {
    fn default() -> Self {
        let of_render = Arc::new(renders::RenderEffect) as Arc<dyn Effect>;
        let of_cad = Arc::new(cad_files::CadEffect) as Arc<dyn Effect>;
        let of_line = Arc::new(orders::LineEffect) as Arc<dyn Effect>;
        let of_shadow = Arc::new(workflows::ShadowEffect) as Arc<dyn Effect>;
        let of_design = Arc::new(designs::DesignEffect) as Arc<dyn Effect>;
        let of_delivery = Arc::new(webhooks::DeliveryEffect) as Arc<dyn ChoreEffect>;
        let of_jobs = HashMap::from([
            (JobKind::Render, of_render),
            (JobKind::Line, of_line),
            (JobKind::Cad, of_cad),
            (JobKind::Shadow, of_shadow),
            (JobKind::Design, of_design),
        ]);
        Self(of_jobs, HashMap::from([(Chore::DeliverWebhook, of_delivery)]))
    }
}

impl Effects {
    /// Adds the effect of one more kind of job.
    #[must_use]
    pub fn with(mut self, kind: JobKind, effect: impl Effect + 'static) -> Self {
        self.0.insert(kind, Arc::new(effect));
        self
    }

    /// The effect of a kind of job.
    pub(super) fn of(&self, kind: JobKind) -> Option<&Arc<dyn Effect>> {
        self.0.get(&kind)
    }

    /// The effect of a chore.
    pub(super) fn of_chore(&self, chore: Chore) -> Option<&Arc<dyn ChoreEffect>> {
        self.1.get(&chore)
    }
}
