//! Who makes a request, and whether they may: checked before anything is looked up, so that a refusal reveals nothing.

use std::net::IpAddr;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{AUTHORIZATION, FORWARDED, HOST, ORIGIN, VIA};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::{ApiError, ApiResult, Code};
use super::state::AppState;
use crate::tenancy::authentication::{self, Reach, tenant_mismatch, unauthenticated};
use packshot_domain::access::{Permission, Principal, Role};
use packshot_domain::id::TenantId;
use packshot_domain::key::ApiKey;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everyone.
    Open,
    /// Callers with the permission, for data of one tenant.
    Tenant(Permission),
    /// Callers with the permission, for data of the whole installation.
    Instance(Permission),
}

/// Who makes the request: a handler that takes it is on a guarded route.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Principal);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| unauthenticated().into())
    }
}

/// The middleware of a guarded route.
pub(crate) async fn guard(
    State((state, access)): State<(AppState, Access)>,
    mut request: Request,
    next: Next,
) -> Response {
    match admit(&state, access, request.method(), request.headers(), request.uri()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refused) => refused.into_response(),
    }
}

/// Who makes a request, if they have the permission.
///
/// # Errors
/// [`Code::Unauthenticated`], [`Code::Forbidden`], [`Code::InsufficientScope`], [`Code::RateLimited`],
/// [`Code::TenantMismatch`], and what the open mode refuses.
pub(crate) async fn admit(
    state: &AppState,
    access: Access,
    method: &Method,
    headers: &HeaderMap,
    uri: &Uri,
) -> ApiResult<Caller> {
    let (principal, reach) = match headers.get(AUTHORIZATION) {
        Some(value) => authentication::by_key(state, &shown_key(value.to_str().unwrap_or_default())?).await?,
        None => {
            let principal = authentication::locally(state).await?;
            check_local(headers, uri, &state.settings.allowed_hosts)?;
            (principal, Reach::All)
        }
    };
    if let Access::Tenant(permission) | Access::Instance(permission) = access {
        principal.allows(permission)?;
    }
    match wanted_tenant(&principal, reach, access, method, headers)? {
        None => Ok(Caller(principal)),
        Some(tenant) => Ok(Caller(authentication::acting_for(state, principal, tenant).await?)),
    }
}

/// The key of a request. An invalid key is not explained.
fn shown_key(authorization: &str) -> ApiResult<ApiKey> {
    let (scheme, text) = authorization.split_once(' ').ok_or_else(unauthenticated)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(unauthenticated().into());
    }
    Ok(ApiKey::parse(text.trim()).map_err(|_| unauthenticated())?)
}

/// Whether a request comes from this machine, as far as can be told.
pub(crate) fn is_local(headers: &HeaderMap, uri: &Uri, allowed_hosts: &[String]) -> bool {
    check_local(headers, uri, allowed_hosts).is_ok()
}

/// The open mode trusts the machine, not the network: no proxy in front, no foreign name, no foreign page.
fn check_local(headers: &HeaderMap, uri: &Uri, allowed_hosts: &[String]) -> ApiResult<()> {
    let is_of_proxy = |name: &str| name.starts_with("x-forwarded-") || name == "x-real-ip";
    if headers.contains_key(FORWARDED)
        || headers.contains_key(VIA)
        || headers.keys().any(|name| is_of_proxy(name.as_str()))
    {
        let detail = "behind a proxy the service needs an API key";
        return Err(ApiError::new(Code::SetupRequired, detail));
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).or_else(|| uri.authority().map(|a| a.as_str()));
    let host = host.unwrap_or_default();
    if !is_local_host(host, allowed_hosts) {
        let detail = "without API keys the service only answers as localhost; add other host names to `allowed_hosts`";
        return Err(ApiError::new(Code::HostNotAllowed, detail));
    }
    match headers.get(ORIGIN) {
        Some(origin) if !is_origin_of(origin.to_str().unwrap_or_default(), host) => {
            Err(ApiError::new(Code::OriginNotAllowed, "without API keys the service only answers its own pages"))
        }
        _ => Ok(()),
    }
}

/// Whether `host`, with or without a port, is `localhost`, a loopback address or an allowed name.
fn is_local_host(host: &str, allowed: &[String]) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_loopback = IpAddr::from_str(name).is_ok_and(|address| address.is_loopback());
    name.eq_ignore_ascii_case("localhost")
        || is_loopback
        || allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(name) || allowed.eq_ignore_ascii_case(host))
}

/// Whether a page of this origin was served by `host`.
fn is_origin_of(origin: &str, host: &str) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

/// The tenant that a request is to act in, if it is not that of its key. A caller who is not a global admin may only
/// name their own. A global admin's key for all tenants may name any, and `*` where something of the whole installation
/// is read.
fn wanted_tenant(
    principal: &Principal,
    reach: Reach,
    access: Access,
    method: &Method,
    headers: &HeaderMap,
) -> ApiResult<Option<TenantId>> {
    let Some(named) = headers.get("x-tenant-id") else { return Ok(None) };
    let named = named.to_str().unwrap_or_default().trim();
    let is_admin = principal.role == Role::GlobalAdmin;
    if named == "*" && is_admin {
        return match access {
            Access::Instance(_) if reach == Reach::All && *method == Method::GET => Ok(None),
            _ => Err(ApiError::new(
                Code::BypassNotAllowed,
                "`X-Tenant-ID: *` is not possible here: this endpoint works for one tenant at a time",
            )),
        };
    }
    match TenantId::from_str(named) {
        Ok(tenant) if tenant == principal.tenant => Ok(None),
        Ok(tenant) if is_admin && reach == Reach::All => Ok(Some(tenant)),
        _ => Err(tenant_mismatch().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(headers: &[(&'static str, &'static str)]) -> Result<(), String> {
        let headers = headers.iter().map(|&(name, value)| {
            (name.parse::<axum::http::HeaderName>().expect("a name"), value.parse().expect("a value"))
        });
        let allowed = ["studio.local".to_owned()];
        check_local(&headers.collect(), &Uri::from_static("/"), &allowed).map_err(|error| error.code().to_owned())
    }

    #[test]
    fn the_open_mode_trusts_the_machine_alone() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.8.8.8", "[::1]:8080", "studio.local:8080"] {
            assert_eq!(checked(&[("host", host)]), Ok(()), "{host}");
        }
        for host in ["", "evil.example", "localhost.evil.example:8080", "127.0.0.1.evil.example", "10.0.0.1", "[::2]"] {
            assert_eq!(checked(&[("host", host)]), Err("host_not_allowed".into()), "{host}");
        }
        for header in ["forwarded", "via", "x-forwarded-for", "x-forwarded-proto", "x-real-ip"] {
            assert_eq!(checked(&[("host", "localhost"), (header, "x")]), Err("setup_required".into()), "{header}");
        }
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        let with_origin = |origin| checked(&[("host", "127.0.0.1:8080"), ("origin", origin)]);
        assert_eq!(with_origin("http://127.0.0.1:8080"), Ok(()));
        for origin in ["http://127.0.0.1:9000", "http://localhost:8080", "https://evil.example", "null", ""] {
            assert_eq!(with_origin(origin), Err("origin_not_allowed".into()), "{origin}");
        }
    }
}
