//! The service is killed in the middle of a graph.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::service::{SOON, Service, Workplace, boxes, http};
use crate::workflow_client::ask;

async fn get(service: &Service, path: &str) -> Value {
    ask(service, Method::GET, path, &Value::Null).await
}

/// Asks again until an answer satisfies a condition.
async fn when(service: &Service, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let waited = tokio::time::timeout(SOON, async {
        loop {
            let now = get(service, path).await;
            if is_so(&now) {
                return now;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{path} stays as it is"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("text, not {value}"))
}

/// A product, and lines of it to dispatch.
struct Shop {
    product: String,
    materials: Vec<Value>,
    output_type: String,
}

impl Shop {
    async fn open(service: &Service) -> Self {
        let file = Form::new().part("file", Part::bytes(boxes()).file_name("boxes.glb"));
        let sent = http().post(format!("{}/api/v1/cad-files", service.url)).multipart(file).send().await;
        let file: Value = sent.expect("an answer").json().await.expect("a CAD file");
        let parts = file["parsed_objects"]["objects"].as_array().expect("parts");
        let materials = parts.iter().map(|part| json!({"part_name": part, "material": "STD_010101_Steel-Bare"}));
        let materials: Vec<Value> = materials.collect();
        let product = json!({"pim_id": "P", "name": "P", "cad_file_id": file["id"], "cad_part_materials": materials});
        let product = ask(service, Method::POST, "/api/v1/products", &product).await;
        let output_type = ask(service, Method::POST, "/api/v1/output-types", &json!({"name": "Front"})).await;
        Self { product: text(&product["id"]).to_owned(), materials, output_type: text(&output_type["id"]).to_owned() }
    }

    async fn give(&self, service: &Service, material: &str) {
        let mut parts = self.materials.clone();
        parts.iter_mut().for_each(|part| part["material"] = json!(material));
        let path = format!("/api/v1/products/{}", self.product);
        ask(service, Method::PATCH, &path, &json!({"cad_part_materials": parts})).await;
    }

    /// Dispatches a graph of one picture for a new line: the path of its run.
    async fn dispatch(&self, service: &Service) -> String {
        let lines = json!([{"product_id": self.product, "output_type_id": self.output_type}]);
        let order = ask(service, Method::POST, "/api/orders", &json!({"lines": lines})).await;
        let params = json!({"width": 96, "height": 96, "samples": 2048, "noise_threshold": 0, "denoise": "off"});
        let config = json!({"version": 1, "ui": {"execution_mode": "graph"}, "nodes": [
            {"id": "render", "step": "render_still", "params": params}, {"id": "output", "step": "output_save"},
        ], "edges": [{"from": "render", "to": "output"}]});
        let graph = json!({"context_id": order["lines"][0]["id"], "config": config});
        let dispatched = ask(service, Method::POST, "/api/workflows/dispatch", &graph).await;
        format!("/api/workflows/runs/{}", text(&dispatched["workflow_run"]["id"]))
    }
}

/// The picture that a run has made.
fn picture(run: &Value) -> &str {
    assert_eq!(run["status"], "completed", "{run}");
    text(&run["node_results"][0]["output"]["file_hash"])
}

#[tokio::test]
async fn w93_a_second_attempt_gives_the_picture_of_the_first() {
    let place = Workplace::new();
    let service = place.start();
    let shop = Shop::open(&service).await;
    let run = shop.dispatch(&service).await;
    when(&service, &run, |run| run["status"] == "running").await;
    // After the start it has another material, and the service is gone.
    shop.give(&service, "STD_020101_Brass").await;
    service.kill();
    let service = place.start();
    let is_over = |run: &Value| ["completed", "failed"].iter().any(|status| run["status"] == *status);
    let killed = when(&service, &run, is_over).await;
    let task = text(&killed["node_results"][0]["output"]["task_id"]);
    assert_eq!(get(&service, &format!("/api/v1/tasks/{task}")).await["attempt"], 2, "{killed}");
    let brass = shop.dispatch(&service).await;
    let brass = when(&service, &brass, is_over).await;
    shop.give(&service, "STD_010101_Steel-Bare").await;
    let steel = shop.dispatch(&service).await;
    let steel = when(&service, &steel, is_over).await;
    assert_eq!(picture(&killed), picture(&steel), "what the first attempt saw");
    assert_ne!(picture(&killed), picture(&brass));
}
