//! What people are told as it happens: the caller's stream, and the activity of the tenant.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;

use super::activity::filter;
use crate::api::auth::Caller;
use crate::api::events::{Followed, frame, last_seen, send, still_numbered};
use crate::api::media::{ActivityEvents, UserEvents};
use crate::api::prefer::could_take;
use crate::api::problem::{ApiError, ApiResult, Code};
use crate::api::query::Params;
use crate::api::state::AppState;
use crate::channels::activity::{self, ActivityFilter};
use crate::channels::notifications;
use crate::streams::{ActivityFeed, UserEvent, UserFeed};
use packshot_contract::channel::ActivityPage;
use packshot_contract::channel::feed::FeedSnapshot;
use packshot_domain::stream::StreamId;

fn check_accept(headers: &HeaderMap) -> ApiResult<()> {
    if could_take(headers, "text/event-stream") {
        return Ok(());
    }
    Err(ApiError::new(Code::NotAcceptable, "events are sent as text/event-stream"))
}

/// Streams what you are told
///
/// New notifications, read marks, how much there is to read, and alerts for those who see them. It begins with the
/// newest 20 notifications, or, with the header `Last-Event-ID`, after the event of this number, and never ends by
/// itself.
#[utoipa::path(
    get, path = "/api/notifications/events", operation_id = "stream_notifications", tag = "notifications",
    params(
        ("Last-Event-ID" = Option<u64>, Header, minimum = 0, description = "The number of the last event that was received"),
        ("after" = Option<u64>, Query, minimum = 0, description = "The same, for clients that cannot set a header"),
    ),
    responses(UserEvents),
)]
pub(crate) async fn of_user(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Response> {
    check_accept(&headers)?;
    let (items, last) = notifications::begin(&state, &caller.0).await?;
    let (first, after) = match still_numbered(last_seen(&headers, &params)?, last) {
        Some(seq) => (None, seq),
        None => {
            let unread_count = notifications::count_unread(&state, &caller.0).await?;
            (Some(frame("snapshot", Some(last), &FeedSnapshot { unread_count, items })?), last)
        }
    };
    send(&state, &caller, first, || UserStream(UserFeed::open(&state, &caller.0, after))).await
}

/// Streams what is done in the tenant
///
/// It begins with a page of the newest entries, or, with the header `Last-Event-ID`, after the entry of this number,
/// and never ends by itself.
#[utoipa::path(
    get, path = "/api/activity/events", operation_id = "stream_activity", tag = "notifications",
    params(
        ("event_type" = Option<String>, Query, description = "Only these, such as `render.completed,order.*`"),
        ("severity" = Option<String>, Query, description = "Only `info`, `warning` or `error`"),
        ("order_id" = Option<String>, Query, format = Uuid, description = "Only about this order"),
        ("order_line_id" = Option<String>, Query, format = Uuid, description = "Only about this line"),
        ("actor_id" = Option<String>, Query, format = Uuid, description = "Only what this user or key did"),
        ("from" = Option<String>, Query, format = DateTime, description = "Not before this time"),
        ("to" = Option<String>, Query, format = DateTime, description = "Before this time"),
        ("Last-Event-ID" = Option<u64>, Header, minimum = 0, description = "The number of the last entry that was received"),
        ("after" = Option<u64>, Query, minimum = 0, description = "The same, for clients that cannot set a header"),
    ),
    responses(ActivityEvents),
)]
pub(crate) async fn of_activity(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Response> {
    check_accept(&headers)?;
    let wanted: ActivityFilter = filter(&params)?;
    let (page, last) = activity::begin(&state, &caller.0, wanted.clone(), params.page()?).await?;
    let (first, after) = match still_numbered(last_seen(&headers, &params)?, last) {
        Some(seq) => (None, seq),
        None => {
            let next_cursor = page.next.map(|cursor| cursor.to_string());
            (Some(frame("snapshot", Some(last), &ActivityPage { items: page.items, next_cursor })?), last)
        }
    };
    send(&state, &caller, first, || ActivityStream(ActivityFeed::open(&state, &caller.0, after, wanted))).await
}

/// A person's stream, as a connection follows it.
struct UserStream(UserFeed);

impl Followed for UserStream {
    fn id(&self) -> StreamId {
        self.0.stream()
    }

    async fn news(&mut self) {
        self.0.news().await;
    }

    async fn look(&mut self) -> ApiResult<(Vec<Bytes>, bool)> {
        let (events, is_over) = self.0.look().await?;
        let frames = events.into_iter().map(|UserEvent { seq, name, data }| frame(name.as_str(), seq, &data));
        Ok((frames.collect::<ApiResult<_>>()?, is_over))
    }
}

/// The activity of a tenant, as a connection follows it.
struct ActivityStream(ActivityFeed);

impl Followed for ActivityStream {
    fn id(&self) -> StreamId {
        self.0.stream()
    }

    async fn news(&mut self) {
        self.0.news().await;
    }

    async fn look(&mut self) -> ApiResult<(Vec<Bytes>, bool)> {
        let (entries, is_over) = self.0.look().await?;
        let frames = entries.into_iter().map(|entry| frame("activity.created", Some(entry.seq), &entry));
        Ok((frames.collect::<ApiResult<_>>()?, is_over))
    }
}
