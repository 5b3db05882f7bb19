//! The caller of a request: the owner of a valid key, or anyone on this machine as long as the installation is not
//! configured.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::app::{App, AppError, Code};
use packshot_contract::setup::Setup;
use packshot_db::{AllTenants, TenantScope, installation, keys};
use packshot_domain::access::{Authentication, Principal, Role};
use packshot_domain::id::TenantId;
use packshot_domain::key::ApiKey;

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
    AppError::new(Code::Unauthenticated, "a valid API key is needed: Authorization: Bearer pk_…")
}

/// The error for a caller who names a tenant that they may not act for.
pub fn tenant_mismatch() -> AppError {
    AppError::new(Code::TenantMismatch, "X-Tenant-ID names a tenant that this caller cannot act for")
}

/// The owner of a key, and the tenants that the key is for.
///
/// # Errors
/// [`Code::Unauthenticated`] for a key that is not valid, whatever the reason; [`Code::RateLimited`].
pub async fn by_key(app: &App, shown: &ApiKey) -> Result<(Principal, Reach), AppError> {
    let hash = shown.hash();
    let candidates = keys::find(&app.db, AllTenants::Authentication, shown.prefix()).await?;
    let Some(found) = candidates.into_iter().find(|candidate| candidate.hash.is(&hash)) else {
        return Err(unauthenticated());
    };
    let keys::Candidate { key: stored, role, owner_is_active, in_operating_tenant, now, .. } = found;
    let has_expired = stored.key.expires_at.is_some_and(|expires_at| expires_at <= now);
    if stored.revoked_at.is_some() || has_expired || !owner_is_active {
        return Err(unauthenticated());
    }
    let per_s = stored.key.rate_limit_per_s.and_then(|limit| u32::try_from(limit).ok());
    if let Some(per_s) = per_s.or(app.settings.rate_limit_per_s)
        && let Err(wait) = app.rates.take(stored.id, per_s, Instant::now())
    {
        let error = AppError::new(Code::RateLimited, format!("more than {per_s} requests per second with this key"));
        return Err(error.retry_after(Duration::from_secs(wait.as_secs() + 1)));
    }
    // A read-only database still serves reads.
    if stored.last_used_at.is_none_or(|last| now.since(last) >= keys::LAST_USED_RESOLUTION)
        && let Err(error) = keys::touch(&app.db, TenantScope::of(stored.tenant), stored.id).await
    {
        tracing::warn!("the time at which a key was last used cannot be stored: {error}");
    }
    let reach = if stored.key.all_tenants { Reach::All } else { Reach::Own };
    let principal = Principal {
        tenant: stored.tenant,
        in_operating_tenant,
        user: stored.key.user,
        role,
        scopes: Some(stored.key.scopes),
        authentication: Authentication::Key(stored.id),
    };
    Ok((principal, reach))
}

/// Anyone on this machine, as long as the installation is not configured and cannot be reached from elsewhere. The
/// caller checks that the request comes from this machine.
///
/// # Errors
/// [`Code::Unauthenticated`] when a key is needed.
pub async fn locally(app: &App) -> Result<Principal, AppError> {
    if !app.settings.is_loopback() || app.is_configured.load(Ordering::Relaxed) {
        return Err(unauthenticated());
    }
    let installation = installation::get(&app.db, AllTenants::Authentication).await?;
    if installation.configured {
        app.is_configured.store(true, Ordering::Relaxed);
        return Err(unauthenticated());
    }
    Ok(Principal {
        tenant: installation.operating_tenant,
        in_operating_tenant: true,
        user: installation.local_user,
        role: Role::GlobalAdmin,
        scopes: None,
        authentication: Authentication::Local,
    })
}

/// The same person in another tenant.
///
/// # Errors
/// [`Code::TenantMismatch`] when there is no such tenant.
pub async fn acting_for(app: &App, who: Principal, tenant: TenantId) -> Result<Principal, AppError> {
    match installation::has_tenant(&app.db, AllTenants::Authentication, tenant).await? {
        true => Ok(Principal { tenant, ..who }),
        false => Err(tenant_mismatch()),
    }
}

/// How far the installation is set up.
///
/// # Errors
/// Errors of the database.
pub async fn setup(app: &App) -> Result<Setup, AppError> {
    let configured = installation::get(&app.db, AllTenants::Authentication).await?.configured;
    Ok(Setup { configured, open_mode: !configured && app.settings.is_loopback() })
}
