//! Material libraries of a tenant: checked as a whole when they are uploaded, never changed, published only on request;
//! and the materials in them.

pub mod aliases;
pub mod choice;
pub mod materials;
pub(crate) mod of_tenant;
pub(crate) mod proposals;
mod upload;

use serde::de::Error as _;

use crate::app::{App, AppError, Code, Page, PageRequest};
use crate::tenancy::RenderSettings;
use packshot_contract::library::MaterialLibrary;
use packshot_db::libraries::{self as rows, Library, NewLibrary};
use packshot_db::{DbError, TenantScope};
use packshot_domain::id::LibraryId;
use packshot_domain::principal::Principal;
use packshot_domain::reader::Reader;

pub use upload::add;

fn convert(library: Library) -> Result<MaterialLibrary, DbError> {
    let Library { id, tenant, library, public, created_at, revision: _ } = library;
    let NewLibrary { name, version, digest, address, media_type: _, materials, diagnostics } = library;
    let corrupt = |error: serde_json::Error| DbError::Corrupt { what: "library", reason: error.to_string() };
    Ok(MaterialLibrary {
        id: id.uuid(),
        tenant_id: tenant.uuid(),
        name,
        version,
        digest,
        content_address: address.into(),
        materials: u32::try_from(materials).map_err(|error| corrupt(serde_json::Error::custom(error)))?,
        public,
        diagnostics: serde_json::from_value(diagnostics).map_err(corrupt)?,
        created_at: created_at.into(),
    })
}

/// A page of libraries, newest first.
///
/// # Errors
/// Errors of the database.
pub async fn list(app: &App, reader: &Reader, page: PageRequest) -> Result<Page<MaterialLibrary>, AppError> {
    let Page { items, next } = rows::list(&app.db, reader, page).await?;
    Ok(Page { items: items.into_iter().map(convert).collect::<Result<_, _>>()?, next })
}

/// A library of the tenant.
///
/// # Errors
/// [`Code::LibraryNotFound`].
pub async fn get(app: &App, who: &Principal, id: LibraryId) -> Result<MaterialLibrary, AppError> {
    Ok(convert(rows::get(&app.db, TenantScope::of(who.tenant), id).await?)?)
}

/// Publishes the names of a library as suggestions for other tenants, or withdraws them.
///
/// # Errors
/// [`Code::LibraryNotFound`].
pub async fn set_public(
    app: &App,
    who: &Principal,
    id: LibraryId,
    is_public: bool,
) -> Result<MaterialLibrary, AppError> {
    Ok(convert(rows::set_public(&app.db, TenantScope::of(who.tenant), who.actor(), id, is_public).await?)?)
}

/// Deletes a library that is not in use.
///
/// # Errors
/// [`Code::LibraryNotFound`], [`Code::LibraryInUse`].
pub async fn delete(app: &App, who: &Principal, id: LibraryId) -> Result<(), AppError> {
    let scope = TenantScope::of(who.tenant);
    let library = rows::get(&app.db, scope, id).await?;
    let in_force = RenderSettings::in_force(app, who).await?.material_library;
    if in_force.as_deref() == Some(library.library.name.as_str()) {
        return Err(AppError::new(Code::LibraryInUse, "this library is in use: it is the tenant's `material_library`"));
    }
    Ok(rows::delete(&app.db, scope, who.actor(), id).await?)
}
