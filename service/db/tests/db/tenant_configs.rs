//! T65, T69, T80, T81, T84: configurations of tenants, and their limits.

use std::time::Duration;

use futures_util::future::join_all;
use packshot_db::audit::{self, AuditFilter};
use packshot_db::objects::NewObject;
use packshot_db::renders::{self, Submitted};
use packshot_db::tenant_configs;
use packshot_db::{DbError, Exceeded, TenantScope, objects};
use packshot_domain::audit::{Action, Actor};
use packshot_domain::change::Change;
use packshot_domain::feature::Feature;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::TenantId;
use packshot_domain::tenant_config::{LimitedClass, TenantConfig, TenantConfigChange};
use serde_json::json;

use crate::engine::Fixture;

fn none() -> TenantConfigChange {
    TenantConfigChange::default()
}

pub(crate) async fn t65_t69_configurations_have_defaults_and_revisions(t: Fixture) {
    let (other, _) = t.other_tenant().await;
    for (scope, is_operating) in [(t.scope, true), (other, false)] {
        let first = tenant_configs::get(&t.db, scope).await.expect("the tenant");
        assert_eq!((first.config, first.revision), (TenantConfig::default_of(is_operating), 1));
    }
    let change = async |change: TenantConfigChange, expected| {
        let default = TenantConfig::default_of(true);
        tenant_configs::change(&t.db, t.scope, Actor::system(), change, default, expected).await
    };
    let everything = TenantConfigChange {
        max_concurrent_renders: Change::Set(9),
        render_engines_allowed: Change::Set(
            ["path_tracer", "eevee"].map(|name| name.parse().expect("a name")).to_vec(),
        ),
        max_order_size: Change::Set(7),
        fallback_material: Change::Set("STD_010101_Steel-Bare".to_owned()),
        notifications_enabled: Change::Set(false),
        invoice_prefix: Change::Set("R-".to_owned()),
        material_library: Change::Set("ACME".to_owned()),
        max_queued_jobs: Change::Set(8),
        max_storage_bytes: Change::Set(1 << 40),
        max_upload_bytes: Change::Set(1 << 30),
        max_pixels: Change::Set(1_000_000),
        rate_limit_per_s: Change::Set(5),
        retention_days: Change::Set(vec![
            (LimitedClass::Preview, Change::Set(90)),
            (LimitedClass::RenderOutput, Change::Set(36_500)),
        ]),
        features: Change::Set(vec![
            (Feature::Turntables, Change::Set(false)),
            (Feature::ExternalExecutor, Change::Set(false)),
        ]),
    };
    let set = change(everything.clone(), Some(1)).await.expect("changed");
    let default = TenantConfig::default_of(true);
    assert_eq!((&set.config, set.revision), (&everything.clone().of(default.clone(), default.clone()), 2));
    assert_eq!(tenant_configs::get(&t.db, t.scope).await.expect("the tenant"), set, "as it was stored");
    assert!(matches!(change(none(), Some(1)).await, Err(DbError::Stale { current: 2 })));
    assert_eq!(change(everything, Some(2)).await.expect("the same"), set, "C37: the revision counts changes");
    let back = TenantConfigChange { max_pixels: Change::Reset, features: Change::Reset, ..none() };
    let back = change(back, None).await.expect("changed");
    assert_eq!((back.config.max_pixels, back.config.features), (None, default.features));
    assert_eq!((back.config.max_order_size, back.revision), (7, 3));
}

pub(crate) async fn t84_a_change_of_a_configuration_is_audited_once(t: Fixture) {
    let change = TenantConfigChange {
        max_order_size: Change::Set(7),
        features: Change::Set(vec![(Feature::Webhooks, Change::Set(false))]),
        ..none()
    };
    t.configure(t.scope, change.clone()).await;
    t.configure(t.scope, change.clone()).await;
    let default = TenantConfig::default_of(true);
    let stale = tenant_configs::change(&t.db, t.scope, Actor::system(), change, default, Some(1)).await;
    assert!(matches!(stale, Err(DbError::Stale { .. })));
    let entries = audit::list(&t.db, t.scope, AuditFilter::default(), 200, None).await.expect("the log");
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((entry.action, entry.object_type.as_deref()), (Action::TenantConfigChanged, Some("tenant")));
    assert_eq!(entry.object_id, Some(t.scope.tenant.to_string()));
    let before = json!({"max_order_size": 500, "features": {"webhooks": true}});
    let after = json!({"max_order_size": 7, "features": {"webhooks": false}});
    assert_eq!(entry.detail, json!({"before": before, "after": after}));
}

