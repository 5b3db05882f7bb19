//! Manifests: the test vector, the order of files, and that each has one form.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::tree::tests::{is_sorted, names, of_json, trees};
use super::*;
use crate::hash::{ContentAddress, Sha256Digest};
use crate::id::{FileId, PackageId, UserId};
use crate::time::Timestamp;

const VECTOR: &str = r#"{"files":[{"content_address":"blake3:838116ca8f33ffdc916fd26647b5b3426303a40517ee92187c3a56516fc4a33a","id":"01935d00-0000-7000-8000-0000000000f1","media_type":"text/plain","relative_path":"x/y.txt","sha256":"68cd07733b3b97926512d4bbe9b660bb5beff0675579833a52e6e059557d57f6","size_bytes":1100}],"manifest_version":1,"package":{"created_at":"2026-11-20T10:00:00.000Z","created_by":"ops","finalized_at":"2026-11-20T10:00:02.000Z","finalized_by":"ops","id":"01935d00-0000-7000-8000-000000000001","metadata":{"run_id":"r-1"},"name":"p","producer":"prod","retention_class":"raw-evidence","status":"finalized","subject":"sub"},"storage_receipts":[{"backend_id":"local","content_address":"blake3:838116ca8f33ffdc916fd26647b5b3426303a40517ee92187c3a56516fc4a33a","file_id":"01935d00-0000-7000-8000-0000000000f1","id":"291ab549-4a81-59a9-9b77-0c5dd9c73cca","size_bytes":1100,"stored_at":"2026-11-20T10:00:01.000Z"}]}"#;

fn read<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect(text)
}

/// A file with these bytes.
pub(super) fn file(id: FileId, path: &str, bytes: &[u8]) -> ArtifactFile {
    let sha256 = <[u8; 32]>::try_from(&Sha256::digest(bytes)[..]).expect("32 bytes");
    ArtifactFile {
        id,
        path: read(path),
        media_type: read("text/plain"),
        size: ByteSize::new(bytes.len() as u64).expect("a size"),
        address: ContentAddress::of(bytes),
        sha256: Sha256Digest::from_hash(sha256),
    }
}

/// What a backend confirmed.
pub(super) fn receipt(backend: &str, bytes: u64) -> Receipt {
    let size = ByteSize::new(bytes).expect("a size");
    Receipt { backend: read(backend), size, stored_at: read("2026-11-20T10:00:01.000Z") }
}

fn package() -> ManifestPackage {
    ManifestPackage {
        id: read("01935d00-0000-7000-8000-000000000001"),
        name: read("p"),
        producer: read("prod"),
        subject: read("sub"),
        retention_class: RetentionClass::RawEvidence,
        metadata: Metadata::new(Map::from([("run_id".to_owned(), Tree::from("r-1"))])).expect("metadata"),
        created_at: read("2026-11-20T10:00:00.000Z"),
        created_by: read("ops"),
        finalized_at: read("2026-11-20T10:00:02.000Z"),
        finalized_by: read("ops"),
    }
}

/// The manifest of the test vector.
pub(super) fn manifest() -> Manifest {
    let bytes = "hello world".repeat(100);
    let file = file(read("01935d00-0000-7000-8000-0000000000f1"), "x/y.txt", bytes.as_bytes());
    let files = vec![StoredFile { file, receipts: vec![receipt("local", 1_100)] }];
    Manifest::new(package(), files).expect("one file")
}

#[test]
fn a20_the_test_vector() {
    let manifest = manifest();
    assert_eq!(manifest.to_json(), VECTOR);
    assert_eq!(VECTOR.len(), 907);
    let bytes = manifest.encode();
    assert_eq!(bytes.len(), 808);
    assert_eq!(bytes[..8], [0xa4, 0x65, 0x66, 0x69, 0x6c, 0x65, 0x73, 0x81]);
    let digest = "blake3:3cf0805b62885b11a15a6763576b5765a3fa5fe83d19544517775df14c2c785a";
    assert_eq!((manifest.digest().to_string().as_str(), ContentAddress::of(&bytes)), (digest, manifest.digest()));
    assert_eq!(Manifest::decode(&bytes), Ok(manifest));
}

#[test]
fn a22_files_are_in_the_order_of_their_bytes() {
    let stored = |path: &str| StoredFile { file: file(FileId::new(), path, path.as_bytes()), receipts: Vec::new() };
    let files = ["b", "ä", "a/z", "a.txt"].map(stored).to_vec();
    let manifest = Manifest::new(package(), files).expect("different paths");
    let paths: Vec<&str> = manifest.files().iter().map(|stored| stored.file.path.as_str()).collect();
    assert_eq!(paths, ["a.txt", "a/z", "b", "ä"]);
    let json: Value = serde_json::from_str(&manifest.to_json()).expect("JSON");
    let written = json["files"].as_array().expect("a list").iter().map(|file| file["relative_path"].as_str());
    assert_eq!(written.collect::<Vec<_>>(), [Some("a.txt"), Some("a/z"), Some("b"), Some("ä")]);
}

