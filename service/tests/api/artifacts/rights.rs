//! A54, A55: who reads artifacts; and the classes and figures of a tenant.

use packshot_db::TenantScope;
use packshot_domain::access::{Role, Scope};
use packshot_domain::artifact::RetentionClass;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::FileId;
use serde_json::{Value, json};

use super::{Kept, new_file, new_package, store};
use crate::app::{Reply, TestApp};

/// An answer without what differs from any request to the next.
fn bare(reply: &Reply) -> (u16, Value) {
    let mut body = reply.json();
    (body["request_id"], body["instance"]) = (Value::Null, Value::Null);
    (reply.status, body)
}

cases! {
    async fn a54_foreign_files_are_not_there(engine) {
        let app = TestApp::idle(&engine).await;
        let scopes = [Scope::ArtifactsRead];
        let (alpha, alpha_key) = app.tenant_key("alpha", Role::ProjectManager, &scopes).await;
        let (_, beta_key) = app.tenant_key("beta", Role::ProjectManager, &scopes).await;
        let kept = Kept::make(&app, TenantScope::of(alpha), b"of alpha").await;
        let missing = Kept { file: FileId::new(), address: ContentAddress::of(b"of nobody"), ..kept };
        let (own, other) = (app.with_key(&alpha_key), app.with_key(&beta_key));
        for (path, nothing) in [
            (kept.path(), missing.path()),
            (kept.content_path(), missing.content_path()),
            (kept.address_path(), missing.address_path()),
        ] {
            assert_eq!(own.get(&path).await.status, 200, "{path}");
            let foreign = other.get(&path).await;
            assert_eq!(foreign.problem().0, 404, "{path}");
            assert_eq!(bare(&foreign), bare(&other.get(&nothing).await), "{path}");
        }
        let log = format!("/api/v1/artifact-events?package_id={}", kept.package);
        assert_eq!(other.get(&log).await.json(), json!({"items": [], "next_after": 0}));
        assert_eq!(other.get("/api/v1/artifacts/usage").await.json()["objects"], 0);
    }

    async fn a55_clients_read_no_artifacts(engine) {
        let app = TestApp::idle(&engine).await;
        let (tenant, client) = app.tenant_key("alpha", Role::Client, &[Scope::Admin]).await;
        let kept = Kept::make(&app, TenantScope::of(tenant), b"of alpha").await;
        let paths = [
            kept.path(),
            kept.content_path(),
            kept.address_path(),
            "/api/v1/artifact-events".to_owned(),
            "/api/v1/retention-classes".to_owned(),
            "/api/v1/artifacts/usage".to_owned(),
        ];
        let (_, manager) = app.tenant_key("beta", Role::ProjectManager, &[Scope::ArtifactsRead]).await;
        let (_, unfit) = app.tenant_key("gamma", Role::ProjectManager, &[Scope::RendersWrite]).await;
        for path in &paths {
            assert_eq!(app.with_key(&client).get(path).await.problem(), (403, "forbidden".to_owned()), "{path}");
            let lacking = app.with_key(&unfit).get(path).await;
            assert_eq!(lacking.problem(), (403, "insufficient_scope".to_owned()), "{path}");
        }
        for path in &paths[3..] {
            assert_eq!(app.with_key(&manager).get(path).await.status, 200, "{path}");
        }
    }

    async fn the_classes_are_listed_the_longest_first(engine) {
        let app = TestApp::idle(&engine).await;
        let classes = app.get("/api/v1/retention-classes").await.json();
        let classes: Vec<(Value, Value)> = classes["items"].as_array().expect("a list").iter().map(|class| {
            assert!(class["description"].as_str().is_some_and(|text| !text.is_empty()), "{class}");
            (class["name"].clone(), class["ttl_s"].clone())
        }).collect();
        let days = |days: u32| json!(days * 86_400);
        let expected = [("raw-evidence", Value::Null), ("render-output", days(365)), ("preview", days(30)), ("scratch", days(1))];
        assert_eq!(classes, expected.map(|(name, ttl_s)| (json!(name), ttl_s)));
    }

    async fn a_tenant_sees_how_much_it_keeps(engine) {
        let app = TestApp::idle(&engine).await;
        let usage = async || app.get("/api/v1/artifacts/usage").await.json();
        let of_classes = |raw: u32, preview: u32, scratch: u32| json!({"raw-evidence": raw, "render-output": 0, "preview": preview, "scratch": scratch});
        assert_eq!(usage().await, json!({"objects": 0, "bytes": 0, "by_class": of_classes(0, 0, 0), "expiring_30_days_bytes": 0}));
        let scope = app.scope().await;
        for (class, texts) in [
            (RetentionClass::Scratch, vec!["the same"]),
            (RetentionClass::Preview, vec!["the same", "other"]),
            (RetentionClass::RawEvidence, vec!["raw"]),
        ] {
            let mut files = Vec::new();
            for text in texts {
                files.push(new_file(&app, scope, text, text.as_bytes()).await);
            }
            store(&app, scope, new_package(class), files).await;
        }
        assert_eq!(usage().await, json!({"objects": 3, "bytes": 16, "by_class": of_classes(3, 13, 8), "expiring_30_days_bytes": 13}));
        Kept::of_class(&app, scope, RetentionClass::RawEvidence, b"other").await;
        assert_eq!(usage().await, json!({"objects": 3, "bytes": 16, "by_class": of_classes(8, 13, 8), "expiring_30_days_bytes": 8}), "what evidence names stays");
    }
}
