//! Tasks of chores.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::Value as Json;

use super::scrub::Scrub;
use super::{ChoreError, collection, kept_tenants, replay};
use crate::config::Settings;
use crate::jobs::handler::{Desk, Handler, Handlers, Outcome, Start, TaskUpdate};
use crate::settings::InForce;
use crate::store::{Pace, Store};
use packshot_contract::chore::{CollectRequest, CollectResult, ReplayRequest};
use packshot_contract::problem::Invalid;
use packshot_db::artifacts::collection::Collection;
use packshot_db::artifacts::usage;
use packshot_db::tasks::{Claimed, Delivery, LaneLimit};
use packshot_db::{Db, TenantScope};
use packshot_domain::id::TenantId;
use packshot_domain::task::{Chore, FaultKind, Lane, QueueName, TaskKind};
use packshot_worker::protocol::{Failure, WorkProgress};

/// The chores that a request can ask for.
const KINDS: [TaskKind; 3] =
    [TaskKind::Chore(Chore::Collect), TaskKind::Chore(Chore::Replay), TaskKind::Chore(Chore::Scrub)];
/// Objects after which a scrub says how far it is.
const TOLD_EVERY: u64 = 20;

/// Does chores with stored files, in the lane of housekeeping.
#[derive(Clone, Debug)]
pub struct ChoreHandler {
    /// Rows.
    pub db: Db,
    /// Files.
    pub store: Store,
    /// The settings of the process; those in the database may differ.
    pub settings: Arc<Settings>,
}

/// What a task is to do.
#[derive(Clone, Copy, Debug)]
enum Errand {
    Collect(CollectRequest),
    Replay(ReplayRequest),
    Scrub,
}

impl Errand {
    fn read(kind: TaskKind, kwargs: &Json) -> Result<Self, Failure> {
        let faulty = |error: Invalid| Failure::new(FaultKind::Input, "internal_error", error.detail());
        match kind {
            TaskKind::Chore(Chore::Collect) => CollectRequest::parse(kwargs).map(Self::Collect).map_err(faulty),
            TaskKind::Chore(Chore::Replay) => ReplayRequest::parse(kwargs).map(Self::Replay).map_err(faulty),
            TaskKind::Chore(Chore::Scrub) => Ok(Self::Scrub),
            other => {
                let detail = format!("'{other}' is not a chore with stored files");
                Err(Failure::new(FaultKind::Input, "internal_error", detail))
            }
        }
    }
}

impl ChoreHandler {
    /// These handlers, and those of all chores.
    pub fn add_to(self, handlers: Handlers) -> Handlers {
        let queue = QueueName::Housekeeping;
        handlers.with((queue, Lane::of_queue(queue), LaneLimit::OfQueue), &KINDS, Arc::new(self))
    }
}

impl Handler for ChoreHandler {
    fn start<'t>(&'t self, claimed: &'t Claimed) -> BoxFuture<'t, Result<Start, Failure>> {
        Box::pin(async move {
            let errand = Errand::read(claimed.task.kind, &claimed.input.kwargs)?;
            let attempt = Attempt { place: self.clone(), tenant: claimed.tenant, errand };
            let work = Box::new(|desk| Box::pin(attempt.run(desk)) as BoxFuture<'static, Outcome>);
            Ok(Start { spec: None, work, until_written: None })
        })
    }
}

/// One attempt at a chore.
struct Attempt {
    place: ChoreHandler,
    tenant: TenantId,
    errand: Errand,
}

impl Attempt {
    async fn run(self, mut desk: Desk) -> Outcome {
        let (progress, mut told) = tokio::sync::mpsc::unbounded_channel();
        let mut work = Box::pin(self.done(move |share: f64| {
            let _ = progress.send(share);
        }));
        loop {
            tokio::select! {
                done = &mut work => {
                    return match done {
                        Ok(output) => Outcome::Done(Delivery { output, ..Delivery::default() }),
                        Err(error) => Outcome::Failed(error.into_failure()),
                    };
                }
                Some(share) = told.recv() => {
                    let progress_pct = (100.0 * share).clamp(0.0, 99.0);
                    let progress = WorkProgress { samples_done: 0, samples_target: 0, progress_pct, eta_s: None };
                    desk.send(TaskUpdate::Progress(progress));
                    // It may take days, and has not stalled.
                    desk.send(TaskUpdate::WentOn);
                }
                _ = desk.stopped() => return Outcome::Stopped,
            }
        }
    }

    /// Does it; `went_on` gets the share that is done, 0 to 1.
    async fn done(self, went_on: impl Fn(f64) + Send + Sync + 'static) -> Result<Json, ChoreError> {
        let ChoreHandler { db, store, settings } = &self.place;
        match self.errand {
            Errand::Collect(CollectRequest { dry_run }) => {
                let collected = match dry_run {
                    true => collection::survey(db, self.tenant).await?,
                    false => collection::of_tenant(db, store, self.tenant).await?,
                };
                let Collection { expired, abandoned, objects, bytes } = collected;
                Ok(json(&CollectResult { expired, abandoned, objects, bytes }))
            }
            Errand::Replay(ReplayRequest { mode }) => Ok(json(&replay::all(db, mode, &went_on).await?)),
            Errand::Scrub => {
                let pace = Pace::of_mb_per_s(InForce::of_instance(db, settings).await?.scrub_rate_mb_s);
                let tenants = kept_tenants(db).await?;
                let n_objects = n_objects(db, &tenants).await?.max(1);
                let tell = |n_read: u64| {
                    if n_read.is_multiple_of(TOLD_EVERY) {
                        went_on(n_read as f64 / n_objects as f64);
                    }
                };
                Ok(json(&Scrub { db, store, pace }.everything(&tenants, &tell).await?))
            }
        }
    }
}

/// How many objects tenants have.
async fn n_objects(db: &Db, tenants: &[TenantId]) -> Result<u64, ChoreError> {
    let mut n_objects = 0;
    for tenant in tenants {
        n_objects += usage::of(db, TenantScope::of(*tenant), Duration::ZERO).await?.objects.unsigned_abs();
    }
    Ok(n_objects)
}

/// A result as rows keep it. Types of the contract always have one.
fn json(result: &impl Serialize) -> Json {
    serde_json::to_value(result).unwrap_or_default()
}
