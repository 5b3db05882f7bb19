//! The users of a tenant.

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::{Caller, ListCaller};
use super::body::JsonBody;
use super::idempotency;
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use crate::app::Page;
use crate::tenancy::users;
use packshot_contract::user::{CreatedUser, TemporaryPassword, User, UserPage, UserPatch, UserRequest};
use packshot_domain::id::UserId;

const PATH: &str = "/api/v1/users";

fn user_id(text: &str) -> ApiResult<UserId> {
    text.parse().map_err(|_| ApiError::new(Code::UserNotFound, "there is no such user"))
}

/// Lists users, newest first
#[utoipa::path(
    get, path = "/api/v1/users", operation_id = "list_users", tag = "people",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Users per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of users", body = UserPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let Page { items, next } = users::list(&state, &caller.0, params.page()?).await?;
    let page = UserPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Creates a user
///
/// Without a password, the answer has a temporary one, shown only once; the user has to change it before anything else.
#[utoipa::path(
    post, path = "/api/v1/users", operation_id = "create_user", tag = "people",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request creates one user; the repeated answer has no password")),
    request_body = UserRequest,
    responses((status = 201, description = "The user", body = CreatedUser)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let new = UserRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, PATH, idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        let created = users::create(&own, &who, new).await?;
        let location = format!("{PATH}/{}", created.user.id);
        let answer = Answer::json(StatusCode::CREATED, &created)?.with(LOCATION, location);
        Ok(answer.with(CACHE_CONTROL, "no-store".to_owned()).with_secret("temporary_password"))
    })
    .await
}

/// Shows a user
#[utoipa::path(
    get, path = "/api/v1/users/{id}", operation_id = "get_user", tag = "people",
    params(("id" = String, Path, format = Uuid, description = "The user")),
    responses((status = 200, description = "The user", body = User)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let user = users::get(&state, &caller.0, user_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &user)?.into_response())
}

/// Changes a user
///
/// A new role or password takes effect within seconds; a new password ends all sessions of the user.
#[utoipa::path(
    patch, path = "/api/v1/users/{id}", operation_id = "change_user", tag = "people",
    params(("id" = String, Path, format = Uuid, description = "The user")),
    request_body(content((UserPatch = "application/merge-patch+json"), (UserPatch = "application/json"))),
    responses((status = 200, description = "The user as it is now", body = User)),
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let change = UserPatch::parse(&body)?;
    let user = users::change(&state, &caller.0, user_id(&id)?, change).await?;
    Ok(Answer::json(StatusCode::OK, &user)?.into_response())
}

/// Deletes a user
///
/// E-mail address and name are removed; the id stays in whatever the user did.
#[utoipa::path(
    delete, path = "/api/v1/users/{id}", operation_id = "delete_user", tag = "people",
    params(("id" = String, Path, format = Uuid, description = "The user")),
    responses((status = 204, description = "The user is deleted")),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    users::delete(&state, &caller.0, user_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a user a temporary password, shown only once; all sessions of the user end
#[utoipa::path(
    post, path = "/api/v1/users/{id}/reset-password", operation_id = "reset_password", tag = "people",
    params(
        ("id" = String, Path, format = Uuid, description = "The user"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request makes one password; the repeated answer has none"),
    ),
    responses((status = 200, description = "The password", body = TemporaryPassword)),
)]
pub(crate) async fn reset_password(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let id = user_id(&id)?;
    let path = format!("{PATH}/{id}/reset-password");
    let keyed = idempotency::of_request(&headers, &path, *blake3::hash(b"").as_bytes())?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        let made = users::reset_password(&own, &who, id).await?;
        let answer = Answer::json(StatusCode::OK, &made)?.with(CACHE_CONTROL, "no-store".to_owned());
        Ok(answer.with_secret("temporary_password"))
    })
    .await
}
