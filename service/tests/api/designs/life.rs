//! How a design job goes when nothing fails.

use packshot_domain::access::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::bench::{Bench, JOBS, design, files_of, installation};
use crate::app::{Reply, TestApp, id, poll};
use crate::glb::Glb;
use packshot_service::app::OwnDeeds;

const VIEWS: [&str; 6] = ["front_0deg", "right_60deg", "right_120deg", "back_180deg", "left_240deg", "left_300deg"];
const STEPS: [&str; 7] = [
    "create_render_job",
    "upload_design_file",
    "compose_design",
    "render_design",
    "store_render_outputs",
    "associate_product_media",
    "complete_render_job",
];

fn members(list: &Value, member: &str) -> Vec<String> {
    let items = list.as_array().expect("a list").iter();
    items.map(|item| item[member].as_str().expect("text").to_owned()).collect()
}

cases! {
    async fn d02_d03_d06_d07_d09_d10_d11_d12_d13_d14_d30_d71_a_design_becomes_the_media_of_its_product(engine) {
        let site = installation(&engine, OwnDeeds).await;
        let app = site.start(true).await;
        let bench = Bench::open(&app).await;
        let job = id(&bench.start(&json!({})).await);
        let mut progress: Vec<f64> = Vec::new();
        let done = poll(
            async || {
                let job = bench.job(&job).await;
                assert_eq!(job["metadata"]["progress"], job["progress_pct"]);
                job
            },
            |job| {
                job["status"] == "completed" || {
                    assert_ne!(job["status"], "failed", "{job}");
                    false
                }
            },
        )
        .await;
        progress.push(done["progress_pct"].as_f64().expect("a number"));
        assert!(progress.is_sorted(), "{progress:?}");
        assert_eq!(members(&done["steps"], "name"), STEPS);
        let steps = done["steps"].as_array().expect("steps");
        for (step, number) in steps.iter().zip(1..) {
            assert_eq!((&step["no"], &step["status"], &step["error"]), (&json!(number), &json!("done"), &json!(null)), "{step}");
        }
        for pair in steps.windows(2) {
            assert!(pair[0]["completed_at"].as_str() <= pair[1]["started_at"].as_str(), "{pair:?}");
        }
        let names = ["created", "compositing", "rendering", "completed"].map(|name| format!("render.job.{name}"));
        assert_eq!(bench.events(&job).await, names);
        let activity = bench.admin.get("/api/activity?event_type=render.job.*&limit=50").await.json();
        let mut told = members(&activity["items"], "event_type");
        told.reverse();
        assert_eq!(told, names);

        let texture = bench.admin.get(done["texture"]["url"].as_str().expect("a url")).await;
        assert_eq!((texture.status, texture.header("content-type")), (200, Some("image/png")));
        assert_eq!(done["placement_report"]["area"]["mapping"], "cylindrical");
        assert_eq!(members(&done["outputs"], "view_name"), VIEWS);
        let mut seen = Vec::new();
        for output in done["outputs"].as_array().expect("pictures") {
            assert_eq!((&output["width"], &output["height"], &output["media_type"]), (&json!(16), &json!(16), &json!("image/png")));
            let body = bench.admin.get(output["url"].as_str().expect("a url")).await.body;
            assert_eq!(output["file_hash"], format!("blake3:{}", blake3::hash(&body).to_hex()));
            assert!(!seen.contains(&body), "six different pictures");
            seen.push(body);
        }
        let pictures = members(&done["outputs"], "asset_id");
        assert_eq!(bench.gallery().await, pictures);
        assert_eq!(bench.thumbnail().await, json!(pictures[0]));
        let shown = bench.admin.get(&format!("/api/v1/products/{}/media", bench.product)).await.json();
        for item in shown["items"].as_array().expect("a list") {
            assert_eq!((&item["source"], &item["asset"]["state"]), (&json!("design_job"), &json!("published")));
            assert_eq!(item["asset"]["design_job_id"], json!(job));
        }
        assert_eq!((&done["progress_pct"], &done["metadata"]["media_ids"]), (&json!(100.0), &json!(pictures)));
        assert!(done["completed_at"].is_string() && done["animation"].is_null());
        bench.settled().await;

        let work = ["compose_design", "render_views", "output_save", "associate_media"];
        let document = &done["document"];
        let steps = document["steps"].as_array().expect("steps");
        for name in work {
            let step = steps.iter().find(|step| step["name"] == name);
            assert!(step.is_some_and(|step| step["duration_s"].is_number()), "{name}: {document}");
        }
        let tasks = bench.tasks(&job).await;
        let wanted = [["compose_design", "convert"], ["render_design", "render"], ["store_design", "convert"]];
        assert_eq!(tasks, wanted.map(|[name, queue]| [name, queue, "completed"].map(str::to_owned)));
        let task = done["task_id"].as_str().expect("a task");
        assert_eq!(bench.act_on_task(task).await.problem(), (409, "task_not_failed".to_owned()));

        // Its files outlive the service.
        let again = site.start(false).await;
        let guest = again.with_key(bench.admin.key());
        let kept = guest.get(done["outputs"][0]["url"].as_str().expect("a url")).await;
        assert_eq!(kept.body, seen[0]);
    }

    async fn d68_a_request_waits_and_is_made_once(engine) {
        let app = TestApp::start(&engine).await;
        let bench = Bench::open(&app).await;
        let headers = [("prefer", "wait=60"), ("idempotency-key", "logo-1")];
        let first = bench.send(design(), "logo.png", &json!({}), &headers).await;
        assert_eq!((first.status, &first.json()["status"]), (200, &json!("completed")), "{}", first.text());
        assert_eq!(first.header("preference-applied"), Some("wait=60"));
        let second = bench.send(design(), "logo.png", &json!({}), &headers).await;
        assert_eq!((second.status, id(&second.json())), (200, id(&first.json())));
        let page = bench.admin.get(JOBS).await.json();
        assert_eq!(page["items"].as_array().expect("jobs").len(), 1, "one render");
        let again = Reply::of(bench.admin.request(Method::GET, &format!("{JOBS}?status=failed"))).await.json();
        assert_eq!(again["items"], json!([]));
    }

    async fn d28_ten_jobs_of_two_tenants_keep_the_limits_and_end(engine) {
        let app = TestApp::start(&engine).await;
        let (alpha, beta) = (Bench::open(&app).await, Bench::of_tenant(&app, "beta", Glb::mug(None)).await);
        let operator = app.operating_key(&[Scope::Admin]).await;
        let operator = app.with_key(&operator);
        for (queue, most) in [("render", 3), ("convert", 4)] {
            let limits = json!({"max_concurrency": most, "min_concurrency": 1});
            let put = operator.send(Method::PUT, &format!("/api/v1/worker-configs/{queue}"), &limits).await;
            assert_eq!(put.status, 200, "{}", put.text());
        }
        let config = format!("/api/v1/tenants/{}/config", alpha.tenant);
        let limited = operator.send(Method::PATCH, &config, &json!({"max_concurrent_renders": 1})).await;
        assert_eq!(limited.status, 200, "{}", limited.text());
        let mut jobs = Vec::new();
        for seed in 0..5 {
            for bench in [&alpha, &beta] {
                let wanted = json!({"views": ["front_0deg"], "seed": seed, "samples": 256});
                jobs.push((bench, id(&bench.start(&wanted).await)));
            }
        }
        let (mut of_alpha, mut all) = (Vec::new(), Vec::new());
        for (bench, job) in jobs {
            let done = bench.ended(&job).await;
            assert_eq!(done["status"], "completed", "{done}");
            let tasks = bench.admin.get("/api/v1/tasks?limit=200").await.json();
            let of_job = bench.job_id(&job).await;
            let is_it = |task: &&Value| task["task_name"] == "render_design" && task["job_id"] == json!(of_job);
            let task = tasks["items"].as_array().expect("a list").iter().find(is_it).expect("its task");
            let span = ["started_at", "completed_at"].map(|at| task[at].as_str().expect("a time").to_owned());
            all.push(span.clone());
            if bench.tenant == alpha.tenant {
                of_alpha.push(span);
            }
        }
        assert_eq!((alpha.gallery().await.len(), beta.gallery().await.len()), (5, 5));
        assert_eq!(at_once(&of_alpha), 1, "the tenant's limit: {of_alpha:?}");
        assert!((1..=3).contains(&at_once(&all)), "the queue's: {all:?}");
    }

    on_postgres_in_the_soak:

    async fn d01_d04_d05_n21_a_job_begins_with_its_design_stored(engine) {
        let app = TestApp::idle(&engine).await;
        let bench = Bench::open(&app).await;
        let reply = bench.send(design(), "logo.png", &json!({"metadata": {"campaign": "spring"}}), &[]).await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        let job = reply.json();
        assert_eq!(reply.header("location"), Some(format!("{JOBS}/{}", id(&job)).as_str()));
        assert_eq!((&job["status"], &job["progress_pct"], &job["error"]), (&json!("pending"), &json!(10.0), &json!(null)));
        assert_eq!((&job["metadata"]["workflow"], &job["metadata"]["workflow_version"]), (&json!("design_render"), &json!(1)));
        assert_eq!((&job["metadata"]["campaign"], &job["metadata"]["progress"]), (&json!("spring"), &json!(10.0)));
        let stored = &job["design"];
        assert_eq!((&stored["file_name"], &stored["media_type"], &stored["has_alpha"]), (&json!("logo.png"), &json!("image/png"), &json!(true)));
        assert_eq!((&stored["width"], &stored["height"], &stored["colour"]), (&json!(60.0), &json!(40.0), &json!("rgb")));
        assert_eq!(bench.admin.get(stored["url"].as_str().expect("a url")).await.body, design());
        assert_eq!(bench.folders().len(), 1, "the working folder exists");
        let states: Vec<String> = members(&job["steps"], "status");
        assert_eq!(states, ["done", "done", "pending", "pending", "pending", "pending", "pending"]);
        assert_eq!((&job["request"]["view_transform"], &job["request"]["scale"]), (&json!("khronos_neutral"), &json!("shared")));
        assert_eq!(bench.assets(&id(&job)).await, [("design".to_owned(), "unpublished".to_owned())]);
        let activity = bench.admin.get("/api/activity?event_type=design.*").await.json();
        let [told] = &activity["items"].as_array().expect("entries")[..] else { panic!("{activity}") };
        assert_eq!((&told["event_type"], &told["actor_id"]), (&json!("design.uploaded"), &job["created_by"]));
        assert_eq!(told["subject"]["id"], job["id"], "{told}");
    }

    async fn d36_d37_galleries_thumbnails_and_views_are_as_wanted(engine) {
        let app = TestApp::start(&engine).await;
        let bench = Bench::open(&app).await;
        let apart = bench.ended(&id(&bench.start(&json!({"associate": false, "views": ["back_180deg"]})).await)).await;
        assert_eq!((&apart["status"], members(&apart["outputs"], "view_name")), (&json!("completed"), vec!["back_180deg".to_owned()]));
        assert_eq!((bench.gallery().await.len(), bench.thumbnail().await), (0, json!(null)));
        let of = bench.assets(&id(&apart)).await;
        assert!(of.contains(&("view".to_owned(), "published".to_owned())), "{of:?}");
        let two = json!({"views": ["back_180deg", "front_0deg"], "set_thumbnail": false});
        let two = bench.ended(&id(&bench.start(&two).await)).await;
        assert_eq!(members(&two["outputs"], "view_name"), ["front_0deg", "back_180deg"]);
        assert_eq!((bench.gallery().await.len(), bench.thumbnail().await), (2, json!(null)));
        let back = bench.ended(&id(&bench.start(&json!({"views": ["back_180deg"]})).await)).await;
        assert_eq!((&back["status"], bench.thumbnail().await), (&json!("completed"), json!(null)), "it is not the front");
        for wrong in [json!(["top"]), json!([])] {
            let refused = bench.send(design(), "a.png", &json!({"views": wrong}), &[]).await;
            assert_eq!(refused.problem(), (422, "unknown_view".to_owned()));
        }
    }

    async fn c39_d14_the_stream_of_a_job_resumes_anywhere_and_closes(engine) {
        let app = TestApp::start(&engine).await;
        let bench = Bench::open(&app).await;
        let job = id(&bench.start(&json!({"views": ["front_0deg"]})).await);
        assert_eq!(bench.ended(&job).await["status"], "completed");
        // Each of these answers comes to an end: the stream closes.
        let after = async |seen: &str| {
            let text = bench.admin.get(&format!("{JOBS}/{job}/events?after={seen}")).await.text();
            let ids = text.lines().filter_map(|line| line.strip_prefix("id: "));
            ids.map(|id| id.parse::<usize>().expect("a number")).collect::<Vec<_>>()
        };
        let all = after("0").await;
        assert_eq!(all, (1..=all.len()).collect::<Vec<_>>(), "no gap, no double");
        for seen in [1, all.len() / 2, all.len() - 1] {
            assert_eq!(after(&seen.to_string()).await, all[seen..], "the rest after {seen}");
        }
    }

    async fn d29_names_of_designs_never_become_paths(engine) {
        let app = TestApp::idle(&engine).await;
        let bench = Bench::open(&app).await;
        let long = format!("{}.png", "x".repeat(300));
        for (name, kept) in [("../../x.png", "x.png"), ("C:\\x.png", "x.png"), ("x.txt", "x.txt"), (long.as_str(), &long[..255])] {
            let reply = bench.send(design(), name, &json!({}), &[]).await;
            assert_eq!(reply.status, 202, "{name}: {}", reply.text());
            let job = reply.json();
            assert_eq!((&job["design"]["file_name"], &job["design"]["media_type"]), (&json!(kept), &json!("image/png")));
        }
        let outside = files_of(&app).into_iter().find(|file| file.file_name().is_some_and(|name| name == "x.png"));
        assert_eq!(outside, None);
    }

    async fn d39_a_deleted_job_leaves_what_galleries_show(engine) {
        let app = TestApp::start(&engine).await;
        let bench = Bench::open(&app).await;
        let done = bench.ended(&id(&bench.start(&json!({})).await)).await;
        assert_eq!(done["status"], "completed", "{done}");
        let path = format!("{JOBS}/{}", id(&done));
        assert_eq!(bench.admin.get(&format!("{path}?media=all")).await.status, 200);
        assert_eq!(Reply::of(bench.admin.request(Method::DELETE, &format!("{path}?media=all"))).await.status, 422);
        assert_eq!(Reply::of(bench.admin.request(Method::DELETE, &path)).await.status, 204);
        assert_eq!(bench.admin.get(&path).await.problem(), (404, "render_job_not_found".to_owned()));
        for gone in ["design", "texture"] {
            assert_eq!(bench.admin.get(done[gone]["url"].as_str().expect("a url")).await.status, 404, "{gone}");
        }
        assert_eq!(bench.gallery().await.len(), 6);
        assert_eq!(bench.admin.get(done["outputs"][0]["url"].as_str().expect("a url")).await.status, 200);

        let other = bench.ended(&id(&bench.start(&json!({})).await)).await;
        assert_eq!((bench.gallery().await.len(), bench.thumbnail().await), (12, other["outputs"][0]["asset_id"].clone()));
        let gone = bench.admin.request(Method::DELETE, &format!("{JOBS}/{}?media=delete", id(&other)));
        assert_eq!(Reply::of(gone).await.status, 204);
        assert_eq!((bench.gallery().await.len(), bench.thumbnail().await), (6, json!(null)));

        let slow = bench.start(&json!({"samples": 65536, "width": 256, "height": 256})).await;
        let refused = Reply::of(bench.admin.request(Method::DELETE, &format!("{JOBS}/{}", id(&slow)))).await;
        assert_eq!(refused.problem(), (409, "render_job_not_terminal".to_owned()));
        bench.act(&id(&slow), "cancel").await;
        assert_eq!(bench.ended(&id(&slow)).await["status"], "cancelled");
    }

    async fn d66_unmapped_parts_are_named_or_end_the_job(engine) {
        let app = TestApp::start(&engine).await;
        let bench = Bench::of_tenant(&app, "alpha", Glb::mug(Some("Deckel"))).await;
        let done = bench.ended(&id(&bench.start(&json!({})).await)).await;
        assert_eq!(done["status"], "completed", "{done}");
        let warnings = done["placement_report"]["warnings"].as_array().expect("warnings").clone();
        let unmapped = warnings.iter().find(|warning| warning["code"] == "unmapped_parts").expect("the warning");
        assert!(unmapped["detail"].as_str().is_some_and(|detail| detail.contains("Deckel")), "{unmapped}");
        let failed = bench.ended(&id(&bench.start(&json!({"on_unmapped": "fail"})).await)).await;
        assert_eq!((&failed["status"], &failed["error"]["code"], &failed["error"]["step"]), (&json!("failed"), &json!("unmapped_parts"), &json!("compose_design")));
        assert_eq!(bench.assets(&id(&failed)).await.len(), 1, "the design alone");
    }
}

/// How many of these spans of time have a moment together, at most. One that ends when another begins has none.
fn at_once(spans: &[[String; 2]]) -> usize {
    let during = |moment: &String| spans.iter().filter(|[from, to]| from <= moment && moment < to).count();
    spans.iter().map(|[from, _]| during(from)).max().unwrap_or(0)
}

impl Bench<'_> {
    async fn act_on_task(&self, task: &str) -> Reply {
        self.admin.post(&format!("/api/v1/tasks/{task}/requeue")).await
    }
}
