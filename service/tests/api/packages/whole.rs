//! A07–A13, A22, A31: a package from its creation to its manifest, its log and its replay.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use packshot_db::TenantScope;
use packshot_db::artifacts::replay;
use packshot_domain::access::{Role, Scope};
use packshot_domain::audit::Actor;
use serde_json::{Value, json};

use super::{Remote, p};
use crate::app::{Reply, id};

const WRITE: [Scope; 2] = [Scope::ArtifactsRead, Scope::ArtifactsWrite];

sites! {
    async fn a07_a13_a22_from_the_first_file_to_the_manifest(site) {
        let app = site.idle().await;
        let (tenant, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let new = json!({
            "name": "e2e", "producer": "test", "subject": "kontextual-engine", "retention_class": "raw-evidence",
            "metadata": {"run_id": "r-1"},
        });
        let package = Remote::make(&app, &key, &new).await;
        let content = |i: usize| format!("file content {i}").repeat(50).into_bytes();
        for i in 0..3 {
            assert_eq!(package.put(&format!("reports/{i}.txt"), &content(i)).await.status, 201);
        }
        let finalized = package.finalize().await.json();
        let digest = finalized["manifest_digest"].as_str().expect("text");
        assert!(digest.starts_with("blake3:"), "a07: {digest}");
        let cbor = package.guest.get(&package.path("/manifest?format=cbor")).await;
        assert_eq!(format!("blake3:{}", blake3::hash(&cbor.body)), digest, "a13");
        let text = package.guest.get(&package.path("/manifest?format=json")).await.text();
        assert!(text.starts_with('{') && text.contains("\"manifest_version\":1"), "a09: {text}");
        let manifest: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&manifest["package"]["id"], &manifest["package"]["status"]), (&json!(package.id), &json!("finalized")));
        let paths: Vec<&str> = manifest["files"].as_array().expect("a list").iter().map(|file| file["relative_path"].as_str().expect("text")).collect();
        assert_eq!(paths, ["reports/0.txt", "reports/1.txt", "reports/2.txt"], "a08");
        assert_eq!(manifest["storage_receipts"].as_array().expect("a list").len(), 3);
        for (path, file) in package.files().await {
            let i = path.trim_start_matches("reports/").trim_end_matches(".txt").parse().expect("a number");
            assert_eq!(package.guest.get(&format!("/api/v1/files/{file}/content")).await.body, content(i), "a10");
        }
        let log = package.guest.get("/api/v1/artifact-events?after=0").await.json();
        let events = log["items"].as_array().expect("a list");
        let types: Vec<&str> = events.iter().map(|event| event["event_type"].as_str().expect("text")).collect();
        let ingested = "v1.file.ingested";
        assert_eq!(types, ["v1.package.created", ingested, ingested, ingested, "v1.package.finalized"], "a11");
        assert_eq!((&events[4]["payload"], &events[4]["payload_digest"]), (&manifest, &json!(digest)), "a13");
        let before = (package.record().await, package.guest.get(&package.path("/files")).await.json());
        replay::rebuild(&app.db, TenantScope::of(tenant), Actor::system()).await.expect("rebuilt");
        assert_eq!((package.record().await, package.guest.get(&package.path("/files")).await.json()), before, "a12");

        let sorted = Remote::make(&app, &key, &p()).await;
        for path in ["b", "ä", "a/z", "a.txt"] {
            assert_eq!(sorted.put(path, path.as_bytes()).await.status, 201);
        }
        let page = async |query: &str| sorted.guest.get(&sorted.path(&format!("/files{query}"))).await.json();
        let paths = |page: &Value| page["items"].as_array().expect("a list").iter().map(|file| file["relative_path"].clone()).collect::<Vec<_>>();
        assert_eq!(paths(&page("").await), ["a.txt", "a/z", "b", "ä"], "a22");
        let first = page("?limit=3").await;
        let rest = page(&format!("?cursor={}", first["next_cursor"].as_str().expect("a cursor"))).await;
        assert_eq!((paths(&first).len(), paths(&rest), &rest["next_cursor"]), (3, vec![json!("ä")], &Value::Null));
    }

    async fn a31_a_reader_of_the_log_misses_nothing(site) {
        let app = site.idle().await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let package = Remote::make(&app, &key, &p()).await;
        let writers = join_all((0..8).map(|writer| {
            let package = &package;
            async move {
                for n in 0..5 {
                    let path = format!("{writer}/{n}.txt");
                    assert_eq!(package.put(&path, path.as_bytes()).await.status, 201);
                }
            }
        }));
        let reader = async {
            let (mut after, mut seen) = (0, Vec::new());
            while seen.len() < 41 {
                let log = package.guest.get(&format!("/api/v1/artifact-events?after={after}")).await.json();
                seen.extend(log["items"].as_array().expect("a list").iter().map(|event| event["sequence"].as_u64().expect("a number")));
                after = log["next_after"].as_u64().expect("a number");
            }
            seen
        };
        let (_, seen) = tokio::join!(writers, reader);
        assert!(seen.into_iter().eq(1..=41), "every number once, in order");
    }

    async fn packages_are_found_by_what_they_are(site) {
        let app = site.idle().await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let mut made = Vec::new();
        for (name, class) in [("one", "scratch"), ("one", "preview"), ("two", "preview")] {
            let new = json!({"name": name, "producer": "prod", "subject": format!("of {name}"), "retention_class": class});
            made.push(Remote::make(&app, &key, &new).await);
        }
        made[2].finalize().await;
        let found = async |query: &str| -> BTreeSet<String> {
            let reply: Reply = made[0].guest.get(&format!("/api/v1/packages?{query}")).await;
            assert_eq!(reply.status, 200, "{query}: {}", reply.text());
            reply.json()["items"].as_array().expect("a list").iter().map(id).collect()
        };
        for (query, expected) in [
            ("", &[0, 1, 2][..]),
            ("name=one", &[0, 1]),
            ("retention_class=preview", &[1, 2]),
            ("subject=of%20two", &[2]),
            ("name=one&retention_class=preview", &[1]),
            ("status=finalized", &[2]),
            ("producer=nobody", &[]),
            ("to=2020-01-01T00:00:00Z", &[]),
        ] {
            assert_eq!(found(query).await, expected.iter().map(|i: &usize| made[*i].id.clone()).collect(), "{query}");
        }
        for query in ["status=open", "retention_class=for-ever", "scene=x", "library_digest=sha256:00", "job_id=7", "from=now"] {
            assert_eq!(made[0].guest.get(&format!("/api/v1/packages?{query}")).await.status, 422, "{query}");
        }
    }
}
