//! C31, R29, R64, R67, R72–R74: tasks, devices, figures.

use packshot_domain::access::{Role, Scope};
use serde_json::{Value, json};

use crate::app::{TestApp, endless, id, small};

cases! {
    async fn r29_devices(engine) {
        let app = TestApp::idle(&engine).await;
        let devices = app.get("/api/v1/devices").await.json();
        let items = devices["items"].as_array().expect("a list");
        assert_eq!(items.iter().filter(|item| item["selected"] == true).count(), 1, "{devices}");
        for item in items {
            for member in ["id", "name", "backend", "device_type", "driver", "memory_bytes", "is_software", "state", "selected"] {
                assert!(item.get(member).is_some(), "{member}");
            }
        }
        assert!(devices["probe"]["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
    }

    async fn c31_r64_r74_a_task_as_it_was_given(engine) {
        let app = TestApp::idle(&engine).await;
        let job = app.submit(&small()).await;
        let task = app.get(&format!("/api/v1/tasks/{}", job["task_id"].as_str().expect("a task"))).await.json();
        assert_eq!((&task["task_name"], &task["queue"], &task["args"]), (&json!("render_still"), &json!("render"), &json!([id(&job)])));
        assert_eq!((&task["id"], &task["task_id"], &task["celery_task_id"]), (&job["task_id"], &job["task_id"], &job["task_id"]), "C31");
        assert_eq!(task["kwargs"], job["request"], "R74: the request, and nothing internal to the service");
        assert_eq!((&task["job_id"], &task["lane"], &task["waits_for"]), (&job["id"], &json!("builtin"), &json!([])));
        assert_eq!((&task["state"], &task["attempt"], &task["max_attempts"]), (&json!("queued"), &json!(0), &json!(3)));
        let listed = app.get("/api/v1/tasks?state=queued").await.json();
        assert_eq!(listed["items"], json!([task]));
        let run = app.get("/api/v1/tasks?workflow_run_id=0193b2a0-0000-7000-8000-000000000000").await.json();
        assert_eq!(run["items"], json!([]), "no run has tasks");
        assert_eq!(app.get("/api/v1/tasks/nothing").await.problem(), (404, "task_not_found".to_owned()));
    }

    async fn r67_figures(engine) {
        let app = TestApp::start(&engine).await;
        app.render(&small()).await;
        app.render_of(b"no GLB".to_vec(), &small()).await;
        let figures = app.get("/api/v1/analytics/renders").await.json();
        for (member, expected) in [("renders_total", 2), ("completed", 1), ("failed", 1), ("cancelled", 0)] {
            assert_eq!(figures[member], expected, "{member} of {figures}");
        }
        assert!(figures["avg_render_s"].is_number() && figures["p95_render_s"].is_number());
        let members = figures.as_object().expect("members");
        assert!(members.contains_key("avg_glb_s") && !members.contains_key("avg_stl_s"));
        let none = app.get("/api/v1/analytics/renders?to=2000-01-01T00:00:00Z").await.json();
        assert_eq!((&none["renders_total"], &none["avg_render_s"]), (&json!(0), &Value::Null));
        assert_eq!(app.get("/api/v1/analytics/renders?from=yesterday").await.pointers(), ["?from"]);
        let (_, client) = app.tenant_key("beta", Role::Client, &[Scope::Admin]).await;
        assert_eq!(app.with_key(&client).get("/api/v1/analytics/renders").await.problem(), (403, "forbidden".to_owned()));
    }

    async fn r40_r43_the_log_of_a_render_is_read_in_pages(engine) {
        let app = TestApp::start(&engine).await;
        let log = async |job: &Value, query: &str| {
            app.get(&format!("/api/v1/renders/{}/log?{query}", id(job))).await.json()
        };
        let job = app.render(&small()).await;
        let all = log(&job, "limit=200").await;
        let lines = all["items"].as_array().expect("lines");
        let numbers: Vec<u64> = lines.iter().map(|line| line["seq"].as_u64().expect("a number")).collect();
        assert_eq!(numbers, (1..=lines.len() as u64).rev().collect::<Vec<_>>(), "newest first");
        assert_eq!(all["next_cursor"], Value::Null);
        let oldest = lines.last().expect("a line");
        assert_eq!((&oldest["step_name"], &oldest["message"]), (&json!("resolve_step_path"), &json!("started")));
        assert_eq!((&oldest["level"], &oldest["duration_s"], &oldest["task_id"]), (&json!("info"), &Value::Null, &job["task_id"]));
        assert!(oldest["context"].is_object() && oldest["created_at"].is_string(), "{oldest}");
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = log(&job, &format!("limit=2{cursor}")).await;
            seen.extend(page["items"].as_array().expect("lines").clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(json!(seen), all["items"], "each once");
        let of_step = log(&job, "step=render_still&level=info").await;
        let of_step = of_step["items"].as_array().expect("lines").clone();
        assert!(of_step[0]["duration_s"].is_number(), "the line that ends it: {of_step:?}");
        let expected = lines.iter().filter(|line| line["step_name"] == "render_still" && line["level"] == "info");
        assert_eq!(of_step, expected.cloned().collect::<Vec<_>>());

        let failed = app.render_of(b"no GLB".to_vec(), &small()).await;
        let errors = log(&failed, "level=error").await;
        let error = &errors["items"][0];
        assert_eq!((&error["step_name"], &error["context"]["code"]), (&json!("resolve_step_path"), &failed["error"]["code"]));
        let cached = app.render(&small()).await;
        assert_eq!((&cached["result"]["from_cache"], &log(&cached, "").await["items"]), (&json!(true), &json!([])));
        for (query, code, pointer) in [
            ("step=sampling", "validation_failed", "?step"),
            ("level=loud", "validation_failed", "?level"),
            ("limit=201", "validation_failed", "?limit"),
            ("cursor=garbage", "invalid_cursor", "?cursor"),
        ] {
            let refused = app.get(&format!("/api/v1/renders/{}/log?{query}", id(&job))).await;
            assert_eq!((refused.problem(), refused.pointers()), ((422, code.to_owned()), vec![pointer.to_owned()]), "{query}");
        }
        let missing = "/api/v1/renders/0193b2a0-0000-7000-8000-000000000000/log";
        assert_eq!(app.get(missing).await.problem(), (404, "render_not_found".to_owned()));
    }

    async fn r72_r73_what_failed_is_put_back(engine) {
        let app = TestApp::start(&engine).await;
        let failed = app.render_of(b"no GLB".to_vec(), &small()).await;
        assert_eq!((&failed["state"], &failed["document"]["attempt"]), (&json!("failed"), &json!(1)), "R72: not retried");
        let task = failed["task_id"].as_str().expect("a task").to_owned();
        let path = format!("/api/v1/tasks/{task}/requeue");
        let reply = app.post(&path).await;
        assert_eq!((reply.status, &reply.json()["state"]), (200, &json!("queued")), "{}", reply.text());
        app.job_when(&id(&failed), |job| job["state"] == "failed" && job["completed_at"] != failed["completed_at"]).await;
        let running = app.submit(&endless()).await;
        app.job_when(&id(&running), |job| job["state"] == "running").await;
        let path = format!("/api/v1/tasks/{}/requeue", running["task_id"].as_str().expect("a task"));
        assert_eq!(app.post(&path).await.problem(), (409, "task_not_failed".to_owned()));
        app.post(&format!("/api/v1/renders/{}/cancel", id(&running))).await;
    }
}
