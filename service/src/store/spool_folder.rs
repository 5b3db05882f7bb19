//! The folder in which this process spools. It holds a lock there for as long as it lives; so every process sees which
//! folders are those of processes that ended, however they ended, and removes them.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use super::StoreError;

/// The name of the file that is locked.
pub(super) const LOCK_FILE: &str = "lock";
/// What nobody can have a lock of, and was last written so long ago, is nobody's any more.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// A folder of this process alone. The operating system lets go of the lock when the process ends.
#[derive(Debug)]
pub(super) struct SpoolFolder {
    path: PathBuf,
    lock: File,
}

impl SpoolFolder {
    /// Makes a folder below `root`, which is made as well.
    pub(super) fn open(root: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(root)?;
        loop {
            let path = root.join(Uuid::now_v7().simple().to_string());
            std::fs::create_dir(&path)?;
            let file = path.join(LOCK_FILE);
            let lock = File::create_new(&file)?;
            match lock.try_lock() {
                Ok(()) if file.exists() => return Ok(Self { path, lock }),
                // Another process locked it in the moment before, and took it for that of one that ended.
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

    /// Says that its process lives, to those on file systems without locks.
    fn keep_alive(&self) {
        if let Err(reason) = self.lock.set_modified(SystemTime::now()) {
            tracing::warn!("{} cannot be marked as in use: {reason}", self.path.display());
        }
    }
}

/// Removes what processes that ended left below `root`; `own` is the folder of this one. What cannot be removed is
/// said, and in nobody's way.
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
        // Who lives says so in the file's time.
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

/// Removes a folder whose lock is held here: the lock's name last, while it is held. Who was about to lock it sees that
/// it is gone.
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

/// Whether it was last written so long ago that it is nobody's any more.
fn is_old(path: &Path) -> bool {
    let modified = std::fs::metadata(path).and_then(|about| about.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > FORGOTTEN_AFTER))
}

/// What another process removed is as good as removed.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
