//! Orders: listed, made, shown, edited, deleted, submitted, rejected, resubmitted; their lines and their history.

pub(super) mod events;
pub(super) mod lines;

use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::answer::Answer;
use super::auth::{Caller, ListCaller};
use super::body::JsonBody;
use super::idempotency;
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use crate::app::Page;
use crate::orders;
use packshot_contract::Word;
use packshot_contract::dispatch::OrderDispatch;
use packshot_contract::order::{
    CancelledRenders, Order, OrderHistory, OrderPage, OrderPatch, OrderRequest, OrderStatus, RejectRequest,
};
use packshot_contract::problem::Invalid;
use packshot_domain::id::OrderId;

const PATH: &str = "/api/orders";

/// The id in a path. Text that is not an id is the id of no order.
fn order_id(text: &str) -> ApiResult<OrderId> {
    text.parse().map_err(|_| ApiError::new(Code::OrderNotFound, "there is no such order"))
}

/// Lists orders, newest first
///
/// A client sees its own.
#[utoipa::path(
    get, path = "/api/orders", operation_id = "list_orders", tag = "orders",
    params(
        ("status" = Option<OrderStatus>, Query, description = "Only orders in this state"),
        ("order_number" = Option<String>, Query, description = "Only the order with this number"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Orders per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of orders", body = OrderPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let status = params.text("status").map(|word| {
        let unknown = || Invalid::one("?status", "unknown_value", format!("expected one of {}", OrderStatus::list()));
        OrderStatus::by_word(word).ok_or_else(unknown)
    });
    let status = status.transpose()?.map(Into::into);
    let number = params.parse("order_number", "the number of an order")?;
    let Page { items, next } = orders::list(&state, &caller.0, (status, number), params.page()?).await?;
    let page = OrderPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Makes an order, as a draft
///
/// Without a number it gets the next one of the year. Members of the body that are not known are ignored.
#[utoipa::path(
    post, path = "/api/orders", operation_id = "create_order", tag = "orders",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer and makes one order")),
    request_body = OrderRequest,
    responses((status = 201, description = "The order", body = Order)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let new = OrderRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, PATH, idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        let order = orders::create(&own, &who, new).await?;
        Ok(Answer::json(StatusCode::CREATED, &order)?.with(LOCATION, format!("{PATH}/{}", order.summary.id)))
    })
    .await
}

/// Shows an order with its lines
#[utoipa::path(
    get, path = "/api/orders/{id}", operation_id = "get_order", tag = "orders",
    params(("id" = String, Path, format = Uuid, description = "The order")),
    responses((status = 200, description = "The order", body = Order)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let order = orders::get(&state, &caller.0, order_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &order)?.into_response())
}

/// Edits a draft
///
/// A merge patch: absent members stay, `null` clears the notes. Members that are not known are ignored.
#[utoipa::path(
    patch, path = "/api/orders/{id}", operation_id = "edit_order", tag = "orders",
    params(("id" = String, Path, format = Uuid, description = "The order")),
    request_body(content((OrderPatch = "application/merge-patch+json"), (OrderPatch = "application/json"))),
    responses((status = 200, description = "The order as it is now", body = Order)),
)]
pub(crate) async fn edit(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let edit = OrderPatch::parse(&body)?;
    let order = orders::edit(&state, &caller.0, order_id(&id)?, edit).await?;
    Ok(Answer::json(StatusCode::OK, &order)?.into_response())
}

/// Deletes a draft with its lines
#[utoipa::path(
    delete, path = "/api/orders/{id}", operation_id = "delete_order", tag = "orders",
    params(("id" = String, Path, format = Uuid, description = "The order")),
    responses((status = 204, description = "It is deleted")),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    orders::delete(&state, &caller.0, order_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Hands a draft over
///
/// From then on it cannot be edited.
#[utoipa::path(
    post, path = "/api/orders/{id}/submit", operation_id = "submit_order", tag = "orders",
    params(
        ("id" = String, Path, format = Uuid, description = "The order"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer"),
    ),
    responses((status = 200, description = "The order as it is now", body = Order)),
)]
pub(crate) async fn submit(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let id = order_id(&id)?;
    let keyed = idempotency::of_request(&headers, &format!("{PATH}/{id}/submit"), idempotency::hash_of(&Value::Null))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        Answer::json(StatusCode::OK, &orders::submit(&own, &who, id).await?)
    })
    .await
}

