//! T65–T70, T80, T81: the configuration of a tenant, who changes it, and what it decides.

use std::time::Duration;

use futures_util::future::join_all;
use packshot_db::objects::{self, NewObject};
use packshot_domain::access::{Role, Scope};
use packshot_domain::hash::ContentAddress;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Reply, TestApp, form, id, small, token};
use crate::glb::Glb;
use crate::materials::ACME;

const PATH: &str = "/api/v1/tenant/config";

async fn patch(app: &TestApp, body: Value) -> Reply {
    Reply::of(app.request(Method::PATCH, PATH).json(&body)).await
}

async fn post(app: &TestApp, request: &Value) -> Reply {
    Reply::of(app.rendering(Glb::body(), request)).await
}

async fn upload(app: &TestApp, library: String) -> Reply {
    let form = Form::new().part("library", Part::bytes(library.into_bytes()).file_name("library"));
    Reply::of(app.request(Method::POST, "/api/v1/material-libraries").multipart(form)).await
}

fn turntable() -> Value {
    let mut request = small();
    (request["kind"], request["frame_count"], request["formats"]) = (json!("turntable"), json!(24), json!(["mp4"]));
    request
}

cases! {
    async fn t65_what_a_tenant_starts_with(engine) {
        let app = TestApp::idle(&engine).await;
        let own = app.get(PATH).await;
        assert_eq!((own.status, own.header("etag")), (200, Some("\"1\"")), "{}", own.text());
        let (_, beta) = app.tenant_key("beta", Role::Client, &[Scope::Admin]).await;
        let config = app.with_key(&beta).get(PATH).await.json();
        for (member, default) in [
            ("max_concurrent_renders", json!(3)),
            ("render_engines_allowed", json!(["cycles"])),
            ("max_order_size", json!(500)),
            ("fallback_material", json!("STD_059999_FailedMaterial")),
            ("notifications_enabled", json!(true)),
            ("invoice_prefix", json!("INV")),
            ("material_library", json!("STD")),
            ("max_queued_jobs", json!(1000)),
            ("max_storage_bytes", json!(null)),
            ("max_upload_bytes", json!(null)),
            ("max_pixels", json!(null)),
            ("rate_limit_per_s", json!(null)),
            ("retention_days", json!({})),
        ] {
            assert_eq!((&config[member], &own.json()[member]), (&default, &default), "{member}");
        }
        for (config, is_operating) in [(own.json(), true), (config, false)] {
            let features = config["features"].as_object().expect("features");
            assert_eq!(features.len(), 8);
            for (name, is_on) in features {
                assert_eq!(is_on, &json!(is_operating || name != "external_executor"), "{name}");
            }
        }
    }

    async fn t66_t67_a_fallback_must_exist_and_its_loss_is_told(engine) {
        let app = TestApp::start(&engine).await;
        let refused = patch(&app, json!({"fallback_material": "STD_999999_None", "max_order_size": 7})).await;
        assert_eq!((refused.problem(), refused.pointers()), ((422, "unknown_material".to_owned()), vec!["/fallback_material".to_owned()]));
        assert!(refused.json()["detail"].as_str().is_some_and(|detail| detail.contains("STD_999999_None")));
        assert_eq!(app.get(PATH).await.json()["max_order_size"], 500, "nothing is applied");
        let unknown = patch(&app, json!({"material_library": "ACME"})).await;
        assert_eq!((unknown.problem().0, unknown.pointers()), (422, vec!["/material_library".to_owned()]));

        let library = upload(&app, ACME.to_owned()).await.json();
        assert_eq!(patch(&app, json!({"fallback_material": "ACME_200101_Signal-Red"})).await.problem().1, "unknown_material", "its library is not chosen");
        app.configure(&json!({"material_library": "ACME", "fallback_material": "ACME_200101_Signal-Red"})).await;
        let mut request = small();
        request["materials"] = json!({"parts": []});
        let material = async |job: &Value| {
            let report = app.get(job["links"]["report"].as_str().expect("a link")).await.json();
            report["materials"]["items"][0]["material"].clone()
        };
        assert_eq!(material(&app.render(&request).await).await, "ACME_200101_Signal-Red");

        app.configure(&json!({"material_library": null})).await;
        let path = format!("/api/v1/material-libraries/{}", id(&library));
        assert_eq!(app.delete(&path).await.status, 204);
        let job = app.render(&request).await;
        assert_eq!((&job["state"], material(&job).await), (&json!("completed"), json!("STD_059999_FailedMaterial")), "{job}");
        let events = app.events(&id(&job)).await;
        let told = events.lines().find(|line| line.contains("the tenant's fallback material `ACME_200101_Signal-Red`"));
        assert!(told.is_some_and(|line| line.contains("\"level\":\"warning\"")), "{events}");
        let preflight = app.request(Method::POST, "/api/v1/preflight").multipart(form(Glb::body(), Some(&request)));
        let diagnostics = Reply::of(preflight).await.json()["diagnostics"].clone();
        let has = |found: &Value| found["code"] == "library.fallback" && found["severity"] == "warning";
        assert!(diagnostics.as_array().is_some_and(|all| all.iter().any(has)), "{diagnostics}");
    }

    async fn t69_stale_changes_and_defaults(engine) {
        let app = TestApp::idle(&engine).await;
        let with = |tag: &str, body: Value| Reply::of(app.request(Method::PATCH, PATH).header("if-match", tag).json(&body));
        let changed = with("\"1\"", json!({"max_order_size": 7, "retention_days": {"preview": 90, "scratch": 2}, "features": {"webhooks": false, "turntables": false}})).await;
        assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2\"")), "{}", changed.text());
        assert_eq!(with("\"1\"", json!({"max_order_size": 8})).await.problem(), (412, "precondition_failed".to_owned()));
        assert_eq!(app.get(PATH).await.json(), changed.json(), "unchanged");
        assert_eq!(patch(&app, json!({})).await.json(), changed.json());
        assert_eq!(patch(&app, json!({"max_order_size": 7})).await.json(), changed.json(), "the revision counts changes only");
        let back = with("\"2\"", json!({"max_order_size": null, "retention_days": {"scratch": null}, "features": {"webhooks": null}})).await.json();
        assert_eq!((&back["max_order_size"], &back["retention_days"]), (&json!(500), &json!({"preview": 90})));
        assert_eq!((&back["features"]["webhooks"], &back["features"]["turntables"]), (&json!(true), &json!(false)));
        let all = patch(&app, json!({"retention_days": null, "features": null})).await.json();
        assert_eq!((&all["retention_days"], &all["features"]["turntables"]), (&json!({}), &json!(true)));
        let wrong = patch(&app, json!({"max_order_size": 0, "retention_days": {"raw-evidence": 1}, "features": {"turntables": 1}, "slug": "x"})).await;
        assert_eq!((wrong.problem().0, wrong.pointers()), (422, ["/max_order_size", "/retention_days/raw-evidence", "/features/turntables", "/slug"].map(str::to_owned).to_vec()));
        assert_eq!(app.get(PATH).await.json(), all);
    }

    async fn t81_a_tenant_has_so_much_room(engine) {
        let app = TestApp::idle(&engine).await;
        let (scope, used) = (app.scope().await, ContentAddress::of(b"used"));
        objects::record(&app.db, scope, NewObject::unread(used, 999_000, "model/gltf-binary")).await.expect("recorded");
        app.configure(&json!({"max_storage_bytes": 1_000_000})).await;
        let large = Reply::of(app.rendering(vec![b'x'; 2_000], &small())).await;
        assert_eq!(large.problem(), (409, "storage_quota_exceeded".to_owned()));
        let library = upload(&app, format!("{ACME}\n# {}\n", "x".repeat(2_000))).await;
        assert_eq!(library.problem(), (409, "storage_quota_exceeded".to_owned()));
        assert_eq!(app.stored_files(), [] as [std::path::PathBuf; 0], "nothing is stored");
        for path in ["/api/v1/renders", "/api/v1/material-libraries"] {
            assert_eq!(app.get(path).await.json()["items"], json!([]), "{path}");
        }
        let (_, other) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        assert_eq!(app.with_key(&other).submit(&small()).await.status, 202, "another tenant has its own room");

        app.db.move_clock(601_000);
        let collected = objects::forget(&app.db, scope, used, Duration::from_secs(600)).await;
        assert!(collected.expect("a database"));
        let operator = app.operating_key(&[Scope::Admin]).await;
        let again = app.with_key(&operator).request(Method::POST, "/api/v1/renders");
        assert_eq!(Reply::of(again.multipart(form(vec![b'x'; 2_000], Some(&small())))).await.status, 202);
    }

    on_postgres_in_the_soak:

    async fn t68_who_writes_what(engine) {
        let app = TestApp::idle(&engine).await;
        let (beta, boss) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let manager = app.person(beta, "manager@test", Role::ProjectManager).await;
        let operator = app.operating_key(&[Scope::Admin]).await;
        let (boss, manager, operator) = (app.with_key(&boss), app.with_key(token(&manager)), app.with_key(&operator));
        for (member, value) in [
            ("max_concurrent_renders", json!(9)),
            ("max_queued_jobs", json!(9)),
            ("max_storage_bytes", json!(9)),
            ("max_upload_bytes", json!("nine")),
            ("max_pixels", json!(null)),
            ("rate_limit_per_s", json!(9)),
            ("features", json!({})),
        ] {
            let refused = boss.send(Method::PATCH, PATH, &json!({member: value, "max_order_size": 7})).await;
            assert_eq!((refused.problem(), refused.pointers()), ((403, "forbidden".to_owned()), vec![format!("/{member}")]));
        }
        assert_eq!(boss.get(PATH).await.json()["revision"], 1, "nothing has changed");
        let allowed = json!({
            "max_order_size": 7, "render_engines_allowed": ["path_tracer"], "notifications_enabled": false,
            "invoice_prefix": "R-", "retention_days": {"preview": 90}, "fallback_material": "010101",
        });
        let changed = boss.send(Method::PATCH, PATH, &allowed).await;
        assert_eq!((changed.status, &changed.json()["revision"]), (200, &json!(2)), "{}", changed.text());
        for (member, value) in allowed.as_object().expect("members") {
            assert_eq!(&changed.json()[member], value, "{member}");
        }
        assert_eq!(manager.get(PATH).await.json(), changed.json());
        assert_eq!(manager.send(Method::PATCH, PATH, &json!({"max_order_size": 8})).await.problem(), (403, "forbidden".to_owned()));

        let (theirs, nobodys) = (format!("/api/v1/tenants/{beta}/config"), "/api/v1/tenants/0193b2a0-0000-7000-8000-000000000000/config");
        for path in [theirs.as_str(), nobodys] {
            for guest in [&boss, &manager] {
                assert_eq!(guest.get(path).await.problem(), (403, "forbidden".to_owned()), "T06: {path}");
                assert_eq!(guest.send(Method::PATCH, path, &json!({"max_order_size": 8})).await.problem().1, "forbidden", "{path}");
            }
        }
        for path in [nobodys, "/api/v1/tenants/beta/config"] {
            assert_eq!(operator.get(path).await.problem(), (404, "tenant_not_found".to_owned()), "{path}");
            assert_eq!(operator.send(Method::PATCH, path, &json!({})).await.problem(), (404, "tenant_not_found".to_owned()), "{path}");
        }
        let limited = operator.send(Method::PATCH, &theirs, &json!({"max_concurrent_renders": 9})).await;
        assert_eq!((limited.status, limited.header("etag")), (200, Some("\"3\"")), "{}", limited.text());
        assert_eq!(operator.get(&theirs).await.json(), boss.get(PATH).await.json());
        assert_eq!(operator.get(PATH).await.json()["max_concurrent_renders"], 3, "the own one is another");

        let log = boss.get("/api/v1/audit-log?action=tenant.config_changed").await.json();
        let [last, first] = &log["items"].as_array().expect("a list")[..] else { panic!("{log}") };
        assert_eq!(last["detail"], json!({"before": {"max_concurrent_renders": 3}, "after": {"max_concurrent_renders": 9}}));
        assert_eq!((&last["acting_tenant"], &first["acting_tenant"]), (&json!(beta.to_string()), &json!(null)));
        assert_eq!((&last["object_type"], &last["object_id"]), (&json!("tenant"), &json!(beta.to_string())));
        assert_eq!(first["detail"]["before"]["retention_days"], json!({"preview": null}));
    }

    async fn t70_features_are_off_for_new_work(engine) {
        let app = TestApp::start(&engine).await;
        let running = id(&app.submit(&turntable()).await);
        app.job_when(&running, |job| job["state"] != "queued").await;
        app.configure(&json!({"features": {"turntables": false}})).await;
        let refused = post(&app, &turntable()).await;
        assert_eq!(refused.problem(), (403, "feature_disabled".to_owned()));
        assert!(refused.json()["detail"].as_str().is_some_and(|detail| detail.contains("turntables")), "{}", refused.text());
        let ended = app.job_when(&running, |job| matches!(job["state"].as_str(), Some("completed" | "failed"))).await;
        assert_eq!(ended["state"], "completed", "it had begun: {ended}");
        assert_eq!(app.render(&small()).await["state"], "completed", "stills work");

        app.configure(&json!({"features": {"turntables": true, "direct_renders": false}})).await;
        for request in [small(), turntable()] {
            let refused = post(&app, &request).await;
            assert_eq!(refused.problem(), (403, "feature_disabled".to_owned()));
            assert!(refused.json()["detail"].as_str().is_some_and(|detail| detail.contains("direct_renders")));
        }
        let preflight = app.request(Method::POST, "/api/v1/preflight").multipart(form(Glb::body(), Some(&small())));
        assert_eq!(Reply::of(preflight).await.status, 200, "nothing is rendered");
        app.configure(&json!({"features": null})).await;
        assert_eq!(post(&app, &turntable()).await.status, 202);

        let features = app.get(PATH).await.json()["features"].clone();
        for name in features.as_object().expect("features").keys() {
            let off = patch(&app, json!({"features": {name: false}})).await.json();
            assert_eq!(off["features"][name], json!(false), "{name} is stored");
        }
    }

    async fn t80_a_queue_is_full(engine) {
        let app = TestApp::idle(&engine).await;
        app.configure(&json!({"max_queued_jobs": 2})).await;
        let request = small();
        let replies = join_all((0..20).map(|_| post(&app, &request))).await;
        let accepted: Vec<Value> = replies.iter().filter(|reply| reply.status == 202).map(Reply::json).collect();
        assert_eq!(accepted.len(), 2, "as many as may wait");
        for refused in replies.iter().filter(|reply| reply.status != 202) {
            assert_eq!(refused.problem(), (429, "queue_full".to_owned()));
            assert!(refused.header("retry-after").is_some_and(|wait| wait.parse::<u32>().is_ok_and(|s| s >= 1)));
        }
        let keyed = async || Reply::of(app.rendering(Glb::body(), &request).header("idempotency-key", "k")).await;
        assert_eq!(keyed().await.problem(), (429, "queue_full".to_owned()));
        assert_eq!(app.post(&format!("/api/v1/renders/{}/cancel", id(&accepted[0]))).await.status, 200);
        assert_eq!(keyed().await.status, 202, "the refusal is not repeated when there is room");
        assert_eq!(post(&app, &request).await.problem().1, "queue_full");
        app.configure(&json!({"max_queued_jobs": null})).await;
        assert_eq!(post(&app, &request).await.status, 202, "the limit is read each time");
    }

    async fn limits_of_a_tenant_are_never_above_the_settings(engine) {
        let app = TestApp::idle(&engine).await;
        app.change_settings(&json!({"max_pixels": 1000, "max_upload_bytes": 1_000_000})).await;
        let above = patch(&app, json!({"max_pixels": 1001, "max_upload_bytes": 1_000_001})).await;
        assert_eq!((above.problem().0, above.pointers()), (422, vec!["/max_upload_bytes".to_owned(), "/max_pixels".to_owned()]));
        app.configure(&json!({"max_pixels": 255, "max_upload_bytes": 100})).await;
        assert_eq!(post(&app, &small()).await.problem(), (413, "body_too_large".to_owned()));
        assert_eq!(upload(&app, ACME.to_owned()).await.problem(), (413, "body_too_large".to_owned()));
        app.configure(&json!({"max_upload_bytes": null})).await;
        assert_eq!(post(&app, &small()).await.problem(), (422, "image_too_large".to_owned()));
        app.configure(&json!({"max_pixels": 900})).await;
        assert_eq!(post(&app, &small()).await.status, 202);
        app.change_settings(&json!({"max_pixels": 200})).await;
        assert_eq!(post(&app, &small()).await.problem(), (422, "image_too_large".to_owned()), "the setting counts where it is lower");
    }
}
