//! What every installation has: the operating tenant `default`, its user `local`, and whether it is configured.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, UpdateMany};

use super::column::Col;
use super::entity::{installation, system_setting, tenant, tenant_config, user, worker_config};
use super::tx::Tx;
use super::{AllTenants, Db, DbError, Json};
use packshot_domain::access::Role;
use packshot_domain::concurrency::Concurrency;
use packshot_domain::id::{StoreId, TenantId, UserId};
use packshot_domain::task::QueueName;
use packshot_domain::time::Timestamp;

/// An installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Whether a key, or a user with a password, was ever created; it stays true after that.
    pub configured: bool,
    /// The tenant that runs it.
    pub operating_tenant: TenantId,
    /// The built-in user: a global_admin of the operating tenant who cannot log in.
    pub local_user: UserId,
    /// The store with its files; `None` until a service has started with one.
    pub store: Option<StoreId>,
}

/// The id of the only row.
const ROW: i32 = 1;
/// How many renders of a new tenant may run at the same time.
const MAX_CONCURRENT_RENDERS: i32 = 3;

/// The installation as it is now.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn get(db: &Db, all: AllTenants) -> Result<Installation, DbError> {
    db.read_one(all, (), |tx, ()| Box::pin(load(tx))).await
}

/// Whether there is such a tenant.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn has_tenant(db: &Db, all: AllTenants, tenant: TenantId) -> Result<bool, DbError> {
    db.read_one(all, tenant, |tx, tenant| {
        Box::pin(async move { Ok(tenant::Entity::find_by_id(Col(*tenant)).one(tx.on()).await?.is_some()) })
    })
    .await
}

/// Creates another tenant with one user.
///
/// # Errors
///
/// [`DbError::Exists`] when there is a tenant with this slug.
#[cfg(feature = "testing")]
pub async fn create_tenant(db: &Db, all: AllTenants, slug: &str, role: Role) -> Result<(TenantId, UserId), DbError> {
    db.write(all, (slug.to_owned(), role), |tx, (slug, role)| {
        Box::pin(async move {
            let ids = (TenantId::new(), UserId::new());
            add_tenant(tx, ids, slug, *role).await?;
            Ok(ids)
        })
    })
    .await
}

/// Creates another user of a tenant.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached or there is no such tenant.
#[cfg(feature = "testing")]
pub async fn create_user(db: &Db, scope: super::TenantScope, role: Role) -> Result<UserId, DbError> {
    db.write(scope, (scope.tenant, role), |tx, (tenant, role)| {
        Box::pin(async move {
            let id = UserId::new();
            let created_at = Set(Col(tx.now().await?));
            let (display_name, role, is_active) = (Set("more".to_owned()), Set(Col(*role)), Set(true));
            let row = user::ActiveModel {
                tenant_id: Set(Col(*tenant)),
                id: Set(Col(id)),
                display_name,
                role,
                is_active,
                created_at,
            };
            user::Entity::insert(row).exec_without_returning(tx.on()).await?;
            Ok(id)
        })
    })
    .await
}

/// Sets how many renders of a tenant run at once.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn set_max_concurrent_renders(db: &Db, all: AllTenants, tenant: TenantId, max: i32) -> Result<(), DbError> {
    db.write(all, (tenant, max), |tx, (tenant, max)| {
        Box::pin(async move {
            let changed = tenant_config::Entity::update_many()
                .col_expr(tenant_config::Column::MaxConcurrentRenders, (*max).into())
                .filter(tenant_config::Column::TenantId.eq(Col(*tenant)))
                .exec(tx.on())
                .await?;
            if changed.rows_affected == 0 { Err(DbError::NotFound("tenant")) } else { Ok(()) }
        })
    })
    .await
}

/// Records which store has the files, if none is recorded yet; returns the recorded one.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn bind_store(db: &Db, all: AllTenants, store: StoreId) -> Result<StoreId, DbError> {
    db.write(all, store, |tx, store| {
        Box::pin(async move {
            let unbound = set_store(*store).filter(installation::Column::StoreId.is_null());
            unbound.exec(tx.on()).await?;
            load(tx).await?.store.ok_or(DbError::NotFound("store"))
        })
    })
    .await
}

/// Records that another store has the files from now on.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn replace_store(db: &Db, all: AllTenants, store: StoreId) -> Result<(), DbError> {
    db.write(all, store, |tx, store| {
        Box::pin(async move {
            set_store(*store).exec(tx.on()).await?;
            Ok(())
        })
    })
    .await
}

