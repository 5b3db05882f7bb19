//! The configurations of tenants, one row each. A change is audited with it.

use sea_orm::ActiveValue::Unchanged;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QuerySelect};
use serde_json::{Map, json};

use super::audit::{self, NewEntry};
use super::column::Col;
use super::entity::tenant_config::{Entity, Model};
use super::level::Level;
use super::tx::Tx;
use super::{Db, DbError, Json, Notice, TenantScope};
use packshot_domain::audit::{Action, Actor};
use packshot_domain::feature::Feature;
use packshot_domain::id::TenantId;
use packshot_domain::tenant_config::{EngineName, LimitedClass, TenantConfig, TenantConfigChange};

/// A configuration as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredConfig {
    /// The configuration.
    pub config: TenantConfig,
    /// Counts its changes.
    pub revision: i64,
}

/// The configuration of a tenant.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope) -> Result<StoredConfig, DbError> {
    db.read_one(scope, scope.tenant, |tx, tenant| Box::pin(load(tx, *tenant))).await
}

/// Changes the configuration of a tenant; with `expected`, only if that is the current revision. Members that go back
/// to their default get it from `default`. A change that changes nothing is neither counted nor audited.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::Stale`].
pub async fn change(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    change: TenantConfigChange,
    default: TenantConfig,
    expected: Option<i64>,
) -> Result<StoredConfig, DbError> {
    db.write(scope, (scope.tenant, by, change, default, expected), |tx, (tenant, by, change, default, expected)| {
        Box::pin(async move {
            let before = lock(tx, *tenant).await?;
            if expected.is_some_and(|expected| expected != before.revision) {
                return Err(DbError::Stale { current: before.revision });
            }
            let config = change.clone().of(before.config.clone(), default.clone());
            if config == before.config {
                return Ok(before);
            }
            let after = StoredConfig { config, revision: before.revision + 1 };
            let mut row = Model::of(*tenant, after.clone()).into_active_model().reset_all();
            row.tenant_id = Unchanged(Col(*tenant));
            row.update_without_returning(tx.on()).await?;
            let (old, new) = difference(&shown(&before.config), &shown(&after.config));
            let object = Some(("tenant", tenant.to_string()));
            let detail = json!({"before": old, "after": new});
            audit::write(tx, *tenant, by, [NewEntry { action: Action::TenantConfigChanged, object, detail }]).await?;
            // With a higher limit, waiting tasks may start.
            tx.announce(Notice::WorkerConfigs);
            Ok(after)
        })
    })
    .await
}

/// Stores the configuration of a new tenant.
pub(super) async fn insert(tx: &Tx<'_>, tenant: TenantId, config: TenantConfig) -> Result<(), DbError> {
    let row = Model::of(tenant, StoredConfig { config, revision: 1 });
    Entity::insert(row.into_active_model().reset_all()).exec_without_returning(tx.on()).await?;
    Ok(())
}

/// The configuration of a tenant, within a transaction.
pub(super) async fn load(tx: &Tx<'_>, tenant: TenantId) -> Result<StoredConfig, DbError> {
    Ok(Entity::find_by_id(Col(tenant)).one(tx.on()).await?.ok_or(DbError::NotFound("tenant"))?.into())
}

/// The configuration of a tenant, locked until the end of the transaction.
pub(super) async fn lock(tx: &Tx<'_>, tenant: TenantId) -> Result<StoredConfig, DbError> {
    tx.enter(Level::Limits);
    let row = Entity::find_by_id(Col(tenant)).lock_exclusive().one(tx.on()).await?;
    Ok(row.ok_or(DbError::NotFound("tenant"))?.into())
}

