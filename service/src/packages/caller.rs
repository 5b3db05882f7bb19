//! What logs call a caller.

use crate::app::{App, AppError};
use packshot_db::artifacts::Caller;
use packshot_db::{TenantScope, keys};
use packshot_domain::artifact::EventActor;
use packshot_domain::principal::{Authentication, Principal};

/// What the log of artifacts calls a caller.
///
/// # Errors
/// Errors of the database.
pub(crate) async fn actor(app: &App, who: &Principal) -> Result<EventActor, AppError> {
    Ok(match who.authentication {
        Authentication::Local => EventActor::Local,
        Authentication::Session(_) => EventActor::User(who.user),
        Authentication::Key(key) => {
            let key = keys::get(&app.db, TenantScope::of(who.home), key).await?;
            EventActor::Key(key.prefix.parse().map_err(AppError::internal)?)
        }
    })
}

/// What the log of artifacts and the audit log call a caller, with their role.
///
/// # Errors
/// Errors of the database.
pub(crate) async fn of(app: &App, who: &Principal) -> Result<Caller, AppError> {
    Ok(Caller { event: actor(app, who).await?, audit: who.actor(), role: who.role })
}
