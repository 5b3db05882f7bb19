//! A11, A23, A31, A39, A48, A53–A55: files of packages by id and by content, their log, classes and figures, over HTTP.

mod events;
mod files;
mod rights;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use packshot_db::TenantScope;
use packshot_db::artifacts::collection::{self, Collection};
use packshot_db::artifacts::{self, NewFile, NewPackage, WholePackage};
use packshot_domain::artifact::{ArtifactFile, ByteSize, EventActor, Metadata, Receipt, RetentionClass};
use packshot_domain::hash::{ContentAddress, Sha256Digest};
use packshot_domain::id::{FileId, PackageId};
use packshot_service::objects;
use packshot_service::store::StoreError;

use crate::app::TestApp;

/// A file that is kept, alone in its package, which is finalised.
pub(crate) struct Kept {
    pub(crate) package: PackageId,
    pub(crate) file: FileId,
    pub(crate) address: ContentAddress,
}

impl Kept {
    /// In a package of render output.
    pub(crate) async fn make(app: &TestApp, scope: TenantScope, bytes: &[u8]) -> Self {
        Self::of_class(app, scope, RetentionClass::RenderOutput, bytes).await
    }

    pub(crate) async fn of_class(app: &TestApp, scope: TenantScope, class: RetentionClass, bytes: &[u8]) -> Self {
        let new = new_file(app, scope, "a.txt", bytes).await;
        let (file, address) = (new.file.id, new.file.address);
        Self { package: store(app, scope, new_package(class), vec![new]).await, file, address }
    }

    fn path(&self) -> String {
        format!("/api/v1/files/{}", self.file)
    }

    pub(crate) fn content_path(&self) -> String {
        format!("/api/v1/files/{}/content", self.file)
    }

    fn address_path(&self) -> String {
        format!("/api/v1/content/{}", self.address)
    }
}

pub(crate) fn new_package(retention_class: RetentionClass) -> NewPackage {
    let [name, producer, subject] = ["p", "prod", "sub"].map(|text| text.parse().expect("a label"));
    NewPackage { id: PackageId::new(), name, producer, subject, retention_class, metadata: Metadata::default() }
}

/// Makes a package of these files, and finalises it.
async fn store(app: &TestApp, scope: TenantScope, package: NewPackage, files: Vec<NewFile>) -> PackageId {
    let whole = WholePackage { by: EventActor::System, package, files };
    let mut stored = artifacts::store(&app.db, scope, vec![whole]).await.expect("stored");
    stored.pop().expect("a package").id
}

/// A file whose bytes are in the store.
pub(crate) async fn new_file(app: &TestApp, scope: TenantScope, path: &str, bytes: &[u8]) -> NewFile {
    let mut spool = app.store.spool(bytes.len() as u64).expect("begun");
    for piece in bytes.chunks(1 << 20) {
        spool.write(piece).await.expect("written");
    }
    let upload = spool.finish().await.expect("spooled");
    let address = objects::keep(&app.db, &app.store, scope, upload, "text/plain").await.expect("kept");
    let size = ByteSize::new(bytes.len() as u64).expect("a size");
    let file = ArtifactFile {
        id: FileId::new(),
        path: path.parse().expect("a path"),
        media_type: "text/plain".parse().expect("a media type"),
        size,
        address,
        sha256: Sha256Digest::of_bytes(bytes),
    };
    let stored_at = app.db.now().await.expect("the time");
    NewFile { file, receipt: Receipt { backend: app.store.backend(), size, stored_at } }
}

/// Lets go of what is due.
pub(crate) async fn collect(app: &TestApp, scope: TenantScope) -> Collection {
    let store = app.store.clone();
    let remove = move |address: ContentAddress| -> BoxFuture<'static, Result<(), StoreError>> {
        let store = store.clone();
        async move { store.delete(scope.tenant, &address).await }.boxed()
    };
    collection::run(&app.db, scope, remove).await.expect("collected")
}
