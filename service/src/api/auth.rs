//! Who makes a request, and whether they may: checked before anything is looked up, so that a refusal reveals nothing.

use std::net::IpAddr;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Query, Request};
use axum::http::header::{AUTHORIZATION, FORWARDED, HOST, ORIGIN, USER_AGENT, VIA};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, Method, Uri};

use super::answer::RequestId;
use super::client_address::ClientIp;
use super::problem::{ApiError, ApiResult, Code};
use super::state::AppState;
use crate::app::AppError;
use crate::media::filter::TENANT;
use crate::tenancy::authentication::{self, Reach, no_tenant_named, tenant_mismatch, unauthenticated};
use crate::tenancy::bypass;
use crate::tenancy::rate_limits;
use crate::tenancy::sign_in::Visitor;
use packshot_domain::access::{Permission, Role};
use packshot_domain::id::TenantId;
use packshot_domain::key::ApiKey;
use packshot_domain::principal::{Authentication, Denied, Origin, Principal};
use packshot_domain::reader::{Reader, Rows};

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everyone.
    Open,
    /// Callers with the permission, for data of one tenant.
    Tenant(Permission),
    /// Callers with the permission, for a list: of one tenant's rows, or of those of all where a global admin asks.
    List(Permission),
    /// Callers with the permission, for data of the whole installation.
    Instance(Permission),
}

/// Who makes the request: a handler that takes it is on a guarded route that is not [`Access::List`].
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Principal);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| unauthenticated().into())
    }
}

/// The caller of a list, and whose rows it shows: a handler that takes it is on a route with [`Access::List`].
#[derive(Clone, Debug)]
pub(crate) struct ListCaller(pub(crate) Reader);

impl<S: Send + Sync> FromRequestParts<S> for ListCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| unauthenticated().into())
    }
}

/// Stands before every operation of the API: notes in the request who makes it, or refuses it. Visitors of open
/// operations, who show no key, are counted: each address may make so many requests.
///
/// # Errors
/// Those of [`admit`]; for open operations [`Code::RateLimited`].
pub(crate) async fn guard(state: &AppState, access: Access, mut request: Request) -> ApiResult<Request> {
    let origin = origin(request.extensions());
    match access {
        Access::Open => rate_limits::count_visitor(state, origin.ip)?,
        // Only handlers of lists learn whose rows were asked for.
        Access::List(_) => {
            let reader = admit(state, access, request.method(), request.headers(), request.uri(), origin).await?;
            request.extensions_mut().insert(ListCaller(reader));
        }
        Access::Tenant(_) | Access::Instance(_) => {
            let reader = admit(state, access, request.method(), request.headers(), request.uri(), origin).await?;
            request.extensions_mut().insert(Caller(reader.who));
        }
    }
    Ok(request)
}

/// Who makes a request, if they have the permission, and whose rows they read. Reading those of all tenants is
/// audited here, before anything is read.
///
/// # Errors
/// [`Code::Unauthenticated`], [`Code::TokenExpired`], [`Code::Forbidden`], [`Code::InsufficientScope`],
/// [`Code::PasswordChangeRequired`], [`Code::RateLimited`], [`Code::TenantMismatch`], [`Code::BypassNotAllowed`], and
/// what the open mode refuses.
pub(crate) async fn admit(
    state: &AppState,
    access: Access,
    method: &Method,
    headers: &HeaderMap,
    uri: &Uri,
    origin: Origin,
) -> ApiResult<Reader> {
    let (principal, reach) = match headers.get(AUTHORIZATION) {
        Some(value) => match Shown::parse(value.to_str().unwrap_or_default())? {
            Shown::Key(key) => authentication::by_key(state, &key, origin).await?,
            Shown::Token(token) => authentication::by_token(state, token, origin).await?,
        },
        None => {
            let principal = authentication::locally(state, origin).await?;
            check_local(headers, uri, &state.in_force().await.allowed_hosts)?;
            (principal, Reach::All)
        }
    };
    if let Access::Tenant(permission) | Access::List(permission) | Access::Instance(permission) = access {
        principal.allows(permission).map_err(|denied| explained(denied, permission, &principal))?;
    }
    match wanted(&principal, reach, (access, method, uri), headers)? {
        Wanted::Own => Ok(Reader { who: principal, rows: Rows::OfTenant }),
        Wanted::Tenant(tenant) => {
            let who = authentication::acting_for(state, principal, tenant).await?;
            Ok(Reader { who, rows: Rows::OfTenant })
        }
        Wanted::All => {
            bypass::note(state, &principal, uri.path()).await?;
            Ok(Reader { who: principal, rows: Rows::OfAll })
        }
    }
}

/// Why a caller is denied, with the way out of a key that would sign out: no scope would make sense of that.
fn explained(denied: Denied, permission: Permission, principal: &Principal) -> AppError {
    let error = AppError::from(denied);
    match (denied, permission, principal.authentication) {
        (Denied::InsufficientScope { .. }, Permission::SignOut, Authentication::Key(key)) => error.with_help(format!(
            "a key has no session to end: to end the key itself, its owner or an admin revokes it with \
             POST /api/v1/api-keys/{key}/revoke"
        )),
        _ => error,
    }
}

