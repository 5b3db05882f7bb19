//! Files between a worker and the store.

mod received;

use bytes::Bytes;
use futures_util::future::{try_join, try_join_all};
use serde_json::{Map, Value as Json, json};
use tokio::runtime::Handle;

use super::made_for::MadeFor;
use super::packages::{self, Unfit};
use crate::objects::{self as stored, ObjectError};
use crate::store::{Hashed, Spooled, Store, StoreError};
use packshot_contract::document::GpuInfo;
use packshot_contract::job::{RenderResult, ResultFile};
use packshot_db::artifacts::NewFile;
use packshot_db::objects::{self, NewObject, Recorded};
use packshot_db::tasks::OutputFile as StoredFile;
use packshot_db::{Db, DbError, TenantScope};
use packshot_domain::document::{self, DocumentResult};
use packshot_domain::hash::{ContentAddress, Digests, Sha256Digest};
use packshot_domain::job::{JobKind, JobRef};
use packshot_pipeline::plan::words::FileFormat;
use packshot_words::Word;
use packshot_worker::executor::{AssetError, AssetSource};
use packshot_worker::protocol::{Completed, DocumentFile, Failure, OutputFile};

pub(super) use received::Received;

/// The name of the file with facts about the scene and its render.
const REPORT_NAME: &str = "report.json";

/// Files that are written at the same time.
const PUT_AT_ONCE: usize = 16;

/// The objects of one tenant, for a worker's own threads.
#[derive(Debug)]
pub(crate) struct TenantAssets {
    pub(crate) db: Db,
    pub(crate) store: Store,
    pub(crate) scope: TenantScope,
    pub(crate) runtime: Handle,
}

impl AssetSource for TenantAssets {
    fn read(&self, address: &ContentAddress) -> Result<Bytes, AssetError> {
        let read = stored::read(&self.db, &self.store, self.scope, address);
        self.runtime.block_on(read).map_err(|error| match error {
            ObjectError::Gone | ObjectError::Damaged { .. } => AssetError::Missing(*address),
            ObjectError::Store(_) | ObjectError::Database(_) => {
                tracing::warn!("reading {address}: {error:?}");
                AssetError::Away(error.to_string())
            }
        })
    }
}

/// Why the files of a render were not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Database(#[from] DbError),
    /// The files are larger than a job's may be.
    #[error("{}", .0.detail)]
    TooLarge(Failure),
    /// The files are none that a package has.
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

impl OutputError {
    /// The failure of an attempt whose files were not stored.
    pub(super) fn into_failure(self) -> Failure {
        let code = match self {
            Self::TooLarge(failure) => return failure,
            Self::Unfit(unfit) => return unfit.into(),
            Self::Store(StoreError::Full) | Self::Database(DbError::Full(_)) => "storage_full",
            Self::Store(_) | Self::Database(_) => "unavailable",
        };
        Failure::infrastructure(code, self.to_string())
    }
}

/// A completed render whose files are in the store, in its forms for rows and clients.
#[derive(Debug)]
pub(super) struct Stored {
    /// The rows of its files: the pictures, then what is about them.
    pub(super) files: Vec<StoredFile>,
    /// The same files, as packages take them.
    pub(super) kept: Vec<NewFile>,
    /// What clients see.
    pub(super) result: RenderResult,
    /// The entry in the document.
    pub(super) document: DocumentResult,
}

/// What a file holds, on its way into the store.
#[derive(Debug)]
enum Content {
    /// Its address came with it, and counts once it was computed here.
    Unread(Bytes),
    Hashed(Hashed),
    Spooled(Spooled),
}

impl Content {
    /// Its second digest, or its bytes where that is not known.
    fn sha256(&self) -> Result<Sha256Digest, Bytes> {
        match self {
            Self::Unread(bytes) => Err(bytes.clone()),
            Self::Hashed(hashed) => Ok(hashed.digests().sha256),
            Self::Spooled(spooled) => Ok(spooled.digests().sha256),
        }
    }

