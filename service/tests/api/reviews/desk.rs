//! Whoever keeps materials: lines of orders with parts that nothing matches, and their reviews.

use packshot_db::TenantScope;
use packshot_db::reviews::{self as rows, Opened, ProposedPart};
use packshot_domain::access::{Role, Scope};
use packshot_domain::id::{FixId, TenantId};
use packshot_domain::review::{Proposal, ReviewSubject, UnmappedPart, UnmappedReason};
use packshot_materials::name::match_key;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Guest, Reply, TestApp, id, pixels, poll, small};
use crate::glb::Glb;

pub(crate) const REVIEWS: &str = "/api/v1/material-reviews";
pub(crate) const STEEL: &str = "STD_010101_Steel-Bare";
pub(crate) const BRASS: &str = "STD_010501_Brass-CuZn30";
pub(crate) const NBR: &str = "STD_020301_NBR-Black";

/// A tenant's admin with an output type.
pub(crate) struct Desk<'a> {
    pub(crate) app: &'a TestApp,
    pub(crate) tenant: TenantId,
    pub(crate) admin: Guest<'a>,
    still: String,
}

/// A review with one fix that nobody has touched.
pub(crate) struct Held<'a> {
    pub(crate) desk: Desk<'a>,
    pub(crate) review: String,
    pub(crate) fix: String,
}

impl<'a> Desk<'a> {
    pub(crate) async fn open(app: &'a TestApp) -> Self {
        Self::of_tenant(app, "alpha").await
    }

    pub(crate) async fn of_tenant(app: &'a TestApp, slug: &str) -> Self {
        let (tenant, key) = app.tenant_key(slug, Role::TenantAdmin, &[Scope::Admin]).await;
        let desk = Self { app, tenant, admin: app.with_key(&key), still: String::new() };
        let new = json!({"name": "Front", "render_settings": small()});
        let still = id(&desk.made("/api/v1/output-types", new).await);
        Self { still, ..desk }
    }

    pub(crate) fn scope(&self) -> TenantScope {
        TenantScope::of(self.tenant)
    }

    pub(crate) async fn made(&self, path: &str, body: Value) -> Value {
        let made = self.admin.send(Method::POST, path, &body).await;
        assert!([200, 201].contains(&made.status), "{path}: {}", made.text());
        made.json()
    }

    /// A product of a file, with materials of parts.
    pub(crate) async fn product(&self, pim_id: &str, file: Vec<u8>, materials: Value) -> String {
        let form = Form::new().part("file", Part::bytes(file).file_name("part.glb"));
        let file = Reply::of(self.admin.request(Method::POST, "/api/v1/cad-files").multipart(form)).await.json();
        let product =
            json!({"pim_id": pim_id, "name": pim_id, "cad_file_id": id(&file), "cad_part_materials": materials});
        id(&self.made("/api/v1/products", product).await)
    }

    /// A product of boxes with these names.
    pub(crate) async fn boxes(&self, pim_id: &str, parts: &[&str]) -> String {
        self.product(pim_id, Glb::parts(parts).bytes(), json!([])).await
    }

    /// A submitted order with a line for each of these products.
    pub(crate) async fn order(&self, products: &[&str]) -> Value {
        let line = |of: &&str| json!({"product_id": of, "output_type_id": self.still});
        let lines: Vec<Value> = products.iter().map(line).collect();
        let order = self.made("/api/orders", json!({"lines": lines})).await;
        let submitted = self.admin.post(&format!("/api/orders/{}/submit", id(&order))).await;
        assert_eq!(submitted.status, 200, "{}", submitted.text());
        order
    }

    /// The lines of an order, all of them rendered.
    pub(crate) async fn rendered(&self, order: &Value) -> Vec<String> {
        let dispatched = self.admin.post(&format!("/api/orders/{}/dispatch", id(order))).await;
        assert_eq!(dispatched.status, 200, "{}", dispatched.text());
        let lines: Vec<String> = order["lines"].as_array().expect("lines").iter().map(id).collect();
        for line in &lines {
            self.line_when(line, |line| line["render_status"] == "completed").await;
        }
        lines
    }

    /// A rendered line of boxes with these names.
    pub(crate) async fn line_of(&self, pim_id: &str, parts: &[&str]) -> String {
        let product = self.boxes(pim_id, parts).await;
        let order = self.order(&[&product]).await;
        self.rendered(&order).await.remove(0)
    }

    pub(crate) async fn line_when(&self, line: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        poll(async || self.admin.get(&format!("/api/v1/order-lines/{line}")).await.json(), is_so).await
    }

    /// A line, once it has other pictures than before.
    pub(crate) async fn again(&self, line: &str, before: &Value) -> Value {
        let is_new = |now: &Value| now["render_status"] == "completed" && now["asset_ids"] != before["asset_ids"];
        self.line_when(line, is_new).await
    }

