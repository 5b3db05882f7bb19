//! Output types of a tenant.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, SqlErr};
use serde_json::json;

use crate::audit::{self, NewEntry};
use crate::column::Col;
use crate::entity::{output_type, render_template};
use crate::level::Level;
use crate::media::{self, Going};
use crate::tx::Tx;
use crate::{Db, DbError, Json, Page, PageRequest, ReadScope, TenantScope, orders, workflows};
use packshot_domain::artifact::Label;
use packshot_domain::audit::{Action, Actor};
use packshot_domain::id::{OutputTypeId, TenantId, WorkflowId};
use packshot_domain::output_type::{OutputKind, RenderBackend, RolloutGate};
use packshot_domain::task::Lane;
use packshot_domain::time::Timestamp;

/// What is said of an output type.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputTypeFields {
    /// Its name. A tenant has each once.
    pub name: Label,
    /// What is made.
    pub kind: OutputKind,
    /// Which renderer makes it.
    pub render_backend: RenderBackend,
    /// The executor that it names.
    pub legacy_executor: Option<Lane>,
    /// The options of its pictures, as whoever calls reads them.
    pub render_settings: Json,
    /// When another renderer may take over.
    pub rollout_gate: RolloutGate,
    /// The workflow that makes it.
    pub workflow: Option<WorkflowId>,
    /// Parts without a material that its pictures may have; `None` for any number.
    pub max_unmapped: Option<u32>,
}

/// An output type as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputType {
    /// Its id.
    pub id: OutputTypeId,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// What is said of it.
    pub fields: OutputTypeFields,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// Counts its changes.
    pub revision: i64,
}

/// Makes an output type.
///
/// # Errors
///
/// [`DbError::Exists`] when the tenant has one of this name.
pub async fn create(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    id: OutputTypeId,
    fields: OutputTypeFields,
) -> Result<OutputType, DbError> {
    db.write(scope, (scope.tenant, by, id, fields), |tx, (tenant, by, id, fields)| {
        Box::pin(async move {
            workflows::lock_definition(tx, *tenant, fields.workflow).await?;
            let now = tx.now().await?;
            let row = output_type::ActiveModel {
                tenant_id: Set(Col(*tenant)),
                id: Set(Col(*id)),
                created_at: Set(Col(now)),
                revision: Set(1),
                ..written(fields, now)
            };
            let only_once = [output_type::Column::TenantId, output_type::Column::Name];
            let only_once = OnConflict::columns(only_once).do_nothing().to_owned();
            let made = output_type::Entity::insert(row).on_conflict(only_once).exec_without_returning(tx.on()).await?;
            if made == 0 {
                return Err(DbError::Exists("output type"));
            }
            let row = find(tx, *tenant, *id).await?;
            note(tx, by, &row, json!({"before": null, "after": shown(&row)})).await?;
            OutputType::of(row)
        })
    })
    .await
}

/// An output type of the tenant.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, id: OutputTypeId) -> Result<OutputType, DbError> {
    db.read(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move { OutputType::of(find(tx, *tenant, *id).await?) })
    })
    .await
}

/// A page of output types, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(db: &Db, scope: impl Into<ReadScope>, page: PageRequest) -> Result<Page<OutputType>, DbError> {
    use output_type::Column as C;
    let scope = scope.into();
    db.read(scope, (scope, page), |tx, (scope, page)| {
        Box::pin(async move {
            let types = scope.narrow(output_type::Entity::find(), C::TenantId);
            let rows = page.narrow(types, C::CreatedAt, C::Id).all(tx.on()).await?;
            let page: Page<output_type::Model> = page.cut(rows, |row| (row.created_at.0, row.id.0.uuid()));
            let items = page.items.into_iter().map(OutputType::of).collect::<Result<_, _>>()?;
            Ok(Page { items, next: page.next })
        })
    })
    .await
}

/// Replaces what is said of an output type, if it still has this revision.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::Stale`]; [`DbError::Exists`] when another one has this name.
pub async fn replace(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    (id, revision): (OutputTypeId, i64),
    fields: OutputTypeFields,
) -> Result<OutputType, DbError> {
    db.write(scope, (scope.tenant, by, id, revision, fields), |tx, (tenant, by, id, revision, fields)| {
        Box::pin(async move {
            let before = lock(tx, *tenant, *id).await?;
            if before.revision != *revision {
                return Err(DbError::Stale { current: before.revision });
            }
            workflows::lock_definition(tx, *tenant, fields.workflow).await?;
            let now = tx.now().await?;
            let kept = before.clone().into_active_model();
            let row = output_type::ActiveModel {
                tenant_id: kept.tenant_id,
                id: kept.id,
                created_at: kept.created_at,
                revision: Set(before.revision + 1),
                ..written(fields, now)
            };
            let row = row.update(tx.on()).await.map_err(|error| match error.sql_err() {
                Some(SqlErr::UniqueConstraintViolation(_)) => DbError::Exists("output type"),
                _ => error.into(),
            })?;
            note(tx, by, &row, audit::change(&shown(&before), &shown(&row))).await?;
            OutputType::of(row)
        })
    })
    .await
}

