//! Files between a worker and the store.

use bytes::Bytes;
use futures_util::future::{try_join, try_join_all};
use serde_json::{Map, Value as Json, json};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::ledger::gpu_info;
use crate::db::files::RenderFile;
use crate::db::{Db, DbError, TenantScope, objects};
use crate::domain::document::DocumentResult;
use crate::domain::hash::ContentAddress;
use crate::domain::id::{RenderId, TenantId};
use crate::store::{Spooled, Store, StoreError};
use crate::wire::Word;
use crate::wire::job::{RenderResult, ResultFile};
use crate::wire::request::Format;
use crate::worker::executor::{AssetError, AssetSource};
use crate::worker::protocol::{Completed, DocumentFile, OutputFile};

/// The name of the file with what is known of the scene and its render.
pub const REPORT_NAME: &str = "report.json";

/// Files that are written at the same time.
const PUT_AT_ONCE: usize = 16;

/// The objects of one tenant, for a worker's own threads.
#[derive(Debug)]
pub(super) struct TenantAssets {
    pub(super) store: Store,
    pub(super) tenant: TenantId,
    pub(super) runtime: Handle,
}

impl AssetSource for TenantAssets {
    fn read(&self, address: &ContentAddress) -> Result<Bytes, AssetError> {
        self.runtime.block_on(self.store.read(self.tenant, address)).map_err(|error| match error {
            StoreError::NotFound | StoreError::Corrupt { .. } => AssetError::Missing(*address),
            StoreError::Full | StoreError::TooLarge { .. } | StoreError::Io(_) | StoreError::Backend(_) => {
                tracing::warn!("reading {address}: {error:?}");
                AssetError::Away(error.to_string())
            }
        })
    }
}

/// Why the files of a render were not stored.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutputError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl OutputError {
    /// Whether there is no space left.
    pub(super) const fn is_full(&self) -> bool {
        matches!(self, Self::Store(StoreError::Full) | Self::Database(DbError::Full(_)))
    }
}

/// What a completed render is told as, when its files are in the store.
#[derive(Debug)]
pub(super) struct Stored {
    /// The rows of its files: the pictures, then what is about them.
    pub(super) files: Vec<RenderFile>,
    /// What clients see.
    pub(super) result: RenderResult,
    /// What the document says.
    pub(super) document: DocumentResult,
}

/// Files that a worker finished while its work goes on. They lie where uploads do, on the local disk, until the work has completed; of
/// a work that does not, nothing is left.
#[derive(Debug, Default)]
pub(super) struct Received(Vec<JoinHandle<Result<(RenderFile, Spooled), StoreError>>>);

impl Received {
    /// Takes one more.
    pub(super) fn take(&mut self, store: &Store, file: OutputFile) {
        let store = store.clone();
        self.0.push(tokio::spawn(async move {
            let OutputFile { name, format, width, height, bytes } = file;
            let mut spool = store.spool(u64::MAX)?;
            spool.write(&bytes).await?;
            let spooled = spool.finish().await?;
            let row = picture_row(name, format, [width, height], spooled.address(), bytes.len());
            Ok((row, spooled))
        }));
    }

    async fn all(self) -> Result<Vec<(RenderFile, Content)>, StoreError> {
        let mut files = Vec::with_capacity(self.0.len());
        for file in self.0 {
            let (row, spooled) = file.await.map_err(|reason| StoreError::Io(std::io::Error::other(reason)))??;
            files.push((row, Content::Spooled(spooled)));
        }
        Ok(files)
    }
}

/// What a file holds, on its way into the store.
#[derive(Debug)]
enum Content {
    Bytes(Bytes),
    Spooled(Spooled),
}

