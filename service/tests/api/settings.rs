//! C19, C36, C37, R50–R53, R56, T71–T75 and the other settings.

use packshot_db::log;
use packshot_domain::access::{Role, Scope};
use packshot_domain::id::TaskId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Reply, TestApp, id, small, token};
use crate::glb::Glb;

/// A service whose device is not fixed by its configuration.
const NO_DEVICE: [(&str, &str); 1] = [("PACKSHOT_RENDER_DEVICE", "")];

async fn values(app: &TestApp) -> Value {
    app.get("/api/v1/settings").await.json()["values"].clone()
}

/// A request that leaves the device to the settings.
fn without_device() -> Value {
    json!({"width": 8, "height": 8, "samples": 1, "light": "white"})
}

cases! {
    async fn c36_removed_settings_stay_removed(engine) {
        let app = TestApp::start(&engine).await;
        let now = values(&app).await;
        for key in ["stl_quality", "threejs_render_size", "thumbnail_renderer"] {
            assert_eq!(now.get(key), None, "{key}");
            let reply = app.change_settings(&json!({key: 1})).await;
            assert_eq!((reply.problem(), reply.pointers()), ((422, "unknown_setting".to_owned()), vec![format!("/{key}")]));
        }
        for (key, told) in [("listen", "the settings file, the environment or on the command line"), ("max_pixel", "did you mean \\\"max_pixels\\\"?")] {
            let reply = app.change_settings(&json!({key: 1})).await;
            assert_eq!(reply.problem(), (422, "unknown_setting".to_owned()));
            assert!(reply.text().contains(told), "{}", reply.text());
        }
        let job = app.render(&small()).await;
        let task: TaskId = job["task_id"].as_str().expect("a task").parse().expect("an id");
        let rows = log::after(&app.db, app.scope().await, task, 0, 1000).await.expect("the log");
        let keys = rows.iter().filter_map(|row| row.row.context.as_object()).flat_map(|context| context.keys());
        assert!(keys.clone().count() > 0 && !keys.into_iter().any(|key| key.starts_with("stl_")), "{rows:?}");
        assert!(!app.events(&id(&job)).await.contains("stl_"));
    }

    async fn c19_settings_have_a_revision(engine) {
        let app = TestApp::idle(&engine).await;
        let tag = app.get("/api/v1/settings").await.header("etag").expect("a tag").to_owned();
        let patch = |tag: &str, samples: u32| {
            let request = app.request(Method::PATCH, "/api/v1/settings").header("if-match", tag);
            Reply::of(request.json(&json!({"render_samples": samples})))
        };
        let changed = patch(&tag, 16).await;
        let next = changed.header("etag").expect("a tag").to_owned();
        assert_eq!((changed.status, changed.json()["revision"].to_string()), (200, next.trim_matches('"').to_owned()));
        assert_eq!(patch(&tag, 17).await.problem(), (412, "precondition_failed".to_owned()));
        assert_eq!(values(&app).await["render_samples"], 16, "unchanged");
        assert_eq!(patch(&next, 17).await.status, 200);
    }

    async fn t75_what_the_service_was_started_with_is_pinned(engine) {
        let app = TestApp::idle(&engine).await;
        let reply = app.change_settings(&json!({"cycles_device": "gpu", "render_samples": 8})).await;
        assert_eq!((reply.problem(), reply.pointers()), ((409, "setting_pinned".to_owned()), vec!["/cycles_device".to_owned()]));
        assert!(reply.text().contains("by the variable `PACKSHOT_RENDER_DEVICE`"), "{}", reply.text());
        assert_eq!((&values(&app).await["render_device"], &values(&app).await["render_samples"]), (&json!("cpu"), &json!(256)));
        let schema = app.get("/api/v1/settings/schema").await.json();
        let items = schema["items"].as_array().expect("a list");
        let of = |key: &str| items.iter().find(|item| item["key"] == key).expect("described");
        let device = of("render_device");
        assert_eq!((&device["source"], &device["writable"], &device["aliases"]), (&json!("environment"), &json!(false), &json!(["cycles_device"])));
        assert_eq!((&device["type"], &device["range"], &device["default"]), (&json!("string"), &Value::Null, &json!("gpu")));
        let samples = of("render_samples");
        assert_eq!((&samples["source"], &samples["writable"], &samples["scope"]), (&json!("default"), &json!(true), &json!("tenant")));
        assert_eq!((&samples["range"], &samples["secret"]), (&json!({"min": 1, "max": 4096}), &json!(false)));
    }

    async fn t71_who_changes_settings_of_the_installation(engine) {
        let app = TestApp::idle(&engine).await;
        let global = app.set_up("global@test").await;
        let operating = app.scope().await.tenant;
        let admin = app.person(operating, "admin@test", Role::TenantAdmin).await;
        let manager = app.person(operating, "manager@test", Role::ProjectManager).await;
        let (beta, _) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let foreign = app.person(beta, "boss@test", Role::TenantAdmin).await;
        let change = async |tokens: &Value, minutes: u32| {
            let body = json!({"render_stall_timeout_minutes": minutes});
            app.with_key(token(tokens)).send(Method::PATCH, "/api/v1/settings", &body).await
        };
        assert_eq!(change(&global, 10).await.status, 200);
        assert_eq!(change(&admin, 11).await.json()["values"]["render_stall_timeout_minutes"], 11);
        for tokens in [&manager, &foreign] {
            assert_eq!(change(tokens, 12).await.problem(), (403, "forbidden".to_owned()));
        }
        let log = app.with_key(token(&global)).get("/api/v1/audit-log?action=settings.changed").await.json();
        let items = log["items"].as_array().expect("a list");
        assert_eq!((items.len(), &items[0]["actor_id"]), (2, &admin["user"]["id"]));
        let detail = json!({"before": {"render_stall_timeout_minutes": 10}, "after": {"render_stall_timeout_minutes": 11}});
        assert_eq!(items[0]["detail"], detail);
    }

    async fn t72_settings_of_a_tenant_are_its_own(engine) {
        let app = TestApp::idle_with(&engine, &NO_DEVICE).await;
        let (_, alpha) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let (_, beta) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let (alpha, beta) = (app.with_key(&alpha), app.with_key(&beta));
        let change = async |body: Value| beta.send(Method::PATCH, "/api/v1/settings", &body).await;
        assert_eq!(change(json!({"render_samples": 64})).await.status, 200);
        let still = json!({"width": 8, "height": 8, "light": "white"});
        assert_eq!(beta.submit(&still).await.json()["request"]["samples"], 64);
        assert_eq!(alpha.submit(&still).await.json()["request"]["samples"], 256);
        let refused = change(json!({"render_device": "cpu"})).await;
        assert_eq!((refused.problem(), refused.pointers()), ((403, "forbidden".to_owned()), vec!["/render_device".to_owned()]));
        let schema = beta.get("/api/v1/settings/schema").await.json();
        for item in schema["items"].as_array().expect("a list") {
            assert!(item["scope"] == "tenant" || item["writable"] == false, "{item}");
        }
    }

    async fn a_tenant_sets_what_is_its_own(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, admin) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let (_, manager) = app.tenant_key("gamma", Role::ProjectManager, &[Scope::Admin]).await;
        let (_, client) = app.tenant_key("delta", Role::Client, &[Scope::Admin]).await;
        let operator = app.operating_key(&[Scope::Admin]).await;
        let patch = async |key: &str, body: Value| {
            Reply::of(app.with_key(key).request(Method::PATCH, "/api/v1/settings").json(&body)).await
        };
        let refused = patch(&admin, json!({"render_samples": 8, "max_pixels": 5})).await;
        assert_eq!((refused.problem(), refused.pointers()), ((403, "forbidden".to_owned()), vec!["/max_pixels".to_owned()]));
        assert_eq!(patch(&admin, json!({"render_samples": 9})).await.json()["values"]["render_samples"], 9);
        assert_eq!(patch(&operator, json!({"max_pixels": 999})).await.status, 200);
        let seen = app.with_key(&manager).get("/api/v1/settings").await.json();
        assert_eq!((&seen["values"]["render_samples"], &seen["values"]["max_pixels"]), (&json!(256), &json!(999)));
        assert_eq!(patch(&manager, json!({"render_samples": 9})).await.problem(), (403, "forbidden".to_owned()));
        assert_eq!(app.with_key(&client).get("/api/v1/settings").await.problem(), (403, "forbidden".to_owned()));
    }

    on_postgres_in_the_soak:

    async fn c37_a_merge_patch(engine) {
        let app = TestApp::idle(&engine).await;
        let set = app.change_settings(&json!({"render_samples": 64, "max_pixels": 1000})).await.json();
        assert_eq!((&set["values"]["render_samples"], &set["values"]["max_pixels"]), (&json!(64), &json!(1000)));
        let cleared = app.change_settings(&json!({"render_samples": null})).await.json();
        assert_eq!((&cleared["values"]["render_samples"], &cleared["values"]["max_pixels"]), (&json!(256), &json!(1000)));
        assert_eq!(app.change_settings(&json!({})).await.json(), cleared, "nothing changes, the revision neither");
        let same = app.change_settings(&json!({"max_pixels": 1000})).await.json();
        assert_eq!(same["revision"], cleared["revision"], "the revision counts changes only");
        assert_eq!(app.change_settings(&json!([])).await.problem(), (422, "validation_failed".to_owned()));
    }

    async fn r50_gpu_is_the_default(engine) {
        let app = TestApp::idle_with(&engine, &NO_DEVICE).await;
        assert_eq!(values(&app).await["render_device"], "gpu");
        assert_eq!(app.submit(&without_device()).await["request"]["device"], "gpu");
        for (key, device) in [("render_device", "auto"), ("cycles_device", "cpu")] {
            let set = app.change_settings(&json!({key: device})).await.json();
            assert_eq!((&set["values"]["render_device"], set["values"].get("cycles_device")), (&json!(device), None));
            assert_eq!(app.submit(&without_device()).await["request"]["device"], device);
        }
    }

    async fn r51_r52_a_job_says_what_the_probe_found(engine) {
        let app = TestApp::start_with(&engine, &NO_DEVICE).await;
        let job = app.render(&without_device()).await;
        assert_eq!(job["state"], "completed", "{job}");
        let (info, events) = (&job["document"]["result"]["gpu_info"], app.events(&id(&job)).await);
        let probes = events.lines().filter(|line| line.contains("[GPU_PROBE]")).collect::<Vec<_>>();
        assert_eq!(probes.len(), 1, "{events}");
        match info["used"].as_str() {
            Some("gpu") => {
                let name = info["device"].as_str().expect("a name");
                let start = format!("[GPU_PROBE] {name} activated (");
                assert!(probes[0].contains(&start) && probes[0].contains(") — using GPU render"), "R51: {probes:?}");
                assert_eq!(info["fallback_reason"], Value::Null);
            }
            Some("cpu") => {
                let line = "[GPU_PROBE] No GPU found, falling back to CPU — set cycles_device=cpu to suppress this warning";
                assert!(probes[0].contains(line) && probes[0].contains("\"level\":\"warning\""), "R52: {probes:?}");
                assert!(info["fallback_reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{info}");
            }
            other => panic!("{other:?}"),
        }
    }

    async fn r53_a_cpu_by_choice_is_silent(engine) {
        let app = TestApp::start_with(&engine, &NO_DEVICE).await;
        app.change_settings(&json!({"cycles_device": "cpu"})).await;
        let job = app.render(&without_device()).await;
        assert_eq!(job["document"]["result"]["gpu_info"]["fallback_reason"], Value::Null, "{job}");
        let events = app.events(&id(&job)).await;
        assert!(!events.contains("[GPU_PROBE]") && !events.contains("\"level\":\"warning\""), "{events}");
    }

    async fn r56_t66_a_tenant_has_its_own_fallback(engine) {
        let app = TestApp::start(&engine).await;
        let mut request = small();
        request["materials"] = json!({"parts": []});
        for (fallback, material) in [(None, "STD_059999_FailedMaterial"), (Some("STD_010101_Steel-Bare"), "STD_010101_Steel-Bare")] {
            if let Some(fallback) = fallback {
                app.configure(&json!({"fallback_material": fallback})).await;
            }
            let job = app.render(&request).await;
            let line = format!("[MATERIAL] part 'Body' → '{material}' (no match)");
            assert!(app.events(&id(&job)).await.contains(&line), "{line}");
            let report = app.get(job["links"]["report"].as_str().expect("a link")).await.json();
            assert_eq!(report["materials"]["items"][0]["material"], material);
            let picture = app.get(job["links"]["results"]["png"].as_str().expect("a link")).await.body;
            let is_magenta = crate::app::pixels(&picture).iter().any(|&[r, g, b, a]| a > 200 && r / 2 > g && b / 2 > g);
            assert_eq!(is_magenta, fallback.is_none(), "{material}");
        }
    }

    async fn limits_that_are_set_count_at_once(engine) {
        let app = TestApp::idle(&engine).await;
        let post = |glb: Vec<u8>| Reply::of(app.rendering(glb, &small()));
        app.change_settings(&json!({"max_pixels": 255})).await;
        assert_eq!(post(Glb::body()).await.problem(), (422, "image_too_large".to_owned()));
        app.change_settings(&json!({"max_pixels": 256, "max_upload_bytes": 100})).await;
        let refused = post(vec![0; 101]).await;
        assert_eq!(refused.problem(), (413, "body_too_large".to_owned()));
        assert!(refused.text().contains("more than the 100 bytes"), "{}", refused.text());
        app.change_settings(&json!({"max_upload_bytes": null})).await;
        assert_eq!(post(Glb::body()).await.status, 202);
    }

    async fn t74_values_that_are_none_are_refused_together(engine) {
        let app = TestApp::idle(&engine).await;
        let before = app.get("/api/v1/settings").await.json();
        for samples in [json!(0), json!(4097), json!("many")] {
            let reply = app.change_settings(&json!({"max_pixels": 1000, "render_samples": samples})).await;
            assert_eq!(reply.problem(), (422, "invalid_setting".to_owned()), "{samples}");
            assert_eq!(reply.pointers(), ["/render_samples"]);
        }
        let patch = json!({"render_samples": 0, "max_pixels": "many", "render_stall_timeout_minutes": 1.5, "max_upload_bytes": 5});
        let reply = app.change_settings(&patch).await;
        assert_eq!(reply.problem(), (422, "invalid_setting".to_owned()));
        assert_eq!(reply.pointers(), ["/render_samples", "/max_pixels", "/render_stall_timeout_minutes"]);
        let twice = app.change_settings(&json!({"render_samples": 1, "blender_cycles_samples": 2})).await;
        assert_eq!(twice.problem(), (422, "invalid_setting".to_owned()));
        assert_eq!(app.get("/api/v1/settings").await.json(), before, "none of the changes is applied");
    }

    async fn t73_old_names_of_settings(engine) {
        let app = TestApp::idle_with(&engine, &NO_DEVICE).await;
        let changed = app.change_settings(&json!({"cycles_device": "cpu", "blender_cycles_samples": 32})).await.json();
        let now = values(&app).await;
        assert_eq!(changed["values"], now);
        assert_eq!((&now["render_device"], &now["render_samples"]), (&json!("cpu"), &json!(32)));
        assert_eq!((now.get("cycles_device"), now.get("blender_cycles_samples")), (None, None));
        let schema = app.get("/api/v1/settings/schema").await.json();
        let items = schema["items"].as_array().expect("a list");
        let device = items.iter().find(|item| item["key"] == "render_device").expect("described");
        assert_eq!((&device["aliases"], &device["source"]), (&json!(["cycles_device"]), &json!("database")));
    }
}
