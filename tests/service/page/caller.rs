//! Whoever sends requests beside the page.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::service::{Service, http};

/// The password of whoever is made here.
pub(super) const PASSWORD: &str = "several words together";

/// Somebody with a token or a key, or nobody where the service is open.
pub(super) struct Caller<'a> {
    pub(super) service: &'a Service,
    token: Option<String>,
}

impl<'a> Caller<'a> {
    /// Whoever is on the machine of a service that is open.
    pub(super) fn open(service: &'a Service) -> Self {
        Self { service, token: None }
    }

    pub(super) fn with_key(service: &'a Service, key: &str) -> Self {
        Self { service, token: Some(key.trim().to_owned()) }
    }

    /// Somebody that [`user`](Self::user) has made.
    pub(super) async fn signed_in(service: &'a Service, email: &str) -> Self {
        let sign_in = json!({"email": email, "password": PASSWORD});
        let tokens = Self::open(service).post("/api/auth/login", sign_in).await;
        Self { service, token: tokens["access_token"].as_str().map(str::to_owned) }
    }

    async fn send(&self, request: RequestBuilder) -> Value {
        let request = self.token.iter().fold(request, RequestBuilder::bearer_auth);
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let body = answer.json().await.unwrap_or_default();
        assert!(status.is_success(), "{status}: {body}");
        body
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        http().request(method, format!("{}{path}", self.service.url))
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        self.send(self.request(Method::GET, path)).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Value {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    pub(super) async fn patch(&self, path: &str, body: Value) -> Value {
        self.send(self.request(Method::PATCH, path).json(&body)).await
    }

    pub(super) async fn delete(&self, path: &str) -> Value {
        self.send(self.request(Method::DELETE, path)).await
    }

    pub(super) async fn user(&self, email: &str, role: &str) -> Value {
        let new = json!({"email": email, "display_name": "Cleo", "role": role, "password": PASSWORD});
        self.post("/api/v1/users", new).await
    }

    /// A product of a file.
    pub(super) async fn product(&self, pim_id: &str, glb: Vec<u8>) -> Value {
        let part = reqwest::multipart::Part::bytes(glb).file_name("part.glb");
        let form = reqwest::multipart::Form::new().part("file", part);
        let file = self.send(self.request(Method::POST, "/api/v1/cad-files").multipart(form)).await;
        self.post("/api/v1/products", json!({"pim_id": pim_id, "name": "Lager", "cad_file_id": file["id"]})).await
    }

    /// A picture among the media.
    pub(super) async fn upload(&self, name: &str, picture: Vec<u8>) -> Value {
        let request = reqwest::multipart::Part::text("{}").mime_str("application/json").expect("a media type");
        let part = reqwest::multipart::Part::bytes(picture).file_name(name.to_owned());
        let form = reqwest::multipart::Form::new().part("request", request).part("file", part);
        self.send(self.request(Method::POST, "/api/media/assets").multipart(form)).await
    }

    pub(super) async fn output_type(&self, name: &str, settings: Value, max_unmapped: Option<u32>) -> Value {
        let new = json!({"name": name, "render_settings": settings, "max_unmapped": max_unmapped});
        self.post("/api/v1/output-types", new).await
    }

    /// An order with lines of products and output types.
    pub(super) async fn order(&self, lines: &[(&Value, &Value)], more: Value) -> Value {
        let line = |(product, output_type): &(&Value, &Value)| json!({"product_id": product["id"], "output_type_id": output_type["id"]});
        let mut new = json!({"lines": lines.iter().map(line).collect::<Vec<_>>()});
        more.as_object().expect("members").iter().for_each(|(name, value)| new[name] = value.clone());
        self.post("/api/orders", new).await
    }

    /// A workflow that runs as a graph, made of a preset.
    pub(super) async fn workflow(&self, name: &str, preset: &str) -> Value {
        let config = json!({"type": preset, "ui": {"execution_mode": "graph"}});
        self.post("/api/workflows", json!({"name": name, "config": config})).await
    }

    /// The run that a workflow makes on an order line or a CAD file.
    pub(super) async fn dispatch(&self, workflow: &Value, context: &Value) -> Value {
        let path = format!("/api/workflows/{}/dispatch?context_id={}", id(workflow), id(context));
        self.post(&path, json!({})).await["workflow_run"].clone()
    }
}

pub(super) fn id(thing: &Value) -> &str {
    thing["id"].as_str().expect("an id")
}
