//! Packages of files, what happens to them, and how long they are kept (artifacts.md).
//!
//! The log of events is the truth. Each function writes what happened and what it means for the views in one
//! transaction, under the lock of the tenant's log, which is the last thing that it locks: so events are numbered in
//! the order of commits, and what is removed from the store is asked for under the same lock as what is added to it.
//!
//! The caller stores bytes before it says so here: it [records](crate::objects::record) the object, stores it, and
//! ingests the file. If its record is gone by then, [`DbError::NotFound`] of a `stored file` says to store it again.

pub mod collection;
pub mod events;
pub mod files;
pub mod replay;
pub mod scrub;
pub mod usage;

mod caller;
mod error;
mod ingest;
mod list;
mod log;
mod of_render;
mod removal;
mod retention;
mod rows;
mod tree;
mod view;
mod whole;

use std::cmp::Reverse;
use std::collections::HashMap;

use sea_orm::{EntityTrait, QueryOrder};

use super::column::Col;
use super::entity::retention_class;
use super::tx::Tx;
use super::{AllTenants, Db, DbError, TenantScope, tenant_configs};
use log::Log;
use packshot_domain::artifact::{
    ArtifactEvent, ArtifactFile, EventActor, Label, Manifest, ManifestPackage, Metadata, PackageChange, PackageStatus,
    Reason, Receipt, Retention, RetentionClass, Sequence, StoredFile,
};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{FileId, PackageId, TenantId};
use packshot_domain::time::Timestamp;
use view::PackageRows;

pub use caller::Caller;
pub use error::{ArtifactError, Reference};
pub use ingest::{Ingested, NewFile, Repeated, check, ingest};
pub use list::{PackageFilter, list};
pub use removal::{Removed, delete, take_back};
pub use retention::{hold, reclassify, release};
pub use tree::{json_of, tree_of};
pub use whole::{WholePackage, store};

pub(super) use of_render::{HAS_RESULT, delete_of, files_of, result_of};
pub(super) use removal::let_go;
pub(super) use scrub::heal_in;
pub(super) use whole::store_in;

/// A package as its readers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its id.
    pub id: PackageId,
    /// Its tenant.
    pub tenant: TenantId,
    /// Its name.
    pub name: Label,
    /// What made it.
    pub producer: Label,
    /// What it is of, such as `render:` and an id.
    pub subject: Label,
    /// How long its bytes stay though nothing needs them.
    pub retention_class: RetentionClass,
    /// The same in seconds; `None`: until they are deleted.
    pub retention_ttl_s: Option<i64>,
    /// Its state.
    pub status: PackageStatus,
    /// What its producer says about it.
    pub metadata: Metadata,
    /// How many files it has.
    pub file_count: i64,
    /// The bytes of all of them.
    pub total_bytes: i64,
    /// The digest of its manifest; `None` until it is finalised.
    pub manifest_digest: Option<ContentAddress>,
    /// When it was created.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: EventActor,
    /// When it was finalised.
    pub finalized_at: Option<Timestamp>,
    /// By whom.
    pub finalized_by: Option<EventActor>,
    /// When it expires unless something needs it; `None`: never, or not yet known.
    pub expires_at: Option<Timestamp>,
    /// Whether it is kept until it is released.
    pub held: bool,
    /// Why, where it is.
    pub hold_reason: Option<Reason>,
    /// The number of the last event that changed it.
    pub last_event_sequence: Sequence,
}

/// A package to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPackage {
    /// Its id.
    pub id: PackageId,
    /// Its name.
    pub name: Label,
    /// What makes it.
    pub producer: Label,
    /// What it is of.
    pub subject: Label,
    /// How long its bytes stay though nothing needs them: for how many days, the tenant's configuration says.
    pub retention_class: RetentionClass,
    /// What its producer says about it.
    pub metadata: Metadata,
}

/// A class that says how long packages are kept, as it is without a tenant's own days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownClass {
    /// Its name.
    pub name: RetentionClass,
    /// How long it keeps bytes, in seconds; `None`: until they are deleted.
    pub ttl_s: Option<i64>,
    /// What is kept so.
    pub description: String,
}

/// Creates a package without files.
///
/// # Errors
///
/// [`DbError::NotFound`] when there is no such tenant.
pub async fn create(db: &Db, scope: TenantScope, by: EventActor, new: NewPackage) -> Result<Package, DbError> {
    db.write(scope, (scope.tenant, by, new), |tx, (tenant, by, new)| {
        Box::pin(async move {
            let event = created(tx, *tenant, new).await?;
            let mut log = Log::lock(tx, *tenant, by).await?;
            let noted = log.note(new.id, &event);
            let rows = PackageRows::created(&noted, &event).ok_or(DbError::NotFound("package"))?;
            rows::insert(tx, &rows).await?;
            log.write().await?;
            Ok(rows.into())
        })
    })
    .await
}

/// The event of a new package. Its time is fixed now: later changes of the tenant's days do not concern it.
async fn created(tx: &Tx<'_>, tenant: TenantId, new: &NewPackage) -> Result<ArtifactEvent, DbError> {
    let days = tenant_configs::load(tx, tenant).await?.config.retention_days;
    let NewPackage { id, name, producer, subject, retention_class, metadata } = new.clone();
    let retention = Retention::of(retention_class, &days);
    Ok(ArtifactEvent::PackageCreated { package: id, name, producer, subject, retention, metadata })
}

