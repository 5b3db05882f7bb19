//! The configuration of a tenant: the caller's own, or that of any tenant for those who run the platform.

use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::Caller;
use super::body::JsonBody;
use super::precondition::expected_revision;
use super::problem::{ApiError, ApiResult, Code};
use super::state::AppState;
use crate::libraries::choice;
use crate::tenancy::tenant_config::{self, PermittedChange};
use packshot_contract::tenant_config::{TenantConfig, TenantConfigPatch};
use packshot_domain::id::TenantId;
use packshot_domain::principal::Principal;

fn tenant_id(text: &str) -> ApiResult<TenantId> {
    text.parse().map_err(|_| ApiError::new(Code::TenantNotFound, "there is no such tenant"))
}

fn answer(config: &TenantConfig) -> ApiResult<Response> {
    let etag = format!("\"{}\"", config.revision);
    Ok(Answer::json(StatusCode::OK, config)?.with(ETAG, etag).into_response())
}

/// Makes a change for the tenant that `who` acts in.
async fn make(
    state: &AppState,
    who: &Principal,
    change: PermittedChange,
    expected: Option<i64>,
) -> ApiResult<Response> {
    choice::check(state, who, change.change()).await?;
    answer(&tenant_config::change(state, who, change, expected).await?)
}

/// Shows the configuration of the caller's tenant
#[utoipa::path(
    get, path = "/api/v1/tenant/config", operation_id = "get_own_tenant_config", tag = "tenants",
    responses((status = 200, description = "The configuration", body = TenantConfig)),
)]
pub(crate) async fn get_own(State(state): State<AppState>, caller: Caller) -> ApiResult<Response> {
    answer(&tenant_config::get(&state, &caller.0).await?)
}

/// Changes the configuration of the caller's tenant
///
/// A merge patch: absent members stay, `null` goes back to the default; the same holds for the parts of `features` and
/// `retention_days`. Only a global admin can change limits and features; a patch with one member that the caller may
/// not change changes nothing.
#[utoipa::path(
    patch, path = "/api/v1/tenant/config", operation_id = "change_own_tenant_config", tag = "tenants",
    params(("If-Match" = Option<String>, Header, description = "Make the change only if this is still the `ETag`")),
    request_body(content((TenantConfigPatch = "application/merge-patch+json"), (TenantConfigPatch = "application/json"))),
    responses((status = 200, description = "The configuration as it is now", body = TenantConfig)),
)]
pub(crate) async fn change_own(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let change = PermittedChange::read(&caller.0, &body)?;
    let expected = expected_revision(&headers)?;
    make(&state, &caller.0, change, expected).await
}

/// Shows the configuration of a tenant
#[utoipa::path(
    get, path = "/api/v1/tenants/{id}/config", operation_id = "get_tenant_config", tag = "tenants",
    params(("id" = String, Path, format = Uuid, description = "The tenant")),
    responses((status = 200, description = "The configuration", body = TenantConfig)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let who = tenant_config::acting_in(&state, &caller.0, tenant_id(&id)?).await?;
    answer(&tenant_config::get(&state, &who).await?)
}

/// Changes the configuration of a tenant
///
/// As for the caller's own tenant.
#[utoipa::path(
    patch, path = "/api/v1/tenants/{id}/config", operation_id = "change_tenant_config", tag = "tenants",
    params(
        ("id" = String, Path, format = Uuid, description = "The tenant"),
        ("If-Match" = Option<String>, Header, description = "Make the change only if this is still the `ETag`"),
    ),
    request_body(content((TenantConfigPatch = "application/merge-patch+json"), (TenantConfigPatch = "application/json"))),
    responses((status = 200, description = "The configuration as it is now", body = TenantConfig)),
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let change = PermittedChange::read(&caller.0, &body)?;
    let expected = expected_revision(&headers)?;
    let who = tenant_config::acting_in(&state, &caller.0, tenant_id(&id)?).await?;
    make(&state, &who, change, expected).await
}
