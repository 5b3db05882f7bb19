//! What is known of the bytes in the store: which have to be read again, and what was read (artifacts.md §5).

use std::collections::HashMap;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use serde_json::json;

use super::log::Log;
use crate::channels::{Said, Trouble};
use crate::column::{Col, arg, cell};
use crate::entity::{artifact_check, object};
use crate::objects::{Object, set_condition_in};
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope};
use packshot_domain::artifact::{
    ArtifactEvent, BackendId, ByteSize, Damage, EventActor, LocationState, Observed, RelativePath, StorageLocationId,
};
use packshot_domain::channel::{AlertType, Severity, damaged};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{AssetId, FileId, PackageId, TenantId};
use packshot_domain::object::Condition;
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

    /// The same as the record of the object says it.
    #[must_use]
    pub const fn condition(self) -> Condition {
        match self {
            Self::Intact(_) => Condition::Whole,
            Self::Damaged(Damage::Missing) => Condition::Missing,
            Self::Damaged(Damage::Corrupt(_)) => Condition::Corrupt,
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

/// A file that names an object that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Where its bytes lie.
    pub location: StorageLocationId,
    /// The file.
    pub file: FileId,
    /// Its package.
    pub package: PackageId,
    /// Its path there.
    pub path: RelativePath,
    /// The state of its bytes until now.
    pub before: LocationState,
    /// Their state as they were read.
    pub state: LocationState,
}

impl Located {
    /// Whether that is new.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.before != self.state
    }

    /// What admins are told of that.
    fn trouble(&self, address: ContentAddress, assets: &[AssetId]) -> Trouble {
        let Some(message) = damaged(&self.path, self.state) else { return Trouble::Over(self.location.into()) };
        let data = json!({
            "package_id": self.package.to_string(),
            "file_id": self.file.to_string(),
            "relative_path": self.path.as_str(),
            "content_address": address.to_string(),
            "state": self.state.as_str(),
            "asset_ids": assets.iter().map(|asset| asset.uuid()).collect::<Vec<_>>(),
        });
        Trouble::Lasts(Said { severity: Severity::Error, data, ..Said::about(message, self.location) })
    }
}

const PENDING: &str = "
    SELECT l.backend_id, l.content_address, MIN(l.size_bytes), MIN(COALESCE(c.checked_at, $3)) AS checked_at
    FROM storage_locations l
    LEFT JOIN artifact_checks c ON c.tenant_id = l.tenant_id AND c.storage_location_id = l.id
    WHERE l.tenant_id = $1 AND (c.checked_at IS NULL OR c.checked_at < $2)
    GROUP BY l.backend_id, l.content_address
    ORDER BY MIN(COALESCE(c.checked_at, $3)), l.content_address, l.backend_id LIMIT $4";

/// Locations of an object in the backend `$3`, or in any where that is null.
const LOCATIONS: &str = "
    SELECT l.id, l.artifact_file_id, f.package_id, f.relative_path, l.state FROM storage_locations l
    JOIN artifact_files f ON f.tenant_id = l.tenant_id AND f.id = l.artifact_file_id
    WHERE l.tenant_id = $1 AND l.content_address = $2 AND l.backend_id = COALESCE($3, l.backend_id) ORDER BY l.id";

const SET_STATE: &str = "
    UPDATE storage_locations SET state = $4
    WHERE tenant_id = $1 AND content_address = $2 AND backend_id = COALESCE($3, backend_id) RETURNING id";

/// Media assets of a file; a few are enough for whoever is told.
const ASSETS: &str = "
    SELECT id FROM media_assets WHERE tenant_id = $1 AND package_id = $2 AND address = $3 ORDER BY id LIMIT 20";

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

/// Records what was read of an object in a backend: each file that names it there and was in another state gets an
/// event, and the record of the object says the same. Returns those files.
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
    let located = db
        .write(scope, args, |tx, (tenant, by, backend, address, found)| {
            Box::pin(async move {
                set_condition_in(tx, *tenant, *address, None, found.condition()).await?;
                record_in(tx, *tenant, by, (Some(backend), *address), *found).await
            })
        })
        .await?;
    let changed = located.into_iter().filter(Located::has_changed);
    Ok(changed
        .map(|Located { location, file, package, state, .. }| Changed { location, file, package, state })
        .collect())
}

