//! `If-Match` (RFC 9110): a change that only takes effect if the object has not changed since it was read.

use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;

use super::problem::{ApiError, ApiResult, Code};

/// The revision that the client expects; `None` when it does not matter.
///
/// # Errors
/// [`Code::PreconditionFailed`].
pub(crate) fn expected_revision(headers: &HeaderMap) -> ApiResult<Option<i64>> {
    let Some(value) = headers.get(IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let revision = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')?.parse().ok());
    // A tag that was never given out is as stale as an old one.
    let stale = || {
        let detail =
            "If-Match does not name a revision of this object: expected the ETag with its quotes, such as \"9\"";
        ApiError::new(Code::PreconditionFailed, detail)
    };
    revision.map(Some).ok_or_else(stale)
}
