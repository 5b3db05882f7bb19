//! F46, F50: aliases that are taken back, and what a kill leaves.

use std::time::Duration;

use packshot_domain::access::Scope;
use reqwest::Method;
use serde_json::json;

use super::desk::{Desk, REVIEWS, STEEL, fixes, part, path_of};
use crate::app::{Installation, Reply, TestApp, form, id, small};
use crate::glb::Glb;

const ALIASES: &str = "/api/v1/material-aliases";

cases! {
    async fn f46_what_did_not_work_is_taken_back(engine) {
        let app = TestApp::start(&engine).await;
        let desk = Desk::open(&app).await;
        let line = desk.line_of("bar", &["Steel_Bar"]).await;
        let review = desk.review_of(&line).await;
        let before = desk.line(&line).await;
        let fix = desk.applied(fixes(&review, "steel bar")[0], json!({})).await;
        let with_it = desk.again(&line, &before).await;
        assert_eq!(desk.n_magenta(&line).await, 0);
        // A product that was read meanwhile got its entry by the alias.
        let product = desk.boxes("later", &["steel-bar"]).await;
        let path = format!("/api/v1/products/{product}");
        let entry = json!([{"part_name": "steel-bar", "material": STEEL}]);
        assert_eq!(desk.admin.get(&path).await.json()["cad_part_materials"], entry);
        desk.review_when(&id(&review), |review| review["status"] == "resolved").await;

        let failed = desk.say(&fix, json!({"outcome": "applied_failed", "notes": "too dull"})).await;
        assert_eq!(failed.status, 200, "{}", failed.text());
        let alias = desk.admin.get(&format!("{ALIASES}/{}", fix["alias_id"].as_str().expect("an alias"))).await.json();
        assert_eq!(alias["status"], "withdrawn");
        assert_eq!(desk.admin.get(&path).await.json()["cad_part_materials"], json!([]), "entries by it are gone");
        desk.again(&line, &with_it).await;
        assert!(desk.n_magenta(&line).await > 0);
        let review = desk.review_of(&line).await;
        assert_eq!((&review["status"], &part(&review, "steel bar")["resolved"]), (&json!("open"), &json!(false)));
        // What has failed is not proposed again.
        let open = fixes(&review, "steel bar");
        assert!(open.iter().all(|fix| fix["material_id"] != STEEL || fix["status"] == "applied_failed"), "{review}");
    }

    async fn f50_nothing_or_everything(engine) {
        let installation = Installation::new(&engine, &[]).await;
        let app = installation.start(true).await;
        let desk = Desk::open(&app).await;
        let mut request = small();
        request["materials"] = json!({"parts": []});
        let sent = desk.admin.request(Method::POST, "/api/v1/renders").multipart(form(Glb::parts(&["Steel_Bar"]).bytes(), Some(&request)));
        let job = Reply::of(sent).await.json();
        desk.admin.job_when(&id(&job), |job| job["state"] == "completed").await;
        let fix = desk.admin.get(REVIEWS).await.json()["items"][0]["fixes"][0].clone();
        let (key, path, tenant) = (desk.admin.key().to_owned(), path_of(&fix), desk.tenant);
        drop(desk);
        // From now on nothing works, and one job that waits is as many as may.
        app.queue.drain(Duration::ZERO).await;
        drop(app);
        let app = installation.start(false).await;
        let (guest, operator) = (app.with_key(&key), app.operating_key(&[Scope::Admin]).await);
        let config = format!("/api/v1/tenants/{tenant}/config");
        let allow = async |n: u32| app.with_key(&operator).send(Method::PATCH, &config, &json!({"max_queued_jobs": n})).await.status;
        assert_eq!(allow(1).await, 200);
        assert_eq!(guest.submit(&small()).await.status, 202);
        let refused = guest.post(&format!("{path}/apply")).await;
        assert_eq!(refused.problem(), (429, "queue_full".to_owned()), "the last step of the transaction");
        assert_eq!(guest.get(ALIASES).await.json()["items"], json!([]));
        let after = guest.get(&path).await.json();
        assert_eq!((&after["applied_at"], &after["alias_id"], &after["history"]), (&json!(null), &json!(null), &json!([])));
        assert_eq!(guest.get("/api/v1/renders").await.json()["items"].as_array().map(Vec::len), Some(2));
        assert_eq!(guest.get("/api/activity?event_type=fix.applied").await.json()["items"], json!([]));
        // With room for it, everything is there.
        assert_eq!(allow(2).await, 200);
        let applied = guest.post(&format!("{path}/apply")).await;
        assert_eq!(applied.status, 200, "{}", applied.text());
        let after = applied.json();
        let task = after["rerender"]["task_ids"][0].as_str().expect("a task").to_owned();
        assert_eq!(guest.get(&format!("/api/v1/tasks/{task}")).await.json()["state"], "queued");
        assert_eq!(guest.get(ALIASES).await.json()["items"][0]["id"], after["alias_id"]);
        assert!(after["applied_at"].is_string());
    }

    async fn f43_f46_taking_an_alias_back_by_hand_opens_what_it_resolved(engine) {
        let app = TestApp::start(&engine).await;
        let desk = Desk::open(&app).await;
        let product = desk.boxes("bar", &["Steel_Bar"]).await;
        let lines = desk.rendered(&desk.order(&[&product, &product]).await).await;
        let review = desk.review_of(&lines[0]).await;
        let before = [desk.line(&lines[0]).await, desk.line(&lines[1]).await];
        let fix = desk.applied(fixes(&review, "steel bar")[0], json!({})).await;
        for (line, before) in lines.iter().zip(&before) {
            desk.again(line, before).await;
        }
        let theirs = id(&desk.review_of(&lines[1]).await);
        let resolved = desk.review_when(&theirs, |review| review["status"] == "resolved").await;
        let path = format!("{ALIASES}/{}", fix["alias_id"].as_str().expect("an alias"));
        let gone = Reply::of(desk.admin.request(Method::DELETE, &path)).await;
        assert_eq!(gone.status, 200, "{}", gone.text());
        let opened = desk.review(&theirs).await;
        assert_eq!((&opened["status"], &part(&opened, "steel bar")["resolved_by"]), (&json!("open"), &json!(null)));
        assert!(opened["state_version"].as_i64() > resolved["state_version"].as_i64());
    }

    on_postgres_in_the_soak:

    async fn f46_without_pictures_only_the_alias(engine) {
        let app = TestApp::start(&engine).await;
        let desk = Desk::open(&app).await;
        let line = desk.line_of("bar", &["Steel_Bar"]).await;
        let review = desk.review_of(&line).await;
        let before = desk.line(&line).await;
        let fix = desk.applied(fixes(&review, "steel bar")[0], json!({})).await;
        let with_it = desk.again(&line, &before).await;
        desk.review_when(&id(&review), |review| review["status"] == "resolved").await;
        assert_eq!(desk.say(&fix, json!({"outcome": "dismissed", "rerender": false})).await.status, 200);
        assert_eq!(desk.admin.get(ALIASES).await.json()["items"], json!([]));
        assert_eq!(desk.line(&line).await["asset_ids"], with_it["asset_ids"]);
        let review = desk.review_of(&line).await;
        assert_eq!((&review["status"], &part(&review, "steel bar")["resolved"]), (&json!("open"), &json!(false)), "unresolved again, though its picture is as it was");
    }

    async fn f46_an_alias_of_somebody_else_stays(engine) {
        let app = TestApp::idle(&engine).await;
        let held = Desk::open(&app).await.held("Steel_Bar", &[(STEEL, 90)]).await;
        held.desk.made(ALIASES, json!({"alias": "Steel_Bar", "material_id": STEEL})).await;
        assert_eq!(held.apply().await.status, 200);
        assert_eq!(held.say(json!({"outcome": "applied_failed"})).await.status, 200);
        assert_eq!(held.desk.admin.get(ALIASES).await.json()["items"].as_array().map(Vec::len), Some(1));
    }
}
