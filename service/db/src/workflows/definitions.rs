//! Definitions of a tenant.

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use crate::audit::{self, NewEntry};
use crate::column::{Col, arg};
use crate::entity::{output_type, workflow_definition, workflow_run};
use crate::level::Level;
use crate::tx::Tx;
use crate::{Db, DbError, Json, Page, PageRequest, ReadScope, TenantScope, output_types};
use packshot_domain::artifact::Label;
use packshot_domain::audit::{Action, Actor};
use packshot_domain::id::{OutputTypeId, RenderTemplateId, TenantId, UserId, WorkflowId};
use packshot_domain::time::Timestamp;

/// What is said of a definition.
#[derive(Clone, Debug, PartialEq)]
pub struct DefinitionFields {
    /// Its name.
    pub name: Label,
    /// The output type that it is meant for; `None` for any.
    pub output_type: Option<OutputTypeId>,
    /// The graph, as whoever calls reads it.
    pub config: Json,
    /// Whether it can be dispatched.
    pub is_active: bool,
}

/// A definition as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// Its id.
    pub id: WorkflowId,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// What is said of it.
    pub fields: DefinitionFields,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was saved last.
    pub updated_at: Timestamp,
    /// How often it was saved.
    pub revision: i64,
}

/// What became of a definition that was to be deleted.
#[derive(Clone, Debug, PartialEq)]
pub enum Deletion {
    /// It is gone.
    Deleted,
    /// It has runs: it is kept, and cannot be dispatched any more.
    Deactivated(Box<Definition>),
}

/// Makes a definition.
///
/// # Errors
///
/// [`DbError::NotFound`] of the output type.
pub async fn create(
    db: &Db,
    scope: TenantScope,
    by: (Actor, UserId),
    id: WorkflowId,
    fields: DefinitionFields,
) -> Result<Definition, DbError> {
    db.write(scope, (scope.tenant, by, id, fields), |tx, (tenant, (by, user), id, fields)| {
        Box::pin(async move {
            lock_output_type(tx, *tenant, fields.output_type).await?;
            let now = tx.now().await?;
            tx.enter(Level::Workflow);
            let row = workflow_definition::ActiveModel {
                tenant_id: Set(Col(*tenant)),
                id: Set(Col(*id)),
                created_by: Set(Col(*user)),
                created_at: Set(Col(now)),
                revision: Set(1),
                ..written(fields, now)
            };
            workflow_definition::Entity::insert(row).exec_without_returning(tx.on()).await?;
            let row = find(tx, *tenant, *id).await?;
            note(tx, by, &row, Action::WorkflowSaved, json!({"before": null, "after": shown(&row)})).await?;
            Ok(Definition::of(row))
        })
    })
    .await
}

/// A definition of the tenant.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, id: WorkflowId) -> Result<Definition, DbError> {
    db.read(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move { Ok(Definition::of(find(tx, *tenant, *id).await?)) })
    })
    .await
}

/// A page of definitions, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(db: &Db, scope: impl Into<ReadScope>, page: PageRequest) -> Result<Page<Definition>, DbError> {
    use workflow_definition::Column as C;
    let scope = scope.into();
    db.read(scope, (scope, page), |tx, (scope, page)| {
        Box::pin(async move {
            let all = scope.narrow(workflow_definition::Entity::find(), C::TenantId);
            let rows = page.narrow(all, C::CreatedAt, C::Id).all(tx.on()).await?;
            let page: Page<workflow_definition::Model> = page.cut(rows, |row| (row.created_at.0, row.id.0.uuid()));
            Ok(Page { items: page.items.into_iter().map(Definition::of).collect(), next: page.next })
        })
    })
    .await
}

