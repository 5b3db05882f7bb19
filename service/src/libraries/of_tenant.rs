//! The library in which a tenant's tasks look up materials, where there is no caller.

use std::sync::Arc;

use packshot_materials::finding::Rejected;
use packshot_materials::library::Library;

use super::materials::over_builtin;
use super::upload::refused;
use crate::app::AppError;
use crate::config::Settings;
use crate::objects;
use crate::store::Store;
use crate::tenancy::RenderSettings;
use packshot_db::{Db, TenantScope, libraries};
use packshot_worker::library::package;

/// The tenant's own library with those below it; the built-in one where it has none.
///
/// # Errors
/// `library.…` findings when this version of Packshot finds a fault that the version which accepted it did not; errors
/// of the database or the store.
pub(crate) async fn library(
    (db, store, settings): (&Db, &Store, &Settings),
    scope: TenantScope,
) -> Result<Arc<Library>, AppError> {
    let builtin = || Arc::new(Library::builtin().clone());
    let Some(name) = RenderSettings::of_tenant(db, settings, scope).await?.material_library else {
        return Ok(builtin());
    };
    let Some(stored) = libraries::find(db, scope, &name).await? else { return Ok(builtin()) };
    let file = objects::read(db, store, scope, &stored.library.address).await?;
    let read = tokio::task::spawn_blocking(move || {
        let (package, _) = package(&file)?;
        over_builtin(package).map(Arc::new)
    });
    let read: Result<Arc<Library>, Rejected> = read.await.map_err(AppError::internal)?;
    read.map_err(refused)
}
