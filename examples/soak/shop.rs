//! Orders over HTTP, as any client makes them: a product of one triangle, output types, orders of many lines.

use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::product;

/// A service with a product to order pictures of.
pub(crate) struct Shop {
    client: Client,
    base: String,
    pub(crate) product: String,
}

impl Shop {
    /// A service that may be gone already: nothing is asked of it.
    pub(crate) fn at(address: &str) -> Self {
        let client = Client::builder().no_proxy().build().expect("a client");
        Self { client, base: format!("http://{address}"), product: String::new() }
    }

    /// Uploads the product, unless it is there.
    pub(crate) async fn open(address: &str) -> Self {
        let mut shop = Self::at(address);
        let there = shop.get("/api/v1/products?pim_id=triangle").await;
        shop.product = match there["items"][0]["id"].as_str() {
            Some(id) => id.to_owned(),
            None => {
                let file = Form::new().part("file", Part::bytes(product::triangle()).file_name("triangle.glb"));
                let sent = shop.request(Method::POST, "/api/v1/cad-files").multipart(file).send().await;
                let file: Value = sent.expect("an answer").json().await.expect("a CAD file");
                let new = json!({"pim_id": "triangle", "name": "Triangle", "cad_file_id": file["id"]});
                id(&shop.made("/api/v1/products", new).await)
            }
        };
        shop
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).timeout(Duration::from_secs(60))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.request(Method::GET, path).send().await.expect("an answer");
        answer.json().await.expect("JSON")
    }

    /// Posts something that must be accepted.
    pub(crate) async fn made(&self, path: &str, body: Value) -> Value {
        let answer = self.post(path, body).await.expect("an answer");
        let status = answer.status();
        let body: Value = answer.json().await.expect("JSON");
        assert!(status.is_success(), "{path}: {status}: {body}");
        body
    }

    /// Posts files with a request, whose answer may be lost.
    pub(crate) async fn send<const N: usize>(
        &self,
        path: &str,
        request: &Value,
        files: [(&'static str, &'static str, Vec<u8>); N],
    ) -> reqwest::Result<Response> {
        let form = Form::new().text("request", request.to_string());
        let with = |form: Form, (part, name, bytes)| form.part(part, Part::bytes(bytes).file_name(name));
        self.request(Method::POST, path).multipart(files.into_iter().fold(form, with)).send().await
    }

    /// Deletes something.
    pub(crate) async fn delete(&self, path: &str) {
        let answer = self.request(Method::DELETE, path).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }

    /// Posts something whose answer may be lost.
    pub(crate) async fn post(&self, path: &str, body: Value) -> reqwest::Result<Response> {
        self.request(Method::POST, path).json(&body).send().await
    }

    /// Changes something that is there.
    pub(crate) async fn changed(&self, path: &str, body: Value) {
        let answer = self.request(Method::PATCH, path).json(&body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }

    /// The events of a stream that ends, with their data.
    pub(crate) async fn events(&self, path: &str) -> Vec<(String, Value)> {
        let answer = self.request(Method::GET, path).send().await.expect("an answer");
        let text = answer.text().await.expect("a stream that ends");
        let event = |block: &str| {
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            Some((field("event:")?.to_owned(), serde_json::from_str(field("data:")?).expect("JSON")))
        };
        text.split("\n\n").filter_map(event).collect()
    }

    /// Waits until nothing is worked on for the product's file.
    pub(crate) async fn product_is_ready(&self) {
        let product = self.get(&format!("/api/v1/products/{}", self.product)).await;
        let file = format!("/api/v1/cad-files/{}", product["cad_file_id"].as_str().expect("an id"));
        for _ in 0..6000 {
            if self.get(&file).await["status"] == "ready" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the file of the product stays in work");
    }

    /// Waits until no task is left, so that a service which is killed at its first task is killed at one of what comes.
    pub(crate) async fn settles(&self) {
        for _ in 0..3000 {
            let queued = self.all("/api/v1/tasks?state=queued").await.len();
            if queued + self.all("/api/v1/tasks?state=running").await.len() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("tasks are left");
    }

    /// An output type of stills of `side` × `side` pixels with so many samples.
    pub(crate) async fn output_type(&self, name: &str, side: u32, samples: u32) -> String {
        let there = self.get("/api/v1/output-types?limit=200").await;
        let known = there["items"].as_array().expect("items").iter().find(|item| item["name"] == name);
        if let Some(known) = known {
            return id(known);
        }
        let settings = json!({"width": side, "height": side, "samples": samples, "noise_threshold": 0});
        id(&self.made("/api/v1/output-types", json!({"name": name, "render_settings": settings})).await)
    }

    /// An order of so many lines, submitted.
    pub(crate) async fn order(&self, output_type: &str, n_lines: usize) -> String {
        let line = json!({"product_id": self.product, "output_type_id": output_type});
        let order = id(&self.made("/api/orders", json!({"lines": vec![line; n_lines]})).await);
        self.made(&format!("/api/orders/{order}/submit"), json!({})).await;
        order
    }

    pub(crate) async fn order_now(&self, order: &str) -> Value {
        self.get(&format!("/api/orders/{order}")).await
    }

    /// Waits until an order and what is worked on for it satisfy a condition; `None` when they do not in time.
    pub(crate) async fn when(&self, order: &str, limit: Duration, is_so: impl Fn(&Value) -> bool) -> Option<Value> {
        let until = Instant::now() + limit;
        loop {
            let now = self.order_now(order).await;
            if is_so(&now) {
                return Some(now);
            }
            if Instant::now() > until {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// All entries of a list.
    pub(crate) async fn all(&self, path: &str) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{path}&limit=200{cursor}")).await;
            all.extend(page["items"].as_array().expect("items").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    }
}

pub(crate) fn id(value: &Value) -> String {
    value["id"].as_str().expect("an id").to_owned()
}

/// The lines of an order.
pub(crate) fn lines(order: &Value) -> &[Value] {
    order["lines"].as_array().map_or(&[], Vec::as_slice)
}

/// Whether nothing is worked on for an order: no job of its lines is live.
pub(crate) fn is_quiet(order: &Value) -> bool {
    let ended = ["completed", "failed", "cancelled"];
    lines(order).iter().all(|line| {
        let job = &line["render_job_doc"]["state"];
        line["render_status"] != "processing" && (job.is_null() || ended.iter().any(|state| job == state))
    })
}