/// Saves a definition again, if it still has this revision, or whichever it has.
///
/// # Errors
///
/// [`DbError::NotFound`] of it or of the output type, [`DbError::Stale`].
pub async fn replace(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    (id, revision): (WorkflowId, Option<i64>),
    fields: DefinitionFields,
) -> Result<Definition, DbError> {
    db.write(scope, (scope.tenant, by, id, revision, fields), |tx, (tenant, by, id, revision, fields)| {
        Box::pin(async move {
            lock_output_type(tx, *tenant, fields.output_type).await?;
            let before = lock(tx, *tenant, *id).await?;
            if revision.is_some_and(|revision| revision != before.revision) {
                return Err(DbError::Stale { current: before.revision });
            }
            let now = tx.now().await?;
            let kept = before.clone().into_active_model();
            let row = workflow_definition::ActiveModel {
                tenant_id: kept.tenant_id,
                id: kept.id,
                created_by: kept.created_by,
                created_at: kept.created_at,
                revision: Set(before.revision + 1),
                ..written(fields, now)
            };
            let row = row.update(tx.on()).await?;
            note(tx, by, &row, Action::WorkflowSaved, audit::change(&shown(&before), &shown(&row))).await?;
            Ok(Definition::of(row))
        })
    })
    .await
}

/// Deletes a definition. One that has runs is only deactivated; output types that name one that goes have none then.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::Stale`].
pub async fn delete(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    (id, revision): (WorkflowId, Option<i64>),
) -> Result<Deletion, DbError> {
    db.write(scope, (scope.tenant, by, id, revision), |tx, (tenant, by, id, revision)| {
        Box::pin(async move {
            let types = lock_types_of(tx, *tenant, *id).await?;
            let before = lock(tx, *tenant, *id).await?;
            if revision.is_some_and(|revision| revision != before.revision) {
                return Err(DbError::Stale { current: before.revision });
            }
            if has_runs(tx, *tenant, *id).await? {
                let now = tx.now().await?;
                let row = workflow_definition::ActiveModel {
                    is_active: Set(false),
                    updated_at: Set(Col(now)),
                    revision: Set(before.revision + 1),
                    ..before.clone().into_active_model()
                };
                let row = row.update(tx.on()).await?;
                note(tx, by, &row, Action::WorkflowDeleted, audit::change(&shown(&before), &shown(&row))).await?;
                return Ok(Deletion::Deactivated(Box::new(Definition::of(row))));
            }
            for of_type in types {
                let row = output_type::ActiveModel {
                    workflow_definition_id: Set(None),
                    revision: Set(of_type.revision + 1),
                    ..of_type.into_active_model()
                };
                row.update_without_returning(tx.on()).await?;
            }
            workflow_definition::Entity::delete_by_id((Col(*tenant), Col(*id))).exec(tx.on()).await?;
            note(tx, by, &before, Action::WorkflowDeleted, json!({"before": shown(&before), "after": null})).await?;
            Ok(Deletion::Deleted)
        })
    })
    .await
}

/// Stores a definition whose graph nobody has read: as an older version, or a defect, may have left it.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
#[cfg(feature = "testing")]
pub async fn insert_as_is(db: &Db, scope: TenantScope, id: WorkflowId, config: Json) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, id, config), |tx, (tenant, id, config)| {
        Box::pin(async move {
            let row = lock(tx, *tenant, *id).await?;
            let row = workflow_definition::ActiveModel { config: Set(Col(config.clone())), ..row.into_active_model() };
            row.update_without_returning(tx.on()).await?;
            Ok(())
        })
    })
    .await
}

async fn find(tx: &Tx<'_>, tenant: TenantId, id: WorkflowId) -> Result<workflow_definition::Model, DbError> {
    let row = workflow_definition::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    row.ok_or(DbError::NotFound("workflow"))
}

async fn lock(tx: &Tx<'_>, tenant: TenantId, id: WorkflowId) -> Result<workflow_definition::Model, DbError> {
    tx.enter(Level::Workflow);
    let row = workflow_definition::Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
    row.ok_or(DbError::NotFound("workflow"))
}

/// Locks a definition that something begins to refer to, so that it is not deleted meanwhile.
pub(crate) async fn lock_definition(tx: &Tx<'_>, tenant: TenantId, id: Option<WorkflowId>) -> Result<(), DbError> {
    let Some(id) = id else { return Ok(()) };
    tx.enter(Level::Workflow);
    let row = workflow_definition::Entity::find_by_id((Col(tenant), Col(id))).lock_shared().one(tx.on()).await?;
    row.map(drop).ok_or(DbError::NotFound("workflow"))
}

