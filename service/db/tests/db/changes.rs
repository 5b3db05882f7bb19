//! T46, T84: every change has one entry in the audit log, written with it or not at all.

use std::time::Duration;

use packshot_db::audit::{self, AuditEntry, AuditFilter};
use packshot_db::jobs::JobError;
use packshot_db::keys::{self, KeyChange, NewKey};
use packshot_db::libraries::{self, NewLibrary};
use packshot_db::sessions::{self, NewSession};
use packshot_db::tasks::{self, Failure, Report, TaskFilter};
use packshot_db::users::{self, NewPassword, NewUser, Replaced, UserChange};
use packshot_db::{AllTenants, PageRequest, renders, worker_configs};
use packshot_domain::access::{Role, Scope};
use packshot_domain::audit::{Action, Actor, ActorKind};
use packshot_domain::concurrency::Concurrency;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{RenderId, TaskId, UserId};
use packshot_domain::key::ApiKey;
use packshot_domain::session::RefreshToken;
use packshot_domain::task::{FaultKind, QueueName};
use serde_json::{Value, json};

use crate::engine::{Fixture, deleter, render_of};

const ALL: PageRequest = PageRequest { limit: 200, after: None };

fn library(version: &str) -> NewLibrary {
    NewLibrary {
        name: "ACME".to_owned(),
        version: version.to_owned(),
        digest: "d".to_owned(),
        address: ContentAddress::of(b"library"),
        media_type: "application/toml".to_owned(),
        materials: 1,
        diagnostics: json!([]),
    }
}

fn key_of(user: UserId) -> NewKey {
    NewKey {
        user,
        name: "k".to_owned(),
        scopes: vec![Scope::Admin],
        all_tenants: false,
        expires_at: None,
        rate_limit_per_s: None,
        created_by: None,
    }
}

fn person(email: &str) -> NewUser {
    NewUser {
        email: email.parse().expect("an address"),
        display_name: "Anna".parse().expect("a name"),
        role: Role::Client,
        is_active: true,
        password: password(),
    }
}

fn password() -> NewPassword {
    NewPassword { hash: "h".to_owned(), is_temporary: false }
}

fn session_of(user: UserId) -> NewSession {
    let token = RefreshToken::generate().expect("randomness").hash();
    NewSession { user, password_hash: None, user_agent: None, ip: None, token, lives: Duration::from_secs(600) }
}

fn by() -> Actor {
    Actor { kind: ActorKind::User, name: "Ben".to_owned(), ..Actor::system() }
}

fn admin() -> (Actor, Role) {
    (by(), Role::GlobalAdmin)
}

fn named(name: &str) -> KeyChange {
    KeyChange { name: Some(name.to_owned()), ..KeyChange::default() }
}

/// A render whose only task has failed.
async fn failed(t: &Fixture) -> (RenderId, TaskId) {
    t.submit().await;
    let claimed = t.claim_one().await;
    let error = JobError { code: "c".to_owned(), detail: "d".to_owned(), at: None };
    let failure = Failure { report: Report::default(), fault: FaultKind::Input, error };
    tasks::fail(&t.db, t.scope, claimed.lease, failure).await.expect("the lease holds");
    (render_of(&claimed), claimed.lease.task)
}

/// Looks for what is new in the log.
struct Log<'t> {
    t: &'t Fixture,
    n_seen: usize,
}

impl Log<'_> {
    async fn new_entries(&mut self) -> Vec<AuditEntry> {
        let t = self.t;
        let mut entries = audit::list(&t.db, t.scope, AuditFilter::default(), 200, None).await.expect("the log");
        entries.truncate(entries.len() - self.n_seen);
        self.n_seen += entries.len();
        entries
    }

    /// Checks that one entry was written, and what it says.
    async fn one(&mut self, action: Action, object_type: &str, detail: Value) {
        let entries = self.new_entries().await;
        let [entry] = &entries[..] else { panic!("one entry of {action}: {entries:?}") };
        assert_eq!((entry.action, entry.object_type.as_deref()), (action, Some(object_type)));
        assert_eq!((entry.actor.name.as_str(), entry.object_id.is_some()), ("Ben", true), "{action}");
        assert_eq!(entry.detail, detail, "{action}");
    }

    async fn none(&mut self, what: &str) {
        let entries = self.new_entries().await;
        assert!(entries.is_empty(), "{what}: {entries:?}");
    }
}

