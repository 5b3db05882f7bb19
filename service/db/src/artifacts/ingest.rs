//! Taking files into packages.

use std::collections::HashSet;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::files::FileRecord;
use super::log::Log;
use super::{ArtifactError, rows, view};
use crate::channels::Trouble;
use crate::column::{Col, arg, cell};
use crate::entity::storage_location;
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope, objects};
use packshot_domain::artifact::{
    ArtifactEvent, ArtifactFile, EventActor, FileState, LocationState, Observed, PackageChange, Receipt, RelativePath,
    StorageLocationId, admits,
};
use packshot_domain::channel::AlertType;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{PackageId, TenantId};

/// A file whose bytes are in the store. What else is computed of them is in the [record](crate::objects::record) of the
/// object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// The file.
    pub file: ArtifactFile,
    /// What the backend confirmed that has just stored its bytes.
    pub receipt: Receipt,
}

/// What is said about a file that is there already with the same path, bytes and media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// That it is there.
    Answered,
    /// That it is a duplicate.
    Refused,
}

/// A file that a package has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingested {
    /// The file.
    pub file: FileRecord,
    /// Whether it was taken now; otherwise it was there.
    pub is_new: bool,
    /// Locations of the same bytes that were damaged until now.
    pub healed: Vec<StorageLocationId>,
}

/// Addresses that one statement asks for.
const ADDRESSES_AT_ONCE: usize = 500;

/// Locations of an object in a backend that were damaged.
const DAMAGED: &str = "
    SELECT l.id, f.package_id FROM storage_locations l
    JOIN artifact_files f ON f.tenant_id = l.tenant_id AND f.id = l.artifact_file_id
    WHERE l.tenant_id = $1 AND l.content_address = $2 AND l.backend_id = $3 AND l.state <> 'ok' ORDER BY l.id";

const HEAL: &str = "
    UPDATE storage_locations SET state = 'ok'
    WHERE tenant_id = $1 AND content_address = $2 AND backend_id = $3 AND state <> 'ok' RETURNING id";

/// The record of the object says the same.
const HEAL_OBJECT: &str =
    "UPDATE objects SET condition = 'whole' WHERE tenant_id = $1 AND content_address = $2 RETURNING content_address";

/// Those of the objects of which a location is damaged.
pub(super) async fn damaged(
    tx: &Tx<'_>,
    tenant: TenantId,
    addresses: &[ContentAddress],
) -> Result<HashSet<ContentAddress>, DbError> {
    let mut damaged = HashSet::new();
    for some in addresses.chunks(ADDRESSES_AT_ONCE) {
        let rows = storage_location::Entity::find()
            .filter(storage_location::Column::TenantId.eq(Col(tenant)))
            .filter(storage_location::Column::ContentAddress.is_in(some.iter().copied().map(Col)))
            .filter(storage_location::Column::State.ne(Col(LocationState::Intact)));
        damaged.extend(rows.all(tx.on()).await?.into_iter().map(|row| row.content_address.0));
    }
    Ok(damaged)
}

/// Checks before any byte is read whether a package would take a file with this path. What is there with the same path
/// is returned: whether the new file is the same is known when its bytes are.
///
/// # Errors
///
/// As [`ingest`].
pub async fn check(
    db: &Db,
    scope: TenantScope,
    package: PackageId,
    path: RelativePath,
) -> Result<Option<ArtifactFile>, DbError> {
    db.read(scope, (scope.tenant, package, path), |tx, (tenant, package, path)| {
        Box::pin(async move {
            let rows = rows::find(tx, *tenant, *package).await?;
            rows.package.status.0.next(PackageChange::Ingest).map_err(ArtifactError::State)?;
            match rows::duplicate(tx, *tenant, *package, &path.key()).await? {
                Some(existing) if existing.relative_path.0 == *path => Ok(Some(existing.into())),
                Some(existing) => Err(rows::refused(path, existing)),
                None => Ok(None),
            }
        })
    })
    .await
}

