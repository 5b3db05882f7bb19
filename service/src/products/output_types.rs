//! Output types: what is made of products, and how.

use super::{ATTEMPTS, contended};
use crate::app::{App, AppError, Code, Page, PageRequest};
use crate::tenancy::{OutputRenderer, RenderSettings};
use packshot_contract::output_type::{OutputType, OutputTypeChange, OutputTypeFields, picture_kind};
use packshot_contract::picture_settings::PictureSettings;
use packshot_contract::problem::Invalid;
use packshot_db::{DbError, TenantScope, output_types as rows};
use packshot_domain::id::{OutputTypeId, WorkflowId};
use packshot_domain::principal::Principal;
use packshot_domain::reader::Reader;

/// Makes an output type.
///
/// # Errors
/// [`Code::OutputTypeExists`]; contradictions and limits in its settings; [`Code::ExecutorNotConfigured`],
/// [`Code::ExecutorStillsOnly`], [`Code::FeatureDisabled`] for an external renderer.
pub async fn create(
    app: &App,
    who: &Principal,
    fields: OutputTypeFields,
    settings: &RenderSettings,
) -> Result<OutputType, AppError> {
    check_pictures(&fields, settings)?;
    check_backend(&fields, settings)?;
    let scope = TenantScope::of(who.tenant);
    let made = rows::create(&app.db, scope, who.actor(), OutputTypeId::new(), stored(fields)?).await;
    shown(made.map_err(refused)?)
}

/// A page of output types, newest first.
///
/// # Errors
/// Errors of the database.
pub async fn list(app: &App, reader: &Reader, page: PageRequest) -> Result<Page<OutputType>, AppError> {
    let Page { items, next } = rows::list(&app.db, reader, page).await?;
    Ok(Page { items: items.into_iter().map(shown).collect::<Result<_, _>>()?, next })
}

/// An output type as it is now.
///
/// # Errors
/// [`Code::OutputTypeNotFound`].
pub async fn get(app: &App, who: &Principal, id: OutputTypeId) -> Result<OutputType, AppError> {
    shown(rows::get(&app.db, TenantScope::of(who.tenant), id).await?)
}

/// Changes an output type. What a change does not touch is not checked again: a limit may be lower by now.
///
/// # Errors
/// [`Code::OutputTypeNotFound`], and as [`create`].
pub async fn change(
    app: &App,
    who: &Principal,
    id: OutputTypeId,
    change: OutputTypeChange,
    settings: &RenderSettings,
) -> Result<OutputType, AppError> {
    let scope = TenantScope::of(who.tenant);
    for _ in 0..ATTEMPTS {
        let row = rows::get(&app.db, scope, id).await?;
        let before = read(row.fields.clone())?;
        let after = change.clone().of(before.clone());
        if after == before {
            return shown(row);
        }
        if (after.kind, &after.render_settings) != (before.kind, &before.render_settings) {
            check_pictures(&after, settings)?;
        }
        let renderer = |fields: &OutputTypeFields| (fields.kind, fields.render_backend, fields.legacy_executor.clone());
        if renderer(&after) != renderer(&before) {
            check_backend(&after, settings)?;
        }
        match rows::replace(&app.db, scope, who.actor(), (id, row.revision), stored(after)?).await {
            Err(DbError::Stale { .. }) => {}
            changed => return shown(changed.map_err(refused)?),
        }
    }
    Err(contended())
}

/// Deletes an output type.
///
/// # Errors
/// [`Code::OutputTypeNotFound`], [`Code::OutputTypeInUse`].
pub async fn delete(app: &App, who: &Principal, id: OutputTypeId) -> Result<(), AppError> {
    Ok(rows::delete(&app.db, TenantScope::of(who.tenant), who.actor(), id).await?)
}

/// What cannot be stored, with the place where that is said.
fn refused(error: DbError) -> AppError {
    match error {
        DbError::NotFound("workflow") => {
            let detail = "there is no such workflow definition";
            Invalid::one("/workflow_definition_id", Code::WorkflowNotFound.as_str(), detail).into()
        }
        error => error.into(),
    }
}

/// Checks that its pictures can be made.
fn check_pictures(fields: &OutputTypeFields, settings: &RenderSettings) -> Result<(), AppError> {
    let Some(kind) = picture_kind(fields.kind) else { return Ok(()) };
    Ok(fields.render_settings.check(kind, &settings.limits, "/render_settings")?)
}

/// Checks that there is a renderer for it.
fn check_backend(fields: &OutputTypeFields, settings: &RenderSettings) -> Result<(), AppError> {
    let OutputTypeFields { render_backend, kind, legacy_executor, .. } = fields;
    let of = OutputRenderer { backend: *render_backend, kind: *kind, own: legacy_executor.as_ref() };
    settings.check_executor(of)
}

fn stored(fields: OutputTypeFields) -> Result<rows::OutputTypeFields, AppError> {
    let OutputTypeFields {
        name,
        kind,
        render_backend,
        render_settings,
        workflow,
        legacy_executor,
        rollout_gate,
        max_unmapped,
    } = fields;
    let render_settings = serde_json::to_value(render_settings).map_err(AppError::internal)?;
    Ok(rows::OutputTypeFields {
        name,
        kind,
        render_backend,
        legacy_executor,
        render_settings,
        rollout_gate,
        workflow,
        max_unmapped,
    })
}

fn read(fields: rows::OutputTypeFields) -> Result<OutputTypeFields, AppError> {
    let rows::OutputTypeFields {
        name,
        kind,
        render_backend,
        legacy_executor,
        render_settings,
        rollout_gate,
        workflow,
        max_unmapped,
    } = fields;
    let render_settings: PictureSettings = serde_json::from_value(render_settings).map_err(AppError::internal)?;
    Ok(OutputTypeFields {
        name,
        kind,
        render_backend,
        render_settings,
        workflow,
        legacy_executor,
        rollout_gate,
        max_unmapped,
    })
}

fn shown(row: rows::OutputType) -> Result<OutputType, AppError> {
    let fields = read(row.fields)?;
    Ok(OutputType {
        id: row.id.uuid(),
        tenant_id: row.tenant.uuid(),
        name: fields.name.to_string(),
        kind: fields.kind.into(),
        render_backend: fields.render_backend.into(),
        render_settings: fields.render_settings,
        workflow_definition_id: fields.workflow.map(WorkflowId::uuid),
        legacy_executor: fields.legacy_executor.map(|name| name.to_string()),
        rollout_gate: fields.rollout_gate.into(),
        max_unmapped: fields.max_unmapped,
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
    })
}
