//! Bodies of requests that are JSON: their kind, their size, their syntax.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

use super::problem::{ApiError, ApiResult, Code};

/// Most bytes of a JSON body.
pub(crate) const JSON_BYTES_MAX: usize = 1 << 20;

/// A body that must be JSON.
#[derive(Clone, Debug)]
pub(crate) struct JsonBody(pub(crate) Value);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> ApiResult<Self> {
        if !is_json(request.headers()) {
            return Err(ApiError::new(Code::UnsupportedMediaType, "expected application/json"));
        }
        let bytes = read(request, JSON_BYTES_MAX).await?;
        parse(&bytes).map(Self)
    }
}

/// A body that may be left out, and else must be JSON: without one it is an empty object.
#[derive(Clone, Debug)]
pub(crate) struct OptionalJsonBody(pub(crate) Value);

impl<S: Send + Sync> FromRequest<S> for OptionalJsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> ApiResult<Self> {
        let is_json = is_json(request.headers());
        let bytes = read(request, JSON_BYTES_MAX).await?;
        match bytes.is_empty() {
            true => Ok(Self(Value::Object(serde_json::Map::new()))),
            false if is_json => parse(&bytes).map(Self),
            false => Err(ApiError::new(Code::UnsupportedMediaType, "expected application/json")),
        }
    }
}

/// The media type of a request without its parameters, in lower case.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a body is JSON, or a merge patch (RFC 7396).
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    matches!(media_type(headers).as_str(), "application/json" | "application/merge-patch+json")
}

/// Refuses a body whose declared length is too large, without reading it.
///
/// # Errors
/// [`Code::BodyTooLarge`].
pub(crate) fn check_length(headers: &HeaderMap, bytes_max: u64) -> ApiResult<()> {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > bytes_max) { Err(too_large(bytes_max)) } else { Ok(()) }
}

/// The body is larger than it may be.
pub(crate) fn too_large(bytes_max: u64) -> ApiError {
    ApiError::new(Code::BodyTooLarge, format!("the body has more than {bytes_max} bytes"))
}

/// Reads a whole body of limited size.
///
/// # Errors
/// [`Code::BodyTooLarge`] as soon as the limit is passed, [`Code::MalformedBody`] when the client breaks off.
pub(crate) async fn read(request: Request<Body>, bytes_max: usize) -> ApiResult<Bytes> {
    check_length(request.headers(), bytes_max as u64)?;
    match Limited::new(request.into_body(), bytes_max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(bytes_max as u64)),
        Err(_) => Err(ApiError::new(Code::MalformedBody, "the body ended early")),
    }
}

/// Parses JSON; [`packshot_json::parse`] says what is refused.
///
/// # Errors
/// [`Code::MalformedBody`].
pub(crate) fn parse(bytes: &[u8]) -> ApiResult<Value> {
    parse_part("body", bytes)
}

/// Parses the JSON of `part`, the body or one of its parts.
///
/// # Errors
/// [`Code::MalformedBody`].
pub(crate) fn parse_part(part: &str, bytes: &[u8]) -> ApiResult<Value> {
    if bytes.trim_ascii().is_empty() {
        return Err(ApiError::new(Code::MalformedBody, format!("the {part} is empty: expected a JSON object")));
    }
    packshot_json::parse(bytes).map_err(|error| ApiError::new(Code::MalformedBody, error.to_string()))
}
