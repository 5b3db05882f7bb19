//! Media assets: listed, counted, shown, changed, published, deleted; their bytes are below.

pub(crate) mod bulk;
pub(crate) mod gallery;

use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::{Caller, ListCaller};
use super::body::JsonBody;
use super::idempotency;
use super::precondition::expected_revision;
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use crate::media::filter::{AssetCursor, Given};
use crate::media::listing::{self, PAGE_SIZE, PAGE_SIZE_MAX, Part};
use crate::media::{self, changes};
use packshot_contract::media::{AssetFacets, AssetPage, AssetPatch, AssetVersions, MediaAsset};
use packshot_contract::problem::Invalid;
use packshot_domain::id::AssetId;
use packshot_domain::media::AssetEvent;

pub(super) fn asset_id(text: &str) -> ApiResult<AssetId> {
    text.parse().map_err(|_| ApiError::new(Code::AssetNotFound, "there is no such media asset"))
}

/// Lists media assets
///
/// The newest versions, the newest first, unless `state` and `sort` ask for others. A client sees the published ones of
/// its own orders. Filters are all to be fulfilled; of several values of one filter one is enough. An empty value
/// counts as absent.
#[utoipa::path(
    get, path = "/api/media/assets", operation_id = "list_media_assets", tag = "media",
    params(
        ("asset_type" = Option<String>, Query, description = "Only these, such as `still,turntable`"),
        ("category_key" = Option<String>, Query, description = "Only of products of this category; repeated for several"),
        ("lagertyp" = Option<String>, Query, description = "Only of products with this `lagertyp`; repeated for several"),
        ("render_status" = Option<String>, Query, description = "Only of order lines in these states, such as `completed`"),
        ("tenant_id" = Option<String>, Query, format = Uuid, description = "Only of this tenant: a global admin acts for it as with `X-Tenant-ID`"),
        ("q" = Option<String>, Query, max_length = 200, description = "Only those with these words, or words that begin so, in the product's name, `pim_id`, category and `lagertyp`, the file's name and the order's number; at most 10"),
        ("product_id" = Option<String>, Query, format = Uuid, description = "Only of this product"),
        ("order_id" = Option<String>, Query, format = Uuid, description = "Only of this order"),
        ("order_line_id" = Option<String>, Query, format = Uuid, description = "Only of this order line"),
        ("output_type_id" = Option<String>, Query, format = Uuid, description = "Only by this output type"),
        ("workflow_run_id" = Option<String>, Query, format = Uuid, description = "Only those that this workflow run made"),
        ("design_job_id" = Option<String>, Query, format = Uuid, description = "Only those that this design job made"),
        ("view_name" = Option<String>, Query, description = "Only this view, such as `front_0deg`"),
        ("media_type" = Option<String>, Query, description = "Only with this media type, such as `image/png`"),
        ("state" = Option<String>, Query, description = "Only in these states; `published,unpublished` if absent"),
        ("created_from" = Option<String>, Query, format = DateTime, description = "Only those that were saved then or later"),
        ("created_to" = Option<String>, Query, format = DateTime, description = "Only those that were saved before then"),
        ("sort" = Option<String>, Query, description = "`-created_at` if absent; or `created_at`, `name`, `-name`, `-size_bytes`"),
        ("page" = Option<u32>, Query, minimum = 1, description = "Which page, from 1"),
        ("page_size" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Assets per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "Instead of `page`: `next_cursor` of the previous page, which has its filters"),
    ),
    responses((status = 200, description = "A page of assets", body = AssetPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let given = Given::in_query(params.pairs());
    let (part, page_size) = part(&params)?;
    let page = listing::page(&state, &caller.0, given, part, page_size).await?;
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Which part of a list, and how many assets it has at most.
fn part(params: &Params) -> Result<(Part, u32), Invalid> {
    let number = |name: &str, max: u32, default: u32| {
        let Some(text) = params.text(name).filter(|text| !text.is_empty()) else { return Ok(default) };
        let number = text.parse().ok().filter(|number| (1..=max).contains(number));
        let expected = if max == u32::MAX { "expected 1 or more".to_owned() } else { format!("expected 1 to {max}") };
        number.ok_or_else(|| Invalid::one(format!("?{name}"), "out_of_range", expected))
    };
    let page_size = number("page_size", PAGE_SIZE_MAX, PAGE_SIZE)?;
    let page = number("page", u32::MAX, 1)?;
    match params.text("cursor").filter(|text| !text.is_empty()) {
        Some(cursor) => Ok((Part::After(AssetCursor::parse(cursor)?), page_size)),
        None => Ok((Part::Page(page), page_size)),
    }
}

/// Counts the media assets of a list by what can be filtered
///
/// With the filters of the list. Each value is counted without the filter by it; of each filter the 200 most frequent
/// values are there.
#[utoipa::path(
    get, path = "/api/media/assets/facets", operation_id = "get_media_facets", tag = "media",
    params(
        ("asset_type" = Option<String>, Query, description = "Only these, such as `still,turntable`"),
        ("category_key" = Option<String>, Query, description = "Only of products of this category; repeated for several"),
        ("lagertyp" = Option<String>, Query, description = "Only of products with this `lagertyp`; repeated for several"),
        ("render_status" = Option<String>, Query, description = "Only of order lines in these states, such as `completed`"),
        ("tenant_id" = Option<String>, Query, format = Uuid, description = "Only of this tenant: a global admin acts for it as with `X-Tenant-ID`"),
        ("q" = Option<String>, Query, max_length = 200, description = "Only those with these words"),
        ("product_id" = Option<String>, Query, format = Uuid, description = "Only of this product"),
        ("order_id" = Option<String>, Query, format = Uuid, description = "Only of this order"),
        ("order_line_id" = Option<String>, Query, format = Uuid, description = "Only of this order line"),
        ("output_type_id" = Option<String>, Query, format = Uuid, description = "Only by this output type"),
        ("workflow_run_id" = Option<String>, Query, format = Uuid, description = "Only those that this workflow run made"),
        ("design_job_id" = Option<String>, Query, format = Uuid, description = "Only those that this design job made"),
        ("view_name" = Option<String>, Query, description = "Only this view"),
        ("media_type" = Option<String>, Query, description = "Only with this media type"),
        ("state" = Option<String>, Query, description = "Only in these states; `published,unpublished` if absent"),
        ("created_from" = Option<String>, Query, format = DateTime, description = "Only those that were saved then or later"),
        ("created_to" = Option<String>, Query, format = DateTime, description = "Only those that were saved before then"),
    ),
    responses((status = 200, description = "The counts", body = AssetFacets)),
)]
pub(crate) async fn facets(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let facets = listing::facets(&state, &caller.0, &Given::in_query(params.pairs())).await?;
    Ok(Answer::json(StatusCode::OK, &facets)?.into_response())
}

