//! Following the log of a tenant's artifacts, of all packages or of one.

use super::{Admission, BATCH};
use crate::app::{App, AppError};
use crate::events::hub::Follower;
use packshot_db::TenantScope;
use packshot_db::artifacts::events::{self, EventRecord};
use packshot_domain::id::PackageId;
use packshot_domain::principal::Principal;
use packshot_domain::stream::{StreamId, StreamKind};

/// The log of a tenant's artifacts that is being followed. It never ends by itself.
pub struct ArtifactFeed {
    app: App,
    scope: TenantScope,
    admission: Admission,
    follower: Follower,
    package: Option<PackageId>,
    /// The number of the last event that was read.
    after: i64,
}

/// What is new in the log.
#[derive(Debug)]
pub struct NewArtifactEvents {
    /// Its new events.
    pub events: Vec<EventRecord>,
    /// Whether none follow: the service shuts down, or the follower would not be let in any more.
    pub is_over: bool,
}

impl ArtifactFeed {
    /// Follows the log after an event, of all packages or of one. What is written from now on is not missed.
    pub fn open(app: &App, who: &Principal, after: i64, package: Option<PackageId>) -> Self {
        let follower = app.hub.follow(Self::stream(who));
        let (scope, admission) = (TenantScope::of(who.tenant), Admission::of(who));
        Self { app: app.clone(), scope, admission, follower, package, after }
    }

    /// The stream that a caller follows.
    pub fn stream(who: &Principal) -> StreamId {
        StreamId::new(StreamKind::Artifact, who.tenant.uuid())
    }

    /// Waits for news, but not for ever.
    pub async fn news(&mut self) {
        self.follower.news().await;
    }

    /// Reads the events after the last one that was read.
    ///
    /// # Errors
    /// Errors of the database; a follower may come back and resume where it was.
    pub async fn look(&mut self) -> Result<NewArtifactEvents, AppError> {
        let is_over = self.follower.is_closed() || !self.admission.holds(&self.app).await?;
        let events = events::after(&self.app.db, self.scope, self.after, BATCH, self.package).await?;
        self.after = events.last().map_or(self.after, |event| event.sequence.get());
        Ok(NewArtifactEvents { events, is_over })
    }
}