/// Puts the files of a render into the store, all at the same time. They are durable when this returns. They are recorded
/// before: should the render not be completed with them, the sweep finds them. `formats` are the request's: its first format comes first.
///
/// # Errors
/// What the store or the database says.
pub(super) async fn store(
    db: &Db,
    store: &Store,
    tenant: TenantId,
    render: RenderId,
    formats: &[Format],
    received: Received,
    completed: Completed,
) -> Result<Stored, OutputError> {
    let Completed { files, documents, report, duration_s, samples_mean, noise_reached, unmapped_parts, device } =
        completed;
    let report = DocumentFile {
        name: REPORT_NAME.to_owned(),
        format: "json".to_owned(),
        media_type: "application/json".to_owned(),
        address: None,
        bytes: Bytes::from(format!("{report}\n")),
    };
    let pictures = async {
        let mut pictures = received.all().await?;
        pictures.extend(try_join_all(files.into_iter().map(picture)).await?);
        let place = |file: &RenderFile| formats.iter().position(|format| format.word() == file.format);
        pictures.sort_by_key(|(file, _)| place(file));
        Ok(pictures)
    };
    let documents = try_join_all([report].into_iter().chain(documents).map(document_file));
    let (pictures, documents) = try_join(pictures, documents).await?;
    let (rows, contents): (Vec<RenderFile>, Vec<Content>) = pictures.into_iter().chain(documents).unzip();
    let recorded = rows.iter().map(RenderFile::object).collect();
    let were_there = objects::record_all(db, TenantScope::of(tenant), recorded).await?;
    let puts = rows.iter().zip(contents).zip(were_there);
    let mut puts: Vec<_> =
        puts.map(|((row, content), was_there)| put(store, tenant, row, content, was_there)).collect();
    while !puts.is_empty() {
        try_join_all(puts.drain(..puts.len().min(PUT_AT_ONCE))).await?;
    }
    drop(puts);
    let shown: Vec<ResultFile> = rows.iter().filter_map(|row| shown(render, row)).collect();
    let output_path = shown.first().map_or_else(String::new, |file| file.name.clone());
    let document = DocumentResult {
        output_path: output_path.clone(),
        duration_s,
        engine_used: "path_tracer".to_owned(),
        gpu: device.device.clone(),
        gpu_info: gpu_info(&device),
    };
    let result = RenderResult {
        output_path,
        files: shown,
        duration_s,
        samples_mean,
        noise_reached: Some(noise_reached),
        unmapped_parts,
        from_cache: false,
    };
    Ok(Stored { files: rows, result, document })
}

async fn picture(file: OutputFile) -> Result<(RenderFile, Content), StoreError> {
    let OutputFile { name, format, width, height, bytes } = file;
    let address = Store::address_of(&bytes).await?;
    Ok((picture_row(name, format, [width, height], address, bytes.len()), Content::Bytes(bytes)))
}

fn picture_row(
    name: String,
    format: String,
    size_px: [u32; 2],
    address: ContentAddress,
    size_bytes: usize,
) -> RenderFile {
    let [width, height] = size_px.map(|side| i32::try_from(side).ok());
    let media_type = media_type(&format).to_owned();
    RenderFile { name, format, media_type, address, size_bytes: size_bytes as i64, width, height }
}

async fn document_file(file: DocumentFile) -> Result<(RenderFile, Content), StoreError> {
    let DocumentFile { name, format, media_type, address, bytes } = file;
    let size_bytes = bytes.len() as i64;
    let address = match address {
        Some(known) => known,
        None => Store::address_of(&bytes).await?,
    };
    let row = RenderFile { name, format, media_type, address, size_bytes, width: None, height: None };
    Ok((row, Content::Bytes(bytes)))
}

/// Many renders have the same map: what is there already is not written again. Without a record from before the sweep may be
/// removing it just now. What is written has the address that it was recorded under, or it is an error.
async fn put(
    store: &Store,
    tenant: TenantId,
    row: &RenderFile,
    content: Content,
    was_there: bool,
) -> Result<(), StoreError> {
    if was_there && store.has(tenant, &row.address).await? {
        return Ok(());
    }
    let address = match content {
        Content::Bytes(bytes) => store.put(tenant, bytes).await?,
        Content::Spooled(spooled) => store.keep(tenant, spooled).await?,
    };
    if address == row.address { Ok(()) } else { Err(StoreError::Corrupt { address: row.address }) }
}

/// A picture as clients see it.
fn shown(render: RenderId, file: &RenderFile) -> Option<ResultFile> {
    let pixels = |side: Option<i32>| u32::try_from(side?).ok();
    Some(ResultFile {
        url: format!("/api/v1/renders/{render}/files/{}", file.name),
        name: file.name.clone(),
        format: Format::from_word(&file.format)?,
        file_hash: file.address.into(),
        size_bytes: u64::try_from(file.size_bytes).ok()?,
        width: pixels(file.width)?,
        height: pixels(file.height)?,
    })
}

impl Stored {
    /// What the record of the step says.
    pub(super) fn output(&self) -> Map<String, Json> {
        let files: Vec<Json> =
            self.files.iter().map(|f| json!({ "name": f.name, "file_hash": f.address.to_string() })).collect();
        Map::from_iter([("publication_mode".to_owned(), json!("render")), ("files".to_owned(), files.into())])
    }
}

fn media_type(format: &str) -> &'static str {
    match Format::from_word(format) {
        Some(Format::Png) => "image/png",
        Some(Format::Exr) => "image/x-exr",
        Some(Format::Jpg) => "image/jpeg",
        Some(Format::WebP) => "image/webp",
        Some(Format::Avif) => "image/avif",
        Some(Format::Tiff) => "image/tiff",
        Some(Format::Mp4) => "video/mp4",
        Some(Format::Apng) => "image/apng",
        Some(Format::Zip) => "application/zip",
        None => "application/octet-stream",
    }
}