/// A package.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, id: PackageId) -> Result<Package, DbError> {
    db.read(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move { Ok(rows::find(tx, *tenant, *id).await?.into()) })
    })
    .await
}

/// Closes a package: its manifest says from now on what is in it. Returns the package with the manifest's digest.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`ArtifactError::State`] when it is closed already, or gone.
pub async fn finalize(db: &Db, scope: TenantScope, by: EventActor, id: PackageId) -> Result<Package, DbError> {
    db.write(scope, (scope.tenant, by, id), |tx, (tenant, by, id)| {
        Box::pin(async move {
            let mut rows = rows::lock(tx, *tenant, *id).await?;
            rows.package.status.0.next(PackageChange::Finalize).map_err(ArtifactError::State)?;
            let files = stored_files(tx, *tenant, *id).await?;
            let mut log = Log::lock(tx, *tenant, by).await?;
            close(&mut log, &mut rows, by, files)?;
            rows::store(tx, &rows).await?;
            log.write().await?;
            Ok(rows.into())
        })
    })
    .await
}

/// The files of a package as its manifest has them.
async fn stored_files(tx: &Tx<'_>, tenant: TenantId, package: PackageId) -> Result<Vec<StoredFile>, DbError> {
    let mut receipts: HashMap<FileId, Vec<Receipt>> = HashMap::new();
    for location in rows::locations(tx, tenant, package).await? {
        let receipt =
            Receipt { backend: location.backend_id.0, size: location.size_bytes.0, stored_at: location.stored_at.0 };
        receipts.entry(location.artifact_file_id.0).or_default().push(receipt);
    }
    let files = rows::files(tx, tenant, package).await?.into_iter().map(|row| {
        let file: ArtifactFile = row.into();
        StoredFile { receipts: receipts.remove(&file.id).unwrap_or_default(), file }
    });
    Ok(files.collect())
}

/// Notes that a package is finalised with these files.
fn close(
    log: &mut Log<'_, '_>,
    rows: &mut PackageRows,
    by: &EventActor,
    files: Vec<StoredFile>,
) -> Result<(), DbError> {
    let package = rows.package.clone();
    let described = ManifestPackage {
        id: package.id.0,
        name: package.name.0,
        producer: package.producer.0,
        subject: package.subject.0,
        retention_class: package.retention_class.0,
        metadata: package.metadata.0,
        created_at: package.created_at.0,
        created_by: package.created_by.0,
        finalized_at: log.now(),
        finalized_by: by.clone(),
    };
    let manifest = Manifest::new(described, files).map_err(ArtifactError::Manifest)?;
    let event = ArtifactEvent::PackageFinalized(manifest);
    let noted = log.note(package.id.0, &event);
    rows.apply(&noted, &event).map_err(ArtifactError::State)?;
    Ok(())
}

/// The classes that say how long packages are kept, the longest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn classes(db: &Db, all: AllTenants) -> Result<Vec<KnownClass>, DbError> {
    db.read_one(all, (), |tx, ()| {
        Box::pin(async move {
            let rows = retention_class::Entity::find().order_by_asc(retention_class::Column::Name).all(tx.on()).await?;
            let known = |row: retention_class::Model| {
                let retention_class::Model { name, ttl_s, description } = row;
                KnownClass { name: name.0, ttl_s, description }
            };
            let mut classes: Vec<KnownClass> = rows.into_iter().map(known).collect();
            classes.sort_by_key(|class| Reverse(class.ttl_s.unwrap_or(i64::MAX)));
            Ok(classes)
        })
    })
    .await
}

/// Locks the log of a tenant's artifacts until the end of the transaction: nobody else adds objects or removes them.
pub(super) async fn lock_log(tx: &Tx<'_>, tenant: TenantId) -> Result<(), DbError> {
    Log::lock(tx, tenant, &EventActor::System).await.map(drop)
}

impl From<PackageRows> for Package {
    fn from(PackageRows { package, retention }: PackageRows) -> Self {
        let held = retention.as_ref().is_some_and(|row| row.held);
        let expires_at = retention.as_ref().and_then(|row| row.expires_at).map(Col::value);
        Self {
            id: package.id.0,
            tenant: package.tenant_id.0,
            name: package.name.0,
            producer: package.producer.0,
            subject: package.subject.0,
            retention_class: package.retention_class.0,
            retention_ttl_s: package.retention_ttl_s,
            status: package.status.0,
            metadata: package.metadata.0,
            file_count: package.file_count,
            total_bytes: package.total_bytes,
            manifest_digest: package.manifest_digest.map(Col::value),
            created_at: package.created_at.0,
            created_by: package.created_by.0,
            finalized_at: package.finalized_at.map(Col::value),
            finalized_by: package.finalized_by.map(Col::value),
            expires_at,
            held,
            hold_reason: retention.and_then(|row| row.hold_reason).map(Col::value),
            last_event_sequence: package.last_event_sequence.0,
        }
    }
}
