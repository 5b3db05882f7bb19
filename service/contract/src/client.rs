//! A client of the service, sharing its wire types.
//!
//! ```no_run
//! use packshot_contract::client::{Client, Submission};
//!
//! # async fn run() -> Result<(), packshot_contract::client::ClientError> {
//! let client = Client::new("http://127.0.0.1:8080", None)?;
//! let job = client.submit(&Submission::of_glb(std::fs::read("bearing.glb").unwrap_or_default())).await?;
//! let mut events = client.events(job.id);
//! while let Some(event) = events.next().await? {
//!     println!("{}: {}", event.name, event.data);
//! }
//! let job = client.job(job.id).await?;
//! for file in job.result.iter().flat_map(|result| &result.files) {
//!     std::fs::write(&file.name, client.fetch(file).await?).unwrap_or_default();
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Lost connections are repaired, for [`PATIENCE`] or as long as [`Client::patient_for`] says: a submission is sent
//! again with the same `Idempotency-Key`, so that it makes one job however often it is sent; an event stream resumes
//! after the last event that arrived; reads and cancels are repeated; a file is checked against its address.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use form_urlencoded::Serializer;
use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::job::{Job, ResultFile};
use crate::page::JobPage;
use crate::preflight::Preflight;
use packshot_domain::hash::ContentAddress;

mod catalogue;
pub mod error;
pub mod events;
pub mod fetching;
pub mod orders;
mod patience;
pub mod pictures;
pub mod stream;
pub mod submission;
#[cfg(test)]
mod tests;
mod workflows;

pub use error::ClientError;
pub use events::Events;
pub use fetching::FetchError;
pub use orders::OrderQuery;
pub use pictures::Picture;
pub use stream::Event;
pub use submission::Submission;

use patience::Patience;

/// How long the same is tried again while the service is away, unless a client is told otherwise: enough for a restart.
pub const PATIENCE: Duration = Duration::from_secs(300);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest silence in an answer. Event streams send something every 15 s.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// A service to talk to. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    key: Option<HeaderValue>,
    patience: Duration,
    on_retry: Option<Notice>,
}

/// Called with the reason why the client waits, and for how long at most.
type OnRetry = dyn Fn(&ClientError, Duration) + Send + Sync;

/// The listener for waits.
#[derive(Clone)]
struct Notice(Arc<OnRetry>);

impl std::fmt::Debug for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Notice")
    }
}

impl Client {
    /// The service at `url` (such as `http://127.0.0.1:8080`), with an API key unless it is open.
    ///
    /// # Errors
    /// When `url` is not an HTTP address, or the key has characters that a key cannot have.
    pub fn new(url: &str, key: Option<&str>) -> Result<Self, ClientError> {
        // A path without a slash at its end would lose its last part when other paths are joined to it.
        let slash = if url.ends_with('/') { "" } else { "/" };
        let has_scheme = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
        if !has_scheme {
            return Err(ClientError::Address("it must begin with http:// or https://".to_owned()));
        }
        let base = Url::parse(&format!("{url}{slash}")).map_err(|reason| ClientError::Address(reason.to_string()))?;
        let key = key.map(|key| HeaderValue::try_from(format!("Bearer {key}"))).transpose();
        let mut key = key.map_err(|_| ClientError::Key)?;
        key.iter_mut().for_each(|key| key.set_sensitive(true));
        // Installed once per process; a second time it is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .user_agent(concat!("packshot/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, base, key, patience: PATIENCE, on_retry: None })
    }

