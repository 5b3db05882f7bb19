//! A tenant with assets that nobody rendered.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use packshot_db::TenantScope;
use packshot_db::testing::media::{self, SeedAsset, SeedOrder, SeedProduct};
use packshot_domain::access::{Role, Scope};
use packshot_domain::id::{OrderId, OrderLineId, ProductId, TenantId, UserId};
use packshot_domain::media::AssetType;
use packshot_domain::order::OrderStatus;
use packshot_domain::order::line::RenderStatus;
use packshot_domain::time::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Guest, Reply, TestApp, id, token};

/// A tenant's admin, and what they have.
pub(super) struct Shelf<'a> {
    pub(super) app: &'a TestApp,
    pub(super) tenant: TenantId,
    pub(super) admin: Guest<'a>,
    pub(super) now: Timestamp,
    saved: AtomicU32,
}

impl<'a> Shelf<'a> {
    pub(super) async fn open(app: &'a TestApp, slug: &str) -> Self {
        let (tenant, key) = app.tenant_key(slug, Role::TenantAdmin, &[Scope::Admin]).await;
        let now = app.db.now().await.expect("the time");
        Self { app, tenant, admin: app.with_key(&key), now, saved: AtomicU32::new(0) }
    }

    pub(super) fn scope(&self) -> TenantScope {
        TenantScope::of(self.tenant)
    }

    /// Somebody of the tenant who has signed in, and their id.
    pub(super) async fn person(&self, name: &str, role: Role) -> (Guest<'a>, UserId) {
        let tokens = self.app.person(self.tenant, &format!("{name}@{}.test", self.tenant), role).await;
        let guest = self.app.with_key(token(&tokens));
        let me = guest.get("/api/v1/me").await.json();
        let id = me["user"]["id"].as_str().or(me["id"].as_str()).expect("an id").parse().expect("a user");
        (guest, id)
    }

    pub(super) async fn product(&self, name: &str, [pim_id, category, lagertyp]: [&str; 3]) -> ProductId {
        let label = |text: &str| text.parse().expect("a label");
        let product = SeedProduct {
            id: ProductId::new(),
            name: label(name),
            pim_id: label(pim_id),
            category_key: (!category.is_empty()).then(|| label(category)),
            lagertyp: (!lagertyp.is_empty()).then(|| label(lagertyp)),
        };
        let made = product.id;
        media::insert_catalogue(&self.app.db, self.scope(), vec![product], Vec::new()).await.expect("a product");
        made
    }

    /// An order with a line.
    pub(super) async fn order(&self, product: ProductId, number: &str, by: UserId, of: RenderStatus) -> SeedOrder {
        let order = SeedOrder {
            id: OrderId::new(),
            number: number.parse().expect("a number"),
            status: OrderStatus::Completed,
            created_by: by,
            line: OrderLineId::new(),
            product,
            render_status: of,
        };
        media::insert_catalogue(&self.app.db, self.scope(), Vec::new(), vec![order.clone()]).await.expect("an order");
        order
    }

    /// A still, a second newer than the one before.
    pub(super) fn still(&self) -> SeedAsset {
        let n = self.saved.fetch_add(1, Ordering::Relaxed);
        SeedAsset::still(self.now + Duration::from_secs(u64::from(n)))
    }

    pub(super) fn still_of(&self, product: ProductId) -> SeedAsset {
        SeedAsset { product: Some(product), ..self.still() }
    }

    pub(super) fn of_line(&self, order: &SeedOrder, asset_type: AssetType) -> SeedAsset {
        let line = Some((order.id, order.line, order.render_status));
        SeedAsset { asset_type, product: Some(order.product), line, ..self.still() }
    }

    /// Puts assets there; returns their ids.
    pub(super) async fn put(&self, assets: Vec<SeedAsset>) -> Vec<String> {
        let ids = assets.iter().map(|asset| asset.id.to_string()).collect();
        media::insert_assets(&self.app.db, self.scope(), assets).await.expect("assets");
        ids
    }

    pub(super) async fn send(&self, method: Method, path: &str, body: Value) -> Reply {
        self.admin.send(method, path, &body).await
    }

    pub(super) async fn asset(&self, id: &str) -> Value {
        self.admin.get(&format!("/api/media/assets/{id}")).await.json()
    }

    /// The ids that the admin finds.
    pub(super) async fn found(&self, query: &[(&str, &str)]) -> Vec<String> {
        found(&self.admin, query).await
    }
}

/// A path with a query.
pub(super) fn asking(path: &str, query: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    format!("{path}?{query}")
}

/// A page of the list, which nothing objects to.
pub(super) async fn page(guest: &Guest<'_>, query: &[(&str, &str)]) -> Value {
    let reply = guest.get(&asking("/api/media/assets", query)).await;
    assert_eq!(reply.status, 200, "{query:?}: {}", reply.text());
    reply.json()
}

/// The ids in the first 200 assets of the list.
pub(super) async fn found(guest: &Guest<'_>, query: &[(&str, &str)]) -> Vec<String> {
    let all = [query, &[("page_size", "200")]].concat();
    page(guest, &all).await["items"].as_array().expect("a list").iter().map(id).collect()
}

/// What an answer says of several assets.
pub(super) fn bulk(changed: u64, failed: &[(&str, &str)]) -> Value {
    let failed: Vec<Value> = failed.iter().map(|(asset, code)| json!({"asset_id": asset, "code": code})).collect();
    json!({"changed": changed, "failed": failed})
}
