//! Stored files as answers: `ETag`, `If-None-Match`, `Range` (RFC 9110), `Repr-Digest` (RFC 9530).

use std::ops::Range;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, IF_RANGE, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::problem::{ApiError, ApiResult, Code};
use super::state::AppState;
use crate::renders::results;
use packshot_domain::hash::ContentAddress;
use packshot_domain::principal::Principal;

/// The files of a job belong to its tenant, and another attempt may replace them: a cache must ask again.
const REVALIDATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// SHA-256 of the whole file, whatever part of it is sent (RFC 9530).
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// The tag of a content, with its quotation marks.
pub(crate) fn etag(address: &ContentAddress) -> String {
    format!("\"{address}\"")
}

/// Whether the client already has what `etag` names.
pub(crate) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// Answers with a stored file, or with the part of it that the client asks for.
///
/// # Errors
/// [`Code::RangeNotSatisfiable`], [`Code::ArtifactExpired`], [`Code::ContentCorrupt`], [`Code::Unavailable`].
pub(crate) async fn respond(
    state: &AppState,
    who: &Principal,
    address: &ContentAddress,
    media_type: &str,
    headers: &HeaderMap,
) -> ApiResult<Response> {
    respond_with(state, who, (address, media_type), &[], headers).await
}

/// As [`respond`], with headers of the file in addition, or in the place of those that every file has.
///
/// # Errors
/// As [`respond`].
pub(crate) async fn respond_with(
    state: &AppState,
    who: &Principal,
    (address, media_type): (&ContentAddress, &str),
    more: &[(HeaderName, HeaderValue)],
    headers: &HeaderMap,
) -> ApiResult<Response> {
    let etag = etag(address);
    if is_known(headers, &etag) {
        return Ok(
            (StatusCode::NOT_MODIFIED, [(ETAG, etag), (CACHE_CONTROL, "private, no-cache".to_owned())]).into_response()
        );
    }
    let file = results::open(state, who, address).await?;
    let (size_bytes, digest) = (file.size_bytes(), file.sha256().field_value());
    let range = wanted_range(headers, &etag, size_bytes)?;
    let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let sent = range.clone().unwrap_or(0..size_bytes);
    let length = sent.end - sent.start;
    // It ends with an error when what comes next is damaged: the connection is closed before the whole body was sent.
    let mut response = (status, Body::from_stream(file.stream(sent).await?)).into_response();
    let headers = response.headers_mut();
    let mut set = |name, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    set(CONTENT_TYPE, media_type.to_owned());
    set(ETAG, etag);
    set(REPR_DIGEST, digest);
    set(CONTENT_LENGTH, length.to_string());
    if let Some(range) = range {
        set(CONTENT_RANGE, format!("bytes {}-{}/{size_bytes}", range.start, range.end - 1));
    }
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CACHE_CONTROL, REVALIDATE);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy_of(media_type)));
    for (name, value) in more {
        headers.insert(name, value.clone());
    }
    Ok(response)
}

/// What a browser lets a file do that it opens: nothing. It plays a movie in a document of the service's origin, as
/// that of none may not fetch the movie; there is nothing in it that could run.
fn policy_of(media_type: &str) -> &'static str {
    if media_type == "video/mp4" { "frame-ancestors 'none'" } else { "sandbox" }
}

/// The part of a file that a client wants; `None` for all of it. One range is honoured; several, or a header that
/// cannot be parsed, get the whole file (RFC 9110 section 14.2).
///
/// # Errors
/// [`Code::RangeNotSatisfiable`].
pub(crate) fn wanted_range(headers: &HeaderMap, etag: &str, size_bytes: u64) -> ApiResult<Option<Range<u64>>> {
    let is_current = headers.get(IF_RANGE).is_none_or(|value| value.as_bytes() == etag.as_bytes());
    let text = headers.get(RANGE).filter(|_| is_current).and_then(|value| value.to_str().ok());
    let Some((first, last)) = text.and_then(|text| text.strip_prefix("bytes=")).and_then(|spec| spec.split_once('-'))
    else {
        return Ok(None);
    };
    let number = |text: &str| match text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        true => None,
        // A number too large to parse is beyond any file.
        false => Some(text.parse().unwrap_or(u64::MAX)),
    };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size_bytes),
        (Some(first), None) if last.is_empty() => first..size_bytes,
        (None, Some(n)) if first.is_empty() => size_bytes.saturating_sub(n)..size_bytes,
        _ => return Ok(None),
    };
    if range.is_empty() {
        let error = ApiError::new(Code::RangeNotSatisfiable, format!("the file has {size_bytes} bytes"));
        let range = HeaderValue::try_from(format!("bytes */{size_bytes}"));
        return Err(range.map_or(error.clone(), |range| error.with(CONTENT_RANGE, range)));
    }
    Ok(Some(range))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    enum Wanted {
        All,
        Part(Range<u64>),
        Impossible,
    }

    fn wanted(range: &'static str, if_range: Option<&'static str>) -> Wanted {
        let mut headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static(range))]);
        if let Some(tag) = if_range {
            headers.insert(IF_RANGE, HeaderValue::from_static(tag));
        }
        match wanted_range(&headers, "\"a\"", 1100) {
            Ok(None) => Wanted::All,
            Ok(Some(range)) => Wanted::Part(range),
            Err(error) => {
                assert_eq!(error.code(), "range_not_satisfiable");
                Wanted::Impossible
            }
        }
    }

    #[test]
    fn c18_ranges() {
        for (text, expected) in [
            ("bytes=0-99", Wanted::Part(0..100)),
            ("bytes=-100", Wanted::Part(1000..1100)),
            ("bytes=-5000", Wanted::Part(0..1100)),
            ("bytes=1000-", Wanted::Part(1000..1100)),
            ("bytes=1000-99999999999999999999", Wanted::Part(1000..1100)),
            ("bytes=1100-", Wanted::Impossible),
            ("bytes=99999999999999999999-", Wanted::Impossible),
            ("bytes=-0", Wanted::Impossible),
            ("bytes=0-9,20-29", Wanted::All),
            ("bytes=9-0", Wanted::All),
            ("bytes=+1-2", Wanted::All),
            ("bytes=-", Wanted::All),
            ("lines=0-9", Wanted::All),
        ] {
            assert_eq!(wanted(text, None), expected, "{text}");
        }
        assert_eq!(wanted("bytes=0-9", Some("\"a\"")), Wanted::Part(0..10));
        assert_eq!(wanted("bytes=0-9", Some("\"b\"")), Wanted::All);
    }

    #[test]
    fn c17_known_tags() {
        let known = |tags| is_known(&HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static(tags))]), "\"a\"");
        assert!(known("\"a\"") && known("\"b\", W/\"a\"") && known("*"));
        assert!(!known("\"b\"") && !known("a"));
    }
}
