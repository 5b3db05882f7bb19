//! Requests with an idempotency key.

use std::sync::Arc;
use std::time::Duration;

use packshot_db::idempotency::{self, Begun, IdempotentRequest, StoredAnswer};
use packshot_db::renders::{self, Created, IdempotentSubmit, Submitted};
use packshot_db::{AllTenants, DatabaseKind, Db, TenantScope};
use packshot_domain::id::RenderId;

use crate::engine::Fixture;

const IN_FLIGHT: Duration = Duration::from_secs(60);

fn request(key: &str, body: &[u8]) -> IdempotentRequest {
    IdempotentRequest {
        key: key.to_owned(),
        method: "POST".to_owned(),
        path: "/api/v1/renders".to_owned(),
        body: *blake3::hash(body).as_bytes(),
    }
}

fn answer_of(created: &Created) -> StoredAnswer {
    StoredAnswer {
        status: 202,
        headers: vec![("location".to_owned(), format!("/api/v1/renders/{}", created.render.id))],
        body: format!("{:?}", created.queue_position).into_bytes(),
    }
}

/// Submits a render that is answered immediately, or later.
async fn submit(t: &Fixture, scope: TenantScope, request: IdempotentRequest, at_once: bool) -> Result<RenderId, Begun> {
    let answer: Option<renders::AnswerOf> = if at_once { Some(Arc::new(answer_of)) } else { None };
    let submit = IdempotentSubmit { request, answer, in_flight: IN_FLIGHT };
    match renders::create(&t.db, scope, t.new_render(0), Some(submit)).await.expect("a database") {
        Submitted::Created(created) => Ok(created.render.id),
        Submitted::Known(begun) => Err(begun),
    }
}

pub(crate) async fn c10_an_answer_is_replayed(t: Fixture) {
    let id = submit(&t, t.scope, request("k1", b"body"), true).await.expect("a new key");
    let Err(Begun::Replay(answer)) = submit(&t, t.scope, request("k1", b"body"), true).await else {
        panic!("it was answered");
    };
    assert_eq!(answer.headers, [("location".to_owned(), format!("/api/v1/renders/{id}"))]);
    assert_eq!((answer.status, &*answer.body), (202, &b"Some(1)"[..]));
    let depths = packshot_db::tasks::queue_depths(&t.db, AllTenants::Instance).await.expect("depths");
    assert_eq!(depths.iter().map(|depth| depth.tasks).sum::<u64>(), 1, "one job exists");
    let known = idempotency::lookup(&t.db, t.scope, &request("k1", b"body")).await.expect("a search");
    assert_eq!(known, Begun::Replay(answer));
}

pub(crate) async fn c11_a_key_belongs_to_its_body(t: Fixture) {
    submit(&t, t.scope, request("k1", b"body"), true).await.expect("a new key");
    assert_eq!(submit(&t, t.scope, request("k1", b"other"), true).await, Err(Begun::Reused));
    let elsewhere = IdempotentRequest { path: "/api/v1/preflight".to_owned(), ..request("k1", b"other") };
    let begun = idempotency::begin(&t.db, t.scope, elsewhere.clone(), IN_FLIGHT).await.expect("a database");
    assert_eq!(begun, Begun::Fresh, "another path is another request");
    let answer = StoredAnswer { status: 200, headers: Vec::new(), body: vec![0, 255] };
    idempotency::finish(&t.db, t.scope, elsewhere.clone(), answer.clone()).await.expect("a database");
    let late = StoredAnswer { status: 500, ..answer.clone() };
    idempotency::finish(&t.db, t.scope, elsewhere.clone(), late).await.expect("a database");
    let known = idempotency::lookup(&t.db, t.scope, &elsewhere).await.expect("a search");
    assert_eq!(known, Begun::Replay(answer), "the first answer stays");
}

