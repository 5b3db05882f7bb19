//! Signing in with a password, staying signed in with refresh tokens, signing out.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::json;

use super::access_tokens::{self, Claims};
use super::authentication::tenant_inactive;
use super::users::to_contract;
use crate::app::{App, AppError, Code};
use crate::credentials::throttle::Attempt;
use crate::settings::InForce;
use packshot_contract::sign_in::{SignIn, SignOutRequest, TenantSummary, Tokens};
use packshot_db::sessions::{self, NewSession, Renewal};
use packshot_db::users::{self, SignInCandidate, User};
use packshot_db::{AllTenants, DbError, TenantScope, audit, installation, tenants};
use packshot_domain::audit::{Action, Actor, ActorKind};
use packshot_domain::id::{SessionId, TenantId};
use packshot_domain::principal::{Authentication, Origin, Principal};
use packshot_domain::session::RefreshToken;
use packshot_domain::time::Timestamp;
use packshot_domain::user::Email;

/// Where a sign-in comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visitor {
    /// The address and the request.
    pub origin: Origin,
    /// What the browser or program calls itself.
    pub user_agent: Option<String>,
}

/// Signs a user in.
///
/// # Errors
/// [`Code::InvalidCredentials`], the same whatever is wrong; [`Code::RateLimited`] after too many of them;
/// [`Code::TenantInactive`], only after the right password.
pub async fn sign_in(app: &App, wish: SignIn, from: Visitor) -> Result<Tokens, AppError> {
    // An invalid address is treated like one that nobody has.
    let email: Option<Email> = wish.email.parse().ok();
    let attempt = attempt(app, &wish.email, from.origin.ip).await?;
    let candidates = match &email {
        Some(email) => users::with_email(&app.db, AllTenants::Authentication, email, wish.tenant.as_deref()).await?,
        None => Vec::new(),
    };
    let known = match <[SignInCandidate; 1]>::try_from(candidates) {
        Ok([one]) => Some(one),
        Err(_) => None,
    };
    let hash = known.as_ref().filter(|known| known.user.is_active).and_then(|known| known.password_hash.clone());
    let is_right = app.passwords.is_right(wish.password, hash.clone()).await?;
    let user = known.map(|known| known.user);
    match user {
        Some(user) if is_right => {
            attempt.succeeded();
            if tenants::is_active(&app.db, TenantScope::of(user.tenant)).await? {
                begin_session(app, user, hash, from).await
            } else {
                note_refusal(app, Some(user), from).await?;
                Err(tenant_inactive())
            }
        }
        user => Err(refused(app, user, from).await?),
    }
}

/// Begins to check a password for an e-mail address.
///
/// # Errors
/// [`Code::RateLimited`] after too many wrong ones.
pub(super) async fn attempt<'a>(app: &'a App, email: &str, from: Option<IpAddr>) -> Result<Attempt<'a>, AppError> {
    let now = app.db.now().await?;
    let attempt = app.throttle.attempt(&email.trim().to_lowercase(), from, now).await;
    attempt.map_err(|wait| AppError::new(Code::RateLimited, "too many wrong passwords").retry_after(wait))
}

/// Records a failed sign-in; returns the answer, which is the same whatever the reason.
async fn refused(app: &App, user: Option<User>, from: Visitor) -> Result<AppError, AppError> {
    note_refusal(app, user, from).await?;
    Ok(wrong())
}

fn wrong() -> AppError {
    AppError::new(Code::InvalidCredentials, "Wrong e-mail, password or tenant")
}

/// Records that somebody could not sign in.
async fn note_refusal(app: &App, user: Option<User>, from: Visitor) -> Result<(), AppError> {
    // Failures without a user are in the audit log of the tenant that runs the installation. It is looked up in each
    // case, so that each takes as long.
    let operating = installation::get(&app.db, AllTenants::Authentication).await?.operating_tenant;
    let tenant = user.as_ref().map_or(operating, |user| user.tenant);
    let Origin { ip, request_id } = from.origin;
    let address = ip.map(|ip| ip.to_string());
    tracing::info!(address, "a sign-in failed");
    let name = user.as_ref().map_or_else(|| "unknown".to_owned(), |user| user.display_name.clone());
    let id = user.as_ref().map(|user| user.id.uuid());
    let actor = Actor { kind: ActorKind::User, id, name, acting_tenant: None, ip, request_id };
    Ok(audit::record(&app.db, TenantScope::of(tenant), actor, Action::LoginFailed, json!({})).await?)
}

