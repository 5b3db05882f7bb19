//! The scope of another tenant sees nothing.

use std::time::Duration;

use packshot_db::audit::{self, AuditFilter};
use packshot_db::jobs::JobError;
use packshot_db::keys::{self, KeyChange, NewKey};
use packshot_db::libraries::{self, NewLibrary};
use packshot_db::objects::NewObject;
use packshot_db::renders::{self, EqualRender};
use packshot_db::sessions::{self, NewSession};
use packshot_db::tasks::{self, Report, TaskFilter};
use packshot_db::users::{self, NewPassword, UserChange};
use packshot_db::{DbError, PageRequest, TenantScope, files, log, objects, streams};
use packshot_domain::access::Role;
use packshot_domain::audit::Actor;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::SessionId;
use packshot_domain::job::JobState;
use packshot_domain::key::ApiKey;
use packshot_domain::session::RefreshToken;
use packshot_domain::stream::StreamId;
use serde_json::json;

use crate::engine::{Fixture, completion, deleter};

const ALL: PageRequest = PageRequest { limit: 200, after: None };

fn is_missing<T>(result: Result<T, DbError>) -> bool {
    matches!(result, Err(DbError::NotFound(_) | DbError::LeaseLost(_)))
}

fn library() -> NewLibrary {
    NewLibrary {
        name: "ACME".to_owned(),
        version: "1.0.0".to_owned(),
        digest: "d".to_owned(),
        address: ContentAddress::of(b"library"),
        media_type: "application/toml".to_owned(),
        materials: 1,
        diagnostics: json!([]),
    }
}

/// A session of the tenant's user.
async fn begin_session(t: &Fixture) -> SessionId {
    let token = RefreshToken::generate().expect("randomness").hash();
    let lives = Duration::from_secs(60);
    let new = NewSession { user: t.user, password_hash: None, user_agent: None, ip: None, token, lives };
    sessions::begin(&t.db, t.scope, Actor::system(), new).await.expect("a session").id
}

fn key_of(t: &Fixture) -> NewKey {
    let (name, scopes) = ("k".to_owned(), Vec::new());
    NewKey {
        user: t.user,
        name,
        scopes,
        all_tenants: false,
        expires_at: None,
        rate_limit_per_s: None,
        created_by: None,
    }
}

pub(crate) async fn another_tenant_sees_nothing(t: Fixture) {
    let (foreign, _) = t.other_tenant().await;
    let cache_key = ContentAddress::of(b"request");
    let mut new = t.new_render(0);
    (new.cache_key, new.id) = (Some(cache_key), new.id);
    renders::create(&t.db, t.scope, new.clone(), None).await.expect("a render");
    let claimed = t.claim_one().await;
    t.complete_kept(&claimed).await;
    let waiting = t.submit().await;
    objects::record(&t.db, t.scope, NewObject::unread(cache_key, 1, "image/png")).await.expect("an object");
    let library = libraries::create(&t.db, t.scope, Actor::system(), library()).await.expect("a library");
    let key = keys::create(&t.db, t.scope, Actor::system(), key_of(&t), &ApiKey::generate().expect("randomness"))
        .await
        .expect("a key");
    begin_session(&t).await;

    let seen = async |scope: TenantScope| {
        let (db, id, task, stream) = (&t.db, new.id, claimed.lease.task, StreamId::of_render(new.id));
        [
            renders::get(db, scope, id).await.is_ok(),
            !renders::list(db, scope, None, ALL).await.expect("a page").items.is_empty(),
            !renders::queue_positions(db, scope, &[waiting]).await.expect("places").is_empty(),
            renders::find_cached(db, scope, cache_key).await.expect("a search").is_some(),
            renders::statistics(db, scope, None, None).await.expect("figures").renders_total > 0,
            tasks::get(db, scope, task).await.is_ok(),
            !tasks::list(db, scope, TaskFilter::default(), ALL).await.expect("a page").items.is_empty(),
            !streams::after(db, scope, stream, 0, 10).await.expect("events").is_empty(),
            streams::last_seq(db, scope, stream).await.expect("a number") > 0,
            !files::of_render(db, scope, id).await.expect("files").is_empty(),
            objects::find(db, scope, cache_key).await.expect("a search").is_some(),
            libraries::get(db, scope, library.id).await.is_ok(),
            libraries::find(db, scope, "ACME").await.expect("a search").is_some(),
            !libraries::list(db, scope, ALL).await.expect("a page").items.is_empty(),
            !keys::list(db, scope, None, ALL).await.expect("a page").items.is_empty(),
            keys::get(db, scope, key.id).await.is_ok(),
            users::get(db, scope, t.user).await.is_ok(),
            users::password_hash(db, scope, t.user).await.is_ok(),
            users::list(db, scope, ALL).await.expect("a page").items.iter().any(|user| user.id == t.user),
            !sessions::list(db, scope, t.user, ALL).await.expect("a page").items.is_empty(),
            !audit::list(db, scope, AuditFilter::default(), 10, None).await.expect("the log").is_empty(),
        ]
    };
    assert_eq!(seen(t.scope).await, [true; 21], "its own tenant sees everything");
    assert_eq!(seen(foreign).await, [false; 21]);
}

