//! A50, A51: the bytes of finalised packages.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::process::Command;

use packshot_domain::access::{Role, Scope};
use packshot_domain::artifact::Manifest;
use packshot_domain::hash::ContentAddress;
use serde_json::{Value, json};
use zip::ZipArchive;

use super::{Remote, hello, p, problem};
use crate::app::{PATIENCE, TestDatabase};
use crate::site::Site;

const WRITE: [Scope; 2] = [Scope::ArtifactsRead, Scope::ArtifactsWrite];
const MIB: usize = 1 << 20;

/// The address of a file.
fn address(file: &Value) -> ContentAddress {
    file["content_address"].as_str().expect("an address").parse().expect("an address")
}

sites! {
    async fn a50_an_archive_has_everything_and_is_always_equal(site) {
        let app = site.idle().await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let package = Remote::make(&app, &key, &p()).await;
        let large: Vec<u8> = (0..3 * MIB + 5).map(|i| (i % 251) as u8).collect();
        let files = BTreeMap::from([("a/ä.txt", hello()), ("b", Vec::new()), ("c/large.bin", large)]);
        for (path, bytes) in &files {
            assert_eq!(package.put(path, bytes).await.status, 201);
        }
        assert_eq!(package.guest.get(&package.path("/archive.zip")).await.problem(), problem(409, "package_not_finalized"));
        package.finalize().await;
        let sent = package.guest.get(&package.path("/archive.zip")).await;
        assert_eq!((sent.status, sent.header("content-type")), (200, Some("application/zip")));
        let record = package.record().await;
        assert_eq!(sent.header("x-manifest-digest"), record["manifest_digest"].as_str());
        assert_eq!(package.guest.get(&package.path("/archive.zip")).await.body, sent.body, "every time");
        let mut archive = ZipArchive::new(Cursor::new(&sent.body)).expect("an archive");
        let mut unpacked = BTreeMap::new();
        for n in 0..archive.len() {
            let mut entry = archive.by_index(n).expect("an entry");
            assert_eq!(entry.compression(), zip::CompressionMethod::Stored);
            let name = entry.name().expect("a name").into_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("whole");
            unpacked.insert(name, bytes);
        }
        let cbor = unpacked.remove(".packshot/manifest.cbor").expect("the manifest");
        assert_eq!(format!("blake3:{}", blake3::hash(&cbor)), record["manifest_digest"].as_str().expect("a digest"));
        assert!(Manifest::decode(&cbor).is_ok());
        assert!(unpacked.iter().map(|(path, bytes)| (path.as_str(), bytes)).eq(files.iter().map(|(path, bytes)| (*path, bytes))));
        // As others unpack it.
        let file = app.folder.path().join("package.zip");
        std::fs::write(&file, &sent.body).expect("written");
        let folder = app.folder.path().join("unpacked");
        let python = Command::new("python3").args(["-m", "zipfile", "-e"]).args([&file, &folder]).output();
        if python.is_err() {
            println!("skipped: python3 is not installed");
        }
        if let Ok(output) = python {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            for (path, bytes) in &files {
                assert_eq!(&std::fs::read(folder.join(path)).expect("unpacked"), bytes, "{path}");
            }
        }
    }

    async fn a51_a_check_finds_the_damaged_file(site) {
        let app = site.idle().await;
        let (tenant, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let package = Remote::make(&app, &key, &p()).await;
        let mut files = Vec::new();
        for (path, bytes) in [("a", &b"one"[..]), ("b", b"two"), ("c", b"two"), ("d", b"three")] {
            files.push(package.put(path, bytes).await.json());
        }
        let verify = package.path("/verify");
        assert_eq!(package.guest.post(&verify).await.problem(), problem(409, "package_not_finalized"));
        package.finalize().await;
        let states = |states: [&str; 4]| -> Vec<Value> {
            files.iter().zip(states).map(|(file, state)| json!({"file_id": file["id"], "state": state})).collect()
        };
        assert_eq!(package.guest.post(&verify).await.json(), json!({"ok": true, "files": states(["ok"; 4])}));
        site.damage(&app, tenant, address(&files[1]), b"tvo".to_vec()).await;
        site.remove(&app, tenant, address(&files[3])).await;
        let found = package.guest.post(&verify).await;
        assert_eq!(found.json(), json!({"ok": false, "files": states(["ok", "corrupt", "corrupt", "missing"])}));
        let record = package.guest.get(files[1]["links"]["self"].as_str().expect("a link")).await.json();
        assert_eq!(record["location_state"], "corrupt", "it is recorded");
        assert_eq!(package.guest.get(&package.path("/archive.zip")).await.problem(), problem(500, "content_corrupt"));
        // The same bytes come again, in another package.
        let other = Remote::make(&app, &key, &p()).await;
        for (path, bytes) in [("b", &b"two"[..]), ("d", b"three")] {
            assert_eq!(other.put(path, bytes).await.status, 201);
        }
        assert_eq!(package.guest.post(&verify).await.json()["ok"], true);
        assert_eq!(package.guest.get(&package.path("/archive.zip")).await.status, 200);
    }
}

/// No database decides what a broken disk gives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a48_no_bad_byte_is_sent_in_an_archive() {
    let site = Site::local(TestDatabase::Sqlite);
    let app = site.idle().await;
    let (tenant, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
    let package = Remote::make(&app, &key, &p()).await;
    let bytes: Vec<u8> = (0..4 * MIB).map(|i| (i % 249) as u8).collect();
    let file = package.put("large.bin", &bytes).await.json();
    package.finalize().await;
    let whole = package.guest.get(&package.path("/archive.zip")).await.body;
    let mut flipped = bytes.clone();
    flipped[2 * MIB + 9] ^= 4;
    site.damage(&app, tenant, address(&file), flipped).await;
    let request = package.guest.request(reqwest::Method::GET, &package.path("/archive.zip")).timeout(PATIENCE);
    let mut response = request.send().await.expect("it begins");
    let mut arrived = Vec::new();
    let is_cut_off = loop {
        match response.chunk().await {
            Ok(Some(piece)) => arrived.extend_from_slice(&piece),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(is_cut_off, "the client sees that the transfer is incomplete");
    assert!(whole.starts_with(&arrived) && arrived.len() < 2 * MIB + 10_000, "{} bytes arrived", arrived.len());
    assert_eq!(package.guest.get(&package.path("/archive.zip")).await.problem(), problem(500, "content_corrupt"));
}