fn set_store(store: StoreId) -> UpdateMany<installation::Entity> {
    let update = installation::Entity::update_many().filter(installation::Column::Id.eq(ROW));
    update.col_expr(installation::Column::StoreId, Expr::value(Col(store)))
}

/// Creates what every installation has, unless it exists.
pub(super) async fn prepare(db: &Db) -> Result<(), DbError> {
    db.write(AllTenants::Instance, (), |tx, ()| Box::pin(make(tx))).await
}

async fn make(tx: &Tx<'_>) -> Result<(), DbError> {
    let now = tx.now().await?;
    let (tenant, user) = (TenantId::new(), UserId::new());
    let row = installation::ActiveModel {
        id: Set(ROW),
        configured: Set(false),
        operating_tenant: Set(Col(tenant)),
        local_user: Set(Col(user)),
        store_id: Set(None),
        created_at: Set(Col(now)),
    };
    // If services start together, one creates the row; the others wait, and then find it.
    let only_once = OnConflict::column(installation::Column::Id).do_nothing().to_owned();
    let made = installation::Entity::insert(row).on_conflict(only_once).exec_without_returning(tx.on());
    if made.await? == 0 {
        return Ok(());
    }
    add_tenant(tx, (tenant, user), "default", Role::GlobalAdmin).await?;
    let values = Set(Col(Json::Object(serde_json::Map::new())));
    let settings = system_setting::ActiveModel { id: Set(ROW), values, revision: Set(1) };
    system_setting::Entity::insert(settings).exec_without_returning(tx.on()).await?;
    let queues = QueueName::ALL.iter().map(|queue| queue_row(*queue, now));
    worker_config::Entity::insert_many(queues).exec_without_returning(tx.on()).await?;
    Ok(())
}

fn queue_row(queue: QueueName, now: Timestamp) -> worker_config::ActiveModel {
    let limits = Concurrency::default_of(queue);
    worker_config::ActiveModel {
        queue_name: Set(Col(queue)),
        max_concurrency: Set(limits.max()),
        min_concurrency: Set(limits.min()),
        updated_at: Set(Col(now)),
        revision: Set(1),
    }
}

async fn add_tenant(tx: &Tx<'_>, ids: (TenantId, UserId), slug: &str, role: Role) -> Result<(), DbError> {
    let (id, user_id) = ids;
    let created_at = Set(Col(tx.now().await?));
    let name = Set(slug.to_owned());
    let row = tenant::ActiveModel { id: Set(Col(id)), slug: name.clone(), name, created_at: created_at.clone() };
    let only_once = OnConflict::column(tenant::Column::Slug).do_nothing().to_owned();
    let made = tenant::Entity::insert(row).on_conflict(only_once).exec_without_returning(tx.on());
    if made.await? == 0 {
        return Err(DbError::Exists("tenant"));
    }
    let max_concurrent_renders = Set(MAX_CONCURRENT_RENDERS);
    let config = tenant_config::ActiveModel { tenant_id: Set(Col(id)), max_concurrent_renders, revision: Set(1) };
    tenant_config::Entity::insert(config).exec_without_returning(tx.on()).await?;
    let user = user::ActiveModel {
        tenant_id: Set(Col(id)),
        id: Set(Col(user_id)),
        display_name: Set("local".to_owned()),
        role: Set(Col(role)),
        is_active: Set(true),
        created_at,
    };
    user::Entity::insert(user).exec_without_returning(tx.on()).await?;
    Ok(())
}

pub(super) async fn load(tx: &Tx<'_>) -> Result<Installation, DbError> {
    let row = installation::Entity::find_by_id(ROW).one(tx.on()).await?;
    let installation::Model { configured, operating_tenant, local_user, store_id, .. } =
        row.ok_or(DbError::NotFound("installation"))?;
    let store = store_id.map(Col::value);
    Ok(Installation { configured, operating_tenant: operating_tenant.0, local_user: local_user.0, store })
}

/// Records that the installation is configured, permanently.
pub(super) async fn configure(tx: &Tx<'_>) -> Result<(), DbError> {
    installation::Entity::update_many()
        .col_expr(installation::Column::Configured, true.into())
        .filter(installation::Column::Id.eq(ROW))
        .exec(tx.on())
        .await?;
    Ok(())
}

/// The settings of the installation: one row, made with it.
pub(super) const SETTINGS_ROW: i32 = ROW;
