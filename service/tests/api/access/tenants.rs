//! Two tenants (tenancy.md, section 13): alpha runs the installation and beta does not. Both have somebody of each
//! role, a key, and the same things under the same names.

use std::collections::BTreeSet;
use std::fmt;

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use packshot_db::{AllTenants, TenantScope, channels, installation, keys, users};
use packshot_domain::access::{Role, Scope};
use packshot_domain::audit::Actor;
use packshot_domain::channel::{AlertType, Message, Severity};
use packshot_domain::id::{TenantId, UserId};
use packshot_domain::key::ApiKey;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use uuid::Uuid;

use super::asked::Answer;
use super::operation::{ADDRESS, Operation};
use crate::app::{Guest, Installation, PASSWORD, Reply, TestApp, TestDatabase, form, id, poll, small, token};
use crate::artifacts::Kept;
use crate::glb::Glb;
use crate::materials::ACME;
use crate::media_files::picture;

/// Longer than access tokens live, with what clocks may differ by.
const TOKEN_LIFE_MS: i64 = 15 * 60 * 1000 + 6_000;
/// A material library that alpha alone has.
pub(super) const OF_ALPHA: &str = "ATLAS";

/// Somebody who asks.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) role: Role,
    pub(super) is_of_alpha: bool,
    pub(super) token: String,
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.role, if self.is_of_alpha { "alpha" } else { "beta" })
    }
}

/// A tenant with its people.
#[derive(Clone, Debug)]
pub(super) struct Tenant {
    pub(super) id: TenantId,
    slug: &'static str,
    pub(super) boss: Caller,
    pub(super) manager: Caller,
    pub(super) client: Caller,
    /// Of scope `admin`.
    pub(super) key: String,
}

/// A credential that must be refused.
#[derive(Clone, Debug)]
pub(super) struct Credential {
    pub(super) what: &'static str,
    pub(super) text: String,
    /// The code of the refusal.
    pub(super) code: &'static str,
}

/// The installation.
pub(super) struct Tenants {
    pub(super) app: TestApp,
    pub(super) operations: Vec<Operation>,
    pub(super) alpha: Tenant,
    pub(super) beta: Tenant,
    /// A global admin, whose home is alpha.
    pub(super) admin: Caller,
    pub(super) refused: Vec<Credential>,
}

impl Tenants {
    /// With people alone.
    pub(super) async fn of_people(engine: &TestDatabase) -> Self {
        let app = Installation::new(engine, &[]).await.start(false).await;
        Self::settle(app).await
    }

    /// With objects, which a service with a worker has made. The one under test has no worker, so that it runs only the
    /// statements of requests.
    pub(super) async fn with_things(engine: &TestDatabase) -> Self {
        let installation = Installation::new(engine, &[]).await.in_a_hurry();
        let mut tenants = Self::settle(installation.start(true).await).await;
        for tenant in [&tenants.alpha, &tenants.beta] {
            tenants.fill(tenant).await;
        }
        tenants.give_alpha_more().await;
        tenants.app = installation.start(false).await;
        tenants.app.db.move_clock(TOKEN_LIFE_MS);
        tenants
    }

    /// Gives an installation its people.
    async fn settle(app: TestApp) -> Self {
        let of = installation::get(&app.db, AllTenants::Instance).await.expect("answers");
        let alpha = of.operating_tenant;
        let (beta, beta_key) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let late = user(&app, alpha, "late@test", Role::ProjectManager).await;
        let expired = sign_in(&app, "default", "late@test").await;
        app.db.move_clock(TOKEN_LIFE_MS);
        let admin = Caller {
            token: signed_up(&app, alpha, "default", "gwen@alpha.test", Role::GlobalAdmin).await,
            role: Role::GlobalAdmin,
            is_of_alpha: true,
        };
        let alpha_key = app.operating_key(&[Scope::Admin]).await;
        let alpha = Tenant::of(&app, alpha, "default", alpha_key).await;
        let beta = Tenant::of(&app, beta, "beta", beta_key).await;
        let operations = Operation::all(&app.get("/openapi.json").await.json());
        let mut tenants = Self { app, operations, alpha, beta, admin, refused: Vec::new() };
        tenants.refused = tenants.unfit(&expired, late).await;
        tenants
    }

