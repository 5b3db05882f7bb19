//! What is known of the bytes in the store: which have to be read again, and what was read (artifacts.md §5).

use std::collections::HashMap;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::log::Log;
use crate::column::{Col, arg, cell};
use crate::entity::artifact_check;
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope};
use packshot_domain::artifact::{
    ArtifactEvent, BackendId, ByteSize, Damage, EventActor, LocationState, Observed, StorageLocationId,
};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{FileId, PackageId, TenantId};
use packshot_domain::time::Timestamp;

/// An object that files name, in one backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The backend.
    pub backend: BackendId,
    /// Its content.
    pub address: ContentAddress,
    /// How many bytes it has.
    pub size: ByteSize,
}

/// What was read of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The bytes are those of the address.
    Intact(Observed),
    /// They are not.
    Damaged(Damage),
}

impl Found {
    const fn state(self) -> LocationState {
        match self {
            Self::Intact(_) => LocationState::Intact,
            Self::Damaged(damage) => damage.state(),
        }
    }

    const fn event(self, location: StorageLocationId) -> ArtifactEvent {
        match self {
            Self::Intact(observed) => ArtifactEvent::LocationHealed { location, observed },
            Self::Damaged(damage) => ArtifactEvent::LocationDamaged { location, damage },
        }
    }
}

/// A file whose bytes are in another state than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Where they lie.
    pub location: StorageLocationId,
    /// The file.
    pub file: FileId,
    /// Its package.
    pub package: PackageId,
    /// The state.
    pub state: LocationState,
}

const PENDING: &str = "
    SELECT l.backend_id, l.content_address, MIN(l.size_bytes), MIN(COALESCE(c.checked_at, $3)) AS checked_at
    FROM storage_locations l
    LEFT JOIN artifact_checks c ON c.tenant_id = l.tenant_id AND c.storage_location_id = l.id
    WHERE l.tenant_id = $1 AND (c.checked_at IS NULL OR c.checked_at < $2)
    GROUP BY l.backend_id, l.content_address
    ORDER BY MIN(COALESCE(c.checked_at, $3)), l.content_address, l.backend_id LIMIT $4";

const LOCATIONS: &str = "
    SELECT l.id, l.artifact_file_id, f.package_id, l.state FROM storage_locations l
    JOIN artifact_files f ON f.tenant_id = l.tenant_id AND f.id = l.artifact_file_id
    WHERE l.tenant_id = $1 AND l.backend_id = $2 AND l.content_address = $3 ORDER BY l.id";

/// Objects that were not read since `before`, the longest unread first, at most `limit`. An object is read once,
/// however many files name it.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn pending(db: &Db, scope: TenantScope, before: Timestamp, limit: u32) -> Result<Vec<Named>, DbError> {
    db.read_one(scope, (scope.tenant, before, limit), |tx, (tenant, before, limit)| {
        Box::pin(async move {
            let values = [arg(*tenant), arg(*before), arg(Timestamp::MIN), i64::from(*limit).into()];
            let rows = tx.query(PENDING, values).await?;
            let named = |row| Ok(Named { backend: cell(row, 0)?, address: cell(row, 1)?, size: cell(row, 2)? });
            rows.iter().map(named).collect()
        })
    })
    .await
}

/// Records what was read of an object: each file that names it and was in another state gets an event. Returns those.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn record(
    db: &Db,
    scope: TenantScope,
    by: EventActor,
    (backend, address): (BackendId, ContentAddress),
    found: Found,
) -> Result<Vec<Changed>, DbError> {
    let args = (scope.tenant, by, backend, address, found);
    db.write(scope, args, |tx, (tenant, by, backend, address, found)| {
        Box::pin(record_in(tx, *tenant, by, (backend, *address), *found))
    })
    .await
}

async fn record_in(
    tx: &Tx<'_>,
    tenant: TenantId,
    by: &EventActor,
    (backend, address): (&BackendId, ContentAddress),
    found: Found,
) -> Result<Vec<Changed>, DbError> {
    let mut log = Log::lock(tx, tenant, by).await?;
    let now = log.now();
    let state = found.state();
    let (mut changed, mut checks) = (Vec::new(), Vec::new());
    for row in tx.query(LOCATIONS, [arg(tenant), arg(backend.clone()), arg(address)]).await? {
        let (location, file, package) = (cell(&row, 0)?, cell(&row, 1)?, cell(&row, 2)?);
        let before: LocationState = cell(&row, 3)?;
        checks.push(artifact_check::ActiveModel {
            tenant_id: Set(Col(tenant)),
            storage_location_id: Set(Col(location)),
            checked_at: Set(Col(now)),
            result: Set(Col(state)),
        });
        if before != state {
            log.note(package, &found.event(location));
            changed.push(Changed { location, file, package, state });
        }
    }
    if !changed.is_empty() {
        let sql = "UPDATE storage_locations SET state = $4 \
                   WHERE tenant_id = $1 AND backend_id = $2 AND content_address = $3 RETURNING id";
        tx.query(sql, [arg(tenant), arg(backend.clone()), arg(address), arg(state)]).await?;
    }
    store_checks(tx, checks).await?;
    log.write().await?;
    Ok(changed)
}

async fn store_checks(tx: &Tx<'_>, checks: Vec<artifact_check::ActiveModel>) -> Result<(), DbError> {
    use artifact_check::Column as C;
    for some in checks.chunks(500) {
        let replaced = OnConflict::columns([C::TenantId, C::StorageLocationId])
            .update_columns([C::CheckedAt, C::Result])
            .to_owned();
        artifact_check::Entity::insert_many(some.to_vec())
            .on_conflict(replaced)
            .exec_without_returning(tx.on())
            .await?;
    }
    Ok(())
}

/// What was last read of the files of a tenant, by location.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn results(
    db: &Db,
    scope: TenantScope,
) -> Result<HashMap<StorageLocationId, (Timestamp, LocationState)>, DbError> {
    db.read_one(scope, scope.tenant, |tx, tenant| {
        Box::pin(async move {
            let own = artifact_check::Entity::find().filter(artifact_check::Column::TenantId.eq(Col(*tenant)));
            let rows = own.all(tx.on()).await?.into_iter();
            Ok(rows.map(|row| (row.storage_location_id.0, (row.checked_at.0, row.result.0))).collect())
        })
    })
    .await
}
