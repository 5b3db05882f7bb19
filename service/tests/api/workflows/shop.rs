//! A tenant with products, lines and workflows to dispatch them with.

use packshot_domain::access::{Role, Scope};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::doubles::Doubles;
use crate::app::{Guest, Installation, Reply, TestApp, TestDatabase, id, poll};
use crate::glb::Glb;

/// A service whose dispatches go through doubles, and without a worker.
pub(super) async fn doubled(engine: &TestDatabase, doubles: &Doubles) -> TestApp {
    doubled_with(engine, doubles, &[]).await
}

/// The same with settings.
pub(super) async fn doubled_with(engine: &TestDatabase, doubles: &Doubles, settings: &[(&str, &str)]) -> TestApp {
    Installation::new(engine, settings).await.through(doubles.ports.clone()).start(false).await
}

/// A node of a graph.
pub(crate) fn node(id: &str, step: &str, params: Value) -> Value {
    json!({"id": id, "step": step, "params": params})
}

/// A graph in mode `graph`.
pub(super) fn graph(nodes: Vec<Value>, edges: &[(&str, &str)]) -> Value {
    graph_in("graph", nodes, edges)
}

/// A graph of its own in a mode.
pub(super) fn graph_in(mode: &str, nodes: Vec<Value>, edges: &[(&str, &str)]) -> Value {
    let edges: Vec<Value> = edges.iter().map(|(from, to)| json!({"from": from, "to": to})).collect();
    json!({"version": 1, "ui": {"preset": "custom", "execution_mode": mode}, "nodes": nodes, "edges": edges})
}

/// A graph whose nodes follow each other.
pub(crate) fn chain(nodes: Vec<Value>) -> Value {
    chain_in("graph", nodes)
}

/// The same in a mode.
pub(super) fn chain_in(mode: &str, nodes: Vec<Value>) -> Value {
    let names: Vec<String> = nodes.iter().map(id).collect();
    let edges: Vec<(&str, &str)> = names.windows(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
    graph_in(mode, nodes, &edges)
}

/// Setup, template and render, as most graphs begin.
pub(crate) fn still(params: Value) -> Vec<Value> {
    vec![
        node("setup", "order_line_setup", json!({})),
        node("template", "resolve_template", json!({})),
        node("render", "blender_still", params),
    ]
}

/// What a picture takes that a test can wait for.
pub(crate) fn tiny() -> Value {
    json!({"width": 16, "height": 16, "samples": 2, "noise_threshold": 0, "light": "white"})
}

/// A tenant's admin with a product.
pub(crate) struct Shop<'a> {
    pub(crate) admin: Guest<'a>,
    pub(super) cad_file: String,
    pub(crate) product: String,
}

/// A line of a draft, with what it is of.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) order: String,
    pub(super) output_type: String,
    /// The definition of the output type, if it has one.
    pub(super) workflow: Option<String>,
}

