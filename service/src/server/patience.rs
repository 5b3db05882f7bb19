//! Clients that stop in the middle: of an upload, or of taking an answer. Without a limit each holds its connection for good.
//!
//! Only waiting for the client costs patience. A body is waited for when the service reads it, and an answer when bytes of it
//! are there to be written; how long the service itself takes for an answer does not count. Nor does the time of an event stream
//! without events: nothing is there to be written then.
//!
//! Patience runs out when all waiting together takes longer than the limit, and bytes that come or go restore some of it: who
//! sends one byte just before each end of it is soon cut off too.

use std::error::Error;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
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
pub(super) struct PatientBody {
    body: Incoming,
    /// Made when the first piece is waited for: most requests have no body.
    patience: Option<Patience>,
    limit: Duration,
}

impl PatientBody {
    pub(super) fn new(body: Incoming, limit: Duration) -> Self {
        Self { body, patience: None, limit }
    }
}

impl Body for PatientBody {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        let limit = self.limit;
        let patience = self.patience.get_or_insert_with(|| Patience::new(limit));
        let received = |frame: &Option<Result<Frame<Bytes>, _>>| match frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) | None => 0,
        };
        match ready!(patience.check(context, polled, received)) {
            Ok(frame) => Poll::Ready(frame.map(|result| result.map_err(Into::into))),
            Err(too_slow) => Poll::Ready(Some(Err(too_slow.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