    /// Everybody with a token of their own.
    pub(super) fn callers(&self) -> Vec<&Caller> {
        let (alpha, beta) = (&self.alpha, &self.beta);
        vec![&self.admin, &alpha.boss, &alpha.manager, &alpha.client, &beta.boss, &beta.manager, &beta.client]
    }

    /// The operations that not everyone may use.
    pub(super) fn guarded(&self) -> Vec<&Operation> {
        self.operations.iter().filter(|operation| !operation.is_open()).collect()
    }

    /// Credentials that must be refused.
    async fn unfit(&self, expired: &str, late: UserId) -> Vec<Credential> {
        let (app, alpha) = (&self.app, self.alpha.id);
        let scope = TenantScope::of(alpha);
        let good = &self.alpha.boss.token;
        let (signed, signature) = good.rsplit_once('.').expect("a signature");
        let other = if signature.starts_with('A') { "B" } else { "A" };
        let (header, claims) = signed.split_once('.').expect("claims");
        let ended = signed_up(app, alpha, "default", "gone@test", Role::TenantAdmin).await;
        assert_eq!(app.with_key(&ended).post("/api/auth/logout").await.status, 204);
        let of_nobody = sign_in(app, "default", "late@test").await;
        let off = users::UserChange { is_active: Some(false), ..users::UserChange::default() };
        users::change(&app.db, scope, (Actor::system(), Role::GlobalAdmin), late, off).await.expect("changed");
        let local = installation::get(&app.db, AllTenants::Instance).await.expect("answers").local_user;
        let make = async |expires_at| {
            let key = ApiKey::generate().expect("randomness");
            let new = keys::NewKey {
                user: local,
                name: "ended".to_owned(),
                scopes: vec![Scope::Admin],
                all_tenants: false,
                expires_at,
                rate_limit_per_s: None,
                created_by: None,
            };
            let stored = keys::create(&app.db, scope, Actor::system(), new, &key).await.expect("stored");
            (stored.id, key.reveal().to_owned())
        };
        let (revoked_id, revoked) = make(None).await;
        keys::revoke(&app.db, scope, Actor::system(), revoked_id).await.expect("revoked");
        let begun = app.db.now().await.expect("answers");
        let (_, expired_key) = make(Some(begun)).await;
        let unknown = ApiKey::generate().expect("randomness").reveal().to_owned();
        let bad = |what, text: String| Credential { what, text, code: "unauthenticated" };
        vec![
            Credential { what: "an expired token", text: expired.to_owned(), code: "token_expired" },
            bad("a changed signature", format!("{signed}.{other}{}", &signature[1..])),
            bad("changed claims", format!("{header}.{}.{signature}", &claims[1..])),
            bad("a token of a session that has ended", ended),
            bad("a token of somebody who was deactivated", of_nobody),
            bad("a revoked key", revoked),
            bad("an expired key", expired_key),
            bad("an unknown key", unknown),
            bad("what is neither", "pk_short".to_owned()),
        ]
    }

    /// Gives a tenant one thing of each kind.
    async fn fill(&self, tenant: &Tenant) {
        let boss = self.app.with_key(&tenant.boss.token);
        upload(&boss, ACME).await;
        let job = boss.submit(&small()).await.json();
        let done = boss.job_when(&id(&job), |job| job["state"] == "completed").await;
        assert_eq!(done["result"]["from_cache"], false, "tenants share no results");
        let key = json!({"name": "shop", "scopes": ["renders:read"]});
        assert_eq!(boss.send(Method::POST, "/api/v1/api-keys", &key).await.status, 201);
        Kept::make(&self.app, TenantScope::of(tenant.id), format!("kept by {}", tenant.slug).as_bytes()).await;
        cad_file(&boss, &format!("Part_of_{}", tenant.slug)).await;
        catalogue(&boss, tenant.slug).await;
        webhook(&boss).await;
        user(&self.app, tenant.id, "spare@test", Role::Client).await;
        self.tell(tenant).await;
        // A second session: the first is the one that asks.
        sign_in(&self.app, tenant.slug, "boss@test").await;
    }

    /// Tells a tenant something in each channel.
    async fn tell(&self, tenant: &Tenant) {
        let boss = self.app.with_key(&tenant.boss.token);
        let announcement = json!({"title": "Maintenance", "body": format!("of {}", tenant.slug)});
        assert_eq!(boss.send(Method::POST, "/api/v1/announcements", &announcement).await.status, 201);
        let (of, message) = ((AlertType::WorkerRecovery, Severity::Warning), Message::new("Stalled"));
        let told = channels::alert(&self.app.db, AllTenants::Housekeeping, tenant.id, of, message, json!({})).await;
        told.expect("the tenant");
    }