/// Records what was read of an object, as [`record`] does, whatever backend its files name: the installation has one
/// store. `seen` is its record from before the reading. If the object was stored again since then, or recorded, what
/// was read says nothing about it, and `None` is returned; otherwise every file that names it, whatever is new.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn observe(
    db: &Db,
    scope: TenantScope,
    by: EventActor,
    (address, seen): (ContentAddress, Option<&Object>),
    found: Found,
) -> Result<Option<Vec<Located>>, DbError> {
    let stored_at = seen.map(|seen| seen.stored_at);
    db.write(scope, (scope.tenant, by, address, stored_at, found), |tx, (tenant, by, address, stored_at, found)| {
        Box::pin(async move {
            let is_current = match stored_at {
                Some(_) => set_condition_in(tx, *tenant, *address, *stored_at, found.condition()).await?,
                None => object::Entity::find_by_id((Col(*tenant), Col(*address))).one(tx.on()).await?.is_none(),
            };
            if !is_current {
                return Ok(None);
            }
            record_in(tx, *tenant, by, (None, *address), *found).await.map(Some)
        })
    })
    .await
}

/// Records that the bytes of an object were stored again, for every file that names it. Its record is locked.
pub(crate) async fn heal_in(tx: &Tx<'_>, tenant: TenantId, address: ContentAddress) -> Result<(), DbError> {
    let row = object::Entity::find_by_id((Col(tenant), Col(address))).one(tx.on()).await?;
    let row = row.ok_or(DbError::NotFound("stored file"))?;
    let corrupt = |reason: String| DbError::Corrupt { what: "size of an object", reason };
    let bytes = u64::try_from(row.size_bytes).map_err(|error| corrupt(error.to_string()))?;
    let size = ByteSize::new(bytes).map_err(|error| corrupt(error.to_string()))?;
    let found = Found::Intact(Observed { size, address: Some(address) });
    record_in(tx, tenant, &EventActor::System, (None, address), found).await.map(drop)
}

async fn record_in(
    tx: &Tx<'_>,
    tenant: TenantId,
    by: &EventActor,
    (backend, address): (Option<&BackendId>, ContentAddress),
    found: Found,
) -> Result<Vec<Located>, DbError> {
    let mut log = Log::lock(tx, tenant, by).await?;
    let now = log.now();
    let state = found.state();
    let named = || backend.map(BackendId::to_string);
    let (mut located, mut checks) = (Vec::new(), Vec::new());
    for row in tx.query(LOCATIONS, [arg(tenant), arg(address), named().into()]).await? {
        let (location, file, package): (StorageLocationId, _, PackageId) =
            (cell(&row, 0)?, cell(&row, 1)?, cell(&row, 2)?);
        let (path, before) = (cell(&row, 3)?, cell(&row, 4)?);
        let own = Located { location, file, package, path, before, state };
        checks.push(artifact_check::ActiveModel {
            tenant_id: Set(Col(tenant)),
            storage_location_id: Set(Col(location)),
            checked_at: Set(Col(now)),
            result: Set(Col(state)),
        });
        if own.has_changed() {
            log.note(package, &found.event(location));
        }
        // Damage that is found again is no event, but counts once more in its alert.
        if own.has_changed() || state != LocationState::Intact {
            let assets = assets_of(tx, tenant, package, address).await?;
            tx.told(|told| told.trouble(tenant, AlertType::ArtifactDamaged, own.trouble(address, &assets)));
        }
        located.push(own);
    }
    if located.iter().any(Located::has_changed) {
        tx.query(SET_STATE, [arg(tenant), arg(address), named().into(), arg(state)]).await?;
    }
    store_checks(tx, checks).await?;
    log.write().await?;
    Ok(located)
}

/// The media assets that show a file of a package.
async fn assets_of(
    tx: &Tx<'_>,
    tenant: TenantId,
    package: PackageId,
    address: ContentAddress,
) -> Result<Vec<AssetId>, DbError> {
    let rows = tx.query(ASSETS, [arg(tenant), arg(package), arg(address)]).await?;
    rows.iter().map(|row| Ok(cell(row, 0)?)).collect()
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
