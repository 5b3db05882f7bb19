//! Around every request: its id, its problem body, its line in the log and its place in the metrics. A panic of a
//! handler becomes an answer here.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use serde::Serialize;
use tracing::Instrument;
use uuid::Uuid;

use super::media_downloads::masked;
use super::problem::{self, ApiError, Code};
use crate::idempotency::StoredAnswer;
use crate::server::metrics::names;

/// The header that names a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, for code that needs it while the request is answered.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

/// The client's own id if it is valid, else a new one.
fn request_id(headers: &HeaderMap) -> Arc<str> {
    let is_id = |text: &&str| {
        (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    let own = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(is_id);
    own.map_or_else(|| Uuid::now_v7().to_string().into(), Into::into)
}

/// The middleware around every route.
pub(crate) async fn complete(mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = request_id(request.headers());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    request.extensions_mut().insert(RequestId(Arc::clone(&id)));
    let span = tracing::info_span!("request", request.id = %id);
    let mut response = match AssertUnwindSafe(next.run(request).instrument(span)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(ToString::to_string);
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            ApiError::internal(std::io::Error::other(format!("panic: {text}"))).into_response()
        }
    };
    if response.status().is_client_error() || response.status().is_server_error() {
        response = with_problem(response, &path, &id);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let (status, seconds) = (response.status().as_u16(), begun.elapsed().as_secs_f64());
    let route = route.unwrap_or_else(|| "unmatched".to_owned());
    let labels =
        [("method", method_label(&method).to_owned()), ("route", route.clone()), ("status", status.to_string())];
    metrics::counter!(names::HTTP_REQUESTS_TOTAL, &labels).increment(1);
    metrics::histogram!(names::HTTP_REQUEST_SECONDS, "route" => route).record(seconds);
    tracing::info!(request.id = %id, %method, path = masked(&path), status, duration_ms = (seconds * 1e3) as u64, "answered");
    response
}

/// The method in the metrics: text from clients must not create new series.
fn method_label(method: &Method) -> &'static str {
    const NAMES: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    NAMES.into_iter().find(|name| *name == method.as_str()).unwrap_or("other")
}

/// Gives an answer of 400 and above its problem body, whether a handler, an extractor or the router made it.
fn with_problem(response: Response, path: &str, id: &str) -> Response {
    let (mut parts, body) = response.into_parts();
    let error = match parts.extensions.remove::<Arc<ApiError>>() {
        Some(error) => error,
        None if parts.headers.contains_key(CONTENT_TYPE) && !is_plain(&parts.headers) => {
            return Response::from_parts(parts, body);
        }
        None => Arc::new(of_status(parts.status)),
    };
    if let Some(causes) = error.causes() {
        tracing::error!(request.id = %id, path = masked(path), code = error.code(), "{causes}");
    }
    parts.headers.insert(CONTENT_TYPE, problem::MEDIA_TYPE);
    parts.headers.remove(CONTENT_LENGTH);
    let body = serde_json::to_vec(&error.problem(path, id)).unwrap_or_default();
    Response::from_parts(parts, Body::from(body))
}

fn is_plain(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/plain"))
}

/// The meaning of an answer that has only a status.
fn of_status(status: StatusCode) -> ApiError {
    let (code, detail) = match status {
        StatusCode::NOT_FOUND => (Code::NotFound, "there is nothing at this path"),
        StatusCode::METHOD_NOT_ALLOWED => {
            (Code::MethodNotAllowed, "this path does not support the method; see the header Allow")
        }
        StatusCode::NOT_ACCEPTABLE => (Code::NotAcceptable, "none of the accepted media types can be sent"),
        StatusCode::PAYLOAD_TOO_LARGE => (Code::BodyTooLarge, "the body is too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (Code::UnsupportedMediaType, "this media type is not accepted here"),
        StatusCode::SERVICE_UNAVAILABLE => (Code::Unavailable, "the service is not available at the moment"),
        StatusCode::UNPROCESSABLE_ENTITY => (Code::ValidationFailed, "the request is not valid"),
        status if status.is_client_error() => (Code::MalformedBody, "the request cannot be read"),
        _ => (Code::InternalError, "internal error; the service's log has the details"),
    };
    ApiError::new(code, detail)
}

/// An answer that can be stored and sent again.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    /// A member of the body that is never stored.
    secret: Option<&'static str>,
}

impl Answer {
    /// JSON with a status.
    ///
    /// # Errors
    /// [`Code::InternalError`] when the body cannot be written as JSON.
    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Result<Self, ApiError> {
        let body = serde_json::to_vec(body).map_err(ApiError::internal)?.into();
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        Ok(Self { status, headers, body, secret: None })
    }

    /// No body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), secret: None }
    }

    /// The same with a header; a text that cannot be a header's value is left out.
    #[must_use]
    pub(crate) fn with(mut self, name: HeaderName, value: impl TryInto<HeaderValue>) -> Self {
        if let Ok(value) = value.try_into() {
            self.headers.push((name, value));
        }
        self
    }

    /// The same, whose member with this name is only for the one who asked now: it is stored as `null`.
    #[must_use]
    pub(crate) fn with_secret(self, member: &'static str) -> Self {
        Self { secret: Some(member), ..self }
    }

    /// As a row keeps it.
    pub(crate) fn to_stored(&self) -> StoredAnswer {
        let text = |(name, value): &(HeaderName, HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        StoredAnswer {
            status: self.status.as_u16(),
            headers: self.headers.iter().map(text).collect(),
            body: self.secret.map_or_else(|| self.body.to_vec(), |member| without(&self.body, member)),
        }
    }

    /// As it was before it was stored.
    pub(crate) fn from_stored(stored: StoredAnswer) -> Self {
        let StoredAnswer { status, headers, body } = stored;
        let header = |(name, value): (String, String)| Some((name.parse().ok()?, value.parse().ok()?));
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::OK),
            headers: headers.into_iter().filter_map(header).collect(),
            body: body.into(),
            secret: None,
        }
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// The headers.
    pub(crate) fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// The body.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }
}

/// A body of JSON with `null` in the place of a member; nothing of one that cannot be read.
fn without(body: &[u8], member: &str) -> Vec<u8> {
    let Ok(mut json) = serde_json::from_slice::<serde_json::Value>(body) else { return Vec::new() };
    if let Some(value) = json.get_mut(member) {
        *value = serde_json::Value::Null;
    }
    serde_json::to_vec(&json).unwrap_or_default()
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, Body::from(self.body)).into_response();
        response.headers_mut().remove(CONTENT_TYPE);
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}
