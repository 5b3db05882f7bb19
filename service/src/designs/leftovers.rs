//! What an attempt leaves when it has not come to an end: files that it stored and that nothing names, and what was to
//! be taken back. Both are looked at after the end of the attempt was written, however it ended.

use std::sync::{Arc, Mutex, PoisonError};

use super::checking;
use crate::app::Deeds;
use crate::packages;
use crate::store::Store;
use packshot_db::{Db, TenantScope};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::DesignJobId;

/// The files that an attempt has stored.
#[derive(Clone, Debug, Default)]
pub(super) struct StoredFiles(Arc<Mutex<Vec<ContentAddress>>>);

impl StoredFiles {
    /// Notes a file before it is stored or after.
    pub(super) fn note(&self, address: ContentAddress) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(address);
    }

    fn take(&self) -> Vec<ContentAddress> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Cleans up when this is dropped.
#[derive(Debug)]
pub(super) struct CleanAfter {
    pub(super) db: Db,
    pub(super) store: Store,
    pub(super) deeds: Arc<dyn Deeds>,
    pub(super) scope: TenantScope,
    pub(super) job: DesignJobId,
    pub(super) stored: StoredFiles,
}

impl Drop for CleanAfter {
    fn drop(&mut self) {
        // When the process is ending, collection and the next check do it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let Self { db, store, deeds, scope, job, stored } = self;
        let (db, store, deeds, scope, job) = (db.clone(), store.clone(), deeds.clone(), *scope, *job);
        let stored = stored.take();
        runtime.spawn(async move {
            if let Err(error) = checking::settle(&db, &*deeds, scope, job).await {
                tracing::warn!("what the design job {job} did cannot be taken back yet: {error}");
            }
            // What the job has by now stays.
            for address in stored {
                packages::let_go(&db, &store, scope, address).await;
            }
        });
    }
}