impl<'a> Shop<'a> {
    /// With the product of the renderable line.
    pub(crate) async fn open(app: &'a TestApp) -> Self {
        let (_, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let shop = Self { admin: app.with_key(&key), cad_file: String::new(), product: String::new() };
        let cad_file = shop.upload("product.glb", Glb::body()).await;
        let product = json!({
            "pim_id": "PIM-1", "name": "Dispatch Product", "category_key": "dispatch", "cad_file_id": cad_file,
            "cad_part_materials": [{"part_name": "Body", "material": "Chrome"}],
        });
        let product = id(&shop.made("/api/v1/products", product).await);
        Self { cad_file, product, ..shop }
    }

    /// The key that its requests carry.
    pub(crate) fn key(&self) -> &str {
        self.admin.key()
    }

    pub(crate) async fn upload(&self, name: &str, bytes: Vec<u8>) -> String {
        let form = Form::new().part("file", Part::bytes(bytes).file_name(name.to_owned()));
        id(&Reply::of(self.admin.request(Method::POST, "/api/v1/cad-files").multipart(form)).await.json())
    }

    pub(crate) async fn made(&self, path: &str, body: Value) -> Value {
        let made = self.admin.send(Method::POST, path, &body).await;
        assert!([200, 201].contains(&made.status), "{path}: {}", made.text());
        made.json()
    }

    pub(crate) async fn changed(&self, path: &str, body: Value) {
        let changed = self.admin.send(Method::PATCH, path, &body).await;
        assert_eq!(changed.status, 200, "{path}: {}", changed.text());
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let found = self.admin.get(path).await;
        assert_eq!(found.status, 200, "{path}: {}", found.text());
        found.json()
    }

    /// A line of a product, by an output type with these settings and this workflow, which is linked both ways.
    pub(crate) async fn line_of(&self, product: &str, settings: Value, config: Option<Value>) -> Line {
        let name = format!("Type {}", uuid::Uuid::now_v7());
        let new = json!({"name": name, "render_backend": "auto", "render_settings": settings});
        let output_type = id(&self.made("/api/v1/output-types", new).await);
        let mut workflow = None;
        if let Some(config) = config {
            let new = json!({"name": "Workflow", "output_type_id": output_type, "config": config});
            let made = id(&self.made("/api/workflows", new).await);
            self.changed(&format!("/api/v1/output-types/{output_type}"), json!({"workflow_definition_id": made})).await;
            workflow = Some(made);
        }
        let lines = json!([{"product_id": product, "output_type_id": output_type}]);
        let order = self.made("/api/orders", json!({"lines": lines})).await;
        Line { id: id(&order["lines"][0]), order: id(&order), output_type, workflow }
    }

    /// A renderable line.
    pub(crate) async fn line(&self, config: Option<Value>) -> Line {
        self.line_of(&self.product, json!({}), config).await
    }

    /// A line whose product has no CAD file.
    pub(super) async fn bare_line(&self, config: Option<Value>) -> Line {
        let pim_id = format!("PIM-{}", uuid::Uuid::now_v7());
        let product =
            id(&self.made("/api/v1/products", json!({"pim_id": pim_id, "name": "Workflow Test Product"})).await);
        self.line_of(&product, json!({}), config).await
    }

    /// Dispatches a line by the workflow of its output type.
    pub(crate) async fn dispatch_line(&self, line: &Line) -> Value {
        let dispatched = self.admin.post(&format!("/api/v1/order-lines/{}/dispatch", line.id)).await;
        assert_eq!(dispatched.status, 200, "{}", dispatched.text());
        dispatched.json()
    }

    /// Saves a definition for any output type.
    pub(super) async fn saved(&self, config: Value) -> String {
        id(&self.made("/api/workflows", json!({"name": "Saved", "config": config})).await)
    }

    /// Dispatches a saved definition.
    pub(super) async fn dispatch_saved(&self, workflow: &str, context: &str) -> Value {
        self.made(&format!("/api/workflows/{workflow}/dispatch?context_id={context}"), json!({})).await
    }

    /// Dispatches a graph that is not saved.
    pub(super) async fn dispatch(&self, config: Value, context: &str) -> Value {
        self.made("/api/workflows/dispatch", json!({"context_id": context, "config": config})).await
    }

    /// Tries to.
    pub(super) async fn try_dispatch(&self, config: &Value, context: &str) -> Reply {
        let body = json!({"context_id": context, "config": config});
        self.admin.send(Method::POST, "/api/workflows/dispatch", &body).await
    }

    pub(super) async fn preflight(&self, config: &Value, context: &str) -> Value {
        self.made("/api/workflows/preflight", json!({"context_id": context, "config": config})).await
    }

    pub(super) async fn run(&self, run: &Value) -> Value {
        self.get(&format!("/api/workflows/runs/{}", run.as_str().expect("an id"))).await
    }

    /// A run when it has ended.
    pub(crate) async fn ended(&self, run: &Value) -> Value {
        let path = format!("/api/workflows/runs/{}", run.as_str().expect("an id"));
        let is_over = |run: &Value| ["completed", "failed", "cancelled"].iter().any(|state| run["status"] == *state);
        poll(async || self.admin.get(&path).await.json(), is_over).await
    }

    pub(crate) async fn line_now(&self, line: &Line) -> Value {
        self.get(&format!("/api/v1/order-lines/{}", line.id)).await
    }

    pub(super) async fn order_now(&self, line: &Line) -> Value {
        self.get(&format!("/api/orders/{}", line.order)).await
    }

    pub(crate) async fn line_when(&self, line: &Line, status: &str) -> Value {
        let path = format!("/api/v1/order-lines/{}", line.id);
        poll(async || self.admin.get(&path).await.json(), |line| line["render_status"] == status).await
    }
}

/// The states of a run's nodes by their names, in order.
pub(super) fn states(run: &Value) -> Vec<(String, String)> {
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    let nodes = run["node_results"].as_array().expect("nodes").iter();
    nodes.map(|node| (word(&node["node_name"]), word(&node["status"]))).collect()
}

/// Names and states, to compare with.
pub(super) fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, state)| ((*name).to_owned(), (*state).to_owned())).collect()
}

/// What a node says of its work.
pub(crate) fn output(run: &Value, name: &str) -> Value {
    let nodes = run["node_results"].as_array().expect("nodes");
    let node = nodes.iter().find(|node| node["node_name"] == name).unwrap_or_else(|| panic!("no {name} in {run}"));
    node["output"].clone()
}
