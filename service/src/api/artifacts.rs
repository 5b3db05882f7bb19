//! Artifacts: files of packages by their ids and by their content, the log of what happened, classes and figures.

pub(super) mod events;
pub(super) mod files;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::Caller;
use super::problem::ApiResult;
use super::state::AppState;
use crate::artifacts;
use packshot_contract::artifact::{ArtifactUsage, RetentionClassList};

/// Lists the classes that say how long packages are kept, the longest first
#[utoipa::path(
    get, path = "/api/v1/retention-classes", operation_id = "list_retention_classes", tag = "artifacts",
    responses((status = 200, description = "The classes, as they are without a tenant's own days", body = RetentionClassList)),
)]
pub(crate) async fn classes(State(state): State<AppState>, _: Caller) -> ApiResult<Response> {
    Ok(Answer::json(StatusCode::OK, &artifacts::classes(&state).await?)?.into_response())
}

/// Shows how much the tenant keeps
#[utoipa::path(
    get, path = "/api/v1/artifacts/usage", operation_id = "get_artifact_usage", tag = "artifacts",
    responses((status = 200, description = "Objects and bytes, and what is due within 30 days", body = ArtifactUsage)),
)]
pub(crate) async fn usage(State(state): State<AppState>, caller: Caller) -> ApiResult<Response> {
    Ok(Answer::json(StatusCode::OK, &artifacts::usage(&state, &caller.0).await?)?.into_response())
}