/// Begins a session for a user who has just entered the password with this hash, or has just been created.
///
/// # Errors
/// [`Code::InvalidCredentials`] when the password is no longer the user's.
pub(super) async fn begin_session(
    app: &App,
    user: User,
    password_hash: Option<String>,
    from: Visitor,
) -> Result<Tokens, AppError> {
    let lives = Lives::in_force(app).await?;
    let token = RefreshToken::generate().map_err(AppError::internal)?;
    let Origin { ip, request_id } = from.origin;
    let id = Some(user.id.uuid());
    let by = Actor { kind: ActorKind::User, id, name: user.display_name.clone(), acting_tenant: None, ip, request_id };
    let (user_agent, lives_for) = (from.user_agent, lives.of_refresh);
    let new = NewSession { user: user.id, password_hash, user_agent, ip, token: token.hash(), lives: lives_for };
    let begun = sessions::begin(&app.db, TenantScope::of(user.tenant), by, new).await;
    let session = begun.map_err(|error| match error {
        DbError::NotFound(_) => wrong(),
        error => error.into(),
    })?;
    let user = User { last_login_at: Some(session.created_at), ..user };
    tokens(app, user, session.id, session.created_at, &token, lives).await
}

/// Exchanges a refresh token for the next pair of tokens.
///
/// # Errors
/// [`Code::InvalidRefreshToken`]; [`Code::TenantInactive`], and the token stays valid.
pub async fn refresh(app: &App, shown: &str, from: Origin) -> Result<Tokens, AppError> {
    let invalid = || AppError::new(Code::InvalidRefreshToken, "the refresh token is not valid, or no longer valid");
    let shown = RefreshToken::parse(shown).map_err(|_| invalid())?;
    let lives = Lives::in_force(app).await?;
    let next = RefreshToken::generate().map_err(AppError::internal)?;
    let origin = (from.ip, from.request_id);
    let renewal =
        sessions::renew(&app.db, AllTenants::Authentication, origin, shown.hash(), next.hash(), lives.of_refresh);
    match renewal.await? {
        Renewal::Renewed(found) if found.user.is_active => {
            tokens(app, found.user, found.session, found.now, &next, lives).await
        }
        Renewal::Renewed(_) | Renewal::Refused => Err(invalid()),
        Renewal::TenantInactive => Err(tenant_inactive()),
        Renewal::Reused => {
            tracing::warn!("a refresh token was used long after it was replaced: its session has ended");
            Err(invalid())
        }
    }
}

/// Ends the session of the caller, or all sessions of the user. A key has none.
///
/// # Errors
/// Errors of the database.
pub async fn sign_out(app: &App, who: &Principal, wish: SignOutRequest) -> Result<(), AppError> {
    let scope = TenantScope::of(who.home);
    match who.authentication {
        _ if wish.all => sessions::end_all(&app.db, scope, who.actor(), who.user).await?,
        Authentication::Session(session) => {
            sessions::end_one(&app.db, scope, who.actor(), who.user, session).await?;
        }
        Authentication::Key(_) | Authentication::Local => {}
    }
    Ok(())
}

/// How long tokens live.
#[derive(Clone, Copy)]
struct Lives {
    of_access: Duration,
    of_refresh: Duration,
}

impl Lives {
    async fn in_force(app: &App) -> Result<Self, AppError> {
        let in_force = InForce::of_instance(&app.db, &app.settings).await?;
        Ok(Self { of_access: in_force.access_token_ttl, of_refresh: in_force.refresh_token_ttl })
    }
}

async fn tokens(
    app: &App,
    user: User,
    session: SessionId,
    now: Timestamp,
    refresh_token: &RefreshToken,
    lives: Lives,
) -> Result<Tokens, AppError> {
    let claims = Claims {
        user: user.id,
        role: user.role,
        tenant: user.tenant,
        session,
        issued_at: now,
        expires_at: now + lives.of_access,
    };
    Ok(Tokens {
        access_token: Some(access_tokens::issue(&app.signing_keys.keys(), claims)),
        token_type: "bearer".to_owned(),
        expires_in: lives.of_access.as_secs(),
        refresh_token: Some(refresh_token.reveal().to_owned()),
        refresh_expires_in: lives.of_refresh.as_secs(),
        tenant: summary(app, user.tenant).await?,
        user: to_contract(user),
    })
}

/// A tenant, in short.
pub(super) async fn summary(app: &App, tenant: TenantId) -> Result<TenantSummary, AppError> {
    let found = tenants::get(&app.db, AllTenants::Authentication, tenant).await?;
    let tenants::Tenant { id, slug, name, is_operating, .. } = found;
    Ok(TenantSummary { id: id.uuid(), slug: slug.to_string(), name, is_operating })
}

#[cfg(test)]
mod tests;
