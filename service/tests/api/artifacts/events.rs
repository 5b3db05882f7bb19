//! A11, A31: the log of artifacts, in pages and as a stream.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use packshot_db::TenantScope;
use packshot_db::artifacts::events as rows;
use packshot_db::artifacts::{self, NewPackage, Repeated};
use packshot_domain::access::{Role, Scope};
use packshot_domain::artifact::{EventActor, Metadata, RetentionClass, Tree};
use packshot_domain::id::PackageId;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Kept, new_file, new_package};
use crate::app::{PATIENCE, Reply, TestApp};
use crate::events::Stream;

const PATH: &str = "/api/v1/artifact-events";

fn ops() -> EventActor {
    EventActor::Named("ops".parse().expect("a name"))
}

fn sequences(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["sequence"].as_u64().expect("a number")).collect()
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event_type"].as_str().expect("a word")).collect()
}

fn items(page: &Value) -> Vec<Value> {
    page["items"].as_array().expect("a list").clone()
}

async fn page(app: &TestApp, query: &str) -> Value {
    let reply = app.get(&format!("{PATH}{query}")).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

async fn follow(app: &TestApp, query: &str, last: Option<u64>) -> Stream {
    Stream::of(app.request(Method::GET, &format!("{PATH}{query}")), last).await
}

/// The data of the next events of a stream, whose fields say the same.
async fn next(stream: &mut Stream, n: usize) -> Vec<Value> {
    let mut events = Vec::new();
    for _ in 0..n {
        let event = stream.event().await.expect("the log does not end");
        assert_eq!((event.data["sequence"].as_u64(), &event.data["event_type"]), (Some(event.id), &json!(event.name)));
        events.push(event.data);
    }
    events
}

/// Creates, fills and finalises a package step by step.
async fn make(app: &TestApp, new: NewPackage, files: &[(String, Vec<u8>)]) -> PackageId {
    let (scope, id) = (app.scope().await, new.id);
    artifacts::create(&app.db, scope, ops(), new).await.expect("a package");
    for (path, bytes) in files {
        let new = new_file(app, scope, path, bytes).await;
        artifacts::ingest(&app.db, scope, ops(), id, new, Repeated::Refused).await.expect("a file");
    }
    artifacts::finalize(&app.db, scope, ops(), id).await.expect("finalized");
    id
}

cases! {
    async fn a11_the_log_is_tailed_in_order(engine) {
        let app = TestApp::idle(&engine).await;
        let mut stream = follow(&app, "", None).await;
        let [name, producer, subject] = ["e2e", "test", "kontextual-engine"].map(|text| text.parse().expect("a label"));
        let metadata = Metadata::new(BTreeMap::from([("run_id".to_owned(), Tree::from("r-1"))])).expect("metadata");
        let new = NewPackage { name, producer, subject, metadata, ..new_package(RetentionClass::RawEvidence) };
        let content = |i: usize| format!("file content {i}").repeat(50).into_bytes();
        let files: Vec<(String, Vec<u8>)> = (0..3).map(|i| (format!("reports/{i}.txt"), content(i))).collect();
        let package = make(&app, new, &files).await;

        let events = timeout(Duration::from_secs(5), next(&mut stream, 5)).await.expect("within 5 s");
        let ingested = "v1.file.ingested";
        assert_eq!(types(&events), ["v1.package.created", ingested, ingested, ingested, "v1.package.finalized"]);
        assert_eq!(sequences(&events), [1, 2, 3, 4, 5]);
        let all = page(&app, "").await;
        assert_eq!((items(&all), &all["next_after"]), (events.clone(), &json!(5)), "pages say the same");
        for event in &events {
            assert_eq!((&event["package_id"], &event["actor"]), (&json!(package.to_string()), &json!("ops")));
        }

        let created = &events[0]["payload"];
        assert_eq!((&created["name"], &created["metadata"]), (&json!("e2e"), &json!({"run_id": "r-1"})));
        assert_eq!((&created["retention_class"], &created["retention_ttl_s"]), (&json!("raw-evidence"), &Value::Null));
        assert_eq!((&events[1]["payload"]["relative_path"], &events[1]["payload"]["size_bytes"]), (&json!("reports/0.txt"), &json!(700)));
        let manifest = &events[4]["payload"];
        assert_eq!((&manifest["manifest_version"], &manifest["package"]["status"]), (&json!(1), &json!("finalized")));
        let stored = rows::after(&app.db, app.scope().await, 0, 10, None).await.expect("the log");
        for (event, row) in events.iter().zip(&stored) {
            let digest = format!("blake3:{}", blake3::hash(&row.payload).to_hex());
            assert_eq!((&event["payload_digest"], &event["created_at"]), (&json!(digest), &json!(row.created_at.to_string())));
        }
    }

    async fn the_log_is_read_in_parts(engine) {
        let app = TestApp::idle(&engine).await;
        let empty = page(&app, "").await;
        assert_eq!(empty, json!({"items": [], "next_after": 0}));
        let scope = app.scope().await;
        let one = Kept::make(&app, scope, b"one").await;
        let other = Kept::make(&app, scope, b"other").await;
        let (mut seen, mut after) = (Vec::new(), 0);
        for expected in [4, 6, 6] {
            let part = page(&app, &format!("?after={after}&limit=4")).await;
            seen.extend(sequences(&items(&part)));
            after = part["next_after"].as_u64().expect("a number");
            assert_eq!(after, expected);
        }
        assert_eq!(seen, [1, 2, 3, 4, 5, 6]);
        for (package, expected) in [(one.package, vec![1, 2, 3]), (other.package, vec![4, 5, 6]), (PackageId::new(), vec![])] {
            let of_package = page(&app, &format!("?package_id={package}")).await;
            assert_eq!(sequences(&items(&of_package)), expected);
        }
        let mut stream = follow(&app, &format!("?package_id={}&after=4", other.package), None).await;
        assert_eq!(sequences(&next(&mut stream, 2).await), [5, 6], "a stream may be of one package too");
        let beyond = page(&app, "?after=99").await;
        assert_eq!(beyond, json!({"items": [], "next_after": 99}));
        for (query, pointer) in [("after=x", "?after"), ("after=-1", "?after"), ("limit=0", "?limit"), ("limit=201", "?limit"), ("package_id=x", "?package_id")] {
            let reply = app.get(&format!("{PATH}?{query}")).await;
            assert_eq!((reply.problem(), reply.pointers()), ((422, "validation_failed".to_owned()), vec![pointer.to_owned()]), "{query}");
        }
    }

    async fn a31_readers_miss_nothing_while_others_write(engine) {
        const WRITERS: usize = 8;
        const FILES: usize = 5;
        // Each creates a package, fills and finalises it.
        const EVENTS: usize = WRITERS * (FILES + 2);
        let app = TestApp::idle(&engine).await;
        let own = &app;
        let write = |writer: usize| async move {
            let file = |i: usize| (format!("{i}.txt"), format!("{writer} {i}").into_bytes());
            let files: Vec<(String, Vec<u8>)> = (0..FILES).map(file).collect();
            make(own, new_package(RetentionClass::Scratch), &files).await
        };
        let by_after = async || {
            let (mut seen, mut after) = (Vec::new(), 0);
            while seen.len() < EVENTS {
                let part = page(&app, &format!("?after={after}&limit=7")).await;
                seen.extend(sequences(&items(&part)));
                after = part["next_after"].as_u64().expect("a number");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            seen
        };
        // It is cut off now and then, and resumes after the last number that it saw.
        let by_stream = async || {
            let (mut seen, mut last) = (Vec::new(), None);
            while seen.len() < EVENTS {
                let mut stream = follow(&app, "", last).await;
                let n = (EVENTS - seen.len()).min(11);
                seen.extend(sequences(&next(&mut stream, n).await));
                last = seen.last().copied();
            }
            seen
        };
        let writers = join_all((0..WRITERS).map(write));
        let work = async { tokio::join!(writers, by_after(), by_stream()) };
        let (packages, polled, streamed) = timeout(PATIENCE * 2, work).await.expect("all events come");
        assert_eq!(packages.len(), WRITERS);
        let expected: Vec<u64> = (1..=EVENTS as u64).collect();
        assert_eq!((&polled, &streamed), (&expected, &expected), "each once, in order");
    }

    async fn a_stream_of_artifacts_counts_and_stays_in_its_tenant(engine) {
        let app = TestApp::idle_with(&engine, &[("PACKSHOT_MAX_EVENT_STREAMS_PER_USER", "1")]).await;
        let (alpha, key) = app.tenant_key("alpha", Role::ProjectManager, &[Scope::ArtifactsRead]).await;
        let (beta, _) = app.tenant_key("beta", Role::ProjectManager, &[Scope::ArtifactsRead]).await;
        Kept::make(&app, TenantScope::of(beta), b"of beta").await;
        let guest = app.with_key(&key);
        let mut stream = Stream::of(guest.request(Method::GET, PATH), None).await;
        let own = Kept::make(&app, TenantScope::of(alpha), b"of alpha").await;
        let events = next(&mut stream, 3).await;
        assert_eq!(sequences(&events), [1, 2, 3], "every tenant has numbers of its own");
        assert!(events.iter().all(|event| event["package_id"] == json!(own.package.to_string())));
        let second = Reply::of(guest.request(Method::GET, PATH).header("accept", "text/event-stream")).await;
        assert_eq!(second.problem(), (429, "too_many_streams".to_owned()));
        let page = Reply::of(guest.request(Method::GET, PATH).header("accept", "application/json, */*")).await;
        assert_eq!((page.status, sequences(&items(&page.json()))), (200, vec![1, 2, 3]), "a page takes no place");
    }
}
