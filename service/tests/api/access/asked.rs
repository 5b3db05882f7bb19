//! Requests of operations, and what comes back.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use reqwest::RequestBuilder;
use reqwest::multipart::Form;
use serde_json::Value;

use super::operation::Operation;
use crate::app::{PATIENCE, TestApp};

/// Requests that are under way at the same time.
const AT_ONCE: usize = 16;

/// What a request has as its body, where its operation takes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// The document's example.
    Example,
    /// Something that no operation accepts: a caller with the permission is told so, and nothing is done.
    Unfit,
}

/// A request of an operation; without a token where `bearer` is `None`.
pub(super) fn request(
    app: &TestApp,
    operation: &Operation,
    bearer: Option<&str>,
    ids: &[String],
    body: Body,
) -> RequestBuilder {
    let (method, path) = (operation.method.clone(), operation.path_with(ids));
    let request = match bearer {
        Some(bearer) => app.with_key(bearer).request(method, &path),
        None => app.request(method, &path),
    };
    match (&operation.body, body) {
        (None, _) => request,
        (Some(_), Body::Unfit) => request.header("content-type", "application/x-nothing").body("?"),
        (Some((media_type, example)), Body::Example) if media_type.ends_with("json") => {
            request.header("content-type", media_type).body(example.to_string())
        }
        (Some(_), Body::Example) => {
            let parts = operation.form_members().into_iter();
            request.multipart(parts.fold(Form::new(), |form, (name, text)| form.text(name, text)))
        }
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Answer {
    /// The answer to a request; of a stream, what comes until its first event or sign of life.
    pub(super) async fn to(request: RequestBuilder) -> Self {
        Self::until(request, &["event: ", ": keep-alive"]).await
    }

    /// The answer to a request; of a stream, what comes until one of these texts.
    pub(super) async fn until(request: RequestBuilder, ends: &[&str]) -> Self {
        let mut response = request.timeout(PATIENCE).send().await.expect("the service answers");
        let status = response.status().as_u16();
        let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers: BTreeMap<String, String> =
            response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let is_stream = headers.get("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.expect("the answer is whole") {
            body.extend_from_slice(&piece);
            let so_far = String::from_utf8_lossy(&body);
            if is_stream && ends.iter().any(|end| so_far.contains(end)) {
                break;
            }
        }
        Self { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
    }

    /// The code of a problem; empty where there is none.
    pub(super) fn code(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Status and code.
    pub(super) fn problem(&self) -> (u16, String) {
        (self.status, self.code())
    }

    /// The members of a page; none if it is not a page.
    pub(super) fn items(&self) -> Vec<Value> {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["items"].as_array().cloned().unwrap_or_default()
    }

    /// Whether the caller was let in.
    pub(super) fn is_let_in(&self) -> bool {
        !matches!(self.status, 401 | 403)
    }

    /// Without what differs from any request to the next: what two answers that say the same have in common.
    pub(super) fn bare(mut self) -> Self {
        for header in ["x-request-id", "date"] {
            self.headers.remove(header);
        }
        if let Ok(Value::Object(mut members)) = serde_json::from_str::<Value>(&self.body) {
            for member in ["request_id", "instance"] {
                members.shift_remove(member);
            }
            self.body = Value::Object(members).to_string();
        }
        self
    }

    /// In short, for the message of a failed test.
    pub(super) fn said(&self) -> String {
        let body: String = self.body.chars().take(300).collect();
        format!("{} {body}", self.status)
    }
}

/// Does the same for each of many, several at a time.
pub(super) async fn each<T, R>(many: &[T], ask: impl AsyncFn(&T) -> R) -> Vec<R> {
    let mut results = Vec::with_capacity(many.len());
    for some in many.chunks(AT_ONCE) {
        results.extend(join_all(some.iter().map(|one| ask(one))).await);
    }
    results
}
