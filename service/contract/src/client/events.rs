//! The events of a job, over as many connections as it takes.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use reqwest::Method;
use reqwest::header::ACCEPT;
use tokio::time::Instant;
use uuid::Uuid;

use super::patience::Patience;
use super::stream::{Decoder, Event};
use super::{Client, ClientError};

/// A connection that lasted this long shows that the service was there: it sends something every 15 s.
const HELD: Duration = Duration::from_secs(20);

/// Follows a job until it is over.
///
/// A lost connection is resumed after the last event that arrived: no event is missed or repeated. A failed job may be
/// requeued, so the job is over only when the service closes the stream after an event that ends it.
pub struct Events {
    client: Client,
    id: Uuid,
    last: Option<u64>,
    connection: Option<Connection>,
    /// How long connections may still be lost one after the other.
    patience: Patience,
    /// Whether the last event ended the job.
    has_ended: bool,
    is_over: bool,
}

struct Connection {
    bytes: BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    decoder: Decoder,
    since: Instant,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("id", &self.id).field("last", &self.last).finish_non_exhaustive()
    }
}

impl Events {
    pub(super) fn new(client: Client, id: Uuid) -> Self {
        let patience = client.patience();
        Self { client, id, last: None, connection: None, patience, has_ended: false, is_over: false }
    }

    /// Starts at the first event of the job, instead of with a snapshot.
    #[must_use]
    pub fn from_the_start(mut self) -> Self {
        self.last = Some(0);
        self
    }

    /// The next event; `None` when the job is over. May be dropped while it waits, and called again.
    ///
    /// # Errors
    /// When the service refuses, or cannot be reached for as long as its client is patient.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        while !self.is_over {
            let lost = match self.receive().await {
                Ok(Some(event)) => {
                    self.last = event.id.or(self.last);
                    self.has_ended = event.is_terminal();
                    self.patience = self.client.patience();
                    return Ok(Some(event));
                }
                Ok(None) if self.has_ended => {
                    self.is_over = true;
                    continue;
                }
                Ok(None) => ClientError::StreamEnded,
                Err(error) => error,
            };
            if self.connection.take().is_some_and(|lost| lost.since.elapsed() >= HELD) {
                self.patience = self.client.patience();
            }
            self.patience.wait(&self.client, lost).await?;
        }
        Ok(None)
    }

    /// The next event of the connection; `None` when it ended.
    async fn receive(&mut self) -> Result<Option<Event>, ClientError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => {
                let opened = self.connect().await?;
                self.connection.insert(opened)
            }
        };
        loop {
            if let Some(event) = connection.decoder.next() {
                return Ok(Some(event));
            }
            match connection.bytes.next().await.transpose()? {
                Some(bytes) => connection.decoder.feed(&bytes)?,
                None => return Ok(None),
            }
        }
    }

    async fn connect(&self) -> Result<Connection, ClientError> {
        let path = format!("api/v1/renders/{}/events", self.id);
        let request = self.client.request(Method::GET, &path)?.header(ACCEPT, "text/event-stream");
        let request = match self.last {
            Some(last) => request.header("Last-Event-ID", last),
            None => request,
        };
        let answer = self.client.send(request).await?;
        Ok(Connection { bytes: answer.bytes_stream().boxed(), decoder: Decoder::default(), since: Instant::now() })
    }
}
