//! A23, A39, A48, A53: the bytes of files, by the file and by the content.

use std::path::{Path, PathBuf};
use std::process::Command;

use packshot_db::TenantScope;
use packshot_domain::access::{Role, Scope};
use packshot_domain::artifact::RetentionClass;
use packshot_domain::hash::{ContentAddress, Sha256Digest};
use packshot_domain::id::{FileId, TenantId};
use reqwest::Method;
use serde_json::json;

use super::{Kept, collect};
use crate::app::{PATIENCE, Reply, TestApp, TestDatabase};

const MIB: usize = 1 << 20;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Bytes of which no two parts are equal.
fn bytes(size_bytes: usize) -> Vec<u8> {
    let mut bytes = vec![0; size_bytes];
    blake3::Hasher::new().update(b"artifacts").finalize_xof().fill(&mut bytes);
    bytes
}

fn problem(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// The first word that a program says of a file; `None` where there is no such program, and a line says so.
fn said_by(program: &str, file: &Path) -> Option<String> {
    let Ok(output) = Command::new(program).arg(file).output() else {
        println!("skipped: {program} is not installed");
        return None;
    };
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).expect("text");
    Some(said.split_whitespace().next().expect("a digest").to_owned())
}

/// Where an object lies.
fn object(app: &TestApp, tenant: TenantId, address: ContentAddress) -> PathBuf {
    let hex = address.hex();
    app.folder.path().join("store").join(format!("objects/{tenant}/{}/{}", &hex[..2], &hex[2..]))
}

/// Flips a bit of an object, as a broken disk would.
fn flip(file: &Path, at: usize) {
    let mut bytes = std::fs::read(file).expect("there");
    bytes[at] ^= 4;
    std::fs::write(file, bytes).expect("written");
}

/// A request for some bytes.
async fn range(app: &TestApp, path: &str, range: &str) -> Reply {
    Reply::of(app.request(Method::GET, path).header("range", range)).await
}

cases! {
    async fn a23_digests_are_known_to_others(engine) {
        let app = TestApp::idle(&engine).await;
        for size_bytes in [0, 1100, 2 * MIB + 7] {
            let kept = Kept::make(&app, app.scope().await, &bytes(size_bytes)).await;
            let record = app.get(&kept.path()).await;
            assert_eq!(record.status, 200, "{}", record.text());
            let record = record.json();
            let reply = app.get(&kept.content_path()).await;
            assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/plain")));
            let file = app.folder.path().join("downloaded");
            std::fs::write(&file, &reply.body).expect("written");
            let sha256 = said_by("sha256sum", &file).unwrap_or_else(|| Sha256Digest::of_bytes(&reply.body).hex());
            let blake3 = said_by("b3sum", &file).unwrap_or_else(|| blake3::hash(&reply.body).to_hex().to_string());
            assert_eq!((&record["sha256"], &record["content_address"]), (&json!(sha256), &json!(format!("blake3:{blake3}"))));
            assert_eq!((&record["size_bytes"], &record["location_state"]), (&json!(size_bytes), &json!("ok")));
            assert_eq!((&record["id"], &record["package_id"]), (&json!(kept.file.to_string()), &json!(kept.package.to_string())));
            let digest = sha256.parse::<Sha256Digest>().expect("a digest").field_value();
            let tag = format!("\"blake3:{blake3}\"");
            for path in [kept.content_path(), kept.address_path()] {
                let head = Reply::of(app.request(Method::HEAD, &path)).await;
                assert_eq!((head.status, head.body.len(), head.header("content-length")), (200, 0, Some(size_bytes.to_string().as_str())));
                for reply in [&head, &app.get(&path).await] {
                    assert_eq!((reply.header("etag"), reply.header("repr-digest")), (Some(tag.as_str()), Some(digest.as_str())));
                    assert_eq!(reply.header("accept-ranges"), Some("bytes"));
                }
                let known = Reply::of(app.request(Method::GET, &path).header("if-none-match", &tag)).await;
                assert_eq!((known.status, known.body.len()), (304, 0));
                if size_bytes > 200 {
                    let part = range(&app, &path, "bytes=100-199").await;
                    assert_eq!((part.status, &part.body[..]), (206, &reply.body[100..200]));
                    assert_eq!(part.header("repr-digest"), Some(digest.as_str()), "of the whole file");
                    let beyond = range(&app, &path, &format!("bytes={size_bytes}-")).await;
                    assert_eq!(beyond.problem(), problem(416, "range_not_satisfiable"));
                }
            }
        }
    }

    async fn a39_the_bytes_of_what_has_expired_are_gone(engine) {
        let app = TestApp::idle(&engine).await;
        let scope = app.scope().await;
        let preview = Kept::of_class(&app, scope, RetentionClass::Preview, b"preview").await;
        let evidence = Kept::of_class(&app, scope, RetentionClass::RawEvidence, b"evidence").await;
        app.db.move_clock(30 * DAY_MS - 10_000);
        assert_eq!(collect(&app, scope).await.expired, 0);
        assert_eq!(app.get(&preview.content_path()).await.body, b"preview");
        app.db.move_clock(20_000);
        assert_eq!(collect(&app, scope).await.expired, 1);
        let tag = format!("\"{}\"", preview.address);
        for method in [Method::GET, Method::HEAD] {
            let gone = Reply::of(app.request(method, &preview.content_path()).header("if-none-match", &tag)).await;
            assert_eq!(gone.status, 410);
        }
        assert_eq!(app.get(&preview.content_path()).await.problem(), problem(410, "artifact_expired"));
        assert_eq!(app.get(&preview.address_path()).await.problem(), problem(404, "content_not_found"));
        let record = app.get(&preview.path()).await;
        assert_eq!((record.status, &record.json()["location_state"]), (200, &json!("expired")), "its record stays");
        let manifest = packshot_db::artifacts::files::manifest(&app.db, scope, preview.package).await;
        assert!(manifest.is_ok(), "{manifest:?}");
        app.db.move_clock(36_500 * DAY_MS);
        assert_eq!(collect(&app, scope).await.expired, 0);
        assert_eq!(app.get(&evidence.content_path()).await.body, b"evidence");
    }

    async fn a53_bytes_are_found_by_their_content(engine) {
        let app = TestApp::idle(&engine).await;
        let scopes = [Scope::ArtifactsRead];
        let (alpha, alpha_key) = app.tenant_key("alpha", Role::ProjectManager, &scopes).await;
        let (beta, beta_key) = app.tenant_key("beta", Role::ProjectManager, &scopes).await;
        let (_, nobody_key) = app.tenant_key("gamma", Role::ProjectManager, &scopes).await;
        let own = Kept::make(&app, TenantScope::of(alpha), b"the same bytes").await;
        Kept::make(&app, TenantScope::of(beta), b"the same bytes").await;
        let path = own.address_path();
        let reply = app.with_key(&alpha_key).get(&path).await;
        assert_eq!((reply.status, &reply.body[..]), (200, &b"the same bytes"[..]));
        assert_eq!(reply.header("cache-control"), Some("private, max-age=31536000, immutable"), "the URL names the content");
        flip(&object(&app, alpha, own.address), 3);
        assert_eq!(app.with_key(&alpha_key).get(&path).await.problem(), problem(500, "content_corrupt"));
        let copy = app.with_key(&beta_key).get(&path).await;
        assert_eq!((copy.status, &copy.body[..]), (200, &b"the same bytes"[..]), "a tenant's own copy");
        let missing = app.with_key(&nobody_key).get(&path).await;
        assert_eq!(missing.problem(), problem(404, "content_not_found"));
        let digits = own.address.hex();
        for (text, code) in [
            (format!("sha256:{digits}"), "unsupported_digest"),
            (digits.clone(), "unsupported_digest"),
            (format!("blake3:{}", &digits[1..]), "validation_failed"),
            (format!("blake3:{}", digits.replace(&digits[..1], "x")), "validation_failed"),
            ("blake3:".to_owned(), "validation_failed"),
        ] {
            for method in [Method::GET, Method::HEAD] {
                let reply = Reply::of(app.with_key(&alpha_key).request(method, &format!("/api/v1/content/{text}"))).await;
                assert_eq!(reply.status, 422, "{text}");
            }
            let reply = app.with_key(&alpha_key).get(&format!("/api/v1/content/{text}")).await;
            assert_eq!(reply.problem(), problem(422, code), "{text}");
        }
    }

    async fn files_that_are_not_there(engine) {
        let app = TestApp::idle(&engine).await;
        for id in [FileId::new().to_string(), "x".to_owned()] {
            for path in [format!("/api/v1/files/{id}"), format!("/api/v1/files/{id}/content")] {
                assert_eq!(app.get(&path).await.problem(), problem(404, "file_not_found"), "{path}");
            }
        }
    }
}

