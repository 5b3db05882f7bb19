//! Media assets: shown, and their bytes.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::{Caller, ListCaller};
use super::files;
use super::media::ArtifactBytes;
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use crate::app::Page;
use crate::media::{self, AssetFilter};
use packshot_contract::media::{AssetPage, MediaAsset};
use packshot_domain::id::AssetId;

fn asset_id(text: &str) -> ApiResult<AssetId> {
    text.parse().map_err(|_| ApiError::new(Code::AssetNotFound, "there is no such media asset"))
}

/// Lists media assets, newest first
///
/// The newest versions, unless `state` asks for others. A client sees the published ones of its own orders.
#[utoipa::path(
    get, path = "/api/media/assets", operation_id = "list_media_assets", tag = "media",
    params(
        ("asset_type" = Option<String>, Query, description = "Only these, such as `still,turntable`"),
        ("state" = Option<String>, Query, description = "Only in these states; `published,unpublished` if absent"),
        ("product_id" = Option<String>, Query, format = Uuid, description = "Only of this product"),
        ("order_id" = Option<String>, Query, format = Uuid, description = "Only of this order"),
        ("order_line_id" = Option<String>, Query, format = Uuid, description = "Only of this order line"),
        ("output_type_id" = Option<String>, Query, format = Uuid, description = "Only by this output type"),
        ("workflow_run_id" = Option<String>, Query, format = Uuid, description = "Only those that this workflow run made"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Assets per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of assets", body = AssetPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let filter = AssetFilter {
        types: params.parse_each("asset_type", "types such as still or turntable")?,
        states: params.parse_each("state", "states such as published or superseded")?,
        product: params.parse("product_id", "the id of a product")?,
        order: params.parse("order_id", "the id of an order")?,
        line: params.parse("order_line_id", "the id of an order line")?,
        output_type: params.parse("output_type_id", "the id of an output type")?,
        run: params.parse("workflow_run_id", "the id of a workflow run")?,
        owner: None,
    };
    let Page { items, next } = media::list(&state, &caller.0, filter, params.page()?).await?;
    let page = AssetPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Shows a media asset
///
/// A client finds the published ones of its own orders.
#[utoipa::path(
    get, path = "/api/media/assets/{id}", operation_id = "get_media_asset", tag = "media",
    params(("id" = String, Path, format = Uuid, description = "The asset")),
    responses((status = 200, description = "The asset", body = MediaAsset)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    Ok(Answer::json(StatusCode::OK, &media::get(&state, &caller.0, asset_id(&id)?).await?)?.into_response())
}

/// Fetches the bytes of a media asset
#[utoipa::path(
    get, path = "/api/media/assets/{id}/content", operation_id = "get_media_asset_content", tag = "media",
    params(
        ("id" = String, Path, format = Uuid, description = "The asset"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-None-Match" = Option<String>, Header, description = "`ETag` of what the client already has"),
    ),
    responses(ArtifactBytes),
)]
pub(crate) async fn content(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let (address, media_type) = media::content(&state, &caller.0, asset_id(&id)?).await?;
    files::respond(&state, &caller.0, &address, &media_type, &headers).await
}