#[test]
fn a_manifest_names_each_path_and_backend_once() {
    let file = file(FileId::new(), "a", b"a");
    let once = StoredFile { file: file.clone(), receipts: vec![receipt("local", 1)] };
    let twice = vec![once.clone(), StoredFile { receipts: Vec::new(), ..once.clone() }];
    assert_eq!(Manifest::new(package(), twice), Err(InvalidManifest::SamePath(file.path.clone())));
    let receipts = vec![receipt("local", 1), receipt("s3", 1), receipt("local", 1)];
    let refused = Manifest::new(package(), vec![StoredFile { receipts, ..once }]);
    assert_eq!(refused, Err(InvalidManifest::SameBackend { file: file.id, backend: read("local") }));
}

/// What reading says of the manifest of the test vector with a change.
fn changed(change: impl FnOnce(&mut Map)) -> String {
    let Tree::Map(mut members) = manifest().to_tree() else { panic!("an object") };
    change(&mut members);
    let refused = Manifest::decode(&Tree::Map(members).to_cbor()).expect_err("another form");
    refused.to_string()
}

/// The members of the object at a place of a manifest: of a member, or of the first element of a list.
fn inner<'a>(members: &'a mut Map, name: &str) -> &'a mut Map {
    let tree = match members.get_mut(name).expect("a member") {
        Tree::Array(items) => &mut items[0],
        tree => tree,
    };
    let Tree::Map(members) = tree else { panic!("an object") };
    members
}

#[test]
fn other_manifests_are_refused_with_their_place() {
    let set = |list: &'static str, name: &'static str, value: Tree| {
        changed(move |members| drop(inner(members, list).insert(name.to_owned(), value)))
    };
    let other = ContentAddress::of(b"other").to_string();
    for (told, expected) in [
        (changed(|members| drop(members.remove("files"))), "at '/files': it is missing"),
        (
            changed(|members| drop(members.insert("a/b".to_owned(), Tree::from(1)))),
            "at '/a~1b': there is no such member",
        ),
        (
            changed(|members| drop(members.insert("manifest_version".to_owned(), Tree::from(2)))),
            "at '/manifest_version': it must be 1",
        ),
        (set("package", "status", "created".into()), "at '/package/status': a package with a manifest is finalized"),
        (set("package", "name", Tree::from(1)), "at '/package/name': text is expected"),
        (set("package", "name", Tree::Null), "at '/package/name': text is expected"),
        (set("package", "metadata", Tree::Null), "at '/package/metadata': an object is expected"),
        (
            set("package", "created_at", "2026-11-20T11:00:00+01:00".into()),
            "at '/package/created_at': it is written '2026-11-20T10:00:00.000Z'",
        ),
        (
            set("package", "id", "01935D00-0000-7000-8000-000000000001".into()),
            "at '/package/id': it is written '01935d00-0000-7000-8000-000000000001'",
        ),
        (set("files", "size_bytes", Tree::from(-1)), "at '/files/0/size_bytes': it is negative"),
        (
            set("files", "relative_path", "../x".into()),
            "at '/files/0/relative_path': the path has the segment '..': it must say each folder by its name",
        ),
        (
            set("files", "content_address", other.into()),
            "at '/storage_receipts/0/content_address': it is not that of the file",
        ),
        (
            set("storage_receipts", "backend_id", "s3".into()),
            "at '/storage_receipts/0/id': it does not follow from file, backend and content",
        ),
        (
            set("storage_receipts", "file_id", "01935d00-0000-7000-8000-000000000002".into()),
            "at '/storage_receipts/0/file_id': it is that of no file, or not in the order of files",
        ),
    ] {
        assert_eq!(told, expected);
    }
    let doubled = |list: &'static str| {
        changed(move |members| {
            let Some(Tree::Array(items)) = members.get_mut(list) else { panic!("a list") };
            items.push(items[0].clone());
        })
    };
    assert_eq!(doubled("files"), "at '/files/1/relative_path': it is not in the order of paths");
    assert_eq!(doubled("storage_receipts"), "at '/storage_receipts/1/backend_id': it is not in the order of backends");
    let told = Manifest::decode(&[0xff]).expect_err("no manifest").to_string();
    assert_eq!(told, "not canonical CBOR: byte 0: an item has no definite length");
}

fn labels() -> impl Strategy<Value = Label> {
    "[a-zA-Z0-9äß /:.-]{1,12}".prop_map(|text| read(&text))
}

