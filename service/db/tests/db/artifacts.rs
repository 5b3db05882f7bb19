//! A02–A20, A44, A54, A63: packages, their files, and what the log says of them.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use packshot_db::artifacts::events::{self, EventRecord};
use packshot_db::artifacts::files::{self, FileRecord};
use packshot_db::artifacts::{
    self, ArtifactError, Caller, Ingested, NewFile, NewPackage, Package, PackageFilter, Repeated, WholePackage,
};
use packshot_db::objects::{self, NewObject};
use packshot_db::{AllTenants, DbError, Json, PageRequest, TenantScope};
use packshot_domain::access::Role;
use packshot_domain::artifact::{
    ArtifactEvent, ArtifactFile, ByteSize, EventActor, EventType, FileState, Manifest, Metadata, PackageStatus,
    Receipt, RetentionClass, StorageLocationId, Tree,
};
use packshot_domain::audit::Actor;
use packshot_domain::change::Change;
use packshot_domain::hash::{ContentAddress, Digests};
use packshot_domain::id::{FileId, PackageId};
use packshot_domain::tenant_config::{LimitedClass, TenantConfigChange};
use serde_json::json;

use crate::engine::Fixture;

pub(crate) const ALL: PageRequest = PageRequest { limit: 200, after: None };
pub(crate) const DAY_S: f64 = 24.0 * 60.0 * 60.0;

pub(crate) fn ops() -> EventActor {
    EventActor::Named("ops".parse().expect("a name"))
}

pub(crate) fn caller(role: Role) -> Caller {
    Caller { event: ops(), audit: Actor::system(), role }
}

pub(crate) fn new_package(class: RetentionClass) -> NewPackage {
    let [name, producer, subject] = ["p", "prod", "sub"].map(|text| text.parse().expect("a label"));
    NewPackage { id: PackageId::new(), name, producer, subject, retention_class: class, metadata: Metadata::default() }
}

pub(crate) fn whole(package: NewPackage, files: Vec<NewFile>) -> WholePackage {
    WholePackage { by: ops(), package, files }
}

impl Fixture {
    pub(crate) async fn package(&self, class: RetentionClass) -> PackageId {
        artifacts::create(&self.db, self.scope, ops(), new_package(class)).await.expect("a package").id
    }

    /// A file whose bytes are about to be stored: their record is there.
    pub(crate) async fn stored(&self, path: &str, bytes: &[u8]) -> NewFile {
        let digests = Digests::of(bytes);
        let size = ByteSize::new(digests.size_bytes).expect("a size");
        objects::record(&self.db, self.scope, NewObject::hashed(&digests, "text/plain")).await.expect("a record");
        let stored_at = self.db.now().await.expect("the time");
        NewFile {
            file: ArtifactFile {
                id: FileId::new(),
                path: path.parse().expect("a path"),
                media_type: "text/plain".parse().expect("a media type"),
                size,
                address: digests.address,
                sha256: digests.sha256,
            },
            receipt: Receipt { backend: "local".parse().expect("a name"), size, stored_at },
        }
    }

    pub(crate) async fn try_ingest(&self, package: PackageId, path: &str, bytes: &[u8]) -> Result<Ingested, DbError> {
        let new = self.stored(path, bytes).await;
        artifacts::ingest(&self.db, self.scope, ops(), package, new, Repeated::Answered).await
    }

    pub(crate) async fn ingest(&self, package: PackageId, path: &str, bytes: &[u8]) -> FileRecord {
        self.try_ingest(package, path, bytes).await.expect("a file").file
    }

    pub(crate) async fn finalize(&self, package: PackageId) -> Package {
        artifacts::finalize(&self.db, self.scope, ops(), package).await.expect("finalized")
    }

    pub(crate) async fn found(&self, package: PackageId) -> Package {
        artifacts::get(&self.db, self.scope, package).await.expect("the package")
    }

    pub(crate) async fn log(&self) -> Vec<EventRecord> {
        let log = events::after(&self.db, self.scope, 0, 100_000, None).await.expect("the log");
        assert!(log.iter().map(|event| event.sequence.get()).eq(1..=log.len() as i64), "no gaps");
        log
    }

    pub(crate) async fn paths(&self, package: PackageId) -> Vec<String> {
        let files = files::all_of_package(&self.db, self.scope, package).await.expect("files");
        files.into_iter().map(|record| record.file.path.to_string()).collect()
    }
}

pub(crate) fn is_state<T>(result: Result<T, DbError>) -> bool {
    matches!(result, Err(DbError::Artifact(ArtifactError::State(_))))
}