    /// Renders a line again, and waits for it.
    pub(crate) async fn render_again(&self, line: &str) -> Value {
        let before = self.line(line).await;
        let dispatched = self.admin.post(&format!("/api/v1/order-lines/{line}/dispatch")).await;
        assert_eq!(dispatched.status, 200, "{}", dispatched.text());
        self.again(line, &before).await
    }

    pub(crate) async fn line(&self, line: &str) -> Value {
        self.admin.get(&format!("/api/v1/order-lines/{line}")).await.json()
    }

    /// How many pixels of a line's picture are magenta.
    pub(crate) async fn n_magenta(&self, line: &str) -> usize {
        let line = self.line(line).await;
        let asset = line["asset_ids"][0].as_str().expect("a picture");
        let png = self.admin.get(&format!("/api/media/assets/{asset}/content")).await.body;
        pixels(&png).into_iter().filter(|pixel| is_magenta(*pixel)).count()
    }

    /// The review of a line, which has one.
    pub(crate) async fn review_of(&self, line: &str) -> Value {
        let reviews = self.admin.get(REVIEWS).await.json();
        let items = reviews["items"].as_array().expect("reviews").clone();
        items
            .into_iter()
            .find(|review| review["order_line_id"] == line)
            .unwrap_or_else(|| panic!("no review: {reviews}"))
    }

    pub(crate) async fn review(&self, review: &str) -> Value {
        let reply = self.admin.get(&format!("{REVIEWS}/{review}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    pub(crate) async fn review_when(&self, review: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        poll(async || self.review(review).await, is_so).await
    }

    pub(crate) async fn apply(&self, fix: &Value, body: &Value) -> Reply {
        self.admin.send(Method::POST, &format!("{}/apply", path_of(fix)), body).await
    }

    /// Applies a fix, which works.
    pub(crate) async fn applied(&self, fix: &Value, body: Value) -> Value {
        let reply = self.apply(fix, &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    pub(crate) async fn say(&self, fix: &Value, body: Value) -> Reply {
        self.admin.send(Method::PATCH, &format!("{}/outcome", path_of(fix)), &body).await
    }

    /// A review of a line whose product has no file, with these proposals for one part.
    pub(crate) async fn held(self, part: &str, proposals: &[(&str, u8)]) -> Held<'a> {
        let (review, fixes) = self.stored("held", part, proposals).await;
        Held { desk: self, review, fix: fixes[0].clone() }
    }

    /// The same; its id and those of its fixes.
    pub(crate) async fn stored(&self, pim_id: &str, part: &str, proposals: &[(&str, u8)]) -> (String, Vec<String>) {
        let proposed = ProposedPart { part: unmapped(part), proposals: proposals.iter().map(proposal).collect() };
        let review = self.opened(pim_id, proposed).await;
        (review.id.to_string(), review.fixes.iter().map(|fix| fix.id.to_string()).collect())
    }

    /// A review of a line whose pictures show this part in the fallback material.
    pub(crate) async fn stored_part(&self, pim_id: &str, part: UnmappedPart) -> String {
        self.opened(pim_id, ProposedPart { part, proposals: Vec::new() }).await.id.to_string()
    }

    async fn opened(&self, pim_id: &str, proposed: ProposedPart) -> rows::Review {
        let product = id(&self.made("/api/v1/products", json!({"pim_id": pim_id, "name": pim_id})).await);
        let order = self.order(&[&product]).await;
        let line = id(&order["lines"][0]).parse().expect("an id");
        opened(self.app, self.scope(), ReviewSubject::Line(line), proposed).await
    }
}

/// Makes a review with one fix; its id and that of the fix.
pub(crate) async fn review_of(app: &TestApp, scope: TenantScope, of: ReviewSubject, part: &str) -> (String, FixId) {
    let proposed = ProposedPart { part: unmapped(part), proposals: vec![proposal(&(STEEL, 82))] };
    let review = opened(app, scope, of, proposed).await;
    (review.id.to_string(), review.fixes[0].id)
}

async fn opened(app: &TestApp, scope: TenantScope, of: ReviewSubject, proposed: ProposedPart) -> rows::Review {
    let opened = rows::open(&app.db, scope, of, vec![proposed]).await.expect("stored");
    let Opened::Made(review) = opened else { panic!("there is one already") };
    *review
}

/// A part that a picture shows in the fallback material.
pub(crate) fn unmapped(name: &str) -> UnmappedPart {
    UnmappedPart {
        part_name: name.to_owned(),
        part_key: match_key(name),
        alias_key: match_key(name),
        is_named: true,
        material_string: None,
        reason: UnmappedReason::NoMatch,
        node_paths: vec![name.to_owned()],
        instances: 1,
        area_share: 0.5,
        gltf_material: None,
        gltf_color: None,
        cad_names: Vec::new(),
    }
}

fn proposal((material, confidence_pct): &(&str, u8)) -> Proposal {
    let description = format!("It may well be {material}");
    Proposal { material: (*material).to_owned(), confidence_pct: *confidence_pct, description, signals: Vec::new() }
}

/// The path of a fix.
pub(crate) fn path_of(fix: &Value) -> String {
    let review = fix["review_id"].as_str().expect("a review");
    format!("{REVIEWS}/{review}/suggested-fixes/{}", id(fix))
}

/// The fixes of a review for a part, by rank.
pub(crate) fn fixes<'r>(review: &'r Value, part_key: &str) -> Vec<&'r Value> {
    review["fixes"].as_array().expect("fixes").iter().filter(|fix| fix["part_key"] == part_key).collect()
}

/// The part of a review with this key.
pub(crate) fn part<'r>(review: &'r Value, part_key: &str) -> &'r Value {
    let parts = review["parts"].as_array().expect("parts").iter();
    parts.into_iter().find(|part| part["part_key"] == part_key).unwrap_or_else(|| panic!("no {part_key}: {review}"))
}

