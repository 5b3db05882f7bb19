//! Dispatch of graphs: W16–W19, W21–W23, W34, W35, W38, W39, W54–W58, W63, W64, W68, W90, W91, W100.

use reqwest::Method;
use serde_json::{Value, json};

use super::doubles::{Doubles, id_of};
use super::shop::{Shop, chain, chain_in, doubled, graph, node, output, pairs, states, still};
use crate::app::id;

/// What a problem says of a run that failed with its dispatch.
fn failed_run(problem: &Value) -> (Value, Value) {
    (problem["workflow_run_id"].clone(), problem["node_name"].clone())
}

cases! {
    async fn w16_w20_w34_w54_a_preset_with_exports(engine) {
        let doubles = Doubles::new(None);
        let app = doubled(&engine, &doubles).await;
        let shop = Shop::open(&app).await;
        let settings = json!({"width": 2048, "height": 2048, "engine": "cycles", "samples": 128});
        let line = shop.line_of(&shop.product, settings, None).await;
        let preset = json!({"type": "still_with_exports", "params": {"width": 640, "height": 640}});
        let workflow = shop.saved(preset).await;
        let found = shop.get(&format!("/api/workflows/{workflow}/preflight?context_id={}", line.id)).await;
        for (member, value) in [
            ("workflow_id", json!(workflow)),
            ("context_kind", json!("order_line")),
            ("expected_context_kind", json!("order_line")),
            ("execution_mode", json!("legacy")),
            ("graph_dispatch_allowed", json!(true)),
            ("resolved_order_line_id", json!(line.id)),
            ("resolved_cad_file_id", json!(shop.cad_file)),
            ("unsupported_node_ids", json!([])),
        ] {
            assert_eq!(found[member], value, "W20: {member} of {found}");
        }
        let nodes: Vec<(Value, Value)> =
            found["nodes"].as_array().expect("nodes").iter().map(|n| (n["node_id"].clone(), n["status"].clone())).collect();
        let expected = [("setup", "ready"), ("template", "warning"), ("render", "ready"), ("output", "ready"), ("blend", "ready")];
        assert_eq!(nodes, expected.map(|(id, status)| (json!(id), json!(status))), "W20");
        assert_eq!(found["nodes"][1]["issues"][0]["code"], "template_missing");
        let dispatched = shop.dispatch_saved(&workflow, &line.id).await;
        assert_eq!((&dispatched["context_id"], &dispatched["execution_mode"]), (&json!(line.id), &json!("graph")));
        assert_eq!((&dispatched["dispatched"], &dispatched["task_ids"]), (&json!(2), &json!([id_of("task-1"), id_of("task-2")])));
        assert_eq!(doubles.queue.names(), ["render_still", "export_production_glb"]);
        let tasks = doubles.queue.tasks();
        assert!(tasks.iter().all(|task| task["args"] == json!([line.id])));
        let (first, second) = (&tasks[0]["kwargs"], &tasks[1]["kwargs"]);
        let run = &dispatched["workflow_run"];
        for (member, value) in [
            ("publish_asset_enabled", json!(false)),
            ("graph_authoritative_output_enabled", json!(true)),
            ("graph_output_node_ids", json!(["output"])),
            ("width", json!(2048)),
            ("height", json!(2048)),
            ("samples", json!(128)),
            ("workflow_node_id", json!("render")),
            ("workflow_run_id", run["id"].clone()),
        ] {
            assert_eq!(first[member], value, "{member} of {first}");
        }
        assert_eq!((&second["workflow_node_id"], &second["workflow_run_id"]), (&json!("blend"), &run["id"]));
        assert_eq!((&run["status"], &run["celery_task_id"]), (&json!("pending"), &json!(id_of("task-1"))));
        assert_eq!((&run["order_line_id"], &run["workflow_def_id"]), (&json!(line.id), &json!(workflow)));
        let expected = [
            ("setup", "completed"), ("template", "completed"), ("render", "queued"), ("output", "completed"), ("blend", "queued"),
        ];
        assert_eq!(states(run), pairs(&expected));
        assert_eq!(output(run, "render")["task_id"], id_of("task-1"));
        assert_eq!(output(run, "blend")["task_id"], id_of("task-2"));
        assert_eq!(output(run, "setup")["order_line_id"], line.id);
        assert_eq!(output(run, "template")["use_materials"], false);
        assert_eq!(output(run, "output")["publication_mode"], "awaiting_graph_authoritative_save");
        // W54: of a graph of its own the node comes first, and what its step does not know is not passed.
        for (params, samples) in [(json!({"samples": 64}), 64), (json!({}), 128)] {
            let settings = json!({"samples": 128, "fps": 12});
            let line = shop.line_of(&shop.product, settings, None).await;
            shop.dispatch(chain(vec![node("r", "render_still", params)]), &line.id).await;
            let kwargs = doubles.queue.tasks().last().expect("a task")["kwargs"].clone();
            assert_eq!((&kwargs["samples"], kwargs.get("fps")), (&json!(samples), None), "W54, W100");
        }
    }

    async fn w17_w18_w19_w58_what_tasks_are_called_with(engine) {
        let doubles = Doubles::new(None);
        let app = doubled(&engine, &doubles).await;
        let shop = Shop::open(&app).await;
        let setup = || node("setup", "order_line_setup", json!({}));
        let save = || node("output", "output_save", json!({}));
        let mut without_ui = chain(vec![setup(), node("blend", "export_blend", json!({})), save()]);
        without_ui.as_object_mut().expect("an object").remove("ui");
        let line = shop.line(None).await;
        let workflow = shop.saved(without_ui).await;
        let run = shop.dispatch_saved(&workflow, &line.id).await["workflow_run"].clone();
        let exactly = json!({
            "workflow_run_id": run["id"], "workflow_node_id": "blend", "publish_asset_enabled": false,
            "graph_authoritative_output_enabled": true, "graph_output_node_ids": ["output"],
        });
        assert_eq!(doubles.queue.kwargs("export_production_glb"), exactly, "W17");
        let blend = output(&run, "blend");
        assert_eq!((&blend["predicted_asset_type"], &blend["publish_asset_enabled"]), (&json!("glb_production"), &json!(false)));
        assert_eq!((&blend["graph_authoritative_output_enabled"], &blend["graph_output_node_ids"]), (&json!(true), &json!(["output"])));
        // What is shown is what was handed over (README §11).
        let task = shop.get(&format!("/api/v1/tasks/{}", id_of("task-1"))).await;
        assert_eq!((&task["task_name"], &task["args"], &task["kwargs"]), (&json!("export_production_glb"), &json!([line.id]), &exactly));
        // W18.
        let line = shop.line(None).await;
        let turntable = node("turntable", "blender_turntable", json!({"fps": 24, "frame_count": 96}));
        let run = shop.dispatch(chain(vec![setup(), turntable, save()]), &line.id).await["workflow_run"].clone();
        let kwargs = doubles.queue.kwargs("render_turntable");
        for (member, value) in [
            ("workflow_run_id", run["id"].clone()),
            ("workflow_node_id", json!("turntable")),
            ("publish_asset_enabled", json!(false)),
            ("graph_authoritative_output_enabled", json!(true)),
            ("graph_output_node_ids", json!(["output"])),
            ("fps", json!(24)),
            ("frame_count", json!(96)),
        ] {
            assert_eq!(kwargs[member], value, "W18: {member}");
        }
        assert_eq!(output(&run, "turntable")["predicted_asset_type"], "turntable");
        // W19.
        let line = shop.line(None).await;
        let nodes = vec![setup(), node("render", "blender_still", json!({})), node("notify", "notify", json!({}))];
        let run = shop.dispatch(chain(nodes), &line.id).await["workflow_run"].clone();
        let kwargs = doubles.queue.kwargs("render_still");
        assert_eq!((&kwargs["emit_legacy_notifications"], &kwargs["graph_notify_node_ids"]), (&json!(true), &json!(["notify"])));
        assert_eq!(output(&run, "render")["graph_notify_node_ids"], json!(["notify"]));
        let notify = output(&run, "notify");
        assert_eq!(notify, json!({"notification_mode": "deferred_to_render_task", "armed_node_ids": ["render"]}));
        // W58.
        let line = shop.line(None).await;
        let run = shop.dispatch(chain(vec![node("v", "render_views", json!({}))]), &line.id).await["workflow_run"].clone();
        let kwargs = doubles.queue.kwargs("render_views");
        let absent = ["emit_legacy_notifications", "graph_notify_node_ids", "graph_output_node_ids", "graph_media_node_ids"];
        assert!(absent.iter().all(|name| kwargs.get(*name).is_none()), "{kwargs}");
        let views = output(&run, "v");
        assert_eq!((&views["graph_output_node_ids"], &views["graph_notify_node_ids"]), (&json!([]), &json!([])));
    }

    async fn w21_w22_w23_w63_drafts(engine) {
        let doubles = Doubles::new(None);
        let app = doubled(&engine, &doubles).await;
        let shop = Shop::open(&app).await;
        let saved = shop.saved(json!({"type": "still"})).await;
        let line = shop.line(None).await;
        let config = chain(still(json!({"width": 800, "height": 600})));
        let body = json!({"workflow_id": saved, "context_id": line.id, "config": config, "no_such_member": 1});
        let dispatched = shop.made("/api/workflows/dispatch", body).await;
        let run = &dispatched["workflow_run"];
        assert_eq!((&dispatched["context_id"], &dispatched["dispatched"]), (&json!(line.id), &json!(1)));
        assert_eq!((&run["workflow_def_id"], &run["execution_mode"]), (&json!(saved), &json!("graph")));
        assert_eq!(states(run), pairs(&[("setup", "completed"), ("template", "completed"), ("render", "queued")]));
        assert_eq!((doubles.queue.names(), &doubles.queue.tasks()[0]["args"]), (vec!["render_still".to_owned()], &json!([line.id])));
        // W22: a submitted order is worked on.
        let line = shop.line(None).await;
        assert_eq!(shop.admin.post(&format!("/api/orders/{}/submit", line.order)).await.status, 200);
        let config = chain(vec![node("setup", "order_line_setup", json!({})), node("render", "render_still", json!({}))]);
        let run = shop.dispatch(config, &line.id).await["workflow_run"].clone();
        assert_eq!(run["workflow_def_id"], Value::Null);
        let order = shop.order_now(&line).await;
        assert_eq!((&order["status"], &order["completed_at"]), (&json!("processing"), &Value::Null));
        assert!(order["processing_started_at"].is_string());
        // W23.
        let broken = graph(vec![node("render", "render_still", json!({}))], &[("missing", "render")]);
        let refused = shop.try_dispatch(&broken, &line.id).await;
        assert_eq!(refused.problem(), (422, "invalid_workflow_config".to_owned()));
        let problem = refused.json();
        assert_eq!(problem["detail"], "Invalid workflow config: edge 0 starts at unknown node 'missing'");
        assert_eq!(refused.pointers(), ["/config/edges/0/from"]);
        // W63: a graph without a task has ended.
        let line = shop.line(None).await;
        let config = chain(still(json!({}))[..2].to_vec());
        let dispatched = shop.dispatch(config, &line.id).await;
        assert_eq!((&dispatched["dispatched"], &dispatched["task_ids"]), (&json!(0), &json!([])));
        let run = &dispatched["workflow_run"];
        assert_eq!((&run["celery_task_id"], &run["status"]), (&Value::Null, &json!("completed")));
        assert_eq!(shop.line_now(&line).await["render_status"], "pending");
    }

    async fn w35_w38_w39_one_step_is_one_task(engine) {
        let doubles = Doubles::new(None);
        let app = doubled(&engine, &doubles).await;
        let shop = Shop::open(&app).await;
        let nodes = vec![
            node("n1", "extract_metadata", json!({})),
            node("n2", "render_thumbnail", json!({"engine": "cycles", "samples": 64})),
            node("n3", "render_still", json!({"width": 2048, "height": 2048})),
            node("n4", "export_glb", json!({"quality": "high"})),
            node("n5", "deliver", json!({})),
        ];
        let line = shop.line(None).await;
        let workflow = shop.saved(chain(nodes)).await;
        let dispatched = shop.dispatch_saved(&workflow, &line.id).await;
        assert_eq!(dispatched["dispatched"], 4);
        assert_eq!(doubles.queue.names(), ["extract_metadata", "render_thumbnail", "render_still", "export_glb"]);
        assert_eq!(states(&dispatched["workflow_run"])[4], ("n5".to_owned(), "completed".to_owned()));
        let ids: Vec<String> = (1..=4).map(|n| id_of(&format!("task-{n}"))).collect();
        for (i, task) in ids.iter().enumerate() {
            let waits_for = shop.get(&format!("/api/v1/tasks/{task}")).await["waits_for"].clone();
            let expected: Vec<&String> = ids[..i].last().into_iter().collect();
            assert_eq!(waits_for, json!(expected), "each waits for the one before");
        }
        let queued = ["extract_metadata", "occ_glb_export", "render_thumbnail", "render_still", "render_turntable", "render_views", "export_glb", "export_production_glb"];
        for step in queued {
            let line = shop.line(None).await;
            let dispatched = shop.dispatch(chain(vec![node("n", step, json!({}))]), &line.id).await;
            assert_eq!((&dispatched["dispatched"], doubles.queue.names().last().map(String::as_str)), (&json!(1), Some(step)));
            // A graph that publishes nothing leaves the line alone.
            let publishes = !["extract_metadata", "occ_glb_export"].contains(&step);
            assert_eq!(output(&dispatched["workflow_run"], "n")["publish_asset_enabled"], publishes, "{step}");
        }
    }

    async fn w55_w56_w57_what_arms_what(engine) {
        let doubles = Doubles::new(None);
        let app = doubled(&engine, &doubles).await;
        let shop = Shop::open(&app).await;
        let render = |id: &str| node(id, "render_still", json!({}));
        let save = |id: &str| node(id, "output_save", json!({}));
        let last = || doubles.queue.tasks().last().expect("a task")["kwargs"].clone();
        let line = shop.line(None).await;
        let over_media = chain(vec![render("render"), node("media", "associate_media", json!({})), save("output")]);
        shop.dispatch(over_media, &line.id).await;
        assert_eq!((&last()["graph_output_node_ids"], &last()["graph_media_node_ids"]), (&json!(["output"]), &json!(["media"])));
        let line = shop.line(None).await;
        let past = chain(vec![node("thumb", "render_thumbnail", json!({})), render("render"), save("output")]);
        let run = shop.dispatch(past, &line.id).await["workflow_run"].clone();
        assert_eq!(output(&run, "thumb")["publish_asset_enabled"], true);
        assert_eq!(output(&run, "render")["graph_authoritative_output_enabled"], true);
        let line = shop.line(None).await;
        let two = graph(vec![render("render"), save("out_a"), save("out_b")], &[("render", "out_b"), ("render", "out_a")]);
        shop.dispatch(two, &line.id).await;
        assert_eq!(last()["graph_output_node_ids"], json!(["out_a", "out_b"]), "W56");
        let line = shop.line(None).await;
        let both = graph(vec![render("a"), render("b"), node("notify", "notify", json!({}))], &[("b", "notify"), ("a", "notify")]);
        let run = shop.dispatch(both, &line.id).await["workflow_run"].clone();
        assert_eq!(output(&run, "notify")["armed_node_ids"], json!(["a", "b"]), "W57");
    }

    async fn w64_w68_w91_dispatches_that_are_refused(engine) {
        let doubles = Doubles::new(None);
        let app = doubled(&engine, &doubles).await;
        let shop = Shop::open(&app).await;
        let (line, nobody) = (shop.line(None).await, uuid::Uuid::now_v7().to_string());
        let config = chain(still(json!({})));
        let workflow = shop.saved(config.clone()).await;
        let missing = shop.admin.post(&format!("/api/workflows/{workflow}/dispatch")).await;
        assert_eq!((missing.problem().0, missing.pointers()), (422, vec!["?context_id".to_owned()]));
        let odd = shop.admin.post(&format!("/api/workflows/{workflow}/dispatch?context_id=line")).await;
        assert_eq!(odd.problem(), (422, "validation_failed".to_owned()));
        let unknown = shop.admin.post(&format!("/api/workflows/{nobody}/dispatch?context_id={}", line.id)).await;
        assert_eq!(unknown.problem(), (404, "workflow_not_found".to_owned()));
        let draft = json!({"workflow_id": nobody, "context_id": line.id, "config": config});
        let unknown = shop.admin.send(Method::POST, "/api/workflows/dispatch", &draft).await;
        assert_eq!(unknown.problem(), (404, "workflow_not_found".to_owned()));
        assert_eq!(shop.try_dispatch(&config, &nobody).await.problem(), (404, "context_not_found".to_owned()));
        let mismatch = shop.try_dispatch(&config, &shop.cad_file).await;
        assert_eq!(mismatch.problem(), (422, "context_kind_mismatch".to_owned()));
        assert!(mismatch.text().contains("Context kind mismatch"));
        let rejected = shop.line(None).await;
        shop.admin.post(&format!("/api/orders/{}/submit", rejected.order)).await;
        let reason = json!({"reason": "no", "notify_client": false});
        let path = format!("/api/orders/{}/reject", rejected.order);
        assert_eq!(shop.admin.send(Method::POST, &path, &reason).await.status, 200);
        assert_eq!(shop.try_dispatch(&config, &rejected.id).await.problem(), (409, "order_rejected".to_owned()));
        let tasks = shop.get("/api/v1/tasks").await;
        assert_eq!(tasks["items"], json!([]), "none of them left a task");
        let runs = shop.get(&format!("/api/workflows/{workflow}/runs")).await;
        assert_eq!(runs["items"], json!([]));
        shop.dispatch(config.clone(), &line.id).await;
        assert_eq!(shop.try_dispatch(&config, &line.id).await.problem(), (409, "line_processing".to_owned()));
        // W64: a node that fails within the dispatch.
        let bare = shop.bare_line(None).await;
        let refused = shop.try_dispatch(&config, &bare.id).await;
        assert_eq!(refused.problem(), (409, "graph_execution_failed".to_owned()));
        let (run, name) = failed_run(&refused.json());
        assert_eq!(name, "setup");
        let run = shop.run(&run).await;
        assert_eq!((&run["status"], &run["task_id"]), (&json!("failed"), &Value::Null));
        assert!(run["error_message"].as_str().is_some_and(|text| text.contains("no CAD file")), "{run}");
        assert_eq!(states(&run), pairs(&[("setup", "failed"), ("template", "skipped"), ("render", "skipped")]));
        assert_eq!(shop.line_now(&bare).await["render_status"], "pending");
        // W91: a template that is not there, or not active.
        let inactive = id(&shop.made("/api/v1/render-templates", json!({"name": "Off", "is_active": false})).await);
        for template in [nobody, inactive] {
            let line = shop.line(None).await;
            let named = chain(vec![node("template", "resolve_template", json!({"template_id": template}))]);
            let found = shop.preflight(&named, &line.id).await;
            assert_eq!((&found["graph_dispatch_allowed"], &found["nodes"][0]["status"]), (&json!(false), &json!("error")));
            assert_eq!(found["nodes"][0]["issues"][0]["code"], "template_not_found");
            assert_eq!(shop.try_dispatch(&named, &line.id).await.problem(), (409, "graph_execution_failed".to_owned()));
        }
    }

    async fn w90_w94_templates_count_where_the_graph_finds_them(engine) {
        let doubles = Doubles::new(None);
        let app = doubled(&engine, &doubles).await;
        let shop = Shop::open(&app).await;
        let template = json!({"name": "T", "settings": {"samples": 32, "light": "studio_contrast", "fps": 30}});
        let template = id(&shop.made("/api/v1/render-templates", template).await);
        let line = shop.line(None).await;
        let config = chain(still(json!({"samples": 64})));
        let found = shop.preflight(&config, &line.id).await;
        assert_eq!(found["nodes"][1]["issues"], json!([]), "no template is missing");
        let run = shop.dispatch(config, &line.id).await["workflow_run"].clone();
        assert_eq!(output(&run, "template")["template_id"], template);
        let kwargs = doubles.queue.kwargs("render_still");
        assert_eq!((&kwargs["samples"], &kwargs["light"], kwargs.get("fps")), (&json!(64), &json!("studio_contrast"), None));
        let line = shop.line(None).await;
        let config = chain_in("legacy", vec![node("r", "render_still", json!({"samples": 64}))]);
        let run = shop.dispatch(config.clone(), &line.id).await["workflow_run"].clone();
        let kwargs = doubles.queue.tasks().last().expect("a task")["kwargs"].clone();
        assert_eq!((kwargs.get("light"), &kwargs["samples"]), (None, &json!(64)));
        // W94: a run keeps its graph.
        let kept = run["config"].clone();
        assert_eq!(kept["ui"]["execution_mode"], "legacy");
        assert_eq!((&run["execution_mode"], kept["nodes"][0]["params"].clone()), (&json!("graph"), json!({"samples": 64})));
    }
}
