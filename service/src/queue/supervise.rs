//! One running task: holds its lease, gives its work to a worker, and writes down what comes of it.
//!
//! The lease is renewed every 10 s, by a report when there is something to report. Whatever is written carries the lease: when
//! it is lost, somebody else has the task, so the work is stopped at once and nothing more is written. Events are gathered
//! for a moment before they are written, and what is left when the work ends goes into the transaction that ends the task.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{interval, sleep, sleep_until, timeout};

use super::Workplace;
use super::handle::{Running, Stop};
use super::ledger::{Ledger, json};
use super::outputs::{self, OutputError, Received, TenantAssets};
use crate::events::hub;
use crate::server::metrics::count_end;
use crate::settings::InForce;
use packshot_contract::request::Format;
use packshot_db::renders::JobError;
use packshot_db::tasks::{self, AfterFailure, Claimed, Completion, Directive, Ended, Report};
use packshot_db::{DbError, Engine, TenantScope, renders};
use packshot_domain::render::RenderState;
use packshot_domain::step::StepName;
use packshot_domain::task::{FaultKind, LEASE, LEASE_RENEWAL, TaskState};
use packshot_worker::executor::{self, Incoming, WorkHandle};
use packshot_worker::failpoint::Failpoint;
use packshot_worker::protocol::{Completed, Failure, Outcome, RenderInput, RenderWork, WorkEvent};

/// Events are gathered for so long before they are written: writing them takes processor time from the render that they are about.
const GATHER: Duration = Duration::from_millis(300);
/// A worker that was asked to stop has so long to do so before it is given up.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How often a process that shares its database looks for marks to cancel of other processes.
const LOOK_FOR_MARKS: Duration = Duration::from_secs(1);
/// Between two tries to write what must be written.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Nothing more may be written about this task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    /// Somebody else has it, or nobody.
    Lease,
    /// It was held when its end was committed, and the answer to that was lost: the end may be this attempt's own.
    Unanswered,
}

/// What came of an attempt's work.
enum Worked {
    /// There are pictures, and those files that were sent before the end.
    Completed(Box<Completed>, Received),
    /// Some of its files cannot be stored.
    NotStored(OutputError),
    /// There are none.
    Failed(Failure),
    /// It was asked to stop.
    Stopped,
}

/// A task on its way from the claim to its end.
pub(super) struct Supervisor {
    place: Arc<Workplace>,
    claimed: Claimed,
    running: Running,
    ledger: Ledger,
    /// The formats of all files, in their order.
    formats: Vec<Format>,
    /// Why the worker was asked to stop.
    stop: Stop,
    renewed: Instant,
}

impl Supervisor {
    pub(super) fn new(place: Arc<Workplace>, claimed: Claimed, running: Running) -> Self {
        let ledger = Ledger::new(&claimed);
        Self { place, claimed, running, ledger, formats: Vec::new(), stop: Stop::No, renewed: Instant::now() }
    }

    /// Runs the task to its end, or until it is lost.
    pub(super) async fn run(mut self) {
        Failpoint::Claim.pass();
        let (render, lease) = (self.claimed.render.id, self.claimed.lease);
        tracing::debug!(render.id = %render, task.id = %lease.task, "claimed with lease {}", lease.number);
        let outcome = match serde_json::from_value::<RenderInput>(self.claimed.task.kwargs.clone()) {
            Ok(input) => self.work(input).await,
            Err(reason) => {
                tracing::error!(render.id = %render, "the task's kwargs cannot be read: {reason}");
                let detail = "the stored task cannot be read by this version";
                Ok(Worked::Failed(Failure::new(FaultKind::Input, "internal_error", detail)))
            }
        };
        let ended = match outcome {
            Ok(Worked::Completed(completed, received)) => self.complete(*completed, received).await,
            Ok(Worked::NotStored(error)) => self.fail_to_store(error, Duration::ZERO).await,
            Ok(Worked::Failed(failure)) => self.fail(failure).await,
            Ok(Worked::Stopped) => self.stopped().await,
            Err(lost) => Err(lost),
        };
        match ended {
            Ok(()) => {}
            Err(Lost::Lease) => {
                tracing::warn!(render.id = %render, "the lease {} was lost: nothing of this attempt is kept", lease.number);
            }
            Err(Lost::Unanswered) => self.find_out().await,
        }
    }

