//! N14, N15, N19, N20, N24, N25, N44, N45, N49, N50, N76, N77, N81: when people are told what, of what they are told
//! once, and how long it is kept.

use std::time::Duration;

use packshot_db::channels::activity::{self, ActivityFilter};
use packshot_db::channels::alerts::{self, Alert, AlertFilter, Sight};
use packshot_db::channels::notifications::{self, Marked, Notification, NotificationFilter};
use packshot_db::channels::{self, InstanceTrouble, Recovery, announcements, digests, preferences, retention};
use packshot_db::imports::{self, Import};
use packshot_db::jobs::JobError;
use packshot_db::streams::{self, Event};
use packshot_db::tasks::{self, Failure, Report};
use packshot_db::users::{self, UserChange};
use packshot_db::{AllTenants, DbError, PageRequest, TenantScope, installation, renders};
use packshot_domain::access::Role;
use packshot_domain::audit::Actor;
use packshot_domain::change::Change;
use packshot_domain::channel::announcement::NewAnnouncement;
use packshot_domain::channel::preference::{Frequency, PreferenceChange, Retention};
use packshot_domain::channel::{AlertState, AlertType, ImportCounts, Message, NotificationType, Severity};
use packshot_domain::event::EventName;
use packshot_domain::id::{EntryId, ImportId, UserId};
use packshot_domain::stream::StreamId;
use packshot_domain::task::FaultKind;
use packshot_domain::tenant_config::TenantConfigChange;
use packshot_domain::time::Timestamp;
use serde_json::json;

use crate::engine::{Fixture, deleter, render_of};
use crate::orders::Shop;
use crate::rounds::Scene;

const ALL: AllTenants = AllTenants::Housekeeping;
/// The hour at which days are told of.
const SIX: u8 = 6;
const MINUTE_MS: i64 = 60 * 1_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const PAGE: PageRequest = PageRequest { limit: 200, after: None };

/// Moves the clock forward to this time of a day, in UTC.
async fn move_to(t: &Fixture, hour: i64, minute: i64) {
    let now = t.db.now().await.expect("the time").unix_ms();
    let of_day = hour * HOUR_MS + minute * MINUTE_MS;
    t.db.move_clock((of_day - now).rem_euclid(24 * HOUR_MS));
}

async fn choose(t: &Fixture, user: UserId, of: NotificationType, frequency: Frequency) {
    let change = PreferenceChange { frequency: Some(frequency), enabled: None };
    preferences::change(&t.db, t.scope, user, of, change).await.expect("the user");
}

async fn check(t: &Fixture) -> usize {
    digests::deliver_due(&t.db, ALL, SIX).await.expect("the check")
}

/// What a person was told, oldest first.
async fn told_in(t: &Fixture, scope: TenantScope, user: UserId) -> Vec<Notification> {
    let page = notifications::list(&t.db, scope, user, NotificationFilter::default(), PAGE).await.expect("a page");
    page.page.items.into_iter().rev().collect()
}

async fn told(t: &Fixture, user: UserId) -> Vec<Notification> {
    told_in(t, t.scope, user).await
}

fn types(told: &[Notification]) -> Vec<NotificationType> {
    told.iter().map(|told| told.entry.event_type).collect()
}

/// Tells a person of an import.
async fn import(t: &Fixture, scope: TenantScope, user: UserId) {
    let counts = ImportCounts { imported: 1, ..ImportCounts::default() };
    let import = Import { id: ImportId::new(), counts };
    imports::keep(&t.db, scope, (Actor::system(), user), import, Vec::new()).await.expect("kept");
}

async fn alerts_of(t: &Fixture, sight: impl Into<Sight>) -> Vec<Alert> {
    alerts::list(&t.db, sight, AlertFilter::default(), PAGE).await.expect("alerts").items
}

async fn user_with(t: &Fixture, role: Role) -> UserId {
    installation::create_user(&t.db, t.scope, role).await.expect("a user")
}

