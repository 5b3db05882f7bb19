//! R30–R32, R40, R46, R48, R49, R54, R58: the document of a job, while it runs and when it has ended.

use packshot_db::log;
use packshot_domain::id::TaskId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Reply, TestApp, endless, id, pixels, small};

fn time_ms(time: &Value) -> i64 {
    let text = time.as_str().expect("a time");
    chrono::DateTime::parse_from_rfc3339(text).expect("RFC 3339").timestamp_millis()
}

fn steps(job: &Value) -> &[Value] {
    job["document"]["steps"].as_array().expect("a list")
}

fn step<'a>(job: &'a Value, name: &str) -> &'a Value {
    steps(job).iter().find(|step| step["name"] == name).unwrap_or_else(|| panic!("no {name} in {job}"))
}

cases! {
    async fn r30_r31_the_document_of_a_finished_job(engine) {
        let app = TestApp::start(&engine).await;
        let job = app.render(&small()).await;
        let document = &job["document"];
        assert_eq!((&document["version"], &document["job_id"], &document["state"]), (&json!(1), &job["id"], &json!("completed")));
        assert_eq!((&document["task_id"], &document["celery_task_id"]), (&job["task_id"], &job["task_id"]));
        assert_eq!((&document["created_at"], &document["error"], &document["pid"]), (&job["created_at"], &Value::Null, &Value::Null));
        assert!(document["worker_id"].is_string() && document["attempt"] == 1, "{document}");
        let result = &document["result"];
        assert_eq!((&result["output_path"], &result["engine_used"]), (&json!("result.png"), &json!("path_tracer")));
        assert!(result["duration_s"].as_f64() > Some(0.0) && result["gpu"] == result["gpu_info"]["device"], "{result}");
        for step in steps(&job) {
            let members: Vec<&str> = step.as_object().expect("members").keys().map(String::as_str).collect();
            assert!(["name", "status", "started_at", "completed_at", "duration_s", "output"].iter().all(|name| members.contains(name)), "{step}");
            let between_s = (time_ms(&step["completed_at"]) - time_ms(&step["started_at"])) as f64 / 1e3;
            let duration_s = step["duration_s"].as_f64().expect("a number");
            assert!((between_s - duration_s).abs() <= 0.01, "{step}");
        }
        let render = step(&job, "render_still");
        assert_eq!((&render["gpu_type"], &render["engine"], &render["samples"]), (&json!("CPU"), &json!("path_tracer"), &json!(2)));
    }

    async fn r40_every_line_is_an_event_and_a_row(engine) {
        let app = TestApp::start(&engine).await;
        let job = app.render(&small()).await;
        let task: TaskId = job["task_id"].as_str().expect("a task").parse().expect("an id");
        let rows = log::after(&app.db, app.scope().await, task, 0, 1000).await.expect("the log");
        let events = app.events(&id(&job)).await;
        let data = events.lines().filter_map(|line| line.strip_prefix("data: "));
        let data = data.map(|data| serde_json::from_str::<Value>(data).expect("JSON"));
        let told: Vec<Value> = data.filter(|data| data.get("step_name").is_some()).collect();
        let expect = rows.iter().map(|row| (json!(row.row.step_name.as_str()), json!(row.row.level.as_str()), json!(row.row.message)));
        assert!(told.iter().map(|log| (log["step_name"].clone(), log["level"].clone(), log["message"].clone())).eq(expect));
        assert!(rows.iter().all(|row| row.task_id == task) && rows.len() >= 8, "two for each step: {rows:?}");
    }

    async fn r48_r49_a_cancelled_job_leaves_nothing(engine) {
        let app = TestApp::start(&engine).await;
        let job = app.submit(&endless()).await;
        app.job_when(&id(&job), |job| job["samples_done"].as_u64() > Some(0)).await;
        app.post(job["links"]["cancel"].as_str().expect("a link")).await;
        let job = app.job_when(&id(&job), |job| job["state"] == "cancelled").await;
        assert_eq!((&job["document"]["state"], &job["result"]), (&json!("cancelled"), &Value::Null), "R49");
        assert!(steps(&job).iter().all(|step| step["status"] != "running"), "{job}");
        let files = app.stored_files();
        let address = job["request"]["asset"]["content_address"].as_str().expect("an address");
        assert_eq!(files.len(), 1, "R48: the product and nothing else: {files:?}");
        assert!(address.ends_with(&*files[0].file_name().expect("a name").to_string_lossy()), "{address} {files:?}");
        let events = app.events(&id(&job)).await;
        assert!(!events.contains("event: job.completed"), "{events}");
    }

    on_postgres_in_the_soak:

    async fn r32_a_running_step_is_visible(engine) {
        let app = TestApp::start(&engine).await;
        let id = id(&app.submit(&endless()).await);
        let is_rendering = |job: &Value| steps(job).last().is_some_and(|step| step["name"] == "render_still");
        let job = app.job_when(&id, is_rendering).await;
        let render = step(&job, "render_still");
        assert_eq!((&render["status"], &render["completed_at"], &render["duration_s"]), (&json!("running"), &Value::Null, &Value::Null));
        assert!(steps(&job).iter().rev().skip(1).all(|step| step["status"] == "done"), "{job}");
        app.post(&format!("/api/v1/renders/{id}/cancel")).await;
    }

    async fn r46_a_cancel_stops_exactly_its_own_task(engine) {
        let app = TestApp::start(&engine).await;
        let limits = json!({"max_concurrency": 2, "min_concurrency": 1});
        let put = app.request(Method::PUT, "/api/v1/worker-configs/render").json(&limits);
        assert_eq!(Reply::of(put).await.status, 200);
        let mut jobs = Vec::new();
        for seed in 0..2 {
            let mut request = endless();
            request["seed"] = json!(seed);
            let id = id(&app.submit(&request).await);
            jobs.push(app.job_when(&id, |job| job["state"] == "running").await);
        }
        for job in &jobs {
            let task = app.get(&format!("/api/v1/tasks/{}", job["document"]["celery_task_id"].as_str().expect("an id"))).await.json();
            assert_eq!((&task["state"], &task["args"]), (&json!("running"), &json!([id(job)])), "the one argument is the id of the render");
        }
        app.post(jobs[0]["links"]["cancel"].as_str().expect("a link")).await;
        app.job_when(&id(&jobs[0]), |job| job["state"] == "cancelled").await;
        let before = app.get(&format!("/api/v1/renders/{}", id(&jobs[1]))).await.json();
        assert_eq!(before["state"], "running");
        app.job_when(&id(&jobs[1]), |job| job["samples_done"].as_u64() > before["samples_done"].as_u64()).await;
        app.post(jobs[1]["links"]["cancel"].as_str().expect("a link")).await;
    }

    async fn r54_a_render_that_fails_in_the_engine_is_not_repeated(engine) {
        let app = TestApp::start(&engine).await;
        // The file is sound; only the render finds that it has no such camera.
        let mut request = small();
        request["camera"] = json!("No_Such_Camera");
        let reply = Reply::of(app.rendering(crate::glb::Glb::body(), &request).header("prefer", "wait=30")).await;
        let job = reply.json();
        assert_eq!((&job["state"], &job["document"]["attempt"]), (&json!("failed"), &json!(1)), "{job}");
        let error = job["error"]["detail"].as_str().expect("a reason");
        assert!(job["document"]["error"].as_str().is_some_and(|text| text.contains(error)), "{job}");
        assert_eq!(steps(&job).iter().filter(|step| step["name"] == "render_still").count(), 1, "{job}");
        assert_eq!(job["document"]["result"], Value::Null);
        assert!(!job.to_string().contains("fallback\""), "{job}");
        let done = app.render(&small()).await;
        assert_eq!(done["document"]["result"]["engine_used"], "path_tracer");
    }

    async fn r58_nothing_is_laid_over_a_picture(engine) {
        let app = TestApp::start(&engine).await;
        let job = app.render(&json!({"width": 48, "height": 32, "samples": 4, "light": "white"})).await;
        let picture = pixels(&app.get(job["links"]["results"]["png"].as_str().expect("a link")).await.body);
        let alpha = |x: usize, y: usize| picture[y * 48 + x][3];
        for (x, y) in [(0, 0), (47, 0), (0, 31), (47, 31)] {
            assert_eq!(alpha(x, y), 0, "corner {x} {y}");
        }
        assert_eq!(alpha(24, 16), 255, "the product is there");
        // A bar or a text would be at an edge, beside the product, which fills 85 % of the frame.
        let is_edge = |x: usize, y: usize| !(1..47).contains(&x) || !(1..31).contains(&y);
        let edge = (0..32).flat_map(|y| (0..48).map(move |x| (x, y))).filter(|&(x, y)| is_edge(x, y));
        assert!(edge.into_iter().all(|(x, y)| alpha(x, y) == 0));
    }
}
