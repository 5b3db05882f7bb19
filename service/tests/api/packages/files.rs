//! A04, A16, A19, A27–A30, A56: files that clients put into packages.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use packshot_db::artifacts;
use packshot_db::testing::tamper;
use packshot_domain::access::{Role, Scope};
use packshot_domain::artifact::{EventActor, RetentionClass};
use packshot_domain::hash::{ContentAddress, Sha256Digest};
use reqwest::{Body, Method};
use serde_json::{Value, json};

use super::{Remote, hello, p, problem};
use crate::app::{Reply, TestApp, TestDatabase, id};
use crate::artifacts::{new_file, new_package};
use crate::site::Site;

const WRITE: [Scope; 2] = [Scope::ArtifactsRead, Scope::ArtifactsWrite];

/// What a tenant sees of everything, and what lies on the disk.
async fn everything(site: &Site, package: &Remote<'_>, app: &TestApp) -> (Value, Value, Value, BTreeSet<String>) {
    let events = package.guest.get("/api/v1/artifact-events").await.json();
    let files = package.guest.get(&package.path("/files")).await.json();
    let usage = package.guest.get("/api/v1/artifacts/usage").await.json();
    (events, files, usage, site.stored(app).await)
}

sites! {
    async fn a04_a27_a_path_is_taken_once(site) {
        let app = site.idle().await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let package = Remote::make(&app, &key, &p()).await;
        let first = package.put("a.txt", b"one").await;
        assert_eq!(first.status, 201);
        let before = everything(&site, &package, &app).await;
        let again = package.put("a.txt", b"one").await;
        assert_eq!((again.status, again.json()), (200, first.json()), "the file that is there");
        let other_bytes = package.put("a.txt", b"two").await;
        assert_eq!(other_bytes.problem(), problem(409, "duplicate_relative_path"));
        assert!(other_bytes.json()["detail"].as_str().expect("text").contains("a.txt"), "the path: {}", other_bytes.text());
        let other_type = package.put_as("a.txt", b"one", &[("content-type", "text/html")]).await;
        assert_eq!(other_type.problem(), problem(409, "duplicate_relative_path"));
        for (name, texts) in [("a.txt", &[][..]), ("x", &[("relative_path", "a.txt"), ("media_type", "text/plain")])] {
            assert_eq!(package.add(name, b"one", texts).await.problem(), problem(409, "duplicate_relative_path"), "equal bytes");
            assert_eq!(package.add(name, b"two", texts).await.problem(), problem(409, "duplicate_relative_path"));
        }
        assert_eq!(everything(&site, &package, &app).await, before, "a19: nothing is left of any of them");
    }

    async fn files_of_forms_have_a_name_and_a_type(site) {
        let app = site.idle().await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let package = Remote::make(&app, &key, &p()).await;
        let named = package.add("a.txt", b"one", &[]).await;
        assert_eq!(named.status, 201, "{}", named.text());
        assert_eq!((&named.json()["relative_path"], &named.json()["media_type"]), (&json!("a.txt"), &json!("text/plain")));
        let told = package.add("a.txt", b"one", &[("relative_path", "b/ä.bin"), ("media_type", "application/x-thing")]).await;
        assert_eq!((&told.json()["relative_path"], &told.json()["media_type"]), (&json!("b/ä.bin"), &json!("application/x-thing")));
        assert_eq!(told.json()["content_address"], named.json()["content_address"]);
        let unnamed = package.put_as("c", b"one", &[]).await;
        assert_eq!(unnamed.json()["media_type"], "application/octet-stream");
        let form = reqwest::multipart::Form::new().text("relative_path", "d");
        let empty = Reply::of(package.guest.request(Method::POST, &package.path("/files")).multipart(form)).await;
        assert_eq!((empty.problem(), empty.pointers()), (problem(422, "validation_failed"), vec!["/file".to_owned()]));
        let form = reqwest::multipart::Form::new().text("file", "bytes without a name");
        let nameless = Reply::of(package.guest.request(Method::POST, &package.path("/files")).multipart(form)).await;
        assert_eq!(nameless.pointers(), ["/relative_path"]);
        let odd = package.add("d", b"", &[("media_type", "pictures")]).await;
        assert_eq!((odd.status, odd.pointers()), (422, vec!["/media_type".to_owned()]));
        let long = package.add("d", b"", &[("relative_path", &"x".repeat(10_000))]).await;
        assert_eq!(long.problem(), problem(413, "body_too_large"));
        // The same request with the same key adds one file.
        let again = async |name: &'static str| {
            let file = reqwest::multipart::Part::bytes(b"once".to_vec()).file_name(name);
            let form = reqwest::multipart::Form::new().part("file", file);
            let request = package.guest.request(Method::POST, &package.path("/files")).multipart(form);
            Reply::of(request.header("idempotency-key", "once")).await
        };
        let (first, second) = (again("once.txt").await, again("once.txt").await);
        assert_eq!((first.status, second.status), (201, 201));
        assert_eq!(id(&first.json()), id(&second.json()));
        assert_eq!(again("twice.txt").await.problem(), problem(422, "idempotency_key_reused"), "another file");
        let page = package.put_as("page.html", b"<script></script>", &[("content-type", "text/html")]).await.json();
        let sent = package.guest.get(page["links"]["content"].as_str().expect("a link")).await;
        let policy = sent.header("content-security-policy");
        assert_eq!((sent.header("content-type"), policy), (Some("text/html"), Some("sandbox")), "it runs no script");
    }

    async fn a16_a19_a_finalised_package_takes_nothing(site) {
        let app = site.idle().await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let package = Remote::make(&app, &key, &p()).await;
        assert_eq!(package.put("a.txt", b"one").await.status, 201);
        assert_eq!(package.finalize().await.status, 200);
        let before = everything(&site, &package, &app).await;
        assert_eq!(package.put("b.txt", b"two").await.problem(), problem(409, "illegal_package_state"));
        assert_eq!(package.put("a.txt", b"one").await.problem(), problem(409, "illegal_package_state"));
        assert_eq!(package.add("b.txt", b"two", &[]).await.problem(), problem(409, "illegal_package_state"));
        assert_eq!(everything(&site, &package, &app).await, before);
    }

    async fn a19_an_upload_that_breaks_off_leaves_nothing(site) {
        let app = site.idle().await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let package = Remote::make(&app, &key, &p()).await;
        let before = everything(&site, &package, &app).await;
        let pieces = [Ok(vec![1_u8; 3 << 20]), Err(std::io::Error::other("the client goes away"))];
        let body = Body::wrap_stream(futures_util::stream::iter(pieces));
        let request = package.guest.request(Method::PUT, &package.path("/files/a.bin")).body(body);
        assert!(request.send().await.is_err(), "there is nobody to answer to");
        for _ in 0..100 {
            if everything(&site, &package, &app).await == before {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(everything(&site, &package, &app).await, before, "temporary files too");
        assert_eq!(package.put("a.bin", b"one").await.status, 201);
    }

    async fn a28_what_is_declared_must_arrive(site) {
        let app = site.idle().await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let package = Remote::make(&app, &key, &p()).await;
        let before = everything(&site, &package, &app).await;
        let digest = |bytes: &[u8]| Sha256Digest::of_bytes(bytes).field_value();
        let address = |bytes: &[u8]| ContentAddress::of(bytes).to_string();
        for (name, wrong, both) in [
            ("content-digest", digest(b"other"), [Sha256Digest::of_bytes(b"other").hex(), Sha256Digest::of_bytes(&hello()).hex()]),
            ("x-content-address", address(b"other"), [address(b"other"), address(&hello())]),
        ] {
            let refused = package.put_as("a.txt", &hello(), &[(name, &wrong)]).await;
            assert_eq!(refused.problem(), problem(422, "digest_mismatch"), "{name}");
            let detail = refused.json()["detail"].as_str().expect("text").to_owned();
            assert!(both.iter().all(|digest| detail.contains(digest)), "both digests: {detail}");
        }
        for (name, value, code) in [
            ("content-digest", "sha-512=:YWJj:", "unsupported_digest"),
            ("content-digest", "sha-256=hello", "validation_failed"),
            ("x-content-address", "sha256:00", "validation_failed"),
            ("content-type", "pictures", "validation_failed"),
        ] {
            let refused = package.put_as("a.txt", &hello(), &[(name, value)]).await;
            assert_eq!(refused.problem(), problem(422, code), "{name}: {value}");
        }
        assert_eq!(everything(&site, &package, &app).await, before, "nothing is kept");
        let right = [("content-digest", digest(&hello())), ("x-content-address", address(&hello()))];
        let right = right.each_ref().map(|(name, value)| (*name, value.as_str()));
        assert_eq!(package.put_as("a.txt", &hello(), &right).await.status, 201);
    }

    async fn a29_writers_of_one_path_and_of_many(site) {
        let app = site.idle().await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let package = Remote::make(&app, &key, &p()).await;
        let statuses = |replies: Vec<Reply>| {
            let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
            statuses.sort_unstable();
            statuses
        };
        let contents: Vec<String> = (0..20).map(|n| format!("content {n}")).collect();
        let others = statuses(join_all(contents.iter().map(|content| package.put("one.txt", content.as_bytes()))).await);
        assert_eq!((others[0], &others[1..]), (201, &[409; 19][..]), "one is first");
        let equal = statuses(join_all((0..20).map(|_| package.put("equal.txt", b"the same"))).await);
        assert_eq!((&equal[..19], equal[19]), (&[200; 19][..], 201));
        let paths: Vec<String> = (0..20).map(|n| format!("many/{n}.txt")).collect();
        let many = statuses(join_all(paths.iter().map(|path| package.put(path, path.as_bytes()))).await);
        assert_eq!(many, [201; 20]);
        assert_eq!(package.files().await.len(), 22);
        let events = package.guest.get("/api/v1/artifact-events?limit=200").await.json();
        let sequences = events["items"].as_array().expect("a list").iter().map(|event| event["sequence"].as_u64().expect("a number"));
        assert!(sequences.eq(1..=23), "no gaps");
        assert_eq!(site.stored(&app).await.len(), 22, "what was refused left nothing");
    }

    async fn a30_a_file_is_in_the_manifest_or_refused(site) {
        let app = site.idle().await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let (mut n_taken, mut n_refused) = (0, 0);
        for n in 0..25 {
            let package = Remote::make(&app, &key, &p()).await;
            let bytes = format!("trial {n}");
            let late = async {
                tokio::time::sleep(std::time::Duration::from_millis(n % 8)).await;
                package.finalize().await
            };
            let (put, finalized) = tokio::join!(package.put("a.txt", bytes.as_bytes()), late);
            assert_eq!(finalized.status, 200, "{}", finalized.text());
            let manifest = package.guest.get(&package.path("/manifest")).await.json();
            let is_in = manifest["files"].as_array().expect("a list").len() == 1;
            match put.status {
                201 => n_taken += 1,
                _ => {
                    assert_eq!(put.problem(), problem(409, "illegal_package_state"));
                    n_refused += 1;
                }
            }
            assert_eq!(is_in, put.status == 201, "never accepted and missing");
        }
        assert_eq!(n_taken + n_refused, 25);
        assert_eq!(site.stored(&app).await.len(), n_taken, "what was refused left nothing");
    }
}

/// No database decides how many files a package has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a56_a_package_has_ten_thousand_files_at_most() {
    let app = TestApp::idle(&TestDatabase::Sqlite).await;
    let scope = app.scope().await;
    let one = new_file(&app, scope, "a.txt", b"one").await;
    let package = artifacts::create(&app.db, scope, EventActor::Local, new_package(RetentionClass::Scratch)).await;
    let package = package.expect("created").id;
    let taken = artifacts::ingest(&app.db, scope, EventActor::Local, package, one, artifacts::Repeated::Refused).await;
    taken.expect("taken");
    // As if 9,998 others were there: the package's own number of files counts.
    tamper(&app.db, scope, "UPDATE artifact_packages SET file_count = 9999").await.expect("changed");
    let put = async |name: &str, text: &'static str| {
        let path = format!("/api/v1/packages/{package}/files/{name}");
        Reply::of(app.request(Method::PUT, &path).header("content-type", "text/plain").body(text)).await
    };
    assert_eq!(put("b.txt", "the ten thousandth").await.status, 201);
    let stored = app.stored_files();
    assert_eq!(put("c.txt", "the last straw").await.problem(), problem(422, "too_many_files"));
    assert_eq!(app.stored_files(), stored, "nothing is left of it");
    let known = put("b.txt", "the ten thousandth").await;
    assert_eq!(known.status, 200, "a file that it has: {}", known.text());
}
