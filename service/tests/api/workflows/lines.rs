//! Dispatch of order lines by the workflow of their output type: W01–W07, W14, W33, W41, W42, W45–W47, W69, W98.

use packshot_db::workflows;
use packshot_domain::access::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::doubles::{CANVAS, Doubles, id_of};
use super::shop::{Line, Shop, chain, chain_in, doubled, doubled_with, node, output, pairs, states, still};
use crate::app::{TestApp, id};

/// Every member of a dispatch result.
const MEMBERS: [&str; 21] = [
    "backend",
    "order_line_id",
    "execution_mode",
    "task_id",
    "celery_task_id",
    "task_ids",
    "workflow_type",
    "workflow_run_id",
    "fallback_from",
    "shadow_status",
    "shadow_task_ids",
    "shadow_workflow_run_id",
    "shadow_error",
    "rollout_gate_status",
    "rollout_gate_verdict",
    "rollout_gate_reasons",
    "workflow_rollout_ready",
    "output_type_rollout_ready",
    "rollout_workflow_definition_id",
    "rollout_output_type_id",
    "error",
];

/// Checks what every result has: all members (W47), and gate, verdict and readiness as expected.
pub(super) fn check(result: &Value, line: &Line, (backend, gate): (&str, &str)) {
    for member in MEMBERS {
        assert!(result.get(member).is_some(), "W47: {member} is missing in {result}");
    }
    let is_authoritative = gate == "graph_authoritative";
    let expected = json!({
        "backend": backend, "order_line_id": line.id, "rollout_gate_status": gate,
        "rollout_gate_verdict": is_authoritative.then_some("pass"),
        "workflow_rollout_ready": is_authoritative, "output_type_rollout_ready": is_authoritative,
        "rollout_output_type_id": line.output_type,
    });
    for (member, value) in expected.as_object().expect("members") {
        assert_eq!(result[member], *value, "{member} of {result}");
    }
    let reasons = result["rollout_gate_reasons"].as_array().expect("a list");
    assert_eq!(reasons.is_empty(), is_authoritative, "{result}");
    assert_eq!(result["task_id"], result["celery_task_id"], "C31");
}

/// Whether a reason of a result contains a text.
pub(super) fn has_reason(result: &Value, text: &str) -> bool {
    result["rollout_gate_reasons"]
        .as_array()
        .is_some_and(|reasons| reasons.iter().any(|r| r.as_str().is_some_and(|r| r.contains(text))))
}

