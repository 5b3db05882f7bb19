//! N55–N63, N69–N71, N75: deliveries are signed, tried again, given up, and hold up no others.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use packshot_db::tasks::{self, Claimer, Completion, Delivery, LaneLimit, OutputFile, Report};
use packshot_db::{AllTenants, TenantScope, testing};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::WorkerId;
use packshot_domain::task::{Lane, QueueName, SERVICE_DEATHS_MAX};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Hooks, LOCAL, PATH, Receiver, Reply, deliver, delivering};
use crate::app::{Installation, TestApp, id, poll};
use crate::glb::Glb;

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

/// The time that a member names, in seconds.
fn seconds(of: &Value, member: &str) -> f64 {
    let text = of[member].as_str().unwrap_or_else(|| panic!("{member} of {of}"));
    let time: packshot_domain::time::Timestamp = text.parse().expect("a time");
    time.unix_ms() as f64 / 1_000.0
}

/// How long after its last attempt a delivery is tried again, in seconds.
fn pause(of: &Value) -> f64 {
    let last = of["attempts"].as_array().and_then(|attempts| attempts.last()).expect("an attempt");
    seconds(of, "next_attempt_at") - seconds(last, "at")
}

/// Moves the clock, and has the service look at once: a change of what tenants may do wakes it.
async fn later(app: &TestApp, hooks: &Hooks<'_>, ms: i64) {
    app.db.move_clock(ms);
    let path = "/api/v1/tenant/config";
    let size = hooks.admin.get(path).await.json()["max_order_size"].as_u64().expect("a number");
    let other = json!({"max_order_size": if size == 200 { 201 } else { 200 }});
    assert_eq!(hooks.admin.send(Method::PATCH, path, &other).await.status, 200);
}

