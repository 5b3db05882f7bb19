//! N02–N08, N29–N37, N48, N80: people are told once of each round of an order, and the activity has every line.

use futures_util::future::join_all;
use packshot_db::channels::activity::{self, Activity, ActivityFilter};
use packshot_db::channels::notifications::{self, Notification, NotificationFilter};
use packshot_db::jobs::{JobError, NewTask};
use packshot_db::orders::{self, LineJob, LineWork, NewLine, NewOrder, OrderRef};
use packshot_db::tasks::{self, Claimed, Failure, Report};
use packshot_db::users::{self, NewPassword, NewUser};
use packshot_db::{AllTenants, PageRequest, TenantScope, tenants, testing};
use packshot_domain::access::Role;
use packshot_domain::audit::Actor;
use packshot_domain::change::Change;
use packshot_domain::channel::{ActivityType, NotificationType, Severity};
use packshot_domain::id::{OrderId, OrderLineId, TaskId, UserId};
use packshot_domain::order::OrderStatus;
use packshot_domain::step::StepName;
use packshot_domain::task::{FaultKind, Lane, QueueName, TaskKind};
use packshot_domain::tenant_config::TenantConfigChange;
use packshot_domain::webhook::WebhookEvent;
use serde_json::json;

use crate::engine::{Fixture, completion};
use crate::orders::Shop;

/// An order of this many lines, submitted.
pub(crate) struct Scene<'t> {
    t: &'t Fixture,
    of: OrderRef,
    pub(crate) number: String,
    pub(crate) lines: Vec<OrderLineId>,
}

impl<'t> Scene<'t> {
    pub(crate) async fn submitted(t: &'t Fixture, shop: &Shop<'_>, n_lines: usize) -> Self {
        t.set_limits(10, &[(t.scope, 10)]).await;
        let lines: Vec<NewLine> = (0..n_lines).map(|_| shop.line()).collect();
        let new = NewOrder {
            id: OrderId::new(),
            number: None,
            notes: None,
            lines: lines.clone(),
            lines_max: n_lines,
            created_by: t.user,
        };
        let order = orders::create(&t.db, t.scope, Actor::system(), new).await.expect("an order").order;
        let of = OrderRef { id: order.id, owner: None };
        orders::submit(&t.db, t.scope, Actor::system(), of).await.expect("submitted");
        Self { t, of, number: order.number.to_string(), lines: lines.iter().map(|line| line.id).collect() }
    }

    pub(crate) async fn dispatch(&self, lines: &[OrderLineId], by: UserId) {
        let task = || NewTask {
            id: TaskId::new(),
            kind: TaskKind::Step(StepName::RenderStill),
            queue: QueueName::Render,
            lane: Lane::builtin(),
            priority: 0,
            kwargs: json!({}),
            spec: None,
            publishes: true,
            waits_for: Vec::new(),
        };
        let work = |line: &OrderLineId| LineWork {
            line: *line,
            job: Some(LineJob { input_name: None, samples_target: 1, tasks: vec![task()] }),
            run: None,
            shadow: None,
            failure: None,
        };
        let works = lines.iter().map(work).collect();
        let done = orders::dispatch(&self.t.db, self.t.scope, (Actor::system(), by), self.of, works).await;
        assert!(done.expect("dispatched").iter().all(|(_, done)| done.is_ok()));
    }

    pub(crate) async fn next(&self) -> Claimed {
        self.t.claim_one().await
    }

    pub(crate) async fn complete(&self, claimed: &Claimed) {
        let mut done = completion(claimed);
        done.report.began = true;
        tasks::complete(&self.t.db, self.t.scope, claimed.lease, done).await.expect("the lease holds");
    }

    async fn fail(&self, claimed: &Claimed, began: bool) {
        let failure = Failure {
            report: Report { began, ..Report::default() },
            fault: FaultKind::Input,
            error: JobError { code: "glb.bounds".to_owned(), detail: "it is cut off".to_owned(), at: None },
        };
        tasks::fail(&self.t.db, self.t.scope, claimed.lease, failure).await.expect("the lease holds");
    }

