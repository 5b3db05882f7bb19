//! The library in which a tenant's tasks look up materials, where there is no caller.

use std::sync::Arc;

use packshot_materials::finding::Rejected;
use packshot_materials::library::Library;
use serde_json::json;

use super::materials::over_builtin;
use super::upload::refused;
use crate::app::AppError;
use crate::config::Settings;
use crate::objects;
use crate::store::Store;
use crate::tenancy::RenderSettings;
use packshot_db::{Db, TenantScope, channels, libraries};
use packshot_domain::channel::{AlertType, Message, Severity};
use packshot_worker::library::package;

/// The tenant's own library with those below it; the built-in one where it has none.
///
/// # Errors
/// `library.…` findings when this version of Packshot finds a fault that the version which accepted it did not, and of
/// which the tenant's admins are told; errors of the database or the store.
pub(crate) async fn library(place: (&Db, &Store, &Settings), scope: TenantScope) -> Result<Arc<Library>, AppError> {
    match read(place, scope).await? {
        Ok(library) => Ok(library),
        Err((name, error)) => {
            tell_broken(place.0, scope, &name, &error).await;
            Err(error)
        }
    }
}

/// The same, but nobody is told: one that has faults is its name with what is wrong.
///
/// # Errors
/// Errors of the database or the store.
pub(crate) async fn read(
    (db, store, settings): (&Db, &Store, &Settings),
    scope: TenantScope,
) -> Result<Result<Arc<Library>, (String, AppError)>, AppError> {
    let builtin = || Arc::new(Library::builtin().clone());
    let Some(name) = RenderSettings::of_tenant(db, settings, scope).await?.material_library else {
        return Ok(Ok(builtin()));
    };
    let Some(stored) = libraries::find(db, scope, &name).await? else { return Ok(Ok(builtin())) };
    let file = objects::read(db, store, scope, &stored.library.address).await?;
    let read = tokio::task::spawn_blocking(move || {
        let (package, _) = package(&file)?;
        over_builtin(package).map(Arc::new)
    });
    let read: Result<Arc<Library>, Rejected> = read.await.map_err(AppError::internal)?;
    Ok(read.map_err(|rejected| (name, refused(rejected))))
}

/// Tells the admins of a tenant that its library cannot be loaded. That it can be again, the watch over the
/// installation finds out.
pub(super) async fn tell_broken(db: &Db, scope: TenantScope, name: &str, error: &AppError) {
    let message = Message::new(&format!("The material library {name} cannot be loaded: {error}"));
    let data = json!({"library": name, "code": error.code()});
    let (of, trouble) = (AlertType::LibraryInvalid, Some((Severity::Error, message, data)));
    if let Err(reason) = channels::of_tenant(db, scope, of, trouble).await {
        tracing::error!(tenant = %scope.tenant, "nobody can be told of a broken library: {reason}");
    }
}
