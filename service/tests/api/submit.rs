//! R01, R03, R10, R19–R23: requests for pictures.

use packshot_db::tasks;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Reply, TestApp, form, id, pixels, small};
use crate::glb::Glb;

fn file_hash(job: &Value) -> String {
    job["result"]["files"][0]["file_hash"].as_str().unwrap_or_else(|| panic!("no file in {job}")).to_owned()
}

cases! {
    on_postgres_in_the_soak:
    async fn r01_c31_a_multipart_request_without_wishes(engine) {
        let app = TestApp::idle(&engine).await;
        let reply = Reply::of(app.request(Method::POST, "/api/v1/renders").multipart(form(Glb::body(), None))).await;
        assert_eq!((reply.status, reply.header("retry-after")), (202, Some("1")));
        let job = reply.json();
        let own = format!("/api/v1/renders/{}", id(&job));
        assert_eq!(reply.header("location"), Some(own.as_str()));
        assert_eq!((&job["state"], &job["kind"], &job["queue_position"]), (&json!("queued"), &json!("still"), &json!(1)));
        for (member, value) in [
            ("width", json!(1024)),
            ("height", json!(1024)),
            ("samples", json!(256)),
            ("noise_threshold", json!(0.01)),
            ("seed", json!(0)),
            ("max_time_s", Value::Null),
            ("view", json!("three_quarter")),
            ("fill", json!(0.85)),
            ("lens_mm", json!(85.0)),
            ("light", json!("studio_soft")),
            ("background", json!("transparent")),
            ("view_transform", json!("khronos_neutral")),
            ("denoise", json!("auto")),
            ("device", json!("cpu")),
            ("on_unmapped", json!("magenta")),
            ("formats", json!(["png"])),
            ("retention_class", json!("render-output")),
        ] {
            assert_eq!(job["request"][member], value, "{member}");
        }
        let hash = blake3::hash(&Glb::body()).to_hex();
        assert_eq!(job["request"]["asset"]["content_address"], format!("blake3:{hash}"));
        assert_eq!(
            job["links"],
            json!({
                "self": own,
                "events": format!("{own}/events"),
                "preview": format!("{own}/preview.png"),
                "cancel": format!("{own}/cancel"),
                "report": format!("{own}/report.json"),
                "results": {"png": format!("{own}/result.png")},
            })
        );
        assert_eq!((&job["task_id"], job["task_id"].is_string()), (&job["celery_task_id"], true), "C31");
        assert_eq!(job["metadata"], json!({}));
        assert_eq!((&job["document"]["state"], &job["document"]["version"]), (&json!("queued"), &json!(1)));
        assert_eq!(app.get(&own).await.json(), job);
    }

    async fn r03_a_stored_file_is_named_by_its_content(engine) {
        let app = TestApp::start(&engine).await;
        let first = app.render(&small()).await;
        let mut body = small();
        body["asset"] = first["request"]["asset"].clone();
        let post = |body: Value| Reply::of(app.request(Method::POST, "/api/v1/renders?wait=30").header("cache-control", "no-cache").json(&body));
        let second = post(body.clone()).await.json();
        assert_eq!((file_hash(&first), &second["result"]["from_cache"]), (file_hash(&second), &json!(false)));
        body["asset"] = json!({"content_address": format!("blake3:{}", "0".repeat(64))});
        let unknown = post(body.clone()).await;
        assert_eq!((unknown.problem().0, unknown.pointers()), (422, vec!["/asset/content_address".to_owned()]));
        for (asset, code) in [
            (json!({}), "validation_failed"),
            (Value::Null, "validation_failed"),
            (json!({"content_address": first["request"]["asset"]["content_address"], "file_id": "1"}), "validation_failed"),
        ] {
            body["asset"] = asset.clone();
            assert_eq!(post(body.clone()).await.problem(), (422, code.to_owned()), "{asset}");
        }
    }

    async fn r01_a_job_has_the_name_of_its_file(engine) {
        let app = TestApp::start(&engine).await;
        let send = async |name: Option<&str>, request: &Value| {
            let glb = name.into_iter().map(str::to_owned).fold(Part::bytes(Glb::body()), Part::file_name);
            let form = Form::new().part("glb", glb).text("request", request.to_string());
            let request = app.request(Method::POST, "/api/v1/renders").header("prefer", "wait=30").multipart(form);
            Reply::of(request).await.json()
        };
        let named = send(Some("bearing.glb"), &small()).await;
        assert_eq!(named["input_name"], "bearing.glb");
        let own = named["links"]["self"].as_str().expect("a link");
        assert_eq!(app.get(own).await.json(), named);
        assert_eq!(app.get("/api/v1/renders").await.json()["items"][0]["input_name"], "bearing.glb");
        // No picture depends on it, so that an equal request has its files under another name.
        let long = format!("{}.glb", "ü".repeat(200));
        for (sent, shown) in [
            (Some("C:\\exports\\Lager \"6204\" ü.glb"), json!("Lager \"6204\" ü.glb")),
            (Some("../../etc/passwd"), json!("passwd")),
            (Some("a\u{202e}b.glb"), json!("ab.glb")),
            (Some(long.as_str()), json!("ü".repeat(127))),
            (Some("exports/"), Value::Null),
            (None, Value::Null),
        ] {
            let again = send(sent, &small()).await;
            assert_eq!((&again["input_name"], &again["result"]["from_cache"]), (&shown, &json!(true)), "{sent:?}");
        }
        let mut stored = small();
        stored["asset"] = named["request"]["asset"].clone();
        let stored = Reply::of(app.request(Method::POST, "/api/v1/renders").json(&stored)).await.json();
        assert_eq!(stored["input_name"], Value::Null);
        assert_eq!(app.get(own).await.json()["input_name"], "bearing.glb");
        let task = named["task_id"].as_str().expect("a task").parse().expect("an id");
        let task = tasks::get(&app.db, app.scope().await, task).await.expect("the task");
        assert!(!format!("{task:?}").contains("bearing.glb"), "it is not part of the request: {task:?}");
    }

    async fn r10_mistakes_have_pointers(engine) {
        let app = TestApp::idle(&engine).await;
        for (body, pointer) in [
            (json!({"width": 0}), "/width"),
            (json!({"width": 16385}), "/width"),
            (json!({"samples": 0}), "/samples"),
            (json!({"fill": 1.5}), "/fill"),
            (json!({"formats": []}), "/formats"),
            (json!({"view": "sideways"}), "/view"),
            (json!({"no_such_member": 1}), "/no_such_member"),
            (json!({"materials": {"library": "NOPE"}}), "/materials/library"),
            (json!({"library": ["NOPE"]}), "/library/0"),
        ] {
            let reply = Reply::of(app.rendering(Glb::body(), &body)).await;
            assert_eq!((reply.problem(), reply.pointers()), ((422, "validation_failed".to_owned()), vec![pointer.to_owned()]), "{body}");
        }
        let large = Reply::of(app.rendering(Glb::body(), &json!({"width": 16384, "height": 16384}))).await;
        assert_eq!(large.problem(), (422, "image_too_large".to_owned()));
        let twice = Reply::of(app.rendering(Glb::body(), &json!({"background": "white", "transparent_bg": true}))).await;
        assert_eq!(twice.problem(), (422, "conflicting_members".to_owned()));
        for later in [json!({"threads": 2}), json!({"dump_shot": true})] {
            assert_eq!(Reply::of(app.rendering(Glb::body(), &later)).await.problem(), (422, "option_not_available".to_owned()));
        }
        assert_eq!(app.get("/api/v1/renders").await.json()["items"], json!([]), "no job was created for any of them");
    }

    async fn r19_r20_equal_requests_are_answered_from_the_cache(engine) {
        let app = TestApp::start(&engine).await;
        let first = app.render(&small()).await;
        assert_eq!(first["result"]["from_cache"], false);
        let mut again = small();
        again["priority"] = json!(3);
        let n_hits = async || counted(&app.get("/metrics").await.text(), "packshot_render_cache_hits_total ");
        let n_completed = async || counted(&app.get("/metrics").await.text(), "packshot_render_jobs_total{state=\"completed\"} ");
        let before = (n_hits().await, n_completed().await);
        let second = app.submit(&again).await;
        assert!(n_hits().await > before.0 && n_completed().await > before.1, "it is counted");
        assert_eq!((&second["state"], &second["result"]["from_cache"]), (&json!("completed"), &json!(true)));
        assert_eq!(file_hash(&second), file_hash(&first));
        assert_ne!(id(&second), id(&first));
        let file = app.get(second["result"]["files"][0]["url"].as_str().expect("a URL")).await;
        assert_eq!((file.status, format!("blake3:{}", blake3::hash(&file.body).to_hex())), (200, file_hash(&first)));
        let events = app.get(&format!("/api/v1/renders/{}/events?after=0", id(&second))).await.text();
        assert_eq!(events.matches("event: job.completed").count(), 1, "{events}");
        let anew = Reply::of(app.rendering(Glb::body(), &small()).header("prefer", "wait=30").header("cache-control", "no-cache")).await.json();
        assert_eq!((&anew["result"]["from_cache"], file_hash(&anew)), (&json!(false), file_hash(&first)), "R20");
        let mut other = small();
        other["seed"] = json!(7);
        assert_eq!(app.render(&other).await["result"]["from_cache"], false);
    }

    async fn r21_a_limit_of_time(engine) {
        let app = TestApp::start(&engine).await;
        let request = json!({"width": 64, "height": 64, "samples": 65536, "noise_threshold": 0, "light": "white", "max_time_s": 1});
        let job = app.render(&request).await;
        assert_eq!(job["state"], "completed");
        let result = &job["result"];
        let (samples, duration) = (result["samples_mean"].as_f64().expect("given"), result["duration_s"].as_f64().expect("given"));
        assert!(samples < 65536.0 && (0.8..2.5).contains(&duration), "{samples} samples in {duration} s");
        assert!(result["noise_reached"].is_number(), "{result}");
    }

    async fn r22_unmapped_parts_are_magenta(engine) {
        let app = TestApp::start(&engine).await;
        let mut request = small();
        request["materials"] = json!({"parts": [{"part_name": "Body", "material": "Steel-Bare"}]});
        request["view_transform"] = json!("standard");
        let job = app.render_of(Glb::parts(&["Body", "Unknown_Part"]).bytes(), &request).await;
        assert_eq!((&job["state"], &job["result"]["unmapped_parts"]), (&json!("completed"), &json!(1)));
        let report = app.get(job["links"]["report"].as_str().expect("a link")).await.json();
        let items = report["materials"]["items"].as_array().expect("a list");
        let unmapped: Vec<&Value> = items.iter().filter(|item| item["reason"] == "no_match").collect();
        assert_eq!((unmapped.len(), &unmapped[0]["node"]), (1, &json!("Unknown_Part")));
        let picture = app.get(job["links"]["results"]["png"].as_str().expect("a link")).await.body;
        assert!(pixels(&picture).iter().any(|&[r, g, b, a]| a > 200 && r / 2 > g && b / 2 > g), "no pixel is magenta");
    }

    async fn r23_unmapped_parts_are_refused(engine) {
        let app = TestApp::start(&engine).await;
        let mut request = small();
        request["materials"] = json!({"parts": [{"part_name": "Body", "material": "Steel-Bare"}]});
        request["on_unmapped"] = json!("fail");
        let job = app.render_of(Glb::parts(&["Body", "Unknown_Part"]).bytes(), &request).await;
        assert_eq!((&job["state"], &job["error"]["code"]), (&json!("failed"), &json!("unmapped_parts")));
        assert!(job["error"]["detail"].as_str().is_some_and(|detail| detail.contains("Unknown_Part")), "{}", job["error"]);
        assert_eq!(app.get(job["links"]["results"]["png"].as_str().expect("a link")).await.status, 409);
    }
}

/// The value of a metric. Services of other tests count in the same process.
fn counted(metrics: &str, name: &str) -> u64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{name} is not in {metrics}")).parse().expect("a number")
}
