//! Packages of files: created, filled, listed, changed, finalised, held, released, deleted; and what is in them.

pub mod bytes;
pub(crate) mod caller;
pub mod ingest;
pub mod manifest;
pub(crate) mod shown;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::app::{App, AppError, Code, Page, PageRequest};
use crate::store::{Store, StoreError};
use packshot_contract::package::{ArtifactFilePage, FinalizedPackage, NewPackage, Package};
use packshot_db::artifacts::files::{self as file_rows, FileCursor, FilePage};
use packshot_db::artifacts::{self as rows, ArtifactError, tree_of};
use packshot_db::objects::{self, Remove};
use packshot_db::{Db, TenantScope};
use packshot_domain::artifact::{Map, Metadata, Reason, RetentionClass};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::PackageId;
use packshot_domain::principal::Principal;
use packshot_domain::reader::Reader;

pub use packshot_db::artifacts::PackageFilter;

/// Creates a package without files.
///
/// # Errors
/// [`Code::InvalidMetadata`].
pub async fn create(app: &App, who: &Principal, new: NewPackage) -> Result<Package, AppError> {
    let NewPackage { name, producer, subject, retention_class, metadata } = new;
    let metadata = checked(&metadata)?;
    let by = caller::actor(app, who).await?;
    let new = rows::NewPackage { id: PackageId::new(), name, producer, subject, retention_class, metadata };
    Ok(shown::package(rows::create(&app.db, TenantScope::of(who.tenant), by, new).await?))
}

/// The metadata with these members of JSON.
fn checked(members: &serde_json::Map<String, serde_json::Value>) -> Result<Metadata, AppError> {
    let refused = |detail: String| AppError::new(Code::InvalidMetadata, detail).at("/metadata");
    let mut map = Map::new();
    for (name, value) in members {
        let tree = tree_of(value).map_err(|error| refused(format!("in the metadata {error}")))?;
        map.insert(name.clone(), tree);
    }
    Metadata::new(map).map_err(|error| refused(error.to_string()))
}

/// A page of packages, newest first.
///
/// # Errors
/// Errors of the database.
pub async fn list(
    app: &App,
    reader: &Reader,
    filter: PackageFilter,
    page: PageRequest,
) -> Result<Page<Package>, AppError> {
    let Page { items, next } = rows::list(&app.db, reader, filter, page).await?;
    Ok(Page { items: items.into_iter().map(shown::package).collect(), next })
}

/// A package as it is now.
///
/// # Errors
/// [`Code::PackageNotFound`].
pub async fn get(app: &App, who: &Principal, id: PackageId) -> Result<Package, AppError> {
    Ok(shown::package(rows::get(&app.db, TenantScope::of(who.tenant), id).await?))
}

/// Files of a package, at most `limit`, in the order of its manifest.
///
/// # Errors
/// [`Code::PackageNotFound`].
pub async fn files(
    app: &App,
    who: &Principal,
    id: PackageId,
    limit: u32,
    after: Option<FileCursor>,
) -> Result<ArtifactFilePage, AppError> {
    let scope = TenantScope::of(who.tenant);
    let FilePage { items, next } = file_rows::of_package(&app.db, scope, id, limit, after).await?;
    let next_cursor = next.map(|cursor| cursor.to_string());
    Ok(ArtifactFilePage { items: items.into_iter().map(shown::file).collect(), next_cursor })
}

/// Gives a package another retention class, with the time that it has in the tenant now.
///
/// # Errors
/// [`Code::PackageNotFound`]; [`Code::Forbidden`] where the role does not allow the change;
/// [`Code::IllegalPackageState`].
pub async fn reclassify(app: &App, who: &Principal, id: PackageId, class: RetentionClass) -> Result<Package, AppError> {
    let by = caller::of(app, who).await?;
    Ok(shown::package(rows::reclassify(&app.db, TenantScope::of(who.tenant), by, id, class).await?))
}

/// Closes a package: its manifest says from now on what is in it.
///
/// # Errors
/// [`Code::PackageNotFound`], [`Code::IllegalPackageState`].
pub async fn finalize(app: &App, who: &Principal, id: PackageId) -> Result<FinalizedPackage, AppError> {
    let by = caller::actor(app, who).await?;
    let package = rows::finalize(&app.db, TenantScope::of(who.tenant), by, id).await?;
    let manifest_digest = package.manifest_digest.ok_or(ArtifactError::NotFinalized)?.into();
    Ok(FinalizedPackage { manifest_digest, package: shown::package(package) })
}

