//! Reviews of materials: listed, made, shown, refreshed, closed, followed; notes about them.

pub(crate) mod fixes;
pub(crate) mod names;

use axum::extract::{Path, State};
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::answer::Answer;
use super::auth::{Caller, ListCaller};
use super::body::{JsonBody, OptionalJsonBody};
use super::events::{self, Beginning};
use super::idempotency;
use super::media::ReviewEvents;
use super::precondition::expected_revision;
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use crate::app::Page;
use crate::reviews::{self, ReviewFilter};
use packshot_contract::problem::Invalid;
use packshot_contract::review::{
    ApplyTopRequest, ApplyTopResult, MaterialReview, MaterialReviewPage, NoteRequest, ReviewNote, ReviewRequest,
};
use packshot_domain::id::ReviewId;
use packshot_domain::review::ReviewEvent;
use packshot_domain::stream::StreamId;

const PATH: &str = "/api/v1/material-reviews";

/// The id in a path. Text that is not an id is the id of no review.
fn review_id(text: &str) -> ApiResult<ReviewId> {
    text.parse().map_err(|_| ApiError::new(Code::MaterialReviewNotFound, "there is no such material review"))
}

/// A review with its version as the tag.
fn tagged(status: StatusCode, review: &MaterialReview) -> ApiResult<Answer> {
    Ok(Answer::json(status, review)?.with(ETAG, format!("\"{}\"", review.state_version)))
}

/// Lists reviews of materials, newest first
///
/// A line of an order, a direct render and a design job have one each, once their pictures showed a part in the
/// fallback material.
#[utoipa::path(
    get, path = "/api/v1/material-reviews", operation_id = "list_material_reviews", tag = "materials",
    params(
        ("status" = Option<String>, Query, description = "Only reviews in this state: `open`, `resolved` or `closed`"),
        ("order_id" = Option<String>, Query, format = Uuid, description = "Only reviews of lines of this order"),
        ("product_id" = Option<String>, Query, format = Uuid, description = "Only reviews of lines and designs of this product"),
        ("part_key" = Option<String>, Query, description = "Only reviews with a part of this key"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Reviews per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of reviews", body = MaterialReviewPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let Page { items, next } = reviews::list(&state, &caller.0, filter(&params)?, params.page()?).await?;
    let page = MaterialReviewPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

fn filter(params: &Params) -> Result<ReviewFilter, Invalid> {
    Ok(ReviewFilter {
        status: params.parse("status", "`open`, `resolved` or `closed`")?,
        order: params.parse("order_id", "the id of an order")?,
        product: params.parse("product_id", "the id of a product")?,
        part_key: params.text("part_key").map(str::to_owned),
    })
}

/// Makes the review of an order line, a direct render or a design job
///
/// Where there is one already, that is the answer. Renders with parts in the fallback material make theirs by
/// themselves, unless the feature was switched off then.
#[utoipa::path(
    post, path = "/api/v1/material-reviews", operation_id = "create_material_review", tag = "materials",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer")),
    request_body = ReviewRequest,
    responses(
        (status = 200, description = "The review that was there", body = MaterialReview),
        (status = 201, description = "The new review", body = MaterialReview),
    ),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let subject = ReviewRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, PATH, idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        let opened = reviews::open(&own, &who, subject).await?;
        let status = if opened.is_new { StatusCode::CREATED } else { StatusCode::OK };
        Ok(tagged(status, &opened.review)?.with(LOCATION, format!("{PATH}/{}", opened.review.id)))
    })
    .await
}

/// Shows a review of materials
#[utoipa::path(
    get, path = "/api/v1/material-reviews/{id}", operation_id = "get_material_review", tag = "materials",
    params(("id" = String, Path, format = Uuid, description = "The review")),
    responses((status = 200, description = "The review", body = MaterialReview)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    Ok(tagged(StatusCode::OK, &reviews::get(&state, &caller.0, review_id(&id)?).await?)?.into_response())
}

/// Has fresh materials proposed
///
/// Fixes to which anything was done stay. What was dismissed or has failed for a name is not proposed again within 90
/// days.
#[utoipa::path(
    post, path = "/api/v1/material-reviews/{id}/refresh", operation_id = "refresh_material_review", tag = "materials",
    params(
        ("id" = String, Path, format = Uuid, description = "The review"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer"),
    ),
    responses((status = 200, description = "The review as it is now", body = MaterialReview)),
)]
pub(crate) async fn refresh(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let id = review_id(&id)?;
    let path = format!("{PATH}/{id}/refresh");
    let keyed = idempotency::of_request(&headers, &path, idempotency::hash_of(&Value::Null))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        tagged(StatusCode::OK, &reviews::refresh(&own, &who, id).await?)
    })
    .await
}

