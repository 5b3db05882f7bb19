//! The events of a job, over as many connections as it takes.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use reqwest::Method;
use reqwest::header::ACCEPT;
use uuid::Uuid;

use super::stream::{Decoder, Event};
use super::{Client, ClientError, error};

/// How long to try when connections are lost, counted from the last event.
const PATIENCE: Duration = Duration::from_secs(300);

/// Follows a job until it is over.
///
/// A connection that is lost is taken up again after the last event that arrived: no event is missed, none comes twice. A job that
/// failed may be put back into the queue; so it is over when the service closes the stream after an event that ends it.
pub struct Events {
    client: Client,
    id: Uuid,
    last: Option<u64>,
    connection: Option<Connection>,
    /// Whether the last event ended the job.
    has_ended: bool,
    is_over: bool,
}

struct Connection {
    bytes: BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    decoder: Decoder,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("id", &self.id).field("last", &self.last).finish_non_exhaustive()
    }
}

impl Events {
    pub(super) fn new(client: Client, id: Uuid) -> Self {
        Self { client, id, last: None, connection: None, has_ended: false, is_over: false }
    }

    /// From the first event of the job on, instead of a snapshot and what comes after it.
    #[must_use]
    pub fn from_the_start(mut self) -> Self {
        self.last = Some(0);
        self
    }

    /// The next event; `None` when the job is over. May be dropped while it waits, and called again.
    ///
    /// # Errors
    /// When the service refuses, or cannot be reached for five minutes.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        let mut pauses = error::pauses(PATIENCE);
        while !self.is_over {
            let lost = match self.receive().await {
                Ok(Some(event)) => {
                    self.last = event.id.or(self.last);
                    self.has_ended = event.is_terminal();
                    return Ok(Some(event));
                }
                Ok(None) if self.has_ended => {
                    self.is_over = true;
                    continue;
                }
                Ok(None) => None,
                Err(error) if error.may_pass() => Some(error),
                Err(error) => return Err(error),
            };
            self.connection = None;
            match (pauses.next(), lost) {
                (Some(pause), lost) => {
                    if let Some(error) = &lost {
                        self.client.waits(error);
                    }
                    tokio::time::sleep(pause).await;
                }
                (None, Some(error)) => return Err(error),
                (None, None) => return Err(ClientError::NotUnderstood("the stream ends before the job".to_owned())),
            }
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
        Ok(Connection { bytes: answer.bytes_stream().boxed(), decoder: Decoder::default() })
    }
}
