//! T76–T78, T86: settings of the installation that open something or name programs, and the help texts.

use std::collections::BTreeSet;

use packshot_domain::access::{Role, Scope};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::app::{Installation, Reply, TestApp, token};

/// A settings file with an executor and a converter.
const FILE: &str = r#"
cad_converter = ["/opt/private/step-to-glb", "--fine"]
[legacy_executors.blender]
kind = "command"
command = ["/opt/private/blender-still"]
"#;

async fn schema(app: &TestApp) -> Vec<Value> {
    app.get("/api/v1/settings/schema").await.json()["items"].as_array().expect("a list").clone()
}

fn of<'s>(schema: &'s [Value], key: &str) -> &'s Value {
    schema.iter().find(|item| item["key"] == key).expect("described")
}

cases! {
    async fn every_setting_is_described_with_every_member(engine) {
        let app = TestApp::idle(&engine).await;
        let items = schema(&app).await;
        let members = [
            "key", "aliases", "type", "default", "value", "scope", "source", "writable", "secret", "range", "unit",
            "title", "description", "affects", "recommendation", "warning",
        ];
        for item in &items {
            let own: Vec<&str> = item.as_object().expect("an object").keys().map(String::as_str).collect();
            assert_eq!(own, members);
            assert!(item["type"] != "integer" || item["unit"].is_string() && item["range"].is_object(), "{item}");
        }
        let values = app.get("/api/v1/settings").await.json()["values"].clone();
        let shown: Vec<(&str, &Value)> = items.iter().map(|item| (item["key"].as_str().expect("a key"), &item["value"])).collect();
        let values: Vec<(&str, &Value)> = values.as_object().expect("values").iter().map(|(key, value)| (key.as_str(), value)).collect();
        assert_eq!(shown, values);
    }

    async fn t76_commands_are_not_settable(engine) {
        let mut installed = Installation::new(&engine, &[]).await;
        installed.file = Some(("packshot.toml".into(), FILE.to_owned()));
        let app = installed.start(false).await;
        for (key, value) in [("legacy_executors", json!({})), ("cad_converter", json!(["/bin/sh"])), ("cad_converter", json!(null))] {
            let reply = app.change_settings(&json!({key: value})).await;
            assert_eq!((reply.problem(), reply.pointers()), ((409, "setting_pinned".to_owned()), vec![format!("/{key}")]));
        }
        for name in ["builtin", "blender"] {
            let set = app.change_settings(&json!({"legacy_executor": name})).await;
            assert_eq!(set.json()["values"]["legacy_executor"], name);
        }
        for name in [json!("maya"), json!("/bin/sh"), json!(["/bin/sh"])] {
            let reply = app.change_settings(&json!({"legacy_executor": name})).await;
            assert_eq!((reply.problem(), reply.pointers()), ((422, "invalid_setting".to_owned()), vec!["/legacy_executor".to_owned()]));
        }
        let items = schema(&app).await;
        let executors = of(&items, "legacy_executors");
        assert_eq!((&executors["writable"], &executors["source"]), (&json!(false), &json!("file")));
        assert_eq!((&executors["value"], &of(&items, "cad_converter")["value"]), (&json!({"blender": {"kind": "command"}}), &json!("step-to-glb")));
        assert!(!json!(items).to_string().contains("/opt/private"), "what runs is shown to nobody");
        // The file has no such executor any more.
        installed.file = None;
        let app = installed.start(false).await;
        let items = schema(&app).await;
        let executor = of(&items, "legacy_executor");
        assert_eq!((&executor["value"], &executor["source"]), (&json!("builtin"), &json!("default")));
        assert_eq!((&of(&items, "cad_converter")["writable"], &of(&items, "cad_converter")["source"]), (&json!(false), &json!("default")));
    }

    async fn t77_t86_the_metrics_token_opens_metrics_and_nothing_else(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("admin@test").await;
        let own = app.with_key(token(&admin));
        let secret = "a-long-random-text-for-metrics";
        let set = async |value: Value| own.send(Method::PATCH, "/api/v1/settings", &json!({"metrics_token": value})).await;
        let metrics = async |shown: Option<&str>| {
            // Through a proxy nobody is on this machine.
            let request = app.request(Method::GET, "/metrics").header("via", "1.1 proxy");
            Reply::of(shown.into_iter().fold(request, RequestBuilder::bearer_auth)).await.status
        };
        assert_eq!((metrics(Some(secret)).await, metrics(None).await), (401, 401));
        assert_eq!(set(json!(secret)).await.json()["values"]["metrics_token"], "***");
        assert_eq!((metrics(Some(secret)).await, metrics(Some("another-text")).await, metrics(None).await), (200, 401, 401));
        for path in ["/api/v1/settings", "/api/v1/renders", "/api/v1/me", "/api/v1/help"] {
            assert_eq!(app.with_key(secret).get(path).await.problem(), (401, "unauthenticated".to_owned()), "{path}");
        }
        let schema = own.get("/api/v1/settings/schema").await.json();
        let item = of(schema["items"].as_array().expect("a list"), "metrics_token");
        assert_eq!((&item["value"], &item["secret"], &item["source"]), (&json!("***"), &json!(true), &json!("database")));
        assert_eq!(set(json!("***")).await.problem(), (422, "invalid_setting".to_owned()), "it is not a new one");
        assert_eq!(set(json!("a text with spaces")).await.problem().0, 422);
        let log = own.get("/api/v1/audit-log?action=settings.changed").await;
        let change = json!({"before": {"metrics_token": null}, "after": {"metrics_token": "***"}});
        assert_eq!(log.json()["items"][0]["detail"], change);
        assert!(!log.text().contains(secret));
        for file in app.stored_bytes() {
            assert!(!file.windows(secret.len()).any(|window| window == secret.as_bytes()), "the data folder holds it");
        }
        assert_eq!(set(json!(null)).await.json()["values"]["metrics_token"], json!(null));
        assert_eq!(metrics(Some(secret)).await, 401);
    }

    async fn hosts_origins_and_the_rate_limit_take_effect_without_a_restart(engine) {
        let app = TestApp::idle(&engine).await;
        let named = async || Reply::of(app.request(Method::GET, "/api/v1/settings").header("host", "studio.local")).await;
        assert_eq!(named().await.problem(), (403, "host_not_allowed".to_owned()));
        let set = json!({"allowed_hosts": ["studio.local"], "cors_origins": ["https://shop.example"]});
        assert_eq!(app.change_settings(&set).await.status, 200);
        assert_eq!(named().await.status, 200);
        let from_page = app.request(Method::GET, "/healthz").header("origin", "https://shop.example");
        assert_eq!(Reply::of(from_page).await.header("access-control-allow-origin"), Some("https://shop.example"));
        for (key, value) in [("allowed_hosts", json!("studio.local")), ("cors_origins", json!(["https://shop.example/shop"]))] {
            assert_eq!(app.change_settings(&json!({key: value})).await.problem(), (422, "invalid_setting".to_owned()), "{key}");
        }
        assert_eq!(app.change_settings(&json!({"rate_limit_per_s": 1, "audit_retention_days": 30})).await.status, 200);
        let key = app.operating_key(&[Scope::Admin]).await;
        let mut statuses = Vec::new();
        while !statuses.contains(&429) && statuses.len() < 50 {
            statuses.push(app.with_key(&key).get("/api/v1/me").await.status);
        }
        assert_eq!((statuses[0], statuses.last()), (200, Some(&429)), "{statuses:?}");
    }

    async fn t78_help_is_for_everyone_and_names_what_there_is(engine) {
        let app = TestApp::idle(&engine).await;
        let settings = schema(&app).await;
        let (_, client) = app.tenant_key("beta", Role::Client, &[]).await;
        let help = app.with_key(&client).get("/api/v1/help").await;
        assert_eq!(help.status, 200, "{}", help.text());
        let help = help.json();
        let items = help["items"].as_array().expect("a list");
        let key_of = |item: &Value| item["key"].as_str().expect("a key").to_owned();
        let explained: BTreeSet<String> = items.iter().map(key_of).filter(|key| key.starts_with("setting.")).collect();
        let names = settings.iter().flat_map(|item| {
            let aliases = item["aliases"].as_array().expect("a list").iter();
            aliases.chain([&item["key"]]).map(|name| format!("setting.{}", name.as_str().expect("a name")))
        });
        assert_eq!(explained, names.collect::<BTreeSet<String>>());
        for item in items {
            let own: Vec<&str> = item.as_object().expect("an object").keys().map(String::as_str).collect();
            assert_eq!(own, ["key", "title", "body", "affects", "unit", "range", "recommendation", "warning"]);
        }
        let find = |key: &str| items.iter().find(|item| item["key"] == key).expect("explained");
        assert_eq!(find("setting.render_samples")["range"], json!({"min": 1, "max": 4096}));
        assert_eq!(find("step.render_turntable.width")["unit"], "px");
        assert!(find("template.settings.background")["body"].as_str().is_some_and(|body| body.contains("Default: transparent.")));
        assert_eq!(find("action.requeue")["title"], "Requeue a task");
    }
}
