//! N74, N77, N78: who gets which deliveries, what happens to them with their tasks, and what goes with time.

use std::collections::BTreeMap;
use std::time::Duration;

use packshot_db::jobs::JobError;
use packshot_db::tasks::{
    self, AfterFailure, Claimed, Claimer, Completion, Delivery as Done, Failure, LaneLimit, Report,
};
use packshot_db::webhooks::{self, Delivery, Webhook, WebhookFields};
use packshot_db::{AllTenants, DbError, PageRequest, TenantScope, testing};
use packshot_domain::audit::Actor;
use packshot_domain::id::{TaskId, WorkerId};
use packshot_domain::task::{FaultKind, Lane, QueueName, SERVICE_DEATHS_MAX, TaskState};
use packshot_domain::webhook::{DeliveryState, DisabledReason, Subscription, WebhookEvent, WebhookSecret};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::engine::Fixture;

const DAY: Duration = Duration::from_secs(86_400);

pub(crate) async fn hook(t: &Fixture, scope: TenantScope, events: &str) -> Webhook {
    let events: Subscription = events.parse().expect("events");
    let fields = WebhookFields { url: "https://a.example/".to_owned(), description: String::new(), events };
    let secret = WebhookSecret::generate().expect("randomness");
    webhooks::create(&t.db, scope, Actor::system(), fields, secret).await.expect("a webhook")
}

pub(crate) async fn deliveries(t: &Fixture, hook: &Webhook) -> Vec<Delivery> {
    let page = PageRequest { limit: 1_000, after: None };
    let scope = TenantScope::of(hook.tenant);
    webhooks::list_deliveries(&t.db, scope, hook.id, None, page).await.expect("deliveries").items
}

async fn only(t: &Fixture, hook: &Webhook) -> Delivery {
    let [only] = <[Delivery; 1]>::try_from(deliveries(t, hook).await).expect("one delivery");
    only
}

async fn claim(t: &Fixture, n: u32) -> Vec<Claimed> {
    let limit = LaneLimit::PerWebhook { max: 64, of_each: 8 };
    let (queue, lane) = (QueueName::Housekeeping, Lane::webhooks());
    let claimer = Claimer { worker: WorkerId::new(), queue, lane, limit, service_deaths_max: SERVICE_DEATHS_MAX };
    tasks::claim(&t.db, AllTenants::Claiming, claimer, n).await.expect("a claim")
}

/// What an attempt has come to.
fn report(status: Option<u16>, error: Option<&str>) -> Report {
    let found = json!({"duration_s": 0.5, "status": status, "error": error});
    Report { began: true, found: Some(found), ..Report::default() }
}

async fn fail(t: &Fixture, claimed: &Claimed, fault: FaultKind, status: u16) -> AfterFailure {
    let error = JobError { code: "http_status".to_owned(), detail: "no".to_owned(), at: None };
    let failure = Failure { report: report(Some(status), Some("http_status")), fault, error };
    let wait = Duration::from_secs(60);
    tasks::postpone(&t.db, TenantScope::of(claimed.tenant), claimed.lease, failure, wait)
        .await
        .expect("the lease holds")
}

async fn complete(t: &Fixture, claimed: &Claimed) {
    let completion = Completion { report: report(Some(204), None), delivery: Done::default() };
    tasks::complete(&t.db, TenantScope::of(claimed.tenant), claimed.lease, completion).await.expect("the lease holds");
}

/// Random events and subscriptions of two tenants.
pub(crate) async fn n74_no_event_leaves_its_tenant(t: Fixture) {
    let (other, _) = t.other_tenant().await;
    let subscribed: Vec<&'static str> =
        WebhookEvent::ALL.iter().copied().filter(|event| event.is_subscribed_to()).map(WebhookEvent::as_str).collect();
    let groups = vec!["*", "order.*", "render.*", "render.job.*", "alert.*"];
    let pattern = prop_oneof![3 => select(subscribed.clone()), 1 => select(groups)];
    let hooks = prop::collection::vec((any::<bool>(), prop::collection::vec(pattern, 1..4)), 4);
    let events = prop::collection::vec((any::<bool>(), select(subscribed)), 24);
    let mut runner = TestRunner::new(Config::default());
    for _ in 0..5 {
        let (hooks, events) = (&hooks, &events).new_tree(&mut runner).expect("values").current();
        no_event_leaves_its_tenant(&t, other, hooks, events).await;
    }
}

