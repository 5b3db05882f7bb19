//! The first run: what a service allows before it is configured.
//!
//! On loopback alone it is open until there is a key. Anywhere else it makes one key for its owner and prints it once,
//! so that it is never open to a network.

use crate::config::Settings;
use packshot_db::keys::{self, NewKey};
use packshot_db::{AllTenants, Db, DbError, TenantScope, installation};
use packshot_domain::access::Scope;
use packshot_domain::key::{ApiKey, NoRandomness};
use packshot_domain::time::Timestamp;

/// Why no key was created.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The database did not do its part.
    #[error(transparent)]
    Database(#[from] DbError),
    /// No secret can be generated.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

/// The key to print, where this start is the one that makes it.
///
/// # Errors
/// When the database cannot be reached, or the operating system gives no random bytes.
pub async fn first_run(db: &Db, settings: &Settings) -> Result<Option<ApiKey>, SetupError> {
    if settings.is_loopback() || installation::get(db, AllTenants::Instance).await?.configured {
        return Ok(None);
    }
    create_key(db, "made at the first start", vec![Scope::Admin], None).await.map(Some)
}

/// Creates a key of the built-in user with these scopes, valid until it expires. The first key configures the
/// installation.
///
/// # Errors
/// As [`first_run`].
pub async fn create_key(
    db: &Db,
    name: &str,
    scopes: Vec<Scope>,
    expires_at: Option<Timestamp>,
) -> Result<ApiKey, SetupError> {
    let installation = installation::get(db, AllTenants::Instance).await?;
    let key = ApiKey::generate()?;
    let new = NewKey {
        user: installation.local_user,
        name: name.to_owned(),
        // A key that allows everything does so for all tenants.
        all_tenants: scopes.contains(&Scope::Admin),
        scopes,
        expires_at,
        rate_limit_per_s: None,
    };
    keys::create(db, TenantScope::of(installation.operating_tenant), new, &key).await?;
    Ok(key)
}
