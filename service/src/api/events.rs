//! A stream as server-sent events: rows by their number, as soon as they are written.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::auth::Caller;
use super::prefer::could_take;
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use super::streams::{StreamPermit, TooManyStreams};
use crate::app::AppError;
use crate::streams::{Event, Feed, JobProgress, Limits, NewEvents};
use packshot_contract::event::{EventData, OrderEventData, PassedOnData};
use packshot_contract::problem::Invalid;
use packshot_domain::stream::{StreamId, StreamKind};

/// The header that a browser sends when it reconnects.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// A silent connection gets a sign of life this often.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a client should wait when all streams are in use.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// Where a connection begins.
pub(crate) enum Beginning {
    /// With the current state, which contains the events up to this number.
    Snapshot(i64, Bytes),
    /// After the event of this number.
    After(i64),
}

impl Beginning {
    /// With `resource` as it is now, which contains the events up to `last_seq`.
    ///
    /// # Errors
    /// [`Code::InternalError`] when the resource cannot be written as JSON.
    pub(crate) fn of_snapshot(last_seq: i64, resource: &impl Serialize) -> ApiResult<Self> {
        Ok(Self::Snapshot(last_seq, frame("snapshot", Some(last_seq), resource)?))
    }
}

/// The number of the last event that a client saw, in its header or as `?after=`.
///
/// # Errors
/// `wrong_type`.
pub(crate) fn last_seen(headers: &HeaderMap, params: &Params) -> ApiResult<Option<i64>> {
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

/// The number of the last event that a client saw, unless the stream has not come so far: its database is that of a
/// backup, and what the client knows is no part of it.
pub(crate) fn still_numbered(seen: Option<i64>, last_seq: i64) -> Option<i64> {
    seen.filter(|seen| *seen <= last_seq)
}

/// Answers with the events of a stream that the caller may see.
///
/// # Errors
/// [`Code::NotAcceptable`], [`Code::TooManyStreams`].
pub(crate) async fn answer(
    state: &AppState,
    caller: &Caller,
    headers: &HeaderMap,
    id: StreamId,
    beginning: Beginning,
) -> ApiResult<Response> {
    if !could_take(headers, "text/event-stream") {
        return Err(ApiError::new(Code::NotAcceptable, "events are sent as text/event-stream"));
    }
    let (after, snapshot) = match beginning {
        Beginning::Snapshot(last_seq, snapshot) => (last_seq, Some(snapshot)),
        Beginning::After(seq) => (seq, None),
    };
    send(state, caller, snapshot, || JobStream { id, feed: Feed::open(state, &caller.0, id, after) }).await
}

/// Answers with the frames of a stream, after its first one where it has such. It is followed once there is a place
/// for it.
///
/// # Errors
/// [`Code::TooManyStreams`].
pub(crate) async fn send<F: Followed>(
    state: &AppState,
    caller: &Caller,
    first: Option<Bytes>,
    follow: impl FnOnce() -> F,
) -> ApiResult<Response> {
    let place = permit_for(state, caller).await?;
    let frames = [Some(Bytes::from_static(b"retry: 2000\n\n")), first].into_iter().flatten().collect();
    let keep_alive = state.keep_alive;
    let stream =
        EventStream { of: follow(), frames, keep_alive, spoke_at: Instant::now(), has_ended: false, _permit: place };
    let body = Body::from_stream(stream::unfold(stream, |mut stream| async move {
        let frame = stream.next().await?;
        Some((Ok::<_, std::convert::Infallible>(frame), stream))
    }));
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    Ok((headers, [("x-accel-buffering", "no")], body).into_response())
}

/// A place for one more stream of the caller's.
async fn permit_for(state: &AppState, caller: &Caller) -> ApiResult<StreamPermit> {
    let limits = Limits::in_force(state, &caller.0).await?;
    let refused = |why: TooManyStreams| AppError::new(Code::TooManyStreams, why.to_string()).retry_after(TRY_AGAIN);
    Ok(state.streams.open(&caller.0, limits).map_err(refused)?)
}

/// A stream as a connection follows it.
pub(crate) trait Followed: Send + 'static {
    /// Which one it is.
    fn id(&self) -> StreamId;

    /// Waits for news, but not for ever.
    fn news(&mut self) -> impl Future<Output = ()> + Send;

    /// The frames that were not sent yet, and whether none follow.
    fn look(&mut self) -> impl Future<Output = ApiResult<(Vec<Bytes>, bool)>> + Send;

    /// Makes sure, at the next look that brings nothing, that the stream has not ended.
    fn doubt(&mut self) {}
}

