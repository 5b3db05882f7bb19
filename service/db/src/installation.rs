//! What every installation has: the operating tenant `default`, its user `local`, and whether it is configured.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, UpdateMany};

use super::column::Col;
use super::entity::{installation, retention_class, system_setting, user, worker_config};
use super::level::Level;
use super::scope::Reach;
use super::tx::Tx;
use super::{AllTenants, Db, DbError, Json, TenantScope, tenants};
use packshot_domain::access::Role;
use packshot_domain::artifact::RetentionClass;
use packshot_domain::concurrency::Concurrency;
use packshot_domain::id::{StoreId, TenantId, UserId};
use packshot_domain::task::QueueName;
use packshot_domain::tenant::{InvalidSlug, TenantSlug};
use packshot_domain::tenant_config::TenantConfig;
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
/// The slug of the tenant that runs the installation.
const OPERATING_SLUG: &str = "default";

/// The installation as it is now.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn get(db: &Db, all: AllTenants) -> Result<Installation, DbError> {
    db.read_one(all, (), |tx, ()| Box::pin(load(tx))).await
}

/// Creates another user of a tenant.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached or there is no such tenant.
#[cfg(feature = "testing")]
pub async fn create_user(db: &Db, scope: TenantScope, role: Role) -> Result<UserId, DbError> {
    db.write(scope, (scope.tenant, role), |tx, (tenant, role)| {
        Box::pin(async move {
            let id = UserId::new();
            add_user(tx, (*tenant, id), "more", *role).await?;
            Ok(id)
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

/// Lets entries of the audit log that are older than `before` go.
pub(super) async fn expire_audit(tx: &Tx<'_>, before: Timestamp) -> Result<(), DbError> {
    let update = installation::Entity::update_many().filter(installation::Column::Id.eq(ROW));
    let column = installation::Column::AuditExpiredBefore;
    update.col_expr(column, Expr::value(Col(before))).exec(tx.on()).await?;
    Ok(())
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
        audit_expired_before: Set(Col(Timestamp::MIN)),
        created_at: Set(Col(now)),
    };
    // If services start together, one creates the row; the others wait, and then find it.
    let only_once = OnConflict::column(installation::Column::Id).do_nothing().to_owned();
    let made = installation::Entity::insert(row).on_conflict(only_once).exec_without_returning(tx.on());
    if made.await? == 0 {
        return Ok(());
    }
    let slug: Result<TenantSlug, InvalidSlug> = OPERATING_SLUG.parse();
    let slug = slug.map_err(|error| DbError::Unsupported(error.to_string()))?;
    tenants::insert(tx, tenant, &slug, OPERATING_SLUG, TenantConfig::default_of(true)).await?;
    add_user(tx, (tenant, user), "local", Role::GlobalAdmin).await?;
    let values = Set(Col(Json::Object(serde_json::Map::new())));
    let settings = system_setting::ActiveModel { id: Set(ROW), values, revision: Set(1) };
    system_setting::Entity::insert(settings).exec_without_returning(tx.on()).await?;
    let queues = QueueName::ALL.iter().map(|queue| queue_row(*queue, now));
    worker_config::Entity::insert_many(queues).exec_without_returning(tx.on()).await?;
    let classes = RetentionClass::ALL.iter().map(|class| class_row(*class));
    retention_class::Entity::insert_many(classes).exec_without_returning(tx.on()).await?;
    Ok(())
}

fn class_row(class: RetentionClass) -> retention_class::ActiveModel {
    retention_class::ActiveModel {
        name: Set(Col(class)),
        ttl_s: Set(class.ttl_s().map(i64::from)),
        description: Set(class.description().to_owned()),
    }
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

/// Adds a user who cannot sign in.
pub(super) async fn add_user(
    tx: &Tx<'_>,
    (tenant, id): (TenantId, UserId),
    name: &str,
    role: Role,
) -> Result<(), DbError> {
    let now = Col(tx.now().await?);
    let user = user::ActiveModel {
        tenant_id: Set(Col(tenant)),
        id: Set(Col(id)),
        email: Set(None),
        email_folded: Set(None),
        display_name: Set(name.to_owned()),
        role: Set(Col(role)),
        password_hash: Set(None),
        is_active: Set(true),
        must_change_password: Set(false),
        last_login_at: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
        deleted_at: Set(None),
    };
    user::Entity::insert(user).exec_without_returning(tx.on()).await?;
    Ok(())
}

pub(super) async fn load(tx: &Tx<'_>) -> Result<Installation, DbError> {
    of_row(installation::Entity::find_by_id(ROW).one(tx.on()).await?)
}

/// The installation, locked until the end of the transaction.
pub(super) async fn lock(tx: &Tx<'_>) -> Result<Installation, DbError> {
    tx.enter(Level::Installation);
    of_row(installation::Entity::find_by_id(ROW).lock_exclusive().one(tx.on()).await?)
}

fn of_row(row: Option<installation::Model>) -> Result<Installation, DbError> {
    let installation::Model { configured, operating_tenant, local_user, store_id, .. } =
        row.ok_or(DbError::NotFound("installation"))?;
    let store = store_id.map(Col::value);
    Ok(Installation { configured, operating_tenant: operating_tenant.0, local_user: local_user.0, store })
}

/// The reach of a change that configures the installation if none has before. Then it is that of all tenants, because
/// it concerns them all; later it is the tenant's own: an installation stays configured.
pub(super) async fn reach_to_configure(db: &Db, scope: TenantScope) -> Result<Reach, DbError> {
    let is_configured = get(db, AllTenants::Instance).await?.configured;
    Ok(if is_configured { scope.into() } else { AllTenants::Instance.into() })
}

/// Records that the installation is configured, permanently. Within the reach of one tenant it is already.
pub(super) async fn configure(tx: &Tx<'_>, reach: Reach) -> Result<(), DbError> {
    if let Reach::Tenant(_) = reach {
        return Ok(());
    }
    installation::Entity::update_many()
        .col_expr(installation::Column::Configured, true.into())
        .filter(installation::Column::Id.eq(ROW))
        // Only the first time: the row is not locked for every user and key.
        .filter(installation::Column::Configured.eq(false))
        .exec(tx.on())
        .await?;
    Ok(())
}

/// The settings of the installation: one row, made with it.
pub(super) const SETTINGS_ROW: i32 = ROW;