pub(crate) async fn t84_each_change_of_a_library_has_one_entry(t: Fixture) {
    let mut log = Log { t: &t, n_seen: 0 };
    let made = libraries::create(&t.db, t.scope, by(), library("1.0.0")).await.expect("a library");
    let address = ContentAddress::of(b"library").to_string();
    let shown = |public: bool| json!({"name": "ACME", "version": "1.0.0", "digest": "d", "content_address": address, "public": public});
    log.one(Action::LibraryChanged, "library", json!({"before": null, "after": shown(false)})).await;
    libraries::create(&t.db, t.scope, by(), library("1.0.0")).await.expect("the same again");
    let other = NewLibrary { digest: "e".to_owned(), ..library("1.0.0") };
    assert!(libraries::create(&t.db, t.scope, by(), other).await.is_err());
    log.none("the same library, and another with its name").await;
    for _ in 0..2 {
        libraries::set_public(&t.db, t.scope, by(), made.id, true).await.expect("an own library");
    }
    let published = json!({"before": {"public": false}, "after": {"public": true}});
    log.one(Action::LibraryChanged, "library", published).await;
    libraries::delete(&t.db, t.scope, by(), made.id).await.expect("an own library");
    log.one(Action::LibraryChanged, "library", json!({"before": shown(true), "after": null})).await;
    assert!(libraries::delete(&t.db, t.scope, by(), made.id).await.is_err());
    log.none("it is gone").await;
}

pub(crate) async fn t84_each_change_of_a_queue_has_one_entry(t: Fixture) {
    let mut log = Log { t: &t, n_seen: 0 };
    let put = async |max, expected| {
        let limits = Concurrency::new(max, 2).expect("valid limits");
        worker_configs::put(&t.db, AllTenants::Instance, by(), QueueName::Convert, limits, expected).await
    };
    put(4, None).await.expect("changed");
    let detail = json!({"before": {"max_concurrency": 8}, "after": {"max_concurrency": 4}});
    log.one(Action::WorkerConfigChanged, "worker_config", detail).await;
    put(4, None).await.expect("nothing to change");
    assert!(put(5, Some(1)).await.is_err());
    log.none("nothing changes, or the revision is stale").await;
}

pub(crate) async fn t84_each_change_of_a_key_has_one_entry(t: Fixture) {
    let mut log = Log { t: &t, n_seen: 0 };
    let secret = ApiKey::generate().expect("randomness");
    let made = keys::create(&t.db, t.scope, by(), key_of(t.user), &secret).await.expect("a key");
    let shown = json!({
        "name": "k", "prefix": secret.prefix(), "user_id": t.user.to_string(), "scopes": ["admin"],
        "all_tenants": false, "expires_at": null, "rate_limit_per_s": null,
    });
    log.one(Action::KeyCreated, "api_key", json!({"before": null, "after": shown})).await;
    for _ in 0..2 {
        keys::change(&t.db, t.scope, by(), made.id, named("l")).await.expect("the key");
    }
    log.one(Action::KeyUpdated, "api_key", json!({"before": {"name": "k"}, "after": {"name": "l"}})).await;
    let mut revoked_at = None;
    for _ in 0..2 {
        revoked_at = keys::revoke(&t.db, t.scope, by(), made.id).await.expect("the key").revoked_at;
    }
    let revoked_at = revoked_at.expect("a time").to_string();
    let detail = json!({"before": {"revoked_at": null}, "after": {"revoked_at": revoked_at}});
    log.one(Action::KeyRevoked, "api_key", detail).await;
}

pub(crate) async fn t84_each_change_of_a_user_has_one_entry(t: Fixture) {
    let mut log = Log { t: &t, n_seen: 0 };
    let anna = users::create(&t.db, t.scope, by(), person("anna@test")).await.expect("a user").id;
    let shown = json!({
        "email": "anna@test", "display_name": "Anna", "role": "client", "is_active": true, "must_change_password": false,
    });
    log.one(Action::UserCreated, "user", json!({"before": null, "after": shown})).await;
    assert!(users::create(&t.db, t.scope, by(), person("ANNA@test")).await.is_err());
    log.none("the address is taken").await;
    let change = |change: UserChange| users::change(&t.db, t.scope, admin(), anna, change);
    change(UserChange { role: Some(Role::TenantAdmin), ..UserChange::default() }).await.expect("changed");
    let detail = json!({"before": {"role": "client"}, "after": {"role": "tenant_admin"}});
    log.one(Action::UserRoleChanged, "user", detail).await;
    change(UserChange { is_active: Some(false), ..UserChange::default() }).await.expect("changed");
    log.one(Action::UserDeactivated, "user", json!({"before": {"is_active": true}, "after": {"is_active": false}}))
        .await;
    change(UserChange { is_active: Some(true), ..UserChange::default() }).await.expect("changed");
    log.one(Action::UserUpdated, "user", json!({"before": {"is_active": false}, "after": {"is_active": true}})).await;
    change(UserChange::default()).await.expect("nothing to change");
    log.none("nothing changes").await;
    users::set_password(&t.db, t.scope, by(), anna, password(), None).await.expect("changed");
    log.one(Action::PasswordChanged, "user", json!({"before": {}, "after": {}})).await;
    users::delete(&t.db, t.scope, admin(), anna).await.expect("a user");
    // Name and address are to go, so they are not written once more.
    log.one(Action::UserDeleted, "user", json!({"before": {"is_active": true}, "after": {"is_active": false}})).await;
    assert!(users::delete(&t.db, t.scope, admin(), anna).await.is_err());
    log.none("the user is gone").await;
}