pub(crate) async fn n24_n25_n44_n45_what_is_chosen_is_told_when_it_is_chosen(t: Fixture) {
    use NotificationType::{DigestDaily, RenderingComplete};
    let shop = Shop::open(&t).await;
    let finish = async || {
        let order = Scene::submitted(&t, &shop, 1).await;
        order.dispatch(&order.lines, t.user).await;
        order.work(1, 0).await;
        assert_eq!(order.activity(packshot_domain::channel::ActivityType::RenderCompleted).await.len(), 1);
        format!("Order #{} rendering complete: 1/1 succeeded, 0 failed", order.number)
    };
    let read = async || {
        let n = notifications::mark_read(&t.db, t.scope, t.user, Marked::All(None)).await.expect("read");
        let all = told(&t, t.user).await;
        for told in &all {
            notifications::delete(&t.db, t.scope, t.user, told.entry.id).await.expect("its reader's");
        }
        n.0
    };
    read().await;

    // Hourly: nothing before the full hour, then one, told as it is.
    move_to(&t, 10, 5).await;
    choose(&t, t.user, RenderingComplete, Frequency::Hourly).await;
    move_to(&t, 10, 20).await;
    let message = finish().await;
    read().await;
    move_to(&t, 10, 58).await;
    assert_eq!((check(&t).await, types(&told(&t, t.user).await)), (0, vec![]));
    move_to(&t, 11, 0).await;
    assert_eq!(check(&t).await, 1);
    let only = told(&t, t.user).await;
    assert_eq!((types(&only), only[0].entry.message.clone()), (vec![RenderingComplete], message));
    assert_eq!((check(&t).await, read().await), (0, 1), "once");

    // Daily: three orders are one digest at six, one order is itself, none is nothing.
    choose(&t, t.user, RenderingComplete, Frequency::Daily).await;
    let mut expected = Vec::new();
    for _ in 0..3 {
        expected.push(finish().await);
        t.db.move_clock(1_000);
    }
    read().await;
    move_to(&t, 5, 59).await;
    assert_eq!(check(&t).await, 0);
    move_to(&t, 6, 0).await;
    // Two processes look at the same time.
    let both = tokio::join!(check(&t), check(&t));
    assert_eq!(both.0 + both.1, 1);
    let digest = told(&t, t.user).await;
    assert_eq!((types(&digest), digest[0].entry.message.as_str()), (vec![DigestDaily], "3 updates"));
    let items = digest[0].entry.data["items"].as_array().expect("items");
    let said: Vec<&str> = items.iter().map(|item| item["message"].as_str().expect("a text")).collect();
    assert_eq!(said, expected);
    assert_eq!(read().await, 1);
    move_to(&t, 6, 0).await;
    assert_eq!(check(&t).await, 0, "nothing came");

    // What waits goes out as is chosen by then; `never` drops it.
    move_to(&t, 7, 0).await;
    let two = [finish().await, finish().await];
    read().await;
    choose(&t, t.user, RenderingComplete, Frequency::Immediate).await;
    assert_eq!(check(&t).await, 1);
    let now: Vec<String> = told(&t, t.user).await.into_iter().map(|told| told.entry.message).collect();
    assert_eq!(now, two);
    read().await;
    choose(&t, t.user, RenderingComplete, Frequency::Daily).await;
    finish().await;
    read().await;
    choose(&t, t.user, RenderingComplete, Frequency::Never).await;
    check(&t).await;
    choose(&t, t.user, RenderingComplete, Frequency::Immediate).await;
    check(&t).await;
    assert_eq!(types(&told(&t, t.user).await), []);

    // Where nobody is told at present, what waits waits on.
    choose(&t, t.user, RenderingComplete, Frequency::Daily).await;
    finish().await;
    read().await;
    let silent = |is_on| TenantConfigChange { notifications_enabled: Change::Set(is_on), ..Default::default() };
    t.configure(t.scope, silent(false)).await;
    move_to(&t, 6, 0).await;
    assert_eq!(check(&t).await, 0);
    t.configure(t.scope, silent(true)).await;
    assert_eq!((check(&t).await, types(&told(&t, t.user).await)), (1, vec![RenderingComplete]));

    // Whoever wants nothing gets nothing.
    for change in [
        PreferenceChange { frequency: Some(Frequency::Never), enabled: None },
        PreferenceChange { frequency: Some(Frequency::Immediate), enabled: Some(false) },
    ] {
        read().await;
        preferences::change(&t.db, t.scope, t.user, RenderingComplete, change).await.expect("the user");
        finish().await;
        let told = told(&t, t.user).await;
        assert!(told.iter().all(|told| told.entry.event_type != RenderingComplete), "{told:?}");
    }
}

