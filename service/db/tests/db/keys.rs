//! API keys.

use packshot_db::keys::{self, NewKey};
use packshot_db::{AllTenants, DbError, PageRequest, ReadScope, installation};
use packshot_domain::access::{Role, Scope};
use packshot_domain::audit::Actor;
use packshot_domain::id::{KeyId, UserId};
use packshot_domain::key::ApiKey;

use crate::engine::Fixture;

fn new_key(user: UserId) -> NewKey {
    NewKey {
        user,
        name: "build server".to_owned(),
        scopes: vec![Scope::RendersWrite, Scope::CatalogRead],
        all_tenants: false,
        expires_at: None,
        rate_limit_per_s: Some(5),
        created_by: None,
    }
}

pub(crate) async fn the_first_key_configures_the_installation(t: Fixture) {
    let configured = async || installation::get(&t.db, AllTenants::Instance).await.expect("one").configured;
    assert!(!configured().await);
    let key = ApiKey::generate().expect("randomness");
    let nobodys = keys::create(&t.db, t.scope, Actor::system(), new_key(UserId::new()), &key).await;
    assert!(matches!(nobodys, Err(DbError::NotFound("user"))));
    assert!(!configured().await);
    let stored = keys::create(&t.db, t.scope, Actor::system(), new_key(t.user), &key).await.expect("a key");
    assert!(configured().await);
    keys::revoke(&t.db, t.scope, Actor::system(), stored.id).await.expect("the key");
    assert!(configured().await, "it stays configured");
}

pub(crate) async fn keys_are_found_by_prefix_and_revoked(t: Fixture) {
    let key = ApiKey::generate().expect("randomness");
    let stored = keys::create(&t.db, t.scope, Actor::system(), new_key(t.user), &key).await.expect("a key");
    assert_eq!((&*stored.prefix, &stored.key), (key.prefix(), &new_key(t.user)));
    let find = async |prefix: &str| keys::find(&t.db, AllTenants::Authentication, prefix).await.expect("a search");
    let found = find(key.prefix()).await;
    assert_eq!(found.len(), 1);
    assert!(found[0].hash.is(&key.hash()) && found[0].in_operating_tenant && found[0].owner_is_active);
    assert_eq!((&found[0].key, found[0].role), (&stored, Role::GlobalAdmin));
    assert!(find("pk_nonesuch").await.is_empty());

    let first = keys::revoke(&t.db, t.scope, Actor::system(), stored.id).await.expect("the key");
    t.wait(10.0);
    let second = keys::revoke(&t.db, t.scope, Actor::system(), stored.id).await.expect("the key");
    assert!(first.revoked_at.is_some());
    assert_eq!(first, second, "revoking twice is not an error");
    assert_eq!(find(key.prefix()).await[0].key.revoked_at, first.revoked_at);
    let page = PageRequest { limit: 50, after: None };
    let listed = keys::list(&t.db, t.scope, Some(t.user), page).await.expect("a page").items;
    assert_eq!(listed, [second]);
    assert!(keys::list(&t.db, t.scope, Some(UserId::new()), page).await.expect("a page").items.is_empty());
    assert!(matches!(keys::revoke(&t.db, t.scope, Actor::system(), KeyId::new()).await, Err(DbError::NotFound("key"))));
}

pub(crate) async fn keys_of_all_tenants_are_listed(t: Fixture) {
    let (other, user) = t.other_tenant().await;
    let mut made = Vec::new();
    for (scope, user) in [(t.scope, t.user), (other, user), (t.scope, t.user)] {
        let key = ApiKey::generate().expect("randomness");
        made.push(keys::create(&t.db, scope, Actor::system(), new_key(user), &key).await.expect("a key"));
        t.wait(1.0);
    }
    made.reverse();
    let mut page = PageRequest { limit: 2, after: None };
    let mut listed = Vec::new();
    for expected in [2, 1] {
        let found = keys::list(&t.db, ReadScope::All, None, page).await.expect("a page");
        assert_eq!((found.items.len(), found.next.is_none()), (expected, expected == 1));
        (page.after, listed) = (found.next, [listed, found.items].concat());
    }
    assert_eq!(listed, made, "each once, newest first");
}

pub(crate) async fn t32_use_is_noted_to_the_minute(t: Fixture) {
    let key = ApiKey::generate().expect("randomness");
    let id = keys::create(&t.db, t.scope, Actor::system(), new_key(t.user), &key).await.expect("a key").id;
    let used = async || {
        keys::touch(&t.db, t.scope, id).await.expect("the key");
        let found = keys::find(&t.db, AllTenants::Authentication, key.prefix()).await.expect("a search");
        found[0].key.last_used_at.expect("it was used")
    };
    let first = used().await;
    t.wait(30.0);
    assert_eq!(used().await, first, "within a minute nothing is written");
    t.wait(31.0);
    assert!(used().await > first);
}