fn times() -> impl Strategy<Value = Timestamp> {
    (0..4_000_000_000_000_i64).prop_map(Timestamp::from_unix_ms)
}

fn sizes() -> impl Strategy<Value = ByteSize> {
    (0..1_u64 << 40).prop_map(|bytes| ByteSize::new(bytes).expect("a size"))
}

fn uuids() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn actors() -> impl Strategy<Value = EventActor> {
    prop_oneof![
        Just(EventActor::System),
        Just(EventActor::Local),
        uuids().prop_map(|uuid| EventActor::User(UserId::from_uuid(uuid))),
        "[a-zA-Z0-9]{8}".prop_map(|finder| EventActor::Key(read(&format!("pk_{finder}")))),
        "ops [a-z]{0,8}".prop_map(|name| EventActor::Named(read(&name))),
    ]
}

pub(super) fn metadata() -> impl Strategy<Value = Metadata> {
    prop::collection::btree_map(names(), trees(), 0..4)
        .prop_filter_map("metadata within its limits", |members| Metadata::new(members).ok())
}

fn packages() -> impl Strategy<Value = ManifestPackage> {
    let named = (uuids(), labels(), labels(), labels(), prop::sample::select(RetentionClass::ALL));
    let done = (times(), actors(), times(), actors());
    (named, metadata(), done).prop_map(|((id, name, producer, subject, retention_class), metadata, done)| {
        let (created_at, created_by, finalized_at, finalized_by) = done;
        ManifestPackage {
            id: PackageId::from_uuid(id),
            name,
            producer,
            subject,
            retention_class,
            metadata,
            created_at,
            created_by,
            finalized_at,
            finalized_by,
        }
    })
}

fn receipts() -> impl Strategy<Value = Vec<Receipt>> {
    let backends = prop::sample::subsequence(vec!["local", "s3", "s3-eu"], 0..=3).prop_shuffle();
    (backends, sizes(), times()).prop_map(|(backends, size, stored_at)| {
        backends.into_iter().map(|backend| Receipt { backend: read(backend), size, stored_at }).collect::<Vec<_>>()
    })
}

fn files() -> impl Strategy<Value = Vec<StoredFile>> {
    let paths = "[a-zA-Z0-9äß.]{1,6}(/[a-zA-Z0-9ä]{1,6}){0,2}"
        .prop_filter_map("a path that is not refused", |text| text.parse::<RelativePath>().ok());
    let rest = (uuids(), sizes(), any::<[u8; 32]>(), any::<[u8; 32]>(), receipts());
    prop::collection::btree_map(paths, rest, 0..8).prop_map(|files: BTreeMap<_, _>| {
        let stored = files.into_iter().map(|(path, (id, size, hash, sha256, receipts))| {
            let (address, sha256) = (ContentAddress::from_hash(hash), Sha256Digest::from_hash(sha256));
            let file =
                ArtifactFile { id: FileId::from_uuid(id), path, media_type: read("image/png"), size, address, sha256 };
            StoredFile { file, receipts }
        });
        stored.collect::<Vec<_>>()
    })
}

/// A package, its files, and the same files in another order.
fn manifests() -> impl Strategy<Value = (ManifestPackage, Vec<StoredFile>, Vec<StoredFile>)> {
    (packages(), files()).prop_flat_map(|(package, files)| {
        let shuffled = Just(files.clone()).prop_shuffle();
        (Just(package), Just(files), shuffled)
    })
}

proptest! {
    #[test]
    fn a21_a_manifest_has_one_form((package, files, shuffled) in manifests()) {
        let manifest = Manifest::new(package.clone(), files).expect("different paths");
        let bytes = manifest.encode();
        let again = Manifest::decode(&bytes);
        prop_assert_eq!(again.as_ref(), Ok(&manifest));
        prop_assert_eq!(again.map(|manifest| manifest.encode()), Ok(bytes.clone()));
        let other = Manifest::new(package, shuffled).expect("different paths");
        prop_assert_eq!(other.encode(), bytes.clone());
        let json: Value = serde_json::from_str(&manifest.to_json()).expect("JSON");
        prop_assert!(is_sorted(&json), "{json}");
        prop_assert_eq!(Ok(of_json(&json)), Tree::from_cbor(&bytes));
    }

    #[test]
    fn a21_whole_numbers_of_metadata_are_integers(whole in -NUMBER_MAX..=NUMBER_MAX) {
        let of = |number: Tree| {
            let metadata = Metadata::new(Map::from([("n".to_owned(), number)])).expect("metadata");
            Manifest::new(ManifestPackage { metadata, ..package() }, Vec::new()).expect("no files").encode()
        };
        let integer = Tree::integer(whole).expect("in range");
        prop_assert_eq!(of(Tree::number(whole as f64).expect("finite")), of(integer));
    }
}
