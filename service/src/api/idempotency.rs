//! `Idempotency-Key`: a repeated request gets the same answer and takes effect once.

use std::future::Future;

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use serde_json::Value;

use super::answer::Answer;
use super::auth::Caller;
use super::problem::{self, ApiError, ApiResult};
use super::state::AppState;
use crate::idempotency::{self, Beginning, IdempotentRequest, StoredAnswer};
use packshot_contract::problem::{Invalid, Problem};

/// The header with the key.
const KEY: &str = "idempotency-key";
/// The header that marks a repeated answer.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The request with its key, if it has one.
///
/// # Errors
/// `out_of_range` when the key is not 1 to 255 printable characters.
pub(crate) fn of_request(headers: &HeaderMap, path: &str, body: [u8; 32]) -> ApiResult<Option<IdempotentRequest>> {
    let Some(value) = headers.get(KEY) else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=255).contains(&key.len()));
    let key = key.ok_or_else(|| {
        Invalid::one("?Idempotency-Key", "out_of_range", "the header takes 1 to 255 printable ASCII characters")
    })?;
    Ok(Some(IdempotentRequest { key: key.to_owned(), method: "POST".to_owned(), path: path.to_owned(), body }))
}

/// The hash of a body of JSON. Passwords are left out: this hash is quick, and would help to guess them.
pub(crate) fn hash_of(body: &Value) -> [u8; 32] {
    let mut body = body.clone();
    for place in ["/password", "/admin/password"] {
        if let Some(password) = body.pointer_mut(place) {
            *password = Value::Null;
        }
    }
    *blake3::hash(body.to_string().as_bytes()).as_bytes()
}

/// What was answered before.
///
/// # Errors
/// The error that was answered before.
pub(crate) fn replay(stored: StoredAnswer) -> ApiResult<Answer> {
    let answer = Answer::from_stored(stored).with(REPLAYED, HeaderValue::from_static("true"));
    if answer.header(&CONTENT_TYPE) != Some(&problem::MEDIA_TYPE) {
        return Ok(answer);
    }
    // The error is repeated under this request's own id.
    let problem: Problem = serde_json::from_slice(answer.body()).map_err(ApiError::internal)?;
    let headers = answer.headers().iter().filter(|(name, _)| name != CONTENT_TYPE).cloned().collect();
    Err(ApiError::from_problem(problem, headers))
}

/// An answer as it is kept; `None` for those that are not.
pub(crate) fn to_stored(result: &ApiResult<Answer>) -> Option<StoredAnswer> {
    match result {
        Ok(answer) => Some(answer.to_stored()),
        Err(error) => refusal_to_stored(error),
    }
}

/// An error as it is kept; `None` for internal errors, which may not happen again.
pub(crate) fn refusal_to_stored(error: &ApiError) -> Option<StoredAnswer> {
    if error.status().is_server_error() {
        return None;
    }
    let body = serde_json::to_vec(&error.problem("", "")).ok()?;
    let text = |(name, value): &(HeaderName, HeaderValue)| Some((name.to_string(), value.to_str().ok()?.into()));
    let mut headers: Vec<(String, String)> = error.headers().iter().filter_map(text).collect();
    headers.push((CONTENT_TYPE.to_string(), "application/problem+json".to_owned()));
    Some(StoredAnswer { status: error.status().as_u16(), headers, body })
}

/// Does `work` once for all requests with the same key. With a key it goes on even if the client disconnects, because
/// its effect must be recorded.
///
/// # Errors
/// [`Code::IdempotencyInFlight`](problem::Code::IdempotencyInFlight),
/// [`Code::IdempotencyKeyReused`](problem::Code::IdempotencyKeyReused), the error that was answered before, and what
/// `work` gives.
pub(crate) fn once<'a>(
    state: &'a AppState,
    caller: &'a Caller,
    request: Option<IdempotentRequest>,
    work: impl Future<Output = ApiResult<Answer>> + Send + 'static,
) -> BoxFuture<'a, ApiResult<Response>> {
    Box::pin(once_boxed(state, caller, request, Box::pin(work)))
}

/// The same, compiled once for all kinds of work.
async fn once_boxed(
    state: &AppState,
    caller: &Caller,
    request: Option<IdempotentRequest>,
    work: BoxFuture<'static, ApiResult<Answer>>,
) -> ApiResult<Response> {
    let Some(request) = request else { return work.await.map(IntoResponse::into_response) };
    let (state, who) = (state.clone(), caller.0.clone());
    let done = tokio::spawn(async move {
        match idempotency::begin(&state, &who, request.clone()).await? {
            Beginning::Answered(stored) => return replay(stored),
            Beginning::New | Beginning::Made(_) => {}
        }
        let result = work.await;
        idempotency::settle(&state, &who, request, to_stored(&result)).await?;
        result
    });
    done.await.map_err(ApiError::internal)?.map(IntoResponse::into_response)
}