    /// The same client, which repeats requests for this long while the service is busy or cannot be reached; zero tries
    /// once.
    #[must_use]
    pub fn patient_for(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The same client, with a listener that is told when it begins to try again: why, and for how long at most.
    #[must_use]
    pub fn on_retry(mut self, notice: impl Fn(&ClientError, Duration) + Send + Sync + 'static) -> Self {
        self.on_retry = Some(Notice(Arc::new(notice)));
        self
    }

    fn waits(&self, error: &ClientError, at_most: Duration) {
        if let Some(Notice(notice)) = &self.on_retry {
            notice(error, at_most);
        }
    }

    fn patience(&self) -> Patience {
        Patience::new(self.patience)
    }

    /// Does something idempotent, with as many attempts as it takes.
    async fn repeated<T, F: Future<Output = Result<T, ClientError>>>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Result<T, ClientError> {
        let mut patience = self.patience();
        loop {
            match attempt().await {
                Ok(done) => return Ok(done),
                Err(error) => patience.wait(self, error).await?,
            }
        }
    }

    /// Submits a render, with as many attempts as it takes while the service cannot be reached or is busy.
    ///
    /// # Errors
    /// When the service refuses it, or cannot be reached.
    pub async fn submit(&self, submission: &Submission) -> Result<Job, ClientError> {
        let key = submission.idempotency_key.clone().unwrap_or_else(|| Uuid::now_v7().to_string());
        let named = Submission { idempotency_key: Some(key), ..submission.clone() };
        self.repeated(|| self.submit_once(&named)).await
    }

    /// Submits a render with one attempt.
    ///
    /// # Errors
    /// When the service refuses it, or cannot be reached; [`ClientError::may_pass`] says whether another attempt may
    /// help.
    pub async fn submit_once(&self, submission: &Submission) -> Result<Job, ClientError> {
        let request = self.request(Method::POST, "api/v1/renders")?.multipart(submission.form()?);
        let request = match &submission.idempotency_key {
            Some(key) => request.header("Idempotency-Key", key),
            None => request,
        };
        self.json(request).await
    }

    /// A page of jobs, newest first; `cursor` is that of the page before.
    ///
    /// # Errors
    /// When the service refuses, or cannot be reached.
    pub async fn jobs(&self, limit: u32, cursor: Option<&str>) -> Result<JobPage, ClientError> {
        let cursor = cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        self.again(Method::GET, &format!("api/v1/renders?limit={limit}{cursor}")).await
    }

    /// The job.
    ///
    /// # Errors
    /// When there is none, or the service cannot be reached.
    pub async fn job(&self, id: Uuid) -> Result<Job, ClientError> {
        self.again(Method::GET, &format!("api/v1/renders/{id}")).await
    }

    /// The report of a job that has pictures: which part got which material and why, and the findings.
    ///
    /// # Errors
    /// When there is none, or the service cannot be reached.
    pub async fn report(&self, id: Uuid) -> Result<Preflight, ClientError> {
        self.again(Method::GET, &format!("api/v1/renders/{id}/report.json")).await
    }

    /// Cancels a job. One that has ended stays as it is.
    ///
    /// # Errors
    /// When there is no such job, or the service cannot be reached.
    pub async fn cancel(&self, id: Uuid) -> Result<Job, ClientError> {
        self.again(Method::POST, &format!("api/v1/renders/{id}/cancel")).await
    }

    /// The events of a job: first a snapshot of it, last how it ended.
    pub fn events(&self, id: Uuid) -> Events {
        Events::of_render(self.clone(), id)
    }

    /// A file of a finished job, checked against its address.
    ///
    /// # Errors
    /// When it is not there, arrives damaged, or the service cannot be reached.
    pub async fn fetch(&self, file: &ResultFile) -> Result<Bytes, ClientError> {
        self.repeated(|| self.fetch_once(file)).await
    }

    async fn fetch_once(&self, file: &ResultFile) -> Result<Bytes, ClientError> {
        let answer = self.send(self.request(Method::GET, file.url.trim_start_matches('/'))?).await?;
        let bytes = answer.bytes().await?;
        if ContentAddress::of(&bytes) == file.file_hash.0 { Ok(bytes) } else { Err(ClientError::Damaged) }
    }

    pub(self) fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, ClientError> {
        let url = self.base.join(path).map_err(|reason| ClientError::Address(reason.to_string()))?;
        // A file's address comes from the service; the key must not go to another server.
        if url.origin() != self.base.origin() {
            return Err(ClientError::Address("it leads to another server".to_owned()));
        }
        let request = self.http.request(method, url);
        Ok(match &self.key {
            Some(key) => request.header(reqwest::header::AUTHORIZATION, key),
            None => request,
        })
    }

    /// Sends a request; answers that refuse it become errors.
    pub(self) async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let answer = request.send().await?;
        if answer.status().is_success() { Ok(answer) } else { Err(ClientError::of_answer(answer).await) }
    }

    /// Sends JSON, or nothing, with as many attempts as it takes: under one `Idempotency-Key`, so that it has its
    /// effect once.
    pub(self) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Option<&(impl Serialize + ?Sized)>,
    ) -> Result<T, ClientError> {
        let key = Uuid::now_v7().to_string();
        self.repeated(|| async {
            let request = self.request(Method::POST, path)?.header("Idempotency-Key", &key);
            self.json(body.into_iter().fold(request, RequestBuilder::json)).await
        })
        .await
    }

    /// The JSON of a request without a body, with as many attempts as it takes.
    async fn again<T: DeserializeOwned>(&self, method: Method, path: &str) -> Result<T, ClientError> {
        self.repeated(|| async { self.json(self.request(method.clone(), path)?).await }).await
    }

    /// A page of a list, with as many attempts as it takes; parameters without a value are left out.
    async fn page<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, Option<&str>)],
    ) -> Result<T, ClientError> {
        self.again(Method::GET, &format!("{path}?{}", query_of(parameters))).await
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let answer = self.send(request.header(ACCEPT, "application/json")).await?;
        let bytes = answer.bytes().await?;
        serde_json::from_slice(&bytes).map_err(|reason| ClientError::NotUnderstood(reason.to_string()))
    }
}

/// A query of the parameters that have a value.
fn query_of(parameters: &[(&str, Option<&str>)]) -> String {
    let given = parameters.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
    Serializer::new(String::new()).extend_pairs(given).finish()
}
