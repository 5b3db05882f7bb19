//! API keys.

use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, TryIntoModel};

use super::column::Col;
use super::entity::{api_key, user};
use super::{AllTenants, Db, DbError, Page, PageRequest, TenantScope, installation};
use packshot_domain::access::{Role, Scope};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{KeyId, TenantId, UserId};
use packshot_domain::key::{ApiKey, KeyHash};
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
    pub hash: KeyHash,
    /// The owner's role.
    pub role: Role,
    /// Whether the owner may act at all.
    pub owner_is_active: bool,
    /// Whether the tenant runs the installation.
    pub in_operating_tenant: bool,
    /// The database's current time, which decides whether it has expired.
    pub now: Timestamp,
}

/// Stores a key. The first one configures the installation, in the same transaction.
///
/// # Errors
///
/// [`DbError::NotFound`] when there is no such user.
pub async fn create(db: &Db, scope: TenantScope, new: NewKey, key: &ApiKey) -> Result<StoredKey, DbError> {
    let args = (scope.tenant, new, key.prefix().to_owned(), ContentAddress::from_hash(*key.hash().as_bytes()));
    db.write(scope, args, |tx, (tenant, new, prefix, hash)| {
        Box::pin(async move {
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
                created_at: Set(Col(tx.now().await?)),
                expires_at: Set(new.expires_at.map(Col)),
                last_used_at: Set(None),
                revoked_at: Set(None),
            };
            let row = row.try_into_model()?;
            api_key::Entity::insert(row.clone().into_active_model().reset_all())
                .exec_without_returning(tx.on())
                .await?;
            installation::configure(tx).await?;
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
                    hash: KeyHash::from_bytes(*row.hash.0.hash()),
                    role: owner.role.0,
                    owner_is_active: owner.is_active,
                    in_operating_tenant: installation::load(tx).await?.operating_tenant == row.tenant_id.0,
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

/// Revokes a key; doing it twice is not an error.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn revoke(db: &Db, scope: TenantScope, id: KeyId) -> Result<StoredKey, DbError> {
    db.write(scope, (scope.tenant, id), |tx, key| {
        Box::pin(async move {
            let row = api_key::Entity::find_by_id((Col(key.0), Col(key.1))).lock_exclusive().one(tx.on()).await?;
            let row = row.ok_or(DbError::NotFound("key"))?;
            if row.revoked_at.is_some() {
                return Ok(row.into());
            }
            let mut row = row.into_active_model();
            row.revoked_at = Set(Some(Col(tx.now().await?)));
            Ok(row.update(tx.on()).await?.into())
        })
    })
    .await
}

/// A page of the tenant's keys, newest first; of one user or all.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(
    db: &Db,
    scope: TenantScope,
    owner: Option<UserId>,
    page: PageRequest,
) -> Result<Page<StoredKey>, DbError> {
    db.read(scope, (scope.tenant, owner, page), |tx, (tenant, owner, page)| {
        Box::pin(async move {
            let keys = api_key::Entity::find().filter(api_key::Column::TenantId.eq(Col(*tenant)));
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

/// A page of the keys of all tenants, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list_all(db: &Db, all: AllTenants, page: PageRequest) -> Result<Page<StoredKey>, DbError> {
    db.read_one(all, page, |tx, page| {
        Box::pin(async move {
            let keys = api_key::Entity::find();
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
