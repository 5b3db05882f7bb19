//! Finished pictures of a series are kept in the data folder until its job has ended, so that another attempt can
//! resume after them. Then they are removed, wherever and however the job ended.

use std::path::{Path, PathBuf};

use packshot_db::renders as rows;
use packshot_db::{AllTenants, Db, DbError};
use packshot_worker::kept;

/// Why something was not removed. It will be, the next time.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// It is not known which jobs have ended.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The folder cannot be read.
    #[error("{}: {reason}", path.display())]
    Folder {
        /// Where what is finished is kept.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
}

/// Removes the finished pictures of jobs that have ended. What cannot be removed is named in the log, and the rest is
/// still removed.
///
/// # Errors
/// [`SweepError`].
pub async fn sweep(db: &Db, scratch: &Path) -> Result<(), SweepError> {
    // In this order: what is found is of a job that the database has already.
    let found = in_folder(scratch, kept::jobs).await;
    let found = found.map_err(|reason| SweepError::Folder { path: scratch.to_owned(), reason })?;
    if found.is_empty() {
        return Ok(());
    }
    let live = rows::live(db, AllTenants::Housekeeping, &found).await?;
    for render in found.into_iter().filter(|render| !live.contains(render)) {
        if let Err(reason) = in_folder(scratch, move |scratch| kept::forget(scratch, render)).await {
            let folder = scratch.display();
            tracing::warn!("the finished pictures of render {render} in {folder} cannot be removed: {reason}");
        }
    }
    Ok(())
}

/// Works on the disk, on a thread that may block.
async fn in_folder<T: Send + 'static>(
    scratch: &Path,
    work: impl FnOnce(&Path) -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    let scratch = scratch.to_owned();
    tokio::task::spawn_blocking(move || work(&scratch)).await.map_err(std::io::Error::other)?
}

/// Sweeps in the background.
pub fn sweep_soon(db: Db, scratch: PathBuf) {
    // When the process is ending, this is left to the next start.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        if let Err(error) = sweep(&db, &scratch).await {
            tracing::warn!("finished pictures of ended jobs cannot be removed: {error}");
        }
    });
}

/// Sweeps when this is dropped: after the end of an attempt.
#[derive(Debug)]
pub(super) struct SweepAfter {
    pub(super) db: Db,
    pub(super) scratch: PathBuf,
}

impl Drop for SweepAfter {
    fn drop(&mut self) {
        sweep_soon(self.db.clone(), self.scratch.clone());
    }
}
