//! Graphs, saved or not: dispatched, and checked beforehand.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{PATH, workflow_id};
use crate::api::answer::Answer;
use crate::api::auth::Caller;
use crate::api::body::JsonBody;
use crate::api::idempotency;
use crate::api::problem::ApiResult;
use crate::api::query::Params;
use crate::api::state::AppState;
use crate::workflow;
use packshot_contract::workflow::{
    ContextQuery, GraphDispatch, GraphDispatchRequest, GraphPreflight, GraphPreflightRequest,
};

/// Dispatches a workflow definition
///
/// It runs as a graph, whatever its `ui.execution_mode` says of order lines. A node that fails within the dispatch is
/// 409 `graph_execution_failed` with the run and the node.
#[utoipa::path(
    post, path = "/api/workflows/{id}/dispatch", operation_id = "dispatch_workflow", tag = "workflows",
    params(
        ("id" = String, Path, format = Uuid, description = "The definition"),
        ("context_id" = String, Query, format = Uuid, description = "The order line, or the CAD file"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer and makes one run"),
    ),
    responses((status = 200, description = "How it was dispatched", body = GraphDispatch)),
)]
pub(crate) async fn saved(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let ContextQuery { context } = ContextQuery::parse(params.text("context_id"))?;
    let id = workflow_id(&id)?;
    let hash = idempotency::hash_of(&json!({"context_id": context}));
    let keyed = idempotency::of_request(&headers, &format!("{PATH}/{id}/dispatch"), hash)?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        Answer::json(StatusCode::OK, &workflow::dispatch_saved(&own, &who, id, context).await?)
    })
    .await
}

/// Dispatches a graph
///
/// The graph of the request is dispatched; `workflow_id` is only recorded. Members of the body that are not known are
/// ignored; in the graph they are errors.
#[utoipa::path(
    post, path = "/api/workflows/dispatch", operation_id = "dispatch_graph", tag = "workflows",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer and makes one run")),
    request_body = GraphDispatchRequest,
    responses((status = 200, description = "How it was dispatched", body = GraphDispatch)),
)]
pub(crate) async fn draft(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let draft = GraphDispatchRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, &format!("{PATH}/dispatch"), idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        Answer::json(StatusCode::OK, &workflow::dispatch_draft(&own, &who, draft).await?)
    })
    .await
}

/// Checks what a dispatch of a workflow definition would do
#[utoipa::path(
    get, path = "/api/workflows/{id}/preflight", operation_id = "preflight_workflow", tag = "workflows",
    params(
        ("id" = String, Path, format = Uuid, description = "The definition"),
        ("context_id" = String, Query, format = Uuid, description = "The order line, or the CAD file"),
    ),
    responses((status = 200, description = "What was found; nothing is changed", body = GraphPreflight)),
)]
pub(crate) async fn preflight_saved(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Response> {
    let ContextQuery { context } = ContextQuery::parse(params.text("context_id"))?;
    let found = workflow::preflight_saved(&state, &caller.0, workflow_id(&id)?, context).await?;
    Ok(Answer::json(StatusCode::OK, &found)?.into_response())
}

/// Checks what a dispatch of a graph would do
///
/// Members of the body that are not known are ignored; in the graph they are errors.
#[utoipa::path(
    post, path = "/api/workflows/preflight", operation_id = "preflight_graph", tag = "workflows",
    request_body = GraphPreflightRequest,
    responses((status = 200, description = "What was found; nothing is changed", body = GraphPreflight)),
)]
pub(crate) async fn preflight_draft(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let draft = GraphPreflightRequest::parse(&body)?;
    let found = workflow::preflight_draft(&state, &caller.0, draft).await?;
    Ok(Answer::json(StatusCode::OK, &found)?.into_response())
}
