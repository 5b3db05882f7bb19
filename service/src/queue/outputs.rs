//! Files between a worker and the store.

use bytes::Bytes;
use futures_util::future::{try_join, try_join_all};
use serde_json::{Map, Value as Json, json};
use tokio::runtime::Handle;

use super::ledger::gpu_info;
use crate::db::files::RenderFile;
use crate::db::{Db, DbError, TenantScope, objects};
use crate::domain::document::DocumentResult;
use crate::domain::hash::ContentAddress;
use crate::domain::id::{RenderId, TenantId};
use crate::store::{Store, StoreError};
use crate::wire::Word;
use crate::wire::job::{RenderResult, ResultFile};
use crate::wire::request::Format;
use crate::worker::executor::{AssetError, AssetSource};
use crate::worker::protocol::{Completed, DocumentFile, OutputFile};

/// The name of the file with what is known of the scene and its render.
pub const REPORT_NAME: &str = "report.json";

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

/// Puts the files of a render into the store, all at the same time. They are durable when this returns. They are recorded
/// before: should the render not be completed with them, the sweep finds them.
///
/// # Errors
/// What the store or the database says.
pub(super) async fn store(
    db: &Db,
    store: &Store,
    tenant: TenantId,
    render: RenderId,
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
    let pictures = try_join_all(files.into_iter().map(picture));
    let documents = try_join_all([report].into_iter().chain(documents).map(document_file));
    let (pictures, documents) = try_join(pictures, documents).await?;
    let (rows, bytes): (Vec<RenderFile>, Vec<Bytes>) = pictures.into_iter().chain(documents).unzip();
    let recorded = rows.iter().map(RenderFile::object).collect();
    let were_there = objects::record_all(db, TenantScope::of(tenant), recorded).await?;
    let puts = rows.iter().zip(bytes).zip(were_there);
    try_join_all(puts.map(|((row, bytes), was_there)| put(store, tenant, row, bytes, was_there))).await?;
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

async fn picture(file: OutputFile) -> Result<(RenderFile, Bytes), StoreError> {
    let OutputFile { name, format, width, height, bytes } = file;
    let (size_bytes, width, height) = (bytes.len() as i64, i32::try_from(width).ok(), i32::try_from(height).ok());
    let address = Store::address_of(&bytes).await?;
    let media_type = media_type(&format).to_owned();
    Ok((RenderFile { name, format, media_type, address, size_bytes, width, height }, bytes))
}

async fn document_file(file: DocumentFile) -> Result<(RenderFile, Bytes), StoreError> {
    let DocumentFile { name, format, media_type, address, bytes } = file;
    let size_bytes = bytes.len() as i64;
    let address = match address {
        Some(known) => known,
        None => Store::address_of(&bytes).await?,
    };
    Ok((RenderFile { name, format, media_type, address, size_bytes, width: None, height: None }, bytes))
}

/// Many renders have the same map: what is there already is not written again. Without a record from before the sweep may be
/// removing it just now. What is written has the address that it was recorded under, or it is an error.
async fn put(
    store: &Store,
    tenant: TenantId,
    row: &RenderFile,
    bytes: Bytes,
    was_there: bool,
) -> Result<(), StoreError> {
    if was_there && store.has(tenant, &row.address).await? {
        return Ok(());
    }
    let address = store.put(tenant, bytes).await?;
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
        None => "application/octet-stream",
    }
}
