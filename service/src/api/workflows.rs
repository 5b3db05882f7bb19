//! Workflows: definitions listed, saved, shown, replaced, deleted; the steps and presets that there are.

pub(crate) mod comparison;
pub(crate) mod dispatch;
pub(crate) mod runs;

use axum::extract::{Path, State};
use axum::http::header::{ETAG, LOCATION};
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
use crate::app::Page;
use crate::workflow::{self, Deleted};
use packshot_contract::workflow::{
    PresetList, StepList, WorkflowDefinition, WorkflowPage, WorkflowRequest, presets as named_presets,
};
use packshot_domain::id::WorkflowId;

const PATH: &str = "/api/workflows";

/// The id in a path. Text that is not an id is the id of no definition.
fn workflow_id(text: &str) -> ApiResult<WorkflowId> {
    text.parse().map_err(|_| ApiError::new(Code::WorkflowNotFound, "there is no such workflow definition"))
}

/// A definition with its revision as the tag.
fn tagged(status: StatusCode, definition: &WorkflowDefinition) -> ApiResult<Answer> {
    Ok(Answer::json(status, definition)?.with(ETAG, format!("\"{}\"", definition.revision)))
}

/// Lists workflow definitions, newest first
#[utoipa::path(
    get, path = "/api/workflows", operation_id = "list_workflows", tag = "workflows",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Definitions per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of workflow definitions", body = WorkflowPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let Page { items, next } = workflow::list(&state, &caller.0, params.page()?).await?;
    let page = WorkflowPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Saves a workflow definition
///
/// Its graph is stored in its one form: short forms are written out, older names of steps are replaced, and what was
/// left out is filled in. Members of the body that are not known are ignored; in the graph they are errors.
#[utoipa::path(
    post, path = "/api/workflows", operation_id = "create_workflow", tag = "workflows",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer and saves one definition")),
    request_body = WorkflowRequest,
    responses((status = 201, description = "The definition", body = WorkflowDefinition)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let new = WorkflowRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, PATH, idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        let made = workflow::create(&own, &who, new).await?;
        Ok(tagged(StatusCode::CREATED, &made)?.with(LOCATION, format!("{PATH}/{}", made.id)))
    })
    .await
}

/// Shows a workflow definition
#[utoipa::path(
    get, path = "/api/workflows/{id}", operation_id = "get_workflow", tag = "workflows",
    params(("id" = String, Path, format = Uuid, description = "The definition")),
    responses((status = 200, description = "The definition", body = WorkflowDefinition)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    Ok(tagged(StatusCode::OK, &workflow::get(&state, &caller.0, workflow_id(&id)?).await?)?.into_response())
}

/// Saves a workflow definition again
///
/// Runs keep the graph that they were dispatched with.
#[utoipa::path(
    put, path = "/api/workflows/{id}", operation_id = "replace_workflow", tag = "workflows",
    params(
        ("id" = String, Path, format = Uuid, description = "The definition"),
        ("If-Match" = Option<String>, Header, description = "The ETag that it was read with: if it was saved since, nothing is changed"),
    ),
    request_body = WorkflowRequest,
    responses((status = 200, description = "The definition as it is now", body = WorkflowDefinition)),
)]
pub(crate) async fn replace(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let new = WorkflowRequest::parse(&body)?;
    let of = (workflow_id(&id)?, expected_revision(&headers)?);
    Ok(tagged(StatusCode::OK, &workflow::replace(&state, &caller.0, of, new).await?)?.into_response())
}

/// Deletes a workflow definition
///
/// One that has runs is kept for them, and cannot be dispatched any more: then the answer is the definition.
#[utoipa::path(
    delete, path = "/api/workflows/{id}", operation_id = "delete_workflow", tag = "workflows",
    params(
        ("id" = String, Path, format = Uuid, description = "The definition"),
        ("If-Match" = Option<String>, Header, description = "The ETag that it was read with: if it was saved since, nothing is changed"),
    ),
    responses(
        (status = 200, description = "It has runs: it is kept, and is not active any more", body = WorkflowDefinition),
        (status = 204, description = "It is deleted"),
    ),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let of = (workflow_id(&id)?, expected_revision(&headers)?);
    Ok(match workflow::delete(&state, &caller.0, of).await? {
        Deleted::Gone => StatusCode::NO_CONTENT.into_response(),
        Deleted::Kept(definition) => tagged(StatusCode::OK, &definition)?.into_response(),
    })
}

/// Lists the steps that nodes may have
///
/// Each with its parameters as JSON Schema, and whether it can be dispatched here.
#[utoipa::path(
    get, path = "/api/workflows/steps", operation_id = "list_workflow_steps", tag = "workflows",
    responses((status = 200, description = "The steps", body = StepList)),
)]
pub(crate) async fn steps(State(state): State<AppState>, caller: Caller) -> ApiResult<Response> {
    Ok(Answer::json(StatusCode::OK, &workflow::steps(&state, &caller.0).await?)?.into_response())
}

/// Lists the named presets
///
/// Each with the graph that it makes where nothing is said.
#[utoipa::path(
    get, path = "/api/workflows/presets", operation_id = "list_workflow_presets", tag = "workflows",
    responses((status = 200, description = "The presets", body = PresetList)),
)]
pub(crate) async fn presets(_: Caller) -> ApiResult<Response> {
    Ok(Answer::json(StatusCode::OK, &named_presets())?.into_response())
}
