//! Figures about renders.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::Caller;
use super::problem::ApiResult;
use super::query::Params;
use super::state::AppState;
use crate::renders;
use packshot_contract::analytics::RenderAnalytics;
use packshot_domain::time::Timestamp;

/// Shows figures about the renders of the tenant
#[utoipa::path(
    get, path = "/api/v1/analytics/renders", operation_id = "get_render_analytics", tag = "analytics",
    params(
        ("from" = Option<String>, Query, format = DateTime, description = "Renders accepted from this time on"),
        ("to" = Option<String>, Query, format = DateTime, description = "Renders accepted before this time"),
    ),
    responses((status = 200, description = "The figures", body = RenderAnalytics)),
)]
pub(crate) async fn renders(State(state): State<AppState>, caller: Caller, params: Params) -> ApiResult<Response> {
    let expected = "a time such as 2026-11-20T10:00:00Z";
    let from = params.parse::<Timestamp>("from", expected)?;
    let to = params.parse::<Timestamp>("to", expected)?;
    let figures = renders::statistics(&state, &caller.0, from, to).await?;
    Ok(Answer::json(StatusCode::OK, &figures)?.into_response())
}
