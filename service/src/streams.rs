//! Following a stream: its events by their number, as soon as they are written. The streams of all jobs and of an order
//! also pass on the progress of each job. The log of artifacts is followed likewise.

mod activity;
mod artifacts;
mod user;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::app::{App, AppError};
use crate::events::hub::Follower;
use crate::settings::InForce;
use crate::tenancy::authentication;
use packshot_db::{DbError, TenantScope, designs, jobs, orders, renders, reviews, streams, workflows};
use packshot_domain::id::{DesignJobId, JobId, OrderId, OrderLineId, RenderId, ReviewId, RunId};
use packshot_domain::principal::Principal;
use packshot_domain::stream::{Closes, StreamId, StreamKind};

pub use activity::ActivityFeed;
pub use artifacts::{ArtifactFeed, NewArtifactEvents};
pub use packshot_db::artifacts::events::EventRecord;
pub use packshot_db::jobs::{JobProgress, LiveJob, LiveJobs};
pub use packshot_db::streams::Event;
pub use user::{UserEvent, UserFeed};

/// Events that are read at once.
const BATCH: u32 = 256;

/// Jobs in the snapshot of the stream of all jobs; the snapshot also has their total number.
pub const LIVE_MAX: u32 = 1000;

/// How often a stream checks whether its follower would still be let in.
const ADMITTED_FOR: Duration = Duration::from_secs(2);

/// How many streams may be open with this process at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of one user.
    pub of_user: usize,
    /// Of all users of one tenant.
    pub of_tenant: usize,
}

impl Limits {
    /// The limits in force for the caller.
    ///
    /// # Errors
    /// Errors of the database.
    pub async fn in_force(app: &App, who: &Principal) -> Result<Self, AppError> {
        let in_force = InForce::of_tenant(&app.db, TenantScope::of(who.tenant), &app.settings).await?;
        let (of_user, of_tenant) = (in_force.max_event_streams_per_user, in_force.max_event_streams_per_tenant);
        Ok(Self { of_user, of_tenant })
    }
}

/// Whether a follower would still be let in, checked now and then.
struct Admission {
    who: Principal,
    /// When it was last known.
    known: Instant,
}

impl Admission {
    /// Of somebody who has just been let in.
    fn of(who: &Principal) -> Self {
        Self { who: who.clone(), known: Instant::now() }
    }

    /// Whether they would still be let in, as of the last check.
    async fn holds(&mut self, app: &App) -> Result<bool, AppError> {
        if self.known.elapsed() < ADMITTED_FOR {
            return Ok(true);
        }
        self.known = Instant::now();
        authentication::is_still_admitted(app, &self.who).await
    }
}

/// A stream that is being followed.
pub struct Feed {
    app: App,
    scope: TenantScope,
    admission: Admission,
    stream: StreamId,
    follower: Follower,
    /// The number of the last event that was read.
    after: i64,
    /// Whether it is worth asking if the stream has ended: at the beginning, after an event that ends it, and now and
    /// then.
    may_be_over: bool,
    /// The number of the last progress of each running job that was passed on. Only the streams of all jobs and of an
    /// order have any.
    passed_on: HashMap<JobId, i64>,
}

/// What is new in a stream.
#[derive(Debug)]
pub struct NewEvents {
    /// Its new events.
    pub events: Vec<Event>,
    /// Progress since the last look: passed on, without a number of its own in the stream.
    pub progress: Vec<JobProgress>,
    /// Whether none follow.
    pub is_over: bool,
}

impl Feed {
    /// Follows a stream after an event. What is written from now on is not missed.
    pub fn open(app: &App, who: &Principal, stream: StreamId, after: i64) -> Self {
        let (scope, follower) = (TenantScope::of(who.tenant), app.hub.follow(stream));
        let (admission, passed_on) = (Admission::of(who), HashMap::new());
        Self { app: app.clone(), scope, admission, stream, follower, after, may_be_over: true, passed_on }
    }

