//! Products: listed, made, shown, changed, deleted.

use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::{Caller, ListCaller};
use super::body::JsonBody;
use super::idempotency;
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use crate::app::Page;
use crate::products::{self, ProductFilter};
use packshot_contract::problem::Invalid;
use packshot_contract::product::{Product, ProductPage, ProductPatch, ProductRequest};
use packshot_domain::id::ProductId;

const PATH: &str = "/api/v1/products";

/// The id in a path. Text that is not an id is the id of no product.
pub(super) fn product_id(text: &str) -> ApiResult<ProductId> {
    text.parse().map_err(|_| ApiError::new(Code::ProductNotFound, "there is no such product"))
}

/// Lists products, newest first
#[utoipa::path(
    get, path = "/api/v1/products", operation_id = "list_products", tag = "catalogue",
    params(
        ("q" = Option<String>, Query, description = "Only products with this text in their name or their `pim_id`, in any case"),
        ("pim_id" = Option<String>, Query, description = "Only the product with this `pim_id`"),
        ("category_key" = Option<String>, Query, description = "Only products of this category"),
        ("lagertyp" = Option<String>, Query, description = "Only products with this `lagertyp`"),
        ("cad_file_id" = Option<String>, Query, format = Uuid, description = "Only products with this CAD file"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Products per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of products", body = ProductPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let Page { items, next } = products::list(&state, &caller.0, filter(&params)?, params.page()?).await?;
    let page = ProductPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

fn filter(params: &Params) -> Result<ProductFilter, Invalid> {
    let label = "1 to 200 characters";
    Ok(ProductFilter {
        query: params.text("q").filter(|query| !query.is_empty()).map(str::to_owned),
        pim_id: params.parse("pim_id", label)?,
        category_key: params.parse("category_key", label)?,
        lagertyp: params.parse("lagertyp", label)?,
        cad_file: params.parse("cad_file_id", "the id of a CAD file")?,
    })
}

/// Makes a product
///
/// Parts of its CAD file that `cad_part_materials` leaves out get the material that their own names lead to, if any:
/// `cad_part_sources` says how it was found.
#[utoipa::path(
    post, path = "/api/v1/products", operation_id = "create_product", tag = "catalogue",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer and makes one product")),
    request_body = ProductRequest,
    responses((status = 201, description = "The product", body = Product)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let new = ProductRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, PATH, idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        let made = products::create(&own, &who, new).await?;
        Ok(Answer::json(StatusCode::CREATED, &made)?.with(LOCATION, format!("{PATH}/{}", made.id)))
    })
    .await
}

/// Shows a product
#[utoipa::path(
    get, path = "/api/v1/products/{id}", operation_id = "get_product", tag = "catalogue",
    params(("id" = String, Path, format = Uuid, description = "The product")),
    responses((status = 200, description = "The product", body = Product)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let shown = products::get(&state, &caller.0, product_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &shown)?.into_response())
}

/// Changes a product
///
/// A merge patch: absent members stay, `null` clears. With another CAD file, entries that were found in the old one go,
/// and the parts of the new one are filled as those of a new product are.
#[utoipa::path(
    patch, path = "/api/v1/products/{id}", operation_id = "change_product", tag = "catalogue",
    params(("id" = String, Path, format = Uuid, description = "The product")),
    request_body(content((ProductPatch = "application/merge-patch+json"), (ProductPatch = "application/json"))),
    responses((status = 200, description = "The product as it is now", body = Product)),
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let change = ProductPatch::parse(&body)?;
    let changed = products::change(&state, &caller.0, product_id(&id)?, change).await?;
    Ok(Answer::json(StatusCode::OK, &changed)?.into_response())
}

/// Deletes a product
#[utoipa::path(
    delete, path = "/api/v1/products/{id}", operation_id = "delete_product", tag = "catalogue",
    params(("id" = String, Path, format = Uuid, description = "The product")),
    responses((status = 204, description = "It is deleted")),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    products::delete(&state, &caller.0, product_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
