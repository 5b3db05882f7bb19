//! C32, T35–T37, T45–T47: a limit of requests, the first run, and the header that names a tenant. What roles, scopes
//! and tenants may do is in `access`.

use packshot_db::keys::{self, NewKey};
use packshot_db::{AllTenants, TenantScope, installation};
use packshot_domain::access::{Role, Scope};
use packshot_domain::audit::Actor;
use packshot_domain::id::TenantId;
use packshot_domain::key::ApiKey;
use reqwest::Method;
use serde_json::json;

use crate::app::{Reply, TestApp, id, small};

cases! {
    async fn c32_a_limit_of_requests(engine) {
        let app = TestApp::idle(&engine).await;
        let of = installation::get(&app.db, AllTenants::Instance).await.expect("answers");
        let limited = app.key_of(of.operating_tenant, of.local_user, &[Scope::Admin], Some(5)).await;
        let other = app.operating_key(&[Scope::Admin]).await;
        let mut statuses = Vec::new();
        for _ in 0..8 {
            let reply = app.with_key(&limited).get("/api/v1/renders").await;
            if reply.status == 429 {
                assert_eq!((reply.problem().1.as_str(), reply.header("retry-after")), ("rate_limited", Some("1")));
            }
            statuses.push(reply.status);
        }
        assert_eq!(statuses[..5], [200; 5]);
        assert!(statuses[5..].contains(&429), "{statuses:?}");
        assert_eq!(app.with_key(&other).get("/api/v1/renders").await.status, 200);
    }

    async fn t35_t36_t37_the_first_key_closes_the_open_mode(engine) {
        let app = TestApp::idle(&engine).await;
        assert_eq!(app.get("/api/v1/setup").await.json(), json!({"configured": false, "open_mode": true}));
        assert_eq!(app.get("/api/v1/renders").await.status, 200);
        let foreign = app.request(Method::GET, "/api/v1/renders").header("host", "evil.example");
        assert_eq!(Reply::of(foreign).await.problem(), (403, "host_not_allowed".to_owned()));
        let page = app.request(Method::GET, "/api/v1/renders").header("origin", "http://evil.example");
        assert_eq!(Reply::of(page).await.problem(), (403, "origin_not_allowed".to_owned()));
        let proxied = app.request(Method::GET, "/api/v1/renders").header("x-forwarded-for", "10.0.0.1");
        assert_eq!(Reply::of(proxied).await.problem(), (403, "setup_required".to_owned()));
        let key = app.operating_key(&[Scope::Admin]).await;
        assert_eq!(app.get("/api/v1/setup").await.json(), json!({"configured": true, "open_mode": false}));
        let refused = app.get("/api/v1/renders").await;
        assert_eq!(refused.problem(), (401, "unauthenticated".to_owned()));
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
        assert_eq!(app.with_key(&key).get("/api/v1/renders").await.status, 200);
        let (begun, last) = key.split_at(key.len() - 1);
        let other = format!("{begun}{}", if last == "x" { "y" } else { "x" });
        for wrong in ["", "pk_short", begun, &other, "eyJhbGciOiJub25lIn0.e30."] {
            assert_eq!(app.with_key(wrong).get("/api/v1/renders").await.problem(), (401, "unauthenticated".to_owned()), "{wrong}");
        }
        let basic = app.request(Method::GET, "/api/v1/renders").header("authorization", format!("Basic {key}"));
        assert_eq!(Reply::of(basic).await.problem().0, 401);
    }

    async fn t45_t46_a_global_admin_names_a_tenant(engine) {
        let app = TestApp::idle(&engine).await;
        let of = installation::get(&app.db, AllTenants::Instance).await.expect("answers");
        let (beta, beta_key) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let narrow = app.operating_key(&[Scope::Admin]).await;
        let wide = ApiKey::generate().expect("randomness");
        let new = NewKey { user: of.local_user, name: "all".to_owned(), scopes: vec![Scope::Admin], all_tenants: true, expires_at: None, rate_limit_per_s: None, created_by: None };
        keys::create(&app.db, TenantScope::of(of.operating_tenant), Actor::system(), new, &wide).await.expect("stored");
        let ask = async |key: &str, method: Method, path: &str, tenant: String| {
            let reply = Reply::of(app.with_key(key).request(method, path).header("x-tenant-id", tenant)).await;
            if reply.status == 200 { (200, String::new()) } else { reply.problem() }
        };
        let job = app.with_key(&beta_key).submit(&small()).await.json();
        let (path, lists) = (format!("/api/v1/renders/{}", id(&job)), "/api/v1/renders");
        let refused = |code: &str| (403, code.to_owned());
        assert_eq!(ask(wide.reveal(), Method::GET, &path, beta.to_string()).await.0, 200, "it acts there");
        assert_eq!(ask(wide.reveal(), Method::GET, &path, of.operating_tenant.to_string()).await.0, 404);
        assert_eq!(ask(wide.reveal(), Method::GET, lists, TenantId::new().to_string()).await, refused("tenant_mismatch"));
        assert_eq!(ask(wide.reveal(), Method::GET, "/api/v1/devices", "*".to_owned()).await.0, 200);
        assert_eq!(ask(wide.reveal(), Method::GET, lists, "*".to_owned()).await.0, 200);
        assert_eq!(ask(wide.reveal(), Method::GET, &path, "*".to_owned()).await, refused("bypass_not_allowed"));
        assert_eq!(ask(&narrow, Method::GET, "/api/v1/devices", "*".to_owned()).await, refused("bypass_not_allowed"));
        assert_eq!(ask(&narrow, Method::GET, lists, of.operating_tenant.to_string()).await.0, 200);
        assert_eq!(ask(&narrow, Method::GET, lists, beta.to_string()).await, refused("tenant_mismatch"));
        assert_eq!(ask(&beta_key, Method::GET, "/api/v1/devices", "*".to_owned()).await, refused("tenant_mismatch"));
    }

    async fn t47_the_tenant_header_says_nothing_new(engine) {
        let app = TestApp::idle(&engine).await;
        let (tenant, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let (other, _) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let with_header = |value: String| Reply::of(app.with_key(&key).request(Method::GET, "/api/v1/renders").header("x-tenant-id", value));
        assert_eq!(with_header(tenant.to_string()).await.status, 200);
        let (foreign, made_up) = (with_header(other.to_string()).await, with_header("nobody".to_owned()).await);
        assert_eq!((foreign.problem(), made_up.problem()), ((403, "tenant_mismatch".into()), (403, "tenant_mismatch".into())));
    }
}
