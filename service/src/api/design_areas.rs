//! Printable areas of products: what there could be, and what people have named.

use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::Caller;
use super::body::JsonBody;
use super::idempotency;
use super::problem::{ApiError, ApiResult, Code};
use super::products::product_id;
use super::state::AppState;
use crate::designs::areas;
use packshot_contract::design::{DesignArea, DesignAreaList, DesignAreaPatch, DesignAreaRequest, DetectedAreas};
use packshot_domain::id::DesignAreaId;

/// The id in a path. Text that is not an id is the id of no area.
fn area_id(text: &str) -> ApiResult<DesignAreaId> {
    text.parse().map_err(|_| ApiError::new(Code::DesignAreaNotFound, "the product has no such printable area"))
}

/// Lists the printable areas of a product, the oldest first
#[utoipa::path(
    get, path = "/api/v1/products/{id}/design-areas", operation_id = "list_design_areas", tag = "media",
    params(("id" = String, Path, format = Uuid, description = "The product")),
    responses((status = 200, description = "The areas", body = DesignAreaList)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    Ok(Answer::json(StatusCode::OK, &areas::list(&state, &caller.0, product_id(&id)?).await?)?.into_response())
}

/// Names a printable area of a product
///
/// It is measured in the product's file.
#[utoipa::path(
    post, path = "/api/v1/products/{id}/design-areas", operation_id = "create_design_area", tag = "media",
    params(
        ("id" = String, Path, format = Uuid, description = "The product"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer and makes one area"),
    ),
    request_body = DesignAreaRequest,
    responses((status = 201, description = "The area", body = DesignArea)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let path = format!("/api/v1/products/{id}/design-areas");
    let product = product_id(&id)?;
    let wish = DesignAreaRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, &path, idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move {
        let made = areas::create(&own, &who, product, wish).await?;
        Ok(Answer::json(StatusCode::CREATED, &made)?.with(LOCATION, format!("{path}/{}", made.id)))
    };
    idempotency::once(&state, &caller, keyed, once).await
}

/// Shows a printable area
#[utoipa::path(
    get, path = "/api/v1/products/{id}/design-areas/{area_id}", operation_id = "get_design_area", tag = "media",
    params(
        ("id" = String, Path, format = Uuid, description = "The product"),
        ("area_id" = String, Path, format = Uuid, description = "The area"),
    ),
    responses((status = 200, description = "The area", body = DesignArea)),
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, area)): Path<(String, String)>,
) -> ApiResult<Response> {
    let shown = areas::get(&state, &caller.0, (product_id(&id)?, area_id(&area)?)).await?;
    Ok(Answer::json(StatusCode::OK, &shown)?.into_response())
}

/// Changes a printable area
///
/// A merge patch: absent members stay. It is measured again.
#[utoipa::path(
    patch, path = "/api/v1/products/{id}/design-areas/{area_id}", operation_id = "change_design_area", tag = "media",
    params(
        ("id" = String, Path, format = Uuid, description = "The product"),
        ("area_id" = String, Path, format = Uuid, description = "The area"),
    ),
    request_body(content((DesignAreaPatch = "application/merge-patch+json"), (DesignAreaPatch = "application/json"))),
    responses((status = 200, description = "The area as it is now", body = DesignArea)),
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, area)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let changed = areas::change(&state, &caller.0, (product_id(&id)?, area_id(&area)?), &body).await?;
    Ok(Answer::json(StatusCode::OK, &changed)?.into_response())
}

/// Deletes a printable area
#[utoipa::path(
    delete, path = "/api/v1/products/{id}/design-areas/{area_id}", operation_id = "delete_design_area", tag = "media",
    params(
        ("id" = String, Path, format = Uuid, description = "The product"),
        ("area_id" = String, Path, format = Uuid, description = "The area"),
    ),
    responses((status = 204, description = "It is deleted")),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, area)): Path<(String, String)>,
) -> ApiResult<StatusCode> {
    areas::delete(&state, &caller.0, (product_id(&id)?, area_id(&area)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows what of a product could be a printable area
///
/// Every material and every part of its file on which a design could lie, largest first.
#[utoipa::path(
    get, path = "/api/v1/products/{id}/design-areas/detect", operation_id = "detect_design_areas", tag = "media",
    params(("id" = String, Path, format = Uuid, description = "The product")),
    responses((status = 200, description = "What could be an area", body = DetectedAreas)),
)]
pub(crate) async fn detect(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let found = areas::detected(&state, &caller.0, product_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &found)?.into_response())
}