pub(crate) async fn t84_each_change_of_a_session_has_one_entry(t: Fixture) {
    let mut log = Log { t: &t, n_seen: 0 };
    let begun = sessions::begin(&t.db, t.scope, by(), session_of(t.user)).await.expect("a session");
    log.one(Action::Login, "session", json!({})).await;
    for _ in 0..2 {
        sessions::end_one(&t.db, t.scope, by(), t.user, begun.id).await.expect("the session");
    }
    log.one(Action::Logout, "session", json!({})).await;
    sessions::end_all(&t.db, t.scope, by(), t.user).await.expect("nothing to end");
    log.none("there is no session").await;
    for _ in 0..2 {
        sessions::begin(&t.db, t.scope, by(), session_of(t.user)).await.expect("a session");
    }
    assert_eq!(log.new_entries().await.len(), 2);
    sessions::end_all(&t.db, t.scope, by(), t.user).await.expect("ended");
    log.one(Action::Logout, "user", json!({"all": true})).await;
    sessions::rotate_signing_key(&t.db, AllTenants::Instance, by(), true).await.expect("noted");
    let entries = log.new_entries().await;
    assert_eq!(entries.iter().map(|entry| entry.action).collect::<Vec<_>>(), [Action::SigningKeyRotated]);
}

pub(crate) async fn t25_nothing_begins_with_a_password_that_was_replaced(t: Fixture) {
    let anna = users::create(&t.db, t.scope, by(), person("anna@test")).await.expect("a user").id;
    let of = |hash: &str| NewSession { password_hash: Some(hash.to_owned()), ..session_of(anna) };
    let replacing = |hash: &str| Some(Replaced { hash: Some(hash.to_owned()), keep: None });
    let other = || NewPassword { hash: "other".to_owned(), is_temporary: true };
    sessions::begin(&t.db, t.scope, by(), of("h")).await.expect("it is the user's");
    users::set_password(&t.db, t.scope, by(), anna, other(), replacing("h")).await.expect("it is the user's");
    assert!(sessions::begin(&t.db, t.scope, by(), of("h")).await.is_err(), "it was checked before, and is late");
    assert!(users::set_password(&t.db, t.scope, by(), anna, password(), replacing("h")).await.is_err());
    assert_eq!(users::password_hash(&t.db, t.scope, anna).await.expect("a user").as_deref(), Some("other"));
    assert!(sessions::list(&t.db, t.scope, anna, ALL).await.expect("a page").items.is_empty());
    let deactivated = UserChange { is_active: Some(false), ..UserChange::default() };
    users::change(&t.db, t.scope, admin(), anna, deactivated).await.expect("a user");
    assert!(sessions::begin(&t.db, t.scope, by(), of("other")).await.is_err(), "the user may not do anything");
}

pub(crate) async fn t84_each_change_of_work_has_one_entry(t: Fixture) {
    let mut log = Log { t: &t, n_seen: 0 };
    let (render, task) = failed(&t).await;
    log.none("what workers do is not in the audit log").await;
    tasks::requeue(&t.db, t.scope, by(), task).await.expect("it has failed");
    let detail = json!({"before": {"state": "failed", "attempt": 1}, "after": {"state": "queued", "attempt": 0}});
    log.one(Action::TaskRequeued, "task", detail).await;
    assert!(tasks::requeue(&t.db, t.scope, by(), task).await.is_err());
    assert!(renders::delete(&t.db, t.scope, deleter(by()), render).await.is_err());
    log.none("it has neither failed nor ended").await;
    t.complete(&t.claim_one().await).await;
    let created_at = renders::get(&t.db, t.scope, render).await.expect("the render").created_at;
    renders::delete(&t.db, t.scope, deleter(by()), render).await.expect("it has ended");
    let before = json!({
        "state": "completed", "input_name": null,
        "created_by": t.user.to_string(), "created_at": created_at.to_string(),
    });
    log.one(Action::RenderDeleted, "render", json!({"before": before, "after": null})).await;
    assert!(renders::delete(&t.db, t.scope, deleter(by()), render).await.is_err());
    log.none("it is gone").await;
}

