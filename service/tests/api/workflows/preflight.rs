//! Checks before a dispatch: W24–W28, W70–W72, C05, O46, and what they say beyond the contract.

use reqwest::Method;
use serde_json::{Value, json};

use super::doubles::Doubles;
use super::shop::{Shop, chain, doubled, graph, node, still, tiny};
use crate::app::{TestApp, id};
use crate::glb::Glb;

const STEP: &[u8] = b"ISO-10303-21;\nHEADER;\nENDSEC;\nEND-ISO-10303-21;\n";

fn codes(issues: &Value) -> Vec<String> {
    let issues = issues.as_array().expect("issues").iter();
    issues.map(|issue| issue["code"].as_str().expect("a code").to_owned()).collect()
}

cases! {
    async fn c05_w24_w25_w26_w27_w28_what_a_graph_is_for(engine) {
        let app = TestApp::idle(&engine).await;
        let shop = Shop::open(&app).await;
        let line = shop.line(None).await;
        let saved = shop.saved(json!({"type": "still"})).await;
        let found = shop.get(&format!("/api/workflows/{saved}/preflight?context_id={}", shop.cad_file)).await;
        for (found, workflow) in [
            (found, json!(saved)),
            (shop.preflight(&json!({"type": "still", "params": {"width": 640, "height": 640}}), &shop.cad_file).await, Value::Null),
        ] {
            assert_eq!((&found["workflow_id"], &found["context_kind"]), (&workflow, &json!("cad_file")));
            assert_eq!((&found["expected_context_kind"], &found["graph_dispatch_allowed"]), (&json!("order_line"), &json!(false)));
            assert!(codes(&found["issues"]).contains(&"context_kind_mismatch".to_owned()), "{found}");
            assert!(found["nodes"].as_array().expect("nodes").iter().any(|node| node["status"] == "error"));
        }
        // W25.
        let of_file = chain(vec![
            node("input", "resolve_step_path", json!({})),
            node("render", "blender_render", json!({"width": 512, "height": 512})),
            node("save", "thumbnail_save", json!({})),
        ]);
        let file = shop.upload("thumb.glb", Glb::parts(&["Chrome"]).bytes()).await;
        let found = shop.preflight(&of_file, &file).await;
        assert_eq!((&found["context_kind"], &found["expected_context_kind"]), (&json!("cad_file"), &json!("cad_file")));
        assert_eq!((&found["execution_mode"], &found["graph_dispatch_allowed"]), (&json!("graph"), &json!(true)));
        assert_eq!((&found["resolved_cad_file_id"], &found["resolved_order_line_id"]), (&json!(file), &Value::Null));
        assert!(found["nodes"].as_array().expect("nodes").iter().all(|node| node["status"] == "ready"), "{found}");
        // A graph whose steps take both also runs on an order line.
        assert_eq!(shop.preflight(&of_file, &line.id).await["graph_dispatch_allowed"], true);
        // W26.
        let draft = chain(still(json!({"width": 640, "height": 640})));
        let found = shop.preflight(&draft, &line.id).await;
        let names: Vec<&Value> = found["nodes"].as_array().expect("nodes").iter().map(|n| &n["node_id"]).collect();
        assert_eq!((json!(names), &found["workflow_id"]), (json!(["setup", "template", "render"]), &Value::Null));
        // W28 and C05.
        let broken = graph(vec![node("render", "render_still", json!({}))], &[("missing", "render")]);
        let body = json!({"context_id": line.id, "config": broken});
        let refused = shop.admin.send(Method::POST, "/api/workflows/preflight", &body).await;
        assert_eq!(refused.problem(), (422, "invalid_workflow_config".to_owned()));
        let mut odd = draft.clone();
        odd["no_such_member"] = json!(1);
        let inside = shop.admin.send(Method::POST, "/api/workflows/preflight", &json!({"context_id": line.id, "config": odd})).await;
        assert_eq!((inside.problem().1.as_str(), inside.pointers()), ("invalid_workflow_config", vec!["/config/no_such_member".to_owned()]));
        let outside = json!({"context_id": line.id, "config": draft, "no_such_member": 1});
        assert_eq!(shop.admin.send(Method::POST, "/api/workflows/preflight", &outside).await.status, 200);
    }

    async fn o46_w70_w71_w72_what_is_missing(engine) {
        let doubles = Doubles::new(None);
        let app = doubled(&engine, &doubles).await;
        let shop = Shop::open(&app).await;
        let draft = chain(still(json!({})));
        let bare = shop.bare_line(None).await;
        let found = shop.preflight(&draft, &bare.id).await;
        assert_eq!((&found["graph_dispatch_allowed"], codes(&found["nodes"][0]["issues"])), (&json!(false), vec!["source_missing".to_owned()]));
        // W71.
        let file = shop.upload("unknown.glb", Glb::parts(&["Unknown_Part"]).bytes()).await;
        let product = id(&shop.made("/api/v1/products", json!({"pim_id": "U", "name": "U", "cad_file_id": file})).await);
        let line = shop.line_of(&product, json!({}), None).await;
        let found = shop.preflight(&draft, &line.id).await;
        assert_eq!((&found["graph_dispatch_allowed"], codes(&found["issues"])), (&json!(true), vec!["unmapped_parts".to_owned()]));
        assert!(found["issues"][0]["message"].as_str().is_some_and(|text| text.contains("Unknown_Part")), "{found}");
        for (params, allowed) in [
            (json!({"on_unmapped": "fail"}), false),
            (json!({"max_unmapped": 0}), false),
            (json!({"max_unmapped": 1}), true),
            (json!({"library": "nowhere"}), false),
        ] {
            let resolving = chain(vec![node("materials", "resolve_materials", params), node("render", "render_still", json!({}))]);
            let found = shop.preflight(&resolving, &line.id).await;
            assert_eq!(found["graph_dispatch_allowed"], allowed, "{found}");
            assert_eq!(found["nodes"][0]["status"], if allowed { "ready" } else { "error" });
        }
        // O46: a source that nothing here converts.
        let step = shop.upload("part.step", STEP.to_vec()).await;
        let found = shop.preflight(&chain(vec![node("n", "occ_glb_export", json!({}))]), &step).await;
        assert_eq!((&found["graph_dispatch_allowed"], codes(&found["issues"])), (&json!(true), vec!["cad_conversion_unavailable".to_owned()]));
        // W72: nothing was changed.
        let counts = packshot_db::testing::dump(&app.db).await.expect("rows");
        shop.preflight(&draft, &line.id).await;
        shop.preflight(&draft, &shop.cad_file).await;
        assert_eq!(packshot_db::testing::dump(&app.db).await.expect("rows"), counts);
    }

    async fn options_that_do_not_fit_and_times_that_are_known(engine) {
        let app = TestApp::start_with(&engine, &[("PACKSHOT_MAX_PIXELS", "2000000")]).await;
        let shop = Shop::open(&app).await;
        let line = shop.line(None).await;
        let large = chain(vec![node("r", "render_still", json!({"width": 4096, "height": 4096}))]);
        let found = shop.preflight(&large, &line.id).await;
        assert_eq!((&found["graph_dispatch_allowed"], codes(&found["nodes"][0]["issues"])), (&json!(false), vec!["invalid_workflow_config".to_owned()]));
        let refused = shop.try_dispatch(&large, &line.id).await;
        assert_eq!(refused.problem(), (422, "invalid_workflow_config".to_owned()));
        let small = chain(vec![node("r", "render_still", tiny())]);
        let found = shop.preflight(&small, &line.id).await;
        assert_eq!((&found["estimated_duration_s"], &found["nodes"][0]["estimated_duration_s"]), (&Value::Null, &Value::Null));
        let run = shop.dispatch(small.clone(), &line.id).await["workflow_run"]["id"].clone();
        assert_eq!(shop.ended(&run).await["status"], "completed");
        let found = shop.preflight(&small, &line.id).await;
        assert!(found["estimated_duration_s"].as_f64().is_some_and(|seconds| seconds > 0.0), "{found}");
        // Of pictures with much more to do nothing is known yet.
        let mut longer = tiny();
        longer["samples"] = json!(4096);
        let found = shop.preflight(&chain(vec![node("r", "render_still", longer)]), &line.id).await;
        assert_eq!(found["estimated_duration_s"], Value::Null, "{found}");
    }

    async fn materials_are_counted_as_a_render_finds_them(engine) {
        let app = TestApp::start(&engine).await;
        let shop = Shop::open(&app).await;
        // Two parts wear a material of the library by the file's own name for it, the third wears nothing.
        let mut glb = Glb::parts(&["One", "Two", "Bare"]);
        let mut bare = glb.json["meshes"][0].clone();
        bare["name"] = json!("Plain");
        glb.json["meshes"].as_array_mut().expect("meshes").push(bare);
        glb.json["nodes"][2]["mesh"] = json!(1);
        glb.json["materials"] = json!([{"name": "Steel"}]);
        glb.json["meshes"][0]["primitives"][0]["material"] = json!(0);
        let file = shop.upload("own.glb", glb.bytes()).await;
        let product = id(&shop.made("/api/v1/products", json!({"pim_id": "O", "name": "O", "cad_file_id": file})).await);
        let line = shop.line_of(&product, tiny(), None).await;
        let resolving = |params| chain(vec![node("materials", "resolve_materials", params), node("render", "render_still", json!({}))]);
        let found = shop.preflight(&resolving(json!({"max_unmapped": 0})), &line.id).await;
        assert!(found["nodes"][0]["issues"][0]["message"].as_str().is_some_and(|text| text == "1 part has no material: \"Bare\""), "{found}");
        let run = shop.dispatch(resolving(json!({"max_unmapped": 1})), &line.id).await["workflow_run"]["id"].clone();
        let run = shop.ended(&run).await;
        assert_eq!(run["status"], "completed", "{run}");
        let output = &run["node_results"][0]["output"];
        assert_eq!((&output["parts"], &output["resolved"], &output["unmapped"]), (&json!(3), &json!(2), &json!(1)), "{run}");
        let rendered = shop.line_now(&line).await;
        let steps = rendered["render_job_doc"]["steps"].as_array().expect("steps").clone();
        let step = steps.iter().find(|step| step["name"] == "resolve_materials").expect("materials");
        assert_eq!((&step["output"]["parts"], &step["output"]["unmapped"]), (&json!(3), &json!(1)), "{step}");
        // The parts of a CAD file have the materials of its products.
        let picture = chain(vec![node("input", "resolve_step_path", json!({})), node("render", "render_thumbnail", tiny())]);
        assert_eq!(codes(&shop.preflight(&picture, &file).await["issues"]), ["unmapped_parts"]);
        let worn = json!({"cad_part_materials": [{"part_name": "Bare", "material": "Brass"}]});
        shop.changed(&format!("/api/v1/products/{product}"), worn).await;
        assert_eq!(shop.preflight(&picture, &file).await["issues"], json!([]));
        // The nearest says which way the product is seen.
        let seen = shop.line_of(&product, json!({"view": "top", "width": 16, "height": 16, "samples": 1}), None).await;
        let turned = chain(vec![node("render", "render_still", json!({"azimuth_deg": 30}))]);
        assert_eq!(shop.preflight(&turned, &seen.id).await["graph_dispatch_allowed"], true);
        let kwargs = shop.dispatch(turned, &seen.id).await["task_ids"][0].clone();
        let task = shop.get(&format!("/api/v1/tasks/{}", kwargs.as_str().expect("an id"))).await;
        assert_eq!((&task["kwargs"]["azimuth_deg"], &task["kwargs"]["view"]), (&json!(30.0), &Value::Null), "{task}");
    }

    async fn what_keeps_a_dispatch_back_is_said_before(engine) {
        let app = TestApp::idle(&engine).await;
        let shop = Shop::open(&app).await;
        let refused = async |config: &Value, context: &str| {
            let found = shop.preflight(config, context).await;
            let reply = shop.try_dispatch(config, context).await;
            assert_eq!((&found["graph_dispatch_allowed"], reply.status), (&json!(false), 409), "{found}");
            assert_eq!(codes(&found["issues"])[0], reply.problem().1, "{found}");
            reply.problem().1
        };
        let draft = chain(still(tiny()));
        let line = shop.line(None).await;
        shop.dispatch(draft.clone(), &line.id).await;
        assert_eq!(refused(&draft, &line.id).await, "line_processing");
        let picture = chain(vec![node("input", "resolve_step_path", json!({})), node("render", "render_thumbnail", tiny())]);
        shop.dispatch(picture.clone(), &shop.cad_file).await;
        assert_eq!(refused(&picture, &shop.cad_file).await, "cad_file_processing");
        let rejected = shop.line(None).await;
        let reject = shop.admin.send(Method::POST, &format!("/api/orders/{}/submit", rejected.order), &json!({})).await;
        assert_eq!(reject.status, 200, "{}", reject.text());
        let reject = shop.admin.send(Method::POST, &format!("/api/orders/{}/reject", rejected.order), &json!({"reason": "no"})).await;
        assert_eq!(reject.status, 200, "{}", reject.text());
        assert_eq!(refused(&draft, &rejected.id).await, "order_rejected");
        // One that is switched off.
        let other = shop.line(None).await;
        let off = json!({"name": "Off", "is_active": false, "config": draft});
        let off = id(&shop.made("/api/workflows", off).await);
        let found = shop.get(&format!("/api/workflows/{off}/preflight?context_id={}", other.id)).await;
        assert_eq!((&found["graph_dispatch_allowed"], &codes(&found["issues"])[0][..]), (&json!(false), "workflow_inactive"));
        // A graph that leaves the line as it is.
        let found = shop.preflight(&chain(vec![node("setup", "order_line_setup", json!({}))]), &other.id).await;
        assert!(codes(&found["issues"]).contains(&"publishes_nothing".to_owned()), "{found}");
        assert_eq!(found["graph_dispatch_allowed"], true);
    }
}
