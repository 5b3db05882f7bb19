//! The folder in which this process spools. It holds a lock there as long as it lives, so that other processes can tell
//! which folders belong to ended processes, however they ended, and remove them.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use super::StoreError;

/// The name of the file that is locked.
pub(super) const LOCK_FILE: &str = "lock";
/// A folder that cannot be locked is abandoned when it was last written this long ago.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// A folder of this process alone. The operating system releases the lock when the process ends.
#[derive(Debug)]
pub(super) struct SpoolFolder {
    path: PathBuf,
    lock: File,
}

impl SpoolFolder {
    /// Creates a folder below `root`, which is created if needed.
    pub(super) fn open(root: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(root)?;
        loop {
            let path = root.join(Uuid::now_v7().simple().to_string());
            std::fs::create_dir(&path)?;
            let file = path.join(LOCK_FILE);
            let lock = File::create_new(&file)?;
            match lock.try_lock() {
                Ok(()) if file.exists() => return Ok(Self { path, lock }),
                // Another process locked it a moment earlier, and took it for an abandoned one.
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(reason)) => {
                    tracing::warn!(
                        "files in {} cannot be locked, so unfinished uploads stay there for a day: {reason}",
                        root.display()
                    );
                    return Ok(Self { path, lock });
                }
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Marks it as in use, for file systems without locks.
    fn keep_alive(&self) {
        if let Err(reason) = self.lock.set_modified(SystemTime::now()) {
            tracing::warn!("{} cannot be marked as in use: {reason}", self.path.display());
        }
    }
}

/// Removes what ended processes left below `root`; `own` is the folder of this one. What cannot be removed is logged
/// and does no harm.
pub(super) fn clean(root: &Path, own: &SpoolFolder) -> Result<(), StoreError> {
    own.keep_alive();
    for entry in std::fs::read_dir(root)? {
        let path = entry?.path();
        if own.path == path {
            continue;
        }
        let cleaned = if path.is_dir() { clean_folder(&path) } else { remove_if_old(&path) };
        if let Err(reason) = gone(cleaned) {
            tracing::warn!("{} cannot be cleaned up: {reason}", path.display());
        }
    }
    Ok(())
}

fn clean_folder(folder: &Path) -> io::Result<()> {
    let lock = match File::options().write(true).open(folder.join(LOCK_FILE)) {
        Ok(lock) => lock,
        // It is about to be made, or is being removed, unless that was long ago.
        Err(error) if error.kind() == ErrorKind::NotFound && is_old(folder) => return remove_without_lock(folder),
        Err(error) => return Err(error),
    };
    match lock.try_lock() {
        Ok(()) => remove(folder, lock),
        Err(TryLockError::WouldBlock) => Ok(()),
        // A living process keeps the file's time recent.
        Err(TryLockError::Error(_)) if is_old(&folder.join(LOCK_FILE)) => remove(folder, lock),
        Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// Removes a folder whose process ended before it had a lock, or while it removed it.
fn remove_without_lock(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        gone(std::fs::remove_file(entry?.path()))?;
    }
    std::fs::remove_dir(folder)
}

/// Removes a folder whose lock is held here: the lock's name last, while it is held. A process that was about to lock
/// it sees that it is gone.
fn remove(folder: &Path, lock: File) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name() != Some(LOCK_FILE.as_ref()) {
            gone(std::fs::remove_file(path))?;
        }
    }
    gone(std::fs::remove_file(folder.join(LOCK_FILE)))?;
    drop(lock);
    gone(std::fs::remove_dir(folder))
}

fn remove_if_old(file: &Path) -> io::Result<()> {
    if is_old(file) { std::fs::remove_file(file) } else { Ok(()) }
}

/// Whether it was last written so long ago that it is abandoned.
fn is_old(path: &Path) -> bool {
    let modified = std::fs::metadata(path).and_then(|about| about.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > FORGOTTEN_AFTER))
}

/// What another process removed counts as removed.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
