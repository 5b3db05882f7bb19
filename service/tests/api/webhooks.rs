//! N27, N48, N54–N75, N79, R68: webhooks, and what is delivered to them, by receivers on the machine itself.

mod delivering;
mod life;
mod receiver;
mod workflows;

use std::sync::Arc;

use packshot_db::testing::TestDatabase;
use packshot_domain::access::{Role, Scope};
use packshot_domain::id::WorkerId;
use packshot_domain::task::SERVICE_DEATHS_MAX_INLINE;
use packshot_service::jobs::handler::Handlers;
use packshot_service::jobs::{self, QueueHandle, QueueParts, STALL_CHECK_EVERY};
use packshot_service::webhooks::{DeliveryHandler, Sender};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Guest, TestApp, id, poll};

pub(crate) use receiver::{Receiver, Reply};

const PATH: &str = "/api/v1/webhooks";
/// What lets webhooks be on the machine itself.
pub(crate) const LOCAL: [(&str, &str); 2] =
    [("PACKSHOT_WEBHOOK_ALLOW_HTTP", "true"), ("PACKSHOT_WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8")];

/// A service that delivers to the machine itself, and does nothing else.
async fn delivering(engine: &TestDatabase) -> TestApp {
    let app = TestApp::idle_with(engine, &LOCAL).await;
    let _ = deliver(&app);
    app
}

/// Begins to deliver.
fn deliver(app: &TestApp) -> QueueHandle {
    let sender = Sender::new().expect("TLS can be set up");
    let handler = DeliveryHandler { db: app.db.clone(), settings: Arc::clone(&app.settings), sender };
    jobs::start(QueueParts {
        worker: WorkerId::new(),
        db: app.db.clone(),
        handlers: handler.add_to(Handlers::default()),
        settings: Arc::clone(&app.settings),
        stall_check_every: STALL_CHECK_EVERY,
        service_deaths_max: SERVICE_DEATHS_MAX_INLINE,
    })
}

/// A tenant's admin with webhooks.
pub(crate) struct Hooks<'a> {
    pub(crate) admin: Guest<'a>,
    slug: &'a str,
}

impl<'a> Hooks<'a> {
    async fn open(app: &'a TestApp) -> Self {
        Self::of(app, "alpha").await
    }

    async fn of(app: &'a TestApp, slug: &'a str) -> Self {
        let (_, key) = app.tenant_key(slug, Role::TenantAdmin, &[Scope::Admin]).await;
        Self { admin: app.with_key(&key), slug }
    }

    /// Those of somebody who is there already.
    pub(crate) fn by(admin: Guest<'a>) -> Self {
        Self { admin, slug: "alpha" }
    }

    /// A webhook for these events; with its secret.
    pub(crate) async fn hook(&self, url: &str, events: &[&str]) -> Value {
        let made = self.admin.send(Method::POST, PATH, &json!({"url": url, "event_types": events})).await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()
    }

    pub(crate) async fn now(&self, hook: &Value) -> Value {
        self.admin.get(&format!("{PATH}/{}", id(hook))).await.json()
    }

    async fn act(&self, hook: &Value, action: &str, body: Value) -> Value {
        let done = self.admin.send(Method::POST, &format!("{PATH}/{}/{action}", id(hook)), &body).await;
        assert!([200, 202].contains(&done.status), "{action}: {}", done.text());
        done.json()
    }

    /// Tries a webhook: the delivery.
    pub(crate) async fn test(&self, hook: &Value) -> Value {
        self.act(hook, "test", json!({})).await
    }

    /// All deliveries to a webhook, newest first.
    pub(crate) async fn deliveries(&self, hook: &Value) -> Vec<Value> {
        let page = self.admin.get(&format!("{PATH}/{}/deliveries?limit=200", id(hook))).await.json();
        page["items"].as_array().unwrap_or_else(|| panic!("{page}")).clone()
    }

    async fn delivery(&self, of: &Value) -> Value {
        let path = format!("{PATH}/{}/deliveries/{}", of["webhook_id"].as_str().expect("an id"), id(of));
        self.admin.get(&path).await.json()
    }

    /// A delivery, once it is in a state and no attempt is under way.
    async fn when(&self, of: &Value, state: &str, attempts: usize) -> Value {
        poll(
            async || self.delivery(of).await,
            |of| of["state"] == state && of["attempts"].as_array().map(Vec::len) == Some(attempts),
        )
        .await
    }

    /// Alerts of a type.
    async fn alerts(&self, event_type: &str) -> Vec<Value> {
        let page = self.admin.get(&format!("/api/v1/alerts?event_type={event_type}")).await.json();
        page["items"].as_array().expect("alerts").clone()
    }

    /// Changes the configuration of the tenant, as whoever runs the installation.
    async fn configure(&self, app: &TestApp, patch: Value) {
        let operator = app.operating_key(&[Scope::Admin]).await;
        let tenant = self.admin.get("/api/v1/tenant").await.json();
        assert_eq!(tenant["slug"], self.slug);
        let path = format!("/api/v1/tenants/{}/config", id(&tenant));
        let changed = app.with_key(&operator).send(Method::PATCH, &path, &patch).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
    }

    /// An order that is submitted: an event.
    async fn submitted(&self) -> Value {
        let name = uuid::Uuid::now_v7().to_string();
        let made = async |path: &str, body: Value| self.admin.send(Method::POST, path, &body).await.json();
        let product = made("/api/v1/products", json!({"pim_id": name, "name": "Lager"})).await;
        let output_type = made("/api/v1/output-types", json!({"name": name})).await;
        let line = json!({"product_id": id(&product), "output_type_id": id(&output_type)});
        let order = made("/api/orders", json!({"lines": [line]})).await;
        made(&format!("/api/orders/{}/submit", id(&order)), json!({})).await
    }
}