pub(crate) fn is_duplicate<T>(result: Result<T, DbError>) -> bool {
    matches!(result, Err(DbError::Artifact(ArtifactError::Duplicate { .. })))
}

pub(crate) async fn a02_a14_create_writes_view_and_event(t: Fixture) {
    let new = new_package(RetentionClass::RawEvidence);
    let made = artifacts::create(&t.db, t.scope, ops(), new.clone()).await.expect("a package");
    let found = t.found(new.id).await;
    assert_eq!(found, made);
    let named = (found.name.as_str(), found.retention_class.as_str(), found.status.as_str());
    assert_eq!(named, ("p", "raw-evidence", "created"));
    let log = t.log().await;
    assert_eq!((log.len(), log[0].event_type, log[0].actor.to_string()), (1, EventType::PackageCreated, "ops".into()));
    assert_eq!((log[0].package, log[0].created_at), (new.id, found.created_at));
    let event = ArtifactEvent::decode(log[0].event_type, &log[0].payload).expect("an event");
    let ArtifactEvent::PackageCreated { name, producer, subject, retention, metadata, .. } = event else {
        panic!("{event:?}")
    };
    let members = (name, producer, subject, retention.class(), metadata);
    let NewPackage { name, producer, subject, retention_class, metadata, .. } = new.clone();
    assert_eq!(members, (name, producer, subject, retention_class, metadata));
    // The same id again: the view cannot be written, and so there is no event.
    artifacts::create(&t.db, t.scope, ops(), new).await.expect_err("there is a row with this id");
    assert_eq!(t.log().await.len(), 1);
}

/// Metadata has up to 64 KiB, and a manifest megabytes: a page of them must not take what memory there is.
pub(crate) async fn a31_pages_of_large_events_are_short_and_miss_nothing(t: Fixture) {
    let text = Tree::from("x".repeat(65_000).as_str());
    let metadata = Metadata::new([("text".to_owned(), text)].into()).expect("metadata");
    for _ in 0..150 {
        let new = NewPackage { metadata: metadata.clone(), ..new_package(RetentionClass::Scratch) };
        artifacts::create(&t.db, t.scope, ops(), new).await.expect("a package");
    }
    let (mut seen, mut pages) = (Vec::new(), Vec::new());
    loop {
        let after = seen.last().copied().unwrap_or(0);
        let page = events::after(&t.db, t.scope, after, 200, None).await.expect("the log");
        if page.is_empty() {
            break;
        }
        assert!(page.iter().map(|event| event.payload.len()).sum::<usize>() <= 8 << 20);
        seen.extend(page.iter().map(|event| event.sequence.get()));
        pages.push(page.len());
    }
    assert!(seen.into_iter().eq(1..=150) && pages.len() == 2, "{pages:?}");
}

pub(crate) async fn a03_a15_a17_ingest_writes_file_location_and_event(t: Fixture) {
    let package = t.package(RetentionClass::RawEvidence).await;
    t.wait(3.0);
    let new = t.stored("x/y.txt", "hello world".repeat(100).as_bytes()).await;
    let taken = artifacts::ingest(&t.db, t.scope, ops(), package, new.clone(), Repeated::Refused).await;
    let taken = taken.expect("a file");
    assert!(taken.is_new && taken.healed.is_empty());
    let record = files::get(&t.db, t.scope, new.file.id).await.expect("the file");
    assert_eq!((&record, &record.file, record.state), (&taken.file, &new.file, FileState::Intact));
    assert_eq!((record.file.size.bytes(), record.file.path.as_str()), (1100, "x/y.txt"));
    let address = "blake3:838116ca8f33ffdc916fd26647b5b3426303a40517ee92187c3a56516fc4a33a";
    assert_eq!(record.file.address.to_string(), address);
    let log = t.log().await;
    let event = &log[1];
    assert_eq!((event.event_type, event.package), (EventType::FileIngested, package));
    let payload = Tree::from_cbor(&event.payload).expect("a tree");
    let location = StorageLocationId::of(new.file.id, &new.receipt.backend, new.file.address);
    let said = artifacts::json_of(&payload);
    assert_eq!(said["storage_location_id"], json!(location.to_string()));
    assert_eq!(said["receipt"]["backend_id"], json!("local"));
    assert_eq!(said["file_id"], json!(new.file.id.to_string()));
    let found = t.found(package).await;
    assert_eq!(found.last_event_sequence, event.sequence);
    assert_eq!((found.file_count, found.total_bytes), (1, 1100));
    assert_eq!((record.created_at, found.created_at), (event.created_at, log[0].created_at), "A17");
    assert!(record.created_at > found.created_at);
}

