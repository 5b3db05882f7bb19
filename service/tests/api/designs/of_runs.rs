//! D69: designs that workflows lay onto products.

use packshot_domain::access::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::bench::{Bench, installation};
use crate::app::{TestApp, id, poll};
use crate::workflows::{chain, node, output};
use packshot_service::app::OwnDeeds;

/// The options of a test's pictures, as a node has them.
fn pictures(more: &Value) -> Value {
    let mut options = json!({
        "width": 16, "height": 16, "samples": 2, "noise_threshold": 0, "light": "white", "denoise": "off",
    });
    more.as_object().expect("members").iter().for_each(|(name, value)| options[name] = value.clone());
    options
}

/// A graph that composes a design and renders it from six sides.
fn graph(design: Value, render: Value) -> Value {
    chain(vec![
        node("setup", "order_line_setup", json!({})),
        node("design", "compose_design", design),
        node("render", "render_views", render),
        node("output", "output_save", json!({})),
        node("media", "associate_media", json!({})),
    ])
}

impl Bench<'_> {
    async fn made(&self, path: &str, body: Value) -> Value {
        let made = self.admin.send(Method::POST, path, &body).await;
        assert!([200, 201].contains(&made.status), "{path}: {}", made.text());
        made.json()
    }

    /// A line of the mug, by an output type of its own.
    async fn line(&self) -> String {
        let name = format!("Type {}", uuid::Uuid::now_v7());
        let output_type = self.made("/api/v1/output-types", json!({"name": name, "kind": "views"})).await;
        let lines = json!([{"product_id": self.product, "output_type_id": id(&output_type)}]);
        id(&self.made("/api/orders", json!({"lines": lines})).await["lines"][0])
    }

    /// Dispatches a graph on a new line, and waits for its end.
    async fn run(&self, config: Value) -> Value {
        let draft = json!({"context_id": self.line().await, "config": config});
        let run = id(&self.made("/api/workflows/dispatch", draft).await["workflow_run"]);
        let ask = async || self.admin.get(&format!("/api/workflows/runs/{run}")).await.json();
        let has_ended = |run: &Value| ["completed", "failed"].iter().any(|word| run["status"] == *word);
        poll(ask, has_ended).await
    }

    /// The bytes of assets.
    async fn bytes(&self, assets: &Value) -> Vec<Vec<u8>> {
        let mut bytes = Vec::new();
        for asset in assets.as_array().expect("assets") {
            let path = format!("/api/media/assets/{}/content", asset.as_str().expect("an id"));
            bytes.push(self.admin.get(&path).await.body);
        }
        bytes
    }
}

