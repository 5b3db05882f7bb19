//! Settings that are kept in the database: those of the installation, and those of each tenant.

use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, EntityTrait, QuerySelect};

use super::column::JsonColumn;
use super::entity::{system_setting, tenant_setting};
use super::installation::SETTINGS_ROW;
use super::{AllTenants, Db, DbError, Json, Notice, TenantScope};

/// Settings by name, as far as they were set; what is not there has its default.
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
/// [`DbError`] when the database is away.
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
/// [`DbError`] when the database is away.
pub async fn of_tenant(db: &Db, scope: TenantScope) -> Result<Settings, DbError> {
    db.read_one(scope, scope.tenant, |tx, tenant| {
        Box::pin(async move {
            let row = tenant_setting::Entity::find_by_id(*tenant).one(tx.on()).await?;
            row.map_or_else(|| Ok(Settings::default()), |row| Settings::of(row.values, row.revision))
        })
    })
    .await
}

/// Changes the installation's settings: each member of `patch` replaces the value of its name, `null` removes it. With
/// `expected`, only if that is the revision.
///
/// # Errors
///
/// [`DbError::Stale`].
pub async fn patch_instance(
    db: &Db,
    all: AllTenants,
    patch: serde_json::Map<String, Json>,
    expected: Option<i64>,
) -> Result<Settings, DbError> {
    db.write(all, (patch, expected), |tx, (patch, expected)| {
        Box::pin(async move {
            let row = system_setting::Entity::find_by_id(SETTINGS_ROW).lock_exclusive().one(tx.on()).await?;
            let row = row.ok_or(DbError::NotFound("settings"))?;
            let settings = Settings::of(row.values, row.revision)?.patched(patch, *expected)?;
            let (values, revision) = (Set(settings.column()), Set(settings.revision));
            system_setting::ActiveModel { id: Unchanged(SETTINGS_ROW), values, revision }
                .update_without_returning(tx.on())
                .await?;
            tx.announce(Notice::Settings);
            Ok(settings)
        })
    })
    .await
}

/// Changes a tenant's settings, as [`patch_instance`] does.
///
/// # Errors
///
/// [`DbError::Stale`].
pub async fn patch_tenant(
    db: &Db,
    scope: TenantScope,
    patch: serde_json::Map<String, Json>,
    expected: Option<i64>,
) -> Result<Settings, DbError> {
    db.write(scope, (scope.tenant, patch, expected), |tx, (tenant, patch, expected)| {
        Box::pin(async move {
            // The tenant's first settings make the row; whoever comes at the same time waits for it here.
            let (values, revision) = (Set(Settings::default().column()), Set(0));
            let empty = tenant_setting::ActiveModel { tenant_id: Set(*tenant), values, revision };
            let only_once = OnConflict::column(tenant_setting::Column::TenantId).do_nothing().to_owned();
            let made = tenant_setting::Entity::insert(empty).on_conflict(only_once);
            made.exec_without_returning(tx.on()).await?;
            let row = tenant_setting::Entity::find_by_id(*tenant).lock_exclusive().one(tx.on()).await?;
            let row = row.ok_or(DbError::NotFound("settings"))?;
            let settings = Settings::of(row.values, row.revision)?.patched(patch, *expected)?;
            let (values, revision) = (Set(settings.column()), Set(settings.revision));
            tenant_setting::ActiveModel { tenant_id: Unchanged(*tenant), values, revision }
                .update_without_returning(tx.on())
                .await?;
            tx.announce(Notice::Settings);
            Ok(settings)
        })
    })
    .await
}

impl Settings {
    fn of(values: JsonColumn, revision: i64) -> Result<Self, DbError> {
        match values.0 {
            Json::Object(values) => Ok(Self { values, revision }),
            _ => Err(DbError::Corrupt { what: "set of settings", reason: "it is no object".to_owned() }),
        }
    }

    fn column(&self) -> JsonColumn {
        JsonColumn(Json::Object(self.values.clone()))
    }

    /// These settings after a change. A change that changes nothing is not counted.
    fn patched(mut self, patch: &serde_json::Map<String, Json>, expected: Option<i64>) -> Result<Self, DbError> {
        if expected.is_some_and(|expected| expected != self.revision) {
            return Err(DbError::Stale { current: self.revision });
        }
        let before = self.values.clone();
        for (name, value) in patch {
            _ = match value {
                Json::Null => self.values.shift_remove(name),
                value => self.values.insert(name.clone(), value.clone()),
            };
        }
        self.revision += i64::from(self.values != before);
        Ok(self)
    }
}
