//! Runs that really render: W38, W61, W62, W65, W67, W84, W93–W95, W99, W100, R66, R68, R73, and the twins of cases
//! whose dispatches are recorded elsewhere.

use reqwest::Method;
use serde_json::{Value, json};

use super::shop::{Line, Shop, chain, chain_in, graph, node, output, pairs, states, still, tiny};
use crate::app::{Installation, TestApp, endless, id, poll};
use crate::glb::Glb;

/// A still that is saved, and what else hangs below it.
fn saved_still(params: Value, more: Vec<Value>) -> Value {
    let mut nodes = still(params);
    nodes.push(node("output", "output_save", json!({})));
    nodes.extend(more);
    chain(nodes)
}

async fn asset(shop: &Shop<'_>, output: &Value) -> Value {
    let id = output["asset_id"].as_str().unwrap_or_else(|| panic!("no asset in {output}"));
    shop.get(&format!("/api/media/assets/{id}")).await
}

async fn task_of(shop: &Shop<'_>, run: &Value, name: &str) -> Value {
    shop.get(&format!("/api/v1/tasks/{}", output(run, name)["task_id"].as_str().expect("a task"))).await
}

cases! {
    async fn w05_w61_w62_r66_r68_one_still_in_three_ways(engine) {
        let app = TestApp::start(&engine).await;
        let shop = Shop::open(&app).await;
        let mut hashes = Vec::new();
        // The direct path, a preset in its place, a graph that saves, and one that publishes by itself.
        let preset = json!({"type": "still", "params": tiny()});
        let notify = vec![node("notify", "notify", json!({})), node("media", "associate_media", json!({}))];
        let unsaved = chain(still(tiny()));
        for (name, config) in [
            ("direct", None),
            ("preset", Some(preset)),
            ("saved", Some(saved_still(tiny(), notify))),
            ("unsaved", Some(unsaved)),
        ] {
            let line = shop.line_of(&shop.product, tiny(), config).await;
            assert_eq!(shop.admin.post(&format!("/api/orders/{}/submit", line.order)).await.status, 200);
            let dispatched = shop.dispatch_line(&line).await;
            let done = shop.line_when(&line, "completed").await;
            assert!(done["result_path"].is_string(), "{name}: {done}");
            assert_eq!(shop.order_now(&line).await["status"], "completed", "{name}");
            let assets = shop.get(&format!("/api/media/assets?order_line_id={}", line.id)).await;
            let assets = assets["items"].as_array().expect("assets").clone();
            assert_eq!(assets.len(), 1, "{name}: {assets:?}");
            assert_eq!(assets[0]["workflow_run_id"], dispatched["workflow_run_id"], "{name}");
            hashes.push(assets[0]["file_hash"].clone());
            let told = shop.get(&format!("/api/activity?order_line_id={}&event_type=render.completed", line.id)).await;
            assert_eq!(told["items"].as_array().expect("entries").len(), 1, "R68: {name}");
            if name == "direct" {
                continue;
            }
            let run = shop.ended(&dispatched["workflow_run_id"]).await;
            assert_eq!(run["status"], "completed", "{name}: {run}");
            assert!(states(&run).iter().all(|(_, state)| state == "completed"), "{name}: {run}");
            assert!(run["started_at"].is_string() && run["completed_at"].is_string());
            let render = output(&run, "render");
            assert_eq!((&render["asset_id"], &render["file_hash"]), (&assets[0]["id"], &assets[0]["file_hash"]), "{name}");
            if name != "unsaved" {
                let saved = output(&run, "output");
                assert_eq!((&saved["publication_mode"], &saved["asset_id"]), (&json!("published"), &assets[0]["id"]));
            }
            if name == "saved" {
                assert_eq!(output(&run, "notify")["notification_mode"], "sent");
                assert_eq!(output(&run, "media")["association_mode"], "associated");
                let kwargs = task_of(&shop, &run, "render").await["kwargs"].clone();
                assert_eq!(kwargs["emit_legacy_notifications"], true, "R68");
                let package = asset(&shop, &saved_of(&run)).await["package_id"].clone();
                let package = shop.get(&format!("/api/v1/packages/{}", package.as_str().expect("an id"))).await;
                let job = &package["metadata"]["provenance"]["job"];
                assert_eq!((&job["workflow_run_id"], &job["workflow_node_id"]), (&run["id"], &json!("render")));
            }
        }
        assert!(hashes.windows(2).all(|pair| pair[0] == pair[1]), "R66: {hashes:?}");
    }

    async fn w16_w20_w39_r74_a_preset_with_exports_really(engine) {
        let app = TestApp::start(&engine).await;
        let shop = Shop::open(&app).await;
        let line = shop.line_of(&shop.product, tiny(), None).await;
        let workflow = shop.saved(json!({"type": "still_with_exports", "params": {"width": 640}})).await;
        let dispatched = shop.dispatch_saved(&workflow, &line.id).await;
        let run = shop.ended(&dispatched["workflow_run"]["id"]).await;
        assert_eq!(run["status"], "completed", "{run}");
        let line_done = shop.line_when(&line, "completed").await;
        assert!(line_done["result_path"].as_str().is_some_and(|path| path.ends_with(".png")), "the saved one counts");
        let tasks = shop.get(&format!("/api/v1/tasks?workflow_run_id={}", id(&run))).await;
        let tasks = tasks["items"].as_array().expect("tasks").clone();
        let names: Vec<&Value> = tasks.iter().map(|task| &task["task_name"]).collect();
        assert_eq!(names, ["render_still", "export_production_glb"], "R74: in graph order");
        assert!(tasks.iter().all(|task| task["args"] == json!([line.id]) && task.get("spec").is_none()), "{tasks:?}");
        let still = asset(&shop, &output(&run, "render")).await;
        let glb = asset(&shop, &output(&run, "blend")).await;
        assert_eq!((&still["asset_type"], &glb["asset_type"]), (&json!("still"), &json!("glb_production")));
        assert_eq!((&still["state"], &glb["state"], &still["width"]), (&json!("published"), &json!("published"), &json!(16)));
        let bytes = shop.admin.get(&format!("/api/media/assets/{}/content", id(&glb))).await;
        assert_eq!(&bytes.body[..4], b"glTF");
        let document = line_done["render_job_doc"]["steps"].as_array().expect("steps").clone();
        let names: Vec<&str> = document.iter().filter_map(|step| step["name"].as_str()).collect();
        assert!(["render_still", "export_production_glb"].iter().all(|name| names.contains(name)), "W39: {names:?}");
        // Rendered again, everything has a next version, and nothing of the first run is left.
        let again = shop.dispatch_saved(&workflow, &line.id).await;
        shop.ended(&again["workflow_run"]["id"]).await;
        let current = shop.get(&format!("/api/media/assets?order_line_id={}&state=published", line.id)).await;
        let current = current["items"].as_array().expect("assets").clone();
        let versions: Vec<&Value> = current.iter().map(|asset| &asset["version"]).collect();
        assert_eq!(versions, [2, 2], "{current:?}");
        assert_eq!(shop.get(&format!("/api/media/assets/{}", id(&still))).await["state"], "superseded");
    }

    async fn w25_w38_graphs_on_cad_files(engine) {
        let app = TestApp::start(&engine).await;
        let shop = Shop::open(&app).await;
        let config = chain(vec![
            node("take", "upload_step", json!({"allowed_extensions": ["glb"]})),
            node("read", "extract_metadata", json!({})),
            node("convert", "occ_glb_export", json!({"linear_deflection_mm": "auto"})),
            node("thumb", "render_thumbnail", tiny()),
            node("save", "thumbnail_save", json!({})),
            node("glb", "export_glb", json!({"quality": "low"})),
        ]);
        let dispatched = shop.dispatch(config.clone(), &shop.cad_file).await;
        assert_eq!((&dispatched["dispatched"], &dispatched["workflow_run"]["cad_file_id"]), (&json!(4), &json!(shop.cad_file)));
        let busy = shop.try_dispatch(&config, &shop.cad_file).await;
        if busy.status != 200 {
            assert_eq!(busy.problem(), (409, "cad_file_processing".to_owned()));
        }
        let run = shop.ended(&dispatched["workflow_run"]["id"]).await;
        assert_eq!(run["status"], "completed", "{run}");
        assert_eq!(output(&run, "read")["objects"], json!(["Body"]));
        assert!(output(&run, "read")["bbox_mm"].is_array());
        let file = shop.get(&format!("/api/v1/cad-files/{}", shop.cad_file)).await;
        assert_eq!(file["thumbnail_asset_id"], output(&run, "thumb")["asset_id"]);
        assert_eq!(output(&run, "save")["publication_mode"], "published");
        assert_eq!(asset(&shop, &output(&run, "glb")).await["asset_type"], "glb_geometry");
        let refused = chain(vec![node("take", "upload_step", json!({"allowed_extensions": ["step"]}))]);
        assert_eq!(shop.try_dispatch(&refused, &shop.cad_file).await.problem().1, "graph_execution_failed");
    }

    async fn w65_w95_w99_r73_branches_fail_for_themselves(engine) {
        let app = TestApp::start(&engine).await;
        let shop = Shop::open(&app).await;
        // A library that is not there fails a render when it starts: nothing starts the direct path then.
        let policy = json!({"failure_policy": {"fallback_to_legacy": true}});
        let mut broken = tiny();
        broken["failure_policy"] = policy["failure_policy"].clone();
        broken["only"] = json!(["no_such_part"]);
        let config = graph(
            vec![
                node("a", "render_still", broken.clone()),
                node("a2", "render_views", tiny()),
                node("b", "render_still", tiny()),
            ],
            &[("a", "a2")],
        );
        let line = shop.line(Some(config)).await;
        let dispatched = shop.dispatch_line(&line).await;
        let run = shop.ended(&dispatched["workflow_run_id"]).await;
        assert_eq!(states(&run), pairs(&[("a", "failed"), ("a2", "skipped"), ("b", "completed")]));
        assert_eq!(run["status"], "failed");
        let failed = run["node_results"].as_array().expect("nodes")[0].clone();
        assert_eq!(run["error_message"], failed["error"]);
        let after = shop.line_when(&line, "failed").await;
        let kept = asset(&shop, &output(&run, "b")).await;
        assert_eq!(kept["state"], "published", "the other's asset is kept");
        assert_eq!(after["result_path"], Value::Null, "the first publishing task failed");
        let tasks = shop.get("/api/v1/tasks?state=failed").await;
        let task = id(&tasks["items"][0]);
        let requeued = shop.admin.post(&format!("/api/v1/tasks/{task}/requeue")).await;
        assert_eq!(requeued.problem(), (409, "task_not_requeueable".to_owned()));
        assert_eq!(shop.get("/api/v1/tasks").await["items"].as_array().expect("tasks").len(), 3, "W99");
        // Two publish, and one that publishes nothing fails: the line completes, the run does not.
        let missing = json!({"allowed_extensions": ["glb"]});
        let config = graph(
            vec![
                node("s", "render_still", tiny()),
                node("v", "render_thumbnail", tiny()),
                node("x", "upload_step", missing),
            ],
            &[],
        );
        let line = shop.line(Some(config)).await;
        let run = shop.dispatch_line(&line).await["workflow_run_id"].clone();
        shop.line_when(&line, "completed").await;
        assert_eq!(shop.ended(&run).await["status"], "completed");
        // What publishes nothing leaves the line alone.
        let line = shop.line(Some(chain(vec![node("read", "extract_metadata", json!({}))]))).await;
        let run = shop.dispatch_line(&line).await["workflow_run_id"].clone();
        let run = shop.ended(&run).await;
        assert_eq!((&run["status"], &shop.line_now(&line).await["render_status"]), (&json!("completed"), &json!("pending")));
        assert_eq!(output(&run, "read")["objects"], json!(["Body"]), "what is known of a file that is read");
    }

    async fn w67_w84_runs_are_cancelled_and_followed(engine) {
        let app = TestApp::start(&engine).await;
        let shop = Shop::open(&app).await;
        let config = chain(vec![node("long", "render_still", endless()), node("then", "render_views", tiny())]);
        let line = shop.line(Some(config)).await;
        let run = shop.dispatch_line(&line).await["workflow_run_id"].clone();
        let path = format!("/api/workflows/runs/{}", run.as_str().expect("an id"));
        poll(async || shop.get(&path).await, |run| run["status"] == "running").await;
        let cancelled = shop.admin.post(&format!("{path}/cancel")).await;
        assert_eq!(cancelled.status, 202, "{}", cancelled.text());
        let run = shop.ended(&run).await;
        assert_eq!(states(&run), pairs(&[("long", "cancelled"), ("then", "cancelled")]));
        assert_eq!(run["status"], "cancelled");
        let again = shop.admin.post(&format!("{path}/cancel")).await;
        assert_eq!((again.status, again.json()), (200, run.clone()));
        assert_eq!(shop.line_when(&line, "cancelled").await["result_path"], Value::Null);
        let assets = shop.get(&format!("/api/media/assets?order_line_id={}", line.id)).await;
        assert_eq!(assets["items"], json!([]));
        // W84: the stream has every change in its order, and ends.
        let stream = shop.admin.get(&format!("{path}/events?after=0")).await.text();
        let events: Vec<(String, Value)> = stream.split("\n\n").filter_map(|frame| {
            let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
            Some((field("event: ")?.to_owned(), serde_json::from_str(field("data: ")?).expect("JSON")))
        }).collect();
        let told: Vec<String> = events.iter().map(|(name, data)| match data["node_name"].as_str() {
            Some(node) => format!("{node} {}", data["status"].as_str().expect("a word")),
            None => format!("{name} {}", data["status"].as_str().expect("a word")),
        }).collect();
        assert_eq!(told.last().map(String::as_str), Some("run.status cancelled"), "{told:?}");
        for wanted in ["run.status pending", "long queued", "then queued", "long running", "run.status running", "then cancelled", "long cancelled"] {
            assert!(told.iter().any(|event| event == wanted), "{wanted} is missing in {told:?}");
        }
        let place = |event: &str| told.iter().position(|told| told == event);
        assert!(place("long queued") < place("long running") && place("long running") < place("long cancelled"));
        assert!(events.iter().enumerate().all(|(i, (_, data))| data["seq"] == i + 1), "without a gap");
        let snapshot = shop.admin.get(&format!("{path}/events")).await.text();
        assert!(snapshot.contains("event: snapshot") && snapshot.contains("\"status\":\"cancelled\""), "{snapshot}");
    }

    async fn w93_w94_what_is_frozen_and_what_is_kept(engine) {
        // Nothing works until everything has changed.
        let installation = Installation::new(&engine, &[]).await;
        let app = installation.start(false).await;
        let shop = Shop::open(&app).await;
        let (plain, dressed) = (shop.line(None).await, shop.line(None).await);
        let nobody = "0193a8c4-7c1e-7000-8000-000000000000";
        let config = |class: &str| {
            let mut nodes = still(tiny());
            nodes.push(node("output", "output_save", json!({"retention_class": class})));
            nodes.push(node("deliver", "deliver", json!({"webhook_id": nobody})));
            chain(nodes)
        };
        let workflow = shop.saved(config("preview")).await;
        let first = shop.dispatch_saved(&workflow, &plain.id).await["workflow_run"].clone();
        let other = shop.dispatch_saved(&workflow, &dressed.id).await["workflow_run"].clone();
        let kwargs = task_of(&shop, &first, "render").await["kwargs"].clone();
        // Everything changes before the start: the definition, the part table.
        let body = json!({"name": "Changed", "config": config("render-output")});
        assert_eq!(shop.admin.send(Method::PUT, &format!("/api/workflows/{workflow}"), &body).await.status, 200);
        let materials = shop.get("/api/v1/materials").await["items"].as_array().expect("materials").clone();
        let another = materials.iter().find(|material| material["id"] != "Chrome").expect("another")["id"].clone();
        let parts = json!({"cad_part_materials": [{"part_name": "Body", "material": another}]});
        shop.changed(&format!("/api/v1/products/{}", shop.product), parts).await;
        let working = installation.start(true).await;
        let run = shop.ended(&first["id"]).await;
        assert_eq!(run["status"], "completed", "{run}");
        assert_eq!(task_of(&shop, &run, "render").await["kwargs"], kwargs, "W93: those of the dispatch");
        let of_asset = asset(&shop, &output(&run, "render")).await;
        let package = shop.get(&format!("/api/v1/packages/{}", of_asset["package_id"].as_str().expect("an id"))).await;
        assert_eq!(package["retention_class"], "preview", "W94: the class of the dispatch");
        assert_eq!(output(&run, "deliver")["delivery_mode"], "skipped");
        let told = shop.get("/api/activity?event_type=deliver.skipped").await;
        let told = told["items"].as_array().expect("entries").clone();
        assert!(told.iter().any(|entry| entry["severity"] == "warning" && entry["message"].as_str().is_some_and(|m| m.contains(nobody))), "{told:?}");
        // W93: the picture has the change. A line of the direct path that is dispatched now looks the same.
        let direct = shop.line_of(&shop.product, tiny(), None).await;
        shop.dispatch_line(&direct).await;
        shop.line_when(&direct, "completed").await;
        let now = shop.get(&format!("/api/media/assets?order_line_id={}", direct.id)).await["items"][0].clone();
        assert_eq!(now["file_hash"], of_asset["file_hash"], "{another}");
        assert_eq!(shop.ended(&other["id"]).await["status"], "completed");
        drop(working);
    }

    async fn w02_w100_presets_of_lines_and_movies(engine) {
        let app = TestApp::start(&engine).await;
        let shop = Shop::open(&app).await;
        let mut turning = tiny();
        (turning["frame_count"], turning["formats"]) = (json!(2), json!(["zip", "webp"]));
        let line = shop.line(Some(chain(vec![node("t", "render_turntable", turning)]))).await;
        let run = shop.dispatch_line(&line).await["workflow_run_id"].clone();
        let run = shop.ended(&run).await;
        assert_eq!(output(&run, "t")["asset_ids"].as_array().map(Vec::len), Some(2), "W100: {run}");
        // A preset in mode legacy whose product cannot be rendered: its nodes follow the direct path.
        let file = shop.upload("unknown.glb", Glb::parts(&["Unknown_Part"]).bytes()).await;
        let product = id(&shop.made("/api/v1/products", json!({"pim_id": "U", "name": "U", "cad_file_id": file})).await);
        let mut settings = tiny();
        settings["width"] = json!(24);
        let line: Line = shop.line_of(&product, settings, Some(json!({"type": "still_with_exports"}))).await;
        shop.changed(&format!("/api/v1/output-types/{}", line.output_type), json!({"max_unmapped": 0})).await;
        let run = shop.dispatch_line(&line).await["workflow_run_id"].clone();
        let run = shop.ended(&run).await;
        let expected = [
            ("setup", "completed"), ("template", "completed"), ("render", "failed"), ("output", "skipped"), ("blend", "skipped"),
        ];
        assert_eq!((states(&run), &run["status"]), (pairs(&expected), &json!("failed")));
        assert!(run["error_message"].as_str().is_some_and(|text| text.contains("Unknown_Part")), "{run}");
        // Without the limit it renders, and what the direct path does not do is skipped.
        shop.changed(&format!("/api/v1/output-types/{}", line.output_type), json!({"max_unmapped": null})).await;
        let run = shop.dispatch_line(&line).await["workflow_run_id"].clone();
        let run = shop.ended(&run).await;
        assert_eq!((&run["status"], &output(&run, "output")["publication_mode"]), (&json!("completed"), &json!("published")));
        assert_eq!(states(&run)[4], ("blend".to_owned(), "skipped".to_owned()));
    }

    async fn imports_are_read_by_graphs(engine) {
        let app = TestApp::start(&engine).await;
        let shop = Shop::open(&app).await;
        let sheet = b"pim_id,name,cad_file\nX-1,One,product.glb\n,No id,\n".to_vec();
        let form = reqwest::multipart::Form::new()
            .part("file", reqwest::multipart::Part::bytes(sheet).file_name("products.csv"));
        let request = shop.admin.request(Method::POST, "/api/v1/imports").multipart(form);
        let import = crate::app::Reply::of(request).await.json();
        let product = shop.get("/api/v1/products?pim_id=X-1").await["items"][0].clone();
        let line = shop.line_of(&id(&product), json!({}), None).await;
        let config = chain_in("graph", vec![node("import", "parse_excel", json!({})), node("setup", "order_line_setup", json!({}))]);
        let run = shop.dispatch(config.clone(), &line.id).await["workflow_run"].clone();
        assert_eq!(output(&run, "import"), json!({"import_id": import["id"], "rows": 2, "skipped": 1}));
        let other = shop.line(None).await;
        let refused = shop.try_dispatch(&config, &other.id).await;
        assert_eq!(refused.json()["node_name"], "import");
        assert!(refused.text().contains("came by no import"), "{}", refused.text());
    }
}

/// What the node that saves says.
fn saved_of(run: &Value) -> Value {
    output(run, "output")
}
