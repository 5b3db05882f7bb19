//! T06, T22, T58–T64: tenants over HTTP.

use std::time::{Duration, Instant};

use packshot_db::AllTenants;
use packshot_db::tenants::purge as rows;
use packshot_domain::access::{Role, Scope};
use packshot_domain::id::TenantId;
use packshot_domain::tenant::RESTORABLE;
use packshot_domain::time::Timestamp;
use packshot_service::server::purge;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Guest, PASSWORD, PATIENCE, Reply, TestApp, TestDatabase, endless, id, small, token};

const TENANTS: &str = "/api/v1/tenants";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn time(value: &Value) -> Timestamp {
    value.as_str().expect("a time").parse().expect("a time")
}

/// What was done with a tenant, newest first.
async fn log(of: &Guest<'_>, tenant: impl std::fmt::Display) -> Vec<Value> {
    let entries = of.get(&format!("/api/v1/audit-log?limit=200&object_type=tenant&object_id={tenant}")).await.json();
    entries["items"].as_array().expect("a list").clone()
}

async fn delete(of: &Guest<'_>, path: &str) -> Reply {
    Reply::of(of.request(Method::DELETE, path)).await
}

/// A render of another tenant, as a global admin sees it once it is as wanted.
async fn render_when(of: &Guest<'_>, tenant: TenantId, job: &str, state: &str) {
    let path = format!("/api/v1/renders/{job}");
    let begun = Instant::now();
    loop {
        let seen = Reply::of(of.request(Method::GET, &path).header("x-tenant-id", tenant.to_string())).await.json();
        if seen["state"] == state {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "it stays {seen}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

cases! {
    async fn t06_tenants_are_for_global_admins(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let operating: TenantId = admin["tenant"]["id"].as_str().expect("an id").parse().expect("an id");
        let made_up = "0193b2a0-0000-7000-8000-000000000000".to_owned();
        for (role, email) in [(Role::TenantAdmin, "a@test"), (Role::ProjectManager, "b@test"), (Role::Client, "c@test")] {
            let tokens = app.person(operating, email, role).await;
            let guest = app.with_key(token(&tokens));
            for tenant in [operating.to_string(), made_up.clone()] {
                let path = format!("{TENANTS}/{tenant}");
                for (method, path) in [
                    (Method::GET, TENANTS.to_owned()),
                    (Method::POST, TENANTS.to_owned()),
                    (Method::GET, path.clone()),
                    (Method::PATCH, path.clone()),
                    (Method::DELETE, path.clone()),
                    (Method::POST, format!("{path}/deactivate")),
                    (Method::POST, format!("{path}/activate")),
                    (Method::POST, format!("{path}/restore")),
                ] {
                    let refused = Reply::of(guest.request(method.clone(), &path)).await;
                    assert_eq!(refused.problem(), (403, "forbidden".to_owned()), "{role} {method} {path}");
                }
            }
            let own = guest.get("/api/v1/tenant").await;
            assert_eq!((own.status, &own.json()["slug"]), (200, &json!("default")), "{role}");
        }
        let own = app.with_key(token(&admin));
        for path in [format!("{TENANTS}/{made_up}"), format!("{TENANTS}/x")] {
            assert_eq!(own.get(&path).await.problem(), (404, "tenant_not_found".to_owned()), "{path}");
        }
    }

    async fn t58_a_tenant_is_made_with_its_admin(engine) {
        let app = TestApp::start(&engine).await;
        let admin = app.set_up("admin@test").await;
        let own = app.with_key(token(&admin));
        let body = json!({"name": "Beta GmbH", "admin": {"email": "eva@test", "display_name": "Eva"}});
        let ask = async || {
            let request = own.request(Method::POST, TENANTS).header("idempotency-key", "t1");
            Reply::of(request.json(&body)).await
        };
        let (created, again) = (ask().await, ask().await);
        assert_eq!((created.status, created.header("cache-control")), (201, Some("no-store")), "{}", created.text());
        assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")));
        assert_eq!(again.json()["temporary_password"], json!(null), "shown once");
        let path = created.header("location").expect("a place").to_owned();
        let created = created.json();
        let tenant = &created["tenant"];
        assert_eq!((&tenant["slug"], &tenant["status"], &tenant["is_operating"]), (&json!("beta-gmbh"), &json!("active"), &json!(false)));
        assert_eq!(tenant["usage"], json!({"users": 1, "storage_bytes": 0, "jobs_queued": 0, "jobs_running": 0}));
        assert_eq!((&tenant["config"]["max_concurrent_renders"], &tenant["config"]["revision"]), (&json!(3), &json!(1)));
        assert_eq!((&tenant["deactivated_at"], &tenant["delete_after"]), (&json!(null), &json!(null)));
        assert_eq!((&created["admin"]["role"], &created["admin"]["tenant_id"]), (&json!("tenant_admin"), &tenant["id"]));

        let password = created["temporary_password"].as_str().expect("a password");
        let tokens = app.sign_in(&json!({"email": "eva@test", "password": password, "tenant": "beta-gmbh"})).await.json();
        let eva = app.with_key(token(&tokens));
        assert_eq!(eva.get("/api/v1/renders").await.problem().1, "password_change_required");
        let change = json!({"current_password": password, "new_password": PASSWORD});
        assert_eq!(eva.send(Method::PUT, "/api/v1/me/password", &change).await.status, 204);
        let job = eva.submit(&small()).await.json();
        eva.job_when(&id(&job), |job| job["state"] == "completed").await;
        let seen = eva.get("/api/v1/tenant").await.json();
        assert_eq!((&seen["id"], &seen["usage"]["jobs_running"]), (&tenant["id"], &json!(0)));
        assert!(seen["usage"]["storage_bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{seen}");
        assert_eq!(own.get(&path).await.json(), seen);

        let renamed = own.send(Method::PATCH, &path, &json!({"name": "Beta AG"})).await.json();
        assert_eq!((&renamed["name"], &renamed["slug"]), (&json!("Beta AG"), &json!("beta-gmbh")));
        let taken = own.send(Method::POST, TENANTS, &body).await;
        assert_eq!((taken.problem(), taken.pointers()), ((409, "tenant_slug_exists".to_owned()), vec!["/name".to_owned()]));
        let admin = json!({"email": "eva@test", "display_name": "Eva"});
        let named = json!({"name": "Beta", "slug": "beta-gmbh", "admin": admin});
        assert_eq!(own.send(Method::POST, TENANTS, &named).await.pointers(), ["/slug"]);
        let nameless = own.send(Method::POST, TENANTS, &json!({"name": "日本", "admin": admin})).await;
        assert_eq!((nameless.problem().0, nameless.pointers()), (422, vec!["/name".to_owned()]), "no slug can be made of it");
        let weak = json!({"name": "Gamma", "admin": {"email": "eva@test", "display_name": "Eva", "password": "short"}});
        let weak = own.send(Method::POST, TENANTS, &weak).await;
        assert_eq!((weak.problem(), weak.pointers()), ((422, "weak_password".to_owned()), vec!["/admin/password".to_owned()]));
        let slugs: Vec<Value> = own.get(TENANTS).await.json()["items"].as_array().expect("a list").iter()
            .map(|tenant| tenant["slug"].clone()).collect();
        assert_eq!(slugs, [json!("beta-gmbh"), json!("default")], "nothing of the others was made");
        let log = log(&own, tenant["id"].as_str().expect("an id")).await;
        let done: Vec<&Value> = log.iter().map(|entry| &entry["action"]).collect();
        assert_eq!(done, [&json!("tenant.updated"), &json!("tenant.created")]);
        assert_eq!(log[0]["detail"], json!({"before": {"name": "Beta GmbH"}, "after": {"name": "Beta AG"}}));
        assert_eq!(log[1]["detail"]["before"], json!(null));
        assert!(!own.get("/api/v1/audit-log?limit=200").await.text().contains(password), "no secret is in the log");
    }

    async fn t22_t59_t61_a_deactivated_tenant_is_locked_out(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let (beta, key) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let eva = app.person(beta, "eva@test", Role::TenantAdmin).await;
        let (own, keyed, seen) = (app.with_key(token(&admin)), app.with_key(&key), app.with_key(token(&eva)));
        let job = id(&keyed.submit(&small()).await.json());
        let follow = async |who: &Guest<'_>| {
            let request = who.request(Method::GET, "/api/v1/jobs/events").header("accept", "text/event-stream");
            request.send().await.expect("the service answers")
        };
        let (mut theirs, mut ours) = (follow(&seen).await, follow(&own).await);
        let path = format!("{TENANTS}/{beta}");
        let off = own.post(&format!("{path}/deactivate")).await;
        assert_eq!((off.status, &off.json()["status"]), (200, &json!("deactivated")), "{}", off.text());
        assert_eq!(off.json()["deactivated_at"], off.json()["updated_at"]);
        let inactive = (403, "tenant_inactive".to_owned());
        for guest in [&keyed, &seen] {
            assert_eq!(guest.get("/api/v1/me").await.problem(), inactive);
        }
        let right = json!({"email": "eva@test", "password": PASSWORD});
        assert_eq!(app.sign_in(&right).await.problem(), inactive);
        let wrong = json!({"email": "eva@test", "password": "wrong words together"});
        assert_eq!(app.sign_in(&wrong).await.problem(), (401, "invalid_credentials".to_owned()));
        let renew = async || {
            let request = app.request(Method::POST, "/api/auth/refresh");
            Reply::of(request.json(&json!({"refresh_token": eva["refresh_token"]}))).await
        };
        assert_eq!(renew().await.problem(), inactive);
        let end = async { while theirs.chunk().await.expect("a whole stream").is_some() {} };
        tokio::time::timeout(PATIENCE, end).await.expect("the stream of the tenant closes");
        assert!(ours.chunk().await.expect("a whole stream").is_some(), "others notice nothing");
        assert_eq!(own.get("/api/v1/renders").await.status, 200);
        let again = own.send(Method::POST, &format!("{path}/deactivate"), &json!({"cancel_running": false})).await;
        assert_eq!((again.status, again.json()), (200, off.json()), "nothing changes");
        render_when(&own, beta, &job, "queued").await;

        let on = own.post(&format!("{path}/activate")).await;
        assert_eq!((on.status, &on.json()["status"], &on.json()["deactivated_at"]), (200, &json!("active"), &json!(null)));
        assert_eq!(own.post(&format!("{path}/activate")).await.json(), on.json(), "nothing changes");
        for guest in [&keyed, &seen] {
            assert_eq!(guest.get("/api/v1/me").await.status, 200, "what has not expired is good again");
        }
        assert_eq!((renew().await.status, app.sign_in(&right).await.status), (200, 200));
    }

    async fn t60_t61_running_renders_are_cancelled_on_demand(engine) {
        let app = TestApp::start(&engine).await;
        let admin = app.set_up("admin@test").await;
        let own = app.with_key(token(&admin));
        let (beta, key) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let keyed = app.with_key(&key);
        let running = id(&keyed.submit(&endless()).await.json());
        keyed.job_when(&running, |job| job["state"] == "running").await;
        let waiting = id(&keyed.submit(&small()).await.json());
        let path = format!("{TENANTS}/{beta}");
        let off = own.send(Method::POST, &format!("{path}/deactivate"), &json!({"cancel_running": true})).await;
        assert_eq!(off.status, 200, "{}", off.text());
        render_when(&own, beta, &running, "cancelled").await;
        // Another tenant's starts and ends, with the slot that is free now.
        let next = id(&own.submit(&small()).await.json());
        own.job_when(&next, |job| job["state"] == "completed").await;
        render_when(&own, beta, &waiting, "queued").await;
        assert_eq!(own.post(&format!("{path}/activate")).await.status, 200);
        keyed.job_when(&waiting, |job| job["state"] == "completed").await;
    }

    async fn t62_t64_a_deletion_can_be_taken_back(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let own = app.with_key(token(&admin));
        let operating = format!("{TENANTS}/{}", admin["tenant"]["id"].as_str().expect("an id"));
        assert_eq!(own.post(&format!("{operating}/deactivate")).await.problem(), (409, "operating_tenant".to_owned()));
        for query in ["", "?confirm=default"] {
            let refused = delete(&own, &format!("{operating}{query}")).await;
            assert_eq!(refused.problem(), (409, "operating_tenant".to_owned()), "{query}");
        }

        let (beta, key) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let job = id(&app.with_key(&key).submit(&small()).await.json());
        let path = format!("{TENANTS}/{beta}");
        let confirmed = format!("{path}?confirm=beta");
        assert_eq!(delete(&own, &confirmed).await.problem(), (409, "tenant_not_deactivated".to_owned()));
        assert_eq!(own.post(&format!("{path}/restore")).await.problem(), (409, "tenant_not_deleting".to_owned()));
        assert_eq!(own.post(&format!("{path}/deactivate")).await.status, 200);
        assert_eq!(own.post(&format!("{path}/restore")).await.problem(), (409, "tenant_not_deleting".to_owned()));
        for query in ["", "?confirm=", "?confirm=Beta", "?confirm=default"] {
            let refused = delete(&own, &format!("{path}{query}")).await;
            assert_eq!(refused.problem(), (422, "confirmation_required".to_owned()), "{query}");
            assert_eq!(refused.pointers(), ["?confirm"]);
        }
        let gone = delete(&own, &confirmed).await;
        assert_eq!((gone.status, &gone.json()["status"]), (202, &json!("deleting")), "{}", gone.text());
        let gone = gone.json();
        assert_eq!(time(&gone["delete_after"]).since(time(&gone["updated_at"])), RESTORABLE);
        assert_eq!(delete(&own, &confirmed).await.json(), gone, "nothing changes");
        for way in ["deactivate", "activate"] {
            assert_eq!(own.post(&format!("{path}/{way}")).await.problem(), (409, "tenant_deleting".to_owned()));
        }
        assert_eq!(app.with_key(&key).get("/api/v1/me").await.problem(), (403, "tenant_inactive".to_owned()));
        let acting = own.request(Method::GET, "/api/v1/renders").header("x-tenant-id", beta.to_string());
        let acting = Reply::of(acting).await;
        assert_eq!(acting.problem(), (403, "tenant_mismatch".to_owned()), "nobody acts in it any more");
        assert!(acting.text().contains("is being deleted"), "{}", acting.text());
        purge::run(&app.db, &app.store).await.expect("nothing to do");

        let restore = async || {
            let request = own.request(Method::POST, &format!("{path}/restore")).header("idempotency-key", "r1");
            Reply::of(request).await
        };
        let (back, again) = (restore().await, restore().await);
        assert_eq!((again.status, again.header("idempotency-replayed"), again.json()), (200, Some("true"), back.json()));
        assert_eq!((back.status, &back.json()["status"], &back.json()["delete_after"]), (200, &json!("deactivated"), &json!(null)));
        render_when(&own, beta, &job, "queued").await;
        assert_eq!(own.post(&format!("{path}/activate")).await.status, 200);
        assert_eq!(app.with_key(&key).get(&format!("/api/v1/renders/{job}")).await.status, 200, "with all that it had");
        let log = log(&own, beta).await;
        let done: Vec<&str> = log.iter().filter_map(|entry| entry["action"].as_str()).collect();
        assert_eq!(done, ["tenant.activated", "tenant.restored", "tenant.delete_requested", "tenant.deactivated"]);
        let after = json!({"status": "deleting", "delete_after": gone["delete_after"]});
        assert_eq!(log[2]["detail"], json!({"before": {"status": "deactivated", "delete_after": null}, "after": after}));
        assert_eq!(log[1]["detail"]["before"], after);
    }

    async fn t63_a_purge_survives_being_killed(engine) {
        let app = TestApp::start(&engine).await;
        app.set_up("admin@test").await;
        let (beta, key) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let eva = app.person(beta, "eva@test", Role::ProjectManager).await;
        let keyed = app.with_key(&key);
        for _ in 0..3 {
            let job = keyed.submit(&small()).await.json();
            keyed.job_when(&id(&job), |job| job["state"] == "completed").await;
        }
        let body = json!({"email": "admin@test", "password": PASSWORD});
        let tokens = app.sign_in(&body).await.json();
        let own = app.with_key(token(&tokens));
        let kept = id(&own.submit(&small()).await.json());
        own.job_when(&kept, |job| job["state"] == "completed").await;
        let path = format!("{TENANTS}/{beta}");
        assert_eq!(own.post(&format!("{path}/deactivate")).await.status, 200);
        assert_eq!(delete(&own, &format!("{path}?confirm=beta")).await.status, 202);
        app.db.move_clock(31 * DAY_MS);
        let tokens = app.sign_in(&body).await.json();
        let own = app.with_key(token(&tokens));

        let before = rows::rows_left(&app.db, AllTenants::Instance, beta).await.expect("counts");
        let files = || app.stored_files().iter().filter(|file| file.display().to_string().contains(&beta.to_string())).count();
        assert!(files() > 3, "the product and pictures");
        assert!(!purge::step(&app.db, &app.store, beta, 1).await.expect("a step"), "there is more");
        // Ends at a point that nobody chose: a step that is dropped is one whose process was killed.
        let mut point = 88_172_645_463_325_252_u64;
        for _ in 0..20 {
            point ^= point << 13;
            point ^= point >> 7;
            point ^= point << 17;
            let step = purge::step(&app.db, &app.store, beta, 1);
            let _ = tokio::time::timeout(Duration::from_micros(point % 3000), step).await;
        }
        assert_eq!(own.post(&format!("{path}/restore")).await.problem(), (409, "tenant_deleting".to_owned()), "it is too late");
        purge::run(&app.db, &app.store).await.expect("purged");

        assert_eq!(rows::rows_left(&app.db, AllTenants::Instance, beta).await.expect("counts"), []);
        assert_eq!(files(), 0);
        assert_eq!(own.get(&path).await.problem(), (404, "tenant_not_found".to_owned()));
        for way in ["deactivate", "activate", "restore"] {
            assert_eq!(own.post(&format!("{path}/{way}")).await.problem().0, 404);
        }
        assert_eq!(delete(&own, &format!("{path}?confirm=beta")).await.problem().0, 404);
        for secret in [key.as_str(), token(&eva)] {
            assert_eq!(app.with_key(secret).get("/api/v1/me").await.problem().0, 401);
        }
        let entry = log(&own, beta).await.swap_remove(0);
        assert_eq!((&entry["action"], &entry["actor_kind"]), (&json!("tenant.purged"), &json!("system")));
        let counts: serde_json::Map<String, Value> = before.into_iter().map(|(table, n)| (table, n.into())).collect();
        assert_eq!(entry["detail"]["rows"], Value::Object(counts), "each row is counted once");
        let again = json!({"name": "Beta", "admin": {"email": "eva@test", "display_name": "Eva"}});
        assert_eq!(own.send(Method::POST, TENANTS, &again).await.problem().1, "tenant_slug_exists", "the slug stays taken");
        assert_eq!(own.get(TENANTS).await.json()["items"].as_array().map(Vec::len), Some(1));
        let pictures = own.get(&format!("/api/v1/renders/{kept}/result.png")).await;
        assert_eq!(pictures.status, 200, "other tenants keep theirs");
    }

    async fn t56_nothing_is_shared_between_tenants(engine) {
        let app = TestApp::start(&engine).await;
        let (_, beta) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let alpha = app.operating_key(&[Scope::Admin]).await;
        let mut addresses = Vec::new();
        let mut files = 0;
        for key in [alpha, beta] {
            let guest = app.with_key(&key);
            let submitted = guest.submit(&small()).await.json();
            let job = guest.job_when(&id(&submitted), |job| job["state"] == "completed").await;
            assert_eq!(job["result"]["from_cache"], false, "whoever comes second waits as long");
            addresses.push(job["request"]["asset"].clone());
            let now = app.stored_files().len();
            assert!(now > files, "each has files of its own");
            files = now;
        }
        assert_eq!(addresses[0], addresses[1], "it was the same file");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t88_a_database_as_one_role_serves_one_tenant() {
    let Some(engine) = TestDatabase::postgres().map(TestDatabase::as_one_role) else { return };
    let app = TestApp::idle(&engine).await;
    app.submit(&small()).await;
    let new = json!({"name": "Beta", "admin": {"email": "b@test", "display_name": "B"}});
    let refused = Reply::of(app.request(Method::POST, TENANTS).json(&new)).await;
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert_eq!(refused.json()["code"], "database_roles_required");
    let there = app.get(TENANTS).await.json();
    assert_eq!(there["items"].as_array().map(Vec::len), Some(1), "{there}");
}
