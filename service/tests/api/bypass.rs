//! T44–T47, T57, T87: a global admin reads all tenants or acts in one of them, and nobody else learns of the others.

use std::collections::{BTreeSet, HashSet};

use packshot_db::{AllTenants, TenantScope, channels, installation};
use packshot_domain::access::Role;
use packshot_domain::channel::{AlertType, Message, Severity};
use packshot_domain::id::TenantId;
use packshot_domain::review::ReviewSubject;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Guest, Reply, TestApp, id, small, token};
use crate::glb::Glb;
use crate::log_lines;
use crate::materials::ACME;
use crate::reviews::review_of;

/// Every list that can show the rows of all tenants.
const LISTS: [&str; 21] = [
    "/admin/render-engine/jobs",
    "/api/activity",
    "/api/media/assets",
    "/api/orders",
    "/api/v1/alerts",
    "/api/v1/announcements",
    "/api/v1/api-keys",
    "/api/v1/audit-log",
    "/api/v1/cad-files",
    "/api/v1/material-aliases",
    "/api/v1/material-libraries",
    "/api/v1/material-reviews",
    "/api/v1/output-types",
    "/api/v1/packages",
    "/api/v1/products",
    "/api/v1/render-templates",
    "/api/v1/renders",
    "/api/v1/tasks",
    "/api/v1/users",
    "/api/v1/webhooks",
    "/api/workflows",
];
/// Lists that are about one thing: the materials of a library, the caller's own sessions and notifications, and the log
/// of a tenant, which has numbers of its own.
const OF_ONE: [&str; 4] = ["/api/notifications", "/api/v1/materials", "/api/v1/me/sessions", "/api/v1/artifact-events"];
/// An id that nothing has.
const MISSING: &str = "0193b2a0-0000-7000-8000-000000000000";

/// The list of what rendered pictures make: nothing here does that.
const OF_RENDERED: &str = "/api/media/assets";
/// What counts them.
const FACETS: &str = "/api/media/assets/facets";

/// A request that names a tenant.
async fn ask(guest: &Guest<'_>, method: Method, path: &str, tenant: &str) -> Reply {
    Reply::of(guest.request(method, path).header("x-tenant-id", tenant)).await
}

async fn operating(app: &TestApp) -> TenantId {
    installation::get(&app.db, AllTenants::Instance).await.expect("answers").operating_tenant
}

/// One row for each list.
async fn make_rows(guest: &Guest<'_>, n: u32) {
    let rendered = guest.submit(&small()).await;
    assert_eq!(rendered.status, 202, "{}", rendered.text());
    let library = ACME.replace("\"1.0.0\"", &format!("\"1.{n}.0\""));
    let library = Form::new().part("library", Part::bytes(library.into_bytes()).file_name("library.toml"));
    let uploaded = Reply::of(guest.request(Method::POST, "/api/v1/material-libraries").multipart(library)).await;
    assert_eq!(uploaded.status, 201, "{}", uploaded.text());
    let user = json!({"email": format!("user-{n}@test"), "display_name": "User"});
    assert_eq!(guest.send(Method::POST, "/api/v1/users", &user).await.status, 201);
    let key = json!({"name": "k", "scopes": ["renders:read"]});
    assert_eq!(guest.send(Method::POST, "/api/v1/api-keys", &key).await.status, 201);
    let glb = Glb::parts(&[&format!("Part_{n}")]).bytes();
    let cad_file = Form::new().part("file", Part::bytes(glb).file_name("part.glb"));
    let uploaded = Reply::of(guest.request(Method::POST, "/api/v1/cad-files").multipart(cad_file)).await;
    assert_eq!(uploaded.status, 201, "{}", uploaded.text());
    for (path, body) in [
        ("/api/v1/announcements", json!({"title": format!("Announcement {n}"), "body": "b"})),
        ("/api/v1/products", json!({"pim_id": format!("{n}"), "name": "P"})),
        ("/api/v1/output-types", json!({"name": format!("Output type {n}")})),
        ("/api/v1/render-templates", json!({"name": format!("Template {n}")})),
        ("/api/v1/material-aliases", json!({"alias": format!("Alias {n}"), "material_id": "STD_010101_Steel-Bare"})),
        ("/api/orders", json!({"notes": format!("Order {n}")})),
        ("/api/v1/webhooks", json!({"url": "https://receiver.invalid/", "event_types": ["fix.*"]})),
        ("/api/workflows", json!({"name": format!("Workflow {n}"), "config": {"type": "still"}})),
    ] {
        assert_eq!(guest.send(Method::POST, path, &body).await.status, 201);
    }
    let package = json!({"name": "p", "producer": "prod", "subject": "sub", "retention_class": "scratch"});
    assert_eq!(guest.send(Method::POST, "/api/v1/packages", &package).await.status, 201);
}

