//! External executors: A64, N17, O68, R47, R88, W48–W50, W89, W97; those over HTTP are in `http`.

mod http;
mod script;

use packshot_domain::access::Scope;
use packshot_service::instance::watch;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Guest, TestApp, id, poll, small};
use crate::glb::Glb;
use crate::webhooks::{Hooks, Receiver};
use crate::workflows::Shop;

pub(crate) use script::Script;

/// Lets a tenant use external executors.
pub(crate) async fn allow(app: &TestApp, shop: &Shop<'_>, is_on: bool) {
    let operator = app.operating_key(&[Scope::Admin]).await;
    let path = format!("/api/v1/tenants/{}/config", id(&shop.get("/api/v1/tenant").await));
    let patch = json!({"features": {"external_executor": is_on}});
    assert_eq!(app.with_key(&operator).send(Method::PATCH, &path, &patch).await.status, 200);
}

/// The tasks of a line's job.
async fn tasks_of(admin: &Guest<'_>, line: &str) -> Vec<Value> {
    let tasks = admin.get("/api/v1/tasks").await.json();
    let of_line = |task: &&Value| task["args"][0] == line;
    tasks["items"].as_array().expect("tasks").iter().filter(of_line).cloned().collect()
}

cases! {
    on_postgres_in_the_soak:
    async fn w48_a64_r47_a_program_renders_a_line(engine) {
        let script = Script::new();
        let app = script.installed(&engine).await.start(true).await;
        let shop = Shop::open(&app).await;
        allow(&app, &shop, true).await;
        let line = shop.line_of(&shop.product, json!({"width": 24, "samples": 3}), None).await;
        shop.dispatch_line(&line).await;
        let done = shop.line_when(&line, "completed").await;
        let [job] = &script.jobs()[..] else { panic!("one job") };
        let mut members: Vec<&str> = job.as_object().expect("members").keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, [
            "fallback_material", "glb_path", "job_id", "materials", "order_line_id", "output_path", "render_settings",
            "source_path",
        ]);
        assert_eq!(job["render_settings"], json!({"width": 24, "samples": 3}));
        assert_eq!(job["materials"], json!([{"part_name": "Body", "material": "Chrome"}]));
        assert_eq!(job["order_line_id"], line.id);
        assert!(job["fallback_material"].as_str().is_some_and(|name| !name.is_empty()));
        assert_eq!((script.glb_of(job), script.source_of(job)), (Glb::body(), Glb::body()));
        // The picture that it has made is the line's.
        let asset = done["asset_ids"][0].as_str().expect("an asset").to_owned();
        let sent = shop.admin.get(&format!("/api/media/assets/{asset}/content")).await;
        assert_eq!((sent.status, &sent.body[..]), (200, &script.picture()[..]));
        let document = &done["render_job_doc"];
        assert!(document["pid"].as_u64().is_some(), "R47: {document}");
        assert_eq!((&document["state"], &document["result"]["engine_used"]), (&json!("completed"), &json!("script")));
        let [task] = &tasks_of(&shop.admin, &line.id).await[..] else { panic!("one task") };
        assert_eq!((&task["lane"], &task["queue"]), (&json!("script"), &json!("render")));
        // A64
        let packages = shop.get(&format!("/api/v1/packages?subject=order_line:{}", line.id)).await;
        let [package] = &packages["items"].as_array().expect("packages")[..] else { panic!("one: {packages}") };
        let made = &package["metadata"]["provenance"];
        assert_eq!((&made["renderer"]["name"], &made["renderer"]["engine"]), (&json!("external"), &json!("script")));
        let own = package["links"]["self"].as_str().expect("a link");
        let manifest = shop.get(&format!("{own}/manifest")).await;
        let hash = format!("blake3:{}", blake3::hash(&script.picture()));
        assert!(manifest.to_string().contains(&hash), "{manifest}");
    }

    async fn w49_a_program_that_fails_fails_its_line(engine) {
        let script = Script::new();
        let app = script.installed(&engine).await.start(true).await;
        let shop = Shop::open(&app).await;
        allow(&app, &shop, true).await;
        for (mode, said) in [
            ("broken", ["exit code 3", "boom"]),
            ("nothing", ["wrote no file", "output_path"]),
            ("garbage", ["not a picture", "PNG"]),
        ] {
            script.does(mode);
            let line = shop.line_of(&shop.product, small(), None).await;
            shop.dispatch_line(&line).await;
            let failed = shop.line_when(&line, "failed").await;
            let error = failed["render_job_doc"]["error"].as_str().expect("an error");
            assert!(said.iter().all(|text| error.contains(text)), "{mode}: {error}");
            let [task] = &tasks_of(&shop.admin, &line.id).await[..] else { panic!("one task") };
            assert_eq!(task["error"]["code"], "executor_failed", "{mode}");
            assert_eq!((&failed["asset_ids"], &failed["result_path"]), (&json!([]), &json!(null)), "{mode}");
        }
    }

    async fn n17_a_missing_program_is_an_alert_until_it_is_there(engine) {
        let script = Script::new();
        let mut installed = script.installed(&engine).await;
        let (file, text) = installed.file.take().expect("a settings file");
        let program = installed.folder_of_settings().join("program");
        let named = format!("\"{}\"", program.display());
        installed.file = Some((file, text.replacen("\"/bin/sh\"", &named, 1)));
        let app = installed.start(true).await;
        let shop = Shop::open(&app).await;
        allow(&app, &shop, true).await;
        let operator = app.operating_key(&[Scope::Admin]).await;
        let alerts = async || {
            let page = app.with_key(&operator).get("/api/v1/alerts?event_type=executor.not_found").await.json();
            page["items"].as_array().expect("alerts").clone()
        };
        for n in 1..=2 {
            let line = shop.line_of(&shop.product, small(), None).await;
            shop.dispatch_line(&line).await;
            shop.line_when(&line, "failed").await;
            let [alert] = &alerts().await[..] else { panic!("one") };
            assert_eq!((&alert["state"], &alert["occurrences"], &alert["tenant_id"]), (&json!("open"), &json!(n), &json!(null)));
            assert_eq!(alert["data"]["program"], program.display().to_string());
        }
        watch::executors(&app.db, &app.settings).await.expect("the database answers");
        assert_eq!(alerts().await[0]["state"], "open");
        std::os::unix::fs::symlink("/bin/sh", &program).expect("linked");
        watch::executors(&app.db, &app.settings).await.expect("the database answers");
        assert_eq!(alerts().await[0]["state"], "resolved", "without a line that needs it");
        std::fs::remove_file(&program).expect("removed");
        let line = shop.line_of(&shop.product, small(), None).await;
        shop.dispatch_line(&line).await;
        shop.line_when(&line, "failed").await;
        assert_eq!(alerts().await[0]["state"], "open");
        std::os::unix::fs::symlink("/bin/sh", &program).expect("linked");
        let line = shop.line_of(&shop.product, small(), None).await;
        shop.dispatch_line(&line).await;
        shop.line_when(&line, "completed").await;
        assert_eq!(alerts().await[0]["state"], "resolved");
    }

    async fn w50_r47_a_program_that_takes_too_long_is_killed(engine) {
        let script = Script::new();
        let installed = script.installed_with(&engine, "timeout_s = 1").await;
        let app = installed.start(true).await;
        let shop = Shop::open(&app).await;
        allow(&app, &shop, true).await;
        script.does("stubborn");
        let line = shop.line_of(&shop.product, small(), None).await;
        shop.dispatch_line(&line).await;
        script.begun(1).await;
        let failed = shop.line_when(&line, "failed").await;
        let error = failed["render_job_doc"]["error"].as_str().expect("an error");
        assert!(error.contains("timed out"), "{error}");
        script.is_gone().await;
    }

    async fn r47_a_cancelled_line_ends_its_program_and_what_that_started(engine) {
        let script = Script::new();
        let app = script.installed(&engine).await.start(true).await;
        let shop = Shop::open(&app).await;
        allow(&app, &shop, true).await;
        script.does("stubborn");
        let line = shop.line_of(&shop.product, small(), None).await;
        shop.dispatch_line(&line).await;
        script.begun(1).await;
        let running = poll(async || shop.line_now(&line).await, |line| !line["render_job_doc"]["pid"].is_null()).await;
        assert!(running["render_job_doc"]["pid"].as_u64().is_some());
        let asked = std::time::Instant::now();
        assert_eq!(shop.admin.post(&format!("/api/v1/order-lines/{}/cancel", line.id)).await.status, 202);
        shop.line_when(&line, "cancelled").await;
        assert!(asked.elapsed() < std::time::Duration::from_secs(5), "the line does not wait for the program");
        script.is_gone().await;
    }

    async fn r88_a_lane_that_is_blocked_holds_up_no_other(engine) {
        let script = Script::new();
        let app = script.installed(&engine).await.start(true).await;
        let shop = Shop::open(&app).await;
        allow(&app, &shop, true).await;
        script.does("held");
        let mut lines = Vec::new();
        for _ in 0..11 {
            let line = shop.line_of(&shop.product, small(), None).await;
            shop.dispatch_line(&line).await;
            lines.push(line);
        }
        script.begun(1).await;
        // A render by the built-in renderer, and an export, which is a task of the conversions' lane.
        let new = json!({"name": "Built in", "render_backend": "packshot", "render_settings": small()});
        let own = id(&shop.made("/api/v1/output-types", new).await);
        let glb = id(&shop.made("/api/v1/output-types", json!({"name": "GLB", "kind": "glb", "render_backend": "packshot"})).await);
        let of = |output_type: &str| json!({"product_id": shop.product, "output_type_id": output_type});
        let order = shop.made("/api/orders", json!({"lines": [of(&own), of(&glb)]})).await;
        shop.made(&format!("/api/orders/{}/dispatch", id(&order)), json!({})).await;
        for line in order["lines"].as_array().expect("lines") {
            let path = format!("/api/v1/order-lines/{}", id(line));
            poll(async || shop.get(&path).await, |line| line["render_status"] == "completed").await;
        }
        // A delivery, in the lane of those.
        let operator = app.with_key(&app.operating_key(&[Scope::Admin]).await);
        let open = json!({"webhook_allowed_networks": ["127.0.0.0/8"], "webhook_allow_http": true});
        assert_eq!(operator.send(Method::PATCH, "/api/v1/settings", &open).await.status, 200);
        let (hooks, receiver) = (Hooks::by(app.with_key(shop.key())), Receiver::new());
        let hook = hooks.hook(&receiver.serve().await, &["order.*"]).await;
        let asked = std::time::Instant::now();
        hooks.test(&hook).await;
        receiver.when(1).await;
        assert!(asked.elapsed() < std::time::Duration::from_secs(2), "{:?}", asked.elapsed());
        assert_eq!(script.jobs().len(), 1, "one at a time");
        script.let_go();
        for line in &lines {
            shop.line_when(line, "completed").await;
        }
        assert_eq!((script.jobs().len(), script.most_at_once()), (11, 1));
    }

    async fn w89_w97_o68_output_types_choose_their_executor(engine) {
        let script = Script::new();
        let app = script.installed(&engine).await.start(false).await;
        let shop = Shop::open(&app).await;
        let types = "/api/v1/output-types";
        let of = |name: &str, kind: &str, backend: &str, own: Value| {
            json!({"name": name, "kind": kind, "render_backend": backend, "legacy_executor": own})
        };
        let refused = async |body: Value| shop.admin.send(Method::POST, types, &body).await.problem();
        assert_eq!(refused(of("A", "still", "external", json!(null))).await, (403, "feature_disabled".to_owned()));
        let lane = async |output_type: &str| {
            let lines = json!([{"product_id": shop.product, "output_type_id": output_type}]);
            let order = shop.made("/api/orders", json!({"lines": lines})).await;
            let line = id(&order["lines"][0]);
            let done = shop.made(&format!("/api/v1/order-lines/{line}/dispatch"), json!({})).await;
            let task = shop.get(&format!("/api/v1/tasks/{}", done["task_id"].as_str().expect("a task"))).await;
            task["lane"].as_str().expect("a lane").to_owned()
        };
        // Without the feature `auto` is Packshot's own.
        let auto = id(&shop.made(types, of("Auto", "still", "auto", json!(null))).await);
        assert_eq!(lane(&auto).await, "builtin");
        allow(&app, &shop, true).await;
        assert_eq!(lane(&auto).await, "script", "the setting");
        let own = id(&shop.made(types, of("Own", "still", "packshot", json!("script"))).await);
        assert_eq!(lane(&own).await, "builtin");
        let other = id(&shop.made(types, of("Other", "still", "auto", json!("other"))).await);
        assert_eq!(lane(&other).await, "other");
        let builtin = id(&shop.made(types, of("Built in", "still", "auto", json!("builtin"))).await);
        assert_eq!(lane(&builtin).await, "builtin");
        let external = id(&shop.made(types, of("External", "still", "external", json!(null))).await);
        assert_eq!(lane(&external).await, "script");
        let unknown = shop.admin.send(Method::POST, types, &of("B", "still", "auto", json!("maya"))).await;
        assert_eq!((unknown.status, unknown.pointers()), (422, vec!["/legacy_executor".to_owned()]));
        let none = refused(of("C", "still", "external", json!("builtin"))).await;
        assert_eq!(none, (422, "executor_not_configured".to_owned()));
        // W97
        for kind in ["turntable", "views", "glb"] {
            let external = refused(of("D", kind, "external", json!(null))).await;
            assert_eq!(external, (422, "executor_stills_only".to_owned()), "{kind}");
            let by_own = refused(of("D", kind, "auto", json!("script"))).await;
            assert_eq!(by_own, (422, "executor_stills_only".to_owned()), "{kind}");
        }
        let views = id(&shop.made(types, of("Views", "views", "auto", json!(null))).await);
        let of_type = |output_type: &String| json!({"product_id": shop.product, "output_type_id": output_type});
        let lines = json!([of_type(&auto), of_type(&views), of_type(&own)]);
        let order = shop.made("/api/orders", json!({"lines": lines})).await;
        let line = id(&order["lines"][1]);
        let alone = shop.admin.post(&format!("/api/v1/order-lines/{line}/dispatch")).await;
        assert_eq!(alone.problem(), (422, "executor_stills_only".to_owned()));
        // O68
        let whole = shop.made(&format!("/api/orders/{}/dispatch", id(&order)), json!({})).await;
        let results = whole["results"].as_array().expect("results");
        let errors: Vec<&Value> = results.iter().map(|result| &result["error"]["code"]).collect();
        assert_eq!(errors, [&json!(null), &json!("executor_stills_only"), &json!(null)]);
        let tasks = results.iter().filter(|result| !result["task_id"].is_null()).count();
        assert_eq!(tasks, 2, "two jobs");
    }
}