pub(crate) async fn n14_n15_a_recovery_is_told_once(t: Fixture) {
    let managers = [user_with(&t, Role::ProjectManager).await, user_with(&t, Role::ProjectManager).await];
    let found = Recovery { tasks: (0..3).map(|_| uuid::Uuid::now_v7()).collect(), n_failed: 0, minutes: 120 };
    channels::recovered(&t.db, ALL, t.scope.tenant, found.clone()).await.expect("told");
    for manager in managers {
        let told = told(&t, manager).await;
        assert_eq!(types(&told), [NotificationType::WorkerRecovery]);
        assert_eq!(told[0].entry.message, "Worker recovery: 3 stalled renders requeued after 120min timeout");
    }
    assert_eq!(types(&told(&t, t.user).await), [], "an admin has the alert");
    let alerts = alerts_of(&t, t.scope).await;
    let [only] = alerts.as_slice() else { panic!("one: {alerts:?}") };
    assert_eq!((only.entry.event_type, only.state), (AlertType::WorkerRecovery, AlertState::Resolved));
    // One check, one alert.
    channels::recovered(&t.db, ALL, t.scope.tenant, Recovery { n_failed: 1, ..found }).await.expect("told");
    let again = alerts_of(&t, t.scope).await;
    assert_eq!(again.len(), 2);
    assert_eq!(again[0].entry.message, "Worker recovery: 2 stalled renders requeued after 120min timeout, 1 failed");
}

fn gpu(reason: &str) -> InstanceTrouble {
    InstanceTrouble::Lasts(Severity::Error, Message::new(&format!("GPU probe failed: {reason}")), json!({}))
}

async fn of_instance(t: &Fixture, of: AlertType, about: &str, trouble: InstanceTrouble) {
    channels::instance(&t.db, ALL, of, about, trouble).await.expect("told");
}

