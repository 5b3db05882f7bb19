//! T58–T64, T84, T85: the life of a tenant, as far as the database decides it.

use packshot_db::audit::{self, AuditEntry, AuditFilter};
use packshot_db::objects::NewObject;
use packshot_db::tenants::{self, NewTenant, purge};
use packshot_db::users::{NewPassword, NewUser};
use packshot_db::{AllTenants, DbError, PageRequest, TenantScope, objects, renders, users};
use packshot_domain::access::Role;
use packshot_domain::audit::{Action, Actor};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::TenantId;
use packshot_domain::job::JobState;
use packshot_domain::tenant::{TenantRefusal, TenantStatus};
use packshot_domain::tenant_config::TenantConfig;

use crate::engine::{Fixture, render_of};

const INSTANCE: AllTenants = AllTenants::Instance;
const HOUSEKEEPING: AllTenants = AllTenants::Housekeeping;
const ALL: PageRequest = PageRequest { limit: 200, after: None };
const DAY_S: f64 = 24.0 * 60.0 * 60.0;

fn by() -> Actor {
    Actor::system()
}

/// What was done with tenants, newest first.
async fn log(t: &Fixture) -> Vec<AuditEntry> {
    let filter = AuditFilter { object_type: Some("tenant".to_owned()), ..AuditFilter::default() };
    audit::list(&t.db, t.scope, filter, 200, None).await.expect("the log")
}

async fn actions(t: &Fixture) -> Vec<Action> {
    log(t).await.into_iter().map(|entry| entry.action).collect()
}

fn new_tenant(slug: &str, email: &str) -> NewTenant {
    let password = NewPassword { hash: "hash".to_owned(), is_temporary: true };
    let (email, display_name) = (email.parse().expect("an address"), email.parse().expect("a name"));
    let admin = NewUser { email, display_name, role: Role::TenantAdmin, is_active: true, password };
    let (slug, name) = (slug.parse().expect("a slug"), slug.parse().expect("a name"));
    NewTenant { slug, name, config: TenantConfig::default_of(false), admin }
}

/// A tenant with a user, renders in every state and entries of the log, which is to be deleted.
async fn to_be_deleted(t: &Fixture) -> TenantId {
    let (tenant, _) = tenants::create(&t.db, INSTANCE, by(), new_tenant("beta", "eva@test")).await.expect("a tenant");
    let id = tenant.tenant.id;
    let scope = TenantScope::of(id);
    t.set_limits(8, &[(scope, 8)]).await;
    let scene = ContentAddress::of(b"scene");
    objects::record(&t.db, scope, NewObject::unread(scene, 5, "model/gltf-binary")).await.expect("an object");
    for _ in 0..3 {
        t.submit_to(scope, 0).await;
    }
    let claimed = t.claim(2).await;
    t.complete(&claimed[0]).await;
    tenants::deactivate(&t.db, INSTANCE, by(), id).await.expect("deactivated");
    tenants::delete(&t.db, INSTANCE, by(), id, Some("beta".to_owned())).await.expect("to be deleted");
    id
}

pub(crate) async fn t59_t61_only_tasks_of_active_tenants_start(t: Fixture) {
    let (beta, _) = t.other_tenant().await;
    t.set_limits(8, &[(t.scope, 8), (beta, 8)]).await;
    let running = t.submit_to(beta, 10).await;
    let claimed = t.claim_one().await;
    assert_eq!(render_of(&claimed), running);
    let waiting = [t.submit_to(beta, 10).await, t.submit_to(beta, 10).await];
    let own = t.submit().await;

    let off = tenants::deactivate(&t.db, INSTANCE, by(), beta.tenant).await.expect("deactivated");
    assert_eq!((off.tenant.status, off.usage.jobs_queued, off.usage.jobs_running), (TenantStatus::Deactivated, 2, 1));
    assert_eq!(t.claim(8).await.iter().map(render_of).collect::<Vec<_>>(), [own], "all slots are free for it");
    t.complete(&claimed).await;
    let ended = renders::get(&t.db, beta, running).await.expect("the render");
    assert_eq!(ended.state, JobState::Completed, "what ran is kept");
    assert!(t.claim(8).await.is_empty());

    tenants::activate(&t.db, INSTANCE, by(), beta.tenant).await.expect("activated");
    assert_eq!(t.claim(8).await.iter().map(render_of).collect::<Vec<_>>(), waiting);
    assert_eq!(actions(&t).await[..2], [Action::TenantActivated, Action::TenantDeactivated]);
}

pub(crate) async fn t58_a_tenant_that_cannot_be_made_leaves_nothing(t: Fixture) {
    let made = tenants::create(&t.db, INSTANCE, by(), new_tenant("beta", "eva@test")).await.expect("a tenant");
    let (view, admin) = made;
    assert_eq!((view.usage.users, admin.tenant, admin.must_change_password), (1, view.tenant.id, true));
    let again = tenants::create(&t.db, INSTANCE, by(), new_tenant("beta", "ben@test")).await;
    assert!(matches!(again, Err(DbError::Exists("tenant"))), "{again:?}");
    let ben = "ben@test".parse().expect("an address");
    assert_eq!(users::with_email(&t.db, INSTANCE, &ben, None).await.expect("a search"), []);
    assert_eq!(tenants::list(&t.db, INSTANCE, ALL).await.expect("a page").items.len(), 2);
    assert_eq!(actions(&t).await, [Action::TenantCreated]);
    let own = audit::list(&t.db, TenantScope::of(view.tenant.id), AuditFilter::default(), 9, None).await;
    assert_eq!(own.expect("the log").iter().map(|entry| entry.action).collect::<Vec<_>>(), [Action::UserCreated]);
}

