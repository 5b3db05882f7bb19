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
use crate::events::hub::Follower;
use packshot_contract::event::{EventData, StreamEvent};
use packshot_contract::problem::Invalid;
use packshot_db::TenantScope;
use packshot_db::events::{self, Event};
use packshot_db::renders;
use packshot_domain::id::RenderId;

/// What a browser sends when it comes back.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Silence is broken so often.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Rows that are read at once.
const BATCH: u32 = 256;

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
    let (id, scope) = (render_id(&id)?, caller.scope());
    let render = renders::get(&state.db, scope, id).await?;
    if !could_take(&headers, "text/event-stream") {
        return Err(ApiError::new(Code::NotAcceptable, "events are sent as text/event-stream"));
    }
    let place = state.streams.open(&caller.0);
    let place = place.ok_or_else(|| ApiError::new(Code::TooManyStreams, "as many streams are open as may be"))?;
    // Followed before the rows are read: what comes between is a wake-up and not a gap.
    let follower = state.hub.follow(id);
    let mut frames = VecDeque::from([Bytes::from_static(b"retry: 2000\n\n")]);
    let after = match seen {
        Some(seq) => seq,
        None => {
            let last_seq = render.last_seq;
            let job = super::with_position(&state, scope, render).await?;
            frames.push_back(frame("snapshot", last_seq, &job)?);
            last_seq
        }
    };
    let stream = EventStream {
        state,
        scope,
        id,
        follower,
        frames,
        after,
        spoke_at: Instant::now(),
        may_be_over: true,
        has_ended: false,
        _place: place,
    };
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
    state: AppState,
    scope: TenantScope,
    id: RenderId,
    follower: Follower,
    /// What is ready to be sent.
    frames: VecDeque<Bytes>,
    /// The number of the last event in `frames`.
    after: i64,
    spoke_at: Instant,
    /// Whether it is worth asking if the render has ended: at the beginning, after an event that ends it, and now and then.
    may_be_over: bool,
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
                let patience = self.state.keep_alive.saturating_sub(self.spoke_at.elapsed());
                if timeout(patience, self.follower.news()).await.is_err() {
                    self.frames.push_back(Bytes::from_static(b": keep-alive\n\n"));
                    self.may_be_over = true;
                }
            }
        }
    }

    /// Reads the rows after the last one that was sent, and notices the end.
    async fn read(&mut self) -> ApiResult<()> {
        let is_closing = self.follower.is_closed();
        let rows = events::after(&self.state.db, self.scope, self.id, self.after, BATCH).await?;
        let (n_rows, ends) = (rows.len(), rows.last().is_some_and(|event| event.name.is_terminal()));
        self.may_be_over |= rows.iter().any(|event| event.name.is_terminal());
        for event in rows {
            self.after = event.seq;
            self.frames.push_back(frame_of(self.id, event)?);
        }
        // A terminal event ends the stream unless more was written after it: a task that failed may be put back.
        self.has_ended = (ends && n_rows < BATCH as usize)
            || is_closing
            || (n_rows == 0 && std::mem::take(&mut self.may_be_over) && self.is_over().await?);
        Ok(())
    }

    /// Whether nothing can follow what was sent: for who came back after the end, or to a render that is gone.
    async fn is_over(&self) -> ApiResult<bool> {
        match renders::get(&self.state.db, self.scope, self.id).await {
            Ok(render) => Ok(render.state.is_terminal() && render.last_seq <= self.after),
            Err(packshot_db::DbError::NotFound(_)) => Ok(true),
            Err(error) => Err(error.into()),
        }
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
