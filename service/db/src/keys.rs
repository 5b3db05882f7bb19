//! API keys.

use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, TryIntoModel};
use serde_json::json;

use super::column::Col;
use super::entity::{api_key, user};
use super::tx::Tx;
use super::{AllTenants, Db, DbError, Json, Page, PageRequest, ReadScope, TenantScope, audit, installation, tenants};
use audit::NewEntry;
use packshot_domain::access::{Role, Scope};
use packshot_domain::audit::{Action, Actor};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{KeyId, TenantId, UserId};
use packshot_domain::key::ApiKey;
use packshot_domain::secret::SecretHash;
use packshot_domain::tenant::TenantStatus;
use packshot_domain::time::Timestamp;

/// The precision of `last_used_at`.
pub const LAST_USED_RESOLUTION: Duration = Duration::from_secs(60);

/// A key to create.
#[derive(Clone, Debug, PartialEq)]
pub struct NewKey {
    /// The user whose key it is.
    pub user: UserId,
    /// The name that its owner gave it.
    pub name: String,
    /// What it gives access to.
    pub scopes: Vec<Scope>,
    /// Whether it may act for any tenant; only on a global_admin's key.
    pub all_tenants: bool,
    /// When it expires; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// Requests per second at most.
    pub rate_limit_per_s: Option<i32>,
    /// The user who makes it; `None` for one made on the machine itself.
    pub created_by: Option<UserId>,
}

/// A change of a key: what is `None` stays. Its scopes never change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyChange {
    /// Another name.
    pub name: Option<String>,
    /// When it expires now; `Some(None)`: never.
    pub expires_at: Option<Option<Timestamp>>,
    /// Requests per second at most; `Some(None)`: no limit of its own.
    pub rate_limit_per_s: Option<Option<i32>>,
}

/// A key as it is stored: without its secret.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredKey {
    /// Its id.
    pub id: KeyId,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// Its owner, its scopes and when it expires.
    pub key: NewKey,
    /// `pk_` and 8 characters.
    pub prefix: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A candidate for the key of a request, with what is needed to check it.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The key.
    pub key: StoredKey,
    /// The hash that the key of the request must have.
    pub hash: SecretHash,
    /// The owner's role.
    pub role: Role,
    /// Whether the owner may act at all.
    pub owner_is_active: bool,
    /// Whether the owner has to change the password first.
    pub owner_must_change_password: bool,
    /// Whether the tenant runs the installation.
    pub in_operating_tenant: bool,
    /// The state of the tenant.
    pub tenant_status: TenantStatus,
    /// The database's current time, which decides whether it has expired.
    pub now: Timestamp,
}

/// Stores a key. The first one configures the installation, in the same transaction.
///
/// # Errors
///
/// [`DbError::NotFound`] when there is no such user.
pub async fn create(db: &Db, scope: TenantScope, by: Actor, new: NewKey, key: &ApiKey) -> Result<StoredKey, DbError> {
    let reach = installation::reach_to_configure(db, scope).await?;
    let hash = ContentAddress::from_hash(*key.hash().as_bytes());
    let args = (scope.tenant, by, new, key.prefix().to_owned(), hash, reach);
    db.write(reach, args, |tx, (tenant, by, new, prefix, hash, reach)| {
        Box::pin(async move {
            // First: a change of a user locks the installation before the user, whom a key refers to.
            installation::configure(tx, *reach).await?;
            let owner = user::Entity::find_by_id((Col(*tenant), Col(new.user))).one(tx.on()).await?;
            owner.ok_or(DbError::NotFound("user"))?;
            let row = api_key::ActiveModel {
                tenant_id: Set(Col(*tenant)),
                id: Set(Col(KeyId::new())),
                user_id: Set(Col(new.user)),
                name: Set(new.name.clone()),
                prefix: Set(prefix.clone()),
                hash: Set(Col(*hash)),
                scopes: Set(Col(new.scopes.clone())),
                all_tenants: Set(new.all_tenants),
                rate_limit_per_s: Set(new.rate_limit_per_s),
                created_by: Set(new.created_by.map(Col)),
                created_at: Set(Col(tx.now().await?)),
                expires_at: Set(new.expires_at.map(Col)),
                last_used_at: Set(None),
                revoked_at: Set(None),
            };
            let row = row.try_into_model()?;
            api_key::Entity::insert(row.clone().into_active_model().reset_all())
                .exec_without_returning(tx.on())
                .await?;
            let detail = json!({"before": null, "after": shown(&row)});
            audit::write(tx, *tenant, by, [entry(Action::KeyCreated, &row, detail)]).await?;
            Ok(row.into())
        })
    })
    .await
}

