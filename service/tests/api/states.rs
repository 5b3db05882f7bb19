//! R11, R13–R18: jobs while they wait and run, cancelled and deleted.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::app::{TestApp, endless, id, small};

fn is_terminal(job: &Value) -> bool {
    matches!(job["state"].as_str(), Some("completed" | "failed" | "cancelled"))
}

cases! {
    async fn r13_cancel_what_waits(engine) {
        let app = TestApp::idle(&engine).await;
        let id = id(&app.submit(&small()).await);
        let reply = app.post(&format!("/api/v1/renders/{id}/cancel")).await;
        assert_eq!((reply.status, &reply.json()["state"]), (200, &json!("cancelled")));
        let job = app.get(&format!("/api/v1/renders/{id}")).await.json();
        assert_eq!((&job["state"], &job["started_at"], &job["document"]["state"]), (&json!("cancelled"), &Value::Null, &json!("cancelled")));
        assert!(job["completed_at"].is_string());
    }

    async fn r16_cancel_races_completion(engine) {
        let app = TestApp::start(&engine).await;
        let mut ends = [0, 0];
        for trial in 0..20_u64 {
            let mut request = small();
            request["seed"] = json!(trial);
            let id = id(&app.submit(&request).await);
            tokio::time::sleep(Duration::from_millis(trial * 3)).await;
            app.post(&format!("/api/v1/renders/{id}/cancel")).await;
            let job = app.job_when(&id, is_terminal).await;
            let result = app.get(&format!("/api/v1/renders/{id}/result.png")).await.status;
            let events = app.get(&format!("/api/v1/renders/{id}/events?after=0")).await.text();
            let terminal = ["job.completed", "job.failed", "job.cancelled"].map(|name| events.matches(&format!("event: {name}\n")).count());
            match job["state"].as_str() {
                Some("completed") => assert_eq!((result, terminal), (200, [1, 0, 0])),
                Some("cancelled") => assert_eq!((result, terminal), (409, [0, 0, 1])),
                other => panic!("{other:?}: {job}"),
            }
            ends[usize::from(job["state"] == "cancelled")] += 1;
        }
        assert_eq!(ends.iter().sum::<usize>(), 20);
    }

    async fn r17_delete(engine) {
        let app = TestApp::start(&engine).await;
        let done = id(&app.render(&small()).await);
        assert_eq!(app.delete(&format!("/api/v1/renders/{done}")).await.status, 204);
        for path in ["", "/events", "/result.png", "/preview.png", "/report.json"] {
            assert_eq!(app.get(&format!("/api/v1/renders/{done}{path}")).await.problem(), (404, "render_not_found".to_owned()), "{path}");
        }
        assert_eq!(app.delete(&format!("/api/v1/renders/{done}")).await.problem().0, 404);
        let running = id(&app.submit(&endless()).await);
        app.job_when(&running, |job| job["state"] == "running").await;
        assert_eq!(app.delete(&format!("/api/v1/renders/{running}")).await.problem(), (409, "render_not_terminal".to_owned()));
        app.post(&format!("/api/v1/renders/{running}/cancel")).await;
    }

    async fn r18_priority(engine) {
        let app = TestApp::start(&engine).await;
        let blocker = id(&app.submit(&endless()).await);
        app.job_when(&blocker, |job| job["state"] == "running").await;
        let mut ids = Vec::new();
        for (priority, seed) in [(0, 1), (5, 2), (0, 3)] {
            let mut request = small();
            (request["priority"], request["seed"]) = (json!(priority), json!(seed));
            ids.push(id(&app.submit(&request).await));
        }
        let positions = async || {
            let mut positions = Vec::new();
            for id in &ids {
                positions.push(app.get(&format!("/api/v1/renders/{id}")).await.json()["queue_position"].clone());
            }
            positions
        };
        assert_eq!(positions().await, [2, 1, 3]);
        app.post(&format!("/api/v1/renders/{blocker}/cancel")).await;
        let mut started = Vec::new();
        for id in &ids {
            let job = app.job_when(id, is_terminal).await;
            started.push(job["started_at"].as_str().expect("it ran").to_owned());
        }
        assert!(started[1] < started[0] && started[0] < started[2], "{started:?}");
    }

    on_postgres_in_the_soak:

    async fn r11_previews(engine) {
        let app = TestApp::start(&engine).await;
        let blocker = id(&app.submit(&endless()).await);
        let waiting = id(&app.submit(&json!({"width": 1100, "height": 64, "samples": 1})).await);
        let preview = async |id: &str| app.get(&format!("/api/v1/renders/{id}/preview.png")).await;
        assert_eq!(preview(&waiting).await.problem(), (404, "preview_not_ready".to_owned()));
        let begun = Instant::now();
        let mut tags = Vec::new();
        while tags.len() < 2 {
            let reply = preview(&blocker).await;
            if reply.status == 200 {
                assert_eq!((reply.header("content-type"), reply.header("cache-control")), (Some("image/png"), Some("no-store")));
                tags.extend(reply.header("etag").map(str::to_owned));
                tags.dedup();
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "only {tags:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        app.post(&format!("/api/v1/renders/{blocker}/cancel")).await;
        app.job_when(&waiting, |job| job["state"] == "completed").await;
        let last = preview(&waiting).await;
        let info = png::Decoder::new(std::io::Cursor::new(&last.body)).read_info().expect("a PNG");
        assert_eq!((info.info().width, info.info().height), (1024, 60), "the final picture, scaled");
        let known = app.request(reqwest::Method::GET, &format!("/api/v1/renders/{waiting}/preview.png"));
        let known = crate::app::Reply::of(known.header("if-none-match", last.header("etag").expect("a tag"))).await;
        assert_eq!(known.status, 304);
    }

    async fn r14_cancel_what_runs(engine) {
        let app = TestApp::start(&engine).await;
        let id = id(&app.submit(&endless()).await);
        app.job_when(&id, |job| job["state"] == "running").await;
        let begun = Instant::now();
        let reply = app.post(&format!("/api/v1/renders/{id}/cancel")).await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        assert!(reply.json()["cancel_requested_at"].is_string());
        let job = app.job_when(&id, is_terminal).await;
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        assert_eq!((&job["state"], &job["result"]), (&json!("cancelled"), &Value::Null));
        assert_eq!(app.get(&format!("/api/v1/renders/{id}/result.png")).await.problem().0, 409);
        assert_eq!(app.render(&small()).await["state"], "completed", "the device is free");
    }

    async fn r15_cancel_what_has_ended(engine) {
        let app = TestApp::start(&engine).await;
        let completed = id(&app.render(&small()).await);
        let failed = id(&app.render_of(b"no GLB".to_vec(), &small()).await);
        let cancelled = id(&app.submit(&endless()).await);
        app.post(&format!("/api/v1/renders/{cancelled}/cancel")).await;
        app.job_when(&cancelled, is_terminal).await;
        for (id, state) in [(completed, "completed"), (failed, "failed"), (cancelled, "cancelled")] {
            let before = app.get(&format!("/api/v1/renders/{id}")).await.json();
            for _ in 0..2 {
                let reply = app.post(&format!("/api/v1/renders/{id}/cancel")).await;
                assert_eq!((reply.status, &reply.json()), (200, &before), "{state}");
            }
            assert_eq!(before["state"], state);
        }
    }
}