/// Locks the output type that a definition is for, so that it is not deleted meanwhile.
async fn lock_output_type(tx: &Tx<'_>, tenant: TenantId, id: Option<OutputTypeId>) -> Result<(), DbError> {
    match id {
        Some(id) => output_types::lock(tx, tenant, id).await.map(drop),
        None => Ok(()),
    }
}

/// Locks the output types that name a definition.
async fn lock_types_of(tx: &Tx<'_>, tenant: TenantId, id: WorkflowId) -> Result<Vec<output_type::Model>, DbError> {
    use output_type::Column as C;
    tx.enter(Level::OutputType);
    let of_it = output_type::Entity::find()
        .filter(C::TenantId.eq(Col(tenant)))
        .filter(C::WorkflowDefinitionId.eq(Col(id)))
        .order_by_asc(C::Id)
        .lock_exclusive();
    Ok(of_it.all(tx.on()).await?)
}

/// Lets definitions that are for a locked output type be for any: it goes.
pub(crate) async fn of_type_goes(tx: &Tx<'_>, tenant: TenantId, id: OutputTypeId) -> Result<(), DbError> {
    tx.enter(Level::Workflow);
    let sql = "UPDATE workflow_definitions SET output_type_id = NULL, revision = revision + 1 \
               WHERE tenant_id = $1 AND output_type_id = $2 RETURNING id";
    tx.query(sql, [arg(tenant), arg(id)]).await.map(drop)
}

/// Whether the graph of a definition that can be dispatched names a render template.
pub(crate) async fn names_template(tx: &Tx<'_>, tenant: TenantId, id: RenderTemplateId) -> Result<bool, DbError> {
    use workflow_definition::Column as C;
    let naming = workflow_definition::Entity::find()
        .filter(C::TenantId.eq(Col(tenant)))
        .filter(C::IsActive.eq(true))
        .filter(C::Config.contains(id.to_string()));
    Ok(naming.one(tx.on()).await?.is_some())
}

async fn has_runs(tx: &Tx<'_>, tenant: TenantId, id: WorkflowId) -> Result<bool, DbError> {
    use workflow_run::Column as C;
    let runs = workflow_run::Entity::find().filter(C::TenantId.eq(Col(tenant)));
    Ok(runs.filter(C::WorkflowDefinitionId.eq(Col(id))).one(tx.on()).await?.is_some())
}

/// The columns that what is said becomes.
fn written(fields: &DefinitionFields, now: Timestamp) -> workflow_definition::ActiveModel {
    workflow_definition::ActiveModel {
        name: Set(Col(fields.name.clone())),
        output_type_id: Set(fields.output_type.map(Col)),
        config: Set(Col(fields.config.clone())),
        is_active: Set(fields.is_active),
        updated_at: Set(Col(now)),
        ..Default::default()
    }
}

/// What the audit log shows of a definition.
fn shown(row: &workflow_definition::Model) -> Json {
    json!({
        "name": row.name.0.as_str(),
        "output_type_id": row.output_type_id.map(|id| id.0.to_string()),
        "config": row.config.0,
        "is_active": row.is_active,
    })
}

/// Writes the audit entry of a change of a definition.
async fn note(
    tx: &Tx<'_>,
    by: &Actor,
    row: &workflow_definition::Model,
    action: Action,
    detail: Json,
) -> Result<(), DbError> {
    let object = Some(("workflow", row.id.0.to_string()));
    audit::write(tx, row.tenant_id.0, by, [NewEntry { action, object, detail }]).await
}

impl Definition {
    fn of(row: workflow_definition::Model) -> Self {
        let fields = DefinitionFields {
            name: row.name.0,
            output_type: row.output_type_id.map(Col::value),
            config: row.config.0,
            is_active: row.is_active,
        };
        Self {
            id: row.id.0,
            tenant: row.tenant_id.0,
            fields,
            created_by: row.created_by.0,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            revision: row.revision,
        }
    }
}
