//! One running task: holds its lease, has its work done, and stores the outcome.
//!
//! The lease is renewed every 10 s, by a report when there is something to report. Whatever is written carries the
//! lease: when it is lost, another worker has the task, so the work is stopped immediately and nothing more is written.
//! Reports of the work are gathered for a moment before they are written; those still unwritten when the work ends go
//! into the transaction that ends the task.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{interval, sleep, sleep_until, timeout_at};
use tracing::Instrument;
use tracing::field::{Empty, display};

use super::Workplace;
use super::handle::{Running, Stop};
use super::handler::{Desk, Outcome, Start, TaskUpdate, Wait, Work};
use super::last_line::LastLine;
use super::ledger::Ledger;
use crate::server::metrics::count_end;
use packshot_db::cad_files;
use packshot_db::jobs::JobError;
use packshot_db::tasks::{self, AfterFailure, Claimed, Completion, Delivery, Directive, Ended, Rejection};
use packshot_db::{DatabaseKind, Db, DbError, TenantScope};
use packshot_domain::task::{FaultKind, LEASE, LEASE_RENEWAL, TaskState};
use packshot_worker::failpoint::Failpoint;
use packshot_worker::protocol::Failure;

/// Reports are gathered for this long before they are written: writing takes processor time from the work itself.
const GATHER: Duration = Duration::from_millis(300);
/// How long a work that was asked to stop has before it is given up.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How often a process that shares its database looks for cancel marks from other processes.
const LOOK_FOR_MARKS: Duration = Duration::from_secs(1);
/// The pause before a failed write is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Nothing more may be written about this task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    /// Another worker has it, or none.
    Lease,
    /// It was held when its end was committed, and the answer to that was lost: the end may be this attempt's own.
    Unanswered,
}

/// A task on its way from the claim to its end.
pub(super) struct Supervisor {
    place: Arc<Workplace>,
    claimed: Claimed,
    running: Running,
    ledger: Ledger,
    /// Why the work was asked to stop.
    stop: Stop,
    renewed: Instant,
    /// What must live until the end is written.
    _until_written: Option<Box<dyn Any + Send + Sync>>,
}