    /// Waits for news, but not for ever.
    pub async fn news(&mut self) {
        self.follower.news().await;
    }

    /// Asks, at the next look that brings nothing, whether the stream has ended.
    pub fn doubt(&mut self) {
        self.may_be_over = true;
    }

    /// Reads the events after the last one that was read, and notices the end.
    ///
    /// # Errors
    /// Errors of the database; a follower may come back and resume where it was.
    pub async fn look(&mut self) -> Result<NewEvents, AppError> {
        let is_closing = self.follower.is_closed() || !self.admission.holds(&self.app).await?;
        let events = streams::after(&self.app.db, self.scope, self.stream, self.after, BATCH).await?;
        let is_terminal = |event: &Event| self.stream.kind.closes() != Closes::Never && event.name.is_terminal();
        let ends = events.last().is_some_and(is_terminal) && events.len() < BATCH as usize;
        let tells_of_states = matches!(self.stream.kind, StreamKind::Order | StreamKind::Run | StreamKind::Review);
        self.may_be_over |= events.iter().any(is_terminal) || (tells_of_states && !events.is_empty());
        self.after = events.last().map_or(self.after, |event| event.seq);
        // A terminal event ends the stream unless more was written after it: a task that failed may be put back.
        let is_over = ends
            || is_closing
            || (events.is_empty() && std::mem::take(&mut self.may_be_over) && self.is_over().await?);
        let progress = match self.stream.kind {
            StreamKind::Jobs => self.progress().await?,
            StreamKind::Order => {
                let lines = orders::line_ids(&self.app.db, self.scope, OrderId::from_uuid(self.stream.id)).await?;
                let mut progress = self.progress().await?;
                progress.retain(|progress| lines.contains(&progress.job.record));
                progress
            }
            _ => Vec::new(),
        };
        Ok(NewEvents { events, progress, is_over })
    }

    /// Progress of running jobs since the last look.
    async fn progress(&mut self) -> Result<Vec<JobProgress>, AppError> {
        let mut progress = jobs::progress(&self.app.db, self.scope).await?;
        let now = progress.iter().map(|progress| (progress.job.id, progress.seq)).collect();
        let before = std::mem::replace(&mut self.passed_on, now);
        progress.retain(|progress| before.get(&progress.job.id).is_none_or(|seq| *seq < progress.seq));
        Ok(progress)
    }

    /// Whether nothing can follow what was read: for a client that reconnects after the end, or to an object that is
    /// gone.
    async fn is_over(&self) -> Result<bool, AppError> {
        let (db, id) = (&self.app.db, self.stream.id);
        match self.stream.kind {
            StreamKind::Order => {
                return Ok(orders::is_over(db, self.scope, OrderId::from_uuid(id), self.after).await?);
            }
            StreamKind::Line => {
                return Ok(orders::is_line_over(db, self.scope, OrderLineId::from_uuid(id), self.after).await?);
            }
            StreamKind::Run => {
                return Ok(workflows::is_run_over(db, self.scope, RunId::from_uuid(id), self.after).await?);
            }
            StreamKind::Review => {
                return Ok(!reviews::is_followed(db, self.scope, ReviewId::from_uuid(id), self.after).await?);
            }
            StreamKind::Design => {
                return Ok(designs::is_over(db, self.scope, DesignJobId::from_uuid(id), self.after).await?);
            }
            StreamKind::Render => {}
            _ => return Ok(false),
        }
        match renders::get(db, self.scope, RenderId::from_uuid(id)).await {
            Ok(render) => Ok(render.state.is_terminal() && render.last_seq <= self.after),
            Err(DbError::NotFound(_)) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}

/// The jobs of the tenant that have not ended, at most [`LIVE_MAX`] of them: what its stream of all jobs goes on from.
///
/// # Errors
/// Errors of the database.
pub async fn live_jobs(app: &App, who: &Principal) -> Result<LiveJobs, AppError> {
    Ok(jobs::live(&app.db, TenantScope::of(who.tenant), LIVE_MAX).await?)
}
