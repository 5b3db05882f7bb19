//! T84, T85: the audit log is written with the change, keeps its order, and is never changed.

use std::time::Duration;

use packshot_db::audit::{self, AuditFilter};
use packshot_db::{AllTenants, DbError, keys};
use packshot_domain::access::Scope;
use packshot_domain::audit::{Action, Actor};
use packshot_domain::key::ApiKey;
use serde_json::json;

use crate::engine::Fixture;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn record(t: &Fixture) {
    let written = audit::record(&t.db, t.scope, Actor::system(), Action::LoginFailed, json!({})).await;
    written.expect("written");
}

async fn ids(t: &Fixture) -> Vec<i64> {
    let entries = audit::list(&t.db, t.scope, AuditFilter::default(), 200, None).await.expect("the log");
    entries.into_iter().map(|entry| entry.id).collect()
}

pub(crate) async fn t85_entries_are_neither_changed_nor_deleted(t: Fixture) {
    record(&t).await;
    for deletes in [false, true] {
        assert!(audit::tamper(&t.db, AllTenants::Instance, deletes).await.is_err(), "{deletes}");
    }
    t.wait(100.0 * DAY.as_secs_f64());
    record(&t).await;
    assert_eq!(audit::expire(&t.db, AllTenants::Housekeeping, 101 * DAY).await.expect("looked"), 0);
    assert_eq!(audit::expire(&t.db, AllTenants::Housekeeping, 30 * DAY).await.expect("looked"), 1, "the old one goes");
    assert_eq!(ids(&t).await, [2], "the young one stays, with its number");
    assert!(audit::tamper(&t.db, AllTenants::Instance, true).await.is_err());
    record(&t).await;
    assert_eq!(ids(&t).await, [3, 2]);
}

pub(crate) async fn t84_a_change_that_fails_leaves_no_entry(t: Fixture) {
    let new = keys::NewKey {
        user: packshot_domain::id::UserId::new(),
        name: "nobody's".to_owned(),
        scopes: vec![Scope::Admin],
        all_tenants: false,
        expires_at: None,
        rate_limit_per_s: None,
        created_by: None,
    };
    let key = ApiKey::generate().expect("randomness");
    let refused = keys::create(&t.db, t.scope, Actor::system(), new, &key).await;
    assert!(matches!(refused, Err(DbError::NotFound("user"))));
    assert_eq!(ids(&t).await, [] as [i64; 0]);
}

pub(crate) async fn t84_writers_number_their_entries_without_gaps(t: Fixture) {
    futures_util::future::join_all((0..40).map(|_| record(&t))).await;
    let seen = ids(&t).await;
    assert_eq!(seen, (1..=40).rev().collect::<Vec<i64>>());
}
