//! T44, T87: lists of one tenant, and of all.

use std::collections::{BTreeSet, HashSet};

use packshot_db::audit::{self, AuditCursor, AuditEntry, AuditFilter};
use packshot_db::keys::{self, NewKey};
use packshot_db::libraries::{self, NewLibrary};
use packshot_db::tasks::{self, TaskFilter};
use packshot_db::users::{self, NewPassword, NewUser};
use packshot_db::{DbError, Page, PageRequest, ReadScope, TenantScope, renders};
use packshot_domain::access::{Role, Scope};
use packshot_domain::audit::{Action, Actor};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{TenantId, UserId};
use packshot_domain::key::ApiKey;
use serde_json::json;
use uuid::Uuid;

use crate::engine::Fixture;

/// What there are lists of.
const KINDS: [&str; 5] = ["renders", "tasks", "libraries", "keys", "users"];

/// A row, by its tenant and its id.
type Place = (TenantId, Uuid);

/// Makes one row of each kind.
async fn make(t: &Fixture, scope: TenantScope, user: UserId, n: u32) {
    t.submit_to(scope, 0).await;
    let library = NewLibrary {
        name: "ACME".to_owned(),
        version: format!("1.{n}.0"),
        digest: "d".to_owned(),
        address: ContentAddress::of(b"library"),
        media_type: "application/toml".to_owned(),
        materials: 1,
        diagnostics: json!([]),
    };
    libraries::create(&t.db, scope, Actor::system(), library).await.expect("a library");
    let key = NewKey {
        user,
        name: "k".to_owned(),
        scopes: vec![Scope::Admin],
        all_tenants: false,
        expires_at: None,
        rate_limit_per_s: None,
        created_by: None,
    };
    let secret = ApiKey::generate().expect("randomness");
    keys::create(&t.db, scope, Actor::system(), key, &secret).await.expect("a key");
    let new = NewUser {
        email: format!("user-{n}@test").parse().expect("an address"),
        display_name: "User".parse().expect("a name"),
        role: Role::Client,
        is_active: true,
        password: NewPassword { hash: "h".to_owned(), is_temporary: false },
    };
    users::create(&t.db, scope, Actor::system(), new).await.expect("a user");
}

fn places<T>(page: Result<Page<T>, DbError>, of: impl Fn(&T) -> Place) -> Page<Place> {
    let page = page.expect("a page");
    Page { items: page.items.iter().map(of).collect(), next: page.next }
}

async fn page_of(t: &Fixture, kind: &str, scope: ReadScope, page: PageRequest) -> Page<Place> {
    let db = &t.db;
    match kind {
        "renders" => places(renders::list(db, scope, None, page).await, |row| (row.tenant, row.id.uuid())),
        "tasks" => {
            places(tasks::list(db, scope, TaskFilter::default(), page).await, |row| (row.tenant, row.task.id.uuid()))
        }
        "libraries" => places(libraries::list(db, scope, page).await, |row| (row.tenant, row.id.uuid())),
        "keys" => places(keys::list(db, scope, None, page).await, |row| (row.tenant, row.id.uuid())),
        _ => places(users::list(db, scope, page).await, |row| (row.tenant, row.id.uuid())),
    }
}

/// All rows of a list, read in pages of three.
async fn walk(t: &Fixture, kind: &str, scope: ReadScope) -> Vec<Place> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = page_of(t, kind, scope, PageRequest { limit: 3, after }).await;
        found.extend(page.items);
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

pub(crate) async fn t44_lists_show_one_tenant_or_all(t: Fixture) {
    let (other, user) = t.other_tenant().await;
    for n in 0..3 {
        for (scope, user) in [(t.scope, t.user), (other, user)] {
            make(&t, scope, user, n).await;
        }
    }
    for kind in KINDS {
        let all = walk(&t, kind, ReadScope::All).await;
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "{kind}: each once");
        let mut n_own = 0;
        for scope in [t.scope, other] {
            let own = walk(&t, kind, scope.into()).await;
            let among_all: Vec<Place> = all.iter().copied().filter(|(tenant, _)| *tenant == scope.tenant).collect();
            assert_eq!(own, among_all, "{kind}: the same rows in the same order");
            assert!(own.len() >= 3, "{kind}: {own:?}");
            n_own += own.len();
        }
        assert_eq!(all.len(), n_own, "{kind}: of these two tenants");

        let first = page_of(&t, kind, ReadScope::All, PageRequest { limit: 1, after: None }).await;
        let after = first.next;
        assert!(after.is_some(), "{kind}: there is more");
        for scope in [t.scope, other] {
            let rest = page_of(&t, kind, scope.into(), PageRequest { limit: 200, after }).await;
            assert!(rest.items.iter().all(|(tenant, _)| *tenant == scope.tenant), "{kind}: a cursor opens nothing");
            assert!(!rest.items.contains(&first.items[0]), "{kind}: it goes on after its row");
        }
    }
    let page = PageRequest { limit: 200, after: None };
    let tasks = tasks::list(&t.db, ReadScope::All, TaskFilter::default(), page).await.expect("a page").items;
    assert!(tasks.iter().all(|view| view.task.job.is_some()), "each with the job of its own tenant");
}

/// The log, read in pages of two.
async fn log(t: &Fixture, scope: ReadScope) -> Vec<AuditEntry> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let part = audit::list(&t.db, scope, AuditFilter::default(), 2, after).await.expect("the log");
        after = part.last().map(AuditCursor::of);
        if part.is_empty() {
            return found;
        }
        found.extend(part);
    }
}

pub(crate) async fn t87_the_logs_of_all_tenants_are_one_list(t: Fixture) {
    let (other, _) = t.other_tenant().await;
    for n in 0..12 {
        let scope = if n % 3 == 0 { other } else { t.scope };
        audit::record(&t.db, scope, Actor::system(), Action::LoginFailed, json!({"n": n})).await.expect("written");
        // Some have the same time.
        t.wait(if n % 2 == 0 { 0.001 } else { 0.0 });
    }
    let all = log(&t, ReadScope::All).await;
    let places: Vec<_> = all.iter().map(|entry| (entry.at, entry.tenant, entry.id)).collect();
    assert!(places.windows(2).all(|pair| pair[0] > pair[1]), "newest first, each once: {places:?}");
    assert_eq!(all.iter().map(|entry| entry.detail["n"].as_i64()).collect::<BTreeSet<_>>().len(), 12);
    for (scope, n) in [(t.scope, 8), (other, 4)] {
        let own = log(&t, scope.into()).await;
        assert_eq!(own.iter().map(|entry| entry.id).collect::<Vec<_>>(), (1..=n).rev().collect::<Vec<_>>());
        assert!(own.iter().all(|entry| entry.tenant == scope.tenant));
        let after = Some(AuditCursor::of(&all[0]));
        let rest = audit::list(&t.db, scope, AuditFilter::default(), 200, after).await.expect("the log");
        assert!(rest.iter().all(|entry| entry.tenant == scope.tenant), "a cursor opens nothing");
    }
    let failed = AuditFilter { action: Some(Action::Login), ..AuditFilter::default() };
    assert!(audit::list(&t.db, ReadScope::All, failed, 200, None).await.expect("the log").is_empty());
}