pub(crate) async fn t84_a_change_that_cannot_be_noted_does_not_happen(t: Fixture) {
    let made = libraries::create(&t.db, t.scope, by(), library("1.0.0")).await.expect("a library");
    let secret = || ApiKey::generate().expect("randomness");
    let key = keys::create(&t.db, t.scope, by(), key_of(t.user), &secret()).await.expect("a key");
    let anna = users::create(&t.db, t.scope, by(), person("anna@test")).await.expect("a user").id;
    let session = sessions::begin(&t.db, t.scope, by(), session_of(anna)).await.expect("a session").id;
    let (render, task) = failed(&t).await;
    let state = async || {
        (
            libraries::list(&t.db, t.scope, ALL).await.expect("a page"),
            keys::list(&t.db, t.scope, None, ALL).await.expect("a page"),
            users::list(&t.db, t.scope, ALL).await.expect("a page"),
            users::password_hash(&t.db, t.scope, anna).await.expect("a user"),
            sessions::list(&t.db, t.scope, anna, ALL).await.expect("a page"),
            renders::list(&t.db, t.scope, None, ALL).await.expect("a page"),
            tasks::list(&t.db, t.scope, TaskFilter::default(), ALL).await.expect("a page"),
            worker_configs::list(&t.db, AllTenants::Instance).await.expect("limits"),
        )
    };
    let before = state().await;
    audit::obstruct(&t.db, t.scope).await.expect("obstructed");
    let (db, scope) = (&t.db, t.scope);
    let limits = Concurrency::new(4, 2).expect("valid limits");
    let deactivated = UserChange { is_active: Some(false), ..UserChange::default() };
    let other = NewPassword { hash: "other".to_owned(), is_temporary: true };
    let refused = [
        libraries::create(db, scope, by(), library("1.1.0")).await.is_err(),
        libraries::set_public(db, scope, by(), made.id, true).await.is_err(),
        libraries::delete(db, scope, by(), made.id).await.is_err(),
        worker_configs::put(db, AllTenants::Instance, by(), QueueName::Convert, limits, None).await.is_err(),
        keys::create(db, scope, by(), key_of(t.user), &secret()).await.is_err(),
        keys::change(db, scope, by(), key.id, named("l")).await.is_err(),
        keys::revoke(db, scope, by(), key.id).await.is_err(),
        users::create(db, scope, by(), person("ben@test")).await.is_err(),
        users::change(db, scope, admin(), anna, deactivated).await.is_err(),
        users::set_password(db, scope, by(), anna, other, None).await.is_err(),
        users::delete(db, scope, admin(), anna).await.is_err(),
        sessions::begin(db, scope, by(), session_of(anna)).await.is_err(),
        sessions::end_one(db, scope, by(), anna, session).await.is_err(),
        sessions::end_all(db, scope, by(), anna).await.is_err(),
        sessions::rotate_signing_key(db, AllTenants::Instance, by(), true).await.is_err(),
        tasks::requeue(db, scope, by(), task).await.is_err(),
        renders::delete(db, scope, deleter(by()), render).await.is_err(),
    ];
    assert_eq!(refused, [true; 17]);
    assert_eq!(state().await, before, "nothing has happened");
}

pub(crate) async fn t46_t57_an_entry_names_its_own_tenant_alone(t: Fixture) {
    let (other, _) = t.other_tenant().await;
    for scope in [t.scope, other] {
        let by = Actor { acting_tenant: Some(other.tenant), ..by() };
        libraries::create(&t.db, scope, by, library("1.0.0")).await.expect("a library");
        let entries = audit::list(&t.db, scope, AuditFilter::default(), 10, None).await.expect("the log");
        let expected = (scope == other).then_some(other.tenant);
        assert_eq!(entries[0].actor.acting_tenant, expected, "where it acted, and nowhere else");
    }
}
