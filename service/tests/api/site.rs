//! Where a service keeps what it has: rows on SQLite or PostgreSQL, files on the local disk or in a bucket.

use std::collections::BTreeSet;
use std::path::PathBuf;

use futures_util::TryStreamExt;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::TenantId;

use crate::app::{Installation, TestApp, TestDatabase, files_below};
use crate::places::Place;

/// A place for one service.
pub(crate) struct Site {
    engine: TestDatabase,
    /// The bucket; otherwise the files lie on the local disk.
    bucket: Option<Place>,
}

impl Site {
    /// With files on the local disk.
    pub(crate) fn local(engine: TestDatabase) -> Self {
        Self { engine, bucket: None }
    }

    /// With rows on SQLite and files in a bucket; `None` where there is no server for it.
    pub(crate) fn in_bucket() -> Option<Self> {
        Some(Self { engine: TestDatabase::Sqlite, bucket: Some(Place::bucket()?) })
    }

    async fn installation(&self) -> Installation {
        let mut installation = Installation::new(&self.engine, &[]).await;
        if let Some(place) = &self.bucket {
            installation.store = place.config();
        }
        installation
    }

    /// A service without a worker.
    pub(crate) async fn idle(&self) -> TestApp {
        self.installation().await.start(false).await
    }

    /// A service with a worker.
    pub(crate) async fn start(&self) -> TestApp {
        self.installation().await.start(true).await
    }

    fn store(&self, app: &TestApp) -> PathBuf {
        match &self.bucket {
            Some(place) => place.folder().to_owned(),
            None => app.folder.path().join("store"),
        }
    }

    fn file(&self, app: &TestApp, tenant: TenantId, address: ContentAddress) -> PathBuf {
        let hex = address.hex();
        self.store(app).join(format!("objects/{tenant}/{}/{}", &hex[..2], &hex[2..]))
    }

    /// Writes other bytes into an object, as a broken disk would.
    pub(crate) async fn damage(&self, app: &TestApp, tenant: TenantId, address: ContentAddress, bytes: Vec<u8>) {
        match &self.bucket {
            Some(place) => place.damage(tenant, address, bytes).await,
            None => std::fs::write(self.file(app, tenant, address), bytes).expect("written"),
        }
    }

    /// Removes an object, as whoever cleans up too much would.
    pub(crate) async fn remove(&self, app: &TestApp, tenant: TenantId, address: ContentAddress) {
        match &self.bucket {
            Some(place) => place.remove(tenant, address).await,
            None => std::fs::remove_file(self.file(app, tenant, address)).expect("removed"),
        }
    }

    /// Everything that is stored: objects by their addresses, and files of uploads that are on their way.
    pub(crate) async fn stored(&self, app: &TestApp) -> BTreeSet<String> {
        let objects: Vec<_> = app.store.list().try_collect().await.expect("lists");
        let objects = objects.into_iter().map(|info| info.address.to_string());
        let spool = self.store(app).join("spool");
        let uploads = files_below(&spool).into_iter().filter(|file| !file.ends_with("lock"));
        objects.chain(uploads.map(|file| file.display().to_string())).collect()
    }
}
