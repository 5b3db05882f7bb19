//! Users, managed on the machine of the installation, also while the service runs: for people who have lost access.

use super::{AdminError, open};
use crate::config::Settings;
use crate::credentials::passwords::{self, Passwords};
use crate::credentials::signing_keys::SigningKeyFile;
use crate::settings::InForce;
use packshot_db::users::{self, NewPassword, NewUser};
use packshot_db::{AllTenants, Db, DbError, TenantScope, installation, sessions, tenants};
use packshot_domain::access::Role;
use packshot_domain::audit::Actor;
use packshot_domain::id::TenantId;
use packshot_domain::tenant::TenantSlug;
use packshot_domain::user::{DisplayName, Email, Password};

/// A user to create.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The e-mail address.
    pub email: Email,
    /// The name that others see; `None`: the address.
    pub display_name: Option<DisplayName>,
    /// What the user may do.
    pub role: Role,
    /// The slug of the tenant; `None`: the one that runs the installation.
    pub tenant: Option<String>,
    /// The password; `None`: a temporary one is made, which the user has to change first.
    pub password: Option<Password>,
}

/// A user who was created.
#[derive(Clone, Debug)]
pub struct CreatedAccount {
    /// The slug of the tenant.
    pub tenant: TenantSlug,
    /// The password to hand over, if none was given.
    pub temporary_password: Option<String>,
}

/// A user whose password was reset.
#[derive(Clone, Debug)]
pub struct ResetAccount {
    /// Whether the user may sign in.
    pub is_active: bool,
    /// The password to hand over.
    pub temporary_password: String,
}

/// Creates a user.
///
/// # Errors
/// When the data folder holds no installation, the database cannot be reached, the tenant is unknown, the address is
/// taken, or the password is weak.
pub async fn create(settings: &Settings, new: NewAccount) -> Result<CreatedAccount, AdminError> {
    let db = open(settings).await?;
    let made = create_in(&db, new).await;
    db.close().await;
    made
}

async fn create_in(db: &Db, new: NewAccount) -> Result<CreatedAccount, AdminError> {
    let NewAccount { email, display_name, role, tenant, password } = new;
    let tenant = tenant_of(db, tenant).await?;
    let display_name = display_name.or_else(|| email.as_str().parse().ok()).ok_or(AdminError::NoName)?;
    let (password, shown) = match password {
        Some(password) => {
            if let Some(weakness) = password.weakness(Some(email.as_str()), display_name.as_str()) {
                return Err(AdminError::WeakPassword(weakness));
            }
            (NewPassword { hash: hash(password).await?, is_temporary: false }, None)
        }
        None => temporary().await.map(|(password, shown)| (password, Some(shown)))?,
    };
    let row = NewUser { email, display_name, role, is_active: true, password };
    users::create(db, TenantScope::of(tenant), Actor::on_machine("local"), row).await.map_err(|error| match error {
        DbError::Exists(_) => AdminError::EmailTaken,
        error => error.into(),
    })?;
    let tenant = tenants::get(db, AllTenants::Instance, tenant).await?.slug;
    Ok(CreatedAccount { tenant, temporary_password: shown })
}

/// Gives a user a temporary password, which has to be changed first; all sessions of the user end.
///
/// # Errors
/// When the data folder holds no installation, the database cannot be reached, or not exactly one user has this
/// address.
pub async fn reset_password(
    settings: &Settings,
    email: &Email,
    tenant: Option<String>,
) -> Result<ResetAccount, AdminError> {
    let db = open(settings).await?;
    let reset = async {
        let mut found = users::with_email(&db, AllTenants::Instance, email, tenant.as_deref()).await?;
        let user = match (found.pop(), found.is_empty()) {
            (Some(found), true) => found.user,
            (Some(_), false) => return Err(AdminError::SeveralUsers(email.to_string())),
            (None, _) => return Err(AdminError::NoUser(email.to_string())),
        };
        let (password, temporary_password) = temporary().await?;
        let scope = TenantScope::of(user.tenant);
        users::set_password(&db, scope, Actor::on_machine("local"), user.id, password, None).await?;
        let is_active = user.is_active && tenants::is_active(&db, scope).await?;
        Ok(ResetAccount { is_active, temporary_password })
    };
    let reset = reset.await;
    db.close().await;
    reset
}

/// Makes a new key for access tokens. Tokens of the old key stay valid until they expire; with `revoke` they are
/// refused at once, and everyone has to sign in again.
///
/// # Errors
/// When the data folder holds no installation, the database cannot be reached, or the keys cannot be read or written.
pub async fn rotate_signing_key(settings: &Settings, revoke: bool) -> Result<(), AdminError> {
    let db = open(settings).await?;
    let rotated = async {
        let keys = SigningKeyFile::open(settings.jwt_secret_file.clone())?;
        // The setting may have been changed while the service ran.
        let until = db.now().await? + InForce::of_instance(&db, settings).await?.access_token_ttl;
        // The database first: what cannot be audited is not done.
        sessions::rotate_signing_key(&db, AllTenants::Instance, Actor::on_machine("local"), revoke).await?;
        Ok(keys.rotate((!revoke).then_some(until))?)
    };
    let rotated = rotated.await;
    db.close().await;
    rotated
}

/// The tenant with this slug, or the one that runs the installation.
pub(super) async fn tenant_of(db: &Db, slug: Option<String>) -> Result<TenantId, AdminError> {
    match slug {
        Some(slug) => tenants::named(db, AllTenants::Instance, &slug).await.map_err(|error| match error {
            DbError::NotFound(_) => AdminError::NoTenant(slug.clone()),
            error => error.into(),
        }),
        None => Ok(installation::get(db, AllTenants::Instance).await?.operating_tenant),
    }
}

async fn temporary() -> Result<(NewPassword, String), AdminError> {
    let text = passwords::temporary().map_err(|error| AdminError::Setup(error.into()))?;
    Ok((NewPassword { hash: hash(Password::new(text.clone())).await?, is_temporary: true }, text))
}

async fn hash(password: Password) -> Result<String, AdminError> {
    Passwords::default().hash(password).await.map_err(|error| AdminError::Hash(error.to_string()))
}
