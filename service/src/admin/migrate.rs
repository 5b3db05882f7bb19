//! What an installation needs from whoever administers its database server.

use super::AdminError;
use crate::config::Settings;
use crate::server::app::postgres_urls;
use packshot_db::{DbError, plan};

/// The SQL that prepares the database of these settings for three roles. The database need not be there yet.
///
/// # Errors
/// When the database is SQLite, a URL cannot be read, two of three URLs are of one role, or one is of another database.
pub fn plan(settings: &Settings) -> Result<String, AdminError> {
    let urls = postgres_urls(settings).ok_or(AdminError::NoServer)?;
    plan::three_roles(&urls).map_err(|error| match error {
        DbError::Unsupported(what) => AdminError::Url(what),
        error => error.into(),
    })
}
