//! Packages that are created, filled and finalised at once, several of them in one transaction: what a request uploads,
//! or what a task delivers.

use std::collections::BTreeMap;

use super::log::Log;
use super::view::{self, PackageRows};
use super::{ArtifactError, NewFile, NewPackage, Package, close, created, ingest, rows};
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope, objects};
use packshot_domain::artifact::{ArtifactEvent, EventActor, PathKey, RelativePath, StoredFile, admits};
use packshot_domain::id::TenantId;

/// A package with all of its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholePackage {
    /// Who makes it.
    pub by: EventActor,
    /// The package.
    pub package: NewPackage,
    /// Its files, whose bytes are in the store, in the order in which it takes them.
    pub files: Vec<NewFile>,
}

/// Creates, fills and finalises packages, all of them or none.
///
/// # Errors
///
/// [`DbError::NotFound`] of a `stored file` that has to be stored again; [`ArtifactError::Duplicate`],
/// [`ArtifactError::Full`].
pub async fn store(db: &Db, scope: TenantScope, packages: Vec<WholePackage>) -> Result<Vec<Package>, DbError> {
    db.write(scope, (scope.tenant, packages), |tx, (tenant, packages)| Box::pin(store_in(tx, *tenant, packages))).await
}

/// [`store`] within a transaction: it locks objects, and then the log.
pub(crate) async fn store_in(
    tx: &Tx<'_>,
    tenant: TenantId,
    packages: &[WholePackage],
) -> Result<Vec<Package>, DbError> {
    let Some(first) = packages.first() else { return Ok(Vec::new()) };
    let mut events = Vec::new();
    for whole in packages {
        check(&whole.files)?;
        events.push(created(tx, tenant, &whole.package).await?);
    }
    let files = || packages.iter().flat_map(|whole| &whole.files);
    let mut addresses: Vec<_> = files().map(|new| new.file.address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    objects::lock_in(tx, tenant, &addresses).await?;
    objects::hold_in(tx, tenant, &addresses).await?;
    let mut log = Log::lock(tx, tenant, &first.by).await?;
    let damaged = ingest::damaged(tx, tenant, &addresses).await?;
    for new in files().filter(|new| damaged.contains(&new.file.address)) {
        ingest::heal(tx, &mut log, tenant, new).await?;
    }
    let mut stored = Vec::with_capacity(packages.len());
    for (whole, event) in packages.iter().zip(events) {
        log.act_for(&whole.by);
        stored.push(add(tx, &mut log, whole, &event).await?);
    }
    log.write().await?;
    Ok(stored)
}

async fn add(
    tx: &Tx<'_>,
    log: &mut Log<'_, '_>,
    whole: &WholePackage,
    event: &ArtifactEvent,
) -> Result<Package, DbError> {
    let WholePackage { by, package: NewPackage { id, .. }, files } = whole;
    let noted = log.note(*id, event);
    let mut rows = PackageRows::created(&noted, event).ok_or(DbError::NotFound("package"))?;
    let (mut file_rows, mut stored) = (Vec::new(), Vec::new());
    for new in files {
        let NewFile { file, receipt } = new;
        let event = ArtifactEvent::FileIngested { package: *id, file: file.clone(), receipt: receipt.clone() };
        let noted = log.note(*id, &event);
        rows.apply(&noted, &event).map_err(ArtifactError::State)?;
        file_rows.push(view::file_rows(&noted, *id, file, receipt));
        stored.push(StoredFile { file: file.clone(), receipts: vec![receipt.clone()] });
    }
    close(log, &mut rows, by, stored)?;
    rows::insert(tx, &rows).await?;
    rows::insert_files(tx, file_rows).await?;
    Ok(rows.into())
}

/// Checks that one package can have all of these files.
fn check(files: &[NewFile]) -> Result<(), ArtifactError> {
    let mut taken: BTreeMap<PathKey, &RelativePath> = BTreeMap::new();
    let mut bytes = 0;
    for (n_files, NewFile { file, .. }) in (0..).zip(files) {
        admits(n_files, bytes, file.size)?;
        bytes += file.size.bytes();
        if let Some(existing) = taken.insert(file.path.key(), &file.path) {
            return Err(ArtifactError::Duplicate { path: file.path.clone(), existing: existing.clone() });
        }
    }
    let by_text: BTreeMap<&str, &RelativePath> = taken.iter().map(|(key, path)| (key.as_str(), *path)).collect();
    for (key, path) in &taken {
        if let Some(existing) = key.folders().find_map(|folder| by_text.get(folder)) {
            return Err(ArtifactError::Duplicate { path: (*path).clone(), existing: (*existing).clone() });
        }
    }
    Ok(())
}
