//! Tenants, for global admins; and the caller's own.

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::Caller;
use super::body::{JsonBody, OptionalJsonBody};
use super::idempotency;
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use crate::app::Page;
use crate::tenancy::tenants;
use packshot_contract::tenant::{CreatedTenant, DeactivateRequest, Tenant, TenantPage, TenantPatch, TenantRequest};
use packshot_domain::id::TenantId;

const PATH: &str = "/api/v1/tenants";

fn tenant_id(text: &str) -> ApiResult<TenantId> {
    text.parse().map_err(|_| ApiError::new(Code::TenantNotFound, "there is no such tenant"))
}

fn ok(tenant: &Tenant) -> ApiResult<Response> {
    Ok(Answer::json(StatusCode::OK, tenant)?.into_response())
}

/// Lists the tenants, newest first
///
/// Tenants that have been deleted for good are not listed.
#[utoipa::path(
    get, path = "/api/v1/tenants", operation_id = "list_tenants", tag = "tenants",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Tenants per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of tenants", body = TenantPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, params: Params) -> ApiResult<Response> {
    let Page { items, next } = tenants::list(&state, params.page()?).await?;
    let page = TenantPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Creates a tenant with its first admin
///
/// Without a password, the answer has a temporary one, shown only once; the admin has to change it before anything
/// else. The slug never changes; if absent, it is made from the name. Slugs of deleted tenants stay taken.
#[utoipa::path(
    post, path = "/api/v1/tenants", operation_id = "create_tenant", tag = "tenants",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request creates one tenant; the repeated answer has no password")),
    request_body = TenantRequest,
    responses((status = 201, description = "The tenant and its admin", body = CreatedTenant)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let new = TenantRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, PATH, idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        let created = tenants::create(&own, &who, new).await?;
        let location = format!("{PATH}/{}", created.tenant.id);
        let answer = Answer::json(StatusCode::CREATED, &created)?.with(LOCATION, location);
        Ok(answer.with(CACHE_CONTROL, "no-store".to_owned()).with_secret("temporary_password"))
    })
    .await
}

/// Shows a tenant, with what it uses
#[utoipa::path(
    get, path = "/api/v1/tenants/{id}", operation_id = "get_tenant", tag = "tenants",
    params(("id" = String, Path, format = Uuid, description = "The tenant")),
    responses((status = 200, description = "The tenant", body = Tenant)),
)]
pub(crate) async fn get(State(state): State<AppState>, Path(id): Path<String>) -> ApiResult<Response> {
    ok(&tenants::get(&state, tenant_id(&id)?).await?)
}

/// Gives a tenant another name
///
/// Its slug stays.
#[utoipa::path(
    patch, path = "/api/v1/tenants/{id}", operation_id = "change_tenant", tag = "tenants",
    params(("id" = String, Path, format = Uuid, description = "The tenant")),
    request_body(content((TenantPatch = "application/merge-patch+json"), (TenantPatch = "application/json"))),
    responses((status = 200, description = "The tenant as it is now", body = Tenant)),
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let name = TenantPatch::parse(&body)?;
    ok(&tenants::rename(&state, &caller.0, tenant_id(&id)?, name).await?)
}

/// Deletes a deactivated tenant, 30 days from now
///
/// Until `delete_after` of the answer it can be restored with everything it has. Then its users, renders, files, keys
/// and its part of the audit log are removed. What was done to the tenant itself stays in the operating tenant's audit
/// log.
#[utoipa::path(
    delete, path = "/api/v1/tenants/{id}", operation_id = "delete_tenant", tag = "tenants",
    params(
        ("id" = String, Path, format = Uuid, description = "The tenant"),
        ("confirm" = String, Query, description = "The tenant's slug, to confirm that this is the right tenant"),
    ),
    responses((status = 202, description = "The tenant; its data is removed after `delete_after`", body = Tenant)),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Response> {
    let confirm = params.text("confirm").map(str::to_owned);
    let tenant = tenants::delete(&state, &caller.0, tenant_id(&id)?, confirm).await?;
    Ok(Answer::json(StatusCode::ACCEPTED, &tenant)?.into_response())
}

/// Locks the users of a tenant out
///
/// Within five seconds sign-ins, tokens and keys are refused and event streams close. Waiting jobs stay and do not
/// start; running ones finish, or are cancelled with `cancel_running`. The body may be left out.
#[utoipa::path(
    post, path = "/api/v1/tenants/{id}/deactivate", operation_id = "deactivate_tenant", tag = "tenants",
    params(
        ("id" = String, Path, format = Uuid, description = "The tenant"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer"),
    ),
    request_body = DeactivateRequest,
    responses((status = 200, description = "The tenant as it is now", body = Tenant)),
)]
pub(crate) async fn deactivate(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    OptionalJsonBody(body): OptionalJsonBody,
) -> ApiResult<Response> {
    let DeactivateRequest { cancel_running } = DeactivateRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, &format!("{PATH}/{id}/deactivate"), idempotency::hash_of(&body))?;
    let id = tenant_id(&id)?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move { Answer::json(StatusCode::OK, &tenants::deactivate(&own, &who, id, cancel_running).await?) };
    idempotency::once(&state, &caller, keyed, once).await
}

/// Lets the users of a deactivated tenant in again
///
/// Waiting jobs start. Tokens that have not expired work again.
#[utoipa::path(
    post, path = "/api/v1/tenants/{id}/activate", operation_id = "activate_tenant", tag = "tenants",
    params(
        ("id" = String, Path, format = Uuid, description = "The tenant"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer"),
    ),
    responses((status = 200, description = "The tenant as it is now", body = Tenant)),
)]
pub(crate) async fn activate(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let keyed = idempotency::of_request(&headers, &format!("{PATH}/{id}/activate"), [0; 32])?;
    let id = tenant_id(&id)?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move { Answer::json(StatusCode::OK, &tenants::activate(&own, &who, id).await?) };
    idempotency::once(&state, &caller, keyed, once).await
}

/// Restores a tenant that is about to be deleted
///
/// It is then deactivated, with everything it had.
#[utoipa::path(
    post, path = "/api/v1/tenants/{id}/restore", operation_id = "restore_tenant", tag = "tenants",
    params(
        ("id" = String, Path, format = Uuid, description = "The tenant"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer"),
    ),
    responses((status = 200, description = "The tenant as it is now", body = Tenant)),
)]
pub(crate) async fn restore(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let keyed = idempotency::of_request(&headers, &format!("{PATH}/{id}/restore"), [0; 32])?;
    let id = tenant_id(&id)?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move { Answer::json(StatusCode::OK, &tenants::restore(&own, &who, id).await?) };
    idempotency::once(&state, &caller, keyed, once).await
}

/// Shows the tenant that the request belongs to, with what it uses
#[utoipa::path(
    get, path = "/api/v1/tenant", operation_id = "get_own_tenant", tag = "tenants",
    responses((status = 200, description = "The tenant", body = Tenant)),
)]
pub(crate) async fn own(State(state): State<AppState>, caller: Caller) -> ApiResult<Response> {
    ok(&tenants::own(&state, &caller.0).await?)
}
