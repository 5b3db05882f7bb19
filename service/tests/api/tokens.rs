//! T21, T27: tokens that lie, sent to the service. Nothing of them may be accepted, shown, stored or logged.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use packshot_db::{AllTenants, installation};
use packshot_domain::access::Role;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::app::{Reply, TestApp, TestDatabase, token};

/// What the service writes to its log on this thread, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn text(&self) -> String {
        self.0.lock().expect("no panic").clone()
    }
}

impl Visit for &Log {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = writeln!(self.0.lock().expect("no panic"), "{field}={value:?}");
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("packshot")
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        attributes.record(&mut &*self);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut &*self);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut &*self);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Signs as the service does, with the key from its data folder.
struct Forger {
    kid: String,
    secret: Vec<u8>,
}

impl Forger {
    fn of(app: &TestApp) -> Self {
        let text = std::fs::read_to_string(app.folder.path().join("secrets/jwt.json")).expect("the keys");
        let key = serde_json::from_str::<Value>(&text).expect("JSON")["keys"][0].clone();
        let secret = URL_SAFE_NO_PAD.decode(key["secret"].as_str().expect("a secret")).expect("base64url");
        Self { kid: key["kid"].as_str().expect("a name").to_owned(), secret }
    }

    /// A token that says this, with a right signature.
    fn sign(&self, claims: &Value) -> String {
        let header = format!(r#"{{"alg":"HS256","kid":"{}","typ":"JWT"}}"#, self.kid);
        let unsigned = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC takes any length");
        mac.update(unsigned.as_bytes());
        format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }
}

fn claims_of(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a payload");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

/// Everything of a token that must not be seen: each of its parts, and its claims in clear.
fn secrets_of(token: &str) -> Vec<String> {
    let parts = token.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
    parts.filter(|part| part.len() >= 16).map(|part| part[..part.len().min(40)].to_owned()).collect()
}

/// Runs on one thread, so that all that is logged meanwhile is this test's.
#[tokio::test]
async fn t21_t27_forged_tokens_leave_no_trace() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let app = TestApp::idle(&TestDatabase::Sqlite).await;
    let tokens = app.set_up("admin@test").await;
    let tenant = installation::get(&app.db, AllTenants::Instance).await.expect("answers").operating_tenant;
    let (beta, _) = app.tenant_key("beta", Role::TenantAdmin, &[]).await;
    let anna = app.person(tenant, "anna@test", Role::ProjectManager).await;
    let good = token(&anna);
    let (forger, claims, of_admin) = (Forger::of(&app), claims_of(good), claims_of(token(&tokens)));
    let with = |members: &[(&str, Value)]| {
        let mut claims = claims.clone();
        for (name, value) in members {
            claims[*name] = value.clone();
        }
        forger.sign(&claims)
    };
    assert_eq!(app.with_key(&with(&[])).get("/api/v1/me").await.status, 200, "the forger of this test can sign");
    assert_eq!(
        app.with_key(&with(&[("role", json!("global_admin"))])).get("/api/v1/users").await.problem().0,
        403,
        "the role of the database counts"
    );

    let parts: Vec<&str> = good.split('.').collect();
    let made = claims["iat"].as_i64().expect("a time");
    let random = json!("0193b2a0-0000-7000-8000-000000000000");
    let forged = [
        // Rightly signed, and still not true.
        with(&[("tenant_id", json!(beta.to_string()))]),
        with(&[("tenant_id", random.clone())]),
        with(&[("tenant_id", Value::Null)]),
        with(&[("sub", of_admin["sub"].clone())]),
        with(&[("sid", of_admin["sid"].clone())]),
        with(&[("sub", random.clone())]),
        with(&[("sid", random)]),
        with(&[("sub", claims["sid"].clone()), ("sid", claims["sub"].clone())]),
        with(&[("iat", json!(made + 3600)), ("nbf", json!(made + 3600)), ("exp", json!(made + 4500))]),
        with(&[("exp", json!(made + 1_000_000))]),
        with(&[("iss", json!("elsewhere"))]),
        with(&[("aud", json!(["packshot"]))]),
        // Not signed, or not by the service.
        format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]),
        format!("{}.{}.{}", parts[0], parts[1], "A".repeat(43)),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}.e30.{}", parts[0], parts[2]),
        format!("{}.{}.{}", "A".repeat(10_000), parts[1], parts[2]),
        format!("{good}.{good}"),
        format!("{good}="),
        format!("{} {}", &good[..50], &good[50..]),
        format!("{}\t{}", &good[..50], &good[50..]),
    ];
    for forged in &forged {
        let refused = app.with_key(forged).get("/api/v1/me").await;
        assert_eq!(refused.problem(), (401, "unauthenticated".to_owned()), "{forged}");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
        let body = refused.text();
        assert!(secrets_of(forged).iter().all(|secret| !body.contains(secret)), "{body}");
    }
    for path in [format!("/api/v1/me?access_token={good}"), format!("/api/v1/me?token={good}")] {
        assert_eq!(app.get(&path).await.problem(), (401, "unauthenticated".to_owned()));
    }
    for name in ["cookie", "x-access-token", "proxy-authorization"] {
        let request = app.request(Method::GET, "/api/v1/me").header(name, format!("access_token={good}"));
        assert_eq!(Reply::of(request).await.problem().0, 401, "{name}");
    }
    let form =
        app.request(Method::POST, "/api/auth/logout").header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(Reply::of(form.body(format!("access_token={good}"))).await.problem().0, 401);

    let (log, metrics) = (log.text(), app.with_key(token(&tokens)).get("/metrics").await.text());
    assert!(log.contains("answered") && log.contains("401"), "the log is seen: {log}");
    let stored = app.stored_bytes().concat();
    let stored = String::from_utf8_lossy(&stored);
    for secret in forged.iter().flat_map(|forged| secrets_of(forged)).chain(secrets_of(good)) {
        assert!(!log.contains(&secret), "{secret} is in the log");
        assert!(!metrics.contains(&secret), "{secret} is in the metrics");
        assert!(!stored.contains(&secret), "{secret} is stored");
    }
}
