//! Render templates of a tenant.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, SqlErr,
};
use serde_json::json;

use crate::audit::{self, NewEntry};
use crate::column::Col;
use crate::entity::render_template;
use crate::level::Level;
use crate::tx::Tx;
use crate::{Db, DbError, Json, Page, PageRequest, ReadScope, TenantScope, output_types, workflows};
use packshot_domain::audit::{Action, Actor};
use packshot_domain::id::{OutputTypeId, RenderTemplateId, TenantId};
use packshot_domain::product::{PartEntries, PartEntry};
use packshot_domain::render_template::TemplateFields;
use packshot_domain::time::Timestamp;

/// A render template as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderTemplate {
    /// Its id.
    pub id: RenderTemplateId,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// What is said of it.
    pub fields: TemplateFields,
    /// The options of its pictures, as whoever calls reads them.
    pub settings: Json,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// Counts its changes.
    pub revision: i64,
}

/// Makes a template.
///
/// # Errors
///
/// [`DbError::Exists`] when the tenant has one of this name; [`DbError::NotFound`] of an output type.
pub async fn create(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    id: RenderTemplateId,
    (fields, settings): (TemplateFields, Json),
) -> Result<RenderTemplate, DbError> {
    db.write(scope, (scope.tenant, by, id, fields, settings), |tx, (tenant, by, id, fields, settings)| {
        Box::pin(async move {
            lock_output_type(tx, *tenant, fields.output_type).await?;
            let now = tx.now().await?;
            let row = render_template::ActiveModel {
                tenant_id: Set(Col(*tenant)),
                id: Set(Col(*id)),
                created_at: Set(Col(now)),
                revision: Set(1),
                ..written(fields, settings, now)
            };
            let only_once = [render_template::Column::TenantId, render_template::Column::Name];
            let only_once = OnConflict::columns(only_once).do_nothing().to_owned();
            let made =
                render_template::Entity::insert(row).on_conflict(only_once).exec_without_returning(tx.on()).await?;
            if made == 0 {
                return Err(DbError::Exists("render template"));
            }
            let row = find(tx, *tenant, *id).await?;
            note(tx, by, &row, json!({"before": null, "after": shown(&row)})).await?;
            RenderTemplate::of(row)
        })
    })
    .await
}

/// A template of the tenant.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, id: RenderTemplateId) -> Result<RenderTemplate, DbError> {
    db.read(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move { RenderTemplate::of(find(tx, *tenant, *id).await?) })
    })
    .await
}

/// The templates of the tenant that are used, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn active(db: &Db, scope: TenantScope) -> Result<Vec<RenderTemplate>, DbError> {
    use render_template::Column as C;
    db.read(scope, scope.tenant, |tx, tenant| {
        Box::pin(async move {
            let active = render_template::Entity::find()
                .filter(C::TenantId.eq(Col(*tenant)))
                .filter(C::IsActive.eq(true))
                .order_by_desc(C::CreatedAt)
                .order_by_desc(C::Id);
            active.all(tx.on()).await?.into_iter().map(RenderTemplate::of).collect()
        })
    })
    .await
}

/// A page of templates, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(db: &Db, scope: impl Into<ReadScope>, page: PageRequest) -> Result<Page<RenderTemplate>, DbError> {
    use render_template::Column as C;
    let scope = scope.into();
    db.read(scope, (scope, page), |tx, (scope, page)| {
        Box::pin(async move {
            let templates = scope.narrow(render_template::Entity::find(), C::TenantId);
            let rows = page.narrow(templates, C::CreatedAt, C::Id).all(tx.on()).await?;
            let page: Page<render_template::Model> = page.cut(rows, |row| (row.created_at.0, row.id.0.uuid()));
            let items = page.items.into_iter().map(RenderTemplate::of).collect::<Result<_, _>>()?;
            Ok(Page { items, next: page.next })
        })
    })
    .await
}

/// Replaces what is said of a template, if it still has this revision.
///
/// # Errors
///
/// [`DbError::NotFound`], also of an output type; [`DbError::Stale`]; [`DbError::Exists`] when another one has this
/// name.
pub async fn replace(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    (id, revision): (RenderTemplateId, i64),
    (fields, settings): (TemplateFields, Json),
) -> Result<RenderTemplate, DbError> {
    let args = (scope.tenant, by, id, revision, fields, settings);
    db.write(scope, args, |tx, (tenant, by, id, revision, fields, settings)| {
        Box::pin(async move {
            lock_output_type(tx, *tenant, fields.output_type).await?;
            let before = lock(tx, *tenant, *id).await?;
            if before.revision != *revision {
                return Err(DbError::Stale { current: before.revision });
            }
            let now = tx.now().await?;
            let kept = before.clone().into_active_model();
            let row = render_template::ActiveModel {
                tenant_id: kept.tenant_id,
                id: kept.id,
                created_at: kept.created_at,
                revision: Set(before.revision + 1),
                ..written(fields, settings, now)
            };
            let row = row.update(tx.on()).await.map_err(|error| match error.sql_err() {
                Some(SqlErr::UniqueConstraintViolation(_)) => DbError::Exists("render template"),
                _ => error.into(),
            })?;
            note(tx, by, &row, audit::change(&shown(&before), &shown(&row))).await?;
            RenderTemplate::of(row)
        })
    })
    .await
}

