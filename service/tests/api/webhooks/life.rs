//! N48, N54, N64, N65, N67, N68, N79: webhooks are made, changed and deleted, and switched off.

use packshot_domain::access::{Role, Scope};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Hooks, PATH, Receiver, deliver, delivering};
use crate::app::{Reply, TestApp, id, poll};

cases! {
    async fn n54_n64_n68_webhooks_have_a_life(engine) {
        let app = TestApp::idle(&engine).await;
        let hooks = Hooks::open(&app).await;
        let made = hooks.hook("https://shop.example/hook", &["order.*"]).await;
        let secret = made["secret"].as_str().expect("a secret").to_owned();
        assert!(secret.starts_with("whsec_") && secret.len() == 6 + 44, "{secret}");
        let path = format!("{PATH}/{}", id(&made));
        let shown = hooks.admin.get(&path).await;
        assert_eq!(shown.header("etag"), Some("\"1\""));
        let shown = shown.json();
        assert!(shown.get("secret").is_none() && secret.ends_with(shown["secret_hint"].as_str().expect("a hint")), "{shown}");
        assert_eq!((&shown["enabled"], &shown["disabled_reason"]), (&json!(true), &json!(null)));
        // A repeated request has no secret.
        let body = json!({"url": "https://shop.example/twice", "event_types": ["*"], "description": "web shop"});
        let twice = async || {
            Reply::of(hooks.admin.request(Method::POST, PATH).header("Idempotency-Key", "k").json(&body)).await.json()
        };
        let (first, again) = (twice().await, twice().await);
        assert!(first["secret"].is_string() && again["secret"].is_null() && first["id"] == again["id"], "{again}");
        let patch = json!({"event_types": ["render.completed", "fix.*"], "description": null});
        let changed = hooks.admin.send(Method::PATCH, &path, &patch).await;
        assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2\"")), "{}", changed.text());
        assert_eq!(changed.json()["event_types"], json!(["render.completed", "fix.*"]));
        let stale = hooks.admin.request(Method::PATCH, &path).header("If-Match", "\"1\"").json(&json!({"event_types": ["*"]}));
        assert_eq!(Reply::of(stale).await.problem(), (412, "precondition_failed".to_owned()));
        let current = hooks.admin.request(Method::PATCH, &path).header("If-Match", "\"2\"").json(&json!({}));
        assert_eq!(Reply::of(current).await.header("etag"), Some("\"2\""), "nothing changes");
        // N64, N68
        let refused = async |member: &str, value: Value| {
            let mut body = json!({"url": "https://shop.example/", "event_types": ["*"]});
            body[member] = value;
            let refused = hooks.admin.send(Method::POST, PATH, &body).await;
            (refused.problem(), refused.pointers())
        };
        for secret in ["whsec_AAAA", "c2VjcmV0", "whsec_!", "whsec_"] {
            let expected = ((422, "invalid_webhook_secret".to_owned()), vec!["/secret".to_owned()]);
            assert_eq!(refused("secret", json!(secret)).await, expected);
        }
        let unknown = refused("event_types", json!(["order.*", "order.nothing"])).await;
        assert_eq!(unknown, ((422, "unknown_event_type".to_owned()), vec!["/event_types/1".to_owned()]));
        let own = json!({"url": "https://shop.example/", "event_types": ["*"], "secret": format!("whsec_{}", "A".repeat(32))});
        assert_eq!(hooks.admin.send(Method::POST, PATH, &own).await.json()["secret"], own["secret"]);
        // The 21st is one too many.
        for i in 3..20 {
            hooks.hook(&format!("https://shop.example/{i}"), &["*"]).await;
        }
        let over = hooks.admin.send(Method::POST, PATH, &json!({"url": "https://shop.example/", "event_types": ["*"]})).await;
        assert_eq!(over.problem(), (409, "webhook_limit".to_owned()));
        let listed = hooks.admin.get(&format!("{PATH}?limit=200")).await.json();
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(20));
        // Others.
        let (beta, _) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let manager = app.person(beta, "pm@test", Role::ProjectManager).await;
        let manager = app.with_key(crate::app::token(&manager));
        assert_eq!(manager.get(PATH).await.problem(), (403, "forbidden".to_owned()));
        let other = Hooks::of(&app, "gamma").await;
        for (method, action) in [(Method::GET, ""), (Method::DELETE, ""), (Method::POST, "/test"), (Method::GET, "/deliveries")] {
            let foreign = Reply::of(other.admin.request(method, &format!("{path}{action}"))).await;
            assert_eq!(foreign.problem(), (404, "webhook_not_found".to_owned()), "{action}");
        }
        assert_eq!(Reply::of(hooks.admin.request(Method::DELETE, &path)).await.status, 204);
        assert_eq!(hooks.admin.get(&path).await.problem(), (404, "webhook_not_found".to_owned()));
        hooks.hook("https://shop.example/last", &["*"]).await;
        let rotated = hooks.act(&first, "rotate-secret", json!({"overlap_s": 0})).await;
        assert!(rotated["secret"].is_string() && rotated["secret"] != first["secret"]);
        // What was done is in the audit log, without secrets.
        let log = hooks.admin.get("/api/v1/audit-log?limit=200").await.text();
        for action in ["webhook.created", "webhook.updated", "webhook.deleted", "webhook.secret_rotated"] {
            assert!(log.contains(action), "{action}");
        }
        assert!(!log.contains("whsec_"), "{log}");
    }

    async fn n65_n67_addresses_are_those_of_the_internet_unless_others_are_opened(engine) {
        let app = TestApp::idle(&engine).await;
        let hooks = Hooks::open(&app).await;
        let saved = async |url: &str| {
            hooks.admin.send(Method::POST, PATH, &json!({"url": url, "event_types": ["*"]})).await
        };
        // Each network and each form of an address has a unit test beside the code.
        for url in [
            "https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "https://2130706433/", "https://0x7f.1/",
            "https://0177.0.0.1/", "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a00:1]/", "https://[2002:a00:1::]/",
            "ftp://shop.example/", "file:///etc/passwd", "https://anna@shop.example/", "https://shop.example:22/",
            "http://shop.example/", "shop.example",
        ] {
            let refused = saved(url).await;
            assert_eq!((refused.problem(), refused.pointers()), ((422, "webhook_url_refused".to_owned()), vec!["/url".to_owned()]), "{url}");
        }
        let hook = hooks.hook("https://shop.example/", &["*"]).await;
        let path = format!("{PATH}/{}", id(&hook));
        let moved = hooks.admin.send(Method::PATCH, &path, &json!({"url": "https://192.168.1.1/"})).await;
        assert_eq!(moved.problem(), (422, "webhook_url_refused".to_owned()));
        // N67
        let open = json!({"webhook_allowed_networks": ["127.0.0.0/8"], "webhook_allow_http": true});
        let denied = hooks.admin.send(Method::PATCH, "/api/v1/settings", &open).await;
        assert_eq!(denied.problem(), (403, "forbidden".to_owned()));
        let operator = app.with_key(&app.operating_key(&[Scope::Admin]).await);
        assert_eq!(operator.send(Method::PATCH, "/api/v1/settings", &open).await.status, 200);
        let receiver = Receiver::new();
        let hook = hooks.hook(&receiver.serve().await, &["*"]).await;
        let _queue = deliver(&app);
        let delivery = hooks.test(&hook).await;
        hooks.when(&delivery, "delivered", 1).await;
        assert_eq!(receiver.got().len(), 1);
        // N66: it was saved when its network was open, and a name that means such an address is no better.
        let named = hooks.hook(&receiver.serve().await.replace("127.0.0.1", "localhost"), &["*"]).await;
        assert_eq!(operator.send(Method::PATCH, "/api/v1/settings", &json!({"webhook_allowed_networks": []})).await.status, 200);
        for hook in [&hook, &named] {
            let delivery = hooks.test(hook).await;
            let failed = hooks.when(&delivery, "pending", 1).await;
            let attempt = &failed["attempts"][0];
            assert_eq!((&attempt["error"], &attempt["status"]), (&json!("address_blocked"), &json!(null)), "{failed}");
        }
        assert_eq!(receiver.got().len(), 1, "no connection");
    }

    async fn n48_n68_n79_events_go_to_those_who_are_told(engine) {
        let app = delivering(&engine).await;
        let hooks = Hooks::open(&app).await;
        let receiver = Receiver::new();
        let of_orders = hooks.hook(&receiver.serve().await, &["order.*"]).await;
        let of_renders = hooks.hook(&receiver.serve().await, &["render.completed"]).await;
        let order = hooks.submitted().await;
        let [message] = &receiver.when(1).await[..] else { panic!("one") };
        assert_eq!(message.event(), "order.submitted");
        let (body, tenant) = (message.json(), hooks.admin.get("/api/v1/tenant").await.json());
        assert_eq!((&body["data"]["order_id"], &body["data"]["tenant_id"]), (&order["id"], &tenant["id"]));
        assert_eq!(body["data"]["order_number"], order["order_number"]);
        assert!(body["data"]["event_id"].is_string() && body["timestamp"].is_string(), "{body}");
        assert_eq!(hooks.deliveries(&of_renders).await.len(), 0);
        // N48, N79: switched off, nothing is delivered, and what has happened meanwhile is not delivered later.
        hooks.configure(&app, json!({"notifications_enabled": false})).await;
        hooks.submitted().await;
        let refused = hooks.admin.send(Method::POST, &format!("{PATH}/{}/test", id(&of_orders)), &json!({})).await;
        assert_eq!(refused.problem(), (403, "feature_disabled".to_owned()));
        hooks.configure(&app, json!({"notifications_enabled": true, "features": {"webhooks": false}})).await;
        hooks.submitted().await;
        let body = json!({"url": "https://shop.example/", "event_types": ["*"]});
        let off = hooks.admin.send(Method::POST, PATH, &body).await;
        assert_eq!(off.problem(), (403, "feature_disabled".to_owned()));
        hooks.configure(&app, json!({"features": {"webhooks": true}})).await;
        assert_eq!(hooks.deliveries(&of_orders).await.len(), 1);
        assert_eq!(hooks.now(&of_orders).await["enabled"], true);
        let last = hooks.submitted().await;
        let all = receiver.when(2).await;
        assert_eq!((all.len(), &all[1].json()["data"]["order_id"]), (2, &last["id"]));
        let delivered = poll(async || json!(hooks.deliveries(&of_orders).await), |all| all[0]["state"] == "delivered").await;
        assert_eq!(delivered[0]["payload"], all[1].json());
        // A disabled one gets nothing either, and is told of nothing later.
        hooks.act(&of_orders, "disable", json!({})).await;
        let disabled = hooks.now(&of_orders).await;
        assert_eq!((&disabled["enabled"], &disabled["disabled_reason"]), (&json!(false), &json!("manual")));
        hooks.submitted().await;
        assert_eq!(hooks.deliveries(&of_orders).await.len(), 2);
        hooks.act(&of_orders, "enable", json!({})).await;
        assert_eq!(hooks.now(&of_orders).await["disabled_reason"], json!(null));
    }
}
