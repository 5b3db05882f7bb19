//! A database and a store, as a service has them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;
use packshot_db::artifacts::collection::{self, Collection};
use packshot_db::artifacts::{
    self, NewFile, NewPackage, Package, PackageFilter, Repeated, WholePackage, files, replay,
};
use packshot_db::objects::{self as records, Remove};
pub(crate) use packshot_db::testing::TestDatabase;
use packshot_db::{AllTenants, DatabaseConfig, Db, DbError, PageRequest, TenantScope, installation};
use packshot_domain::artifact::{
    ArtifactFile, ByteSize, EventActor, FileState, Manifest, Metadata, Receipt, RetentionClass,
};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{FileId, PackageId, StoreId};
use packshot_service::objects;
use packshot_service::store::{Identity, Store, StoreConfig, StoreError};

/// The files of a package by their paths.
pub(crate) type Paths = BTreeMap<String, ContentAddress>;

/// An open database and an open store.
pub(crate) struct Stage {
    pub(crate) db: Db,
    pub(crate) store: Store,
    pub(crate) scope: TenantScope,
}

/// Bytes that only these numbers have: as many as `size_bytes` says.
pub(crate) fn bytes(size_bytes: usize, of: [u32; 3]) -> Vec<u8> {
    let mut bytes = vec![0; size_bytes];
    let mut hasher = blake3::Hasher::new();
    for number in of {
        hasher.update(&number.to_le_bytes());
    }
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

/// Who does what tests do.
pub(crate) fn by() -> EventActor {
    EventActor::System
}

pub(crate) fn new_package(id: PackageId, class: RetentionClass) -> NewPackage {
    let [name, producer, subject] = ["p", "prod", "sub"].map(|text| text.parse().expect("a label"));
    NewPackage { id, name, producer, subject, retention_class: class, metadata: Metadata::default() }
}

impl Stage {
    /// Opens both; the database's clock is `moved_ms` ahead.
    pub(crate) async fn open(database: &DatabaseConfig, root: &Path, moved_ms: i64) -> Self {
        let db = Db::open(database).await.expect("a database");
        db.move_clock(moved_ms);
        let tenant = installation::get(&db, AllTenants::Instance).await.expect("prepared").operating_tenant;
        let store = Store::open(&StoreConfig::Local { root: root.to_owned() }).expect("a store");
        let own = Identity { store: StoreId::new(), tenant };
        store.claim(own).await.expect("the store of this database");
        Self { db, store, scope: TenantScope::of(tenant) }
    }

    pub(crate) async fn close(self) {
        self.db.close().await;
    }

    /// Stores bytes, for a file with this path.
    pub(crate) async fn keep(&self, path: &str, bytes: Vec<u8>) -> NewFile {
        let mut spool = self.store.spool(u64::MAX).expect("begun");
        spool.write_whole(bytes.into()).await.expect("written");
        let upload = spool.finish().await.expect("spooled");
        let digests = upload.digests().clone();
        let kept = objects::keep(&self.db, &self.store, self.scope, upload, "application/octet-stream").await;
        assert_eq!(kept.expect("kept"), digests.address);
        let size = ByteSize::new(digests.size_bytes).expect("a size");
        NewFile {
            file: ArtifactFile {
                id: FileId::new(),
                path: path.parse().expect("a path"),
                media_type: "application/octet-stream".parse().expect("a media type"),
                size,
                address: digests.address,
                sha256: digests.sha256,
            },
            receipt: Receipt {
                backend: "local".parse().expect("a name"),
                size,
                stored_at: self.db.now().await.expect("the time"),
            },
        }
    }

    pub(crate) async fn create(&self, id: PackageId, class: RetentionClass) {
        artifacts::create(&self.db, self.scope, by(), new_package(id, class)).await.expect("a package");
    }

    /// Takes a file into a package: its bytes are stored again where they were removed meanwhile.
    pub(crate) async fn ingest(&self, package: PackageId, path: &str, bytes: &[u8]) -> ContentAddress {
        loop {
            let new = self.keep(path, bytes.to_vec()).await;
            let address = new.file.address;
            match artifacts::ingest(&self.db, self.scope, by(), package, new, Repeated::Answered).await {
                Ok(_) => return address,
                Err(DbError::NotFound("stored file")) => {}
                Err(error) => panic!("{path}: {error}"),
            }
        }
    }

    /// A finalised package with these files.
    pub(crate) async fn whole_package(&self, class: RetentionClass, files: Vec<NewFile>) -> PackageId {
        let id = PackageId::new();
        let whole = WholePackage { by: by(), package: new_package(id, class), files };
        artifacts::store(&self.db, self.scope, vec![whole]).await.expect("a package");
        id
    }

    /// A package, if it is there.
    pub(crate) async fn package(&self, id: PackageId) -> Option<Package> {
        match artifacts::get(&self.db, self.scope, id).await {
            Ok(package) => Some(package),
            Err(DbError::NotFound("package")) => None,
            Err(error) => panic!("{id}: {error}"),
        }
    }

    /// All packages.
    pub(crate) async fn packages(&self) -> Vec<Package> {
        let (mut packages, mut after) = (Vec::new(), None);
        loop {
            let page = PageRequest { limit: 200, after };
            let page = artifacts::list(&self.db, self.scope, PackageFilter::default(), page).await.expect("packages");
            packages.extend(page.items);
            after = page.next;
            if after.is_none() {
                return packages;
            }
        }
    }

    /// The files of a package. If it keeps its bytes, all of them are there and whole; if it is finalised, its manifest
    /// has its digest and says what its rows say.
    pub(crate) async fn sound(&self, package: &Package) -> Paths {
        let id = package.id;
        let records = files::all_of_package(&self.db, self.scope, id).await.expect("files");
        assert_eq!(records.len() as i64, package.file_count, "{id}");
        for record in records.iter().filter(|_| package.status.keeps_bytes()) {
            assert_eq!(record.state, FileState::Intact, "{} of {id}", record.file.path);
            let bytes = objects::read(&self.db, &self.store, self.scope, &record.file.address).await;
            let bytes = bytes.unwrap_or_else(|error| panic!("{} of {id}: {error}", record.file.path));
            assert_eq!(bytes.len() as u64, record.file.size.bytes(), "{} of {id}", record.file.path);
        }
        if let Some(digest) = package.manifest_digest {
            let manifest = files::manifest(&self.db, self.scope, id).await.expect("a manifest");
            assert_eq!(ContentAddress::of(&manifest), digest, "{id}");
            let manifest = Manifest::decode(&manifest).expect("a manifest");
            let named: Vec<&ArtifactFile> = manifest.files().iter().map(|stored| &stored.file).collect();
            assert_eq!(named, records.iter().map(|record| &record.file).collect::<Vec<_>>(), "{id}");
        }
        records.into_iter().map(|record| (record.file.path.to_string(), record.file.address)).collect()
    }

    /// The addresses that packages name which keep their bytes; each of those is [`sound`](Self::sound).
    pub(crate) async fn all_sound(&self) -> BTreeSet<ContentAddress> {
        let mut named = BTreeSet::new();
        for package in self.packages().await {
            let paths = self.sound(&package).await;
            if package.status.keeps_bytes() {
                named.extend(paths.into_values());
            }
        }
        named
    }

    /// The views are what the log says.
    pub(crate) async fn expect_no_difference(&self) -> replay::Report {
        let report = replay::verify(&self.db, self.scope).await.expect("a report");
        assert_eq!(report.n_differences, 0, "{:?}", report.differences);
        report
    }

    /// Lets go of what is due, and removes what nothing names: also bytes that have no record any more, which a crash
    /// leaves.
    pub(crate) async fn collect(&self) -> Collection {
        let (store, tenant) = (self.store.clone(), self.scope.tenant);
        let remove = move |address: ContentAddress| -> BoxFuture<'static, Result<(), StoreError>> {
            let store = store.clone();
            Box::pin(async move { store.delete(tenant, &address).await })
        };
        let collected = collection::run(&self.db, self.scope, remove.clone()).await.expect("collected");
        let stored = self.listed().await.into_iter().collect();
        for address in records::unrecorded(&self.db, self.scope, stored).await.expect("a search") {
            let remove = remove.clone();
            let remove: Remove<StoreError> = Arc::new(move || remove(address));
            let erased = records::erase(&self.db, self.scope, address, remove).await.expect("looked");
            erased.expect("nobody stores it").expect("removed");
        }
        collected
    }

    /// All objects of the store.
    pub(crate) async fn listed(&self) -> BTreeSet<ContentAddress> {
        self.store.list().map_ok(|info| info.address).try_collect().await.expect("lists")
    }
}
