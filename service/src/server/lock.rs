//! The data folder: created if it is missing, private to its user, and used by one process at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::confine::{self, Exposed};

/// The name of the file that is locked.
pub(super) const LOCK_FILE: &str = "packshot.lock";

/// A data folder that only this process uses, until this is dropped. The operating system releases the lock when the
/// process ends, however it ends.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    /// Another process is using it.
    #[error("another process (process id {holder}) is using this data folder")]
    Locked {
        /// What the other process wrote into the lock file.
        holder: String,
    },
    /// Other users can access it, and that cannot be changed.
    #[error(transparent)]
    Exposed(#[from] Exposed),
    /// It cannot be created or written to.
    #[error("the folder cannot be created or written to")]
    Io(#[from] io::Error),
}

impl DataFolder {
    /// Creates the folder if it is missing, private to this user, and locks it. The permissions of an existing one are
    /// tightened.
    ///
    /// # Errors
    /// When another process holds the lock, other users can access the folder and that cannot be changed, or it cannot
    /// be created or written to.
    pub fn open(path: &Path) -> Result<Self, DataFolderError> {
        make(path)?;
        let path = path.canonicalize()?;
        confine::folder(&path)?;
        let mut lock =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path.join(LOCK_FILE))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DataFolderError::Locked { holder: holder(&mut lock) }),
            Err(TryLockError::Error(reason)) => return Err(reason.into()),
        }
        lock.set_len(0)?;
        lock.rewind()?;
        writeln!(lock, "{}", std::process::id())?;
        lock.sync_all()?;
        Ok(Self { path, _lock: lock })
    }

    /// Makes the database in the folder private, after it was created.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn confine_database(&self) -> Result<(), DataFolderError> {
        confine::database(&self.path, true)
    }

    /// The folder, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn make(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        // It will hold hashes of keys and other people's products.
        builder.mode(0o700);
    }
    builder.create(path)
}

/// The process that holds the lock, as it wrote into the file; anything but digits is not repeated.
fn holder(lock: &mut File) -> String {
    let mut text = String::new();
    let read = lock.take(32).read_to_string(&mut text);
    let id = text.trim();
    let is_id = read.is_ok() && !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    if is_id { id.to_owned() } else { "unknown".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new/data");
        let first = DataFolder::open(&path).expect("locked");
        assert!(first.path().is_absolute());
        match DataFolder::open(&path) {
            Err(DataFolderError::Locked { holder }) => assert_eq!(holder, std::process::id().to_string()),
            other => panic!("{other:?}"),
        }
        drop(first);
        DataFolder::open(&path).expect("free again");
    }

    #[test]
    fn a_file_is_no_data_folder() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        assert!(matches!(DataFolder::open(file.path()), Err(DataFolderError::Io(_))));
    }
}
