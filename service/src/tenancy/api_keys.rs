//! API keys over HTTP: a key may do what its owner may, within its scopes.

use crate::app::{App, AppError, Code, Page, PageRequest};
use packshot_contract::api_key::{self as contract, ApiKeyChange, CreatedApiKey, NewApiKey};
use packshot_db::keys::{self, KeyChange, NewKey, StoredKey};
use packshot_db::{DbError, TenantScope, users};
use packshot_domain::access::{Permission, Role, Scope};
use packshot_domain::id::{KeyId, UserId};
use packshot_domain::key::ApiKey;
use packshot_domain::principal::{Authentication, Principal};
use packshot_domain::reader::Reader;

/// Whose keys are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owners {
    /// The caller.
    Me,
    /// Everyone.
    All,
}

/// Keys, newest first.
///
/// # Errors
/// [`Code::Forbidden`] for the keys of others.
pub async fn list(
    app: &App,
    reader: &Reader,
    owners: Owners,
    page: PageRequest,
) -> Result<Page<contract::ApiKey>, AppError> {
    let owner = match owners {
        Owners::Me => Some(reader.who.user),
        Owners::All => {
            reader.who.allows(Permission::AllKeys)?;
            None
        }
    };
    let Page { items, next } = keys::list(&app.db, reader, owner, page).await?;
    Ok(Page { items: items.into_iter().map(to_contract).collect(), next })
}

/// Creates a key.
///
/// # Errors
/// [`Code::Forbidden`] for what the caller or the owner may not do; [`Code::UserNotFound`]; [`Code::ValidationFailed`]
/// for one that would already have expired.
pub async fn create(app: &App, who: &Principal, new: NewApiKey) -> Result<CreatedApiKey, AppError> {
    let owner = new.user.unwrap_or(who.user);
    let now = app.db.now().await?;
    check_reach(app, who, owner, &new).await?;
    if let Some(expires_at) = new.expires_at.filter(|expires_at| *expires_at <= now) {
        let detail = format!("the key would already have expired, at {expires_at}");
        return Err(AppError::new(Code::ValidationFailed, detail).at("/expires_at"));
    }
    let row = NewKey {
        user: owner,
        name: new.name,
        scopes: new.scopes,
        all_tenants: new.all_tenants,
        expires_at: new.expires_at,
        rate_limit_per_s: new.rate_limit_per_s.map(u32::cast_signed),
        created_by: Some(who.user),
    };
    let key = ApiKey::generate().map_err(AppError::internal)?;
    let stored = keys::create(&app.db, TenantScope::of(who.tenant), who.actor(), row, &key).await?;
    Ok(CreatedApiKey { key: to_contract(stored), secret: Some(key.reveal().to_owned()) })
}

/// Nobody gives a scope or a reach that they do not have, and no key is for a user who may not have one.
async fn check_reach(app: &App, who: &Principal, owner: UserId, new: &NewApiKey) -> Result<(), AppError> {
    let refused = |detail: String, pointer: &str| Err(AppError::new(Code::Forbidden, detail).at(pointer));
    if let Some(scope) = new.scopes.iter().find(|scope| !who.has_scope(**scope)) {
        return refused(format!("your own key does not have the scope '{scope}'"), "/scopes");
    }
    let role = match owner == who.user {
        true => who.role,
        false => {
            who.allows(Permission::AllKeys)?;
            users::get(&app.db, TenantScope::of(who.tenant), owner).await?.role
        }
    };
    if !who.role.may_give(role) && owner != who.user {
        return refused(format!("the role '{}' may not create keys for a '{role}'", who.role), "/user_id");
    }
    if role == Role::Client {
        return refused("users with the role 'client' cannot have API keys".to_owned(), "/user_id");
    }
    if new.all_tenants && role != Role::GlobalAdmin {
        return refused("only a global admin's key can act for all tenants".to_owned(), "/all_tenants");
    }
    if new.all_tenants && !reaches_all(app, who).await? {
        return refused("you cannot act for all tenants yourself".to_owned(), "/all_tenants");
    }
    Ok(())
}

