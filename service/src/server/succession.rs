//! The worker of a data folder, and the tasks of the worker before it.
//!
//! A file in the folder names the worker under which tasks are claimed there. The process that holds the folder's lock
//! knows that the named worker is dead, because the operating system releases a lock only when its process ends. So the
//! tasks of that worker need not wait until their leases expire. Workers of other folders on the same database are left
//! alone.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::error::ServeError;
use super::lock::{DataFolder, DataFolderError};
use crate::jobs::recovery;
use packshot_db::Db;
use packshot_domain::id::WorkerId;

/// The file that names the worker.
const WORKER_FILE: &str = "worker";
/// Its name until it is complete.
const NEW_WORKER_FILE: &str = "worker.new";

/// Takes back what the last worker of this folder held, and puts a new one in its place.
///
/// # Errors
/// When the database cannot be reached or the folder cannot be written to; the rest is left for the next start.
pub(super) async fn succeed(db: &Db, data: &DataFolder) -> Result<WorkerId, ServeError> {
    let unusable = |reason| ServeError::Data { path: data.path().to_owned(), source: DataFolderError::Io(reason) };
    if let Some(last) = last(data.path()).map_err(unusable)? {
        recovery::bury(db, last).await.map_err(ServeError::Database)?;
    }
    // A new one at each start: should a copy of the folder be started as well, each knows of no tasks but those of its
    // past.
    let worker = WorkerId::new();
    // Before the first claim, or the owner of its tasks would be unknown.
    install(data.path(), worker).map_err(unusable)?;
    Ok(worker)
}

/// The last worker of a folder; none when the folder is new, or the file is not as it was written.
fn last(folder: &Path) -> io::Result<Option<WorkerId>> {
    match std::fs::read(folder.join(WORKER_FILE)) {
        Ok(bytes) => Ok(std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Names the worker of a folder. The file is whole at any moment.
fn install(folder: &Path, worker: WorkerId) -> io::Result<()> {
    let new = folder.join(NEW_WORKER_FILE);
    let mut file = File::create(&new)?;
    writeln!(file, "{worker}")?;
    file.sync_all()?;
    std::fs::rename(new, folder.join(WORKER_FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_names_its_last_worker() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(last(folder.path()).expect("readable"), None);
        for _ in 0..2 {
            let worker = WorkerId::new();
            install(folder.path(), worker).expect("written");
            assert_eq!(last(folder.path()).expect("readable"), Some(worker));
        }
        std::fs::write(folder.path().join(WORKER_FILE), b"\xff half a na").expect("written");
        assert_eq!(last(folder.path()).expect("readable"), None, "then the leases run out");
    }
}
