//! T79, T36, C32: how many requests and streams there may be, and whose they are.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use packshot_db::{AllTenants, TenantScope, audit, installation};
use packshot_domain::access::{Role, Scope};
use packshot_domain::audit::Action;
use packshot_domain::id::TenantId;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::app::{Guest, PASSWORD, PATIENCE, Reply, TestApp, token};

/// The proxy of these tests is on this machine.
const BEHIND_PROXY: (&str, &str) = ("PACKSHOT_TRUSTED_PROXIES", "127.0.0.0/8");
const EVENTS: &str = "/api/v1/jobs/events";

async fn operating(app: &TestApp) -> TenantId {
    installation::get(&app.db, AllTenants::Instance).await.expect("answers").operating_tenant
}

/// Sends all of them at the same time; the answers, and how long it took.
async fn all(requests: impl Iterator<Item = RequestBuilder>) -> (Vec<Reply>, Duration) {
    let begun = Instant::now();
    let replies = join_all(requests.map(Reply::of)).await;
    (replies, begun.elapsed())
}

/// Checks that a bucket that was full let through what it holds and what came in meanwhile, and refused the others.
fn check(replies: &[Reply], (burst, per_s): (usize, f64), took: Duration) {
    let passed = replies.iter().filter(|reply| reply.status == 200).count();
    let gained = (took.as_secs_f64() * per_s).ceil() as usize;
    assert!((burst.min(replies.len())..=burst + gained).contains(&passed), "{passed} passed in {took:?}");
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        assert_eq!(reply.problem(), (429, "rate_limited".to_owned()));
        assert_eq!(reply.header("retry-after"), Some("1"));
    }
}

/// Opens so many streams at the same time: those that are open, and the errors of the others.
async fn open(guest: &Guest<'_>, n: usize) -> (Vec<Response>, Vec<Value>) {
    let requests = (0..n).map(|_| guest.request(Method::GET, EVENTS).timeout(PATIENCE).send());
    let (mut streams, mut refused) = (Vec::new(), Vec::new());
    for answer in join_all(requests).await {
        let answer = answer.expect("the service answers");
        match answer.status().as_u16() {
            200 => streams.push(answer),
            429 => refused.push(answer.json().await.expect("a problem")),
            other => panic!("{other}"),
        }
    }
    (streams, refused)
}

