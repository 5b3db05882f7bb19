//! Galleries of products.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::asset_id;
use crate::api::answer::Answer;
use crate::api::auth::Caller;
use crate::api::body::JsonBody;
use crate::api::idempotency;
use crate::api::problem::ApiResult;
use crate::api::products::product_id;
use crate::api::state::AppState;
use crate::media::gallery;
use packshot_contract::media::{Gallery, GalleryAddition, GalleryItem, GalleryOrder};

/// Shows the gallery of a product, in order
///
/// A client sees the published assets of its own orders.
#[utoipa::path(
    get, path = "/api/v1/products/{id}/media", operation_id = "get_product_media", tag = "media",
    params(("id" = String, Path, format = Uuid, description = "The product")),
    responses((status = 200, description = "What the product shows", body = Gallery)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    Ok(Answer::json(StatusCode::OK, &gallery::get(&state, &caller.0, product_id(&id)?).await?)?.into_response())
}

/// Puts a media asset into the gallery of a product
#[utoipa::path(
    post, path = "/api/v1/products/{id}/media", operation_id = "add_product_media", tag = "media",
    params(
        ("id" = String, Path, format = Uuid, description = "The product"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer"),
    ),
    request_body = GalleryAddition,
    responses((status = 201, description = "The asset in its place", body = GalleryItem)),
)]
pub(crate) async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let (asset, position) = GalleryAddition::parse(&body)?;
    let path = format!("/api/v1/products/{id}/media");
    let keyed = idempotency::of_request(&headers, &path, idempotency::hash_of(&body))?;
    let id = product_id(&id)?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        Answer::json(StatusCode::CREATED, &gallery::add(&own, &who, id, asset, position).await?)
    })
    .await
}

/// Gives the gallery of a product another order
#[utoipa::path(
    put, path = "/api/v1/products/{id}/media", operation_id = "reorder_product_media", tag = "media",
    params(("id" = String, Path, format = Uuid, description = "The product")),
    request_body = GalleryOrder,
    responses((status = 200, description = "The gallery as it is now", body = Gallery)),
)]
pub(crate) async fn reorder(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let order = GalleryOrder::parse(&body)?;
    let gallery = gallery::reorder(&state, &caller.0, product_id(&id)?, order).await?;
    Ok(Answer::json(StatusCode::OK, &gallery)?.into_response())
}

/// Takes a media asset out of the gallery of a product
///
/// The asset stays.
#[utoipa::path(
    delete, path = "/api/v1/products/{id}/media/{asset_id}", operation_id = "remove_product_media", tag = "media",
    params(
        ("id" = String, Path, format = Uuid, description = "The product"),
        ("asset_id" = String, Path, format = Uuid, description = "The asset"),
    ),
    responses((status = 204, description = "It is no longer in the gallery")),
)]
pub(crate) async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, asset)): Path<(String, String)>,
) -> ApiResult<StatusCode> {
    gallery::remove(&state, &caller.0, product_id(&id)?, asset_id(&asset)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
