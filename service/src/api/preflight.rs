//! Checks of a file before it is rendered. Nothing is rendered or kept.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::answer::Answer;
use super::auth::Caller;
use super::idempotency;
use super::problem::ApiResult;
use super::renders::submit::{RenderForm, receive};
use super::state::AppState;
use crate::renders;
use packshot_contract::preflight::Preflight;
use packshot_contract::request::RenderRequest;

/// Checks a product without rendering it
///
/// Takes the same request as a render, and answers which part would get which material and why, the findings about the
/// file, and its size.
#[utoipa::path(
    post, path = "/api/v1/preflight", operation_id = "preflight", tag = "renders",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer")),
    request_body(content(
        (RenderForm = "multipart/form-data"),
        (RenderRequest = "application/json"),
    )),
    responses((status = 200, description = "The report", body = Preflight)),
)]
pub(crate) async fn preflight(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> ApiResult<Response> {
    let (received, hash) = receive(&state, &caller.0, request).await?;
    let keyed = idempotency::of_request(&headers, "/api/v1/preflight", hash)?;
    let (own, who) = (state.clone(), caller.0.clone());
    let look = async move { Answer::json(StatusCode::OK, &renders::preflight(&own, &who, received).await?) };
    idempotency::once(&state, &caller, keyed, look).await
}
