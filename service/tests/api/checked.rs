//! A23, A24, A48, A49, A57: stored files over HTTP, compared with their hashes on their way.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use packshot_db::testing::point_file_at;
use packshot_domain::hash::ContentAddress;
use packshot_service::objects;
use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::app::{Installation, Reply, TestApp, id, small};
use crate::glb::Glb;
use crate::places::{Gate, Place, in_bucket};

const MIB: usize = 1 << 20;

/// Keeps bytes, and shows them as the files of a completed render; the path of one.
async fn shown(app: &TestApp, bytes: &[u8]) -> (ContentAddress, String) {
    let scope = app.scope().await;
    let mut spool = app.store.spool(bytes.len() as u64).expect("begun");
    spool.write(bytes).await.expect("written");
    let upload = spool.finish().await.expect("spooled");
    let address = objects::keep(&app.db, &app.store, scope, upload, "image/png").await.expect("kept");
    let id = id(&app.render(&small()).await);
    point_file_at(&app.db, scope, id.parse().expect("an id"), address).await.expect("pointed");
    (address, format!("/api/v1/renders/{id}/result.png"))
}

/// Where an object of the app's tenant lies.
async fn file(app: &TestApp, address: ContentAddress) -> PathBuf {
    let (tenant, hex) = (app.scope().await.tenant, address.hex());
    app.folder.path().join(format!("store/objects/{tenant}/{}/{}", &hex[..2], &hex[2..]))
}

/// Flips a bit of a file.
fn flip(file: &Path, at: usize) {
    let mut bytes = std::fs::read(file).expect("there");
    bytes[at] ^= 1;
    std::fs::write(file, bytes).expect("written");
}

/// Bytes of which no two groups are equal.
fn bytes(size_bytes: usize) -> Vec<u8> {
    let mut bytes = vec![0; size_bytes];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

/// What arrives of an answer's body, and whether that is all of it.
async fn arrived(app: &TestApp, path: &str) -> (u16, Vec<u8>, bool) {
    let mut response = app.request(Method::GET, path).send().await.expect("an answer");
    let (status, mut arrived) = (response.status().as_u16(), Vec::new());
    loop {
        match response.chunk().await {
            Ok(Some(piece)) => arrived.extend_from_slice(&piece),
            Ok(None) => return (status, arrived, true),
            Err(_) => return (status, arrived, false),
        }
    }
}

cases! {
    on_postgres_in_the_soak:
    async fn a23_digests_known_to_others(engine) {
        let app = TestApp::start(&engine).await;
        let job = app.render(&small()).await;
        let path = format!("/api/v1/renders/{}/result.png", id(&job));
        let whole = app.get(&path).await;
        let tag = format!("\"blake3:{}\"", blake3::hash(&whole.body).to_hex());
        let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&whole.body)));
        let part = Reply::of(app.request(Method::GET, &path).header("range", "bytes=3-9")).await;
        let head = Reply::of(app.request(Method::HEAD, &path)).await;
        for (reply, status) in [(&whole, 200), (&part, 206), (&head, 200)] {
            assert_eq!((reply.status, reply.header("etag")), (status, Some(tag.as_str())));
            assert_eq!(reply.header("repr-digest"), Some(digest.as_str()), "of the whole file");
            assert_eq!(reply.header("accept-ranges"), Some("bytes"));
        }
        assert_eq!(head.header("content-length"), Some(whole.body.len().to_string().as_str()));
        assert_eq!(job["result"]["files"][0]["file_hash"], tag.trim_matches('"'));
    }

    async fn a24_an_empty_file(engine) {
        let app = TestApp::start(&engine).await;
        let (address, path) = shown(&app, b"").await;
        let empty = "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(address.to_string(), empty);
        let reply = app.get(&path).await;
        assert_eq!((reply.status, reply.body.len()), (200, 0));
        assert_eq!(reply.header("etag"), Some(format!("\"{empty}\"").as_str()));
        let range = Reply::of(app.request(Method::GET, &path).header("range", "bytes=0-0")).await;
        assert_eq!(range.problem(), (416, "range_not_satisfiable".to_owned()));
    }

    async fn a48_a_damaged_file_ends_early_and_is_refused_then(engine) {
        let app = TestApp::start(&engine).await;
        let bytes = bytes(10 * MIB);
        let (address, path) = shown(&app, &bytes).await;
        assert_eq!(arrived(&app, &path).await, (200, bytes.clone(), true));
        flip(&file(&app, address).await, 9 * MIB + 77);
        let range = Reply::of(app.request(Method::GET, &path).header("range", "bytes=100-199")).await;
        assert_eq!((range.status, &range.body[..]), (206, &bytes[100..200]));
        let (status, body, is_whole) = arrived(&app, &path).await;
        assert_eq!((status, is_whole), (200, false), "the client sees that something is missing");
        assert!(body.len() <= 9 * MIB && body[..] == bytes[..body.len()], "{} bytes", body.len());
        assert_eq!(app.get(&path).await.problem(), (500, "content_corrupt".to_owned()));
        let range = Reply::of(app.request(Method::GET, &path).header("range", "bytes=100-199")).await;
        assert_eq!(range.problem(), (500, "content_corrupt".to_owned()));

        let (small, path) = shown(&app, &bytes[..1000]).await;
        flip(&file(&app, small).await, 3);
        assert_eq!(app.get(&path).await.problem(), (500, "content_corrupt".to_owned()), "before its first byte");
    }

    async fn a49_a_file_that_is_rendered_again_is_whole_again(engine) {
        let app = TestApp::start(&engine).await;
        let job = app.render(&small()).await;
        let path = format!("/api/v1/renders/{}/result.png", id(&job));
        let whole = app.get(&path).await.body;
        let address: ContentAddress = job["result"]["files"][0]["file_hash"].as_str().expect("a hash").parse().expect("an address");
        std::fs::remove_file(file(&app, address).await).expect("removed");
        assert_eq!(app.get(&path).await.problem(), (500, "content_corrupt".to_owned()), "a missing one too");
        // The damaged file is not taken for that of an equal request.
        let again = app.render(&small()).await;
        assert_eq!(again["result"]["from_cache"], json!(false));
        assert_eq!(app.get(&path).await.body, whole);
    }

    async fn a57_with_the_bucket_away_nothing_is_half_stored(engine) {
        let Some(place) = Place::bucket() else { return };
        let server = place.server.as_ref().expect("a bucket").address;
        let gate = Gate::before(server).await;
        let mut installation = Installation::new(&engine, &[]).await;
        installation.store = in_bucket(gate.address, place.folder().join("spool"));
        let app = installation.start(false).await;
        let submit = async || Reply::of(app.rendering(Glb::body(), &small())).await;
        assert_eq!(submit().await.status, 202);
        let before = app.get("/api/v1/renders").await.json()["items"].clone();
        gate.shut();
        let refused = Reply::of(app.rendering(Glb::parts(&["Other"]).bytes(), &small())).await;
        assert_eq!(refused.problem(), (503, "unavailable".to_owned()));
        assert!(refused.header("retry-after").is_some());
        assert_eq!(app.get("/api/v1/renders").await.json()["items"], before, "no job without its files");
        gate.open();
        assert_eq!(submit().await.status, 202);
    }
}
