//! Renders: submitted, listed, shown, cancelled, deleted.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::{Caller, ListCaller};
use super::idempotency;
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use crate::app::Page;
use crate::renders::{self, Cancelled};
use packshot_contract::Word;
use packshot_contract::job::{Job, JobState};
use packshot_contract::page::JobPage;
use packshot_contract::problem::Invalid;
use packshot_domain::id::RenderId;
use packshot_domain::principal::Principal;

pub(crate) mod events;
pub(crate) mod log;
pub(crate) mod provenance;
pub(crate) mod results;
pub(crate) mod submit;

/// The id in a path. Text that is not an id is the id of no render.
///
/// # Errors
/// [`Code::RenderNotFound`].
pub(crate) fn render_id(text: &str) -> ApiResult<RenderId> {
    text.parse().map_err(|_| ApiError::new(Code::RenderNotFound, "there is no such render"))
}

/// Lists renders, newest first
#[utoipa::path(
    get, path = "/api/v1/renders", operation_id = "list_renders", tag = "renders",
    params(
        ("state" = Option<JobState>, Query, description = "Only jobs in this state"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Jobs per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of jobs", body = JobPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let page = params.page()?;
    let filter = params.text("state").map(|word| {
        let unknown = || Invalid::one("?state", "unknown_value", format!("expected one of {}", JobState::list()));
        JobState::by_word(word).ok_or_else(unknown)
    });
    let filter = filter.transpose()?.map(Into::into);
    let Page { items, next } = renders::list(&state, &caller.0, filter, page).await?;
    let page = JobPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Shows a render
#[utoipa::path(
    get, path = "/api/v1/renders/{id}", operation_id = "get_render", tag = "renders",
    params(("id" = String, Path, format = Uuid, description = "The render")),
    responses((status = 200, description = "The job", body = Job)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let job = renders::get(&state, &caller.0, render_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &job)?.into_response())
}

/// Cancels a render
///
/// A waiting job is cancelled immediately. A running one stops within two seconds; until then the answer is 202.
#[utoipa::path(
    post, path = "/api/v1/renders/{id}/cancel", operation_id = "cancel_render", tag = "renders",
    params(
        ("id" = String, Path, format = Uuid, description = "The render"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer"),
    ),
    responses(
        (status = 200, description = "The job has ended, now or before", body = Job),
        (status = 202, description = "The job is being stopped", body = Job),
    ),
)]
pub(crate) async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let request = idempotency::of_request(&headers, &format!("/api/v1/renders/{id}/cancel"), [0; 32])?;
    let id = render_id(&id)?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, request, async move { cancel_once(&own, &who, id).await }).await
}

async fn cancel_once(state: &AppState, who: &Principal, id: RenderId) -> ApiResult<Answer> {
    match renders::cancel(state, who, id).await? {
        Cancelled::Ended(job) => Answer::json(StatusCode::OK, &job),
        Cancelled::Stopping(job) => Answer::json(StatusCode::ACCEPTED, &job),
    }
}

/// Deletes a render that has ended, with its packages
///
/// Packages that are held, and those of the class `raw-evidence`, stay: these are only deleted for a reason.
#[utoipa::path(
    delete, path = "/api/v1/renders/{id}", operation_id = "delete_render", tag = "renders",
    params(("id" = String, Path, format = Uuid, description = "The render")),
    responses((status = 204, description = "It is deleted")),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    renders::delete(&state, &caller.0, render_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
