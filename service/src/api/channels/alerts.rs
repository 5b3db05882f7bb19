//! Trouble with the installation.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::api::answer::Answer;
use crate::api::auth::{Caller, ListCaller};
use crate::api::idempotency;
use crate::api::problem::{ApiError, ApiResult, Code};
use crate::api::query::Params;
use crate::api::state::AppState;
use crate::app::Page;
use crate::channels::alerts::{self, AlertFilter};
use packshot_contract::channel::{Alert, AlertPage};
use packshot_domain::id::EntryId;

/// The id in a path. Text that is not an id is the id of no alert.
fn entry_id(text: &str) -> ApiResult<EntryId> {
    text.parse().map_err(|_| ApiError::new(Code::AlertNotFound, "there is no such alert"))
}

/// Lists alerts, newest first
///
/// You see those of your tenant; the admins of the operating tenant and global admins also those of the installation,
/// whose `tenant_id` is `null`.
#[utoipa::path(
    get, path = "/api/v1/alerts", operation_id = "list_alerts", tag = "notifications",
    params(
        ("state" = Option<String>, Query, description = "Only `open` or `resolved`"),
        ("event_type" = Option<String>, Query, description = "Only of this type, such as `cad_file.stuck`"),
        ("severity" = Option<String>, Query, description = "Only `info`, `warning` or `error`"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Alerts per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of alerts", body = AlertPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let filter = AlertFilter {
        state: params.parse("state", "open or resolved")?,
        event_type: params.parse("event_type", "a type such as cad_file.stuck")?,
        severity: params.parse("severity", "info, warning or error")?,
    };
    let Page { items, next } = alerts::list(&state, &caller.0, filter, params.page()?).await?;
    let page = AlertPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Shows an alert
#[utoipa::path(
    get, path = "/api/v1/alerts/{id}", operation_id = "get_alert", tag = "notifications",
    params(("id" = String, Path, format = Uuid, description = "The alert")),
    responses((status = 200, description = "The alert", body = Alert)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let shown = alerts::get(&state, &caller.0, entry_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &shown)?.into_response())
}

/// Says that you have seen an alert
///
/// It stays open for as long as what it is about lasts. Who acknowledged it first, and when, stays.
#[utoipa::path(
    post, path = "/api/v1/alerts/{id}/acknowledge", operation_id = "acknowledge_alert", tag = "notifications",
    params(
        ("id" = String, Path, format = Uuid, description = "The alert"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer"),
    ),
    responses((status = 200, description = "The alert as it is now", body = Alert)),
)]
pub(crate) async fn acknowledge(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let path = format!("/api/v1/alerts/{id}/acknowledge");
    let keyed = idempotency::of_request(&headers, &path, idempotency::hash_of(&serde_json::Value::Null))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        Answer::json(StatusCode::OK, &alerts::acknowledge(&own, &who, entry_id(&id)?).await?)
    })
    .await
}
