//! Following a stream: its events by their number, as soon as there are new ones.

use crate::app::{App, AppError};
use crate::events::hub::Follower;
use packshot_db::streams;
use packshot_db::{DbError, TenantScope, renders};
use packshot_domain::access::Principal;
use packshot_domain::id::RenderId;
use packshot_domain::stream::{Closes, StreamId, StreamKind};

pub use packshot_db::streams::Event;

/// Events that are read at once.
const BATCH: u32 = 256;

/// A stream that somebody follows.
pub struct Feed {
    app: App,
    scope: TenantScope,
    stream: StreamId,
    follower: Follower,
    /// The number of the last event that was read.
    after: i64,
    /// Whether it is worth asking if the stream has ended: at the beginning, after an event that ends it, and now and then.
    may_be_over: bool,
}

/// What a look at a stream brought.
#[derive(Debug)]
pub struct Looked {
    /// Its new events.
    pub events: Vec<Event>,
    /// Whether none follow.
    pub is_over: bool,
}

impl Feed {
    /// Follows a stream after an event. What is written from now on is not missed.
    pub fn open(app: &App, who: &Principal, stream: StreamId, after: i64) -> Self {
        let (scope, follower) = (TenantScope::of(who.tenant), app.hub.follow(stream));
        Self { app: app.clone(), scope, stream, follower, after, may_be_over: true }
    }

    /// Goes on after another event.
    pub fn skip_to(&mut self, seq: i64) {
        self.after = seq;
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
    /// What the database says; who follows may come back and go on where they were.
    pub async fn look(&mut self) -> Result<Looked, AppError> {
        let is_closing = self.follower.is_closed();
        let events = streams::after(&self.app.db, self.scope, self.stream, self.after, BATCH).await?;
        let is_terminal = |event: &Event| self.stream.kind.closes() != Closes::Never && event.name.is_terminal();
        let ends = events.last().is_some_and(is_terminal) && events.len() < BATCH as usize;
        self.may_be_over |= events.iter().any(is_terminal);
        self.after = events.last().map_or(self.after, |event| event.seq);
        // A terminal event ends the stream unless more was written after it: a task that failed may be put back.
        let is_over = ends
            || is_closing
            || (events.is_empty() && std::mem::take(&mut self.may_be_over) && self.is_over().await?);
        Ok(Looked { events, is_over })
    }

    /// Whether nothing can follow what was read: for who came back after the end, or to an object that is gone.
    async fn is_over(&self) -> Result<bool, AppError> {
        if self.stream.kind != StreamKind::Render {
            return Ok(false);
        }
        match renders::get(&self.app.db, self.scope, RenderId::from_uuid(self.stream.id)).await {
            Ok(render) => Ok(render.state.is_terminal() && render.last_seq <= self.after),
            Err(DbError::NotFound(_)) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}