    /// What was computed of it.
    fn digests(&self) -> Option<&Digests> {
        match self {
            Self::Unread(_) => None,
            Self::Hashed(hashed) => Some(hashed.digests()),
            Self::Spooled(spooled) => Some(spooled.digests()),
        }
    }
}

/// Puts the files of a render into the store, all at the same time. They are durable when this returns. They are
/// recorded before: if the render is not completed with them, the sweep finds them. `formats` are the request's: its
/// first format comes first.
///
/// # Errors
/// Errors of the store or the database.
pub(super) async fn store(
    db: &Db,
    store: &Store,
    scope: TenantScope,
    made_for: &MadeFor,
    formats: &[FileFormat],
    received: Received,
    completed: Completed,
) -> Result<Stored, OutputError> {
    let Completed {
        files,
        documents,
        report,
        duration_s,
        samples_mean,
        noise_reached,
        unmapped_parts,
        unmapped: _,
        device,
        made_with: _,
    } = completed;
    let report = DocumentFile {
        name: REPORT_NAME.to_owned(),
        format: "json".to_owned(),
        media_type: "application/json".to_owned(),
        address: None,
        bytes: Bytes::from(format!("{report}\n")),
    };
    let pictures = async {
        let spooled = received.all().await?.into_iter();
        let mut pictures: Vec<_> = spooled.map(|(row, spooled)| (row, Content::Spooled(spooled))).collect();
        pictures.extend(try_join_all(files.into_iter().map(picture)).await?);
        let place = |file: &StoredFile| formats.iter().position(|format| format.word() == file.format);
        for (file, _) in &mut pictures {
            file.name = made_for.named(std::mem::take(&mut file.name));
        }
        pictures.sort_by_key(|(file, _)| place(file));
        Ok::<_, OutputError>(pictures)
    };
    let documents = async { Ok(try_join_all([report].into_iter().chain(documents).map(document_file)).await?) };
    let (pictures, documents) = try_join(pictures, documents).await?;
    let (rows, contents): (Vec<StoredFile>, Vec<Content>) = pictures.into_iter().chain(documents).unzip();
    let new = rows.iter().zip(&contents).map(|(row, content)| match content.digests() {
        Some(digests) => NewObject::hashed(digests, &row.media_type),
        None => NewObject::of(row),
    });
    let recorded = objects::record_all(db, scope, new.collect()).await?;
    let hashed: Vec<Result<Sha256Digest, Bytes>> = contents.iter().map(Content::sha256).collect();
    let puts = rows.iter().zip(contents).zip(recorded);
    let mut puts: Vec<_> =
        puts.map(|((row, content), recorded)| put(db, store, scope, row, content, recorded)).collect();
    while !puts.is_empty() {
        try_join_all(puts.drain(..puts.len().min(PUT_AT_ONCE))).await?;
    }
    drop(puts);
    let kept = kept(db, store, scope, &rows, hashed).await?;
    let shown: Vec<ResultFile> = rows.iter().filter_map(|row| shown(made_for.job, row)).collect();
    // Of an order line, the place below which clients know its files.
    let output_path = rows.first().and_then(|first| made_for.path_of(&first.name));
    let output_path = output_path.unwrap_or_else(|| shown.first().map_or_else(String::new, |file| file.name.clone()));
    let document = DocumentResult {
        output_path: output_path.clone(),
        duration_s,
        engine_used: "path_tracer".to_owned(),
        gpu: device.device.clone(),
        gpu_info: gpu_info(device),
    };
    let result = RenderResult {
        output_path,
        files: shown,
        duration_s,
        samples_mean,
        noise_reached,
        unmapped_parts,
        from_cache: false,
    };
    Ok(Stored { files: rows, kept, result, document })
}

/// Puts one file into the store, and gives its row and what a package takes. It is recorded before: if its task is not
/// completed with it, the sweep finds it.
///
/// # Errors
/// Errors of the store or the database.
pub(crate) async fn store_file(
    db: &Db,
    store: &Store,
    scope: TenantScope,
    [name, format, media_type]: [&str; 3],
    bytes: Bytes,
) -> Result<(StoredFile, NewFile), OutputError> {
    let [name, format, media_type] = [name, format, media_type].map(str::to_owned);
    let (row, content) = document_file(DocumentFile { name, format, media_type, address: None, bytes }).await?;
    let kept = keep_one(db, store, scope, &row, content).await?;
    Ok((row, kept))
}

