//! How packages go: their bytes are let go, and what happened to them stays in the log.

use sea_orm::QueryResult;
use serde_json::json;

use super::log::Log;
use super::view::PackageRows;
use super::{ArtifactError, Caller, Reference, rows};
use crate::column::{arg, cell};
use crate::entity::artifact_package;
use crate::tx::Tx;
use crate::{Db, DbError, Json, TenantScope, objects};
use packshot_domain::artifact::{ArtifactEvent, EventActor, PackageChange, PackageStatus, Reason, RetentionClass};
use packshot_domain::audit::Action;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{PackageId, TenantId};
use packshot_domain::job::JobRef;

/// What went with a package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Objects whose records went at once, because nothing names them any more: their bytes are to be
    /// [erased](objects::erase). Of a finalised package none: collection removes them.
    pub freed: Vec<ContentAddress>,
}

/// The condition that something needs the package `p`, or needed it after `$3`: a job of what it is of has not ended,
/// or ended later; a media asset has not expired, or expired later. Records that need packages for as long as they
/// exist are further parts of it: CAD files.
pub(super) const NEEDED_SINCE: &str = "\
    (EXISTS (SELECT 1 FROM jobs j WHERE j.tenant_id = p.tenant_id AND j.record_id = p.subject_id \
        AND (j.completed_at IS NULL OR j.completed_at > $3)) \
    OR EXISTS (SELECT 1 FROM cad_files c JOIN artifact_files f ON f.tenant_id = c.tenant_id \
        AND f.content_address IN (c.address, c.glb_address) \
        WHERE c.tenant_id = p.tenant_id AND c.id = p.subject_id AND f.package_id = p.id) \
    OR EXISTS (SELECT 1 FROM media_assets a WHERE a.tenant_id = p.tenant_id AND a.package_id = p.id \
        AND (a.state <> 'expired' OR a.expired_at > $3)))";

/// The media assets that keep a package.
const ASSETS: &str = "
    SELECT a.id FROM media_assets a
    WHERE a.tenant_id = $1 AND a.package_id = $2 AND a.state <> 'expired' ORDER BY a.id";

/// The CAD file whose bytes or GLB a package has.
const CAD_FILE: &str = "
    SELECT c.id FROM artifact_packages p
    JOIN cad_files c ON c.tenant_id = p.tenant_id AND c.id = p.subject_id
    JOIN artifact_files f ON f.tenant_id = p.tenant_id AND f.package_id = p.id
        AND f.content_address IN (c.address, c.glb_address)
    WHERE p.tenant_id = $1 AND p.id = $2";

/// What needs a package now.
const NEEDED: &str = "
    SELECT j.id, j.kind, j.record_id FROM artifact_packages p
    JOIN jobs j ON j.tenant_id = p.tenant_id AND j.record_id = p.subject_id
    WHERE p.tenant_id = $1 AND p.id = $2 AND j.completed_at IS NULL ORDER BY j.id";

/// Deletes a package, as someone with this role may. Deleting what is gone changes nothing.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`ArtifactError::Delete`], [`ArtifactError::Held`], [`ArtifactError::InUse`].
pub async fn delete(
    db: &Db,
    scope: TenantScope,
    by: Caller,
    id: PackageId,
    reason: Option<Reason>,
) -> Result<Removed, DbError> {
    db.write(scope, (scope.tenant, by, id, reason), |tx, (tenant, by, id, reason)| {
        Box::pin(async move {
            let rows = rows::lock(tx, *tenant, *id).await?;
            rows.package.retention_class.0.may_be_deleted(by.role, reason.as_ref()).map_err(ArtifactError::Delete)?;
            let status = rows.package.status.0.next(PackageChange::Delete).map_err(ArtifactError::State)?;
            if status == rows.package.status.0 {
                return Ok(Removed::default());
            }
            if rows.retention.as_ref().is_some_and(|row| row.held) {
                return Err(ArtifactError::Held.into());
            }
            if rows.package.status.0 == PackageStatus::Finalized {
                let references = references(tx, *tenant, *id).await?;
                if !references.is_empty() {
                    return Err(ArtifactError::InUse(references).into());
                }
            }
            let before = rows.package.clone();
            let frees = before.status.0 == PackageStatus::Created;
            let event = ArtifactEvent::PackageDeleted { package: *id, reason: reason.clone() };
            let removed = remove(tx, rows, &by.event, &event, frees).await?;
            let detail = (json!({"before": shown(&before), "after": null}), reason.as_ref());
            by.note(tx, *tenant, Action::PackageDeleted, *id, detail).await?;
            Ok(removed)
        })
    })
    .await
}