    /// Reads what became of an end whose commit was not answered. Only the holder of a lease completes a task under it; every other
    /// end may also be recovery's, which comes to the same.
    async fn find_out(&self) {
        let (render, lease) = (self.claimed.render.id, self.claimed.lease);
        match tasks::state_under(&self.place.db, self.scope(), lease).await {
            Ok(Some(state @ (TaskState::Completed | TaskState::Failed | TaskState::Cancelled))) => {
                if let Ok(ended) = state.as_str().parse() {
                    count_end(ended, Some(self.ledger.running_for()));
                }
                tracing::info!(render.id = %render, "{state}: the answer to its commit was lost, and it was read back");
            }
            Ok(Some(state)) => {
                tracing::warn!(render.id = %render, "the answer to a commit was lost; the task is {state} again");
            }
            Ok(None) => {
                tracing::warn!(render.id = %render, "the answer to a commit was lost, and so was the lease {}: another attempt has the task", lease.number);
            }
            Err(error) => {
                tracing::error!(render.id = %render, "the answer to a commit was lost, and what became of it cannot be read: {error}");
            }
        }
    }

    /// From the start of the work to its outcome.
    async fn work(&mut self, input: RenderInput) -> Result<Worked, Lost> {
        self.formats.clone_from(&input.request.formats);
        let output_bytes_max = match InForce::of_instance(&self.place.db, &self.place.settings).await {
            Ok(in_force) => in_force.max_output_bytes,
            Err(error) => {
                tracing::warn!(render.id = %self.claimed.render.id, "the settings cannot be read: {error}");
                let detail = "the settings cannot be read";
                return Ok(Worked::Failed(Failure::infrastructure("unavailable", detail)));
            }
        };
        let (sender, Incoming { mut events, files }) = executor::way();
        let mut received = Received::begin(self.place.store.clone(), files, output_bytes_max);
        let assets =
            TenantAssets { store: self.place.store.clone(), tenant: self.claimed.tenant, runtime: Handle::current() };
        let work = RenderWork {
            task: self.claimed.task.id,
            render: self.claimed.render.id,
            attempt: u32::try_from(self.claimed.task.attempt).unwrap_or(1),
            input,
            output_bytes_max,
        };
        let handle = self.place.executor.start(work, Arc::new(assets), sender);
        let mut unstored = None;
        let followed = self.follow(&handle, &mut events, &mut received, &mut unstored).await;
        if !matches!(followed, Ok(Some(_))) {
            handle.abandon();
        }
        Ok(match (followed?, unstored) {
            (_, Some(error)) => Worked::NotStored(error),
            (Some(Outcome::Completed(completed)), None) => Worked::Completed(Box::new(completed), received),
            (Some(Outcome::Failed(failure)), None) => Worked::Failed(failure),
            (Some(Outcome::Cancelled) | None, None) => Worked::Stopped,
        })
    }

    /// Brings back what the worker reports; `None` when it was asked to stop and does not answer. It is also asked to when a file cannot
    /// be stored, for which `unstored` is then the reason.
    async fn follow(
        &mut self,
        handle: &WorkHandle,
        events: &mut UnboundedReceiver<WorkEvent>,
        received: &mut Received,
        unstored: &mut Option<OutputError>,
    ) -> Result<Option<Outcome>, Lost> {
        let mut give_up: Option<Instant> = None;
        let mut marks = interval(LOOK_FOR_MARKS);
        let is_shared = self.place.db.engine() == Engine::Postgres;
        loop {
            let write_at = self.write_at();
            let reason = tokio::select! {
                event = events.recv() => match event {
                    Some(WorkEvent::Finished(outcome)) => return Ok(Some(*outcome)),
                    Some(event) => {
                        self.take(event);
                        Stop::No
                    }
                    None => return Ok(Some(Outcome::Failed(Failure::infrastructure("worker_lost", "the worker ended without a word")))),
                },
                error = received.failed(), if unstored.is_none() => {
                    // Nothing that it still renders could be kept.
                    *unstored = Some(error);
                    handle.cancel();
                    give_up.get_or_insert_with(|| Instant::now() + PATIENCE);
                    Stop::No
                }
                () = sleep_until(write_at.into()) => self.write().await?,
                reason = self.running.stopped(self.stop) => reason,
                _ = marks.tick(), if is_shared && self.stop == Stop::No => self.look_for_mark().await,
                () = sleep_until(give_up.unwrap_or(write_at).into()), if give_up.is_some() => return Ok(None),
            };
            if reason > self.stop {
                self.stop = reason;
                handle.cancel();
                give_up.get_or_insert_with(|| Instant::now() + PATIENCE);
            }
        }
    }

