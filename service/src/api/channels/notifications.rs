//! What the caller is told.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::api::answer::Answer;
use crate::api::auth::Caller;
use crate::api::body::JsonBody;
use crate::api::idempotency;
use crate::api::problem::{ApiError, ApiResult, Code};
use crate::api::query::Params;
use crate::api::state::AppState;
use crate::app::Page;
use crate::channels::notifications::{self, NotificationFilter};
use packshot_contract::channel::marks::{MarkReadRequest, Marked, UnreadCount};
use packshot_contract::channel::{Notification, NotificationPage};
use packshot_domain::id::EntryId;

const PATH: &str = "/api/notifications";

/// The id in a path. Text that is not an id is the id of no notification.
fn entry_id(text: &str) -> ApiResult<EntryId> {
    text.parse().map_err(|_| ApiError::new(Code::NotificationNotFound, "there is no such notification"))
}

/// Lists your notifications, newest first
#[utoipa::path(
    get, path = "/api/notifications", operation_id = "list_notifications", tag = "notifications",
    params(
        ("unread" = Option<bool>, Query, description = "Only unread ones, or only read ones"),
        ("event_type" = Option<String>, Query, description = "Only of this type, such as `order.rejected`"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Notifications per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of notifications", body = NotificationPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> ApiResult<Response> {
    let filter = NotificationFilter {
        is_unread: params.parse("unread", "true or false")?,
        event_type: params.parse("event_type", "a type such as order.rejected")?,
    };
    let (Page { items, next }, unread_count) = notifications::list(&state, &caller.0, filter, params.page()?).await?;
    let page = NotificationPage { items, unread_count, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Counts what you have to read
#[utoipa::path(
    get, path = "/api/notifications/unread-count", operation_id = "count_unread", tag = "notifications",
    responses((status = 200, description = "Unread notifications, and open alerts that nobody has acknowledged", body = UnreadCount)),
)]
pub(crate) async fn unread_count(State(state): State<AppState>, caller: Caller) -> ApiResult<Response> {
    let count = notifications::count_unread(&state, &caller.0).await?;
    Ok(Answer::json(StatusCode::OK, &count)?.into_response())
}

/// Shows one of your notifications
#[utoipa::path(
    get, path = "/api/notifications/{id}", operation_id = "get_notification", tag = "notifications",
    params(("id" = String, Path, format = Uuid, description = "The notification")),
    responses((status = 200, description = "The notification", body = Notification)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let shown = notifications::get(&state, &caller.0, entry_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &shown)?.into_response())
}

/// Deletes one of your notifications
///
/// What it told of stays as it is, and so does the activity.
#[utoipa::path(
    delete, path = "/api/notifications/{id}", operation_id = "delete_notification", tag = "notifications",
    params(("id" = String, Path, format = Uuid, description = "The notification")),
    responses((status = 204, description = "It is gone")),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    notifications::delete(&state, &caller.0, entry_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Marks one of your notifications as read
///
/// Of one that was read, `read_at` stays.
#[utoipa::path(
    post, path = "/api/notifications/{id}/read", operation_id = "mark_notification_read", tag = "notifications",
    params(
        ("id" = String, Path, format = Uuid, description = "The notification"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer"),
    ),
    responses((status = 200, description = "The notification as it is now", body = Notification)),
)]
pub(crate) async fn read(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    mark(state, caller, headers, id, true).await
}

/// Marks one of your notifications as not read
#[utoipa::path(
    post, path = "/api/notifications/{id}/unread", operation_id = "mark_notification_unread", tag = "notifications",
    params(
        ("id" = String, Path, format = Uuid, description = "The notification"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer"),
    ),
    responses((status = 200, description = "The notification as it is now", body = Notification)),
)]
pub(crate) async fn unread(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    mark(state, caller, headers, id, false).await
}

async fn mark(state: AppState, caller: Caller, headers: HeaderMap, id: String, is_read: bool) -> ApiResult<Response> {
    // Keys are the tenant's, and an answer is its reader's alone.
    let path = format!("{PATH}/{id}/{}#{}", if is_read { "read" } else { "unread" }, caller.0.user);
    let keyed = idempotency::of_request(&headers, &path, idempotency::hash_of(&serde_json::Value::Null))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        Answer::json(StatusCode::OK, &notifications::mark(&own, &who, entry_id(&id)?, is_read).await?)
    })
    .await
}

/// Marks many of your notifications as read
///
/// Either some by their `ids`, or `all`, those up to a time where `before` is given.
#[utoipa::path(
    post, path = "/api/notifications/read", operation_id = "mark_notifications_read", tag = "notifications",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer")),
    request_body = MarkReadRequest,
    responses((status = 200, description = "How many became read, and how many are unread now", body = Marked)),
)]
pub(crate) async fn read_many(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let which = MarkReadRequest::parse(&body)?;
    let path = format!("{PATH}/read#{}", caller.0.user);
    let keyed = idempotency::of_request(&headers, &path, idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        Answer::json(StatusCode::OK, &notifications::mark_read(&own, &who, which).await?)
    })
    .await
}
