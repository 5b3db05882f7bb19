//! CAD files of a tenant: each content once, with what was read of it.

mod conversion;
mod effect;
mod jobs;
mod stuck;

use std::collections::HashMap;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use crate::artifacts::{self, WholePackage};
use crate::audit::{self, NewEntry};
use crate::channels::Said;
use crate::column::Col;
use crate::entity::{cad_file, job};
use crate::level::Level;
use crate::tx::Tx;
use crate::{Db, DbError, Json, Page, PageRequest, ReadScope, TenantScope, products, streams, workflows};
use packshot_domain::audit::{Action, Actor};
use packshot_domain::cad_file::{CadEvent, CadStatus, OriginalName, SourceFormat};
use packshot_domain::channel::{ActivityType, Message};
use packshot_domain::document::JobDocument;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{AssetId, CadFileId, JobId, TenantId, UserId};
use packshot_domain::stream::StreamId;
use packshot_domain::time::Timestamp;

pub use conversion::{Attempt, Beginning, CadDelivery, begin, let_go_if_ended};
pub(super) use jobs::begin_job;
pub use jobs::{CadWork, ask, check_dispatch};
pub use stuck::{Stuck, release};

pub(super) use effect::{CadEffect, converted, lock_of_line};

/// A CAD file to record. Its bytes are in the store.
#[derive(Clone, Debug)]
pub struct NewCadFile {
    /// Its id.
    pub id: CadFileId,
    /// What it was called by whoever sent it.
    pub original_name: OriginalName,
    /// Its content.
    pub address: ContentAddress,
    /// Its media type.
    pub media_type: String,
    /// Its size.
    pub size_bytes: i64,
    /// What it is.
    pub source_format: SourceFormat,
    /// What was read of it; `None` while nothing was.
    pub read: Option<CadRead>,
    /// Who sent it.
    pub created_by: UserId,
    /// The package with its bytes.
    pub package: WholePackage,
    /// What is to be done with it, where anything is.
    pub work: Option<CadWork>,
}

/// What was read of a CAD file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CadRead {
    /// The names of its parts.
    pub parts: Vec<String>,
    /// How long it is along x, y and z, in millimetres.
    pub size_mm: Option<[f64; 3]>,
    /// The GLB that it is, or was converted to.
    pub glb: Option<ContentAddress>,
}

/// A CAD file as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct CadFile {
    /// Its id.
    pub id: CadFileId,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// What it was called by whoever sent it.
    pub original_name: OriginalName,
    /// Its content.
    pub address: ContentAddress,
    /// Its media type.
    pub media_type: String,
    /// Its size.
    pub size_bytes: i64,
    /// What it is.
    pub source_format: SourceFormat,
    /// Its state.
    pub status: CadStatus,
    /// Why it could not be read the last time.
    pub error: Option<Json>,
    /// What was read of it.
    pub read: CadRead,
    /// Its picture in lists.
    pub thumbnail: Option<AssetId>,
    /// The document of its newest job.
    pub document: Option<JobDocument>,
    /// Who sent it.
    pub created_by: UserId,
    /// When it was sent.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// Counts its changes.
    pub revision: i64,
}

/// Records a CAD file with the package of its bytes. One with the same bytes is returned as it is: then no package is
/// made. Says whether it is new.
///
/// # Errors
///
/// [`DbError::NotFound`] of a `stored file` that has to be stored again.
pub async fn create(db: &Db, scope: TenantScope, by: Actor, new: NewCadFile) -> Result<(CadFile, bool), DbError> {
    db.write(scope, (scope.tenant, by, new), |tx, (tenant, by, new)| Box::pin(insert(tx, *tenant, by, new))).await
}

