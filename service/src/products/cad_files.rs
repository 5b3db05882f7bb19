//! CAD files: recognised by their content, read at once where they are GLB, kept in a package of their own.

use super::cad_jobs;
use crate::app::{App, AppError, Code, Page, PageRequest, Upload};
use crate::objects;
use crate::packages::caller;
use crate::store::Store;
use packshot_contract::cad_file::{CadFile, CadFileLinks, ParsedObjects};
use packshot_contract::document::Document;
use packshot_contract::problem::Finding;
use packshot_db::artifacts::{NewFile, NewPackage, WholePackage};
use packshot_db::cad_files::{self as rows, CadRead, NewCadFile};
use packshot_db::{Db, TenantScope};
use packshot_domain::artifact::{
    ArtifactFile, ByteSize, Label, MediaType, Metadata, Receipt, RelativePath, RetentionClass,
};
use packshot_domain::cad_file::{CadStatus, OriginalName, SourceFormat};
use packshot_domain::hash::{ContentAddress, Digests};
use packshot_domain::id::{CadFileId, FileId, PackageId};
use packshot_domain::principal::Principal;
use packshot_domain::reader::Reader;
use packshot_renderer::backend::CancelToken;
use packshot_worker::cad::{self, CadFacts};
use packshot_worker::protocol::Failure;

/// What makes the packages of files that were sent.
const UPLOAD: &str = "upload";
/// Bytes that are looked at to recognise a file.
const BEGINNING: usize = 256;

/// Adds a CAD file. One with the same bytes is returned as it is, and if its stored bytes are lost these take their
/// place; says whether it is new.
///
/// # Errors
/// [`Code::UnsupportedCadFormat`]; a code that begins with `glb.`, for a GLB that cannot be read;
/// [`Code::StorageFull`], [`Code::StorageQuotaExceeded`].
pub async fn add(app: &App, who: &Principal, sent_name: &str, upload: Upload) -> Result<(CadFile, bool), AppError> {
    let scope = TenantScope::of(who.tenant);
    let digests = upload.digests().clone();
    if let Some(known) = rows::with_content(&app.db, scope, digests.address).await? {
        if !objects::is_whole(&app.db, &app.store, scope, &digests.address).await? {
            objects::keep(&app.db, &app.store, scope, upload, &known.media_type).await?;
        }
        return Ok((shown(known), false));
    }
    let original_name = OriginalName::of(sent_name);
    let (source_format, read) = read(app, &original_name, &upload, digests.address).await?;
    let media_type = media_type(source_format);
    let by = caller::actor(app, who).await?;
    objects::keep(&app.db, &app.store, scope, upload, media_type).await?;
    let id = CadFileId::new();
    let file = stored((&app.db, &app.store), &original_name, media_type, &digests).await?;
    let fit = |text: &str| text.parse::<Label>().map_err(AppError::internal);
    let name = original_name.as_str().chars().take(200).collect::<String>();
    let package = NewPackage {
        id: PackageId::new(),
        name: fit(&name)?,
        producer: fit(UPLOAD)?,
        subject: fit(&format!("cad_file:{id}"))?,
        retention_class: RetentionClass::RawEvidence,
        metadata: Metadata::default(),
    };
    let new = NewCadFile {
        id,
        original_name,
        address: digests.address,
        media_type: media_type.to_owned(),
        size_bytes: i64::try_from(digests.size_bytes).unwrap_or(i64::MAX),
        source_format,
        read,
        created_by: who.user,
        package: WholePackage { by, package, files: vec![file] },
        work: cad_jobs::of_upload(app, source_format),
    };
    let (file, is_new) = rows::create(&app.db, scope, who.actor(), new).await?;
    Ok((shown(file), is_new))
}

/// What a file is, and what is in it where that is known at once.
async fn read(
    app: &App,
    name: &OriginalName,
    upload: &Upload,
    address: ContentAddress,
) -> Result<(SourceFormat, Option<CadRead>), AppError> {
    let turn = app.turn().await?;
    let bytes = upload.read().await?;
    match SourceFormat::of(&bytes[..bytes.len().min(BEGINNING)]) {
        Some(SourceFormat::Step) => return Ok((SourceFormat::Step, None)),
        Some(SourceFormat::Glb) => {}
        // Whoever calls it a GLB is told what is wrong with it as one.
        None if name.as_str().to_lowercase().ends_with(".glb") => {}
        None => {
            let detail = "the file is neither GLB nor STEP (ISO 10303-21)";
            return Err(AppError::new(Code::UnsupportedCadFormat, detail).at("/file"));
        }
    }
    let read = turn.run(move || cad::read(&bytes, &CancelToken::default())).await?;
    let CadFacts { parts, size_mm } = read.map_err(refused)?;
    Ok((SourceFormat::Glb, Some(CadRead { parts, size_mm, glb: Some(address) })))
}