cases! {
    on_postgres_in_the_soak:
    async fn t79_streams_are_limited_exactly(engine) {
        let app = TestApp::idle_with(&engine, &[("PACKSHOT_MAX_EVENT_STREAMS_PER_TENANT", "25")]).await;
        app.set_up("admin@test").await;
        let tenant = operating(&app).await;
        let anna = app.person(tenant, "anna@test", Role::ProjectManager).await;
        let ben = app.person(tenant, "ben@test", Role::ProjectManager).await;
        let (_, other) = app.tenant_key("beta", Role::ProjectManager, &[Scope::Admin]).await;
        let (anna, ben, other) = (app.with_key(token(&anna)), app.with_key(token(&ben)), app.with_key(&other));
        let (of_anna, refused) = open(&anna, 30).await;
        assert_eq!((of_anna.len(), refused.len()), (20, 10), "of one user");
        let (of_ben, beyond) = open(&ben, 12).await;
        assert_eq!((of_ben.len(), beyond.len()), (5, 7), "of one tenant");
        for problem in refused.iter().chain(&beyond) {
            assert_eq!(problem["code"], "too_many_streams");
        }
        assert!(beyond.iter().all(|problem| problem["detail"].as_str().is_some_and(|text| text.starts_with("25 "))));
        assert_eq!(open(&other, 1).await.0.len(), 1, "another tenant has a limit of its own");

        // A client that goes away says nothing; its places are free all the same, and not one more.
        drop((of_anna, of_ben));
        let begun = Instant::now();
        let mut streams = Vec::new();
        while streams.len() < 20 {
            assert!(begun.elapsed() < PATIENCE, "only {} places came back", streams.len());
            streams.extend(open(&anna, 1).await.0);
        }
        let (more, refused) = open(&anna, 5).await;
        assert_eq!((more.len(), refused.len()), (0, 5));
    }

    async fn c32_t79_a_user_has_one_limit_for_all_keys_and_sessions(engine) {
        let settings = [("PACKSHOT_RATE_LIMIT_PER_S", "3"), ("PACKSHOT_RATE_LIMIT_BURST", "7")];
        let app = TestApp::idle_with(&engine, &settings).await;
        app.set_up("admin@test").await;
        let tenant = operating(&app).await;
        let anna = app.person(tenant, "anna@test", Role::ProjectManager).await;
        let ben = app.person(tenant, "ben@test", Role::ProjectManager).await;
        let id = anna["user"]["id"].as_str().expect("an id").parse().expect("an id");
        let key = app.key_of(tenant, id, &[Scope::Admin], None).await;
        let (session, key, ben) = (app.with_key(token(&anna)), app.with_key(&key), app.with_key(token(&ben)));
        let requests = (0..40).map(|i| if i % 2 == 0 { &session } else { &key });
        let (replies, took) = all(requests.map(|guest| guest.request(Method::GET, "/api/v1/me"))).await;
        check(&replies, (7, 3.0), took);
        let detail = replies.iter().find(|reply| reply.status == 429).map(|reply| reply.json()["detail"].clone());
        assert!(detail.is_none_or(|detail| detail == "more than 3 requests per second of this user"));
        assert_eq!(ben.get("/api/v1/me").await.status, 200, "another user has a limit of its own");
    }

    async fn t79_a_tenant_has_one_limit_for_all_its_keys(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let (alpha, first) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let (_, other) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let anna = app.person(alpha, "anna@test", Role::ProjectManager).await;
        let id = anna["user"]["id"].as_str().expect("an id").parse().expect("an id");
        let second = app.key_of(alpha, id, &[Scope::Admin], None).await;
        let path = format!("/api/v1/tenants/{alpha}/config");
        let limited = app.with_key(token(&admin)).send(Method::PATCH, &path, &json!({"rate_limit_per_s": 10})).await;
        assert_eq!(limited.status, 200, "{}", limited.text());
        let (first, second) = (app.with_key(&first), app.with_key(&second));
        let requests = (0..40).map(|i| if i % 2 == 0 { &first } else { &second });
        let (replies, took) = all(requests.map(|guest| guest.request(Method::GET, "/api/v1/me"))).await;
        check(&replies, (10, 10.0), took);
        let detail = replies.iter().find(|reply| reply.status == 429).map(|reply| reply.json()["detail"].clone());
        assert!(detail.is_none_or(|detail| detail == "more than 10 requests per second of this tenant"));
        assert_eq!(app.with_key(&other).get("/api/v1/me").await.status, 200, "another tenant is another matter");
    }

    async fn open_routes_are_limited_for_each_address(engine) {
        let app = TestApp::idle_with(&engine, &[BEHIND_PROXY]).await;
        let from = |address: &str| app.request(Method::GET, "/healthz").header("x-forwarded-for", address);
        let (replies, took) = all((0..60).map(|_| from("203.0.113.1"))).await;
        check(&replies, (20, 20.0), took);
        assert_eq!(Reply::of(from("203.0.113.2")).await.status, 200, "another address has a limit of its own");
        // All addresses of such a network are one client's.
        let (replies, took) = all((0..60).map(|i| from(&format!("2001:db8::{i}")))).await;
        check(&replies, (20, 20.0), took);
        let document = app.get("/openapi.json").await.json();
        let mut n_open = 0;
        for (path, item) in document["paths"].as_object().expect("paths") {
            for operation in item.as_object().expect("operations").values() {
                let codes = operation["x-error-codes"].as_array().expect("codes");
                assert!(codes.contains(&json!("rate_limited")), "{path}");
                n_open += usize::from(operation["x-tenancy"] == "open");
            }
        }
        assert!(n_open >= 8, "{n_open}");
    }

    async fn whoever_is_no_trusted_proxy_is_not_believed(engine) {
        let app = TestApp::idle_with(&engine, &[("PACKSHOT_TRUSTED_PROXIES", "192.0.2.1")]).await;
        let from = |i: u32| app.request(Method::GET, "/healthz").header("x-forwarded-for", format!("203.0.113.{i}"));
        let (replies, took) = all((0..60).map(from)).await;
        check(&replies, (20, 20.0), took);
    }

    async fn t36_a_trusted_proxy_does_not_open_the_open_mode(engine) {
        let app = TestApp::idle_with(&engine, &[BEHIND_PROXY]).await;
        for header in ["x-forwarded-for", "forwarded", "x-real-ip", "via"] {
            let request = app.request(Method::GET, "/api/v1/renders").header(header, "127.0.0.1");
            assert_eq!(Reply::of(request).await.problem(), (403, "setup_required".to_owned()), "{header}");
        }
        assert_eq!(app.get("/api/v1/renders").await.status, 200);
    }

    async fn a_proxy_says_where_a_sign_in_comes_from(engine) {
        let app = TestApp::idle_with(&engine, &[BEHIND_PROXY]).await;
        app.set_up("admin@test").await;
        let body = json!({"email": "admin@test", "password": PASSWORD});
        let sign_in = async |app: &TestApp| {
            let request = app.request(Method::POST, "/api/auth/login").header("x-forwarded-for", "192.0.2.7, 203.0.113.9, 127.0.0.2");
            let tokens = Reply::of(request.json(&body)).await.json();
            let sessions = app.with_key(token(&tokens)).get("/api/v1/me/sessions").await.json();
            let log = audit::list(&app.db, TenantScope::of(operating(app).await), audit::AuditFilter::default(), 10, None).await;
            let log = log.expect("the log");
            let entry = log.iter().find(|entry| entry.action == Action::Login).expect("noted");
            (sessions["items"][0]["ip"].clone(), entry.actor.ip.map(|ip| ip.to_string()))
        };
        assert_eq!(sign_in(&app).await, (json!("203.0.113.9"), Some("203.0.113.9".to_owned())));
        let alone = TestApp::idle(&engine).await;
        alone.set_up("admin@test").await;
        assert_eq!(sign_in(&alone).await, (json!("127.0.0.1"), Some("127.0.0.1".to_owned())), "it is not asked");
    }

    async fn a_proxy_is_trusted_without_a_restart(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let own = app.with_key(token(&admin));
        let set = async |proxies: Value| {
            own.send(Method::PATCH, "/api/v1/settings", &json!({"trusted_proxies": proxies})).await
        };
        let sign_in = async || {
            let request = app.request(Method::POST, "/api/auth/login").header("x-forwarded-for", "203.0.113.9");
            let tokens = Reply::of(request.json(&json!({"email": "admin@test", "password": PASSWORD}))).await.json();
            app.with_key(token(&tokens)).get("/api/v1/me/sessions").await.json()["items"][0]["ip"].clone()
        };
        assert_eq!(sign_in().await, "127.0.0.1");
        for typing_error in [json!("127.0.0.1"), json!(["proxy.example"]), json!(["127.0.0.1/8"])] {
            let refused = set(typing_error).await;
            assert_eq!((refused.problem(), refused.pointers()), ((422, "invalid_setting".to_owned()), vec!["/trusted_proxies".to_owned()]));
        }
        let changed = set(json!(["192.0.2.1", "127.0.0.0/8"])).await;
        assert_eq!(changed.json()["values"]["trusted_proxies"], json!(["192.0.2.1", "127.0.0.0/8"]));
        assert_eq!(sign_in().await, "203.0.113.9");
        assert_eq!(set(json!(null)).await.json()["values"]["trusted_proxies"], json!([]));
        assert_eq!(sign_in().await, "127.0.0.1");
        // What the service was started with stays.
        let app = TestApp::idle_with(&engine, &[BEHIND_PROXY]).await;
        let pinned = app.change_settings(&json!({"trusted_proxies": []})).await;
        assert_eq!(pinned.problem(), (409, "setting_pinned".to_owned()));
    }

    async fn t19_sign_ins_at_the_same_time_are_counted_exactly(engine) {
        let app = TestApp::idle_with(&engine, &[BEHIND_PROXY]).await;
        app.set_up("admin@test").await;
        let sign_in = |i: usize, email: &str, password: &str| {
            let body = json!({"email": email, "password": password});
            app.request(Method::POST, "/api/auth/login").header("x-forwarded-for", format!("203.0.113.{i}")).json(&body)
        };
        let (right, _) = all((0..12).map(|i| sign_in(i, "admin@test", PASSWORD))).await;
        assert_eq!(right.iter().map(|reply| reply.status).collect::<Vec<_>>(), [200; 12], "none may fail, so none waits for long");
        let (wrong, _) = all((0..15).map(|i| sign_in(i, "nobody@test", PASSWORD))).await;
        let count = |status| wrong.iter().filter(|reply| reply.status == status).count();
        assert_eq!((count(401), count(429)), (10, 5));
        for refused in wrong.iter().filter(|reply| reply.status == 429) {
            assert_eq!(refused.problem().1, "rate_limited");
            let wait: u64 = refused.header("retry-after").expect("how long").parse().expect("seconds");
            assert!((1..=900).contains(&wait), "{wait}");
        }
        let last = Reply::of(sign_in(20, "admin@test", PASSWORD)).await;
        assert_eq!(last.status, 200, "another e-mail address has a limit of its own");
    }
}