    /// When something is to be written next: what was gathered, or the renewal of the lease.
    fn write_at(&self) -> Instant {
        let renewal = self.renewed + LEASE_RENEWAL;
        self.ledger.pending_since().map_or(renewal, |since| renewal.min(since + GATHER))
    }

    fn take(&mut self, event: WorkEvent) {
        if let WorkEvent::Preview(preview) = &event {
            let preview = hub::Preview::new(preview.png.clone(), preview.samples_done);
            self.ledger.preview(&preview);
            self.place.hub.set_preview(self.claimed.render.id, preview);
        }
        self.ledger.take(event);
    }

    /// Writes what was gathered and renews the lease. A database that is away is no reason to stop: the lease decides later.
    async fn write(&mut self) -> Result<Stop, Lost> {
        let (db, scope, lease) = (&self.place.db, self.scope(), self.claimed.lease);
        let report = self.ledger.take_report();
        let written = if report == Report::default() {
            tasks::renew(db, scope, lease).await
        } else {
            tasks::report(db, scope, lease, report.clone()).await
        };
        match written {
            Ok(directive) => {
                self.renewed = Instant::now();
                Ok(if directive == Directive::Cancel { Stop::Cancel } else { Stop::No })
            }
            Err(error) if is_lost(&error) => Err(Lost::Lease),
            // One that was committed without an answer comes twice: a line too many is better than one too few.
            Err(error) => {
                tracing::warn!(render.id = %self.claimed.render.id, "progress cannot be stored: {error}");
                self.ledger.put_back(report);
                sleep(TRY_AGAIN).await;
                Ok(Stop::No)
            }
        }
    }

    /// Whether another process was asked to cancel this task. The next report would say so too, up to ten seconds later.
    async fn look_for_mark(&self) -> Stop {
        let found = renders::get(&self.place.db, self.scope(), self.claimed.render.id).await;
        if found.is_ok_and(|render| render.cancel_requested_at.is_some()) { Stop::Cancel } else { Stop::No }
    }

    /// Stores the files, then ends the task with them.
    async fn complete(&mut self, completed: Completed, received: Received) -> Result<(), Lost> {
        let begun = Instant::now();
        self.ledger.begin(StepName::OutputSave);
        Failpoint::Store.pass();
        let (db, store) = (self.place.db.clone(), self.place.store.clone());
        let (tenant, render) = (self.claimed.tenant, self.claimed.render.id);
        let formats = std::mem::take(&mut self.formats);
        let storing = outputs::store(&db, &store, tenant, render, &formats, received, completed);
        let stored = self.renewing(storing).await?;
        let stored = match stored {
            Ok(stored) => stored,
            Err(error) => return self.fail_to_store(error, begun.elapsed()).await,
        };
        self.ledger.finish(StepName::OutputSave, begun.elapsed(), stored.output());
        self.ledger.set_result(stored.document.clone());
        Failpoint::Commit.pass();
        let completion = Completion {
            report: self.ledger.take_report(),
            document: self.ledger.document().clone(),
            result: json(&stored.result),
            files: stored.files,
        };
        let (scope, lease) = (self.scope(), self.claimed.lease);
        let ended = self.insist(|| tasks::complete(&db, scope, lease, completion.clone())).await?;
        let state = match ended {
            Ended::Completed => RenderState::Completed,
            Ended::Cancelled => RenderState::Cancelled,
        };
        count_end(state, Some(self.ledger.running_for()));
        match ended {
            Ended::Completed => tracing::info!(render.id = %render, "completed in {:.3} s", stored.result.duration_s),
            Ended::Cancelled => tracing::info!(render.id = %render, "cancelled when it was done"),
        }
        Ok(())
    }

    async fn fail_to_store(&mut self, error: OutputError, duration: Duration) -> Result<(), Lost> {
        tracing::error!(render.id = %self.claimed.render.id, "the files cannot be stored: {error:?}");
        let failure = error.into_failure();
        self.ledger.fail(StepName::OutputSave, duration, &format!("{}: {}", failure.code, failure.detail));
        self.fail(failure).await
    }