    /// Gives alpha what beta does not have, and a second thing of each kind, so that its lists have two pages.
    async fn give_alpha_more(&self) {
        let boss = self.app.with_key(&self.alpha.boss.token);
        upload(&boss, &ACME.replace("\"ACME\"", &format!("{OF_ALPHA:?}"))).await;
        let request = boss.request(Method::POST, "/api/v1/renders");
        let job = Reply::of(request.multipart(form(Glb::parts(&["Atlas"]).bytes(), Some(&small())))).await.json();
        boss.job_when(&id(&job), |job| job["state"] == "completed").await;
        let key = json!({"name": "shop", "scopes": ["renders:read"]});
        assert_eq!(boss.send(Method::POST, "/api/v1/api-keys", &key).await.status, 201);
        Kept::make(&self.app, TenantScope::of(self.alpha.id), b"what alpha alone keeps").await;
        drop(cad_file(&boss, "Second_part").await);
        catalogue(&boss, OF_ALPHA).await;
        self.tell(&self.alpha).await;
        webhook(&boss).await;
    }

    /// What alpha has at the path of an operation: for each of its ids, the newest of the list that it is in.
    pub(super) async fn ids_in_alpha(&self, operation: &Operation) -> Vec<String> {
        let mut ids = Vec::new();
        let mut rest = operation.path.clone();
        for name in &operation.ids {
            let (list, _) = rest.split_once(&format!("/{{{name}}}")).expect("the parameter");
            let found = match list {
                // The newest tenant is not alpha.
                "/api/v1/tenants" => self.alpha.id.to_string(),
                "/api/v1/webhooks" => self.webhook_of_alpha().await,
                // Those that are built in come first, and a preset has its name alone.
                "/api/v1/design-presets" => {
                    let presets = self.app.with_key(&self.alpha.boss.token).get(list).await.json();
                    let last = presets["items"].as_array().and_then(|items| items.last()).expect("a preset");
                    last["name"].as_str().expect("a name").to_owned()
                }
                // Files are in no list but those of their packages.
                "/api/v1/files" | "/api/v1/content" => self.newest_file_of_alpha(name).await,
                // Lines are in no list but those of their orders.
                "/api/v1/order-lines" => self.newest_line_of_alpha().await,
                // Fixes are in their reviews.
                list if list.ends_with("/suggested-fixes") => {
                    let (review, _) = list.rsplit_once('/').expect("the review");
                    let review = self.app.with_key(&self.alpha.boss.token).get(review).await.json();
                    id(&review["fixes"][0])
                }
                // What is in galleries is in the list of assets.
                list if list.ends_with("/media") => self.newest_in_alpha("/api/media/assets").await,
                list if list.starts_with("/api/orders/") => self.newest_line_of_alpha().await,
                // Runs are in no list but those of their definitions.
                "/api/workflows/runs" => {
                    let definition = self.newest_in_alpha("/api/workflows").await;
                    self.newest_in_alpha(&format!("/api/workflows/{definition}/runs")).await
                }
                _ => self.newest_in_alpha(list).await,
            };
            rest = rest.replace(&format!("{{{name}}}"), &found);
            ids.push(found);
        }
        ids
    }

    /// The id or the content address of the newest file of alpha, as its log has it.
    pub(super) async fn newest_file_of_alpha(&self, member: &str) -> String {
        assert!([ADDRESS, "file_id"].contains(&member), "{member}: say here what it is of a file");
        let log = self.app.with_key(&self.alpha.boss.token).request(Method::GET, "/api/v1/artifact-events?limit=200");
        let events = Answer::to(log).await.items();
        let newest = events.iter().rev().find(|event| event["event_type"] == "v1.file.ingested");
        let found = newest.and_then(|event| event["payload"][member].as_str());
        found.expect("alpha has no file: make it one in access/tenants.rs").to_owned()
    }

    /// The first line of alpha's newest order.
    pub(super) async fn newest_line_of_alpha(&self) -> String {
        let order = format!("/api/orders/{}", self.newest_in_alpha("/api/orders").await);
        let order = self.app.with_key(&self.alpha.boss.token).get(&order).await.json();
        let line = order["lines"][0]["id"].as_str();
        line.unwrap_or_else(|| panic!("alpha's order has no line: {order}")).to_owned()
    }