/// The same for a file that was received and has its row.
///
/// # Errors
/// Errors of the store or the database.
pub(crate) async fn store_spooled(
    db: &Db,
    store: &Store,
    scope: TenantScope,
    row: &StoredFile,
    spooled: Spooled,
) -> Result<NewFile, OutputError> {
    keep_one(db, store, scope, row, Content::Spooled(spooled)).await
}

async fn keep_one(
    db: &Db,
    store: &Store,
    scope: TenantScope,
    row: &StoredFile,
    content: Content,
) -> Result<NewFile, OutputError> {
    let sha256 = content.sha256();
    let new =
        content.digests().map_or_else(|| NewObject::of(row), |digests| NewObject::hashed(digests, &row.media_type));
    // One record for one file.
    if let Some(&recorded) = objects::record_all(db, scope, vec![new]).await?.first() {
        put(db, store, scope, row, content, recorded).await?;
    }
    let mut kept = kept(db, store, scope, std::slice::from_ref(row), vec![sha256]).await?;
    Ok(kept.remove(0))
}

/// The files of a completed work, not stored yet, each with its row: those that were sent before first.
///
/// # Errors
/// Errors of the disk.
pub(super) async fn unstored(
    received: Received,
    completed: Completed,
) -> Result<Vec<(StoredFile, Bytes)>, OutputError> {
    let mut files = Vec::new();
    for (row, spooled) in received.all().await? {
        files.push((row, Bytes::from(tokio::fs::read(spooled.path()).await.map_err(StoreError::Io)?)));
    }
    for file in completed.files {
        let bytes = file.bytes.clone();
        let (row, _) = picture(file).await?;
        files.push((row, bytes));
    }
    Ok(files)
}

/// The files that were stored, as packages take them. Of each either the second digest is known, or its bytes are
/// there.
async fn kept(
    db: &Db,
    store: &Store,
    scope: TenantScope,
    rows: &[StoredFile],
    hashed: Vec<Result<Sha256Digest, Bytes>>,
) -> Result<Vec<NewFile>, OutputError> {
    let stored = packages::Stored { backend: store.backend(), at: db.now().await? };
    let mut kept = Vec::with_capacity(rows.len());
    for (row, hashed) in rows.iter().zip(hashed) {
        let sha256 = match hashed {
            Ok(sha256) => sha256,
            Err(bytes) => sha256_of(db, scope, row, bytes).await?,
        };
        let of_file = (row.address, sha256, row.size_bytes.unsigned_abs());
        kept.push(packages::file(&row.name, &row.media_type, of_file, &stored)?);
    }
    Ok(kept)
}

/// The second digest of a stored file whose address alone was known: many renders have the same map, so that its record
/// has it.
async fn sha256_of(db: &Db, scope: TenantScope, row: &StoredFile, bytes: Bytes) -> Result<Sha256Digest, OutputError> {
    let known = objects::find(db, scope, row.address).await?.and_then(|object| object.sha256);
    if let Some(sha256) = known {
        return Ok(sha256);
    }
    let digests = Hashed::of(bytes).await?.digests().clone();
    if digests.address != row.address {
        return Err(StoreError::Corrupt { address: row.address }.into());
    }
    let sha256 = digests.sha256;
    objects::learn(db, scope, digests).await?;
    Ok(sha256)
}

/// The device under the names of the document.
fn gpu_info(info: GpuInfo) -> document::GpuInfo {
    let GpuInfo { device, backend, used, fallback_reason } = info;
    document::GpuInfo { device, backend, used, fallback_reason }
}

async fn picture(file: OutputFile) -> Result<(StoredFile, Content), StoreError> {
    let OutputFile { name, format, width, height, bytes } = file;
    let (size_bytes, hashed) = (bytes.len(), Hashed::of(bytes).await?);
    let row = picture_row(name, format, [width, height], hashed.digests().address, size_bytes);
    Ok((row, Content::Hashed(hashed)))
}