/// Applies the first fix of every part
///
/// Only those that are at least so sure, all of them together: each line is rendered again once.
#[utoipa::path(
    post, path = "/api/v1/material-reviews/{id}/apply-top", operation_id = "apply_top_fixes", tag = "materials",
    params(
        ("id" = String, Path, format = Uuid, description = "The review"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the review was read with: if it was changed since, nothing happens"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer"),
    ),
    request_body = ApplyTopRequest,
    responses((status = 200, description = "Which fixes were applied, and of which parts none", body = ApplyTopResult)),
)]
pub(crate) async fn apply_top(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let least = ApplyTopRequest::parse(&body)?;
    let of = (review_id(&id)?, expected_revision(&headers)?);
    let path = format!("{PATH}/{}/apply-top", of.0);
    let keyed = idempotency::of_request(&headers, &path, idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        let (result, version) = reviews::apply_top(&own, &who, of, least).await?;
        Ok(Answer::json(StatusCode::OK, &result)?.with(ETAG, format!("\"{version}\"")))
    })
    .await
}

/// Closes a review of materials
#[utoipa::path(
    post, path = "/api/v1/material-reviews/{id}/close", operation_id = "close_material_review", tag = "materials",
    params(("id" = String, Path, format = Uuid, description = "The review")),
    responses((status = 200, description = "The review as it is now", body = MaterialReview)),
)]
pub(crate) async fn close(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let review = reviews::happen(&state, &caller.0, review_id(&id)?, ReviewEvent::Close).await?;
    Ok(tagged(StatusCode::OK, &review)?.into_response())
}

/// Opens a closed review of materials again
#[utoipa::path(
    post, path = "/api/v1/material-reviews/{id}/reopen", operation_id = "reopen_material_review", tag = "materials",
    params(("id" = String, Path, format = Uuid, description = "The review")),
    responses((status = 200, description = "The review as it is now", body = MaterialReview)),
)]
pub(crate) async fn reopen(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let review = reviews::happen(&state, &caller.0, review_id(&id)?, ReviewEvent::Reopen).await?;
    Ok(tagged(StatusCode::OK, &review)?.into_response())
}

/// Writes the note about a review
///
/// In Markdown, by fixed rules. While nothing changes, it is the same: `from_cache` says that it was written before.
#[utoipa::path(
    post, path = "/api/v1/material-reviews/{id}/resolution-note/preview", operation_id = "preview_review_note", tag = "materials",
    params(("id" = String, Path, format = Uuid, description = "The review")),
    request_body(content = Option<NoteRequest>),
    responses((status = 200, description = "The note", body = ReviewNote)),
)]
pub(crate) async fn note(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    OptionalJsonBody(body): OptionalJsonBody,
) -> ApiResult<Response> {
    let kind = NoteRequest::parse(&body)?;
    let note = reviews::preview(&state, &caller.0, review_id(&id)?, kind).await?;
    Ok(Answer::json(StatusCode::OK, &note)?.into_response())
}

/// Follows a review of materials
///
/// Without `Last-Event-ID`, the first event is `snapshot`, with the review as its data. After it comes each change of
/// the review and of its fixes, and the states of what is rendered again, with its number as `id`. The stream ends when
/// the review is not open and nothing of it renders.
#[utoipa::path(
    get, path = "/api/v1/material-reviews/{id}/events", operation_id = "follow_material_review", tag = "materials",
    params(
        ("id" = String, Path, format = Uuid, description = "The review"),
        ("Last-Event-ID" = Option<i64>, Header, description = "Number of the last event that the client has seen"),
        ("after" = Option<i64>, Query, minimum = 0, description = "The same, as a query parameter"),
    ),
    responses(ReviewEvents),
)]
pub(crate) async fn follow(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let seen = events::last_seen(&headers, &params)?;
    let id = review_id(&id)?;
    let (review, last_seq) = reviews::follow(&state, &caller.0, id).await?;
    let beginning = match seen {
        Some(seq) => Beginning::After(seq),
        None => Beginning::of_snapshot(last_seq, &review)?,
    };
    events::answer(&state, &caller, &headers, StreamId::of_review(id), beginning).await
}
