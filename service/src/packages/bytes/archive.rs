//! Packages as zip archives: the files under their paths, and the manifest that proves them. They are made while they
//! are sent, and equal every time.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::vec;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::of_kept;
use crate::app::{App, AppError};
use crate::objects::{self, ObjectError};
use crate::store::StoreError;
use packshot_db::TenantScope;
use packshot_db::artifacts::files as file_rows;
use packshot_domain::artifact::{ArtifactFile, FileState};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::PackageId;
use packshot_domain::principal::Principal;

/// Where an archive has the manifest: no file of a package can have this path.
pub const MANIFEST_PATH: &str = ".packshot/manifest.cbor";
/// An entry of this many bytes needs the sizes of ZIP64.
const ZIP64_BYTES: u64 = u32::MAX as u64;
/// Permissions that entries unpack with.
const PERMISSIONS: u32 = 0o644;

/// An archive that can be sent.
pub struct Archive {
    /// The digest of its manifest.
    pub digest: ContentAddress,
    /// Its bytes. Each group of a file is compared before it is sent; the stream ends with its first error.
    pub bytes: BoxStream<'static, Result<Bytes, ObjectError>>,
}

/// Begins an archive.
///
/// # Errors
/// [`Code::PackageNotFound`](crate::app::Code::PackageNotFound),
/// [`Code::PackageNotFinalized`](crate::app::Code::PackageNotFinalized),
/// [`Code::ArtifactExpired`](crate::app::Code::ArtifactExpired);
/// [`Code::ContentCorrupt`](crate::app::Code::ContentCorrupt) where a file is known to be damaged.
pub async fn open(app: &App, who: &Principal, id: PackageId) -> Result<Archive, AppError> {
    let (sent, manifest) = of_kept(app, who, id).await?;
    let scope = TenantScope::of(who.tenant);
    let records = file_rows::all_of_package(&app.db, scope, id).await?;
    for record in records.iter().filter(|record| record.state != FileState::Intact) {
        // It may be whole again by now.
        objects::open(&app.db, &app.store, scope, &record.file.address).await?;
    }
    let files: Vec<ArtifactFile> = manifest.files().iter().map(|stored| stored.file.clone()).collect();
    let (app, out) = (app.clone(), Pipe::default());
    let zip = ZipWriter::new_stream(out.clone());
    let making =
        Making { app, scope, zip: Some(zip), out, manifest: Some(sent.cbor), files: files.into_iter(), file: None };
    let pieces =
        stream::try_unfold(making, |mut making| async move { Ok(making.next().await?.map(|piece| (piece, making))) });
    Ok(Archive { digest: sent.digest, bytes: pieces.boxed() })
}

/// What was written to an archive and is not sent yet.
#[derive(Clone, Debug, Default)]
struct Pipe(Arc<Mutex<Vec<u8>>>);

impl Pipe {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Pipe {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An archive on its way.
struct Making {
    app: App,
    scope: TenantScope,
    /// `None` when the archive is complete.
    zip: Option<ZipWriter<StreamWriter<Pipe>>>,
    out: Pipe,
    /// The manifest, until it is written.
    manifest: Option<Vec<u8>>,
    /// The files that are not begun.
    files: vec::IntoIter<ArtifactFile>,
    /// What is left of the file that is being written.
    file: Option<BoxStream<'static, Result<Bytes, ObjectError>>>,
}

impl Making {
    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, ObjectError> {
        while let Some(zip) = &mut self.zip {
            if let Some(file) = &mut self.file {
                match file.try_next().await? {
                    Some(piece) => zip.write_all(&piece).map_err(StoreError::Io)?,
                    None => self.file = None,
                }
            } else if let Some(manifest) = self.manifest.take() {
                zip.start_file(MANIFEST_PATH, options(manifest.len() as u64)).map_err(failed)?;
                zip.write_all(&manifest).map_err(StoreError::Io)?;
            } else if let Some(file) = self.files.next() {
                let reading = objects::open(&self.app.db, &self.app.store, self.scope, &file.address).await?;
                let size_bytes = reading.size_bytes();
                zip.start_file(file.path.as_str(), options(size_bytes)).map_err(failed)?;
                self.file = Some(reading.stream(0..size_bytes).await?);
            } else if let Some(zip) = self.zip.take() {
                zip.finish().map_err(failed)?;
            }
            let piece = self.out.take();
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }
}

/// How an entry is written: as it is, without anything that differs from one archive to the next.
fn options(size_bytes: u64) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .unix_permissions(PERMISSIONS)
        .large_file(size_bytes >= ZIP64_BYTES)
}

fn failed(reason: zip::result::ZipError) -> ObjectError {
    StoreError::Io(reason.into()).into()
}
