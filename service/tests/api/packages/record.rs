//! A01–A03, A05, A06, A52, A56: packages as a whole.

use packshot_domain::access::{Role, Scope};
use packshot_domain::id::PackageId;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Remote, hello, p, problem};
use crate::app::{Reply, id};

const WRITE: [Scope; 2] = [Scope::ArtifactsRead, Scope::ArtifactsWrite];

sites! {
    async fn a01_an_unknown_retention_class_is_refused(site) {
        let app = site.idle().await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let guest = app.with_key(&key);
        let new = json!({"name": "x", "producer": "p", "subject": "s", "retention_class": "does-not-exist"});
        let refused = guest.send(Method::POST, "/api/v1/packages", &new).await;
        assert_eq!(refused.problem(), problem(422, "unknown_retention_class"));
        assert!(refused.json()["detail"].as_str().expect("text").contains("unknown retention class"));
        assert_eq!(guest.get("/api/v1/packages").await.json()["items"], json!([]));
        assert_eq!(guest.get("/api/v1/artifact-events").await.json()["items"], json!([]));
    }

    async fn a02_a14_a_package_is_created_by_its_caller(site) {
        let app = site.idle().await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let package = Remote::make(&app, &key, &p()).await;
        let record = package.record().await;
        for (member, expected) in [
            ("name", json!("p")),
            ("retention_class", json!("raw-evidence")),
            ("status", json!("created")),
            ("metadata", json!({})),
            ("file_count", json!(0)),
            ("manifest_digest", Value::Null),
            ("held", json!(false)),
        ] {
            assert_eq!(record[member], expected, "{member}");
        }
        let by = record["created_by"].as_str().expect("text");
        assert!(by.starts_with("key:") && key.starts_with(&by[4..]), "{by}");
        let events = package.guest.get("/api/v1/artifact-events").await.json();
        let [event] = &events["items"].as_array().expect("a list")[..] else { panic!("one event: {events}") };
        assert_eq!((&event["event_type"], &event["actor"]), (&json!("v1.package.created"), &record["created_by"]));
        assert_eq!(event["payload"]["subject"], "sub");
        // The same request with the same key makes one.
        let again = async || {
            let request = package.guest.request(Method::POST, "/api/v1/packages").json(&p());
            id(&Reply::of(request.header("idempotency-key", "p-1")).await.json())
        };
        assert_eq!(again().await, again().await);
    }

    async fn a03_a18_a_file_is_taken(site) {
        let app = site.idle().await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let package = Remote::make(&app, &key, &p()).await;
        let taken = package.put("x/y.txt", &hello()).await;
        assert_eq!(taken.status, 201, "{}", taken.text());
        let file = taken.json();
        assert_eq!((&file["size_bytes"], &file["relative_path"], &file["media_type"]), (&json!(1100), &json!("x/y.txt"), &json!("text/plain")));
        // Both digests as in the test vector of the contract.
        assert_eq!(file["content_address"], "blake3:838116ca8f33ffdc916fd26647b5b3426303a40517ee92187c3a56516fc4a33a");
        assert_eq!(file["sha256"], "68cd07733b3b97926512d4bbe9b660bb5beff0675579833a52e6e059557d57f6");
        let own = file["links"]["self"].as_str().expect("a link");
        assert_eq!(taken.header("location"), Some(own));
        assert_eq!(package.guest.get(own).await.json(), file);
        let content = file["links"]["content"].as_str().expect("a link");
        let sent = package.guest.get(content).await;
        assert_eq!((sent.header("content-type"), &sent.body), (Some("text/plain"), &hello()));
        let events = package.guest.get("/api/v1/artifact-events").await.json();
        assert_eq!(events["items"][1]["payload"]["receipt"]["backend_id"], app.store.backend().to_string());
        let record = package.record().await;
        assert_eq!((&record["file_count"], &record["total_bytes"], &record["last_event_sequence"]), (&json!(1), &json!(1100), &json!(2)));
    }

    async fn a05_a_package_that_is_not_there_takes_nothing(site) {
        let app = site.idle().await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        for id in [PackageId::new().to_string(), "p".to_owned()] {
            let missing = Remote { guest: app.with_key(&key), id };
            assert_eq!(missing.put("a.txt", b"one").await.problem(), problem(404, "package_not_found"));
            assert_eq!(missing.add("a.txt", b"one", &[]).await.problem(), problem(404, "package_not_found"));
            assert_eq!(missing.finalize().await.problem(), problem(404, "package_not_found"));
            for rest in ["", "/files", "/manifest", "/archive.zip"] {
                assert_eq!(missing.guest.get(&missing.path(rest)).await.problem(), problem(404, "package_not_found"), "{rest}");
            }
            assert_eq!(missing.guest.post(&missing.path("/verify")).await.problem(), problem(404, "package_not_found"));
        }
        assert!(site.stored(&app).await.is_empty());
    }

    async fn a06_a_package_is_finalised_once(site) {
        let app = site.idle().await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let package = Remote::make(&app, &key, &p()).await;
        let finalized = package.finalize().await;
        assert_eq!(finalized.status, 200, "{}", finalized.text());
        let finalized = finalized.json();
        assert_eq!(finalized["package"], package.record().await);
        assert_eq!((&finalized["package"]["status"], &finalized["package"]["manifest_digest"]), (&json!("finalized"), &finalized["manifest_digest"]));
        let again = package.finalize().await;
        assert_eq!(again.problem(), problem(409, "illegal_package_state"));
        assert!(again.json()["detail"].as_str().expect("text").contains("finalized"), "the state: {}", again.text());
        assert_eq!(package.events().await, ["v1.package.created", "v1.package.finalized"]);
    }

    async fn a52_a_manifest_has_two_forms(site) {
        let app = site.idle().await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let package = Remote::make(&app, &key, &p()).await;
        assert_eq!(package.put("x/y.txt", &hello()).await.status, 201);
        let manifest = package.path("/manifest");
        assert_eq!(package.guest.get(&manifest).await.problem(), problem(409, "package_not_finalized"));
        let digest = package.finalize().await.json()["manifest_digest"].as_str().expect("a digest").to_owned();
        let accepting = async |accept: &str| {
            Reply::of(package.guest.request(Method::GET, &manifest).header("accept", accept)).await
        };
        let cbor = accepting("application/cbor").await;
        assert_eq!((cbor.status, cbor.header("content-type")), (200, Some("application/cbor")));
        assert_eq!(format!("blake3:{}", blake3::hash(&cbor.body)), digest, "the exact bytes of the digest");
        let json = accepting("application/json").await;
        let text = json.text();
        assert!(text.starts_with('{') && text.contains("\"manifest_version\":1"), "{text}");
        assert_eq!(packshot_json::canonical(&json.json()), text, "JCS");
        for reply in [&cbor, &json] {
            assert_eq!((reply.header("x-manifest-digest"), reply.header("etag")), (Some(digest.as_str()), Some(format!("\"{digest}\"").as_str())));
        }
        for (query, same) in [("?format=cbor", &cbor), ("?format=json", &json)] {
            assert_eq!(package.guest.get(&format!("{manifest}{query}")).await.body, same.body, "{query}");
        }
        assert_eq!(accepting("text/html").await.problem(), problem(406, "not_acceptable"));
        assert_eq!(package.guest.get(&format!("{manifest}?format=xml")).await.problem(), problem(422, "validation_failed"));
        let known = Reply::of(package.guest.request(Method::GET, &manifest).header("if-none-match", format!("\"{digest}\""))).await;
        assert_eq!((known.status, known.body.len()), (304, 0));
    }

    async fn a56_metadata_has_limits(site) {
        let app = site.idle().await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let guest = app.with_key(&key);
        let with = |metadata: Value| {
            let mut body = p();
            body["metadata"] = metadata;
            body
        };
        let levels = |n: usize| (1..n).fold(json!({}), |inner, _| json!({"a": inner}));
        let empty = serde_json::to_string(&json!({"a": ""})).expect("text").len();
        let of_bytes = |n: usize| json!({"a": "x".repeat(n - empty)});
        for metadata in [levels(16), of_bytes(65_536), json!({"n": (1_u64 << 53) - 1, "x": 0.5})] {
            let taken = guest.send(Method::POST, "/api/v1/packages", &with(metadata.clone())).await;
            assert_eq!(taken.status, 201, "{}", taken.text());
            assert_eq!(taken.json()["metadata"], metadata);
        }
        for metadata in [levels(17), of_bytes(65_537), json!({"n": 1_u64 << 53}), json!({"n": -(1_i64 << 53)})] {
            let refused = guest.send(Method::POST, "/api/v1/packages", &with(metadata)).await;
            assert_eq!(refused.problem(), problem(422, "invalid_metadata"));
            assert_eq!(refused.pointers(), ["/metadata"]);
        }
    }
}