/// A design on a product of its own, which waits.
async fn make_design(guest: &Guest<'_>, n: u32) {
    let file = id(&guest.get("/api/v1/cad-files").await.json()["items"][0]);
    let product = json!({"pim_id": format!("worn {n}"), "name": "Worn", "cad_file_id": file});
    let product = id(&guest.send(Method::POST, "/api/v1/products", &product).await.json());
    let logo = Part::bytes(crate::media_files::picture(40, 20, 1.0)).file_name("logo.png");
    let request = json!({"product_id": product, "texture_px": 512});
    let form = Form::new().part("design", logo).text("request", request.to_string());
    let started = Reply::of(guest.request(Method::POST, "/admin/render-engine/jobs").multipart(form)).await;
    assert_eq!(started.status, 202, "{}", started.text());
}

/// A review of materials, of a line of a new order.
async fn make_review(app: &TestApp, guest: &Guest<'_>, tenant: TenantId) {
    let newest = async |list: &str| id(&guest.get(list).await.json()["items"][0]);
    let (product, output_type) = (newest("/api/v1/products").await, newest("/api/v1/output-types").await);
    let order = json!({"lines": [{"product_id": product, "output_type_id": output_type}]});
    let order = guest.send(Method::POST, "/api/orders", &order).await.json();
    let line = id(&order["lines"][0]).parse().expect("an id");
    review_of(app, TenantScope::of(tenant), ReviewSubject::Line(line), "Steel_Bar").await;
}

