//! Several media assets at once.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::api::answer::Answer;
use crate::api::auth::Caller;
use crate::api::body::JsonBody;
use crate::api::idempotency;
use crate::api::problem::ApiResult;
use crate::api::state::AppState;
use crate::media::changes;
use packshot_contract::media::{AssetSelection, BulkResult};
use packshot_domain::media::AssetEvent;

/// Publishes media assets: each by itself
#[utoipa::path(
    post, path = "/api/media/assets/publish", operation_id = "publish_media_assets", tag = "media",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer")),
    request_body = AssetSelection,
    responses((status = 200, description = "How many have changed, and which could not", body = BulkResult)),
)]
pub(crate) async fn publish_all(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let ids = AssetSelection::parse(&body)?;
    let keyed = idempotency::of_request(&headers, "/api/media/assets/publish", idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        Answer::json(StatusCode::OK, &changes::publish_all(&own, &who, ids, AssetEvent::Publish).await?)
    })
    .await
}

/// Hides media assets from clients: each by itself
#[utoipa::path(
    post, path = "/api/media/assets/unpublish", operation_id = "unpublish_media_assets", tag = "media",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer")),
    request_body = AssetSelection,
    responses((status = 200, description = "How many have changed, and which could not", body = BulkResult)),
)]
pub(crate) async fn unpublish_all(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let ids = AssetSelection::parse(&body)?;
    let keyed = idempotency::of_request(&headers, "/api/media/assets/unpublish", idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        Answer::json(StatusCode::OK, &changes::publish_all(&own, &who, ids, AssetEvent::Unpublish).await?)
    })
    .await
}

/// Deletes media assets: each by itself
#[utoipa::path(
    post, path = "/api/media/assets/delete", operation_id = "delete_media_assets", tag = "media",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer")),
    request_body = AssetSelection,
    responses((status = 200, description = "How many are deleted, and which could not be", body = BulkResult)),
)]
pub(crate) async fn delete_all(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let ids = AssetSelection::parse(&body)?;
    let keyed = idempotency::of_request(&headers, "/api/media/assets/delete", idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        Answer::json(StatusCode::OK, &changes::delete_all(&own, &who, ids).await?)
    })
    .await
}
