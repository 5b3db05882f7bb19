//! Following the activity of a tenant: its entries by their numbers.

use super::Admission;
use crate::app::{App, AppError};
use crate::channels::activity::{self, ActivityFilter};
use crate::events::hub::Follower;
use packshot_contract::channel::Entry;
use packshot_db::TenantScope;
use packshot_domain::principal::Principal;
use packshot_domain::stream::StreamId;

/// The activity of a tenant that is being followed. It never ends by itself.
pub struct ActivityFeed {
    app: App,
    scope: TenantScope,
    admission: Admission,
    follower: Follower,
    filter: ActivityFilter,
    /// The number of the last entry that was read.
    after: i64,
}

impl ActivityFeed {
    /// Follows the entries after one that a filter lets through. What is written from now on is not missed.
    pub fn open(app: &App, who: &Principal, after: i64, filter: ActivityFilter) -> Self {
        let scope = TenantScope::of(who.tenant);
        let follower = app.hub.follow(StreamId::of_activity(who.tenant));
        Self { app: app.clone(), scope, admission: Admission::of(who), follower, filter, after }
    }

    /// The stream that is followed.
    pub fn stream(&self) -> StreamId {
        StreamId::of_activity(self.scope.tenant)
    }

    /// Waits for news, but not for ever.
    pub async fn news(&mut self) {
        self.follower.news().await;
    }

    /// Reads the entries after the last one that was read; also whether none follow, because the service shuts down or
    /// the caller would not be let in any more.
    ///
    /// # Errors
    /// Errors of the database; a follower may come back and resume where it was.
    pub async fn look(&mut self) -> Result<(Vec<Entry>, bool), AppError> {
        let is_over = self.follower.is_closed() || !self.admission.holds(&self.app).await?;
        let entries = activity::after(&self.app, self.scope, self.filter.clone(), self.after).await?;
        self.after = entries.last().map_or(self.after, |entry| entry.seq);
        Ok((entries, is_over))
    }
}
