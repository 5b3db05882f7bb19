//! The caller of a request: a user with an access token, the owner of a valid key, or anyone on this machine as long
//! as the installation is not configured.

use std::sync::atomic::Ordering;

use super::access_tokens::{self, Claims, TokenFault};
use super::rate_limits;
use crate::app::{App, AppError, Code};
use packshot_db::{AllTenants, DbError, TenantScope, installation, keys, sessions, tenants, users};
use packshot_domain::access::Role;
use packshot_domain::id::{KeyId, TenantId, UserId};
use packshot_domain::key::ApiKey;
use packshot_domain::principal::{Authentication, Origin, Principal};
use packshot_domain::tenant::TenantStatus;

/// Which tenants a caller may act for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Their own.
    Own,
    /// All of them.
    All,
}

/// The error for an unknown caller. It does not say what is wrong with a key.
pub fn unauthenticated() -> AppError {
    AppError::new(Code::Unauthenticated, "a valid access token or API key is needed: Authorization: Bearer …")
}

/// The error for a caller who names a tenant that they may not act for.
pub fn tenant_mismatch() -> AppError {
    AppError::new(Code::TenantMismatch, "X-Tenant-ID names a tenant that this caller cannot act for")
}

/// The error for a caller who may act for every tenant, and names none that can be acted for: they are told why.
pub fn no_tenant_named(why: impl Into<String>) -> AppError {
    AppError::new(Code::TenantMismatch, why)
        .with_help("give the id of a tenant: GET /api/v1/tenants lists them, or leave X-Tenant-ID out")
}

/// The error for a caller whose tenant is deactivated.
pub fn tenant_inactive() -> AppError {
    AppError::new(Code::TenantInactive, "the tenant of this user is deactivated")
}

/// The owner of a key, and the tenants that the key is for.
///
/// # Errors
/// [`Code::Unauthenticated`] for a key that is not valid, whatever the reason; [`Code::TenantInactive`],
/// [`Code::RateLimited`].
pub async fn by_key(app: &App, shown: &ApiKey, origin: Origin) -> Result<(Principal, Reach), AppError> {
    let hash = shown.hash();
    let candidates = keys::find(&app.db, AllTenants::Authentication, shown.prefix()).await?;
    let Some(found) = candidates.into_iter().find(|candidate| candidate.hash.is(&hash)) else {
        return Err(unauthenticated());
    };
    if !is_good(&found) {
        return Err(unauthenticated());
    }
    let keys::Candidate {
        key: stored, role, owner_must_change_password, in_operating_tenant, tenant_status, now, ..
    } = found;
    if !tenant_status.is_active() {
        return Err(tenant_inactive());
    }
    let per_s = stored.key.rate_limit_per_s.and_then(|limit| u32::try_from(limit).ok());
    let reach = if stored.key.all_tenants { Reach::All } else { Reach::Own };
    let principal = Principal {
        tenant: stored.tenant,
        home: stored.tenant,
        in_operating_tenant,
        user: stored.key.user,
        role,
        name: stored.key.name,
        must_change_password: owner_must_change_password,
        scopes: Some(stored.key.scopes),
        authentication: Authentication::Key(stored.id),
        origin,
    };
    rate_limits::count_caller(app, &principal, per_s).await?;
    // A read-only database still serves reads.
    if stored.last_used_at.is_none_or(|last| now.since(last) >= keys::LAST_USED_RESOLUTION)
        && let Err(error) = keys::touch(&app.db, TenantScope::of(stored.tenant), stored.id).await
    {
        tracing::warn!("the time at which a key was last used cannot be stored: {error}");
    }
    Ok((principal, reach))
}

/// Whether a key opens anything: it is neither revoked nor expired, and its owner may act.
fn is_good(found: &keys::Candidate) -> bool {
    let has_expired = found.key.key.expires_at.is_some_and(|expires_at| expires_at <= found.now);
    found.key.revoked_at.is_none() && !has_expired && found.owner_is_active
}

/// The user whose access token this is, as the database knows them now: with their current role, if they are still
/// active and the session has not ended.
///
/// # Errors
/// [`Code::TokenExpired`]; [`Code::Unauthenticated`] for any other invalid token; [`Code::TenantInactive`];
/// [`Code::RateLimited`].
pub async fn by_token(app: &App, token: &str, origin: Origin) -> Result<(Principal, Reach), AppError> {
    let now = app.db.now().await?;
    let claims = access_tokens::verify(&app.signing_keys.keys(), token, now).map_err(|fault| match fault {
        TokenFault::Invalid => unauthenticated(),
        TokenFault::Expired => AppError::new(Code::TokenExpired, "the access token has expired"),
    })?;
    let Claims { user, tenant, session, .. } = claims;
    let found = sessions::find(&app.db, AllTenants::Authentication, tenant, user, session).await?;
    let found = found.filter(|found| found.revoked_at.is_none() && found.user.is_active).ok_or_else(unauthenticated)?;
    if !found.tenant_status.is_active() {
        return Err(tenant_inactive());
    }
    let reach = if found.user.role == Role::GlobalAdmin { Reach::All } else { Reach::Own };
    let principal = Principal {
        tenant,
        home: tenant,
        in_operating_tenant: found.in_operating_tenant,
        user,
        role: found.user.role,
        name: found.user.display_name,
        must_change_password: found.user.must_change_password,
        scopes: None,
        authentication: Authentication::Session(session),
        origin,
    };
    rate_limits::count_caller(app, &principal, None).await?;
    Ok((principal, reach))
}

