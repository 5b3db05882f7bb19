//! A service that renders: it gets the job with its files in one request, and says at an address of its own how far it
//! is.
//!
//! The id of the job is its `Idempotency-Key`, so that an attempt after a lost one gets the same picture. Redirects are
//! not followed, and nothing is fetched from another origin than the one in the settings file.

use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::multipart::{Form, Part};
use reqwest::redirect::Policy;
use reqwest::{Body, Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{FAILED, TIMEOUT, UNAVAILABLE};
use crate::jobs::handler::{Desk, StopReason, TaskUpdate};
use crate::objects::Reading;
use crate::programs::{Stopped, unread, unstored};
use crate::store::{Spooled, Store};
use packshot_domain::id::JobId;
use packshot_domain::task::FaultKind;
use packshot_worker::live::Live;
use packshot_worker::protocol::{Failure, WorkProgress};

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer about a state or a picture may keep silent. The answer to a job is the picture, where the service
/// takes its time for it.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How often a connection that is silent is tried, so that nothing on the way takes it for an idle one.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long the service has to answer that it stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer about a state.
const STATE_BYTES_MAX: usize = 1 << 20;
/// The last characters of an error that are kept.
const ERROR_CHARS_MAX: usize = 2_000;

/// A service that renders.
#[derive(Clone, Debug)]
pub(super) struct Http {
    /// Where jobs are posted.
    pub(super) url: String,
    /// A file with the value of its `Authorization` header.
    pub(super) auth_header_file: Option<PathBuf>,
    /// How often to ask whether a job has ended.
    pub(super) poll: Duration,
    /// How long a picture may take.
    pub(super) time_max: Duration,
    /// Jobs that it is busy with.
    pub(super) live: Live,
}

/// How far a job is.
#[derive(Debug, Deserialize)]
struct State {
    state: Phase,
    #[serde(default)]
    progress_pct: Option<f64>,
    #[serde(default)]
    error: Option<Json>,
    #[serde(default)]
    output_url: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Queued,
    Running,
    Completed,
    Failed,
}

/// A conversation about one job.
struct Talk {
    client: Client,
    base: Url,
    authorization: Option<HeaderValue>,
}

impl Http {
    /// Has a job rendered.
    ///
    /// # Errors
    /// [`Stopped`].
    pub(super) async fn render(
        &self,
        desk: &mut Desk,
        id: JobId,
        files: (Reading, Reading, String),
        job: Map<String, Json>,
        (store, bytes_max): (&Store, u64),
    ) -> Result<Spooled, Stopped> {
        let _live = self.live.hold();
        let talk = self.talk().await?;
        let give_up = Instant::now() + self.time_max;
        let mut place = None;
        let reason = {
            let rendered = self.rendered(&talk, teller_of(desk), (id, files, job), (store, bytes_max), &mut place);
            tokio::select! {
                rendered = timeout_at(give_up, rendered) => match rendered {
                    Ok(rendered) => return rendered.map_err(Stopped::from),
                    Err(_) => None,
                },
                reason = desk.stopped() => Some(reason),
            }
        };
        // Another attempt goes on with the job under the same key.
        if let Some(place) = place.filter(|_| reason != Some(StopReason::GivenBack)) {
            tokio::spawn(async move { talk.stop(place).await });
        }
        match reason {
            Some(_) => Err(Stopped::Asked),
            None => {
                let seconds = self.time_max.as_secs_f64();
                let detail = format!("the executor timed out: it did not end within {seconds:.0} s, and was stopped");
                Err(Failure::new(FaultKind::Input, TIMEOUT, detail).into())
            }
        }
    }

    async fn talk(&self) -> Result<Talk, Failure> {
        let base = Url::parse(&self.url).map_err(|error| failed(format!("its address cannot be read: {error}")))?;
        let authorization = match &self.auth_header_file {
            None => None,
            Some(path) => {
                let unusable = |reason: &dyn Display| {
                    tracing::error!("{}: {reason}", path.display());
                    let detail = "the file of its `auth_header_file` cannot be used; the service's log has the reason";
                    failed(detail)
                };
                let text = tokio::fs::read_to_string(path).await.map_err(|reason| unusable(&reason))?;
                let mut value = HeaderValue::from_str(text.trim()).map_err(|reason| unusable(&reason))?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        // Whoever installed another one keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_keepalive(KEEP_ALIVE)
            .build()
            .map_err(|error| failed(format!("there is no client for it: {error}")))?;
        Ok(Talk { client, base, authorization })
    }

    /// Posts the job, and waits for its picture. `place` becomes the address of the job.
    async fn rendered(
        &self,
        talk: &Talk,
        tell: impl Fn(f64),
        (id, (glb, source, source_name), job): (JobId, (Reading, Reading, String), Map<String, Json>),
        (store, bytes_max): (&Store, u64),
        place: &mut Option<Url>,
    ) -> Result<Spooled, Failure> {
        let text = Json::Object(job).to_string();
        let job = Part::text(text).mime_str("application/json").map_err(unsent)?;
        let form = Form::new()
            .part("job", job)
            .part("glb", part(glb, "scene.glb".to_owned()).await?)
            .part("source", part(source, source_name).await?);
        let request = talk.request(Method::POST, talk.base.clone()).header("Idempotency-Key", id.to_string());
        let answer = request.multipart(form).send().await.map_err(unreachable)?;
        let answer = match answer.status() {
            StatusCode::OK => return taken(answer, store, bytes_max).await,
            StatusCode::ACCEPTED => answer,
            _ => return Err(refused("the job", answer).await),
        };
        let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.ok_or_else(|| failed("it took the job, and gave no `Location`"))?;
        let location = talk.within(location, "its `Location`")?;
        *place = Some(location.clone());
        loop {
            sleep(self.poll).await;
            let answer = talk.get(location.clone()).await?;
            if answer.status() != StatusCode::OK {
                return Err(refused("a question about the job", answer).await);
            }
            let State { state, progress_pct, error, output_url } = state_of(answer).await?;
            match state {
                Phase::Queued | Phase::Running => progress_pct.into_iter().for_each(&tell),
                Phase::Failed => {
                    *place = None;
                    let error = match error {
                        Some(Json::String(text)) => text,
                        Some(Json::Null) | None => "it does not say why".to_owned(),
                        Some(other) => other.to_string(),
                    };
                    return Err(failed(format!("it failed: {}", last_chars(&error))));
                }
                Phase::Completed => {
                    *place = None;
                    let url = output_url.ok_or_else(|| failed("it completed the job, and gave no `output_url`"))?;
                    let url = talk.within(&url, "its `output_url`")?;
                    let answer = talk.get(url).await?;
                    return match answer.status() {
                        StatusCode::OK => taken(answer, store, bytes_max).await,
                        _ => Err(refused("the picture", answer).await),
                    };
                }
            }
        }
    }
}

/// Tells the progress of a job.
fn teller_of(desk: &Desk) -> impl Fn(f64) + use<> {
    let teller = desk.teller();
    move |progress_pct: f64| {
        let progress_pct = progress_pct.clamp(0.0, 99.0);
        let progress = WorkProgress { samples_done: 0, samples_target: 0, progress_pct, eta_s: None };
        teller.send(TaskUpdate::Progress(progress));
    }
}

impl Talk {
    fn request(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.client.request(method, url);
        match &self.authorization {
            Some(value) => request.header(AUTHORIZATION, value.clone()),
            None => request,
        }
    }

    async fn get(&self, url: Url) -> Result<Response, Failure> {
        let sent = timeout(SILENCE_MAX, self.request(Method::GET, url).send()).await;
        sent.map_err(|_| silent())?.map_err(unreachable)
    }

    /// An address of the same origin.
    fn within(&self, text: &str, what: &str) -> Result<Url, Failure> {
        let url = self.base.join(text).map_err(|error| failed(format!("{what} cannot be read: {error}")))?;
        match url.origin() == self.base.origin() {
            true => Ok(url),
            false => Err(failed(format!("{what} is on another host: {}", url.origin().ascii_serialization()))),
        }
    }

    /// Asks it to stop a job, once.
    async fn stop(self, place: Url) {
        match timeout(STOP_TIMEOUT, self.request(Method::DELETE, place.clone()).send()).await {
            Ok(Ok(answer)) if answer.status().is_success() => {}
            Ok(Ok(answer)) => tracing::warn!(%place, "an executor was asked to stop, and answered {}", answer.status()),
            Ok(Err(error)) => tracing::warn!(%place, "an executor cannot be asked to stop: {error}"),
            Err(_) => tracing::warn!(%place, "an executor was asked to stop, and did not answer"),
        }
    }
}

/// A stored file, as it is sent.
async fn part(file: Reading, name: String) -> Result<Part, Failure> {
    let size_bytes = file.size_bytes();
    let pieces = file.stream(0..size_bytes).await.map_err(unread)?;
    let pieces = pieces.map(|piece| piece.map_err(|error| std::io::Error::other(error.to_string())));
    Part::stream_with_length(Body::wrap_stream(pieces), size_bytes)
        .file_name(name)
        .mime_str("application/octet-stream")
        .map_err(unsent)
}

/// The picture in an answer.
async fn taken(answer: Response, store: &Store, bytes_max: u64) -> Result<Spooled, Failure> {
    let kept = |error| unstored("the picture of the executor", error);
    let mut spool = store.spool(bytes_max).map_err(kept)?;
    let mut pieces = pieces_of(answer);
    while let Some(piece) = pieces.next().await {
        spool.write(&piece?).await.map_err(kept)?;
    }
    spool.finish().await.map_err(kept)
}

async fn state_of(answer: Response) -> Result<State, Failure> {
    let is_json = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_json = is_json.is_some_and(|value| value.starts_with("application/json"));
    let bytes = beginning(answer).await?;
    let read = serde_json::from_slice(&bytes);
    read.map_err(|error| {
        let hint = if is_json { "" } else { ", and it is not sent as application/json" };
        failed(format!("what it says about the job cannot be read: {error}{hint}"))
    })
}

/// The body of an answer. It ends with an error if it falls silent.
fn pieces_of(answer: Response) -> BoxStream<'static, Result<Bytes, Failure>> {
    let pieces = stream::try_unfold(answer, async |mut answer| {
        let piece = timeout(SILENCE_MAX, answer.chunk()).await.map_err(|_| silent())?.map_err(unreachable)?;
        Ok(piece.map(|piece| (piece, answer)))
    });
    pieces.boxed()
}

/// The beginning of an answer.
async fn beginning(answer: Response) -> Result<Vec<u8>, Failure> {
    let (mut bytes, mut pieces) = (Vec::new(), pieces_of(answer));
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece?);
        if bytes.len() > STATE_BYTES_MAX {
            bytes.truncate(STATE_BYTES_MAX);
            break;
        }
    }
    Ok(bytes)
}