/// Whether the caller may act for all tenants: a global admin, unless it is with a key that is for its own tenant.
async fn reaches_all(app: &App, who: &Principal) -> Result<bool, AppError> {
    let is_admin = who.role == Role::GlobalAdmin && who.has_scope(Scope::Admin);
    match who.authentication {
        Authentication::Key(key) if is_admin => {
            Ok(keys::get(&app.db, TenantScope::of(who.home), key).await?.key.all_tenants)
        }
        Authentication::Key(_) | Authentication::Session(_) | Authentication::Local => Ok(is_admin),
    }
}

/// Changes a key that the caller may manage.
///
/// # Errors
/// [`Code::ApiKeyNotFound`]; [`Code::Forbidden`] for a key of somebody who may do more.
pub async fn change(app: &App, who: &Principal, id: KeyId, change: ApiKeyChange) -> Result<contract::ApiKey, AppError> {
    let found = find(app, who, id).await?;
    check_owner(app, who, found.key.user).await?;
    let ApiKeyChange { name, expires_at, rate_limit_per_s } = change;
    let rate_limit_per_s = rate_limit_per_s.map(|limit| limit.map(u32::cast_signed));
    let change = KeyChange { name, expires_at, rate_limit_per_s };
    Ok(to_contract(keys::change(&app.db, TenantScope::of(who.tenant), who.actor(), id, change).await?))
}

/// Nobody changes a key of somebody who may do more: a new expiry would give back what it opens.
async fn check_owner(app: &App, who: &Principal, owner: UserId) -> Result<(), AppError> {
    if owner == who.user {
        return Ok(());
    }
    match users::get(&app.db, TenantScope::of(who.tenant), owner).await {
        Ok(owner) if !who.role.may_give(owner.role) => {
            let detail = format!("the role '{}' may not change keys of a '{}'", who.role, owner.role);
            Err(AppError::new(Code::Forbidden, detail))
        }
        // The keys of a deleted user open nothing.
        Ok(_) | Err(DbError::NotFound(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Revokes a key that the caller may manage; doing it twice is not an error.
///
/// # Errors
/// [`Code::ApiKeyNotFound`].
pub async fn revoke(app: &App, who: &Principal, id: KeyId) -> Result<contract::ApiKey, AppError> {
    find(app, who, id).await?;
    Ok(to_contract(keys::revoke(&app.db, TenantScope::of(who.tenant), who.actor(), id).await?))
}

/// A key that the caller may manage: their own, or any of the tenant. Others are not there.
async fn find(app: &App, who: &Principal, id: KeyId) -> Result<StoredKey, AppError> {
    let found = keys::get(&app.db, TenantScope::of(who.tenant), id).await?;
    match found.key.user == who.user || who.allows(Permission::AllKeys).is_ok() {
        true => Ok(found),
        false => Err(AppError::new(Code::ApiKeyNotFound, "there is no such API key")),
    }
}

fn to_contract(stored: StoredKey) -> contract::ApiKey {
    let StoredKey { id, tenant, key, prefix, created_at, last_used_at, revoked_at } = stored;
    contract::ApiKey {
        id: id.uuid(),
        tenant_id: tenant.uuid(),
        user_id: key.user.uuid(),
        name: key.name,
        prefix,
        scopes: key.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        all_tenants: key.all_tenants,
        created_by: key.created_by.map(UserId::uuid),
        created_at: created_at.into(),
        expires_at: key.expires_at.map(Into::into),
        last_used_at: last_used_at.map(Into::into),
        revoked_at: revoked_at.map(Into::into),
        rate_limit_per_s: key.rate_limit_per_s.and_then(|limit| u32::try_from(limit).ok()),
    }
}
