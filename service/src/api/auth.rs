//! Who makes a request, and whether they may: checked before anything is looked up, so that a refusal tells nothing.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{AUTHORIZATION, FORWARDED, HOST, ORIGIN, VIA};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::{ApiError, ApiResult, Code};
use super::state::AppState;
use packshot_db::{AllTenants, TenantScope, installation, keys};
use packshot_domain::access::{Authentication, Permission, Principal, Role};
use packshot_domain::id::TenantId;
use packshot_domain::key::ApiKey;

/// The use of a key is noted at most so often.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody.
    Open,
    /// Who has the permission, for data of one tenant.
    Tenant(Permission),
    /// Who has the permission, for data of the whole installation.
    Instance(Permission),
}

/// Who makes the request: a handler that takes it stands on a guarded route.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Principal);

impl Caller {
    /// The data that the request may see.
    pub(crate) fn scope(&self) -> TenantScope {
        TenantScope::of(self.0.tenant)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(unauthenticated)
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

fn unauthenticated() -> ApiError {
    ApiError::new(Code::Unauthenticated, "a valid API key is needed: Authorization: Bearer pk_…")
}

/// Who makes a request, if they have the permission.
///
/// # Errors
/// [`Code::Unauthenticated`], [`Code::Forbidden`], [`Code::InsufficientScope`], [`Code::RateLimited`], [`Code::TenantMismatch`], and
/// what the open mode refuses.
pub(crate) async fn admit(
    state: &AppState,
    access: Access,
    method: &Method,
    headers: &HeaderMap,
    uri: &Uri,
) -> ApiResult<Caller> {
    let (principal, all_tenants) = match headers.get(AUTHORIZATION) {
        Some(value) => by_key(state, value.to_str().unwrap_or_default()).await?,
        None => (locally(state, headers, uri).await?, true),
    };
    if let Access::Tenant(permission) | Access::Instance(permission) = access {
        principal.allows(permission)?;
    }
    match wanted_tenant(&principal, all_tenants, access, method, headers)? {
        None => Ok(Caller(principal)),
        Some(tenant) => {
            let is_there = installation::has_tenant(&state.db, AllTenants::Authentication, tenant).await?;
            if is_there { Ok(Caller(Principal { tenant, ..principal })) } else { Err(tenant_mismatch()) }
        }
    }
}

/// Whoever shows a key, and whether it is for all tenants. What is wrong with it is not said.
async fn by_key(state: &AppState, authorization: &str) -> ApiResult<(Principal, bool)> {
    let (scheme, text) = authorization.split_once(' ').ok_or_else(unauthenticated)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(unauthenticated());
    }
    let shown = ApiKey::parse(text.trim()).map_err(|_| unauthenticated())?;
    let hash = shown.hash();
    let candidates = keys::find(&state.db, AllTenants::Authentication, shown.prefix()).await?;
    let Some(found) = candidates.into_iter().find(|candidate| candidate.hash.is(&hash)) else {
        return Err(unauthenticated());
    };
    let keys::Candidate { key: stored, role, owner_is_active, in_operating_tenant, now, .. } = found;
    let has_expired = stored.key.expires_at.is_some_and(|expires_at| expires_at <= now);
    if stored.revoked_at.is_some() || has_expired || !owner_is_active {
        return Err(unauthenticated());
    }
    let per_s = stored.key.rate_limit_per_s.and_then(|limit| u32::try_from(limit).ok());
    if let Some(per_s) = per_s.or(state.settings.rate_limit_per_s)
        && let Err(wait) = state.rates.take(stored.id, per_s, Instant::now())
    {
        let error = ApiError::new(Code::RateLimited, format!("more than {per_s} requests a second"));
        return Err(error.retry_after_s(wait.as_secs() + 1));
    }
    if stored.last_used_at.is_none_or(|last| now.since(last) >= TOUCH_EVERY) {
        keys::touch(&state.db, TenantScope::of(stored.tenant), stored.id).await?;
    }
    let all_tenants = stored.key.all_tenants;
    let principal = Principal {
        tenant: stored.tenant,
        in_operating_tenant,
        user: stored.key.user,
        role,
        scopes: Some(stored.key.scopes),
        authentication: Authentication::Key(stored.id),
    };
    Ok((principal, all_tenants))
}

/// Whoever is on this machine, as long as the installation is not configured and can be reached from nowhere else.
async fn locally(state: &AppState, headers: &HeaderMap, uri: &Uri) -> ApiResult<Principal> {
    if !state.settings.is_loopback() || state.is_configured.load(Ordering::Relaxed) {
        return Err(unauthenticated());
    }
    let installation = installation::get(&state.db, AllTenants::Authentication).await?;
    if installation.configured {
        state.is_configured.store(true, Ordering::Relaxed);
        return Err(unauthenticated());
    }
    check_local(headers, uri, &state.settings.allowed_hosts)?;
    Ok(Principal {
        tenant: installation.operating_tenant,
        in_operating_tenant: true,
        user: installation.local_user,
        role: Role::GlobalAdmin,
        scopes: None,
        authentication: Authentication::Local,
    })
}

/// Whether a request comes from this machine, as far as it can be seen.
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
        let detail = "behind a proxy the installation must be configured first: packshot admin create-key";
        return Err(ApiError::new(Code::SetupRequired, detail));
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).or_else(|| uri.authority().map(|a| a.as_str()));
    let host = host.unwrap_or_default();
    if !is_local_host(host, allowed_hosts) {
        let detail = "the open mode answers as localhost only; name other hosts in allowed_hosts";
        return Err(ApiError::new(Code::HostNotAllowed, detail));
    }
    match headers.get(ORIGIN) {
        Some(origin) if !is_origin_of(origin.to_str().unwrap_or_default(), host) => {
            Err(ApiError::new(Code::OriginNotAllowed, "the open mode answers its own pages only"))
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

/// The tenant that a request is to act in, if it is not that of its key. Who is no global admin may name their own and nothing
/// else. A global admin's key for all tenants may name any, and `*` where something of the whole installation is read.
fn wanted_tenant(
    principal: &Principal,
    all_tenants: bool,
    access: Access,
    method: &Method,
    headers: &HeaderMap,
) -> ApiResult<Option<TenantId>> {
    let Some(named) = headers.get("x-tenant-id") else { return Ok(None) };
    let named = named.to_str().unwrap_or_default().trim();
    let is_admin = principal.role == Role::GlobalAdmin;
    if named == "*" && is_admin {
        return match access {
            Access::Instance(_) if all_tenants && *method == Method::GET => Ok(None),
            _ => Err(ApiError::new(Code::BypassNotAllowed, "this shows one tenant at a time")),
        };
    }
    match TenantId::from_str(named) {
        Ok(tenant) if tenant == principal.tenant => Ok(None),
        Ok(tenant) if is_admin && all_tenants => Ok(Some(tenant)),
        _ => Err(tenant_mismatch()),
    }
}

fn tenant_mismatch() -> ApiError {
    ApiError::new(Code::TenantMismatch, "X-Tenant-ID is not the tenant of the caller")
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