/// Keeps a package until it is released, whatever its class.
///
/// # Errors
/// [`Code::PackageNotFound`], [`Code::IllegalPackageState`].
pub async fn hold(app: &App, who: &Principal, id: PackageId, reason: Reason) -> Result<Package, AppError> {
    let by = caller::of(app, who).await?;
    Ok(shown::package(rows::hold(&app.db, TenantScope::of(who.tenant), by, id, reason).await?))
}

/// Holds a package no longer.
///
/// # Errors
/// As [`hold`].
pub async fn release(app: &App, who: &Principal, id: PackageId, reason: Reason) -> Result<Package, AppError> {
    let by = caller::of(app, who).await?;
    Ok(shown::package(rows::release(&app.db, TenantScope::of(who.tenant), by, id, reason).await?))
}

/// Deletes a package. The bytes of one that was never finalised go at once where nothing else has them, those of
/// another one by collection. Deleting what is gone changes nothing.
///
/// # Errors
/// [`Code::PackageNotFound`]; [`Code::Forbidden`] where the role does not allow it; [`Code::ValidationFailed`] where a
/// reason is missing; [`Code::PackageHeld`], [`Code::PackageInUse`].
pub async fn delete(app: &App, who: &Principal, id: PackageId, reason: Option<Reason>) -> Result<(), AppError> {
    let scope = TenantScope::of(who.tenant);
    let removed = rows::delete(&app.db, scope, caller::of(app, who).await?, id, reason).await?;
    for address in removed.freed {
        // The package is deleted by now, and what stays of its bytes goes as other bytes that nothing knows.
        if let Err(error) = erase(&app.db, &app.store, scope, address).await {
            tracing::warn!(tenant = %scope.tenant, "the bytes of a deleted package stay for now: {error}");
        }
    }
    Ok(())
}

/// Removes bytes that were stored for something that failed, unless something else has them. What cannot be removed now
/// stays until it is collected.
pub(crate) async fn let_go(db: &Db, store: &Store, scope: TenantScope, address: ContentAddress) {
    let removed = async {
        match objects::free(db, scope, address).await? {
            true => erase(db, store, scope, address).await,
            false => Ok(()),
        }
    };
    if let Err(error) = removed.await {
        let tenant = scope.tenant;
        tracing::warn!(%tenant, "the bytes {address} of what failed stay until they are collected: {error}");
    }
}

/// Removes the bytes of an object that has no record any more, unless it has one again.
async fn erase(db: &Db, store: &Store, scope: TenantScope, address: ContentAddress) -> Result<(), AppError> {
    let (store, tenant) = (store.clone(), scope.tenant);
    let remove: Remove<StoreError> = Arc::new(move || {
        let store = store.clone();
        Box::pin(async move { store.delete(tenant, &address).await }) as BoxFuture<'static, Result<(), StoreError>>
    });
    objects::erase(db, scope, address, remove).await?.unwrap_or(Ok(()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn refused(metadata: Value) -> String {
        let Value::Object(members) = metadata else { panic!("an object") };
        let error = checked(&members).expect_err("no package keeps it");
        assert_eq!((error.code(), error.findings()[0].pointer.as_str()), ("invalid_metadata", "/metadata"));
        error.detail().to_owned()
    }

    #[test]
    fn metadata_that_no_package_keeps_is_refused_with_its_reason() {
        assert!(checked(&serde_json::Map::new()).is_ok());
        assert!(refused(json!({"a": "x".repeat(65_529)})).contains("65537 bytes"));
        assert!(refused(json!({"a": (1..17).fold(json!(1), |inner, _| json!([inner]))})).contains("17 levels"));
        let told = "in the metadata a whole number is not within ±9007199254740991";
        for number in [json!(9_007_199_254_740_992_i64), json!(-9_007_199_254_740_992_i64), json!(1e300)] {
            assert_eq!(refused(json!({"a": [number]})), told);
        }
    }
}