/// Keys with this prefix: none or one, except by chance.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn find(db: &Db, all: AllTenants, prefix: &str) -> Result<Vec<Candidate>, DbError> {
    db.read(all, prefix.to_owned(), |tx, prefix| {
        Box::pin(async move {
            let keys = api_key::Entity::find().filter(api_key::Column::Prefix.eq(prefix)).all(tx.on()).await?;
            let mut candidates = Vec::with_capacity(keys.len());
            for row in keys {
                let owner = user::Entity::find_by_id((row.tenant_id, row.user_id)).one(tx.on()).await?;
                let owner = owner.ok_or(DbError::NotFound("user"))?;
                candidates.push(Candidate {
                    hash: SecretHash::from_bytes(*row.hash.0.hash()),
                    role: owner.role.0,
                    owner_is_active: owner.is_active,
                    owner_must_change_password: owner.must_change_password,
                    in_operating_tenant: installation::load(tx).await?.operating_tenant == row.tenant_id.0,
                    tenant_status: tenants::status(tx, row.tenant_id.0).await?,
                    now: tx.now().await?,
                    key: row.into(),
                });
            }
            Ok(candidates)
        })
    })
    .await
}

/// Records that a key was used; writes at most once a minute.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn touch(db: &Db, scope: TenantScope, id: KeyId) -> Result<(), DbError> {
    let is_recent = |used: Option<Timestamp>, now: Timestamp| {
        used.is_some_and(|used| used <= now && now.since(used) < LAST_USED_RESOLUTION)
    };
    // Most uses come soon after another one; then nothing is written.
    let used = db.read(scope, (scope.tenant, id), |tx, key| {
        Box::pin(async move {
            let row = api_key::Entity::find_by_id((Col(key.0), Col(key.1))).one(tx.on()).await?;
            Ok(row.map(|row| row.last_used_at).zip(Some(tx.now().await?)))
        })
    });
    match used.await? {
        Some((used, now)) if !is_recent(used.map(Col::value), now) => (),
        _ => return Ok(()),
    }
    db.write(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move {
            api_key::Entity::update_many()
                .col_expr(api_key::Column::LastUsedAt, Expr::value(Col(tx.now().await?)))
                .filter(api_key::Column::TenantId.eq(Col(*tenant)))
                .filter(api_key::Column::Id.eq(Col(*id)))
                .exec(tx.on())
                .await?;
            Ok(())
        })
    })
    .await
}

/// A key.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, id: KeyId) -> Result<StoredKey, DbError> {
    db.read_one(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move {
            let row = api_key::Entity::find_by_id((Col(*tenant), Col(*id))).one(tx.on()).await?;
            row.map(StoredKey::from).ok_or(DbError::NotFound("key"))
        })
    })
    .await
}

/// Changes a key.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn change(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    id: KeyId,
    change: KeyChange,
) -> Result<StoredKey, DbError> {
    db.write(scope, (scope.tenant, by, id, change), |tx, (tenant, by, id, change)| {
        Box::pin(async move {
            let before = lock(tx, *tenant, *id).await?;
            let mut row = before.clone().into_active_model();
            if let Some(name) = &change.name {
                row.name = Set(name.clone());
            }
            if let Some(expires_at) = change.expires_at {
                row.expires_at = Set(expires_at.map(Col));
            }
            if let Some(limit) = change.rate_limit_per_s {
                row.rate_limit_per_s = Set(limit);
            }
            // Without a member to set there would be no valid statement.
            let row = if row.is_changed() { row.update(tx.on()).await? } else { row.try_into_model()? };
            if row != before {
                let detail = audit::change(&shown(&before), &shown(&row));
                audit::write(tx, *tenant, by, [entry(Action::KeyUpdated, &row, detail)]).await?;
            }
            Ok(row.into())
        })
    })
    .await
}