pub(crate) async fn n19_n20_n49_n50_one_alert_for_each_condition(t: Fixture) {
    for of in NotificationType::ALL.iter().filter(|of| of.is_configurable()) {
        choose(&t, t.user, *of, Frequency::Daily).await;
    }
    for n in 0..100 {
        of_instance(&t, AlertType::GpuProbeFailed, "", gpu(&n.to_string())).await;
    }
    let all = alerts_of(&t, t.scope).await;
    let [only] = all.as_slice() else { panic!("one: {all:?}") };
    assert_eq!((only.occurrences, only.state, only.of_instance), (100, AlertState::Open, true));
    assert!(only.entry.message.ends_with("failed: 99") && only.entry.seq == 1);
    // Two that find it at the same time find one.
    let both = [AlertType::StorageFull, AlertType::StorageFull].map(|of| of_instance(&t, of, "", gpu("full")));
    futures_util::future::join_all(both).await;
    of_instance(&t, AlertType::ExecutorNotFound, "farm", gpu("x")).await;
    of_instance(&t, AlertType::ExecutorNotFound, "blender", gpu("x")).await;
    assert_eq!(alerts_of(&t, t.scope).await.len(), 4, "each at once, whatever was chosen");
    of_instance(&t, AlertType::ExecutorNotFound, "farm", InstanceTrouble::Over).await;

    // Whoever has seen it first stays; it is open all the same.
    let sight = Sight::from(t.scope);
    assert_eq!(alerts::count_unseen(&t.db, sight).await.expect("counted"), 3);
    let admin = user_with(&t, Role::TenantAdmin).await;
    let seen = alerts::acknowledge(&t.db, sight, admin, only.entry.id).await.expect("it is there");
    assert_eq!((seen.acknowledged_by, seen.state), (Some(admin), AlertState::Open));
    t.db.move_clock(5_000);
    let again = alerts::acknowledge(&t.db, sight, t.user, only.entry.id).await.expect("it is there");
    assert_eq!(again, seen);
    assert_eq!(alerts::count_unseen(&t.db, sight).await.expect("counted"), 2);

    of_instance(&t, AlertType::GpuProbeFailed, "", InstanceTrouble::Over).await;
    of_instance(&t, AlertType::GpuProbeFailed, "", InstanceTrouble::Over).await;
    of_instance(&t, AlertType::GpuProbeFailed, "", gpu("again")).await;
    let filter = AlertFilter { event_type: Some(AlertType::GpuProbeFailed), ..AlertFilter::default() };
    let both = alerts::list(&t.db, sight, filter, PAGE).await.expect("alerts").items;
    let states: Vec<_> = both.iter().map(|alert| (alert.state, alert.occurrences)).collect();
    assert_eq!(states, [(AlertState::Open, 1), (AlertState::Resolved, 100)]);

    // Another tenant sees its own, and its numbers are its own.
    let (other, _) = t.other_tenant().await;
    assert_eq!(alerts_of(&t, other).await, []);
    let broken = Some((Severity::Error, Message::new("broken"), json!({})));
    channels::of_tenant(&t.db, other, AlertType::LibraryInvalid, broken).await.expect("told");
    let own = alerts_of(&t, other).await;
    assert_eq!((own.len(), own[0].entry.seq, own[0].of_instance), (1, 1, false));
    let id = own[0].entry.id;
    let unseen = alerts::get(&t.db, sight, id).await;
    assert!(matches!(unseen, Err(DbError::NotFound("alert"))), "{unseen:?}");
    assert!(alerts::get(&t.db, Sight::All, id).await.is_ok());
    // A global admin who acts for it sees those of the installation too, and of no third tenant.
    let acting = alerts_of(&t, Sight::TenantAndInstance(other.tenant)).await;
    assert!(acting.iter().any(|alert| alert.entry.id == id) && acting.iter().any(|alert| alert.of_instance));
    assert!(alerts::acknowledge(&t.db, Sight::from(other), t.user, only.entry.id).await.is_err());
}

pub(crate) async fn n49_task_dead_is_over_when_the_task_is_tried_again_or_gone(t: Fixture) {
    let id = t.submit().await;
    let fail = async |fault| {
        let claimed = t.claim_one().await;
        let error = JobError { code: "worker_lost".to_owned(), detail: "it was lost".to_owned(), at: None };
        let failure = Failure { report: Report::default(), fault, error };
        tasks::fail(&t.db, t.scope, claimed.lease, failure).await.expect("the lease holds");
        t.wait(3_600.0);
        claimed
    };
    let mut last = fail(FaultKind::Infrastructure).await;
    assert_eq!(alerts_of(&t, t.scope).await, [], "it is tried again");
    for _ in 0..2 {
        last = fail(FaultKind::Infrastructure).await;
    }
    let filter = |state| AlertFilter { state: Some(state), event_type: Some(AlertType::TaskDead), severity: None };
    let count = async |state| alerts::list(&t.db, t.scope, filter(state), PAGE).await.expect("alerts").items.len();
    assert_eq!((count(AlertState::Open).await, render_of(&last)), (1, id));
    tasks::tell_of_gone(&t.db, ALL).await.expect("the check");
    assert_eq!(count(AlertState::Open).await, 1);
    tasks::requeue(&t.db, t.scope, Actor::system(), last.task.id).await.expect("it has failed");
    assert_eq!((count(AlertState::Open).await, count(AlertState::Resolved).await), (0, 1));
    for _ in 0..3 {
        fail(FaultKind::Infrastructure).await;
    }
    assert_eq!(count(AlertState::Open).await, 1);
    renders::delete(&t.db, t.scope, deleter(Actor::system()), id).await.expect("it has ended");
    tasks::tell_of_gone(&t.db, ALL).await.expect("the check");
    assert_eq!((count(AlertState::Open).await, count(AlertState::Resolved).await), (0, 2));
    // What cannot be done at all is its owner's matter.
    t.submit().await;
    fail(FaultKind::Input).await;
    assert_eq!(count(AlertState::Open).await, 0);
}