    /// Completes this many lines that were dispatched, and fails some after them.
    pub(crate) async fn work(&self, n_completed: usize, n_failed: usize) {
        for _ in 0..n_completed {
            self.complete(&self.next().await).await;
        }
        for _ in 0..n_failed {
            self.fail(&self.next().await, true).await;
        }
    }

    async fn told(&self, user: UserId) -> Vec<Notification> {
        let of = NotificationFilter { event_type: Some(NotificationType::RenderingComplete), ..Default::default() };
        let page = PageRequest { limit: 200, after: None };
        notifications::list(&self.t.db, self.t.scope, user, of, page).await.expect("notifications").page.items
    }

    pub(crate) async fn messages(&self, user: UserId) -> Vec<String> {
        self.told(user).await.into_iter().rev().map(|told| told.entry.message).collect()
    }

    pub(crate) async fn activity(&self, of: ActivityType) -> Vec<Activity> {
        let filter = ActivityFilter { types: vec![of], order: Some(self.of.id), ..Default::default() };
        let mut page = PageRequest { limit: 200, after: None };
        let mut all = Vec::new();
        loop {
            let part = activity::list(&self.t.db, self.t.scope, filter.clone(), page).await.expect("activity");
            all.extend(part.items);
            let Some(next) = part.next else { return all };
            page.after = Some(next);
        }
    }

    pub(crate) async fn status(&self) -> OrderStatus {
        orders::get(&self.t.db, self.t.scope, self.of).await.expect("the order").order.status
    }

    async fn tell_missed(&self) -> usize {
        orders::tell_missed(&self.t.db, AllTenants::Housekeeping).await.expect("the check")
    }
}

pub(crate) async fn n02_n03_n04_n06_n08_an_order_is_told_once(t: Fixture) {
    let shop = Shop::open(&t).await;
    let order = Scene::submitted(&t, &shop, 50).await;
    order.dispatch(&order.lines, t.user).await;
    order.work(47, 2).await;
    assert_eq!(order.tell_missed().await, 0);
    assert_eq!(order.told(t.user).await, [], "one line has not ended");
    order.work(0, 1).await;
    assert_eq!(order.status().await, OrderStatus::Completed);
    for n in join_all((0..3).map(|_| order.tell_missed())).await {
        assert_eq!(n, 0, "there is nothing to mend");
    }
    let told = order.told(t.user).await;
    let [only] = told.as_slice() else { panic!("one notification: {told:?}") };
    let entry = &only.entry;
    assert_eq!(entry.message, format!("Order #{} rendering complete: 47/50 succeeded, 3 failed", order.number));
    assert_eq!((entry.severity, entry.order, only.read_at), (Severity::Warning, Some(order.of.id), None));
    let figures = &entry.data;
    assert_eq!((&figures["total"], &figures["succeeded"], &figures["failed"]), (&json!(50), &json!(47), &json!(3)));
    assert_eq!((&figures["submission_no"], &figures["round_no"]), (&json!(1), &json!(1)));
    let failed = figures["failed_lines"].as_array().expect("lines");
    assert_eq!(
        (failed.len(), &failed[0]["code"], &failed[0]["product_name"]),
        (3, &json!("glb.bounds"), &json!("Lager"))
    );
    for (of, n) in [
        (ActivityType::RenderStarted, 50),
        (ActivityType::RenderCompleted, 47),
        (ActivityType::RenderFailed, 3),
        (ActivityType::RenderCancelled, 0),
    ] {
        let entries = order.activity(of).await;
        let mut lines: Vec<_> = entries.iter().map(|entry| entry.line.expect("a line")).collect();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!((entries.len(), lines.len()), (n, n), "{of}");
    }
    // The entries of a tenant have numbers without gaps.
    let page = PageRequest { limit: 200, after: None };
    let all = activity::list(&t.db, t.scope, ActivityFilter::default(), page).await.expect("activity");
    let mut seqs: Vec<i64> = all.items.iter().map(|entry| entry.seq).collect();
    seqs.sort_unstable();
    assert!(seqs.iter().copied().eq(1..=seqs.len() as i64), "{seqs:?}");
}