pub(crate) async fn t84_one_of_many_deactivations_is_a_change(t: Fixture) {
    let (beta, _) = t.other_tenant().await;
    let tries = (0..8).map(|_| tenants::deactivate(&t.db, INSTANCE, by(), beta.tenant));
    for result in futures_util::future::join_all(tries).await {
        assert_eq!(result.expect("deactivated").tenant.status, TenantStatus::Deactivated);
    }
    let log = log(&t).await;
    let detail = serde_json::json!({"before": {"status": "active"}, "after": {"status": "deactivated"}});
    assert_eq!(log.into_iter().map(|entry| entry.detail).collect::<Vec<_>>(), [detail]);
}

pub(crate) async fn t63_a_purge_goes_on_after_each_step(t: Fixture) {
    let beta = to_be_deleted(&t).await;
    let own = t.submit().await;
    let step = async || purge::remove_some(&t.db, HOUSEKEEPING, beta, 1).await.expect("a step");
    assert_eq!(step().await, purge::Progress::Over, "its time is not over");
    assert!(purge::due(&t.db, HOUSEKEEPING).await.expect("a search").is_empty());
    t.wait(30.0 * DAY_S);
    let before = purge::rows_left(&t.db, INSTANCE, beta).await.expect("counts");
    let n: u64 = before.iter().map(|(_, n)| n).sum();
    for table in ["users", "jobs", "tasks", "events", "streams", "render_files", "objects", "audit_log", "lane_turns"] {
        assert!(before.iter().any(|(own, _)| own == table), "{table}: {before:?}");
    }
    let mut last = n;
    loop {
        // Each look is that of a service that has just started.
        assert_eq!(purge::due(&t.db, HOUSEKEEPING).await.expect("a search"), [beta]);
        match step().await {
            purge::Progress::Rows => {
                let left = purge::rows_left(&t.db, INSTANCE, beta).await.expect("counts");
                let left: u64 = left.iter().map(|(_, n)| n).sum();
                assert!(left < last, "{left} of {last}");
                last = left;
                let early = tenants::restore(&t.db, INSTANCE, by(), beta).await;
                assert!(matches!(early, Err(DbError::Tenant(TenantRefusal::Purging))), "{early:?}");
            }
            purge::Progress::Files => break,
            purge::Progress::Over => panic!("it is not over before it is buried"),
        }
    }
    assert_eq!(last, 0);
    for _ in 0..2 {
        assert!(purge::bury(&t.db, HOUSEKEEPING, beta).await.expect("an end"), "also the second time");
    }
    assert_eq!(step().await, purge::Progress::Over);
    assert!(matches!(tenants::view(&t.db, INSTANCE, beta).await, Err(DbError::NotFound("tenant"))));
    let taken = tenants::create(&t.db, INSTANCE, by(), new_tenant("beta", "eva@test")).await;
    assert!(matches!(taken, Err(DbError::Exists("tenant"))), "the slug stays taken");
    let log = log(&t).await;
    assert_eq!((log[0].action, log[0].actor.kind.as_str()), (Action::TenantPurged, "system"));
    let counts = before.into_iter().map(|(table, n)| (table, n.into())).collect::<serde_json::Map<_, _>>();
    assert_eq!(log[0].detail["rows"], serde_json::Value::Object(counts), "each row is counted once");
    assert_eq!(renders::get(&t.db, t.scope, own).await.expect("the render").state, JobState::Queued);
}

pub(crate) async fn t63_t85_no_living_tenant_loses_its_log(t: Fixture) {
    let beta = to_be_deleted(&t).await;
    let force = async |tenant, status| tenants::force_status(&t.db, INSTANCE, tenant, status).await;
    force(t.scope.tenant, TenantStatus::Deleting).await.expect("no rule of the database is against it");
    assert!(force(t.scope.tenant, TenantStatus::Purging).await.is_err(), "never the operating tenant");
    force(t.scope.tenant, TenantStatus::Active).await.expect("as it was");
    assert!(force(t.scope.tenant, TenantStatus::Purging).await.is_err(), "nor one that is not to be deleted");
    assert!(audit::tamper(&t.db, INSTANCE, true).await.is_err(), "a tenant that is to be deleted still has its log");
    t.wait(30.0 * DAY_S);
    purge::remove_some(&t.db, HOUSEKEEPING, beta, 1).await.expect("a step");
    for status in [TenantStatus::Active, TenantStatus::Deactivated, TenantStatus::Deleting] {
        assert!(force(beta, status).await.is_err(), "there is no way back");
    }
    assert!(audit::tamper(&t.db, INSTANCE, true).await.is_err(), "the log of the operating tenant stays");
}