/// What a request carries to say who makes it.
enum Shown<'h> {
    Key(ApiKey),
    Token(&'h str),
}

impl<'h> Shown<'h> {
    /// Reads `Authorization`. What is neither a key nor a token is refused without saying why.
    fn parse(authorization: &'h str) -> ApiResult<Self> {
        let (scheme, text) = authorization.split_once(' ').ok_or_else(unauthenticated)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(unauthenticated().into());
        }
        let text = text.trim();
        match ApiKey::parse(text) {
            Ok(key) => Ok(Self::Key(key)),
            // Tokens have dots and keys have none.
            Err(_) if text.contains('.') => Ok(Self::Token(text)),
            Err(_) => Err(unauthenticated().into()),
        }
    }
}

/// Where a request comes from.
pub(crate) fn origin(extensions: &Extensions) -> Origin {
    let ip = extensions.get::<ClientIp>().map(|ClientIp(ip)| *ip);
    Origin { ip, request_id: extensions.get::<RequestId>().map(|RequestId(id)| id.to_string()) }
}

/// The caller of a route that is open to everyone.
pub(crate) struct Guest(pub(crate) Visitor);

impl<S: Send + Sync> FromRequestParts<S> for Guest {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        let user_agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Self(Visitor { origin: origin(&parts.extensions), user_agent }))
    }
}

/// Whether a request seems to come from this machine.
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
        let detail = "behind a proxy the service needs a user or an API key first";
        return Err(ApiError::new(Code::SetupRequired, detail));
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).or_else(|| uri.authority().map(|a| a.as_str()));
    let host = host.unwrap_or_default();
    if !is_local_host(host, allowed_hosts) {
        let detail =
            "without users and API keys the service only answers as localhost; add other host names to `allowed_hosts`";
        return Err(ApiError::new(Code::HostNotAllowed, detail));
    }
    match headers.get(ORIGIN) {
        Some(origin) if !is_origin_of(origin.to_str().unwrap_or_default(), host) => Err(ApiError::new(
            Code::OriginNotAllowed,
            "without users and API keys the service only answers its own pages",
        )),
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

/// What `X-Tenant-ID` asks for.
enum Wanted {
    /// The caller's own tenant.
    Own,
    /// Another one.
    Tenant(TenantId),
    /// All of them.
    All,
}

/// The tenant that the query of a list of media assets names, which counts as `X-Tenant-ID` (media.md §4).
fn in_query(access: Access, uri: &Uri) -> Option<String> {
    if access != Access::List(Permission::ReadMedia) {
        return None;
    }
    let Query(parameters) = Query::<Vec<(String, String)>>::try_from_uri(uri).ok()?;
    let named = parameters.into_iter().rfind(|(name, value)| name == TENANT && !value.is_empty());
    named.map(|(_, value)| value)
}

/// The tenant that a request is to act in. A caller who is not a global admin may only name their own. A global admin
/// whose key is for all tenants may name any, and `*` where a list or something of the whole installation is read.
fn wanted(
    principal: &Principal,
    reach: Reach,
    (access, method, uri): (Access, &Method, &Uri),
    headers: &HeaderMap,
) -> ApiResult<Wanted> {
    let in_query = in_query(access, uri);
    let named = match headers.get("x-tenant-id") {
        Some(named) => named.to_str().unwrap_or_default().trim(),
        None => match &in_query {
            Some(named) => named.as_str(),
            None => return Ok(Wanted::Own),
        },
    };
    let is_admin = principal.role == Role::GlobalAdmin;
    if named == "*" && is_admin && headers.contains_key("x-tenant-id") {
        let is_readable = *method == Method::GET && matches!(access, Access::List(_) | Access::Instance(_));
        return match (is_readable, reach) {
            (true, Reach::All) => Ok(Wanted::All),
            (true, Reach::Own) => {
                let help = "use a key for all tenants, or leave X-Tenant-ID out";
                Err(not_for_all("this key works for its own tenant only").with_help(help).into())
            }
            (false, _) => Err(not_for_all("this endpoint works for one tenant at a time").into()),
        };
    }
    // Both may be there, but not of two tenants.
    if in_query.as_ref().is_some_and(|other| other.parse::<TenantId>().ok() != named.parse().ok()) {
        return Err(tenant_mismatch().into());
    }
    match TenantId::from_str(named) {
        Ok(tenant) if tenant == principal.tenant => Ok(Wanted::Own),
        Ok(tenant) if is_admin && reach == Reach::All => Ok(Wanted::Tenant(tenant)),
        Err(_) if is_admin && reach == Reach::All => {
            Err(no_tenant_named("X-Tenant-ID takes the id of a tenant, not its slug or its name").into())
        }
        _ => Err(tenant_mismatch().into()),
    }
}

fn not_for_all(why: &str) -> AppError {
    AppError::new(Code::BypassNotAllowed, format!("`X-Tenant-ID: *` is not possible here: {why}"))
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
