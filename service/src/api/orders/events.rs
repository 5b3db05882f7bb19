//! The events of orders and of the jobs of their lines as streams.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::lines::line_id;
use super::order_id;
use crate::api::auth::Caller;
use crate::api::events::{self, Beginning};
use crate::api::media::{LineEvents, OrderEvents};
use crate::api::problem::ApiResult;
use crate::api::query::Params;
use crate::api::state::AppState;
use crate::orders;
use packshot_domain::stream::StreamId;

/// Follows an order
///
/// Without `Last-Event-ID`, the first event is `snapshot`, with the order as its data. After it comes each change of
/// its state and of those of its lines, with its number as `id`, and the progress of what renders for it, without one.
/// The stream ends when the order is completed or rejected and nothing of it renders.
#[utoipa::path(
    get, path = "/api/orders/{id}/events", operation_id = "follow_order", tag = "orders",
    params(
        ("id" = String, Path, format = Uuid, description = "The order"),
        ("Last-Event-ID" = Option<i64>, Header, description = "Number of the last event that the client has seen"),
        ("after" = Option<i64>, Query, minimum = 0, description = "The same, as a query parameter"),
    ),
    responses(OrderEvents),
)]
pub(crate) async fn of_order(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let seen = events::last_seen(&headers, &params)?;
    let id = order_id(&id)?;
    let (order, last_seq) = orders::follow(&state, &caller.0, id).await?;
    let beginning = match seen {
        Some(seq) => Beginning::After(seq),
        None => Beginning::of_snapshot(last_seq, &order)?,
    };
    events::answer(&state, &caller, &headers, StreamId::of_order(id), beginning).await
}

/// Follows what renders for a line
///
/// Without `Last-Event-ID`, the first event is `snapshot`, with the document of the newest job as its data. After it
/// comes every event of the line's jobs, with its number as `id`. The stream ends with the job.
#[utoipa::path(
    get, path = "/api/v1/order-lines/{id}/job/events", operation_id = "follow_order_line_job", tag = "orders",
    params(
        ("id" = String, Path, format = Uuid, description = "The line"),
        ("Last-Event-ID" = Option<i64>, Header, description = "Number of the last event that the client has seen"),
        ("after" = Option<i64>, Query, minimum = 0, description = "The same, as a query parameter"),
    ),
    responses(LineEvents),
)]
pub(crate) async fn of_line(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let seen = events::last_seen(&headers, &params)?;
    let id = line_id(&id)?;
    let (document, last_seq) = orders::follow_job(&state, &caller.0, id).await?;
    let beginning = match seen {
        Some(seq) => Beginning::After(seq),
        None => Beginning::of_snapshot(last_seq, &document)?,
    };
    events::answer(&state, &caller, &headers, StreamId::of_line(id), beginning).await
}