async fn insert(tx: &Tx<'_>, tenant: TenantId, by: &Actor, new: &NewCadFile) -> Result<(CadFile, bool), DbError> {
    tx.enter(Level::CadFile);
    let now = tx.now().await?;
    let read = new.read.clone().unwrap_or_default();
    let status = if new.read.is_some() { CadStatus::Ready } else { CadStatus::Uploaded };
    let row = cad_file::ActiveModel {
        tenant_id: Set(Col(tenant)),
        id: Set(Col(new.id)),
        original_name: Set(Col(new.original_name.clone())),
        address: Set(Col(new.address)),
        media_type: Set(new.media_type.clone()),
        size_bytes: Set(new.size_bytes),
        source_format: Set(Col(new.source_format)),
        parts: Set(Col(json!(read.parts))),
        size_mm: Set(read.size_mm.map(|size_mm| Col(json!(size_mm)))),
        status: Set(Col(status)),
        error: Set(None),
        glb_address: Set(read.glb.map(Col)),
        thumbnail_asset_id: Set(None),
        job_id: Set(None),
        converting_job: Set(None),
        converting_task: Set(None),
        processing_since: Set(None),
        stalls: Set(0),
        settled_at: Set(new.read.is_some().then_some(Col(now))),
        created_by: Set(Col(new.created_by)),
        created_at: Set(Col(now)),
        updated_at: Set(Col(now)),
        revision: Set(1),
    };
    let content = [cad_file::Column::TenantId, cad_file::Column::Address];
    let only_once = OnConflict::columns(content).do_nothing().to_owned();
    let made = cad_file::Entity::insert(row).on_conflict(only_once).exec_without_returning(tx.on()).await?;
    let there = cad_file::Entity::find()
        .filter(cad_file::Column::TenantId.eq(Col(tenant)))
        .filter(cad_file::Column::Address.eq(Col(new.address)))
        .one(tx.on())
        .await?;
    let mut there = there.ok_or(DbError::NotFound("CAD file"))?;
    if made == 0 {
        return Ok((with_document(tx, there).await?, false));
    }
    let mut document = None;
    if let Some(work) = &new.work {
        let job = jobs::job_of(&there, new.created_by, work);
        there.job_id = Some(Col(job.job.id));
        there = save(tx, there).await?;
        let made = crate::jobs::create_in(tx, tenant, &job).await?;
        crate::jobs::announce(tx, tenant, &made, None);
        document = made.document;
    }
    artifacts::store_in(tx, tenant, std::slice::from_ref(&new.package)).await?;
    note(tx, by, &there, json!({"before": null, "after": shown(&there)})).await?;
    let name = there.original_name.0.as_str();
    let message = Message::new(&format!("{name} was uploaded"));
    let data = json!({"original_name": name, "size_bytes": there.size_bytes});
    let said = Said { actor: by.id, data, ..Said::about(message, there.id.0) };
    tx.told(|told| told.note(tenant, ActivityType::CadFileUploaded, said));
    Ok((CadFile::of(there, document)?, true))
}

/// A CAD file of the tenant.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, id: CadFileId) -> Result<CadFile, DbError> {
    db.read(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move {
            let row = cad_file::Entity::find_by_id((Col(*tenant), Col(*id))).one(tx.on()).await?;
            with_document(tx, row.ok_or(DbError::NotFound("CAD file"))?).await
        })
    })
    .await
}

/// The CAD file of the tenant with this content.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn with_content(db: &Db, scope: TenantScope, address: ContentAddress) -> Result<Option<CadFile>, DbError> {
    db.read(scope, (scope.tenant, address), |tx, (tenant, address)| {
        Box::pin(async move {
            let found = cad_file::Entity::find()
                .filter(cad_file::Column::TenantId.eq(Col(*tenant)))
                .filter(cad_file::Column::Address.eq(Col(*address)));
            match found.one(tx.on()).await? {
                Some(row) => with_document(tx, row).await.map(Some),
                None => Ok(None),
            }
        })
    })
    .await
}

/// The newest CAD file of the tenant that was uploaded under this name.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn named(db: &Db, scope: TenantScope, name: &str) -> Result<Option<CadFile>, DbError> {
    use cad_file::Column as C;
    db.read(scope, (scope.tenant, name.to_owned()), |tx, (tenant, name)| {
        Box::pin(async move {
            let named = cad_file::Entity::find().filter(C::TenantId.eq(Col(*tenant)));
            let newest = named.filter(C::OriginalName.eq(name.as_str())).order_by_desc(C::CreatedAt);
            match newest.order_by_desc(C::Id).one(tx.on()).await? {
                Some(row) => with_document(tx, row).await.map(Some),
                None => Ok(None),
            }
        })
    })
    .await
}

/// A page of CAD files, newest first; of one state alone, if one is given.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(
    db: &Db,
    scope: impl Into<ReadScope>,
    status: Option<CadStatus>,
    page: PageRequest,
) -> Result<Page<CadFile>, DbError> {
    use cad_file::Column as C;
    let scope = scope.into();
    db.read(scope, (scope, status, page), |tx, (scope, status, page)| {
        Box::pin(async move {
            let files = scope.narrow(cad_file::Entity::find(), C::TenantId);
            let files = status.iter().fold(files, |files, status| files.filter(C::Status.eq(Col(*status))));
            let rows = page.narrow(files, C::CreatedAt, C::Id).all(tx.on()).await?;
            let page: Page<cad_file::Model> = page.cut(rows, |row| (row.created_at.0, row.id.0.uuid()));
            Ok(Page { items: with_documents(tx, page.items).await?, next: page.next })
        })
    })
    .await
}

