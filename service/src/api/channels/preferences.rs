//! What the caller chooses to be told, and when.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::api::answer::Answer;
use crate::api::auth::Caller;
use crate::api::body::JsonBody;
use crate::api::problem::ApiResult;
use crate::api::state::AppState;
use crate::channels::preferences;
use packshot_contract::channel::preference::{NotificationConfig, NotificationConfigChange, NotificationConfigs};

/// Lists what you can choose to be told, and how often
#[utoipa::path(
    get, path = "/api/v1/notification-configs", operation_id = "list_notification_configs", tag = "notifications",
    responses((status = 200, description = "One row for each type that can be chosen, stored or default", body = NotificationConfigs)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller) -> ApiResult<Response> {
    Ok(Answer::json(StatusCode::OK, &preferences::list(&state, &caller.0).await?)?.into_response())
}

/// Chooses whether you are told something, and how often
///
/// `hourly` tells at the full hour what came together, `daily` at `digest_hour_utc`. What waits is told as you have
/// chosen by then, within a minute; `never` drops it.
#[utoipa::path(
    put, path = "/api/v1/notification-configs/{event_type}", operation_id = "put_notification_config", tag = "notifications",
    params(("event_type" = String, Path, description = "The type, such as `order.submitted`")),
    request_body = NotificationConfigChange,
    responses((status = 200, description = "What holds from now on", body = NotificationConfig)),
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    caller: Caller,
    Path(event_type): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let change = NotificationConfigChange::parse(&body)?;
    let chosen = preferences::change(&state, &caller.0, &event_type, change).await?;
    Ok(Answer::json(StatusCode::OK, &chosen)?.into_response())
}
