//! The caller's own account: who they are, their password, their sessions.

use super::sign_in::{attempt, summary};
use super::users::{chosen, to_contract};
use crate::app::{App, AppError, Code, Page, PageRequest};
use packshot_contract::account::{Account, PasswordChange};
use packshot_contract::sign_in as contract;
use packshot_db::users::{self, Replaced, UserChange};
use packshot_db::{DbError, TenantScope, sessions};
use packshot_domain::access::Permission;
use packshot_domain::id::SessionId;
use packshot_domain::principal::{Authentication, Principal};
use packshot_domain::user::DisplayName;

/// Who the caller is, and what they may do.
///
/// # Errors
/// Errors of the database.
pub async fn get(app: &App, who: &Principal) -> Result<Account, AppError> {
    let user = users::get(&app.db, TenantScope::of(who.home), who.user).await?;
    let permissions = Permission::ALL.iter().filter(|permission| who.allows(**permission).is_ok());
    let auth = match who.authentication {
        Authentication::Session(_) => "jwt",
        Authentication::Key(_) => "api_key",
        Authentication::Local => "local",
    };
    Ok(Account {
        user: to_contract(user),
        tenant: summary(app, who.tenant).await?,
        permissions: permissions.map(|permission| permission.as_str().to_owned()).collect(),
        scopes: who.scopes.as_ref().map(|scopes| scopes.iter().map(|scope| scope.as_str().to_owned()).collect()),
        auth: auth.to_owned(),
    })
}

/// Changes the caller's name.
///
/// # Errors
/// Errors of the database.
pub async fn rename(app: &App, who: &Principal, name: Option<DisplayName>) -> Result<Account, AppError> {
    if name.is_some() {
        let change = UserChange { display_name: name, ..UserChange::default() };
        users::change(&app.db, TenantScope::of(who.home), (who.actor(), who.role), who.user, change).await?;
    }
    get(app, who).await
}

/// Changes the caller's password; all other sessions end. Wrong passwords count as failed sign-ins do.
///
/// # Errors
/// [`Code::InvalidCredentials`], [`Code::WeakPassword`], [`Code::RateLimited`].
pub async fn change_password(app: &App, who: &Principal, change: PasswordChange) -> Result<(), AppError> {
    let scope = TenantScope::of(who.home);
    let user = users::get(&app.db, scope, who.user).await?;
    let email = user.email.clone().unwrap_or_default();
    let attempt = attempt(app, &email, who.origin.ip).await?;
    let hash = users::password_hash(&app.db, scope, who.user).await?;
    let wrong = || {
        let wrong = AppError::new(Code::InvalidCredentials, "the current password is wrong").at("/current_password");
        wrong.with_help("give the password that you signed in with")
    };
    let is_same = change.new == change.current;
    if !app.passwords.is_right(change.current, hash.clone()).await? {
        return Err(wrong());
    }
    attempt.succeeded();
    if is_same {
        let same = AppError::new(Code::WeakPassword, "the new password is the current one").at("/new_password");
        return Err(same.with_help("choose another one: whoever gave you a temporary password knows it"));
    }
    let password = chosen(app, change.new, user.email.as_deref(), &user.display_name, "/new_password").await?;
    let keep = match who.authentication {
        Authentication::Session(session) => Some(session),
        Authentication::Key(_) | Authentication::Local => None,
    };
    let changed =
        users::set_password(&app.db, scope, who.actor(), who.user, password, Some(Replaced { hash, keep })).await;
    changed.map_err(|error| match error {
        DbError::NotFound("password") => wrong(),
        error => error.into(),
    })
}

/// The caller's sessions that have not ended, newest first.
///
/// # Errors
/// Errors of the database.
pub async fn sessions(app: &App, who: &Principal, page: PageRequest) -> Result<Page<contract::Session>, AppError> {
    let Page { items, next } = sessions::list(&app.db, TenantScope::of(who.home), who.user, page).await?;
    let shown = |session: sessions::Session| contract::Session {
        id: session.id.uuid(),
        user_id: session.user.uuid(),
        created_at: session.created_at.into(),
        last_used_at: session.last_used_at.into(),
        expires_at: session.expires_at.into(),
        revoked_at: session.revoked_at.map(Into::into),
        user_agent: session.user_agent,
        ip: session.ip.map(|ip| ip.to_string()),
    };
    Ok(Page { items: items.into_iter().map(shown).collect(), next })
}

/// Ends one of the caller's sessions.
///
/// # Errors
/// [`Code::SessionNotFound`].
pub async fn end_session(app: &App, who: &Principal, session: SessionId) -> Result<(), AppError> {
    Ok(sessions::end_one(&app.db, TenantScope::of(who.home), who.actor(), who.user, session).await?)
}