/// Why a GLB cannot be read.
fn refused(Failure { code, detail, findings, .. }: Failure) -> AppError {
    let findings = match findings.is_empty() {
        true => vec![Finding::new("/file", code.clone(), detail.clone())],
        false => findings.into_iter().map(|f| Finding::new("/file", f.code, f.detail).at(f.at)).collect(),
    };
    AppError::of_input(code, detail, findings)
}

pub(super) fn media_type(format: SourceFormat) -> &'static str {
    match format {
        SourceFormat::Step => "model/step",
        SourceFormat::Glb => "model/gltf-binary",
    }
}

/// The file as its package has it.
pub(super) async fn stored(
    (db, store): (&Db, &Store),
    name: &OriginalName,
    media_type: &str,
    digests: &Digests,
) -> Result<NewFile, AppError> {
    let size = ByteSize::new(digests.size_bytes).map_err(AppError::internal)?;
    let path = name.as_str().parse::<RelativePath>().or_else(|_| "file".parse()).map_err(AppError::internal)?;
    let media_type = media_type.parse::<MediaType>().map_err(AppError::internal)?;
    let (address, sha256) = (digests.address, digests.sha256);
    let stored_at = db.now().await?;
    let receipt = Receipt { backend: store.backend(), size, stored_at };
    Ok(NewFile { file: ArtifactFile { id: FileId::new(), path, media_type, size, address, sha256 }, receipt })
}

/// A page of CAD files, newest first.
///
/// # Errors
/// Errors of the database.
pub async fn list(
    app: &App,
    reader: &Reader,
    status: Option<CadStatus>,
    page: PageRequest,
) -> Result<Page<CadFile>, AppError> {
    let Page { items, next } = rows::list(&app.db, reader, status, page).await?;
    Ok(Page { items: items.into_iter().map(shown).collect(), next })
}

/// A CAD file as it is now.
///
/// # Errors
/// [`Code::CadFileNotFound`].
pub async fn get(app: &App, who: &Principal, id: CadFileId) -> Result<CadFile, AppError> {
    Ok(shown(rows::get(&app.db, TenantScope::of(who.tenant), id).await?))
}

/// The content of a CAD file and its media type.
///
/// # Errors
/// [`Code::CadFileNotFound`].
pub async fn content(app: &App, who: &Principal, id: CadFileId) -> Result<(ContentAddress, String), AppError> {
    let file = rows::get(&app.db, TenantScope::of(who.tenant), id).await?;
    Ok((file.address, file.media_type))
}

/// Deletes the record of a CAD file; its bytes stay in their package.
///
/// # Errors
/// [`Code::CadFileNotFound`], [`Code::CadFileProcessing`].
pub async fn delete(app: &App, who: &Principal, id: CadFileId) -> Result<(), AppError> {
    Ok(rows::delete(&app.db, TenantScope::of(who.tenant), who.actor(), id).await?)
}

fn shown(file: rows::CadFile) -> CadFile {
    let own = format!("/api/v1/cad-files/{}", file.id);
    let links = CadFileLinks { content: format!("{own}/content"), own };
    CadFile {
        id: file.id.uuid(),
        tenant_id: file.tenant.uuid(),
        original_name: file.original_name.to_string(),
        stored_path: file.address.to_string(),
        file_hash: file.address.into(),
        size_bytes: file.size_bytes.unsigned_abs(),
        source_format: file.source_format.into(),
        parsed_objects: ParsedObjects { objects: file.read.parts },
        bbox_mm: file.read.size_mm,
        status: file.status.into(),
        error: file.error,
        glb_path: file.read.glb.map(|address| address.to_string()),
        thumbnail_asset_id: file.thumbnail.map(|asset| asset.uuid()),
        // The document is of our own make, so that it is JSON.
        job_doc: file.document.map(|document| serde_json::to_value(Document::from(document)).unwrap_or_default()),
        created_at: file.created_at.into(),
        updated_at: file.updated_at.into(),
        links,
    }
}
