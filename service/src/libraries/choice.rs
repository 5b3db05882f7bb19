//! The library and the fallback material that a tenant chooses: both must exist when they are chosen. A material
//! that is missing later, because its library was deleted or another one was chosen, stops no render: see
//! `packshot_worker::library`.

use super::materials;
use crate::app::{App, AppError, Code};
use packshot_contract::problem::Invalid;
use packshot_db::{TenantScope, libraries};
use packshot_domain::change::Change;
use packshot_domain::principal::Principal;
use packshot_domain::tenant_config::{BUILTIN_LIBRARY, TenantConfigChange};
use packshot_materials::library::Library;

/// Checks the library and the material in a change of the configuration, for the tenant that the caller acts in.
///
/// # Errors
/// `library_not_found` at `/material_library`; [`Code::UnknownMaterial`]; `library.…` findings when this version of
/// Packshot finds a fault in the library.
pub async fn check(app: &App, who: &Principal, change: &TenantConfigChange) -> Result<(), AppError> {
    let library = match &change.material_library {
        Change::Keep => None,
        Change::Reset => Some(BUILTIN_LIBRARY),
        Change::Set(name) => Some(name.as_str()),
    };
    if let Some(name) = library.filter(|name| *name != BUILTIN_LIBRARY)
        && libraries::find(&app.db, TenantScope::of(who.tenant), name).await?.is_none()
    {
        let detail = format!("there is no library {name:?}");
        return Err(Invalid::one("/material_library", Code::LibraryNotFound.as_str(), detail).into());
    }
    let Change::Set(fallback) = &change.fallback_material else { return Ok(()) };
    let own = materials::library(app, who, library).await?;
    let has =
        |library: &Library| library.materials().iter().any(|known| known.id == *fallback || known.code == *fallback);
    // The built-in library lies below every other one.
    if own.as_deref().is_some_and(has) || has(Library::builtin()) {
        return Ok(());
    }
    let detail = format!("the tenant's library has no material with the id or code {fallback:?}");
    Err(AppError::new(Code::UnknownMaterial, detail).at("/fallback_material"))
}
