//! Signing in and out, and the first user of an installation.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::answer::Answer;
use super::auth::{Caller, Guest};
use super::body::{self, JsonBody};
use super::problem::{ApiError, ApiResult, Code};
use super::state::AppState;
use crate::tenancy::{setup, sign_in};
use packshot_contract::setup::Setup;
use packshot_contract::sign_in::{RefreshRequest, SetupRequest, SignInRequest, SignOutRequest, Tokens};

/// A sign-in as forms send it (RFC 6749, section 4.3.2).
#[derive(ToSchema)]
#[schema(as = SignInForm)]
#[expect(dead_code, reason = "describes the members, which are read one by one")]
pub(crate) struct SignInForm {
    /// The e-mail address.
    username: String,
    /// The password.
    password: String,
    /// The slug of the tenant.
    tenant: Option<String>,
}

/// An answer with tokens, which no cache may keep.
fn secret(status: StatusCode, tokens: &Tokens) -> ApiResult<Response> {
    Ok(Answer::json(status, tokens)?.with(CACHE_CONTROL, "no-store".to_owned()).into_response())
}

/// Signs in with an e-mail address and a password
///
/// The answer to a failed sign-in is the same whatever is wrong. After ten failures for an e-mail address, or a hundred
/// from a network address, within 15 minutes, further sign-ins are refused.
#[utoipa::path(
    post, path = "/api/auth/login", operation_id = "sign_in", tag = "people",
    request_body(content((SignInRequest = "application/json"), (SignInForm = "application/x-www-form-urlencoded"))),
    responses((status = 200, description = "An access token and a refresh token", body = Tokens)),
)]
pub(crate) async fn sign_in(
    State(state): State<AppState>,
    Guest(visitor): Guest,
    request: Request,
) -> ApiResult<Response> {
    let wish = SignInRequest::parse(&json_or_form(request).await?)?;
    secret(StatusCode::OK, &sign_in::sign_in(&state, wish, visitor).await?)
}

/// The body, as JSON: a form has the same members, but for the name of one.
async fn json_or_form(request: Request<Body>) -> ApiResult<Value> {
    let kind = body::media_type(request.headers());
    match kind.as_str() {
        "application/x-www-form-urlencoded" => {
            let bytes = body::read(request, body::JSON_BYTES_MAX).await?;
            let mut members = serde_json::Map::new();
            for (name, value) in form_urlencoded::parse(&bytes) {
                let name = if name == "username" { "email".to_owned() } else { name.into_owned() };
                members.insert(name, json!(value));
            }
            Ok(Value::Object(members))
        }
        _ if body::is_json(request.headers()) => body::parse(&body::read(request, body::JSON_BYTES_MAX).await?),
        _ => Err(ApiError::new(Code::UnsupportedMediaType, "expected application/json or a form")),
    }
}

/// Exchanges a refresh token for the next pair of tokens
///
/// Each refresh token works once, and for ten seconds more, in case an answer was lost. A later use ends the session.
#[utoipa::path(
    post, path = "/api/auth/refresh", operation_id = "refresh", tag = "people",
    request_body = RefreshRequest,
    responses((status = 200, description = "The next pair of tokens", body = Tokens)),
)]
pub(crate) async fn refresh(
    State(state): State<AppState>,
    Guest(visitor): Guest,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let RefreshRequest { refresh_token } = RefreshRequest::parse(&body)?;
    secret(StatusCode::OK, &sign_in::refresh(&state, &refresh_token, visitor.origin).await?)
}

/// Signs out: ends the session, or all sessions of the user
#[utoipa::path(
    post, path = "/api/auth/logout", operation_id = "sign_out", tag = "people",
    request_body = Option<SignOutRequest>,
    responses((status = 204, description = "The session has ended")),
)]
pub(crate) async fn sign_out(State(state): State<AppState>, caller: Caller, request: Request) -> ApiResult<StatusCode> {
    let has_body = body::is_json(request.headers());
    let bytes = body::read(request, body::JSON_BYTES_MAX).await?;
    let wish = match bytes.is_empty() {
        true => SignOutRequest::default(),
        false if has_body => SignOutRequest::parse(&body::parse(&bytes)?)?,
        false => return Err(ApiError::new(Code::UnsupportedMediaType, "expected application/json")),
    };
    sign_in::sign_out(&state, &caller.0, wish).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reports how far the installation is set up
#[utoipa::path(
    get, path = "/api/v1/setup", operation_id = "get_setup", tag = "instance",
    responses((status = 200, description = "How far the installation is set up", body = Setup)),
)]
pub(crate) async fn get_setup(State(state): State<AppState>) -> ApiResult<Response> {
    Ok(Answer::json(StatusCode::OK, &setup::get(&state).await?)?.into_response())
}

/// Creates the first user of the installation, a global admin, and signs them in
///
/// Works until there is a user with a password: without a key while the service is open to its own machine, otherwise
/// with a key of scope `admin`.
#[utoipa::path(
    post, path = "/api/v1/setup", operation_id = "complete_setup", tag = "instance",
    request_body = SetupRequest,
    responses((status = 201, description = "An access token and a refresh token", body = Tokens)),
)]
pub(crate) async fn complete_setup(
    State(state): State<AppState>,
    caller: Caller,
    Guest(visitor): Guest,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let first = SetupRequest::parse(&body)?;
    secret(StatusCode::CREATED, &setup::complete(&state, &caller.0, first, visitor).await?)
}
