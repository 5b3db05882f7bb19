//! Placements with a name.

use packshot_domain::access::{Role, Scope};
use reqwest::Method;
use serde_json::{Value, json};

use super::bench::{Bench, design};
use crate::app::{Guest, Reply, TestApp, id};

const PRESETS: &str = "/api/v1/design-presets";
const BUILTIN: [&str; 7] =
    ["centered", "full_area", "upper_left", "upper_right", "lower_center", "wrap", "actual_size"];

async fn names(guest: &Guest<'_>) -> Vec<String> {
    let list = guest.get(PRESETS).await;
    assert_eq!(list.status, 200, "{}", list.text());
    let items = list.json()["items"].as_array().expect("a list").clone();
    items.iter().map(|preset| preset["name"].as_str().expect("a name").to_owned()).collect()
}

async fn delete(guest: &Guest<'_>, name: &str) -> Reply {
    Reply::of(guest.request(Method::DELETE, &format!("{PRESETS}/{name}"))).await
}

cases! {
    async fn d65_a_tenant_gives_placements_names_of_its_own(engine) {
        let app = TestApp::idle(&engine).await;
        let bench = Bench::open(&app).await;
        assert_eq!(names(&bench.admin).await, BUILTIN);
        let builtin = bench.admin.get(PRESETS).await.json();
        assert_eq!((&builtin["items"][0]["is_builtin"], &builtin["items"][0]["placement"]["width"]), (&json!(true), &json!(0.6)));
        let chest = json!({"name": "Chest logo", "placement": {"width": 40, "y": 10, "rotation_deg": 5}});
        let made = bench.admin.send(Method::POST, PRESETS, &chest).await;
        assert_eq!((made.status, made.header("location")), (201, Some("/api/v1/design-presets/Chest%20logo")), "{}", made.text());
        let made = made.json();
        assert_eq!((&made["is_builtin"], &made["revision"], &made["placement"]), (&json!(false), &json!(1), &chest["placement"]));
        assert_eq!(names(&bench.admin).await.last().map(String::as_str), Some("Chest logo"));
        for taken in ["Chest logo", "centered", "Wrap"] {
            let refused = bench.admin.send(Method::POST, PRESETS, &json!({"name": taken, "placement": {}})).await;
            assert_eq!((refused.problem(), refused.pointers()), ((409, "preset_exists".to_owned()), vec!["/name".to_owned()]), "{taken}");
        }
        let wrong = bench.admin.send(Method::POST, PRESETS, &json!({"name": "x", "placement": {"opacity": 7}})).await;
        assert_eq!((wrong.status, wrong.pointers()), (422, vec!["/placement/opacity".to_owned()]), "{}", wrong.text());
        let own = format!("{PRESETS}/Chest%20logo");
        let changed = bench.admin.send(Method::PATCH, &own, &json!({"placement": {"width": 60, "y": null}})).await;
        assert_eq!((changed.status, &changed.json()["revision"]), (200, &json!(2)), "{}", changed.text());
        assert_eq!(changed.json()["placement"], json!({"width": 60, "rotation_deg": 5}));
        for builtin in ["centered", "Chest"] {
            let refused = bench.admin.send(Method::PATCH, &format!("{PRESETS}/{builtin}"), &json!({"placement": {}})).await;
            assert_eq!(refused.problem(), (404, "preset_not_found".to_owned()), "{builtin}");
            assert_eq!(delete(&bench.admin, builtin).await.problem(), (404, "preset_not_found".to_owned()));
        }
        let log = bench.admin.get("/api/v1/audit-log?limit=50").await.json();
        let of_preset = log["items"].as_array().expect("entries").iter().filter(|entry| entry["action"] == "design_preset.changed");
        assert_eq!(of_preset.count(), 2);
        assert_eq!(delete(&bench.admin, "Chest%20logo").await.status, 204);
        assert_eq!(names(&bench.admin).await, BUILTIN);
    }

    async fn d65_jobs_and_previews_build_on_presets_of_their_tenant(engine) {
        let app = TestApp::start(&engine).await;
        let bench = Bench::open(&app).await;
        let made = bench.admin.send(Method::POST, PRESETS, &json!({"name": "chest", "placement": {"unit": "area", "width": 0.2, "x": 0.1}})).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let report = async |more: Value| {
            let looked = bench.look(design(), &more, "application/json").await;
            assert_eq!(looked.status, 200, "{}", looked.text());
            looked.json()
        };
        let own = report(json!({"preset": "chest"})).await;
        let said = report(json!({"preset": "actual_size", "placement": {"fit": "contain", "unit": "area", "width": 0.2, "x": 0.1}})).await;
        assert_eq!(own, said, "its members are those of a placement");
        let higher = report(json!({"preset": "chest", "placement": {"y": 9}})).await;
        let middle = |report: &Value, axis: &str| report["box_mm"][axis].as_f64().expect("a number");
        assert!((middle(&higher, "x") - middle(&own, "x")).abs() < 1e-6, "{higher}");
        assert!((middle(&higher, "y") - 9.0).abs() < 0.01, "{higher}");

        let job = id(&bench.start(&json!({"preset": "chest", "views": ["front_0deg"]})).await);
        let gone = delete(&bench.admin, "chest").await;
        assert_eq!(gone.status, 204);
        let done = bench.ended(&job).await;
        assert_eq!((&done["status"], &done["request"]["preset"]), (&json!("completed"), &json!("chest")), "{done}");
        assert_eq!(done["placement_report"], own, "it keeps what the preset was");
        for refused in [bench.send(design(), "a.png", &json!({"preset": "chest"}), &[]).await, bench.look(design(), &json!({"preset": "chest"}), "image/png").await] {
            assert_eq!(refused.problem(), (404, "preset_not_found".to_owned()));
        }
        let wrong = bench.send(design(), "a.png", &json!({"preset": {"width": 3}}), &[]).await;
        assert_eq!((wrong.status, wrong.pointers()), (422, vec!["/preset".to_owned()]), "{}", wrong.text());
    }

    async fn d65_d67_presets_of_a_tenant_are_invisible_to_others(engine) {
        let app = TestApp::idle(&engine).await;
        let bench = Bench::open(&app).await;
        let mine = json!({"name": "mine", "placement": {"width": 3}});
        assert_eq!(bench.admin.send(Method::POST, PRESETS, &mine).await.status, 201);
        let (_, key) = app.tenant_key("beta", Role::ProjectManager, &[Scope::MediaRead, Scope::MediaWrite]).await;
        let beta = app.with_key(&key);
        assert_eq!(names(&beta).await, BUILTIN);
        assert_eq!(delete(&beta, "mine").await.problem(), (404, "preset_not_found".to_owned()));
        assert_eq!(beta.send(Method::POST, PRESETS, &mine).await.status, 201, "the name is free there");
        let client = app.person(bench.tenant, "client@test", Role::Client).await;
        let client = app.with_key(crate::app::token(&client));
        assert_eq!(client.get(PRESETS).await.status, 403);
    }
}
