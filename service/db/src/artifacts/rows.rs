//! The rows of packages and of their files: locked, read, written.

use sea_orm::ActiveValue::Unchanged;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter, QuerySelect};

use super::ArtifactError;
use super::view::PackageRows;
use crate::channels::Trouble;
use crate::column::{Col, arg, cell};
use crate::entity::{artifact_file, artifact_package, retention_state, storage_location};
use crate::level::Level;
use crate::tx::Tx;
use crate::{DbError, objects};
use packshot_domain::artifact::{LocationState, PathKey, RelativePath, StorageLocationId};
use packshot_domain::channel::AlertType;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{PackageId, TenantId};

/// What a package is called in the audit log and in errors.
pub(super) const PACKAGE: &str = "package";

const LOCATIONS: &str = "
    SELECT l.* FROM storage_locations l
    JOIN artifact_files f ON f.tenant_id = l.tenant_id AND f.id = l.artifact_file_id
    WHERE l.tenant_id = $1 AND f.package_id = $2";

/// Locks a package, so that nothing else happens to it until the end of the transaction.
pub(super) async fn lock(tx: &Tx<'_>, tenant: TenantId, id: PackageId) -> Result<PackageRows, DbError> {
    tx.enter(Level::Object);
    let package = artifact_package::Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
    with_retention(tx, package).await
}

/// A package as it is.
pub(super) async fn find(tx: &Tx<'_>, tenant: TenantId, id: PackageId) -> Result<PackageRows, DbError> {
    let package = artifact_package::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    with_retention(tx, package).await
}

async fn with_retention(tx: &Tx<'_>, package: Option<artifact_package::Model>) -> Result<PackageRows, DbError> {
    let package = package.ok_or(DbError::NotFound("package"))?;
    let key = (package.tenant_id, package.id);
    let retention = retention_state::Entity::find_by_id(key).one(tx.on()).await?;
    Ok(PackageRows { package, retention })
}

/// Writes the rows of a new package.
pub(super) async fn insert(tx: &Tx<'_>, rows: &PackageRows) -> Result<(), DbError> {
    let row = rows.package.clone().into_active_model().reset_all();
    artifact_package::Entity::insert(row).exec_without_returning(tx.on()).await?;
    store_retention(tx, rows).await
}

/// Writes the rows of a package that is locked.
pub(super) async fn store(tx: &Tx<'_>, rows: &PackageRows) -> Result<(), DbError> {
    let mut row = rows.package.clone().into_active_model().reset_all();
    (row.tenant_id, row.id) = (Unchanged(rows.package.tenant_id), Unchanged(rows.package.id));
    row.update_without_returning(tx.on()).await?;
    store_retention(tx, rows).await
}

async fn store_retention(tx: &Tx<'_>, rows: &PackageRows) -> Result<(), DbError> {
    use retention_state::Column as C;
    let Some(retention) = &rows.retention else { return Ok(()) };
    let replaced = OnConflict::columns([C::TenantId, C::PackageId])
        .update_columns([C::RetentionClass, C::RetentionTtlS, C::ExpiresAt, C::Held, C::HoldReason, C::UpdatedAt])
        .to_owned();
    let row = retention.clone().into_active_model().reset_all();
    retention_state::Entity::insert(row).on_conflict(replaced).exec_without_returning(tx.on()).await?;
    Ok(())
}

/// Writes the rows of new files, and of where their bytes lie.
pub(super) async fn insert_files(
    tx: &Tx<'_>,
    rows: Vec<(artifact_file::Model, storage_location::Model)>,
) -> Result<(), DbError> {
    let (files, locations): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .map(|(file, location)| (file.into_active_model().reset_all(), location.into_active_model().reset_all()))
        .unzip();
    tx.insert_all(files).await?;
    tx.insert_all(locations).await
}

/// The files of a package, in no order.
pub(super) async fn files(
    tx: &Tx<'_>,
    tenant: TenantId,
    package: PackageId,
) -> Result<Vec<artifact_file::Model>, DbError> {
    let files = artifact_file::Entity::find()
        .filter(artifact_file::Column::TenantId.eq(Col(tenant)))
        .filter(artifact_file::Column::PackageId.eq(Col(package)));
    Ok(files.all(tx.on()).await?)
}

/// Where the bytes of a package's files lie, in no order.
pub(super) async fn locations(
    tx: &Tx<'_>,
    tenant: TenantId,
    package: PackageId,
) -> Result<Vec<storage_location::Model>, DbError> {
    let rows = tx.query(LOCATIONS, [arg(tenant), arg(package)]).await?;
    Ok(rows.iter().map(|row| storage_location::Model::from_query_result(row, "")).collect::<Result<_, _>>()?)
}

/// The file of a package that a new one with this key would be a duplicate of: one with the same key, one whose key is
/// a folder of it, or one that lies in a folder with its key.
pub(super) async fn duplicate(
    tx: &Tx<'_>,
    tenant: TenantId,
    package: PackageId,
    key: &PathKey,
) -> Result<Option<artifact_file::Model>, DbError> {
    use artifact_file::Column as C;
    let in_package = || {
        let files = artifact_file::Entity::find().filter(C::TenantId.eq(Col(tenant)));
        files.filter(C::PackageId.eq(Col(package)))
    };
    let equal = [key.as_str()].into_iter().chain(key.folders()).map(|key| key.as_bytes().to_vec());
    if let Some(file) = in_package().filter(C::PathKey.is_in(equal)).limit(1).one(tx.on()).await? {
        return Ok(Some(file));
    }
    // What lies in the folder begins with its key and `/`, and `0` follows after `/`.
    let [first, end] = ["/", "0"].map(|next| [key.as_str(), next].concat().into_bytes());
    let below = in_package().filter(C::PathKey.gte(first)).filter(C::PathKey.lt(end));
    Ok(below.limit(1).one(tx.on()).await?)
}

/// The refusal of a path because of a file that is there.
pub(super) fn refused(path: &RelativePath, existing: artifact_file::Model) -> DbError {
    ArtifactError::Duplicate { path: path.clone(), existing: existing.relative_path.0 }.into()
}

/// Locks the objects that a package names, in the order in which objects are locked.
pub(super) async fn lock_objects(
    tx: &Tx<'_>,
    tenant: TenantId,
    package: PackageId,
) -> Result<Vec<ContentAddress>, DbError> {
    let locations = locations(tx, tenant, package).await?;
    let mut addresses: Vec<ContentAddress> = locations.into_iter().map(|row| row.content_address.0).collect();
    addresses.sort_unstable();
    addresses.dedup();
    objects::lock_in(tx, tenant, &addresses).await?;
    Ok(addresses)
}

/// Removes where the bytes of a package's files lie, with what was read there. Nobody has to look at damage that goes
/// with them.
pub(super) async fn remove_locations(tx: &Tx<'_>, tenant: TenantId, package: PackageId) -> Result<(), DbError> {
    let sql = "DELETE FROM storage_locations WHERE tenant_id = $1 AND artifact_file_id IN \
               (SELECT f.id FROM artifact_files f WHERE f.tenant_id = $1 AND f.package_id = $2) RETURNING id, state";
    for row in tx.query(sql, [arg(tenant), arg(package)]).await? {
        let (location, state): (StorageLocationId, LocationState) = (cell(&row, 0)?, cell(&row, 1)?);
        if state != LocationState::Intact {
            tx.told(|told| told.trouble(tenant, AlertType::ArtifactDamaged, Trouble::Over(location.into())));
        }
    }
    Ok(())
}
