//! Uploads on their way: written to the local disk and hashed piece by piece, visible to nobody until they are kept.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::{NamedTempFile, TempPath};

use super::{StoreError, blocking};
use crate::domain::hash::ContentAddress;

/// Bytes that are gathered before they go to the disk.
const BUFFER_BYTES: usize = 1 << 20;

/// An upload that is being received. Dropped, it leaves nothing.
#[derive(Debug)]
pub struct Spool {
    /// `None` only while a piece is being written.
    open: Option<Open>,
    gathered: Vec<u8>,
    size_bytes: u64,
    bytes_max: u64,
}

#[derive(Debug)]
struct Open {
    file: NamedTempFile,
    hasher: blake3::Hasher,
}

/// An upload that was received. Dropped, it leaves nothing.
#[derive(Debug)]
pub struct Spooled {
    file: File,
    path: TempPath,
    address: ContentAddress,
    size_bytes: u64,
}

/// What was last written so long ago is nobody's upload any more.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Makes the folder, and removes what a process that ended left there. Files of today may be another process's.
pub(super) fn clean(folder: &Path) -> Result<(), StoreError> {
    std::fs::create_dir_all(folder)?;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // Whose file it is may finish or remove it meanwhile.
        let Ok(about) = entry.metadata() else { continue };
        let is_old = about.modified()?.elapsed().is_ok_and(|age| age > FORGOTTEN_AFTER);
        if about.is_file() && is_old {
            match std::fs::remove_file(entry.path()) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
    }
    Ok(())
}

impl Spool {
    pub(super) async fn create(folder: &Path, bytes_max: u64) -> Result<Self, StoreError> {
        let folder = folder.to_owned();
        let file = blocking(move || NamedTempFile::new_in(folder)).await??;
        let open = Open { file, hasher: blake3::Hasher::new() };
        Ok(Self { open: Some(open), gathered: Vec::new(), size_bytes: 0, bytes_max })
    }

    /// Bytes received so far.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Receives a piece.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] as soon as the limit is passed, [`StoreError::Full`], [`StoreError::Io`].
    pub async fn write(&mut self, piece: &[u8]) -> Result<(), StoreError> {
        self.size_bytes = self.size_bytes.saturating_add(piece.len() as u64);
        if self.size_bytes > self.bytes_max {
            return Err(StoreError::TooLarge { bytes_max: self.bytes_max });
        }
        self.gathered.extend_from_slice(piece);
        if self.gathered.len() >= BUFFER_BYTES { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), StoreError> {
        let lost = || StoreError::Io(std::io::Error::other("a write before failed"));
        let mut open = self.open.take().ok_or_else(lost)?;
        let mut gathered = std::mem::take(&mut self.gathered);
        let (open, gathered) = blocking(move || {
            open.hasher.update(&gathered);
            open.file.write_all(&gathered)?;
            gathered.clear();
            Ok::<_, StoreError>((open, gathered))
        })
        .await??;
        self.gathered = gathered;
        self.open = Some(open);
        Ok(())
    }

    /// Ends the upload.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Io`].
    pub async fn finish(mut self) -> Result<Spooled, StoreError> {
        self.flush().await?;
        let size_bytes = self.size_bytes;
        let open = self.open.take().ok_or_else(|| StoreError::Io(std::io::Error::other("a write before failed")))?;
        let address = ContentAddress::from_hash(*open.hasher.finalize().as_bytes());
        let (file, path) = open.file.into_parts();
        Ok(Spooled { file, path, address, size_bytes })
    }
}

impl Spooled {
    /// Its content.
    pub fn address(&self) -> ContentAddress {
        self.address
    }

    /// Its size.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Where it lies for now.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All its bytes.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub async fn read(&self) -> Result<Vec<u8>, StoreError> {
        let path = self.path.to_path_buf();
        Ok(blocking(move || std::fs::read(path)).await??)
    }

    /// Moves it to its place, durably: the bytes are on the disk before the name is, and the name before this returns.
    pub(super) async fn publish(self, target: PathBuf) -> Result<(), StoreError> {
        let Self { file, path, .. } = self;
        blocking(move || {
            file.sync_all()?;
            drop(file);
            if let Some(folder) = target.parent() {
                make_folder(folder)?;
            }
            path.persist(&target).map_err(|refused| refused.error)?;
            match target.parent() {
                Some(folder) => sync_folder(folder),
                None => Ok(()),
            }
        })
        .await??;
        Ok(())
    }
}

/// Makes a folder with those above it; each new name is on the disk when this returns.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make_folder(above)?;
        match std::fs::create_dir(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
        sync_folder(above)?;
    }
    Ok(())
}

/// Brings the names in a folder to the disk. Where folders cannot be opened there is nothing to do.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
