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
        assert_eq!(task["kwargs"], job["request"], "R74: what was asked for, and nothing that the service keeps for itself");
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