/// No database decides what a broken disk gives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a48_no_bad_byte_is_sent() {
    let app = TestApp::idle(&TestDatabase::Sqlite).await;
    let scope = app.scope().await;
    let bytes = bytes(10 * MIB);
    let kept = Kept::make(&app, scope, &bytes).await;
    flip(&object(&app, scope.tenant, kept.address), 9 * MIB + 500_000);
    let before = app.store.bytes_read();
    let middle = 5 * MIB + 9;
    assert_eq!(range(&app, &kept.content_path(), &format!("bytes={middle}-{middle}")).await.body, [bytes[middle]]);
    assert!(app.store.bytes_read() - before <= MIB as u64, "a byte takes one group");
    let first = range(&app, &kept.content_path(), "bytes=1000-1999").await;
    assert_eq!((first.status, &first.body[..]), (206, &bytes[1000..2000]));

    let request = app.request(Method::GET, &kept.content_path()).timeout(PATIENCE);
    let mut response = request.send().await.expect("it begins");
    assert_eq!((response.status().as_u16(), response.content_length()), (200, Some(10 * MIB as u64)));
    let mut arrived = Vec::new();
    let is_cut_off = loop {
        match response.chunk().await {
            Ok(Some(piece)) => arrived.extend_from_slice(&piece),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(is_cut_off, "the client sees that the transfer is incomplete");
    assert!(bytes[..9 * MIB].starts_with(&arrived), "{} bytes arrived", arrived.len());
    for path in [kept.content_path(), kept.address_path()] {
        assert_eq!(app.get(&path).await.problem(), problem(500, "content_corrupt"), "from then on");
        assert_eq!(range(&app, &path, "bytes=1000-1999").await.problem(), problem(500, "content_corrupt"));
    }

    let small = Kept::make(&app, scope, &bytes[..1000]).await;
    flip(&object(&app, scope.tenant, small.address), 999);
    assert_eq!(app.get(&small.content_path()).await.problem(), problem(500, "content_corrupt"), "no byte of the body");
    let lost = Kept::make(&app, scope, &bytes[..2000]).await;
    std::fs::remove_file(object(&app, scope.tenant, lost.address)).expect("removed");
    assert_eq!(app.get(&lost.content_path()).await.problem(), problem(500, "content_corrupt"));
    let again = Kept::make(&app, scope, &bytes[..2000]).await;
    for healed in [&lost, &again] {
        assert_eq!(app.get(&healed.content_path()).await.body, bytes[..2000], "the same bytes were stored again");
    }
}
