//! T01–T10, T31, T84, T86, T87: users, their roles, and what the audit log says of them.

use packshot_db::{AllTenants, installation};
use packshot_domain::access::Role;
use packshot_domain::id::TenantId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Guest, PASSWORD, Reply, TestApp, token};

async fn operating(app: &TestApp) -> TenantId {
    installation::get(&app.db, AllTenants::Instance).await.expect("answers").operating_tenant
}

fn user_path(tokens: &Value) -> String {
    format!("/api/v1/users/{}", tokens["user"]["id"].as_str().expect("an id"))
}

async fn delete(guest: &Guest<'_>, path: &str) -> Reply {
    Reply::of(guest.request(Method::DELETE, path)).await
}

cases! {
    async fn t01_t02_roles_of_users(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let admin = app.with_key(token(&admin));
        let create = async |email: &str, role: &str| {
            let body = json!({"email": email, "display_name": "N", "role": role, "password": PASSWORD});
            admin.send(Method::POST, "/api/v1/users", &body).await
        };
        let boss = create("a@test", "boss").await;
        assert_eq!((boss.problem().0, boss.pointers()), (422, vec!["/role".to_owned()]));
        let old = create("a@test", "admin").await;
        assert_eq!((old.status, &old.json()["role"]), (201, &json!("global_admin")));
        assert_eq!(old.json()["temporary_password"], json!(null), "it was given");
        let taken = create("A@TEST", "client").await;
        assert_eq!((taken.problem(), taken.pointers()), ((409, "email_exists".to_owned()), vec!["/email".to_owned()]));
    }

    async fn t05_users_of_the_own_tenant(engine) {
        let app = TestApp::idle(&engine).await;
        let alphas = app.set_up("admin@test").await;
        let (beta, _) = app.tenant_key("beta", Role::Client, &[]).await;
        let boss = app.person(beta, "boss@test", Role::TenantAdmin).await;
        let manager = app.person(beta, "manager@test", Role::ProjectManager).await;
        let (boss, managing) = (app.with_key(token(&boss)), app.with_key(token(&manager)));
        let new = json!({"email": "new@test", "display_name": "New"});
        let created = boss.send(Method::POST, "/api/v1/users", &new).await;
        assert_eq!((created.status, &created.json()["role"]), (201, &json!("client")), "{}", created.text());
        let path = created.header("location").expect("a place").to_owned();
        assert_eq!(boss.send(Method::PATCH, &path, &json!({"is_active": false})).await.json()["is_active"], false);
        let emails: Vec<Value> = boss.get("/api/v1/users").await.json()["items"].as_array().expect("a list").iter()
            .map(|user| user["email"].clone()).collect();
        assert_eq!(emails, [json!("new@test"), json!("manager@test"), json!("boss@test"), json!(null)]);
        let foreign = user_path(&alphas);
        for method in [Method::GET, Method::DELETE] {
            assert_eq!(Reply::of(boss.request(method, &foreign)).await.problem(), (404, "user_not_found".to_owned()));
        }
        let changed = boss.send(Method::PATCH, &foreign, &json!({"is_active": false})).await;
        assert_eq!(changed.problem(), (404, "user_not_found".to_owned()));
        for (method, path) in [(Method::GET, "/api/v1/users"), (Method::POST, "/api/v1/users"), (Method::GET, &path), (Method::DELETE, &path)] {
            assert_eq!(Reply::of(managing.request(method.clone(), path)).await.problem(), (403, "forbidden".to_owned()), "{method} {path}");
        }
        assert_eq!(delete(&boss, &path).await.status, 204);
        assert_eq!(boss.get(&path).await.problem(), (404, "user_not_found".to_owned()));
        assert_eq!(boss.send(Method::POST, "/api/v1/users", &new).await.status, 201, "the address is free again");
    }

    async fn t09_nobody_climbs(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let tenant = operating(&app).await;
        let boss = app.person(tenant, "boss@test", Role::TenantAdmin).await;
        let client = app.person(tenant, "client@test", Role::Client).await;
        let boss = app.with_key(token(&boss));
        let new = json!({"email": "x@test", "display_name": "X", "role": "global_admin"});
        let refused = boss.send(Method::POST, "/api/v1/users", &new).await;
        assert_eq!((refused.problem(), refused.pointers()), ((403, "forbidden".to_owned()), vec!["/role".to_owned()]));
        let promoted = boss.send(Method::PATCH, &user_path(&client), &json!({"role": "global_admin"})).await;
        assert_eq!(promoted.problem().1, "forbidden");
        for body in [json!({"role": "client"}), json!({"password": "other words together"}), json!({"is_active": false})] {
            assert_eq!(boss.send(Method::PATCH, &user_path(&admin), &body).await.problem().1, "forbidden", "{body}");
        }
        assert_eq!(delete(&boss, &user_path(&admin)).await.problem().1, "forbidden");
        let reset = boss.post(&format!("{}/reset-password", user_path(&admin))).await;
        assert_eq!(reset.problem().1, "forbidden");
        let key = json!({"name": "k", "scopes": ["admin"], "user_id": client["user"]["id"]});
        assert_eq!(boss.send(Method::POST, "/api/v1/api-keys", &key).await.problem().1, "forbidden");
        assert_eq!(boss.get(&user_path(&client)).await.json()["role"], "client", "nothing has changed");
        let limited = json!({"name": "k", "scopes": ["renders:write"]});
        let limited = boss.send(Method::POST, "/api/v1/api-keys", &limited).await.json();
        let limited = app.with_key(limited["secret"].as_str().expect("a key"));
        for path in ["/api/v1/api-keys", "/api/v1/users"] {
            assert_eq!(limited.send(Method::POST, path, &json!({})).await.problem(), (403, "insufficient_scope".to_owned()), "{path}");
        }
        let no_session = limited.post("/api/auth/logout").await;
        assert_eq!(no_session.problem(), (403, "insufficient_scope".to_owned()));
        assert!(no_session.text().contains("a key has no session to end"), "{}", no_session.text());
    }

    async fn t10_the_last_admins_stay(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let (beta, _) = app.tenant_key("beta", Role::Client, &[]).await;
        let boss = app.person(beta, "boss@test", Role::TenantAdmin).await;
        let (own, last) = (app.with_key(token(&admin)), app.with_key(token(&boss)));
        for body in [json!({"is_active": false}), json!({"role": "tenant_admin"})] {
            let refused = own.send(Method::PATCH, &user_path(&admin), &body).await;
            assert_eq!(refused.problem(), (409, "last_global_admin".to_owned()), "{body}");
            let refused = last.send(Method::PATCH, &user_path(&boss), &json!({"is_active": false})).await;
            assert_eq!(refused.problem(), (409, "last_tenant_admin".to_owned()));
        }
        assert_eq!(delete(&own, &user_path(&admin)).await.problem().1, "last_global_admin");
        assert_eq!(delete(&last, &user_path(&boss)).await.problem().1, "last_tenant_admin");
        let by_admin = own.request(Method::PATCH, &user_path(&boss)).header("x-tenant-id", beta.to_string());
        assert_eq!(Reply::of(by_admin.json(&json!({"is_active": false}))).await.status, 200);
        assert_eq!(last.get("/api/v1/me").await.problem().0, 401);
    }

    async fn the_tenant_of_the_last_global_admin_stays_active(engine) {
        let app = TestApp::idle(&engine).await;
        let first = app.set_up("admin@test").await;
        let (beta, _) = app.tenant_key("beta", Role::Client, &[]).await;
        let second = app.person(beta, "second@test", Role::GlobalAdmin).await;
        let (first_token, second_token) = (app.with_key(token(&first)), app.with_key(token(&second)));
        let path = format!("/api/v1/tenants/{beta}");
        for action in ["deactivate", "activate"] {
            assert_eq!(first_token.post(&format!("{path}/{action}")).await.status, 200, "the other global admin stays");
        }
        let body = json!({"is_active": false});
        let home = second_token.request(Method::PATCH, &user_path(&first));
        let home = home.header("x-tenant-id", operating(&app).await.to_string());
        assert_eq!(Reply::of(home.json(&body)).await.status, 200);
        let refused = second_token.post(&format!("{path}/deactivate")).await;
        assert_eq!(refused.problem(), (409, "last_global_admin".to_owned()));
        assert_eq!(second_token.get(&path).await.json()["status"], "active");
    }

    async fn the_built_in_user_can_only_be_renamed(engine) {
        let app = TestApp::idle(&engine).await;
        let path = user_path(&app.get("/api/v1/me").await.json());
        let changes = [json!({"email": "x@test"}), json!({"password": PASSWORD}), json!({"role": "client"}), json!({"is_active": false})];
        for change in changes {
            let refused = Reply::of(app.request(Method::PATCH, &path).json(&change)).await;
            assert_eq!(refused.problem(), (403, "forbidden".to_owned()), "{change}");
        }
        assert_eq!(app.post(&format!("{path}/reset-password")).await.problem(), (403, "forbidden".to_owned()));
        assert_eq!(app.delete(&path).await.problem(), (403, "forbidden".to_owned()));
        let renamed = Reply::of(app.request(Method::PATCH, &path).json(&json!({"display_name": "Machine"}))).await;
        assert_eq!((renamed.status, &renamed.json()["display_name"]), (200, &json!("Machine")), "{}", renamed.text());
        assert_eq!(app.get("/api/v1/setup").await.json(), json!({"configured": false, "open_mode": true}), "nobody has a password");
    }

    async fn t84_t87_changes_are_in_the_audit_log(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let tenant = operating(&app).await;
        let anna = app.person(tenant, "anna@test", Role::ProjectManager).await;
        let (own, managing) = (app.with_key(token(&admin)), app.with_key(token(&anna)));
        let path = user_path(&anna);
        let log = async |query: &str| {
            let items = own.get(&format!("/api/v1/audit-log?{query}")).await.json()["items"].clone();
            items.as_array().expect("a list").clone()
        };
        let before = log("limit=200").await.len();
        let request = own.request(Method::PATCH, &path).header("x-request-id", "r-1");
        let change = json!({"display_name": "Anna", "role": "tenant_admin"});
        assert_eq!(Reply::of(request.json(&change)).await.status, 200);
        assert_eq!(own.send(Method::PATCH, &path, &json!({"display_name": "Anna"})).await.status, 200, "changes nothing");
        assert_eq!(own.send(Method::PATCH, &path, &json!({"email": "admin@test"})).await.status, 409, "is rolled back");
        let entries = log("limit=200").await;
        assert_eq!(entries.len(), before + 2);
        let [role, name] = &entries[..2] else { panic!("two entries") };
        assert_eq!((&role["action"], &name["action"]), (&json!("user.role_changed"), &json!("user.updated")));
        assert_eq!(role["detail"], json!({"before": {"role": "project_manager"}, "after": {"role": "tenant_admin"}}));
        assert_eq!(name["detail"], json!({"before": {"display_name": "anna@test"}, "after": {"display_name": "Anna"}}));
        assert_eq!((&role["request_id"], &role["ip"]), (&json!("r-1"), &json!("127.0.0.1")));
        assert_eq!((&role["actor_kind"], &role["actor_id"]), (&json!("user"), &admin["user"]["id"]));
        assert_eq!(role["id"].as_u64(), name["id"].as_u64().map(|id| id + 1), "numbered without gaps");

        let id = anna["user"]["id"].as_str().expect("an id");
        assert_eq!(log(&format!("object_type=user&object_id={id}&action=user.role_changed")).await.len(), 1);
        assert_eq!(log("from=2100-01-01T00:00:00Z").await.len(), 0);
        assert_eq!(log("to=2000-01-01T00:00:00Z").await.len(), 0);
        let admins = admin["user"]["id"].as_str().expect("an id");
        assert!(log(&format!("actor_id={admins}")).await.iter().all(|entry| entry["actor_id"] == admins));
        let first = own.get("/api/v1/audit-log?limit=2").await.json();
        let next = first["next_cursor"].as_str().expect("more");
        let second = own.get(&format!("/api/v1/audit-log?limit=2&cursor={next}")).await.json();
        assert_eq!(first["items"][1]["id"].as_u64(), second["items"][0]["id"].as_u64().map(|id| id + 1));
        for (query, pointer) in [("action=x", "?action"), ("actor_id=x", "?actor_id"), ("from=x", "?from"), ("cursor=x", "?cursor")] {
            let refused = own.get(&format!("/api/v1/audit-log?{query}")).await;
            assert_eq!((refused.problem().0, refused.pointers()), (422, vec![pointer.to_owned()]));
        }
        assert_eq!(managing.get("/api/v1/audit-log").await.status, 200, "she is a tenant admin now");
        let client = app.person(tenant, "client@test", Role::ProjectManager).await;
        assert_eq!(app.with_key(token(&client)).get("/api/v1/audit-log").await.problem().1, "forbidden");
    }

    async fn t86_no_secrets_in_the_audit_log(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let own = app.with_key(token(&admin));
        let user = own.send(Method::POST, "/api/v1/users", &json!({"email": "b@test", "display_name": "B"})).await.json();
        let key = own.send(Method::POST, "/api/v1/api-keys", &json!({"name": "k", "scopes": ["admin"]})).await.json();
        let change = json!({"current_password": PASSWORD, "new_password": "other words together"});
        assert_eq!(own.send(Method::PUT, "/api/v1/me/password", &change).await.status, 204);
        let log = own.get("/api/v1/audit-log?limit=200").await.text();
        let secrets = [
            PASSWORD,
            "other words together",
            "argon2",
            user["temporary_password"].as_str().expect("a password"),
            key["secret"].as_str().expect("a key"),
            token(&admin),
            admin["refresh_token"].as_str().expect("a token"),
        ];
        for secret in secrets {
            assert!(!log.contains(secret), "{secret}");
        }
        assert!(log.contains(key["prefix"].as_str().expect("a prefix")));
    }
}