cases! {
    async fn d69_a_workflow_lays_a_design_onto_a_product_as_a_job_does(engine) {
        let site = installation(&engine, OwnDeeds).await;
        let app = site.start(true).await;
        let bench = Bench::open(&app).await;
        let placed = json!({"rotation_deg": 10, "width": 40, "unit": "mm"});
        let of_job = async |more: Value| {
            let mut request = json!({"placement": placed, "associate": false});
            more.as_object().expect("members").iter().for_each(|(name, value)| request[name] = value.clone());
            let done = bench.ended(&id(&bench.start(&request).await)).await;
            assert_eq!(done["status"], "completed", "{done}");
            let outputs = done["outputs"].as_array().expect("outputs").iter();
            let shown = bench.bytes(&outputs.map(|output| output["asset_id"].clone()).collect()).await;
            (done, shown)
        };
        let (job, from_the_side) = of_job(json!({})).await;
        let asset = job["design"]["asset_id"].clone();
        let mut placement = placed.clone();
        placement["design_asset_id"] = asset.clone();
        placement["area"] = json!({"material": "Print"});
        let compose = json!({"placement": placement, "texture_px": 512});
        let straight = pictures(&json!({"elevation_deg": 0, "scale": "shared"}));
        let run = bench.run(graph(compose.clone(), straight.clone())).await;
        assert_eq!(run["status"], "completed", "{run}");
        assert_eq!(bench.bytes(&output(&run, "render")["asset_ids"]).await, from_the_side, "the same bytes as the job's");

        // The texture is an asset of the line too, and the node says where the design lies.
        let design = output(&run, "design");
        assert_eq!(bench.bytes(&design["asset_ids"]).await, bench.bytes(&json!([job["texture"]["asset_id"]])).await);
        let texture = design["asset_id"].as_str().expect("an asset");
        let texture = bench.admin.get(&format!("/api/media/assets/{texture}")).await.json();
        assert_eq!((&texture["asset_type"], &texture["view_name"]), (&json!("design_texture"), &Value::Null));
        let report = &design["placement_report"];
        assert_eq!((&report["area"]["mapping"], &report["box_mm"]), (&json!("cylindrical"), &job["placement_report"]["box_mm"]));
        assert_eq!((&design["publish_asset_enabled"], &output(&run, "render")["graph_authoritative_output_enabled"]), (&json!(true), &json!(true)));
        let gallery = json!(bench.gallery().await);
        assert_eq!(gallery, output(&run, "render")["asset_ids"], "the pictures, in view order");
        assert_eq!(bench.thumbnail().await, gallery[0]);

        // With the defaults of the step its pictures are seen from 20 degrees, each in its own size.
        let (_, from_above) = of_job(json!({"elevation_deg": 20, "scale": "per_view"})).await;
        assert_ne!(from_above, from_the_side);
        let run = bench.run(graph(compose, pictures(&json!({})))).await;
        assert_eq!(bench.bytes(&output(&run, "render")["asset_ids"]).await, from_above);

        // A stored area by its name, and the product's default, are the same surfaces.
        let wall = json!({"name": "Wall", "selector": {"material": "Print"}, "is_default": true});
        bench.made(&format!("/api/v1/products/{}/design-areas", bench.product), wall).await;
        for area in [json!("Wall"), json!(null)] {
            let mut placement = placed.clone();
            placement["design_asset_id"] = asset.clone();
            placement["area"] = area;
            let run = bench.run(graph(json!({"placement": placement, "texture_px": 512}), straight.clone())).await;
            assert_eq!(bench.bytes(&output(&run, "render")["asset_ids"]).await, from_the_side, "{run}");
        }

        // What cannot be composed fails the run, and nothing of it is rendered.
        let outside = json!({"design_asset_id": asset, "area": "Wall", "y": 5000, "width": 10});
        let run = bench.run(graph(json!({"placement": outside, "texture_px": 512}), straight)).await;
        assert_eq!(run["status"], "failed");
        let states: Vec<&Value> = run["node_results"].as_array().expect("nodes").iter().map(|node| &node["status"]).collect();
        assert_eq!(states, ["completed", "failed", "skipped", "completed", "completed"], "{run}");
        assert!(run["error_message"].as_str().is_some_and(|text| !text.is_empty()), "{run}");
    }

    async fn d69_what_a_node_says_of_a_design_is_checked_before_it_is_dispatched(engine) {
        let app = TestApp::idle(&engine).await;
        let bench = Bench::open(&app).await;
        let line = bench.line().await;
        let draft = |design: Value| json!({"context_id": line, "config": graph(design, pictures(&json!({})))});
        let sent = async |path: &str, design: Value| bench.admin.send(Method::POST, path, &draft(design)).await;
        let nobody = uuid::Uuid::now_v7();
        for design in [json!({}), json!({"placement": {"design_asset_id": nobody}})] {
            let found = sent("/api/workflows/preflight", design.clone()).await.json();
            assert_eq!(found["graph_dispatch_allowed"], false);
            let node = found["nodes"].as_array().expect("nodes").iter().find(|node| node["node_id"] == "design");
            assert_eq!(node.expect("a node")["issues"][0]["code"], "design_missing", "{found}");
            let refused = sent("/api/workflows/dispatch", design).await;
            assert_eq!(refused.problem(), (409, "graph_execution_failed".to_owned()), "{}", refused.text());
        }
        for (placement, pointer) in [
            (json!({"opacity": 2}), "/config/nodes/1/params/placement/opacity"),
            (json!({"area": {"part": 3}}), "/config/nodes/1/params/placement/area/part"),
            (json!({"design_asset_id": "logo"}), "/config/nodes/1/params/placement/design_asset_id"),
            (json!({"preset": "wrap"}), "/config/nodes/1/params/placement/preset"),
        ] {
            let refused = sent("/api/workflows/dispatch", json!({"placement": placement})).await;
            assert_eq!((refused.problem().0, refused.pointers()), (422, vec![pointer.to_owned()]));
        }
        let steps = async || {
            let steps = bench.admin.get("/api/workflows/steps").await.json();
            let steps = steps["items"].as_array().expect("steps").clone();
            steps.into_iter().find(|step| step["name"] == "compose_design").expect("a step")
        };
        let step = steps().await;
        assert_eq!((&step["available"], &step["queue"], &step["predicted_asset_type"]), (&json!(true), &json!("convert"), &json!("design_texture")));
        let placement = &step["params_schema"]["properties"]["placement"];
        assert!(placement["properties"]["rotation_deg"].is_object() && placement["properties"]["design_asset_id"].is_object());
        assert_eq!(step["params_schema"]["properties"]["texture_px"]["default"], 4096);
        // A tenant that has no designs has them in no workflow either.
        let off = json!({"features": {"design_renders": false}});
        let operator = app.with_key(&app.operating_key(&[Scope::Admin]).await);
        let set = operator.send(Method::PATCH, &format!("/api/v1/tenants/{}/config", bench.tenant), &off).await;
        assert_eq!(set.status, 200, "{}", set.text());
        assert_eq!(steps().await["available"], false);
        let design = json!({"placement": {"design_asset_id": nobody}});
        assert_eq!(sent("/api/workflows/dispatch", design).await.problem(), (422, "unsupported_nodes".to_owned()));
    }
}