pub(crate) async fn n76_an_announcement_is_told_once(t: Fixture) {
    let (other, stranger) = t.other_tenant().await;
    let client = user_with(&t, Role::Client).await;
    choose(&t, client, NotificationType::OrderSubmitted, Frequency::Never).await;
    let now = t.db.now().await.expect("the time");
    let new = |roles: &[Role], all_tenants| NewAnnouncement {
        title: "Wartung".parse().expect("a title"),
        body: "Am Samstag".parse().expect("a body"),
        severity: Severity::Warning,
        roles: roles.to_vec(),
        starts_at: Some(now + Duration::from_secs(60)),
        ends_at: Some(now + Duration::from_secs(3_600)),
        all_tenants,
    };
    let make = async |new| {
        let by = (Actor::system(), t.user);
        announcements::create(&t.db, t.scope, by, new).await.expect("made")
    };
    let deliver = async || announcements::deliver_due(&t.db, ALL).await.expect("delivered");
    let first = make(new(Role::ALL, false)).await;
    make(new(&[Role::Client], false)).await;
    assert_eq!(deliver().await, 0, "it has not started");
    t.wait(61.0);
    let both = tokio::join!(deliver(), deliver());
    assert_eq!(both.0 + both.1, 3);
    let own = told(&t, t.user).await;
    assert_eq!(
        (types(&own), own[0].entry.message.as_str()),
        (vec![NotificationType::Announcement], "Wartung: Am Samstag")
    );
    assert_eq!(told(&t, client).await.len(), 2);
    assert_eq!(told_in(&t, other, stranger).await.len(), 0);
    // Whoever deletes it does not get it again; whoever comes gets it.
    notifications::delete(&t.db, t.scope, t.user, own[0].entry.id).await.expect("its reader's");
    let late = user_with(&t, Role::ProjectManager).await;
    assert_eq!((deliver().await, told(&t, late).await.len(), told(&t, t.user).await.len()), (1, 1, 0));
    make(new(Role::ALL, true)).await;
    assert_eq!(deliver().await, 4);
    assert_eq!(told_in(&t, other, stranger).await.len(), 1);

    // At its end it goes from those who have not read it.
    let read = told(&t, client).await[0].entry.id;
    notifications::mark(&t.db, t.scope, client, read, true).await.expect("its reader's");
    t.wait(3_600.0);
    deliver().await;
    let left: Vec<EntryId> = told(&t, client).await.iter().map(|told| told.entry.id).collect();
    assert_eq!(left, [read]);
    assert_eq!((told(&t, late).await.len(), told_in(&t, other, stranger).await.len()), (0, 0));
    announcements::delete(&t.db, ALL, t.scope.tenant, Actor::system(), first.id).await.expect("it is there");
    let gone = announcements::delete(&t.db, ALL, t.scope.tenant, Actor::system(), first.id).await;
    assert!(matches!(gone, Err(DbError::NotFound("announcement"))), "{gone:?}");
}

