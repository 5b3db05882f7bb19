//! C19, C38, R62, R63, R65, R75, T66: how many tasks run at once.

use packshot_domain::access::{Role, Scope};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Reply, TestApp, endless, id};

async fn put(app: &TestApp, queue: &str, max: i64, min: i64) -> Reply {
    let body = json!({"max_concurrency": max, "min_concurrency": min});
    Reply::of(app.request(Method::PUT, &format!("/api/v1/worker-configs/{queue}")).json(&body)).await
}

cases! {
    async fn c19_a_stale_if_match(engine) {
        let app = TestApp::idle(&engine).await;
        let tag = app.get("/api/v1/worker-configs/convert").await.header("etag").expect("a tag").to_owned();
        let put = |tag: Option<&str>, max: i64| {
            let request = app.request(Method::PUT, "/api/v1/worker-configs/convert");
            let request = request.json(&json!({"max_concurrency": max, "min_concurrency": 1}));
            Reply::of(match tag {
                Some(tag) => request.header("if-match", tag),
                None => request,
            })
        };
        let changed = put(Some(&tag), 5).await;
        let next = changed.header("etag").expect("a tag").to_owned();
        assert!(changed.status == 200 && next != tag, "{tag} then {next}");
        for stale in [tag.as_str(), "\"no revision\"", "3"] {
            assert_eq!(put(Some(stale), 6).await.problem(), (412, "precondition_failed".to_owned()), "{stale}");
        }
        assert!(put(Some("3"), 6).await.text().contains("with its quotes"), "what is not a tag");
        assert_eq!(app.get("/api/v1/worker-configs/convert").await.json()["max_concurrency"], 5, "unchanged");
        assert_eq!(put(Some(&next), 6).await.status, 200);
        assert_eq!(put(None, 7).await.status, 200);
    }

    async fn c38_old_names_of_queues(engine) {
        let app = TestApp::idle(&engine).await;
        let reply = put(&app, "thumbnail_rendering", 2, 1).await;
        assert_eq!((reply.status, &reply.json()["queue_name"]), (200, &json!("render")));
        assert_eq!(app.get("/api/v1/worker-configs/render").await.json()["max_concurrency"], 2);
    }

    async fn r62_limits_change_at_once(engine) {
        let app = TestApp::start(&engine).await;
        let mut ids = Vec::new();
        for seed in 0..2 {
            let mut request = endless();
            request["seed"] = json!(seed);
            ids.push(id(&app.submit(&request).await));
        }
        app.job_when(&ids[0], |job| job["state"] == "running").await;
        let before = app.get("/api/v1/worker-configs/render").await.json();
        let reply = put(&app, "render", 2, 1).await;
        assert_eq!((reply.status, &reply.json()["max_concurrency"]), (200, &json!(2)));
        assert_ne!(reply.json()["updated_at"], before["updated_at"]);
        app.job_when(&ids[1], |job| job["state"] == "running").await;
        assert_eq!(app.get(&format!("/api/v1/renders/{}", ids[0])).await.json()["state"], "running", "none is stopped");
        for id in &ids {
            app.post(&format!("/api/v1/renders/{id}/cancel")).await;
        }
    }

    async fn r63_limits_to_begin_with(engine) {
        let app = TestApp::idle(&engine).await;
        let list = app.get("/api/v1/worker-configs").await.json();
        let limits: Vec<(&Value, &Value, &Value)> = list["items"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|item| (&item["queue_name"], &item["max_concurrency"], &item["min_concurrency"]))
            .collect();
        let expected = [json!(["render", 1, 1]), json!(["convert", 8, 2]), json!(["housekeeping", 2, 1])];
        let expected: Vec<_> = expected.iter().map(|row| (&row[0], &row[1], &row[2])).collect();
        assert_eq!(limits, expected);
    }

    async fn r65_t66_a_tenant_has_a_limit_of_its_own(engine) {
        let app = TestApp::start(&engine).await;
        let (alpha_id, alpha) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let (_, beta) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let operator = app.operating_key(&[Scope::Admin]).await;
        let limits = json!({"max_concurrency": 8, "min_concurrency": 1});
        let put = app.with_key(&operator).request(Method::PUT, "/api/v1/worker-configs/render").json(&limits);
        assert_eq!(Reply::of(put).await.status, 200);
        let config = format!("/api/v1/tenants/{alpha_id}/config");
        let limit = app.with_key(&operator).send(Method::PATCH, &config, &json!({"max_concurrent_renders": 3})).await;
        assert_eq!(limit.status, 200, "{}", limit.text());
        let (alpha, beta) = (app.with_key(&alpha), app.with_key(&beta));
        for seed in 0..5 {
            let mut request = endless();
            request["seed"] = json!(seed);
            assert_eq!(alpha.submit(&request).await.status, 202);
        }
        let other = id(&beta.submit(&endless()).await.json());
        let begun = std::time::Instant::now();
        loop {
            let state = beta.get(&format!("/api/v1/renders/{other}")).await.json()["state"].clone();
            if state == "running" {
                break;
            }
            assert!(begun.elapsed() < crate::app::PATIENCE, "the other tenant waits: {state}");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let running = alpha.get("/api/v1/renders?state=running").await.json();
        assert_eq!(running["items"].as_array().map(Vec::len), Some(3), "three of five: the limit is the tenant's, as the queue has room for eight");
        for guest in [&alpha, &beta] {
            for job in guest.get("/api/v1/renders").await.json()["items"].as_array().expect("a list") {
                guest.post(job["links"]["cancel"].as_str().expect("a link")).await;
            }
        }
    }

    async fn r75_limits_that_are_none(engine) {
        let app = TestApp::idle(&engine).await;
        for (max, min) in [(1, 2), (0, 0), (8, 0), (65, 1), (-1, -1), (i64::MAX, 1)] {
            assert_eq!(put(&app, "convert", max, min).await.problem(), (422, "invalid_concurrency".to_owned()), "{max} {min}");
        }
        assert_eq!(put(&app, "ai_validation", 1, 1).await.problem(), (404, "queue_not_found".to_owned()));
        let half = app.request(Method::PUT, "/api/v1/worker-configs/convert").json(&json!({"max_concurrency": 1}));
        assert_eq!(Reply::of(half).await.pointers(), ["/min_concurrency"]);
    }
}
