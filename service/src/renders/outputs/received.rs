//! Files that a worker sends while it works.

use tokio::sync::mpsc::Receiver;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{OutputError, picture_row};
use crate::store::{Spooled, Store, StoreError};
use packshot_db::tasks::OutputFile as StoredFile;
use packshot_worker::protocol::OutputFile;
use packshot_worker::quota;

/// Files that a worker finished while its work goes on, taken one after the other. They are kept on the local disk,
/// where uploads are, until the work has completed; if it does not, they are removed.
#[derive(Debug)]
pub(in crate::renders) struct Received {
    task: JoinHandle<Result<Vec<(StoredFile, Spooled)>, OutputError>>,
    /// Says that all files were sent.
    all_sent: Option<oneshot::Sender<()>>,
    /// The outcome, once it was waited for.
    ended: Option<Result<Vec<(StoredFile, Spooled)>, OutputError>>,
}

impl Received {
    /// Begins to take files, with a limit on their bytes together.
    pub(in crate::renders) fn begin(store: Store, files: Receiver<OutputFile>, bytes_max: u64) -> Self {
        let (all_sent, is_last) = oneshot::channel();
        let task = tokio::spawn(spool_each(store, files, is_last, bytes_max));
        Self { task, all_sent: Some(all_sent), ended: None }
    }

    /// Waits for the error after which no more files are taken. If there is none, it waits for ever.
    pub(in crate::renders) async fn failed(&mut self) -> OutputError {
        if self.ended.is_none() {
            match self.end().await {
                Err(error) => return error,
                stored => self.ended = Some(stored),
            }
        }
        std::future::pending().await
    }

    /// All files, when the last of them was sent.
    pub(super) async fn all(mut self) -> Result<Vec<(StoredFile, Spooled)>, OutputError> {
        drop(self.all_sent.take());
        match self.ended.take() {
            Some(ended) => ended,
            None => self.end().await,
        }
    }

    async fn end(&mut self) -> Result<Vec<(StoredFile, Spooled)>, OutputError> {
        let stopped = |reason| StoreError::Io(std::io::Error::other(reason));
        (&mut self.task).await.map_err(stopped)?
    }
}

impl Drop for Received {
    /// The files are no longer needed, so the worker that sends them need not wait either.
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Writes one file after the other, until all were sent or one cannot be written.
async fn spool_each(
    store: Store,
    mut files: Receiver<OutputFile>,
    mut all_sent: oneshot::Receiver<()>,
    bytes_max: u64,
) -> Result<Vec<(StoredFile, Spooled)>, OutputError> {
    let (mut spooled, mut room) = (Vec::new(), bytes_max);
    loop {
        let file = tokio::select! {
            file = files.recv() => file,
            _ = &mut all_sent, if !files.is_closed() => {
                files.close();
                continue;
            }
        };
        let Some(OutputFile { name, format, width, height, bytes }) = file else { return Ok(spooled) };
        let size_bytes = bytes.len();
        let mut spool = store.spool(room)?;
        match spool.write_whole(bytes).await {
            Err(StoreError::TooLarge { .. }) => return Err(OutputError::TooLarge(quota::beyond(&name, bytes_max))),
            written => written?,
        }
        let file = spool.finish().await?;
        room -= size_bytes as u64;
        spooled.push((picture_row(name, format, [width, height], file.address(), size_bytes), file));
    }
}
