//! T84, T85: what is changed over HTTP is in the audit log, by whom it was done, and nothing changes the log.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Reply, TestApp, id, small, token};
use crate::materials::ACME;

cases! {
    async fn t84_each_change_over_http_has_one_entry(engine) {
        let app = TestApp::start(&engine).await;
        let admin = app.set_up("admin@test").await;
        let own = app.with_key(token(&admin));
        let newest = async || {
            let page = own.get("/api/v1/audit-log?limit=1").await.json();
            page["items"][0].clone()
        };
        let last = async || newest().await["id"].as_u64().expect("a number");
        // One entry since the number, of this action about this object.
        let check = async |before: u64, action: &str, object: &str| {
            let entry = newest().await;
            assert_eq!(entry["id"].as_u64(), Some(before + 1), "one entry of {action}: {entry}");
            assert_eq!((&entry["action"], &entry["object_id"]), (&json!(action), &json!(object)));
            assert_eq!(entry["actor_id"], admin["user"]["id"], "{action}");
            let detail = &entry["detail"];
            assert!(detail.get("before").is_some() && detail.get("after").is_some(), "{action}: {detail}");
        };

        let before = last().await;
        let library = Form::new().part("library", Part::bytes(ACME.as_bytes()).file_name("library.toml"));
        let library = Reply::of(own.request(Method::POST, "/api/v1/material-libraries").multipart(library)).await.json();
        let library = id(&library);
        check(before, "library.changed", &library).await;
        let path = format!("/api/v1/material-libraries/{library}");
        assert_eq!(own.send(Method::PATCH, &path, &json!({"public": true})).await.status, 200);
        check(before + 1, "library.changed", &library).await;
        assert_eq!(Reply::of(own.request(Method::DELETE, &path)).await.status, 204);
        check(before + 2, "library.changed", &library).await;

        let limits = json!({"max_concurrency": 5, "min_concurrency": 2});
        let before = last().await;
        for _ in 0..2 {
            let reply = own.send(Method::PUT, "/api/v1/worker-configs/convert", &limits).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
        }
        check(before, "worker_config.changed", "convert").await;
        let inverted = json!({"max_concurrency": 1, "min_concurrency": 2});
        assert_eq!(own.send(Method::PUT, "/api/v1/worker-configs/convert", &inverted).await.status, 422);
        assert_eq!(last().await, before + 1, "what is refused is not noted");

        let key = own.send(Method::POST, "/api/v1/api-keys", &json!({"name": "k", "scopes": ["admin"]})).await.json();
        let path = format!("/api/v1/api-keys/{}", id(&key));
        let before = last().await;
        for name in ["l", "l"] {
            assert_eq!(own.send(Method::PATCH, &path, &json!({"name": name})).await.status, 200);
        }
        check(before, "api_key.updated", &id(&key)).await;
        for _ in 0..2 {
            assert_eq!(own.post(&format!("{path}/revoke")).await.status, 200);
        }
        check(before + 1, "api_key.revoked", &id(&key)).await;

        let broken = crate::app::form(b"no GLB".to_vec(), Some(&small()));
        let job = Reply::of(own.request(Method::POST, "/api/v1/renders?wait=30").multipart(broken)).await;
        let job: Value = job.json();
        assert_eq!(job["state"], "failed", "{job}");
        let (task, before) = (job["task_id"].as_str().expect("a task"), last().await);
        assert_eq!(own.post(&format!("/api/v1/tasks/{task}/requeue")).await.status, 200);
        check(before, "task.requeued", task).await;
        own.job_when(&id(&job), |job| job["state"] == "failed").await;
        let path = format!("/api/v1/renders/{}", id(&job));
        assert_eq!(Reply::of(own.request(Method::DELETE, &path)).await.status, 204);
        // What was sent with it is a package, which goes with it and has an entry of its own.
        let page = own.get("/api/v1/audit-log?limit=2").await.json();
        let entries: Vec<_> = page["items"].as_array().expect("entries").iter().rev().collect();
        let numbers = entries.iter().map(|entry| (&entry["id"], &entry["action"]));
        let expected = [(json!(before + 2), json!("render.deleted")), (json!(before + 3), json!("package.deleted"))];
        assert!(numbers.eq(expected.iter().map(|(number, action)| (number, action))), "{page}");
        assert_eq!((&entries[0]["object_id"], &entries[1]["actor_id"]), (&json!(id(&job)), &admin["user"]["id"]));
        assert_eq!(Reply::of(own.request(Method::DELETE, &path)).await.status, 404);
        assert_eq!(last().await, before + 3);
    }

    async fn t85_no_route_changes_an_entry(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let own = app.with_key(token(&admin));
        let log = own.get("/api/v1/audit-log").await.json();
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let refused = own.send(method.clone(), "/api/v1/audit-log", &json!({})).await;
            assert_eq!(refused.problem(), (405, "method_not_allowed".to_owned()), "{method}");
            let path = format!("/api/v1/audit-log/{}", log["items"][0]["id"]);
            assert_eq!(own.send(method.clone(), &path, &json!({})).await.problem().0, 404, "{method}");
        }
        assert_eq!(own.get("/api/v1/audit-log").await.json(), log);
    }
}