pub(crate) async fn n05_n69_many_lines_are_one_notification(t: Fixture) {
    let shop = Shop::open(&t).await;
    let hook = crate::webhooks::hook(&t, t.scope, "render.completed order.rendering_complete").await;
    let order = Scene::submitted(&t, &shop, 200).await;
    for lines in order.lines.chunks(20) {
        order.dispatch(lines, t.user).await;
    }
    order.work(200, 0).await;
    let all = format!("Order #{} rendering complete: 200/200 succeeded, 0 failed", order.number);
    assert_eq!(order.messages(t.user).await, [all]);
    assert_eq!(order.activity(ActivityType::RenderCompleted).await.len(), 200);
    // A delivery for each line, and one for the order, each of an event of its own.
    let delivered = crate::webhooks::deliveries(&t, &hook).await;
    let events: std::collections::BTreeSet<uuid::Uuid> = delivered.iter().map(|of| of.event_id).collect();
    let of_order = delivered.iter().filter(|of| of.event == WebhookEvent::RenderingComplete).count();
    assert_eq!((delivered.len(), events.len(), of_order), (201, 201, 1));
}

pub(crate) async fn n07_what_was_missed_is_told_within_a_minute(t: Fixture) {
    let shop = Shop::open(&t).await;
    let order = Scene::submitted(&t, &shop, 2).await;
    order.dispatch(&order.lines, t.user).await;
    order.work(2, 0).await;
    let told = order.messages(t.user).await;
    assert_eq!(told.len(), 1);
    testing::forget_summary(&t.db, t.scope, order.of.id).await.expect("forgotten");
    assert_eq!(order.messages(t.user).await, [""; 0]);
    // Two processes look at the same time.
    let found = join_all([order.tell_missed(), order.tell_missed()]).await;
    assert!(found.contains(&1), "{found:?}");
    assert_eq!(order.messages(t.user).await, told);
    assert_eq!(order.tell_missed().await, 0);
}

pub(crate) async fn n33_n34_a_later_round_is_of_its_own_lines(t: Fixture) {
    let shop = Shop::open(&t).await;
    let new = NewUser {
        email: "other@example.com".parse().expect("an address"),
        display_name: "Other".parse().expect("a name"),
        role: Role::ProjectManager,
        is_active: true,
        password: NewPassword { hash: "$argon2id$".to_owned(), is_temporary: false },
    };
    let other = users::create(&t.db, t.scope, Actor::system(), new).await.expect("a user").id;
    let order = Scene::submitted(&t, &shop, 4).await;
    order.dispatch(&order.lines[..3], t.user).await;
    order.work(1, 2).await;
    assert_eq!(order.messages(t.user).await, [""; 0], "a line waits to be dispatched");
    order.dispatch(&order.lines[3..], other).await;
    order.work(1, 0).await;
    let first = format!("Order #{} rendering complete: 2/4 succeeded, 2 failed", order.number);
    assert_eq!(order.messages(t.user).await, std::slice::from_ref(&first), "creator and dispatcher, once");
    assert_eq!(order.messages(other).await, std::slice::from_ref(&first));
    // The lines that failed are rendered again.
    let lines = orders::get(&t.db, t.scope, order.of).await.expect("the order").lines;
    let failed: Vec<_> = lines
        .iter()
        .filter(|line| line.status == packshot_domain::order::line::RenderStatus::Failed)
        .map(|line| line.id)
        .collect();
    order.dispatch(&failed, t.user).await;
    order.work(2, 0).await;
    let second = format!("Order #{} rendering complete: 2/2 succeeded, 0 failed", order.number);
    assert_eq!(order.messages(t.user).await, [first.clone(), second]);
    assert_eq!(order.told(t.user).await[0].entry.data["round_no"], 2);
    assert_eq!(order.messages(other).await, [first], "who had no part in it is not told");
    assert_eq!(order.status().await, OrderStatus::Completed);
}

