//! The caller's own account.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::Caller;
use super::body::JsonBody;
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use crate::app::Page;
use crate::tenancy::account;
use packshot_contract::account::{Account, AccountPatch, PasswordRequest};
use packshot_contract::sign_in::SessionPage;

/// Shows who the caller is, and what they may do
#[utoipa::path(
    get, path = "/api/v1/me", operation_id = "get_account", tag = "people",
    responses((status = 200, description = "The caller", body = Account)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller) -> ApiResult<Response> {
    Ok(Answer::json(StatusCode::OK, &account::get(&state, &caller.0).await?)?.into_response())
}

/// Changes the caller's name
#[utoipa::path(
    patch, path = "/api/v1/me", operation_id = "change_account", tag = "people",
    request_body(content((AccountPatch = "application/merge-patch+json"), (AccountPatch = "application/json"))),
    responses((status = 200, description = "The caller", body = Account)),
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let name = AccountPatch::parse(&body)?;
    Ok(Answer::json(StatusCode::OK, &account::rename(&state, &caller.0, name).await?)?.into_response())
}

/// Changes the caller's password
///
/// All other sessions end.
#[utoipa::path(
    put, path = "/api/v1/me/password", operation_id = "change_password", tag = "people",
    request_body = PasswordRequest,
    responses((status = 204, description = "The password is changed")),
)]
pub(crate) async fn change_password(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody,
) -> ApiResult<StatusCode> {
    let change = PasswordRequest::parse(&body)?;
    account::change_password(&state, &caller.0, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the caller's sessions that have not ended, newest first
#[utoipa::path(
    get, path = "/api/v1/me/sessions", operation_id = "list_sessions", tag = "people",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Sessions per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of sessions", body = SessionPage)),
)]
pub(crate) async fn sessions(State(state): State<AppState>, caller: Caller, params: Params) -> ApiResult<Response> {
    let Page { items, next } = account::sessions(&state, &caller.0, params.page()?).await?;
    let page = SessionPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Ends one of the caller's sessions
#[utoipa::path(
    delete, path = "/api/v1/me/sessions/{id}", operation_id = "end_session", tag = "people",
    params(("id" = String, Path, format = Uuid, description = "The session")),
    responses((status = 204, description = "The session has ended")),
)]
pub(crate) async fn end_session(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let id = id.parse().map_err(|_| ApiError::new(Code::SessionNotFound, "there is no such session"))?;
    account::end_session(&state, &caller.0, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
