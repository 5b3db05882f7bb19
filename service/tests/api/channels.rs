//! N01, N16, N19, N23, N38–N43, N46, N47, N49–N52, N76, N81: what people are told over HTTP, and as it happens.

use futures_util::future::BoxFuture;
use packshot_db::channels::{self, InstanceTrouble};
use packshot_db::imports::{self, Import};
use packshot_db::users::{self, UserChange};
use packshot_db::{AllTenants, TenantScope};
use packshot_domain::access::{Role, Scope};
use packshot_domain::audit::Actor;
use packshot_domain::channel::{AlertType, ImportCounts, Message, Severity};
use packshot_domain::id::{ImportId, TenantId, UserId};
use packshot_service::instance::watch;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Guest, Installation, Reply, TestApp, id, token};
use crate::events::{Event, Stream};

const PATH: &str = "/api/notifications";

/// Somebody who has signed in, and who they are.
struct Person<'a> {
    guest: Guest<'a>,
    user: UserId,
    scope: TenantScope,
}

impl<'a> Person<'a> {
    /// Boxed: the tests would need more of the stack than there is.
    fn of(app: &'a TestApp, tenant: TenantId, email: &'a str, role: Role) -> BoxFuture<'a, Self> {
        Box::pin(async move {
            let tokens = app.person(tenant, email, role).await;
            let guest = app.with_key(token(&tokens));
            let user = id(&guest.get("/api/v1/me").await.json()["user"]).parse().expect("an id");
            Self { guest, user, scope: TenantScope::of(tenant) }
        })
    }

    /// Tells them of an import.
    async fn tell(&self, app: &TestApp, n: u32) {
        let counts = ImportCounts { imported: n, ..ImportCounts::default() };
        let import = Import { id: ImportId::new(), counts };
        imports::keep(&app.db, self.scope, (Actor::system(), self.user), import, Vec::new()).await.expect("kept");
    }

    /// What they were told, newest first.
    async fn told(&self, query: &str) -> Vec<Value> {
        let page = self.guest.get(&format!("{PATH}?limit=200{query}")).await.json();
        page["items"].as_array().expect("items").clone()
    }

    async fn unread(&self) -> Value {
        self.guest.get(&format!("{PATH}/unread-count")).await.json()
    }

    async fn follow(&self, last: Option<u64>) -> Stream {
        Stream::of(self.guest.request(Method::GET, &format!("{PATH}/events")), last).await
    }
}

async fn trouble(app: &TestApp, is_over: bool) {
    let lasts = InstanceTrouble::Lasts(Severity::Error, Message::new("full"), json!({}));
    let trouble = if is_over { InstanceTrouble::Over } else { lasts };
    channels::instance(&app.db, AllTenants::Housekeeping, AlertType::StorageFull, "", trouble).await.expect("told");
}

/// Events of a stream up to the last that has a number; what is counted when it is read has none.
async fn numbered(stream: &mut Stream, n: usize) -> Vec<Event> {
    let mut events = Vec::new();
    while events.len() < n {
        match stream.any_event().await.expect("it does not end") {
            (Some(id), name, data) => events.push(Event { id, name, data }),
            (None, name, _) => assert_eq!(name, "unread_count"),
        }
    }
    events
}

async fn delete(guest: &Guest<'_>, path: &str) -> Reply {
    Reply::of(guest.request(Method::DELETE, path)).await
}

