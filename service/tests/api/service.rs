//! C26–C29: health, readiness, metrics and the OpenAPI document.

use std::collections::BTreeSet;

use packshot_domain::hash::ContentAddress;
use reqwest::Method;
use serde_json::Value;

use crate::app::{Reply, TestApp, TestDatabase, small};

cases! {
    async fn c26_health_is_open(engine) {
        let app = TestApp::idle(&engine).await;
        app.operating_key(&[packshot_domain::access::Scope::Admin]).await;
        let (health, healthz) = (app.get("/health").await, app.get("/healthz").await);
        assert_eq!((health.status, &health.body), (200, &healthz.body));
        assert_eq!(health.json()["status"], "ok");
        assert_eq!(app.get("/openapi.json").await.status, 200);
        assert_eq!(app.get("/docs/").await.status, 200, "the reference needs no key, and no network");
    }

    async fn c27_readiness(engine) {
        let app = TestApp::idle(&engine).await;
        let ready = app.get("/readyz").await;
        assert_eq!(ready.status, 200, "{}", ready.text());
        assert_eq!(ready.json(), serde_json::json!({"status": "ready", "checks": {"database": "ok", "storage": "ok", "device": "ok"}}));
        app.hub.close();
        let closing = app.get("/readyz").await;
        assert_eq!((closing.status, &closing.json()["status"]), (503, &Value::from("not_ready")));
        assert_eq!(app.get("/healthz").await.status, 200);
    }

    async fn c28_metrics(engine) {
        let app = TestApp::start(&engine).await;
        app.render(&small()).await;
        let text = app.get("/metrics").await.text();
        for name in ["packshot_render_jobs_total", "packshot_queue_depth", "packshot_http_requests_total", "packshot_render_seconds"] {
            assert!(text.lines().any(|line| line.starts_with(name)), "{name} is not in {text}");
        }
    }

    async fn c29_every_route_is_documented_and_the_reverse(engine) {
        let app = TestApp::idle(&engine).await;
        let api = app.get("/openapi.json").await.json();
        assert!(api["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{}", api["openapi"]);
        let methods = ["get", "put", "post", "delete", "patch"];
        for (path, item) in api["paths"].as_object().expect("paths") {
            let url = path.replace("{result}", "result.png").replace("{queue_name}", "render").replace("{name}", "x");
            let url = url.replace("{content_address}", &ContentAddress::of(b"nothing").to_string());
            let missing = "0193b2a0-0000-7000-8000-000000000000";
            let url = url.replace("{id}", missing).replace("{file_id}", missing).replace("{fix_id}", missing);
            for method in methods {
                let request = app.request(method.to_uppercase().parse::<Method>().expect("a method"), &url);
                // An event stream is refused to a client that does not accept one.
                let is_stream = path.ends_with("/events");
                let request = if is_stream { request.header("accept", "application/json") } else { request };
                let reply = Reply::of(request).await;
                let is_documented = item.get(method).is_some();
                assert_eq!(reply.status != 405, is_documented, "{method} {path}: {}", reply.status);
                if reply.status >= 400 && is_documented && path != "/readyz" {
                    let code = reply.problem().1;
                    assert_ne!(code, "not_found", "{method} {path} is documented, but there is no such route");
                    let listed = item[method]["x-error-codes"].as_array().expect("codes");
                    assert!(listed.iter().any(|own| own == &Value::from(code.clone())), "{method} {path}: {code} is not listed");
                }
            }
        }
    }
}

/// The document is the same for every service that has keys, so it is looked at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c29_the_document_says_everything_of_each_operation() {
    let app = TestApp::idle(&TestDatabase::Sqlite).await;
    // With keys, the document says more.
    app.operating_key(&[packshot_domain::access::Scope::Admin]).await;
    let api = app.get("/openapi.json").await.json();
    let mut ids = BTreeSet::new();
    for (path, item) in api["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let what = format!("{method} {path}");
            for member in ["x-permission", "x-scope", "x-tenancy", "x-all-tenants", "x-error-codes", "summary", "tags"]
            {
                assert!(operation.get(member).is_some(), "{what}: {member}");
            }
            assert!(
                ids.insert(format!("{}", operation["operationId"])),
                "{what}: a second {}",
                operation["operationId"]
            );
            let is_open = operation["x-tenancy"] == "open";
            assert_eq!(operation["x-permission"].is_null(), is_open, "{what}");
            for code in operation["x-error-codes"].as_array().expect("codes") {
                let code = code.as_str().expect("a text");
                let responses = operation["responses"].as_object().expect("responses");
                let is_described = responses.values().any(|response| {
                    response["description"].as_str().is_some_and(|text| text.contains(&format!("`{code}`")))
                });
                assert!(is_described || path == "/readyz", "{what}: no response has {code}");
            }
            references(operation).iter().for_each(|name| {
                assert!(api["components"]["schemas"].get(name).is_some(), "{what}: no schema {name}");
            });
        }
    }
    for name in references(&api["components"]) {
        assert!(api["components"]["schemas"].get(&name).is_some(), "no schema {name}");
    }
    let text = serde_json::to_string_pretty(&api).expect("JSON");
    insta::assert_snapshot!("openapi", text);
}

/// Names of the schemas that a part of the document refers to.
fn references(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(|target| target.as_str()?.strip_prefix("#/components/schemas/"));
            members.values().flat_map(references).chain(own.map(str::to_owned)).collect()
        }
        Value::Array(values) => values.iter().flat_map(references).collect(),
        _ => BTreeSet::new(),
    }
}