/// What the audit log shows of a configuration: each member, with all of its parts.
pub(super) fn shown(config: &TenantConfig) -> Map<String, Json> {
    let days = LimitedClass::ALL.iter().map(|class| (class.to_string(), json!(config.retention_days.get(class))));
    let features = Feature::ALL.iter().map(|feature| (feature.to_string(), json!(config.features.has(*feature))));
    let members = [
        ("max_concurrent_renders", json!(config.max_concurrent_renders)),
        (
            "render_engines_allowed",
            json!(config.render_engines_allowed.iter().map(EngineName::as_str).collect::<Vec<_>>()),
        ),
        ("max_order_size", json!(config.max_order_size)),
        ("fallback_material", json!(config.fallback_material)),
        ("notifications_enabled", json!(config.notifications_enabled)),
        ("invoice_prefix", json!(config.invoice_prefix)),
        ("material_library", json!(config.material_library)),
        ("max_queued_jobs", json!(config.max_queued_jobs)),
        ("max_storage_bytes", json!(config.max_storage_bytes)),
        ("max_upload_bytes", json!(config.max_upload_bytes)),
        ("max_pixels", json!(config.max_pixels)),
        ("rate_limit_per_s", json!(config.rate_limit_per_s)),
        ("retention_days", Json::Object(days.collect())),
        ("features", Json::Object(features.collect())),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The members in which two objects with the same members differ, of each object; of members that are objects, the
/// parts that differ.
fn difference(before: &Map<String, Json>, after: &Map<String, Json>) -> (Json, Json) {
    let (mut old, mut new) = (Map::new(), Map::new());
    for (name, was) in before {
        let is = after.get(name).unwrap_or(&Json::Null);
        if was == is {
            continue;
        }
        let (was, is) = match (was, is) {
            (Json::Object(was), Json::Object(is)) => difference(was, is),
            (was, is) => (was.clone(), is.clone()),
        };
        old.insert(name.clone(), was);
        new.insert(name.clone(), is);
    }
    (Json::Object(old), Json::Object(new))
}

impl Model {
    fn of(tenant: TenantId, StoredConfig { config, revision }: StoredConfig) -> Self {
        Self {
            tenant_id: Col(tenant),
            max_concurrent_renders: config.max_concurrent_renders,
            render_engines_allowed: Col(config.render_engines_allowed),
            max_order_size: config.max_order_size,
            fallback_material: config.fallback_material,
            notifications_enabled: config.notifications_enabled,
            invoice_prefix: config.invoice_prefix,
            material_library: config.material_library,
            max_queued_jobs: config.max_queued_jobs,
            max_storage_bytes: config.max_storage_bytes,
            max_upload_bytes: config.max_upload_bytes,
            max_pixels: config.max_pixels,
            rate_limit_per_s: config.rate_limit_per_s,
            retention_days: Col(config.retention_days),
            features_off: Col(config.features),
            revision,
        }
    }
}

impl From<Model> for StoredConfig {
    fn from(row: Model) -> Self {
        let config = TenantConfig {
            max_concurrent_renders: row.max_concurrent_renders,
            render_engines_allowed: row.render_engines_allowed.0,
            max_order_size: row.max_order_size,
            fallback_material: row.fallback_material,
            notifications_enabled: row.notifications_enabled,
            invoice_prefix: row.invoice_prefix,
            material_library: row.material_library,
            max_queued_jobs: row.max_queued_jobs,
            max_storage_bytes: row.max_storage_bytes,
            max_upload_bytes: row.max_upload_bytes,
            max_pixels: row.max_pixels,
            rate_limit_per_s: row.rate_limit_per_s,
            retention_days: row.retention_days.0,
            features: row.features_off.0,
        };
        Self { config, revision: row.revision }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_members_and_parts_that_changed() {
        let before = TenantConfig::default_of(false);
        let mut after = TenantConfig { max_order_size: 7, max_pixels: Some(5), ..before.clone() };
        after.features = after.features.with(Feature::Turntables, false);
        after.retention_days.insert(LimitedClass::Preview, 90);
        let (old, new) = difference(&shown(&before), &shown(&after));
        let was = json!({
            "max_order_size": 500, "max_pixels": null, "retention_days": {"preview": null},
            "features": {"turntables": true},
        });
        let is = json!({
            "max_order_size": 7, "max_pixels": 5, "retention_days": {"preview": 90},
            "features": {"turntables": false},
        });
        assert_eq!((old, new), (was, is));
    }
}