/// What the audit log shows of a package that is deleted.
pub(super) fn shown(package: &artifact_package::Model) -> Json {
    json!({
        "name": package.name.0.as_str(),
        "subject": package.subject.0.as_str(),
        "retention_class": package.retention_class.0.as_str(),
        "status": package.status.0.as_str(),
    })
}

/// Takes back a package that a failing job made, whatever needs it: its objects are freed at once. What is gone stays
/// as it is.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn take_back(
    db: &Db,
    scope: TenantScope,
    by: EventActor,
    id: PackageId,
    reason: Reason,
) -> Result<Removed, DbError> {
    db.write(scope, (scope.tenant, by, id, reason), |tx, (tenant, by, id, reason)| {
        Box::pin(async move {
            let rows = rows::lock(tx, *tenant, *id).await?;
            if !rows.package.status.0.keeps_bytes() {
                return Ok(Removed::default());
            }
            let event = ArtifactEvent::PackageDeleted { package: *id, reason: Some(reason.clone()) };
            remove(tx, rows, by, &event, true).await
        })
    })
    .await
}

/// Removes where the bytes of a locked package lie, because of an event; with `frees` also the records of those objects
/// that nothing names any more.
pub(super) async fn remove(
    tx: &Tx<'_>,
    mut rows: PackageRows,
    by: &EventActor,
    event: &ArtifactEvent,
    frees: bool,
) -> Result<Removed, DbError> {
    let (tenant, id) = (rows.package.tenant_id.0, rows.package.id.0);
    let addresses = if frees { rows::lock_objects(tx, tenant, id).await? } else { Vec::new() };
    let mut log = Log::lock(tx, tenant, by).await?;
    let noted = log.note(id, event);
    rows.apply(&noted, event).map_err(ArtifactError::State)?;
    rows::store(tx, &rows).await?;
    rows::remove_locations(tx, tenant, id).await?;
    let freed = objects::free_in(tx, tenant, &addresses).await?;
    log.write().await?;
    Ok(Removed { freed })
}

/// What needs a package.
async fn references(tx: &Tx<'_>, tenant: TenantId, id: PackageId) -> Result<Vec<Reference>, DbError> {
    let rows = tx.query(NEEDED, [arg(tenant), arg(id)]).await?;
    let job = |row: &QueryResult| {
        let (id, kind, record) = (cell(row, 0)?, cell(row, 1)?, row.try_get_by_index(2)?);
        Ok(Reference::Job(JobRef { id, kind, record }))
    };
    let jobs = rows.iter().map(job);
    let rows = tx.query(CAD_FILE, [arg(tenant), arg(id)]).await?;
    let cad_files = rows.iter().map(|row| Ok(Reference::CadFile(cell(row, 0)?)));
    let references: Result<Vec<Reference>, DbError> = jobs.chain(cad_files).collect();
    let assets = tx.query(ASSETS, [arg(tenant), arg(id)]).await?;
    let assets = assets.iter().map(|row| Ok(Reference::Asset(cell(row, 0)?)));
    references?.into_iter().map(Ok).chain(assets).collect()
}

/// Deletes packages that their last media assets have left, where nothing else needs them, nobody holds them, and
/// their class asks for no reason.
pub(crate) async fn let_go(
    tx: &Tx<'_>,
    tenant: TenantId,
    by: &EventActor,
    packages: &[PackageId],
) -> Result<(), DbError> {
    let mut going = Vec::new();
    for id in packages {
        let rows = match rows::lock(tx, tenant, *id).await {
            Ok(rows) => rows,
            Err(DbError::NotFound(_)) => continue,
            Err(error) => return Err(error),
        };
        let is_held = rows.retention.as_ref().is_some_and(|row| row.held);
        let is_kept = rows.package.retention_class.0 == RetentionClass::RawEvidence;
        if rows.package.status.0 == PackageStatus::Finalized
            && !is_held
            && !is_kept
            && references(tx, tenant, *id).await?.is_empty()
        {
            going.push(rows);
        }
    }
    for rows in going {
        let event = ArtifactEvent::PackageDeleted { package: rows.package.id.0, reason: None };
        remove(tx, rows, by, &event, false).await?;
    }
    Ok(())
}
