//! The first run: what a service allows before it is configured.
//!
//! On loopback alone it is open until there is a key. Anywhere else it makes one key for its owner and prints it once,
//! so that it is never open to a network.

use std::io;
use std::path::PathBuf;

use crate::config::{FirstAdmin, Settings};
use crate::credentials::passwords::Passwords;
use packshot_db::keys::{self, NewKey};
use packshot_db::users::{self, NewPassword, NewUser};
use packshot_db::{AllTenants, Db, DbError, TenantScope, installation};
use packshot_domain::access::{Role, Scope};
use packshot_domain::audit::Actor;
use packshot_domain::key::ApiKey;
use packshot_domain::secret::NoRandomness;
use packshot_domain::time::Timestamp;
use packshot_domain::user::{DisplayName, Password, Weakness};

/// Why no key was created.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The database did not do its part.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The file with the first password cannot be read.
    #[error("the file with the password of `admin_email` cannot be read: {}", path.display())]
    PasswordFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The first password is easy to guess.
    #[error("the password of `admin_email` cannot be used: {0}")]
    WeakPassword(Weakness),
    /// The address cannot be shown as a name.
    #[error("`admin_email` has more than 200 characters")]
    NoName,
    /// The password cannot be hashed.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
    /// No secret can be generated.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

/// Makes the first global admin of an installation that nobody has set up; later it does nothing.
///
/// # Errors
/// When the database or the file cannot be read, or the password is too weak.
pub async fn unattended(db: &Db, first: &FirstAdmin) -> Result<(), SetupError> {
    if installation::get(db, AllTenants::Instance).await?.configured {
        return Ok(());
    }
    let FirstAdmin { email, password_file } = first;
    let read = |source| SetupError::PasswordFile { path: password_file.clone(), source };
    let text = std::fs::read_to_string(password_file).map_err(read)?;
    let password = Password::new(text.lines().next().unwrap_or_default().to_owned());
    let display_name: DisplayName = email.as_str().parse().map_err(|_| SetupError::NoName)?;
    if let Some(weakness) = password.weakness(Some(email.as_str()), display_name.as_str()) {
        return Err(SetupError::WeakPassword(weakness));
    }
    let hash = Passwords::default().hash(password).await.map_err(|error| SetupError::Hash(error.to_string()))?;
    let password = NewPassword { hash, is_temporary: false };
    let new = NewUser { email: email.clone(), display_name, role: Role::GlobalAdmin, is_active: true, password };
    match users::set_up(db, AllTenants::Instance, Actor::on_machine("local"), new, None).await {
        // Of services that start together, one makes it.
        Ok(_) | Err(DbError::Exists("user with a password")) => Ok(()),
        Err(error) => Err(error.into()),
    }
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
        created_by: None,
    };
    keys::create(db, TenantScope::of(installation.operating_tenant), Actor::on_machine("local"), new, &key).await?;
    Ok(key)
}