/// Deletes the record of a CAD file. Its bytes stay in their package.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::CadFileBusy`] while something works on it; [`DbError::InUse`] when a product has
/// it.
pub async fn delete(db: &Db, scope: TenantScope, by: Actor, id: CadFileId) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, by, id), |tx, (tenant, by, id)| {
        Box::pin(async move {
            let row = lock(tx, *tenant, *id).await?;
            jobs::check_idle(tx, &row).await?;
            row.status.0.next(CadEvent::Delete)?;
            if products::is_any_of(tx, *tenant, *id).await? {
                return Err(DbError::InUse("CAD file"));
            }
            let runs = workflows::of_file(tx, *tenant, *id).await?;
            cad_file::Entity::delete_by_id((Col(*tenant), Col(*id))).exec(tx.on()).await?;
            note(tx, by, &row, json!({"before": shown(&row), "after": null})).await?;
            for run in runs {
                streams::delete(tx, *tenant, StreamId::of_run(run)).await?;
            }
            Ok(())
        })
    })
    .await
}

async fn lock(tx: &Tx<'_>, tenant: TenantId, id: CadFileId) -> Result<cad_file::Model, DbError> {
    tx.enter(Level::CadFile);
    let row = cad_file::Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
    row.ok_or(DbError::NotFound("CAD file"))
}

async fn find(tx: &Tx<'_>, tenant: TenantId, id: CadFileId) -> Result<cad_file::Model, DbError> {
    let row = cad_file::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    row.ok_or(DbError::NotFound("CAD file"))
}

/// Writes a locked file.
async fn save(tx: &Tx<'_>, mut row: cad_file::Model) -> Result<cad_file::Model, DbError> {
    (row.updated_at, row.revision) = (Col(tx.now().await?), row.revision + 1);
    row.clone().into_active_model().reset_all().update_without_returning(tx.on()).await?;
    Ok(row)
}

/// A file with the document of its newest job.
async fn with_document(tx: &Tx<'_>, row: cad_file::Model) -> Result<CadFile, DbError> {
    with_documents(tx, vec![row]).await?.pop().ok_or(DbError::NotFound("CAD file"))
}

/// Files with the documents of their newest jobs.
async fn with_documents(tx: &Tx<'_>, rows: Vec<cad_file::Model>) -> Result<Vec<CadFile>, DbError> {
    use job::Column as C;
    let (tenants, jobs): (Vec<_>, Vec<_>) = rows.iter().filter_map(|row| Some((row.tenant_id, row.job_id?))).unzip();
    let mut documents: HashMap<JobId, JobDocument> = HashMap::new();
    if !jobs.is_empty() {
        let found = job::Entity::find().select_only().columns([C::Id, C::Document]);
        let found = found.filter(C::TenantId.is_in(tenants)).filter(C::Id.is_in(jobs));
        let found: Vec<(Col<JobId>, Option<Col<JobDocument>>)> = found.into_tuple().all(tx.on()).await?;
        documents.extend(found.into_iter().filter_map(|(id, document)| Some((id.0, document?.0))));
    }
    let file = |row: cad_file::Model| {
        let document = row.job_id.and_then(|id| documents.remove(&id.0));
        CadFile::of(row, document)
    };
    rows.into_iter().map(file).collect()
}

/// What the audit log shows of a CAD file.
fn shown(row: &cad_file::Model) -> Json {
    json!({
        "original_name": row.original_name.0.as_str(),
        "content_address": row.address.0.to_string(),
        "source_format": row.source_format.0.as_str(),
        "status": row.status.0.as_str(),
    })
}

/// Writes the audit entry of a change of a CAD file.
async fn note(tx: &Tx<'_>, by: &Actor, row: &cad_file::Model, detail: Json) -> Result<(), DbError> {
    let object = Some(("cad_file", row.id.0.to_string()));
    audit::write(tx, row.tenant_id.0, by, [NewEntry { action: Action::CadFileChanged, object, detail }]).await
}

impl CadFile {
    fn of(row: cad_file::Model, document: Option<JobDocument>) -> Result<Self, DbError> {
        let unreadable = |reason: serde_json::Error| DbError::Corrupt { what: "CAD file", reason: reason.to_string() };
        let parts = serde_json::from_value(row.parts.0).map_err(unreadable)?;
        let size_mm = row.size_mm.map(|size_mm| serde_json::from_value(size_mm.0)).transpose().map_err(unreadable)?;
        Ok(Self {
            id: row.id.0,
            tenant: row.tenant_id.0,
            original_name: row.original_name.0,
            address: row.address.0,
            media_type: row.media_type,
            size_bytes: row.size_bytes,
            source_format: row.source_format.0,
            status: row.status.0,
            error: row.error.map(|error| error.0),
            read: CadRead { parts, size_mm, glb: row.glb_address.map(|address| address.0) },
            thumbnail: row.thumbnail_asset_id.map(Col::value),
            document,
            created_by: row.created_by.0,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            revision: row.revision,
        })
    }
}