/// All items of a list, in pages of two.
async fn walk(guest: &Guest<'_>, path: &str, tenant: Option<&str>) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let request = guest.request(Method::GET, &format!("{path}?owner=all&limit=2{cursor}"));
        let request = tenant.into_iter().fold(request, |request, tenant| request.header("x-tenant-id", tenant));
        let reply = Reply::of(request).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        let page = reply.json();
        items.extend(page["items"].as_array().expect("a list").clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

fn tenants_of(items: &[Value]) -> BTreeSet<String> {
    items.iter().map(|item| item["tenant_id"].as_str().expect("a tenant").to_owned()).collect()
}

/// The operations of the document that need a key: method, a path without placeholders, and the operation.
async fn guarded(app: &TestApp) -> Vec<(Method, String, Value)> {
    let document = app.get("/openapi.json").await.json();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let path = path.replace("{queue_name}", "render").replace("{result}", "result.png").replace("{name}", "x");
        let path = path.replace("{id}", MISSING).replace("{file_id}", MISSING);
        let path = path.replace("{event_type}", "order.submitted");
        for (method, operation) in item.as_object().expect("operations") {
            if operation["x-tenancy"] != "open" {
                found.push((method.to_uppercase().parse().expect("a method"), path.clone(), operation.clone()));
            }
        }
    }
    found
}

/// The body of a refusal without what differs in each answer.
fn bare(reply: &Reply) -> (u16, Value) {
    let mut body = reply.json();
    body["request_id"] = json!(null);
    (reply.status, body)
}

cases! {
    async fn t44_t87_a_global_admin_sees_all_who_asks_for_all(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let (beta, _) = app.tenant_key("beta", Role::Client, &[]).await;
        let boss = app.person(beta, "boss@test", Role::TenantAdmin).await;
        let (own, boss) = (app.with_key(token(&admin)), app.with_key(token(&boss)));
        for n in 0..2 {
            for guest in [&own, &boss] {
                make_rows(guest, n).await;
                make_design(guest, n).await;
            }
            for (guest, tenant) in [(&own, operating(&app).await), (&boss, beta)] {
                make_review(&app, guest, tenant).await;
                let of = (AlertType::WorkerRecovery, Severity::Warning);
                let (db, message) = (&app.db, Message::new("Stalled"));
                let opened = channels::alert(db, AllTenants::Housekeeping, tenant, of, message, json!({})).await;
                opened.expect("answers");
            }
        }
        let alpha = operating(&app).await.to_string();
        let both = BTreeSet::from([alpha.clone(), beta.to_string()]);
        for path in LISTS.into_iter().filter(|path| *path != OF_RENDERED) {
            let all = walk(&own, path, Some("*")).await;
            assert_eq!(tenants_of(&all), both, "{path}");
            let once: HashSet<(String, String)> =
                all.iter().map(|item| (item["tenant_id"].to_string(), item["id"].to_string())).collect();
            assert_eq!(once.len(), all.len(), "{path}: each once");
            assert_eq!(tenants_of(&walk(&own, path, None).await), BTreeSet::from([alpha.clone()]), "{path}");
            assert_eq!(tenants_of(&walk(&own, path, Some(&beta.to_string())).await), BTreeSet::from([beta.to_string()]));

            let first = ask(&own, Method::GET, &format!("{path}?limit=1&owner=all"), "*").await.json();
            let cursor = first["next_cursor"].as_str().unwrap_or_else(|| panic!("{path}: there is more"));
            let rest = own.get(&format!("{path}?limit=200&owner=all&cursor={cursor}")).await.json();
            let rest = tenants_of(rest["items"].as_array().expect("a list"));
            assert!(rest.is_subset(&BTreeSet::from([alpha.clone()])), "{path}: a cursor opens nothing: {rest:?}");
        }
        let waiting = walk(&own, "/api/v1/renders", Some("*")).await;
        for tenant in &both {
            let of_tenant = waiting.iter().filter(|job| job["tenant_id"] == json!(tenant));
            let places: Vec<&Value> = of_tenant.map(|job| &job["queue_position"]).collect();
            assert_eq!(places, [&json!(2), &json!(1)], "each tenant counts for itself");
        }
    }

    async fn t45_the_bypass_is_narrow_and_noted(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let (beta, _) = app.tenant_key("beta", Role::Client, &[]).await;
        let boss = app.person(beta, "boss@test", Role::TenantAdmin).await;
        let (own, boss) = (app.with_key(token(&admin)), app.with_key(token(&boss)));
        let operations = guarded(&app).await;
        let mut lists = Vec::new();
        let mut read = Vec::new();
        for (method, path, operation) in &operations {
            let what = format!("{method} {path}");
            let reply = ask(&own, method.clone(), path, "*").await;
            if operation["x-all-tenants"] == true {
                assert_eq!(method, Method::GET, "{what}");
                assert!(matches!(reply.status, 200 | 404), "{what}: {}", reply.text());
                read.push(json!(path));
                if operation["x-tenancy"] == "tenant" {
                    lists.push(path.as_str());
                }
            } else {
                assert_eq!(reply.problem(), (403, "bypass_not_allowed".to_owned()), "{what}");
            }
            let refused = ask(&boss, method.clone(), path, "*").await.problem();
            assert!(["tenant_mismatch", "forbidden"].contains(&refused.1.as_str()), "{what}: {refused:?}");
        }
        // The facets are counts of a list.
        lists.retain(|path| *path != FACETS);
        lists.sort_unstable();
        assert_eq!(lists, LISTS);
        assert_eq!(ask(&boss, Method::GET, "/api/v1/users", "*").await.problem().1, "tenant_mismatch");

        let noted = own.get("/api/v1/audit-log?action=bypass.read&limit=200").await.json();
        let noted = noted["items"].as_array().expect("a list");
        let paths: Vec<Value> = noted.iter().rev().map(|entry| entry["detail"]["path"].clone()).collect();
        assert_eq!(paths, read, "each is noted, and what was refused is not");
        assert!(noted.iter().all(|entry| entry["actor_id"] == admin["user"]["id"] && entry["acting_tenant"].is_null()));
        assert!(!boss.get("/api/v1/audit-log?limit=200").await.text().contains("bypass.read"), "nobody else is told");

        for (_, path, operation) in &operations {
            let content = &operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
            let is_page = content.as_str().is_some_and(|name| name.ends_with("Page"));
            let is_of_one = OF_ONE.contains(&path.as_str()) || path.contains(MISSING);
            assert!(!is_page || is_of_one || operation["x-all-tenants"] == true, "{path} is a list");
        }
    }

    async fn t45_the_bypass_of_keys(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let own = app.with_key(token(&admin));
        let key = async |all: bool, scope: &str| {
            let body = json!({"name": "k", "scopes": [scope], "all_tenants": all});
            let reply = own.send(Method::POST, "/api/v1/api-keys", &body).await;
            assert_eq!(reply.status, 201, "{}", reply.text());
            reply.json()["secret"].as_str().expect("a secret").to_owned()
        };
        let (narrow, wide) = (key(false, "admin").await, key(true, "renders:read").await);
        let (narrow, wide) = (app.with_key(&narrow), app.with_key(&wide));
        let wish = json!({"name": "k", "scopes": ["admin"], "all_tenants": true});
        let refused = narrow.send(Method::POST, "/api/v1/api-keys", &wish).await;
        assert_eq!(refused.problem(), (403, "forbidden".to_owned()), "it gives no more than it has");
        let refused = ask(&narrow, Method::GET, "/api/v1/users", "*").await;
        assert_eq!(refused.problem(), (403, "bypass_not_allowed".to_owned()));
        assert!(refused.json()["detail"].as_str().is_some_and(|detail| detail.contains("this key")), "{}", refused.text());
        assert_eq!(ask(&wide, Method::GET, "/api/v1/users", "*").await.problem(), (403, "insufficient_scope".to_owned()));
        assert_eq!(ask(&wide, Method::GET, "/api/v1/renders", "*").await.status, 200);
        let noted = own.get("/api/v1/audit-log?action=bypass.read").await.json();
        assert_eq!(noted["items"].as_array().map(Vec::len), Some(1), "what was refused is not noted: {noted}");
        assert_eq!(noted["items"][0]["actor_kind"], "api_key");
    }

    async fn t46_what_is_done_in_a_tenant_is_noted_there(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let (beta, _) = app.tenant_key("beta", Role::Client, &[]).await;
        let boss = app.person(beta, "boss@test", Role::TenantAdmin).await;
        let (own, boss) = (app.with_key(token(&admin)), app.with_key(token(&boss)));
        let beta = beta.to_string();
        let acting = |method, path: &str| own.request(method, path).header("x-tenant-id", &beta);
        let log = async |guest: &Guest<'_>| guest.get("/api/v1/audit-log?limit=200").await.json()["items"].clone();
        let at_home = log(&own).await;

        let new = json!({"email": "new@test", "display_name": "New", "role": "project_manager"});
        let user = Reply::of(acting(Method::POST, "/api/v1/users").json(&new)).await.json();
        let new = json!({"name": "k", "scopes": ["renders:read"], "user_id": user["id"]});
        let key = Reply::of(acting(Method::POST, "/api/v1/api-keys").json(&new)).await.json();
        let library = Form::new().part("library", Part::bytes(ACME.as_bytes()).file_name("library.toml"));
        let library = Reply::of(acting(Method::POST, "/api/v1/material-libraries").multipart(library)).await.json();
        let made = [("library.changed", &library), ("api_key.created", &key), ("user.created", &user)];
        let entries = log(&boss).await;
        for ((action, object), entry) in made.into_iter().zip(entries.as_array().expect("a list")) {
            assert_eq!(object["tenant_id"], json!(beta), "{action}");
            assert_eq!((&entry["action"], &entry["object_id"]), (&json!(action), &object["id"]));
            assert_eq!((&entry["tenant_id"], &entry["acting_tenant"]), (&json!(beta), &json!(beta)), "{action}");
            assert_eq!(entry["actor_id"], admin["user"]["id"], "{action}");
        }
        assert_eq!(log(&own).await, at_home, "nothing was done at home");

        // The caller's own account is at home, whatever tenant is named.
        let renamed = Reply::of(acting(Method::PATCH, "/api/v1/me").json(&json!({"display_name": "Anna"}))).await;
        assert_eq!(renamed.status, 200, "{}", renamed.text());
        let entry = log(&own).await[0].clone();
        assert_eq!((&entry["action"], &entry["acting_tenant"]), (&json!("user.updated"), &json!(null)));
    }

    async fn t47_a_tenant_that_is_there_and_one_that_is_not(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let (beta, _) = app.tenant_key("beta", Role::Client, &[]).await;
        let boss = app.person(beta, "boss@test", Role::TenantAdmin).await;
        let (own, boss) = (app.with_key(token(&admin)), app.with_key(token(&boss)));
        let alpha = operating(&app).await.to_string();
        let made_up = TenantId::new().to_string();
        let plain = boss.get("/api/v1/users").await;
        assert_eq!(ask(&boss, Method::GET, "/api/v1/users", &beta.to_string()).await.json(), plain.json(), "no effect");
        let mut refusals = Vec::new();
        for tenant in [alpha.as_str(), &made_up, "nobody", "*", ""] {
            refusals.push(bare(&ask(&boss, Method::GET, "/api/v1/users", tenant).await));
        }
        assert_eq!((refusals[0].0, &refusals[0].1["code"]), (403, &json!("tenant_mismatch")));
        assert!(refusals.iter().all(|refusal| *refusal == refusals[0]), "{refusals:#?}");
        // Whoever may act for all tenants may know which there are.
        for (named, told) in [(made_up.as_str(), "there is no tenant"), ("beta", "not its slug"), ("", "not its slug")] {
            let refused = ask(&own, Method::GET, "/api/v1/users", named).await;
            assert_eq!(refused.problem(), (403, "tenant_mismatch".to_owned()), "{named}");
            assert!(refused.text().contains(told), "{named}: {}", refused.text());
        }
    }

    async fn t57_nothing_names_another_tenant(engine) {
        log_lines::keep();
        let app = TestApp::idle(&engine).await;
        let slug = format!("zeta-{}", TenantId::new().uuid().simple());
        app.set_up("admin@test").await;
        let (zeta, _) = app.tenant_key(&slug, Role::Client, &[]).await;
        let (eta, _) = app.tenant_key("eta", Role::Client, &[]).await;
        let theirs = app.person(zeta, "boss@zeta.test", Role::TenantAdmin).await;
        let boss = app.person(eta, "boss@eta.test", Role::TenantAdmin).await;
        let (theirs, boss) = (app.with_key(token(&theirs)), app.with_key(token(&boss)));
        make_rows(&theirs, 0).await;
        let mut foreign = Vec::new();
        for list in ["renders", "tasks", "users", "api-keys", "material-libraries", "packages"] {
            let page = theirs.get(&format!("/api/v1/{list}")).await.json();
            foreign.push(format!("/api/v1/{list}/{}", id(&page["items"][0])));
        }
        let (n_lines, zeta) = (log_lines::so_far().len(), zeta.to_string());
        make_rows(&boss, 0).await;
        let mut said = vec![boss.get("/metrics").await.text()];
        for path in LISTS.iter().map(|path| (*path).to_owned()).chain(foreign) {
            for method in [Method::GET, Method::PATCH, Method::DELETE, Method::POST] {
                said.push(Reply::of(boss.request(method.clone(), &path)).await.text());
                said.push(ask(&boss, method, &path, &zeta).await.text());
            }
        }
        let own = boss.get("/api/v1/renders").await.json();
        let render = format!("/api/v1/renders/{}", id(&own["items"][0]));
        assert_eq!(boss.post(&format!("{render}/cancel")).await.status, 200);
        said.push(boss.get(&format!("{render}/events?after=0")).await.text());
        said.push(boss.get("/api/v1/audit-log?limit=200").await.text());
        let lines = log_lines::so_far();
        assert!(lines.len() > n_lines, "lines are kept");
        said.extend(lines[n_lines..].iter().cloned());
        for text in said {
            assert!(!text.contains(&slug) && !text.contains(&zeta), "{text}");
        }
    }
}