/// How many parts of a review have no material.
pub(crate) fn n_unresolved(review: &Value) -> usize {
    review["parts"].as_array().expect("parts").iter().filter(|part| part["resolved"] == false).count()
}

/// Hue 290° to 325° and a saturation of at least 0.25.
pub(crate) fn is_magenta([r, g, b, a]: [u8; 4]) -> bool {
    let (max, min) = (r.max(g).max(b), r.min(g).min(b));
    let range = f64::from(max - min);
    if a == 0 || range < 0.25 * f64::from(max) || max == 0 {
        return false;
    }
    let hue = match max {
        _ if max == r => 60.0 * (f64::from(g) - f64::from(b)) / range,
        _ if max == g => 60.0 * (f64::from(b) - f64::from(r)) / range + 120.0,
        _ => 60.0 * (f64::from(r) - f64::from(g)) / range + 240.0,
    };
    (290.0..=325.0).contains(&hue.rem_euclid(360.0))
}

impl<'a> Held<'a> {
    /// The fixture of the contract: one fix with a confidence of 82.
    pub(crate) async fn open(app: &'a TestApp) -> Self {
        Desk::open(app).await.held("Steel_Bar", &[(STEEL, 82)]).await
    }

    /// The same with an outcome that a check suggests.
    pub(crate) async fn with_proposal(app: &'a TestApp) -> Self {
        let held = Desk::open(app).await.held("Steel_Bar", &[(STEEL, 74)]).await;
        held.suggest().await;
        held
    }

    /// Suggests an outcome, as a check would.
    pub(crate) async fn suggest(&self) {
        let (db, fix): (_, FixId) = (&self.desk.app.db, self.fix.parse().expect("an id"));
        let scope = self.desk.scope();
        packshot_db::testing::suggest_outcome(db, scope, fix, "User confirmed resolved").await.expect("stored");
    }

    pub(crate) fn path(&self) -> String {
        format!("{REVIEWS}/{}/suggested-fixes/{}", self.review, self.fix)
    }

    pub(crate) async fn say(&self, body: Value) -> Reply {
        self.desk.admin.send(Method::PATCH, &format!("{}/outcome", self.path()), &body).await
    }

    /// Says an outcome, which is taken.
    pub(crate) async fn said(&self, outcome: &str, notes: &str) -> Value {
        let reply = self.say(json!({"outcome": outcome, "notes": notes})).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    pub(crate) async fn apply(&self) -> Reply {
        self.desk.admin.post(&format!("{}/apply", self.path())).await
    }

    pub(crate) async fn discard(&self) -> Reply {
        Reply::of(self.desk.admin.request(Method::DELETE, &format!("{}/ai-outcome-proposal", self.path()))).await
    }

    pub(crate) async fn fix(&self) -> Value {
        self.desk.admin.get(&self.path()).await.json()
    }

    pub(crate) async fn version(&self) -> i64 {
        self.desk.review(&self.review).await["state_version"].as_i64().expect("a number")
    }

    pub(crate) async fn note(&self, kind: Option<&str>) -> Value {
        let path = format!("{REVIEWS}/{}/resolution-note/preview", self.review);
        let reply = match kind {
            Some(kind) => self.desk.admin.send(Method::POST, &path, &json!({"kind": kind})).await,
            None => self.desk.admin.post(&path).await,
        };
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }
}

/// A part whose library could not be read.
pub(crate) fn of_broken_library(name: &str) -> UnmappedPart {
    UnmappedPart { reason: UnmappedReason::LibraryInvalid, ..unmapped(name) }
}