cases! {
    async fn n39_n40_n41_n42_n43_notifications_are_their_readers(engine) {
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("gwen@test").await;
        let admin = app.with_key(token(&admin));
        let (tenant, _) = app.tenant_key("alpha", Role::TenantAdmin, &[]).await;
        let (anna, berta) = (
            Person::of(&app, tenant, "anna@test", Role::ProjectManager).await,
            Person::of(&app, tenant, "berta@test", Role::ProjectManager).await,
        );
        for n in 1..=3 {
            anna.tell(&app, n).await;
        }
        berta.tell(&app, 9).await;
        let told = anna.told("").await;
        let seqs: Vec<&Value> = told.iter().map(|told| &told["seq"]).collect();
        assert_eq!(seqs, [&json!(3), &json!(2), &json!(1)]);
        let path = format!("{PATH}/{}", id(&told[0]));
        assert_eq!(anna.guest.get(&path).await.json(), told[0]);

        // Marked as read: once, and undone.
        let read = anna.guest.post(&format!("{path}/read")).await.json();
        assert!(read["read_at"].is_string());
        assert_eq!(anna.unread().await, json!({"notification": 2, "alert": 0}));
        app.db.move_clock(5_000);
        assert_eq!(anna.guest.post(&format!("{path}/read")).await.json(), read, "its first time stays");
        let page = anna.guest.get(&format!("{PATH}?unread=true&limit=1")).await.json();
        assert_eq!((&page["unread_count"], page["items"].as_array().map(Vec::len)), (&json!(2), Some(1)));
        assert!(anna.told("&unread=true").await.iter().all(|told| told["read_at"].is_null()));
        assert_eq!(anna.told("&unread=false").await, [read]);
        assert_eq!(anna.guest.post(&format!("{path}/unread")).await.json(), told[0]);
        assert_eq!(anna.unread().await["notification"], 3);

        // Many at once; somebody else's are not counted, and stay.
        let foreign = id(&berta.told("").await[0]);
        let mark = async |body: Value| anna.guest.send(Method::POST, &format!("{PATH}/read"), &body).await;
        let marked = mark(json!({"ids": [id(&told[0]), id(&told[1]), foreign], "more": 1})).await.json();
        assert_eq!(marked, json!({"updated": 2, "unread_count": 1}));
        assert_eq!(berta.unread().await["notification"], 1);
        assert_eq!(mark(json!({"all": true, "before": "2020-01-01T00:00:00Z"})).await.json()["updated"], 0);
        for wrong in [json!({}), json!({"ids": [foreign], "all": true}), json!({"ids": []})] {
            assert_eq!(mark(wrong).await.status, 422);
        }
        assert_eq!(mark(json!({"all": true, "before": told[2]["created_at"]})).await.json(), json!({"updated": 1, "unread_count": 0}));

        // Nobody else sees one, a global admin neither; a deleted one is gone, and the activity has it all the same.
        for other in [&berta.guest, &admin] {
            for (method, path) in [
                (Method::GET, path.clone()),
                (Method::DELETE, path.clone()),
                (Method::POST, format!("{path}/read")),
                (Method::POST, format!("{path}/unread")),
            ] {
                let refused = Reply::of(other.request(method, &path).header("x-tenant-id", tenant.to_string())).await;
                assert_eq!(refused.problem(), (404, "notification_not_found".to_owned()), "{path}");
            }
        }
        assert_eq!(delete(&anna.guest, &path).await.status, 204);
        assert_eq!(anna.guest.get(&path).await.status, 404);
        assert_eq!(anna.told("").await.len(), 2);
        let activity = anna.guest.get("/api/activity?event_type=excel.imported").await.json();
        assert_eq!(activity["items"].as_array().map(Vec::len), Some(4));
        // With the key of somebody else's request an answer is not told.
        let keyed = |of: &Guest<'_>| of.request(Method::POST, &format!("{PATH}/{foreign}/read")).header("idempotency-key", "k1");
        assert_eq!(Reply::of(keyed(&berta.guest)).await.status, 200);
        assert_eq!(Reply::of(keyed(&anna.guest)).await.status, 404);
    }

    async fn n23_n46_n47_each_chooses_what_to_be_told(engine) {
        let app = TestApp::idle(&engine).await;
        let (tenant, _) = app.tenant_key("alpha", Role::TenantAdmin, &[]).await;
        let anna = Person::of(&app, tenant, "anna@test", Role::Client).await;
        let configs = "/api/v1/notification-configs";
        let all = anna.guest.get(configs).await.json();
        let rows = all["items"].as_array().expect("rows");
        let names: Vec<&str> = rows.iter().map(|row| row["event_type"].as_str().expect("a name")).collect();
        assert_eq!(names, [
            "order.rendering_complete", "order.submitted", "order.rejected", "order.resubmitted", "excel.imported",
            "worker.recovery", "design.completed", "design.failed",
        ]);
        let is_default = |row: &Value| row["enabled"] == true && row["frequency"] == "immediate" && row["channel"] == "notification";
        assert!(rows.iter().all(is_default), "{all}");
        let put = async |name: &str, body: Value| anna.guest.send(Method::PUT, &format!("{configs}/{name}"), &body).await;
        for frequency in ["immediate", "hourly", "daily", "never"] {
            let row = put("order.submitted", json!({"frequency": frequency})).await;
            assert_eq!((row.status, &row.json()["frequency"]), (200, &json!(frequency)));
        }
        let off = put("order.submitted", json!({"enabled": false})).await.json();
        assert_eq!((&off["enabled"], &off["frequency"], &off["user_id"]), (&json!(false), &json!("never"), &json!(anna.user.to_string())));
        assert_eq!(anna.guest.get(configs).await.json()["items"][1], off);
        let weekly = put("order.submitted", json!({"frequency": "weekly"})).await;
        assert_eq!((weekly.problem(), weekly.pointers()), ((422, "validation_failed".to_owned()), vec!["/frequency".to_owned()]));
        for (name, status, code) in [
            ("gpu.probe_failed", 422, "alert_not_configurable"),
            ("render.completed", 422, "channel_not_configurable"),
            ("no.such", 404, "event_type_not_found"),
            ("announcement", 404, "event_type_not_found"),
        ] {
            assert_eq!(put(name, json!({"frequency": "daily"})).await.problem(), (status, code.to_owned()), "{name}");
        }
    }

    async fn n16_n19_n49_n50_alerts_are_for_admins(engine) {
        let app = TestApp::idle(&engine).await;
        let gwen = app.set_up("gwen@test").await;
        let gwen = app.with_key(token(&gwen));
        let operating = app.scope().await.tenant;
        let (alpha, _) = app.tenant_key("alpha", Role::TenantAdmin, &[]).await;
        let boss = Person::of(&app, alpha, "boss@test", Role::TenantAdmin).await;
        let manager = Person::of(&app, alpha, "manager@test", Role::ProjectManager).await;
        let client = Person::of(&app, alpha, "client@test", Role::Client).await;
        let operator = Person::of(&app, operating, "operator@test", Role::TenantAdmin).await;
        let of = (AlertType::WorkerRecovery, Severity::Warning);
        let message = Message::new("Stalled");
        channels::alert(&app.db, AllTenants::Housekeeping, alpha, of, message, json!({})).await.expect("told");
        // A GPU is asked for and there is none; where none is asked for, there is no trouble.
        watch::gpu(&app.db, None).await.expect("told");
        for _ in 0..2 {
            watch::gpu(&app.db, Some("no GPU was found".to_owned())).await.expect("told");
        }
        assert!(watch::storage(&app.db, &{ app.store.set_full(true); app.store.clone() }, None).await.expect("told"));

        let alerts = async |guest: &Guest<'_>, tenant: Option<&str>| -> Vec<(Value, Value)> {
            let request = guest.request(Method::GET, "/api/v1/alerts?limit=50");
            let request = tenant.into_iter().fold(request, |request, tenant| request.header("x-tenant-id", tenant));
            let page = Reply::of(request).await.json();
            let items = page["items"].as_array().expect("alerts").iter();
            items.map(|alert| (alert["event_type"].clone(), alert["tenant_id"].clone())).collect()
        };
        let own = (json!("worker.recovery"), json!(alpha.to_string()));
        let of_instance = [(json!("storage.full"), json!(null)), (json!("gpu.probe_failed"), json!(null))];
        assert_eq!(alerts(&boss.guest, None).await, std::slice::from_ref(&own));
        assert_eq!(alerts(&operator.guest, None).await, of_instance);
        assert_eq!(alerts(&gwen, None).await, of_instance);
        let all = [of_instance.as_slice(), &[own]].concat();
        assert_eq!(alerts(&gwen, Some(&alpha.to_string())).await, all, "acting for alpha");
        assert_eq!(alerts(&gwen, Some("*")).await, all);
        for person in [&manager, &client] {
            for path in ["/api/v1/alerts".to_owned(), format!("/api/v1/alerts/{alpha}")] {
                assert_eq!(person.guest.get(&path).await.problem(), (403, "forbidden".to_owned()));
            }
            assert_eq!(person.unread().await["alert"], 0);
        }

        // Whoever sees one says that they have; it is open all the same.
        assert_eq!(operator.unread().await["alert"], 2);
        let page = operator.guest.get("/api/v1/alerts?event_type=gpu.probe_failed&state=open").await.json();
        let gpu = &page["items"][0];
        assert_eq!((&gpu["occurrences"], &gpu["channel"], &gpu["seq"]), (&json!(2), &json!("alert"), &json!(1)));
        assert!(gpu["message"].as_str().expect("a text").contains("no GPU was found"));
        let path = format!("/api/v1/alerts/{}", id(gpu));
        assert_eq!(boss.guest.get(&path).await.problem(), (404, "alert_not_found".to_owned()));
        assert_eq!(boss.guest.post(&format!("{path}/acknowledge")).await.status, 404);
        let seen = operator.guest.post(&format!("{path}/acknowledge")).await.json();
        assert_eq!((&seen["acknowledged_by"], &seen["state"]), (&json!(operator.user.to_string()), &json!("open")));
        assert_eq!(gwen.post(&format!("{path}/acknowledge")).await.json(), seen);
        assert_eq!((gwen.get(&path).await.json(), operator.unread().await["alert"].clone()), (seen, json!(1)));
        // What works again is over, and what fails again is another one.
        watch::gpu(&app.db, None).await.expect("told");
        watch::gpu(&app.db, Some("again".to_owned())).await.expect("told");
        app.store.set_full(false);
        assert!(!watch::storage(&app.db, &app.store, Some(true)).await.expect("told"));
        let states = async |of: &str| {
            let page = gwen.get(&format!("/api/v1/alerts?event_type={of}")).await.json();
            page["items"].as_array().expect("alerts").iter().map(|alert| alert["state"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(states("gpu.probe_failed").await, [json!("open"), json!("resolved")]);
        assert_eq!(states("storage.full").await, [json!("resolved")]);
        watch::database(&app.db, std::time::Duration::from_secs(7)).await.expect("told");
        assert_eq!(states("database.unavailable").await, [json!("resolved")]);
    }

    async fn n38_the_activity_is_followed_by_those_who_run_the_tenant(engine) {
        let app = TestApp::idle(&engine).await;
        let operating = app.scope().await.tenant;
        let (alpha, _) = app.tenant_key("alpha", Role::TenantAdmin, &[]).await;
        let manager = Person::of(&app, alpha, "manager@test", Role::ProjectManager).await;
        let client = Person::of(&app, alpha, "client@test", Role::Client).await;
        let operator = Person::of(&app, operating, "operator@test", Role::TenantAdmin).await;
        assert_eq!(client.guest.get("/api/activity/events").await.problem(), (403, "forbidden".to_owned()));
        manager.tell(&app, 1).await;
        assert_eq!(operator.guest.get("/api/activity").await.json()["items"], json!([]));
        let mut stream = Stream::of(manager.guest.request(Method::GET, "/api/activity/events?event_type=excel.*"), None).await;
        let snapshot = stream.event().await.expect("a snapshot");
        let listed = manager.guest.get("/api/activity").await.json();
        assert_eq!((snapshot.name.as_str(), snapshot.id, &snapshot.data), ("snapshot", 1, &listed));
        manager.tell(&app, 2).await;
        let next = stream.event().await.expect("an entry");
        let newest = manager.guest.get("/api/activity?limit=1").await.json()["items"][0].clone();
        assert_eq!((next.name.as_str(), next.id, next.data), ("activity.created", 2, newest));
        let mut again = Stream::of(manager.guest.request(Method::GET, "/api/activity/events"), Some(0)).await;
        assert_eq!(again.event().await.expect("an entry").id, 1);
    }

    async fn n51_n52_n81_a_person_is_told_as_it_happens(engine) {
        let installation = Installation::new(&engine, &[]).await;
        let app = installation.start(false).await;
        let operating = app.scope().await.tenant;
        let key = app.operating_key(&[Scope::Admin]).await;
        let boss = Person::of(&app, operating, "boss@test", Role::TenantAdmin).await;
        let manager = Person::of(&app, operating, "manager@test", Role::ProjectManager).await;
        let mut feeds = [boss.follow(None).await, manager.follow(None).await];
        for feed in &mut feeds {
            let snapshot = feed.event().await.expect("a snapshot");
            let empty = json!({"unread_count": {"notification": 0, "alert": 0}, "items": []});
            assert_eq!((snapshot.name.as_str(), snapshot.id, snapshot.data), ("snapshot", 0, empty));
        }
        for n in 0..20 {
            boss.tell(&app, n).await;
            manager.tell(&app, n).await;
        }
        let expected: Vec<u64> = (1..=20).collect();
        for (feed, person) in feeds.iter_mut().zip([&boss, &manager]) {
            let events = numbered(feed, 20).await;
            assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), expected);
            let mut told = person.told("").await;
            told.reverse();
            assert_eq!(events.iter().map(|event| &event.data).collect::<Vec<_>>(), told.iter().collect::<Vec<_>>());
            assert!(events.iter().all(|event| event.name == "notification.created"));
            // Read elsewhere.
            let first = id(&told[0]);
            person.guest.post(&format!("{PATH}/{first}/read")).await;
            let read = numbered(feed, 1).await.remove(0);
            assert_eq!((read.name.as_str(), &read.data["ids"], &read.data["all"]), ("notification.read", &json!([first]), &json!(false)));
            let (number, name, count) = feed.any_event().await.expect("a count");
            assert_eq!((number, name.as_str(), &count["notification"]), (None, "unread_count", &json!(19)));
        }
        trouble(&app, false).await;
        trouble(&app, true).await;
        let alerts = numbered(&mut feeds[0], 2).await;
        assert_eq!(alerts.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(), ["alert.opened", "alert.resolved"]);
        let listed = boss.guest.get("/api/v1/alerts").await.json()["items"][0].clone();
        assert_eq!(alerts[1].data, listed);
        manager.guest.send(Method::POST, &format!("{PATH}/read"), &json!({"all": true})).await;
        let read = numbered(&mut feeds[1], 1).await.remove(0);
        assert_eq!((read.id, read.name.as_str(), &read.data["all"]), (22, "notification.read", &json!(true)), "no alert between");

        // Whoever comes back gets what was missed, once each: also from another process.
        drop(feeds);
        for last in [0, 7, 21, 22] {
            let mut feed = boss.follow(Some(last)).await;
            let rest = numbered(&mut feed, 23 - last as usize).await;
            assert_eq!(rest.iter().map(|event| event.id).collect::<Vec<_>>(), (last + 1..=23).collect::<Vec<_>>());
        }
        let app = installation.start(false).await;
        let again = |key: &str| Stream::of(app.with_key(key).request(Method::GET, "/api/notifications/events"), Some(21));
        let tokens = app.sign_in(&json!({"email": "boss@test", "password": crate::app::PASSWORD, "tenant": "default"})).await.json();
        let mut feed = again(token(&tokens)).await;
        assert_eq!(numbered(&mut feed, 2).await[0].name, "alert.opened");
        // Without the role alerts that were written are left out.
        let change = UserChange { role: Some(Role::ProjectManager), ..UserChange::default() };
        users::change(&app.db, boss.scope, (Actor::system(), Role::GlobalAdmin), boss.user, change).await.expect("changed");
        boss.tell(&app, 99).await;
        let tokens = app.sign_in(&json!({"email": "boss@test", "password": crate::app::PASSWORD, "tenant": "default"})).await.json();
        let mut feed = again(token(&tokens)).await;
        let next = numbered(&mut feed, 1).await.remove(0);
        assert_eq!((next.id, next.name.as_str()), (24, "notification.created"));
        assert_eq!(app.with_key(&key).get("/api/v1/alerts").await.json()["items"][0]["id"], listed["id"]);
    }

    async fn n01_n76_announcements_reach_their_audience(engine) {
        let app = TestApp::idle(&engine).await;
        let gwen = app.set_up("gwen@test").await;
        let gwen = app.with_key(token(&gwen));
        let (alpha, _) = app.tenant_key("alpha", Role::TenantAdmin, &[]).await;
        let (beta, _) = app.tenant_key("beta", Role::TenantAdmin, &[]).await;
        let boss = Person::of(&app, alpha, "boss@test", Role::TenantAdmin).await;
        let client = Person::of(&app, alpha, "client@test", Role::Client).await;
        let stranger = Person::of(&app, beta, "stranger@test", Role::Client).await;
        let path = "/api/v1/announcements";
        let never = json!({"frequency": "never"});
        client.guest.send(Method::PUT, "/api/v1/notification-configs/order.submitted", &never).await;
        let announce = async |of: &Guest<'_>, body: Value| of.send(Method::POST, path, &body).await;
        let made = announce(&boss.guest, json!({"title": "Wartung", "body": "Am Samstag"})).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let first = made.json();
        assert_eq!((&first["roles"], &first["severity"], &first["ends_at"]), (&json!(["global_admin", "tenant_admin", "project_manager", "client"]), &json!("info"), &json!(null)));
        let messages = async |person: &Person<'_>| -> Vec<Value> {
            person.told("").await.iter().map(|told| told["message"].clone()).collect()
        };
        assert_eq!(messages(&client).await, [json!("Wartung: Am Samstag")]);
        assert_eq!((messages(&boss).await.len(), messages(&stranger).await.len()), (1, 0));
        let to_clients = json!({"title": "Neu", "body": "für Kunden", "roles": ["client"], "severity": "warning"});
        announce(&boss.guest, to_clients).await;
        assert_eq!((messages(&client).await.len(), messages(&boss).await.len()), (2, 1));
        let to_all = json!({"title": "Alle", "body": "hier", "all_tenants": true});
        assert_eq!(announce(&boss.guest, to_all.clone()).await.problem(), (403, "forbidden".to_owned()));
        assert_eq!(announce(&client.guest, json!({"title": "a", "body": "b"})).await.status, 403);
        assert_eq!(announce(&gwen, to_all).await.status, 201);
        assert_eq!((messages(&stranger).await.len(), messages(&boss).await.len()), (1, 2));
        for wrong in [
            json!({"title": "", "body": "b"}),
            json!({"title": "a", "body": "b", "ends_at": "2020-01-01T00:00:00Z"}),
            json!({"title": "a", "body": "b", "roles": ["boss"]}),
            json!({"title": "a", "body": "b", "colour": "red"}),
        ] {
            assert_eq!(announce(&boss.guest, wrong).await.problem(), (422, "validation_failed".to_owned()));
        }
        // One that is taken back goes from those who have not read it.
        let page = boss.guest.get(path).await.json();
        assert_eq!(page["items"].as_array().map(Vec::len), Some(2));
        let own = format!("{path}/{}", id(&first));
        let guest = &stranger.guest;
        assert_eq!(delete(guest, &own).await.status, 403);
        assert_eq!(delete(&gwen, &own).await.problem(), (404, "announcement_not_found".to_owned()), "it is alpha's");
        assert_eq!(delete(&boss.guest, &own).await.status, 204);
        assert_eq!(delete(&boss.guest, &own).await.status, 404);
        assert_eq!(messages(&client).await, [json!("Alle: hier"), json!("Neu: für Kunden")]);
        let audit = boss.guest.get("/api/v1/audit-log?action=announcement.created").await.json();
        assert_eq!(audit["items"].as_array().map(Vec::len), Some(2));

        // Three lists, and nothing is in two of them.
        boss.tell(&app, 1).await;
        channels::alert(&app.db, AllTenants::Housekeeping, alpha, (AlertType::CadFileStuck, Severity::Warning), Message::new("x"), json!({})).await.expect("told");
        let mut seen = std::collections::BTreeSet::new();
        for (list, channel) in [("/api/activity", "activity"), (PATH, "notification"), ("/api/v1/alerts", "alert")] {
            let page = boss.guest.get(list).await.json();
            let items = page["items"].as_array().expect("items");
            assert!(!items.is_empty() && items.iter().all(|item| item["channel"] == channel), "{page}");
            assert!(items.iter().all(|item| seen.insert(id(item))));
        }
    }
}
