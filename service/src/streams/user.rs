//! Following what a person is told: their stream, and how much they have to read after each piece of news.

use super::{Admission, BATCH};
use crate::app::{App, AppError};
use crate::channels::notifications;
use crate::events::hub::Follower;
use packshot_db::{DbError, TenantScope, streams, users};
use packshot_domain::access::{Permission, Role};
use packshot_domain::event::EventName;
use packshot_domain::principal::Principal;
use packshot_domain::stream::StreamId;
use serde_json::{Value as Json, json};

/// What a person is told, as it is followed. It never ends by itself.
pub struct UserFeed {
    app: App,
    who: Principal,
    admission: Admission,
    follower: Follower,
    /// The number of the last event that was read.
    after: i64,
}

/// An event of a person's stream.
#[derive(Clone, Debug, PartialEq)]
pub struct UserEvent {
    /// Its number in the stream; what is counted when it is read has none.
    pub seq: Option<i64>,
    /// What it reports.
    pub name: EventName,
    /// Its members.
    pub data: Json,
}

impl UserFeed {
    /// Follows the caller's stream after an event. What is written from now on is not missed.
    pub fn open(app: &App, who: &Principal, after: i64) -> Self {
        let follower = app.hub.follow(StreamId::of_user(who.user));
        Self { app: app.clone(), who: who.clone(), admission: Admission::of(who), follower, after }
    }

    /// The stream that a caller follows.
    pub fn stream(&self) -> StreamId {
        StreamId::of_user(self.who.user)
    }

    /// Waits for news, but not for ever.
    pub async fn news(&mut self) {
        self.follower.news().await;
    }

    /// Reads the events after the last one that was read; also whether none follow, because the service shuts down or
    /// the caller would not be let in any more. After news there is how much the caller has to read, as of now.
    ///
    /// # Errors
    /// Errors of the database; a follower may come back and resume where it was.
    pub async fn look(&mut self) -> Result<(Vec<UserEvent>, bool), AppError> {
        let is_over = self.follower.is_closed() || !self.admission.holds(&self.app).await?;
        let home = TenantScope::of(self.who.home);
        let stored = streams::after(&self.app.db, home, self.stream(), self.after, BATCH).await?;
        self.after = stored.last().map_or(self.after, |event| event.seq);
        let has_alerts = stored.iter().any(|event| event.name.is_of_alert());
        // An alert was written for whoever saw alerts then.
        let sees_alerts = has_alerts && self.sees_alerts().await?;
        let sees_instance = self.who.role == Role::GlobalAdmin || self.who.in_operating_tenant;
        let is_seen = |name: EventName, data: &Json| {
            !name.is_of_alert() || (sees_alerts && (sees_instance || !data["tenant_id"].is_null()))
        };
        let mut events: Vec<UserEvent> = stored
            .into_iter()
            .filter(|event| is_seen(event.name, &event.data))
            .map(|event| UserEvent { seq: Some(event.seq), name: event.name, data: event.data })
            .collect();
        if events.is_empty() {
            return Ok((events, is_over));
        }
        let count = json!(notifications::count_unread(&self.app, &self.who).await?);
        if events.last().is_some_and(|event| event.name != EventName::UnreadCount) {
            events.push(UserEvent { seq: None, name: EventName::UnreadCount, data: Json::Null });
        }
        for event in events.iter_mut().filter(|event| event.name == EventName::UnreadCount) {
            event.data = count.clone();
        }
        Ok((events, is_over))
    }

    /// Whether the caller sees alerts, as of now.
    async fn sees_alerts(&self) -> Result<bool, AppError> {
        if self.who.allows(Permission::ReadAlerts).is_err() {
            return Ok(false);
        }
        match users::get(&self.app.db, TenantScope::of(self.who.home), self.who.user).await {
            Ok(user) => Ok(user.is_active && user.role == self.who.role),
            Err(DbError::NotFound(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
