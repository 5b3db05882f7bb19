//! Settings that are kept in the database: those of the installation, and those of each tenant.

use std::collections::BTreeMap;

use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, EntityTrait, QuerySelect};
use serde_json::json;

use super::audit::{self, NewEntry};
use super::column::Col;
use super::entity::{system_setting, tenant_setting};
use super::installation::SETTINGS_ROW;
use super::tx::Tx;
use super::{AllTenants, Db, DbError, Json, Notice, TenantScope, installation};
use packshot_domain::audit::{Action, Actor};
use packshot_domain::id::TenantId;

/// What the audit log shows in the place of a secret.
const HIDDEN: &str = "***";

/// Settings by name, as far as they are set; the others have their defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The values.
    pub values: serde_json::Map<String, Json>,
    /// Counts their changes.
    pub revision: i64,
}

/// The installation's settings.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn of_instance(db: &Db, all: AllTenants) -> Result<Settings, DbError> {
    db.read_one(all, (), |tx, ()| {
        Box::pin(async move {
            let row = system_setting::Entity::find_by_id(SETTINGS_ROW).one(tx.on()).await?;
            row.map_or_else(|| Ok(Settings::default()), |row| Settings::of(row.values, row.revision))
        })
    })
    .await
}

/// A tenant's settings.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn of_tenant(db: &Db, scope: TenantScope) -> Result<Settings, DbError> {
    db.read_one(scope, scope.tenant, |tx, tenant| {
        Box::pin(async move {
            let row = tenant_setting::Entity::find_by_id(Col(*tenant)).one(tx.on()).await?;
            row.map_or_else(|| Ok(Settings::default()), |row| Settings::of(row.values, row.revision))
        })
    })
    .await
}

/// The settings that affect one tenant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stored {
    /// Of the installation.
    pub instance: Settings,
    /// Of the tenant.
    pub tenant: Settings,
}

impl Stored {
    /// Counts changes of both.
    #[must_use]
    pub const fn revision(&self) -> i64 {
        self.instance.revision + self.tenant.revision
    }
}

/// The settings stored for the installation and for a tenant, both at the same moment.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn stored(db: &Db, scope: TenantScope) -> Result<Stored, DbError> {
    db.read(AllTenants::Instance, scope.tenant, |tx, tenant| {
        Box::pin(async move {
            let instance = system_setting::Entity::find_by_id(SETTINGS_ROW).one(tx.on()).await?;
            let tenant = tenant_setting::Entity::find_by_id(Col(*tenant)).one(tx.on()).await?;
            Ok(Stored {
                instance: instance
                    .map_or_else(|| Ok(Settings::default()), |row| Settings::of(row.values, row.revision))?,
                tenant: tenant.map_or_else(|| Ok(Settings::default()), |row| Settings::of(row.values, row.revision))?,
            })
        })
    })
    .await
}

/// A change of settings: each member replaces the value of its name, `null` removes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patch {
    /// Of the installation's settings.
    pub instance: serde_json::Map<String, Json>,
    /// Of the tenant's.
    pub tenant: serde_json::Map<String, Json>,
    /// Names of settings whose values the audit log must not show.
    pub secrets: Vec<&'static str>,
}

/// Changes settings of the installation and of a tenant together; with `expected`, only if that is the revision of
/// both. What changes nothing is not counted. The audit log has a change of the installation's settings in the tenant
/// that runs it.
///
/// # Errors
///
/// [`DbError::Stale`].
pub async fn patch(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    patch: Patch,
    expected: Option<i64>,
) -> Result<Stored, DbError> {
    db.write(AllTenants::Instance, (scope.tenant, by, patch, expected), |tx, (tenant, by, patch, expected)| {
        Box::pin(async move {
            let (instance, own) = (lock_instance(tx).await?, lock_tenant(tx, *tenant).await?);
            let current = instance.revision + own.revision;
            if expected.is_some_and(|expected| expected != current) {
                return Err(DbError::Stale { current });
            }
            let stored = Stored { instance: instance.patched(&patch.instance), tenant: own.patched(&patch.tenant) };
            let operating = installation::load(tx).await?.operating_tenant;
            let mut changes: BTreeMap<TenantId, Change> = BTreeMap::new();
            let of_both = [(operating, &instance, &stored.instance), (*tenant, &own, &stored.tenant)];
            for (tenant, before, after) in of_both.into_iter().filter(|(_, before, after)| before != after) {
                changes.entry(tenant).or_default().add(before, after, &patch.secrets);
            }
            store_instance(tx, &stored.instance).await?;
            store_tenant(tx, *tenant, &stored.tenant).await?;
            for (tenant, change) in changes {
                audit::write(tx, tenant, by, [change.entry(tenant)]).await?;
            }
            tx.announce(Notice::Settings);
            Ok(stored)
        })
    })
    .await
}

