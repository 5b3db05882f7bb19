//! Clients that stop in the middle of an upload or of reading an answer. Without a limit, each would hold its
//! connection for ever.
//!
//! Only waiting for the client costs patience. A body is waited for when the service reads it, and an answer when bytes
//! of it are there to be written; how long the service itself takes for an answer does not count. Nor does the time of
//! an event stream without events: nothing is there to be written then.
//!
//! Patience runs out when all waiting together takes longer than the limit, and bytes that come or go restore some of
//! it: a client that always sends one byte at the last moment is soon cut off too.

use std::error::Error;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::EXPECT;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep};

/// What every byte restores: so many bytes a second are enough for ever.
const BYTES_PER_S_MIN: u32 = 1024;

/// A clock that runs while something waits.
struct Patience {
    limit: Duration,
    /// How much longer may be waited; at most `limit`.
    left: Duration,
    sleep: Pin<Box<Sleep>>,
    waiting_since: Option<Instant>,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        Self { limit, left: limit, sleep: Box::pin(tokio::time::sleep(limit)), waiting_since: None }
    }

    /// What happened, with the bytes that it moved, or an error when that takes too long.
    fn check<T>(
        &mut self,
        context: &mut Context<'_>,
        polled: Poll<T>,
        n_bytes: impl FnOnce(&T) -> usize,
    ) -> Poll<Result<T, io::Error>> {
        if let Poll::Ready(value) = polled {
            let waited = self.waiting_since.take().map_or(Duration::ZERO, |since| since.elapsed());
            let n_bytes = u32::try_from(n_bytes(&value)).unwrap_or(u32::MAX);
            let restored = Duration::from_secs(u64::from(n_bytes)) / BYTES_PER_S_MIN;
            self.left = (self.left.saturating_sub(waited) + restored).min(self.limit);
            return Poll::Ready(Ok(value));
        }
        if self.waiting_since.is_none() {
            let now = Instant::now();
            self.waiting_since = Some(now);
            self.sleep.as_mut().reset(now + self.left);
        }
        ready!(self.sleep.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

/// A connection whose writes fail when the client takes too long to take them.
pub(super) struct PatientStream {
    stream: TcpStream,
    patience: Patience,
}

impl PatientStream {
    pub(super) fn new(stream: TcpStream, limit: Duration) -> Self {
        Self { stream, patience: Patience::new(limit) }
    }
}

impl AsyncRead for PatientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for PatientStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.patience.check(context, polled, written).map(|result| result?)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.patience.check(context, polled, written).map(|result| result?)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

fn written(result: &io::Result<usize>) -> usize {
    *result.as_ref().unwrap_or(&0)
}

/// A request's body that fails when its pieces take too long.
///
/// When the rest of it is not needed, because the request was refused, the rest is still read and discarded for a
/// while. A connection that is closed while its client still sends is reset, and a reset takes an answer with it that
/// the client has not read yet (RFC 9112, section 9.6); and a client that saw the whole answer may already have put its
/// next request on the connection. A rest that comes to its end in time leaves the connection open for that.
pub(super) struct PatientBody {
    /// None once the body ended, failed, or was left to [`drain`].
    body: Option<Incoming>,
    /// Made when the first piece is waited for: most requests have no body.
    patience: Option<Patience>,
    limit: Duration,
    linger: Duration,
    /// The client sends the body only when it is told to (`Expect: 100-continue`), which the first wait for it does.
    waits_for_go: bool,
}

impl PatientBody {
    /// A body, waited for at most `limit`; its unwanted rest is read for at most `linger`.
    pub(super) fn new(request: hyper::Request<Incoming>, limit: Duration, linger: Duration) -> hyper::Request<Self> {
        let waits_for_go = request.headers().contains_key(EXPECT);
        request.map(|body| Self { body: Some(body), patience: None, limit, linger, waits_for_go })
    }
}

impl Body for PatientBody {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let limit = self.limit;
        let Self { body, patience, waits_for_go, .. } = &mut *self;
        let Some(incoming) = body else { return Poll::Ready(None) };
        *waits_for_go = false;
        let polled = Pin::new(incoming).poll_frame(context);
        let patience = patience.get_or_insert_with(|| Patience::new(limit));
        let received = |frame: &Option<Result<Frame<Bytes>, _>>| match frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) | None => 0,
        };
        let frame = match ready!(patience.check(context, polled, received)) {
            Ok(frame) => frame.map(|result| result.map_err(Into::into)),
            Err(too_slow) => Some(Err(too_slow.into())),
        };
        if !matches!(frame, Some(Ok(_))) {
            *body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for PatientBody {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|rest| !rest.is_end_stream() && !self.waits_for_go);
        // Without a runtime the process is ending, and the connection with it.
        if let (Some(rest), Ok(runtime)) = (rest, Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(self.linger, drain(rest)));
        }
    }
}

/// Reads a body to its end and keeps nothing.
async fn drain(mut body: Incoming) {
    while let Some(Ok(_)) = body.frame().await {}
}