pub(crate) async fn n31_n32_n80_what_has_no_result_is_not_told(t: Fixture) {
    let shop = Shop::open(&t).await;
    let (db, scope) = (&t.db, t.scope);
    // A line that fails before it is begun opens a round, and closes it.
    let order = Scene::submitted(&t, &shop, 1).await;
    order.dispatch(&order.lines, t.user).await;
    order.fail(&order.next().await, false).await;
    assert_eq!(order.status().await, OrderStatus::Completed);
    let failed = format!("Order #{} rendering complete: 0/1 succeeded, 1 failed", order.number);
    assert_eq!(order.messages(t.user).await, std::slice::from_ref(&failed));
    assert_eq!(order.activity(ActivityType::RenderStarted).await.len(), 0);

    // A line that waits and is cancelled opens none.
    let order = Scene::submitted(&t, &shop, 1).await;
    orders::cancel_renders(db, scope, Actor::system(), order.of).await.expect("cancelled");
    assert_eq!((order.status().await, order.messages(t.user).await), (OrderStatus::Submitted, vec![failed.clone()]));

    // All lines of a round are cancelled.
    let order = Scene::submitted(&t, &shop, 2).await;
    order.dispatch(&order.lines, t.user).await;
    let running = order.next().await;
    tasks::report(db, scope, running.lease, Report { began: true, ..Report::default() }).await.expect("begun");
    orders::cancel_renders(db, scope, Actor::system(), order.of).await.expect("cancelled");
    tasks::cancelled(db, scope, running.lease, Report::default()).await.expect("stopped");
    assert_eq!((order.status().await, order.messages(t.user).await), (OrderStatus::Submitted, vec![failed.clone()]));
    assert_eq!(order.activity(ActivityType::RenderCancelled).await.len(), 2);
    // What is rendered after that is a round of its own.
    order.dispatch(&order.lines, t.user).await;
    order.work(2, 0).await;
    let again = format!("Order #{} rendering complete: 2/2 succeeded, 0 failed", order.number);
    assert_eq!(order.messages(t.user).await, [failed.clone(), again.clone()]);

    // The order is rejected while its lines are rendered.
    let order = Scene::submitted(&t, &shop, 2).await;
    order.dispatch(&order.lines, t.user).await;
    order.work(1, 0).await;
    let running = order.next().await;
    tasks::report(db, scope, running.lease, Report { began: true, ..Report::default() }).await.expect("begun");
    let why = ("because".parse().expect("a reason"), false);
    orders::reject(db, scope, Actor::system(), order.of, why).await.expect("rejected");
    tasks::cancelled(db, scope, running.lease, Report::default()).await.expect("stopped");
    assert_eq!(order.messages(t.user).await, [failed.clone(), again.clone()]);
    // And a resubmitted one counts all of its lines again.
    orders::resubmit(db, scope, Actor::system(), order.of).await.expect("resubmitted");
    orders::submit(db, scope, Actor::system(), order.of).await.expect("submitted");
    order.dispatch(&order.lines[1..], t.user).await;
    order.work(1, 0).await;
    let whole = format!("Order #{} rendering complete: 2/2 succeeded, 0 failed", order.number);
    assert_eq!(order.messages(t.user).await, [failed, again, whole]);
    assert_eq!(order.tell_missed().await, 0, "what is not told is not missed");
}