/// Refuses an order
///
/// Its lines that wait are cancelled, and those that are worked on are when their work has stopped. Members of the body
/// that are not known are ignored.
#[utoipa::path(
    post, path = "/api/orders/{id}/reject", operation_id = "reject_order", tag = "orders",
    params(
        ("id" = String, Path, format = Uuid, description = "The order"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer"),
    ),
    request_body = RejectRequest,
    responses((status = 200, description = "The order as it is now", body = Order)),
)]
pub(crate) async fn reject(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let rejection = RejectRequest::parse(&body)?;
    let id = order_id(&id)?;
    let keyed = idempotency::of_request(&headers, &format!("{PATH}/{id}/reject"), idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        Answer::json(StatusCode::OK, &orders::reject(&own, &who, id, rejection).await?)
    })
    .await
}

/// Dispatches the lines of an order
///
/// Every line that waits, has failed or was cancelled, and whose work has stopped. A line that is refused has `error`
/// in its result and stops no other.
#[utoipa::path(
    post, path = "/api/orders/{id}/dispatch", operation_id = "dispatch_order", tag = "orders",
    params(
        ("id" = String, Path, format = Uuid, description = "The order"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer"),
    ),
    responses((status = 200, description = "What became of each line", body = OrderDispatch)),
)]
pub(crate) async fn dispatch(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let id = order_id(&id)?;
    let path = format!("{PATH}/{id}/dispatch");
    let keyed = idempotency::of_request(&headers, &path, idempotency::hash_of(&Value::Null))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        Answer::json(StatusCode::OK, &orders::dispatch(&own, &who, id).await?)
    })
    .await
}

/// Cancels the lines of an order that wait or are worked on
///
/// Lines that have ended stay. An order whose lines were all cancelled is `submitted` again.
#[utoipa::path(
    post, path = "/api/orders/{id}/cancel-renders", operation_id = "cancel_order_renders", tag = "orders",
    params(
        ("id" = String, Path, format = Uuid, description = "The order"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer"),
    ),
    responses((status = 200, description = "The lines", body = CancelledRenders)),
)]
pub(crate) async fn cancel_renders(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let id = order_id(&id)?;
    let path = format!("{PATH}/{id}/cancel-renders");
    let keyed = idempotency::of_request(&headers, &path, idempotency::hash_of(&Value::Null))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        Answer::json(StatusCode::OK, &orders::cancel_renders(&own, &who, id).await?)
    })
    .await
}

/// Opens a rejected order again, as a draft
///
/// Its cancelled and failed lines wait once more. It keeps its id and its number.
#[utoipa::path(
    post, path = "/api/orders/{id}/resubmit", operation_id = "resubmit_order", tag = "orders",
    params(
        ("id" = String, Path, format = Uuid, description = "The order"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer"),
    ),
    responses((status = 200, description = "The order as it is now", body = Order)),
)]
pub(crate) async fn resubmit(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let id = order_id(&id)?;
    let path = format!("{PATH}/{id}/resubmit");
    let keyed = idempotency::of_request(&headers, &path, idempotency::hash_of(&Value::Null))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        Answer::json(StatusCode::OK, &orders::resubmit(&own, &who, id).await?)
    })
    .await
}

/// Shows every change of an order's state, oldest first
#[utoipa::path(
    get, path = "/api/orders/{id}/history", operation_id = "get_order_history", tag = "orders",
    params(("id" = String, Path, format = Uuid, description = "The order")),
    responses((status = 200, description = "The changes", body = OrderHistory)),
)]
pub(crate) async fn history(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let history = orders::history(&state, &caller.0, order_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &history)?.into_response())
}