/// Each webhook gets what it wants of its tenant: the other one, where its first value says so.
async fn no_event_leaves_its_tenant(
    t: &Fixture,
    other: TenantScope,
    hooks: Vec<(bool, Vec<&'static str>)>,
    events: Vec<(bool, &'static str)>,
) {
    let of = |is_other: bool| if is_other { other } else { t.scope };
    let mut made = Vec::new();
    for (is_other, patterns) in hooks {
        made.push(hook(t, of(is_other), &patterns.join(" ")).await);
    }
    for (is_other, event) in &events {
        testing::publish(&t.db, of(*is_other), event.parse().expect("an event"), 1).await.expect("published");
    }
    let count = |events: &mut dyn Iterator<Item = String>| {
        events.fold(BTreeMap::<String, usize>::new(), |mut counts, event| {
            *counts.entry(event).or_default() += 1;
            counts
        })
    };
    for hook in &made {
        let own = events.iter().filter(|(is_other, _)| of(*is_other).tenant == hook.tenant);
        let own = own.filter(|(_, event)| hook.fields.events.matches(event.parse().expect("an event")));
        let got = deliveries(t, hook).await;
        assert_eq!(
            count(&mut got.iter().map(|of| of.event.to_string())),
            count(&mut own.map(|(_, event)| (*event).to_owned()))
        );
        assert!(got.iter().all(|of| of.payload.contains(&hook.tenant.to_string())));
        let foreign = if hook.tenant == other.tenant { t.scope } else { other };
        for of in &got {
            let seen = webhooks::get_delivery(&t.db, foreign, hook.id, of.id).await;
            assert!(matches!(seen, Err(DbError::NotFound("webhook"))), "{seen:?}");
        }
    }
}

/// A delivery goes with its task, whatever becomes of that.
pub(crate) async fn n70_n78_deliveries_follow_their_tasks(t: Fixture) {
    let scope = t.scope;
    let own = hook(&t, scope, "order.*").await;
    testing::publish(&t.db, scope, WebhookEvent::OrderSubmitted, 1).await.expect("published");
    let state = async || only(&t, &own).await.state;
    // Lost before and after it was noted that it had begun.
    for is_noted in [false, true] {
        let claimed = claim(&t, 1).await.pop().expect("a task");
        if is_noted {
            let began = Report { began: true, ..Report::default() };
            tasks::report(&t.db, scope, claimed.lease, began).await.expect("the lease holds");
        }
        assert_eq!(state().await, if is_noted { DeliveryState::Delivering } else { DeliveryState::Pending });
        t.wait(31.0);
        let reaped = tasks::reap_expired(&t.db, AllTenants::Housekeeping, Vec::new()).await.expect("reaped");
        assert_eq!((reaped.len(), state().await), (1, DeliveryState::Pending));
        t.wait(31.0);
    }
    // Given back: the attempt does not count.
    let claimed = claim(&t, 1).await.pop().expect("a task");
    let began = Report { began: true, ..Report::default() };
    tasks::give_back(&t.db, scope, claimed.lease, began).await.expect("the lease holds");
    assert_eq!((state().await, only(&t, &own).await.attempt), (DeliveryState::Pending, 2));
    // It fails, is disabled meanwhile, and there is no further attempt.
    let claimed = claim(&t, 1).await.pop().expect("a task");
    let after = fail(&t, &claimed, FaultKind::Infrastructure, 500).await;
    assert!(matches!(after, AfterFailure::Retry(_)), "{after:?}");
    let failed = only(&t, &own).await;
    assert_eq!((failed.state, failed.attempts.len(), failed.attempts[0].no), (DeliveryState::Pending, 1, 3));
    t.wait(61.0);
    let claimed = claim(&t, 1).await.pop().expect("a task");
    tasks::report(&t.db, scope, claimed.lease, Report { began: true, ..Report::default() }).await.expect("held");
    webhooks::switch(&t.db, scope, Actor::system(), own.id, false).await.expect("disabled");
    assert_eq!(state().await, DeliveryState::Delivering, "what is under way goes on");
    fail(&t, &claimed, FaultKind::Infrastructure, 500).await;
    assert_eq!(state().await, DeliveryState::Failed);
    assert_eq!(t.task(claimed.task.id).await.state, TaskState::Cancelled);
    // Asked for again it is taken; then it cannot fail any more.
    webhooks::switch(&t.db, scope, Actor::system(), own.id, true).await.expect("enabled");
    let again = only(&t, &own).await;
    webhooks::redeliver(&t.db, scope, own.id, again.id).await.expect("it has ended");
    let refused = webhooks::redeliver(&t.db, scope, own.id, again.id).await;
    assert!(matches!(refused, Err(DbError::Delivery(_))), "{refused:?}");
    let claimed = claim(&t, 1).await.pop().expect("a task");
    complete(&t, &claimed).await;
    let done = only(&t, &own).await;
    assert_eq!((done.state, done.attempt, done.attempts.len()), (DeliveryState::Delivered, 1, 1));
    webhooks::switch(&t.db, scope, Actor::system(), own.id, false).await.expect("disabled");
    assert_eq!(state().await, DeliveryState::Delivered);
    // What waits when it is disabled fails at once, and says why.
    webhooks::switch(&t.db, scope, Actor::system(), own.id, true).await.expect("enabled");
    testing::publish(&t.db, scope, WebhookEvent::OrderSubmitted, 3).await.expect("published");
    let gone = claim(&t, 1).await.pop().expect("a task");
    assert!(matches!(fail(&t, &gone, FaultKind::Input, 410).await, AfterFailure::Failed));
    let now = webhooks::get(&t.db, scope, own.id).await.expect("the webhook");
    assert_eq!(now.disabled, Some(DisabledReason::Gone));
    let all = deliveries(&t, &own).await;
    let dropped = all.iter().filter(|of| {
        of.attempts.last().is_some_and(|last| last.error.is_some_and(|error| error.as_str() == "webhook_disabled"))
    });
    assert_eq!((dropped.count(), all.iter().filter(|of| of.state == DeliveryState::Failed).count()), (2, 3));
    assert!(claim(&t, 1).await.is_empty());
    // It can still be tried, and then says that it is disabled.
    let tried = webhooks::test(&t.db, scope, own.id).await.expect("answers").expect("a delivery");
    assert_eq!(tried.state, DeliveryState::Pending);
    let claimed_test = claim(&t, 1).await.pop().expect("a task");
    let task = claimed_test.lease.task;
    let to_send = webhooks::to_send(&t.db, scope, tried.id, task).await.expect("answers").expect("it is there");
    assert!(!to_send.is_enabled);
    // Another task sends something else.
    assert_eq!(webhooks::to_send(&t.db, scope, tried.id, TaskId::new()).await.expect("answers"), None);
}

/// At most eight of one webhook at once, however many wait, and never all places together.
pub(crate) async fn n75_a_webhook_has_eight_places(t: Fixture) {
    let mut hooks = Vec::new();
    for _ in 0..9 {
        hooks.push(hook(&t, t.scope, "order.*").await);
    }
    testing::publish(&t.db, t.scope, WebhookEvent::OrderSubmitted, 12).await.expect("published");
    let claimed = claim(&t, 100).await;
    let mut of: BTreeMap<String, usize> = BTreeMap::new();
    for claimed in &claimed {
        *of.entry(claimed.input.kwargs["webhook_id"].to_string()).or_default() += 1;
    }
    assert_eq!(of.len(), 9);
    assert!(of.values().all(|n| (5..=8).contains(n)) && claimed.len() < 64, "{of:?}");
    // One that comes later still finds a place at once.
    let late = hook(&t, t.scope, "fix.applied").await;
    testing::publish(&t.db, t.scope, WebhookEvent::FixApplied, 1).await.expect("published");
    let next = claim(&t, 1).await.pop().expect("a place");
    assert_eq!(next.input.kwargs["webhook_id"], json!(late.id.uuid()));
    // With one webhook alone it is eight.
    for claimed in claimed.iter().chain([&next]) {
        complete(&t, claimed).await;
    }
    for hook in &hooks[1..] {
        webhooks::delete(&t.db, t.scope, Actor::system(), hook.id).await.expect("deleted");
    }
    testing::publish(&t.db, t.scope, WebhookEvent::OrderSubmitted, 12).await.expect("published");
    assert_eq!(claim(&t, 100).await.len(), 8);
}

pub(crate) async fn n77_what_is_old_and_has_ended_goes(t: Fixture) {
    let own = hook(&t, t.scope, "order.*").await;
    let deleted = hook(&t, t.scope, "fix.*").await;
    testing::publish(&t.db, t.scope, WebhookEvent::OrderSubmitted, 2).await.expect("published");
    testing::publish(&t.db, t.scope, WebhookEvent::FixApplied, 1).await.expect("published");
    let claimed = claim(&t, 3).await;
    let (of_deleted, rest): (Vec<&Claimed>, Vec<&Claimed>) =
        claimed.iter().partition(|claimed| claimed.input.kwargs["webhook_id"] == json!(deleted.id.uuid()));
    complete(&t, rest[0]).await;
    fail(&t, rest[1], FaultKind::Infrastructure, 500).await;
    webhooks::delete(&t.db, t.scope, Actor::system(), deleted.id).await.expect("deleted");
    let sweep = async || webhooks::sweep(&t.db, AllTenants::Housekeeping, 30 * DAY).await.expect("swept");
    assert_eq!(sweep().await, 0);
    let is_there =
        async || !testing::tenants_seen(&t.db, t.scope, "webhook_deliveries").await.expect("rows").is_empty();
    assert!(is_there().await, "what is under way to a deleted webhook ends first");
    let gone = webhooks::get_delivery(&t.db, t.scope, deleted.id, deliveries(&t, &own).await[0].id).await;
    assert!(matches!(gone, Err(DbError::NotFound("webhook"))));
    complete(&t, of_deleted[0]).await;
    t.wait(31.0 * 86_400.0);
    assert_eq!(sweep().await, 2, "the one that was taken, and that of the deleted webhook");
    assert_eq!(only(&t, &own).await.state, DeliveryState::Pending, "what waits stays");
    let ended = tasks::get(&t.db, t.scope, rest[0].task.id).await;
    assert!(matches!(ended, Err(DbError::NotFound("task"))), "its task went with it");
    assert_eq!(sweep().await, 0);
}
