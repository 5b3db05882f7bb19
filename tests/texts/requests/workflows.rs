//! Workflows of the client that end badly, on a line of an order.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use super::{ID, Service, client, refused};
use crate::Text;

/// What `packshot client workflow` says of them.
pub(super) async fn that_end_badly(service: &Service, folder: &Path, texts: &mut Vec<Text>) {
    let get =
        async |path: &str| -> Value { service.get(path).send().await.expect("an answer").json().await.expect("JSON") };
    std::fs::write(folder.join("line.csv"), "pim_id,output_type\n6204,Front\n").expect("written");
    let order = ["order", "create", "line.csv", "--number", "PO 4716"];
    assert_eq!(client(service, folder, &order), [], "it is made");
    let order = get("/api/orders?order_number=PO%204716").await["items"][0]["id"].clone();
    let line = get(&format!("/api/orders/{}", order.as_str().expect("an id"))).await["lines"][0]["id"].clone();
    let file = get("/api/v1/cad-files").await["items"][0]["id"].clone();
    let (line, file) = (line.as_str().expect("an id"), file.as_str().expect("an id"));
    let still = |params: Value| json!({"type": "still", "params": params});
    std::fs::write(folder.join("graph.json"), still(json!({"camera": "Gone"})).to_string()).expect("written");
    texts.extend(client(service, folder, &["workflow", "validate", "graph.json", "--context", file]));
    texts.extend(of_run(client(
        service,
        folder,
        &["workflow", "dispatch", "graph.json", "--context", line, "--watch"],
    )));

    refusals(service, (line, file), texts).await;
    let endless = json!({"width": 512, "height": 512, "samples": 65536, "noise_threshold": 0, "max_time_s": 3600});
    let endless = json!({"context_id": line, "config": still(endless)});
    let post = async |path: &str, body: &Value| -> Value {
        let answer = service.request(Method::POST, path).json(body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.expect("JSON")
    };
    let run = post("/api/workflows/dispatch", &endless).await["workflow_run"]["id"].clone();
    let run = run.as_str().expect("an id");
    post(&format!("/api/workflows/runs/{run}/cancel"), &json!({})).await;
    texts.extend(of_run(client(service, folder, &["workflow", "watch", run])));
    texts.extend(of_run(client(service, folder, &["workflow", "compare", run])));
    texts.extend(refused(service.request(Method::GET, &format!("/api/workflows/runs/{run}/comparison"))).await);
}

/// What the service says of graphs that it does not take, on a line and a CAD file, and of tasks of a run that failed.
async fn refusals(service: &Service, (line, file): (&str, &str), texts: &mut Vec<Text>) {
    let post = |path: &str, body: &Value| service.request(Method::POST, &format!("/api{path}")).json(body);
    let graph = |step: &str| json!({"version": 1, "nodes": [{"id": "node", "step": step}]});
    let draft = |context: &str, config: Value| json!({"context_id": context, "config": config});
    for (context, config) in [
        (ID, graph("render_still")),
        (file, graph("render_still")),
        (line, json!({"version": 1, "nodes": []})),
        (line, graph("parse_excel")),
    ] {
        texts.extend(refused(post("/workflows/dispatch", &draft(context, config))).await);
    }
    for disabled in [json!(["deliver"]), json!(null)] {
        let set = service.request(Method::PATCH, "/api/v1/settings").json(&json!({"disabled_steps": disabled}));
        assert!(set.send().await.expect("an answer").status().is_success());
        if !disabled.is_null() {
            texts.extend(refused(post("/workflows/dispatch", &draft(line, graph("deliver")))).await);
        }
    }
    texts.extend(refused(service.request(Method::GET, &format!("/api/workflows/runs/{ID}"))).await);
    let made = async |path: &str, body: &Value| -> String {
        let made = post(path, body).send().await.expect("an answer").json::<Value>().await.expect("JSON");
        made["id"].as_str().expect("it is made").to_owned()
    };
    let template = made("/v1/render-templates", &json!({"name": "Named by a workflow"})).await;
    let mut naming = graph("resolve_template");
    naming["nodes"][0]["params"] = json!({"template_id": template});
    made("/workflows", &json!({"name": "Naming", "config": naming})).await;
    let delete = service.request(Method::DELETE, &format!("/api/v1/render-templates/{template}"));
    texts.extend(refused(delete).await);
    let off = json!({"name": "Off", "config": graph("render_still"), "is_active": false});
    let off = made("/workflows", &off).await;
    texts.extend(refused(post(&format!("/workflows/{off}/dispatch?context_id={line}"), &json!({}))).await);
    let failed = service.get("/api/v1/tasks?state=failed&limit=1").send().await.expect("an answer");
    let failed: Value = failed.json().await.expect("JSON");
    let task = failed["items"][0]["id"].as_str().expect("the newest is of the run");
    texts.extend(refused(post(&format!("/v1/tasks/{task}/requeue"), &json!({}))).await);
}

/// The texts about a run, whose id is drawn anew each time.
fn of_run(mut texts: Vec<Text>) -> Vec<Text> {
    for text in &mut texts {
        if let Some((before, _)) = text.at.rsplit_once("run ") {
            text.at = format!("{before}run {ID}");
        }
    }
    texts
}
