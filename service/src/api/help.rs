//! Help texts.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::problem::ApiResult;
use crate::help;
use packshot_contract::help::Help;

/// Explains everything that can be set and done
///
/// Settings under all their names, members of a tenant's configuration, options of pictures in steps, output types and
/// templates, and actions; with units, ranges, and what to watch out for.
#[utoipa::path(
    get, path = "/api/v1/help", operation_id = "get_help", tag = "instance",
    responses((status = 200, description = "All help texts", body = Help)),
)]
pub(crate) async fn get() -> ApiResult<Response> {
    Ok(Answer::json(StatusCode::OK, help::texts())?.into_response())
}