pub(crate) async fn a_configuration_is_its_tenants(t: Fixture) {
    let (other, _) = t.other_tenant().await;
    t.configure(t.scope, TenantConfigChange { max_order_size: Change::Set(7), ..none() }).await;
    let theirs = tenant_configs::get(&t.db, other).await.expect("the tenant");
    assert_eq!((theirs.config.max_order_size, theirs.revision), (500, 1));
    let nobody = TenantScope::of(TenantId::new());
    assert!(matches!(tenant_configs::get(&t.db, nobody).await, Err(DbError::NotFound("tenant"))));
    let default = TenantConfig::default_of(false);
    let changed = tenant_configs::change(&t.db, nobody, Actor::system(), none(), default, None).await;
    assert!(matches!(changed, Err(DbError::NotFound("tenant"))));
}

pub(crate) async fn t80_a_queue_is_never_fuller_than_its_limit(t: Fixture) {
    let (other, _) = t.other_tenant().await;
    t.configure(t.scope, TenantConfigChange { max_queued_jobs: Change::Set(2), ..none() }).await;
    let tried = join_all((0..20).map(|_| renders::create(&t.db, t.scope, t.new_render(0), None))).await;
    let accepted = tried.iter().filter(|result| matches!(result, Ok(Submitted::Created(_)))).count();
    let refused = |result: &&Result<_, _>| matches!(result, Err(DbError::Exceeded(Exceeded::QueuedJobs { max: 2 })));
    assert_eq!((accepted, tried.iter().filter(refused).count()), (2, 18));
    t.submit_to(other, 0).await;

    // What runs does not wait.
    t.set_limits(8, &[(t.scope, 8)]).await;
    assert_eq!(t.claim(8).await.len(), 3);
    t.submit().await;
    t.submit().await;
    assert!(renders::create(&t.db, t.scope, t.new_render(0), None).await.is_err());
}

pub(crate) async fn t81_stored_bytes_have_a_limit(t: Fixture) {
    let record = |name: &str, size_bytes: i64| {
        let (t, address) = (&t, ContentAddress::of(name.as_bytes()));
        async move {
            let recorded =
                objects::record(&t.db, t.scope, NewObject::unread(address, size_bytes, "model/gltf-binary")).await;
            recorded.map(|_| address)
        }
    };
    // The fixture has stored 5 bytes.
    let used = record("used", 998_995).await.expect("there is no limit yet");
    t.configure(t.scope, TenantConfigChange { max_storage_bytes: Change::Set(1_000_000), ..none() }).await;
    let refused = record("large", 2_000).await;
    let expected = Exceeded::StoredBytes { needed: 1_001_000, max: 1_000_000 };
    assert!(matches!(refused, Err(DbError::Exceeded(exceeded)) if exceeded == expected), "{refused:?}");
    let large = ContentAddress::of(b"large");
    assert_eq!(objects::find(&t.db, t.scope, large).await.expect("a search"), None, "nothing is recorded");
    t.submit().await;
    let names: Vec<String> = (0..20).map(|i| i.to_string()).collect();
    let tried = join_all(names.iter().map(|name| record(name, 500))).await;
    assert_eq!(tried.iter().filter(|result| result.is_ok()).count(), 2, "exactly as many as there is room for");
    t.wait(1.0);
    record("used", 998_995).await.expect("what is stored already takes no more room");
    let full = renders::create(&t.db, t.scope, t.new_render(0), None).await;
    assert!(matches!(full, Err(DbError::Exceeded(Exceeded::StoredBytes { .. }))), "{:?}", full.err());

    t.wait(601.0);
    assert!(objects::forget(&t.db, t.scope, used, Duration::from_secs(600)).await.expect("a database"));
    record("large", 2_000).await.expect("there is room again");
    t.submit().await;
}
