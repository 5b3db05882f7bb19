//! `packshot admin scrub`: all stored files are read beside a running service, and after it.

use packshot_db::artifacts::{self, NewFile, NewPackage, WholePackage};
use packshot_db::objects::{self, NewObject};
use packshot_db::{AllTenants, DatabaseConfig, Db, TenantScope, installation};
use packshot_domain::artifact::{ArtifactFile, ByteSize, EventActor, Metadata, Receipt, RetentionClass};
use packshot_domain::hash::{ContentAddress, Digests};
use packshot_domain::id::{FileId, PackageId};
use packshot_service::store::{Store, StoreConfig};
use serde_json::{Value, json};

use crate::service::Workplace;

/// Makes a package of these files beside the service; gives its id, and the tenant that it belongs to.
async fn package(place: &Workplace, texts: &[String]) -> (String, String) {
    let db = Db::open(&DatabaseConfig::Sqlite { path: place.data().join("packshot.db") }).await.expect("opens");
    let store = Store::open(&StoreConfig::Local { root: place.data() }).expect("opens");
    let tenant = installation::get(&db, AllTenants::Instance).await.expect("an installation").operating_tenant;
    let scope = TenantScope::of(tenant);
    let mut files = Vec::new();
    for (i, text) in texts.iter().enumerate() {
        let digests = Digests::of(text.as_bytes());
        objects::record(&db, scope, NewObject::hashed(&digests, "text/plain")).await.expect("recorded");
        store.put(tenant, text.clone().into()).await.expect("stored");
        let size = ByteSize::new(digests.size_bytes).expect("a size");
        let file = ArtifactFile {
            id: FileId::new(),
            path: format!("files/{i:02}").parse().expect("a path"),
            media_type: "text/plain".parse().expect("a media type"),
            size,
            address: digests.address,
            sha256: digests.sha256,
        };
        let stored_at = db.now().await.expect("the time");
        files.push(NewFile { file, receipt: Receipt { backend: "local".parse().expect("a name"), size, stored_at } });
    }
    let [name, producer, subject] = ["p", "prod", "sub"].map(|text| text.parse().expect("a label"));
    let retention_class = RetentionClass::RawEvidence;
    let id = PackageId::new();
    let package = NewPackage { id, name, producer, subject, retention_class, metadata: Metadata::default() };
    let whole = WholePackage { by: EventActor::Local, package, files };
    artifacts::store(&db, scope, vec![whole]).await.expect("a package");
    db.close().await;
    (id.to_string(), tenant.to_string())
}

#[tokio::test]
async fn a47_all_files_are_read_beside_the_service() {
    let place = Workplace::new();
    let service = place.start();
    let texts: Vec<String> = (0..60).map(|i| format!("object {i} of many")).collect();
    let (package, tenant) = package(&place, &texts).await;
    let scrub = |args: &[&str]| {
        let (code, stdout, stderr) = place.run(&[&["admin", "scrub"], args].concat());
        (code, stdout, stderr)
    };
    let (code, stdout, stderr) = scrub(&[]);
    assert_eq!((code, stdout.lines().count()), (0, 1), "{stdout}{stderr}");
    assert!(stdout.contains("60 objects") && stdout.contains("0 missing, 0 corrupt"), "{stdout}");

    let object = |i: usize| {
        let hex = ContentAddress::of(texts[i].as_bytes()).hex();
        place.data().join("objects").join(&tenant).join(&hex[..2]).join(&hex[2..])
    };
    std::fs::write(object(3), "object 3 of many!").expect("written");
    std::fs::write(object(4), &texts[4][..5]).expect("written");
    std::fs::remove_file(object(5)).expect("removed");
    let (code, stdout, stderr) = scrub(&["--tenant", "default", "--rate-mb-s", "100"]);
    assert_eq!(code, 9, "{stdout}{stderr}");
    assert!(stderr.contains("error[admin.files_damaged]"), "{stderr}");
    for (state, path) in [("corrupt", "files/03"), ("corrupt", "files/04"), ("missing", "files/05")] {
        let is_named = |line: &str| line.starts_with(state) && line.contains(path) && line.contains(&package);
        assert!(stdout.lines().any(is_named), "{path}: {stdout}");
    }
    assert_eq!(stdout.lines().count(), 4, "exactly these: {stdout}");
    drop(service);
    let (code, stdout, _) = scrub(&["--json"]);
    let found: Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!((code, &found["missing"], &found["corrupt"], &found["objects"]), (9, &json!(1), &json!(2), &json!(60)));
    for (i, text) in texts.iter().enumerate().take(6).skip(3) {
        std::fs::write(object(i), text).expect("written");
    }
    let (code, stdout, stderr) = scrub(&[]);
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.contains("3 objects that were damaged are whole again"), "{stdout}");
    let (code, _, stderr) = scrub(&["--tenant", "nobody"]);
    assert!(code == 3 && stderr.contains("error[admin.no_tenant]"), "{stderr}");
}
