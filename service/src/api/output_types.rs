//! Output types: listed, made, shown, changed, deleted.

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
use crate::products::output_types;
use crate::tenancy::RenderSettings;
use packshot_contract::output_type::{OutputType, OutputTypePage, OutputTypePatch, OutputTypeRequest};
use packshot_domain::id::OutputTypeId;

const PATH: &str = "/api/v1/output-types";

/// The id in a path. Text that is not an id is the id of no output type.
fn output_type_id(text: &str) -> ApiResult<OutputTypeId> {
    text.parse().map_err(|_| ApiError::new(Code::OutputTypeNotFound, "there is no such output type"))
}

/// Lists output types, newest first
#[utoipa::path(
    get, path = "/api/v1/output-types", operation_id = "list_output_types", tag = "catalogue",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Output types per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of output types", body = OutputTypePage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let Page { items, next } = output_types::list(&state, &caller.0, params.page()?).await?;
    let page = OutputTypePage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Makes an output type
///
/// Its settings are checked as those of a request are: options that contradict one another, and limits.
#[utoipa::path(
    post, path = "/api/v1/output-types", operation_id = "create_output_type", tag = "catalogue",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer and makes one output type")),
    request_body = OutputTypeRequest,
    responses((status = 201, description = "The output type", body = OutputType)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let settings = RenderSettings::in_force(&state, &caller.0).await?;
    let new = OutputTypeRequest::parse(&body, settings.allowed())?;
    let keyed = idempotency::of_request(&headers, PATH, idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        let made = output_types::create(&own, &who, new, &settings).await?;
        Ok(Answer::json(StatusCode::CREATED, &made)?.with(LOCATION, format!("{PATH}/{}", made.id)))
    })
    .await
}

/// Shows an output type
#[utoipa::path(
    get, path = "/api/v1/output-types/{id}", operation_id = "get_output_type", tag = "catalogue",
    params(("id" = String, Path, format = Uuid, description = "The output type")),
    responses((status = 200, description = "The output type", body = OutputType)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let shown = output_types::get(&state, &caller.0, output_type_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &shown)?.into_response())
}

/// Changes an output type
///
/// A merge patch: absent members stay, `null` is the default; the settings and the gate are replaced as a whole.
#[utoipa::path(
    patch, path = "/api/v1/output-types/{id}", operation_id = "change_output_type", tag = "catalogue",
    params(("id" = String, Path, format = Uuid, description = "The output type")),
    request_body(content((OutputTypePatch = "application/merge-patch+json"), (OutputTypePatch = "application/json"))),
    responses((status = 200, description = "The output type as it is now", body = OutputType)),
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let settings = RenderSettings::in_force(&state, &caller.0).await?;
    let change = OutputTypePatch::parse(&body, settings.allowed())?;
    let changed = output_types::change(&state, &caller.0, output_type_id(&id)?, change, &settings).await?;
    Ok(Answer::json(StatusCode::OK, &changed)?.into_response())
}

/// Deletes an output type that no render template is for
#[utoipa::path(
    delete, path = "/api/v1/output-types/{id}", operation_id = "delete_output_type", tag = "catalogue",
    params(("id" = String, Path, format = Uuid, description = "The output type")),
    responses((status = 204, description = "It is deleted")),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    output_types::delete(&state, &caller.0, output_type_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