/// Deletes a template.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::InUse`] when a workflow definition names it.
pub async fn delete(db: &Db, scope: TenantScope, by: Actor, id: RenderTemplateId) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, by, id), |tx, (tenant, by, id)| {
        Box::pin(async move {
            let row = lock(tx, *tenant, *id).await?;
            if workflows::names_template(tx, *tenant, *id).await? {
                return Err(DbError::InUse("render template"));
            }
            render_template::Entity::delete_by_id((Col(*tenant), Col(*id))).exec(tx.on()).await?;
            note(tx, by, &row, json!({"before": shown(&row), "after": null})).await
        })
    })
    .await
}

async fn find(tx: &Tx<'_>, tenant: TenantId, id: RenderTemplateId) -> Result<render_template::Model, DbError> {
    let row = render_template::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    row.ok_or(DbError::NotFound("render template"))
}

async fn lock(tx: &Tx<'_>, tenant: TenantId, id: RenderTemplateId) -> Result<render_template::Model, DbError> {
    tx.enter(Level::RenderTemplate);
    let row = render_template::Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
    row.ok_or(DbError::NotFound("render template"))
}

/// Locks the output type that a template gets, so that it is not deleted meanwhile.
async fn lock_output_type(tx: &Tx<'_>, tenant: TenantId, id: Option<OutputTypeId>) -> Result<(), DbError> {
    match id {
        Some(id) => output_types::lock(tx, tenant, id).await.map(|_| ()),
        None => Ok(()),
    }
}

/// The columns that what is said becomes.
fn written(fields: &TemplateFields, settings: &Json, now: Timestamp) -> render_template::ActiveModel {
    let pairs = fields.materials.as_slice().iter().map(|entry| [entry.part_name.as_str(), entry.material.as_str()]);
    render_template::ActiveModel {
        name: Set(Col(fields.name.clone())),
        output_type_id: Set(fields.output_type.map(Col)),
        category_key: Set(fields.category_key.clone().map(Col)),
        settings: Set(Col(settings.clone())),
        use_materials: Set(fields.use_materials),
        materials: Set(Col(json!(pairs.collect::<Vec<_>>()))),
        library: Set(fields.library.clone().map(Col)),
        is_active: Set(fields.is_active),
        updated_at: Set(Col(now)),
        ..Default::default()
    }
}

/// What the audit log shows of a template.
fn shown(row: &render_template::Model) -> Json {
    json!({
        "name": row.name.0.as_str(),
        "output_type_id": row.output_type_id.map(|id| id.0.to_string()),
        "category_key": row.category_key.as_ref().map(|key| key.0.to_string()),
        "settings": row.settings.0,
        "use_materials": row.use_materials,
        "materials": row.materials.0,
        "library": row.library.as_ref().map(|library| library.0.to_string()),
        "is_active": row.is_active,
    })
}

/// Writes the audit entry of a change of a template.
async fn note(tx: &Tx<'_>, by: &Actor, row: &render_template::Model, detail: Json) -> Result<(), DbError> {
    let object = Some(("render_template", row.id.0.to_string()));
    audit::write(tx, row.tenant_id.0, by, [NewEntry { action: Action::TemplateChanged, object, detail }]).await
}

/// The entries that are stored as a list of pairs.
fn entries(pairs: Json) -> Result<PartEntries, DbError> {
    let corrupt = |reason: String| DbError::Corrupt { what: "materials of a render template", reason };
    let pairs: Vec<[String; 2]> = serde_json::from_value(pairs).map_err(|error| corrupt(error.to_string()))?;
    let entry = |[part_name, material]: [String; 2]| {
        let name = |text: String| text.parse().map_err(|error| corrupt(format!("{text:?}: {error}")));
        Ok(PartEntry { part_name: name(part_name)?, material: name(material)?, found_by: None, alias: None })
    };
    let list = pairs.into_iter().map(entry).collect::<Result<Vec<_>, DbError>>()?;
    PartEntries::new(list).map_err(|error| corrupt(error.to_string()))
}

impl RenderTemplate {
    fn of(row: render_template::Model) -> Result<Self, DbError> {
        let fields = TemplateFields {
            name: row.name.0,
            output_type: row.output_type_id.map(Col::value),
            category_key: row.category_key.map(Col::value),
            use_materials: row.use_materials,
            materials: entries(row.materials.0)?,
            library: row.library.map(Col::value),
            is_active: row.is_active,
        };
        Ok(Self {
            id: row.id.0,
            tenant: row.tenant_id.0,
            fields,
            settings: row.settings.0,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            revision: row.revision,
        })
    }
}