/// Revokes a key; doing it twice is not an error.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn revoke(db: &Db, scope: TenantScope, by: Actor, id: KeyId) -> Result<StoredKey, DbError> {
    db.write(scope, (scope.tenant, by, id), |tx, (tenant, by, id)| {
        Box::pin(async move {
            let row = lock(tx, *tenant, *id).await?;
            if row.revoked_at.is_some() {
                return Ok(row.into());
            }
            let mut revoked = row.into_active_model();
            revoked.revoked_at = Set(Some(Col(tx.now().await?)));
            let row = revoked.update(tx.on()).await?;
            let revoked_at = row.revoked_at.map(|at| at.0.to_string());
            let detail = json!({"before": {"revoked_at": null}, "after": {"revoked_at": revoked_at}});
            audit::write(tx, *tenant, by, [entry(Action::KeyRevoked, &row, detail)]).await?;
            Ok(row.into())
        })
    })
    .await
}

async fn lock(tx: &Tx<'_>, tenant: TenantId, id: KeyId) -> Result<api_key::Model, DbError> {
    let row = api_key::Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
    row.ok_or(DbError::NotFound("key"))
}

/// What the audit log shows of a key.
fn shown(row: &api_key::Model) -> Json {
    let scopes: Vec<&str> = row.scopes.0.iter().map(|scope| scope.as_str()).collect();
    let expires_at = row.expires_at.map(|at| at.0.to_string());
    json!({
        "name": row.name,
        "prefix": row.prefix,
        "user_id": row.user_id.0.to_string(),
        "scopes": scopes,
        "all_tenants": row.all_tenants,
        "expires_at": expires_at,
        "rate_limit_per_s": row.rate_limit_per_s,
    })
}

fn entry(action: Action, row: &api_key::Model, detail: Json) -> NewEntry {
    NewEntry { action, object: Some(("api_key", row.id.0.to_string())), detail }
}

/// A page of keys, newest first; of one user or all.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(
    db: &Db,
    scope: impl Into<ReadScope>,
    owner: Option<UserId>,
    page: PageRequest,
) -> Result<Page<StoredKey>, DbError> {
    let scope = scope.into();
    db.read(scope, (scope, owner, page), |tx, (scope, owner, page)| {
        Box::pin(async move {
            let keys = scope.narrow(api_key::Entity::find(), api_key::Column::TenantId);
            let keys = match owner {
                Some(owner) => keys.filter(api_key::Column::UserId.eq(Col(*owner))),
                None => keys,
            };
            let rows = page.narrow(keys, api_key::Column::CreatedAt, api_key::Column::Id).all(tx.on()).await?;
            Ok(page.cut(rows, |row| (row.created_at.0, row.id.0.uuid())))
        })
    })
    .await
}

impl From<api_key::Model> for StoredKey {
    fn from(row: api_key::Model) -> Self {
        let key = NewKey {
            user: row.user_id.0,
            name: row.name,
            scopes: row.scopes.0,
            all_tenants: row.all_tenants,
            expires_at: row.expires_at.map(Col::value),
            rate_limit_per_s: row.rate_limit_per_s,
            created_by: row.created_by.map(Col::value),
        };
        Self {
            id: row.id.0,
            tenant: row.tenant_id.0,
            key,
            prefix: row.prefix,
            created_at: row.created_at.0,
            last_used_at: row.last_used_at.map(Col::value),
            revoked_at: row.revoked_at.map(Col::value),
        }
    }
}