    /// A webhook of alpha's to which something was delivered.
    async fn webhook_of_alpha(&self) -> String {
        let boss = self.app.with_key(&self.alpha.boss.token);
        let hooks = boss.get("/api/v1/webhooks").await.json();
        for hook in hooks["items"].as_array().expect("webhooks") {
            let delivered = boss.get(&format!("/api/v1/webhooks/{}/deliveries", id(hook))).await.json();
            if delivered["items"] != json!([]) {
                return id(hook);
            }
        }
        panic!("nothing was delivered for alpha: have it delivered in access/tenants.rs");
    }

    async fn newest_in_alpha(&self, list: &str) -> String {
        for caller in [&self.alpha.boss, &self.admin] {
            let page = Answer::to(self.app.with_key(&caller.token).request(Method::GET, list)).await;
            if let Some(found) = page.items().first().and_then(|item| item["id"].as_str()) {
                return found.to_owned();
            }
        }
        panic!("alpha has nothing in the list {list}: make it one in access/tenants.rs");
    }

    /// What nobody of another tenant may see: every id that alpha's admin sees and beta's does not, and alpha's names.
    pub(super) async fn marks_of_alpha(&self) -> BTreeSet<String> {
        let (mut marks, mut shared) = (BTreeSet::new(), BTreeSet::new());
        for operation in self.guarded().into_iter().filter(|operation| operation.is_plain_read()) {
            for (caller, seen) in [(&self.alpha.boss, &mut marks), (&self.beta.boss, &mut shared)] {
                let request = self.app.with_key(&caller.token).request(Method::GET, &operation.path);
                seen.extend(ids_within(&Answer::to(request).await.body));
            }
        }
        let mut marks: BTreeSet<String> = marks.difference(&shared).cloned().collect();
        assert!(marks.len() > 10, "{marks:?}");
        marks.extend([OF_ALPHA.to_owned(), "gwen@alpha.test".to_owned()]);
        marks
    }
}

impl Tenant {
    async fn of(app: &TestApp, id: TenantId, slug: &'static str, key: String) -> Self {
        let is_of_alpha = slug == "default";
        let caller =
            async |email: &str, role| Caller { token: signed_up(app, id, slug, email, role).await, role, is_of_alpha };
        Self {
            id,
            slug,
            boss: caller("boss@test", Role::TenantAdmin).await,
            manager: caller("manager@test", Role::ProjectManager).await,
            client: caller("client@test", Role::Client).await,
            key,
        }
    }
}

/// All ids in a text.
pub(super) fn ids_within(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_hexdigit() && c != '-');
    words.filter(|word| word.len() == 36 && Uuid::parse_str(word).is_ok()).map(str::to_owned).collect()
}

/// A new user with [`PASSWORD`]. The hash is as cheap as can be, and it says so itself: checking it is cheap as well.
async fn user(app: &TestApp, tenant: TenantId, email: &str, role: Role) -> UserId {
    let cheap = Params::new(Params::MIN_M_COST, 1, 1, None).expect("valid");
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, cheap);
    let hash = hasher.hash_password(PASSWORD.as_bytes()).expect("hashed").to_string();
    let new = users::NewUser {
        email: email.parse().expect("an address"),
        display_name: email.parse().expect("a name"),
        role,
        is_active: true,
        password: users::NewPassword { hash, is_temporary: false },
    };
    users::create(&app.db, TenantScope::of(tenant), Actor::system(), new).await.expect("a user").id
}

/// The access token of somebody who signs in.
async fn sign_in(app: &TestApp, slug: &str, email: &str) -> String {
    let reply = app.sign_in(&json!({"email": email, "password": PASSWORD, "tenant": slug})).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    token(&reply.json()).to_owned()
}

/// The access token of a new user.
async fn signed_up(app: &TestApp, tenant: TenantId, slug: &str, email: &str, role: Role) -> String {
    user(app, tenant, email, role).await;
    sign_in(app, slug, email).await
}

