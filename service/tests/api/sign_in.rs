//! T11–T27: signing in, staying signed in, signing out.

use std::time::{Duration, Instant};

use packshot_db::{AllTenants, TenantScope, audit, installation, sessions, users};
use packshot_domain::access::Role;
use packshot_domain::audit::{Action, Actor};
use packshot_domain::id::TenantId;
use packshot_service::app::SigningKeyFile;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{PASSWORD, PATIENCE, Reply, TestApp, token};

/// What was done in a tenant, newest first.
async fn actions(app: &TestApp, tenant: TenantId) -> Vec<Action> {
    let entries = audit::list(&app.db, TenantScope::of(tenant), audit::AuditFilter::default(), 200, None).await;
    entries.expect("the log").into_iter().map(|entry| entry.action).collect()
}

async fn operating(app: &TestApp) -> TenantId {
    installation::get(&app.db, AllTenants::Instance).await.expect("answers").operating_tenant
}

async fn refresh(app: &TestApp, refresh_token: &Value) -> Reply {
    let body = json!({"refresh_token": refresh_token});
    Reply::of(app.request(Method::POST, "/api/auth/refresh").json(&body)).await
}

/// Whether somebody's access token is valid.
async fn status(app: &TestApp, tokens: &Value) -> u16 {
    app.with_key(token(tokens)).get("/api/v1/me").await.status
}