pub(crate) async fn c12_one_of_two_makes_the_render(t: Fixture) {
    let t = Arc::new(t);
    let requests = (0..8).map(|_| {
        let t = Arc::clone(&t);
        tokio::spawn(async move { submit(&t, t.scope, request("k2", b"body"), false).await })
    });
    let mut made = Vec::new();
    for request in requests.collect::<Vec<_>>() {
        match request.await.expect("no panic") {
            Ok(id) => made.push(id),
            Err(begun) => assert_eq!(begun, Begun::InFlight),
        }
    }
    assert_eq!(made.len(), 1);
}

pub(crate) async fn c13_keys_belong_to_tenants(t: Fixture) {
    let (other, _) = t.other_tenant().await;
    let first = submit(&t, t.scope, request("k1", b"body"), true).await.expect("a new key");
    let second = submit(&t, other, request("k1", b"other"), true).await.expect("a new key");
    assert_ne!(first, second);
}

pub(crate) async fn c14_keys_expire(t: Fixture) {
    submit(&t, t.scope, request("k1", b"body"), true).await.expect("a new key");
    t.wait(24.0 * 3600.0 - 10.0);
    assert!(matches!(submit(&t, t.scope, request("k1", b"body"), true).await, Err(Begun::Replay(_))));
    assert_eq!(idempotency::purge_expired(&t.db, AllTenants::Housekeeping).await.expect("a sweep"), 0);
    t.wait(11.0);
    submit(&t, t.scope, request("k1", b"other"), true).await.expect("a key that is new again");
    t.wait(24.0 * 3600.0 + 1.0);
    assert_eq!(idempotency::purge_expired(&t.db, AllTenants::Housekeeping).await.expect("a sweep"), 1);
}

pub(crate) async fn a_request_that_was_interrupted_leads_to_its_render(t: Fixture) {
    let id = submit(&t, t.scope, request("k1", b"body"), false).await.expect("a new key");
    assert_eq!(submit(&t, t.scope, request("k1", b"body"), false).await, Err(Begun::InFlight));
    let restarted = Db::open(&t.config).await.expect("the database after a crash");
    let lookup = async || idempotency::lookup(&restarted, t.scope, &request("k1", b"body")).await.expect("a search");
    if t.db.kind() == DatabaseKind::Postgres {
        assert_eq!(lookup().await, Begun::InFlight, "another process may be alive");
        restarted.move_clock(61_000);
    }
    assert_eq!(lookup().await, Begun::Interrupted(id));
    let again = idempotency::begin(&restarted, t.scope, request("k1", b"body"), IN_FLIGHT).await;
    assert_eq!(again.expect("a database"), Begun::Interrupted(id));
    assert_eq!(lookup().await, Begun::InFlight, "the process that handles it continues");
    restarted.close().await;
}

pub(crate) async fn an_abandoned_request_is_new(t: Fixture) {
    let begin =
        async || idempotency::begin(&t.db, t.scope, request("k1", b"body"), IN_FLIGHT).await.expect("a database");
    assert_eq!(begin().await, Begun::Fresh);
    assert_eq!(begin().await, Begun::InFlight);
    idempotency::abandon(&t.db, t.scope, request("k1", b"body")).await.expect("a database");
    assert_eq!(begin().await, Begun::Fresh);
    t.wait(61.0);
    assert_eq!(begin().await, Begun::Fresh, "without a render there is nothing to continue");
}

pub(crate) async fn an_abandoned_request_that_made_a_render_leads_to_it(t: Fixture) {
    let id = submit(&t, t.scope, request("k1", b"body"), false).await.expect("a new key");
    idempotency::abandon(&t.db, t.scope, request("k1", b"body")).await.expect("a database");
    let known = idempotency::lookup(&t.db, t.scope, &request("k1", b"body")).await.expect("a search");
    assert_eq!(known, Begun::Interrupted(id));
    assert_eq!(submit(&t, t.scope, request("k1", b"body"), false).await, Err(Begun::Interrupted(id)));
    let depths = packshot_db::tasks::queue_depths(&t.db, AllTenants::Instance).await.expect("depths");
    assert_eq!(depths.iter().map(|depth| depth.tasks).sum::<u64>(), 1, "it is rendered once");
}
