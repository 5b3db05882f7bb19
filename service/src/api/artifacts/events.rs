//! The log of artifacts, in pages and as a stream.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use crate::api::answer::Answer;
use crate::api::auth::Caller;
use crate::api::events::{self, Followed, frame};
use crate::api::media::ArtifactEvents;
use crate::api::prefer::accepts;
use crate::api::problem::ApiResult;
use crate::api::query::Params;
use crate::api::state::AppState;
use crate::artifacts::log::{self, Wanted};
use crate::streams::{ArtifactFeed, EventRecord, NewArtifactEvents};
use packshot_domain::id::PackageId;
use packshot_domain::stream::StreamId;

/// Reads or follows the log of artifacts
///
/// Events are numbered 1, 2, 3 … in each tenant. A client that asks for `text/event-stream` gets those after the number
/// that it names, from the first on if it names none, and then each new one, until it leaves. Whoever reads on after
/// the last number misses nothing.
#[utoipa::path(
    get, path = "/api/v1/artifact-events", operation_id = "list_artifact_events", tag = "artifacts",
    params(
        ("after" = Option<i64>, Query, minimum = 0, description = "Number of the last event that the client has seen; 0 if absent"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Events per page; 50 if absent. Where they are large, a page has fewer. A stream has no pages"),
        ("package_id" = Option<String>, Query, format = Uuid, description = "Only events about this package"),
        ("Last-Event-ID" = Option<i64>, Header, description = "The same as `after`, as browsers send it"),
    ),
    responses(ArtifactEvents),
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let after = events::last_seen(&headers, &params)?.unwrap_or(0);
    let package = params.parse::<PackageId>("package_id", "the id of a package")?;
    if accepts(&headers, "text/event-stream") {
        let who = &caller.0;
        let follow =
            || Follower { id: ArtifactFeed::stream(who), feed: ArtifactFeed::open(&state, who, after, package) };
        return events::send(&state, &caller, None, follow).await;
    }
    let page = log::page(&state, &caller.0, Wanted { after, limit: params.limit()?, package }).await?;
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// The log as a connection follows it.
struct Follower {
    id: StreamId,
    feed: ArtifactFeed,
}

impl Followed for Follower {
    fn id(&self) -> StreamId {
        self.id
    }

    async fn news(&mut self) {
        self.feed.news().await;
    }

    async fn look(&mut self) -> ApiResult<(Vec<Bytes>, bool)> {
        let NewArtifactEvents { events, is_over } = self.feed.look().await?;
        Ok((events.into_iter().map(of_event).collect::<ApiResult<_>>()?, is_over))
    }
}

fn of_event(event: EventRecord) -> ApiResult<Bytes> {
    let (name, number) = (event.event_type, event.sequence.get());
    frame(name.as_str(), Some(number), &log::shown(event)?)
}