/// Makes a product, an output type, a render template, an alias, and an order of the first two. Its pictures get a
/// review of materials with a fix: the part is all but called like a material.
async fn catalogue(guest: &Guest<'_>, name: &str) {
    let mut ids = Vec::new();
    let file = cad_file(guest, &format!("Steel-Bare of {name}")).await;
    for (path, body) in [
        ("/api/v1/products", json!({"pim_id": format!("pim of {name}"), "name": name, "cad_file_id": file})),
        ("/api/v1/output-types", json!({"name": format!("pictures of {name}"), "render_settings": small()})),
        ("/api/v1/render-templates", json!({"name": format!("look of {name}")})),
        (
            "/api/v1/material-aliases",
            json!({"alias": format!("Shaft of {name}"), "material_id": "STD_010101_Steel-Bare"}),
        ),
    ] {
        let made = guest.send(Method::POST, path, &body).await;
        assert_eq!(made.status, 201, "{}", made.text());
        ids.push(id(&made.json()));
    }
    design(guest, &ids[0], &format!("Steel-Bare of {name}")).await;
    let order = json!({"notes": name, "lines": [{"product_id": ids[0], "output_type_id": ids[1]}]});
    let made = guest.send(Method::POST, "/api/orders", &order).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let line = format!("/api/v1/order-lines/{}", id(&made.json()["lines"][0]));
    let dispatched = guest.post(&format!("{line}/dispatch")).await;
    assert_eq!(dispatched.status, 200, "{}", dispatched.text());
    poll(async || guest.get(&line).await.json(), |line| line["render_status"] == "completed").await;
    let graph = json!({"version": 1, "nodes": [{"id": "setup", "step": "order_line_setup"}], "edges": []});
    let new = json!({"name": format!("graph of {name}"), "output_type_id": ids[1], "config": graph});
    let made = guest.send(Method::POST, "/api/workflows", &new).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let line = line.rsplit('/').next().expect("an id");
    let run = guest.post(&format!("/api/workflows/{}/dispatch?context_id={line}", id(&made.json()))).await;
    assert_eq!(run.status, 200, "{}", run.text());
}

/// Gives a product a printable area, and puts a design on it.
async fn design(guest: &Guest<'_>, product: &str, part: &str) {
    // As long as the names that nothing has: they are in answers.
    let preset = json!({"name": Uuid::now_v7().to_string(), "placement": {"width": 1}});
    let made = guest.send(Method::POST, "/api/v1/design-presets", &preset).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let area = json!({"name": "Front", "selector": {"part": part}});
    let made = guest.send(Method::POST, &format!("/api/v1/products/{product}/design-areas"), &area).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let request = json!({
        "product_id": product, "width": 16, "height": 16, "samples": 1, "denoise": "off", "light": "white",
        "texture_px": 512, "views": ["front_0deg"],
    });
    let picture = Part::bytes(picture(40, 20, 1.0)).file_name("logo.png");
    let form = Form::new().part("design", picture).text("request", request.to_string());
    let path = "/admin/render-engine/jobs";
    let made = Reply::of(guest.request(Method::POST, path).multipart(form)).await;
    assert_eq!(made.status, 202, "{}", made.text());
    let own = format!("{path}/{}", id(&made.json()));
    poll(async || guest.get(&own).await.json(), |job| job["status"] == "completed").await;
}

/// Uploads a CAD file with one part.
pub(super) async fn cad_file(guest: &Guest<'_>, part: &str) -> String {
    let file = Part::bytes(Glb::parts(&[part]).bytes()).file_name("part.glb");
    let form = Form::new().part("file", file);
    let uploaded = Reply::of(guest.request(Method::POST, "/api/v1/cad-files").multipart(form)).await;
    assert_eq!(uploaded.status, 201, "{}", uploaded.text());
    id(&uploaded.json())
}

async fn upload(boss: &Guest<'_>, library: &str) {
    let part = Part::bytes(library.as_bytes().to_vec()).file_name("library.toml");
    let request = boss.request(Method::POST, "/api/v1/material-libraries").multipart(Form::new().part("library", part));
    let reply = Reply::of(request).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
}

/// A webhook to which a delivery was tried, or will be.
async fn webhook(boss: &Guest<'_>) {
    let body = json!({"url": "https://receiver.invalid/", "event_types": ["*"]});
    let made = boss.send(Method::POST, "/api/v1/webhooks", &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let tried = boss.send(Method::POST, &format!("/api/v1/webhooks/{}/test", id(&made.json())), &json!({})).await;
    assert_eq!(tried.status, 202, "{}", tried.text());
}