    /// Ends an attempt that failed.
    async fn fail(&mut self, failure: Failure) -> Result<(), Lost> {
        let document = self.ledger.ended();
        let at = failure.findings.first().map(|finding| finding.at.clone()).filter(|at| !at.is_empty());
        let failure = tasks::Failure {
            report: self.ledger.take_report(),
            document,
            fault: failure.fault,
            error: JobError { code: failure.code, detail: failure.detail, at },
        };
        let (db, scope, lease) = (self.place.db.clone(), self.scope(), self.claimed.lease);
        let (render, error) = (self.claimed.render.id, failure.error.clone());
        let after = self.insist(|| tasks::fail(&db, scope, lease, failure.clone())).await?;
        if let Some(state) = after.ended() {
            count_end(state, Some(self.ledger.running_for()));
        }
        match after {
            AfterFailure::Failed => tracing::warn!(render.id = %render, "failed: {}: {}", error.code, error.detail),
            AfterFailure::Retry(at) => tracing::warn!(render.id = %render, "{}: tried again from {at} on", error.code),
            AfterFailure::Cancelled => tracing::info!(render.id = %render, "cancelled"),
        }
        Ok(())
    }

    /// Ends an attempt that was asked to stop.
    async fn stopped(&mut self) -> Result<(), Lost> {
        let (db, scope, lease) = (self.place.db.clone(), self.scope(), self.claimed.lease);
        if self.ledger.pending_since().is_some() {
            // What the worker said last; whatever this says about stopping is known already.
            self.write().await?;
        }
        match self.stop {
            Stop::Cancel => {
                let document = self.ledger.ended();
                self.insist(|| tasks::cancelled(&db, scope, lease, document.clone())).await?;
                count_end(RenderState::Cancelled, Some(self.ledger.running_for()));
                Ok(())
            }
            Stop::Drain => {
                let document = self.ledger.ended();
                self.insist(|| tasks::give_back(&db, scope, lease, document.clone())).await
            }
            Stop::Stalled { minutes } => {
                self.fail(Failure::infrastructure("stalled", format!("stalled: terminated after {minutes}min"))).await
            }
            // Only what was asked to stop stops; a worker that says otherwise is broken.
            Stop::No => self.fail(Failure::infrastructure("worker_lost", "the worker stopped by itself")).await,
        }
    }

    /// Waits for something that takes a while, and keeps the lease meanwhile.
    async fn renewing<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Lost> {
        let mut work = std::pin::pin!(work);
        loop {
            match timeout(LEASE_RENEWAL, &mut work).await {
                Ok(value) => return Ok(value),
                // A mark to cancel is found again when the task ends.
                Err(_) => drop(self.write().await?),
            }
        }
    }

    /// Writes what ends the attempt, again and again while the database is away. When the lease has expired meanwhile, somebody
    /// else has the task, and the write is refused.
    async fn insist<T, W: Future<Output = Result<T, DbError>>>(&self, mut write: impl FnMut() -> W) -> Result<T, Lost> {
        let begun = Instant::now();
        let mut is_unanswered = false;
        loop {
            match write().await {
                Ok(value) => return Ok(value),
                Err(error) if is_lost(&error) => {
                    return Err(if is_unanswered { Lost::Unanswered } else { Lost::Lease });
                }
                Err(error) => {
                    is_unanswered |= matches!(error, DbError::Unanswered(_));
                    tracing::error!(render.id = %self.claimed.render.id, "the end cannot be stored: {error}");
                    // What is wrong with a database may pass, and a picture is worth a few tries.
                    let is_worth_it = matches!(error, DbError::Internal(_)) && begun.elapsed() < LEASE;
                    if !is_passing(&error) && !is_worth_it {
                        // The lease runs out, and recovery takes the task back.
                        return Err(Lost::Lease);
                    }
                    sleep(TRY_AGAIN).await;
                }
            }
        }
    }

    fn scope(&self) -> TenantScope {
        TenantScope::of(self.claimed.tenant)
    }
}

impl Drop for Supervisor {
    /// Forgets the preview, however the attempt ended, unless another attempt has begun to make its own.
    fn drop(&mut self) {
        if !self.place.handle.has_other(self.claimed.lease) {
            self.place.hub.drop_preview(self.claimed.render.id);
        }
    }
}

fn is_lost(error: &DbError) -> bool {
    matches!(error, DbError::LeaseLost(_) | DbError::NotFound(_) | DbError::Closed)
}

fn is_passing(error: &DbError) -> bool {
    matches!(error, DbError::Unavailable(_) | DbError::Unanswered(_) | DbError::Full(_))
}