/// Shows a media asset
///
/// A client finds the published ones of its own orders. The `ETag` is the asset's `revision`.
#[utoipa::path(
    get, path = "/api/media/assets/{id}", operation_id = "get_media_asset", tag = "media",
    params(("id" = String, Path, format = Uuid, description = "The asset")),
    responses((status = 200, description = "The asset", body = MediaAsset)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    shown(&media::get(&state, &caller.0, asset_id(&id)?).await?)
}

/// An asset with its revision.
fn answer(asset: &MediaAsset) -> ApiResult<Answer> {
    Ok(Answer::json(StatusCode::OK, asset)?.with(ETAG, format!("\"{}\"", asset.revision)))
}

fn shown(asset: &MediaAsset) -> ApiResult<Response> {
    Ok(answer(asset)?.into_response())
}

/// Changes what is said of a media asset
///
/// A merge patch: absent members stay, `null` clears. Admins hold an asset with `hold: true`, so that it neither
/// expires nor can be deleted.
#[utoipa::path(
    patch, path = "/api/media/assets/{id}", operation_id = "change_media_asset", tag = "media",
    params(
        ("id" = String, Path, format = Uuid, description = "The asset"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that the asset must still have"),
    ),
    request_body(content((AssetPatch = "application/merge-patch+json"), (AssetPatch = "application/json"))),
    responses((status = 200, description = "The asset as it is now", body = MediaAsset)),
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let expected = expected_revision(&headers)?;
    let edit = AssetPatch::parse(&body)?;
    shown(&changes::change(&state, &caller.0, asset_id(&id)?, expected, edit).await?)
}

/// Deletes a media asset
///
/// It leaves lists, its order line and the galleries of products. Its bytes go where nothing else needs them.
#[utoipa::path(
    delete, path = "/api/media/assets/{id}", operation_id = "delete_media_asset", tag = "media",
    params(("id" = String, Path, format = Uuid, description = "The asset")),
    responses((status = 204, description = "It is deleted")),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    changes::delete(&state, &caller.0, asset_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the versions of a media asset, the newest first
#[utoipa::path(
    get, path = "/api/media/assets/{id}/versions", operation_id = "list_media_asset_versions", tag = "media",
    params(("id" = String, Path, format = Uuid, description = "Any of them")),
    responses((status = 200, description = "The versions", body = AssetVersions)),
)]
pub(crate) async fn versions(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    Ok(Answer::json(StatusCode::OK, &media::versions(&state, &caller.0, asset_id(&id)?).await?)?.into_response())
}

/// Publishes a media asset
///
/// Clients see it with their orders from then on.
#[utoipa::path(
    post, path = "/api/media/assets/{id}/publish", operation_id = "publish_media_asset", tag = "media",
    params(
        ("id" = String, Path, format = Uuid, description = "The asset"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer"),
    ),
    responses((status = 200, description = "The asset as it is now", body = MediaAsset)),
)]
pub(crate) async fn publish(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let keyed = idempotency::of_request(&headers, &format!("/api/media/assets/{id}/publish"), [0; 32])?;
    let id = asset_id(&id)?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        answer(&changes::publish(&own, &who, id, AssetEvent::Publish).await?)
    })
    .await
}

/// Hides a media asset from clients
#[utoipa::path(
    post, path = "/api/media/assets/{id}/unpublish", operation_id = "unpublish_media_asset", tag = "media",
    params(
        ("id" = String, Path, format = Uuid, description = "The asset"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer"),
    ),
    responses((status = 200, description = "The asset as it is now", body = MediaAsset)),
)]
pub(crate) async fn unpublish(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let keyed = idempotency::of_request(&headers, &format!("/api/media/assets/{id}/unpublish"), [0; 32])?;
    let id = asset_id(&id)?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        answer(&changes::publish(&own, &who, id, AssetEvent::Unpublish).await?)
    })
    .await
}
