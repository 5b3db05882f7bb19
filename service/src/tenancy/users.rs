//! The users of a tenant: who they are, what they may do, and how their passwords are made.

use crate::app::{App, AppError, Code, Page, PageRequest};
use crate::credentials::passwords;
use packshot_contract::problem::Finding;
use packshot_contract::user::{self as contract, CreatedUser, NewUser, TemporaryPassword, UserChange};
use packshot_db::TenantScope;
use packshot_db::users::{self, NewPassword, User};
use packshot_domain::access::Role;
use packshot_domain::id::UserId;
use packshot_domain::principal::Principal;
use packshot_domain::reader::Reader;
use packshot_domain::user::{DisplayName, Email, Password};

/// Users, newest first.
///
/// # Errors
/// Errors of the database.
pub async fn list(app: &App, reader: &Reader, page: PageRequest) -> Result<Page<contract::User>, AppError> {
    let Page { items, next } = users::list(&app.db, reader, page).await?;
    Ok(Page { items: items.into_iter().map(to_contract).collect(), next })
}

/// A user.
///
/// # Errors
/// [`Code::UserNotFound`].
pub async fn get(app: &App, who: &Principal, id: UserId) -> Result<contract::User, AppError> {
    Ok(to_contract(users::get(&app.db, TenantScope::of(who.tenant), id).await?))
}

/// Creates a user, with a temporary password where none is given.
///
/// # Errors
/// [`Code::Forbidden`] for a role that the caller may not give; [`Code::WeakPassword`], [`Code::EmailExists`].
pub async fn create(app: &App, who: &Principal, new: NewUser) -> Result<CreatedUser, AppError> {
    check_role(who, new.role)?;
    let NewUser { email, display_name, role, password, is_active } = new;
    let (password, temporary_password) = match password {
        Some(password) => {
            (chosen(app, password, Some(email.as_str()), display_name.as_str(), "/password").await?, None)
        }
        None => temporary(app).await.map(|(made, shown)| (made, Some(shown)))?,
    };
    let row = users::NewUser { email, display_name, role, is_active, password };
    let user = users::create(&app.db, TenantScope::of(who.tenant), who.actor(), row).await?;
    Ok(CreatedUser { user: to_contract(user), temporary_password })
}

/// Changes a user.
///
/// # Errors
/// [`Code::Forbidden`], [`Code::UserNotFound`], [`Code::EmailExists`], [`Code::WeakPassword`],
/// [`Code::LastTenantAdmin`], [`Code::LastGlobalAdmin`].
pub async fn change(app: &App, who: &Principal, id: UserId, change: UserChange) -> Result<contract::User, AppError> {
    if let Some(role) = change.role {
        check_role(who, role)?;
    }
    let scope = TenantScope::of(who.tenant);
    let before = users::get(&app.db, scope, id).await?;
    check_reach(who, &before)?;
    let UserChange { email, display_name, role, password, is_active } = change;
    let password = match password {
        Some(password) => {
            let own = email.as_ref().map(Email::as_str).or(before.email.as_deref());
            let name = display_name.as_ref().map_or(before.display_name.as_str(), DisplayName::as_str);
            Some(chosen(app, password, own, name, "/password").await?)
        }
        None => None,
    };
    let change = users::UserChange { email, display_name, role, is_active, password };
    Ok(to_contract(users::change(&app.db, scope, (who.actor(), who.role), id, change).await?))
}

/// Deletes a user: e-mail address and name go, the id stays.
///
/// # Errors
/// [`Code::Forbidden`], [`Code::UserNotFound`], [`Code::LastTenantAdmin`], [`Code::LastGlobalAdmin`].
pub async fn delete(app: &App, who: &Principal, id: UserId) -> Result<(), AppError> {
    let scope = TenantScope::of(who.tenant);
    check_reach(who, &users::get(&app.db, scope, id).await?)?;
    Ok(users::delete(&app.db, scope, (who.actor(), who.role), id).await?)
}

/// Gives a user a temporary password; all sessions of the user end.
///
/// # Errors
/// [`Code::Forbidden`], [`Code::UserNotFound`].
pub async fn reset_password(app: &App, who: &Principal, id: UserId) -> Result<TemporaryPassword, AppError> {
    let scope = TenantScope::of(who.tenant);
    check_reach(who, &users::get(&app.db, scope, id).await?)?;
    let (password, shown) = temporary(app).await?;
    users::set_password(&app.db, scope, who.actor(), id, password, None).await?;
    Ok(TemporaryPassword { temporary_password: Some(shown) })
}

/// Nobody gives a role that they do not have.
fn check_role(who: &Principal, role: Role) -> Result<(), AppError> {
    match who.role.may_give(role) {
        true => Ok(()),
        false => Err(AppError::new(Code::Forbidden, format!("the role '{}' may not make anyone a '{role}'", who.role))
            .at("/role")),
    }
}

/// Nobody changes somebody who may do more.
fn check_reach(who: &Principal, user: &User) -> Result<(), AppError> {
    match who.role.may_give(user.role) {
        true => Ok(()),
        false => {
            Err(AppError::new(Code::Forbidden, format!("the role '{}' may not change a '{}'", who.role, user.role)))
        }
    }
}

/// The hash of a password that somebody chose.
///
/// # Errors
/// [`Code::WeakPassword`] at `pointer`.
pub(super) async fn chosen(
    app: &App,
    password: Password,
    email: Option<&str>,
    name: &str,
    pointer: &str,
) -> Result<NewPassword, AppError> {
    if let Some(weakness) = password.weakness(email, name) {
        let detail = format!("the password cannot be used: {weakness}");
        let finding = Finding::new(pointer, Code::WeakPassword.as_str(), detail.clone());
        return Err(AppError::of_input(Code::WeakPassword.as_str(), detail, vec![finding]));
    }
    Ok(NewPassword { hash: app.passwords.hash(password).await?, is_temporary: false })
}

/// A new password that its user has to change, with its text to be shown once.
pub(super) async fn temporary(app: &App) -> Result<(NewPassword, String), AppError> {
    let text = passwords::temporary().map_err(AppError::internal)?;
    let hash = app.passwords.hash(Password::new(text.clone())).await?;
    Ok((NewPassword { hash, is_temporary: true }, text))
}

/// A user as clients see them.
pub(super) fn to_contract(user: User) -> contract::User {
    contract::User {
        id: user.id.uuid(),
        tenant_id: user.tenant.uuid(),
        email: user.email,
        display_name: user.display_name,
        role: user.role.into(),
        is_active: user.is_active,
        must_change_password: user.must_change_password,
        last_login_at: user.last_login_at.map(Into::into),
        created_at: user.created_at.into(),
        updated_at: user.updated_at.into(),
    }
}
