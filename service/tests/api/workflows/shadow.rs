//! Shadow runs: W08–W10, W15, W43, W44, W59, W60, W80, W96, W101, R79, and their comparison with real pictures.

use packshot_domain::access::Scope;
use packshot_domain::id::RunId;
use reqwest::Method;
use serde_json::{Value, json};

use super::doubles::{Doubles, id_of};
use super::lines::{check, has_reason};
use super::shop::{Line, Shop, chain_in, doubled, node, output, pairs, states, still, tiny};
use crate::app::{Reply, TestApp, id, poll};
use crate::glb::Glb;

/// A graph in mode shadow that saves what it renders.
fn saving(params: Value) -> Value {
    let mut nodes = still(params);
    nodes.push(node("output", "output_save", json!({})));
    chain_in("shadow", nodes)
}

/// The comparison of a run, when its verdict is there.
async fn verdict(shop: &Shop<'_>, run: &Value) -> Value {
    let path = format!("/api/workflows/runs/{}/comparison", run.as_str().expect("an id"));
    poll(async || shop.admin.get(&path).await.json(), |found| !found["rollout_gate"]["verdict"].is_null()).await
}

/// Everything that a shadow run must leave alone.
async fn left_alone(shop: &Shop<'_>, line: &Line) -> Value {
    let now = shop.line_now(line).await;
    let assets = shop.get(&format!("/api/media/assets?order_line_id={}", line.id)).await;
    let order = shop.order_now(line).await;
    json!({
        "status": now["render_status"], "result": now["result_path"], "document": now["render_job_doc"],
        "assets": assets["items"], "order": order["status"],
    })
}