/// A work that runs elsewhere in this process, and ends with this.
struct UnderWay(JoinHandle<Outcome>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Supervisor {
    pub(super) fn new(place: Arc<Workplace>, claimed: Claimed, running: Running) -> Self {
        let ledger = Ledger::new(&claimed);
        Self { place, claimed, running, ledger, stop: Stop::No, renewed: Instant::now(), _until_written: None }
    }

    /// Runs the task to its end, or until it is lost. Whatever is logged meanwhile names task and job.
    pub(super) async fn run(self) {
        let task = &self.claimed.task;
        // At the highest level, so that every line has it whatever the log's level is.
        let span = tracing::error_span!("attempt", task.id = %task.id, job.id = Empty);
        if let Some(job) = task.job {
            span.record("job.id", display(job.record));
        }
        self.attempt().instrument(span).await;
    }

    async fn attempt(mut self) {
        Failpoint::Claim.pass();
        tracing::debug!("claimed for attempt {}", self.claimed.task.attempt);
        let outcome = match self.start().await {
            Ok(Ok(work)) => self.follow(work).await,
            Ok(Err(failure)) => Ok(Outcome::Failed(failure)),
            Err(lost) => Err(lost),
        };
        let ended = match outcome {
            Ok(Outcome::Done(delivery)) => self.complete(delivery).await,
            Ok(Outcome::Rejected(delivery, failure)) => self.reject(delivery, failure).await,
            Ok(Outcome::Failed(failure)) => self.fail(failure, None).await,
            Ok(Outcome::Again(failure, wait)) => self.fail(failure, Some(wait)).await,
            Ok(Outcome::Stopped) => self.stopped().await,
            Ok(Outcome::Deferred(wait)) => self.defer(wait).await,
            Err(lost) => Err(lost),
        };
        match ended {
            Ok(()) => {}
            Err(Lost::Lease) => {
                tracing::warn!("the lease was lost: the results of this attempt are discarded");
            }
            Err(Lost::Unanswered) => self.find_out().await,
        }
    }

    /// Makes the work, and holds the lease meanwhile.
    async fn start(&mut self) -> Result<Result<Work, Failure>, Lost> {
        let task = &self.claimed.task;
        let Some(handler) = self.place.parts.handlers.of(&task.lane, task.kind) else {
            let detail = format!("this service cannot run the task '{}' in the lane '{}'", task.kind, task.lane);
            return Ok(Err(Failure::new(FaultKind::Input, "internal_error", detail)));
        };
        let mut starting = handler.start(&self.claimed);
        let mut renew_at = self.renewed + LEASE_RENEWAL;
        let started = loop {
            if let Ok(started) = timeout_at(renew_at.into(), &mut starting).await {
                break started;
            }
            renew_at = match tasks::renew(self.db(), self.scope(), self.claimed.lease).await {
                // The first report of the work repeats that it is to stop.
                Ok(_) => {
                    self.renewed = Instant::now();
                    self.renewed + LEASE_RENEWAL
                }
                Err(error) if is_lost(&error) => return Err(Lost::Lease),
                Err(error) => {
                    tracing::warn!("the lease cannot be renewed: {error}");
                    Instant::now() + TRY_AGAIN
                }
            };
        };
        drop(starting);
        let Start { spec, work, until_written } = match started {
            Ok(start) => start,
            Err(failure) => return Ok(Err(failure)),
        };
        self._until_written = until_written;
        if let Some(spec) = spec.filter(|_| self.claimed.input.spec.is_none()) {
            self.ledger.freeze(spec);
        }
        Ok(Ok(work))
    }

    /// Has the work done, and gathers its reports.
    async fn follow(&mut self, work: Work) -> Result<Outcome, Lost> {
        let (sender, mut updates) = unbounded_channel();
        let (stop, stopped) = watch::channel(None);
        let mut work = UnderWay(tokio::spawn(work(Desk::new(sender, stopped)).in_current_span()));
        let mut give_up: Option<Instant> = None;
        let mut is_finishing = false;
        let mut marks = interval(LOOK_FOR_MARKS);
        let is_shared = self.place.parts.db.kind() == DatabaseKind::Postgres;
        loop {
            let write_at = self.write_at();
            let reason = tokio::select! {
                // Reasons to end the work come before its reports, and those before a write, which may be slow.
                biased;
                reason = self.running.stopped(self.stop) => reason,
                () = sleep_until(give_up.unwrap_or(write_at).into()), if give_up.is_some() && !is_finishing => {
                    return Ok(Outcome::Stopped);
                }
                Some(update) = updates.recv() => {
                    is_finishing |= matches!(update, TaskUpdate::Finishing);
                    self.ledger.take(update);
                    Stop::No
                }
                outcome = &mut work.0 => return Ok(self.ended(outcome, updates)),
                () = sleep_until(write_at.into()) => self.write().await?,
                _ = marks.tick(), if is_shared && self.stop == Stop::No => self.look_for_mark().await,
            };
            if reason > self.stop {
                self.stop = reason;
                stop.send_replace(reason.of_work());
                give_up.get_or_insert_with(|| Instant::now() + PATIENCE);
            }
        }
    }

    /// The outcome of a work that has ended. Its last reports are taken.
    fn ended(
        &mut self,
        outcome: Result<Outcome, tokio::task::JoinError>,
        mut updates: UnboundedReceiver<TaskUpdate>,
    ) -> Outcome {
        while let Ok(last) = updates.try_recv() {
            self.ledger.take(last);
        }
        outcome.unwrap_or_else(|error| {
            tracing::error!("the task panicked: {error}");
            Outcome::Failed(Failure::infrastructure(
                "worker_panicked",
                "the task crashed; the service's log has the reason",
            ))
        })
    }

    /// Reads the state of a task whose final commit was not answered. Only the holder of a lease can complete the task;
    /// recovery may have written any other end, which has the same effect.
    async fn find_out(&self) {
        match tasks::state_under(self.db(), self.scope(), self.claimed.lease).await {
            Ok(Some(state @ (TaskState::Completed | TaskState::Failed | TaskState::Cancelled))) => {
                self.count(state);
                self.last_line()
                    .info(format_args!("{state}: the answer to the commit was lost, and the state was read back"));
            }
            Ok(Some(state)) => {
                tracing::warn!("the answer to a commit was lost; the task is {state} again");
            }
            Ok(None) => {
                tracing::warn!("the answer to a commit was lost; another attempt has the task");
            }
            Err(error) => {
                tracing::error!("the answer to a commit was lost, and the state cannot be read back: {error}");
            }
        }
    }

    /// When something is to be written next: what was gathered, or the renewal of the lease.
    fn write_at(&self) -> Instant {
        let renewal = self.renewed + LEASE_RENEWAL;
        self.ledger.pending_since().map_or(renewal, |since| renewal.min(since + GATHER))
    }

    /// Writes what was gathered and renews the lease. An unreachable database is not a reason to stop: the lease
    /// decides later.
    async fn write(&mut self) -> Result<Stop, Lost> {
        let (db, scope, lease) = (&self.place.parts.db, self.scope(), self.claimed.lease);
        let report = self.ledger.take_report();
        let is_first = report.as_ref().is_some_and(|report| report.began);
        if is_first {
            Failpoint::Begin.pass();
        }
        let written = match report.clone() {
            Some(report) => tasks::report(db, scope, lease, report).await,
            None => tasks::renew(db, scope, lease).await,
        };
        if is_first {
            Failpoint::Began.pass();
        }
        match written {
            Ok(directive) => {
                self.renewed = Instant::now();
                Ok(if directive == Directive::Cancel { Stop::Cancel } else { Stop::No })
            }
            Err(error) if is_lost(&error) => Err(Lost::Lease),
            // One that was committed without an answer comes twice: a duplicate line is better than a missing one.
            Err(error) => {
                tracing::warn!("progress cannot be stored: {error}");
                if let Some(report) = report {
                    self.ledger.put_back(report);
                }
                sleep(TRY_AGAIN).await;
                Ok(Stop::No)
            }
        }
    }

    /// Whether another process was asked to cancel this task. The next report would say so too, up to ten seconds
    /// later.
    async fn look_for_mark(&self) -> Stop {
        match tasks::is_cancelled(self.db(), self.scope(), self.claimed.lease).await {
            Ok(true) => Stop::Cancel,
            Ok(false) | Err(_) => Stop::No,
        }
    }

    /// Ends the task with its result.
    async fn complete(&mut self, delivery: Delivery) -> Result<(), Lost> {
        Failpoint::Commit.pass();
        let completion = Completion { report: self.ledger.take_report().unwrap_or_default(), delivery };
        let (db, scope, lease) = (self.db().clone(), self.scope(), self.claimed.lease);
        let ended = self.insist(|| tasks::complete(&db, scope, lease, completion.clone())).await?;
        Failpoint::Ended.pass();
        let took = self.ledger.running_for();
        let (state, what) = match ended {
            Ended::Kept => (TaskState::Completed, "completed"),
            Ended::Cancelled => (TaskState::Cancelled, "cancelled just as it finished"),
        };
        self.count(state);
        self.last_line().info(format_args!("{what} after {:.3} s", took.as_secs_f64()));
        Ok(())
    }

    /// Fails the task because of its result, which is kept.
    async fn reject(&mut self, delivery: Delivery, failure: Failure) -> Result<(), Lost> {
        Failpoint::Commit.pass();
        let (report, error) = (self.ledger.take_report().unwrap_or_default(), job_error(failure));
        let rejection = Rejection { report, delivery, error };
        let (db, scope, lease) = (self.db().clone(), self.scope(), self.claimed.lease);
        let ended = self.insist(|| tasks::reject(&db, scope, lease, rejection.clone())).await?;
        let JobError { code, detail, .. } = &rejection.error;
        match ended {
            Ended::Kept => {
                self.count(TaskState::Failed);
                self.last_line().warn(format_args!("failed, but its files are kept: {code}: {detail}"));
            }
            Ended::Cancelled => {
                self.count(TaskState::Cancelled);
                self.last_line().info("cancelled just as it finished");
            }
        }
        Ok(())
    }

    /// Ends an attempt that failed. The next one, if there is one, comes after `wait`, or else after the usual time.
    async fn fail(&mut self, failure: Failure, wait: Option<Duration>) -> Result<(), Lost> {
        let failure = tasks::Failure {
            report: self.ledger.take_report().unwrap_or_default(),
            fault: failure.fault,
            error: job_error(failure),
        };
        let (db, scope, lease) = (self.db().clone(), self.scope(), self.claimed.lease);
        let error = failure.error.clone();
        let after = match wait {
            None => self.insist(|| tasks::fail(&db, scope, lease, failure.clone())).await?,
            Some(wait) => self.insist(|| tasks::postpone(&db, scope, lease, failure.clone(), wait)).await?,
        };
        if let Some(state) = after.ended() {
            self.count(state);
        }
        match after {
            AfterFailure::Failed => self.last_line().warn(format_args!("failed: {}: {}", error.code, error.detail)),
            AfterFailure::Retry(at) => tracing::warn!("{}: will be tried again at {at}", error.code),
            AfterFailure::Cancelled => self.last_line().info("cancelled"),
        }
        Ok(())
    }

    /// Puts the task back, which cannot be done now. Nothing of the attempt is written.
    async fn defer(&mut self, wait: Wait) -> Result<(), Lost> {
        let (db, scope, lease) = (self.db().clone(), self.scope(), self.claimed.lease);
        let (Wait::For(at_most) | Wait::ForFile(_, at_most)) = wait;
        tracing::debug!("cannot be done now: put back for {at_most:?}");
        self.insist(|| tasks::defer(&db, scope, lease, at_most)).await?;
        match wait {
            Wait::For(_) => Ok(()),
            Wait::ForFile(attempt, _) => self.insist(|| cad_files::let_go_if_ended(&db, scope, attempt)).await,
        }
    }

    /// Ends an attempt that was asked to stop.
    async fn stopped(&mut self) -> Result<(), Lost> {
        let (db, scope, lease) = (self.db().clone(), self.scope(), self.claimed.lease);
        match self.stop {
            Stop::Cancel => {
                let report = self.ledger.take_report().unwrap_or_default();
                self.insist(|| tasks::cancelled(&db, scope, lease, report.clone())).await?;
                self.count(TaskState::Cancelled);
                let took = self.ledger.running_for();
                self.last_line().info(format_args!("cancelled after {:.3} s", took.as_secs_f64()));
                Ok(())
            }
            Stop::Drain => {
                let report = self.ledger.take_report().unwrap_or_default();
                self.insist(|| tasks::give_back(&db, scope, lease, report.clone())).await
            }
            Stop::Stalled { minutes } => {
                let why = format!("no picture was finished in {minutes} minutes, so the render was stopped");
                self.fail(Failure::infrastructure("stalled", why), None).await
            }
            // Work stops only when asked; a worker that claims otherwise is broken.
            Stop::No => {
                let why = "the worker stopped without being asked to";
                self.fail(Failure::infrastructure("worker_lost", why), None).await
            }
        }
    }

    /// Writes what ends the attempt, again and again while the database cannot be reached. When the lease has expired
    /// meanwhile, another worker has the task, and the write is refused.
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
                    tracing::error!("the outcome of the task cannot be stored: {error}");
                    // A database error may pass, and a result is worth a few tries.
                    let is_worth_it = matches!(error, DbError::Internal(_)) && begun.elapsed() < LEASE;
                    if !is_passing(&error) && !is_worth_it {
                        // The lease expires, and recovery takes the task back.
                        return Err(Lost::Lease);
                    }
                    sleep(TRY_AGAIN).await;
                }
            }
        }
    }

    fn last_line(&self) -> LastLine<'_> {
        let input_name = self.claimed.job.as_ref().and_then(|job| job.input_name.as_deref());
        LastLine { job: None, input_name, kind: self.claimed.task.kind }
    }

    fn count(&self, state: TaskState) {
        count_end(self.claimed.task.job, state, Some(self.ledger.running_for()));
    }

    fn db(&self) -> &Db {
        &self.place.parts.db
    }

    fn scope(&self) -> TenantScope {
        TenantScope::of(self.claimed.tenant)
    }
}

/// A failure as the records of task and job keep it, with its first place.
fn job_error(failure: Failure) -> JobError {
    let at = failure.findings.into_iter().next().map(|finding| finding.at).filter(|at| !at.is_empty());
    JobError { code: failure.code, detail: failure.detail, at }
}

fn is_lost(error: &DbError) -> bool {
    matches!(error, DbError::LeaseLost(_) | DbError::NotFound(_) | DbError::Closed)
}

fn is_passing(error: &DbError) -> bool {
    matches!(error, DbError::Unavailable(_) | DbError::Unanswered(_) | DbError::Full(_))
}
