//! Figures about renders.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::Caller;
use super::problem::ApiResult;
use super::query::Params;
use super::state::AppState;
use packshot_contract::analytics::{OutputTypeAnalytics, RenderAnalytics};
use packshot_db::renders::{self, Statistics};
use packshot_domain::time::Timestamp;

/// Sums up the renders of the tenant
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
    let figures = renders::statistics(&state.db, caller.scope(), from, to).await?;
    Ok(Answer::json(StatusCode::OK, &convert(figures))?.into_response())
}

fn convert(figures: Statistics) -> RenderAnalytics {
    let Statistics { renders_total, completed, failed, cancelled, avg_render_s, p95_render_s, avg_queue_s } = figures;
    // Every render there is was asked for directly, so there is one group at most, and no CAD file was converted for it.
    let direct = OutputTypeAnalytics { output_type_id: None, completed, avg_render_s };
    RenderAnalytics {
        renders_total,
        completed,
        failed,
        cancelled,
        avg_render_s,
        p95_render_s,
        avg_glb_s: None,
        avg_queue_s,
        by_output_type: if completed > 0 { vec![direct] } else { Vec::new() },
    }
}
