//! Render templates: what the looks of several products have in common.

use super::{ATTEMPTS, contended, materials};
use crate::app::{App, AppError, Code, Page, PageRequest};
use crate::tenancy::RenderSettings;
use packshot_contract::output_type::picture_kind;
use packshot_contract::problem::Invalid;
use packshot_contract::render_template::{NewTemplate, RenderTemplate, RenderTemplateChange};
use packshot_db::{DbError, Json, TenantScope, libraries, output_types, render_templates as rows};
use packshot_domain::id::{OutputTypeId, RenderTemplateId};
use packshot_domain::principal::Principal;
use packshot_domain::reader::Reader;
use packshot_domain::render_template::TemplateFields;
use packshot_domain::tenant_config::BUILTIN_LIBRARY;

/// Makes a template.
///
/// # Errors
/// [`Code::TemplateExists`]; `output_type_not_found` at `/output_type_id`, `library_not_found` at `/library`;
/// contradictions and limits in its settings, where the output type says what they are for.
pub async fn create(
    app: &App,
    who: &Principal,
    new: NewTemplate,
    settings: &RenderSettings,
) -> Result<RenderTemplate, AppError> {
    let scope = TenantScope::of(who.tenant);
    check_references(app, scope, &new.fields).await?;
    check_pictures(app, scope, &new, settings).await?;
    shown(rows::create(&app.db, scope, who.actor(), RenderTemplateId::new(), stored(new)?).await?)
}

/// A page of templates, newest first.
///
/// # Errors
/// Errors of the database.
pub async fn list(app: &App, reader: &Reader, page: PageRequest) -> Result<Page<RenderTemplate>, AppError> {
    let Page { items, next } = rows::list(&app.db, reader, page).await?;
    Ok(Page { items: items.into_iter().map(shown).collect::<Result<_, _>>()?, next })
}

/// A template as it is now.
///
/// # Errors
/// [`Code::TemplateNotFound`].
pub async fn get(app: &App, who: &Principal, id: RenderTemplateId) -> Result<RenderTemplate, AppError> {
    shown(rows::get(&app.db, TenantScope::of(who.tenant), id).await?)
}

/// Changes a template. What a change does not touch is not checked again: a limit may be lower by now.
///
/// # Errors
/// [`Code::TemplateNotFound`], and as [`create`].
pub async fn change(
    app: &App,
    who: &Principal,
    id: RenderTemplateId,
    change: RenderTemplateChange,
    settings: &RenderSettings,
) -> Result<RenderTemplate, AppError> {
    let scope = TenantScope::of(who.tenant);
    for _ in 0..ATTEMPTS {
        let row = rows::get(&app.db, scope, id).await?;
        let before = NewTemplate { fields: row.fields.clone(), settings: read(row.settings.clone())? };
        let after = change.clone().of(before.clone());
        if after == before {
            return shown(row);
        }
        let references = |of: &NewTemplate| (of.fields.output_type, of.fields.library.clone());
        if references(&after) != references(&before) {
            check_references(app, scope, &after.fields).await?;
        }
        if (after.fields.output_type, &after.settings) != (before.fields.output_type, &before.settings) {
            check_pictures(app, scope, &after, settings).await?;
        }
        match rows::replace(&app.db, scope, who.actor(), (id, row.revision), stored(after)?).await {
            Err(DbError::Stale { .. }) => {}
            changed => return shown(changed?),
        }
    }
    Err(contended())
}

/// Deletes a template.
///
/// # Errors
/// [`Code::TemplateNotFound`].
pub async fn delete(app: &App, who: &Principal, id: RenderTemplateId) -> Result<(), AppError> {
    Ok(rows::delete(&app.db, TenantScope::of(who.tenant), who.actor(), id).await?)
}

/// Checks that what a template names is there.
async fn check_references(app: &App, scope: TenantScope, fields: &TemplateFields) -> Result<(), AppError> {
    if let Some(id) = fields.output_type {
        output_type(app, scope, id).await?;
    }
    let library = fields.library.as_ref().filter(|name| name.as_str() != BUILTIN_LIBRARY);
    if let Some(name) = library
        && libraries::find(&app.db, scope, name.as_str()).await?.is_none()
    {
        let detail = format!("there is no library {:?}", name.as_str());
        return Err(Invalid::one("/library", Code::LibraryNotFound.as_str(), detail).into());
    }
    Ok(())
}

/// Checks that pictures of its output type can be made with its settings. Without one, nothing says what they are for.
async fn check_pictures(
    app: &App,
    scope: TenantScope,
    template: &NewTemplate,
    settings: &RenderSettings,
) -> Result<(), AppError> {
    let Some(id) = template.fields.output_type else { return Ok(()) };
    match picture_kind(output_type(app, scope, id).await?.fields.kind) {
        Some(kind) => Ok(template.settings.check(kind, &settings.limits, "/settings")?),
        None => Ok(()),
    }
}

async fn output_type(app: &App, scope: TenantScope, id: OutputTypeId) -> Result<output_types::OutputType, AppError> {
    match output_types::get(&app.db, scope, id).await {
        Err(DbError::NotFound(_)) => {
            let detail = "there is no such output type";
            Err(Invalid::one("/output_type_id", Code::OutputTypeNotFound.as_str(), detail).into())
        }
        found => Ok(found?),
    }
}

fn stored(template: NewTemplate) -> Result<(TemplateFields, Json), AppError> {
    let settings = serde_json::to_value(template.settings).map_err(AppError::internal)?;
    Ok((template.fields, settings))
}

fn read<T: serde::de::DeserializeOwned>(settings: Json) -> Result<T, AppError> {
    serde_json::from_value(settings).map_err(AppError::internal)
}

fn shown(row: rows::RenderTemplate) -> Result<RenderTemplate, AppError> {
    let TemplateFields { name, output_type, category_key, use_materials, materials: entries, library, is_active } =
        row.fields;
    Ok(RenderTemplate {
        id: row.id.uuid(),
        tenant_id: row.tenant.uuid(),
        name: name.to_string(),
        output_type_id: output_type.map(OutputTypeId::uuid),
        category_key: category_key.map(|key| key.to_string()),
        settings: read(row.settings)?,
        use_materials,
        materials: materials(&entries),
        library: library.map(|name| name.to_string()),
        is_active,
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
    })
}
