//! How a site leaves Blender: Blender's pictures count while Packshot renders the same as a shadow; then Packshot's
//! count, and then Blender's again. `scripts/measure shadow` does it with real products.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::service::{Service, Workplace, http};
use crate::tools::tool;
use crate::workflow_client::ask;

/// How long a picture of Blender and what follows from it may take on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(180);

/// What the parts of the sample bearing are made of, by words of their names.
const MATERIALS: [(&str, &str); 3] =
    [("Seal", "STD_020301_NBR-Black"), ("Cage", "STD_010501_Brass-CuZn30"), ("", "STD_010101_Steel-Bare")];

/// A Python with Blender, where `scripts/test` installs it.
fn blender() -> Option<PathBuf> {
    tool("peers/lib/python3.11/site-packages/bpy").and(tool("peers/bin/python"))
}

/// A service whose lines are rendered by Blender.
fn start(place: &Workplace, python: &Path) -> Service {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/blender-executor/render.py");
    let command = json!([python, example]);
    let text = format!(
        "legacy_executor = \"blender\"\n\n[legacy_executors.blender]\nkind = \"command\"\ncommand = {command}\n"
    );
    std::fs::write(place.path("packshot.toml"), text).expect("written");
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0", "--config", "packshot.toml"]);
    Service::spawn(command.env("PACKSHOT", env!("CARGO_BIN_EXE_packshot")))
}

/// The bearing that `packshot sample` writes, as a product of which every part has a material.
async fn bearing(place: &Workplace, service: &Service) -> Value {
    let (code, _, stderr) = place.run(&["sample", "bearing", "-o", "bearing.glb"]);
    assert_eq!(code, 0, "{stderr}");
    let glb = std::fs::read(place.path("bearing.glb")).expect("a GLB");
    let form = reqwest::multipart::Form::new();
    let form = form.part("file", reqwest::multipart::Part::bytes(glb).file_name("bearing.glb"));
    let sent = http().post(format!("{}/api/v1/cad-files", service.url)).multipart(form).send().await;
    let file: Value = sent.expect("an answer").json().await.expect("JSON");
    let parts = file["parsed_objects"]["objects"].as_array().expect("parts").iter().map(|part| {
        let name = part.as_str().expect("a name");
        let (_, material) = MATERIALS.iter().find(|(word, _)| name.contains(word)).expect("the last fits all");
        json!({"part_name": name, "material": material})
    });
    let product = json!({
        "pim_id": "1",
        "name": "Bearing",
        "cad_file_id": file["id"],
        "cad_part_materials": parts.collect::<Vec<_>>(),
    });
    ask(service, Method::POST, "/api/v1/products", &product).await
}

/// A line of a new order, dispatched: its path, and the result of the dispatch.
async fn dispatched(service: &Service, product: &Value, output_type: &Value) -> (String, Value) {
    let lines = json!({"lines": [{"product_id": product["id"], "output_type_id": output_type["id"]}]});
    let order = ask(service, Method::POST, "/api/orders", &lines).await;
    let line = format!("/api/v1/order-lines/{}", order["lines"][0]["id"].as_str().expect("an id"));
    let result = ask(service, Method::POST, &format!("{line}/dispatch"), &json!({})).await;
    (line, result)
}

/// What is found at a path, once it is so far.
async fn found_when(service: &Service, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let found = ask(service, Method::GET, path, &Value::Null).await;
        if is_so(&found) {
            return found;
        }
        assert!(Instant::now() < until, "it stays {found}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What rendered a line, once its picture is there.
async fn renderer(service: &Service, line: &str) -> Value {
    let has_ended = |line: &Value| line["render_status"] == "completed" || line["render_status"] == "failed";
    let line = found_when(service, line, has_ended).await;
    assert_eq!(line["render_status"], "completed", "{line}");
    line["render_job_doc"]["result"]["engine_used"].clone()
}

#[tokio::test]
async fn a_site_leaves_blender_and_returns() {
    let Some(python) = blender() else {
        println!("skipped: Blender is not installed");
        return;
    };
    let place = Workplace::new();
    let service = start(&place, &python);
    let product = bearing(&place, &service).await;
    let workflow = |mode: &str| json!({"name": "Still", "config": {"type": "still", "ui": {"execution_mode": mode}}});
    let id = ask(&service, Method::POST, "/api/workflows", &workflow("shadow")).await["id"].clone();
    let path = format!("/api/workflows/{}", id.as_str().expect("an id"));
    let settings = json!({
        "width": 96, "height": 96, "samples": 64, "look": "blender-5.0", "azimuth_deg": 30, "elevation_deg": 20,
    });
    let output_type = json!({
        "name": "Front",
        "render_settings": settings,
        "workflow_definition_id": id,
        "rollout_gate": {"metric": "flip"},
    });
    let output_type = ask(&service, Method::POST, "/api/v1/output-types", &output_type).await;

    let (line, result) = dispatched(&service, &product, &output_type).await;
    assert_eq!(result["rollout_gate_status"], "pending_shadow_verdict", "{result}");
    assert_eq!(renderer(&service, &line).await, "blender");
    let run = result["shadow_workflow_run_id"].as_str().expect("the shadow's run");
    let is_judged = |found: &Value| !found["rollout_gate"]["verdict"].is_null();
    let found = found_when(&service, &format!("/api/workflows/runs/{run}/comparison"), is_judged).await;
    println!("mean FLIP {}", found["mean_flip"]);
    let flip = found["mean_flip"].as_f64().expect("a figure");
    assert_eq!(found["rollout_gate"]["verdict"], "pass", "{found}");
    assert!(flip > 0.001, "two renderers do not draw the same picture: {flip}");

    let modes = [("graph", "graph_authoritative", "path_tracer"), ("legacy", "legacy_only", "blender")];
    for (mode, status, engine) in modes {
        ask(&service, Method::PUT, &path, &workflow(mode)).await;
        let (line, result) = dispatched(&service, &product, &output_type).await;
        assert_eq!(result["rollout_gate_status"], status, "{result}");
        assert_eq!(renderer(&service, &line).await, engine);
    }
}
