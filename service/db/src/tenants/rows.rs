//! Rows of tenants.

use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::sea_query::{Expr, LockType, OnConflict};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};

use super::{Tenant, TenantView, usage};
use crate::column::Col;
use crate::entity::tenant;
use crate::level::Level;
use crate::tenant_configs::{self, StoredConfig};
use crate::tx::Tx;
use crate::{DbError, installation};
use packshot_domain::id::TenantId;
use packshot_domain::tenant::{TenantSlug, TenantStatus};
use packshot_domain::tenant_config::TenantConfig;
use packshot_domain::user::DisplayName;

/// Adds an active tenant with its configuration.
pub(crate) async fn insert(
    tx: &Tx<'_>,
    id: TenantId,
    slug: &TenantSlug,
    name: &str,
    config: TenantConfig,
) -> Result<(), DbError> {
    tx.enter(Level::Tenant);
    let now = Col(tx.now().await?);
    let row = tenant::ActiveModel {
        id: Set(Col(id)),
        slug: Set(Col(slug.clone())),
        name: Set(name.to_owned()),
        status: Set(Col(TenantStatus::Active)),
        created_at: Set(now),
        updated_at: Set(now),
        deactivated_at: Set(None),
        delete_after: Set(None),
        deleted_at: Set(None),
        purged: Set(None),
    };
    let only_once = OnConflict::column(tenant::Column::Slug).do_nothing().to_owned();
    let made = tenant::Entity::insert(row).on_conflict(only_once).exec_without_returning(tx.on());
    if made.await? == 0 {
        return Err(DbError::Exists("tenant"));
    }
    tenant_configs::insert(tx, id, config).await
}

/// A tenant that is not gone.
pub(super) async fn find(tx: &Tx<'_>, id: TenantId) -> Result<tenant::Model, DbError> {
    there(tenant::Entity::find_by_id(Col(id)).one(tx.on()).await?)
}

/// The same, locked until the end of the transaction. Rows that refer to it may be added in the meantime: a claim
/// that holds a queue must not wait for somebody who deactivates the tenant and waits for the queue.
pub(super) async fn lock(tx: &Tx<'_>, id: TenantId) -> Result<tenant::Model, DbError> {
    tx.enter(Level::Tenant);
    there(tenant::Entity::find_by_id(Col(id)).lock(LockType::NoKeyUpdate).one(tx.on()).await?)
}

fn there(row: Option<tenant::Model>) -> Result<tenant::Model, DbError> {
    row.filter(|row| row.status.0 != TenantStatus::Deleted).ok_or(DbError::NotFound("tenant"))
}

/// The state of a tenant; one that never was is as one that is gone.
pub(crate) async fn status(tx: &Tx<'_>, id: TenantId) -> Result<TenantStatus, DbError> {
    let row = tenant::Entity::find_by_id(Col(id)).one(tx.on()).await?;
    Ok(row.map_or(TenantStatus::Deleted, |row| row.status.0))
}

/// Writes a tenant that is locked.
pub(super) async fn store(tx: &Tx<'_>, after: &tenant::Model) -> Result<(), DbError> {
    let mut row = after.clone().into_active_model().reset_all();
    row.id = Unchanged(after.id);
    row.update_without_returning(tx.on()).await?;
    Ok(())
}

/// Gives a tenant another name.
pub(crate) async fn rename(tx: &Tx<'_>, id: TenantId, name: &DisplayName) -> Result<(), DbError> {
    let tenants = tenant::Entity::update_many().filter(tenant::Column::Id.eq(Col(id)));
    let renamed = tenants.col_expr(tenant::Column::Name, Expr::value(name.as_str()));
    renamed.col_expr(tenant::Column::UpdatedAt, Expr::value(Col(tx.now().await?))).exec(tx.on()).await?;
    Ok(())
}

/// A tenant with what it uses.
pub(super) async fn view_of(tx: &Tx<'_>, id: TenantId) -> Result<TenantView, DbError> {
    let operating = installation::load(tx).await?.operating_tenant;
    view(tx, find(tx, id).await?, operating).await
}

/// The same, of a row that was read.
pub(super) async fn view(tx: &Tx<'_>, row: tenant::Model, operating: TenantId) -> Result<TenantView, DbError> {
    // The configuration of a tenant that is being purged goes before its row does.
    let config = match tenant_configs::load(tx, row.id.0).await {
        Err(DbError::NotFound(_)) => {
            StoredConfig { config: TenantConfig::default_of(row.id.0 == operating), revision: 1 }
        }
        config => config?,
    };
    let usage = usage::of(tx, row.id.0).await?;
    Ok(TenantView { tenant: Tenant::of(row, operating), config, usage })
}
