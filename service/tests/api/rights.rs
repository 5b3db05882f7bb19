//! C32, R78, R80 and the first run: who may do what.

use std::time::Duration;

use packshot_db::keys::{self, NewKey};
use packshot_db::{AllTenants, TenantScope, installation};
use packshot_domain::access::{Role, Scope};
use packshot_domain::id::TenantId;
use packshot_domain::key::ApiKey;
use packshot_domain::stream::StreamId;
use reqwest::Method;
use serde_json::json;

use crate::app::{Reply, TestApp, endless, form, id, small};
use crate::glb::Glb;

cases! {
    async fn c32_a_limit_of_requests(engine) {
        let app = TestApp::idle(&engine).await;
        let of = installation::get(&app.db, AllTenants::Instance).await.expect("answers");
        let limited = app.key_of(of.operating_tenant, of.local_user, &[Scope::Admin], Some(5)).await;
        let other = app.operating_key(&[Scope::Admin]).await;
        let mut statuses = Vec::new();
        for _ in 0..8 {
            let reply = app.with_key(&limited).get("/api/v1/renders").await;
            if reply.status == 429 {
                assert_eq!((reply.problem().1.as_str(), reply.header("retry-after")), ("rate_limited", Some("1")));
            }
            statuses.push(reply.status);
        }
        assert_eq!(statuses[..5], [200; 5]);
        assert!(statuses[5..].contains(&429), "{statuses:?}");
        assert_eq!(app.with_key(&other).get("/api/v1/renders").await.status, 200);
    }

    async fn r78_jobs_of_others_are_not_there(engine) {
        let app = TestApp::start(&engine).await;
        let (_, alpha) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let (_, beta) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let (alpha, beta) = (app.with_key(&alpha), app.with_key(&beta));
        let job = alpha.submit(&small()).await.json();
        let (foreign, task) = (id(&job), job["task_id"].as_str().expect("a task").to_owned());
        app.hub.wake(StreamId::of_render(foreign.parse().expect("an id")));
        let missing = "0193b2a0-0000-7000-8000-000000000000";
        for (method, path) in [
            (Method::GET, "/api/v1/renders/ID"),
            (Method::DELETE, "/api/v1/renders/ID"),
            (Method::GET, "/api/v1/renders/ID/events"),
            (Method::GET, "/api/v1/renders/ID/log"),
            (Method::GET, "/api/v1/renders/ID/preview.png"),
            (Method::GET, "/api/v1/renders/ID/result.png"),
            (Method::GET, "/api/v1/renders/ID/report.json"),
            (Method::GET, "/api/v1/renders/ID/files/result.png"),
            (Method::POST, "/api/v1/renders/ID/cancel"),
            (Method::GET, "/api/v1/tasks/ID"),
            (Method::POST, "/api/v1/tasks/ID/requeue"),
        ] {
            let own_id = if path.contains("tasks") { &task } else { &foreign };
            let seen = Reply::of(beta.request(method.clone(), &path.replace("ID", own_id))).await;
            let nothing = Reply::of(beta.request(method.clone(), &path.replace("ID", missing))).await;
            assert_eq!((seen.problem().0, seen.problem()), (404, nothing.problem()), "{method} {path}");
            let bare = |reply: &Reply| {
                let mut body = reply.json();
                (body["instance"], body["request_id"]) = (json!(null), json!(null));
                body
            };
            assert_eq!(bare(&seen), bare(&nothing), "{method} {path}");
        }
        assert_eq!(beta.get("/api/v1/renders").await.json()["items"], json!([]));
        let mut request = small();
        request["asset"] = job["request"]["asset"].clone();
        let stolen = Reply::of(beta.request(Method::POST, "/api/v1/renders").json(&request)).await;
        assert_eq!((stolen.problem().0, stolen.pointers()), (422, vec!["/asset/content_address".to_owned()]));
        assert_eq!(beta.submit(&small()).await.json()["result"], json!(null), "the cache is not shared");
        assert_eq!(alpha.get(&format!("/api/v1/renders/{foreign}")).await.status, 200);
    }

    async fn r80_rights_of_roles(engine) {
        let app = TestApp::start(&engine).await;
        for (role, triggers) in [(Role::Client, false), (Role::ProjectManager, true), (Role::TenantAdmin, true)] {
            let slug = format!("of-{}", role.as_str().replace('_', "-"));
            let (tenant, key) = app.tenant_key(&slug, role, &[Scope::Admin]).await;
            let guest = app.with_key(&key);
            let expected = |granted: u16| if triggers { granted } else { 403 };
            // An admin of the same tenant has made what the role is given or denied access to.
            let helper = app.user_key(tenant, Role::TenantAdmin).await;
            let helper = app.with_key(&helper);
            let done = helper.submit(&small()).await.json();
            let broken = form(b"no GLB".to_vec(), Some(&small()));
            let broken = Reply::of(helper.request(Method::POST, "/api/v1/renders?wait=30").multipart(broken)).await.json();
            let task = broken["task_id"].as_str().expect("a task").to_owned();
            helper.job_when(&id(&done), |job| job["state"] == "completed").await;

            assert_eq!(guest.submit(&endless()).await.status, expected(202), "{role} POST renders");
            let preflight = guest.request(Method::POST, "/api/v1/preflight").multipart(form(Glb::body(), None));
            assert_eq!(Reply::of(preflight).await.status, expected(200), "{role} preflight");
            let (mine, own) = (id(&done), format!("/api/v1/renders/{}", id(&done)));
            assert_eq!(guest.post(&format!("{own}/cancel")).await.status, expected(200), "{role} cancel of {mine}");
            assert_eq!(guest.post(&format!("/api/v1/tasks/{task}/requeue")).await.status, expected(200), "{role} requeue");
            assert_eq!(Reply::of(guest.request(Method::DELETE, &own)).await.status, expected(204), "{role} DELETE");
            assert_eq!(guest.get("/api/v1/analytics/renders").await.status, expected(200), "{role} analytics");
            assert_eq!(guest.get("/api/v1/materials").await.status, 200, "{role} materials");
            let library = guest.request(Method::POST, "/api/v1/material-libraries");
            assert_eq!(Reply::of(library).await.status, if role == Role::TenantAdmin { 415 } else { 403 }, "{role} library");
            let limits = guest.request(Method::PUT, "/api/v1/worker-configs/render");
            assert_eq!(Reply::of(limits).await.problem(), (403, "forbidden".to_owned()), "{role} limits");
            for job in helper.get("/api/v1/renders").await.json()["items"].as_array().expect("a list") {
                helper.post(job["links"]["cancel"].as_str().expect("a link")).await;
            }
        }
    }

    async fn t_keys_open_what_their_scopes_say(engine) {
        let app = TestApp::idle(&engine).await;
        let reader = app.operating_key(&[Scope::RendersRead]).await;
        assert_eq!(app.with_key(&reader).get("/api/v1/renders").await.status, 200);
        let refused = app.with_key(&reader).submit(&small()).await;
        assert_eq!(refused.problem(), (403, "insufficient_scope".to_owned()));
        let challenge = refused.header("www-authenticate").expect("a challenge");
        assert_eq!(challenge, "Bearer error=\"insufficient_scope\", scope=\"renders:write\"");
        let writer = app.operating_key(&[Scope::RendersWrite]).await;
        assert_eq!(app.with_key(&writer).submit(&small()).await.status, 202);
        assert_eq!(app.with_key(&writer).get("/api/v1/renders").await.status, 200, "write includes read");
        assert_eq!(app.with_key(&writer).get("/api/v1/materials").await.problem().1, "insufficient_scope");
    }

    async fn t30_a_key_that_ended_or_was_revoked_is_as_one_that_never_was(engine) {
        let app = TestApp::idle(&engine).await;
        let of = installation::get(&app.db, AllTenants::Instance).await.expect("answers");
        let scope = TenantScope::of(of.operating_tenant);
        let now = app.db.now().await.expect("the clock");
        let make = async |expires_at| {
            let new = NewKey { user: of.local_user, name: "brief".to_owned(), scopes: vec![Scope::Admin], all_tenants: false, expires_at, rate_limit_per_s: None };
            let key = ApiKey::generate().expect("randomness");
            (keys::create(&app.db, scope, new, &key).await.expect("stored").id, key.reveal().to_owned())
        };
        let (_, ends) = make(Some(now + Duration::from_secs(60))).await;
        let (id, revoked) = make(None).await;
        let unknown = ApiKey::generate().expect("randomness").reveal().to_owned();
        let ask = async |key: &str| app.with_key(key).get("/api/v1/renders").await;
        assert_eq!((ask(&ends).await.status, ask(&revoked).await.status), (200, 200));
        app.db.move_clock(61_000);
        keys::revoke(&app.db, scope, id).await.expect("the key");
        let bare = |reply: Reply| {
            assert_eq!(reply.problem(), (401, "unauthenticated".to_owned()));
            let mut body = reply.json();
            body["request_id"] = json!(null);
            body
        };
        let of_unknown = bare(ask(&unknown).await);
        assert_eq!((bare(ask(&ends).await), bare(ask(&revoked).await)), (of_unknown.clone(), of_unknown));
    }

    async fn t_the_first_key_closes_the_open_mode(engine) {
        let app = TestApp::idle(&engine).await;
        assert_eq!(app.get("/api/v1/setup").await.json(), json!({"configured": false, "open_mode": true}));
        assert_eq!(app.get("/api/v1/renders").await.status, 200);
        let foreign = app.request(Method::GET, "/api/v1/renders").header("host", "evil.example");
        assert_eq!(Reply::of(foreign).await.problem(), (403, "host_not_allowed".to_owned()));
        let page = app.request(Method::GET, "/api/v1/renders").header("origin", "http://evil.example");
        assert_eq!(Reply::of(page).await.problem(), (403, "origin_not_allowed".to_owned()));
        let proxied = app.request(Method::GET, "/api/v1/renders").header("x-forwarded-for", "10.0.0.1");
        assert_eq!(Reply::of(proxied).await.problem(), (403, "setup_required".to_owned()));
        let key = app.operating_key(&[Scope::Admin]).await;
        assert_eq!(app.get("/api/v1/setup").await.json(), json!({"configured": true, "open_mode": false}));
        let refused = app.get("/api/v1/renders").await;
        assert_eq!(refused.problem(), (401, "unauthenticated".to_owned()));
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
        assert_eq!(app.with_key(&key).get("/api/v1/renders").await.status, 200);
        let (begun, last) = key.split_at(key.len() - 1);
        let other = format!("{begun}{}", if last == "x" { "y" } else { "x" });
        for wrong in ["", "pk_short", begun, &other, "eyJhbGciOiJub25lIn0.e30."] {
            assert_eq!(app.with_key(wrong).get("/api/v1/renders").await.problem(), (401, "unauthenticated".to_owned()), "{wrong}");
        }
        let basic = app.request(Method::GET, "/api/v1/renders").header("authorization", format!("Basic {key}"));
        assert_eq!(Reply::of(basic).await.problem().0, 401);
    }

    async fn t45_t46_a_global_admin_names_a_tenant(engine) {
        let app = TestApp::idle(&engine).await;
        let of = installation::get(&app.db, AllTenants::Instance).await.expect("answers");
        let (beta, beta_key) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let narrow = app.operating_key(&[Scope::Admin]).await;
        let wide = ApiKey::generate().expect("randomness");
        let new = NewKey { user: of.local_user, name: "all".to_owned(), scopes: vec![Scope::Admin], all_tenants: true, expires_at: None, rate_limit_per_s: None };
        keys::create(&app.db, TenantScope::of(of.operating_tenant), new, &wide).await.expect("stored");
        let ask = async |key: &str, method: Method, path: &str, tenant: String| {
            let reply = Reply::of(app.with_key(key).request(method, path).header("x-tenant-id", tenant)).await;
            if reply.status == 200 { (200, String::new()) } else { reply.problem() }
        };
        let job = app.with_key(&beta_key).submit(&small()).await.json();
        let (path, lists) = (format!("/api/v1/renders/{}", id(&job)), "/api/v1/renders");
        let refused = |code: &str| (403, code.to_owned());
        assert_eq!(ask(wide.reveal(), Method::GET, &path, beta.to_string()).await.0, 200, "it acts there");
        assert_eq!(ask(wide.reveal(), Method::GET, &path, of.operating_tenant.to_string()).await.0, 404);
        assert_eq!(ask(wide.reveal(), Method::GET, lists, TenantId::new().to_string()).await, refused("tenant_mismatch"));
        assert_eq!(ask(wide.reveal(), Method::GET, "/api/v1/devices", "*".to_owned()).await.0, 200);
        assert_eq!(ask(wide.reveal(), Method::GET, lists, "*".to_owned()).await, refused("bypass_not_allowed"));
        assert_eq!(ask(&narrow, Method::GET, "/api/v1/devices", "*".to_owned()).await, refused("bypass_not_allowed"));
        assert_eq!(ask(&narrow, Method::GET, lists, of.operating_tenant.to_string()).await.0, 200);
        assert_eq!(ask(&narrow, Method::GET, lists, beta.to_string()).await, refused("tenant_mismatch"));
        assert_eq!(ask(&beta_key, Method::GET, "/api/v1/devices", "*".to_owned()).await, refused("tenant_mismatch"));
    }

    async fn t_the_tenant_header_says_nothing_new(engine) {
        let app = TestApp::idle(&engine).await;
        let (tenant, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let (other, _) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let with_header = |value: String| Reply::of(app.with_key(&key).request(Method::GET, "/api/v1/renders").header("x-tenant-id", value));
        assert_eq!(with_header(tenant.to_string()).await.status, 200);
        let (foreign, made_up) = (with_header(other.to_string()).await, with_header("nobody".to_owned()).await);
        assert_eq!((foreign.problem(), made_up.problem()), ((403, "tenant_mismatch".into()), (403, "tenant_mismatch".into())));
    }
}