cases! {
    async fn t16_a_sign_in_gives_tokens(engine) {
        let app = TestApp::idle(&engine).await;
        let tenant = operating(&app).await;
        app.set_up("admin@test").await;
        app.person(tenant, "Anna@Test", Role::ProjectManager).await;
        let body = json!({"email": "anna@TEST", "password": PASSWORD});
        let reply = app.sign_in(&body).await;
        assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-store")));
        let tokens = reply.json();
        let members: Vec<&String> = tokens.as_object().expect("an object").keys().collect();
        assert_eq!(
            members,
            ["access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_in", "user", "tenant"]
        );
        assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("bearer"), &json!(900)));
        assert_eq!(tokens["refresh_expires_in"], 1_209_600);
        assert_eq!(tokens["user"]["email"], "Anna@Test");
        assert_eq!(tokens["tenant"]["slug"], "default");
        let account = app.with_key(token(&tokens)).get("/api/v1/me").await.json();
        assert_eq!((&account["auth"], &account["scopes"]), (&json!("jwt"), &json!(null)));
        assert_eq!(account["user"]["last_login_at"], tokens["user"]["last_login_at"]);
        assert_ne!(account["user"]["last_login_at"], json!(null));
        assert!(account["permissions"].as_array().expect("a list").contains(&json!("trigger_renders")));
        assert_eq!(actions(&app, tenant).await[0], Action::Login);

        let form = app.request(Method::POST, "/api/auth/login").header("content-type", "application/x-www-form-urlencoded");
        let password = PASSWORD.replace(' ', "+");
        let form = form.body(format!("grant_type=password&username=anna%40test&password={password}&scope=&client_id=x"));
        let by_form = Reply::of(form).await;
        assert_eq!((by_form.status, &by_form.json()["user"]["id"]), (200, &tokens["user"]["id"]));
        let members = by_form.json();
        assert_eq!(members.as_object().map(serde_json::Map::len), Some(7), "all members: {members}");
    }

    async fn t18_the_same_address_in_two_tenants(engine) {
        let app = TestApp::idle(&engine).await;
        let (alpha, _) = app.tenant_key("alpha", Role::TenantAdmin, &[]).await;
        let (beta, _) = app.tenant_key("beta", Role::TenantAdmin, &[]).await;
        app.person(alpha, "x@y.test", Role::Client).await;
        app.person(beta, "X@y.test", Role::ProjectManager).await;
        let with = json!({"email": "x@y.test", "password": PASSWORD, "tenant": "beta"});
        let tokens = app.sign_in(&with).await.json();
        assert_eq!(tokens["tenant"]["id"], beta.to_string());
        assert_eq!(app.with_key(token(&tokens)).get("/api/v1/me").await.json()["tenant"]["slug"], "beta");
        let without = json!({"email": "x@y.test", "password": PASSWORD});
        assert_eq!(app.sign_in(&without).await.problem().0, 401);
    }

    async fn t22_changes_take_effect(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let anna = app.person(operating(&app).await, "anna@test", Role::ProjectManager).await;
        let path = format!("/api/v1/users/{}", anna["user"]["id"].as_str().expect("an id"));
        let (admin, seen) = (app.with_key(token(&admin)), app.with_key(token(&anna)));
        assert_eq!(seen.get("/api/v1/renders").await.status, 200);
        assert_eq!(admin.send(Method::PATCH, &path, &json!({"role": "client"})).await.status, 200);
        assert_eq!(seen.get("/api/v1/renders").await.problem(), (403, "forbidden".to_owned()), "the current role");
        assert_eq!(admin.send(Method::PATCH, &path, &json!({"is_active": false})).await.status, 200);
        assert_eq!(seen.get("/api/v1/me").await.problem(), (401, "unauthenticated".to_owned()));
        assert_eq!(refresh(&app, &anna["refresh_token"]).await.problem().0, 401);
    }

    async fn t23_refresh_tokens_rotate(engine) {
        let app = TestApp::idle(&engine).await;
        let first = app.set_up("admin@test").await;
        let second = refresh(&app, &first["refresh_token"]).await;
        assert_eq!((second.status, second.header("cache-control")), (200, Some("no-store")));
        let second = second.json();
        assert_ne!(second["refresh_token"], first["refresh_token"]);
        assert_eq!(status(&app, &second).await, 200);
        app.db.move_clock(9_000);
        let again = refresh(&app, &first["refresh_token"]).await;
        assert_eq!(again.status, 200, "the answer may have been lost");
        app.db.move_clock(2_000);
        assert_eq!(refresh(&app, &first["refresh_token"]).await.problem(), (401, "invalid_refresh_token".to_owned()));
        assert_eq!(actions(&app, operating(&app).await).await[0], Action::RefreshReused);
        for stolen in [&second, &again.json()] {
            assert_eq!(refresh(&app, &stolen["refresh_token"]).await.problem().0, 401, "the session has ended");
            assert_eq!(status(&app, stolen).await, 401);
        }
        assert_eq!(refresh(&app, &json!("rt_nonsense")).await.problem().0, 401);
    }

    async fn t24_signing_out(engine) {
        let app = TestApp::idle(&engine).await;
        let one = app.set_up("admin@test").await;
        let body = json!({"email": "admin@test", "password": PASSWORD});
        let (two, three) = (app.sign_in(&body).await.json(), app.sign_in(&body).await.json());
        assert_eq!(app.with_key(token(&one)).post("/api/auth/logout").await.status, 204);
        assert_eq!((status(&app, &one).await, status(&app, &two).await), (401, 200));
        assert_eq!(refresh(&app, &one["refresh_token"]).await.problem().0, 401);
        let all = app.with_key(token(&two)).send(Method::POST, "/api/auth/logout", &json!({"all": true})).await;
        assert_eq!(all.status, 204);
        assert_eq!((status(&app, &two).await, status(&app, &three).await), (401, 401));
    }

    async fn t25_a_new_password(engine) {
        let app = TestApp::idle(&engine).await;
        let one = app.set_up("admin@test.example").await;
        let body = json!({"email": "admin@test.example", "password": PASSWORD});
        let two = app.sign_in(&body).await.json();
        let change = async |current: &str, new: &str| {
            let body = json!({"current_password": current, "new_password": new});
            app.with_key(token(&one)).send(Method::PUT, "/api/v1/me/password", &body).await
        };
        assert_eq!(change("wrong words together", "other words together").await.problem(), (401, "invalid_credentials".to_owned()));
        for weak in ["short", "admin@test.example", "password1234", "            ", PASSWORD] {
            let refused = change(PASSWORD, weak).await;
            assert_eq!(refused.problem(), (422, "weak_password".to_owned()), "{weak}");
            assert_eq!(refused.pointers(), ["/new_password"]);
        }
        assert_eq!(change(PASSWORD, "other words together").await.status, 204);
        assert_eq!((status(&app, &one).await, status(&app, &two).await), (200, 401), "other sessions end");
        assert_eq!(app.sign_in(&body).await.problem().0, 401);
        let new = json!({"email": "admin@test.example", "password": "other words together"});
        assert_eq!(app.sign_in(&new).await.status, 200);
        assert!(actions(&app, operating(&app).await).await.contains(&Action::PasswordChanged));
    }

    async fn t34_t35_the_open_mode_ends_with_the_first_person(engine) {
        let app = TestApp::idle(&engine).await;
        assert_eq!(app.get("/api/v1/setup").await.json(), json!({"configured": false, "open_mode": true}));
        let local = app.get("/api/v1/me").await.json();
        assert_eq!((&local["auth"], &local["user"]["display_name"]), (&json!("local"), &json!("local")));
        let weak = json!({"email": "admin@test", "password": "password1234"});
        let refused = Reply::of(app.request(Method::POST, "/api/v1/setup").json(&weak)).await;
        assert_eq!((refused.problem(), refused.pointers()), ((422, "weak_password".to_owned()), vec!["/password".to_owned()]));
        let first = json!({"email": "admin@test", "password": PASSWORD, "display_name": "Ada", "tenant_name": "Studio"});
        let reply = Reply::of(app.request(Method::POST, "/api/v1/setup").json(&first)).await;
        let tokens = reply.json();
        assert_eq!((reply.status, &tokens["tenant"]["name"]), (201, &json!("Studio")));
        assert_eq!((&tokens["user"]["role"], &tokens["user"]["display_name"]), (&json!("global_admin"), &json!("Ada")));
        assert_eq!(app.get("/api/v1/setup").await.json(), json!({"configured": true, "open_mode": false}));
        assert_eq!(app.get("/api/v1/me").await.problem(), (401, "unauthenticated".to_owned()));
        let again = app.with_key(token(&tokens)).send(Method::POST, "/api/v1/setup", &first).await;
        assert_eq!(again.problem(), (409, "already_configured".to_owned()));
        let log = app.with_key(token(&tokens)).get("/api/v1/audit-log?action=setup.completed").await.json();
        assert_eq!(log["items"][0]["actor_kind"], "local");
    }

    on_postgres_in_the_soak:

    async fn kept_paths_of_signing_in_ignore_unknown_members(engine) {
        let app = TestApp::idle(&engine).await;
        app.set_up("admin@test").await;
        let body = json!({"email": "admin@test", "password": PASSWORD, "remember": true});
        let tokens = app.sign_in(&body).await;
        assert_eq!(tokens.status, 200, "{}", tokens.text());
        let body = json!({"refresh_token": tokens.json()["refresh_token"], "grant_type": "refresh_token"});
        let next = Reply::of(app.request(Method::POST, "/api/auth/refresh").json(&body)).await;
        assert_eq!(next.status, 200, "{}", next.text());
        let gone = app.with_key(token(&next.json())).send(Method::POST, "/api/auth/logout", &json!({"everywhere": 1})).await;
        assert_eq!(gone.status, 204);
    }

    async fn t12_some_paths_need_no_token(engine) {
        let app = TestApp::idle(&engine).await;
        app.set_up("admin@test").await;
        let nobody = json!({"email": "nobody@test", "password": "x"});
        for stale in ["", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA"] {
            let with = |method, path: &str| app.with_key(stale).request(method, path);
            assert_eq!(Reply::of(with(Method::GET, "/health")).await.status, 200);
            let sign_in = Reply::of(with(Method::POST, "/api/auth/login").json(&nobody)).await;
            assert_eq!(sign_in.problem(), (401, "invalid_credentials".to_owned()));
            let refreshed = Reply::of(with(Method::POST, "/api/auth/refresh").json(&json!({"refresh_token": "x"}))).await;
            assert_eq!(refreshed.problem(), (401, "invalid_refresh_token".to_owned()));
        }
    }

    async fn t17_every_failure_looks_the_same(engine) {
        let app = TestApp::idle(&engine).await;
        app.set_up("admin@test").await;
        let tenant = operating(&app).await;
        let (beta, _) = app.tenant_key("beta", Role::TenantAdmin, &[]).await;
        for (tenant, email) in [(tenant, "idle@test"), (tenant, "both@test"), (beta, "both@test")] {
            app.person(tenant, email, Role::Client).await;
        }
        let idle = users::with_email(&app.db, AllTenants::Instance, &"idle@test".parse().expect("valid"), None).await;
        let (id, off) = (idle.expect("found")[0].user.id, users::UserChange { is_active: Some(false), ..Default::default() });
        let by = (Actor::system(), Role::GlobalAdmin);
        users::change(&app.db, TenantScope::of(tenant), by, id, off).await.expect("changed");
        let tries = [
            json!({"email": "admin@test", "password": "wrong words together"}),
            json!({"email": "nobody@test", "password": PASSWORD}),
            json!({"email": "idle@test", "password": PASSWORD}),
            json!({"email": "both@test", "password": PASSWORD}),
            json!({"email": "both@test", "password": PASSWORD, "tenant": "gamma"}),
            json!({"email": "no address", "password": PASSWORD}),
        ];
        let mut seen = Vec::new();
        for body in &tries {
            let reply = app.sign_in(body).await;
            let mut answer = reply.json();
            answer["request_id"] = json!(null);
            seen.push((reply.status, answer));
        }
        assert_eq!((seen[0].0, &seen[0].1["detail"]), (401, &json!("Wrong e-mail, password or tenant")));
        assert!(seen.iter().all(|one| one == &seen[0]), "{seen:#?}");
        let failed = actions(&app, tenant).await.into_iter().filter(|action| *action == Action::LoginFailed);
        assert_eq!(failed.count(), tries.len(), "each is noted");
    }

    async fn t19_the_eleventh_try_waits(engine) {
        let app = TestApp::idle(&engine).await;
        app.set_up("admin@test").await;
        app.person(operating(&app).await, "other@test", Role::Client).await;
        let wrong = json!({"email": "Admin@test", "password": "wrong words together"});
        for _ in 0..10 {
            assert_eq!(app.sign_in(&wrong).await.problem(), (401, "invalid_credentials".to_owned()));
        }
        let right = json!({"email": "admin@test", "password": PASSWORD});
        let refused = app.sign_in(&right).await;
        assert_eq!(refused.problem(), (429, "rate_limited".to_owned()));
        let wait: u64 = refused.header("retry-after").expect("a time").parse().expect("seconds");
        assert!((880..=901).contains(&wait), "{wait}");
        assert_eq!(app.sign_in(&json!({"email": "other@test", "password": PASSWORD})).await.status, 200);
        app.db.move_clock(901_000);
        assert_eq!(app.sign_in(&right).await.status, 200);
    }

    async fn t20_access_tokens_expire(engine) {
        let app = TestApp::idle(&engine).await;
        let tokens = app.set_up("admin@test").await;
        app.db.move_clock(903_000);
        assert_eq!(status(&app, &tokens).await, 200, "clocks may differ");
        app.db.move_clock(4_000);
        let expired = app.with_key(token(&tokens)).get("/api/v1/me").await;
        assert_eq!(expired.problem(), (401, "token_expired".to_owned()));
        assert!(expired.header("www-authenticate").is_some_and(|challenge| challenge.starts_with("Bearer")));
    }

    async fn t14_t15_a_new_signing_key(engine) {
        let app = TestApp::idle(&engine).await;
        let tokens = app.set_up("admin@test").await;
        let keys = SigningKeyFile::open(app.folder.path().join("secrets/jwt.json")).expect("the keys");
        let until = app.db.now().await.expect("answers") + Duration::from_secs(900);
        keys.rotate(Some(until)).expect("rotated");
        tokio::time::sleep(Duration::from_millis(1100)).await;
        assert_eq!(status(&app, &tokens).await, 200, "the old key is good for one life");
        let body = json!({"email": "admin@test", "password": PASSWORD});
        let new = app.sign_in(&body).await.json();
        assert_ne!(token(&new).split('.').next(), token(&tokens).split('.').next(), "another key signs");
        keys.rotate(None).expect("rotated");
        let noted = sessions::rotate_signing_key(&app.db, AllTenants::Instance, Actor::system(), true).await;
        noted.expect("ended");
        tokio::time::sleep(Duration::from_millis(1100)).await;
        assert_eq!(status(&app, &new).await, 401);
        assert_eq!(refresh(&app, &new["refresh_token"]).await.problem(), (401, "invalid_refresh_token".to_owned()));
        assert_eq!(app.sign_in(&body).await.status, 200);
    }

    async fn t22_t24_t30_streams_close_when_their_follower_has_to_go(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let tenant = operating(&app).await;
        let own = app.with_key(token(&admin));
        let anna = app.person(tenant, "anna@test", Role::ProjectManager).await;
        let ben = app.person(tenant, "ben@test", Role::ProjectManager).await;
        let wish = json!({"name": "k", "scopes": ["renders:read"]});
        let made = own.send(Method::POST, "/api/v1/api-keys", &wish).await.json();
        let (annas, bens) = (app.with_key(token(&anna)), app.with_key(token(&ben)));
        let keyed = app.with_key(made["secret"].as_str().expect("a secret"));
        let mut open = Vec::new();
        for guest in [&annas, &bens, &keyed, &own] {
            let request = guest.request(Method::GET, "/api/v1/jobs/events").header("accept", "text/event-stream");
            open.push(request.send().await.expect("the service answers"));
        }
        let mut ours = open.pop().expect("four");
        assert_eq!(annas.post("/api/auth/logout").await.status, 204);
        let path = format!("/api/v1/users/{}", ben["user"]["id"].as_str().expect("an id"));
        assert_eq!(own.send(Method::PATCH, &path, &json!({"role": "client"})).await.status, 200);
        let path = format!("/api/v1/api-keys/{}/revoke", made["id"].as_str().expect("an id"));
        assert_eq!(own.post(&path).await.status, 200);
        for mut stream in open {
            let end = async { while stream.chunk().await.expect("a whole stream").is_some() {} };
            tokio::time::timeout(PATIENCE, end).await.expect("it closes");
        }
        assert!(ours.chunk().await.expect("a whole stream").is_some(), "others notice nothing");
    }

    async fn t22_t24_streams_end_with_what_opened_them(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let (tenant, own) = (operating(&app).await, app.with_key(token(&admin)));
        let anna = app.person(tenant, "anna@test", Role::ProjectManager).await;
        let ben = app.person(tenant, "ben@test", Role::ProjectManager).await;
        let key = own.send(Method::POST, "/api/v1/api-keys", &json!({"name": "k", "scopes": ["renders:read"]})).await.json();
        let follow = async |bearer: &str| {
            let request = app.with_key(bearer).request(Method::GET, "/api/v1/jobs/events");
            let answer = request.header("accept", "text/event-stream").send().await.expect("the service answers");
            assert_eq!(answer.status().as_u16(), 200);
            answer
        };
        let mut kept = follow(token(&admin)).await;
        let secret = key["secret"].as_str().expect("a key");
        let ended = [follow(token(&anna)).await, follow(token(&ben)).await, follow(secret).await];
        assert_eq!(app.with_key(token(&anna)).post("/api/auth/logout").await.status, 204);
        let path = format!("/api/v1/users/{}", ben["user"]["id"].as_str().expect("an id"));
        assert_eq!(own.send(Method::PATCH, &path, &json!({"role": "client"})).await.status, 200);
        let path = format!("/api/v1/api-keys/{}/revoke", key["id"].as_str().expect("an id"));
        assert_eq!(own.post(&path).await.status, 200);
        for mut stream in ended {
            let end = async { while stream.chunk().await.expect("a whole stream").is_some() {} };
            tokio::time::timeout(PATIENCE, end).await.expect("the stream closes");
        }
        let end = async { while kept.chunk().await.expect("a whole stream").is_some() {} };
        assert!(tokio::time::timeout(Duration::from_secs(3), end).await.is_err(), "that of others goes on");
    }

    async fn t24_sessions_are_seen_and_ended(engine) {
        let app = TestApp::idle(&engine).await;
        let mine = app.set_up("admin@test").await;
        let other = app.person(operating(&app).await, "other@test", Role::Client).await;
        let sign_in = app.request(Method::POST, "/api/auth/login").header("user-agent", "a phone");
        let phone = Reply::of(sign_in.json(&json!({"email": "admin@test", "password": PASSWORD}))).await.json();
        let (mine, other) = (app.with_key(token(&mine)), app.with_key(token(&other)));
        let list = mine.get("/api/v1/me/sessions").await.json();
        assert_eq!(list["items"].as_array().map(Vec::len), Some(2));
        let session = &list["items"][0];
        assert_eq!((&session["user_agent"], &session["ip"]), (&json!("a phone"), &json!("127.0.0.1")));
        let path = format!("/api/v1/me/sessions/{}", session["id"].as_str().expect("an id"));
        let end = async |guest: &crate::app::Guest<'_>, path: &str| Reply::of(guest.request(Method::DELETE, path)).await;
        assert_eq!(end(&other, &path).await.problem(), (404, "session_not_found".to_owned()));
        assert_eq!(end(&mine, &path).await.status, 204);
        assert_eq!(status(&app, &phone).await, 401);
        assert_eq!(end(&mine, "/api/v1/me/sessions/x").await.problem().0, 404);
    }

    async fn t26_a_temporary_password_is_changed_first(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let new = json!({"email": "ben@test", "display_name": "Ben", "role": "project_manager"});
        let created = app.with_key(token(&admin)).send(Method::POST, "/api/v1/users", &new).await;
        assert_eq!((created.status, created.header("cache-control")), (201, Some("no-store")));
        let temporary = created.json()["temporary_password"].as_str().expect("a password").to_owned();
        let path = created.header("location").expect("a place").to_owned();
        assert_eq!(app.with_key(token(&admin)).get(&path).await.json().get("temporary_password"), None);
        let ben = app.sign_in(&json!({"email": "ben@test", "password": temporary})).await.json();
        let guest = app.with_key(token(&ben));
        assert_eq!(guest.get("/api/v1/me").await.json()["user"]["must_change_password"], true);
        for path in ["/api/v1/renders", "/api/v1/me/sessions", "/api/v1/materials", "/api/v1/users"] {
            assert_eq!(guest.get(path).await.problem(), (403, "password_change_required".to_owned()), "{path}");
        }
        let same = json!({"current_password": temporary, "new_password": temporary});
        let refused = guest.send(Method::PUT, "/api/v1/me/password", &same).await;
        assert_eq!((refused.problem(), refused.pointers()), ((422, "weak_password".to_owned()), vec!["/new_password".to_owned()]));
        let change = json!({"current_password": temporary, "new_password": PASSWORD});
        assert_eq!(guest.send(Method::PUT, "/api/v1/me/password", &change).await.status, 204);
        assert_eq!(guest.get("/api/v1/renders").await.status, 200);
    }

    async fn t27_tokens_are_read_from_the_header_alone(engine) {
        let app = TestApp::idle(&engine).await;
        let tokens = app.set_up("admin@test").await;
        let token = token(&tokens);
        for path in [format!("/api/v1/me?access_token={token}"), format!("/api/v1/me?token={token}")] {
            assert_eq!(app.get(&path).await.problem(), (401, "unauthenticated".to_owned()));
        }
        let cookie = app.request(Method::GET, "/api/v1/me").header("cookie", format!("access_token={token}"));
        assert_eq!(Reply::of(cookie).await.problem().0, 401);
        let request = app.request(Method::GET, "/api/v1/me").header("authorization", format!("bearer {token}"));
        assert_eq!(Reply::of(request).await.status, 200);
    }

    async fn t17_guesses_do_not_slow_others_down(engine) {
        let app = TestApp::idle(&engine).await;
        app.set_up("admin@test").await;
        let begun = Instant::now();
        let wrong: Vec<Value> =
            (0..12).map(|i| json!({"email": format!("{i}@test"), "password": "wrong words together"})).collect();
        let guesses = futures_util::future::join_all(wrong.iter().map(|body| app.sign_in(body)));
        let (guesses, health) = tokio::join!(guesses, app.get("/healthz"));
        assert_eq!(health.status, 200);
        assert!(guesses.iter().all(|reply| reply.status == 401), "{:?}", begun.elapsed());
    }
}
