//! The events of a job, an order or a workflow run, over as many connections as it takes.

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

/// What is followed.
#[derive(Clone, Copy, Debug)]
enum Followed {
    Render(Uuid),
    Order(Uuid),
    WorkflowRun(Uuid),
}

/// Follows a job, an order or a workflow run until it is over.
///
/// A lost connection is resumed after the last event that arrived: no event is missed or repeated; only progress that
/// an order's stream passes on is not sent again. A failed job may be requeued, so the job is over only when the
/// service closes the stream after an event that ends it; of an order and a run the service is asked whether they are
/// over.
pub struct Events {
    client: Client,
    followed: Followed,
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
        f.debug_struct("Events").field("followed", &self.followed).field("last", &self.last).finish_non_exhaustive()
    }
}

impl Events {
    pub(super) fn of_render(client: Client, id: Uuid) -> Self {
        Self::new(client, Followed::Render(id))
    }

    pub(super) fn of_order(client: Client, id: Uuid) -> Self {
        Self::new(client, Followed::Order(id))
    }

    pub(super) fn of_workflow_run(client: Client, id: Uuid) -> Self {
        Self::new(client, Followed::WorkflowRun(id))
    }

    fn new(client: Client, followed: Followed) -> Self {
        let patience = client.patience();
        Self { client, followed, last: None, connection: None, patience, has_ended: false, is_over: false }
    }

    /// Starts at the first event, instead of with a snapshot.
    #[must_use]
    pub fn from_the_start(mut self) -> Self {
        self.last = Some(0);
        self
    }

    /// The next event; `None` when what is followed is over. May be dropped while it waits, and called again.
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
                Ok(None) => match self.has_reached_its_end().await {
                    Ok(true) => {
                        self.is_over = true;
                        continue;
                    }
                    Ok(false) => ClientError::StreamEnded,
                    Err(error) => error,
                },
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

    /// Whether the service closed the stream because nothing follows.
    async fn has_reached_its_end(&self) -> Result<bool, ClientError> {
        match self.followed {
            Followed::Render(_) => Ok(self.has_ended),
            Followed::Order(id) => Ok(self.client.order_once(id).await?.is_over()),
            Followed::WorkflowRun(id) => Ok(self.client.workflow_run_once(id).await?.is_over()),
        }
    }

    async fn connect(&self) -> Result<Connection, ClientError> {
        let path = match self.followed {
            Followed::Render(id) => format!("api/v1/renders/{id}/events"),
            Followed::Order(id) => format!("api/orders/{id}/events"),
            Followed::WorkflowRun(id) => format!("api/workflows/runs/{id}/events"),
        };
        let request = self.client.request(Method::GET, &path)?.header(ACCEPT, "text/event-stream");
        let request = match self.last {
            Some(last) => request.header("Last-Event-ID", last),
            None => request,
        };
        let answer = self.client.send(request).await?;
        Ok(Connection {
            bytes: answer.bytes_stream().fuse().boxed(),
            decoder: Decoder::default(),
            since: Instant::now(),
        })
    }
}
