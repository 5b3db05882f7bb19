//! API keys.

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
use crate::tenancy::api_keys::{self, Owners};
use packshot_contract::api_key::{ApiKey, ApiKeyPage, ApiKeyPatch, ApiKeyRequest, CreatedApiKey};
use packshot_contract::problem::Invalid;
use packshot_domain::id::KeyId;

const PATH: &str = "/api/v1/api-keys";

fn key_id(text: &str) -> ApiResult<KeyId> {
    text.parse().map_err(|_| ApiError::new(Code::ApiKeyNotFound, "there is no such API key"))
}

/// Lists API keys, newest first: the caller's, or those of all users
#[utoipa::path(
    get, path = "/api/v1/api-keys", operation_id = "list_api_keys", tag = "people",
    params(
        ("owner" = Option<String>, Query, description = "`me` if absent; `all`: the keys of all users, for admins only"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Keys per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of keys, without their secrets", body = ApiKeyPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let owners = match params.text("owner") {
        None | Some("me") => Owners::Me,
        Some("all") => Owners::All,
        Some(_) => return Err(Invalid::one("?owner", "unknown_value", "expected me or all").into()),
    };
    let Page { items, next } = api_keys::list(&state, &caller.0, owners, params.page()?).await?;
    let page = ApiKeyPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Creates an API key, which is shown in the answer, only once
#[utoipa::path(
    post, path = "/api/v1/api-keys", operation_id = "create_api_key", tag = "people",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request creates one API key; the repeated answer has no secret")),
    request_body = ApiKeyRequest,
    responses((status = 201, description = "The key", body = CreatedApiKey)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let new = ApiKeyRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, PATH, idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        let created = api_keys::create(&own, &who, new).await?;
        let location = format!("{PATH}/{}", created.key.id);
        let answer = Answer::json(StatusCode::CREATED, &created)?.with(LOCATION, location);
        Ok(answer.with(CACHE_CONTROL, "no-store".to_owned()).with_secret("secret"))
    })
    .await
}

/// Changes an API key; its scopes never change
#[utoipa::path(
    patch, path = "/api/v1/api-keys/{id}", operation_id = "change_api_key", tag = "people",
    params(("id" = String, Path, format = Uuid, description = "The key")),
    request_body(content((ApiKeyPatch = "application/merge-patch+json"), (ApiKeyPatch = "application/json"))),
    responses((status = 200, description = "The key as it is now", body = ApiKey)),
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let change = ApiKeyPatch::parse(&body)?;
    let key = api_keys::change(&state, &caller.0, key_id(&id)?, change).await?;
    Ok(Answer::json(StatusCode::OK, &key)?.into_response())
}

/// Revokes an API key; doing it twice is not an error
#[utoipa::path(
    post, path = "/api/v1/api-keys/{id}/revoke", operation_id = "revoke_api_key", tag = "people",
    params(
        ("id" = String, Path, format = Uuid, description = "The key"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer"),
    ),
    responses((status = 200, description = "The key as it is now", body = ApiKey)),
)]
pub(crate) async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let keyed = idempotency::of_request(&headers, &format!("{PATH}/{id}/revoke"), [0; 32])?;
    let id = key_id(&id)?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move { Answer::json(StatusCode::OK, &api_keys::revoke(&own, &who, id).await?) };
    idempotency::once(&state, &caller, keyed, once).await
}
