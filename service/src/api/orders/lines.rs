//! Lines of orders: added, removed, shown, dispatched, cancelled.

use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::{PATH, order_id};
use crate::api::answer::Answer;
use crate::api::auth::Caller;
use crate::api::body::JsonBody;
use crate::api::idempotency;
use crate::api::problem::{ApiError, ApiResult, Code};
use crate::api::state::AppState;
use crate::orders::{self, CancelledLine};
use packshot_contract::dispatch::DispatchResult;
use packshot_contract::document::Document;
use packshot_contract::order::{OrderLine, OrderLineRequest};
use packshot_domain::id::OrderLineId;

/// The id in a path. Text that is not an id is the id of no line.
pub(super) fn line_id(text: &str) -> ApiResult<OrderLineId> {
    text.parse().map_err(|_| ApiError::new(Code::OrderLineNotFound, "there is no such order line"))
}

/// Adds a line to a draft
///
/// Members of the body that are not known are ignored.
#[utoipa::path(
    post, path = "/api/orders/{id}/lines", operation_id = "add_order_line", tag = "orders",
    params(
        ("id" = String, Path, format = Uuid, description = "The order"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer and adds one line"),
    ),
    request_body = OrderLineRequest,
    responses((status = 201, description = "The line", body = OrderLine)),
)]
pub(crate) async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let line = OrderLineRequest::parse(&body)?;
    let id = order_id(&id)?;
    let keyed = idempotency::of_request(&headers, &format!("{PATH}/{id}/lines"), idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        let line = orders::add_line(&own, &who, id, line).await?;
        Ok(Answer::json(StatusCode::CREATED, &line)?.with(LOCATION, format!("/api/v1/order-lines/{}", line.id)))
    })
    .await
}

/// Removes a line from a draft
#[utoipa::path(
    delete, path = "/api/orders/{id}/lines/{line_id}", operation_id = "remove_order_line", tag = "orders",
    params(
        ("id" = String, Path, format = Uuid, description = "The order"),
        ("line_id" = String, Path, format = Uuid, description = "The line"),
    ),
    responses((status = 204, description = "It is removed")),
)]
pub(crate) async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, line)): Path<(String, String)>,
) -> ApiResult<StatusCode> {
    orders::remove_line(&state, &caller.0, order_id(&id)?, line_id(&line)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows a line of an order
#[utoipa::path(
    get, path = "/api/v1/order-lines/{id}", operation_id = "get_order_line", tag = "orders",
    params(("id" = String, Path, format = Uuid, description = "The line")),
    responses((status = 200, description = "The line", body = OrderLine)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let line = orders::line(&state, &caller.0, line_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &line)?.into_response())
}

/// Shows what a line's newest job does
#[utoipa::path(
    get, path = "/api/v1/order-lines/{id}/job", operation_id = "get_order_line_job", tag = "orders",
    params(("id" = String, Path, format = Uuid, description = "The line")),
    responses((status = 200, description = "The document of the job", body = Document)),
)]
pub(crate) async fn job(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let document = orders::document(&state, &caller.0, line_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &document)?.into_response())
}

/// Dispatches a line
///
/// It is rendered as its output type and the render template that fits it say. One that has ended is rendered again.
#[utoipa::path(
    post, path = "/api/v1/order-lines/{id}/dispatch", operation_id = "dispatch_order_line", tag = "orders",
    params(
        ("id" = String, Path, format = Uuid, description = "The line"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer and makes one job"),
    ),
    responses((status = 200, description = "How it was dispatched", body = DispatchResult)),
)]
pub(crate) async fn dispatch(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let id = line_id(&id)?;
    let path = format!("/api/v1/order-lines/{id}/dispatch");
    let keyed = idempotency::of_request(&headers, &path, idempotency::hash_of(&Value::Null))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        Answer::json(StatusCode::OK, &orders::dispatch_line(&own, &who, id).await?)
    })
    .await
}

/// Cancels a line
///
/// One that waits is cancelled immediately, the work of one that runs stops within two seconds, and one that has ended
/// stays as it is.
#[utoipa::path(
    post, path = "/api/v1/order-lines/{id}/cancel", operation_id = "cancel_order_line", tag = "orders",
    params(("id" = String, Path, format = Uuid, description = "The line")),
    responses(
        (status = 200, description = "The line, which has ended or waits for nothing", body = OrderLine),
        (status = 202, description = "The line, whose work is stopping", body = OrderLine),
    ),
)]
pub(crate) async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let CancelledLine { line, is_stopping } = orders::cancel_line(&state, &caller.0, line_id(&id)?).await?;
    let status = if is_stopping { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok(Answer::json(status, &line)?.into_response())
}
