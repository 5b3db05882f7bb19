//! The packages of a render that the service made: which one has its result, what of it is there, and how they go with
//! the render.
//!
//! The service acts as `system`, and nobody else can. So a package that somebody made with the name, the subject or the
//! provenance of a render is never taken for its result.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QueryResult};
use serde_json::json;

use super::log::Log;
use super::view::PackageRows;
use super::{ArtifactError, Caller, NewFile, Package, removal, rows};
use crate::DbError;
use crate::audit::NewEntry;
use crate::column::{Col, arg, cell};
use crate::entity::{artifact_package, retention_state};
use crate::tx::Tx;
use packshot_domain::artifact::{ArtifactEvent, ArtifactFile, EventActor, PackageStatus, Receipt};
use packshot_domain::audit::Action;
use packshot_domain::id::{FileId, PackageId, RenderId, TenantId};

/// Files of a render that the service made and that are whole. Of several locations the first is taken.
const THERE: &str = "
    SELECT f.relative_path, f.media_type, f.size_bytes, f.content_address, f.sha256, l.backend_id, l.stored_at
    FROM artifact_packages p
    JOIN artifact_files f ON f.tenant_id = p.tenant_id AND f.package_id = p.id
    JOIN storage_locations l ON l.tenant_id = f.tenant_id AND l.artifact_file_id = f.id
    WHERE p.tenant_id = $1 AND p.subject = $2 AND p.created_by = $3 AND l.state = 'ok'
    AND NOT EXISTS (SELECT 1 FROM storage_locations x
        WHERE x.tenant_id = l.tenant_id AND x.artifact_file_id = l.artifact_file_id AND x.state = 'ok' AND x.id < l.id)
    ORDER BY p.created_at, p.id, f.relative_path";

/// Packages of a subject that are closed and have their bytes, with what made them.
const CLOSED: &str = "
    SELECT p.id FROM artifact_packages p
    WHERE p.tenant_id = $1 AND p.subject = $2 AND p.status = 'finalized'
    AND (p.producer = 'upload' OR p.producer LIKE 'packshot/%') ORDER BY p.id";

/// The condition that the render `r` has its result: the package with its provenance is there.
pub(crate) const HAS_RESULT: &str = "\
    EXISTS (SELECT 1 FROM artifact_packages p WHERE p.tenant_id = r.tenant_id AND p.job_id = r.id \
        AND p.created_by = 'system' AND p.status = 'finalized')";

fn subject(render: RenderId) -> String {
    format!("render:{render}")
}

/// The package with the result of a render, whether its bytes are there or not; `None` when it never had one.
pub(crate) async fn result_of(tx: &Tx<'_>, tenant: TenantId, render: RenderId) -> Result<Option<Package>, DbError> {
    use artifact_package::Column as C;
    let package = artifact_package::Entity::find()
        .filter(C::TenantId.eq(Col(tenant)))
        .filter(C::JobId.eq(render.uuid()))
        .filter(C::CreatedBy.eq(Col(EventActor::System)))
        .order_by_asc(C::CreatedAt)
        .order_by_asc(C::Id)
        .one(tx.on())
        .await?;
    let Some(package) = package else { return Ok(None) };
    let retention = retention_state::Entity::find_by_id((package.tenant_id, package.id)).one(tx.on()).await?;
    Ok(Some(PackageRows { package, retention }.into()))
}

/// What of a render's result and of its preview is there and whole, each as a file of another package.
pub(crate) async fn files_of(tx: &Tx<'_>, tenant: TenantId, render: RenderId) -> Result<Vec<NewFile>, DbError> {
    let values = [arg(tenant), subject(render).into(), arg(EventActor::System)];
    let rows = tx.query(THERE, values).await?;
    let file = |row: &QueryResult| -> Result<NewFile, DbError> {
        let size = cell(row, 2)?;
        Ok(NewFile {
            file: ArtifactFile {
                id: FileId::new(),
                path: cell(row, 0)?,
                media_type: cell(row, 1)?,
                size,
                address: cell(row, 3)?,
                sha256: cell(row, 4)?,
            },
            receipt: Receipt { backend: cell(row, 5)?, size, stored_at: cell(row, 6)? },
        })
    };
    rows.iter().map(file).collect()
}

/// Deletes the packages that were made with a render and of it, where its deleter may: those that are held, and those
/// that are only deleted for a reason, stay. Returns the entries for the audit log.
pub(crate) async fn delete_of(
    tx: &Tx<'_>,
    tenant: TenantId,
    by: &Caller,
    render: RenderId,
) -> Result<Vec<NewEntry>, DbError> {
    let mut doomed: Vec<PackageRows> = Vec::new();
    for row in tx.query(CLOSED, [arg(tenant), subject(render).into()]).await? {
        let locked = rows::lock(tx, tenant, cell::<PackageId>(&row, 0)?).await?;
        let is_held = locked.retention.as_ref().is_some_and(|row| row.held);
        let may_go = locked.package.retention_class.0.may_be_deleted(by.role, None).is_ok();
        if may_go && !is_held && locked.package.status.0 == PackageStatus::Finalized {
            doomed.push(locked);
        }
    }
    if doomed.is_empty() {
        return Ok(Vec::new());
    }
    let mut log = Log::lock(tx, tenant, &by.event).await?;
    let mut entries = Vec::new();
    for mut own in doomed {
        let id = own.package.id.0;
        let object = Some((rows::PACKAGE, id.to_string()));
        let detail = json!({"before": removal::shown(&own.package), "after": null});
        entries.push(NewEntry { action: Action::PackageDeleted, object, detail });
        let event = ArtifactEvent::PackageDeleted { package: id, reason: None };
        let noted = log.note(id, &event);
        own.apply(&noted, &event).map_err(ArtifactError::State)?;
        rows::store(tx, &own).await?;
        rows::remove_locations(tx, tenant, id).await?;
    }
    log.write().await?;
    Ok(entries)
}
