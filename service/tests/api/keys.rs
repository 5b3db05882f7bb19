//! T28–T33: API keys over HTTP.

use packshot_db::{AllTenants, installation, testing};
use packshot_domain::access::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Guest, Reply, TestApp, small, token};
use crate::log_lines;

async fn create(guest: &Guest<'_>, body: &Value) -> Reply {
    guest.send(Method::POST, "/api/v1/api-keys", body).await
}

fn secret(reply: &Reply) -> String {
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()["secret"].as_str().expect("a secret").to_owned()
}

cases! {
    async fn t28_a_key_is_shown_once(engine) {
        log_lines::keep();
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let own = app.with_key(token(&admin));
        let body = json!({"name": "shop", "scopes": ["renders:write"]});
        let ask = async || {
            let request = own.request(Method::POST, "/api/v1/api-keys").header("idempotency-key", "k1");
            Reply::of(request.json(&body)).await
        };
        let (first, again) = (ask().await, ask().await);
        let (secret, key) = (secret(&first), first.json());
        assert_eq!(first.header("cache-control"), Some("no-store"));
        assert!(secret.starts_with(&format!("{}_", key["prefix"].as_str().expect("a prefix"))));
        assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")));
        assert_eq!((&again.json()["id"], &again.json()["secret"]), (&key["id"], &json!(null)));
        let last = &secret[secret.len() - 43..];
        assert!(!own.get("/api/v1/api-keys").await.text().contains(last));
        for file in app.stored_bytes() {
            assert!(!file.windows(last.len()).any(|window| window == last.as_bytes()), "the data folder holds it");
        }
        let bytes: String = last.bytes().map(|byte| format!("{byte:02x}")).collect();
        let rows = testing::dump(&app.db).await.expect("a dump");
        assert!(rows.iter().any(|row| row.contains("/api/v1/api-keys")), "the answer is kept");
        for row in rows.iter().map(|row| row.to_lowercase()) {
            assert!(!row.contains(&last.to_lowercase()) && !row.contains(&bytes), "the database holds it");
        }
        assert!(!own.get("/api/v1/audit-log?limit=200").await.text().contains(last), "the audit log holds it");
        assert_eq!(app.with_key(&secret).get("/api/v1/renders").await.status, 200);
        let account = app.with_key(&secret).get("/api/v1/me").await.json();
        assert_eq!((&account["auth"], &account["scopes"]), (&json!("api_key"), &json!(["renders:write"])));
        assert_eq!(account["user"]["id"], admin["user"]["id"]);
        let lines = log_lines::so_far();
        assert!(!lines.is_empty() && !lines.iter().any(|line| line.contains(last)), "the log holds it");
    }

    async fn t29_scopes_that_are_none(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let own = app.with_key(token(&admin));
        assert_eq!(create(&own, &json!({"name": "k", "scopes": ["x"]})).await.problem(), (422, "unknown_scope".to_owned()));
        assert_eq!(create(&own, &json!({"name": "k", "scopes": []})).await.problem().0, 422);
        let limited = secret(&create(&own, &json!({"name": "k", "scopes": ["renders:write"]})).await);
        let renamed = app.with_key(&limited).send(Method::PATCH, "/api/v1/me", &json!({"display_name": "Another"})).await;
        assert_eq!(renamed.problem(), (403, "insufficient_scope".to_owned()), "its owner's name is not its own");
    }

    async fn t30_revoked_and_expired_keys(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let own = app.with_key(token(&admin));
        let made = create(&own, &json!({"name": "k", "scopes": ["admin"]})).await;
        let (key, id) = (secret(&made), made.json()["id"].as_str().expect("an id").to_owned());
        let path = format!("/api/v1/api-keys/{id}");
        let over = create(&own, &json!({"name": "k", "scopes": ["admin"], "expires_at": "2020-01-01T00:00:00Z"})).await;
        assert_eq!((over.problem(), over.pointers()), ((422, "validation_failed".to_owned()), vec!["/expires_at".to_owned()]));
        let expires_at = (app.db.now().await.expect("answers") + std::time::Duration::from_secs(60)).to_string();
        let changed = own.send(Method::PATCH, &path, &json!({"name": "new", "expires_at": expires_at})).await;
        assert_eq!((changed.status, &changed.json()["name"]), (200, &json!("new")));
        assert_eq!(app.with_key(&key).get("/api/v1/me").await.status, 200);
        app.db.move_clock(61_000);
        assert_eq!(app.with_key(&key).get("/api/v1/me").await.problem(), (401, "unauthenticated".to_owned()));
        assert_eq!(own.send(Method::PATCH, &path, &json!({"expires_at": null})).await.status, 200);
        assert_eq!(app.with_key(&key).get("/api/v1/me").await.status, 200);
        for _ in 0..2 {
            let revoked = own.post(&format!("{path}/revoke")).await;
            assert_eq!((revoked.status, revoked.json()["revoked_at"].is_string()), (200, true));
            assert_eq!(app.with_key(&key).get("/api/v1/me").await.problem(), (401, "unauthenticated".to_owned()));
        }
    }

    async fn t09_nobody_prolongs_a_key_that_opens_more(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let tenant = installation::get(&app.db, AllTenants::Instance).await.expect("answers").operating_tenant;
        let boss = app.person(tenant, "boss@test", Role::TenantAdmin).await;
        let (own, boss) = (app.with_key(token(&admin)), app.with_key(token(&boss)));
        let made = create(&own, &json!({"name": "k", "scopes": ["admin"], "all_tenants": true})).await;
        let path = format!("/api/v1/api-keys/{}", made.json()["id"].as_str().expect("an id"));
        let refused = boss.send(Method::PATCH, &path, &json!({"expires_at": null})).await;
        assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
        assert_eq!(boss.post(&format!("{path}/revoke")).await.status, 200, "taking away is another matter");
    }

    async fn t09_a_key_gives_no_reach_that_it_does_not_have(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let own = app.with_key(token(&admin));
        let wish = |all: bool| json!({"name": "k", "scopes": ["admin"], "all_tenants": all});
        let (narrow, wide) = (secret(&create(&own, &wish(false)).await), secret(&create(&own, &wish(true)).await));
        let refused = create(&app.with_key(&narrow), &wish(true)).await;
        assert_eq!((refused.problem(), refused.pointers()), ((403, "forbidden".to_owned()), vec!["/all_tenants".to_owned()]));
        assert_eq!(create(&app.with_key(&narrow), &wish(false)).await.status, 201);
        assert_eq!(create(&app.with_key(&wide), &wish(true)).await.json()["all_tenants"], true);
    }

    async fn t31_a_key_follows_its_owner(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let tenant = installation::get(&app.db, AllTenants::Instance).await.expect("answers").operating_tenant;
        let anna = app.person(tenant, "anna@test", Role::ProjectManager).await;
        let key = secret(&create(&app.with_key(token(&anna)), &json!({"name": "k", "scopes": ["renders:write"]})).await);
        assert_eq!(app.with_key(&key).submit(&small()).await.status, 202);
        let path = format!("/api/v1/users/{}", anna["user"]["id"].as_str().expect("an id"));
        let own = app.with_key(token(&admin));
        assert_eq!(own.send(Method::PATCH, &path, &json!({"role": "client"})).await.status, 200);
        assert_eq!(app.with_key(&key).submit(&small()).await.problem(), (403, "forbidden".to_owned()));
        assert_eq!(own.send(Method::PATCH, &path, &json!({"is_active": false})).await.status, 200);
        assert_eq!(app.with_key(&key).submit(&small()).await.problem(), (401, "unauthenticated".to_owned()));
    }

    async fn t33_whose_keys_are_seen(engine) {
        let app = TestApp::idle(&engine).await;
        app.set_up("admin@test").await;
        let tenant = installation::get(&app.db, AllTenants::Instance).await.expect("answers").operating_tenant;
        let boss = app.person(tenant, "boss@test", Role::TenantAdmin).await;
        let anna = app.person(tenant, "anna@test", Role::ProjectManager).await;
        let client = app.person(tenant, "client@test", Role::Client).await;
        let (boss, managing, client) = (app.with_key(token(&boss)), app.with_key(token(&anna)), app.with_key(token(&client)));
        let body = json!({"name": "k", "scopes": ["renders:read"]});
        assert_eq!(create(&client, &body).await.problem(), (403, "forbidden".to_owned()));
        let annas = create(&managing, &body).await;
        let for_anna = json!({"name": "k2", "scopes": ["renders:read"], "user_id": anna["user"]["id"]});
        assert_ne!(create(&boss, &for_anna).await.json()["created_by"], anna["user"]["id"]);
        let count = async |guest: &Guest<'_>, query: &str| {
            let reply = guest.get(&format!("/api/v1/api-keys{query}")).await;
            if reply.status == 200 { Ok(reply.json()["items"].as_array().map_or(0, Vec::len)) } else { Err(reply.problem()) }
        };
        assert_eq!((count(&managing, "").await, count(&boss, "").await), (Ok(2), Ok(0)));
        assert_eq!(count(&boss, "?owner=all").await, Ok(2));
        assert_eq!(count(&managing, "?owner=all").await, Err((403, "forbidden".to_owned())));
        assert_eq!(count(&boss, "?owner=x").await.map_err(|(status, _)| status), Err(422));
        let bens = app.person(tenant, "ben@test", Role::ProjectManager).await;
        let path = format!("/api/v1/api-keys/{}/revoke", annas.json()["id"].as_str().expect("an id"));
        assert_eq!(app.with_key(token(&bens)).post(&path).await.problem(), (404, "api_key_not_found".to_owned()));
        assert_eq!(boss.post(&path).await.status, 200);
        let nobody = json!({"user_id": "0193b2a0-0000-7000-8000-000000000000"});
        for (reach, problem) in [(json!({"all_tenants": true}), (403, "forbidden")), (nobody, (404, "user_not_found"))] {
            let mut wish = body.clone();
            wish.as_object_mut().expect("an object").extend(reach.as_object().expect("an object").clone());
            let refused = create(&boss, &wish).await;
            assert_eq!(refused.problem(), (problem.0, problem.1.to_owned()), "{}", refused.text());
        }
    }
}