pub(crate) async fn a04_a05_a06_a16_a19_errors_leave_nothing(t: Fixture) {
    let (open, closed) = (t.package(RetentionClass::RawEvidence).await, t.package(RetentionClass::RawEvidence).await);
    t.ingest(open, "a.txt", b"one").await;
    t.finalize(closed).await;
    let before = (t.log().await.len(), t.found(open).await, t.found(closed).await);
    assert!(is_duplicate(t.try_ingest(open, "a.txt", b"two").await), "A04");
    let path = "a.txt".parse().expect("a path");
    let unknown = t.try_ingest(PackageId::new(), "a.txt", b"two").await;
    assert!(matches!(unknown, Err(DbError::NotFound("package"))), "A05: {unknown:?}");
    assert!(is_state(t.try_ingest(closed, "a.txt", b"two").await), "A16");
    assert!(is_state(artifacts::check(&t.db, t.scope, closed, path).await), "A16: before a byte is read");
    assert!(is_state(artifacts::finalize(&t.db, t.scope, ops(), closed).await), "A06");
    // Whoever was refused takes the record back.
    let two = ContentAddress::of(b"two");
    assert!(objects::free(&t.db, t.scope, two).await.expect("freed"));
    assert_eq!(objects::find(&t.db, t.scope, two).await.expect("a search"), None);
    let one = ContentAddress::of(b"one");
    assert!(!objects::free(&t.db, t.scope, one).await.expect("looked"), "a file names it");
    assert_eq!((t.log().await.len(), t.found(open).await, t.found(closed).await), before);
    let unstored = t.stored("b.txt", b"three").await;
    assert!(objects::free(&t.db, t.scope, unstored.file.address).await.expect("freed"));
    let gone = artifacts::ingest(&t.db, t.scope, ops(), open, unstored, Repeated::Answered).await;
    assert!(matches!(gone, Err(DbError::NotFound("stored file"))), "store it again: {gone:?}");
}

pub(crate) async fn a07_a08_a09_a11_a13_a_package_from_end_to_end(t: Fixture) {
    let metadata = Metadata::new([("run_id".to_owned(), Tree::from("r-1"))].into()).expect("metadata");
    let new = NewPackage { metadata: metadata.clone(), ..new_package(RetentionClass::RawEvidence) };
    let id = new.id;
    let mut tail = pin!(events::tail(t.db.clone(), t.scope, 0, Duration::from_millis(10)));
    artifacts::create(&t.db, t.scope, ops(), new).await.expect("a package");
    let mut ids = Vec::new();
    for i in 0..3 {
        let bytes = format!("file content {i}").repeat(50);
        ids.push(t.ingest(id, &format!("reports/{i}.txt"), bytes.as_bytes()).await.file.id);
    }
    let before = files::manifest(&t.db, t.scope, id).await;
    assert!(matches!(before, Err(DbError::Artifact(ArtifactError::NotFinalized))), "{before:?}");
    let package = t.finalize(id).await;
    let digest = package.manifest_digest.expect("a digest");
    let bytes = files::manifest(&t.db, t.scope, id).await.expect("the manifest");
    let log = t.log().await;
    let last = log.last().expect("an event");
    assert_eq!((&last.payload, last.payload_digest), (&bytes, digest), "A13");
    assert_eq!(ContentAddress::of(&bytes), digest);
    assert!(digest.to_string().starts_with("blake3:"), "A07");
    let said = artifacts::json_of(&Tree::from_cbor(&bytes).expect("a tree"));
    let package_said = (&said["manifest_version"], &said["package"]["id"], &said["package"]["status"]);
    assert_eq!(package_said, (&json!(1), &json!(id.to_string()), &json!("finalized")), "A08");
    let paths: Vec<&Json> =
        said["files"].as_array().expect("files").iter().map(|file| &file["relative_path"]).collect();
    assert_eq!(paths, ["reports/0.txt", "reports/1.txt", "reports/2.txt"], "A08");
    assert_eq!(said["storage_receipts"].as_array().map(Vec::len), Some(3), "A08");
    let manifest = Manifest::decode(&bytes).expect("a manifest");
    let text = manifest.to_json();
    assert!(text.starts_with('{') && text.contains("\"manifest_version\":1"), "A09: {text}");
    assert_eq!(manifest.package().metadata, metadata);
    assert_eq!(Some(manifest.package().finalized_at), package.finalized_at);
    assert_eq!(manifest.files().iter().map(|stored| stored.file.id).collect::<Vec<_>>(), ids);
    assert!(manifest.files().iter().all(|stored| stored.receipts.len() == 1));
    assert_eq!(t.paths(id).await, ["reports/0.txt", "reports/1.txt", "reports/2.txt"]);

    let mut types = Vec::new();
    let five = async {
        while types.len() < 5 {
            types.push(tail.next().await.expect("it is endless").expect("an event").event_type);
        }
    };
    tokio::time::timeout(Duration::from_secs(5), five).await.expect("in time");
    let ingested = EventType::FileIngested;
    let expected = [EventType::PackageCreated, ingested, ingested, ingested, EventType::PackageFinalized];
    assert_eq!(types, expected, "A11");
    let quiet = tokio::time::timeout(Duration::from_millis(50), tail.next()).await;
    assert!(quiet.is_err(), "it waits for more");
    t.package(RetentionClass::Scratch).await;
    let next = tokio::time::timeout(Duration::from_secs(5), tail.next()).await.expect("in time");
    assert_eq!(next.expect("endless").expect("an event").sequence.get(), 6);
}