/// What a change did, as the audit log shows it: the changed settings, before and after.
#[derive(Debug, Default)]
struct Change {
    before: serde_json::Map<String, Json>,
    after: serde_json::Map<String, Json>,
}

impl Change {
    fn add(&mut self, before: &Settings, after: &Settings, secrets: &[&str]) {
        let names = before.values.keys().chain(after.values.keys());
        for name in names.filter(|name| before.values.get(*name) != after.values.get(*name)) {
            let shown = |settings: &Settings| match settings.values.get(name) {
                Some(_) if secrets.contains(&name.as_str()) => HIDDEN.into(),
                value => value.cloned().unwrap_or(Json::Null),
            };
            self.before.insert(name.clone(), shown(before));
            self.after.insert(name.clone(), shown(after));
        }
    }

    fn entry(self, tenant: TenantId) -> NewEntry {
        let detail = json!({"before": self.before, "after": self.after});
        NewEntry { action: Action::SettingsChanged, object: Some(("settings", tenant.to_string())), detail }
    }
}

async fn lock_instance(tx: &Tx<'_>) -> Result<Settings, DbError> {
    let row = system_setting::Entity::find_by_id(SETTINGS_ROW).lock_exclusive().one(tx.on()).await?;
    let row = row.ok_or(DbError::NotFound("settings"))?;
    Settings::of(row.values, row.revision)
}

/// The tenant's first settings create the row; a concurrent change waits here.
async fn lock_tenant(tx: &Tx<'_>, tenant: TenantId) -> Result<Settings, DbError> {
    let (values, revision) = (Set(Settings::default().column()), Set(0));
    let empty = tenant_setting::ActiveModel { tenant_id: Set(Col(tenant)), values, revision };
    let only_once = OnConflict::column(tenant_setting::Column::TenantId).do_nothing().to_owned();
    let made = tenant_setting::Entity::insert(empty).on_conflict(only_once);
    made.exec_without_returning(tx.on()).await?;
    let row = tenant_setting::Entity::find_by_id(Col(tenant)).lock_exclusive().one(tx.on()).await?;
    let row = row.ok_or(DbError::NotFound("settings"))?;
    Settings::of(row.values, row.revision)
}

async fn store_instance(tx: &Tx<'_>, settings: &Settings) -> Result<(), DbError> {
    let (values, revision) = (Set(settings.column()), Set(settings.revision));
    let row = system_setting::ActiveModel { id: Unchanged(SETTINGS_ROW), values, revision };
    row.update_without_returning(tx.on()).await?;
    Ok(())
}

async fn store_tenant(tx: &Tx<'_>, tenant: TenantId, settings: &Settings) -> Result<(), DbError> {
    let (values, revision) = (Set(settings.column()), Set(settings.revision));
    let row = tenant_setting::ActiveModel { tenant_id: Unchanged(Col(tenant)), values, revision };
    row.update_without_returning(tx.on()).await?;
    Ok(())
}

impl Settings {
    fn of(values: Col<Json>, revision: i64) -> Result<Self, DbError> {
        match values.0 {
            Json::Object(values) => Ok(Self { values, revision }),
            _ => Err(DbError::Corrupt { what: "set of settings", reason: "it is not an object".to_owned() }),
        }
    }

    fn column(&self) -> Col<Json> {
        Col(Json::Object(self.values.clone()))
    }

    /// These settings after a change. A change that changes nothing is not counted.
    fn patched(&self, patch: &serde_json::Map<String, Json>) -> Self {
        let mut values = self.values.clone();
        for (name, value) in patch {
            _ = match value {
                Json::Null => values.shift_remove(name),
                value => values.insert(name.clone(), value.clone()),
            };
        }
        let revision = self.revision + i64::from(values != self.values);
        Self { values, revision }
    }
}
