//! Definitions: saved, listed, shown, replaced, deleted.

use crate::app::{App, AppError, Code, Page, PageRequest};
use crate::tenancy::RenderSettings;
use packshot_contract::problem::Invalid;
use packshot_contract::workflow::{Config, WorkflowDefinition, WorkflowFields, WorkflowRequestFields};
use packshot_db::workflows::{self as rows, Definition, DefinitionFields, Deletion};
use packshot_db::{DbError, TenantScope};
use packshot_domain::feature::Feature;
use packshot_domain::id::{OutputTypeId, WorkflowId};
use packshot_domain::principal::Principal;
use packshot_domain::reader::Reader;

/// What became of a definition that was to be deleted.
#[derive(Clone, Debug, PartialEq)]
pub enum Deleted {
    /// It is gone.
    Gone,
    /// It has runs, and is kept for them: it cannot be dispatched any more.
    Kept(Box<WorkflowDefinition>),
}

/// Saves a new definition.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::InvalidWorkflowConfig`]; `output_type_not_found` at `/output_type_id`.
pub async fn create(app: &App, who: &Principal, new: WorkflowRequestFields) -> Result<WorkflowDefinition, AppError> {
    check_feature(app, who).await?;
    let by = (who.actor(), who.user);
    let made = rows::create(&app.db, TenantScope::of(who.tenant), by, WorkflowId::new(), fields(new)?).await;
    Ok(shown(made.map_err(refused)?))
}

/// A page of definitions, newest first.
///
/// # Errors
/// [`Code::FeatureDisabled`].
pub async fn list(app: &App, reader: &Reader, page: PageRequest) -> Result<Page<WorkflowDefinition>, AppError> {
    check_feature(app, &reader.who).await?;
    let Page { items, next } = rows::list(&app.db, reader, page).await?;
    Ok(Page { items: items.into_iter().map(shown).collect(), next })
}

/// A definition as it is now.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::WorkflowNotFound`].
pub async fn get(app: &App, who: &Principal, id: WorkflowId) -> Result<WorkflowDefinition, AppError> {
    check_feature(app, who).await?;
    Ok(shown(rows::get(&app.db, TenantScope::of(who.tenant), id).await?))
}

/// Saves a definition again, where it still has a revision, if one is given.
///
/// # Errors
/// As [`create`]; [`Code::WorkflowNotFound`], [`Code::PreconditionFailed`].
pub async fn replace(
    app: &App,
    who: &Principal,
    of: (WorkflowId, Option<i64>),
    new: WorkflowRequestFields,
) -> Result<WorkflowDefinition, AppError> {
    check_feature(app, who).await?;
    let saved = rows::replace(&app.db, TenantScope::of(who.tenant), who.actor(), of, fields(new)?).await;
    Ok(shown(saved.map_err(refused)?))
}

/// Deletes a definition; one that has runs is only deactivated.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::WorkflowNotFound`], [`Code::PreconditionFailed`].
pub async fn delete(app: &App, who: &Principal, of: (WorkflowId, Option<i64>)) -> Result<Deleted, AppError> {
    check_feature(app, who).await?;
    let deletion = rows::delete(&app.db, TenantScope::of(who.tenant), who.actor(), of).await?;
    Ok(match deletion {
        Deletion::Deleted => Deleted::Gone,
        Deletion::Deactivated(definition) => Deleted::Kept(Box::new(shown(*definition))),
    })
}

/// Checks that the tenant has workflows.
pub(super) async fn check_feature(app: &App, who: &Principal) -> Result<(), AppError> {
    RenderSettings::in_force(app, who).await?.require(Feature::Workflows)
}

/// What is stored of a definition: the graph in its one form.
fn fields(new: WorkflowRequestFields) -> Result<DefinitionFields, AppError> {
    let WorkflowFields { name, output_type, is_active } = new.fields;
    let config = Config::read(&new.config, "/config")?.json();
    Ok(DefinitionFields { name, output_type, config, is_active })
}

fn refused(error: DbError) -> AppError {
    match error {
        DbError::NotFound("output type") => {
            let detail = "there is no such output type";
            Invalid::one("/output_type_id", Code::OutputTypeNotFound.as_str(), detail).into()
        }
        error => error.into(),
    }
}

fn shown(row: Definition) -> WorkflowDefinition {
    let DefinitionFields { name, output_type, config, is_active } = row.fields;
    WorkflowDefinition {
        id: row.id.uuid(),
        tenant_id: row.tenant.uuid(),
        name: name.to_string(),
        output_type_id: output_type.map(OutputTypeId::uuid),
        config,
        is_active,
        revision: row.revision,
        created_by: row.created_by.uuid(),
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
    }
}