/// The row of a picture.
pub(crate) fn picture_row(
    name: String,
    format: String,
    size_px: [u32; 2],
    address: ContentAddress,
    size_bytes: usize,
) -> StoredFile {
    let [width, height] = size_px.map(|side| i32::try_from(side).ok());
    let media_type = FileFormat::by_word(&format).map_or("application/octet-stream", media_type).to_owned();
    StoredFile { name, format, media_type, address, size_bytes: size_bytes as i64, width, height, movie: None }
}

async fn document_file(file: DocumentFile) -> Result<(StoredFile, Content), StoreError> {
    let DocumentFile { name, format, media_type, address, bytes } = file;
    let size_bytes = bytes.len() as i64;
    let (address, content) = match address {
        Some(known) => (known, Content::Unread(bytes)),
        None => {
            let hashed = Hashed::of(bytes).await?;
            (hashed.digests().address, Content::Hashed(hashed))
        }
    };
    Ok((StoredFile { name, format, media_type, address, size_bytes, width: None, height: None, movie: None }, content))
}

/// Many renders have the same map: a file that exists already is not written again. Without a record from before the
/// sweep may be removing it just now. What is written has the address that it was recorded under, or it is an error. A
/// file that was damaged is whole again.
async fn put(
    db: &Db,
    store: &Store,
    scope: TenantScope,
    row: &StoredFile,
    content: Content,
    recorded: Recorded,
) -> Result<(), OutputError> {
    if recorded == Recorded::Known && store.has(scope.tenant, &row.address).await? {
        return Ok(());
    }
    let address = match content {
        Content::Unread(bytes) => {
            let hashed = Hashed::of(bytes).await?;
            let digests = hashed.digests().clone();
            let address = store.put_hashed(scope.tenant, hashed).await?;
            objects::learn(db, scope, digests).await?;
            address
        }
        Content::Hashed(hashed) => store.put_hashed(scope.tenant, hashed).await?,
        Content::Spooled(spooled) => store.keep(scope.tenant, spooled).await?,
    };
    if address != row.address {
        return Err(StoreError::Corrupt { address: row.address }.into());
    }
    if recorded == Recorded::Damaged {
        objects::heal(db, scope, address).await?;
    }
    Ok(())
}

/// A picture of a direct render as clients see it.
fn shown(job: JobRef, file: &StoredFile) -> Option<ResultFile> {
    if job.kind != JobKind::Render {
        return None;
    }
    let pixels = |side: Option<i32>| u32::try_from(side?).ok();
    Some(ResultFile {
        url: format!("/api/v1/renders/{}/files/{}", job.record, file.name),
        name: file.name.clone(),
        format: FileFormat::by_word(&file.format)?,
        file_hash: file.address.into(),
        size_bytes: u64::try_from(file.size_bytes).ok()?,
        width: pixels(file.width)?,
        height: pixels(file.height)?,
    })
}

impl Stored {
    /// What the record of the step says.
    pub(super) fn output(&self) -> Map<String, Json> {
        // Which ones is in the result: a job may have thousands, and this is in its document, its log and its events.
        let size_bytes: i64 = self.files.iter().map(|file| file.size_bytes).sum();
        Map::from_iter([
            ("publication_mode".to_owned(), json!("render")),
            ("files".to_owned(), self.files.len().into()),
            ("size_bytes".to_owned(), size_bytes.into()),
        ])
    }
}

/// What files of a format are sent as.
pub const fn media_type(format: FileFormat) -> &'static str {
    match format {
        FileFormat::Png => "image/png",
        FileFormat::Exr => "image/x-exr",
        FileFormat::Jpg => "image/jpeg",
        FileFormat::WebP => "image/webp",
        FileFormat::Avif => "image/avif",
        FileFormat::Tiff => "image/tiff",
        FileFormat::Mp4 => "video/mp4",
        FileFormat::Apng => "image/apng",
        FileFormat::Zip => "application/zip",
    }
}
