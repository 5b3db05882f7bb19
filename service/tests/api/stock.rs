//! Packages with stored files, made as requests and tasks make them, for tests of what happens to files.

use packshot_db::artifacts::files::{self, FileRecord};
use packshot_db::artifacts::{self, Caller, NewFile, NewPackage, Package, Repeated};
use packshot_db::{Db, DbError, TenantScope, objects as rows};
use packshot_domain::access::Role;
use packshot_domain::artifact::{ArtifactFile, ByteSize, EventActor, FileState, Metadata, Receipt, RetentionClass};
use packshot_domain::audit::Actor;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{FileId, PackageId};
use packshot_service::objects;
use packshot_service::store::Store;

use crate::app::TestApp;

/// A tenant's packages, and the store with their files.
pub(crate) struct Stock {
    pub(crate) db: Db,
    pub(crate) store: Store,
    pub(crate) scope: TenantScope,
}

impl Stock {
    /// Of the tenant that runs the installation.
    pub(crate) async fn of(app: &TestApp) -> Self {
        Self { db: app.db.clone(), store: app.store.clone(), scope: app.scope().await }
    }

    /// Stores bytes, as an upload does.
    pub(crate) async fn keep(&self, bytes: &[u8]) -> ContentAddress {
        let mut spool = self.store.spool(bytes.len() as u64).expect("begun");
        spool.write(bytes).await.expect("written");
        let upload = spool.finish().await.expect("spooled");
        objects::keep(&self.db, &self.store, self.scope, upload, "text/plain").await.expect("kept")
    }

    /// An empty package.
    pub(crate) async fn package(&self, class: RetentionClass) -> PackageId {
        let [name, producer, subject] = ["p", "prod", "sub"].map(|text| text.parse().expect("a label"));
        let metadata = Metadata::default();
        let new = NewPackage { id: PackageId::new(), name, producer, subject, retention_class: class, metadata };
        artifacts::create(&self.db, self.scope, EventActor::System, new).await.expect("a package").id
    }

    /// Takes a file into a package; its bytes are stored again if they were collected meanwhile.
    pub(crate) async fn ingest(&self, package: PackageId, path: &str, bytes: &[u8]) -> FileRecord {
        loop {
            let address = self.keep(bytes).await;
            let Some(object) = rows::find(&self.db, self.scope, address).await.expect("a search") else { continue };
            let size = ByteSize::new(bytes.len() as u64).expect("a size");
            let file = ArtifactFile {
                id: FileId::new(),
                path: path.parse().expect("a path"),
                media_type: "text/plain".parse().expect("a media type"),
                size,
                address,
                sha256: object.sha256.expect("a digest"),
            };
            let stored_at = self.db.now().await.expect("the time");
            let new = NewFile { file, receipt: Receipt { backend: self.store.backend(), size, stored_at } };
            let by = EventActor::System;
            match artifacts::ingest(&self.db, self.scope, by, package, new, Repeated::Answered).await {
                Ok(ingested) => return ingested.file,
                Err(DbError::NotFound("stored file")) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// A finalised package with these files.
    pub(crate) async fn whole(&self, class: RetentionClass, files: &[(&str, &[u8])]) -> PackageId {
        let package = self.package(class).await;
        for (path, bytes) in files {
            self.ingest(package, path, bytes).await;
        }
        artifacts::finalize(&self.db, self.scope, EventActor::System, package).await.expect("finalized");
        package
    }

    pub(crate) async fn delete(&self, package: PackageId) {
        let by = Caller { event: EventActor::System, audit: Actor::system(), role: Role::TenantAdmin };
        let reason = Some("because".parse().expect("a reason"));
        artifacts::delete(&self.db, self.scope, by, package, reason).await.expect("deleted");
    }

    pub(crate) async fn found(&self, package: PackageId) -> Package {
        artifacts::get(&self.db, self.scope, package).await.expect("the package")
    }

    /// The paths of a package's files, each with its state.
    pub(crate) async fn states(&self, package: PackageId) -> Vec<(String, FileState)> {
        let files = files::all_of_package(&self.db, self.scope, package).await.expect("files");
        files.into_iter().map(|record| (record.file.path.to_string(), record.state)).collect()
    }

    /// Whether the store has these bytes.
    pub(crate) async fn has(&self, bytes: &[u8]) -> bool {
        self.store.has(self.scope.tenant, &ContentAddress::of(bytes)).await.expect("answers")
    }

    pub(crate) fn wait_days(&self, days: f64) {
        self.db.move_clock((days * 86_400_000.0) as i64);
    }
}