pub(crate) async fn a22_files_are_in_the_order_of_their_bytes(t: Fixture) {
    let package = t.package(RetentionClass::Scratch).await;
    for path in ["b", "ä", "a/z", "a.txt"] {
        t.ingest(package, path, path.as_bytes()).await;
    }
    t.finalize(package).await;
    let bytes = files::manifest(&t.db, t.scope, package).await.expect("the manifest");
    let manifest = Manifest::decode(&bytes).expect("a manifest");
    let expected = ["a.txt", "a/z", "b", "ä"];
    assert!(manifest.files().iter().map(|stored| stored.file.path.as_str()).eq(expected));
    assert_eq!(t.paths(package).await, expected);
    let mut paged = Vec::new();
    let mut after = None;
    loop {
        let page = files::of_package(&t.db, t.scope, package, 3, after).await.expect("a page");
        paged.extend(page.items.into_iter().map(|record| record.file.path.to_string()));
        match page.next {
            Some(next) => after = Some(next.to_string().parse().expect("a cursor")),
            None => break,
        }
    }
    assert_eq!(paged, expected);
}

pub(crate) async fn a44_a_time_is_fixed_when_the_package_is_created(t: Fixture) {
    let older = t.package(RetentionClass::Preview).await;
    let days = TenantConfigChange {
        retention_days: Change::Set(vec![(LimitedClass::Preview, Change::Set(90))]),
        ..TenantConfigChange::default()
    };
    t.configure(t.scope, days).await;
    let newer = t.package(RetentionClass::Preview).await;
    t.configure(t.scope, TenantConfigChange { retention_days: Change::Reset, ..Default::default() }).await;
    for (package, days) in [(older, 30), (newer, 90)] {
        let package = t.finalize(package).await;
        let (finalized_at, expires_at) = (package.finalized_at.expect("a time"), package.expires_at.expect("a time"));
        assert_eq!(expires_at, finalized_at + Duration::from_secs(days * 86_400));
    }
}

pub(crate) async fn a54_another_tenant_sees_nothing(t: Fixture) {
    let (foreign, _) = t.other_tenant().await;
    let package = t.package(RetentionClass::Preview).await;
    let file = t.ingest(package, "a", b"a").await.file;
    t.finalize(package).await;
    let seen = async |scope: TenantScope| {
        let filter = PackageFilter::default();
        [
            artifacts::get(&t.db, scope, package).await.is_ok(),
            !artifacts::list(&t.db, scope, filter, ALL).await.expect("a page").items.is_empty(),
            files::get(&t.db, scope, file.id).await.is_ok(),
            files::of_package(&t.db, scope, package, 9, None).await.is_ok(),
            files::manifest(&t.db, scope, package).await.is_ok(),
            files::with_content(&t.db, scope, file.address).await.expect("a search").is_some(),
            !events::after(&t.db, scope, 0, 9, None).await.expect("the log").is_empty(),
            events::last(&t.db, scope).await.expect("a number").is_some(),
        ]
    };
    assert_eq!(seen(t.scope).await, [true; 8]);
    assert_eq!(seen(foreign).await, [false; 8]);
    let by = || caller(Role::TenantAdmin);
    let reason = || "because".parse().expect("a reason");
    let new = t.stored("b", b"b").await;
    let refused = [
        artifacts::ingest(&t.db, foreign, ops(), package, new, Repeated::Answered).await.err(),
        artifacts::finalize(&t.db, foreign, ops(), package).await.err(),
        artifacts::hold(&t.db, foreign, by(), package, reason()).await.err(),
        artifacts::release(&t.db, foreign, by(), package, reason()).await.err(),
        artifacts::reclassify(&t.db, foreign, by(), package, RetentionClass::Scratch).await.err(),
        artifacts::delete(&t.db, foreign, by(), package, None).await.err(),
    ];
    assert!(refused.iter().all(|error| matches!(error, Some(DbError::NotFound("package")))), "{refused:?}");
    let all = artifacts::list(&t.db, packshot_db::ReadScope::All, PackageFilter::default(), ALL).await;
    assert_eq!(all.expect("a page").items.len(), 1);
}

