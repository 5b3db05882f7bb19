//! Media assets as one ZIP: asked for by who may read them, fetched by who has the ticket.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::answer::Answer;
use super::auth::Caller;
use super::body::JsonBody;
use super::files;
use super::idempotency;
use super::media::MediaArchive;
use super::problem::{ApiError, ApiResult, Code};
use super::state::AppState;
use crate::media::downloads::{self, PATH, Wanted};
use crate::media::filter::Given;
use packshot_contract::media_download::{DownloadWish, MediaDownload, MediaDownloadRequest};

/// How paths begin whose rest is a secret.
pub(crate) const SECRET_PATHS: &str = "/api/v1/media-downloads/";

/// A path as logs may have it: without a ticket.
pub(crate) fn masked(path: &str) -> &str {
    if path.starts_with(SECRET_PATHS) { "/api/v1/media-downloads/…" } else { path }
}

/// Puts media assets into one ZIP
///
/// The answer has a link that is good for 10 minutes, for whoever has it: a browser needs no token to follow it.
/// What cannot be in the ZIP is listed in `skipped`. The files are those of now; nothing is stored.
#[utoipa::path(
    post, path = "/api/v1/media-downloads", operation_id = "create_media_download", tag = "media",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer, without its link")),
    request_body = MediaDownloadRequest,
    responses((status = 201, description = "The ZIP, which can be fetched", body = MediaDownload)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let wanted = match MediaDownloadRequest::parse(&body)? {
        DownloadWish::Assets(ids) => Wanted::Assets(ids),
        DownloadWish::Filter(members) => Wanted::Filter(Given::in_body(&Value::Object(members), "/filter")?),
    };
    let keyed = idempotency::of_request(&headers, PATH, idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        let made = downloads::create(&own, &who, wanted).await?;
        // No `Location`: headers are stored with the answer, and the ticket is not.
        Ok(Answer::json(StatusCode::CREATED, &made)?.with_secret("url"))
    })
    .await
}

/// Fetches a ZIP of media assets
///
/// The ticket in the path is the right itself. The size is known beforehand, and a download that broke off goes on with
/// `Range` and `If-Range`. The connection ends before the ZIP is complete where a file is damaged, or was deleted.
#[utoipa::path(
    get, path = "/api/v1/media-downloads/{ticket}", operation_id = "get_media_download", tag = "media",
    params(
        ("ticket" = String, Path, description = "The ticket, and `.zip`"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-Range" = Option<String>, Header, description = "`ETag` of the ZIP of which a range is wanted"),
        ("If-None-Match" = Option<String>, Header, description = "`ETag` of what the client already has"),
    ),
    responses(MediaArchive),
)]
pub(crate) async fn fetch(
    State(state): State<AppState>,
    Path(ticket): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let not_found = || ApiError::new(Code::DownloadNotFound, "there is no such download, or its time is over");
    let archive = downloads::open(&state, ticket.strip_suffix(".zip").ok_or_else(not_found)?).await?;
    let etag = files::etag(archive.tag());
    let about = [
        (ETAG, etag.clone()),
        (CACHE_CONTROL, "private, no-store".to_owned()),
        (ACCEPT_RANGES, "bytes".to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    if files::is_known(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    let size_bytes = archive.size_bytes();
    let range = files::wanted_range(&headers, &etag, size_bytes)?;
    let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let part = range.as_ref().map(|range| format!("bytes {}-{}/{size_bytes}", range.start, range.end - 1));
    let sent = range.unwrap_or(0..size_bytes);
    let own = [
        (CONTENT_TYPE, "application/zip".to_owned()),
        (CONTENT_DISPOSITION, "attachment; filename=\"media.zip\"".to_owned()),
        (CONTENT_LENGTH, (sent.end - sent.start).to_string()),
    ];
    let mut response = (status, about, own, Body::from_stream(archive.stream(sent).await?)).into_response();
    if let Some(Ok(part)) = part.map(|part| part.try_into()) {
        response.headers_mut().insert(CONTENT_RANGE, part);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m48_logs_have_no_tickets() {
        for path in ["/api/v1/media-downloads/abc.zip", "/api/v1/media-downloads/abc", "/api/v1/media-downloads//abc"] {
            assert_eq!(masked(path), "/api/v1/media-downloads/…");
        }
        for path in ["/api/v1/media-downloads", "/api/media/assets/abc/content"] {
            assert_eq!(masked(path), path);
        }
    }
}
