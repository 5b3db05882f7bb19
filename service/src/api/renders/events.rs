//! Events of a render as a stream (server-sent events): rows by their number, as soon as there are new ones.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use tokio::time::{Instant, timeout};

use super::render_id;
use crate::api::auth::Caller;
use crate::api::prefer::could_take;
use crate::api::problem::{ApiError, ApiResult, Code};
use crate::api::query::Params;
use crate::api::state::AppState;
use crate::api::streams::Place;
use crate::renders::{self, Snapshot};
use crate::streams::{Event, Feed, Looked};
use packshot_contract::event::{EventData, StreamEvent};
use packshot_contract::problem::Invalid;
use packshot_domain::id::RenderId;
use packshot_domain::stream::StreamId;

/// What a browser sends when it comes back.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Silence is broken so often.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Follows a render
///
/// The first event of a connection without `Last-Event-ID` is `snapshot`, with the job as data. Then every event of the job
/// follows, each with its number as `id`; a connection that names the last number it saw goes on after it, without gaps or
/// repeats. The stream ends with the job.
#[utoipa::path(
    get, path = "/api/v1/renders/{id}/events", operation_id = "follow_render", tag = "renders",
    params(
        ("id" = String, Path, format = Uuid, description = "The render"),
        ("Last-Event-ID" = Option<i64>, Header, description = "Number of the last event that was seen"),
        ("after" = Option<i64>, Query, minimum = 0, description = "The same as a parameter"),
    ),
    responses((status = 200, description = "Events", body = StreamEvent, content_type = "text/event-stream")),
)]
pub(crate) async fn stream(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let seen = last_seen(&headers, &params)?;
    let id = render_id(&id)?;
    let seen_now = renders::snapshot(&state, &caller.0, id).await?;
    if !could_take(&headers, "text/event-stream") {
        return Err(ApiError::new(Code::NotAcceptable, "events are sent as text/event-stream"));
    }
    let place = state.streams.open(&caller.0);
    let place = place.ok_or_else(|| ApiError::new(Code::TooManyStreams, "as many streams are open as may be"))?;
    // Followed before the rows are read: what comes between is a wake-up and not a gap.
    let mut feed = Feed::open(&state, &caller.0, StreamId::of_render(id), seen.unwrap_or_default());
    let mut frames = VecDeque::from([Bytes::from_static(b"retry: 2000\n\n")]);
    if seen.is_none() {
        let Snapshot { job, last_seq } = seen_now;
        frames.push_back(frame("snapshot", last_seq, &job)?);
        feed.skip_to(last_seq);
    }
    let keep_alive = state.keep_alive;
    let stream =
        EventStream { id, feed, frames, keep_alive, spoke_at: Instant::now(), has_ended: false, _place: place };
    let body = Body::from_stream(stream::unfold(stream, |mut stream| async move {
        let frame = stream.next().await?;
        Some((Ok::<_, std::convert::Infallible>(frame), stream))
    }));
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    Ok((headers, [("x-accel-buffering", "no")], body).into_response())
}

fn last_seen(headers: &HeaderMap, params: &Params) -> ApiResult<Option<i64>> {
    let of_header = headers.get(LAST_EVENT_ID).map(|value| value.to_str().unwrap_or_default());
    let (text, pointer) = match of_header.filter(|text| !text.is_empty()) {
        Some(text) => (text, "?Last-Event-ID"),
        None => match params.text("after") {
            Some(text) => (text, "?after"),
            None => return Ok(None),
        },
    };
    let seq = text.parse::<i64>().ok().filter(|seq| *seq >= 0);
    let seq = seq.ok_or_else(|| Invalid::one(pointer, "wrong_type", "expected the number of an event"));
    Ok(Some(seq?))
}

/// A connection that follows a render.
struct EventStream {
    id: RenderId,
    feed: Feed,
    /// What is ready to be sent.
    frames: VecDeque<Bytes>,
    /// Silence is broken so often.
    keep_alive: Duration,
    spoke_at: Instant,
    has_ended: bool,
    _place: Place,
}

impl EventStream {
    /// The next piece of the stream; `None` at its end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                self.spoke_at = Instant::now();
                return Some(frame);
            }
            if self.has_ended {
                return None;
            }
            if let Err(error) = self.read().await {
                // The client comes back and goes on where it was.
                tracing::warn!(render.id = %self.id, error = error.code(), causes = error.causes(), "an event stream broke off");
                return None;
            }
            if self.frames.is_empty() && !self.has_ended {
                let patience = self.keep_alive.saturating_sub(self.spoke_at.elapsed());
                if timeout(patience, self.feed.news()).await.is_err() {
                    self.frames.push_back(Bytes::from_static(b": keep-alive\n\n"));
                    self.feed.doubt();
                }
            }
        }
    }

    /// Reads what was not sent yet, and notices the end.
    async fn read(&mut self) -> ApiResult<()> {
        let Looked { events, is_over } = self.feed.look().await?;
        for event in events {
            self.frames.push_back(frame_of(self.id, event)?);
        }
        self.has_ended = is_over;
        Ok(())
    }
}

fn frame_of(id: RenderId, event: Event) -> ApiResult<Bytes> {
    let Event { seq, at, name, data } = event;
    let own = match data {
        serde_json::Value::Object(own) => own,
        _ => serde_json::Map::new(),
    };
    let data = EventData { seq: seq.unsigned_abs(), at: at.into(), job_id: id.uuid(), own };
    frame(name.as_str(), seq, &data)
}

/// An event on the wire. JSON has no line breaks, so the data is one line.
fn frame(name: &str, id: i64, data: &impl Serialize) -> ApiResult<Bytes> {
    let data = serde_json::to_string(data).map_err(ApiError::internal)?;
    Ok(format!("id: {id}\nevent: {name}\ndata: {data}\n\n").into())
}