pub(crate) async fn a63_packages_are_found_by_what_they_name(t: Fixture) {
    let (scene, library, job) = (ContentAddress::of(b"scene"), ContentAddress::of(b"library"), FileId::new());
    let provenance = json!({"provenance": {
        "job": {"id": job.to_string()},
        "scene": {"content_address": scene.to_string()},
        "materials": {"library_digest": library.to_string()},
    }});
    let Ok(Tree::Map(members)) = artifacts::tree_of(&provenance) else { panic!("an object") };
    let metadata = Metadata::new(members).expect("metadata");
    let made = NewPackage { metadata, ..new_package(RetentionClass::RenderOutput) };
    let other = NewPackage { name: "q".parse().expect("a label"), ..new_package(RetentionClass::Preview) };
    for new in [&made, &other] {
        artifacts::create(&t.db, t.scope, ops(), new.clone()).await.expect("a package");
        t.wait(1.0);
    }
    t.finalize(other.id).await;
    let [first, second] = [t.found(made.id).await, t.found(other.id).await];
    let own = || PackageFilter::default();
    for (filter, expected) in [
        (own(), vec![other.id, made.id]),
        (PackageFilter { scene: Some(scene), ..own() }, vec![made.id]),
        (PackageFilter { library_digest: Some(library), ..own() }, vec![made.id]),
        (PackageFilter { library_digest: Some(scene), ..own() }, vec![]),
        (PackageFilter { job: Some(job.uuid()), ..own() }, vec![made.id]),
        (PackageFilter { name: Some(other.name.clone()), ..own() }, vec![other.id]),
        (PackageFilter { producer: Some(made.producer.clone()), ..own() }, vec![other.id, made.id]),
        (PackageFilter { subject: Some(other.name.clone()), ..own() }, vec![]),
        (PackageFilter { status: Some(PackageStatus::Finalized), ..own() }, vec![other.id]),
        (PackageFilter { retention_class: Some(RetentionClass::RenderOutput), ..own() }, vec![made.id]),
        (PackageFilter { from: Some(second.created_at), ..own() }, vec![other.id]),
        (PackageFilter { to: Some(second.created_at), ..own() }, vec![made.id]),
        (PackageFilter { from: Some(first.created_at), to: Some(first.created_at), ..own() }, vec![]),
    ] {
        let page = artifacts::list(&t.db, t.scope, filter.clone(), ALL).await.expect("a page");
        let ids: Vec<PackageId> = page.items.iter().map(|package| package.id).collect();
        assert_eq!(ids, expected, "{filter:?}");
        assert!(page.items.iter().all(|package| *package == first || *package == second));
    }
    let one = PageRequest { limit: 1, after: None };
    let page = artifacts::list(&t.db, t.scope, own(), one).await.expect("a page");
    let rest = PageRequest { limit: 1, after: page.next };
    let rest = artifacts::list(&t.db, t.scope, own(), rest).await.expect("a page");
    assert_eq!((&page.items[0], &rest.items[0], rest.next), (&second, &first, None));
}

pub(crate) async fn the_classes_are_those_of_the_contract(t: Fixture) {
    let classes = artifacts::classes(&t.db, AllTenants::Instance).await.expect("the classes");
    let known: Vec<_> = classes.iter().map(|class| (class.name, class.ttl_s)).collect();
    let expected = RetentionClass::ALL.iter().map(|class| (*class, class.ttl_s().map(i64::from))).collect::<Vec<_>>();
    assert_eq!(known, expected);
    assert!(classes.iter().all(|class| class.description == class.name.description()));
}