cases! {
    async fn n55_n57_n63_n71_deliveries_are_signed_and_tried_again(engine) {
        let app = delivering(&engine).await;
        let hooks = Hooks::open(&app).await;
        let receiver = Receiver::new();
        let hook = hooks.hook(&receiver.serve().await, &["order.*"]).await;
        let secret = hook["secret"].as_str().expect("a secret").to_owned();
        receiver.replies([Reply::Status(500), Reply::Status(500), Reply::Status(204)]);
        let delivery = hooks.test(&hook).await;
        assert_eq!((&delivery["event_type"], &delivery["attempt"]), (&json!("webhook.test"), &json!(0)));
        let first = hooks.when(&delivery, "pending", 1).await;
        assert!((4.4..6.5).contains(&pause(&first)), "5 s ± 10 %, and what the attempt took: {first}");
        assert_eq!(first["attempts"][0]["status"], 500);
        assert_eq!(hooks.now(&hook).await["consecutive_failures"], 1);
        let busy = hooks.admin.post(&format!("{PATH}/{}/deliveries/{}/redeliver", id(&hook), id(&delivery))).await;
        assert_eq!(busy.problem(), (409, "delivery_in_progress".to_owned()));
        later(&app, &hooks, 6_000).await;
        let second = hooks.when(&delivery, "pending", 2).await;
        assert!((269.0..332.0).contains(&pause(&second)), "5 min ± 10 %: {second}");
        later(&app, &hooks, 331_000).await;
        let third = hooks.when(&delivery, "delivered", 3).await;
        assert_eq!((&third["attempt"], &third["next_attempt_at"]), (&json!(3), &json!(null)));
        assert_eq!((&third["attempts"][2]["status"], &third["attempts"][2]["error"]), (&json!(204), &json!(null)));
        let now = hooks.now(&hook).await;
        assert!(now["consecutive_failures"] == 0 && now["last_success_at"].is_string() && now["last_failure_at"].is_string());
        let got = receiver.got();
        let ids: BTreeSet<String> = got.iter().map(|got| got.header("webhook-id")).collect();
        let times: Vec<u64> = got.iter().map(|got| got.header("webhook-timestamp").parse().expect("seconds")).collect();
        assert_eq!((got.len(), ids.len()), (3, 1));
        assert_eq!(ids.first(), Some(&format!("msg_{}", id(&delivery).replace('-', ""))));
        assert_eq!(third["message_id"], json!(ids.first()));
        assert!(times.is_sorted() && times[0] < times[1] && times[1] < times[2], "{times:?}");
        for got in &got {
            // N55, N56: signed byte for byte, by another implementation.
            assert_eq!(got.signed_by(&[&secret]), [Some(0)]);
            assert_eq!((got.header("content-type"), got.header("content-length")), ("application/json".to_owned(), got.body.len().to_string()));
            assert_eq!(got.body, got.json().to_string().as_bytes(), "without spaces");
            assert_eq!(got.json(), third["payload"]);
        }
        // N63
        let next = hooks.act(&hook, "rotate-secret", json!({"overlap_s": 3600})).await;
        assert!(next["previous_secret_expires_at"].is_string(), "{next}");
        let new = next["secret"].as_str().expect("a secret").to_owned();
        let signed = async |n: usize| {
            hooks.test(&hook).await;
            receiver.when(n).await[n - 1].signed_by(&[&new, &secret])
        };
        assert_eq!(signed(4).await, [Some(0), Some(1)]);
        app.db.move_clock(3_601_000);
        assert_eq!(signed(5).await, [Some(0)]);
        hooks.act(&hook, "rotate-secret", json!({"overlap_s": 0})).await;
        assert_eq!(signed(6).await, [None], "neither of the two");
        // N71
        let again = hooks.act(&hook, &format!("deliveries/{}/redeliver", id(&delivery)), json!({})).await;
        assert_eq!((&again["state"], &again["attempts"], &again["id"]), (&json!("pending"), &json!([]), &delivery["id"]));
        let sent = hooks.when(&delivery, "delivered", 1).await;
        assert_eq!(sent["attempt"], 1);
        let got = receiver.got();
        let last = got.last().expect("a message");
        assert_eq!((got.len(), last.header("webhook-id")), (7, got[0].header("webhook-id")));
        assert!(last.header("webhook-timestamp").parse::<u64>().expect("seconds") > times[2]);
        assert_eq!(last.body, got[0].body);
        receiver.becomes(Reply::Never);
        hooks.act(&hook, &format!("deliveries/{}/redeliver", id(&delivery)), json!({})).await;
        let running = poll(async || hooks.delivery(&delivery).await, |of| of["state"] == "delivering").await;
        assert_eq!((&running["attempt"], &running["next_attempt_at"]), (&json!(1), &json!(null)));
        let busy = hooks.admin.post(&format!("{PATH}/{}/deliveries/{}/redeliver", id(&hook), id(&delivery))).await;
        assert_eq!(busy.problem(), (409, "delivery_in_progress".to_owned()));
    }

    async fn n58_n59_n60_n61_receivers_that_fail(engine) {
        let app = delivering(&engine).await;
        let hooks = Hooks::open(&app).await;
        let (watching, failing) = (Receiver::new(), Receiver::that(Reply::Status(500)));
        let watcher = hooks.hook(&watching.serve().await, &["alert.*"]).await;
        // N61
        let target = Receiver::new();
        let elsewhere = Receiver::that(Reply::With(302, "location", target.serve().await));
        let redirecting = hooks.hook(&elsewhere.serve().await, &["fix.*"]).await;
        let redirected = hooks.test(&redirecting).await;
        let redirected = hooks.when(&redirected, "pending", 1).await;
        assert_eq!((&redirected["attempts"][0]["error"], &redirected["attempts"][0]["status"]), (&json!("redirect"), &json!(302)));
        assert!(target.got().is_empty(), "it is not followed");
        hooks.admin.request(Method::DELETE, &format!("{PATH}/{}", id(&redirecting))).send().await.expect("deleted");
        // N59
        let busy = Receiver::new();
        busy.replies([Reply::With(429, "retry-after", "600".to_owned()), Reply::With(503, "retry-after", "999999".to_owned())]);
        let slow = hooks.hook(&busy.serve().await, &["fix.*"]).await;
        let delivery = hooks.test(&slow).await;
        let first = hooks.when(&delivery, "pending", 1).await;
        assert!((600.0..602.0).contains(&pause(&first)), "{first}");
        later(&app, &hooks, 602_000).await;
        let second = hooks.when(&delivery, "pending", 2).await;
        assert!((86_400.0..86_402.0).contains(&pause(&second)), "a day at most: {second}");
        // N60
        let gone = Receiver::that(Reply::Status(410));
        let of_gone = hooks.hook(&gone.serve().await, &["fix.*"]).await;
        let delivery = hooks.test(&of_gone).await;
        let failed = hooks.when(&delivery, "failed", 1).await;
        assert_eq!(failed["attempts"][0]["status"], 410);
        let now = hooks.now(&of_gone).await;
        assert_eq!((&now["enabled"], &now["disabled_reason"]), (&json!(false), &json!("gone")));
        let [alert] = &hooks.alerts("webhook.disabled").await[..] else { panic!("one alert") };
        assert_eq!((&alert["subject"], &alert["state"]), (&json!({"kind": "webhook", "id": id(&of_gone)}), &json!("open")));
        let told = watching.when(1).await;
        assert_eq!((told[0].event(), &told[0].json()["data"]["alert_id"]), ("alert.opened".to_owned(), &alert["id"]));
        hooks.act(&of_gone, "enable", json!({})).await;
        assert_eq!(hooks.alerts("webhook.disabled").await[0]["state"], "resolved");
        assert_eq!(watching.when(2).await[1].event(), "alert.resolved");
        hooks.act(&of_gone, "disable", json!({})).await;
        // N58
        let hook = hooks.hook(&failing.serve().await, &["order.*"]).await;
        let delivery = hooks.test(&hook).await;
        for n in 1..=8 {
            hooks.when(&delivery, "pending", n).await;
            later(&app, &hooks, 27 * HOUR_MS).await;
        }
        hooks.when(&delivery, "pending", 9).await;
        // Far from its last attempt, whichever of the two is sent first.
        let waiting = hooks.test(&hook).await;
        hooks.when(&waiting, "pending", 1).await;
        later(&app, &hooks, 27 * HOUR_MS).await;
        hooks.when(&delivery, "failed", 10).await;
        let failed = hooks.delivery(&delivery).await;
        assert_eq!((&failed["attempt"], &failed["next_attempt_at"]), (&json!(10), &json!(null)));
        let now = hooks.now(&hook).await;
        assert_eq!((&now["enabled"], &now["disabled_reason"]), (&json!(false), &json!("failing")));
        let open: Vec<Value> = hooks.alerts("webhook.disabled").await.into_iter().filter(|alert| alert["state"] == "open").collect();
        assert_eq!(open.len(), 1, "{open:?}");
        let other = poll(async || hooks.delivery(&waiting).await, |of| of["state"] == "failed").await;
        let n = other["attempts"].as_array().map_or(0, Vec::len);
        assert!(n < 10 && other["attempts"][n - 1]["error"].is_string(), "{other}");
        let dead: Vec<Value> = hooks.alerts("task.dead").await.into_iter().filter(|alert| alert["state"] == "open").collect();
        assert_eq!(dead.len(), 1, "that the webhook is disabled says what became of those that waited: {dead:?}");
        let before = hooks.deliveries(&hook).await.len();
        hooks.submitted().await;
        assert_eq!(hooks.deliveries(&hook).await.len(), before, "nothing more is delivered");
        hooks.act(&hook, "enable", json!({})).await;
        assert_eq!(hooks.now(&hook).await["consecutive_failures"], 0);
        assert_eq!(hooks.delivery(&delivery).await["state"], "failed", "it is not sent again by itself");
        // Sent again, it has another task: the first one is nobody's concern any more, and sends nothing.
        failing.becomes(Reply::Status(204));
        hooks.act(&hook, &format!("deliveries/{}/redeliver", id(&delivery)), json!({})).await;
        hooks.when(&delivery, "delivered", 1).await;
        let alerts = hooks.alerts("task.dead").await;
        let mut over = alerts.iter().filter(|alert| alert["state"] == "resolved" && dead.iter().any(|dead| dead["id"] == alert["id"]));
        let (Some(over), None) = (over.next(), over.next()) else { panic!("one of them is over: {alerts:?}") };
        let first = over["subject"]["id"].as_str().expect("a task").to_owned();
        let n_got = failing.got().len();
        assert_eq!(hooks.admin.post(&format!("/api/v1/tasks/{first}/requeue")).await.status, 200);
        let task = async || hooks.admin.get(&format!("/api/v1/tasks/{first}")).await.json();
        let ended = poll(task, |task| task["state"] == "failed").await;
        assert_eq!((&ended["error"]["code"], failing.got().len()), (&json!("delivery_not_found"), n_got));
        assert_eq!(hooks.delivery(&delivery).await["state"], "delivered");
        assert_eq!(hooks.now(&watcher).await["enabled"], true);
    }

    async fn n69_every_event_comes_once(engine) {
        let n_lines = std::env::var("PACKSHOT_DELIVERED_LINES").map_or(50, |n| n.parse::<usize>().expect("a number"));
        let app = TestApp::idle_with(&engine, &LOCAL).await;
        let hooks = Hooks::open(&app).await;
        let receiver = Receiver::new();
        let hook = hooks.hook(&receiver.serve().await, &["render.completed", "order.rendering_complete"]).await;
        let form = reqwest::multipart::Form::new()
            .part("file", reqwest::multipart::Part::bytes(Glb::body()).file_name("part.glb"));
        let file = crate::app::Reply::of(hooks.admin.request(Method::POST, "/api/v1/cad-files").multipart(form)).await.json();
        let product = json!({"pim_id": "6204", "name": "Lager", "cad_file_id": id(&file)});
        let product = hooks.admin.send(Method::POST, "/api/v1/products", &product).await.json();
        let output_type = hooks.admin.send(Method::POST, "/api/v1/output-types", &json!({"name": "Front"})).await.json();
        let line = json!({"product_id": id(&product), "output_type_id": id(&output_type)});
        let order = hooks.admin.send(Method::POST, "/api/orders", &json!({"lines": vec![line; n_lines]})).await.json();
        hooks.configure(&app, json!({"max_queued_jobs": 1000})).await;
        for action in ["submit", "dispatch"] {
            let done = hooks.admin.send(Method::POST, &format!("/api/orders/{}/{action}", id(&order)), &json!({})).await;
            assert_eq!(done.status, 200, "{action}: {}", done.text());
        }
        for _ in 0..n_lines {
            end_next_line(&app).await;
        }
        // Each first attempt fails.
        receiver.replies(vec![Reply::Status(500); n_lines + 1]);
        let _queue = deliver(&app);
        receiver.when(n_lines + 1).await;
        let waits = async || hooks.admin.get(&format!("{PATH}/{}/deliveries?state=delivering", id(&hook))).await.json();
        poll(waits, |page| page["items"] == json!([])).await;
        later(&app, &hooks, 7_000).await;
        let got = receiver.when(2 * (n_lines + 1)).await;
        assert_eq!(got.len(), 2 * (n_lines + 1));
        let (failed, taken) = got.split_at(n_lines + 1);
        for half in [failed, taken] {
            let ids = |event: &str| -> BTreeSet<String> {
                half.iter().filter(|got| got.event() == event).map(|got| got.header("webhook-id")).collect()
            };
            assert_eq!((ids("render.completed").len(), ids("order.rendering_complete").len()), (n_lines, 1));
        }
        let lines: BTreeSet<String> = taken.iter().map(|got| got.json()["data"]["order_line_id"].to_string()).collect();
        assert_eq!(lines.len(), n_lines + 1, "each line, and the order, which is none");
        let waits = async || hooks.admin.get(&format!("{PATH}/{}/deliveries?state=pending", id(&hook))).await.json();
        poll(waits, |page| page["items"] == json!([])).await;
        assert_eq!(receiver.got().len(), 2 * (n_lines + 1));
    }

    async fn n70_an_attempt_that_was_not_noted_is_made_again(engine) {
        let installation = Installation::new(&engine, &LOCAL).await;
        let app = installation.start(false).await;
        let hooks = Hooks::open(&app).await;
        let receiver = Receiver::that(Reply::Never);
        let hook = hooks.hook(&receiver.serve().await, &["order.*"]).await;
        let delivery = hooks.test(&hook).await;
        // A service that dies while the receiver has the message: all that it does ends at once.
        let other = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let of_other = installation.clone();
        let dying = other.spawn(async move {
            let app = of_other.start(false).await;
            let _queue = deliver(&app);
            std::future::pending::<()>().await;
        });
        let first = receiver.when(1).await;
        poll(async || hooks.delivery(&delivery).await, |of| of["state"] == "delivering").await;
        dying.abort();
        other.shutdown_background();
        receiver.becomes(Reply::Status(204));
        // Its lease expires, and a pause follows as after any fault.
        app.db.move_clock(40_000);
        let _queue = deliver(&app);
        let waiting = poll(async || hooks.delivery(&delivery).await, |of| of["state"] != "delivering").await;
        if waiting["state"] == "pending" {
            app.db.move_clock(10_000);
        }
        let delivered = poll(async || hooks.delivery(&delivery).await, |of| of["state"] == "delivered").await;
        assert_eq!(delivered["attempt"], 2);
        let got = receiver.got();
        assert_eq!((got.len(), got[1].header("webhook-id")), (2, first[0].header("webhook-id")));
        assert_eq!(hooks.deliveries(&hook).await.len(), 1, "the event has one id");
    }

    async fn n75_a_receiver_that_does_not_answer_hurts_nobody(engine) {
        let app = TestApp::idle_with(&engine, &LOCAL).await;
        let hooks = Hooks::open(&app).await;
        let (dead, alive) = (Receiver::that(Reply::Never), Receiver::new());
        let of_dead = hooks.hook(&dead.serve().await, &["order.*"]).await;
        let of_alive = hooks.hook(&alive.serve().await, &["fix.*"]).await;
        let tenant = hooks.admin.get("/api/v1/tenant").await.json();
        let scope = TenantScope::of(id(&tenant).parse().expect("an id"));
        testing::publish(&app.db, scope, "order.submitted".parse().expect("an event"), 1_000).await.expect("written");
        assert_eq!(hooks.deliveries(&of_dead).await.len(), 200, "a page of a thousand");
        let _queue = deliver(&app);
        // As many at once as one webhook may have, and no more.
        dead.when(8).await;
        let begun = Instant::now();
        let delivery = hooks.test(&of_alive).await;
        hooks.when(&delivery, "delivered", 1).await;
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        assert_eq!((dead.got().len(), alive.got().len()), (8, 1));
    }
}

/// Ends the work of the next line that waits, as a worker would.
async fn end_next_line(app: &TestApp) {
    let claimer = Claimer {
        worker: WorkerId::new(),
        queue: QueueName::Render,
        lane: Lane::builtin(),
        limit: LaneLimit::Of(8),
        service_deaths_max: SERVICE_DEATHS_MAX,
    };
    let claimed = tasks::claim(&app.db, AllTenants::Claiming, claimer, 1).await.expect("a claim");
    let claimed = claimed.into_iter().next().expect("a line waits");
    let file = OutputFile {
        name: "result.png".to_owned(),
        format: "png".to_owned(),
        media_type: "image/png".to_owned(),
        address: ContentAddress::of(claimed.lease.task.to_string().as_bytes()),
        size_bytes: 1100,
        width: Some(64),
        height: Some(64),
        movie: None,
    };
    let delivery = Delivery { output: json!({"unmapped_parts": 0}), files: vec![file], ..Delivery::default() };
    let completion = Completion { report: Report { began: true, ..Report::default() }, delivery };
    tasks::complete(&app.db, TenantScope::of(claimed.tenant), claimed.lease, completion).await.expect("completed");
}