cases! {
    async fn w01_w02_w14_w45_w46_w47_lines_without_a_graph(engine) {
        let doubles = Doubles::new(None);
        let app = doubled(&engine, &doubles).await;
        let shop = Shop::open(&app).await;
        let line = shop.bare_line(None).await;
        let result = shop.dispatch_line(&line).await;
        check(&result, &line, ("legacy", "legacy_only"));
        assert_eq!(result["rollout_workflow_definition_id"], Value::Null);
        assert_eq!((result["workflow_run_id"].clone(), doubles.legacy.calls()), (Value::Null, 1));
        // W02: a named preset without a mode.
        let line = shop.bare_line(Some(json!({"type": "still", "params": {"width": 1024, "height": 1024}}))).await;
        let result = shop.dispatch_line(&line).await;
        check(&result, &line, ("workflow", "legacy_only"));
        assert_eq!((&result["workflow_type"], &result["celery_task_id"]), (&json!("still"), &json!(id_of(CANVAS))));
        let run = shop.run(&result["workflow_run_id"]).await;
        assert_eq!((&run["execution_mode"], &run["workflow_def_id"]), (&json!("legacy"), &json!(line.workflow)));
        assert_eq!((&run["order_line_id"], &run["celery_task_id"]), (&json!(line.id), &json!(id_of(CANVAS))));
        let names = ["setup", "template", "render", "output"].map(|name| (name, "pending"));
        assert_eq!(states(&run), pairs(&names));
        // W45: a graph of its own in mode legacy.
        let line = shop.bare_line(Some(chain_in("legacy", still(json!({}))))).await;
        let result = shop.dispatch_line(&line).await;
        check(&result, &line, ("legacy", "legacy_only"));
        assert_eq!(result["rollout_workflow_definition_id"], json!(line.workflow));
        assert_eq!(result["workflow_run_id"], Value::Null);
        // W46: a definition that is not active counts as none.
        let workflow = line.workflow.clone().expect("a definition");
        let off = json!({"name": "Off", "config": chain(still(json!({}))), "is_active": false});
        assert_eq!(shop.admin.send(Method::PUT, &format!("/api/workflows/{workflow}"), &off).await.status, 200);
        let result = shop.dispatch_line(&line).await;
        check(&result, &line, ("legacy", "legacy_only"));
        assert_eq!(result["rollout_workflow_definition_id"], Value::Null);
    }

    async fn w03_a_stored_config_that_is_invalid(engine) {
        let doubles = Doubles::new(None);
        let app = doubled(&engine, &doubles).await;
        let shop = Shop::open(&app).await;
        let line = shop.bare_line(Some(chain(still(json!({}))))).await;
        let workflow = line.workflow.clone().expect("a definition");
        let broken = json!({
            "version": 1, "ui": {"execution_mode": "graph"}, "nodes": [{"id": "render", "step": "blender_still"}],
            "edges": [{"from": "missing", "to": "render"}],
        });
        let tenant = shop.get(&format!("/api/workflows/{workflow}")).await["tenant_id"].as_str().expect("an id").parse();
        let scope = packshot_db::TenantScope::of(tenant.expect("an id"));
        let stored = workflows::insert_as_is(&app.db, scope, workflow.parse().expect("an id"), broken).await;
        stored.expect("it is stored");
        let result = shop.dispatch_line(&line).await;
        check(&result, &line, ("legacy", "workflow_preparation_failed"));
        assert!(has_reason(&result, "Workflow runtime preparation failed:") && has_reason(&result, "missing"));
        assert_eq!(result["rollout_workflow_definition_id"], json!(line.workflow));
        assert!(shop.get(&format!("/api/workflows/{workflow}/runs")).await["items"].as_array().is_some_and(Vec::is_empty));
    }

    async fn w04_w05_w06_w33_w35_graphs_are_authoritative(engine) {
        let doubles = Doubles::new(None);
        let app = doubled(&engine, &doubles).await;
        let shop = Shop::open(&app).await;
        let size = json!({"width": 1024, "height": 768});
        let line = shop.line(Some(chain(still(size.clone())))).await;
        let result = shop.dispatch_line(&line).await;
        check(&result, &line, ("workflow_graph", "graph_authoritative"));
        assert_eq!((&result["execution_mode"], &result["task_ids"]), (&json!("graph"), &json!([id_of("task-1")])));
        let run = shop.run(&result["workflow_run_id"]).await;
        assert_eq!((&run["execution_mode"], &run["status"]), (&json!("graph"), &json!("pending")));
        assert_eq!(states(&run), pairs(&[("setup", "completed"), ("template", "completed"), ("render", "queued")]));
        let render = output(&run, "render");
        assert_eq!(render["publish_asset_enabled"], true);
        assert_eq!(render["graph_authoritative_output_enabled"], false);
        // W33: a draft stays one.
        assert_eq!(shop.order_now(&line).await["status"], "draft");
        // W05: a node that saves is the boundary of what is published.
        let mut nodes = still(size.clone());
        nodes.push(node("output", "output_save", json!({})));
        let line = shop.line(Some(chain(nodes))).await;
        let result = shop.dispatch_line(&line).await;
        check(&result, &line, ("workflow_graph", "graph_authoritative"));
        let tasks = doubles.queue.tasks();
        assert_eq!(tasks.len(), 2);
        assert_eq!((&tasks[1]["name"], &tasks[1]["args"]), (&json!("render_still"), &json!([line.id])));
        let kwargs = &tasks[1]["kwargs"];
        assert_eq!((&kwargs["publish_asset_enabled"], &kwargs["graph_authoritative_output_enabled"]), (&json!(false), &json!(true)));
        assert_eq!(kwargs["graph_output_node_ids"], json!(["output"]));
        let run = shop.run(&result["workflow_run_id"]).await;
        assert_eq!(output(&run, "output")["publication_mode"], "awaiting_graph_authoritative_save");
        // W06: the short form in mode graph.
        let short = json!({"type": "still", "params": size, "ui": {"execution_mode": "graph"}});
        let line = shop.line(Some(short)).await;
        let result = shop.dispatch_line(&line).await;
        check(&result, &line, ("workflow_graph", "graph_authoritative"));
        let run = shop.run(&result["workflow_run_id"]).await;
        let expected = [("setup", "completed"), ("template", "completed"), ("render", "queued"), ("output", "completed")];
        assert_eq!((states(&run), &run["execution_mode"]), (pairs(&expected), &json!("graph")));
    }

    async fn w07_w41_w42_n80_a_graph_that_cannot_be_dispatched(engine) {
        let message = "graph dispatch exploded";
        let doubles = Doubles::new(Some(message));
        let app = doubled(&engine, &doubles).await;
        let shop = Shop::open(&app).await;
        let policy = |falls_back: bool| json!({"failure_policy": {"fallback_to_legacy": falls_back}});
        let of = |setup: Value, render: Value| {
            chain(vec![node("setup", "order_line_setup", setup), node("render", "blender_still", render)])
        };
        // W07 and W42: the flag on any node.
        for config in [of(policy(true), json!({})), of(json!({}), policy(true))] {
            let line = shop.bare_line(Some(config)).await;
            let before = doubles.legacy.calls();
            let result = shop.dispatch_line(&line).await;
            check(&result, &line, ("legacy", "graph_execution_failed"));
            assert_eq!(result["fallback_from"], "workflow_graph");
            let run = shop.run(&result["workflow_run_id"]).await;
            assert_eq!((&run["execution_mode"], &run["status"]), (&json!("graph"), &json!("failed")));
            assert_eq!((&run["error_message"], doubles.legacy.calls()), (&json!(message), before + 1));
        }
        // W41: without it nothing else renders the line, which fails, and with it its order's round.
        for config in [of(json!({}), json!({})), of(policy(false), policy(false))] {
            let line = shop.bare_line(Some(config)).await;
            assert_eq!(shop.admin.post(&format!("/api/orders/{}/submit", line.order)).await.status, 200);
            let before = doubles.legacy.calls();
            let result = shop.dispatch_line(&line).await;
            check(&result, &line, ("workflow_graph", "graph_execution_failed"));
            assert!(has_reason(&result, message));
            let run = shop.run(&result["workflow_run_id"]).await;
            assert_eq!((&run["status"], &run["error_message"]), (&json!("failed"), &json!(message)));
            assert_eq!(doubles.legacy.calls(), before);
            assert_eq!(shop.line_now(&line).await["render_status"], "failed");
            assert_eq!(shop.order_now(&line).await["status"], "completed", "N80: all of its lines have ended");
            let told = shop.get(&format!("/api/activity?order_id={}", line.order)).await;
            let types: Vec<&Value> = told["items"].as_array().expect("entries").iter().map(|e| &e["event_type"]).collect();
            assert!(types.contains(&&json!("render.failed")), "{told}");
        }
    }

    async fn w69_w98_disabled_steps_and_modes_leave_lines_to_the_direct_path(engine) {
        let doubles = Doubles::new(None);
        let off = [("PACKSHOT_DISABLED_STEPS", "render_turntable")];
        let app = doubled_with(&engine, &doubles, &off).await;
        let shop = Shop::open(&app).await;
        let steps = shop.get("/api/workflows/steps").await;
        let turntable = steps["items"].as_array().expect("steps").iter().find(|step| step["name"] == "render_turntable");
        let turntable = turntable.expect("it is listed");
        assert_eq!(turntable["available"], false);
        assert!(turntable["unavailable_reason"].as_str().is_some_and(|reason| reason.contains("disabled_steps")));
        let config = json!({"type": "turntable", "ui": {"execution_mode": "graph"}});
        let line = shop.line(Some(config.clone())).await;
        let result = shop.dispatch_line(&line).await;
        check(&result, &line, ("legacy", "workflow_preparation_failed"));
        assert!(has_reason(&result, "turntable"), "{result}");
        let other = shop.line(None).await;
        let refused = shop.try_dispatch(&config, &other.id).await;
        assert_eq!(refused.problem(), (422, "unsupported_nodes".to_owned()));
        assert!(refused.text().contains("Unsupported workflow nodes"));
        let found = shop.preflight(&config, &other.id).await;
        assert_eq!(found["unsupported_node_ids"], json!(["turntable"]));
        assert_eq!(found["graph_dispatch_allowed"], false);
        let node = found["nodes"].as_array().expect("nodes").iter().find(|n| n["node_id"] == "turntable").expect("it");
        assert_eq!((&node["status"], &node["issues"][0]["code"]), (&json!("error"), &json!("step_unavailable")));
        // W98: `shadow_mode` off.
        let line = shop.bare_line(Some(chain_in("shadow", still(json!({}))))).await;
        let operator = app.operating_key(&[Scope::Admin]).await;
        let tenant = shop.get("/api/v1/tenant").await;
        let path = format!("/api/v1/tenants/{}/config", id(&tenant));
        let patch = json!({"features": {"shadow_mode": false}});
        assert_eq!(app.with_key(&operator).send(Method::PATCH, &path, &patch).await.status, 200);
        let result = shop.dispatch_line(&line).await;
        check(&result, &line, ("legacy", "legacy_only"));
        assert_eq!(result["rollout_workflow_definition_id"], json!(line.workflow));
    }

    async fn w92_a_line_is_dispatched_once(engine) {
        let app = TestApp::idle(&engine).await;
        let shop = Shop::open(&app).await;
        let line = shop.line(Some(chain(still(json!({}))))).await;
        let path = format!("/api/v1/order-lines/{}/dispatch", line.id);
        let attempts = futures_util::future::join_all((0..20).map(|_| shop.admin.post(&path))).await;
        let done: Vec<u16> = attempts.iter().map(|reply| reply.status).filter(|status| *status == 200).collect();
        assert_eq!(done.len(), 1, "{:?}", attempts.iter().map(|reply| reply.status).collect::<Vec<_>>());
        let refused = attempts.iter().find(|reply| reply.status != 200).expect("the others");
        assert_eq!(refused.problem(), (409, "line_processing".to_owned()));
        let draft = shop.try_dispatch(&chain(still(json!({}))), &line.id).await;
        assert_eq!(draft.problem(), (409, "line_processing".to_owned()));
        let whole = shop.made(&format!("/api/orders/{}/dispatch", line.order), json!({})).await;
        assert_eq!(whole["results"], json!([]));
        let runs = shop.get(&format!("/api/workflows/{}/runs", line.workflow.expect("a definition"))).await;
        assert_eq!(runs["items"].as_array().expect("runs").len(), 1);
    }
}