/// Deletes an output type.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::InUse`] when a render template is for it, or a line of an order is of it.
pub async fn delete(db: &Db, scope: TenantScope, by: Actor, id: OutputTypeId) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, by, id), |tx, (tenant, by, id)| {
        Box::pin(async move {
            let row = lock(tx, *tenant, *id).await?;
            let for_it = render_template::Entity::find()
                .filter(render_template::Column::TenantId.eq(Col(*tenant)))
                .filter(render_template::Column::OutputTypeId.eq(Col(*id)));
            if for_it.one(tx.on()).await?.is_some() || orders::is_any_of_type(tx, *tenant, *id).await? {
                return Err(DbError::InUse("output type"));
            }
            workflows::of_type_goes(tx, *tenant, *id).await?;
            media::outlive(tx, *tenant, Going::OutputType(*id)).await?;
            output_type::Entity::delete_by_id((Col(*tenant), Col(*id))).exec(tx.on()).await?;
            note(tx, by, &row, json!({"before": shown(&row), "after": null})).await
        })
    })
    .await
}

async fn find(tx: &Tx<'_>, tenant: TenantId, id: OutputTypeId) -> Result<output_type::Model, DbError> {
    let row = output_type::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    row.ok_or(DbError::NotFound("output type"))
}

/// When a workflow may take over from who makes an output type today.
pub(super) async fn gate_of(tx: &Tx<'_>, tenant: TenantId, id: OutputTypeId) -> Result<RolloutGate, DbError> {
    Ok(OutputType::of(find(tx, tenant, id).await?)?.fields.rollout_gate)
}

/// Locks an output type: while it is locked, nothing begins to refer to it.
pub(super) async fn lock(tx: &Tx<'_>, tenant: TenantId, id: OutputTypeId) -> Result<output_type::Model, DbError> {
    tx.enter(Level::OutputType);
    let row = output_type::Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
    row.ok_or(DbError::NotFound("output type"))
}

/// The columns that what is said becomes.
fn written(fields: &OutputTypeFields, now: Timestamp) -> output_type::ActiveModel {
    output_type::ActiveModel {
        name: Set(Col(fields.name.clone())),
        kind: Set(Col(fields.kind)),
        render_backend: Set(Col(fields.render_backend)),
        legacy_executor: Set(fields.legacy_executor.clone().map(Col)),
        render_settings: Set(Col(fields.render_settings.clone())),
        gate_metric: Set(Col(fields.rollout_gate.metric())),
        gate_pass_max: Set(fields.rollout_gate.pass_max()),
        gate_warn_max: Set(fields.rollout_gate.warn_max()),
        workflow_definition_id: Set(fields.workflow.map(Col)),
        max_unmapped: Set(fields.max_unmapped.map(|n| i32::try_from(n).unwrap_or(i32::MAX))),
        updated_at: Set(Col(now)),
        ..Default::default()
    }
}

/// What the audit log shows of an output type.
fn shown(row: &output_type::Model) -> Json {
    json!({
        "name": row.name.0.as_str(),
        "kind": row.kind.0.as_str(),
        "render_backend": row.render_backend.0.as_str(),
        "legacy_executor": row.legacy_executor.as_ref().map(|name| name.0.as_str()),
        "render_settings": row.render_settings.0,
        "rollout_gate": {
            "metric": row.gate_metric.0.as_str(), "pass_max": row.gate_pass_max, "warn_max": row.gate_warn_max,
        },
        "workflow_definition_id": row.workflow_definition_id.map(|id| id.0.to_string()),
        "max_unmapped": row.max_unmapped,
    })
}

/// Writes the audit entry of a change of an output type.
async fn note(tx: &Tx<'_>, by: &Actor, row: &output_type::Model, detail: Json) -> Result<(), DbError> {
    let object = Some(("output_type", row.id.0.to_string()));
    audit::write(tx, row.tenant_id.0, by, [NewEntry { action: Action::OutputTypeChanged, object, detail }]).await
}

impl OutputType {
    fn of(row: output_type::Model) -> Result<Self, DbError> {
        let gate = RolloutGate::new(row.gate_metric.0, Some(row.gate_pass_max), Some(row.gate_warn_max));
        let gate = gate.map_err(|error| DbError::Corrupt { what: "rollout gate", reason: error.to_string() })?;
        let fields = OutputTypeFields {
            name: row.name.0,
            kind: row.kind.0,
            render_backend: row.render_backend.0,
            legacy_executor: row.legacy_executor.map(Col::value),
            render_settings: row.render_settings.0,
            rollout_gate: gate,
            workflow: row.workflow_definition_id.map(Col::value),
            max_unmapped: row.max_unmapped.map(i32::unsigned_abs),
        };
        Ok(Self {
            id: row.id.0,
            tenant: row.tenant_id.0,
            fields,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            revision: row.revision,
        })
    }
}