pub(crate) async fn n48_nobody_is_notified_where_that_is_switched_off(t: Fixture) {
    let off = TenantConfigChange { notifications_enabled: Change::Set(false), ..Default::default() };
    t.configure(t.scope, off).await;
    let shop = Shop::open(&t).await;
    let order = Scene::submitted(&t, &shop, 1).await;
    order.dispatch(&order.lines, t.user).await;
    order.work(1, 0).await;
    assert_eq!(order.messages(t.user).await, [""; 0]);
    assert_eq!(order.activity(ActivityType::RenderCompleted).await.len(), 1);
    assert_eq!(order.tell_missed().await, 0);
}

/// Ends both lines of an order at the same time, and returns what its creator was told.
async fn ended_together(t: &Fixture, shop: &Shop<'_>) -> Vec<String> {
    let order = Scene::submitted(t, shop, 2).await;
    order.dispatch(&order.lines, t.user).await;
    let (one, two) = (order.next().await, order.next().await);
    let before = order.messages(t.user).await.len();
    tokio::join!(order.complete(&one), order.complete(&two));
    order.messages(t.user).await.split_off(before)
}

pub(crate) async fn n37_two_that_end_together_are_told_once(t: Fixture) {
    let shop = Shop::open(&t).await;
    let trials = std::env::var("PACKSHOT_ENDED_TOGETHER").map_or(6, |n| n.parse().expect("a number"));
    for _ in 0..trials {
        let told = ended_together(&t, &shop).await;
        assert!(told.len() == 1 && told[0].ends_with("rendering complete: 2/2 succeeded, 0 failed"), "{told:?}");
    }
}

pub(crate) async fn n36_a_summary_comes_with_the_end_of_the_last_line(t: Fixture) {
    let shop = Shop::open(&t).await;
    let first = Scene::submitted(&t, &shop, 1).await;
    first.dispatch(&first.lines, t.user).await;
    first.work(1, 0).await;
    let order = Scene::submitted(&t, &shop, 1).await;
    order.dispatch(&order.lines, t.user).await;
    let claimed = order.next().await;
    let mut done = completion(&claimed);
    done.report.began = true;
    testing::block_notifications(&t.db, t.scope, t.user, true).await.expect("blocked");
    let crashed = tasks::complete(&t.db, t.scope, claimed.lease, done.clone()).await;
    crashed.expect_err("it breaks off when everything else is written");
    assert_eq!((order.status().await, order.messages(t.user).await.len()), (OrderStatus::Processing, 1));
    assert_eq!(order.activity(ActivityType::RenderCompleted).await.len(), 0);
    testing::block_notifications(&t.db, t.scope, t.user, false).await.expect("free again");
    tasks::complete(&t.db, t.scope, claimed.lease, done).await.expect("the lease holds");
    assert_eq!((order.status().await, order.messages(t.user).await.len()), (OrderStatus::Completed, 2));
    assert_eq!(order.tell_missed().await, 0);
}

pub(crate) async fn n35_without_managers_others_are_told_of_orders(t: Fixture) {
    // Its only user is a client.
    let made = tenants::create_bare(&t.db, AllTenants::Instance, "lonely", Role::Client).await;
    let (tenant, client) = made.expect("a tenant");
    let scope = TenantScope::of(tenant);
    let shop = Shop::open_in(&t, scope, None).await;
    let lines = vec![shop.line()];
    let new = NewOrder { id: OrderId::new(), number: None, notes: None, lines, lines_max: 1, created_by: client };
    let order = orders::create(&t.db, scope, Actor::system(), new).await.expect("an order").order;
    orders::submit(&t.db, scope, Actor::system(), OrderRef { id: order.id, owner: None }).await.expect("submitted");
    let page = PageRequest { limit: 50, after: None };
    let told = notifications::list(&t.db, scope, client, NotificationFilter::default(), page).await.expect("a page");
    let types: Vec<NotificationType> = told.page.items.iter().map(|told| told.entry.event_type).collect();
    assert_eq!(types, [NotificationType::OrderSubmitted]);
}
