//! Aliases of the tenant: names that it gave to materials itself. They lie as one layer over all libraries in force.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::materials;
use crate::app::{App, AppError, Code, ErrorKind, Page, PageRequest};
use crate::tenancy::RenderSettings;
use packshot_contract::material_alias::{AliasWish, MaterialAlias};
use packshot_contract::problem::Invalid;
use packshot_db::material_aliases::{self as rows, AliasRefusal};
use packshot_db::{TenantScope, render_templates};
use packshot_domain::feature::Feature;
use packshot_domain::id::{AliasId, FixId};
use packshot_domain::material_alias::{AliasKey, AliasScope, AliasSource, InvalidAliasKey, NewAlias};
use packshot_domain::principal::Principal;
use packshot_domain::reader::{Reader, Rows};
use packshot_materials::library::{Library, MaterialMethod};
use packshot_materials::name::match_key;

pub use packshot_db::material_aliases::AliasFilter;

/// Writes an alias by hand. It counts for every render that starts from then on.
///
/// # Errors
/// [`Code::FeatureDisabled`]; [`Code::UnknownMaterial`]; [`Code::AliasConflict`] when the name is taken by an active
/// alias of the scope, or, of the scope `material`, by an id, code or name, which come first;
/// [`Code::TooManyAliases`]; `out_of_range` at `/alias` for a name of which nothing counts.
pub async fn create(app: &App, who: &Principal, wish: AliasWish) -> Result<MaterialAlias, AppError> {
    require(app, who).await?;
    let AliasWish { alias, scope, material } = wish;
    let key = match_key(alias.as_str())
        .parse::<AliasKey>()
        .map_err(|error: InvalidAliasKey| AppError::from(Invalid::one("/alias", "out_of_range", error.to_string())))?;
    let libraries = in_force(app, who).await?;
    let has = |library: &Arc<Library>| library.materials().iter().any(|known| known.id == material.as_str());
    if !libraries.iter().any(has) {
        return Err(unknown_material(&libraries, material.as_str()));
    }
    if scope == AliasScope::Material
        && let Some(id) = libraries.iter().find_map(|library| named(library, alias.as_str()))
    {
        let detail = format!("{:?} is the id, the code or the name of {id}, which come before aliases", alias.as_str());
        return Err(AppError::new(Code::AliasConflict, detail).at("/alias"));
    }
    let new = NewAlias { alias, key, scope, material, source: AliasSource::Manual, fix: None };
    let made = rows::create(&app.db, TenantScope::of(who.tenant), who.actor(), who.user, new).await;
    made.map(shown).map_err(|refusal| match refusal {
        AliasRefusal::Taken { .. } => AppError::new(Code::AliasConflict, refusal.to_string()).at("/alias"),
        AliasRefusal::TooMany => AppError::new(Code::TooManyAliases, refusal.to_string()),
        AliasRefusal::Db(error) => error.into(),
    })
}

/// A page of aliases, newest first.
///
/// # Errors
/// [`Code::FeatureDisabled`].
pub async fn list(
    app: &App,
    reader: &Reader,
    filter: AliasFilter,
    page: PageRequest,
) -> Result<Page<MaterialAlias>, AppError> {
    // Whoever reads the rows of all tenants reads them whatever one of them has switched off.
    if reader.rows == Rows::OfTenant {
        require(app, &reader.who).await?;
    }
    let Page { items, next } = rows::list(&app.db, reader, filter, page).await?;
    Ok(Page { items: items.into_iter().map(shown).collect(), next })
}

/// An alias as it is now.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::AliasNotFound`].
pub async fn get(app: &App, who: &Principal, id: AliasId) -> Result<MaterialAlias, AppError> {
    require(app, who).await?;
    Ok(shown(rows::get(&app.db, TenantScope::of(who.tenant), id).await?))
}

/// Takes an alias back; with it go the entries of products that were found by it.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::AliasNotFound`].
pub async fn withdraw(app: &App, who: &Principal, id: AliasId) -> Result<MaterialAlias, AppError> {
    require(app, who).await?;
    Ok(shown(rows::withdraw(&app.db, TenantScope::of(who.tenant), who.actor(), id).await?))
}

async fn require(app: &App, who: &Principal) -> Result<(), AppError> {
    RenderSettings::in_force(app, who).await?.require(Feature::SuggestedFixes)
}

/// The libraries in force: the tenant's own, those that its active render templates name, and the built-in one, which
/// lies below all of them.
pub(crate) async fn in_force(app: &App, who: &Principal) -> Result<Vec<Arc<Library>>, AppError> {
    let templates = render_templates::active(&app.db, TenantScope::of(who.tenant)).await?;
    let of_templates = templates.into_iter().filter_map(|template| template.fields.library);
    let names: BTreeSet<String> = of_templates.map(|name| name.as_str().to_owned()).collect();
    let mut libraries = Vec::new();
    for name in std::iter::once(None).chain(names.iter().map(|name| Some(name.as_str()))) {
        match materials::library(app, who, name).await {
            Ok(library) => libraries.extend(library),
            // A library that this version cannot read has no materials; renders say what is wrong with it.
            Err(error) if matches!(error.kind(), ErrorKind::Input(_)) => {}
            Err(error) => return Err(error),
        }
    }
    libraries.push(Arc::new(Library::builtin().clone()));
    Ok(libraries)
}

fn unknown_material(libraries: &[Arc<Library>], material: &str) -> AppError {
    let near: BTreeSet<&str> = libraries.iter().flat_map(|library| library.near(material)).collect();
    let help = match near.is_empty() {
        true => "choose the id of a material: GET /api/v1/materials lists them".to_owned(),
        false => format!("choose the id of a material, such as {}", near.into_iter().collect::<Vec<_>>().join(", ")),
    };
    let detail = format!("no library in force has a material with the id {material:?}");
    AppError::new(Code::UnknownMaterial, detail).at("/material_id").with_help(help)
}

/// The id of the material whose id, code or name a word is, in any spelling.
pub(crate) fn named<'l>(library: &'l Library, word: &str) -> Option<&'l str> {
    let (idx, method) = library.find(word)?;
    (method != MaterialMethod::Alias).then(|| library.material(idx).id.as_str())
}

fn shown(row: rows::MaterialAlias) -> MaterialAlias {
    let NewAlias { alias, key, scope, material, source, fix } = row.alias;
    MaterialAlias {
        id: row.id.uuid(),
        tenant_id: row.tenant.uuid(),
        alias: alias.to_string(),
        key: key.to_string(),
        scope: scope.into(),
        material_id: material.to_string(),
        source: source.into(),
        fix_id: fix.map(FixId::uuid),
        status: row.status.into(),
        created_by: row.created_by.uuid(),
        created_at: row.created_at.into(),
        withdrawn_at: row.withdrawn_at.map(Into::into),
    }
}
