//! Uploads on their way: written to the local disk and hashed piece by piece, not visible until they are kept.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use tempfile::{NamedTempFile, TempPath};

use super::{StoreError, blocking};
use packshot_domain::hash::{ContentAddress, Digester, Digests};

/// Bytes that are buffered before they go to the disk.
const BUFFER_BYTES: usize = 1 << 20;

/// An upload that is being received. Dropped, it leaves nothing.
#[derive(Debug)]
pub struct Spool {
    file: SpoolFile,
    gathered: Vec<u8>,
    size_bytes: u64,
    bytes_max: u64,
    /// Set when the disk has no room for it.
    was_full: Arc<AtomicBool>,
}

/// The file of an upload. It is made with the first bytes that go to the disk: of a small upload, those are all.
#[derive(Debug)]
enum SpoolFile {
    /// Not there yet; the folder that it will be in.
    In(PathBuf),
    Open(Box<Open>),
    /// A piece is being written, or could not be.
    Away,
}

#[derive(Debug)]
struct Open {
    file: NamedTempFile,
    digester: Digester,
}

/// An upload that was received. Dropped, it leaves nothing.
#[derive(Debug)]
pub struct Spooled {
    // Closed: many may wait to be kept.
    path: TempPath,
    digests: Digests,
}

impl Open {
    fn in_folder(folder: &Path) -> std::io::Result<Self> {
        Ok(Self { file: NamedTempFile::new_in(folder)?, digester: Digester::default() })
    }
}

impl Spool {
    pub(super) fn new(folder: &Path, bytes_max: u64, was_full: Arc<AtomicBool>) -> Self {
        Self { file: SpoolFile::In(folder.to_owned()), gathered: Vec::new(), size_bytes: 0, bytes_max, was_full }
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
        self.grow(piece.len())?;
        self.gathered.extend_from_slice(piece);
        if self.gathered.len() >= BUFFER_BYTES { self.flush().await } else { Ok(()) }
    }

    /// Receives all bytes in one call, without a copy.
    ///
    /// # Errors
    /// Those of [`write`](Self::write).
    pub async fn write_whole(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.grow(bytes.len())?;
        if !self.gathered.is_empty() {
            self.flush().await?;
        }
        self.append(bytes).await.map(drop)
    }

    fn grow(&mut self, n_bytes: usize) -> Result<(), StoreError> {
        self.size_bytes = self.size_bytes.saturating_add(n_bytes as u64);
        if self.size_bytes > self.bytes_max { Err(StoreError::TooLarge { bytes_max: self.bytes_max }) } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), StoreError> {
        let gathered = std::mem::take(&mut self.gathered);
        self.gathered = self.append(gathered).await?;
        self.gathered.clear();
        Ok(())
    }

    /// Writes and hashes a piece on a thread that may block, and gives it back.
    async fn append<B: AsRef<[u8]> + Send + 'static>(&mut self, piece: B) -> Result<B, StoreError> {
        let file = std::mem::replace(&mut self.file, SpoolFile::Away);
        let appended = blocking(move || {
            let mut open = match file {
                SpoolFile::In(folder) => Box::new(Open::in_folder(&folder)?),
                SpoolFile::Open(open) => open,
                SpoolFile::Away => return Err(lost()),
            };
            open.digester.update(piece.as_ref());
            open.file.write_all(piece.as_ref())?;
            Ok::<_, StoreError>((open, piece))
        })
        .await?;
        if matches!(appended, Err(StoreError::Full)) {
            self.was_full.store(true, Ordering::Relaxed);
        }
        let (open, piece) = appended?;
        self.file = SpoolFile::Open(open);
        Ok(piece)
    }

    /// Ends the upload.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Io`].
    pub async fn finish(mut self) -> Result<Spooled, StoreError> {
        if !self.gathered.is_empty() || matches!(self.file, SpoolFile::In(_)) {
            self.flush().await?;
        }
        let SpoolFile::Open(open) = self.file else { return Err(lost()) };
        let Open { file, digester } = *open;
        Ok(Spooled { path: file.into_temp_path(), digests: digester.finish() })
    }
}

fn lost() -> StoreError {
    StoreError::Io(std::io::Error::other("a write before failed"))
}

impl Spooled {
    /// Its content.
    pub fn address(&self) -> ContentAddress {
        self.digests.address
    }

    /// Its size.
    pub fn size_bytes(&self) -> u64 {
        self.digests.size_bytes
    }

    /// What was computed of its bytes as they came.
    pub fn digests(&self) -> &Digests {
        &self.digests
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
        let Self { path, digests } = self;
        blocking(move || {
            // Bytes are brought to the disk by way of a handle that may write.
            let file = File::options().write(true).open(&path)?;
            publish(&file, digests.size_bytes, path, &target, Naming::Replace)
        })
        .await?
    }
}

/// What to do with an existing file of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// It is replaced.
    Replace,
    /// It stays.
    Keep,
}

/// Writes bytes to their place, durably, by way of a file in the folder of uploads.
pub(super) async fn place(folder: PathBuf, target: PathBuf, bytes: Bytes, naming: Naming) -> Result<(), StoreError> {
    blocking(move || {
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(&bytes)?;
        let (file, path) = file.into_parts();
        publish(&file, bytes.len() as u64, path, &target, naming)
    })
    .await?
}

/// Writes the bytes of a file through to the disk, then its new name: only if there are as many as were written.
fn publish(file: &File, size_bytes: u64, path: TempPath, target: &Path, naming: Naming) -> Result<(), StoreError> {
    StoreError::unless_size(size_bytes, file.metadata()?.len())?;
    // The sweep looks at the age of files: a file that a long turntable wrote hours ago is new here.
    file.set_modified(SystemTime::now())?;
    file.sync_all()?;
    if let Some(folder) = target.parent() {
        make_folder(folder)?;
    }
    let named = match naming {
        Naming::Replace => path.persist(target),
        Naming::Keep => path.persist_noclobber(target),
    };
    match named.map_err(|refused| refused.error) {
        Err(error) if naming == Naming::Keep && error.kind() == ErrorKind::AlreadyExists => {}
        named => named?,
    }
    if let Some(folder) = target.parent() {
        sync_folder(folder)?;
    }
    Ok(())
}

/// Creates a folder and those above it; each new name is on the disk when this returns.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make_folder(above)?;
        match std::fs::create_dir(folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => made?,
        }
        sync_folder(above)?;
    }
    Ok(())
}

/// Writes the names in a folder through to the disk. On systems where folders cannot be opened, there is nothing to do.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_disk_without_room_for_a_file_is_noted() {
        let folder = tempfile::tempdir().expect("a folder");
        let was_full = Arc::new(AtomicBool::new(false));
        let mut spool = Spool::new(folder.path(), 1 << 24, was_full.clone());
        spool.write_whole(Bytes::from_static(b"fits")).await.expect("written");
        assert!(!was_full.load(Ordering::Relaxed));
        let (_, path) = NamedTempFile::new_in(folder.path()).expect("a file").into_parts();
        let full = File::options().write(true).open("/dev/full").expect("a disk without room");
        let file = NamedTempFile::from_parts(full, path);
        spool.file = SpoolFile::Open(Box::new(Open { file, digester: Digester::default() }));
        let refused = spool.write_whole(Bytes::from_static(b"does not")).await;
        assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
        assert!(was_full.load(Ordering::Relaxed));
    }
}