/// The events of jobs.
struct JobStream {
    id: StreamId,
    feed: Feed,
}

impl Followed for JobStream {
    fn id(&self) -> StreamId {
        self.id
    }

    async fn news(&mut self) {
        self.feed.news().await;
    }

    async fn look(&mut self) -> ApiResult<(Vec<Bytes>, bool)> {
        let NewEvents { events, progress, is_over } = self.feed.look().await?;
        let events = events.into_iter().map(|event| of_event(self.id, event));
        let frames = events.chain(progress.into_iter().map(|progress| of_progress(self.id, progress)));
        Ok((frames.collect::<ApiResult<_>>()?, is_over))
    }

    fn doubt(&mut self) {
        self.feed.doubt();
    }
}

/// A connection that follows a stream.
struct EventStream<F> {
    of: F,
    /// What is ready to be sent.
    frames: VecDeque<Bytes>,
    /// A silent connection gets a sign of life this often.
    keep_alive: Duration,
    spoke_at: Instant,
    has_ended: bool,
    _permit: StreamPermit,
}

impl<F: Followed> EventStream<F> {
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
                // The client reconnects and resumes where it was.
                let StreamId { kind, id } = self.of.id();
                tracing::warn!(stream.kind = %kind, stream.id = %id, error = error.code(), causes = error.causes(), "an event stream broke off");
                return None;
            }
            if self.frames.is_empty() && !self.has_ended {
                let patience = self.keep_alive.saturating_sub(self.spoke_at.elapsed());
                if timeout(patience, self.of.news()).await.is_err() {
                    self.frames.push_back(Bytes::from_static(b": keep-alive\n\n"));
                    self.of.doubt();
                }
            }
        }
    }

    /// Reads what was not sent yet, and notices the end.
    async fn read(&mut self) -> ApiResult<()> {
        let (frames, is_over) = self.of.look().await?;
        self.frames.extend(frames);
        self.has_ended = is_over;
        Ok(())
    }
}

/// Data of the stream of one job name it; those of a stream of many have it among their members.
fn of_event(stream: StreamId, event: Event) -> ApiResult<Bytes> {
    let Event { seq, at, name, data } = event;
    let mut own = match data {
        Value::Object(own) => own,
        _ => serde_json::Map::new(),
    };
    if matches!(stream.kind, StreamKind::Order | StreamKind::Run | StreamKind::Review) {
        return frame(name.as_str(), Some(seq), &OrderEventData { seq: seq.unsigned_abs(), at: at.into(), own });
    }
    let named = own.remove("job_id").and_then(|id| id.as_str()?.parse().ok());
    let job_id = named.unwrap_or(stream.id);
    let data = EventData { seq: seq.unsigned_abs(), at: at.into(), job_id, own };
    frame(name.as_str(), Some(seq), &data)
}

/// Progress that another stream keeps: it has no number here, so that a client that reconnects asks for stored events.
fn of_progress(stream: StreamId, progress: JobProgress) -> ApiResult<Bytes> {
    let JobProgress { job, at, data, .. } = progress;
    let own = match data {
        Value::Object(own) => own,
        _ => serde_json::Map::new(),
    };
    // Whoever follows an order knows its lines, and nothing of the jobs that one had.
    let job_id = if stream.kind == StreamKind::Order { job.record } else { job.id.uuid() };
    let data = PassedOnData { at: at.into(), job_id, source: job.kind.into(), own };
    frame("job.progress", None, &data)
}

/// An event on the wire. JSON has no line breaks, so the data is one line.
pub(crate) fn frame(name: &str, id: Option<i64>, data: &impl Serialize) -> ApiResult<Bytes> {
    let data = serde_json::to_string(data).map_err(ApiError::internal)?;
    let id = id.map_or_else(String::new, |id| format!("id: {id}\n"));
    Ok(format!("{id}event: {name}\ndata: {data}\n\n").into())
}