cases! {
    async fn w08_w09_w15_w43_w59_legacy_stays_authoritative(engine) {
        let doubles = Doubles::new(None);
        let app = doubled(&engine, &doubles).await;
        let shop = Shop::open(&app).await;
        let line = shop.line(Some(chain_in("shadow", still(json!({"width": 1024, "height": 768}))))).await;
        let result = shop.dispatch_line(&line).await;
        check(&result, &line, ("legacy", "pending_shadow_verdict"));
        assert_eq!((&result["execution_mode"], &result["shadow_status"]), (&json!("shadow"), &json!("dispatched")));
        assert_eq!(result["shadow_task_ids"], json!([id_of("task-1")]));
        assert_eq!(doubles.called(), ["legacy", "render_still"], "W43");
        let run = shop.run(&result["shadow_workflow_run_id"]).await;
        assert_eq!((&run["execution_mode"], &run["status"]), (&json!("shadow"), &json!("pending")));
        assert_eq!(states(&run), pairs(&[("setup", "completed"), ("template", "completed"), ("render", "queued")]));
        let [task] = &doubles.queue.tasks()[..] else { panic!("one task") };
        assert_eq!((&task["name"], &task["args"]), (&json!("render_still"), &json!([line.id])));
        let kwargs = &task["kwargs"];
        let expected = json!({
            "workflow_run_id": run["id"], "workflow_node_id": "render", "width": 1024, "height": 768,
            "publish_asset_enabled": false, "graph_authoritative_output_enabled": false, "emit_events": false,
            "job_document_enabled": false,
            "output_name_suffix": format!("shadow-{}", &id(&run)[..8]),
        });
        assert_eq!(kwargs, &expected);
        // W09, W59: the short form, which saves.
        let short = json!({
            "type": "still", "params": {"width": 1024, "height": 768}, "ui": {"execution_mode": "shadow"},
        });
        let line = shop.line(Some(short)).await;
        let result = shop.dispatch_line(&line).await;
        check(&result, &line, ("legacy", "pending_shadow_verdict"));
        let run = shop.run(&result["shadow_workflow_run_id"]).await;
        assert_eq!(output(&run, "output"), json!({"publication_mode": "shadow_observer_only"}));
        let kwargs = &doubles.queue.tasks()[1]["kwargs"];
        assert_eq!(kwargs["publish_asset_enabled"], false);
        assert_eq!((&kwargs["graph_authoritative_output_enabled"], &kwargs["graph_output_node_ids"]), (&json!(false), &json!(["output"])));
        // Nobody is told of a shadow run.
        let mut nodes = still(json!({}));
        nodes.push(node("notify", "notify", json!({})));
        let line = shop.line(Some(chain_in("shadow", nodes))).await;
        let result = shop.dispatch_line(&line).await;
        let run = shop.run(&result["shadow_workflow_run_id"]).await;
        assert_eq!(output(&run, "notify"), json!({"notification_mode": "shadow_observer_only", "armed_node_ids": []}));
        let kwargs = &doubles.queue.tasks()[2]["kwargs"];
        assert!(kwargs.get("emit_legacy_notifications").is_none() && kwargs.get("graph_notify_node_ids").is_none());
    }

    async fn w10_w44_a_shadow_that_fails_leaves_legacy_alone(engine) {
        let doubles = Doubles::new(Some("shadow graph exploded"));
        let app = doubled(&engine, &doubles).await;
        let shop = Shop::open(&app).await;
        let line = shop.bare_line(Some(chain_in("shadow", still(json!({}))))).await;
        let result = shop.dispatch_line(&line).await;
        check(&result, &line, ("legacy", "shadow_execution_failed"));
        assert_eq!((&result["execution_mode"], &result["shadow_status"]), (&json!("shadow"), &json!("failed")));
        assert_eq!(result["shadow_error"], "shadow graph exploded");
        assert!(has_reason(&result, "shadow graph exploded"));
        let run = shop.run(&result["shadow_workflow_run_id"]).await;
        assert_eq!((&run["execution_mode"], &run["status"]), (&json!("shadow"), &json!("failed")));
        assert_eq!(run["error_message"], "shadow graph exploded");
        assert_eq!((doubles.legacy.calls(), shop.line_now(&line).await["render_status"].clone()), (1, json!("pending")));
        // W44: the executor that counts fails.
        doubles.legacy.fails("no licence for it");
        let line = shop.bare_line(Some(chain_in("shadow", still(json!({}))))).await;
        let result = shop.dispatch_line(&line).await;
        assert_eq!((&result["shadow_status"], &result["shadow_workflow_run_id"]), (&json!("skipped"), &json!(null)));
        assert!(has_reason(&result, "no licence for it"), "{result}");
        assert_eq!(shop.line_now(&line).await["render_status"], "failed");
        let runs = shop.get(&format!("/api/workflows/{}/runs", line.workflow.expect("a definition"))).await;
        assert_eq!(runs["items"], json!([]));
    }

    async fn n26_w11_w59_w60_w79_r79_a_shadow_run_is_compared_and_changes_nothing(engine) {
        let app = TestApp::start(&engine).await;
        let shop = Shop::open(&app).await;
        let line = shop.line_of(&shop.product, tiny(), Some(saving(tiny()))).await;
        let result = shop.dispatch_line(&line).await;
        check(&result, &line, ("legacy", "pending_shadow_verdict"));
        shop.line_when(&line, "completed").await;
        let before = left_alone(&shop, &line).await;
        let run = shop.ended(&result["shadow_workflow_run_id"]).await;
        assert_eq!(run["status"], "completed", "{run}");
        let found = verdict(&shop, &run["id"]).await;
        assert_eq!(left_alone(&shop, &line).await, before, "R79, W59");
        let activity = shop.get(&format!("/api/activity?order_line_id={}", line.id)).await;
        let done: Vec<&Value> =
            activity["items"].as_array().expect("entries").iter().map(|entry| &entry["event_type"]).collect();
        assert_eq!(done, ["render.completed", "render.started"], "N26: {activity}");
        assert_eq!(before["assets"].as_array().map(Vec::len), Some(1));
        // The same scene with the same options: the same bytes.
        assert_eq!((&found["status"], &found["exact_match"]), (&json!("matched"), &json!(true)), "{found}");
        assert_eq!((&found["mean_pixel_delta"], &found["mean_flip"]), (&json!(0.0), &json!(0.0)));
        let gate = &found["rollout_gate"];
        assert_eq!((&gate["verdict"], &gate["status"]), (&json!("pass"), &json!("ready_for_rollout")));
        let ready = ["ready", "workflow_rollout_ready", "output_type_rollout_ready"];
        assert!(ready.iter().all(|flag| gate[*flag] == true), "W11: {gate}");
        // W60
        let (own, observed) = (&found["authoritative_output"], &found["observer_output"]);
        let stem = own["path"].as_str().expect("a path").strip_suffix(".png").expect("a PNG");
        assert_eq!(observed["path"], format!("{stem}_shadow-{}.png", &id(&run)[..8]));
        assert_eq!((&own["image_width"], &observed["image_height"]), (&json!(16), &json!(16)));
        assert_eq!(own["file_hash"], observed["file_hash"]);
        // The verdict is kept with the run, and its pictures are there.
        assert_eq!(shop.run(&run["id"]).await["comparison"], found);
        for picture in ["authoritative", "observer", "flip"] {
            let path = format!("/api/workflows/runs/{}/comparison/{picture}", id(&run));
            let sent = shop.admin.get(&path).await;
            assert_eq!((sent.status, sent.header("content-type")), (200, Some("image/png")), "{picture}");
        }
        let none = shop.admin.get(&format!("/api/workflows/runs/{}/comparison/other", id(&run))).await;
        assert_eq!(none.problem(), (404, "file_not_found".to_owned()));
        // The comparison was a task of the service's own.
        let tasks = shop.get("/api/v1/tasks").await;
        let compares: Vec<&Value> =
            tasks["items"].as_array().expect("tasks").iter().filter(|task| task["task_name"] == "compare").collect();
        let [task] = &compares[..] else { panic!("one: {tasks}") };
        assert_eq!((&task["kwargs"]["workflow_run_id"], &task["queue"]), (&run["id"], &json!("housekeeping")));
    }

    async fn w96_the_verdict_is_kept_whatever_becomes_of_the_files(engine) {
        let app = TestApp::start(&engine).await;
        let shop = Shop::open(&app).await;
        let other = json!({"width": 16, "height": 16, "samples": 2, "noise_threshold": 0, "light": "white", "seed": 7});
        let line = shop.line_of(&shop.product, tiny(), Some(saving(other))).await;
        let result = shop.dispatch_line(&line).await;
        let run = shop.ended(&result["shadow_workflow_run_id"]).await;
        shop.line_when(&line, "completed").await;
        // Two at once, and the task: one verdict.
        let path = format!("/api/workflows/runs/{}/comparison", id(&run));
        let both = futures_util::future::join(shop.admin.get(&path), shop.admin.get(&path)).await;
        assert_eq!(both.0.json(), both.1.json());
        let found = verdict(&shop, &run["id"]).await;
        assert_eq!(both.0.json(), found);
        assert!(found["mean_flip"].as_f64().is_some_and(|flip| flip > 0.0), "another seed: {found}");
        // The run's package goes, and the line is rendered again.
        let observed = found["observer_output"]["file_hash"].clone();
        let packages = shop.get(&format!("/api/v1/packages?subject=order_line:{}", line.id)).await;
        let own = packages["items"].as_array().expect("packages").iter().find(|package| {
            package["retention_class"] == "preview" && package["name"].as_str().is_some_and(|name| name.starts_with("render"))
        });
        let own = own.expect("that of the run, in class preview")["links"]["self"].as_str().expect("a link").to_owned();
        let gone = Reply::of(shop.admin.request(Method::DELETE, &format!("{own}?reason=test"))).await;
        assert!([200, 202, 204].contains(&gone.status), "{}", gone.text());
        let again = shop.dispatch_line(&line).await;
        shop.ended(&again["shadow_workflow_run_id"]).await;
        shop.line_when(&line, "completed").await;
        let later = shop.get(&path).await;
        assert_eq!(later["observer_output"]["file_hash"], observed);
        for member in ["status", "mean_flip", "mean_pixel_delta", "rollout_gate", "authoritative_output"] {
            assert_eq!(later[member], found[member], "{member}");
        }
    }

    async fn w101_both_sides_see_the_same(engine) {
        let app = TestApp::idle(&engine).await;
        let shop = Shop::open(&app).await;
        let line = shop.line_of(&shop.product, tiny(), Some(saving(tiny()))).await;
        let result = shop.dispatch_line(&line).await;
        let scope = packshot_db::TenantScope::of(shop.line_now(&line).await["tenant_id"].as_str().expect("an id").parse().expect("an id"));
        let run: RunId = result["shadow_workflow_run_id"].as_str().expect("an id").parse().expect("an id");
        // Both sides start at the same time, each of what is true then for it.
        let frozen = |value: Value| packshot_db::workflows::freeze(&app.db, scope, run, value);
        let (one, other) = futures_util::future::join(frozen(json!({"scene": 1})), frozen(json!({"scene": 2}))).await;
        let one = one.expect("frozen");
        assert_eq!(one, other.expect("frozen"), "the first decides for both");
        assert_eq!(frozen(json!({"scene": 3})).await.expect("frozen"), one);
    }

    async fn w101_what_changes_between_the_two_starts_changes_neither(engine) {
        let executor = super::super::executors::Script::new();
        let app = executor.installed(&engine).await.start(true).await;
        let shop = Shop::open(&app).await;
        executor.allow(&app, &shop).await;
        executor.does("held");
        let line = shop.line_of(&shop.product, tiny(), Some(saving(tiny()))).await;
        // The lane of the one that counts is blocked by another line.
        let first = shop.line_of(&shop.product, tiny(), None).await;
        shop.dispatch_line(&first).await;
        executor.begun(1).await;
        let result = shop.dispatch_line(&line).await;
        let run = shop.ended(&result["shadow_workflow_run_id"]).await;
        assert_eq!(run["status"], "completed", "{run}");
        let other = shop.upload("other.glb", Glb::parts(&["Other"]).bytes()).await;
        shop.changed(&format!("/api/v1/products/{}", shop.product), json!({"cad_file_id": other})).await;
        let alias = json!({"kind": "part", "alias": "Body", "material": "STD_010101_Steel-Bare"});
        let _made = shop.admin.send(Method::POST, "/api/v1/material-aliases", &alias).await;
        executor.let_go();
        shop.line_when(&line, "completed").await;
        let seen = executor.jobs();
        let of_line = seen.iter().find(|job| job["order_line_id"] == line.id).expect("its job");
        assert_eq!(executor.glb_of(of_line), Glb::body(), "the file that the observer has rendered");
        let packages = shop.get(&format!("/api/v1/packages?subject=order_line:{}", line.id)).await;
        let made: Vec<&Value> = packages["items"].as_array().expect("packages").iter().filter(|package| {
            package["metadata"]["provenance"].is_object()
        }).collect();
        let scenes: Vec<&Value> = made.iter().map(|package| &package["metadata"]["provenance"]["scene"]["content_address"]).collect();
        assert!(scenes.len() == 2 && scenes[0] == scenes[1], "{scenes:?}");
    }

    async fn w82_w98_rights_and_flags_of_shadow_runs(engine) {
        let app = TestApp::start(&engine).await;
        let shop = Shop::open(&app).await;
        let line = shop.line_of(&shop.product, tiny(), Some(saving(tiny()))).await;
        let operator = app.operating_key(&[Scope::Admin]).await;
        let tenant = shop.get("/api/v1/tenant").await;
        let path = format!("/api/v1/tenants/{}/config", id(&tenant));
        let patch = json!({"features": {"shadow_mode": false}});
        assert_eq!(app.with_key(&operator).send(Method::PATCH, &path, &patch).await.status, 200);
        let result = shop.dispatch_line(&line).await;
        check(&result, &line, ("legacy", "legacy_only"));
        assert!(has_reason(&result, "shadow_mode"));
        shop.line_when(&line, "completed").await;
    }

    async fn w67_a_line_that_is_cancelled_takes_its_shadow_along(engine) {
        let app = TestApp::start(&engine).await;
        let shop = Shop::open(&app).await;
        let line = shop.line_of(&shop.product, crate::app::endless(), Some(saving(crate::app::endless()))).await;
        let result = shop.dispatch_line(&line).await;
        shop.line_when(&line, "processing").await;
        let cancelled = shop.admin.post(&format!("/api/v1/order-lines/{}/cancel", line.id)).await;
        assert!([200, 202].contains(&cancelled.status), "{}", cancelled.text());
        shop.line_when(&line, "cancelled").await;
        let run = shop.ended(&result["shadow_workflow_run_id"]).await;
        assert_eq!(run["status"], "cancelled", "{run}");
        // A shadow run alone is cancelled by itself.
        let line = shop.line_of(&shop.product, tiny(), Some(saving(crate::app::endless()))).await;
        let result = shop.dispatch_line(&line).await;
        shop.line_when(&line, "completed").await;
        let path = format!("/api/workflows/runs/{}/cancel", result["shadow_workflow_run_id"].as_str().expect("an id"));
        assert!([200, 202].contains(&shop.admin.post(&path).await.status));
        let run = shop.ended(&result["shadow_workflow_run_id"]).await;
        assert_eq!(run["status"], "cancelled", "{run}");
        assert_eq!(shop.line_now(&line).await["render_status"], "completed");
    }
}
