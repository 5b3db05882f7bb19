//! Placements of designs that a tenant has given a name (design-renders.md §9).

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use crate::audit::{self, NewEntry};
use crate::column::Col;
use crate::entity::design_preset;
use crate::tx::Tx;
use crate::{Db, DbError, Json, TenantScope};
use packshot_domain::audit::{Action, Actor};
use packshot_domain::id::TenantId;
use packshot_domain::time::Timestamp;

/// A placement with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct DesignPreset {
    /// Its name, which a tenant has once.
    pub name: String,
    /// The members of the placement.
    pub placement: Json,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// Counts its changes.
    pub revision: i64,
}

/// The presets of a tenant, by name.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(db: &Db, scope: TenantScope) -> Result<Vec<DesignPreset>, DbError> {
    use design_preset::Column as C;
    db.read(scope, scope.tenant, |tx, tenant| {
        Box::pin(async move {
            let of_tenant = design_preset::Entity::find().filter(C::TenantId.eq(Col(*tenant)));
            let rows = of_tenant.order_by_asc(C::Name).all(tx.on()).await?;
            Ok(rows.into_iter().map(DesignPreset::from).collect())
        })
    })
    .await
}

/// A preset of a tenant.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, name: &str) -> Result<DesignPreset, DbError> {
    db.read(scope, (scope.tenant, name.to_owned()), |tx, (tenant, name)| {
        Box::pin(async move {
            let row = design_preset::Entity::find_by_id((Col(*tenant), name.clone())).one(tx.on()).await?;
            Ok(row.ok_or(DbError::NotFound("design preset"))?.into())
        })
    })
    .await
}

/// Makes a preset.
///
/// # Errors
///
/// [`DbError::Exists`] when the tenant has one of this name.
pub async fn create(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    (name, placement): (String, Json),
) -> Result<DesignPreset, DbError> {
    db.write(scope, (scope.tenant, by, name, placement), |tx, (tenant, by, name, placement)| {
        Box::pin(async move {
            let now = Col(tx.now().await?);
            let row = design_preset::Model {
                tenant_id: Col(*tenant),
                name: name.clone(),
                placement: Col(placement.clone()),
                created_at: now,
                updated_at: now,
                revision: 1,
            };
            if locked(tx, *tenant, name).await?.is_some() {
                return Err(DbError::Exists("design preset"));
            }
            tx.insert_all(vec![row.clone().into_active_model().reset_all()]).await?;
            note(tx, by, &row, json!({"before": null, "after": shown(&row)})).await?;
            Ok(row.into())
        })
    })
    .await
}

/// Replaces the placement of a preset, if it still has this revision. Jobs that were made with it keep what it was.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::Stale`].
pub async fn replace(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    (name, revision): (String, i64),
    placement: Json,
) -> Result<DesignPreset, DbError> {
    let args = (scope.tenant, by, (name, revision), placement);
    db.write(scope, args, |tx, (tenant, by, (name, revision), placement)| {
        Box::pin(async move {
            let before = locked(tx, *tenant, name).await?.ok_or(DbError::NotFound("design preset"))?;
            if before.revision != *revision {
                return Err(DbError::Stale { current: before.revision });
            }
            let row = design_preset::Model {
                placement: Col(placement.clone()),
                updated_at: Col(tx.now().await?),
                revision: before.revision + 1,
                ..before.clone()
            };
            let saved = design_preset::Entity::update(row.clone().into_active_model().reset_all());
            saved.exec_without_returning(tx.on()).await?;
            note(tx, by, &row, audit::change(&shown(&before), &shown(&row))).await?;
            Ok(row.into())
        })
    })
    .await
}

/// Deletes a preset. Jobs that were made with it keep what it was.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn delete(db: &Db, scope: TenantScope, by: Actor, name: &str) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, by, name.to_owned()), |tx, (tenant, by, name)| {
        Box::pin(async move {
            let row = locked(tx, *tenant, name).await?.ok_or(DbError::NotFound("design preset"))?;
            design_preset::Entity::delete_by_id((Col(*tenant), name.clone())).exec(tx.on()).await?;
            note(tx, by, &row, json!({"before": shown(&row), "after": null})).await
        })
    })
    .await
}

async fn locked(tx: &Tx<'_>, tenant: TenantId, name: &str) -> Result<Option<design_preset::Model>, DbError> {
    let row = design_preset::Entity::find_by_id((Col(tenant), name.to_owned())).lock_exclusive();
    Ok(row.one(tx.on()).await?)
}

impl From<design_preset::Model> for DesignPreset {
    fn from(row: design_preset::Model) -> Self {
        Self {
            name: row.name,
            placement: row.placement.0,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            revision: row.revision,
        }
    }
}

/// What the audit log shows of a preset.
fn shown(row: &design_preset::Model) -> Json {
    json!({"name": row.name, "placement": row.placement.0})
}

async fn note(tx: &Tx<'_>, by: &Actor, row: &design_preset::Model, detail: Json) -> Result<(), DbError> {
    let object = Some(("design_preset", row.name.clone()));
    audit::write(tx, row.tenant_id.0, by, [NewEntry { action: Action::DesignPresetChanged, object, detail }]).await
}