/// Takes a file into a package. Damaged locations of the same bytes in the same backend are healed: they have just been
/// stored there.
///
/// # Errors
///
/// [`DbError::NotFound`] of a `package`, or of a `stored file` that has to be stored again; [`ArtifactError::State`],
/// [`ArtifactError::Duplicate`], [`ArtifactError::Full`].
pub async fn ingest(
    db: &Db,
    scope: TenantScope,
    by: EventActor,
    package: PackageId,
    new: NewFile,
    repeated: Repeated,
) -> Result<Ingested, DbError> {
    db.write(scope, (scope.tenant, by, package, new, repeated), |tx, (tenant, by, package, new, repeated)| {
        Box::pin(take(tx, *tenant, by, *package, new, *repeated))
    })
    .await
}

async fn take(
    tx: &Tx<'_>,
    tenant: TenantId,
    by: &EventActor,
    package: PackageId,
    new: &NewFile,
    repeated: Repeated,
) -> Result<Ingested, DbError> {
    let NewFile { file, receipt } = new;
    let mut rows = rows::lock(tx, tenant, package).await?;
    rows.package.status.0.next(PackageChange::Ingest).map_err(ArtifactError::State)?;
    let known = match rows::duplicate(tx, tenant, package, &file.path.key()).await? {
        Some(existing) => {
            let own = ArtifactFile::from(existing.clone());
            let is_same = ArtifactFile { id: own.id, ..file.clone() } == own;
            if !is_same || repeated == Repeated::Refused {
                return Err(rows::refused(&file.path, existing));
            }
            Some(existing)
        }
        None => None,
    };
    if known.is_none() {
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        let (n_files, bytes) = (count(rows.package.file_count), count(rows.package.total_bytes));
        admits(n_files, bytes, file.size).map_err(ArtifactError::Full)?;
    }
    objects::hold_in(tx, tenant, &[file.address]).await?;
    let mut log = Log::lock(tx, tenant, by).await?;
    let healed = heal(tx, &mut log, tenant, new).await?;
    let (file, is_new) = match known {
        Some(existing) => (FileRecord::of(existing, FileState::Intact), false),
        None => {
            let event = ArtifactEvent::FileIngested { package, file: file.clone(), receipt: receipt.clone() };
            let noted = log.note(package, &event);
            rows.apply(&noted, &event).map_err(ArtifactError::State)?;
            let new_rows = view::file_rows(&noted, package, file, receipt);
            let record = FileRecord::of(new_rows.0.clone(), FileState::Intact);
            rows::store(tx, &rows).await?;
            rows::insert_files(tx, vec![new_rows]).await?;
            (record, true)
        }
    };
    log.write().await?;
    Ok(Ingested { file, is_new, healed })
}

/// Notes that locations of these bytes are no longer damaged, and says which.
pub(super) async fn heal(
    tx: &Tx<'_>,
    log: &mut Log<'_, '_>,
    tenant: TenantId,
    new: &NewFile,
) -> Result<Vec<StorageLocationId>, DbError> {
    let NewFile { file, receipt } = new;
    let values = || [arg(tenant), arg(file.address), arg(receipt.backend.clone())];
    let mut healed = Vec::new();
    for row in tx.query(DAMAGED, values()).await? {
        let (location, package): (StorageLocationId, PackageId) = (cell(&row, 0)?, cell(&row, 1)?);
        let observed = Observed { size: receipt.size, address: Some(file.address) };
        log.note(package, &ArtifactEvent::LocationHealed { location, observed });
        tx.told(|told| told.trouble(tenant, AlertType::ArtifactDamaged, Trouble::Over(location.into())));
        healed.push(location);
    }
    if !healed.is_empty() {
        tx.query(HEAL, values()).await?;
        // Whoever takes a file has locked the record before the log.
        tx.query(HEAL_OBJECT, [arg(tenant), arg(file.address)]).await?;
    }
    Ok(healed)
}