pub(crate) async fn n77_what_is_old_is_removed(t: Fixture) {
    let kept = Retention { activity: 90 * DAY, notifications: 180 * DAY, alerts: 365 * DAY };
    let counts = async || {
        let activity = activity::list(&t.db, t.scope, ActivityFilter::default(), PAGE).await.expect("activity");
        let alerts = alerts_of(&t, t.scope).await;
        let open = alerts.iter().filter(|alert| alert.state == AlertState::Open).count();
        (activity.items.len(), told(&t, t.user).await.len(), open, alerts.len() - open)
    };
    let expire = async || retention::expire(&t.db, ALL, kept).await.expect("removed");
    import(&t, t.scope, t.user).await;
    of_instance(&t, AlertType::GpuProbeFailed, "", gpu("x")).await;
    of_instance(&t, AlertType::StorageFull, "", gpu("x")).await;
    of_instance(&t, AlertType::StorageFull, "", InstanceTrouble::Over).await;
    let day = |n: f64| t.wait(n * DAY.as_secs_f64());
    day(89.9);
    import(&t, t.scope, t.user).await;
    expire().await;
    assert_eq!(counts().await, (2, 2, 1, 1));
    day(0.2);
    expire().await;
    assert_eq!(counts().await, (1, 2, 1, 1));
    day(90.0);
    expire().await;
    assert_eq!(counts().await, (0, 1, 1, 1));
    day(186.0);
    let removed = expire().await;
    assert_eq!((counts().await, removed.alerts), ((0, 0, 1, 0), 1));
    let stream = streams::after(&t.db, t.scope, StreamId::of_user(t.user), 0, 200).await.expect("the stream");
    assert_eq!(stream, [], "what it says goes with what it is about");
    // Its numbers go on.
    import(&t, t.scope, t.user).await;
    let stream = streams::after(&t.db, t.scope, StreamId::of_user(t.user), 0, 200).await.expect("the stream");
    assert!(stream.len() == 1 && stream[0].seq > 1, "{stream:?}");
}

pub(crate) async fn n81_each_stream_has_its_own_numbers(t: Fixture) {
    let (admin, manager) = (user_with(&t, Role::TenantAdmin).await, user_with(&t, Role::ProjectManager).await);
    let stream = async |user| -> Vec<Event> {
        streams::after(&t.db, t.scope, StreamId::of_user(user), 0, 1_000).await.expect("the stream")
    };
    // Many write at the same time.
    let told = (0..20).flat_map(|_| [admin, manager]).map(|user| import(&t, t.scope, user));
    futures_util::future::join_all(told).await;
    for user in [admin, manager] {
        let all = self::told(&t, user).await;
        assert_eq!(all.len(), 20);
        let ids: Vec<EntryId> = all.iter().take(3).map(|told| told.entry.id).collect();
        let foreign = self::told(&t, if user == admin { manager } else { admin }).await[0].entry.id;
        let named = Marked::These([ids.as_slice(), &[foreign]].concat());
        let marked = notifications::mark_read(&t.db, t.scope, user, named.clone()).await.expect("marked");
        assert_eq!(marked, (3, 17));
        assert_eq!(notifications::mark_read(&t.db, t.scope, user, named).await.expect("again"), (0, 17));
        let before: Timestamp = all[9].entry.created_at;
        let marked = notifications::mark_read(&t.db, t.scope, user, Marked::All(Some(before))).await.expect("marked");
        assert!(marked.0 + marked.1 == 17 && marked.0 >= 7, "{marked:?}");
    }
    of_instance(&t, AlertType::StorageFull, "", gpu("x")).await;
    of_instance(&t, AlertType::StorageFull, "", InstanceTrouble::Over).await;
    // Who is no admin any more is written nothing.
    let change = UserChange { role: Some(Role::ProjectManager), ..UserChange::default() };
    users::change(&t.db, t.scope, (Actor::system(), Role::GlobalAdmin), admin, change).await.expect("changed");
    of_instance(&t, AlertType::GpuProbeFailed, "", gpu("x")).await;
    for (user, alerts) in [(admin, vec![EventName::AlertOpened, EventName::AlertResolved]), (manager, vec![])] {
        let events = stream(user).await;
        let seqs: Vec<i64> = events.iter().map(|event| event.seq).collect();
        assert!(seqs.iter().copied().eq(1..=seqs.len() as i64), "{seqs:?}");
        let count = |name| events.iter().filter(|event| event.name == name).count();
        assert_eq!((count(EventName::NotificationCreated), count(EventName::NotificationRead)), (20, 2));
        let of_alerts = events.iter().map(|event| event.name).filter(|name| name.is_of_alert());
        assert_eq!(of_alerts.collect::<Vec<_>>(), alerts);
        let read = events.iter().find(|event| event.name == EventName::NotificationRead).expect("one");
        assert_eq!((read.data["ids"].as_array().map(Vec::len), &read.data["all"]), (Some(3), &json!(false)));
    }
}