pub(crate) async fn another_tenant_changes_nothing(t: Fixture) {
    let (foreign, _) = t.other_tenant().await;
    let id = t.submit().await;
    let claimed = t.claim_one().await;
    let key = keys::create(&t.db, t.scope, Actor::system(), key_of(&t), &ApiKey::generate().expect("randomness"))
        .await
        .expect("a key");
    let library = libraries::create(&t.db, t.scope, Actor::system(), library()).await.expect("a library");
    objects::record(&t.db, t.scope, NewObject::unread(library.library.address, 1, "application/toml"))
        .await
        .expect("an object");
    let session = begin_session(&t).await;
    let by = || (Actor::system(), Role::GlobalAdmin);
    let password = || NewPassword { hash: String::new(), is_temporary: false };
    let before = renders::get(&t.db, t.scope, id).await.expect("the render");
    let (db, lease) = (&t.db, claimed.lease);
    let error = JobError { code: "c".to_owned(), detail: "d".to_owned(), at: None };
    let fault = packshot_domain::task::FaultKind::Input;
    let failure = tasks::Failure { report: Report::default(), fault, error };
    let refused = [
        is_missing(renders::request_cancel(db, foreign, id).await),
        is_missing(renders::delete(db, foreign, deleter(Actor::system()), id).await),
        is_missing(tasks::requeue(db, foreign, Actor::system(), lease.task).await),
        is_missing(tasks::renew(db, foreign, lease).await),
        is_missing(tasks::report(db, foreign, lease, Report::default()).await),
        is_missing(tasks::complete(db, foreign, lease, completion(&claimed)).await),
        is_missing(tasks::fail(db, foreign, lease, failure).await),
        is_missing(tasks::cancelled(db, foreign, lease, Report::default()).await),
        is_missing(tasks::give_back(db, foreign, lease, Report::default()).await),
        is_missing(keys::revoke(db, foreign, Actor::system(), key.id).await),
        is_missing(keys::change(db, foreign, Actor::system(), key.id, KeyChange::default()).await),
        is_missing(users::change(db, foreign, by(), t.user, UserChange::default()).await),
        is_missing(users::delete(db, foreign, by(), t.user).await),
        is_missing(users::set_password(db, foreign, Actor::system(), t.user, password(), None).await),
        is_missing(sessions::end_one(db, foreign, Actor::system(), t.user, session).await),
        is_missing(
            keys::create(db, foreign, Actor::system(), key_of(&t), &ApiKey::generate().expect("randomness")).await,
        ),
        is_missing(libraries::set_public(db, foreign, Actor::system(), library.id, true).await),
        is_missing(libraries::delete(db, foreign, Actor::system(), library.id).await),
    ];
    assert_eq!(refused, [true; 18], "as if it were not there");
    sessions::end_all(db, foreign, Actor::system(), t.user).await.expect("nothing to do");
    let lasting = sessions::list(db, t.scope, t.user, ALL).await.expect("a page");
    assert_eq!(lasting.items.iter().map(|session| session.id).collect::<Vec<_>>(), [session]);
    keys::touch(db, foreign, key.id).await.expect("nothing to do");
    t.wait(601.0);
    let grace = Duration::ZERO;
    assert!(!objects::forget(db, foreign, library.library.address, grace).await.expect("nothing to do"));

    t.complete(&claimed).await;
    let mut cached = t.new_render(0);
    cached.equal = Some(EqualRender { id, result: json!({}), packages: Vec::new() });
    let own = cached.id;
    renders::create(db, foreign, cached, None).await.expect("a render");
    let own = renders::get(db, foreign, own).await.expect("the render");
    assert_eq!((own.state, own.result), (JobState::Queued, None), "no result crosses tenants");
    let after = renders::get(db, t.scope, id).await.expect("the render");
    assert_eq!(after.last_seq, before.last_seq + 1, "only its own end was reported");
    assert!(log::after(db, foreign, lease.task, 0, 10).await.expect("the log").is_empty());
    let page = keys::list(db, t.scope, None, ALL).await.expect("a page");
    assert_eq!(page.items, [key], "neither used nor revoked");
}
