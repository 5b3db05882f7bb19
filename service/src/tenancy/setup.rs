//! The first user with a password: from then on everyone has to sign in or use a key.

use std::sync::atomic::Ordering;

use super::sign_in::{Visitor, begin_session};
use super::users::chosen;
use crate::app::{App, AppError, Code};
use packshot_contract::setup::Setup;
use packshot_contract::sign_in::{FirstUser, Tokens};
use packshot_db::users::{self, NewUser};
use packshot_db::{AllTenants, DbError, installation};
use packshot_domain::access::Role;
use packshot_domain::audit::Actor;
use packshot_domain::principal::Principal;

/// How far the installation is set up.
///
/// # Errors
/// Errors of the database.
pub async fn get(app: &App) -> Result<Setup, AppError> {
    let configured = installation::get(&app.db, AllTenants::Authentication).await?.configured;
    Ok(Setup { configured, open_mode: !configured && app.settings.is_loopback() })
}

/// Makes the first global admin, and signs them in.
///
/// # Errors
/// [`Code::AlreadyConfigured`] once there is a user with a password; [`Code::WeakPassword`].
pub async fn complete(app: &App, who: &Principal, first: FirstUser, from: Visitor) -> Result<Tokens, AppError> {
    // Before a hash is computed; the transaction asks again.
    if users::any_with_password(&app.db, AllTenants::Instance).await? {
        return Err(already());
    }
    let user = make(app, who.actor(), first).await?;
    begin_session(app, user, None, from).await
}

/// Makes the first global admin.
///
/// # Errors
/// As [`complete`].
pub(crate) async fn make(app: &App, by: Actor, first: FirstUser) -> Result<users::User, AppError> {
    let FirstUser { email, password, display_name, tenant_name } = first;
    let display_name = match display_name {
        Some(name) => name,
        None => email.as_str().parse().map_err(AppError::internal)?,
    };
    let password = chosen(app, password, Some(email.as_str()), display_name.as_str(), "/password").await?;
    let new = NewUser { email, display_name, role: Role::GlobalAdmin, is_active: true, password };
    let made = users::set_up(&app.db, AllTenants::Instance, by, new, tenant_name).await;
    let user = made.map_err(|error| match error {
        DbError::Exists("user with a password") => already(),
        error => error.into(),
    })?;
    app.is_configured.store(true, Ordering::Relaxed);
    Ok(user)
}

fn already() -> AppError {
    AppError::new(Code::AlreadyConfigured, "the installation has a user with a password already")
}