/// Anyone on this machine, as long as the installation is not configured and cannot be reached from elsewhere. The
/// caller checks that the request comes from this machine.
///
/// # Errors
/// [`Code::Unauthenticated`] when a key is needed; [`Code::RateLimited`].
pub async fn locally(app: &App, origin: Origin) -> Result<Principal, AppError> {
    if !app.settings.is_loopback() || app.is_configured.load(Ordering::Relaxed) {
        return Err(unauthenticated());
    }
    let installation = installation::get(&app.db, AllTenants::Authentication).await?;
    if installation.configured {
        app.is_configured.store(true, Ordering::Relaxed);
        return Err(unauthenticated());
    }
    let principal = Principal {
        tenant: installation.operating_tenant,
        home: installation.operating_tenant,
        in_operating_tenant: true,
        user: installation.local_user,
        role: Role::GlobalAdmin,
        name: "local".to_owned(),
        must_change_password: false,
        scopes: None,
        authentication: Authentication::Local,
        origin,
    };
    rate_limits::count_caller(app, &principal, None).await?;
    Ok(principal)
}

/// Whether a caller who was let in some time ago, and has stayed since, would be let in again as the same: with the
/// same role, by a session or key that still lasts. A session outlives its access tokens.
///
/// # Errors
/// Errors of the database.
pub async fn is_still_admitted(app: &App, who: &Principal) -> Result<bool, AppError> {
    match who.authentication {
        Authentication::Session(session) => {
            let found = sessions::find(&app.db, AllTenants::Authentication, who.home, who.user, session).await?;
            Ok(found.is_some_and(|found| {
                let is_same = found.user.is_active && found.user.role == who.role;
                is_same && found.revoked_at.is_none() && found.tenant_status.is_active()
            }))
        }
        Authentication::Key(key) => {
            let stored = keys::get(&app.db, TenantScope::of(who.home), key).await?;
            let found = keys::find(&app.db, AllTenants::Authentication, &stored.prefix).await?;
            Ok(found.iter().any(|found| {
                let is_same = found.key.id == key && found.role == who.role;
                is_same && is_good(found) && found.tenant_status.is_active()
            }))
        }
        // Whoever is on this machine has closed the open mode; nobody else could begin to stay.
        Authentication::Local => Ok(true),
    }
}

/// Somebody who left something behind that others may use in their name, such as a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returning {
    /// The tenant that the user belongs to.
    pub home: TenantId,
    /// The tenant that they acted for.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
    /// The key by which they did it.
    pub key: Option<KeyId>,
}

/// Who somebody is now who was here before: with their current role, and with what their key opens; `None` if they
/// would not be let in.
///
/// # Errors
/// Errors of the database.
pub async fn returning(
    app: &App,
    Returning { home, tenant, user, key }: Returning,
) -> Result<Option<Principal>, AppError> {
    let found = match users::get(&app.db, TenantScope::of(home), user).await {
        Ok(found) => found,
        Err(DbError::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let keyed = match key {
        Some(key) => match keys::get(&app.db, TenantScope::of(home), key).await {
            Ok(stored) => {
                let candidates = keys::find(&app.db, AllTenants::Authentication, &stored.prefix).await?;
                match candidates.into_iter().find(|found| found.key.id == key && is_good(found)) {
                    Some(found) => Some(found),
                    None => return Ok(None),
                }
            }
            Err(DbError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        },
        None => None,
    };
    let status = async |tenant| match tenants::get(&app.db, AllTenants::Authentication, tenant).await {
        Ok(found) => Ok(Some(found.status)),
        Err(DbError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    };
    let is_at_home = found.is_active && status(home).await?.is_some_and(TenantStatus::is_active);
    let may_act = home == tenant
        || found.role == Role::GlobalAdmin
            && keyed.as_ref().is_none_or(|found| found.key.key.all_tenants)
            && status(tenant).await?.is_some_and(TenantStatus::is_kept);
    if !is_at_home || !may_act {
        return Ok(None);
    }
    let installation = installation::get(&app.db, AllTenants::Authentication).await?;
    let authentication = key.map_or(Authentication::Local, Authentication::Key);
    Ok(Some(Principal {
        tenant,
        home,
        in_operating_tenant: installation.operating_tenant == home,
        user,
        role: found.role,
        name: found.display_name,
        must_change_password: found.must_change_password,
        scopes: keyed.map(|found| found.key.key.scopes),
        authentication,
        origin: Origin::default(),
    }))
}

/// The same person in another tenant. They may act for all tenants, and so may know which there are.
///
/// # Errors
/// [`Code::TenantMismatch`] when there is no such tenant, or it is about to be deleted.
pub async fn acting_for(app: &App, who: Principal, tenant: TenantId) -> Result<Principal, AppError> {
    match tenants::get(&app.db, AllTenants::Authentication, tenant).await {
        Ok(found) if found.status.is_kept() => Ok(Principal { tenant, ..who }),
        Ok(_) => Err(no_tenant_named("the tenant that X-Tenant-ID names is being deleted")
            .with_help("restore it first, before its `delete_after`: POST /api/v1/tenants/{id}/restore")),
        Err(DbError::NotFound(_)) => {
            Err(no_tenant_named(format!("X-Tenant-ID: there is no tenant with the id {tenant}")))
        }
        Err(error) => Err(error.into()),
    }
}