/// An answer that is none of those that were agreed on: what may pass is tried again.
async fn refused(what: &str, answer: Response) -> Failure {
    let status = answer.status();
    if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
        return Failure::infrastructure(UNAVAILABLE, format!("the executor answered {what} with {status}"));
    }
    let said = beginning(answer).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let said = last_chars(said.trim());
    let said = if said.is_empty() { said } else { format!(": {said}") };
    failed(format!("it answered {what} with {status}{said}"))
}

fn failed(reason: impl Display) -> Failure {
    Failure::new(FaultKind::Input, FAILED, format!("the executor did not render: {reason}"))
}

fn silent() -> Failure {
    let detail = format!("the executor said nothing for {} s", SILENCE_MAX.as_secs());
    Failure::infrastructure(UNAVAILABLE, detail)
}

fn unreachable(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let mut reasons = vec![error.to_string()];
    let mut cause = std::error::Error::source(&error);
    while let Some(reason) = cause {
        reasons.push(reason.to_string());
        cause = reason.source();
    }
    Failure::infrastructure(UNAVAILABLE, format!("the executor cannot be reached: {}", reasons.join(": ")))
}

fn unsent(error: reqwest::Error) -> Failure {
    failed(format!("the job cannot be sent: {error}"))
}

fn last_chars(text: &str) -> String {
    let n_excess = text.chars().count().saturating_sub(ERROR_CHARS_MAX);
    text.chars().skip(n_excess).collect()
}
